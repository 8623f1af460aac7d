// Since when the samples of a counter count, and what that tells of resets.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import type { RangeSeries } from '../operators/index.ts';

export type StartedSeries = RangeSeries & { readonly startsMs: Float64Array };

export function isStarted(series: RangeSeries): series is StartedSeries {
  return series.startsMs !== undefined;
}

export interface Started {
  readonly timesMs: Float64Array;
  /** NaN or 0 where unknown. */
  readonly startsMs: Float64Array;
}

/**
 * Whether counting began anew between the sample before and this one. A start that is the time of the sample before is a new
 * beginning only where that one had begun earlier: else the start was simply not known.
 */
export function beganAnew({ timesMs, startsMs }: Started, at: number): boolean {
  const startMs = startsMs[at]!;
  const beforeMs = timesMs[at - 1]!;
  if (!(startMs > 0 && startMs < timesMs[at]!)) return false;
  if (startMs !== beforeMs) return startMs > beforeMs;
  const startBeforeMs = startsMs[at - 1]!;
  return startBeforeMs > 0 && startBeforeMs < beforeMs;
}
