// The buckets of a native histogram: their bounds, and the two forms in which they are worked with: by absolute index for
// arithmetic, and with their bounds, from the lowest to the highest, for estimates.
// Bounds as in Prometheus's model: bucket `index` of schema s covers (2^((index-1)/2^s), 2^(index/2^s)].
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import type { BucketSpan, NativeHistogram } from '../sample.ts';
import { CUSTOM_BOUNDS } from './limits.ts';

/** Counts by absolute index, indices rising. `lost` is what rounding has taken from each count (Kahan–Neumaier). */
export interface Side {
  readonly indices: Int32Array;
  readonly counts: Float64Array;
  readonly lost: Float64Array;
}

export const NO_SIDE: Side = {
  indices: new Int32Array(0),
  counts: new Float64Array(0),
  lost: new Float64Array(0),
};

export function isCustom({ schema }: Pick<NativeHistogram, 'schema'>): boolean {
  return schema === CUSTOM_BOUNDS;
}

export function boundsOf({ customBounds }: NativeHistogram): Float64Array {
  return customBounds ?? NO_BOUNDS;
}

const NO_BOUNDS = new Float64Array(0);

/** Upper bound of an exponential bucket, of absolute values. The last finite one ends at the largest number. */
export function upperBound(index: number, schema: number): number {
  if (schema < 0) return capped(2 ** (index * 2 ** -schema), (index - 1) * 2 ** -schema);
  const parts = 2 ** schema;
  const whole = Math.floor(index / parts);
  const part = index - whole * parts;
  return capped(part === 0 ? 2 ** whole : 2 ** (part / parts) * 2 ** whole, (index - 1) / parts);
}

const EXPONENT_MAX = 1024;

function capped(bound: number, exponentBefore: number): number {
  return bound === Number.POSITIVE_INFINITY && exponentBefore < EXPONENT_MAX ? Number.MAX_VALUE : bound;
}

export function sideOf(spans: readonly BucketSpan[], counts: Float64Array): Side {
  if (counts.length === 0) return NO_SIDE;
  const indices = new Int32Array(counts.length);
  let index = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++) indices[at++] = index++;
  }
  return { indices, counts, lost: new Float64Array(counts.length) };
}

/** Spans and counts as a histogram has them, without the buckets that are empty. */
export function spansOf({ indices, counts, lost }: Side): {
  readonly spans: readonly BucketSpan[];
  readonly counts: Float64Array;
} {
  const spans: { offset: number; length: number }[] = [];
  const kept: number[] = [];
  let next = 0;
  for (let i = 0; i < indices.length; i++) {
    const count = counts[i]! + lost[i]!;
    if (count === 0) continue;
    const index = indices[i]!;
    const last = spans.at(-1);
    if (last !== undefined && index === next) last.length++;
    else spans.push({ offset: index - next, length: 1 });
    kept.push(count);
    next = index + 1;
  }
  return { spans, counts: Float64Array.from(kept) };
}

/** Buckets under other indices, where `indexOf` does not fall: those that meet are added up. */
export function moved({ indices, counts, lost }: Side, indexOf: (index: number) => number): Side {
  const to = new Int32Array(indices.length);
  const sums = new Float64Array(indices.length);
  const rest = new Float64Array(indices.length);
  let n = 0;
  for (let i = 0; i < indices.length; i++) {
    const index = indexOf(indices[i]!);
    if (n === 0 || to[n - 1] !== index) to[n++] = index;
    sums[n - 1] = sums[n - 1]! + counts[i]!;
    rest[n - 1] = rest[n - 1]! + lost[i]!;
  }
  return { indices: to.subarray(0, n), counts: sums.subarray(0, n), lost: rest.subarray(0, n) };
}

/** In buckets 2^steps times as wide by exponent. */
export function coarser(side: Side, steps: number): Side {
  return steps === 0 ? side : moved(side, index => ((index - 1) >> steps) + 1);
}

/** The bounds that both have. */
export function commonBounds(a: Float64Array, b: Float64Array): Float64Array {
  const known = new Set(b);
  return a.filter(bound => known.has(bound));
}

