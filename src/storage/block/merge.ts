// The samples of one series from several places, as one: sorted by time, and of two samples at one time the one from the
// place named first.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { assert } from '../../base/index.ts';
import { type SeriesColumns, valuesAt, wordsOf } from '../../model/index.ts';
import { ColumnExtrasBuilder, sameHistogram } from '../extras.ts';
import { TIMES_SAMPLES_MAX } from './limits.ts';

interface Line {
  readonly timesMs: Float64Array;
  /** Where the places overlap: index into their samples laid end to end, for each entry of `timesMs`. */
  readonly order: Uint32Array | undefined;
}

export class Merger {
  /** Samples left out since another place had another value at their time. */
  conflicts = 0;
  /** Series that share their times in every place share them afterwards too. */
  readonly #lines = new Map<string, Line>();
  /** In `#lines`, which starts anew when it is full: a merge of months must not hold all times at once. */
  #samples = 0;
  readonly #numbers = new WeakMap<Float64Array, number>();
  #nextNumber = 0;

  /** `parts` have the same labels and come in the order of precedence; the last one is the newest. */
  merge(parts: readonly SeriesColumns[]): SeriesColumns {
    const last = parts[parts.length - 1];
    assert(last !== undefined, 'a series to merge comes from somewhere');
    if (parts.length === 1) return last;
    let count = 0;
    for (const part of parts) count += part.to - part.from;
    const raw = new Float64Array(count);
    let at = 0;
    for (const { values, from, to } of parts) {
      raw.set(values.subarray(from, to), at);
      at += to - from;
    }
    const { timesMs, order } = this.#lineOf(parts, count);
    const values = order === undefined ? raw : valuesAt(raw, order);
    const producer = parts.findLast(part => part.producer !== undefined)?.producer;
    const extras = extrasOfAll(parts, count).finish(order);
    const { labels, ref } = last;
    const isPlain = parts.every(part => part.isPlain === true);
    const merged = {
      labels,
      ref,
      producer,
      timesMs,
      values,
      from: 0,
      to: timesMs.length,
      isPlain,
      ...extras,
    };
    if (timesMs.length < count) this.conflicts += conflictsIn(parts, merged);
    return merged;
  }

  #lineOf(parts: readonly SeriesColumns[], count: number): Line {
    let key = '';
    for (const { timesMs, from, to } of parts) key += `${this.#numberOf(timesMs)}:${from}:${to};`;
    const known = this.#lines.get(key);
    if (known !== undefined) return known;
    const raw = new Float64Array(count);
    let at = 0;
    for (const { timesMs, from, to } of parts) {
      raw.set(timesMs.subarray(from, to), at);
      at += to - from;
    }
    const order = isRising(raw) ? undefined : mergeOrder(raw);
    const line = { timesMs: order === undefined ? raw : Float64Array.from(order, i => raw[i]!), order };
    if (this.#samples > TIMES_SAMPLES_MAX) {
      this.#lines.clear();
      this.#samples = 0;
    }
    this.#lines.set(key, line);
    this.#samples += count;
    return line;
  }

  #numberOf(timesMs: Float64Array): number {
    let number = this.#numbers.get(timesMs);
    if (number === undefined) {
      number = this.#nextNumber++;
      this.#numbers.set(timesMs, number);
    }
    return number;
  }
}

/** Of the parts' samples laid end to end. */
function extrasOfAll(parts: readonly SeriesColumns[], count: number): ColumnExtrasBuilder {
  const builder = new ColumnExtrasBuilder(count);
  let at = 0;
  for (const part of parts) {
    const samples = part.to - part.from;
    builder.copy(part, part.from, { count: samples, at });
    at += samples;
  }
  return builder;
}

/** Samples whose value is not the one that stayed. */
function conflictsIn(parts: readonly SeriesColumns[], kept: SeriesColumns): number {
  const keptWords = wordsOf(kept.values);
  let conflicts = 0;
  for (const { timesMs, values, histograms, from, to } of parts) {
    const words = wordsOf(values);
    let at = 0;
    for (let i = from; i < to; i++) {
      while (kept.timesMs[at]! < timesMs[i]!) at++;
      const same =
        words[2 * i] === keptWords[2 * at] &&
        words[2 * i + 1] === keptWords[2 * at + 1] &&
        sameHistogram(histograms?.get(i), kept.histograms?.get(at));
      if (!same) conflicts++;
    }
  }
  return conflicts;
}

export function isRising(times: Float64Array): boolean {
  for (let i = 1; i < times.length; i++) if (!(times[i - 1]! < times[i]!)) return false;
  return true;
}

/** Whether two columns hold the same times. */
export function sameTimes(a: Float64Array, b: Float64Array): boolean {
  if (a.length !== b.length || a[a.length - 1] !== b[b.length - 1]) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Sorted by time; of equal times the earlier entry stays. */
export function mergeOrder(raw: Float64Array): Uint32Array {
  const sorted = Uint32Array.from({ length: raw.length }, (_, i) => i).sort(
    (a, b) => raw[a]! - raw[b]! || a - b,
  );
  return sorted.filter((at, i) => i === 0 || raw[sorted[i - 1]!] !== raw[at]);
}
