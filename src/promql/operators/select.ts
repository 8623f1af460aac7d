// Selectors: reading series and laying them out over the steps, as instants or as windows.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import {
  interpolated,
  isStaleAt,
  labelValue,
  METRIC_NAME,
  type NativeHistogram,
  type SelectHints,
  type SeriesColumns,
  withDetectedResets,
  wordsOf,
} from '../../model/index.ts';
import {
  type PlannedSource,
  type PlannedSpan,
  resolveDuration,
  type SelectRangeNode,
} from '../plan/index.ts';
import { noteMixedKinds, noteMixedSchemas } from './histogram-notes.ts';
import { RunReadWork } from './read-work.ts';
import { bytesOfSamples, type Run } from './run.ts';
import {
  type Grid,
  type Histograms,
  histogramsWithin,
  type MatrixValue,
  type RangeSeries,
  type VectorValue,
  withHistograms,
} from './values.ts';
import { WindowCache, type Windows, type WindowTimes } from './windows.ts';

/** Step and range as the functions step() and range() and duration expressions see them. */
export function queryTimes(run: Run): { readonly stepMs: number; readonly rangeMs: number } {
  const { stepMs, startMs, endMs } = run.inputs;
  return { stepMs, rangeMs: endMs - startMs };
}

/** Where each step's window ends: the step, or the time of `@`, less the offset. */
export function windowEnds(run: Run, source: Pick<PlannedSource, 'offset' | 'at'>, grid: Grid): Float64Array {
  const offsetMs = resolveDuration(source.offset, queryTimes(run));
  const ends = new Float64Array(grid.steps);
  let atMs: number | undefined;
  if (source.at === 'start') atMs = run.inputs.startMs;
  else if (source.at === 'end') atMs = run.inputs.endMs;
  else if (source.at !== null) atMs = source.at;
  for (let i = 0; i < grid.steps; i++) ends[i] = (atMs ?? grid.startMs + i * grid.stepMs) - offsetMs;
  return ends;
}

interface ReadTimes {
  readonly endsMs: Float64Array;
  readonly widthMs: number;
  readonly stepMs: number;
  readonly lastOnly: boolean;
}

function read(run: Run, source: PlannedSource, times: ReadTimes): Promise<readonly SeriesColumns[]> {
  const hints = hintsFor(run, source, times);
  const key = JSON.stringify([source.matchers, hints]);
  let reading = run.reads.get(key);
  if (reading === undefined) {
    reading = readOnce(run, source, hints);
    run.reads.set(key, reading);
  } else run.inputs.measure?.shared();
  return source.detectsResets === true ? reading.then(series => series.map(withDetectedResets)) : reading;
}

function hintsFor(run: Run, source: PlannedSource, times: ReadTimes): SelectHints {
  return {
    fromMs: (times.endsMs[0] as number) - times.widthMs,
    toMs: times.endsMs[times.endsMs.length - 1] as number,
    stepMs: times.stepMs,
    rangeMs: source.func === '' || source.func === 'timestamp' ? 0 : times.widthMs,
    func: source.func,
    lastOnly: times.lastOnly,
    limit: run.inputs.settings.seriesMax + 1,
  };
}

async function readOnce(
  run: Run,
  source: PlannedSource,
  hints: SelectHints,
): Promise<readonly SeriesColumns[]> {
  const { reader, signal, settings, memory } = run.inputs;
  const work = new RunReadWork(run);
  const selected = await reader.select(source.matchers, { ...hints, memory, work }, signal);
  await run.resume();
  if (work.stopped !== undefined) throw work.stopped;
  if (!selected.ok) run.fail(selected.error.code, selected.error.message, source.span);
  const series = selected.value;
  if (series.length > settings.seriesMax) {
    run.fail(
      'query-limit',
      `Cannot evaluate the expression: a selector matches more than ${settings.seriesMax} series; narrow it`,
      source.span,
    );
  }
  run.seriesRead += series.length;
  for (const one of series) {
    run.samplesRead += one.to - one.from;
    run.count(one.to - one.from + bucketsIn(one));
    if (work.reserved === 0) run.reserve(bytesOfSamples(one.to - one.from));
    if (one.histograms !== undefined)
      for (const histogram of one.histograms.values()) run.reserveHistogram(histogram);
  }
  return series;
}

