// Quantiles and fractions of classic histograms: cumulative counts by upper bound.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

export interface ClassicBucket {
  readonly upper: number;
  count: number;
}

/** Relative differences below this are noise of floating point, not broken histograms. */
const SMALL_DELTA = 1e-12;

/** Makes counts rise with the bounds; true where more than rounding noise had to be mended. */
function makeMonotonic(buckets: ClassicBucket[]): boolean {
  let fixed = false;
  let before = buckets[0]?.count ?? 0;
  for (const bucket of buckets) {
    if (bucket.count === before) continue;
    const scale = Math.abs(before) + Math.abs(bucket.count);
    if (Math.abs(bucket.count - before) / scale < SMALL_DELTA) bucket.count = before;
    else if (bucket.count < before) {
      bucket.count = before;
      fixed = true;
    } else before = bucket.count;
  }
  return fixed;
}

export function bucketQuantile(
  q: number,
  buckets: ClassicBucket[],
): { readonly value: number; readonly fixed: boolean } {
  if (Number.isNaN(q)) return { value: Number.NaN, fixed: false };
  if (q < 0) return { value: Number.NEGATIVE_INFINITY, fixed: false };
  if (q > 1) return { value: Number.POSITIVE_INFINITY, fixed: false };
  const last = buckets[buckets.length - 1] as ClassicBucket;
  if (last.upper !== Number.POSITIVE_INFINITY) return { value: Number.NaN, fixed: false };
  const fixed = makeMonotonic(buckets);
  if (buckets.length < 2 || last.count === 0 || Number.isNaN(last.count)) return { value: Number.NaN, fixed };
  let rank = q * last.count;
  let index = buckets.findIndex(({ count }) => count >= rank);
  if (index < 0) index = buckets.length - 1;
  if (index === buckets.length - 1) return { value: (buckets[index - 1] as ClassicBucket).upper, fixed };
  const bucket = buckets[index] as ClassicBucket;
  if (index === 0 && bucket.upper <= 0) return { value: bucket.upper, fixed };
  let lower = 0;
  let count = bucket.count;
  if (index > 0) {
    const below = buckets[index - 1] as ClassicBucket;
    lower = below.upper;
    count -= below.count;
    rank -= below.count;
  }
  return { value: lower + (bucket.upper - lower) * (rank / count), fixed };
}

export function bucketFraction(lower: number, upper: number, buckets: readonly ClassicBucket[]): number {
  const last = buckets[buckets.length - 1] as ClassicBucket;
  const total = last.count;
  if (last.upper !== Number.POSITIVE_INFINITY || !(total > 0) || Number.isNaN(lower) || Number.isNaN(upper)) {
    return Number.NaN;
  }
  if (lower >= upper) return 0;
  return (rankOf(upper, buckets, total) - rankOf(lower, buckets, total)) / total;
}

/** How many observations lie at or below a value: linear within a bucket, nothing of a bucket without an end. */
function rankOf(value: number, buckets: readonly ClassicBucket[], total: number): number {
  let rank = 0;
  let lower = Number.NEGATIVE_INFINITY;
  for (const [i, { upper, count }] of buckets.entries()) {
    if (i === 0 && upper > 0) lower = 0;
    if (lower >= value) return Math.min(rank, total);
    if (upper > value) {
      if (lower === Number.NEGATIVE_INFINITY) return Math.min(count, total);
      return Math.min(rank + ((count - rank) * (value - lower)) / (upper - lower), total);
    }
    rank = count;
    lower = upper;
  }
  return total;
}
