// The open rows of a cohort as a reader sees them: their times once for all its series, a series' values copied out.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type FloatLender, isFiniteAt, wordsOf } from '../model/index.ts';
import type { OpenColumn, Piece } from './assemble.ts';
import type { Window } from './block/block.ts';
import { gatherColumn, gatherExtras, hasValue } from './cohort.ts';
import type { Cohort } from './head-data.ts';

/** Of so many floats: one allocation for the short columns of many series. */
const ROOM_FLOATS = 16 * 1024;

/** Where values are copied to, by their words. */
export class Room {
  words: Uint32Array = new Uint32Array(0);
  readonly #memory: FloatLender | undefined;
  #used = 0;

  constructor(memory: FloatLender | undefined) {
    this.#memory = memory;
  }

  /** The entry from which `count` are free, in `words` as they are then. */
  take(count: number): number {
    if (2 * (this.#used + count) > this.words.length) {
      const size = Math.max(ROOM_FLOATS, count);
      this.words = wordsOf(this.#memory?.floats(size) ?? new Float64Array(size));
      this.#used = 0;
    }
    this.#used += count;
    return this.#used - count;
  }
}

export interface OpenRows {
  /** All rows have the same series: then the fields below hold for all of them, and `take` gives their values. */
  readonly isUniform: boolean;
  readonly key: string;
  readonly piece: Piece;
  /** 0: none is wanted. */
  readonly count: number;
  /** Undefined for a column without values in these rows. The values are there once all rows are copied. */
  take(column: number, room: Room): OpenColumn | undefined;
  /** Of one of the rows what was taken, for all columns as they lie. */
  copyRow(index: number): void;
  /** The same of rows that are not uniform, with what tells their times from others'. */
  pickOut(column: number): { readonly key: string; readonly open: OpenColumn } | undefined;
}

export function openRowsOf(cohort: Cohort, wanted: { readonly window: Window }): OpenRows {
  const { chunkId, rowTimes } = cohort;
  const shape = cohort.rowShapes[0]!;
  const isUniform = cohort.rowShapes.every(one => one === shape);
  const { from, to } = isUniform
    ? rowsWithin(cohort, { ...wanted, lastOnly: false })
    : { from: 0, to: cohort.rows };
  const rows = { from, count: to - from };
  const times = rowTimes.slice(from, to);
  const taken: Taken[] = [];
  return {
    isUniform,
    key: rows.count === cohort.rows ? `o${chunkId};` : `o${chunkId}@${from}-${to};`,
    piece: { firstMs: times[0] ?? 0, chunkId, count: rows.count, mask: undefined },
    count: rows.count,
    take(column, room) {
      const position = shape.positions[column] ?? -1;
      if (position < 0) return undefined;
      const at = room.take(rows.count);
      const { words } = room;
      const open = { times, words, at, extras: gatherExtras(cohort, column, rows), isPlain: true };
      taken.push({ position, open });
      return open;
    },
    copyRow: index => copyRow(cohort, taken, { row: from + index, place: index }),
    pickOut: column => pickOut(cohort, column),
  };
}

/** The stretch of rows that has all that are wanted. Rows nearly always come in the order of time. */
export function rowsWithin(
  { rowTimes, rows }: Cohort,
  { window, lastOnly }: { readonly window: Window; readonly lastOnly: boolean },
): { readonly from: number; readonly to: number } {
  let from = rows;
  let to = 0;
  let newest = -1;
  for (let row = 0; row < rows; row++) {
    const time = rowTimes[row]!;
    if (time <= window.fromMs || time > window.toMs) continue;
    from = Math.min(from, row);
    to = row + 1;
    if (newest < 0 || time > rowTimes[newest]!) newest = row;
  }
  if (newest < 0) return { from: 0, to: 0 };
  return lastOnly ? { from: newest, to: newest + 1 } : { from, to };
}

/** A column that somebody wants. */
interface Taken {
  /** Of its values in the rows. */
  readonly position: number;
  readonly open: { readonly words: Uint32Array; readonly at: number; isPlain: boolean };
}

function copyRow(
  { rowSlabs, rowAt }: Cohort,
  taken: readonly Taken[],
  { row, place }: { readonly row: number; readonly place: number },
): void {
  const source = rowSlabs[row]!.words;
  const base = rowAt[row]!;
  for (let i = 0; i < taken.length; i++) {
    const { position, open } = taken[i]!;
    const from = 2 * (base + position);
    const to = 2 * (open.at + place);
    open.words[to] = source[from]!;
    open.words[to + 1] = source[from + 1]!;
    if (!isFiniteAt(source, base + position)) open.isPlain = false;
  }
}

function pickOut(cohort: Cohort, column: number): ReturnType<OpenRows['pickOut']> {
  const values = new Float64Array(cohort.rows);
  const times = new Float64Array(cohort.rows);
  const words = wordsOf(values);
  const count = gatherColumn(cohort, column, { words, times, at: 0 });
  if (count === 0) return undefined;
  let key = `o${cohort.chunkId}:`;
  for (let row = 0; row < cohort.rows; row++) key += hasValue(cohort, column, row) ? '1' : '0';
  const extras = gatherExtras(cohort, column);
  const open = { times: times.subarray(0, count), words, at: 0, extras, isPlain: false };
  return { key: `${key};`, open };
}
