// The index file of a block of Prometheus, read series by series from front to back: which labels each has, and where its
// chunks lie. Postings are not needed for that. Layout: tsdb/docs/format/index.md; version 2, and version 1 of the first years.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { crc32c, type Disk, err, ok, type Result } from '../../base/index.ts';
import { type Labels, labelsFromPairs } from '../../model/index.ts';
import { BigEndianReader } from '../big-endian.ts';
import { damaged, type SourceFailure } from '../failure.ts';
import { FileWindow } from '../file-window.ts';
import { Symbols } from './symbols.ts';

const MAGIC = 0xbaaad700;
const HEADER_BYTES = 5;
const CRC_BYTES = 4;
const TOC_BYTES = 6 * 8 + CRC_BYTES;
/** Series begin at multiples of this in version 2. */
const ALIGN_BYTES = 16;
/** A length as a varint, and more than that behind it in any case: the checksum, the table of contents. */
const LENGTH_BYTES = 5;
/** A series of half a million chunks has less: one of a month, scraped each second, has some 150 kB. What claims more is damage. */
const SERIES_BYTES_MAX = 4 * 1024 * 1024;
const TWO_32 = 4_294_967_296;

export interface ChunkPlace {
  readonly minMs: number;
  readonly maxMs: number;
  /** Which file of the folder `chunks`, from 0. */
  readonly segment: number;
  readonly offset: number;
}

export interface IndexedSeries {
  /** As tombstones name it. */
  readonly ref: number;
  /** In the file. */
  readonly offset: number;
  readonly labels: Labels;
  readonly chunks: readonly ChunkPlace[];
}

interface Sections {
  readonly symbols: number;
  readonly series: number;
  /** Where the series end. */
  readonly end: number;
}

export class IndexReader {
  readonly #window: FileWindow;
  readonly #symbols: Symbols;
  readonly #version: number;
  readonly #sections: Sections;
  readonly #reader = new BigEndianReader(new Uint8Array(0));
  #at: number;
  /** Bytes of the file looked at in vain for the next series that makes sense. */
  #searched = 0;

  private constructor(
    window: FileWindow,
    parts: { readonly symbols: Symbols; readonly version: number; readonly sections: Sections },
  ) {
    this.#window = window;
    this.#symbols = parts.symbols;
    this.#version = parts.version;
    this.#sections = parts.sections;
    this.#at = parts.sections.series;
  }

  static async open(disk: Disk, path: string): Promise<Result<IndexReader, SourceFailure>> {
    const window = await FileWindow.open(disk, path);
    if (!window.ok) {
      const { error } = window;
      return err(
        error.code === 'disk-not-found' ? damaged(path, 0, 'the file is missing') : { kind: 'disk', error },
      );
    }
    const opened = await open(window.value);
    if (!opened.ok) {
      await window.value.close();
      return opened;
    }
    return ok(new IndexReader(window.value, opened.value));
  }

  /** From the first series on again. */
  rewind(): void {
    this.#at = this.#sections.series;
    this.#searched = 0;
  }

  get path(): string {
    return this.#window.path;
  }

