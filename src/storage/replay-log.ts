// The log at a start: what is not in a sealed chunk becomes open rows and side samples again.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { ok, type Result } from '../base/index.ts';
import { type TargetId, targetId, valuesAt } from '../model/index.ts';
import { addShape, findShape, publishRow, stageRow } from './cohort.ts';
import { type Extras, pickedExtras } from './extras.ts';
import { RECORD } from './frame.ts';
import type { Head } from './head.ts';
import type { Cohort, Series } from './head-data.ts';
import { publishSide } from './publish.ts';
import { BATCH_VERSION_MAX, type ReadRow, readBatch, readLayout, type SideRecord } from './records.ts';
import {
  type FoundFile,
  type ReplayFailure,
  type ReplayInto,
  readRecords,
  takeExemplars,
  unknownRecord,
} from './replay-files.ts';
import { type CodedLayout, SealedRows } from './sealed-rows.ts';
import type { SeriesTable } from './series-table.ts';
import { ROWS_MAX } from './settings.ts';

interface Layout {
  readonly producer: TargetId;
  /** In the order of the values; undefined until a row needs them. */
  refs: Uint32Array | undefined;
  readonly coded: CodedLayout | undefined;
  /** Worked out when a row needs it: most are of chunks that are sealed. */
  known: Known | undefined;
  /** Time of the newest row that was taken up, noted with all its series at the end of the segment. */
  newestMs: number;
}

interface LogState {
  readonly into: ReplayInto;
  readonly sealed: ReadonlySet<number>;
  readonly cohorts: Map<number, Cohort>;
  /** Of the segment being read. */
  layouts: Map<number, Layout>;
  segment: number;
}

export async function replayLog(
  into: ReplayInto,
  files: readonly FoundFile[],
  sealed: ReadonlySet<number>,
): Promise<Result<void, ReplayFailure>> {
  const state: LogState = { into, sealed, cohorts: new Map(), layouts: new Map(), segment: 0 };
  for (const file of files) {
    state.layouts = new Map();
    state.segment = file.number;
    let sealedRows: SealedRows | undefined;
    const end = await readRecords(into, file, (bytes, record) => {
      if (record.type === RECORD.probe) return undefined;
      if (record.type === RECORD.exemplars && record.version === 1)
        return takeExemplars(into, bytes.subarray(record.payloadFrom, record.payloadTo));
      if (record.type !== RECORD.batch || record.version > BATCH_VERSION_MAX) return unknownRecord(record);
      if (sealedRows?.bytes !== bytes) sealedRows = new SealedRows(bytes, sealed);
      if (sealedRows.take(record.payloadFrom, record.payloadTo)) {
        skipRow(state, sealedRows);
        return undefined;
      }
      const batch = readBatch(bytes.subarray(record.payloadFrom, record.payloadTo), id => sealed.has(id));
      if (batch === undefined) return 'A batch has a valid checksum but makes no sense';
      let lost = 0;
      if (batch.row !== undefined) lost += replayRow(state, batch.row, batch.producer);
      if (batch.side !== undefined) lost += replaySide(state, batch.side, batch.producer ?? targetId(''));
      return lost === 0 ? undefined : `${lost} samples are lost: what they refer to was damaged`;
    });
    if (!end.ok) return end;
    noteTimes(state);
    into.wal.addClosed(file.number, end.value);
  }
  return ok(undefined);
}

/** The chunk's id is known already, and its refs with it: those of a layout as well, since its row is in the chunk. */
function skipRow(state: LogState, { layoutId, layout }: SealedRows): void {
  state.into.head.reserveLayoutId(layoutId);
  if (layout === undefined) return;
  const { producer } = layout;
  addLayout(state, layoutId, { producer, refs: undefined, coded: layout });
}

/** In place of one that had its id before, of which rows may have been taken up. */
function addLayout(state: LogState, id: number, layout: Pick<Layout, 'producer' | 'refs' | 'coded'>): void {
  const before = state.layouts.get(id);
  if (before !== undefined) noteTime(state.into.head.table, before);
  state.layouts.set(id, { ...layout, known: undefined, newestMs: -Infinity });
}

/** Of the rows of a segment. */
function noteTimes({ into, layouts }: LogState): void {
  for (const layout of layouts.values()) noteTime(into.head.table, layout);
}

function noteTime(table: SeriesTable, { known, newestMs, producer }: Layout): void {
  if (known === undefined || newestMs === -Infinity) return;
  const { members } = known;
  for (let i = 0; i < members.length; i++) table.noteTime(members[i]!.slot, newestMs, producer);
}

