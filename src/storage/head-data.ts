// What the head is made of, as plain data: series, cohorts of open rows, side buffers, sealed chunks, and who is in which.
// They refer to each other, so they stand together; the files named after them hold what is done with them.

import type { Labels, SeriesRef, TargetId } from '../model/index.ts';
import type { Extras } from './extras.ts';
import type { PostingList } from './posting-list.ts';
import type { SingleLists } from './single-lists.ts';

export interface Series {
  readonly ref: SeriesRef;
  readonly slot: number;
  readonly labels: Labels;
  readonly hash: number;
  /** Next series in the same chain of the table. */
  next: Series | undefined;
  /** Where sealed samples are: columns[i] is the column within members[i]. */
  members: readonly Membership[];
  columns: readonly number[];
  /** Where open rows are: cohortColumns[i] is the column within cohorts[i]. */
  cohorts: readonly Cohort[];
  cohortColumns: readonly number[];
  side: SideBuffer | undefined;
  /** Whole ones: fractions would take an object each. */
  readonly bornSeconds: number;
}

/** For the lists of a series, of one entry nearly always: `alone` is the list that all who have just this one share. */
export function withOneMore<T>(list: readonly T[], alone: readonly T[]): readonly T[] {
  return list.length === 0 ? alone : [...list, ...alone];
}

export function without<T>(list: readonly T[], at: number): readonly T[] {
  return list.length === 1 ? NONE : list.filter((_, i) => i !== at);
}

/** Shared by all series without entries. */
export const NONE: readonly never[] = Object.freeze([]);

export interface Posting {
  readonly id: number;
  readonly value: string;
  readonly series: PostingList;
}

/** Room for some rows. */
export interface Slab {
  readonly floats: Float64Array;
  /** The same memory. */
  readonly words: Uint32Array;
}

export interface Cohort {
  readonly producer: TargetId;
  /** The list of this cohort, shared by the series that are in no other. */
  readonly alone: readonly Cohort[];
  readonly singles: SingleLists;
  chunkId: number;
  readonly series: Series[];
  shapes: Shape[];
  rows: number;
  rowsMax: number;
  readonly rowTimes: Float64Array;
  rowShapes: Shape[];
  readonly rowAt: Uint32Array;
  /** By row; empty while no row has any. */
  rowExtras: (Extras | undefined)[];
  /** By row: where its values lie, from `rowAt` on. */
  rowSlabs: Slab[];
  /** The slab that the next row goes to if there is room behind what is used of it. */
  tail: Slab | undefined;
  tailUsed: number;
  /** Values in all rows. */
  used: number;
  /** Segment of the log that holds the first open row. */
  firstSegment: number;
  openedMs: number;
  touchedMs: number;
  /** A row lies in the slab behind the last one, while its write is under way: nothing may be sealed. */
  inFlight: boolean;
  /** Left by an earlier process beside the one that goes on: takes no more rows, and is dropped when it is sealed. */
  superseded: boolean;
  /** Of the last sealed chunk: shared by the next if the columns are the same. */
  membership: Membership | undefined;
}

/** A set of series in the order in which batches bring them. */
export interface Shape {
  readonly layoutId: number;
  readonly refs: Uint32Array;
  readonly slots: Uint32Array;
  /** columns[position] of the cohort. */
  readonly columns: Uint32Array;
  /** positions[column], -1 where the column takes no part; columns born later lie beyond its end. */
  readonly positions: Int32Array;
  /** Segment of the log in which the layout was last written out, -1 if none since the chunk began. */
  definedIn: number;
  /** The array that a producer gave with these refs last, if it never changes: known without a look at what is in it. */
  constant: Uint32Array | undefined;
}

/** In the order they came, times distinct. */
export interface SideBuffer {
  readonly chunkId: number;
  readonly series: Series;
  times: Float64Array;
  values: Float64Array;
  words: Uint32Array;
  count: number;
  /** By index, NaN where unknown; undefined while none is known. */
  starts: Float64Array | undefined;
  /** Bytes of native histograms by index; undefined while there are none. */
  histograms: Map<number, Uint8Array> | undefined;
  /** First segment of the log that holds a sample of this buffer. */
  readonly firstSegment: number;
  readonly openedMs: number;
}

export interface Membership {
  readonly series: readonly Series[];
  /** The list of this membership, shared by the series that have no other. */
  readonly alone: readonly Membership[];
  /** In the order they were sealed. */
  chunks: Chunk[];
}

export interface Chunk {
  readonly id: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly rows: number;
  /** Presence of columns that lack some rows. */
  readonly partial: ReadonlyMap<number, Uint8Array> | undefined;
  /** The whole record with its frame; undefined when only on disk. */
  record: Uint8Array | undefined;
  readonly recordBytes: number;
  /** Where it lies on disk; undefined until written. */
  place: ChunkPlace | undefined;
  /** First segment of the log that still holds its samples: may be cut once the chunk is on disk. */
  readonly firstSegment: number;
  /** Could not be read back: reported, and left out from then on. */
  damaged: boolean;
  /** Its samples before this time are in a block already. */
  cutBelowMs?: number | undefined;
}

export interface ChunkPlace {
  readonly file: number;
  readonly offset: number;
}

/** What a reader holds still who goes through very many series in turns. */
export interface Hold {
  /** Sealed since: their samples are in the held cohorts and side buffers, or are later ones. */
  readonly later: Set<Chunk>;
  /** Chunks have gone, or what they have counts as a block's: the reader begins again. */
  isStale: boolean;
}
