// Native histograms out of Prometheus's chunks; histogram.ts and varbit.ts say how they lie in them.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { err, ok, type Result } from '../../base/index.ts';
import {
  type BucketSpan,
  CUSTOM_BOUNDS,
  HIGH_WORD,
  LOW_WORD,
  type NativeHistogram,
} from '../../model/index.ts';
import type { BitReader } from './bit-reader.ts';
import { type Columns, XorReader } from './read-xor.ts';

/** Of all samples of a chunk together: 32 MB of them. Real chunks have some thousand. */
const BUCKETS_MAX = 4 * 1024 * 1024;

const WIDTHS = [0, 3, 6, 9, 12, 18, 25, 56];

interface Layout {
  readonly start: number;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positiveSpans: readonly BucketSpan[];
  readonly negativeSpans: readonly BucketSpan[];
  readonly customBounds: Float64Array | undefined;
  readonly positive: number;
  readonly negative: number;
}

/** Times go to the column; so do the sums, by their bits: a NaN among them may be the stale marker. */
export function readHistograms(
  bits: BitReader,
  wanted: Columns & { readonly count: number; readonly whole: boolean },
): Result<readonly NativeHistogram[], string> {
  const layout = readLayout(bits);
  if (!layout.ok) return layout;
  const buckets = layout.value.positive + layout.value.negative;
  // Each takes a bit at least in each sample.
  if (wanted.count * (buckets + 3) > bits.left)
    return err('the chunk is too short for the buckets of its histograms');
  if (wanted.count * buckets > BUCKETS_MAX)
    return err(`the chunk has more than ${BUCKETS_MAX} buckets in all its histograms`);
  return ok(
    wanted.whole ? readWhole(bits, layout.value, wanted) : readFloatCounts(bits, layout.value, wanted),
  );
}

function readLayout(bits: BitReader): Result<Layout, string> {
  const start = bits.take(8) >>> 6;
  const threshold = bits.take(8);
  const zeroThreshold = threshold === 0 ? 0 : threshold === 255 ? readDouble(bits) : 2 ** (threshold - 244);
  const schema = readVarbit(bits);
  const positive = readSpans(bits);
  const negative = positive && readSpans(bits);
  if (positive === undefined || negative === undefined)
    return err('the spans of the histograms make no sense');
  const custom = schema === CUSTOM_BOUNDS ? readBounds(bits) : undefined;
  if (bits.failed || (schema === CUSTOM_BOUNDS && custom === undefined))
    return err('the layout of the histograms makes no sense');
  if (schema !== CUSTOM_BOUNDS && !(schema >= -4 && schema <= 8))
    return err(`the histograms have the schema ${schema}, which this version does not know`);
  return ok({
    ...{ start, schema, zeroThreshold, customBounds: custom },
    ...{ positiveSpans: positive.spans, positive: positive.buckets },
    ...{ negativeSpans: negative.spans, negative: negative.buckets },
  });
}

/** Undefined where they claim more than the chunk can hold. */
function readSpans(
  bits: BitReader,
): { readonly spans: readonly BucketSpan[]; readonly buckets: number } | undefined {
  const count = readVarbitUnsigned(bits);
  if (2 * count > bits.left) return undefined;
  const spans: BucketSpan[] = [];
  let buckets = 0;
  for (let i = 0; i < count; i++) {
    const length = readVarbitUnsigned(bits);
    spans.push({ offset: readVarbit(bits), length });
    buckets += length;
    if (bits.failed) return undefined;
  }
  return buckets > Math.max(0, bits.left) ? undefined : { spans, buckets };
}

function readBounds(bits: BitReader): Float64Array | undefined {
  const count = readVarbitUnsigned(bits);
  if (count > bits.left) return undefined;
  const bounds = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const thousandths = readVarbitUnsigned(bits);
    bounds[i] = thousandths === 0 ? readDouble(bits) : (thousandths - 1) / 1000;
    if (bits.failed) return undefined;
  }
  return bounds;
}

/** Whole counts: time, count, zero count and each bucket beside the one before it; from the third sample on steps of steps. */
function readWhole(
  bits: BitReader,
  layout: Layout,
  { count, timesMs, words }: Columns & { readonly count: number },
): readonly NativeHistogram[] {
  const buckets = layout.positive + layout.negative;
  const values = new Float64Array(3 + buckets);
  const steps = new Float64Array(3 + buckets);
  const sum = new XorReader();
  const histograms: NativeHistogram[] = [];
  for (let i = 0; i < count && !bits.failed; i++) {
    for (let k = 0; k < values.length || k === 3; k++) {
      if (k === 3) {
        if (i === 0) sum.first(bits);
        else sum.next(bits);
        if (buckets === 0) break;
      }
      if (i === 0) values[k] = k === 1 || k === 2 ? readVarbitUnsigned(bits) : readVarbit(bits);
      else {
        steps[k]! += readVarbit(bits);
        values[k]! += steps[k]!;
      }
      if (bits.failed) return histograms;
    }
    timesMs[i] = values[0]!;
    putSum(words, i, sum);
    const { positive } = layout;
    const counts = {
      positive: summed(values.subarray(3, 3 + positive)),
      negative: summed(values.subarray(3 + positive)),
    };
    histograms.push(histogramOf(layout, i, { count: values[1]!, zeroCount: values[2]!, sum, counts }, true));
  }
  return histograms;
}

