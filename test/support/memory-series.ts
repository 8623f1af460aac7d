// A store of series in memory, as plain as possible: the reference for the contract suite, and data for tests of readers.

import { isDeepStrictEqual } from 'node:util';
import { compareUtf8, err, ok, type Result } from '../../src/base/index.ts';
import {
  type AppendFailure,
  type AppendOutcome,
  type CompiledMatcher,
  compareLabels,
  compileMatchers,
  type Exemplar,
  type ExemplarReader,
  isBetween,
  isStaleAt,
  type Labels,
  labelPairs,
  labelsKey,
  labelValue,
  type Matcher,
  type MetricMetadata,
  matchesAll,
  type NativeHistogram,
  REFUSALS_LISTED_MAX,
  type ReadFailure,
  type RefusalReason,
  refusalsByReason,
  type SampleBatch,
  type SelectHints,
  type SeriesColumns,
  type SeriesReader,
  type SeriesRef,
  type SeriesWriter,
  type TargetId,
  type TimeRange,
  wordsOf,
} from '../../src/model/index.ts';

/** As the real store. */
const FUTURE_MS_MAX = 600_000;
const OUT_OF_ORDER_MS = 600_000;

interface Row {
  readonly timeMs: number;
  /** A typed array of one: a value must not pass through a plain number, or a stale marker may be lost. */
  readonly value: Float64Array;
  readonly histogram: NativeHistogram | undefined;
  /** NaN where unknown. */
  readonly startMs: number;
}

interface Series {
  readonly ref: SeriesRef;
  readonly labels: Labels;
  producer: TargetId | undefined;
  /** In time order. */
  rows: Row[];
}

