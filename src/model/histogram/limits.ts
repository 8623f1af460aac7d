// Native histograms: what makes one valid, and the same one in fewer buckets.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { err, ok, type Result } from '../../base/index.ts';
import type { BucketSpan, NativeHistogram } from '../sample.ts';

/** The schema of histograms with bounds of their own. */
export const CUSTOM_BOUNDS = -53;
export const SCHEMA_MIN = -4;
export const SCHEMA_MAX = 8;

/** Of sums of float counts: what adding in another order may differ by. */
const COUNT_ERROR_MAX = 1e-6;

/** Why a histogram cannot be one, as Prometheus judges; undefined when it can. */
export function badHistogram(histogram: NativeHistogram): string | undefined {
  const { schema, count, sum, zeroCount, positiveSpans, positiveCounts, negativeSpans, negativeCounts } =
    histogram;
  const isCustom = schema === CUSTOM_BOUNDS;
  if (!isCustom && (schema < SCHEMA_MIN || schema > SCHEMA_MAX)) return `the schema ${schema} is unknown`;
  if (
    bucketsOf(positiveSpans) !== positiveCounts.length ||
    bucketsOf(negativeSpans) !== negativeCounts.length
  )
    return 'spans and buckets do not have the same number of buckets';
  if (isCustom && (negativeCounts.length > 0 || zeroCount !== 0))
    return 'custom bounds have neither negative buckets nor a zero bucket';
  const bounds = histogram.customBounds ?? new Float64Array(0);
  for (let i = 1; i < bounds.length; i++) {
    if (!((bounds[i] ?? 0) > (bounds[i - 1] ?? 0))) return 'the custom bounds do not rise';
  }
  let total = zeroCount;
  for (const counts of [positiveCounts, negativeCounts]) {
    for (const one of counts) {
      if (one < 0) return 'a bucket holds less than nothing';
      total += one;
    }
  }
  // With NaN observations the count is larger than what the buckets hold.
  const fits = Number.isNaN(sum) ? count >= total : Math.abs(count - total) <= COUNT_ERROR_MAX * count;
  return fits ? undefined : `its buckets hold ${total} observations and its count is ${count}`;
}

function bucketsOf(spans: readonly BucketSpan[]): number {
  return spans.reduce((sum, { length }) => sum + length, 0);
}

/** Without its empty buckets, as Prometheus's scraper stores it. */
export function compactHistogram(histogram: NativeHistogram): NativeHistogram {
  const positive = compacted(histogram.positiveSpans, histogram.positiveCounts);
  const negative = compacted(histogram.negativeSpans, histogram.negativeCounts);
  return {
    ...histogram,
    positiveSpans: positive.spans,
    positiveCounts: positive.counts,
    negativeSpans: negative.spans,
    negativeCounts: negative.counts,
  };
}

interface Buckets {
  readonly spans: readonly BucketSpan[];
  readonly counts: Float64Array;
}

function compacted(spans: readonly BucketSpan[], counts: Float64Array): Buckets {
  const isTidy = spans.every(({ length, offset }, i) => length > 0 && (i === 0 || offset > 0));
  if (isTidy && counts.every(count => count !== 0)) return { spans, counts };
  return fromIndexed(indexed(spans, counts));
}

/** Absolute index and count of each bucket that is not empty. */
function indexed(spans: readonly BucketSpan[], counts: Float64Array): [index: number, count: number][] {
  const found: [number, number][] = [];
  let index = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++) {
      const count = counts[at++]!;
      if (count !== 0) found.push([index, count]);
      index++;
    }
  }
  return found;
}

/** Indices rise; equal ones follow one another and are added up. */
function fromIndexed(buckets: readonly (readonly [index: number, count: number])[]): Buckets {
  const spans: { offset: number; length: number }[] = [];
  const counts: number[] = [];
  let next = 0;
  for (const [index, count] of buckets) {
    if (counts.length > 0 && index === next - 1) {
      counts[counts.length - 1]! += count;
      continue;
    }
    const last = spans.at(-1);
    if (last !== undefined && index === next) last.length++;
    else spans.push({ offset: index - next, length: 1 });
    counts.push(count);
    next = index + 1;
  }
  return { spans, counts: Float64Array.from(counts) };
}

/** With buckets 2^steps times as wide (by factor of the exponent). Not for custom bounds. */
function reduced(histogram: NativeHistogram, steps: number): NativeHistogram {
  const shrink = (spans: readonly BucketSpan[], counts: Float64Array): Buckets =>
    fromIndexed(indexed(spans, counts).map(([index, count]) => [((index - 1) >> steps) + 1, count]));
  const positive = shrink(histogram.positiveSpans, histogram.positiveCounts);
  const negative = shrink(histogram.negativeSpans, histogram.negativeCounts);
  return {
    ...histogram,
    schema: histogram.schema - steps,
    positiveSpans: positive.spans,
    positiveCounts: positive.counts,
    negativeSpans: negative.spans,
    negativeCounts: negative.counts,
  };
}

export interface HistogramLimits {
  /** Positive and negative buckets together; 0 is no limit. */
  readonly buckets: number;
  /** Neighbouring bounds differ at least by this factor; at most 1 is no limit. */
  readonly minFactor: number;
}

/** In coarser buckets where the limits ask for it, as Prometheus does; an error when that is not enough. */
export function limitHistogram(
  histogram: NativeHistogram,
  limits: HistogramLimits,
): Result<NativeHistogram, string> {
  let limited = histogram;
  const isCustom = histogram.schema === CUSTOM_BOUNDS;
  const schemaMax = limits.minFactor > 1 ? schemaOfFactor(limits.minFactor) : SCHEMA_MAX;
  if (!isCustom && limited.schema > schemaMax) limited = reduced(limited, limited.schema - schemaMax);
  if (limits.buckets === 0) return ok(limited);
  const bucketsOfAll = (): number => limited.positiveCounts.length + limited.negativeCounts.length;
  while (bucketsOfAll() > limits.buckets) {
    if (isCustom || limited.schema <= SCHEMA_MIN)
      return err(`it has ${bucketsOfAll()} buckets: native_histogram_bucket_limit is ${limits.buckets}`);
    limited = reduced(limited, 1);
  }
  return ok(limited);
}

/** The finest schema whose bounds differ by the factor or more. */
function schemaOfFactor(factor: number): number {
  const floor = Math.floor(-Math.log2(Math.log2(factor)));
  return Math.min(SCHEMA_MAX, Math.max(SCHEMA_MIN, floor));
}
