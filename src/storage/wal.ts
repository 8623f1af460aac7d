// The log: segments that are only appended to, and removed when all their samples are sealed and on disk.

import { assert, type Clock, type Disk, type DiskError, ok, type Result } from '../base/index.ts';
import { AppendFile } from './append-file.ts';
import type { KeptLog } from './kept-log.ts';
import { SEGMENT_BYTES_MAX } from './settings.ts';

export interface WalOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly clock: Clock;
  readonly segmentAgeMs: number;
  /** Where segments go that are cut off. */
  readonly kept: KeptLog;
}

export class Wal {
  readonly #options: WalOptions;
  /** Closed segments still there: number → bytes. */
  readonly #closed = new Map<number, number>();
  #current: AppendFile | undefined;
  #currentSinceMs = 0;
  /** Of the current segment: what lies behind may be taken back yet. */
  #acceptedBytes = 0;
  #nextNumber = 1;

  constructor(options: WalOptions) {
    this.#options = options;
  }

  /** A segment found at start. */
  addClosed(number: number, bytes: number): void {
    this.#closed.set(number, bytes);
    this.#nextNumber = Math.max(this.#nextNumber, number + 1);
  }

  /** Numbers up to this one are taken, by segments that were put aside. */
  reserve(number: number): void {
    this.#nextNumber = Math.max(this.#nextNumber, number + 1);
  }

  get segments(): number {
    return this.#closed.size + (this.#current === undefined ? 0 : 1);
  }

  /** The first segment there is. */
  get oldestNumber(): number {
    return Math.min(this.currentNumber, ...this.#closed.keys());
  }

  /** Numbers of the first and the last closed segment; 0 without any. */
  get closedRange(): { readonly first: number; readonly last: number } {
    const numbers = [...this.#closed.keys()];
    return numbers.length === 0
      ? { first: 0, last: 0 }
      : { first: Math.min(...numbers), last: Math.max(...numbers) };
  }

  get bytes(): number {
    let bytes = this.#current?.sizeBytes ?? 0;
    for (const size of this.#closed.values()) bytes += size;
    return bytes;
  }

  /** What is written by now is accepted: it may be read. */
  accept(): void {
    this.#acceptedBytes = this.#current?.sizeBytes ?? 0;
  }

  /** Of the segment that is written to; 0 before there is one. */
  get acceptedBytes(): number {
    return this.#acceptedBytes;
  }

  /** Of all segments that are there. */
  get numbers(): Iterable<number> {
    return this.#current === undefined ? this.#closed.keys() : [...this.#closed.keys(), this.#current.number];
  }

  /** So much of a segment is accepted; undefined if it is not there. */
  readableBytes(number: number): number | undefined {
    return number === this.#current?.number ? this.#acceptedBytes : this.#closed.get(number);
  }

  /** Of the closed segments up to this one. */
  bytesUpTo(number: number): number {
    let bytes = 0;
    for (const [one, size] of this.#closed) if (one <= number) bytes += size;
    return bytes;
  }

  /** The segment that the next record goes to, once `ready` has succeeded. */
  get currentNumber(): number {
    return this.#current?.number ?? this.#nextNumber;
  }

  /** Makes sure that there is a segment with room; the one before is synced when it is left. */
  async ready(): Promise<Result<void, DiskError>> {
    const { clock, disk, folder, segmentAgeMs } = this.#options;
    const current = this.#current;
    if (current !== undefined) {
      const old = clock.monotonicMs() - this.#currentSinceMs > segmentAgeMs;
      if (current.sizeBytes < SEGMENT_BYTES_MAX && !old) return ok(undefined);
      // A record that was not acknowledged must not stay behind in a segment that is never written again.
      const repaired = await current.repair();
      const synced = repaired.ok ? await current.sync() : repaired;
      if (!synced.ok) return synced;
    }
    const created = await AppendFile.create(disk, folder, { kind: 'wal', number: this.#nextNumber });
    // Also after a failure: a half-made file may have stayed behind under this name.
    this.#nextNumber++;
    if (!created.ok) return created;
    if (current !== undefined) {
      this.#closed.set(current.number, current.sizeBytes);
      await current.close();
    }
    this.#current = created.value;
    this.#acceptedBytes = 0;
    this.#currentSinceMs = clock.monotonicMs();
    return ok(undefined);
  }

  async append(bytes: Uint8Array): Promise<Result<void, DiskError>> {
    assert(this.#current !== undefined, 'a segment is ready before it is written to');
    return this.#current.append(bytes);
  }

  forget(bytes: number): void {
    this.#current?.forget(bytes);
  }

  async sync(): Promise<Result<void, DiskError>> {
    return (await this.#current?.sync()) ?? ok(undefined);
  }

  /** Lets go of segments below a number. One that cannot be moved now stays known and is tried again. */
  async cut(below: number): Promise<number> {
    let removedCount = 0;
    // Until there is a new one the last of them stays: its number says from where on numbers are free after a restart.
    const last = this.#current === undefined ? this.closedRange.last : Infinity;
    for (const [number, bytes] of [...this.#closed]) {
      if (number >= below || number === last) continue;
      const removed = await this.#options.kept.retire('wal', { number, bytes, until: number });
      if (!removed.ok) continue;
      this.#closed.delete(number);
      removedCount++;
    }
    return removedCount;
  }

  async close(): Promise<Result<void, DiskError>> {
    const synced = await this.sync();
    await this.#current?.close();
    if (this.#current !== undefined) this.#closed.set(this.#current.number, this.#current.sizeBytes);
    this.#current = undefined;
    return synced;
  }
}
