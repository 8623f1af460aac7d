// Open rows: the samples of one producer that came with the same timestamp, until they are sealed.
// Rows lie in slabs, each with exactly the values of its shape, in the order the batch had them:
//   value of column c in row r = rowSlabs[r].floats[rowAt[r] + rowShapes[r].positions[c]], absent where positions[c] is -1.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import type { TargetId } from '../model/index.ts';
import { type ColumnExtras, ColumnExtrasBuilder, type Extras } from './extras.ts';
import { type Cohort, type Series, type Shape, withOneMore, without } from './head-data.ts';
import type { SeriesTable } from './series-table.ts';
import { ROWS_MAX, SHAPES_MAX } from './settings.ts';
import type { SingleLists } from './single-lists.ts';
import type { SlabPool } from './slab-pool.ts';

export function newCohort(
  producer: TargetId,
  origin: {
    readonly chunkId: number;
    readonly rowsMax: number;
    readonly nowMs: number;
    readonly singles: SingleLists;
  },
): Cohort {
  const alone: Cohort[] = [];
  const cohort: Cohort = {
    producer,
    alone,
    singles: origin.singles,
    chunkId: origin.chunkId,
    series: [],
    shapes: [],
    rows: 0,
    rowsMax: origin.rowsMax,
    rowTimes: new Float64Array(ROWS_MAX),
    rowShapes: [],
    rowAt: new Uint32Array(ROWS_MAX),
    rowExtras: [],
    rowSlabs: [],
    tail: undefined,
    tailUsed: 0,
    used: 0,
    firstSegment: -1,
    openedMs: origin.nowMs,
    touchedMs: origin.nowMs,
    inFlight: false,
    superseded: false,
    membership: undefined,
  };
  alone.push(cohort);
  return cohort;
}