export class MemorySeriesStore implements SeriesWriter, SeriesReader, ExemplarReader {
  readonly #nowMs: () => number;
  readonly #byKey = new Map<string, Series>();
  readonly #byRef = new Map<number, Series>();
  readonly #metadata = new Map<string, MetricMetadata>();
  readonly #exemplars: { readonly series: Labels; readonly exemplar: TimedExemplar }[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  intern(labels: Labels): Result<SeriesRef, RefusalReason> {
    const key = labelsKey(labels);
    let series = this.#byKey.get(key);
    if (series === undefined) {
      series = { ref: (this.#byRef.size + 1) as SeriesRef, labels, producer: undefined, rows: [] };
      this.#byKey.set(key, series);
      this.#byRef.set(series.ref, series);
    }
    return ok(series.ref);
  }

  labelsOf(ref: number): Labels {
    const series = this.#byRef.get(ref);
    if (series === undefined) throw new Error(`no series ${ref}`);
    return series.labels;
  }

  /** Nothing is ever dropped here. */
  readonly generation = 0;

  isLive(ref: SeriesRef): boolean {
    return this.#byRef.has(ref);
  }

  async append(batch: SampleBatch): Promise<Result<AppendOutcome, AppendFailure>> {
    const refused: { index: number; reason: RefusalReason }[] = [];
    batch.series.forEach((ref, index) => {
      const reason = this.#appendOne(batch, ref, index);
      if (reason !== undefined) refused.push({ index, reason });
    });
    for (const one of batch.metadata ?? []) this.#metadata.set(one.metric, one);
    for (const { index, exemplar } of batch.exemplars ?? []) {
      const timestampMs = exemplar.timestampMs ?? batch.timestampMs;
      const { labels } = this.#byRef.get(batch.series[index] as number) as Series;
      this.#exemplars.push({ series: labels, exemplar: { ...exemplar, timestampMs } });
    }
    const out = new Set(refused.map(({ index }) => index));
    const histograms = [...(batch.histograms?.keys() ?? [])].filter(
      index => !out.has(index) && !isStaleAt(wordsOf(batch.values), index),
    );
    return ok({
      accepted: batch.series.length - refused.length,
      ...(histograms.length === 0 ? {} : { acceptedHistograms: histograms.length }),
      ...((batch.exemplars?.length ?? 0) === 0 ? {} : { keptExemplars: batch.exemplars?.length ?? 0 }),
      refused: refused.slice(0, REFUSALS_LISTED_MAX),
      refusedCount: refused.length,
      ...(refused.length === 0 ? {} : { refusedBy: refusalsByReason(refused) }),
    });
  }

  async select(
    matchers: readonly Matcher[],
    hints: SelectHints,
    signal?: AbortSignal,
  ): Promise<Result<readonly SeriesColumns[], ReadFailure>> {
    if (signal?.aborted) return err({ code: 'query-cancelled', message: 'The query was cancelled' });
    const found = this.#matching(matchers, { fromMs: hints.fromMs + 1, toMs: hints.toMs });
    if (!found.ok) return found;
    const { between } = hints;
    const inRange = found.value.filter(({ labels }) => between === undefined || isBetween(labels, between));
    const kept = hints.limit > 0 ? inRange.slice(0, hints.limit) : inRange;
    // Equal times are one array, so that readers may compare by identity.
    const shared = new Map<string, Float64Array>();
    return ok(
      kept.map(series => {
        const rows = series.rows.filter(row => row.timeMs > hints.fromMs && row.timeMs <= hints.toMs);
        const times = rows.map(row => row.timeMs);
        const key = times.join();
        const timesMs = shared.get(key) ?? Float64Array.from(times);
        shared.set(key, timesMs);
        const values = new Float64Array(rows.length);
        for (const [i, row] of rows.entries()) values.set(row.value, i);
        const { labels, ref, producer } = series;
        const columns = { labels, ref, producer, timesMs, values, from: 0, to: rows.length };
        return { ...columns, ...extrasOf(rows) };
      }),
    );
  }

  async series(
    matchers: readonly Matcher[],
    range: TimeRange,
  ): Promise<Result<readonly Labels[], ReadFailure>> {
    const found = this.#matching(matchers, range);
    return found.ok ? ok(found.value.map(series => series.labels)) : found;
  }

  async labelNames(
    matchers: readonly Matcher[],
    range: TimeRange,
  ): Promise<Result<readonly string[], ReadFailure>> {
    const found = this.#matching(matchers, range);
    if (!found.ok) return found;
    const names = found.value.flatMap(series => [...labelPairs(series.labels)].map(([name]) => name));
    return ok([...new Set(names)].sort(compareUtf8));
  }

  async labelValues(
    name: string,
    matchers: readonly Matcher[],
    range: TimeRange,
  ): Promise<Result<readonly string[], ReadFailure>> {
    const found = this.#matching(matchers, range);
    if (!found.ok) return found;
    const values = new Set(found.value.map(series => labelValue(series.labels, name)));
    values.delete('');
    return ok([...values].sort(compareUtf8));
  }

  metadata(): readonly MetricMetadata[] {
    return [...this.#metadata.values()];
  }

  async exemplars(
    anyOf: readonly (readonly Matcher[])[],
    range: TimeRange,
  ): ReturnType<ExemplarReader['exemplars']> {
    const compiled = anyOf.map(matchers => compileMatchers(matchers));
    const found = new Map<string, { series: Labels; exemplars: TimedExemplar[] }>();
    for (const { series, exemplar } of this.#exemplars) {
      const { timestampMs } = exemplar;
      if (timestampMs < range.fromMs || timestampMs > range.toMs) continue;
      if (!compiled.some(one => one.ok && matchesAll(one.value, series))) continue;
      const known = found.get(labelsKey(series)) ?? { series, exemplars: [] };
      known.exemplars.push(exemplar);
      found.set(labelsKey(series), known);
    }
    return ok([...found.values()].sort((a, b) => compareLabels(a.series, b.series)));
  }

  #appendOne(batch: SampleBatch, ref: number, index: number): RefusalReason | undefined {
    const series = this.#byRef.get(ref);
    if (series === undefined) throw new Error(`assertion failed: unknown series ${ref}`);
    const own = batch.ownTimestampsMs?.[index] ?? Number.NaN;
    const timeMs = Number.isNaN(own) ? batch.timestampMs : own;
    if (timeMs > this.#nowMs() + FUTURE_MS_MAX) return 'sample-future';
    const newestMs = series.rows.at(-1)?.timeMs ?? Number.NEGATIVE_INFINITY;
    if (timeMs < newestMs - OUT_OF_ORDER_MS) return 'sample-out-of-order';
    const value = batch.values.slice(index, index + 1);
    const at = series.rows.findIndex(row => row.timeMs >= timeMs);
    const there = series.rows[at];
    const given = batch.histograms?.get(index);
    const histogram = isStaleAt(wordsOf(value), 0) ? undefined : given;
    if (there?.timeMs === timeMs)
      return sameSample(there, { value, histogram }) ? undefined : 'sample-conflict';
    const startMs = batch.startTimestampsMs?.[index] ?? Number.NaN;
    const row = { timeMs, value, histogram, startMs };
    series.rows.splice(at < 0 ? series.rows.length : at, 0, row);
    series.producer = batch.producer;
    return undefined;
  }

  #matching(matchers: readonly Matcher[], range: TimeRange): Result<readonly Series[], ReadFailure> {
    const compiled = compileMatchers(matchers);
    if (!compiled.ok) return err({ code: 'query-storage', message: compiled.error });
    const wanted: readonly CompiledMatcher[] = compiled.value;
    return ok(
      [...this.#byKey.values()]
        .filter(series => series.rows.some(row => row.timeMs >= range.fromMs && row.timeMs <= range.toMs))
        .filter(series => matchesAll(wanted, series.labels))
        .sort((a, b) => compareLabels(a.labels, b.labels)),
    );
  }
}

type TimedExemplar = Exemplar & { readonly timestampMs: number };

function extrasOf(rows: readonly Row[]): Pick<SeriesColumns, 'histograms' | 'startTimesMs'> {
  const histograms = new Map<number, NativeHistogram>();
  rows.forEach(({ histogram }, i) => {
    if (histogram !== undefined) histograms.set(i, histogram);
  });
  const starts = Float64Array.from(rows, ({ startMs }) => startMs);
  return {
    ...(histograms.size === 0 ? {} : { histograms }),
    ...(starts.every(Number.isNaN) ? {} : { startTimesMs: starts }),
  };
}

function sameSample(a: Pick<Row, 'value' | 'histogram'>, b: Pick<Row, 'value' | 'histogram'>): boolean {
  if (a.histogram === undefined || b.histogram === undefined)
    return a.histogram === b.histogram && sameBits(a.value, b.value);
  return isDeepStrictEqual(a.histogram, b.histogram);
}

function sameBits(a: Float64Array, b: Float64Array): boolean {
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
}
