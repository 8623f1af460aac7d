// A SeriesWriter in memory for tests: keeps every batch as rows of text.

import { err, ok, type Result } from '../../../base/index.ts';
import {
  type AppendFailure,
  type AppendOutcome,
  formatLabels,
  isStaleAt,
  type Labels,
  labelsKey,
  type RefusalReason,
  type SampleBatch,
  type SeriesRef,
  type SeriesWriter,
  wordsOf,
} from '../../../model/index.ts';

export class MemoryWriter implements SeriesWriter {
  readonly batches: SampleBatch[] = [];
  interned = 0;
  generation = 0;
  /** Refuses new series beyond this number. */
  seriesMax = Number.POSITIVE_INFINITY;
  failure: AppendFailure | undefined;
  readonly #refs = new Map<string, SeriesRef>();
  readonly #labels = new Map<number, Labels>();
  #next = 0;

  intern(labels: Labels): Result<SeriesRef, RefusalReason> {
    this.interned++;
    const key = labelsKey(labels);
    const known = this.#refs.get(key);
    if (known !== undefined) return ok(known);
    if (this.#refs.size >= this.seriesMax) return err('sample-limit');
    const ref = this.#next++ as SeriesRef;
    this.#refs.set(key, ref);
    this.#labels.set(ref, labels);
    return ok(ref);
  }

  async append(batch: SampleBatch): Promise<Result<AppendOutcome, AppendFailure>> {
    if (this.failure !== undefined) return err(this.failure);
    for (const ref of batch.series) {
      if (!this.isLive(ref as SeriesRef)) throw new Error(`assertion failed: unknown ref ${ref}`);
    }
    this.batches.push(batch);
    return ok({ accepted: batch.series.length, refused: [], refusedCount: 0 });
  }

  isLive(ref: SeriesRef): boolean {
    return this.#labels.has(ref);
  }

  /** The store drops a series after retention. */
  dropSeries(text: string): void {
    for (const [ref, labels] of this.#labels) {
      if (formatLabels(labels) !== text) continue;
      this.generation++;
      this.#labels.delete(ref);
      this.#refs.delete(labelsKey(labels));
    }
  }

  /** `name{labels} value [@own time]`, report series left out. */
  rows(batch: SampleBatch): string[] {
    return this.allRows(batch).filter(row => !/^(up|scrape_)/.test(row));
  }

  allRows(batch: SampleBatch): string[] {
    const words = wordsOf(batch.values);
    return [...batch.series].map((ref, i) => {
      const value = isStaleAt(words, i) ? 'stale' : String(batch.values[i]);
      const ownMs = batch.ownTimestampsMs?.[i];
      const time = ownMs === undefined || Number.isNaN(ownMs) ? '' : ` @${ownMs}`;
      return `${formatLabels(this.#labels.get(ref) as Labels)} ${value}${time}`;
    });
  }
}
