// Exemplars: the newest of all series together, as many as are allowed; the oldest goes for a new one. As in Prometheus,
// those of one series come in the order of their times, and a repeat of its newest is no new one.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { err, ok, type Result } from '../base/index.ts';
import {
  compareLabels,
  compileMatchers,
  type Exemplar,
  type Labels,
  labelsEqual,
  type Matcher,
  matchesAll,
  type ReadFailure,
  type SampleBatch,
  type SeriesExemplars,
  type TimeRange,
} from '../model/index.ts';
import type { Series } from './head-data.ts';

export interface StoredExemplar {
  readonly ref: number;
  readonly series: Labels;
  readonly labels: Labels;
  readonly value: number;
  readonly timeMs: number;
}

/** Characters of all its names and values together: OpenMetrics's limit. */
const LABEL_CHARS_MAX = 128;

export class ExemplarRing {
  readonly #max: number;
  /** Oldest first, from `#first` on. */
  #all: StoredExemplar[] = [];
  #first = 0;
  readonly #bySeries = new Map<number, StoredExemplar[]>();
  /** So many of the newest were added since `takeFresh` was asked last. */
  #fresh = 0;

  /** 0 keeps none. */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#all.length - this.#first;
  }

  *all(): Generator<StoredExemplar> {
    for (let i = this.#first; i < this.#all.length; i++) yield this.#all[i]!;
  }

  newestOf(ref: number): StoredExemplar | undefined {
    return this.#bySeries.get(ref)?.at(-1);
  }

  /** Those of a batch that will be kept; the samples they stand at are not among the refused. */
  worthKeeping(
    batch: SampleBatch,
    seriesOf: (ref: number) => Series | undefined,
    isRefused: (index: number) => boolean,
  ): readonly StoredExemplar[] {
    if (batch.exemplars === undefined || this.#max === 0) return [];
    const kept: StoredExemplar[] = [];
    const newest = new Map<number, StoredExemplar | undefined>();
    for (const { index, exemplar } of batch.exemplars) {
      const series = seriesOf(batch.series[index] ?? 0);
      if (series === undefined || isRefused(index)) continue;
      const one = storedOf(series, exemplar, timeOf(batch, index));
      const before = newest.has(one.ref) ? newest.get(one.ref) : this.newestOf(one.ref);
      if (!follows(before, one) || isTooLong(one.labels)) continue;
      newest.set(one.ref, one);
      kept.push(one);
    }
    return kept;
  }

  /** False for one that does not follow the newest of its series: what the log repeats is there already. */
  add(one: StoredExemplar): boolean {
    if (this.#max === 0 || !follows(this.newestOf(one.ref), one)) return false;
    const known = this.#bySeries.get(one.ref);
    if (known === undefined) this.#bySeries.set(one.ref, [one]);
    else known.push(one);
    this.#all.push(one);
    while (this.size > this.#max) this.#dropOldest();
    this.#fresh = Math.min(this.#fresh + 1, this.size);
    return true;
  }

  /** Those added since it was asked last and still here, oldest first. */
  takeFresh(): readonly StoredExemplar[] {
    const fresh = this.#all.slice(this.#all.length - this.#fresh);
    this.#fresh = 0;
    return fresh;
  }

  /** Of the series that any of the lists of matchers selects, both ends of the range included. */
  select(
    anyOf: readonly (readonly Matcher[])[],
    range: TimeRange,
  ): Result<readonly SeriesExemplars[], ReadFailure> {
    const compiled = anyOf.map(compileMatchers);
    const bad = compiled.find(one => !one.ok);
    if (bad !== undefined && !bad.ok)
      return err({ code: 'query-storage', message: `Cannot select by ${bad.error}` });
    const found: SeriesExemplars[] = [];
    for (const listed of this.#bySeries.values()) {
      const { series } = listed[0]!;
      if (!compiled.some(one => one.ok && matchesAll(one.value, series))) continue;
      const inside = listed.filter(({ timeMs }) => timeMs >= range.fromMs && timeMs <= range.toMs);
      if (inside.length === 0) continue;
      const exemplars = inside.map(({ labels, value, timeMs }) => ({ labels, value, timestampMs: timeMs }));
      found.push({ series, exemplars });
    }
    return ok(found.sort((a, b) => compareLabels(a.series, b.series)));
  }

  #dropOldest(): void {
    const { ref } = this.#all[this.#first]!;
    this.#first++;
    const listed = this.#bySeries.get(ref)!;
    listed.shift();
    if (listed.length === 0) this.#bySeries.delete(ref);
    if (this.#first < this.#max) return;
    this.#all = this.#all.slice(this.#first);
    this.#first = 0;
  }
}

function storedOf(series: Series, exemplar: Exemplar, sampleMs: number): StoredExemplar {
  const { labels, value, timestampMs = sampleMs } = exemplar;
  return { ref: series.ref, series: series.labels, labels, value, timeMs: timestampMs };
}

function timeOf(batch: SampleBatch, index: number): number {
  const own = batch.ownTimestampsMs?.[index] ?? Number.NaN;
  return Number.isNaN(own) ? batch.timestampMs : own;
}

function follows(before: StoredExemplar | undefined, one: StoredExemplar): boolean {
  if (before === undefined || one.timeMs > before.timeMs) return true;
  if (one.timeMs < before.timeMs) return false;
  return !(Object.is(one.value, before.value) && labelsEqual(one.labels, before.labels));
}

function isTooLong(labels: Labels): boolean {
  let chars = 0;
  for (const text of labels) chars += [...text].length;
  return chars > LABEL_CHARS_MAX;
}
