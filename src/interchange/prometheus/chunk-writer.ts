// Writes the chunk files of a block of Prometheus; segments.ts says how they are laid out.

import { crc32c, type Disk, type DiskError, ok, type Result } from '../../base/index.ts';
import type { SampleChunk } from '../../exposition/index.ts';
import { BigEndianWriter } from '../big-endian.ts';
import { SequentialFile } from '../sequential-file.ts';
import type { WrittenChunk } from './index-writer.ts';

const MAGIC = 0x85bd40dd;
/** As Prometheus's own. */
const SEGMENT_BYTES_MAX = 512 * 1024 * 1024;
const TWO_32 = 4_294_967_296;

export class ChunkWriter {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #out = new BigEndianWriter();
  #file: SequentialFile | undefined;
  #segments = 0;

  /** The folder exists and is empty. */
  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  async add({ kind, data, minMs, maxMs }: SampleChunk): Promise<Result<WrittenChunk, DiskError>> {
    const there = this.#file;
    const file =
      there !== undefined && there.at + data.length < SEGMENT_BYTES_MAX ? ok(there) : await this.#next();
    if (!file.ok) return file;
    const ref = (this.#segments - 1) * TWO_32 + file.value.at;
    const out = this.#out;
    out.clear();
    out.uvarint(data.length);
    const from = out.length;
    out.u8(kind);
    out.raw(data);
    out.u32(crc32c(out.bytes(), { from, to: out.length }));
    file.value.add(out.bytes());
    const flushed = await file.value.flush();
    return flushed.ok ? ok({ minMs, maxMs, ref }) : flushed;
  }

  /** Makes everything durable; the file is closed, also where that fails. */
  async finish(): Promise<Result<void, DiskError>> {
    const file = this.#file;
    this.#file = undefined;
    return file === undefined ? ok(undefined) : file.end();
  }

  async #next(): Promise<Result<SequentialFile, DiskError>> {
    const ended = await this.finish();
    if (!ended.ok) return ended;
    const name = String(++this.#segments).padStart(6, '0');
    const created = await SequentialFile.create(this.#disk, `${this.#folder}/${name}`);
    if (!created.ok) return created;
    this.#file = created.value;
    const out = this.#out;
    out.clear();
    out.u32(MAGIC);
    out.u8(1);
    out.pad(8);
    created.value.add(out.bytes());
    return created;
  }
}
