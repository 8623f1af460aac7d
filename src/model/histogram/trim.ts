// The operators </ and >/: a native histogram without the observations above, or below, a value. Of a bucket that is cut, the
// share stays that is estimated to lie on the right side; the sum is estimated anew from the middles of what stays.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import type { NativeHistogram } from '../sample.ts';
import {
  type Bucket,
  boundsOf,
  customBucket,
  exponentialBucket,
  isCustom,
  middleByExponent,
  sideOf,
  spansOf,
} from './buckets.ts';
import { limited, shareBelow } from './estimate.ts';

export type TrimSide = 'upper' | 'lower';

interface Kept {
  readonly count: number;
  readonly sum: number;
}

/** `upper` keeps what is at most `at`, `lower` what is at least. */
export function trimmed(histogram: NativeHistogram, side: TrimSide, at: number): NativeHistogram {
  const keep = isCustom(histogram) ? keepCustom : keepExponential;
  let count = 0;
  let sum = 0;
  let isCut = false;
  const take = (bucket: Bucket): number => {
    if (bucket.count === 0) return 0;
    const kept = keep(histogram, bucket, { side, at });
    if (kept.count !== bucket.count) isCut = true;
    count += kept.count;
    sum += kept.sum;
    return kept.count;
  };
  const { schema, zeroThreshold, zeroCount } = histogram;
  const positive = sideOf(histogram.positiveSpans, histogram.positiveCounts);
  const negative = sideOf(histogram.negativeSpans, histogram.negativeCounts);
  const bounds = boundsOf(histogram);
  const above = positive.counts.map((held, i) => {
    const index = positive.indices[i]!;
    const ends = isCustom(histogram)
      ? customBucket(bounds, index)
      : exponentialBucket(index, schema, zeroThreshold);
    return take({ ...ends, count: held });
  });
  const zero = take({ lower: -zeroThreshold, upper: zeroThreshold, count: zeroCount });
  const below = negative.counts.map((held, i) => {
    const { lower, upper } = exponentialBucket(negative.indices[i]!, schema, zeroThreshold);
    return take({ lower: -upper, upper: -lower, count: held });
  });
  if (!isCut) return histogram;
  const kept = spansOf({ ...positive, counts: above });
  const keptNegative = spansOf({ ...negative, counts: below });
  return {
    ...histogram,
    count,
    sum,
    zeroCount: zero,
    positiveSpans: kept.spans,
    positiveCounts: kept.counts,
    negativeSpans: keptNegative.spans,
    negativeCounts: keptNegative.counts,
    integer: false,
  };
}

interface Cut {
  readonly side: TrimSide;
  readonly at: number;
}

const NOTHING: Kept = { count: 0, sum: 0 };

function keepExponential(histogram: NativeHistogram, whole: Bucket, { side, at }: Cut): Kept {
  const bucket = limited(histogram, whole);
  const { lower, upper, count } = bucket;
  if (side === 'upper' ? upper <= at : lower >= at) return { count, sum: count * middle(bucket) };
  if (side === 'upper' ? lower >= at : upper <= at) return NOTHING;
  const share = shareBelow(bucket, at, false);
  const kept = count * (side === 'upper' ? share : 1 - share);
  const rest = side === 'upper' ? { ...bucket, upper: at } : { ...bucket, lower: at };
  return { count: kept, sum: kept * middle(rest, lower <= 0 && upper >= 0) };
}

/** By exponent; by value in the zero bucket, and in what was cut off it. */
function middle({ lower, upper }: Bucket, isZero = lower <= 0 && upper >= 0): number {
  return isZero ? (lower + upper) / 2 : middleByExponent({ lower, upper });
}

function keepCustom(histogram: NativeHistogram, whole: Bucket, { side, at }: Cut): Kept {
  const { count } = whole;
  const isLowest = whole.lower === Number.NEGATIVE_INFINITY;
  const isHighest = whole.upper === Number.POSITIVE_INFINITY;
  if (at === (side === 'upper' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY))
    return { count, sum: 0 };
  if (isLowest && isHighest) return NOTHING;
  // All observations in a bucket without an end are at the end it has, or where it is cut.
  if (isHighest)
    return side === 'upper' || at === Number.POSITIVE_INFINITY
      ? NOTHING
      : { count, sum: count * Math.max(whole.lower, at) };
  if (isLowest && whole.upper <= 0) {
    return side === 'upper' ? { count, sum: count * Math.min(whole.upper, at) } : NOTHING;
  }
  if (isLowest && side === 'lower' && at < 0) return NOTHING;
  const { lower, upper } = limited(histogram, whole);
  if (side === 'upper' ? upper <= at : lower >= at) return { count, sum: (count * (lower + upper)) / 2 };
  if (side === 'upper' ? lower >= at : upper <= at) return NOTHING;
  const share = (at - lower) / (upper - lower);
  const kept = count * (side === 'upper' ? share : 1 - share);
  const [from, to] = side === 'upper' ? [lower, at] : [at, upper];
  return { count: kept, sum: (kept * (from + to)) / 2 };
}
