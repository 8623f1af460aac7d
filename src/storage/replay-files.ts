// The files of the store at a start: read whole, record by record, with what is damaged reported and a torn tail cut off.

import { type Disk, type DiskError, err, ok, type Result } from '../base/index.ts';
import type { Annex } from './annex.ts';
import { AppendFile } from './append-file.ts';
import type { ChunkStore } from './chunk-store.ts';
import type { DamageReport } from './damage.ts';
import { checkFileHeader, FILE_HEADER_BYTES, type FileKind, type FoundRecord, scanRecords } from './frame.ts';
import type { Head } from './head.ts';
import { type FileRoom, readWhole } from './read-whole.ts';
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

export type ReplayFailure = DiskError | { readonly code: 'storage-newer-format'; readonly path: string };

export interface FoundFile {
  readonly kind: FileKind;
  readonly number: number;
  readonly path: string;
}

/**
 * Reads a file, gives its sound records to `take`, which keeps no view of them, reports the rest; a torn tail at the end is cut
 * off.
 */
export async function readRecords(
  into: ReplayInto,
  file: FoundFile,
  take: (bytes: Uint8Array, record: FoundRecord) => string | undefined,
): Promise<Result<number, ReplayFailure>> {
  const read = await readWhole(into.disk, file.path, into.room);
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
  into.progress.fileDone();
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
