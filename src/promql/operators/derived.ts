// What operators derive of lists of series alone (series-lists.ts), as plain data.

import type { SeriesMeta } from './values.ts';

/** The groups of an aggregation. */
export interface Groups {
  /** Group of each series. */
  readonly of: Int32Array;
  readonly metas: readonly SeriesMeta[];
}

/** Who meets whom in a binary operator. By result: the row on the side of which there may be several, the one of the other side, and what comes of them. */
export interface Pairs {
  readonly many: Int32Array;
  readonly one: Int32Array;
  readonly metas: readonly SeriesMeta[];
}

/** Of a set operator, by row of each side: the group of the series that share the matched labels; groups of both sides are the same. */
export interface SideGroups {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly count: number;
}

/** The buckets of a classic histogram, and native ones of the same labels. */
export interface HistogramGroup {
  readonly meta: SeriesMeta;
  readonly name: string;
  /** By their bounds, rising. */
  readonly buckets: { readonly row: number; readonly upper: number }[];
  readonly natives: number[];
}

export interface HistogramGroups {
  readonly groups: readonly HistogramGroup[];
  /** Of what comes of each. */
  readonly metas: readonly SeriesMeta[];
}
