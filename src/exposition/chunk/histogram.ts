// Chunks of native histograms as Prometheus has them, of whole counts and of float ones: 16 bits number of samples · 8 bits of
// which two say why the chunk begins · the layout, which all share · the samples. Of whole counts the first stands as it is,
// and of each further one how its step differs from the one before; float counts are XORed one with the one before.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import {
  type BucketSpan,
  CUSTOM_BOUNDS,
  HIGH_WORD,
  LOW_WORD,
  type NativeHistogram,
} from '../../model/index.ts';
import type { BitWriter } from './bit-writer.ts';
import { putVarbit, putVarbitUnsigned } from './varbit.ts';
import { XorState } from './xor.ts';

export type ChunkStart = 'unknown' | 'reset' | 'no-reset' | 'gauge';

const STARTS: Readonly<Record<ChunkStart, number>> = {
  unknown: 0,
  'no-reset': 0x40,
  reset: 0x80,
  gauge: 0xc0,
};

export interface TimedHistogram {
  readonly timeMs: number;
  readonly histogram: NativeHistogram;
}

/** Counts beyond it are written as floats: differences of differences of them must be exact. */
const WHOLE_COUNT_MAX = 2 ** 50;

/** Whether a chunk of whole counts can hold it. */
export function hasWholeCounts({ integer, count, zeroCount, ...sides }: NativeHistogram): boolean {
  const isWhole = (one: number): boolean => one >= 0 && one <= WHOLE_COUNT_MAX && Number.isInteger(one);
  return (
    integer &&
    isWhole(count) &&
    isWhole(zeroCount) &&
    sides.positiveCounts.every(isWhole) &&
    sides.negativeCounts.every(isWhole)
  );
}

/** The samples have one layout, and `hasWholeCounts` says the same of all. */
export function histogramChunk(
  bits: BitWriter,
  samples: readonly TimedHistogram[],
  how: { readonly start: ChunkStart; readonly whole: boolean },
): Uint8Array {
  bits.clear();
  bits.put(samples.length, 16);
  bits.put(STARTS[how.start], 8);
  putLayout(bits, samples[0]!.histogram);
  const put = how.whole ? putWholeCounts : putFloatCounts;
  put(bits, samples);
  return bits.finish();
}

function putLayout(bits: BitWriter, histogram: NativeHistogram): void {
  putZeroThreshold(bits, histogram.zeroThreshold);
  putVarbit(bits, histogram.schema);
  putSpans(bits, histogram.positiveSpans);
  putSpans(bits, histogram.negativeSpans);
  if (histogram.schema !== CUSTOM_BOUNDS) return;
  const bounds = histogram.customBounds ?? new Float64Array(0);
  putVarbitUnsigned(bits, bounds.length);
  for (const bound of bounds) putBound(bits, bound);
}

function putSpans(bits: BitWriter, spans: readonly BucketSpan[]): void {
  putVarbitUnsigned(bits, spans.length);
  for (const { offset, length } of spans) {
    putVarbitUnsigned(bits, length);
    putVarbit(bits, offset);
  }
}

/** Powers of two from 2^-243 to 2^10 in one byte, zero as 0; others behind 255 in eight more. */
function putZeroThreshold(bits: BitWriter, threshold: number): void {
  const exponent = Math.round(Math.log2(threshold));
  if (threshold === 0) bits.put(0, 8);
  else if (exponent >= -243 && exponent <= 10 && threshold === 2 ** exponent) bits.put(exponent + 244, 8);
  else {
    bits.put(255, 8);
    putDouble(bits, threshold);
  }
}

/** Whole thousandths up to 33554.43 as a number above zero; others behind a zero bit in eight bytes. */
function putBound(bits: BitWriter, bound: number): void {
  const thousandths = Math.round(bound * 1000);
  const isShort = bound >= 0 && bound * 1000 <= 33_554_430 && thousandths / 1000 === bound;
  if (isShort && !Object.is(bound, -0)) putVarbitUnsigned(bits, thousandths + 1);
  else {
    bits.put(0, 1);
    putDouble(bits, bound);
  }
}

function putWholeCounts(bits: BitWriter, samples: readonly TimedHistogram[]): void {
  const first = samples[0]!;
  let before = wholeNumbers(first);
  let steps = new Float64Array(before.length);
  putVarbit(bits, first.timeMs);
  putVarbitUnsigned(bits, before[1]!);
  putVarbitUnsigned(bits, before[2]!);
  const sum = new XorState();
  sum.first(bits, ...wordsOfDouble(first.histogram.sum));
  for (let k = 3; k < before.length; k++) putVarbit(bits, before[k]!);
  for (let i = 1; i < samples.length; i++) {
    const now = wholeNumbers(samples[i]!);
    const nowSteps = new Float64Array(now.length);
    for (let k = 0; k < now.length; k++) {
      if (k === 3) sum.next(bits, ...wordsOfDouble(samples[i]!.histogram.sum));
      nowSteps[k] = now[k]! - before[k]!;
      putVarbit(bits, nowSteps[k]! - steps[k]!);
    }
    if (now.length === 3) sum.next(bits, ...wordsOfDouble(samples[i]!.histogram.sum));
    before = now;
    steps = nowSteps;
  }
}

/** Time, count, zero count, and of each side how much each bucket differs from the one beside it. */
function wholeNumbers({ timeMs, histogram }: TimedHistogram): Float64Array {
  const { positiveCounts, negativeCounts } = histogram;
  const numbers = new Float64Array(3 + positiveCounts.length + negativeCounts.length);
  numbers.set([timeMs, histogram.count, histogram.zeroCount]);
  let at = 3;
  for (const counts of [positiveCounts, negativeCounts]) {
    let beside = 0;
    for (const count of counts) {
      numbers[at++] = count - beside;
      beside = count;
    }
  }
  return numbers;
}

function putFloatCounts(bits: BitWriter, samples: readonly TimedHistogram[]): void {
  const { positiveCounts, negativeCounts } = samples[0]!.histogram;
  const states = Array.from(
    { length: 3 + positiveCounts.length + negativeCounts.length },
    () => new XorState(),
  );
  let stepMs = 0;
  samples.forEach(({ timeMs, histogram }, i) => {
    if (i === 0) putVarbit(bits, timeMs);
    else {
      const nextMs = timeMs - samples[i - 1]!.timeMs;
      putVarbit(bits, nextMs - stepMs);
      stepMs = nextMs;
    }
    const { count, zeroCount, sum } = histogram;
    const numbers = [count, zeroCount, sum, ...histogram.positiveCounts, ...histogram.negativeCounts];
    for (let k = 0; k < numbers.length; k++) {
      const words = wordsOfDouble(numbers[k]!);
      if (i === 0) states[k]!.first(bits, ...words);
      else states[k]!.next(bits, ...words);
    }
  });
}

function putDouble(bits: BitWriter, value: number): void {
  bits.putWords(...wordsOfDouble(value), 64);
}

function wordsOfDouble(value: number): [high: number, low: number] {
  const words = new Uint32Array(Float64Array.of(value).buffer);
  return [words[HIGH_WORD]!, words[LOW_WORD]!];
}
