// Start: the series table, then what is sealed, then the open rows from the log. Nothing on disk can make this throw;
// what cannot be read is reported and left out.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type Disk, type DiskError, err, ok, type Result } from '../base/index.ts';
import { type TargetId, targetId, wordsOf } from '../model/index.ts';
import { AppendFile, parseFileName } from './append-file.ts';
import { type ChunkView, isPresent, openChunk } from './chunk.ts';
import type { ChunkStore } from './chunk-store.ts';
import { addShape, findShape, publishRow, stageRow } from './cohort.ts';
import type { DamageReport } from './damage.ts';
import {
  checkFileHeader,
  FILE_HEADER_BYTES,
  type FileKind,
  type FoundRecord,
  RECORD,
  scanRecords,
} from './frame.ts';
import type { Head } from './head.ts';
import { type Chunk, type Cohort, type Membership, type Series, withOneMore } from './head-data.ts';
import { newMembership, sameMembers } from './membership.ts';
import { readWhole } from './read-whole.ts';
import { type RowRecord, readBatch, readSeries, type SideRecord } from './records.ts';
import type { SeriesLog } from './series-log.ts';
import { ROWS_MAX } from './settings.ts';
import { publishSide } from './stage.ts';
import type { Wal } from './wal.ts';

export interface ReplayInto {
  readonly disk: Disk;
  readonly folder: string;
  readonly head: Head;
  readonly chunks: ChunkStore;
  readonly series: SeriesLog;
  readonly wal: Wal;
  readonly damage: DamageReport;
  /** Chunks that blocks were made of: what they have before this time is not taken up again. */
  readonly cut: ReadonlyMap<number, number>;
  readonly monotonicMs: number;
  /** A file of the former process could not be synced: it is as safe as it was before. */
  readonly onUnsynced: (error: DiskError) => void;
}

export type ReplayFailure = DiskError | { readonly code: 'storage-newer-format'; readonly path: string };

interface FoundFile {
  readonly kind: FileKind;
  readonly number: number;
  readonly path: string;
}

export async function replay(into: ReplayInto): Promise<Result<void, ReplayFailure>> {
  const names = await into.disk.list(into.folder);
  if (!names.ok) return names;
  const files: FoundFile[] = [];
  for (const name of names.value) {
    const parsed = parseFileName(name);
    if (parsed !== undefined) files.push({ ...parsed, path: `${into.folder}/${name}` });
  }
  const of = (kind: FileKind): FoundFile[] =>
    files.filter(file => file.kind === kind).sort((a, b) => a.number - b.number);
  const read = await replaySeries(into, of('series'));
  if (!read.ok) return read;
  const sealed = await replayChunks(into, of('chunks'));
  if (!sealed.ok) return sealed;
  const rows = await replayLog(into, of('wal'), sealed.value);
  if (!rows.ok) return rows;
  into.head.table.endRestore();
  sealSuperseded(into);
  for (const kind of ['series', 'chunks', 'wal'] as const) {
    const synced = await syncLast(into, of(kind));
    if (!synced.ok) into.onUnsynced(synced.error);
  }
  return ok(undefined);
}

/**
 * The former process may have died before it synced what it accepted. From now on nobody writes to its last file, so
 * nobody would sync it, and a loss of power could take samples that are much older than the last second.
 */
async function syncLast(into: ReplayInto, files: readonly FoundFile[]): Promise<Result<void, DiskError>> {
  const last = files.at(-1);
  if (last === undefined) return ok(undefined);
  const opened = await into.disk.open(last.path, 'update');
  if (!opened.ok) return opened;
  const synced = await opened.value.sync();
  await opened.value.close();
  return synced;
}

