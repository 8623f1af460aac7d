// The files of the store at a start: read whole, record by record, with what is damaged reported and a torn tail cut off.

import { type Disk, type DiskError, type DiskFile, err, ok, type Result } from '../base/index.ts';
import type { Annex } from './annex.ts';
import { AppendFile } from './append-file.ts';
import type { ChunkStore } from './chunk-store.ts';
import type { DamageReport } from './damage.ts';
import {
  checkFileHeader,
  claimedBytes,
  FILE_HEADER_BYTES,
  type FileKind,
  type FoundRecord,
  FRAME_BYTES,
  type Place,
  recordAt,
  type ScanReport,
  scanRecords,
  soundEnds,
} from './frame.ts';
import type { Head } from './head.ts';
import { type FileRoom, READ_BYTES, readRest } from './read-rest.ts';
import { readExemplars } from './records.ts';
import type { ReplayProgress } from './replay-progress.ts';
import type { SeriesLog } from './series-log.ts';
import type { Wal } from './wal.ts';

export interface ReplayInto {
  readonly disk: Disk;
  readonly folder: string;
  readonly head: Head;
  readonly chunks: ChunkStore;
  readonly series: SeriesLog;
  readonly wal: Wal;
  readonly annex: Annex;
  readonly damage: DamageReport;
  readonly progress: ReplayProgress;
  readonly room: FileRoom;
  /** Chunks that blocks were made of: what they have before this time is not taken up again. */
  readonly cut: ReadonlyMap<number, number>;
  readonly monotonicMs: number;
  /** A file of the former process could not be synced: it is as safe as it was before. */
  readonly onUnsynced: (error: DiskError) => void;
}

/** What it takes to read a file. */
export type ReadInto = Pick<ReplayInto, 'disk' | 'damage' | 'room'> & {
  readonly progress: Pick<ReplayProgress, 'fileDone'>;
};

export type ReplayFailure = DiskError | { readonly code: 'storage-newer-format'; readonly path: string };

export interface FoundFile {
  readonly kind: FileKind;
  readonly number: number;
  readonly path: string;
}

/** Gets a record and the bytes it lies in, of which it keeps no view: other bytes come with other records of the same file. */
export type TakeRecord = (bytes: Uint8Array, record: FoundRecord) => string | undefined;

/** Reads a file, gives its sound records to `take`, reports the rest; a torn tail at the end is cut off. Returns where it ends. */
export async function readRecords(
  into: ReadInto,
  file: FoundFile,
  take: TakeRecord,
): Promise<Result<number, ReplayFailure>> {
  const opened = await into.disk.open(file.path, 'read');
  if (!opened.ok) return opened;
  const code = file.kind === 'chunks' ? 'chunk-damaged' : 'wal-damaged';
  const report = (offset: number, length: number, message: string): void =>
    into.damage.add({ code, file: file.path, offset, bytes: length, message });
  const found = (bytes: Uint8Array, record: FoundRecord): void => {
    const trouble = take(bytes, record);
    if (trouble !== undefined) report(record.offset, record.payloadTo - record.frameFrom, trouble);
  };
  const scan = await scanFile(opened.value, { file, room: into.room, report, found });
  await opened.value.close();
  if (!scan.ok) return scan;
  const { endOffset, damaged, sizeBytes } = scan.value;
  for (const { offset, bytes: length } of damaged)
    report(offset, length, 'A stretch without a valid record is skipped');
  if (endOffset < sizeBytes) await cutTail(into, file, { from: endOffset, to: sizeBytes });
  into.progress.fileDone();
  return ok(endOffset);
}

interface Scanning {
  readonly file: FoundFile;
  readonly room: FileRoom;
  readonly report: (offset: number, length: number, message: string) => void;
  readonly found: (bytes: Uint8Array, record: FoundRecord) => void;
}

type Scanned = Result<ScanReport & { readonly sizeBytes: number }, ReplayFailure>;

/** Piece by piece for as long as all is well: from there on as one, since behind damage the next sound record is searched. */
async function scanFile(from: DiskFile, scanning: Scanning): Promise<Scanned> {
  const size = await from.sizeBytes();
  if (!size.ok) return size;
  const sizeBytes = size.value;
  if (sizeBytes < FILE_HEADER_BYTES) return scanRest(from, 0, scanning);
  let [at, next] = [0, 0];
  while (at < sizeBytes) {
    const wanted = Math.min(Math.max(READ_BYTES, next), sizeBytes - at);
    const bytes = scanning.room.take(wanted);
    const read = await from.read(bytes, at);
    if (!read.ok || read.value < wanted) break;
    const begin = at === 0 ? headerOf(bytes, scanning) : ok(0);
    if (!begin.ok) return begin;
    const end = giveSound(bytes, { from: begin.value, fileOffset: at }, scanning);
    if (at + end === sizeBytes) return ok({ endOffset: sizeBytes, damaged: [], sizeBytes });
    next = claimedBytes(bytes, end);
    const isCutOff = end + next > bytes.length || bytes.length - end < FRAME_BYTES;
    at += end;
    if (!isCutOff || at + Math.max(next, FRAME_BYTES) > sizeBytes) break;
  }
  return scanRest(from, at, scanning);
}

/** Returns where they end. Checksums first, all of them: two small loops are compiled in half the time of one. */
function giveSound(bytes: Uint8Array, { from, fileOffset }: Place, { found }: Scanning): number {
  const ends = soundEnds(bytes, from);
  let at = from;
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i] ?? at;
    found(bytes, recordAt(bytes, { at, end, fileOffset }));
    at = end;
  }
  return at;
}

/** From a place on, whatever lies there. */
async function scanRest(from: DiskFile, at: number, scanning: Scanning): Promise<Scanned> {
  const read = await readRest(from, at, scanning.room);
  if (!read.ok) return read;
  const bytes = read.value;
  const begin = at === 0 ? headerOf(bytes, scanning) : ok(0);
  if (!begin.ok) return begin;
  const place = { from: begin.value, fileOffset: at };
  const scan = scanRecords(bytes, place, record => scanning.found(bytes, record));
  return ok({ ...scan, sizeBytes: at + bytes.length });
}

/** Where the records begin. */
function headerOf(bytes: Uint8Array, { file, report }: Scanning): Result<number, ReplayFailure> {
  const header = checkFileHeader(bytes, file.kind);
  if (!header.ok) return err({ code: 'storage-newer-format', path: file.path });
  if (header.value === 'damaged' && bytes.length >= FILE_HEADER_BYTES)
    report(0, FILE_HEADER_BYTES, 'The file header is damaged');
  return ok(FILE_HEADER_BYTES);
}

async function cutTail(into: ReadInto, file: FoundFile, tail: { from: number; to: number }): Promise<void> {
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

export function unknownRecord(record: FoundRecord): string {
  return `A record of type ${record.type}, version ${record.version} is not understood by this version`;
}

/** Exemplars stand in the annex and in the log. Returns what is wrong, if anything. */
export function takeExemplars(into: ReplayInto, payload: Uint8Array): string | undefined {
  const exemplars = readExemplars(payload);
  if (exemplars === undefined) return 'Exemplars have a valid checksum but make no sense';
  for (const one of exemplars) {
    into.head.table.reserveRef(one.ref);
    const series = into.head.table.resolve(one.ref);
    // Of a series that is gone nobody asks.
    if (series !== undefined) into.head.exemplars.add({ ...one, ref: series.ref, series: series.labels });
  }
  return undefined;
}
