// Counters whose samples say since when they count (start timestamps): what a start tells of resets, and where a counter was
// zero. By the rules of Prometheus's feature "use-start-timestamps".
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import { beganAnew, isStarted, type Started, type StartedSeries } from './begun.ts';
import type { Window, WindowContext, WindowKernel } from './call.ts';
import type { RateKind } from './extended.ts';
import { extrapolationFactor } from './extrapolation.ts';
import { type Noting, nameOf } from './mixed.ts';

/** When the first sample of a window began from zero, if that is within the window. */
export function zeroAt(
  { timesMs, startsMs }: Started,
  at: number,
  windowStartMs: number,
): number | undefined {
  const startMs = startsMs[at]!;
  return startMs > 0 && startMs < timesMs[at]! && startMs > windowStartMs ? startMs : undefined;
}

/** A start before the sample before, which had another one: one of the two is wrong. */
export function noteOverlap(
  series: StartedSeries,
  { run, span }: Noting,
  [from, to]: readonly [number, number],
): void {
  const { timesMs, startsMs } = series;
  for (let i = from + 1; i < to; i++) {
    const startMs = startsMs[i]!;
    if (!(startMs > 0 && startMs < timesMs[i - 1]!) || startMs === startsMs[i - 1]) continue;
    run.annotate(
      'warning',
      `sample has start time that overlaps with previous sample timestamp for metric ${nameOf(series)}`,
      span,
    );
    return;
  }
}

/** By what the growth since a known zero is to be multiplied: nothing is unknown before it. */
export function factorSinceZero(of: {
  readonly zeroMs: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly gaps: number;
  readonly endMs: number;
}): number {
  if (of.gaps === 0) return 1;
  const sampledMs = of.lastMs - of.zeroMs;
  return extrapolationFactor({
    counter: false,
    firstMs: of.zeroMs,
    lastMs: of.lastMs,
    gaps: (of.gaps * sampledMs) / (of.lastMs - of.firstMs),
    endMs: of.endMs,
    rangeMs: of.endMs - of.zeroMs,
    firstValue: 0,
    growth: 0,
  });
}

/** rate and increase of floats. */
export function startedRate({ perSecond }: RateKind): WindowKernel {
  return (series, column, context) => {
    if (!isStarted(series)) return;
    for (let i = 0; i < series.first.length; i++) {
      const growth = growthSince(series, i, context);
      if (growth === undefined) continue;
      column.values[column.offset + i] = perSecond ? growth / (context.rangeMs / 1000) : growth;
      column.present[column.offset + i] = 1;
    }
  };
}

function growthSince(
  series: StartedSeries,
  step: number,
  { rangeMs, endsMs }: WindowContext,
): number | undefined {
  const { timesMs, values } = series;
  const from = series.first[step]!;
  const last = series.end[step]! - 1;
  const endMs = endsMs[step]!;
  if (last < from) return undefined;
  const zeroMs = zeroAt(series, from, endMs - rangeMs);
  if (zeroMs === undefined && last === from) return undefined;
  let growth = values[last]! - (zeroMs === undefined ? values[from]! : 0);
  for (let i = from + 1; i <= last; i++)
    if (values[i]! < values[i - 1]! || beganAnew(series, i)) growth += values[i - 1]!;
  const [firstMs, lastMs, gaps] = [timesMs[from]!, timesMs[last]!, last - from];
  if (zeroMs !== undefined) return growth * factorSinceZero({ zeroMs, firstMs, lastMs, gaps, endMs });
  const firstValue = values[from]!;
  return (
    growth * extrapolationFactor({ counter: true, firstMs, lastMs, gaps, endMs, rangeMs, firstValue, growth })
  );
}

/** Resets of floats, counted. */
export function countStartedResets(series: StartedSeries, { from, to }: Pick<Window, 'from' | 'to'>): number {
  let count = 0;
  for (let i = from + 1; i < to; i++)
    if (series.values[i]! < series.values[i - 1]! || beganAnew(series, i)) count += 1;
  return count;
}