/** Reads a file, gives its sound records to `take`, reports the rest; a torn tail at the end is cut off. */
async function readRecords(
  into: ReplayInto,
  file: FoundFile,
  take: (bytes: Uint8Array, record: FoundRecord) => string | undefined,
): Promise<Result<number, ReplayFailure>> {
  const read = await readWhole(into.disk, file.path);
  if (!read.ok) return read;
  const bytes = read.value;
  const header = checkFileHeader(bytes, file.kind);
  if (!header.ok) return err({ code: 'storage-newer-format', path: file.path });
  const code = file.kind === 'chunks' ? 'chunk-damaged' : 'wal-damaged';
  const report = (offset: number, length: number, message: string): void =>
    into.damage.add({ code, file: file.path, offset, bytes: length, message });
  if (header.value === 'damaged' && bytes.length >= FILE_HEADER_BYTES)
    report(0, FILE_HEADER_BYTES, 'The file header is damaged');
  const scan = scanRecords(bytes, FILE_HEADER_BYTES, record => {
    const trouble = take(bytes, record);
    if (trouble !== undefined) report(record.offset, record.payloadTo - record.offset, trouble);
  });
  for (const { offset, bytes: length } of scan.damaged)
    report(offset, length, 'A stretch without a valid record is skipped');
  if (scan.endOffset < bytes.length) await cutTail(into, file, { from: scan.endOffset, to: bytes.length });
  return ok(scan.endOffset);
}

async function cutTail(into: ReplayInto, file: FoundFile, tail: { from: number; to: number }): Promise<void> {
  into.damage.add({
    code: 'wal-torn-tail',
    file: file.path,
    offset: tail.from,
    bytes: tail.to - tail.from,
    message: 'An unfinished record at the end is cut off',
  });
  // Where that fails, the tail is reported again at the next start: nothing worse.
  const cut = await AppendFile.reopen(into.disk, file.path, { number: file.number, sizeBytes: tail.from });
  if (cut.ok) await cut.value.close();
}

async function replaySeries(
  into: ReplayInto,
  files: readonly FoundFile[],
): Promise<Result<void, ReplayFailure>> {
  let newestEnd = 0;
  for (const file of files) {
    let records = 0;
    const end = await readRecords(into, file, (bytes, record) => {
      if (record.type === RECORD.probe) return undefined;
      const series =
        record.type === RECORD.series
          ? readSeries(bytes.subarray(record.payloadFrom, record.payloadTo))
          : undefined;
      if (series === undefined) return unknownRecord(record);
      records++;
      into.head.table.restore(series.labels, series.ref);
      return undefined;
    });
    if (!end.ok) return end;
    into.series.addFile(file.number, records);
    newestEnd = Math.max(end.value, FILE_HEADER_BYTES);
  }
  // A header that was cut short is not worth going on with: the records of a new file are safe.
  if (newestEnd > FILE_HEADER_BYTES) await into.series.reopenNewest(newestEnd);
  return ok(undefined);
}

function unknownRecord(record: FoundRecord): string {
  return `A record of type ${record.type}, version ${record.version} is not understood by this version`;
}

// --- sealed chunks ----------------------------------------------------------------------------------

async function replayChunks(
  into: ReplayInto,
  files: readonly FoundFile[],
): Promise<Result<Set<number>, ReplayFailure>> {
  const sealed = new Set<number>();
  const lastOf = new Map<string, Membership>();
  for (const file of files) {
    const taken: Chunk[] = [];
    let leastId = Infinity;
    const end = await readRecords(into, file, (bytes, record) => {
      if (record.type === RECORD.probe) return undefined;
      if (record.type !== RECORD.chunk || record.version !== 1) return unknownRecord(record);
      const view = openChunk(bytes.subarray(record.offset, record.payloadTo));
      if (view === undefined) return 'A chunk has a valid checksum but makes no sense';
      if (sealed.has(view.id)) return undefined;
      sealed.add(view.id);
      into.head.reserveChunkId(view.id);
      leastId = Math.min(leastId, view.id);
      const cutBelowMs = into.cut.get(view.id);
      if (cutBelowMs !== undefined && view.maxMs < cutBelowMs) return undefined;
      const chunk = chunkFound(view, { file: file.number, offset: record.offset });
      chunk.cutBelowMs = cutBelowMs;
      const missing = takeChunk(into.head, { view, chunk, lastOf });
      taken.push(chunk);
      return missing === 0 ? undefined : `The labels of ${missing} series of a chunk are lost`;
    });
    if (!end.ok) return end;
    into.chunks.addFile(file.number, { sizeBytes: end.value, live: taken.length, leastId });
  }
  // The rows of a chunk that is in a block may still be in the log when its file is gone.
  for (const id of into.cut.keys()) {
    sealed.add(id);
    into.head.reserveChunkId(id);
  }
  return ok(sealed);
}

