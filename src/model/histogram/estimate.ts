// What a native histogram says of its observations: quantiles, fractions, deviation. Within a bucket observations are taken
// to lie evenly by exponent, in the zero bucket and in custom buckets evenly by value, as Prometheus has it.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { isInfinite, lostIn } from '../compensation.ts';
import type { NativeHistogram } from '../sample.ts';
import { type Bucket, bucketsOf, isCustom, middleByExponent } from './buckets.ts';

/** How much a result is worth where observations were NaN. */
export type NanEffect = 'none' | 'result' | 'skew';

export interface QuantileEstimate {
  readonly value: number;
  readonly nan: NanEffect;
}

export function quantileOfHistogram(q: number, histogram: NativeHistogram): QuantileEstimate {
  const plain = (value: number): QuantileEstimate => ({ value, nan: 'none' });
  if (q < 0) return plain(Number.NEGATIVE_INFINITY);
  if (q > 1) return plain(Number.POSITIVE_INFINITY);
  if (histogram.count === 0 || Number.isNaN(q)) return plain(Number.NaN);
  // NaN observations count, but lie in no bucket: above all others, so to say.
  const hasNans = Number.isNaN(histogram.sum);
  const forward = hasNans || q < 0.5;
  const rank = (forward ? q : 1 - q) * histogram.count;
  const { bucket: found, count: reached } = bucketAt(histogram, rank, forward);
  const count = Math.min(reached, histogram.count);
  const custom = isCustom(histogram);
  if (custom && found.lower === Number.NEGATIVE_INFINITY && found.upper <= 0) return plain(found.upper);
  if (custom && found.upper === Number.POSITIVE_INFINITY && found.lower > Number.NEGATIVE_INFINITY)
    return plain(found.lower);
  const bucket = limited(histogram, found);
  if (count < rank) return hasNans ? { value: Number.NaN, nan: 'result' } : plain(bucket.upper);
  const within = forward ? rank - (count - bucket.count) : count - rank;
  return {
    value: valueAt(bucket, within / bucket.count, custom),
    nan: hasNans ? 'skew' : 'none',
  };
}

/** The bucket in which so many observations are reached, from below or from above, and how many are then. */
function bucketAt(
  histogram: NativeHistogram,
  rank: number,
  forward: boolean,
): { readonly bucket: Bucket; readonly count: number } {
  const buckets = bucketsOf(histogram);
  if (!forward) buckets.reverse();
  let count = 0;
  let last: Bucket = { lower: 0, upper: 0, count: 0 };
  for (const bucket of buckets) {
    last = bucket;
    count += bucket.count;
    if (count >= rank) break;
  }
  return { bucket: last, count };
}

/**
 * A zero bucket beside positive buckets only begins at zero, beside negative ones only ends there; the lowest custom bucket
 * begins at zero if it ends above.
 */
export function limited(histogram: NativeHistogram, bucket: Bucket): Bucket {
  const { lower, upper } = bucket;
  if (isCustom(histogram)) {
    return lower === Number.NEGATIVE_INFINITY && upper > 0 && upper < Number.POSITIVE_INFINITY
      ? { ...bucket, lower: 0 }
      : bucket;
  }
  if (!(lower < 0 && upper > 0)) return bucket;
  const hasNegative = histogram.negativeCounts.length > 0;
  const hasPositive = histogram.positiveCounts.length > 0;
  if (hasPositive && !hasNegative) return { ...bucket, lower: 0 };
  if (hasNegative && !hasPositive) return { ...bucket, upper: 0 };
  return bucket;
}

/** Where a share of a bucket's observations is reached. */
function valueAt({ lower, upper }: Bucket, share: number, custom: boolean): number {
  if (custom || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * share;
  const [logLower, logUpper] = [Math.log2(Math.abs(lower)), Math.log2(Math.abs(upper))];
  if (lower > 0) return 2 ** (logLower + (logUpper - logLower) * share);
  return -(2 ** (logUpper + (logLower - logUpper) * (1 - share)));
}

/** The share of a bucket's observations up to a value within it. */
export function shareBelow({ lower, upper }: Bucket, value: number, custom: boolean): number {
  if (custom || (lower <= 0 && upper >= 0)) return (value - lower) / (upper - lower);
  const [logLower, logUpper] = [Math.log2(Math.abs(lower)), Math.log2(Math.abs(upper))];
  const log = Math.log2(Math.abs(value));
  if (value > 0) return (log - logLower) / (logUpper - logLower);
  return 1 - (log - logUpper) / (logLower - logUpper);
}

/** Of the observations, those between two values. NaN observations are between none. */
export function fractionOfHistogram(from: number, to: number, histogram: NativeHistogram): number {
  const { count } = histogram;
  if (count === 0 || Number.isNaN(from) || Number.isNaN(to)) return Number.NaN;
  if (from >= to) return 0;
  const buckets = bucketsOf(histogram).map(bucket => limited(histogram, bucket));
  const custom = isCustom(histogram);
  let total = 0;
  for (const bucket of buckets) total += bucket.count;
  const rankOf = (value: number): number => Math.min(rankBelow(buckets, value, custom) ?? total, count);
  return (rankOf(to) - rankOf(from)) / count;
}

/** Observations up to a value; undefined where all buckets lie below. */
function rankBelow(buckets: readonly Bucket[], value: number, custom: boolean): number | undefined {
  let rank = 0;
  for (const bucket of buckets) {
    if (bucket.lower >= value) return rank;
    if (bucket.upper > value) return rank + bucket.count * finiteShare(bucket, value, custom);
    rank += bucket.count;
  }
  return undefined;
}

/** Nothing is known of how observations lie in a bucket without an end: all are at the end that it has. */
function finiteShare(bucket: Bucket, value: number, custom: boolean): number {
  if (bucket.upper === Number.POSITIVE_INFINITY) return 0;
  return bucket.lower === Number.NEGATIVE_INFINITY ? 1 : shareBelow(bucket, value, custom);
}

/** Each observation is taken to be in the middle of its bucket: by exponent, or by value in custom ones. */
export function varianceOfHistogram(histogram: NativeHistogram): number {
  const mean = histogram.sum / histogram.count;
  const custom = isCustom(histogram);
  let variance = 0;
  let lost = 0;
  for (const bucket of bucketsOf(histogram)) {
    const delta = middleOf(bucket, custom) - mean;
    const inc = bucket.count * delta * delta;
    const total = variance + inc;
    lost = isInfinite(total) ? 0 : lost + lostIn(total, variance, inc);
    variance = total;
  }
  return (variance + lost) / histogram.count;
}

function middleOf({ lower, upper }: Bucket, custom: boolean): number {
  if (custom) return (upper + lower) / 2;
  return lower <= 0 && upper >= 0 ? 0 : middleByExponent({ lower, upper });
}
