// The files of the head: every record of the log, the chunk files, the annex and the series table is read, its checksum
// compared and its content decoded. Then: does the series table know whom the samples are of?

import { type Disk, type DiskError, ok, type Result } from '../../base/index.ts';
import { parseFileName } from '../append-file.ts';
import { ByteReader } from '../bytes.ts';
import {
  CHUNK_VERSION_MAX,
  isPresent,
  openChunk,
  readChunkColumn,
  readChunkExtras,
  refsOf,
} from '../chunk.ts';
import { roomOf } from '../codec/room.ts';
import { type Damage, DamageReport } from '../damage.ts';
import { FILE_HEADER_BYTES, type FileKind, RECORD } from '../frame.ts';
import { FileRoom } from '../read-rest.ts';
import { BATCH_VERSION_MAX, readBatch, readExemplars, readMetadata } from '../records.ts';
import {
  type FoundFile,
  type ReplayFailure,
  readRecords,
  type TakeRecord,
  unknownRecord,
} from '../replay-files.ts';
import type { Findings } from './findings.ts';

export interface HeadLook {
  readonly disk: Disk;
  readonly folder: string;
  readonly findings: Findings;
  /** Another process writes to the folder. */
  readonly isLive: boolean;
  /** Chunks that blocks were made of: what they have before this time needs no labels of the head any more. */
  readonly cut: ReadonlyMap<number, number>;
}

export interface HeadCounts {
  readonly files: number;
  readonly bytes: number;
  readonly chunks: number;
  /** In the log only. */
  readonly openSamples: number;
  readonly series: number;
  /** Refs without labels, by the file that names them first. */
  readonly unlabelled: ReadonlyMap<string, readonly number[]>;
  /** Files that have a stretch without a valid record. */
  readonly damaged: readonly FoundFile[];
}

interface Looking extends HeadLook {
  readonly room: FileRoom;
  readonly sealed: Set<number>;
  /** Where each ref is named first. */
  readonly needed: Map<number, string>;
  readonly known: Set<number>;
  readonly damaged: Map<string, FoundFile>;
  chunks: number;
  openSamples: number;
}

/** The series last: what a running program names is written there before it is named. */
const ORDER = ['chunks', 'wal', 'annex', 'series'] as const satisfies readonly FileKind[];

export async function lookAtHead(look: HeadLook): Promise<Result<HeadCounts, DiskError>> {
  const looking: Looking = {
    ...look,
    room: new FileRoom(),
    sealed: new Set(look.cut.keys()),
    needed: new Map(),
    known: new Set(),
    damaged: new Map(),
    chunks: 0,
    openSamples: 0,
  };
  let [count, bytes] = [0, 0];
  for (const kind of ORDER) {
    const files = await filesOf(look, kind);
    if (!files.ok) return files;
    for (const [i, file] of files.value.entries()) {
      const read = await lookAtFile(looking, file, i === files.value.length - 1);
      // What was listed a moment ago may have gone by now, where a program is at work.
      if (!read.ok && look.isLive && read.error.code === 'disk-not-found') continue;
      if (!read.ok) {
        noteFailure(look.findings, file, read.error);
        continue;
      }
      count++;
      bytes += read.value;
    }
  }
  const { needed, known, chunks, openSamples } = looking;
  const unlabelled = new Map<string, number[]>();
  for (const [ref, file] of needed)
    if (!known.has(ref)) unlabelled.set(file, [...(unlabelled.get(file) ?? []), ref]);
  noteUnlabelled(look, unlabelled);
  const damaged = [...looking.damaged.values()];
  return ok({ files: count, bytes, chunks, openSamples, series: known.size, unlabelled, damaged });
}

export async function filesOf(
  { disk, folder }: Pick<HeadLook, 'disk' | 'folder'>,
  kind: FileKind,
): Promise<Result<readonly FoundFile[], DiskError>> {
  const names = await disk.list(folder);
  if (!names.ok) return names;
  return ok(
    names.value
      .flatMap(name => {
        const parsed = parseFileName(name);
        return parsed?.kind === kind ? [{ ...parsed, path: `${folder}/${name}` }] : [];
      })
      .sort((a, b) => a.number - b.number),
  );
}

