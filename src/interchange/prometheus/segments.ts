// The chunk files of a block of Prometheus. Layout (tsdb/docs/format/chunks.md): u32 magic, u8 version, three zeros, then chunks:
// varint length of the data, u8 encoding, data, CRC-32C of encoding and data.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { crc32c, type Disk, err, ok, type Result } from '../../base/index.ts';
import { BigEndianReader } from '../big-endian.ts';
import { damaged, type SourceFailure } from '../failure.ts';
import { FileWindow } from '../file-window.ts';
import type { ChunkPlace } from './index-reader.ts';

const MAGIC = 0x85bd40dd;
export const SEGMENT_HEADER_BYTES = 8;
const CRC_BYTES = 4;
const LENGTH_BYTES = 5;
/** Real chunks have some hundred bytes, very large histograms some ten thousand. */
export const CHUNK_BYTES_MAX = 16 * 1024 * 1024;

/** Data of a chunk in memory that is used again. */
export interface ChunkBytes {
  readonly kind: number;
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
}

/** A sound index names each chunk once. More than this of all files is not read in one pass, or it might never end. */
const READ_SHARE_MAX = 2;

export class ChunkSegments {
  readonly #disk: Disk;
  /** By number. */
  readonly #paths: readonly string[];
  /** Of all files. */
  readonly #bytes: number;
  #bytesLeft: number;
  readonly #reader = new BigEndianReader(new Uint8Array(0));
  /** The file read last: chunks of one series follow one another. */
  #open: { readonly segment: number; readonly window: FileWindow } | undefined;

  private constructor(disk: Disk, paths: readonly string[], bytes: number) {
    this.#disk = disk;
    this.#paths = paths;
    this.#bytes = bytes;
    this.#bytesLeft = READ_SHARE_MAX * bytes;
  }

  /** Lists the files of the folder, by number. */
  static async list(disk: Disk, folder: string): Promise<Result<ChunkSegments, SourceFailure>> {
    const names = await disk.list(folder);
    if (!names.ok) {
      const { error } = names;
      return err(
        error.code === 'disk-not-found'
          ? damaged(folder, 0, 'the folder is missing')
          : { kind: 'disk', error },
      );
    }
    const paths = names.value
      .filter(name => /^\d+$/.test(name))
      .sort((a, b) => Number(a) - Number(b))
      .map(name => `${folder}/${name}`);
    let bytes = 0;
    for (const path of paths) {
      const stat = await disk.stat(path);
      if (!stat.ok) return err({ kind: 'disk', error: stat.error });
      bytes += stat.value.sizeBytes;
    }
    return ok(new ChunkSegments(disk, paths, bytes));
  }

  /** Before all chunks are read once more. */
  rewind(): void {
    this.#bytesLeft = READ_SHARE_MAX * this.#bytes;
  }

  async read({ segment, offset }: ChunkPlace): Promise<Result<ChunkBytes, SourceFailure>> {
    const opened = this.#open?.segment === segment ? ok(this.#open.window) : await this.#openSegment(segment);
    if (!opened.ok) return opened;
    const window = opened.value;
    const { path, sizeBytes } = window;
    if (offset < SEGMENT_HEADER_BYTES || offset + 2 + CRC_BYTES > sizeBytes)
      return err(damaged(path, offset, 'the index points outside of the chunks'));
    const head = Math.min(LENGTH_BYTES, sizeBytes - offset);
    const found = window.find(offset, head);
    const loaded = found >= 0 ? ok(found) : await window.load(offset, head);
    if (!loaded.ok) return loaded;
    const reader = this.#reader;
    reader.reset(window.bytes, { from: loaded.value, to: loaded.value + head });
    const length = reader.uvarint();
    const encodingAt = offset + (reader.at - loaded.value);
    if (reader.failed || length > CHUNK_BYTES_MAX || encodingAt + 1 + length + CRC_BYTES > sizeBytes)
      return err(damaged(path, offset, 'a chunk has a length that cannot be'));
    this.#bytesLeft -= 1 + length + CRC_BYTES;
    if (this.#bytesLeft < 0)
      return err(damaged(path, offset, 'the index names chunks more often than there are any'));
    const there = window.find(encodingAt, 1 + length + CRC_BYTES);
    const place = there >= 0 ? ok(there) : await window.load(encodingAt, 1 + length + CRC_BYTES);
    if (!place.ok) return place;
    const { bytes } = window;
    const to = place.value + 1 + length;
    reader.reset(bytes, { from: to, to: to + CRC_BYTES });
    if (reader.u32() !== crc32c(bytes, { from: place.value, to }))
      return err(damaged(path, offset, 'the checksum of a chunk is wrong'));
    return ok({ kind: bytes[place.value]!, bytes, from: place.value + 1, to });
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.window.close();
  }

  /** For messages about what was read of a place. */
  pathOf({ segment }: ChunkPlace): string {
    return this.#paths[segment] ?? '';
  }

  async #openSegment(segment: number): Promise<Result<FileWindow, SourceFailure>> {
    await this.close();
    const path = this.#paths[segment];
    const last = this.#paths.at(-1) ?? '';
    if (path === undefined)
      return err(damaged(last, 0, `there is no chunk file of the number ${segment + 1}`));
    const window = await FileWindow.open(this.#disk, path);
    if (!window.ok) return err({ kind: 'disk', error: window.error });
    const header = await headerOf(window.value);
    if (!header.ok) {
      await window.value.close();
      return header;
    }
    this.#open = { segment, window: window.value };
    return window;
  }
}

async function headerOf(window: FileWindow): Promise<Result<void, SourceFailure>> {
  const { path, sizeBytes } = window;
  if (sizeBytes < SEGMENT_HEADER_BYTES) return err(damaged(path, 0, 'the file is too short'));
  const loaded = await window.load(0, SEGMENT_HEADER_BYTES);
  if (!loaded.ok) return loaded;
  const range = { from: loaded.value, to: loaded.value + SEGMENT_HEADER_BYTES };
  const reader = new BigEndianReader(window.bytes, range);
  if (reader.u32() !== MAGIC) return err(damaged(path, 0, 'the file does not begin as chunks do'));
  const version = reader.u8();
  return version === 1 ? ok(undefined) : err(damaged(path, 4, `it has the version ${version}; 1 is known`));
}
