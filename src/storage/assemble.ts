// Puts a query's answer together out of pieces: each time column once for all series that share it, each value column
// decoded once. All of it is plain data, so that it can be done in another thread as well.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { assert, err, ok, type Result } from '../base/index.ts';
import {
  type FloatLender,
  type Labels,
  type SeriesColumns,
  type SeriesRef,
  type TargetId,
  valuesAt,
} from '../model/index.ts';
import { firstAfter, type Window } from './block/block.ts';
import { isRising, mergeOrder, sameTimes } from './block/merge.ts';
import { type ChunkView, isPresent, mayHoldMarkersIn, readChunkColumn, readChunkExtras } from './chunk.ts';
import { type ColumnRoom, Rooms } from './codec/room.ts';
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
  /** The values from entry `at` on, by their words; what lies around is other series'. */
  readonly words: Uint32Array;
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

/** Times put together so far. */
export interface FoundTimes {
  readonly lines: Map<Line, Timeline>;
  /** By what is seen of them at a glance. */
  readonly alike: Map<string, Float64Array[]>;
}

export function newFoundTimes(): FoundTimes {
  return { lines: new Map(), alike: new Map() };
}

export interface LineScope extends FoundTimes {
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
  const times = sharedTimes(order === undefined ? raw : Float64Array.from(order, i => raw[i]!), scope);
  const from = firstAfter(times, scope.window.fromMs);
  const to = firstAfter(times, scope.window.toMs);
  const line = { times, order, from, to, views };
  scope.lines.set(pick.line, line);
  return line;
}

/** More that begin and end alike are not compared: each may have times of its own. */
const ALIKE_MAX = 4;

/** Of other series with the same times, if there are such: whoever finds windows in them does it once. */
function sharedTimes(times: Float64Array, { alike }: LineScope): Float64Array {
  const key = `${times.length}:${times[0]}:${times[times.length - 1]}`;
  const candidates = alike.get(key) ?? [];
  const same = candidates.find(one => sameTimes(one, times));
  if (same !== undefined) return same;
  if (candidates.length < ALIKE_MAX) alike.set(key, [...candidates, times]);
  return times;
}

function copyTimes({ times }: ChunkView, mask: Uint8Array | undefined, into: Float64Array): void {
  if (mask === undefined) {
    into.set(times);
    return;
  }
  let at = 0;
  for (let row = 0; row < times.length; row++) if (isPresent(mask, row)) into[at++] = times[row]!;
}

/** The samples of the picks within the window, series without any left out; at most `limit` series, 0 for all. */
export function decodeAll(
  picks: readonly Pick[],
  wanted: {
    readonly views: Views;
    readonly window: Window;
    readonly limit: number;
    readonly memory: FloatLender | undefined;
    /** Times found so far: for parts of one list. */
    readonly found?: FoundTimes;
  },
): Result<SeriesColumns[], DamagedChunk> {
  const { views, window, limit, memory, found = newFoundTimes() } = wanted;
  const scope: LineScope = { views, window, ...found };
  const rooms = new Rooms(memory);
  const wantedOnes: Decoding[] = [];
  const byLine = new Map<Timeline, Decoding[]>();
  for (const pick of picks) {
    const line = timelineOf(pick, scope);
    if (line.from === line.to) continue;
    const { room, at } = rooms.take(pick.line.count);
    const one = { pick, line, room, at, isPlain: true, extras: undefined };
    wantedOnes.push(one);
    const others = byLine.get(line);
    if (others === undefined) byLine.set(line, [one]);
    else others.push(one);
    if (wantedOnes.length === limit) break;
  }
  for (const [line, decodings] of byLine) {
    const piece = decodeLine(line, decodings);
    if (piece !== undefined) return err({ chunkId: piece.chunkId, cause: 'a column of it makes no sense' });
  }
  return ok(wantedOnes.map(columnsOf));
}

/** One series on its way: its values go to the room from `at` on. */
interface Decoding {
  readonly pick: Pick;
  readonly line: Timeline;
  readonly room: ColumnRoom;
  readonly at: number;
  isPlain: boolean;
  extras: ColumnExtrasBuilder | undefined;
}

/**
 * All series of a line, chunk by chunk: what is read of one lies near what the next needs. The piece that makes no sense, if
 * there is one.
 */
function decodeLine({ views }: Timeline, decodings: readonly Decoding[]): Piece | undefined {
  const { pieces } = decodings[0]!.pick.line;
  let before = 0;
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i]!;
    const view = views[i];
    for (const one of decodings) {
      one.room.at = one.at + before;
      one.room.count = piece.count;
      const source = sourceOf(one.pick, i);
      if (typeof source !== 'number') copyOpen(source, one);
      else if (!decodeColumn(view!, source, one)) return piece;
    }
    before += piece.count;
  }
  return undefined;
}

function decodeColumn(view: ChunkView, column: number, into: Decoding): boolean {
  const { room } = into;
  if (into.isPlain && mayHoldMarkersIn(view, column)) into.isPlain = false;
  if (!readChunkColumn(view, column, room)) return false;
  if (view.extras === undefined) return true;
  const extras = readChunkExtras(view, column, room.count);
  if (extras === 'damaged') return false;
  if (extras !== undefined) addExtras(into, extras);
  return true;
}

function copyOpen(source: OpenColumn, into: Decoding): void {
  const { words, at, count } = into.room;
  const from = 2 * source.at;
  for (let i = 0; i < 2 * count; i++) words[2 * at + i] = source.words[from + i]!;
  into.isPlain &&= source.isPlain;
  if (source.extras !== undefined) addExtras(into, source.extras);
}

function addExtras(into: Decoding, extras: ColumnExtras): void {
  const { at, count } = into.room;
  into.extras ??= new ColumnExtrasBuilder(into.pick.line.count);
  into.extras.copy(extras, 0, { count, at: at - into.at });
}

function columnsOf({ pick, line, room, at, isPlain, extras }: Decoding): SeriesColumns {
  const { labels, ref, producer } = pick;
  const { times, order, from, to } = line;
  const raw = room.values.subarray(at, at + pick.line.count);
  const values = order === undefined ? raw : valuesAt(raw, order);
  const columns = { labels, ref, producer, timesMs: times, values, from, to, isPlain };
  return extras === undefined ? columns : { ...columns, ...extras.finish(order) };
}
