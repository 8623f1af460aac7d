// Writes what a group's rules produce: samples and stale markers, gathered into batches of one time and producer.

import type { Result } from '../base/index.ts';
import {
  type AppendFailure,
  type Labels,
  labelsKey,
  type NativeHistogram,
  type SampleBatch,
  type SeriesRef,
  type SeriesWriter,
  setStaleAt,
  type TargetId,
  wordsOf,
} from '../model/index.ts';
import type { OutputSample } from './recording.ts';

export interface FlushOutcome {
  readonly refused: number;
  readonly failure: AppendFailure | undefined;
}

interface Pending {
  readonly labels: Labels;
  readonly value: number;
  readonly stale: boolean;
  readonly histogram: NativeHistogram | undefined;
}

interface Resolved {
  readonly ref: SeriesRef;
  readonly sample: Pending;
}

/** Owns the series refs of one group and the samples that are not written yet. */
export class GroupOutput {
  readonly #writer: SeriesWriter;
  readonly #producer: TargetId;
  readonly #refs = new Map<string, SeriesRef>();
  #pending: Pending[] = [];

  constructor(writer: SeriesWriter, producer: TargetId) {
    this.#writer = writer;
    this.#producer = producer;
  }

  add(sample: OutputSample): void {
    this.#push(sample.labels, { value: sample.value, stale: false, histogram: sample.histogram });
  }

  /** Ends a series that vanished from its rule's output. */
  addStale(labels: Labels): void {
    this.#push(labels, { value: Number.NaN, stale: true, histogram: undefined });
  }

  #push(labels: Labels, sample: Omit<Pending, 'labels'>): void {
    this.#pending.push({ labels, ...sample });
  }

  async flush(timestampMs: number): Promise<FlushOutcome> {
    // Between an evaluation and this moment the store may have dropped series: refs are asked for now, not before.
    const pending: Resolved[] = [];
    let refused = 0;
    for (const sample of this.#pending) {
      const ref = this.#refOf(sample.labels);
      if (ref === undefined) refused++;
      else pending.push({ ref, sample });
      if (sample.stale) this.#refs.delete(labelsKey(sample.labels));
    }
    this.#pending = [];
    if (pending.length === 0) return { refused, failure: undefined };
    const result: Result<{ readonly refusedCount: number }, AppendFailure> = await this.#writer.append(
      this.#batch(pending, timestampMs),
    );
    if (!result.ok) return { refused: refused + pending.length, failure: result.error };
    return { refused: refused + result.value.refusedCount, failure: undefined };
  }

  #refOf(labels: Labels): SeriesRef | undefined {
    const key = labelsKey(labels);
    const known = this.#refs.get(key);
    if (known !== undefined && this.#writer.isLive(known)) return known;
    const interned = this.#writer.intern(labels);
    if (!interned.ok) return undefined;
    this.#refs.set(key, interned.value);
    return interned.value;
  }

  #batch(pending: readonly Resolved[], timestampMs: number): SampleBatch {
    const series = new Uint32Array(pending.length);
    const values = new Float64Array(pending.length);
    const words = wordsOf(values);
    const histograms = new Map<number, NativeHistogram>();
    pending.forEach(({ ref, sample }, i) => {
      series[i] = ref;
      if (sample.stale) setStaleAt(words, i);
      else values[i] = sample.value;
      if (sample.histogram !== undefined) histograms.set(i, sample.histogram);
    });
    const batch = { producer: this.#producer, timestampMs, series, values };
    return histograms.size === 0 ? batch : { ...batch, histograms };
  }
}
