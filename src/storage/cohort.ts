// Open rows: the samples of one producer that came with the same timestamp, until they are sealed.
// Layout of the slab: row after row, each with exactly the values of its shape, in the order the batch had them:
//   value of column c in row r = slab[rowAt[r] + rowShape[r].positions[c]], absent where positions[c] is -1.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type TargetId, wordsOf } from '../model/index.ts';
import { type Cohort, type Series, type Shape, withOneMore, without } from './head-data.ts';
import type { SeriesTable } from './series-table.ts';
import { ROWS_MAX, SHAPES_MAX } from './settings.ts';
import type { SlabPool } from './slab-pool.ts';

export function newCohort(
  producer: TargetId,
  origin: { readonly chunkId: number; readonly rowsMax: number; readonly nowMs: number },
): Cohort {
  return {
    producer,
    chunkId: origin.chunkId,
    series: [],
    shapes: [],
    rows: 0,
    rowsMax: origin.rowsMax,
    rowTimes: new Float64Array(ROWS_MAX),
    rowShapes: [],
    rowAt: new Uint32Array(ROWS_MAX),
    slab: EMPTY,
    slabWords: EMPTY_WORDS,
    used: 0,
    firstSegment: -1,
    openedMs: origin.nowMs,
    touchedMs: origin.nowMs,
    inFlight: false,
    membership: undefined,
  };
}

const EMPTY = new Float64Array(0);
const EMPTY_WORDS = new Uint32Array(0);

/** The shape with exactly these refs in this order, moved to the front. */
export function findShape(cohort: Cohort, refs: Uint32Array): Shape | undefined {
  const { shapes } = cohort;
  for (let i = 0; i < shapes.length; i++) {
    const shape = shapes[i]!;
    if (!sameRefs(shape.refs, refs)) continue;
    if (i > 0) {
      shapes.splice(i, 1);
      shapes.unshift(shape);
    }
    return shape;
  }
  return undefined;
}

export function sameRefs(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Adds a shape; series that are new to the cohort become columns. The series must be distinct. */
export function addShape(cohort: Cohort, members: readonly Series[], layoutId: number): Shape {
  const columns = new Uint32Array(members.length);
  const refs = new Uint32Array(members.length);
  const slots = new Uint32Array(members.length);
  members.forEach((series, position) => {
    columns[position] = columnOf(cohort, series);
    refs[position] = series.ref;
    slots[position] = series.slot;
  });
  const positions = new Int32Array(cohort.series.length).fill(-1);
  columns.forEach((column, position) => {
    positions[column] = position;
  });
  const shape: Shape = { layoutId, refs, slots, columns, positions, definedIn: -1 };
  cohort.shapes.unshift(shape);
  if (cohort.shapes.length > SHAPES_MAX) cohort.shapes.pop();
  return shape;
}

function columnOf(cohort: Cohort, series: Series): number {
  const at = series.cohorts.indexOf(cohort);
  if (at >= 0) return series.cohortColumns[at]!;
  series.cohorts = withOneMore(series.cohorts, cohort);
  series.cohortColumns = withOneMore(series.cohortColumns, cohort.series.length);
  return cohort.series.push(series) - 1;
}

/** Puts the values behind the last row. They count only after `publishRow`. */
export function stageRow(cohort: Cohort, values: Float64Array, pool: SlabPool): void {
  const wanted = cohort.used + values.length;
  if (wanted > cohort.slab.length) {
    const larger = pool.take(Math.max(wanted, cohort.slab.length * 2));
    larger.set(cohort.slab.subarray(0, cohort.used));
    pool.give(cohort.slab);
    cohort.slab = larger;
    cohort.slabWords = wordsOf(larger);
  }
  cohort.slab.set(values, cohort.used);
  cohort.inFlight = true;
}

export function publishRow(
  cohort: Cohort,
  shape: Shape,
  row: { readonly timeMs: number; readonly segment: number; readonly nowMs: number },
): void {
  const at = cohort.rows++;
  if (at === 0) {
    cohort.firstSegment = row.segment;
    cohort.openedMs = row.nowMs;
  }
  cohort.rowTimes[at] = row.timeMs;
  cohort.rowShapes[at] = shape;
  cohort.rowAt[at] = cohort.used;
  cohort.used += shape.refs.length;
  cohort.touchedMs = row.nowMs;
  cohort.inFlight = false;
}

/** Where the value of a column lies in a row, or -1. */
export function valueAt(cohort: Cohort, column: number, row: number): number {
  const position = cohort.rowShapes[row]!.positions[column] ?? -1;
  return position < 0 ? -1 : cohort.rowAt[row]! + position;
}

/** Index in the slab of a column's value at a time, or -1. */
export function findInCohort(cohort: Cohort, column: number, timeMs: number): number {
  for (let row = cohort.rows - 1; row >= 0; row--) {
    if (cohort.rowTimes[row] !== timeMs) continue;
    const at = valueAt(cohort, column, row);
    if (at >= 0) return at;
  }
  return -1;
}

/** Copies a column's present values (and their times) out; returns how many. */
export function gatherColumn(
  cohort: Cohort,
  column: number,
  into: { readonly words: Uint32Array; readonly times?: Float64Array; readonly at: number },
): number {
  const from = cohort.slabWords;
  let count = into.at;
  for (let row = 0; row < cohort.rows; row++) {
    const at = valueAt(cohort, column, row);
    if (at < 0) continue;
    into.words[2 * count] = from[2 * at]!;
    into.words[2 * count + 1] = from[2 * at + 1]!;
    if (into.times !== undefined) into.times[count] = cohort.rowTimes[row]!;
    count++;
  }
  return count - into.at;
}

/** Begins the next chunk after a seal: the latest shape stays, columns that it does not use go. */
export function restartCohort(
  cohort: Cohort,
  next: { readonly chunkId: number; readonly layoutId: number; readonly nowMs: number },
  pool: SlabPool,
): void {
  const latest = cohort.rowShapes[cohort.rows - 1] ?? cohort.shapes[0];
  cohort.chunkId = next.chunkId;
  cohort.rows = 0;
  cohort.rowsMax = ROWS_MAX;
  cohort.rowShapes = [];
  pool.give(cohort.slab);
  cohort.slab = EMPTY;
  cohort.slabWords = EMPTY_WORDS;
  cohort.used = 0;
  cohort.firstSegment = -1;
  cohort.openedMs = next.nowMs;
  cohort.shapes = [];
  if (latest === undefined) return;
  if (latest.columns.length === cohort.series.length) {
    latest.definedIn = -1;
    cohort.shapes.push(latest);
    return;
  }
  const members = [...latest.columns].map(column => cohort.series[column]!);
  leaveSeries(cohort);
  addShape(cohort, members, next.layoutId);
}

/** Takes the cohort off all its series. */
export function leaveSeries(cohort: Cohort): void {
  for (const series of cohort.series) {
    const at = series.cohorts.indexOf(cohort);
    if (at < 0) continue;
    series.cohorts = without(series.cohorts, at);
    series.cohortColumns = without(series.cohortColumns, at);
  }
  cohort.series.length = 0;
}

/** Whether every check of the fast path holds for all slots: no sample of this group, and all older than the row. */
export function allOlder(
  slots: Uint32Array,
  row: { readonly timeMs: number; readonly group: number },
  table: SeriesTable,
): boolean {
  const { lastMs, stamp } = table;
  const { timeMs, group } = row;
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i]!;
    if (!(lastMs[slot]! < timeMs) || stamp[slot] === group) return false;
  }
  return true;
}
