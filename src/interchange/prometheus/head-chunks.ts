// The chunks of the head that Prometheus has put on disk already, in `chunks_head`. Layout (tsdb/docs/format/head_chunks.md):
// a header of 8 bytes as in chunk files, then chunks: u64 series, u64 least time, u64 greatest time, u8 encoding, varint length of
// the data, data, CRC-32C of all of it. A file that was not closed ends in zeros.

import { crc32c, type Disk, err, ok, type Result } from '../../base/index.ts';
import { BigEndianReader } from '../big-endian.ts';
import { damaged, type SourceFailure } from '../failure.ts';
import { FileWindow } from '../file-window.ts';
import { CHUNK_BYTES_MAX, SEGMENT_HEADER_BYTES } from './segments.ts';

const MAGIC = 0x0130bc91;
/** Up to the data, with the longest length. */
const HEAD_BYTES = 3 * 8 + 1 + 5;
const HEAD_BYTES_MIN = 3 * 8 + 1 + 1;
const CRC_BYTES = 4;
/** Set in the encoding of chunks whose samples came out of order. */
const OUT_OF_ORDER = 0x80;

export interface HeadChunk {
  readonly series: number;
  readonly isOutOfOrder: boolean;
  readonly kind: number;
  /** Lent until the next one is asked for: the data is at [from, to). */
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
  readonly offset: number;
}

export class HeadChunkFile {
  readonly #window: FileWindow;
  readonly #reader = new BigEndianReader(new Uint8Array(0));
  #at = SEGMENT_HEADER_BYTES;

  private constructor(window: FileWindow) {
    this.#window = window;
  }

  /** Undefined for a file that was created and never written. */
  static async open(disk: Disk, path: string): Promise<Result<HeadChunkFile | undefined, SourceFailure>> {
    const opened = await FileWindow.open(disk, path);
    if (!opened.ok) return err({ kind: 'disk', error: opened.error });
    const window = opened.value;
    const header = await headerOf(window);
    if (header.ok && header.value) return ok(new HeadChunkFile(window));
    await window.close();
    return header.ok ? ok(undefined) : header;
  }

  get path(): string {
    return this.#window.path;
  }

  /** Undefined at the end. After damage the next call goes on with the next chunk, if it is known where that begins. */
  async next(): Promise<Result<HeadChunk | undefined, SourceFailure>> {
    const window = this.#window;
    const { path, sizeBytes } = window;
    const at = this.#at;
    const head = Math.min(HEAD_BYTES, sizeBytes - at);
    if (head <= 0) return ok(undefined);
    const loaded = await window.load(at, head);
    if (!loaded.ok) return this.#end(loaded.error);
    const reader = this.#reader;
    reader.reset(window.bytes, { from: loaded.value, to: loaded.value + head });
    if (isZero(window.bytes, loaded.value, Math.min(head, HEAD_BYTES_MIN))) {
      this.#at = sizeBytes;
      return ok(undefined);
    }
    const series = reader.u64();
    reader.skip(16);
    const encoding = reader.u8();
    const length = reader.uvarint();
    const dataAt = at + (reader.at - loaded.value);
    const next = dataAt + length + CRC_BYTES;
    // Where the program ended while it wrote; what it held is in the log too.
    if (reader.failed || length > CHUNK_BYTES_MAX || next > sizeBytes)
      return this.#end(damaged(path, at, 'a chunk has a length that cannot be'));
    const whole = await window.load(at, next - at);
    if (!whole.ok) return this.#end(whole.error);
    this.#at = next;
    const to = whole.value + (dataAt - at) + length;
    reader.reset(window.bytes, { from: to, to: to + CRC_BYTES });
    if (reader.u32() !== crc32c(window.bytes, { from: whole.value, to }))
      return err(damaged(path, at, 'the checksum of a chunk is wrong'));
    return ok({
      ...{ series, isOutOfOrder: (encoding & OUT_OF_ORDER) !== 0, kind: encoding & ~OUT_OF_ORDER },
      ...{ bytes: window.bytes, from: to - length, to, offset: at },
    });
  }

  async close(): Promise<void> {
    await this.#window.close();
  }

  #end(failure: SourceFailure): Result<never, SourceFailure> {
    this.#at = this.#window.sizeBytes;
    return err(failure);
  }
}

function isZero(bytes: Uint8Array, from: number, length: number): boolean {
  for (let i = from; i < from + length; i++) if (bytes[i] !== 0) return false;
  return true;
}

async function headerOf(window: FileWindow): Promise<Result<boolean, SourceFailure>> {
  const { path, sizeBytes } = window;
  if (sizeBytes < SEGMENT_HEADER_BYTES) return ok(false);
  const loaded = await window.load(0, SEGMENT_HEADER_BYTES);
  if (!loaded.ok) return loaded;
  if (isZero(window.bytes, loaded.value, SEGMENT_HEADER_BYTES)) return ok(false);
  const range = { from: loaded.value, to: loaded.value + SEGMENT_HEADER_BYTES };
  const reader = new BigEndianReader(window.bytes, range);
  if (reader.u32() !== MAGIC)
    return err(damaged(path, 0, 'the file does not begin as chunks of the head do'));
  const version = reader.u8();
  return version === 1 ? ok(true) : err(damaged(path, 4, `it has the version ${version}; 1 is known`));
}
