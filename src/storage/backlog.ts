// What came in while the store is paused: in memory only, not acknowledged. Queries see it, so that alerting goes on with
// a full disk, and it is written once writing succeeds again. A process that ends in between loses it, as it said.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import type { Clock } from '../base/index.ts';
import {
  compareLabels,
  type NativeHistogram,
  type SampleBatch,
  type SeriesColumns,
  type TargetId,
  type TimeRange,
  valuesAt,
  wordsOf,
} from '../model/index.ts';
import { ColumnExtrasBuilder } from './extras.ts';
import type { Series } from './head-data.ts';
import type { SeriesTable } from './series-table.ts';
import { BACKLOG_MS, BACKLOG_SAMPLES_MAX } from './settings.ts';

interface Held {
  readonly batch: SampleBatch;
  readonly atMs: number;
}

/** One series' samples in the backlog, in the order in which they came. */
interface LateColumn {
  producer: TargetId;
  readonly timesMs: number[];
  /** Two words a value: as a number a NaN might lose its bits. */
  readonly words: number[];
  readonly histograms: Map<number, NativeHistogram>;
  /** NaN where unknown. */
  readonly startsMs: number[];
}

export type LateColumns = ReadonlyMap<Series, LateColumn>;

export class Backlog {
  readonly #table: SeriesTable;
  readonly #clock: Clock;
  #held: Held[] = [];
  #samples = 0;
  readonly #newestMs = new Map<TargetId, number>();

