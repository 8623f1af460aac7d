// Puts a query's answer together out of pieces: each time column once for all series that share it, each value column
// decoded once. All of it is plain data, so that it can be done in another thread as well.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { err, ok, type Result } from '../base/index.ts';
import {
  type Labels,
  type SeriesColumns,
  type SeriesRef,
  type TargetId,
  valuesAt,
  wordsOf,
} from '../model/index.ts';
import { firstAfter, type Window } from './block/block.ts';
import { isRising, mergeOrder } from './block/merge.ts';
import { type ChunkView, isPresent, readChunkColumn, readChunkExtras } from './chunk.ts';
import { type ColumnExtras, ColumnExtrasBuilder } from './extras.ts';

/** A stretch of samples: in a sealed chunk, or copied out of open rows. */
export interface Piece {
  readonly firstMs: number;
  readonly chunkId: number;
  readonly count: number;
  /** Which rows of the chunk; undefined for all. */
  readonly mask: Uint8Array | undefined;
}

/** Pieces in the order of their times: the same object for all series that have these. */
export interface Line {
  /** Unlike that of any line with other times. */
  readonly key: string;
  readonly count: number;
  readonly pieces: readonly Piece[];
}

export interface OpenColumn {
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly extras: ColumnExtras | undefined;
}

/** Where a series has the values of a piece: a column of the chunk, or what was copied out. */
export type Source = number | OpenColumn;

/** One series and where its samples lie. */
export interface Pick {
  readonly labels: Labels;
  readonly ref: SeriesRef;
  readonly producer: TargetId | undefined;
  readonly line: Line;
  /** By piece. */
  readonly sources: readonly Source[];
}

/** Times of all series whose pieces have the same times, put together once. */
export interface Timeline {
  readonly times: Float64Array;
  /** Where the pieces overlap: index into the pieces' samples laid end to end, for each entry of `times`. */
  readonly order: Uint32Array | undefined;
  readonly from: number;
  readonly to: number;
}

/** By chunk id. */
export type Views = ReadonlyMap<number, ChunkView>;

/** A chunk that cannot be decoded although its checksum was right. */
export interface DamagedChunk {
  readonly chunkId: number;
  readonly cause: string;
}

export interface LineScope {
  readonly lines: Map<string, Timeline>;
  readonly views: Views;
  readonly window: Window;
}

export function timelineOf(pick: Pick, scope: LineScope): Timeline {
  const { key, count, pieces } = pick.line;
  const known = scope.lines.get(key);
  if (known !== undefined) return known;
  const raw = new Float64Array(count);
  let at = 0;
  for (let i = 0; i < pieces.length; i++) {
    const source = pick.sources[i]!;
    if (typeof source !== 'number') raw.set(source.times, at);
    else copyTimes(pieces[i]!, scope.views, raw.subarray(at));
    at += pieces[i]!.count;
  }
  const order = isRising(raw) ? undefined : mergeOrder(raw);
  const times = order === undefined ? raw : Float64Array.from(order, i => raw[i]!);
  const from = firstAfter(times, scope.window.fromMs);
  const to = firstAfter(times, scope.window.toMs);
  const line = { times, order, from, to };
  scope.lines.set(key, line);
  return line;
}

function copyTimes({ chunkId, mask }: Piece, views: Views, into: Float64Array): void {
  const { times } = views.get(chunkId)!;
  if (mask === undefined) {
    into.set(times);
    return;
  }
  let at = 0;
  for (let row = 0; row < times.length; row++) if (isPresent(mask, row)) into[at++] = times[row]!;
}

/** Value columns are cut out of blocks of this many floats: one allocation for many short columns. */
export const BLOCK_FLOATS = 32 * 1024;

/** The samples of the picks within the window, series without any left out; at most `limit` series, 0 for all. */
export function decodeAll(
  picks: readonly Pick[],
  scope: {
    readonly views: Views;
    readonly window: Window;
    readonly limit: number;
    /** Kept between calls for parts of one list. */
    readonly lines?: Map<string, Timeline>;
  },
): Result<SeriesColumns[], DamagedChunk> {
  const { lines = new Map<string, Timeline>() } = scope;
  const found: SeriesColumns[] = [];
  let block = new Float64Array(0);
  let used = 0;
  for (const pick of picks) {
    const line = timelineOf(pick, { ...scope, lines });
    if (line.from === line.to) continue;
    const { count } = pick.line;
    if (used + count > block.length) {
      block = new Float64Array(Math.max(BLOCK_FLOATS, count));
      used = 0;
    }
    const raw = block.subarray(used, used + count);
    used += count;
    const builder = new ColumnExtrasBuilder(count);
    const decoded = decodePieces({ pick, views: scope.views }, { raw, builder });
    if (!decoded.ok) return decoded;
    found.push({
      labels: pick.labels,
      ref: pick.ref,
      producer: pick.producer,
      timesMs: line.times,
      values: line.order === undefined ? raw : valuesAt(raw, line.order),
      from: line.from,
      to: line.to,
      ...builder.finish(line.order),
    });
    if (found.length === scope.limit) break;
  }
  return ok(found);
}

function decodePieces(
  wanted: { readonly pick: Pick; readonly views: Views },
  out: { readonly raw: Float64Array; readonly builder: ColumnExtrasBuilder },
): Result<void, DamagedChunk> {
  const { pick, views } = wanted;
  const { raw, builder } = out;
  let end = 0;
  const { pieces } = pick.line;
  for (let i = 0; i < pieces.length; i++) {
    const { chunkId, count } = pieces[i]!;
    const at = end;
    end += count;
    const into = raw.subarray(at, end);
    const column = pick.sources[i]!;
    if (typeof column !== 'number') {
      into.set(column.values);
      if (column.extras !== undefined) builder.copy(column.extras, 0, { count, at });
      continue;
    }
    const view = views.get(chunkId)!;
    const isSound = readChunkColumn(view, column, { values: into, words: wordsOf(into), count });
    const extras = isSound ? readChunkExtras(view, column, count) : 'damaged';
    if (extras === 'damaged') return err({ chunkId, cause: 'a column of it makes no sense' });
    if (extras !== undefined) builder.copy(extras, 0, { count, at });
  }
  return ok(undefined);
}
