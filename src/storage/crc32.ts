// CRC-32 (ISO-HDLC, that of zlib), the checksum of records. Node computes it at some gigabytes a second; a call takes as long
// as a hundred bytes here.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { crc32 as zlibCrc32 } from 'node:zlib';

/** Reflected polynomial 0x04C11DB7. */
const POLYNOMIAL = 0xedb88320;

/** Below it the call is the larger part. */
const CALL_BYTES_MIN = 64;

const TABLE: Uint32Array = makeTable();

/** Checksum of bytes[from … to - 1]; `seed` is the checksum of what came before, 0 at the start. */
export function crc32(bytes: Uint8Array, range: { from: number; to: number }, seed = 0): number {
  const { from, to } = range;
  if (to - from >= CALL_BYTES_MIN) return zlibCrc32(bytes.subarray(from, to), seed);
  let crc = ~seed;
  for (let i = from; i < to; i++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[i]!) & 255]!;
  return ~crc >>> 0;
}

function makeTable(): Uint32Array {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    table[byte] = crc;
  }
  return table;
}
