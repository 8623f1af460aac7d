// What a request brought, in columns, and from there to batches: samples of one time are one batch, so that a push of
// many series at once is stored as a scrape is.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import {
  type Exemplar,
  type MetricMetadata,
  type NativeHistogram,
  type SampleBatch,
  type TargetId,
  wordsOf,
} from '../../model/index.ts';

/** Memory for so many samples is kept from one request to the next: some 0.5 MB. */
const KEPT_MAX = 16 * 1024;

export class PushedColumns {
  count = 0;
  refs = new Uint32Array(256);
  timesMs = new Float64Array(256);
  /** NaN where unknown. */
  startsMs = new Float64Array(256);
  values = new Float64Array(256);
  words: Uint32Array = wordsOf(this.values);
  hasStarts = false;
  readonly histograms = new Map<number, NativeHistogram>();
  readonly exemplars: { readonly index: number; readonly exemplar: Exemplar }[] = [];

  clear(): void {
    this.count = 0;
    this.hasStarts = false;
    this.histograms.clear();
    this.exemplars.length = 0;
    if (this.refs.length <= KEPT_MAX) return;
    this.refs = new Uint32Array(KEPT_MAX);
    this.timesMs = new Float64Array(KEPT_MAX);
    this.startsMs = new Float64Array(KEPT_MAX);
    this.values = new Float64Array(KEPT_MAX);
    this.words = wordsOf(this.values);
  }

  /** The value is put in by its words: as a number a NaN might lose its bits. Gives the index. */
  push(ref: number, timeMs: number, startMs: number): number {
    if (this.count === this.refs.length) this.#grow();
    const at = this.count++;
    this.refs[at] = ref;
    this.timesMs[at] = timeMs;
    this.startsMs[at] = startMs;
    if (!Number.isNaN(startMs)) this.hasStarts = true;
    return at;
  }

  /** In the order of time. No batch has a series twice: a repeat goes into a batch of its own. */
  batches(producer: TargetId, metadata: readonly MetricMetadata[], nowMs: number): SampleBatch[] {
    const made: SampleBatch[] = [];
    for (const indices of this.#rows()) made.push(this.#batch(producer, indices));
    if (metadata.length === 0) return made;
    const [first, ...rest] = made;
    if (first !== undefined) return [{ ...first, metadata }, ...rest];
    const nothing = { series: new Uint32Array(0), values: new Float64Array(0) };
    return [{ producer, timestampMs: nowMs, ...nothing, metadata }];
  }

  #rows(): number[][] {
    const byTime = new Map<number, number[]>();
    let row: number[] | undefined;
    let rowMs = Number.NaN;
    for (let i = 0; i < this.count; i++) {
      const timeMs = this.timesMs[i]!;
      if (row === undefined || timeMs !== rowMs) {
        rowMs = timeMs;
        row = byTime.get(timeMs);
        if (row === undefined) {
          row = [];
          byTime.set(timeMs, row);
        }
      }
      row.push(i);
    }
    const rows: number[][] = [];
    for (const timeMs of [...byTime.keys()].sort((a, b) => a - b))
      rows.push(...this.#distinct(byTime.get(timeMs)!));
    return rows;
  }

  #distinct(indices: number[]): number[][] {
    let isRising = true;
    for (let i = 1; i < indices.length && isRising; i++) {
      isRising = this.refs[indices[i]!]! > this.refs[indices[i - 1]!]!;
    }
    if (isRising) return [indices];
    const seen = new Set<number>();
    const first: number[] = [];
    const again: number[] = [];
    for (const i of indices) {
      const ref = this.refs[i]!;
      (seen.has(ref) ? again : first).push(i);
      seen.add(ref);
    }
    return again.length === 0 ? [first] : [first, ...this.#distinct(again)];
  }

  #batch(producer: TargetId, indices: readonly number[]): SampleBatch {
    const series = new Uint32Array(indices.length);
    const values = new Float64Array(indices.length);
    const words = wordsOf(values);
    const starts = this.hasStarts ? new Float64Array(indices.length) : undefined;
    const place = this.histograms.size + this.exemplars.length > 0 ? new Map<number, number>() : undefined;
    for (let at = 0; at < indices.length; at++) {
      const i = indices[at]!;
      series[at] = this.refs[i]!;
      words[2 * at] = this.words[2 * i]!;
      words[2 * at + 1] = this.words[2 * i + 1]!;
      if (starts !== undefined) starts[at] = this.startsMs[i]!;
      place?.set(i, at);
    }
    const histograms = new Map<number, NativeHistogram>();
    const exemplars: { readonly index: number; readonly exemplar: Exemplar }[] = [];
    if (place !== undefined) {
      for (const [i, histogram] of this.histograms) {
        const at = place.get(i);
        if (at !== undefined) histograms.set(at, histogram);
      }
      for (const { index, exemplar } of this.exemplars) {
        const at = place.get(index);
        if (at !== undefined) exemplars.push({ index: at, exemplar });
      }
    }
    return {
      producer,
      timestampMs: this.timesMs[indices[0]!]!,
      series,
      values,
      ...(starts === undefined ? {} : { startTimestampsMs: starts }),
      ...(histograms.size === 0 ? {} : { histograms }),
      ...(exemplars.length === 0 ? {} : { exemplars }),
    };
  }

  #grow(): void {
    const capacity = this.refs.length * 2;
    const refs = new Uint32Array(capacity);
    refs.set(this.refs);
    this.refs = refs;
    this.timesMs = grown(this.timesMs, capacity);
    this.startsMs = grown(this.startsMs, capacity);
    // Between arrays of one type bytes are copied, so that NaNs keep their bits.
    this.values = grown(this.values, capacity);
    this.words = wordsOf(this.values);
  }
}

function grown(old: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity);
  larger.set(old);
  return larger;
}
