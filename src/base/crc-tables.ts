// Checksums by slicing by eight: eight table look-ups take eight bytes.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

/** Eight tables of 256 entries, one behind the other: table k is the effect of a byte followed by k zero bytes. */
export function makeTables(reflectedPolynomial: number): Uint32Array {
  const tables = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ reflectedPolynomial : crc >>> 1;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const shorter = tables[i - 256]!;
    tables[i] = (shorter >>> 8) ^ tables[shorter & 255]!;
  }
  return tables;
}

/** Checksum of bytes[from … to - 1]; `seed` is the checksum of what came before, 0 at the start. */
export function sliced(
  t: Uint32Array,
  bytes: Uint8Array,
  range: { readonly from: number; readonly to: number },
  seed: number,
): number {
  let crc = ~seed;
  let i = range.from;
  const wide = range.from + ((range.to - range.from) & ~7);
  for (; i < wide; i += 8) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc =
      t[1792 + (crc & 255)]! ^
      t[1536 + ((crc >>> 8) & 255)]! ^
      t[1280 + ((crc >>> 16) & 255)]! ^
      t[1024 + (crc >>> 24)]! ^
      t[768 + bytes[i + 4]!]! ^
      t[512 + bytes[i + 5]!]! ^
      t[256 + bytes[i + 6]!]! ^
      t[bytes[i + 7]!]!;
  }
  for (; i < range.to; i++) crc = (crc >>> 8) ^ t[(crc ^ bytes[i]!) & 255]!;
  return ~crc >>> 0;
}
