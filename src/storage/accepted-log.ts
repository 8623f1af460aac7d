// What was accepted, read from the log by those who pass it on: segments in use, then those that were kept aside.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { type Disk, type DiskFile, err, ok, type Result } from '../base/index.ts';
import {
  type AcceptedLog,
  type AcceptedReader,
  comparePlaces,
  type Labels,
  type LoggedExemplar,
  type LoggedSamples,
  type LogPiece,
  type LogPlace,
  type LogReadFailure,
  type LostSamples,
} from '../model/index.ts';
import { fileName, parseFileName } from './append-file.ts';
import { readHistogram } from './codec/histogram.ts';
import type { DamageReport } from './damage.ts';
import type { Extras } from './extras.ts';
import { FILE_HEADER_BYTES, type FoundRecord, RECORD, scanRecords } from './frame.ts';
import type { KeptLog } from './kept-log.ts';
import { BATCH_VERSION_MAX, readBatch, readExemplars, readSeries } from './records.ts';
import type { SeriesTable } from './series-table.ts';
import type { Wal } from './wal.ts';

export interface AcceptedLogParts {
  readonly disk: Disk;
  readonly folder: string;
  readonly table: SeriesTable;
  readonly wal: Wal;
  readonly kept: KeptLog;
  readonly damage: DamageReport;
}

export class StoredLog implements AcceptedLog {
  readonly #parts: AcceptedLogParts;
  readonly #listeners = new Set<(samples: number) => void>();

  constructor(parts: AcceptedLogParts) {
    this.#parts = parts;
  }

  end(): LogPlace {
    const { wal } = this.#parts;
    return { segment: wal.currentNumber, offset: Math.max(FILE_HEADER_BYTES, wal.acceptedBytes) };
  }