/** A bucket takes as much room as a sample. */
function bucketsIn({ histograms, from, to }: SeriesColumns): number {
  if (histograms === undefined) return 0;
  let buckets = 0;
  for (const [at, { positiveCounts, negativeCounts }] of histograms)
    if (at >= from && at < to) buckets += positiveCounts.length + negativeCounts.length;
  return buckets;
}

// --- instants -------------------------------------------------------------------------------------

/** What is the result: the sample's value, its time, or since when it counts (0 where unknown). */
export type Taken = 'value' | 'time' | 'start';

/** The newest sample within the lookback. */
export async function selectInstants(
  run: Run,
  source: PlannedSource,
  { grid, take }: { grid: Grid; take: Taken },
): Promise<VectorValue> {
  const endsMs = windowEnds(run, source, grid);
  const widthMs = run.inputs.lookbackMs;
  if (source.modifier !== null) return selectSmoothed(run, source, grid);
  const lastOnly = grid.steps === 1;
  const series = await read(run, source, { endsMs, widthMs, stepMs: grid.stepMs, lastOnly });
  const metas = run.inputs.lists.of(series);
  const vector = run.newVector(take === 'value' ? metas : run.dropNames(metas), grid.steps);
  const windows = new WindowCache(run, {
    endsMs,
    widthMs,
    notBeforeMs: run.inputs.notBeforeMs ?? -Infinity,
  });
  const histograms = new Map<number, NativeHistogram>();
  const only: Windows = { first: new Int32Array(1), end: new Int32Array(1) };
  for (let row = 0; row < series.length; row++) {
    const columns = series[row]!;
    if (lastOnly) lastWithin(columns, windows.times, only);
    const { first, end } = lastOnly ? only : windows.of(columns.timesMs, columns.from, columns.to);
    fillInstants({ columns, first, end, take, histograms }, vector, row * grid.steps);
    noteInstants(run, grid, { vector, row });
    if (run.isDue()) await run.pause();
  }
  return take === 'value' ? withHistograms(vector, histograms) : run.uniqueAfterDrop(vector, source.span);
}

/** The window of a single step as far as it is looked at: its last sample. */
function lastWithin(
  { timesMs, from, to }: SeriesColumns,
  { endsMs, widthMs, notBeforeMs }: WindowTimes,
  into: Windows,
): void {
  const endMs = endsMs[0]!;
  let end = to;
  while (end > from && timesMs[end - 1]! > endMs) end--;
  const isWithin = end > from && timesMs[end - 1]! > Math.max(endMs - widthMs, notBeforeMs);
  into.first[0] = isWithin ? end - 1 : end;
  into.end[0] = end;
}

function noteInstants(
  { inputs }: Run,
  grid: Grid,
  { vector, row }: { readonly vector: VectorValue; readonly row: number },
): void {
  inputs.stepCounts?.addPresent(grid, vector.present.subarray(row * grid.steps, (row + 1) * grid.steps));
}

function fillInstants(
  input: {
    readonly columns: SeriesColumns;
    readonly first: Int32Array;
    readonly end: Int32Array;
    readonly take: Taken;
    readonly histograms: Map<number, NativeHistogram>;
  },
  { values, present }: VectorValue,
  offset: number,
): void {
  const { columns, first, end, take, histograms } = input;
  if (columns.isPlain === true && take === 'value' && columns.histograms === undefined) {
    const from = columns.values;
    for (let i = 0; i < first.length; i++) {
      const last = end[i]! - 1;
      if (last < first[i]!) continue;
      values[offset + i] = from[last]!;
      present[offset + i] = 1;
    }
    return;
  }
  const words = columns.isPlain === true ? undefined : wordsOf(columns.values);
  for (let i = 0; i < first.length; i++) {
    const last = end[i]! - 1;
    if (last < first[i]! || (words !== undefined && isStaleAt(words, last))) continue;
    values[offset + i] = take === 'value' ? columns.values[last]! : secondsOf(columns, last, take);
    present[offset + i] = 1;
    if (take !== 'value' || columns.histograms === undefined) continue;
    const histogram = columns.histograms.get(last);
    if (histogram !== undefined) histograms.set(offset + i, histogram);
  }
}

export function needStartTimestamps(run: Run, span: PlannedSpan): void {
  if (run.inputs.settings.startTimestamps) return;
  run.failExecution('start_timestamp() needs the feature "use-start-timestamps" (--enable-feature)', span);
}

