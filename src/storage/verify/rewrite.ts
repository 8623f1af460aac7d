// Repairs of the head's files: one with damage is written anew without it, and labels that its series table lost are taken
// from blocks. What was there before stays beside it under another name.

import { type Disk, type DiskError, ok, type Result } from '../../base/index.ts';
import type { Labels } from '../../model/index.ts';
import { AppendFile } from '../append-file.ts';
import { ByteWriter } from '../bytes.ts';
import { FILE_HEADER_BYTES, scanRecords, writeFileHeader } from '../frame.ts';
import { FileRoom, readRest } from '../read-rest.ts';
import { writeSeries } from '../records.ts';
import type { FoundFile } from '../replay-files.ts';
import { writeSynced } from '../synced-file.ts';
import type { Repair } from './findings.ts';

/** The new file takes the old one's place by a rename, once all of it and a copy of the old one are durable. */
export async function rewriteWithoutDamage(
  disk: Disk,
  folder: string,
  file: FoundFile,
): Promise<Result<Repair, DiskError>> {
  const opened = await disk.open(file.path, 'read');
  if (!opened.ok) return opened;
  const read = await readRest(opened.value, 0, new FileRoom());
  await opened.value.close();
  if (!read.ok) return read;
  const bytes = read.value;
  const writer = new ByteWriter(bytes.length + FILE_HEADER_BYTES);
  writeFileHeader(writer, file.kind, file.number);
  let records = 0;
  const place = { from: FILE_HEADER_BYTES, fileOffset: 0 };
  scanRecords(bytes, place, ({ frameFrom, payloadTo }) => {
    writer.raw(bytes.subarray(frameFrom, payloadTo));
    records++;
  });
  const aside = await freeName(disk, `${file.path}.bad`);
  const kept = await writeSynced(disk, aside, bytes);
  if (!kept.ok) return kept;
  const passing = `${file.path}.new`;
  const left = await disk.remove(passing);
  if (!left.ok && left.error.code !== 'disk-not-found') return left;
  const written = await writeSynced(disk, passing, writer.bytes());
  const named = written.ok ? await disk.syncFolder(folder) : written;
  const renamed = named.ok ? await disk.rename(passing, file.path) : named;
  const synced = renamed.ok ? await disk.syncFolder(folder) : renamed;
  if (!synced.ok) return synced;
  const lostBytes = bytes.length - writer.length;
  return ok({
    file: file.path,
    done: `written anew with its ${records} sound records; the original is kept as "${aside}"`,
    lost: lostBytes > 0 ? `what stood in ${lostBytes} bytes` : '',
  });
}

/** The first of NAME, NAME.2, NAME.3 … that is not there. */
export async function freeName(disk: Disk, wanted: string): Promise<string> {
  for (let i = 1; ; i++) {
    const name = i === 1 ? wanted : `${wanted}.${i}`;
    const found = await disk.stat(name);
    if (!found.ok) return name;
  }
}

/** Puts series into a series file of their own, behind all others. */
export async function addSeriesFile(
  disk: Disk,
  folder: string,
  { number, series }: { readonly number: number; readonly series: ReadonlyMap<number, Labels> },
): Promise<Result<void, DiskError>> {
  const created = await AppendFile.create(disk, folder, { kind: 'series', number });
  if (!created.ok) return created;
  const writer = new ByteWriter();
  for (const [ref, labels] of series) writeSeries(writer, ref, labels);
  const written = await created.value.append(writer.bytes());
  const synced = written.ok ? await created.value.sync() : written;
  await created.value.close();
  if (!synced.ok) await disk.remove(created.value.path);
  return synced.ok ? ok(undefined) : synced;
}
