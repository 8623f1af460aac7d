// CRC-32 (ISO-HDLC, that of zlib), the checksum of records. Node computes it at some gigabytes a second; a call, and the view
// that it takes, cost as much as a few hundred bytes here.

import { crc32 as zlibCrc32 } from 'node:zlib';
import { makeTables, sliced } from '../base/index.ts';

/** Polynomial 0x04C11DB7, reflected. */
const TABLES: Uint32Array = makeTables(0xedb88320);

/** Below it the call is the larger part. */
const CALL_BYTES_MIN = 320;

/** Checksum of bytes[from … to - 1]; `seed` is the checksum of what came before, 0 at the start. */
export function crc32(bytes: Uint8Array, range: { from: number; to: number }, seed = 0): number {
  const { from, to } = range;
  return to - from < CALL_BYTES_MIN
    ? sliced(TABLES, bytes, range, seed)
    : zlibCrc32(bytes.subarray(from, to), seed);
}