function secondsOf({ timesMs, startTimesMs }: SeriesColumns, at: number, take: 'time' | 'start'): number {
  const ms = take === 'time' ? timesMs[at]! : (startTimesMs?.[at] ?? 0);
  return Number.isNaN(ms) ? 0 : ms / 1000;
}

/** `selector smoothed`: the value at each step interpolated between the samples around it. */
async function selectSmoothed(run: Run, source: PlannedSource, grid: Grid): Promise<VectorValue> {
  const endsMs = windowEnds(run, source, grid);
  const wide = widen({ endsMs, widthMs: 0 }, 'smoothed', run.inputs.lookbackMs);
  const series = await read(run, source, { ...wide, stepMs: grid.stepMs, lastOnly: false });
  const windows = new WindowCache(run, { ...wide, notBeforeMs: run.inputs.notBeforeMs ?? -Infinity });
  const vector = run.newVector(run.inputs.lists.of(series), grid.steps);
  const histograms = new Map<number, NativeHistogram>();
  for (let row = 0; row < series.length; row++) {
    const columns = series[row]!;
    const found = windows.of(columns.timesMs, columns.from, columns.to);
    const clean = withoutStale(run, columns, found);
    const { first, end } = clean === columns ? found : windows.of(clean.timesMs, clean.from, clean.to);
    const interpolate =
      clean.histograms === undefined ? interpolateAt : mixedInterpolation(run, source, columns);
    for (let i = 0; i < grid.steps; i++) {
      const value = interpolate(clean, { from: first[i]!, to: end[i]! }, endsMs[i]!);
      if (value === undefined) continue;
      const at = row * grid.steps + i;
      if (typeof value === 'number') vector.values[at] = value;
      else {
        run.reserveHistogram(value);
        histograms.set(at, value);
      }
      vector.present[at] = 1;
    }
    noteInstants(run, grid, { vector, row });
    if (run.isDue()) await run.pause();
  }
  return withHistograms(vector, histograms);
}

type Interpolation = (
  samples: Samples,
  window: { readonly from: number; readonly to: number },
  timeMs: number,
) => number | NativeHistogram | undefined;

/** As `interpolateAt`, where there are native histograms. Floats and histograms in one window do not go together. */
function mixedInterpolation(run: Run, { span }: PlannedSource, { labels }: SeriesColumns): Interpolation {
  const metric = `metric name ${JSON.stringify(labelValue(labels, METRIC_NAME))}`;
  return (samples, window, timeMs) => {
    const { timesMs, histograms } = samples;
    const within = histograms === undefined ? 0 : histogramsWithin(histograms, window.from, window.to).size;
    if (histograms === undefined || within === 0) return interpolateAt(samples, window, timeMs);
    if (within < window.to - window.from) {
      noteMixedKinds({ run, span }, metric);
      return undefined;
    }
    let next = window.from;
    while (next < window.to && timesMs[next]! <= timeMs) next++;
    const before = next - 1;
    if (next === window.from) return undefined;
    const [a, b] = [histograms.get(before), histograms.get(next)];
    if (a === undefined || b === undefined || next === window.to || timesMs[before] === timeMs) return a;
    const share = (timeMs - timesMs[before]!) / (timesMs[next]! - timesMs[before]!);
    const between = interpolated(a, b, { share, counter: a.resetHint !== 'gauge' });
    if (between === undefined) noteMixedSchemas({ run, span }, metric);
    return between;
  };
}

/** Undefined where no sample is at or before the time; the last one goes on where none follows. */
function interpolateAt(
  { timesMs, values }: Samples,
  { from, to }: { readonly from: number; readonly to: number },
  timeMs: number,
): number | undefined {
  let next = from;
  while (next < to && timesMs[next]! <= timeMs) next++;
  if (next === from) return undefined;
  const before = next - 1;
  if (next === to || timesMs[before] === timeMs) return values[before]!;
  const share = (timeMs - timesMs[before]!) / (timesMs[next]! - timesMs[before]!);
  return values[before]! + (values[next]! - values[before]!) * share;
}

// --- ranges ---------------------------------------------------------------------------------------