function summed(deltas: Float64Array): Float64Array {
  const counts = new Float64Array(deltas.length);
  let sum = 0;
  for (let i = 0; i < deltas.length; i++) {
    sum += deltas[i]!;
    counts[i] = sum;
  }
  return counts;
}

function readFloatCounts(
  bits: BitReader,
  layout: Layout,
  { count, timesMs, words }: Columns & { readonly count: number },
): readonly NativeHistogram[] {
  const buckets = layout.positive + layout.negative;
  const states = Array.from({ length: 3 + buckets }, () => new XorReader());
  const histograms: NativeHistogram[] = [];
  let timeMs = 0;
  let stepMs = 0;
  for (let i = 0; i < count && !bits.failed; i++) {
    if (i === 0) timeMs = readVarbit(bits);
    else {
      stepMs += readVarbit(bits);
      timeMs += stepMs;
    }
    timesMs[i] = timeMs;
    for (const state of states) {
      if (i === 0) state.first(bits);
      else state.next(bits);
      if (bits.failed) return histograms;
    }
    const sum = states[2]!;
    putSum(words, i, sum);
    const { positive } = layout;
    const counts = {
      positive: doublesOf(states, 3, positive),
      negative: doublesOf(states, 3 + positive, layout.negative),
    };
    const totals = { count: doubleOf(states[0]!), zeroCount: doubleOf(states[1]!), sum, counts };
    histograms.push(histogramOf(layout, i, totals, false));
  }
  return histograms;
}

const RESET = 2;
const GAUGE = 3;

function histogramOf(
  layout: Layout,
  i: number,
  read: {
    readonly count: number;
    readonly zeroCount: number;
    readonly sum: XorReader;
    readonly counts: { readonly positive: Float64Array; readonly negative: Float64Array };
  },
  integer: boolean,
): NativeHistogram {
  const { start, schema, zeroThreshold, positiveSpans, negativeSpans, customBounds } = layout;
  // What Prometheus's reader says: within a chunk of counters nothing is reset.
  const later = i > 0 ? 'no-reset' : start === RESET ? 'reset' : 'unknown';
  return {
    ...{ schema, zeroThreshold, positiveSpans, negativeSpans, integer },
    ...{ count: read.count, zeroCount: read.zeroCount, sum: doubleOf(read.sum) },
    ...{ positiveCounts: read.counts.positive, negativeCounts: read.counts.negative },
    ...(customBounds && { customBounds }),
    resetHint: start === GAUGE ? 'gauge' : later,
  };
}

function putSum(words: Uint32Array, i: number, sum: XorReader): void {
  words[2 * i + HIGH_WORD] = sum.high;
  words[2 * i + LOW_WORD] = sum.low;
}

function doublesOf(states: readonly XorReader[], from: number, count: number): Float64Array {
  const values = new Float64Array(count);
  const words = new Uint32Array(values.buffer);
  for (let i = 0; i < count; i++) putSum(words, i, states[from + i]!);
  return values;
}

function doubleOf({ high, low }: { readonly high: number; readonly low: number }): number {
  const words = new Uint32Array(2);
  words[HIGH_WORD] = high;
  words[LOW_WORD] = low;
  return new Float64Array(words.buffer)[0]!;
}

function readDouble(bits: BitReader): number {
  return doubleOf({ high: bits.take(32), low: bits.take(32) });
}

function readVarbit(bits: BitReader): number {
  const ones = bits.ones(8);
  if (ones === 0) return 0;
  if (ones === 8) return bits.takeWide(64);
  const width = WIDTHS[ones]!;
  // Its one number more above zero is beyond what is exact.
  if (width > 32) return bits.takeWide(width);
  const value = bits.take(width);
  return value > 2 ** (width - 1) ? value - 2 ** width : value;
}

function readVarbitUnsigned(bits: BitReader): number {
  const ones = bits.ones(8);
  if (ones === 0) return 0;
  if (ones === 8) return bits.takeWideUnsigned(64);
  const width = WIDTHS[ones]!;
  return width > 32 ? bits.takeWideUnsigned(width) : bits.take(width);
}