/** Returns the number of samples lost. */
function replayRow(state: LogState, row: ReadRow, producer: TargetId | undefined): number {
  const { into, sealed, cohorts } = state;
  const { head } = into;
  const { table } = head;
  head.reserveChunkId(row.chunkId);
  head.reserveLayoutId(row.layoutId);
  if (row.layout !== undefined && producer !== undefined) {
    table.reserveRefs(row.layout);
    addLayout(state, row.layoutId, { producer, refs: row.layout, coded: undefined });
  }
  if (row.values === undefined || sealed.has(row.chunkId)) return 0;
  const layout = state.layouts.get(row.layoutId);
  if (layout === undefined) return row.count;
  const all = refsOf(layout, table);
  if (all.length !== row.count) return row.count;
  layout.known ??= knownIn(table, all);
  const { members, refs } = layout.known;
  const { values, extras } = takeKnown(layout.known, { values: row.values, extras: row.extras });
  const lost = row.count - values.length;
  if (values.length === 0) return lost;
  let cohort = cohorts.get(row.chunkId);
  if (cohort === undefined) {
    cohort = head.openCohort(layout.producer, into.monotonicMs, row.chunkId);
    cohorts.set(row.chunkId, cohort);
  }
  if (cohort.rows >= ROWS_MAX) return row.count;
  const shape = findShape(cohort, refs) ?? addShape(cohort, members, head.takeLayoutId());
  stageRow(cohort, values, head.pool);
  const { segment } = state;
  publishRow(cohort, shape, { timeMs: row.timeMs, segment, nowMs: into.monotonicMs, extras });
  if (row.timeMs > layout.newestMs) layout.newestMs = row.timeMs;
  if (row.timeMs > head.newestMs) head.newestMs = row.timeMs;
  return lost;
}

function refsOf(layout: Layout, table: SeriesTable): Uint32Array {
  const { coded } = layout;
  if (layout.refs === undefined && coded !== undefined) {
    layout.refs = readLayout(coded.coded, coded.count);
    table.reserveRefs(layout.refs);
  }
  return layout.refs ?? new Uint32Array(0);
}

/** Which of some series are known, and where they stand among all. */
interface Known {
  readonly members: readonly Series[];
  readonly refs: Uint32Array;
  /** Undefined when all are. */
  readonly places: readonly number[] | undefined;
}

function knownIn(table: SeriesTable, refs: Uint32Array): Known {
  const series: (Series | undefined)[] = [];
  for (let i = 0; i < refs.length; i++) series.push(table.resolve(refs[i]!));
  return knownOf(series);
}

function knownOf(series: readonly (Series | undefined)[]): Known {
  const members: Series[] = [];
  const places: number[] = [];
  for (let i = 0; i < series.length; i++) {
    const one = series[i];
    if (one === undefined) continue;
    members.push(one);
    places.push(i);
  }
  const refs = new Uint32Array(members.length);
  for (let i = 0; i < refs.length; i++) refs[i] = members[i]!.ref;
  return { members, refs, places: members.length === series.length ? undefined : places };
}

interface FoundSamples {
  readonly values: Float64Array;
  readonly extras: Extras | undefined;
}

function takeKnown({ places }: Known, found: FoundSamples): FoundSamples {
  if (places === undefined) return found;
  const values = valuesAt(found.values, places);
  return { values, extras: found.extras && pickedExtras(found.extras, places) };
}

function replaySide(state: LogState, side: SideRecord, producer: TargetId): number {
  const { into, sealed, segment } = state;
  const { table } = into.head;
  const known = side.refs.map((ref, i) => {
    table.reserveRef(ref);
    into.head.reserveChunkId(side.chunkIds[i]!);
    return sealed.has(side.chunkIds[i]!) ? undefined : table.resolve(ref);
  });
  const lost = known.filter((one, i) => one === undefined && !sealed.has(side.chunkIds[i]!)).length;
  const found = knownOf(known);
  const { values, extras } = takeKnown(found, side);
  const times = Float64Array.from(side.times.filter((_, i) => known[i] !== undefined));
  const chunkIds = side.chunkIds.filter((_, i) => known[i] !== undefined);
  publishSide(
    into.head,
    { series: found.members, chunkIds, times, values, extras, producer },
    { segment, monotonicMs: into.monotonicMs },
  );
  return lost;
}

/**
 * A chunk that was full when the process ended, but not in its file yet, comes back as open rows beside its successor, which
 * goes on. It is sealed once the start is over.
 */
export function markSuperseded(head: Head): void {
  for (const cohort of head.allCohorts()) {
    const isSuperseded = cohort.series[0]?.cohorts.some(
      other => other.producer === cohort.producer && other.chunkId > cohort.chunkId && other.rows > 0,
    );
    if (isSuperseded && cohort.rows > 0) cohort.superseded = true;
  }
}
