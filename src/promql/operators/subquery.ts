// Subqueries: the inner expression on a grid of its own, whose points then are samples for windows.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import type { NativeHistogram } from '../../model/index.ts';
import { resolveDuration, type SubqueryNode } from '../plan/index.ts';
import { bytesOfSamples, type Run } from './run.ts';
import { queryTimes, windowEnds } from './select.ts';
import {
  type Grid,
  type Histograms,
  histogramsWithin,
  type MatrixValue,
  type RangeSeries,
  type VectorValue,
} from './values.ts';
import { WindowCache } from './windows.ts';

interface SubqueryWindows {
  readonly rangeMs: number;
  readonly endsMs: Float64Array;
  /** The grid on which the inner expression is evaluated: multiples of the step within all windows. */
  readonly inner: Grid;
  /** The one whose steps the windows are of. */
  readonly outer: Grid;
}

export function subqueryWindows(run: Run, { settings }: SubqueryNode, grid: Grid): SubqueryWindows {
  const times = queryTimes(run);
  const rangeMs = resolveDuration(settings.range, times);
  const stepMs =
    settings.step === null ? run.inputs.settings.subqueryStepMs : resolveDuration(settings.step, times);
  if (!(rangeMs > 0) || !(stepMs > 0)) {
    run.failExecution('duration must be greater than 0', settings.span);
  }
  const endsMs = windowEnds(run, settings, grid);
  const fromMs = (endsMs[0] as number) - rangeMs;
  const toMs = endsMs[endsMs.length - 1] as number;
  // The window is open on the left.
  const startMs = (Math.floor(fromMs / stepMs) + 1) * stepMs;
  const steps = Math.max(0, Math.floor((toMs - startMs) / stepMs) + 1);
  run.charge(steps);
  return { rangeMs, endsMs, inner: { startMs, stepMs, steps }, outer: grid };
}

export async function windowsOver(
  run: Run,
  { rangeMs, endsMs, inner, outer }: SubqueryWindows,
  points: VectorValue,
): Promise<MatrixValue> {
  // notBefore was applied to the stored samples already.
  const windows = new WindowCache(run, {
    endsMs,
    widthMs: rangeMs,
    notBeforeMs: Number.NEGATIVE_INFINITY,
  });
  const shared = Float64Array.from({ length: inner.steps }, (_, i) => inner.startMs + i * inner.stepMs);
  const series: RangeSeries[] = [];
  for (const [row, meta] of points.series.entries()) {
    const present = points.present.subarray(row * inner.steps, (row + 1) * inner.steps);
    const values = points.values.subarray(row * inner.steps, (row + 1) * inner.steps);
    const histograms = hintless(points, row);
    if (present.includes(0)) run.reserve(bytesOfSamples(present.length));
    const samples = present.includes(0)
      ? compact(shared, { present, values, histograms })
      : { timesMs: shared, values, ...(histograms?.size ? { histograms } : {}) };
    if (samples.timesMs.length === 0) continue;
    const taken = windows.of(samples.timesMs, 0, samples.timesMs.length);
    run.inputs.stepCounts?.addWindows(outer, taken);
    series.push({ meta, ...samples, ...taken });
    if (run.isDue()) await run.pause();
  }
  const metas = series.length === points.series.length ? points.series : series.map(({ meta }) => meta);
  return { kind: 'matrix', steps: endsMs.length, rangeMs, endsMs, modifier: null, series, metas };
}

/** What a sample says of a reset since the one before it means nothing where that is another one here. */
function hintless({ histograms, steps }: VectorValue, row: number): Histograms | undefined {
  if (histograms === undefined) return undefined;
  const without = new Map<number, NativeHistogram>();
  for (const [at, one] of histogramsWithin(histograms, row * steps, (row + 1) * steps))
    without.set(at, one.resetHint === 'gauge' ? one : { ...one, resetHint: 'unknown' });
  return without;
}

function compact(
  times: Float64Array,
  points: {
    readonly present: Uint8Array;
    readonly values: Float64Array;
    readonly histograms: Histograms | undefined;
  },
): Pick<RangeSeries, 'timesMs' | 'values' | 'histograms'> {
  const { present, values, histograms } = points;
  let count = 0;
  for (const flag of present) count += flag;
  const timesMs = new Float64Array(count);
  const kept = new Float64Array(count);
  const keptHistograms = new Map<number, NativeHistogram>();
  let n = 0;
  for (let i = 0; i < present.length; i++) {
    if (present[i] === 0) continue;
    timesMs[n] = times[i]!;
    const histogram = histograms?.get(i);
    if (histogram !== undefined) keptHistograms.set(n, histogram);
    kept[n++] = values[i]!;
  }
  return { timesMs, values: kept, ...(keptHistograms.size > 0 ? { histograms: keptHistograms } : {}) };
}
