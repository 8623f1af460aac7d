// The annex: exemplars and metadata on disk. A file begins with all there is and goes on with what is new; when that is as
// much again, or the process is a new one, the next file begins and the older ones go.

import { type Disk, type DiskError, ok, type Result } from '../base/index.ts';
import type { MetricMetadata } from '../model/index.ts';
import { AppendFile, fileName } from './append-file.ts';
import { ByteWriter } from './bytes.ts';
import type { ExemplarRing, StoredExemplar } from './exemplars.ts';
import type { MetadataTable } from './metadata-table.ts';
import { writeExemplars, writeMetadata } from './records.ts';

/** Entries in one record, so that a damaged one costs little. */
const RECORD_ENTRIES = 1000;
/** New entries that are worth another beginning, however few there are in all. */
const REWRITE_MIN = 10_000;

export class Annex {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #kept: { readonly exemplars: ExemplarRing; readonly metadata: MetadataTable };
  #older: number[] = [];
  #current: AppendFile | undefined;
  #nextNumber = 1;
  /** Since the file began. */
  #added = 0;
  /** Taken as new, but not written yet. */
  #waiting: { exemplars: readonly StoredExemplar[]; metadata: readonly MetricMetadata[] } | undefined;

  constructor(
    place: { readonly disk: Disk; readonly folder: string },
    kept: { readonly exemplars: ExemplarRing; readonly metadata: MetadataTable },
  ) {
    this.#disk = place.disk;
    this.#folder = place.folder;
    this.#kept = kept;
  }

  /** A file found at start. */
  addFile(number: number): void {
    this.#older.push(number);
    this.#nextNumber = Math.max(this.#nextNumber, number + 1);
  }

  /** Makes durable what has come since the last time. What fails is tried again with the next. */
  async flush(): Promise<Result<void, DiskError>> {
    const { exemplars, metadata } = this.#kept;
    this.#waiting ??= { exemplars: exemplars.takeFresh(), metadata: metadata.takeFresh() };
    const { length } = this.#waiting.exemplars;
    const entries = length + this.#waiting.metadata.length;
    if (entries === 0) {
      this.#waiting = undefined;
      return ok(undefined);
    }
    const isLong = this.#added + entries > Math.max(REWRITE_MIN, exemplars.size + metadata.size);
    const written = this.#current === undefined || isLong ? await this.#begin() : await this.#append(entries);
    if (written.ok) this.#waiting = undefined;
    return written;
  }

  async close(): Promise<void> {
    await this.#current?.close();
    this.#current = undefined;
  }

  async #append(entries: number): Promise<Result<void, DiskError>> {
    const file = this.#current;
    if (file === undefined || this.#waiting === undefined) return ok(undefined);
    const { exemplars, metadata } = this.#waiting;
    const written = await file.append(recordsOf(exemplars, metadata));
    const synced = written.ok ? await file.sync() : written;
    if (synced.ok) this.#added += entries;
    return synced;
  }

  /** Everything into a new file; the older ones stay until it is durable. */
  async #begin(): Promise<Result<void, DiskError>> {
    const { exemplars, metadata } = this.#kept;
    const number = this.#nextNumber++;
    const created = await AppendFile.create(this.#disk, this.#folder, { kind: 'annex', number });
    if (!created.ok) return created;
    const written = await created.value.append(recordsOf([...exemplars.all()], metadata.all()));
    const synced = written.ok ? await created.value.sync() : written;
    if (!synced.ok) {
      await created.value.close();
      this.#older.push(number);
      return synced;
    }
    if (this.#current !== undefined) {
      await this.#current.close();
      this.#older.push(this.#current.number);
    }
    this.#current = created.value;
    this.#added = 0;
    const kept: number[] = [];
    for (const one of this.#older) {
      const removed = await this.#disk.remove(`${this.#folder}/${fileName('annex', one)}`);
      if (!removed.ok && removed.error.code !== 'disk-not-found') kept.push(one);
    }
    this.#older = kept;
    return ok(undefined);
  }
}

function recordsOf(exemplars: readonly StoredExemplar[], metadata: readonly MetricMetadata[]): Uint8Array {
  const writer = new ByteWriter(64 * 1024);
  for (let at = 0; at < exemplars.length; at += RECORD_ENTRIES)
    writeExemplars(writer, exemplars.slice(at, at + RECORD_ENTRIES));
  for (let at = 0; at < metadata.length; at += RECORD_ENTRIES)
    writeMetadata(writer, metadata.slice(at, at + RECORD_ENTRIES));
  return writer.bytes();
}
