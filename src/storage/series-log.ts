// The series table on disk: which ref has which labels. Records are only appended; when most belong to series that
// are gone, the live ones are written to a new file and the older files are removed. All files are read at start.

import { type Disk, type DiskError, ok, type Result } from '../base/index.ts';
import { AppendFile, fileName } from './append-file.ts';
import { ByteWriter } from './bytes.ts';
import type { Series } from './head-data.ts';
import type { KeptLog } from './kept-log.ts';
import { writeSeries } from './records.ts';
import { SERIES_GARBAGE_MIN } from './settings.ts';

/** Written in pieces of this size when the file is rewritten. */
const PIECE_BYTES = 1024 * 1024;

export class SeriesLog {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #kept: KeptLog;
  readonly #writer = new ByteWriter();
  /** Files that are read at start but not written to. */
  #older: number[] = [];
  #current: AppendFile | undefined;
  #nextNumber = 1;
  #records = 0;

  /** `kept` is where files go that were written anew. */
  constructor(disk: Disk, folder: string, kept: KeptLog) {
    this.#disk = disk;
    this.#folder = folder;
    this.#kept = kept;
  }

  /** A file found at start with so many records. */
  addFile(number: number, records: number): void {
    this.#older.push(number);
    this.#records += records;
    this.#nextNumber = Math.max(this.#nextNumber, number + 1);
  }

  /** Goes on in the newest file found; when that fails, a new one is begun at the first write. */
  async reopenNewest(sizeBytes: number): Promise<void> {
    const number = this.#older[this.#older.length - 1];
    if (number === undefined) return;
    const path = `${this.#folder}/${fileName('series', number)}`;
    const reopened = await AppendFile.reopen(this.#disk, path, { number, sizeBytes });
    if (!reopened.ok) return;
    this.#older.pop();
    this.#current = reopened.value;
  }

  async append(series: readonly Series[]): Promise<Result<void, DiskError>> {
    if (series.length === 0) return ok(undefined);
    const ready = await this.#ready();
    if (!ready.ok) return ready;
    const written = await writeAll(ready.value, series, this.#writer);
    if (written.ok) this.#records += series.length;
    return written;
  }

  async sync(): Promise<Result<void, DiskError>> {
    return (await this.#current?.sync()) ?? ok(undefined);
  }

  isMostlyGarbage(liveSeries: number): boolean {
    return this.#records - liveSeries > Math.max(SERIES_GARBAGE_MIN, liveSeries);
  }

  /**
   * Writes the live series anew. A crash on the way leaves the older files, which still hold everything. Segments of the log up
   * to `segment` may name series that are gone.
   */
  async rewrite(live: readonly Series[], segment: number): Promise<Result<void, DiskError>> {
    const before = this.#current;
    const created = await this.#create();
    if (!created.ok) return created;
    const written = await writeAll(created.value, live, this.#writer);
    const synced = written.ok ? await created.value.sync() : written;
    if (!synced.ok) {
      await created.value.close();
      this.#older.push(created.value.number);
      return synced;
    }
    if (before !== undefined) {
      await before.close();
      this.#older.push(before.number);
    }
    this.#current = created.value;
    this.#records = live.length;
    const kept: number[] = [];
    for (const number of this.#older) {
      const removed = await this.#retire(number, segment);
      if (!removed.ok) kept.push(number);
    }
    this.#older = kept;
    return ok(undefined);
  }

  async close(): Promise<Result<void, DiskError>> {
    const synced = await this.sync();
    await this.#current?.close();
    this.#current = undefined;
    return synced;
  }

  async #retire(number: number, until: number): Promise<Result<void, DiskError>> {
    const stat = await this.#disk.stat(`${this.#folder}/${fileName('series', number)}`);
    return this.#kept.retire('series', { number, bytes: stat.ok ? stat.value.sizeBytes : 0, until });
  }

  async #ready(): Promise<Result<AppendFile, DiskError>> {
    if (this.#current !== undefined) return ok(this.#current);
    const created = await this.#create();
    if (created.ok) this.#current = created.value;
    return created;
  }

  async #create(): Promise<Result<AppendFile, DiskError>> {
    const number = this.#nextNumber++;
    return AppendFile.create(this.#disk, this.#folder, { kind: 'series', number });
  }
}

async function writeAll(
  file: AppendFile,
  series: readonly Series[],
  writer: ByteWriter,
): Promise<Result<void, DiskError>> {
  writer.clear();
  for (const one of series) {
    writeSeries(writer, one.ref, one.labels);
    if (writer.length < PIECE_BYTES) continue;
    const written = await file.append(writer.bytes());
    if (!written.ok) return written;
    writer.clear();
  }
  return writer.length === 0 ? ok(undefined) : file.append(writer.bytes());
}
