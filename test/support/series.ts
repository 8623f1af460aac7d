// A SeriesReader over a fixed list in memory: what the query engine is tested against. Series with equal time columns
// share one, as the store's cohorts do.

import { compareUtf8, err, ok, type Result } from '../../src/base/index.ts';
import {
  compareLabels,
  compileMatchers,
  type Labels,
  labelPairs,
  labelValue,
  type Matcher,
  matchesAll,
  type NativeHistogram,
  type ReadFailure,
  type SelectHints,
  type SeriesColumns,
  type SeriesReader,
  type SeriesRef,
  setStaleAt,
  type TargetId,
  type TimeRange,
  wordsOf,
} from '../../src/model/index.ts';

export interface MemorySeries {
  readonly labels: Labels;
  /** In time order, times strictly rising; 'stale' is the staleness marker. */
  readonly samples: readonly (readonly [
    timeMs: number,
    value: number | 'stale' | NativeHistogram,
    startMs?: number,
  ])[];
  readonly producer?: TargetId;
}

interface Stored {
  readonly labels: Labels;
  readonly ref: SeriesRef;
  readonly producer: TargetId | undefined;
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  readonly histograms: ReadonlyMap<number, NativeHistogram> | undefined;
  readonly startTimesMs: Float64Array | undefined;
}

export function memorySeriesReader(series: readonly MemorySeries[]): SeriesReader {
  const columnsByTimes = new Map<string, Float64Array>();
  const stored = series
    .map((one, i) => store(one, i + 1, columnsByTimes))
    .sort((a, b) => compareLabels(a.labels, b.labels));
  const matching = (matchers: readonly Matcher[]): Result<readonly Stored[], ReadFailure> => {
    const compiled = compileMatchers(matchers);
    if (!compiled.ok) return err({ code: 'query-storage', message: compiled.error });
    return ok(stored.filter(({ labels }) => matchesAll(compiled.value, labels)));
  };
  const labelsIn = (
    matchers: readonly Matcher[],
    range: TimeRange,
  ): Result<readonly Labels[], ReadFailure> => {
    const found = matching(matchers);
    if (!found.ok) return found;
    const inRange = ({ timesMs }: Stored): boolean =>
      timesMs.some(timeMs => timeMs >= range.fromMs && timeMs <= range.toMs);
    return ok(found.value.filter(inRange).map(({ labels }) => labels));
  };
  return {
    select: async (matchers, hints, signal) => {
      if (signal?.aborted) return err({ code: 'query-cancelled', message: 'the read was cancelled' });
      const found = matching(matchers);
      return found.ok ? ok(cut(found.value, hints)) : found;
    },
    series: async (matchers, range) => labelsIn(matchers, range),
    labelNames: async (matchers, range) => {
      const found = labelsIn(matchers, range);
      if (!found.ok) return found;
      return ok(sortedSet(found.value.flatMap(labels => [...labelPairs(labels)].map(([name]) => name))));
    },
    labelValues: async (name, matchers, range) => {
      const found = labelsIn(matchers, range);
      if (!found.ok) return found;
      return ok(sortedSet(found.value.map(labels => labelValue(labels, name)).filter(value => value !== '')));
    },
    metadata: () => [],
  };
}

function sortedSet(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort(compareUtf8);
}

function store(
  { labels, samples, producer }: MemorySeries,
  ref: number,
  known: Map<string, Float64Array>,
): Stored {
  const key = samples.map(([timeMs]) => timeMs).join();
  const timesMs = known.get(key) ?? Float64Array.from(samples, ([timeMs]) => timeMs);
  known.set(key, timesMs);
  const values = new Float64Array(samples.length);
  const words = wordsOf(values);
  const histograms = new Map<number, NativeHistogram>();
  for (const [i, [, value]] of samples.entries()) {
    if (value === 'stale') setStaleAt(words, i);
    else if (typeof value === 'number') values[i] = value;
    else histograms.set(i, value);
  }
  return {
    labels,
    // A ref of this list, which lives as long as the reader.
    ref: ref as SeriesRef,
    producer,
    timesMs,
    values,
    histograms: histograms.size > 0 ? histograms : undefined,
    startTimesMs: samples.some(([, , startMs]) => startMs !== undefined)
      ? Float64Array.from(samples, ([, , startMs]) => startMs ?? Number.NaN)
      : undefined,
  };
}

/** The wanted samples of each series, those without any left out. */
function cut(series: readonly Stored[], { fromMs, toMs, limit }: SelectHints): SeriesColumns[] {
  const columns: SeriesColumns[] = [];
  for (const { histograms, startTimesMs, ...rest } of series) {
    let from = 0;
    let to = rest.timesMs.length;
    while (from < to && (rest.timesMs[from] as number) <= fromMs) from++;
    while (to > from && (rest.timesMs[to - 1] as number) > toMs) to--;
    if (to === from) continue;
    columns.push({
      ...rest,
      from,
      to,
      ...(histograms === undefined ? {} : { histograms }),
      ...(startTimesMs === undefined ? {} : { startTimesMs }),
    });
    if (limit > 0 && columns.length >= limit) break;
  }
  return columns;
}
