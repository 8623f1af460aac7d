// Floats as Prometheus's chunks have them (Gorilla): each is XORed with the one before. "0" the same · "10" the changed bits
// within the window of the value before · "11" a new window: 5 bits of leading zeros (at most 31), 6 bits of width
// (64 is 0), the changed bits. A chunk of them: 16 bits number of samples · the first time as a varint, its value in 64 bits ·
// the step to the second as a varint, its value · and of each further one how the step differs from the one before, its value.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { HIGH_WORD, LOW_WORD } from '../../model/index.ts';
import { zigzagOf } from '../wire-writer.ts';
import type { BitWriter } from './bit-writer.ts';

/** The value written last, and the window that it was written in. */
export class XorState {
  #high = 0;
  #low = 0;
  /** -1: there was no window yet. */
  #leading = -1;
  #trailing = 0;

  first(bits: BitWriter, high: number, low: number): void {
    bits.putWords(high, low, 64);
    this.#high = high;
    this.#low = low;
    this.#leading = -1;
  }

  next(bits: BitWriter, high: number, low: number): void {
    const h = (high ^ this.#high) >>> 0;
    const l = (low ^ this.#low) >>> 0;
    if (h === 0 && l === 0) {
      bits.put(0, 1);
      return;
    }
    this.#high = high;
    this.#low = low;
    const leading = Math.min(31, h !== 0 ? Math.clz32(h) : 32);
    const trailing = l !== 0 ? trailingZeros(l) : 32 + trailingZeros(h);
    if (this.#leading >= 0 && leading >= this.#leading && trailing >= this.#trailing) bits.put(0b10, 2);
    else {
      this.#leading = leading;
      this.#trailing = trailing;
      bits.put(0b11, 2);
      bits.put(leading, 5);
      bits.put((64 - leading - trailing) & 63, 6);
    }
    const width = 64 - this.#leading - this.#trailing;
    const shift = this.#trailing;
    if (shift === 0) bits.putWords(h, l, width);
    else if (shift >= 32) bits.put(h >>> (shift - 32), width);
    else bits.putWords(h >>> shift, (l >>> shift) | (h << (32 - shift)), width);
  }
}

/** Of a number other than 0. */
function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** Floats at the rows [from, to), as a chunk. */
export function floatChunk(
  bits: BitWriter,
  columns: { readonly timesMs: Float64Array; readonly words: Uint32Array },
  { from, to }: { readonly from: number; readonly to: number },
): Uint8Array {
  const { timesMs, words } = columns;
  bits.clear();
  bits.put(to - from, 16);
  putVarint(bits, zigzagOf(timesMs[from]!));
  const state = new XorState();
  state.first(bits, words[2 * from + HIGH_WORD]!, words[2 * from + LOW_WORD]!);
  let stepMs = 0;
  for (let i = from + 1; i < to; i++) {
    const nextMs = timesMs[i]! - timesMs[i - 1]!;
    if (i === from + 1) putVarint(bits, nextMs);
    else putStep(bits, nextMs - stepMs);
    stepMs = nextMs;
    state.next(bits, words[2 * i + HIGH_WORD]!, words[2 * i + LOW_WORD]!);
  }
  return bits.finish();
}

/** Seven bits a byte, low first, though bytes may lie across others. */
function putVarint(bits: BitWriter, value: number): void {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bits.put((rest % 128) | 128, 8);
  bits.put(rest, 8);
}

function putStep(bits: BitWriter, change: number): void {
  if (change === 0) bits.put(0, 1);
  else if (change > -8192 && change <= 8192) {
    bits.put(0b10, 2);
    bits.put(change, 14);
  } else if (change > -65_536 && change <= 65_536) {
    bits.put(0b110, 3);
    bits.put(change, 17);
  } else if (change > -524_288 && change <= 524_288) {
    bits.put(0b1110, 4);
    bits.put(change, 20);
  } else {
    bits.put(0b1111, 4);
    bits.putWide(change, 64);
  }
}
