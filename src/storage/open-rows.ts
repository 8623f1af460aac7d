// The open rows of a cohort as a reader sees them: their times once for all its series, a series' values copied out.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { HIGH_WORD, wordsOf } from '../model/index.ts';
import type { OpenColumn, Piece } from './assemble.ts';
import type { Window } from './block/block.ts';
import { gatherColumn, gatherExtras, hasValue } from './cohort.ts';
import type { Cohort } from './head-data.ts';

/** Of so many floats: one allocation for the short columns of many series. */
const ROOM_FLOATS = 16 * 1024;

/** Where values are copied to. */
export class Room {
  values: Float64Array = new Float64Array(0);
  words: Uint32Array = new Uint32Array(0);
  #used = 0;

  /** The entry from which `count` are free, in `values` as it is then. */
  take(count: number): number {
    if (this.#used + count > this.values.length) {
      this.values = new Float64Array(Math.max(ROOM_FLOATS, count));
      this.words = wordsOf(this.values);
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
  /** Of the newest one wanted. */
  readonly lastMs: number;
  /** Undefined for a column without values in these rows. */
  take(column: number, room: Room): OpenColumn | undefined;
  /** The same of rows that are not uniform, with what tells their times from others'. */
  pickOut(column: number): { readonly key: string; readonly open: OpenColumn } | undefined;
}

export function openRowsOf(
  cohort: Cohort,
  wanted: { readonly window: Window; readonly lastOnly: boolean },
): OpenRows {
  const { chunkId, rows } = cohort;
  const { window } = wanted;
  const shape = cohort.rowShapes[0]!;
  const isUniform = cohort.rowShapes.every(one => one === shape);
  const times = cohort.rowTimes.slice(0, rows);
  const last = newestRow(times, window.toMs);
  const isWithin = last >= 0 && times[last]! > window.fromMs;
  const lastOnly = wanted.lastOnly && isUniform && isWithin;
  const from = lastOnly ? last : 0;
  const count = !isWithin ? 0 : lastOnly ? 1 : rows;
  const taken = lastOnly ? times.slice(last, last + 1) : times;
  return {
    isUniform,
    key: lastOnly ? `o${chunkId}@${last};` : `o${chunkId};`,
    piece: { firstMs: taken[0]!, chunkId, count, mask: undefined },
    count,
    lastMs: isWithin ? times[last]! : -Infinity,
    take(column, room) {
      const position = shape.positions[column] ?? -1;
      if (position < 0) return undefined;
      const at = room.take(count);
      const isPlain = copyRows(cohort, { position, from, count }, { words: room.words, at });
      const extras = cohort.rowExtras.length === 0 ? undefined : gatherExtras(cohort, column, { from, count });
      return { times: taken, values: room.values, at, extras, isPlain };
    },
    pickOut: column => pickOut(cohort, column),
  };
}

/** The row with the newest time that is not after the end; -1 without one. */
function newestRow(times: Float64Array, toMs: number): number {
  let newest = -1;
  for (let row = 0; row < times.length; row++) {
    if (times[row]! <= toMs && (newest < 0 || times[row]! > times[newest]!)) newest = row;
  }
  return newest;
}

const EXPONENT = 0x7ff00000;

/** Whether all of them are finite numbers. */
function copyRows(
  { rowSlabs, rowAt }: Cohort,
  rows: { readonly position: number; readonly from: number; readonly count: number },
  into: { readonly words: Uint32Array; readonly at: number },
): boolean {
  const { words } = into;
  let isPlain = true;
  let to = 2 * into.at;
  for (let row = rows.from; row < rows.from + rows.count; row++) {
    const source = rowSlabs[row]!.words;
    const at = 2 * (rowAt[row]! + rows.position);
    words[to] = source[at]!;
    words[to + 1] = source[at + 1]!;
    if ((words[to + HIGH_WORD]! & EXPONENT) === EXPONENT) isPlain = false;
    to += 2;
  }
  return isPlain;
}

function pickOut(cohort: Cohort, column: number): ReturnType<OpenRows['pickOut']> {
  const values = new Float64Array(cohort.rows);
  const times = new Float64Array(cohort.rows);
  const count = gatherColumn(cohort, column, { words: wordsOf(values), times, at: 0 });
  if (count === 0) return undefined;
  let key = `o${cohort.chunkId}:`;
  for (let row = 0; row < cohort.rows; row++) key += hasValue(cohort, column, row) ? '1' : '0';
  const extras = gatherExtras(cohort, column);
  const open = { times: times.subarray(0, count), values, at: 0, extras, isPlain: false };
  return { key: `${key};`, open };
}
