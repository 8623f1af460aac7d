// Whether a counter of native histograms was reset between two samples, as Prometheus judges, and whether two are the same.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import type { NativeHistogram } from '../sample.ts';
import type { SeriesColumns } from '../store.ts';
import {
  boundsOf,
  coarser,
  commonBounds,
  isCustom,
  rebounded,
  type Side,
  sameBounds,
  sideOf,
} from './buckets.ts';
import { bucketsWithin, widerZero } from './zero.ts';

/** Some count is lower than before, or what was counted then is not told apart any more as it was. Sums may fall. */
export function wasReset(now: NativeHistogram, before: NativeHistogram): boolean {
  if (now.resetHint === 'reset') return true;
  if (now.resetHint === 'no-reset') return false;
  if (now.count < before.count) return true;
  if (isCustom(now) !== isCustom(before)) return true;
  const positive = sideOf(now.positiveSpans, now.positiveCounts);
  const earlier = sideOf(before.positiveSpans, before.positiveCounts);
  if (isCustom(now)) return customReset(now, before, { positive, earlier });
  if (now.schema > before.schema || now.zeroThreshold < before.zeroThreshold) return true;
  const negative = sideOf(now.negativeSpans, now.negativeCounts);
  const earlierNegative = sideOf(before.negativeSpans, before.negativeCounts);
  const zero = widerZero({ ...before, positive: earlier, negative: earlierNegative }, now.zeroThreshold);
  if (zero.threshold !== now.zeroThreshold || now.zeroCount < zero.count) return true;
  const steps = before.schema - now.schema;
  const outside = (side: Side, schema: number): Side => bucketsWithin(side, schema, now.zeroThreshold).rest;
  return (
    anyFell(outside(positive, now.schema), coarser(outside(earlier, before.schema), steps)) ||
    anyFell(outside(negative, now.schema), coarser(outside(earlierNegative, before.schema), steps))
  );
}

function customReset(
  now: NativeHistogram,
  before: NativeHistogram,
  { positive, earlier }: { readonly positive: Side; readonly earlier: Side },
): boolean {
  const [bounds, boundsBefore] = [boundsOf(now), boundsOf(before)];
  if (sameBounds(bounds, boundsBefore)) return anyFell(positive, earlier);
  const common = commonBounds(bounds, boundsBefore);
  return anyFell(rebounded(positive, bounds, common), rebounded(earlier, boundsBefore, common));
}

function anyFell(now: Side, before: Side): boolean {
  let at = 0;
  for (let i = 0; i < before.indices.length; i++) {
    while (at < now.indices.length && now.indices[at]! < before.indices[i]!) at++;
    const count = now.indices[at] === before.indices[i] ? now.counts[at]! : 0;
    if (count < before.counts[i]!) return true;
  }
  return false;
}

/** Each histogram says whether the counter was reset since the one before it, where it did not say so yet. */
export function withDetectedResets(columns: SeriesColumns): SeriesColumns {
  if (columns.histograms === undefined) return columns;
  const detected = new Map<number, NativeHistogram>();
  let before: NativeHistogram | undefined;
  for (let i = columns.from; i < columns.to; i++) {
    const one = columns.histograms.get(i);
    if (one === undefined) continue;
    const isUnknown = one.resetHint === 'unknown' && before !== undefined;
    const resetHint = isUnknown
      ? wasReset(one, before as NativeHistogram)
        ? 'reset'
        : 'no-reset'
      : one.resetHint;
    detected.set(i, { ...one, resetHint });
    before = one;
  }
  return { ...columns, histograms: detected };
}

/** The same numbers in the same buckets; empty buckets do not count, NaN is itself. */
export function sameHistogram(a: NativeHistogram, b: NativeHistogram): boolean {
  return (
    a.schema === b.schema &&
    Object.is(a.count, b.count) &&
    Object.is(a.sum, b.sum) &&
    a.zeroThreshold === b.zeroThreshold &&
    Object.is(a.zeroCount, b.zeroCount) &&
    sameBounds(boundsOf(a), boundsOf(b)) &&
    sameSide(sideOf(a.positiveSpans, a.positiveCounts), sideOf(b.positiveSpans, b.positiveCounts)) &&
    sameSide(sideOf(a.negativeSpans, a.negativeCounts), sideOf(b.negativeSpans, b.negativeCounts))
  );
}

function sameSide(a: Side, b: Side): boolean {
  let j = 0;
  for (let i = 0; i < a.indices.length; i++) {
    if (a.counts[i] === 0) continue;
    while (j < b.indices.length && b.counts[j] === 0) j++;
    if (a.indices[i] !== b.indices[j] || !Object.is(a.counts[i], b.counts[j])) return false;
    j++;
  }
  while (j < b.indices.length && b.counts[j] === 0) j++;
  return j >= b.indices.length;
}
