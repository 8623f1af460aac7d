// Start: the series table, then what is sealed, then the open rows from the log. Nothing on disk can make this throw;
// what cannot be read is reported and left out.

import { type DiskError, ok, type Result } from '../base/index.ts';
import { parseFileName } from './append-file.ts';
import { FILE_HEADER_BYTES, type FileKind, RECORD } from './frame.ts';
import { readMetadata } from './records.ts';
import { replayChunks } from './replay-chunks.ts';
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
    // Of one piece of a file, whose bytes it compares.
    let restorer: SeriesRestorer | undefined;
    const end = await readRecords(into, file, (bytes, record) => {
      if (record.type === RECORD.probe) return undefined;
      if (restorer?.bytes !== bytes) restorer = new SeriesRestorer(into.head.table, bytes);
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
