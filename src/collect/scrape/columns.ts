// The growing columns of one batch: ref, value, own timestamp.

import {
  HIGH_WORD,
  LOW_WORD,
  type NativeHistogram,
  type SampleBatch,
  type SeriesRef,
  STALE_HIGH,
  STALE_LOW,
  wordsOf,
} from '../../model/index.ts';

/** Room for the report series and some new lines without growing. */
const SLACK = 32;

/** Owns the arrays of one batch after the other: the batch that `finish` gives is only lent. */
export class SampleColumns {
  count = 0;
  /** Whether a sample has a timestamp of its own. */
  timed = false;
  #series = new Uint32Array(SLACK);
  #values = new Float64Array(SLACK);
  #words: Uint32Array = wordsOf(this.#values);
  #times: Float64Array<ArrayBuffer> | undefined;
  #starts: Float64Array<ArrayBuffer> | undefined;
  #histograms: Map<number, NativeHistogram> | undefined;
  /** The refs of the last batch; the same object is given out again while they are the same. */
  #before = new Uint32Array(0);
  #asBefore = true;

  /** Begins a batch anew; the one before must not be in use any more. */
  restart(): void {
    this.count = 0;
    this.timed = false;
    this.#times = undefined;
    this.#starts = undefined;
    this.#histograms = undefined;
    this.#asBefore = true;
  }

  /** Copies entry 0 of `words` (a value's two words) bit by bit; `timeMs` NaN takes the batch's time. */
  push(ref: number, words: Uint32Array, timeMs: number): void {
    const i = this.count++;
    if (i === this.#series.length) this.#grow();
    this.#series[i] = ref;
    if (this.#before[i] !== ref) this.#asBefore = false;
    this.#words[2 * i] = words[0] as number;
    this.#words[2 * i + 1] = words[1] as number;
    if (!Number.isNaN(timeMs)) this.#setTime(i, timeMs);
  }

  /** The native histogram that the next push stands for. */
  histogram(histogram: NativeHistogram): void {
    this.#histograms ??= new Map();
    this.#histograms.set(this.count, histogram);
  }

  /** When the counting of the last pushed sample began; NaN where unknown. */
  setStart(startMs: number): void {
    if (Number.isNaN(startMs)) return;
    this.#starts ??= new Float64Array(this.#series.length).fill(Number.NaN);
    this.#starts[this.count - 1] = startMs;
  }

  pushNumber(ref: SeriesRef, value: number): void {
    ONE[0] = value;
    this.push(ref, ONE_WORDS, Number.NaN);
  }

  pushStale(ref: number): void {
    this.push(ref, STALE_WORDS, Number.NaN);
  }

  finish(): Pick<SampleBatch, 'series' | 'values' | 'ownTimestampsMs' | 'startTimestampsMs' | 'histograms'> {
    const { count } = this;
    if (!this.#asBefore || count !== this.#before.length) this.#before = this.#series.slice(0, count);
    const series = this.#before;
    const values = this.#values.subarray(0, count);
    return {
      series,
      values,
      ...(this.#times === undefined ? {} : { ownTimestampsMs: this.#times.subarray(0, count) }),
      ...(this.#starts === undefined ? {} : { startTimestampsMs: this.#starts.subarray(0, count) }),
      ...(this.#histograms === undefined ? {} : { histograms: this.#histograms }),
    };
  }

  #setTime(i: number, timeMs: number): void {
    this.timed = true;
    this.#times ??= new Float64Array(this.#series.length).fill(Number.NaN);
    this.#times[i] = timeMs;
  }

  #grow(): void {
    const capacity = this.#series.length * 2;
    const series = new Uint32Array(capacity);
    series.set(this.#series);
    this.#series = series;
    const words = this.#words;
    this.#values = new Float64Array(capacity);
    this.#words = wordsOf(this.#values);
    // Words, not floats: a copy through numbers could quieten a stale marker.
    this.#words.set(words);
    if (this.#times !== undefined) this.#times = grownTimes(this.#times, capacity);
    if (this.#starts !== undefined) this.#starts = grownTimes(this.#starts, capacity);
  }
}

function grownTimes(times: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(capacity).fill(Number.NaN);
  grown.set(times);
  return grown;
}

const ONE = new Float64Array(1);
const ONE_WORDS = wordsOf(ONE);
const STALE_WORDS = new Uint32Array(2);
STALE_WORDS[HIGH_WORD] = STALE_HIGH;
STALE_WORDS[LOW_WORD] = STALE_LOW;