/** How many bytes its records have. */
function lookAtFile(
  looking: Looking,
  file: FoundFile,
  isNewest: boolean,
): Promise<Result<number, ReplayFailure>> {
  const damage = new DamageReport(found => noteDamage(looking, file, { ...found, isNewest }));
  const { disk, room } = looking;
  return readRecords({ disk, room, damage, progress: { fileDone: () => {} } }, file, takerOf(looking, file));
}

function noteDamage(
  { findings, isLive, damaged }: Looking,
  file: FoundFile,
  found: Damage & { readonly isNewest: boolean },
): void {
  const { code, offset, bytes, message } = found;
  if (code === 'wal-torn-tail') {
    // It is being written.
    if (isLive && found.isNewest) return;
    const text = `An unfinished record of ${bytes} bytes at the end: what was being written when the process ended`;
    findings.add({
      code,
      file: file.path,
      offset,
      message: text,
      remedy: 'the next start cuts it off, and so does --repair',
    });
    return;
  }
  // What is sound and makes no sense stays: a newer version may know it.
  const isCurable = isUnsound(found);
  if (isCurable) damaged.set(file.path, file);
  findings.add({
    code,
    file: file.path,
    offset,
    message: `${message} (${bytes} bytes)`,
    remedy: isCurable
      ? '--repair writes the file anew without it and keeps the original'
      : 'the store passes over it; nothing can be saved of it',
  });
}

/** A stretch without a sound record, or a header: not a record with a right checksum. */
function isUnsound({ offset, message }: Damage): boolean {
  return offset < FILE_HEADER_BYTES || message.startsWith('A stretch');
}

function noteFailure(findings: Findings, file: FoundFile, error: ReplayFailure): void {
  const isNewer = error.code === 'storage-newer-format';
  findings.add({
    code: error.code,
    file: file.path,
    offset: 0,
    message: isNewer ? 'It was written by a newer version' : `Cannot read it: ${error.message}`,
    remedy: isNewer ? 'use the program that wrote it' : 'look at the disk and at who may read the file',
  });
}

function noteUnlabelled(
  { findings, isLive }: HeadLook,
  unlabelled: ReadonlyMap<string, readonly number[]>,
): void {
  for (const [file, refs] of unlabelled) {
    const named = `${refs.slice(0, 5).join(', ')}${refs.length > 5 ? ', …' : ''}`;
    const message = `The labels of ${refs.length} series are lost, so that their samples belong to nobody: ${named}`;
    // The program may have forgotten them while this looked.
    if (isLive)
      findings.note({
        code: 'storage-mismatch',
        file,
        message,
        remedy: 'look again once the program is stopped',
      });
    else
      findings.add({
        code: 'storage-mismatch',
        file,
        offset: 0,
        message,
        remedy: '--repair takes them from blocks, where these have them',
      });
  }
}

function takerOf(looking: Looking, file: FoundFile): TakeRecord {
  switch (file.kind) {
    case 'chunks':
      return (bytes, record) => {
        if (record.type === RECORD.probe) return undefined;
        if (record.type !== RECORD.chunk || record.version > CHUNK_VERSION_MAX) return unknownRecord(record);
        return lookAtChunk(looking, file, bytes.subarray(record.frameFrom, record.payloadTo));
      };
    case 'wal': {
      const layouts = new Map<number, Layout>();
      return (bytes, record) => {
        const payload = bytes.subarray(record.payloadFrom, record.payloadTo);
        if (record.type === RECORD.probe) return undefined;
        if (record.type === RECORD.exemplars && record.version === 1) return lookAtExemplars(payload);
        if (record.type !== RECORD.batch || record.version > BATCH_VERSION_MAX) return unknownRecord(record);
        return lookAtBatch({ looking, file, layouts }, payload);
      };
    }
    case 'annex':
      return (bytes, record) => {
        const payload = bytes.subarray(record.payloadFrom, record.payloadTo);
        if (record.type === RECORD.probe) return undefined;
        if (record.version !== 1) return unknownRecord(record);
        if (record.type === RECORD.exemplars) return lookAtExemplars(payload);
        if (record.type !== RECORD.metadata) return unknownRecord(record);
        return readMetadata(payload) === undefined
          ? 'Metadata has a valid checksum but makes no sense'
          : undefined;
      };
    case 'series':
      return (bytes, record) => {
        if (record.type === RECORD.probe) return undefined;
        if (record.type !== RECORD.series) return unknownRecord(record);
        const found = readSeriesRecord(bytes.subarray(record.payloadFrom, record.payloadTo));
        if (found === undefined) return 'A series has a valid checksum but makes no sense';
        looking.known.add(found.ref);
        return undefined;
      };
  }
}