function chunkFound(view: ChunkView, place: { readonly file: number; readonly offset: number }): Chunk {
  const partial = new Map<number, Uint8Array>();
  // Copies: a view would keep the whole file in memory.
  for (const [column, mask] of view.partial) partial.set(column, mask.slice());
  return {
    id: view.id,
    minMs: view.minMs,
    maxMs: view.maxMs,
    rows: view.times.length,
    partial: partial.size === 0 ? undefined : partial,
    record: undefined,
    recordBytes: view.bytes.length,
    place,
    firstSegment: -1,
    damaged: false,
  };
}

/** Puts a chunk under its series; returns how many of them are unknown. */
function takeChunk(
  head: Head,
  found: { readonly view: ChunkView; readonly chunk: Chunk; readonly lastOf: Map<string, Membership> },
): number {
  const { view, chunk, lastOf } = found;
  const { lastMs, producer } = head.table;
  let missing = 0;
  const series: (Series | undefined)[] = view.refs.map((ref, column) => {
    head.table.reserveRef(ref);
    const one = head.table.resolve(ref);
    if (one === undefined) {
      missing++;
      return undefined;
    }
    const last = lastTime(view, column);
    if (last >= lastMs[one.slot]!) {
      lastMs[one.slot] = last;
      producer[one.slot] = view.producer;
    }
    return one;
  });
  if (view.maxMs > head.newestMs) head.newestMs = view.maxMs;
  // Likely the same columns; side chunks of many series lie between those of a cohort.
  const key = `${view.refs.length}/${view.refs[0]}/${view.producer}`;
  const known = lastOf.get(key);
  const whole = series.filter(one => one !== undefined);
  if (missing === 0 && known !== undefined && sameMembers(known, whole)) {
    head.adopt(chunk, known);
  } else if (missing === 0) {
    const membership = newMembership(whole);
    lastOf.set(key, membership);
    head.adopt(chunk, membership);
  } else {
    // Columns keep their numbers: the lost ones simply belong to nobody.
    const membership: Membership = { series: whole, chunks: [] };
    series.forEach((one, column) => {
      if (one === undefined) return;
      one.members = withOneMore(one.members, membership);
      one.columns = withOneMore(one.columns, column);
    });
    head.adopt(chunk, membership);
  }
  return missing;
}

function lastTime(view: ChunkView, column: number): number {
  const mask = view.partial.get(column);
  let last = -Infinity;
  for (let row = 0; row < view.times.length; row++) {
    if ((mask === undefined || isPresent(mask, row)) && view.times[row]! > last) last = view.times[row]!;
  }
  return last;
}

// --- open rows --------------------------------------------------------------------------------------

interface Layout {
  readonly producer: TargetId;
  /** In the order of the values; undefined where the labels are lost. */
  readonly series: readonly (Series | undefined)[];
}

interface LogState {
  readonly into: ReplayInto;
  readonly sealed: ReadonlySet<number>;
  readonly cohorts: Map<number, Cohort>;
  /** Of the segment being read. */
  layouts: Map<number, Layout>;
  segment: number;
}

