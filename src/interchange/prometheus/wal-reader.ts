// The records of a write-ahead log of Prometheus, one after the other through its segments. Layout (tsdb/docs/format/wal.md):
// pages of 32 KiB of fragments: u8 type (with a bit for compression), u16 length, CRC-32C, data. A record is one fragment or
// several that follow one another in one segment.

import { crc32c, type Disk, err, ok, type Result } from '../../base/index.ts';
import { Unsnapper } from '../../exposition/index.ts';
import { BigEndianReader, BigEndianWriter } from '../big-endian.ts';
import { damaged, type SourceFailure } from '../failure.ts';
import { FileWindow } from '../file-window.ts';

const PAGE_BYTES = 32 * 1024;
const HEADER_BYTES = 7;
const TYPE_MASK = 7;
const SNAPPY = 8;
const ZSTD = 16;
const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

/** Real ones have some megabytes at most: all series of one large page. */
const RECORD_BYTES_MAX = 64 * 1024 * 1024;

/** Decompresses zstd, to at most `bytesMax`; the text says why not. */
export type Unzstd = (bytes: Uint8Array, bytesMax: number) => Result<Uint8Array, string>;

export interface WalRecord {
  /** Lent until the next one is asked for. */
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly offset: number;
}

export class WalReader {
  readonly #disk: Disk;
  readonly #unzstd: Unzstd;
  readonly #paths: readonly string[];
  readonly #unsnapper = new Unsnapper();
  readonly #reader = new BigEndianReader(new Uint8Array(0));
  /** Fragments of the record so far. */
  readonly #record = new BigEndianWriter();
  #recordAt = -1;
  #window: FileWindow | undefined;
  /** Number of the segment that is open, or comes next. */
  #number = 0;
  #at = 0;

  constructor(disk: Disk, paths: readonly string[], unzstd: Unzstd) {
    this.#disk = disk;
    this.#paths = paths;
    this.#unzstd = unzstd;
  }

  /** Undefined at the end. After damage the next call goes on with the next page. */
  async next(): Promise<Result<WalRecord | undefined, SourceFailure>> {
    for (;;) {
      if (this.#window === undefined) {
        const path = this.#paths[this.#number];
        if (path === undefined) return ok(undefined);
        const opened = await FileWindow.open(this.#disk, path);
        if (!opened.ok) {
          this.#number++;
          return err({ kind: 'disk', error: opened.error });
        }
        this.#window = opened.value;
        this.#at = 0;
        this.#drop();
      }
      const window = this.#window;
      const step = await this.#fragment(window);
      if (!step.ok || step.value !== undefined) return step;
      if (this.#at < window.sizeBytes) continue;
      const torn = await this.#nextSegment(window);
      if (torn !== undefined) return err(torn);
    }
  }

  async close(): Promise<void> {
    const window = this.#window;
    this.#window = undefined;
    await window?.close();
  }

  /** What the end of a segment leaves unfinished is damage, but for the last one: there it is where the program ended. */
  async #nextSegment(window: FileWindow): Promise<SourceFailure | undefined> {
    const tornAt = this.#recordAt;
    this.#number++;
    this.#drop();
    await this.close();
    if (tornAt < 0 || this.#number >= this.#paths.length) return undefined;
    return damaged(window.path, tornAt, 'a record does not end in its segment');
  }

  /** Passes one fragment; a record where it was the last of one. */
  async #fragment(window: FileWindow): Promise<Result<WalRecord | undefined, SourceFailure>> {
    const at = this.#at;
    const pageEnd = Math.min(window.sizeBytes, (Math.floor(at / PAGE_BYTES) + 1) * PAGE_BYTES);
    const found = window.find(at, pageEnd - at);
    const loaded = found >= 0 ? ok(found) : await window.load(at, pageEnd - at);
    if (!loaded.ok) return this.#skipPage(pageEnd, loaded.error);
    const reader = this.#reader;
    reader.reset(window.bytes, { from: loaded.value, to: loaded.value + pageEnd - at });
    const head = reader.u8();
    const type = head & TYPE_MASK;
    // Zero: nothing follows in this page.
    if (type === 0 || reader.left < HEADER_BYTES - 1) {
      this.#at = pageEnd;
      return ok(undefined);
    }
    const length = reader.u16();
    const sum = reader.u32();
    const data = { from: reader.at, to: reader.at + length };
    const isLastSegment = this.#number === this.#paths.length - 1;
    if (length > reader.left) {
      // Where the program ended while it wrote.
      if (isLastSegment && pageEnd === window.sizeBytes) {
        this.#at = pageEnd;
        return ok(undefined);
      }
      return this.#skipPage(pageEnd, damaged(window.path, at, 'a fragment is longer than its page'));
    }
    if (type > LAST || sum !== crc32c(window.bytes, data))
      return this.#skipPage(pageEnd, damaged(window.path, at, 'the checksum of a fragment is wrong'));
    this.#at = at + HEADER_BYTES + length;
    return this.#take(window, { type, head, data, at });
  }

  #take(
    window: FileWindow,
    fragment: {
      readonly type: number;
      readonly head: number;
      readonly data: { readonly from: number; readonly to: number };
      readonly at: number;
    },
  ): Result<WalRecord | undefined, SourceFailure> {
    const { type, head, data, at } = fragment;
    const begins = type === FULL || type === FIRST;
    if (!begins && this.#recordAt < 0)
      return err(damaged(window.path, at, 'a record goes on that never began'));
    if (begins) {
      this.#drop();
      this.#recordAt = at;
    }
    this.#record.raw(window.bytes.subarray(data.from, data.to));
    const { path } = window;
    const offset = this.#recordAt;
    if (this.#record.length > RECORD_BYTES_MAX) {
      this.#drop();
      return err(damaged(path, offset, `a record is longer than ${RECORD_BYTES_MAX} bytes`));
    }
    if (type === FIRST || type === MIDDLE) return ok(undefined);
    const plain = this.#plain(this.#record.bytes(), head);
    this.#drop();
    return plain.ok
      ? ok({ bytes: plain.value, file: path, offset })
      : err(damaged(path, offset, `a record cannot be decompressed: ${plain.error}`));
  }

  #plain(bytes: Uint8Array, head: number): Result<Uint8Array, string> {
    if (bytes.length === 0) return ok(bytes);
    if ((head & SNAPPY) !== 0) return this.#unsnapper.decode(bytes, RECORD_BYTES_MAX);
    return (head & ZSTD) !== 0 ? this.#unzstd(bytes, RECORD_BYTES_MAX) : ok(bytes);
  }

  #skipPage(pageEnd: number, failure: SourceFailure): Result<never, SourceFailure> {
    this.#at = pageEnd;
    this.#drop();
    return err(failure);
  }

  #drop(): void {
    this.#record.clear();
    this.#recordAt = -1;
  }
}