  constructor(table: SeriesTable, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  get samples(): number {
    return this.#samples;
  }

  /** Time of the oldest sample, Infinity without any. */
  get fromMs(): number {
    let fromMs = Number.POSITIVE_INFINITY;
    for (const { batch } of this.#held) {
      fromMs = Math.min(fromMs, batch.timestampMs);
      for (const own of batch.ownTimestampsMs ?? []) if (own < fromMs) fromMs = own;
    }
    return fromMs;
  }

  /** Takes a batch whose arrays nobody else changes. One that is not newer is a repeat by a sender that keeps it itself. */
  hold(batch: SampleBatch): void {
    const newestMs = this.#newestMs.get(batch.producer) ?? Number.NEGATIVE_INFINITY;
    if (batch.timestampMs <= newestMs) return;
    this.#newestMs.set(batch.producer, batch.timestampMs);
    const atMs = this.#clock.monotonicMs();
    this.#held.push({ batch, atMs });
    this.#samples += batch.series.length;
    let gone = 0;
    while (gone < this.#held.length) {
      const oldest = this.#held[gone]!;
      if (this.#samples <= BACKLOG_SAMPLES_MAX && atMs - oldest.atMs <= BACKLOG_MS) break;
      this.#samples -= oldest.batch.series.length;
      gone += 1;
    }
    if (gone > 0) this.#held = this.#held.slice(gone);
  }

  /**
   * Everything, oldest first, without the series that the store has dropped since. Each stays, and is shown, until `done`:
   * taken away before it is written, it would be nowhere for a moment, and an alert would seem to have ended.
   */
  offer(): readonly { readonly batch: SampleBatch; readonly done: () => void }[] {
    return this.#held.map(held => ({ batch: this.#ofLive(held.batch), done: () => this.#remove(held) }));
  }

  #remove(held: Held): void {
    const at = this.#held.indexOf(held);
    if (at < 0) return;
    this.#held.splice(at, 1);
    this.#samples -= held.batch.series.length;
    if (this.isEmpty) this.#newestMs.clear();
  }

  /** What is here of these series, fromMs exclusive. */
  columnsOf(matched: readonly Series[], window: TimeRange): LateColumns {
    const wanted = new Map<number, Series>(matched.map(series => [series.ref, series]));
    const columns = new Map<Series, LateColumn>();
    for (const { batch } of this.#held) {
      const { series: refs, ownTimestampsMs, startTimestampsMs, histograms, producer } = batch;
      const words = wordsOf(batch.values);
      for (let i = 0; i < refs.length; i++) {
        const series = wanted.get(refs[i]!);
        if (series === undefined) continue;
        const own = ownTimestampsMs?.[i] ?? Number.NaN;
        const timeMs = Number.isNaN(own) ? batch.timestampMs : own;
        if (timeMs <= window.fromMs || timeMs > window.toMs) continue;
        let column = columns.get(series);
        if (column === undefined) {
          column = { producer, timesMs: [], words: [], histograms: new Map(), startsMs: [] };
          columns.set(series, column);
        }
        // The first that came stays; what is out of order is sorted in once it is stored.
        if (timeMs <= (column.timesMs.at(-1) ?? Number.NEGATIVE_INFINITY)) continue;
        const histogram = histograms?.get(i);
        if (histogram !== undefined) column.histograms.set(column.timesMs.length, histogram);
        column.producer = producer;
        column.timesMs.push(timeMs);
        column.startsMs.push(startTimestampsMs?.[i] ?? Number.NaN);
        column.words.push(words[2 * i]!, words[2 * i + 1]!);
      }
    }
    return columns;
  }

  #ofLive(batch: SampleBatch): SampleBatch {
    const live: number[] = [];
    batch.series.forEach((ref, i) => {
      if (this.#table.get(ref) !== undefined) live.push(i);
    });
    if (live.length === batch.series.length) return batch;
    const place = new Map(live.map((from, to) => [from, to]));
    const { ownTimestampsMs, startTimestampsMs, histograms, exemplars, ...rest } = batch;
    const own = ownTimestampsMs && valuesAt(ownTimestampsMs, live);
    const start = startTimestampsMs && valuesAt(startTimestampsMs, live);
    return {
      ...rest,
      series: Uint32Array.from(live, i => batch.series[i]!),
      values: valuesAt(batch.values, live),
      ...(own === undefined ? {} : { ownTimestampsMs: own }),
      ...(start === undefined ? {} : { startTimestampsMs: start }),
      ...(histograms === undefined
        ? {}
        : { histograms: new Map([...histograms].flatMap(([i, one]) => moved(place.get(i), one))) }),
      ...(exemplars === undefined
        ? {}
        : {
            exemplars: exemplars.flatMap(({ index, exemplar }) => {
              const to = place.get(index);
              return to === undefined ? [] : [{ index: to, exemplar }];
            }),
          }),
    };
  }
}

/** What is stored, with what is late behind it. `limit` 0 is no limit. */
export function withLate(
  stored: readonly SeriesColumns[],
  late: LateColumns,
  limit: number,
): readonly SeriesColumns[] {
  if (late.size === 0) return stored;
  const merged = new Map<number, SeriesColumns>(stored.map(one => [one.ref, one]));
  for (const [series, column] of late) {
    const one = joined(series, merged.get(series.ref), column);
    if (one !== undefined) merged.set(series.ref, one);
  }
  const sorted = [...merged.values()].sort((a, b) => compareLabels(a.labels, b.labels));
  return limit > 0 ? sorted.slice(0, limit) : sorted;
}

function moved<T>(to: number | undefined, value: T): [number, T][] {
  return to === undefined ? [] : [[to, value]];
}

/** Undefined when the backlog has nothing that is newer than what is stored. */
function joined(
  series: Series,
  stored: SeriesColumns | undefined,
  column: LateColumn,
): SeriesColumns | undefined {
  const lastMs = stored === undefined ? Number.NEGATIVE_INFINITY : stored.timesMs[stored.to - 1]!;
  const first = column.timesMs.findIndex(timeMs => timeMs > lastMs);
  if (first === -1) return undefined;
  const before = stored === undefined ? 0 : stored.to - stored.from;
  const count = before + column.timesMs.length - first;
  const timesMs = new Float64Array(count);
  const values = new Float64Array(count);
  if (stored !== undefined) {
    timesMs.set(stored.timesMs.subarray(stored.from, stored.to));
    // Between arrays of one type bytes are copied, so that NaNs keep their bits.
    values.set(stored.values.subarray(stored.from, stored.to));
  }
  const words = wordsOf(values);
  const extras = new ColumnExtrasBuilder(count);
  if (stored !== undefined) extras.copy(stored, stored.from, { count: before, at: 0 });
  for (let i = first; i < column.timesMs.length; i++) {
    const at = before + i - first;
    timesMs[at] = column.timesMs[i]!;
    words[2 * at] = column.words[2 * i]!;
    words[2 * at + 1] = column.words[2 * i + 1]!;
    const histogram = column.histograms.get(i);
    if (histogram !== undefined) extras.histogram(at, histogram);
    extras.start(at, column.startsMs[i]!);
  }
  return {
    labels: series.labels,
    ref: series.ref,
    producer: column.producer,
    timesMs,
    values,
    from: 0,
    to: count,
    ...extras.finish(),
  };
}
