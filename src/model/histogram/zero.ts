// The zero bucket of exponential histograms: what it becomes when it must be wider.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { type Side, upperBound } from './buckets.ts';

export interface ZeroBucket {
  readonly threshold: number;
  readonly count: number;
}

export interface WithZero {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positive: Side;
  readonly negative: Side;
}

/** The zero bucket up to at least `least`: where that lies within a bucket that holds anything, up to that one's end. */
export function widerZero(histogram: WithZero, least: number): ZeroBucket {
  const { schema, zeroThreshold, zeroCount, positive, negative } = histogram;
  if (least === zeroThreshold) return { threshold: least, count: zeroCount };
  let threshold = least;
  for (;;) {
    const wider = Math.max(endWithin(positive, schema, threshold), endWithin(negative, schema, threshold));
    if (wider === threshold) break;
    threshold = wider;
  }
  let count = zeroCount;
  for (const side of [positive, negative])
    for (const held of bucketsWithin(side, schema, threshold).within.counts) count += held;
  return { threshold, count };
}

/** Where the bucket that holds something and goes beyond the threshold ends, else the threshold. */
function endWithin({ indices, counts }: Side, schema: number, threshold: number): number {
  for (let i = 0; i < indices.length; i++) {
    if (counts[i] === 0) continue;
    if (upperBound(indices[i]! - 1, schema) >= threshold) break;
    const upper = upperBound(indices[i]!, schema);
    if (upper > threshold) return upper;
  }
  return threshold;
}

/** The buckets that lie within a zero bucket, and the rest: one that goes beyond it stays. */
export function bucketsWithin(
  side: Side,
  schema: number,
  threshold: number,
): { readonly within: Side; readonly rest: Side } {
  const { indices, counts, lost } = side;
  let at = 0;
  while (at < indices.length && upperBound(indices[at]!, schema) <= threshold) at++;
  const part = (from: number, to: number): Side => ({
    indices: indices.subarray(from, to),
    counts: counts.subarray(from, to),
    lost: lost.subarray(from, to),
  });
  return { within: part(0, at), rest: at === 0 ? side : part(at, indices.length) };
}
