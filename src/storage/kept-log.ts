// Segments of the log that are no longer needed for a start but not yet read by those who pass samples on, and the series
// files that name what is in them. They lie beside the others under names that a start passes over, up to a limit: beyond
// it the oldest go, which is counted and said.

import { type Disk, type DiskError, err, type Log, ok, type Result } from '../base/index.ts';
import type { LogPlace } from '../model/index.ts';
import { fileName } from './append-file.ts';
import { FILE_HEADER_BYTES, RECORD, scanRecords } from './frame.ts';
import { BATCH_VERSION_MAX, readBatch } from './records.ts';

type KeptKind = 'wal' | 'series';

interface KeptFile {
  readonly bytes: number;
  /** The file may go when nobody is at this segment or before it. */
  readonly until: number;
}

export interface KeptLogOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly log: Log;
  /** Of all that is kept; 0 keeps nothing. */
  readonly bytesMax: number;
  readonly onDropped: (samples: number) => void;
}

export class KeptLog {
  readonly #options: KeptLogOptions;
  readonly #files = { wal: new Map<number, KeptFile>(), series: new Map<number, KeptFile>() };
  /** Segments that went unread, with how many samples they had. */
  readonly #dropped = new Map<number, number>();
  /** The oldest segment that is needed; everything is until somebody says so. */
  #oldestHeld: number;

  constructor(options: KeptLogOptions) {
    this.#options = options;
    this.#oldestHeld = options.bytesMax > 0 ? 0 : Infinity;
  }

  /** What an earlier process kept. */
  async open(currentSegment: number): Promise<void> {
    const { disk, folder, bytesMax } = this.#options;
    // A process that passes nothing on leaves alone what another kept.
    if (bytesMax === 0) return;
    const names = await disk.list(folder);
    for (const name of names.ok ? names.value : []) {
      const match = /^kept-(wal|series)-(\d{8,15})\.(?:wal|ser)$/.exec(name);
      const kind = match?.[1] === 'series' ? 'series' : 'wal';
      const number = Number(match?.[2]);
      if (match === null || keptName(kind, number) !== name) continue;
      const stat = await disk.stat(`${folder}/${name}`);
      const bytes = stat.ok ? stat.value.sizeBytes : 0;
      this.#files[kind].set(number, { bytes, until: kind === 'wal' ? number : currentSegment });
    }
  }

  get bytes(): number {
    let bytes = 0;
    for (const files of Object.values(this.#files)) for (const file of files.values()) bytes += file.bytes;
    return bytes;
  }

  hold(places: ReadonlyMap<string, LogPlace>): void {
    this.#oldestHeld = Math.min(Infinity, ...[...places.values()].map(({ segment }) => segment));
    for (const number of this.#dropped.keys()) if (number < this.#oldestHeld) this.#dropped.delete(number);
  }

  /** Numbers of the segments kept. */
  get segments(): Iterable<number> {
    return this.#files.wal.keys();
  }

  sizeOf(segment: number): number | undefined {
    return this.#files.wal.get(segment)?.bytes;
  }

  /** How many samples went unread with segments from one to before another; undefined if none went. */
  droppedBetween(from: number, to: number): number | undefined {
    let samples: number | undefined;
    for (const [number, count] of this.#dropped)
      if (number >= from && number < to) samples = (samples ?? 0) + count;
    return samples;
  }

  pathOf(kind: KeptKind, number: number): string {
    return `${this.#options.folder}/${keptName(kind, number)}`;
  }

  get seriesFiles(): readonly string[] {
    return [...this.#files.series.keys()].map(number => this.pathOf('series', number));
  }

  /** Puts a file aside that the store is done with, or removes it if nobody needs it. */
  async retire(
    kind: KeptKind,
    { number, bytes, until }: { readonly number: number; readonly bytes: number; readonly until: number },
  ): Promise<Result<void, DiskError>> {
    const { disk, folder } = this.#options;
    const path = `${folder}/${fileName(kind, number)}`;
    if (this.#oldestHeld > until) return gone(await disk.remove(path));
    const kept = await disk.rename(path, this.pathOf(kind, number));
    if (!kept.ok) return gone(kept);
    this.#files[kind].set(number, { bytes, until });
    return kept;
  }

  /** Removes what nobody needs, and the oldest beyond the limit. */
  async trim(): Promise<void> {
    for (const kind of ['wal', 'series'] as const)
      for (const [number, file] of this.#files[kind])
        if (file.until < this.#oldestHeld) await this.#remove(kind, number);
    const dropped = { segments: 0, samples: 0, bytes: 0 };
    while (this.bytes > this.#options.bytesMax) {
      const oldest = Math.min(...this.#files.wal.keys());
      const file = this.#files.wal.get(oldest);
      // Series files without segments are small, and go as soon as their readers have come as far.
      if (file === undefined) break;
      const samples = await this.#samplesIn(this.pathOf('wal', oldest));
      if (!(await this.#remove('wal', oldest))) break;
      this.#dropped.set(oldest, samples);
      dropped.segments++;
      dropped.samples += samples;
      dropped.bytes += file.bytes;
    }
    if (dropped.segments === 0) return;
    this.#options.onDropped(dropped.samples);
    this.#options.log.log(
      'warn',
      'the log kept for remote write is full: the oldest samples that were not sent are dropped',
      { ...dropped, bytesMax: this.#options.bytesMax },
    );
  }

  async #remove(kind: KeptKind, number: number): Promise<boolean> {
    const removed = gone(await this.#options.disk.remove(this.pathOf(kind, number)));
    if (removed.ok) this.#files[kind].delete(number);
    return removed.ok;
  }

  async #samplesIn(path: string): Promise<number> {
    const read = await this.#options.disk.readFile(path);
    let samples = 0;
    if (!read.ok) return samples;
    const bytes = read.value;
    scanRecords(bytes, { from: FILE_HEADER_BYTES, fileOffset: 0 }, record => {
      if (record.type !== RECORD.batch || record.version > BATCH_VERSION_MAX) return;
      // Values are not looked at: only how many there are.
      const batch = readBatch(bytes.subarray(record.payloadFrom, record.payloadTo), () => true);
      samples += (batch?.row?.count ?? 0) + (batch?.side?.values.length ?? 0);
    });
    return samples;
  }
}

function keptName(kind: KeptKind, number: number): string {
  return `kept-${fileName(kind, number)}`;
}

/** A file that is not there is as good as removed. */
function gone(result: Result<void, DiskError>): Result<void, DiskError> {
  return result.ok || result.error.code === 'disk-not-found' ? ok(undefined) : err(result.error);
}
