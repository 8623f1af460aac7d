// Samples of one series with times of their own, or that came late: open until sealed into a chunk of one column.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { wordsOf } from '../model/index.ts';
import type { Series, SideBuffer } from './head-data.ts';
import { SIDE_SAMPLES_MAX } from './settings.ts';

const FIRST_CAPACITY = 8;

export function newSide(
  series: Series,
  origin: { readonly chunkId: number; readonly firstSegment: number; readonly openedMs: number },
): SideBuffer {
  const values = new Float64Array(FIRST_CAPACITY);
  const times = new Float64Array(FIRST_CAPACITY);
  return { ...origin, series, times, values, words: wordsOf(values), count: 0 };
}

/** Takes entry `from` of the source's words as the value at `timeMs`. */
export function pushSide(
  side: SideBuffer,
  timeMs: number,
  source: { readonly words: Uint32Array; readonly from: number },
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
  }
  const at = side.count++;
  side.times[at] = timeMs;
  side.words[2 * at] = source.words[2 * source.from]!;
  side.words[2 * at + 1] = source.words[2 * source.from + 1]!;
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
