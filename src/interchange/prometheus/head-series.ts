// Samples of many series in any order, gathered in memory up to a limit and given out series by series: what the log has.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { ok } from '../../base/index.ts';
import type { ChunkSamples } from '../../exposition/index.ts';
import {
  compareLabels,
  HIGH_WORD,
  type Labels,
  LOW_WORD,
  type NativeHistogram,
  STALE_HIGH,
  STALE_LOW,
  wordsOf,
} from '../../model/index.ts';
import type { HistorySeries, Portions, Span } from '../ports.ts';
import { SeriesGatherer } from './gather.ts';
import type { Stones } from './tombstones.ts';

/** Samples held at most: 64 MB, and twice that while they grow. */
const HELD_SAMPLES_MIN = 4 * 1024 * 1024;
/** More for very many series, so that a block does not hold a handful of samples each: up to a gigabyte. */
const HELD_PER_SERIES = 48;
const HELD_SAMPLES_MAX = 64 * 1024 * 1024;
/** So many floats take the memory of a histogram with some twenty buckets. */
const HISTOGRAM_WEIGHT = 64;

const PORTION_SAMPLES = 32 * 1024;
const FIRST_SAMPLES = 16;

class HeadSeries {
  readonly labels: Labels;
  /** Of chunks on disk: the log's samples up to there are in them. */
  chunksMaxMs = -Infinity;
  #timesMs = new Float64Array(0);
  #values = new Float64Array(0);
  #words: Uint32Array = new Uint32Array(0);
  #histograms: Map<number, NativeHistogram> | undefined;
  count = 0;

  constructor(labels: Labels) {
    this.labels = labels;
  }

  float(timeMs: number, high: number, low: number): void {
    const { count } = this;
    if (count === this.#timesMs.length) this.#grow();
    this.#timesMs[count] = timeMs;
    this.#words[2 * count + HIGH_WORD] = high;
    this.#words[2 * count + LOW_WORD] = low;
    this.count++;
  }

  histogram(timeMs: number, histogram: NativeHistogram): void {
    this.#histograms ??= new Map();
    this.#histograms.set(this.count, histogram);
    this.float(timeMs, 0, 0);
  }

  stale(timeMs: number): void {
    this.float(timeMs, STALE_HIGH, STALE_LOW);
  }

  get samples(): ChunkSamples {
    return {
      ...{ count: this.count, timesMs: this.#timesMs, values: this.#values },
      histograms: this.#histograms,
    };
  }

  clear(): void {
    this.count = 0;
    this.#timesMs = new Float64Array(0);
    this.#values = new Float64Array(0);
    this.#words = new Uint32Array(0);
    this.#histograms = undefined;
  }

  #grow(): void {
    const room = Math.max(FIRST_SAMPLES, 2 * this.count);
    const timesMs = new Float64Array(room);
    const values = new Float64Array(room);
    timesMs.set(this.#timesMs);
    values.set(this.#values);
    this.#timesMs = timesMs;
    this.#values = values;
    this.#words = wordsOf(values);
  }
}

export class HeadSamples {
  readonly #series = new Map<number, HeadSeries>();
  #held = 0;
  #minMs = Infinity;
  #maxMs = -Infinity;

  /** What is deleted, by ref. */
  stones: Stones = new Map();

  /** The same ref again is the same series. */
  addSeries(ref: number, labels: Labels): void {
    if (!this.#series.has(ref)) this.#series.set(ref, new HeadSeries(labels));
  }

  get(ref: number): HeadSeries | undefined {
    return this.#series.get(ref);
  }

  /** Told of each sample that was put into a series. */
  note(timeMs: number, isHistogram: boolean): void {
    this.#held += isHistogram ? HISTOGRAM_WEIGHT : 1;
    if (timeMs < this.#minMs) this.#minMs = timeMs;
    if (timeMs > this.#maxMs) this.#maxMs = timeMs;
  }

  /** Whether it is time to write them. */
  get isFull(): boolean {
    const most = Math.max(HELD_SAMPLES_MIN, HELD_PER_SERIES * this.#series.size);
    return this.#held >= Math.min(most, HELD_SAMPLES_MAX);
  }

  /** Of what is held, both ends included; undefined without any. */
  get range(): { readonly fromMs: number; readonly toMs: number } | undefined {
    return this.#held === 0 ? undefined : { fromMs: this.#minMs, toMs: this.#maxMs };
  }

  clear(): void {
    for (const one of this.#series.values()) if (one.count > 0) one.clear();
    this.#held = 0;
    this.#minMs = Infinity;
    this.#maxMs = -Infinity;
  }

  /** What is held of a stretch. A series that went and came again has several refs, and comes once. */
  async *portions(span: Span): Portions<never> {
    const held = [...this.#series]
      .filter(([, { count }]) => count > 0)
      .sort(([, a], [, b]) => compareLabels(a.labels, b.labels));
    const gatherer = new SeriesGatherer();
    let portion: HistorySeries[] = [];
    let weight = 0;
    for (let i = 0; i < held.length; i++) {
      const [ref, one] = held[i]!;
      gatherer.add(one.samples, { span, stones: this.stones.get(ref) });
      const next = held[i + 1]?.[1];
      if (next !== undefined && compareLabels(one.labels, next.labels) === 0) continue;
      const series = gatherer.take(one.labels);
      if (series === undefined) continue;
      portion.push(series);
      weight += series.to + HISTOGRAM_WEIGHT * (series.histograms?.size ?? 0);
      if (weight < PORTION_SAMPLES) continue;
      yield ok(portion);
      portion = [];
      weight = 0;
    }
    if (portion.length > 0) yield ok(portion);
  }
}