  /** Share of the series passed so far. */
  get progress(): number {
    const { series, end } = this.#sections;
    return end <= series ? 1 : Math.min(1, (this.#at - series) / (end - series));
  }

  /** Undefined at the end. After damage the next call goes on with the next series that makes sense. */
  async next(): Promise<Result<IndexedSeries | undefined, SourceFailure>> {
    const align = this.#version === 1 ? 1 : ALIGN_BYTES;
    for (;;) {
      const at = Math.ceil(this.#at / align) * align;
      const { end } = this.#sections;
      if (at + CRC_BYTES + 1 > end) {
        this.#at = end;
        return ok(undefined);
      }
      const head = Math.min(LENGTH_BYTES, end - at);
      const found = this.#window.find(at, head);
      const loaded = found >= 0 ? ok(found) : await this.#window.load(at, head);
      if (!loaded.ok) return this.#giveUp(loaded.error);
      const reader = this.#reader;
      reader.reset(this.#window.bytes, { from: loaded.value, to: loaded.value + head });
      const length = reader.uvarint();
      const begin = at + (reader.at - loaded.value);
      // Version 1 has no gaps; in version 2 what lies behind the last series may be zeros.
      if (!reader.failed && length === 0) {
        this.#at = begin;
        continue;
      }
      const next = begin + length + CRC_BYTES;
      if (reader.failed || length > SERIES_BYTES_MAX || next > end)
        return this.#search(at, 'a series has a length that cannot be');
      const place = await this.#window.load(begin, length + CRC_BYTES);
      if (!place.ok) return this.#giveUp(place.error);
      const range = { from: place.value, to: place.value + length };
      reader.reset(this.#window.bytes, { from: range.to, to: range.to + CRC_BYTES });
      if (reader.u32() !== crc32c(this.#window.bytes, range))
        return this.#search(at, 'the checksum of a series is wrong');
      this.#at = next;
      this.#searched = 0;
      reader.reset(this.#window.bytes, range);
      return this.#decode(reader, at);
    }
  }

  async close(): Promise<void> {
    await this.#window.close();
  }

  #decode(reader: BigEndianReader, at: number): Result<IndexedSeries, SourceFailure> {
    const labels = this.#labelsOf(reader);
    const chunks = labels && chunksOf(reader);
    if (labels === undefined || chunks === undefined)
      return err(damaged(this.#window.path, at, 'a series makes no sense'));
    return ok({ ref: this.#version === 1 ? at : at / ALIGN_BYTES, offset: at, labels, chunks });
  }

  #labelsOf(reader: BigEndianReader): Labels | undefined {
    const count = reader.uvarint();
    // Two bytes each at least.
    if (reader.failed || 2 * count > reader.left) return undefined;
    const pairs: [string, string][] = [];
    for (let i = 0; i < count; i++) {
      const name = this.#symbols.get(reader.uvarint());
      const value = this.#symbols.get(reader.uvarint());
      if (reader.failed || name === undefined || value === undefined || name === '') return undefined;
      pairs.push([name, value]);
    }
    return labelsFromPairs(pairs);
  }

  /** Tells of the damage at `at`, and makes the next call begin behind it. */
  async #search(at: number, cause: string): Promise<Result<never, SourceFailure>> {
    const failure = damaged(this.#window.path, at, cause);
    const { end } = this.#sections;
    // In version 1 series may begin anywhere: the rest is lost.
    if (this.#version === 1) return this.#giveUp(failure);
    let next = at + ALIGN_BYTES;
    for (; next + CRC_BYTES + 1 <= end && this.#searched < SEARCH_BYTES_MAX; next += ALIGN_BYTES) {
      const sound = await this.#isSound(next);
      if (!sound.ok) return this.#giveUp(sound.error);
      if (sound.value) break;
    }
    this.#at = this.#searched < SEARCH_BYTES_MAX ? next : end;
    return err(failure);
  }

  /** Whether a series that makes sense begins here. */
  async #isSound(at: number): Promise<Result<boolean, SourceFailure>> {
    const { end } = this.#sections;
    const head = Math.min(LENGTH_BYTES, end - at);
    const loaded = await this.#window.load(at, head);
    if (!loaded.ok) return loaded;
    this.#searched += ALIGN_BYTES;
    const reader = this.#reader;
    reader.reset(this.#window.bytes, { from: loaded.value, to: loaded.value + head });
    const length = reader.uvarint();
    const begin = at + (reader.at - loaded.value);
    if (reader.failed || length < 2 || length > SERIES_BYTES_MAX || begin + length + CRC_BYTES > end)
      return ok(false);
    const place = await this.#window.load(begin, length + CRC_BYTES);
    if (!place.ok) return place;
    this.#searched += length;
    reader.reset(this.#window.bytes, { from: place.value + length, to: place.value + length + CRC_BYTES });
    return ok(reader.u32() === crc32c(this.#window.bytes, { from: place.value, to: place.value + length }));
  }

  /** Nothing of what follows is read. */
  #giveUp(failure: SourceFailure): Result<never, SourceFailure> {
    this.#at = this.#sections.end;
    return err(failure);
  }
}

/** So much is summed up in search of series behind damage, then the rest is given up: a hostile file must not take forever. */
const SEARCH_BYTES_MAX = 256 * 1024 * 1024;

/** Undefined where they make no sense. */
function chunksOf(reader: BigEndianReader): readonly ChunkPlace[] | undefined {
  const count = reader.uvarint();
  // Three bytes each at least.
  if (reader.failed || 3 * count > reader.left) return undefined;
  const chunks: ChunkPlace[] = [];
  let maxMs = 0;
  let ref = 0;
  for (let i = 0; i < count; i++) {
    const minMs = i === 0 ? reader.varint() : maxMs + reader.uvarint();
    maxMs = minMs + reader.uvarint();
    ref += i === 0 ? reader.uvarint() : reader.varint();
    if (reader.failed || !(ref >= 0) || !Number.isSafeInteger(maxMs)) return undefined;
    chunks.push({ minMs, maxMs, segment: Math.floor(ref / TWO_32), offset: ref % TWO_32 });
  }
  return chunks;
}

async function open(
  window: FileWindow,
): Promise<
  Result<{ readonly symbols: Symbols; readonly version: number; readonly sections: Sections }, SourceFailure>
> {
  const { path, sizeBytes } = window;
  if (sizeBytes < HEADER_BYTES + TOC_BYTES) return err(damaged(path, 0, 'the file is too short'));
  const head = await window.load(0, HEADER_BYTES);
  if (!head.ok) return head;
  const reader = new BigEndianReader(window.bytes, { from: head.value, to: head.value + HEADER_BYTES });
  if (reader.u32() !== MAGIC) return err(damaged(path, 0, 'the file does not begin as an index does'));
  const version = reader.u8();
  if (version !== 1 && version !== 2)
    return err(damaged(path, 4, `the index has the version ${version}; 1 and 2 are known`));
  const tocAt = sizeBytes - TOC_BYTES;
  const toc = await window.load(tocAt, TOC_BYTES);
  if (!toc.ok) return toc;
  const range = { from: toc.value, to: toc.value + TOC_BYTES - CRC_BYTES };
  reader.reset(window.bytes, { from: range.from, to: range.to + CRC_BYTES });
  const offsets = Array.from({ length: 6 }, () => reader.u64());
  if (reader.failed || reader.u32() !== crc32c(window.bytes, range))
    return err(damaged(path, tocAt, 'the checksum of the table of contents is wrong'));
  const [symbolsAt = 0, seriesAt = 0, ...others] = offsets;
  if (offsets.some(offset => offset > tocAt))
    return err(damaged(path, tocAt, 'the table of contents points outside of the file'));
  const symbols = await Symbols.load(window, { at: symbolsAt, end: tocAt, version });
  if (!symbols.ok) return symbols;
  // Which section follows depends on the version of the writer.
  const end = Math.min(tocAt, ...others.filter(offset => offset > seriesAt));
  return ok({
    ...{ symbols: symbols.value, version },
    sections: { symbols: symbolsAt, series: seriesAt === 0 ? end : seriesAt, end },
  });
}