export function sameBounds(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((bound, i) => bound === b[i]);
}

/** Custom buckets over fewer bounds: each goes to the first that still holds it whole. */
export function rebounded(side: Side, from: Float64Array, to: Float64Array): Side {
  return moved(side, index => {
    const upper = index < from.length ? from[index]! : Number.POSITIVE_INFINITY;
    const at = to.findIndex(bound => bound >= upper);
    return at < 0 ? to.length : at;
  });
}

/** A bucket with its bounds as numbers on the line: lower < upper. */
export interface Bucket {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

/** The middle by exponent of a bucket that lies on one side of zero. */
export function middleByExponent({ lower, upper }: Pick<Bucket, 'lower' | 'upper'>): number {
  return upper < 0 ? -Math.sqrt(lower * upper) : Math.sqrt(lower * upper);
}

/** Also whether what equals a bound is in it. */
export interface HistogramBucket extends Bucket {
  readonly lowerInclusive: boolean;
  readonly upperInclusive: boolean;
}

/**
 * All buckets from the lowest to the highest, empty ones left out. The zero bucket stands between the negative and the
 * positive ones, which end where it begins.
 */
export function bucketsOf(histogram: NativeHistogram): HistogramBucket[] {
  return isCustom(histogram) ? customBuckets(histogram) : exponentialBuckets(histogram);
}

function customBuckets(histogram: NativeHistogram): HistogramBucket[] {
  const bounds = boundsOf(histogram);
  const { indices, counts } = sideOf(histogram.positiveSpans, histogram.positiveCounts);
  const buckets: HistogramBucket[] = [];
  indices.forEach((index, i) => {
    if (counts[i] === 0) return;
    const ends = { lowerInclusive: index === 0, upperInclusive: true };
    buckets.push({ ...customBucket(bounds, index), ...ends, count: counts[i]! });
  });
  return buckets;
}

export function customBucket(
  bounds: Float64Array,
  index: number,
): { readonly lower: number; readonly upper: number } {
  return {
    lower: index === 0 ? Number.NEGATIVE_INFINITY : bounds[index - 1]!,
    upper: index < bounds.length ? bounds[index]! : Number.POSITIVE_INFINITY,
  };
}

function exponentialBuckets(histogram: NativeHistogram): HistogramBucket[] {
  const { schema, zeroThreshold, zeroCount } = histogram;
  const positive = sideOf(histogram.positiveSpans, histogram.positiveCounts);
  const negative = sideOf(histogram.negativeSpans, histogram.negativeCounts);
  const buckets: HistogramBucket[] = [];
  for (let i = negative.indices.length - 1; i >= 0; i--) {
    if (negative.counts[i] === 0) continue;
    const { lower, upper } = exponentialBucket(negative.indices[i]!, schema, zeroThreshold);
    const ends = { lowerInclusive: true, upperInclusive: false };
    buckets.push({ lower: -upper, upper: -lower, ...ends, count: negative.counts[i]! });
  }
  if (zeroCount !== 0) {
    const ends = { lowerInclusive: true, upperInclusive: true };
    buckets.push({ lower: -zeroThreshold, upper: zeroThreshold, ...ends, count: zeroCount });
  }
  for (let i = 0; i < positive.indices.length; i++) {
    if (positive.counts[i] === 0) continue;
    const bounds = exponentialBucket(positive.indices[i]!, schema, zeroThreshold);
    const ends = { lowerInclusive: false, upperInclusive: true };
    buckets.push({ ...bounds, ...ends, count: positive.counts[i]! });
  }
  return buckets;
}

/** Of absolute values; what overlaps the zero bucket begins where that ends. */
export function exponentialBucket(
  index: number,
  schema: number,
  zeroThreshold: number,
): { readonly lower: number; readonly upper: number } {
  const lower = upperBound(index - 1, schema);
  const upper = upperBound(index, schema);
  return { lower: lower < zeroThreshold && zeroThreshold < upper ? zeroThreshold : lower, upper };
}
