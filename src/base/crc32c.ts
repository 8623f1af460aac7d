// CRC-32C (Castagnoli), the checksum of pages of blocks, of frames of a remote read, and of records that earlier versions wrote.

import { makeTables, sliced } from './crc-tables.ts';

/** Polynomial 0x1EDC6F41, reflected. */
const TABLES: Uint32Array = /* @__PURE__ */ makeTables(0x82f63b78);

/** Checksum of bytes[from … to - 1]; `seed` is the checksum of what came before, 0 at the start. */
export function crc32c(bytes: Uint8Array, range: { from: number; to: number }, seed = 0): number {
  return sliced(TABLES, bytes, range, seed);
}
