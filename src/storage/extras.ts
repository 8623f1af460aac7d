// What samples may have beside their float: a native histogram in its place, and the time at which its counting began.
// Most samples have neither, so it is kept apart: by position in a row while open, by index in a column when read.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import {
  isStaleAt,
  type NativeHistogram,
  type SampleBatch,
  type SeriesColumns,
  wordsOf,
} from '../model/index.ts';
import { ByteWriter } from './bytes.ts';
import { readHistogram, writeHistogram } from './codec/histogram.ts';

/** Of the samples of a row, or of a list of side samples. */
export interface Extras {
  /** Milliseconds, by position; NaN where unknown. */
  readonly starts: Float64Array | undefined;
  readonly histograms: PackedHistograms | undefined;
}

/** Histograms in their bytes one behind the other: many small objects would cost several times as much memory. */
export class PackedHistograms {
  /** Rising. */
  readonly positions: Uint32Array;
  /** Where each ends in `bytes`. */
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;

  constructor(positions: Uint32Array, ends: Uint32Array, bytes: Uint8Array) {
    this.positions = positions;
    this.ends = ends;
    this.bytes = bytes;
  }

  /** The bytes of the histogram at a position, a view; undefined if there is none. */
  at(position: number): Uint8Array | undefined {
    let low = 0;
    let high = this.positions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.positions[middle]! < position) low = middle + 1;
      else high = middle;
    }
    if (this.positions[low] !== position) return undefined;
    return this.bytes.subarray(low === 0 ? 0 : this.ends[low - 1]!, this.ends[low]!);
  }
}

/** What a batch has of the samples at these indices (all without a list), by their place in it. Undefined for nothing. */
export function extrasOf(batch: SampleBatch, indices?: readonly number[]): Extras | undefined {
  const { histograms, startTimestampsMs } = batch;
  if (startTimestampsMs === undefined && (histograms?.size ?? 0) === 0) return undefined;
  const starts = startTimestampsMs === undefined ? undefined : knownStarts(startTimestampsMs, indices);
  const packed = packedOf(batch, indices);
  return starts === undefined && packed === undefined ? undefined : { starts, histograms: packed };
}

function knownStarts(column: Float64Array, indices: readonly number[] | undefined): Float64Array | undefined {
  const starts = indices === undefined ? column.map(sane) : Float64Array.from(indices, i => sane(column[i]!));
  return starts.some(start => !Number.isNaN(start)) ? starts : undefined;
}

/** As far as a date reaches; what lies beyond is as good as unknown. */
const TIME_MS_MAX = 8.64e15;

function sane(startMs: number): number {
  return Math.abs(startMs) <= TIME_MS_MAX ? Math.round(startMs) : Number.NaN;
}

function packedOf(batch: SampleBatch, indices: readonly number[] | undefined): PackedHistograms | undefined {
  const { histograms } = batch;
  if (histograms === undefined || histograms.size === 0) return undefined;
  const words = wordsOf(batch.values);
  const places: number[] = [];
  // The stale marker wins over a histogram.
  if (indices === undefined) {
    for (const index of histograms.keys()) if (!isStaleAt(words, index)) places.push(index);
    places.sort((a, b) => a - b);
  } else {
    indices.forEach((index, place) => {
      if (histograms.has(index) && !isStaleAt(words, index)) places.push(place);
    });
  }
  if (places.length === 0) return undefined;
  const writer = new ByteWriter(places.length * 128);
  const ends = Uint32Array.from(places, place => {
    writeHistogram(writer, histograms.get(indices === undefined ? place : indices[place]!)!);
    return writer.length;
  });
  return new PackedHistograms(Uint32Array.from(places), ends, writer.bytes().slice());
}

/** The bytes of the histogram at an index of a batch, undefined if the sample is none. */
export function histogramBytes(batch: SampleBatch, index: number): Uint8Array | undefined {
  const histogram = batch.histograms?.get(index);
  if (histogram === undefined || isStaleAt(wordsOf(batch.values), index)) return undefined;
  return bytesOfHistogram(histogram);
}

/** Equal for equal histograms. */
export function bytesOfHistogram(histogram: NativeHistogram): Uint8Array {
  const writer = new ByteWriter(256);
  writeHistogram(writer, histogram);
  return writer.bytes();
}