function lookAtChunk(looking: Looking, file: FoundFile, record: Uint8Array): string | undefined {
  const view = openChunk(record);
  if (view === undefined) return 'A chunk has a valid checksum but makes no sense';
  looking.sealed.add(view.id);
  looking.chunks++;
  const { times, minMs, maxMs } = view;
  if (times.some(timeMs => !(timeMs >= minMs && timeMs <= maxMs)))
    return `Chunk ${view.id} has samples outside of its own span`;
  const values = roomOf(new Float64Array(times.length));
  for (let column = 0; column < view.ends.length - 1; column++) {
    const mask = view.partial.get(column);
    values.at = 0;
    values.count = mask === undefined ? times.length : times.filter((_, row) => isPresent(mask, row)).length;
    const isSound =
      readChunkColumn(view, column, values) && readChunkExtras(view, column, values.count) !== 'damaged';
    if (!isSound) return `Column ${column} of chunk ${view.id} makes no sense`;
  }
  if ((looking.cut.get(view.id) ?? -Infinity) > maxMs) return undefined;
  for (const ref of refsOf(view)) need(looking, ref, file);
  return undefined;
}

interface Layout {
  readonly refs: Uint32Array;
  isNeeded: boolean;
}

function lookAtBatch(
  { looking, file, layouts }: { looking: Looking; file: FoundFile; layouts: Map<number, Layout> },
  payload: Uint8Array,
): string | undefined {
  const batch = readBatch(payload, () => false);
  if (batch === undefined) return 'A batch has a valid checksum but makes no sense';
  const { row, side } = batch;
  if (row?.layout !== undefined) layouts.set(row.layoutId, { refs: row.layout, isNeeded: false });
  side?.refs.forEach((ref, i) => {
    if (looking.sealed.has(side.chunkIds[i] ?? -1)) return;
    looking.openSamples++;
    need(looking, ref, file);
  });
  if (row === undefined || looking.sealed.has(row.chunkId)) return undefined;
  const layout = layouts.get(row.layoutId);
  if (layout === undefined || layout.refs.length !== row.count)
    return `${row.count} samples are lost: the record that says whose they are was damaged`;
  looking.openSamples += row.count;
  if (!layout.isNeeded) for (const ref of layout.refs) need(looking, ref, file);
  layout.isNeeded = true;
  return undefined;
}

function need({ needed }: Looking, ref: number, { path }: FoundFile): void {
  if (!needed.has(ref)) needed.set(ref, path);
}

function lookAtExemplars(payload: Uint8Array): string | undefined {
  return readExemplars(payload) === undefined
    ? 'Exemplars have a valid checksum but make no sense'
    : undefined;
}

export function readSeriesRecord(
  payload: Uint8Array,
): { readonly ref: number; readonly flat: readonly string[] } | undefined {
  const reader = new ByteReader(payload);
  const ref = reader.varint();
  const count = reader.count(2);
  const flat: string[] = [];
  for (let i = 0; i < 2 * count; i++) flat.push(reader.text());
  return reader.failed || reader.left !== 0 || ref === 0 ? undefined : { ref, flat };
}
