// Whether a series has a sample at a time already: repeats are accepted silently, other values are conflicts.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type ChunkView, isPresent, openChunk, readChunkColumn, readChunkExtras } from './chunk.ts';
import { roomOf } from './codec/room.ts';
import { findInCohort } from './cohort.ts';
import { bytesOfHistogram } from './extras.ts';
import type { Chunk, Series } from './head-data.ts';
import { findInSide } from './side.ts';

export type Existing =
  | { readonly kind: 'none' }
  /** The value is entry `at` of the column behind `words`; or a native histogram, by its bytes. */
  | {
      readonly kind: 'found';
      readonly words: Uint32Array;
      readonly at: number;
      readonly histogram: Uint8Array | undefined;
    }
  | { readonly kind: 'unloaded'; readonly chunk: Chunk };

const NONE: Existing = { kind: 'none' };

/** Chunks that late samples are compared with. */
export interface Compared {
  /** Opened so far. */
  readonly views: Map<Chunk, ChunkView>;
  /** Loaded for this comparison, whatever the cache has let go of since; by id. */
  readonly held: ReadonlyMap<number, ChunkView>;
}

export function findExisting(series: Series, timeMs: number, compared: Compared): Existing {
  for (let i = 0; i < series.cohorts.length; i++) {
    const cohort = series.cohorts[i]!;
    const found = findInCohort(cohort, series.cohortColumns[i]!, timeMs);
    if (found !== undefined) return { kind: 'found', ...found };
  }
  if (series.side !== undefined) {
    const at = findInSide(series.side, timeMs);
    const { words, histograms } = series.side;
    if (at >= 0) return { kind: 'found', words, at, histogram: histograms?.get(at) };
  }
  for (let i = 0; i < series.members.length; i++) {
    for (const chunk of series.members[i]!.chunks) {
      if (chunk.damaged || timeMs < chunk.minMs || timeMs > chunk.maxMs) continue;
      const found = findInChunk(chunk, { column: series.columns[i]!, timeMs }, compared);
      if (found.kind !== 'none') return found;
    }
  }
  return NONE;
}

function findInChunk(
  chunk: Chunk,
  place: { readonly column: number; readonly timeMs: number },
  compared: Compared,
): Existing {
  let view = compared.views.get(chunk) ?? compared.held.get(chunk.id);
  if (view === undefined) {
    if (chunk.record === undefined) return { kind: 'unloaded', chunk };
    view = openChunk(chunk.record);
    if (view === undefined) return NONE;
    compared.views.set(chunk, view);
  }
  const mask = chunk.partial?.get(place.column);
  let at = -1;
  let count = 0;
  for (let row = 0; row < chunk.rows; row++) {
    if (mask !== undefined && !isPresent(mask, row)) continue;
    if (view.times[row] === place.timeMs) at = count;
    count++;
  }
  if (at < 0) return NONE;
  const room = roomOf(new Float64Array(count));
  if (!readChunkColumn(view, place.column, room)) return NONE;
  const extras = readChunkExtras(view, place.column, count);
  const histogram = extras === 'damaged' ? undefined : extras?.histograms?.get(at);
  return { kind: 'found', words: room.words, at, histogram: histogram && bytesOfHistogram(histogram) };
}
