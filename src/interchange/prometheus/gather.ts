// Puts the samples of one series together out of chunks in any order: sorted, each time once (the first one that came), only
// those of a stretch, and none that is deleted.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import type { ChunkSamples } from '../../exposition/index.ts';
import { type Labels, type NativeHistogram, valuesAt, wordsOf } from '../../model/index.ts';
import type { HistorySeries, Span } from '../ports.ts';
import { isDeleted, type Stone } from './tombstones.ts';

/** Of one series in one stretch; a hostile index may name one chunk a million times. Real ones have some ten thousand. */
export const SERIES_SAMPLES_MAX = 4 * 1024 * 1024;

/** Different columns of times that are compared with: series that were scraped together share theirs. */
const TIMES_KEPT = 8;

export class SeriesGatherer {
  #timesMs = new Float64Array(1024);
  #values = new Float64Array(1024);
  #words = wordsOf(this.#values);
  #histograms: Map<number, NativeHistogram> | undefined;
  #count = 0;
  #isRising = true;
  #kept: Float64Array[] = [];

  /** False where that would be too many samples; then none of these is taken. */
  add(
    samples: ChunkSamples,
    wanted: { readonly span: Span; readonly stones: readonly Stone[] | undefined },
  ): boolean {
    const { count, timesMs, histograms } = samples;
    if (this.#count + count > SERIES_SAMPLES_MAX) return false;
    this.#reserve(this.#count + count);
    const words = wordsOf(samples.values);
    const { fromMs, toMs } = wanted.span;
    let at = this.#count;
    let lastMs = at === 0 ? -Infinity : this.#timesMs[at - 1]!;
    for (let i = 0; i < count; i++) {
      const timeMs = timesMs[i]!;
      if (timeMs < fromMs || timeMs >= toMs) continue;
      if (wanted.stones !== undefined && isDeleted(wanted.stones, timeMs)) continue;
      if (timeMs <= lastMs) this.#isRising = false;
      lastMs = timeMs;
      this.#timesMs[at] = timeMs;
      this.#words[2 * at] = words[2 * i]!;
      this.#words[2 * at + 1] = words[2 * i + 1]!;
      const histogram = histograms?.get(i);
      if (histogram !== undefined) {
        this.#histograms ??= new Map();
        this.#histograms.set(at, histogram);
      }
      at++;
    }
    this.#count = at;
    return true;
  }

  /** What came since the last time, undefined for nothing. */
  take(labels: Labels): HistorySeries | undefined {
    const count = this.#count;
    const histograms = this.#histograms;
    const isRising = this.#isRising;
    this.#count = 0;
    this.#histograms = undefined;
    this.#isRising = true;
    if (count === 0) return undefined;
    const order = isRising ? undefined : risingOrder(this.#timesMs.subarray(0, count));
    const times =
      order === undefined
        ? this.#timesMs.subarray(0, count)
        : Float64Array.from(order, i => this.#timesMs[i]!);
    const all = this.#values.subarray(0, count);
    return {
      ...{ labels, producer: undefined, timesMs: this.#shared(times), from: 0, to: times.length },
      // By their bits: a stale marker does not survive being a number.
      values: order === undefined ? all.slice() : valuesAt(all, order),
      ...(histograms && { histograms: order === undefined ? histograms : reordered(histograms, order) }),
    };
  }

  #shared(times: Float64Array): Float64Array {
    const known = this.#kept.find(one => isSame(one, times));
    if (known !== undefined) return known;
    const own = times.slice();
    this.#kept = [own, ...this.#kept].slice(0, TIMES_KEPT);
    return own;
  }

  #reserve(count: number): void {
    if (count <= this.#timesMs.length) return;
    const timesMs = new Float64Array(2 * count);
    const values = new Float64Array(2 * count);
    timesMs.set(this.#timesMs.subarray(0, this.#count));
    values.set(this.#values.subarray(0, this.#count));
    this.#timesMs = timesMs;
    this.#values = values;
    this.#words = wordsOf(values);
  }
}

function isSame(a: Float64Array, b: Float64Array): boolean {
  const { length } = a;
  if (length !== b.length || a[0] !== b[0] || a[length - 1] !== b[length - 1]) return false;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Of equal times the earlier entry stays. */
function risingOrder(times: Float64Array): Uint32Array {
  const sorted = Uint32Array.from({ length: times.length }, (_, i) => i).sort(
    (a, b) => times[a]! - times[b]! || a - b,
  );
  return sorted.filter((at, i) => i === 0 || times[sorted[i - 1]!] !== times[at]);
}

function reordered(
  histograms: ReadonlyMap<number, NativeHistogram>,
  order: Uint32Array,
): ReadonlyMap<number, NativeHistogram> {
  const placed = new Map<number, NativeHistogram>();
  order.forEach((at, i) => {
    const histogram = histograms.get(at);
    if (histogram !== undefined) placed.set(i, histogram);
  });
  return placed;
}
