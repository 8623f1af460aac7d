// The growing columns of one batch: ref, value, own timestamp.

import { HIGH_WORD, LOW_WORD, type SeriesRef, STALE_HIGH, STALE_LOW, wordsOf } from '../../model/index.ts';

/** Room for the report series and some new lines without growing. */
const SLACK = 32;

/** Owns fresh arrays for one batch: a store may keep what it is given. */
export class SampleColumns {
  count = 0;
  /** Whether a sample has a timestamp of its own. */
  timed = false;
  #series: Uint32Array<ArrayBuffer>;
  #values: Float64Array<ArrayBuffer>;
  #words: Uint32Array;
  #times: Float64Array<ArrayBuffer> | undefined;
  readonly #before: Uint32Array;
  #asBefore = true;

  /** `before`: the refs of the last batch; the same object is given out again while the refs are the same. */
  constructor(before: Uint32Array) {
    this.#before = before;
    const capacity = before.length + SLACK;
    this.#series = new Uint32Array(capacity);
    this.#values = new Float64Array(capacity);
    this.#words = wordsOf(this.#values);
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

  pushNumber(ref: SeriesRef, value: number): void {
    const one = new Float64Array([value]);
    this.push(ref, wordsOf(one), Number.NaN);
  }

  pushStale(ref: number): void {
    this.push(ref, STALE_WORDS, Number.NaN);
  }

  finish(): { series: Uint32Array; values: Float64Array; ownTimestampsMs?: Float64Array } {
    const { count } = this;
    const series =
      this.#asBefore && count === this.#before.length ? this.#before : this.#series.subarray(0, count);
    const values = this.#values.subarray(0, count);
    return this.#times === undefined
      ? { series, values }
      : { series, values, ownTimestampsMs: this.#times.subarray(0, count) };
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
    if (this.#times !== undefined) {
      const times = new Float64Array(capacity).fill(Number.NaN);
      times.set(this.#times);
      this.#times = times;
    }
  }
}

const STALE_WORDS = new Uint32Array(2);
STALE_WORDS[HIGH_WORD] = STALE_HIGH;
STALE_WORDS[LOW_WORD] = STALE_LOW;