  reader(from: LogPlace): AcceptedReader {
    return new LogReader(this.#parts, from);
  }

  bytesBehind({ segment, offset }: LogPlace): number {
    const { wal, kept } = this.#parts;
    let bytes = 0;
    for (const number of new Set([...kept.segments, ...wal.numbers])) {
      if (number < segment) continue;
      const size = wal.readableBytes(number) ?? kept.sizeOf(number) ?? 0;
      bytes += Math.max(0, size - (number === segment ? offset : FILE_HEADER_BYTES));
    }
    return bytes;
  }

  hold(places: ReadonlyMap<string, LogPlace>): void {
    this.#parts.kept.hold(places);
  }

  onAccepted(listener: (samples: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** By the appender, once a group is published. */
  accepted(samples: number): void {
    for (const listener of this.#listeners) listener(samples);
  }

  async labels(refs: Iterable<number>): Promise<Result<ReadonlyMap<number, Labels>, LogReadFailure>> {
    const found = new Map<number, Labels>();
    const missing = new Set<number>();
    for (const ref of refs) {
      const series = this.#parts.table.get(ref);
      if (series === undefined) missing.add(ref);
      else found.set(ref, series.labels);
    }
    if (missing.size === 0) return ok(found);
    const { disk, folder, kept } = this.#parts;
    const names = await disk.list(folder);
    if (!names.ok) return readFailure(folder, names.error.message);
    const files = names.value.filter(name => parseFileName(name)?.kind === 'series');
    for (const path of [...kept.seriesFiles, ...files.map(name => `${folder}/${name}`)]) {
      const read = await disk.readFile(path);
      if (!read.ok && read.error.code === 'disk-not-found') continue;
      if (!read.ok) return readFailure(path, read.error.message);
      const bytes = read.value;
      scanRecords(bytes, { from: FILE_HEADER_BYTES, fileOffset: 0 }, record => {
        if (record.type !== RECORD.series) return;
        const series = readSeries(bytes.subarray(record.payloadFrom, record.payloadTo), missing);
        if (series !== undefined) found.set(series.ref, series.labels);
      });
    }
    return ok(found);
  }
}

interface Scanned {
  readonly bytes: Uint8Array;
  readonly record: FoundRecord;
}

/** Scans a segment, or what has come to it since, at once; gives out record by record. */
class LogReader implements AcceptedReader {
  readonly #parts: AcceptedLogParts;
  /** Behind the last record that was given out. */
  #place: LogPlace;
  #file: DiskFile | undefined;
  /** So far the segment was scanned. */
  #scannedTo = FILE_HEADER_BYTES;
  #scanned: Scanned[] = [];
  #next = 0;
  readonly #layouts = new Map<number, Uint32Array>();
  #lost: LostSamples[] = [];

  constructor(parts: AcceptedLogParts, from: LogPlace) {
    this.#parts = parts;
    this.#place = { ...from, offset: Math.max(FILE_HEADER_BYTES, from.offset) };
  }

  async read(
    upTo: { readonly samplesMax: number } | { readonly place: LogPlace },
  ): Promise<Result<LogPiece, LogReadFailure>> {
    const samples: LoggedSamples[] = [];
    const exemplars: LoggedExemplar[] = [];
    let count = 0;
    for (;;) {
      const next = this.#scanned[this.#next];
      if (next === undefined) {
        // What is in hand already is not lost by a disk that fails now: the next read meets it again.
        const more = await this.#fill();
        if (!more.ok && count === 0) return more;
        if (!more.ok || !more.value) break;
        continue;
      }
      const { record } = next;
      if (this.#isEnough(upTo, count, record)) break;
      this.#next++;
      count += this.#take(next, samples, exemplars);
      this.#place = { segment: this.#place.segment, offset: endOf(record) };
    }
    if (this.#next === this.#scanned.length) {
      this.#scanned = [];
      this.#next = 0;
    }
    const lost = this.#lost;
    this.#lost = [];
    return ok({ to: this.#place, samples, exemplars, count, lost });
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  #isEnough(
    upTo: { readonly samplesMax: number } | { readonly place: LogPlace },
    count: number,
    record: FoundRecord,
  ): boolean {
    // Exemplars stay with the samples that they came with.
    if ('samplesMax' in upTo) return record.type === RECORD.batch && count >= upTo.samplesMax;
    const { segment } = this.#place;
    return comparePlaces({ segment, offset: record.offset }, upTo.place) >= 0;
  }

  /** Scans on; false where nothing more is accepted. */
  async #fill(): Promise<Result<boolean, LogReadFailure>> {
    const { wal, kept } = this.#parts;
    const { segment } = this.#place;
    const size = wal.readableBytes(segment) ?? kept.sizeOf(segment);
    if (size !== undefined && this.#scannedTo < size) return this.#scan(segment, size);
    // The segment that is written to, or will be.
    if (segment >= wal.currentNumber) return ok(false);
    const numbers = [...kept.segments, ...wal.numbers].filter(number => number > segment);
    if (numbers.length === 0) return ok(false);
    const next = Math.min(...numbers);
    this.#noteGone(size === undefined ? segment : segment + 1, next);
    await this.close();
    this.#place = { segment: next, offset: FILE_HEADER_BYTES };
    this.#scannedTo = FILE_HEADER_BYTES;
    this.#scanned = [];
    this.#next = 0;
    this.#layouts.clear();
    return ok(true);
  }

  #noteGone(from: number, to: number): void {
    const samples = this.#parts.kept.droppedBetween(from, to);
    if (samples !== undefined)
      this.#lost.push({
        reason: 'full',
        samples,
        message: `Segments ${from} to ${to - 1} of the log were dropped unread`,
      });
  }

  async #scan(segment: number, size: number): Promise<Result<boolean, LogReadFailure>> {
    const opened = await this.#open(segment);
    if (!opened.ok) return opened;
    const bytes = new Uint8Array(size - this.#scannedTo);
    const read = await opened.value.read(bytes, this.#scannedTo);
    if (!read.ok) return readFailure(opened.value.path, read.error.message);
    const fileOffset = this.#scannedTo;
    const report = scanRecords(bytes.subarray(0, read.value), { from: 0, fileOffset }, record => {
      if (endOf(record) > this.#place.offset) this.#scanned.push({ bytes, record });
      else this.#passOver(bytes, record);
    });
    const damaged = [...report.damaged];
    // Nothing is accepted by halves: what cannot be read at the end was whole once.
    if (report.endOffset < size) damaged.push({ offset: report.endOffset, bytes: size - report.endOffset });
    for (const { offset, bytes: length } of damaged)
      this.#noteDamage(offset, length, 'A stretch without a valid record cannot be passed on');
    this.#scannedTo = size;
    return ok(true);
  }

  async #open(segment: number): Promise<Result<DiskFile, LogReadFailure>> {
    if (this.#file !== undefined) return ok(this.#file);
    const { disk, folder, kept } = this.#parts;
    const path = `${folder}/${fileName('wal', segment)}`;
    const found = await disk.open(path, 'read');
    // It may have been put aside a moment ago.
    const opened = found.ok ? found : await disk.open(kept.pathOf('wal', segment), 'read');
    if (!opened.ok) return readFailure(path, opened.error.message);
    this.#file = opened.value;
    return opened;
  }

  /** A record before the place where reading begins: others may refer to the layout that it defines. */
  #passOver(bytes: Uint8Array, record: FoundRecord): void {
    if (record.type !== RECORD.batch || record.version > BATCH_VERSION_MAX) return;
    const batch = readBatch(bytes.subarray(record.payloadFrom, record.payloadTo), () => true);
    if (batch?.row?.layout !== undefined) this.#layouts.set(batch.row.layoutId, batch.row.layout);
  }

  /** Returns how many samples it had. */
  #take({ bytes, record }: Scanned, samples: LoggedSamples[], exemplars: LoggedExemplar[]): number {
    const payload = bytes.subarray(record.payloadFrom, record.payloadTo);
    if (record.type === RECORD.exemplars && record.version === 1) {
      exemplars.push(...(readExemplars(payload) ?? []));
      return 0;
    }
    if (record.type !== RECORD.batch || record.version > BATCH_VERSION_MAX) return 0;
    const batch = readBatch(payload, () => false);
    if (batch === undefined) {
      this.#noteDamage(record.offset, payload.length, 'A batch has a valid checksum but makes no sense');
      return 0;
    }
    const { row, side } = batch;
    let count = 0;
    if (row !== undefined) {
      if (row.layout !== undefined) this.#layouts.set(row.layoutId, row.layout);
      const refs = this.#layouts.get(row.layoutId);
      if (refs?.length !== row.count || row.values === undefined) {
        this.#lost.push({ reason: 'damaged', samples: row.count, message: 'Their layout was damaged' });
      } else {
        samples.push({
          refs,
          timeMs: row.timeMs,
          timesMs: undefined,
          values: row.values,
          ...extrasOf(row.extras),
        });
        count += row.count;
      }
    }
    if (side !== undefined) {
      const { refs, times, values, extras } = side;
      samples.push({ refs, timeMs: Number.NaN, timesMs: times, values, ...extrasOf(extras) });
      count += values.length;
    }
    return count;
  }

  #noteDamage(offset: number, bytes: number, message: string): void {
    const { segment } = this.#place;
    const file = this.#file?.path ?? fileName('wal', segment);
    this.#parts.damage.add({ code: 'wal-damaged', file, offset, bytes, message });
    this.#lost.push({ reason: 'damaged', samples: 0, message: `${message}: ${file}, byte ${offset}` });
  }
}

function extrasOf(
  extras: Extras | undefined,
): Pick<LoggedSamples, 'startsMs' | 'hasHistograms' | 'histogramAt'> {
  const histograms = extras?.histograms;
  return {
    startsMs: extras?.starts,
    hasHistograms: histograms !== undefined,
    histogramAt(index) {
      const bytes = histograms?.at(index);
      return bytes && readHistogram(bytes);
    },
  };
}

function endOf(record: FoundRecord): number {
  return record.offset + record.payloadTo - record.frameFrom;
}

function readFailure(path: string, cause: string): Result<never, LogReadFailure> {
  return err({ code: 'disk-io', message: `Cannot read "${path}": ${cause}` });
}
