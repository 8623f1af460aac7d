// Bits in a byte array, low bit of a byte first. The bytes written to must be zero before.
// Positions are counted in bits from the start of the array.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

/** Writes the low `width` (0 … 32) bits of `value` and returns the position behind them. */
export function writeBits(out: Uint8Array, position: number, value: number, width: number): number {
  let byte = position >>> 3;
  let shift = position & 7;
  let rest = value;
  let left = width;
  while (left > 0) {
    const take = Math.min(8 - shift, left);
    out[byte] = out[byte]! | ((rest & ((1 << take) - 1)) << shift);
    rest >>>= take;
    left -= take;
    shift = 0;
    byte++;
  }
  return position + width;
}

/** Reads `width` (0 … 32) bits; bits past the end are zero. */
export function readBits(bytes: Uint8Array, position: number, width: number): number {
  const byte = position >>> 3;
  const shift = position & 7;
  // Past the end there is undefined, which is 0 to these operators.
  const word = bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16) | (bytes[byte + 3]! << 24);
  if (shift + width <= 32) {
    const value = word >>> shift;
    return width === 32 ? value : value & ((1 << width) - 1);
  }
  const value = (word >>> shift) | (bytes[byte + 4]! << (32 - shift));
  return width === 32 ? value >>> 0 : (value & ((1 << width) - 1)) >>> 0;
}

/** Whole numbers from 0 to 2^53 in `width` (0 … 53) bits. */
export function writeWide(out: Uint8Array, position: number, value: number, width: number): number {
  if (width <= 32) return writeBits(out, position, value, width);
  const next = writeBits(out, position, value >>> 0, 32);
  return writeBits(out, next, Math.floor(value / 0x1_0000_0000), width - 32);
}

export function readWide(bytes: Uint8Array, position: number, width: number): number {
  if (width <= 32) return readBits(bytes, position, width);
  return readBits(bytes, position, 32) + readBits(bytes, position + 32, width - 32) * 0x1_0000_0000;
}

/** Bits needed for a whole number from 0 to 2^53. */
export function bitWidth(value: number): number {
  if (value < 0x1_0000_0000) return 32 - Math.clz32(value);
  return 64 - Math.clz32(Math.floor(value / 0x1_0000_0000));
}
