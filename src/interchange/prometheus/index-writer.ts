// Writes the index file of a block of Prometheus, version 2 (tsdb/docs/format/index.md): symbols, series, postings and their table.
// The sections of label indices, which nothing has read since version 2, are there and empty, as later versions have them.

import { compareUtf8, crc32c, type Disk, type DiskError, ok, type Result } from '../../base/index.ts';
import type { Labels } from '../../model/index.ts';
import { BigEndianWriter } from '../big-endian.ts';
import { SequentialFile } from '../sequential-file.ts';

const MAGIC = 0xbaaad700;
const VERSION = 2;
const ALIGN_BYTES = 16;

export interface WrittenChunk {
  readonly minMs: number;
  readonly maxMs: number;
  /** Number of the file, from 0, times 2^32, and the place in it. */
  readonly ref: number;
}

export class IndexWriter {
  readonly #file: SequentialFile;
  readonly #entry = new BigEndianWriter();
  readonly #head = new BigEndianWriter();
  readonly #symbols: ReadonlyMap<string, number>;
  /** By name and value, in the order of the series. */
  readonly #postings = new Map<string, Map<string, number[]>>();
  readonly #all: number[] = [];
  readonly #toc: { readonly symbols: number; readonly series: number };

  private constructor(
    file: SequentialFile,
    symbols: ReadonlyMap<string, number>,
    toc: { readonly symbols: number; readonly series: number },
  ) {
    this.#file = file;
    this.#symbols = symbols;
    this.#toc = toc;
  }

  /** `texts` are all names and values that the series will have. */
  static async create(
    disk: Disk,
    path: string,
    texts: ReadonlySet<string>,
  ): Promise<Result<IndexWriter, DiskError>> {
    const created = await SequentialFile.create(disk, path);
    if (!created.ok) return created;
    const file = created.value;
    const sorted = [...texts].sort(compareUtf8);
    const out = new BigEndianWriter();
    out.u32(MAGIC);
    out.u8(VERSION);
    file.add(out.bytes());
    const symbols = file.at;
    out.clear();
    out.u32(0);
    out.u32(sorted.length);
    for (const text of sorted) out.text(text);
    file.add(sealed(out));
    const flushed = await file.flush();
    if (!flushed.ok) {
      await file.end();
      return flushed;
    }
    const numbers = new Map(sorted.map((text, i) => [text, i]));
    return ok(new IndexWriter(file, numbers, { symbols, series: file.at }));
  }

  get series(): number {
    return this.#all.length;
  }

  /** Series come in the order of their labels, each with a chunk at least, and chunks in the order of their times. */
  add(labels: Labels, chunks: readonly WrittenChunk[]): void {
    this.#file.pad(ALIGN_BYTES);
    const ref = this.#file.at / ALIGN_BYTES;
    const entry = this.#entry;
    entry.clear();
    entry.uvarint(labels.length / 2);
    for (let i = 0; i < labels.length; i += 2) {
      const [name = '', value = ''] = [labels[i], labels[i + 1]];
      entry.uvarint(this.#symbols.get(name) ?? 0);
      entry.uvarint(this.#symbols.get(value) ?? 0);
      this.#post(name, value, ref);
    }
    entry.uvarint(chunks.length);
    let before: WrittenChunk | undefined;
    for (const chunk of chunks) {
      if (before === undefined) entry.varint(chunk.minMs);
      else entry.uvarint(chunk.minMs - before.maxMs);
      entry.uvarint(chunk.maxMs - chunk.minMs);
      if (before === undefined) entry.uvarint(chunk.ref);
      else entry.varint(chunk.ref - before.ref);
      before = chunk;
    }
    const head = this.#head;
    head.clear();
    head.uvarint(entry.length);
    this.#file.add(head.bytes());
    entry.u32(crc32c(entry.bytes(), { from: 0, to: entry.length }));
    this.#file.add(entry.bytes());
    this.#all.push(ref);
  }

  flush(): Promise<Result<void, DiskError>> {
    return this.#file.flush();
  }

  /** Writes the rest and makes it durable; the file is closed, also where that fails. */
  async finish(): Promise<Result<void, DiskError>> {
    const file = this.#file;
    const labelIndices = file.at;
    file.pad(4);
    const postings = file.at;
    const table = new BigEndianWriter();
    let entries = 0;
    table.u32(0);
    table.u32(0);
    const add = async (name: string, value: string, refs: readonly number[]) => {
      table.u8(2);
      table.text(name);
      table.text(value);
      table.uvarint(file.at);
      entries++;
      file.add(postingsOf(refs));
      return file.flush();
    };
    let written = await add('', '', this.#all);
    for (const [name, values] of [...this.#postings].sort(([a], [b]) => compareUtf8(a, b))) {
      for (const [value, refs] of [...values].sort(([a], [b]) => compareUtf8(a, b)))
        if (written.ok) written = await add(name, value, refs);
    }
    table.setU32(4, entries);
    const postingsTable = file.at;
    file.add(sealed(table));
    const { symbols, series } = this.#toc;
    file.add(tocOf([symbols, series, labelIndices, postingsTable, postings, postingsTable]));
    const ended = await file.end();
    return written.ok ? ended : written;
  }

  #post(name: string, value: string, ref: number): void {
    let values = this.#postings.get(name);
    if (values === undefined) {
      values = new Map();
      this.#postings.set(name, values);
    }
    const refs = values.get(value);
    if (refs === undefined) values.set(value, [ref]);
    else refs.push(ref);
  }
}

/** Puts the length in front, in the place left for it, and the checksum behind. */
function sealed(out: BigEndianWriter): Uint8Array {
  out.setU32(0, out.length - 4);
  out.u32(crc32c(out.bytes(), { from: 4, to: out.length }));
  return out.bytes();
}

function postingsOf(refs: readonly number[]): Uint8Array {
  const out = new BigEndianWriter();
  out.u32(0);
  out.u32(refs.length);
  for (const ref of refs) out.u32(ref);
  return sealed(out);
}

function tocOf(offsets: readonly number[]): Uint8Array {
  const out = new BigEndianWriter();
  for (const offset of offsets) out.u64(offset);
  out.u32(crc32c(out.bytes(), { from: 0, to: out.length }));
  return out.bytes();
}
