// rate, increase and delta of native histograms over windows with the modifiers "anchored" and "smoothed": as extended.ts has
// it for floats.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import { HistogramSum, interpolated, multiplied, type NativeHistogram, wasReset } from '../../model/index.ts';
import type { WindowContext } from './call.ts';
import { type RateKind, type Span, spanAt } from './extended.ts';
import { type MixedWindow, type Noting, noteIncompatible, noteKind, noteMixed } from './mixed.ts';

export function extendedHistogramRate(
  kind: RateKind,
  window: MixedWindow,
  noting: Noting,
  { step, context }: { readonly step: number; readonly context: WindowContext },
): NativeHistogram | undefined {
  if (window.floats > 0) {
    noteMixed(noting);
    return undefined;
  }
  const span = spanAt(noting.series, step, context);
  if (span === undefined) return undefined;
  const samples: NativeHistogram[] = [];
  for (let i = span.first; i <= span.last; i++) samples.push(window.histograms.get(i)!);
  noteKind(kind.counter ? samples : [samples[0]!, samples.at(-1)!], kind.counter, noting);
  const growth = growthOver(samples, {
    ...kind,
    ...edgesOf(window.timesMs, span, context.modifier === 'smoothed'),
  });
  if (growth === undefined) {
    noteIncompatible(noting);
    return undefined;
  }
  return kind.perSecond ? multiplied(growth, 1 / (context.rangeMs / 1000)) : growth;
}

/** How far into the first, and the last, interval the window's edges lie; undefined where they are not between samples. */
interface Edges {
  readonly start: number | undefined;
  readonly end: number | undefined;
}

function edgesOf(timesMs: Float64Array, { first, last, startMs, endMs }: Span, smoothed: boolean): Edges {
  const shareOf = (at: number, timeMs: number): number =>
    (timeMs - timesMs[at]!) / (timesMs[at + 1]! - timesMs[at]!);
  return {
    start: smoothed && last > first && timesMs[first]! < startMs ? shareOf(first, startMs) : undefined,
    end: smoothed && last > first && timesMs[last]! > endMs ? shareOf(last - 1, endMs) : undefined,
  };
}

/** Undefined where they do not add up. */
function growthOver(
  samples: readonly NativeHistogram[],
  { counter, start, end }: { readonly counter: boolean } & Edges,
): NativeHistogram | undefined {
  const last = samples.length - 1;
  const left =
    start === undefined ? samples[0]! : interpolated(samples[0]!, samples[1]!, { share: start, counter });
  const right =
    end === undefined
      ? samples[last]!
      : interpolated(samples[last - 1]!, samples[last]!, { share: end, counter });
  if (left === undefined || right === undefined) return undefined;
  const sum = new HistogramSum(right);
  if (!sum.accepts(left) || (counter && !samples.every(one => sum.accepts(one)))) return undefined;
  sum.add(left, -1);
  // An edge that lies behind a reset has taken it into account.
  for (let i = start === undefined ? 1 : 2; counter && i <= last; i++)
    if (wasReset(samples[i]!, samples[i - 1]!)) sum.add(samples[i - 1]!);
  return { ...sum.result(), resetHint: 'gauge' };
}
