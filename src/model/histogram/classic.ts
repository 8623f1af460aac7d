// A classic histogram, whose buckets are series of their own, as a native one with custom bounds.

import type { NativeHistogram } from '../sample.ts';
import { CUSTOM_BOUNDS } from './limits.ts';

export interface ClassicHistogram {
  /** Cumulative counts by upper bound, in any order. */
  readonly buckets: readonly { readonly bound: number; readonly count: number }[];
  readonly sum: number;
  /** Where it is undefined the highest bucket has it, as in Prometheus. */
  readonly count: number | undefined;
}

/** Undefined without a total, and for counts that fall from one bucket to the next: no histogram has such. */
export function histogramOfClassic({ buckets, sum, count }: ClassicHistogram): NativeHistogram | undefined {
  const sorted = [...buckets].sort((a, b) => a.bound - b.bound);
  const infinite = sorted.at(-1)?.bound === Number.POSITIVE_INFINITY ? sorted.pop() : undefined;
  const total = count ?? infinite?.count ?? sorted.at(-1)?.count;
  if (total === undefined) return undefined;
  const bounds: number[] = [];
  const counts: number[] = [];
  let before = 0;
  for (const { bound, count: cumulative } of sorted) {
    // A bound that stands there twice is one bucket.
    if (bound === bounds.at(-1)) continue;
    bounds.push(bound);
    counts.push(cumulative - before);
    before = cumulative;
  }
  counts.push(total - before);
  if (counts.some(one => !(one >= 0))) return undefined;
  return {
    schema: CUSTOM_BOUNDS,
    count: total,
    sum,
    zeroThreshold: 0,
    zeroCount: 0,
    positiveSpans: [{ offset: 0, length: counts.length }],
    positiveCounts: Float64Array.from(counts),
    negativeSpans: [],
    negativeCounts: new Float64Array(0),
    customBounds: Float64Array.from(bounds),
    resetHint: 'unknown',
    integer: Number.isInteger(total) && counts.every(Number.isInteger),
  };
}
