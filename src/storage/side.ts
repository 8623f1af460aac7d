// Samples of one series with times of their own, or that came late: open until sealed into a chunk of one column.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { wordsOf } from '../model/index.ts';
import { type ColumnExtras, ColumnExtrasBuilder, type Extras } from './extras.ts';
import type { Series, SideBuffer } from './head-data.ts';
import { SIDE_SAMPLES_MAX } from './settings.ts';

const FIRST_CAPACITY = 8;

export function newSide(
  series: Series,
  origin: { readonly chunkId: number; readonly firstSegment: number; readonly openedMs: number },
): SideBuffer {
  const values = new Float64Array(FIRST_CAPACITY);
  const times = new Float64Array(FIRST_CAPACITY);
  const words = wordsOf(values);
  return { ...origin, series, times, values, words, count: 0, starts: undefined, histograms: undefined };
}

/** Takes entry `from` of the source's words as the value at `timeMs`, with what it has beside it. */
export function pushSide(
  side: SideBuffer,
  timeMs: number,
  source: { readonly words: Uint32Array; readonly from: number; readonly extras: Extras | undefined },
): void {
  if (side.count === side.times.length) {
    const capacity =
      side.count < SIDE_SAMPLES_MAX ? Math.min(side.count * 2, SIDE_SAMPLES_MAX) : side.count * 2;
    const times = new Float64Array(capacity);
    const values = new Float64Array(capacity);
    times.set(side.times);
    values.set(side.values);
    side.times = times;
    side.values = values;
    side.words = wordsOf(values);
    if (side.starts !== undefined) side.starts = grownStarts(side.starts, capacity);
  }
  const at = side.count++;
  side.times[at] = timeMs;
  side.words[2 * at] = source.words[2 * source.from]!;
  side.words[2 * at + 1] = source.words[2 * source.from + 1]!;
  if (source.extras === undefined) return;
  const start = source.extras.starts?.[source.from] ?? Number.NaN;
  if (!Number.isNaN(start)) {
    side.starts ??= grownStarts(new Float64Array(0), side.times.length);
    side.starts[at] = start;
  }
  const bytes = source.extras.histograms?.at(source.from);
  if (bytes === undefined) return;
  side.histograms ??= new Map();
  // A copy: a view would keep what came with it.
  side.histograms.set(at, bytes.slice());
}

function grownStarts(starts: Float64Array, capacity: number): Float64Array {
  const grown = new Float64Array(capacity).fill(Number.NaN);
  grown.set(starts);
  return grown;
}

/** What the samples have beside their floats, in order of time; undefined for nothing. */
export function sideExtras(side: SideBuffer, order: Uint32Array): ColumnExtras | undefined {
  const { starts, histograms } = side;
  if (starts === undefined && histograms === undefined) return undefined;
  const builder = new ColumnExtrasBuilder(side.count);
  if (starts !== undefined) builder.starts(0, starts.subarray(0, side.count));
  for (const [index, bytes] of histograms ?? []) builder.packed(index, bytes);
  return builder.finish(order);
}

/** Index of the sample at a time, or -1. */
export function findInSide(side: SideBuffer, timeMs: number): number {
  for (let i = 0; i < side.count; i++) if (side.times[i] === timeMs) return i;
  return -1;
}

/** Indices in order of time. */
export function sideOrder(side: SideBuffer): Uint32Array {
  const { times } = side;
  return Uint32Array.from({ length: side.count }, (_, i) => i).sort((a, b) => times[a]! - times[b]!);
}
