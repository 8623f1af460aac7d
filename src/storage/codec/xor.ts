// Any floats: each value XORed with the one before (Gorilla, as Prometheus has it). The first takes 64 bits; then
// "0" same bits · "10" the changed bits within the window of the value before · "11" a new window: 5 bits of leading
// zeros (at most 31), 6 bits of width less one, the changed bits. Bits are laid low first (bits.ts).
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { HIGH_WORD, LOW_WORD } from '../../model/index.ts';
import { readBits, writeBits } from './bits.ts';
import type { ColumnRoom } from './room.ts';

/** A value takes at most 2 + 5 + 6 + 64 bits. */
export function xorBytesMax(count: number): number {
  return Math.ceil((count * 77) / 8) + 1;
}

/** Writes `count` values to `out`, which must be zero, and returns the bytes taken. */
export function writeXor(out: Uint8Array, words: Uint32Array, count: number): number {
  let high = words[HIGH_WORD]!;
  let low = words[LOW_WORD]!;
  let position = writeBits(out, writeBits(out, 0, low, 32), high, 32);
  let leading = -1;
  let trailing = 0;
  for (let i = 1; i < count; i++) {
    const nextHigh = words[2 * i + HIGH_WORD]!;
    const nextLow = words[2 * i + LOW_WORD]!;
    const h = (high ^ nextHigh) >>> 0;
    const l = (low ^ nextLow) >>> 0;
    high = nextHigh;
    low = nextLow;
    if (h === 0 && l === 0) {
      position++;
      continue;
    }
    const lead = Math.min(31, h !== 0 ? Math.clz32(h) : 32 + Math.clz32(l));
    const trail = l !== 0 ? trailingZeros(l) : 32 + trailingZeros(h);
    if (leading >= 0 && lead >= leading && trail >= trailing) {
      position = writeBits(out, position, 0b01, 2);
    } else {
      leading = lead;
      trailing = trail;
      position = writeBits(out, position, 0b11, 2);
      position = writeBits(out, position, leading, 5);
      position = writeBits(out, position, 63 - leading - trailing, 6);
    }
    const width = 64 - leading - trailing;
    const shiftedLow =
      trailing === 0 ? l : trailing >= 32 ? h >>> (trailing - 32) : (l >>> trailing) | (h << (32 - trailing));
    position = writeBits(out, position, shiftedLow, Math.min(32, width));
    if (width > 32) position = writeBits(out, position, h >>> trailing, width - 32);
  }
  return (position + 7) >>> 3;
}

/** The column begins at bit `start` of the bytes. */
export function readXor(bytes: Uint8Array, start: number, into: ColumnRoom): void {
  const { words, count } = into;
  let low = readBits(bytes, start, 32);
  let high = readBits(bytes, start + 32, 32);
  let position = start + 64;
  let to = 2 * into.at;
  words[to + LOW_WORD] = low;
  words[to + HIGH_WORD] = high;
  let width = 64;
  let trailing = 0;
  for (let i = 1; i < count; i++) {
    to += 2;
    // The two bits of a value, and what follows them of a new window.
    const head = readBits(bytes, position, 13);
    if ((head & 1) === 0) {
      position++;
    } else {
      position += 2;
      if ((head & 2) !== 0) {
        width = (head >>> 7) + 1;
        position += 11;
        // Damaged bytes cannot come here (a checksum is before), but the shift must stay in range whatever comes.
        trailing = Math.max(0, 64 - ((head >>> 2) & 31) - width);
      }
      const a = readBits(bytes, position, Math.min(32, width));
      const b = width > 32 ? readBits(bytes, position + 32, width - 32) : 0;
      position += width;
      if (trailing >= 32) {
        high ^= a << (trailing - 32);
      } else if (trailing > 0) {
        low ^= a << trailing;
        high ^= (b << trailing) | (a >>> (32 - trailing));
      } else {
        low ^= a;
        high ^= b;
      }
    }
    words[to + LOW_WORD] = low;
    words[to + HIGH_WORD] = high;
  }
}

/** Of a number other than 0. */
function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
