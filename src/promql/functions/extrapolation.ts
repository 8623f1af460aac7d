// How far the growth between a window's first and last sample is taken to go on to the window's edges, as Prometheus has it.

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
  const { counter, firstMs, lastMs, endMs, rangeMs, firstValue, growth } = of;
  const sampledS = (lastMs - firstMs) / 1000;
  const averageS = sampledS / of.gaps;
  const coveredS = averageS * EXTRAPOLATION_INTERVALS;
  let toStartS = (firstMs - (endMs - rangeMs)) / 1000;
  let toEndS = (endMs - lastMs) / 1000;
  if (toStartS >= coveredS) toStartS = averageS / 2;
  if (counter && growth > 0 && firstValue >= 0) {
    // A counter cannot have been below zero: do not extrapolate beyond where it would have been zero.
    const toZeroS = sampledS * (firstValue / growth);
    if (toZeroS < toStartS) toStartS = toZeroS;
  }
  if (toEndS >= coveredS) toEndS = averageS / 2;
  return (sampledS + toStartS + toEndS) / sampledS;
}