/** The shape with exactly these refs in this order, moved to the front. `isConstant`: nobody ever changes the array. */
export function findShape(cohort: Cohort, refs: Uint32Array, isConstant = false): Shape | undefined {
  const { shapes } = cohort;
  for (let i = 0; i < shapes.length; i++) {
    const shape = shapes[i]!;
    if (shape.constant !== refs && !sameRefs(shape.refs, refs)) continue;
    if (isConstant) shape.constant = refs;
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
  for (let position = 0; position < members.length; position++) {
    const series = members[position]!;
    columns[position] = columnOf(cohort, series);
    refs[position] = series.ref;
    slots[position] = series.slot;
  }
  const positions = new Int32Array(cohort.series.length).fill(-1);
  for (let position = 0; position < columns.length; position++) positions[columns[position]!] = position;
  const shape: Shape = { layoutId, refs, slots, columns, positions, definedIn: -1, constant: undefined };
  cohort.shapes.unshift(shape);
  if (cohort.shapes.length > SHAPES_MAX) cohort.shapes.pop();
  return shape;
}

function columnOf(cohort: Cohort, series: Series): number {
  const at = series.cohorts.indexOf(cohort);
  if (at >= 0) return series.cohortColumns[at]!;
  series.cohorts = withOneMore(series.cohorts, cohort.alone);
  series.cohortColumns = withOneMore(series.cohortColumns, cohort.singles.of(cohort.series.length));
  return cohort.series.push(series) - 1;
}

/** Puts the values behind the last row. They count only after `publishRow`. */
export function stageRow(cohort: Cohort, values: Float64Array, pool: SlabPool): void {
  let { tail } = cohort;
  if (tail === undefined || cohort.tailUsed + values.length > tail.floats.length) {
    // A tail that no row lies in is of a row that was not written after all.
    if (tail !== undefined && cohort.tailUsed === 0) pool.give(tail);
    tail = pool.take(values.length);
    cohort.tail = tail;
    cohort.tailUsed = 0;
  }
  tail.floats.set(values, cohort.tailUsed);
  cohort.inFlight = true;
}

export function publishRow(
  cohort: Cohort,
  shape: Shape,
  row: {
    readonly timeMs: number;
    readonly segment: number;
    readonly nowMs: number;
    readonly extras: Extras | undefined;
  },
): void {
  const at = cohort.rows++;
  if (at === 0) {
    cohort.firstSegment = row.segment;
    cohort.openedMs = row.nowMs;
  }
  cohort.rowTimes[at] = row.timeMs;
  cohort.rowShapes[at] = shape;
  cohort.rowSlabs[at] = cohort.tail!;
  cohort.rowAt[at] = cohort.tailUsed;
  if (row.extras !== undefined) cohort.rowExtras[at] = sharedStarts(cohort, at, row.extras);
  cohort.tailUsed += shape.refs.length;
  cohort.used += shape.refs.length;
  cohort.touchedMs = row.nowMs;
  cohort.inFlight = false;
}

/** Starts are the same row after row, until something restarts: then they are one array. */
function sharedStarts(cohort: Cohort, row: number, extras: Extras): Extras {
  const before = row === 0 ? undefined : cohort.rowExtras[row - 1];
  if (before?.starts === undefined || extras.starts === undefined) return extras;
  if (cohort.rowShapes[row - 1] !== cohort.rowShapes[row]) return extras;
  const isSame = extras.starts.every((start, i) => Object.is(start, before.starts?.[i]));
  return isSame ? { ...extras, starts: before.starts } : extras;
}

export function hasValue(cohort: Cohort, column: number, row: number): boolean {
  return positionOf(cohort, column, row) >= 0;
}

function positionOf(cohort: Cohort, column: number, row: number): number {
  return cohort.rowShapes[row]!.positions[column] ?? -1;
}

/** A column's value at a time: entry `at` of the column behind `words`; or a native histogram, by its bytes. */
export function findInCohort(
  cohort: Cohort,
  column: number,
  timeMs: number,
): { words: Uint32Array; at: number; histogram: Uint8Array | undefined } | undefined {
  for (let row = cohort.rows - 1; row >= 0; row--) {
    if (cohort.rowTimes[row] !== timeMs) continue;
    const position = positionOf(cohort, column, row);
    if (position < 0) continue;
    const histogram = cohort.rowExtras[row]?.histograms?.at(position);
    return { words: cohort.rowSlabs[row]!.words, at: cohort.rowAt[row]! + position, histogram };
  }
  return undefined;
}

/** Copies a column's present values (and their times) out; returns how many. */
export function gatherColumn(
  cohort: Cohort,
  column: number,
  into: { readonly words: Uint32Array; readonly times?: Float64Array; readonly at: number },
): number {
  let count = into.at;
  for (let row = 0; row < cohort.rows; row++) {
    const position = positionOf(cohort, column, row);
    if (position < 0) continue;
    const at = cohort.rowAt[row]! + position;
    const from = cohort.rowSlabs[row]!.words;
    into.words[2 * count] = from[2 * at]!;
    into.words[2 * count + 1] = from[2 * at + 1]!;
    if (into.times !== undefined) into.times[count] = cohort.rowTimes[row]!;
    count++;
  }
  return count - into.at;
}

/** What a column's present values have beside their floats, by index among them; undefined for nothing. */
export function gatherExtras(
  cohort: Cohort,
  column: number,
  rows: { readonly from: number; readonly count: number } = { from: 0, count: cohort.rows },
): ColumnExtras | undefined {
  if (cohort.rowExtras.length === 0) return undefined;
  const builder = new ColumnExtrasBuilder(rows.count);
  let count = 0;
  for (let row = rows.from; row < rows.from + rows.count; row++) {
    const position = positionOf(cohort, column, row);
    if (position < 0) continue;
    const extras = cohort.rowExtras[row];
    const start = extras?.starts?.[position];
    if (start !== undefined) builder.start(count, start);
    const bytes = extras?.histograms?.at(position);
    if (bytes !== undefined) builder.packed(count, bytes);
    count++;
  }
  return builder.finish();
}

/** Begins the next chunk after a seal: the latest shape stays, columns that it does not use go. */
export function restartCohort(
  cohort: Cohort,
  next: {
    readonly chunkId: number;
    readonly layoutId: number;
    readonly rowsMax: number;
    readonly nowMs: number;
  },
  pool: SlabPool,
): void {
  const latest = cohort.rowShapes[cohort.rows - 1] ?? cohort.shapes[0];
  cohort.chunkId = next.chunkId;
  cohort.rows = 0;
  cohort.rowsMax = next.rowsMax;
  cohort.rowShapes = [];
  cohort.rowExtras = [];
  giveBackSlabs(cohort, pool);
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

/** Nothing lies in the cohort's rows any more. */
export function giveBackSlabs(cohort: Cohort, pool: SlabPool): void {
  for (const slab of new Set(cohort.rowSlabs)) if (slab !== cohort.tail) pool.give(slab);
  if (cohort.tail !== undefined) pool.give(cohort.tail);
  cohort.rowSlabs = [];
  cohort.tail = undefined;
  cohort.tailUsed = 0;
  cohort.used = 0;
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
