// The newest samples of series, for queries of one instant: nearly always they lie in open rows, and nothing else is looked at.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { atOnce, inTurns, type Pace } from '../base/index.ts';
import { type FloatLender, isFiniteAt, type SeriesColumns, wordsOf } from '../model/index.ts';
import type { Window } from './block/block.ts';
import type { Head } from './head.ts';
import type { Cohort, Membership, Series, Shape } from './head-data.ts';
import type { Held, HeldSeries } from './hold.ts';
import { rowsWithin } from './open-rows.ts';

export interface Latest<S> {
  readonly found: readonly SeriesColumns[];
  /** Series that take a closer look; both lists are in the order of those given. */
  readonly rest: readonly S[];
}

/** Entries of one block, each a sample of another series. */
const BLOCK_SAMPLES = 4096;

interface Wanted {
  readonly window: Window;
  readonly memory: FloatLender | undefined;
}

export function latestOf(head: Head, series: readonly Series[], wanted: Wanted): Latest<Series> {
  const { producer } = head.table;
  const source: Source = {
    count: series.length,
    at: index => series[index]!,
    producer: index => producer[series[index]!.slot],
    cohort: live => live,
  };
  const { found, rest } = atOnce(latestSteps(source, wanted));
  return { found, rest: rest.map(index => series[index]!) };
}

/** The same of series that are held, the rest by index; undefined if the pace says that the work shall end. */
export function latestInTurns(
  held: Held,
  wanted: Wanted & { readonly pace: Pace },
): Promise<Latest<number> | undefined> {
  return inTurns(latestSteps(held, wanted), wanted.pace);
}

/** Series between two yields: some tens of microseconds. */
const SERIES_AT_ONCE = 128;

type Source = Pick<Held, 'count' | 'at' | 'producer' | 'cohort'>;

function* latestSteps(source: Source, { window, memory }: Wanted): Generator<void, Latest<number>> {
  const scope: Scope = { newest: new Map(), sealedMs: new Map(), window, cohort: source.cohort };
  const found: SeriesColumns[] = [];
  const rest: number[] = [];
  let block = newBlock(0, memory);
  let used = 0;
  const { count } = source;
  for (let i = 0; i < count; i++) {
    if ((i + 1) % SERIES_AT_ONCE === 0) yield;
    const one = source.at(i);
    const at = rowOf(one, scope);
    if (at === undefined) {
      rest.push(i);
      continue;
    }
    if (used === block.values.length) {
      block = newBlock(Math.min(BLOCK_SAMPLES, count), memory);
      used = 0;
    }
    const { words } = at;
    const entry = at.entry + at.shape.positions[one.cohortColumns[0]!]!;
    block.words[2 * used] = words[2 * entry]!;
    block.words[2 * used + 1] = words[2 * entry + 1]!;
    block.timesMs[used] = at.timeMs;
    const { labels, ref } = one;
    const { timesMs, values } = block;
    const isPlain = isFiniteAt(block.words, used);
    const producer = source.producer(i);
    found.push({ labels, ref, producer, timesMs, values, from: used, to: used + 1, isPlain });
    used++;
  }
  return { found, rest };
}

function newBlock(
  count: number,
  memory: FloatLender | undefined,
): { readonly timesMs: Float64Array; readonly values: Float64Array; readonly words: Uint32Array } {
  const floats = (): Float64Array => memory?.floats(count) ?? new Float64Array(count);
  const values = floats();
  return { timesMs: floats(), values, words: wordsOf(values) };
}

/** The newest row of a cohort in which all have the same series. */
interface Newest {
  readonly timeMs: number;
  readonly shape: Shape;
  readonly words: Uint32Array;
  /** Of the row's first value. */
  readonly entry: number;
}

interface Scope {
  readonly newest: Map<Cohort, Newest | undefined>;
  /** The newest sample in sealed chunks. */
  readonly sealedMs: Map<Membership, number>;
  readonly window: Window;
  cohort(live: Cohort): Cohort | undefined;
}

/** The row with the newest sample of the series. */
function rowOf(series: HeldSeries, scope: Scope): Newest | undefined {
  if (series.cohorts.length !== 1 || (series.side?.count ?? 0) > 0) return undefined;
  const cohort = series.cohorts[0]!;
  let row = scope.newest.get(cohort);
  if (row === undefined) {
    if (scope.newest.has(cohort)) return undefined;
    const rows = scope.cohort(cohort);
    row = rows && newestOf(rows, scope.window);
    scope.newest.set(cohort, row);
    if (row === undefined) return undefined;
  }
  if ((row.shape.positions[series.cohortColumns[0]!] ?? -1) < 0) return undefined;
  const { members } = series;
  for (let i = 0; i < members.length; i++) if (sealedMsOf(members[i]!, scope) >= row.timeMs) return undefined;
  return row;
}

function newestOf(cohort: Cohort, window: Window): Newest | undefined {
  const shape = cohort.rowShapes[0];
  if (cohort.rows === 0 || shape === undefined || cohort.rowExtras.length > 0) return undefined;
  if (!cohort.rowShapes.every(one => one === shape)) return undefined;
  const { from, to } = rowsWithin(cohort, { window, lastOnly: true });
  if (from === to) return undefined;
  return {
    timeMs: cohort.rowTimes[from]!,
    shape,
    words: cohort.rowSlabs[from]!.words,
    entry: cohort.rowAt[from]!,
  };
}

function sealedMsOf(membership: Membership, { sealedMs }: Scope): number {
  let newest = sealedMs.get(membership);
  if (newest === undefined) {
    newest = membership.chunks.reduce((max, { maxMs }) => Math.max(max, maxMs), -Infinity);
    sealedMs.set(membership, newest);
  }
  return newest;
}