export async function selectRanges(run: Run, node: SelectRangeNode, grid: Grid): Promise<MatrixValue> {
  const source = node.settings;
  const rangeMs = resolveDuration(source.range, queryTimes(run));
  if (!(rangeMs > 0)) run.failExecution('duration must be greater than 0', source.span);
  const endsMs = windowEnds(run, source, grid);
  const { modifier } = source;
  const wide = widen({ endsMs, widthMs: rangeMs }, modifier, run.inputs.lookbackMs);
  const series = await read(run, source, { ...wide, stepMs: grid.stepMs, lastOnly: false });
  const windows = new WindowCache(run, {
    ...wide,
    notBeforeMs: run.inputs.notBeforeMs ?? -Infinity,
  });
  const metas = run.inputs.lists.of(series);
  const ranges: RangeSeries[] = [];
  for (let row = 0; row < series.length; row++) {
    const columns = series[row]!;
    const found = windows.of(columns.timesMs, columns.from, columns.to);
    const clean = withoutStale(run, columns, found);
    const { timesMs, values } = clean;
    const { first, end } = clean === columns ? found : windows.of(timesMs, clean.from, clean.to);
    run.inputs.stepCounts?.addWindows(grid, { first, end });
    const floats = { meta: metas[row]!, timesMs, values, first, end };
    const startsMs = run.inputs.settings.startTimestamps ? clean.startTimesMs : undefined;
    if (clean.histograms === undefined && startsMs === undefined) ranges.push(floats);
    else ranges.push({ ...floats, ...histogramsOf(clean), ...(startsMs && { startsMs }) });
    if (run.isDue()) await run.pause();
  }
  return { kind: 'matrix', steps: grid.steps, rangeMs, endsMs, modifier, series: ranges, metas };
}

/** Modifiers need the samples around the window: in front of it, and behind it to interpolate. */
function widen(
  window: { readonly endsMs: Float64Array; readonly widthMs: number },
  modifier: PlannedSource['modifier'],
  lookbackMs: number,
): { readonly endsMs: Float64Array; readonly widthMs: number } {
  const { endsMs, widthMs } = window;
  if (modifier === null) return window;
  if (modifier === 'anchored') return { endsMs, widthMs: widthMs + lookbackMs };
  return { endsMs: endsMs.map(endMs => endMs + lookbackMs), widthMs: widthMs + 2 * lookbackMs };
}

interface Samples {
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  readonly isPlain?: boolean;
  readonly histograms?: Histograms;
  readonly startTimesMs?: Float64Array;
  readonly from: number;
  readonly to: number;
}

/** Range functions never see stale markers. A series without any is passed on as it is, with its shared times. */
function withoutStale(run: Run, columns: SeriesColumns, { first, end }: Windows): Samples {
  const { timesMs, values } = columns;
  if (columns.isPlain === true) return columns;
  // Windows only move forward: what lies before the first or behind the last is never looked at.
  const from = first[0] ?? 0;
  const to = end[end.length - 1] ?? 0;
  const words = wordsOf(values);
  let stale = 0;
  for (let i = from; i < to; i++) if (isStaleAt(words, i)) stale++;
  if (stale === 0) return columns;
  const kept = to - from - stale;
  run.reserve(bytesOfSamples(kept));
  const cleanTimes = new Float64Array(kept);
  const cleanValues = new Float64Array(kept);
  const starts = columns.startTimesMs && new Float64Array(kept);
  const histograms = new Map<number, NativeHistogram>();
  let n = 0;
  for (let i = from; i < to; i++) {
    if (isStaleAt(words, i)) continue;
    cleanTimes[n] = timesMs[i]!;
    cleanValues[n] = values[i]!;
    if (starts !== undefined) starts[n] = columns.startTimesMs![i]!;
    const histogram = columns.histograms?.get(i);
    if (histogram !== undefined) histograms.set(n, histogram);
    n++;
  }
  const clean = {
    timesMs: cleanTimes,
    values: cleanValues,
    from: 0,
    to: kept,
    ...(starts === undefined ? {} : { startTimesMs: starts }),
  };
  return histograms.size === 0 ? clean : { ...clean, histograms };
}

/** Of the samples that may be looked at. */
function histogramsOf({ histograms, from, to }: Samples): { readonly histograms?: Histograms } {
  if (histograms === undefined || histogramsWithin(histograms, from, to).size === 0) return {};
  return { histograms };
}
