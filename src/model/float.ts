// Prometheus's two special NaNs, told apart by their words. A value that passed through a JavaScript number
// may have lost its signalling bit, so staleness is written to and read from typed arrays only.

/** High and low word of the staleness marker 0x7ff0000000000002. */
export const STALE_HIGH = 0x7ff00000;
export const STALE_LOW = 0x00000002;
/** High and low word of Prometheus's ordinary NaN 0x7ff8000000000001. */
export const NAN_HIGH = 0x7ff80000;
export const NAN_LOW = 0x00000001;

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
/** Index of the high word within the pair of words of a float64 in this machine's byte order. */
export const HIGH_WORD = littleEndian ? 1 : 0;
export const LOW_WORD = littleEndian ? 0 : 1;

/** The words of a float column: the same memory, two entries a value. */
export function wordsOf(values: Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
}

/** Whether entry `i` of the column behind `words` is the staleness marker. */
export function isStaleAt(words: Uint32Array, i: number): boolean {
  return words[2 * i + HIGH_WORD] === STALE_HIGH && words[2 * i + LOW_WORD] === STALE_LOW;
}

/** The bits of an exponent that NaNs and infinities have, all of them. */
const EXPONENT = 0x7ff00000;

/** Whether entry `i` is neither a NaN nor infinite. */
export function isFiniteAt(words: Uint32Array, i: number): boolean {
  return ((words[2 * i + HIGH_WORD] as number) & EXPONENT) !== EXPONENT;
}

export function setStaleAt(words: Uint32Array, i: number): void {
  words[2 * i + HIGH_WORD] = STALE_HIGH;
  words[2 * i + LOW_WORD] = STALE_LOW;
}

/** The values at these indices, in their order, bit by bit. */
export function valuesAt(values: Float64Array, indices: ArrayLike<number>): Float64Array {
  const picked = new Float64Array(indices.length);
  const from = wordsOf(values);
  const to = wordsOf(picked);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number;
    to[2 * i] = from[2 * index] as number;
    to[2 * i + 1] = from[2 * index + 1] as number;
  }
  return picked;
}
