// A small time-series store in memory, for rule unit tests: plain lists, no limits but the input's own.

import { compareUtf8, err, ok, type Result } from '../../base/index.ts';
import {
  type AppendOutcome,
  compareLabels,
  compileMatchers,
  isStaleAt,
  type Labels,
  labelPairs,
  labelsKey,
  labelValue,
  type Matcher,
  matchesAll,
  type NativeHistogram,
  type ReadFailure,
  type SampleBatch,
  type SelectHints,
  type SeriesColumns,
  type SeriesReader,
  type SeriesRef,
  type SeriesWriter,
  setStaleAt,
  type TargetId,
  type TimeRange,
  wordsOf,
} from '../../model/index.ts';

interface Stored {
  readonly labels: Labels;
  readonly ref: SeriesRef;
  producer: TargetId | undefined;
  /** Rising times; a stale marker is told by `stale`, its value is not used. */
  readonly samples: { readonly timeMs: number; readonly value: number; readonly stale: boolean }[];
  readonly histograms: Map<number, NativeHistogram>;
}

/** Owns the series of one test. */
export class MemoryStore implements SeriesReader, SeriesWriter {
  readonly #byKey = new Map<string, Stored>();
  readonly #byRef: Stored[] = [];

  intern(labels: Labels): Result<SeriesRef, never> {
    const key = labelsKey(labels);
    let stored = this.#byKey.get(key);
    if (stored === undefined) {
      // The ref is the index into the list, which only grows.
      const ref = this.#byRef.length as SeriesRef;
      stored = { labels, ref, producer: undefined, samples: [], histograms: new Map() };
      this.#byKey.set(key, stored);
      this.#byRef.push(stored);
    }
    return ok(stored.ref);
  }

  /** Nothing is ever dropped here. */
  readonly generation = 0;

  isLive(ref: SeriesRef): boolean {
    return ref < this.#byRef.length;
  }

  async append(batch: SampleBatch): Promise<Result<AppendOutcome, never>> {
    const words = wordsOf(batch.values);
    const refused: { index: number; reason: 'sample-out-of-order' }[] = [];
    batch.series.forEach((ref, i) => {
      const stored = this.#byRef[ref];
      if (stored === undefined) return;
      const own = batch.ownTimestampsMs?.[i];
      const timeMs = own === undefined || Number.isNaN(own) ? batch.timestampMs : own;
      if (timeMs <= (stored.samples.at(-1)?.timeMs ?? Number.NEGATIVE_INFINITY)) {
        refused.push({ index: i, reason: 'sample-out-of-order' });
        return;
      }
      const histogram = batch.histograms?.get(i);
      if (histogram !== undefined) stored.histograms.set(stored.samples.length, histogram);
      stored.samples.push({ timeMs, value: batch.values[i] ?? Number.NaN, stale: isStaleAt(words, i) });
      stored.producer = batch.producer;
    });
    return ok({ accepted: batch.series.length - refused.length, refused, refusedCount: refused.length });
  }

  async select(
    matchers: readonly Matcher[],
    hints: SelectHints,
  ): Promise<Result<readonly SeriesColumns[], ReadFailure>> {
    const found = this.#matching(matchers);
    if (!found.ok) return found;
    return ok(found.value.flatMap(stored => columnsOf(stored, hints)));
  }

  async series(
    matchers: readonly Matcher[],
    range: TimeRange,
  ): Promise<Result<readonly Labels[], ReadFailure>> {
    const found = this.#matching(matchers);
    if (!found.ok) return found;
    const inRange = (stored: Stored): boolean =>
      stored.samples.some(({ timeMs }) => timeMs >= range.fromMs && timeMs <= range.toMs);
    return ok(found.value.filter(inRange).map(({ labels }) => labels));
  }

  async labelNames(
    matchers: readonly Matcher[],
    range: TimeRange,
  ): Promise<Result<readonly string[], ReadFailure>> {
    const found = await this.series(matchers, range);
    if (!found.ok) return found;
    return ok(distinct(found.value.flatMap(labels => [...labelPairs(labels)].map(([name]) => name))));
  }

  async labelValues(
    name: string,
    matchers: readonly Matcher[],
    range: TimeRange,
  ): Promise<Result<readonly string[], ReadFailure>> {
    const found = await this.series(matchers, range);
    if (!found.ok) return found;
    return ok(distinct(found.value.map(labels => labelValue(labels, name)).filter(value => value !== '')));
  }

  metadata(): readonly never[] {
    return [];
  }

  #matching(matchers: readonly Matcher[]): Result<readonly Stored[], ReadFailure> {
    const compiled = compileMatchers(matchers);
    if (!compiled.ok) return err({ code: 'query-storage', message: compiled.error });
    const found = this.#byRef.filter(({ labels }) => matchesAll(compiled.value, labels));
    return ok(found.sort((a, b) => compareLabels(a.labels, b.labels)));
  }
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort(compareUtf8);
}

function columnsOf(stored: Stored, { fromMs, toMs }: SelectHints): readonly SeriesColumns[] {
  let from = 0;
  let to = stored.samples.length;
  while (from < to && (stored.samples[from]?.timeMs ?? 0) <= fromMs) from++;
  while (to > from && (stored.samples[to - 1]?.timeMs ?? 0) > toMs) to--;
  if (from === to) return [];
  const samples = stored.samples.slice(from, to);
  const timesMs = Float64Array.from(samples, sample => sample.timeMs);
  const values = Float64Array.from(samples, sample => sample.value);
  const words = wordsOf(values);
  const histograms = new Map<number, NativeHistogram>();
  samples.forEach((sample, i) => {
    if (sample.stale) setStaleAt(words, i);
    const histogram = stored.histograms.get(from + i);
    if (histogram !== undefined) histograms.set(i, histogram);
  });
  const { labels, ref, producer } = stored;
  const columns = { labels, ref, producer, timesMs, values, from: 0, to: samples.length };
  return [histograms.size === 0 ? columns : { ...columns, histograms }];
}