/** Whether the samples are the same native histogram, or both none. */
export function sameHistogram(a: NativeHistogram | undefined, b: NativeHistogram | undefined): boolean {
  if (a === undefined || b === undefined || a === b) return a === b;
  return Buffer.compare(bytesOfHistogram(a), bytesOfHistogram(b)) === 0;
}

/** Those at rising positions, by their place in the list. */
export function pickedExtras(extras: Extras, positions: readonly number[]): Extras {
  const { starts, histograms } = extras;
  const places: number[] = [];
  const ends: number[] = [];
  const writer = new ByteWriter(histograms?.bytes.length ?? 0);
  if (histograms !== undefined)
    positions.forEach((position, place) => {
      const bytes = histograms.at(position);
      if (bytes === undefined) return;
      writer.raw(bytes);
      places.push(place);
      ends.push(writer.length);
    });
  return {
    starts: starts === undefined ? undefined : Float64Array.from(positions, position => starts[position]!),
    histograms:
      places.length === 0
        ? undefined
        : new PackedHistograms(Uint32Array.from(places), Uint32Array.from(ends), writer.bytes().slice()),
  };
}

// --- by index in a column ---------------------------------------------------------------------------

export type ColumnExtras = Pick<SeriesColumns, 'histograms' | 'startTimesMs'>;

/** What a native histogram takes in memory, in floats: some hundred buckets and spans. */
const HISTOGRAM_FLOATS = 128;

/** How much memory a series' samples take, in floats. */
export function weightOf(series: SeriesColumns): number {
  return series.to - series.from + (series.histograms?.size ?? 0) * HISTOGRAM_FLOATS;
}

/** Gathers what the samples of one column have, from several places. */
export class ColumnExtrasBuilder {
  readonly #count: number;
  #starts: Float64Array | undefined;
  #histograms: Map<number, NativeHistogram> | undefined;

  constructor(count: number) {
    this.#count = count;
  }

  start(index: number, startMs: number): void {
    if (Number.isNaN(startMs)) return;
    this.#starts ??= new Float64Array(this.#count).fill(Number.NaN);
    this.#starts[index] = startMs;
  }

  starts(at: number, starts: Float64Array): void {
    for (let i = 0; i < starts.length; i++) this.start(at + i, starts[i]!);
  }

  histogram(index: number, histogram: NativeHistogram): void {
    this.#histograms ??= new Map();
    this.#histograms.set(index, histogram);
  }

  /** From its bytes as they lie in open rows. */
  packed(index: number, bytes: Uint8Array): void {
    const histogram = readHistogram(bytes);
    if (histogram !== undefined) this.histogram(index, histogram);
  }

  /** Those of `one` from index `from` on, `count` of them, as the indices from `at` on. */
  copy(one: ColumnExtras, from: number, part: { readonly count: number; readonly at: number }): void {
    const { count, at } = part;
    if (one.startTimesMs !== undefined) this.starts(at, one.startTimesMs.subarray(from, from + count));
    if (one.histograms === undefined) return;
    for (let i = 0; i < count; i++) {
      const histogram = one.histograms.get(from + i);
      if (histogram !== undefined) this.histogram(at + i, histogram);
    }
  }

  /** All of them, or those at these indices in this order. Histograms come in the order of their indices. */
  finish(order?: ArrayLike<number>): ColumnExtras {
    const starts = this.#starts;
    const histograms = this.#histograms;
    if (starts === undefined && histograms === undefined) return {};
    if (order === undefined) return named(starts, histograms);
    const kept = new Map<number, NativeHistogram>();
    if (histograms !== undefined)
      for (let i = 0; i < order.length; i++) {
        const histogram = histograms.get(order[i]!);
        if (histogram !== undefined) kept.set(i, histogram);
      }
    const ordered =
      starts === undefined
        ? undefined
        : Float64Array.from({ length: order.length }, (_, i) => starts[order[i]!]!);
    return named(ordered, kept);
  }
}

function named(
  starts: Float64Array | undefined,
  histograms: ReadonlyMap<number, NativeHistogram> | undefined,
): ColumnExtras {
  return {
    ...(starts === undefined ? {} : { startTimesMs: starts }),
    ...(histograms === undefined || histograms.size === 0 ? {} : { histograms }),
  };
}
