// A SeriesWriter in memory for tests: keeps every batch as rows of text.

import { err, ok, type Result } from '../../../base/index.ts';
import {
  type AppendFailure,
  type AppendOutcome,
  type BucketSpan,
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
    // Its values are only lent.
    this.batches.push({ ...batch, values: batch.values.slice() });
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
      const value = isStaleAt(words, i) ? 'stale' : (histogramText(batch, i) ?? String(batch.values[i]));
      const ownMs = batch.ownTimestampsMs?.[i];
      const time = ownMs === undefined || Number.isNaN(ownMs) ? '' : ` @${ownMs}`;
      const startMs = batch.startTimestampsMs?.[i];
      const start = startMs === undefined || Number.isNaN(startMs) ? '' : ` since ${startMs}`;
      return `${formatLabels(this.#labels.get(ref) as Labels)} ${value}${time}${start}`;
    });
  }
}

/** `h3 count/sum/zero [index:count …]`, negative indices of buckets behind "-"; bounds instead of indices for custom ones. */
function histogramText(batch: SampleBatch, i: number): string | undefined {
  const histogram = batch.histograms?.get(i);
  if (histogram === undefined) return undefined;
  const { schema, count, sum, zeroCount, customBounds } = histogram;
  const side = (sign: string, spans: readonly BucketSpan[], counts: Float64Array): string[] => {
    let index = 0;
    let at = 0;
    return spans.flatMap(({ offset, length }) => {
      index += offset;
      return Array.from({ length }, () => {
        const place = customBounds === undefined ? `${sign}${index}` : String(customBounds[index] ?? '+Inf');
        index++;
        return `${place}:${counts[at++]}`;
      });
    });
  };
  const buckets = [
    ...side('-', histogram.negativeSpans, histogram.negativeCounts),
    ...side('', histogram.positiveSpans, histogram.positiveCounts),
  ];
  return `h${schema} ${count}/${sum}/${zeroCount} [${buckets.join(' ')}]${histogram.integer ? '' : ' float'}`;
}
