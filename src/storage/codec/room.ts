// Where the values of a column are read to.

import { type FloatLender, wordsOf } from '../../model/index.ts';

/** `values` and `words` are the same memory; the column's `count` values go to the entries from `at` on. */
export interface ColumnRoom {
  values: Float64Array;
  words: Uint32Array;
  at: number;
  count: number;
}

/** Room for all of these entries. */
export function roomOf(values: Float64Array): ColumnRoom {
  return { values, words: wordsOf(values), at: 0, count: values.length };
}

/** Value columns are cut out of blocks of this many floats: one allocation for many short columns. */
export const BLOCK_FLOATS = 32 * 1024;

/** The entries of a room from `at` on. */
export interface Room {
  readonly room: ColumnRoom;
  readonly at: number;
}

/** Blocks that many series share. */
export class Rooms {
  readonly #memory: FloatLender | undefined;
  readonly #blockFloats: number;
  #room: ColumnRoom = roomOf(new Float64Array(0));
  #used = 0;

  /** Few short columns need no whole block. */
  constructor(memory: FloatLender | undefined, floatsLikely = BLOCK_FLOATS) {
    this.#memory = memory;
    this.#blockFloats = Math.min(BLOCK_FLOATS, floatsLikely);
  }

  take(count: number): Room {
    if (this.#used + count > this.#room.values.length) {
      const size = Math.max(this.#blockFloats, count);
      this.#room = roomOf(this.#memory?.floats(size) ?? new Float64Array(size));
      this.#used = 0;
    }
    this.#used += count;
    return { room: this.#room, at: this.#used - count };
  }
}