async function replayLog(
  into: ReplayInto,
  files: readonly FoundFile[],
  sealed: ReadonlySet<number>,
): Promise<Result<void, ReplayFailure>> {
  const state: LogState = { into, sealed, cohorts: new Map(), layouts: new Map(), segment: 0 };
  for (const file of files) {
    state.layouts = new Map();
    state.segment = file.number;
    const end = await readRecords(into, file, (bytes, record) => {
      if (record.type === RECORD.probe) return undefined;
      if (record.type !== RECORD.batch || record.version !== 1) return unknownRecord(record);
      const batch = readBatch(bytes.subarray(record.payloadFrom, record.payloadTo));
      if (batch === undefined) return 'A batch has a valid checksum but makes no sense';
      let lost = 0;
      if (batch.row !== undefined) lost += replayRow(state, batch.row, batch.producer);
      if (batch.side !== undefined) lost += replaySide(state, batch.side, batch.producer ?? targetId(''));
      return lost === 0 ? undefined : `${lost} samples are lost: what they refer to was damaged`;
    });
    if (!end.ok) return end;
    into.wal.addClosed(file.number, end.value);
  }
  return ok(undefined);
}

/** Returns the number of samples lost. */
function replayRow(state: LogState, row: RowRecord, producer: TargetId | undefined): number {
  const { into, sealed, cohorts } = state;
  const { head } = into;
  const { table } = head;
  head.reserveChunkId(row.chunkId);
  head.reserveLayoutId(row.layoutId);
  if (row.layout !== undefined && producer !== undefined) {
    const series = Array.from(row.layout, ref => {
      table.reserveRef(ref);
      return table.resolve(ref);
    });
    state.layouts.set(row.layoutId, { producer, series });
  }
  if (sealed.has(row.chunkId)) return 0;
  const layout = state.layouts.get(row.layoutId);
  if (layout === undefined || layout.series.length !== row.values.length) return row.values.length;
  const { members, values } = knownOnly(layout.series, row.values);
  const lost = row.values.length - values.length;
  if (values.length === 0) return lost;
  let cohort = cohorts.get(row.chunkId);
  if (cohort === undefined) {
    cohort = head.openCohort(layout.producer, into.monotonicMs, row.chunkId);
    cohorts.set(row.chunkId, cohort);
  }
  if (cohort.rows >= ROWS_MAX) return row.values.length;
  const refs = Uint32Array.from(members, one => one.ref);
  const shape = findShape(cohort, refs) ?? addShape(cohort, members, head.takeLayoutId());
  stageRow(cohort, values, head.pool);
  publishRow(cohort, shape, { timeMs: row.timeMs, segment: state.segment, nowMs: into.monotonicMs });
  for (const one of members) {
    if (row.timeMs >= table.lastMs[one.slot]!) {
      table.lastMs[one.slot] = row.timeMs;
      table.producer[one.slot] = layout.producer;
    }
  }
  if (row.timeMs > head.newestMs) head.newestMs = row.timeMs;
  return lost;
}

function knownOnly(
  series: readonly (Series | undefined)[],
  values: Float64Array,
): { members: Series[]; values: Float64Array } {
  const members = series.filter(one => one !== undefined);
  if (members.length === series.length) return { members, values };
  const kept = new Float64Array(members.length);
  const from = wordsOf(values);
  const to = wordsOf(kept);
  let at = 0;
  series.forEach((one, i) => {
    if (one === undefined) return;
    to[2 * at] = from[2 * i]!;
    to[2 * at + 1] = from[2 * i + 1]!;
    at++;
  });
  return { members, values: kept };
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
  const { members, values } = knownOnly(known, side.values);
  const times = Float64Array.from(side.times.filter((_, i) => known[i] !== undefined));
  const chunkIds = side.chunkIds.filter((_, i) => known[i] !== undefined);
  publishSide(
    into.head,
    { series: members, chunkIds, times, values, producer },
    { segment, monotonicMs: into.monotonicMs },
  );
  return lost;
}

/**
 * A chunk that was full when the process ended, but not in its file yet, comes back as open rows beside its successor.
 * It is sealed here, so that the successor goes on.
 */
function sealSuperseded(into: ReplayInto): void {
  const { head } = into;
  for (const cohort of [...head.allCohorts()]) {
    const first = cohort.series[0];
    const later = first?.cohorts.some(
      other => other.producer === cohort.producer && other.chunkId > cohort.chunkId && other.rows > 0,
    );
    if (!later || cohort.rows === 0) continue;
    head.seal(cohort, into.monotonicMs);
    head.dropCohort(cohort);
  }
}
