// Whole numbers in as many bits as Prometheus's histogram chunks give them: small ones, which are most, in few.

import type { BitWriter } from './bit-writer.ts';

/** Widths of the classes behind the prefixes 10, 110, 1110, …; what fits none of them takes 64 bits behind eight ones. */
const WIDTHS = [3, 6, 9, 12, 18, 25, 56];

/** A number of either sign up to 2^53. */
export function putVarbit(bits: BitWriter, value: number): void {
  // A class of n bits holds one number more above zero than a two's complement does, and one less below.
  putClassed(bits, value, width => -(2 ** (width - 1)) < value && value <= 2 ** (width - 1));
}

export function putVarbitUnsigned(bits: BitWriter, value: number): void {
  putClassed(bits, value, width => value < 2 ** width);
}

function putClassed(bits: BitWriter, value: number, fits: (width: number) => boolean): void {
  if (value === 0) {
    bits.put(0, 1);
    return;
  }
  const index = WIDTHS.findIndex(fits);
  if (index < 0) {
    bits.put(0xff, 8);
    bits.putWide(value, 64);
    return;
  }
  const prefixBits = index + 2;
  bits.put(2 ** prefixBits - 2, prefixBits);
  const width = WIDTHS[index] ?? 64;
  if (width > 32) bits.putWide(value, width);
  else bits.put(value, width);
}
