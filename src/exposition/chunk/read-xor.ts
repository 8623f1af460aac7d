// Floats out of Prometheus's chunks; xor.ts says how they lie in them.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { HIGH_WORD, LOW_WORD } from '../../model/index.ts';
import type { BitReader } from './bit-reader.ts';

export interface Columns {
  readonly timesMs: Float64Array;
  /** Of the values. */
  readonly words: Uint32Array;
}

/** One value after the other, each by what it differs from the one before. */
export class XorReader {
  high = 0;
  low = 0;
  #leading = 0;
  #trailing = 0;

  first(bits: BitReader): void {
    this.high = bits.take(32);
    this.low = bits.take(32);
  }

  next(bits: BitReader): void {
    const control = bits.ones(2);
    if (control === 0) return;
    if (control === 2) {
      this.#leading = bits.take(5);
      const width = bits.take(6) || 64;
      this.#trailing = 64 - this.#leading - width;
      if (this.#trailing < 0) {
        this.#trailing = 0;
        bits.fail();
        return;
      }
    }
    const width = 64 - this.#leading - this.#trailing;
    const shift = this.#trailing;
    if (width > 32) {
      const high = bits.take(width - 32);
      const low = bits.take(32);
      this.high = (this.high ^ (shift === 0 ? high : (high << shift) | (low >>> (32 - shift)))) >>> 0;
      this.low = (this.low ^ (low << shift)) >>> 0;
      return;
    }
    const changed = bits.take(width);
    if (shift >= 32) {
      this.high = (this.high ^ (changed << (shift - 32))) >>> 0;
      return;
    }
    if (shift > 0) this.high = (this.high ^ (changed >>> (32 - shift))) >>> 0;
    this.low = (this.low ^ (changed << shift)) >>> 0;
  }
}

/** The samples behind the count. Whether they make sense, the reader knows afterwards. */
export function readFloats(bits: BitReader, count: number, { timesMs, words }: Columns): void {
  const value = new XorReader();
  let timeMs = 0;
  let stepMs = 0;
  for (let i = 0; i < count; i++) {
    if (i === 0) {
      const zigzag = bits.varint();
      timeMs = zigzag % 2 === 1 ? -(zigzag + 1) / 2 : zigzag / 2;
      value.first(bits);
    } else {
      stepMs = i === 1 ? bits.varint() : stepMs + readStep(bits);
      timeMs += stepMs;
      value.next(bits);
    }
    timesMs[i] = timeMs;
    words[2 * i + HIGH_WORD] = value.high;
    words[2 * i + LOW_WORD] = value.low;
    if (bits.failed) return;
  }
}

/** By how much a step differs from the one before. */
function readStep(bits: BitReader): number {
  const ones = bits.ones(4);
  if (ones === 0) return 0;
  if (ones === 4) return bits.takeWide(64);
  const width = STEP_WIDTHS[ones]!;
  const value = bits.take(width);
  // One number more above zero than below.
  return value > 2 ** (width - 1) ? value - 2 ** width : value;
}

const STEP_WIDTHS = [0, 14, 17, 20];
