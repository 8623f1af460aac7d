// Start: the series table, then what is sealed, then the open rows from the log. Nothing on disk can make this throw;
// what cannot be read is reported and left out.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type DiskError, ok, type Result } from '../base/index.ts';
import { parseFileName } from './append-file.ts';
import { CHUNK_VERSION_MAX, type ChunkView, isPresent, openChunk } from './chunk.ts';
import { FILE_HEADER_BYTES, type FileKind, RECORD } from './frame.ts';
import type { Head } from './head.ts';
import type { Chunk, Membership, Series } from './head-data.ts';
import { newMembership, sameMembers } from './membership.ts';
import { readMetadata } from './records.ts';
import {
  type FoundFile,
  type ReplayFailure,
  type ReplayInto,
  readRecords,
  takeExemplars,
  unknownRecord,
} from './replay-files.ts';
import { markSuperseded, replayLog } from './replay-log.ts';
import { SeriesRestorer } from './series-restore.ts';

export async function replay(into: ReplayInto): Promise<Result<void, ReplayFailure>> {
  const names = await into.disk.list(into.folder);
  if (!names.ok) return names;
  const files: FoundFile[] = [];
  for (const name of names.value) {
    const parsed = parseFileName(name);
    if (parsed !== undefined) files.push({ ...parsed, path: `${into.folder}/${name}` });
  }
  into.progress.begin(files.length);
  const of = (kind: FileKind): FoundFile[] =>
    files.filter(file => file.kind === kind).sort((a, b) => a.number - b.number);
  const read = await replaySeries(into, of('series'));
  if (!read.ok) return read;
  const noted = await replayAnnex(into, of('annex'));
  if (!noted.ok) return noted;
  const sealed = await replayChunks(into, of('chunks'));
  if (!sealed.ok) return sealed;
  const rows = await replayLog(into, of('wal'), sealed.value);
  if (!rows.ok) return rows;
  into.head.table.endRestore();
  markSuperseded(into.head);
  for (const kind of ['series', 'chunks', 'wal', 'annex'] as const) {
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

async function replaySeries(
  into: ReplayInto,
  files: readonly FoundFile[],
): Promise<Result<void, ReplayFailure>> {
  let newestEnd = 0;
  for (const file of files) {
    let records = 0;
    // Of one file, whose bytes it compares.
    let restorer: SeriesRestorer | undefined;
    const end = await readRecords(into, file, (bytes, record) => {
      if (record.type === RECORD.probe) return undefined;
      restorer ??= new SeriesRestorer(into.head.table, bytes);
      if (record.type !== RECORD.series || !restorer.take(record.payloadFrom, record.payloadTo))
        return unknownRecord(record);
      records++;
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

/** Exemplars and metadata. */
async function replayAnnex(
  into: ReplayInto,
  files: readonly FoundFile[],
): Promise<Result<void, ReplayFailure>> {
  for (const file of files) {
    const end = await readRecords(into, file, (bytes, record) => {
      const payload = bytes.subarray(record.payloadFrom, record.payloadTo);
      if (record.version !== 1) return unknownRecord(record);
      if (record.type === RECORD.exemplars) return takeExemplars(into, payload);
      if (record.type !== RECORD.metadata) return unknownRecord(record);
      const metadata = readMetadata(payload);
      if (metadata === undefined) return 'Metadata has a valid checksum but makes no sense';
      into.head.metadata.remember(metadata);
      return undefined;
    });
    if (!end.ok) return end;
    into.annex.addFile(file.number);
  }
  // What was read is on disk already.
  into.head.exemplars.takeFresh();
  into.head.metadata.takeFresh();
  return ok(undefined);
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
      if (record.type !== RECORD.chunk || record.version > CHUNK_VERSION_MAX) return unknownRecord(record);
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
  if (view.maxMs > head.newestMs) head.newestMs = view.maxMs;
  // Likely the same columns; side chunks of many series lie between those of a cohort.
  const key = `${view.refs.length}/${view.refs[0]}/${view.producer}`;
  const known = lastOf.get(key);
  if (known !== undefined && hasRefs(known, view.refs)) {
    noteTimes(head, view, known.series);
    head.adopt(chunk, known);
    return 0;
  }
  const series: (Series | undefined)[] = view.refs.map(ref => {
    head.table.reserveRef(ref);
    return head.table.resolve(ref);
  });
  noteTimes(head, view, series);
  const whole = series.filter(one => one !== undefined);
  const missing = series.length - whole.length;
  if (missing === 0 && sameMembers(known, whole)) {
    head.adopt(chunk, known!);
    return 0;
  }
  // Columns keep their numbers: the lost ones simply belong to nobody.
  const membership = newMembership(series, head.singles);
  if (missing === 0) lastOf.set(key, membership);
  head.adopt(chunk, membership);
  return missing;
}

/** Of a membership that lacks no column: whether its columns are these. */
function hasRefs({ series }: Membership, refs: readonly number[]): boolean {
  if (series.length !== refs.length) return false;
  for (let i = 0; i < refs.length; i++) if (series[i]!.ref !== refs[i]) return false;
  return true;
}

/** `series[i]` is that of column i, if it is known. */
function noteTimes(head: Head, view: ChunkView, series: readonly (Series | undefined)[]): void {
  const { lastMs, producer } = head.table;
  const lastOfAll = lastTime(view.times, undefined);
  for (let column = 0; column < series.length; column++) {
    const one = series[column];
    if (one === undefined) continue;
    const mask = view.partial.get(column);
    const last = mask === undefined ? lastOfAll : lastTime(view.times, mask);
    if (last < lastMs[one.slot]!) continue;
    lastMs[one.slot] = last;
    producer[one.slot] = view.producer;
  }
}

function lastTime(times: Float64Array, mask: Uint8Array | undefined): number {
  let last = -Infinity;
  for (let row = 0; row < times.length; row++) {
    if ((mask === undefined || isPresent(mask, row)) && times[row]! > last) last = times[row]!;
  }
  return last;
}
