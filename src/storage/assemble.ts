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

export interface LineScope {
  readonly lines: Map<Line, Timeline>;
  /** Times put together so far, by what is seen of them at a glance. */
  readonly alike: Map<string, Float64Array[]>;
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
  const same = candidates.find(one => one.every((time, i) => time === times[i]));
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

/** Value columns are cut out of blocks of this many floats: one allocation for many short columns. */
const BLOCK_FLOATS = 32 * 1024;

/** The samples of the picks within the window, series without any left out; at most `limit` series, 0 for all. */
export function decodeAll(
  picks: readonly Pick[],
  wanted: {
    readonly views: Views;
    readonly window: Window;
    readonly limit: number;
    readonly memory: FloatLender | undefined;
  },
): Result<SeriesColumns[], DamagedChunk> {
  const { views, window, limit, memory } = wanted;
  const scope: LineScope = { views, window, lines: new Map(), alike: new Map() };
  const found: SeriesColumns[] = [];
  const decoding = new Decoding(memory);
  for (const pick of picks) {
    const line = timelineOf(pick, scope);
    if (line.from === line.to) continue;
    const damagedAt = decoding.decode(pick, line);
    if (damagedAt !== undefined)
      return err({ chunkId: damagedAt.chunkId, cause: 'a column of it makes no sense' });
    found.push(decoding.columns(pick, line));
    if (found.length === limit) break;
  }
  return ok(found);
}

/** Decodes one series after the other into blocks that many share. */
class Decoding {
  readonly #memory: FloatLender | undefined;
  #room: ColumnRoom = roomOf(new Float64Array(0));
  /** Of the series decoded last. */
  #start = 0;
  #end = 0;
  #isPlain = true;
  #extras: ColumnExtrasBuilder | undefined;

  constructor(memory: FloatLender | undefined) {
    this.#memory = memory;
  }

  /** The piece that makes no sense, if there is one. */
  decode(pick: Pick, { views }: Timeline): Piece | undefined {
    const { pieces, count } = pick.line;
    this.#take(count);
    const room = this.#room;
    for (let i = 0; i < pieces.length; i++) {
      const piece = pieces[i]!;
      room.at = this.#end;
      room.count = piece.count;
      this.#end += piece.count;
      const source = sourceOf(pick, i);
      if (typeof source !== 'number') {
        this.#copy(source, count);
        continue;
      }
      const view = views[i]!;
      if (this.#isPlain && mayHoldMarkersIn(view, source)) this.#isPlain = false;
      if (!readChunkColumn(view, source, room)) return piece;
      if (view.extras === undefined) continue;
      const extras = readChunkExtras(view, source, piece.count);
      if (extras === 'damaged') return piece;
      if (extras !== undefined) this.#addExtras(extras, count);
    }
    return undefined;
  }

  /** Of what was decoded last. */
  columns({ labels, ref, producer }: Pick, { times, order, from, to }: Timeline): SeriesColumns {
    const raw = this.#room.values.subarray(this.#start, this.#end);
    const values = order === undefined ? raw : valuesAt(raw, order);
    const columns = { labels, ref, producer, timesMs: times, values, from, to, isPlain: this.#isPlain };
    return this.#extras === undefined ? columns : { ...columns, ...this.#extras.finish(order) };
  }

  #take(count: number): void {
    if (this.#end + count > this.#room.values.length) {
      const size = Math.max(BLOCK_FLOATS, count);
      this.#room = roomOf(this.#memory?.floats(size) ?? new Float64Array(size));
      this.#end = 0;
    }
    this.#start = this.#end;
    this.#isPlain = true;
    this.#extras = undefined;
  }

  #copy(source: OpenColumn, all: number): void {
    const { words, at, count } = this.#room;
    const from = 2 * source.at;
    for (let i = 0; i < 2 * count; i++) words[2 * at + i] = source.words[from + i]!;
    this.#isPlain &&= source.isPlain;
    if (source.extras !== undefined) this.#addExtras(source.extras, all);
  }

  #addExtras(extras: ColumnExtras, all: number): void {
    const { at, count } = this.#room;
    this.#extras ??= new ColumnExtrasBuilder(all);
    this.#extras.copy(extras, 0, { count, at: at - this.#start });
  }
}
