// Where the values of a column are read to.

import { wordsOf } from '../../model/index.ts';

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
