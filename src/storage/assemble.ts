// Puts a query's answer together out of pieces: each time column once for all series that share it, each value column
// decoded once. All of it is plain data, so that it can be done in another thread as well.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { assert, err, ok, type Result } from '../base/index.ts';
import { type Labels, type SeriesColumns, type SeriesRef, type TargetId, valuesAt } from '../model/index.ts';
import { firstAfter, type Window } from './block/block.ts';
import { isRising, mergeOrder } from './block/merge.ts';
import { type ChunkView, isPresent, mayHoldMarkersIn, readChunkColumn, readChunkExtras } from './chunk.ts';
import { type ColumnRoom, roomOf } from './codec/room.ts';
import { type ColumnExtras, ColumnExtrasBuilder } from './extras.ts';

/** A stretch of samples: in a sealed chunk, or copied out of open rows. */
export interface Piece {
  readonly firstMs: number;
  readonly chunkId: number;
  readonly count: number;
  /** Which rows of the chunk; undefined for all. */
  readonly mask: Uint8Array | undefined;
}

/** Pieces in the order of their times: the same object for all series of a snapshot that have these. */
export interface Line {
  /** Unlike that of any line with other times. */
  readonly key: string;
  readonly count: number;
  readonly pieces: readonly Piece[];
}

/** Samples copied out: as many as the piece has. */
export interface OpenColumn {
  readonly times: Float64Array;
  /** From `at` on; what lies around is other series'. */
  readonly values: Float64Array;
  readonly at: number;
  readonly extras: ColumnExtras | undefined;
  /** There is no special NaN among the values. */
  readonly isPlain: boolean;
}

/** Where a series has the values of a piece: a column of the chunk, or what was copied out. */
export type Source = number | OpenColumn;

/** One series and where its samples lie. */
export interface Pick {
  readonly labels: Labels;
  readonly ref: SeriesRef;
  readonly producer: TargetId | undefined;
  readonly line: Line;
  /** By piece; or the column of all of them, but the last where `open` is that. */
  readonly sources: readonly Source[] | number;
  readonly open: OpenColumn | undefined;
}

/** Times of all series whose pieces have the same times, put together once. */
export interface Timeline {
  readonly times: Float64Array;
  /** Where the pieces overlap: index into the pieces' samples laid end to end, for each entry of `times`. */
  readonly order: Uint32Array | undefined;
  readonly from: number;
  readonly to: number;
  /** By piece; undefined for open ones. */
  readonly views: readonly (ChunkView | undefined)[];
}

/** By chunk id. */
export type Views = ReadonlyMap<number, ChunkView>;

/** A chunk that cannot be decoded although its checksum was right. */
export interface DamagedChunk {
  readonly chunkId: number;
  readonly cause: string;
}

export interface LineScope {
  readonly lines: Map<Line, Timeline>;
  readonly views: Views;
  readonly window: Window;
}

function sourceOf({ sources, open, line }: Pick, piece: number): Source {
  if (typeof sources !== 'number') return sources[piece]!;
  return open !== undefined && piece === line.pieces.length - 1 ? open : sources;
}

export function timelineOf(pick: Pick, scope: LineScope): Timeline {
  const known = scope.lines.get(pick.line);
  if (known !== undefined) return known;
  const { count, pieces } = pick.line;
  const raw = new Float64Array(count);
  const views: (ChunkView | undefined)[] = [];
  let at = 0;
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i]!;
    const source = sourceOf(pick, i);
    if (typeof source === 'number') {
      const view = scope.views.get(piece.chunkId);
      assert(view !== undefined, 'the chunks of a snapshot are loaded');
      copyTimes(view, piece.mask, raw.subarray(at));
      views.push(view);
    } else {
      raw.set(source.times, at);
      views.push(undefined);
    }
    at += piece.count;
  }
  const order = isRising(raw) ? undefined : mergeOrder(raw);
  const times = order === undefined ? raw : Float64Array.from(order, i => raw[i]!);
  const from = firstAfter(times, scope.window.fromMs);
  const to = firstAfter(times, scope.window.toMs);
  const line = { times, order, from, to, views };
  scope.lines.set(pick.line, line);
  return line;
}

