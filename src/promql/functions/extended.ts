// Windows with the modifiers "anchored" and "smoothed": instead of extrapolating, the sample in front of the window is
// taken in (anchored), or the values at both edges are interpolated (smoothed). Their windows come widened by the
// lookback in front, for smoothed also behind.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import type { RangeSeries } from '../operators/index.ts';
import type { WindowContext, WindowKernel } from './call.ts';

export interface RateKind {
  readonly counter: boolean;
  readonly perSecond: boolean;
}

/** Index of the first sample in [from, to) later than `timeMs` (or at it, where `atToo`), `to` if there is none. */
function search(
  timesMs: Float64Array,
  { from, to, atToo }: { readonly from: number; readonly to: number; readonly atToo: boolean },
  timeMs: number,
): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = timesMs[middle]!;
    if (at > timeMs || (atToo && at === timeMs)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export interface Span {
  readonly first: number;
  readonly last: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** The samples that a step works on: from the last one at or before the window's start. */
export function spanAt(series: RangeSeries, step: number, context: WindowContext): Span | undefined {
  const { timesMs } = series;
  const from = series.first[step]!;
  const to = series.end[step]!;
  if (to <= from) return undefined;
  const endMs = context.endsMs[step]!;
  const startMs = endMs - context.rangeMs;
  let last = to - 1;
  const first = Math.max(from, search(timesMs, { from, to: last, atToo: false }, startMs) - 1);
  if (context.modifier === 'smoothed') {
    last = search(timesMs, { from, to: last, atToo: true }, endMs);
    if (timesMs[first]! > endMs) return undefined;
  }
  return timesMs[last]! <= startMs ? undefined : { first, last, startMs, endMs };
}

export function extendedRate({ counter, perSecond }: RateKind): WindowKernel {
  return (series, column, context) => {
    const { timesMs, values } = series;
    const smoothed = context.modifier === 'smoothed';
    for (let i = 0; i < series.first.length; i++) {
      const span = spanAt(series, i, context);
      if (span === undefined) continue;
      const { first, last, startMs, endMs } = span;
      let left = values[first]!;
      let right = values[last]!;
      if (smoothed && timesMs[first]! < startMs) {
        left = interpolate(series, first, { timeMs: startMs, counter, leftEdge: true });
      }
      if (smoothed && last > series.first[i]! && timesMs[last]! > endMs) {
        // Where both edges lie between the same two samples, a reset there lies before both.
        const leftEdge = last - 1 === first && timesMs[first]! < startMs;
        right = interpolate(series, last - 1, { timeMs: endMs, counter, leftEdge });
      }
      let growth = right - left;
      if (counter) {
        let before = left;
        for (let k = first + 1; k < last; k++) {
          if (values[k]! < before) growth += before;
          before = values[k]!;
        }
        if (right < before) growth += before;
      }
      column.values[column.offset + i] = perSecond ? growth / (context.rangeMs / 1000) : growth;
      column.present[column.offset + i] = 1;
    }
  };
}

/** Between sample `at` and the next. A counter that fell in between starts from zero (left) or goes on (right). */
function interpolate(
  { timesMs, values }: RangeSeries,
  at: number,
  edge: { readonly timeMs: number; readonly counter: boolean; readonly leftEdge: boolean },
): number {
  let from = values[at]!;
  let to = values[at + 1]!;
  if (edge.counter && to < from) {
    if (edge.leftEdge) from = 0;
    else to += from;
  }
  const share = (edge.timeMs - timesMs[at]!) / (timesMs[at + 1]! - timesMs[at]!);
  return from + (to - from) * share;
}

/** Counts neighbours that satisfy a condition, the sample in front of the window included. */
export function anchoredPairs(counts: (before: number, after: number) => boolean): WindowKernel {
  return (series, column, context) => {
    const { values } = series;
    for (let i = 0; i < series.first.length; i++) {
      const span = spanAt(series, i, context);
      if (span === undefined) continue;
      let count = 0;
      for (let k = span.first + 1; k <= span.last; k++) if (counts(values[k - 1]!, values[k]!)) count++;
      column.values[column.offset + i] = count;
      column.present[column.offset + i] = 1;
    }
  };
}
