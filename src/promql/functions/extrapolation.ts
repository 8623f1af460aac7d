// How far the growth between a window's first and last sample is taken to go on to the window's edges, as Prometheus has it.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import type { RangeSeries } from '../operators/index.ts';

/** A gap to the window's edge up to this many average intervals is taken as covered by the series. */
const EXTRAPOLATION_INTERVALS = 1.1;

export interface Extrapolation {
  readonly counter: boolean;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Between samples: one less than there are. */
  readonly gaps: number;
  readonly endMs: number;
  readonly rangeMs: number;
  /** Of a counter: its first value, and by how much it grew. */
  readonly firstValue: number;
  readonly growth: number;
}

/** By what the growth is to be multiplied. */
export function extrapolationFactor(of: Extrapolation): number {
  const { counter, firstValue, growth } = of;
  const { sampledS, toStartS, toEndS } = extentOf(of);
  if (counter && growth > 0 && firstValue >= 0) {
    // A counter cannot have been below zero: do not extrapolate beyond where it would have been zero.
    const toZeroS = sampledS * (firstValue / growth);
    if (toZeroS < toStartS) return (sampledS + toZeroS + toEndS) / sampledS;
  }
  return (sampledS + toStartS + toEndS) / sampledS;
}

function extentOf({
  firstMs,
  lastMs,
  gaps,
  endMs,
  rangeMs,
}: Omit<Extrapolation, 'counter' | 'firstValue' | 'growth'>): {
  readonly sampledS: number;
  readonly toStartS: number;
  readonly toEndS: number;
} {
  const sampledS = (lastMs - firstMs) / 1000;
  const averageS = sampledS / gaps;
  const coveredS = averageS * EXTRAPOLATION_INTERVALS;
  const toStartS = (firstMs - (endMs - rangeMs)) / 1000;
  const toEndS = (endMs - lastMs) / 1000;
  return {
    sampledS,
    toStartS: toStartS >= coveredS ? averageS / 2 : toStartS,
    toEndS: toEndS >= coveredS ? averageS / 2 : toEndS,
  };
}

/** What the extrapolation of a window goes by but for the values, by step: the same for all series that share the windows. */
export interface WindowExtents {
  /** Seconds between its first and its last sample. */
  readonly sampledS: Float64Array;
  /** Seconds by which it is taken to go on beyond them. */
  readonly toStartS: Float64Array;
  readonly toEndS: Float64Array;
  /** As `extrapolationFactor` gives them for a gauge; NaN without two samples. */
  readonly factors: Float64Array;
}

export function windowExtents(
  { timesMs, first, end }: Pick<RangeSeries, 'timesMs' | 'first' | 'end'>,
  { endsMs, rangeMs }: { readonly endsMs: Float64Array; readonly rangeMs: number },
): WindowExtents {
  const steps = first.length;
  const column = (): Float64Array => new Float64Array(steps).fill(Number.NaN);
  const extents = { sampledS: column(), toStartS: column(), toEndS: column(), factors: column() };
  for (let i = 0; i < steps; i++) {
    const from = first[i]!;
    const last = end[i]! - 1;
    if (last <= from) continue;
    const one = extentOf({
      firstMs: timesMs[from]!,
      lastMs: timesMs[last]!,
      gaps: last - from,
      endMs: endsMs[i]!,
      rangeMs,
    });
    extents.sampledS[i] = one.sampledS;
    extents.toStartS[i] = one.toStartS;
    extents.toEndS[i] = one.toEndS;
    extents.factors[i] = (one.sampledS + one.toStartS + one.toEndS) / one.sampledS;
  }
  return extents;
}