function copyTimes({ times }: ChunkView, mask: Uint8Array | undefined, into: Float64Array): void {
  if (mask === undefined) {
    into.set(times);
    return;
  }
  let at = 0;
  for (let row = 0; row < times.length; row++) if (isPresent(mask, row)) into[at++] = times[row]!;
}

/** Value columns are cut out of blocks of this many floats: one allocation for many short columns. */
const BLOCK_FLOATS = 32 * 1024;

/** The samples of the picks within the window, series without any left out; at most `limit` series, 0 for all. */
export function decodeAll(
  picks: readonly Pick[],
  wanted: { readonly views: Views; readonly window: Window; readonly limit: number },
): Result<SeriesColumns[], DamagedChunk> {
  const scope: LineScope = { views: wanted.views, window: wanted.window, lines: new Map() };
  const found: SeriesColumns[] = [];
  let room = roomOf(new Float64Array(0));
  let used = 0;
  for (const pick of picks) {
    const line = timelineOf(pick, scope);
    if (line.from === line.to) continue;
    const { count } = pick.line;
    if (used + count > room.values.length) {
      room = roomOf(new Float64Array(Math.max(BLOCK_FLOATS, count)));
      used = 0;
    }
    const decoded = decodePieces(pick, line, { room, at: used });
    if (!decoded.ok) return decoded;
    const raw = room.values.subarray(used, used + count);
    used += count;
    found.push(columnsOf(pick, line, { raw, ...decoded.value }));
    if (found.length === wanted.limit) break;
  }
  return ok(found);
}

interface DecodedPieces {
  readonly isPlain: boolean;
  readonly extras: ColumnExtrasBuilder | undefined;
}

function columnsOf(
  { labels, ref, producer }: Pick,
  { times, order, from, to }: Timeline,
  { raw, isPlain, extras }: DecodedPieces & { readonly raw: Float64Array },
): SeriesColumns {
  const values = order === undefined ? raw : valuesAt(raw, order);
  const columns = { labels, ref, producer, timesMs: times, values, from, to, isPlain };
  return extras === undefined ? columns : { ...columns, ...extras.finish(order) };
}

function decodePieces(
  pick: Pick,
  { views }: Timeline,
  into: { readonly room: ColumnRoom; readonly at: number },
): Result<DecodedPieces, DamagedChunk> {
  const { room } = into;
  const { pieces } = pick.line;
  let extras: ColumnExtrasBuilder | undefined;
  let isPlain = true;
  let end = into.at;
  for (let i = 0; i < pieces.length; i++) {
    const { chunkId, count } = pieces[i]!;
    room.at = end;
    room.count = count;
    end += count;
    const source = sourceOf(pick, i);
    let beside: ColumnExtras | undefined;
    if (typeof source !== 'number') {
      copyValues(source, room);
      isPlain &&= source.isPlain;
      beside = source.extras;
    } else {
      const view = views[i]!;
      isPlain &&= !mayHoldMarkersIn(view, source);
      const read = readChunkColumn(view, source, room) ? readChunkExtras(view, source, count) : 'damaged';
      if (read === 'damaged') return err({ chunkId, cause: 'a column of it makes no sense' });
      beside = read;
    }
    if (beside === undefined) continue;
    extras ??= new ColumnExtrasBuilder(pick.line.count);
    extras.copy(beside, 0, { count, at: room.at - into.at });
  }
  return ok({ isPlain, extras });
}

function copyValues({ values, at }: OpenColumn, room: ColumnRoom): void {
  // A view's `set` copies bits.
  room.values.set(values.subarray(at, at + room.count), room.at);
}
