// A file of checksummed pages: 4,092 bytes of content and their CRC-32C, the last page shorter. Content is written once,
// front to back, and read from anywhere; pages read lately stay in a cache that all blocks share.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { crc32c, type Disk, type DiskError, type DiskFile, ok, type Result } from '../../base/index.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';
import { type BlockFailure, damaged, diskFailure } from './failure.ts';
import { FLUSH_BYTES, PAGE_BYTES } from './limits.ts';

export const PAGE_CONTENT = PAGE_BYTES - 4;

export class PagedWriter {
  readonly #file: DiskFile;
  readonly #pending = new ByteWriter(2 * PAGE_BYTES);
  readonly #out = new ByteWriter(2 * PAGE_BYTES);
  /** Content bytes in pages that were written already. */
  #written = 0;
  #fileBytes = 0;

  private constructor(file: DiskFile) {
    this.#file = file;
  }

  static async create(disk: Disk, path: string): Promise<Result<PagedWriter, DiskError>> {
    const opened = await disk.open(path, 'create');
    return opened.ok ? ok(new PagedWriter(opened.value)) : opened;
  }

  /** Where the next byte of content goes. */
  get at(): number {
    return this.#written + this.#pending.length;
  }

  get fileBytes(): number {
    return this.#fileBytes;
  }

  add(bytes: Uint8Array): void {
    this.#pending.raw(bytes);
  }

  /** Writes whole pages once enough have come together. */
  async flush(): Promise<Result<void, DiskError>> {
    if (this.#pending.length < FLUSH_BYTES) return ok(undefined);
    return this.#writePages(Math.floor(this.#pending.length / PAGE_CONTENT) * PAGE_CONTENT);
  }

  /** Writes the rest and syncs. */
  async end(): Promise<Result<void, DiskError>> {
    const written = await this.#writePages(this.#pending.length);
    return written.ok ? this.#file.sync() : written;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #writePages(contentBytes: number): Promise<Result<void, DiskError>> {
    const content = this.#pending.bytes();
    this.#out.clear();
    for (let from = 0; from < contentBytes; from += PAGE_CONTENT) {
      const page = content.subarray(from, Math.min(contentBytes, from + PAGE_CONTENT));
      this.#out.raw(page);
      this.#out.u32(crc32c(page, { from: 0, to: page.length }));
    }
    const written = await this.#file.write(this.#out.bytes(), this.#fileBytes);
    if (!written.ok) return written;
    this.#fileBytes += this.#out.length;
    this.#written += contentBytes;
    const rest = content.slice(contentBytes);
    this.#pending.clear();
    this.#pending.raw(rest);
    return written;
  }
}

/** Bytes that a file of so much content takes. */
export function pagedFileBytes(contentBytes: number): number {
  return contentBytes + 4 * Math.ceil(contentBytes / PAGE_CONTENT);
}

/** Pages by file and number; the one used longest ago goes first. */
export class PageCache {
  readonly #bytesMax: number;
  readonly #pages = new Map<number, ByteReader>();
  #bytes = 0;
  #files = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** First key of a file's pages; page numbers are added to it. */
  newFile(): number {
    return this.#files++ * 2 ** 31;
  }

  get(key: number): ByteReader | undefined {
    const page = this.#pages.get(key);
    if (page === undefined) return undefined;
    this.#pages.delete(key);
    this.#pages.set(key, page);
    return page;
  }

  put(key: number, page: ByteReader): void {
    if (this.#pages.has(key)) return;
    this.#pages.set(key, page);
    this.#bytes += PAGE_BYTES;
    for (const [oldest] of this.#pages) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#pages.delete(oldest);
      this.#bytes -= PAGE_BYTES;
    }
  }

  /** Of a file that is closed. */
  drop(firstKey: number, pages: number): void {
    for (let page = 0; page < pages; page++)
      if (this.#pages.delete(firstKey + page)) this.#bytes -= PAGE_BYTES;
  }
}

export class PagedFile {
  readonly path: string;
  readonly contentBytes: number;
  readonly #file: DiskFile;
  readonly #cache: PageCache;
  readonly #firstKey: number;
  #latest: { readonly number: number; readonly page: ByteReader } | undefined;

  private constructor(file: DiskFile, contentBytes: number, cache: PageCache) {
    this.path = file.path;
    this.#file = file;
    this.contentBytes = contentBytes;
    this.#cache = cache;
    this.#firstKey = cache.newFile();
  }

  /** Opens a file that must have exactly this much content: one that was cut short is known at once. */
  static async open(
    disk: Disk,
    path: string,
    known: { readonly contentBytes: number; readonly cache: PageCache },
  ): Promise<Result<PagedFile, BlockFailure>> {
    const opened = await disk.open(path, 'read');
    if (!opened.ok) {
      return opened.error.code === 'disk-not-found'
        ? damaged(path, 0, 'the file is missing')
        : diskFailure(opened.error);
    }
    const size = await opened.value.sizeBytes();
    if (size.ok && size.value === pagedFileBytes(known.contentBytes))
      return ok(new PagedFile(opened.value, known.contentBytes, known.cache));
    await opened.value.close();
    return size.ok ? damaged(path, size.value, 'the file has another length') : diskFailure(size.error);
  }

  /** Content of [from, from + length): a view of a cached page where it lies within one, not to be written to. */
  async read(from: number, length: number): Promise<Result<Uint8Array, BlockFailure>> {
    if (!(from >= 0 && length >= 0 && from + length <= this.contentBytes))
      return damaged(this.path, from, 'a reference points outside of the file');
    const cached = this.cached(from, length);
    if (cached !== undefined) return ok(cached.bytes.subarray(cached.at, cached.at + length));
    const firstPage = Math.floor(from / PAGE_CONTENT);
    const lastPage = Math.floor((from + length - 1) / PAGE_CONTENT);
    const pages: (ByteReader | undefined)[] = [];
    for (let page = firstPage; page <= lastPage; page++) pages.push(this.#cache.get(this.#firstKey + page));
    const loaded = await this.#load(pages, firstPage);
    if (!loaded.ok) return loaded;
    const { bytes, at } = joined(pages, from - firstPage * PAGE_CONTENT, length);
    return ok(bytes.subarray(at, at + length));
  }

  /**
   * The same of content whose pages are in memory: undefined where they are not, or where there is no such content. The reader is
   * that of the page and used again, so that nothing may be waited for while it is read.
   */
  cached(from: number, length: number): ByteReader | undefined {
    if (!(from >= 0 && length >= 0 && from + length <= this.contentBytes)) return undefined;
    if (length === 0) return new ByteReader(new Uint8Array(0));
    const firstPage = Math.floor(from / PAGE_CONTENT);
    const at = from - firstPage * PAGE_CONTENT;
    const first = this.#page(firstPage);
    if (first === undefined) return undefined;
    if (at + length <= PAGE_CONTENT) return first.within(at, at + length);
    const pages = [first];
    const lastPage = Math.floor((from + length - 1) / PAGE_CONTENT);
    for (let number = firstPage + 1; number <= lastPage; number++) {
      const page = this.#page(number);
      if (page === undefined) return undefined;
      pages.push(page);
    }
    return joined(pages, at, length);
  }

  /** What is asked for next mostly lies in the same page. */
  #page(number: number): ByteReader | undefined {
    if (this.#latest?.number === number) return this.#latest.page;
    const page = this.#cache.get(this.#firstKey + number);
    if (page !== undefined) this.#latest = { number, page };
    return page;
  }

  async close(): Promise<void> {
    this.#latest = undefined;
    this.#cache.drop(this.#firstKey, Math.ceil(this.contentBytes / PAGE_CONTENT));
    await this.#file.close();
  }

  /** Reads from the first missing page to the last in one go. */
  async #load(pages: (ByteReader | undefined)[], firstPage: number): Promise<Result<void, BlockFailure>> {
    const first = pages.indexOf(undefined);
    const last = pages.lastIndexOf(undefined);
    const fileFrom = (firstPage + first) * PAGE_BYTES;
    const fileTo = Math.min((firstPage + last + 1) * PAGE_BYTES, pagedFileBytes(this.contentBytes));
    const raw = new Uint8Array(fileTo - fileFrom);
    const read = await this.#file.read(raw, fileFrom);
    if (!read.ok) return diskFailure(read.error);
    if (read.value < raw.length) return damaged(this.path, fileFrom + read.value, 'the file ends early');
    const view = new DataView(raw.buffer);
    for (let i = first; i <= last; i++) {
      const at = (i - first) * PAGE_BYTES;
      const end = Math.min(at + PAGE_BYTES, raw.length) - 4;
      if (crc32c(raw, { from: at, to: end }) !== view.getUint32(end, true))
        return damaged(this.path, fileFrom + at, 'the checksum of a page is wrong');
      // A copy: a view would keep all pages of a long read in memory for the sake of one.
      const page = new ByteReader(last === first ? raw.subarray(at, end) : raw.slice(at, end));
      pages[i] = page;
      this.#cache.put(this.#firstKey + firstPage + i, page);
    }
    return ok(undefined);
  }
}

/** Content that lies in pages which follow one another, from a place in the first one on. */
function joined(pages: readonly (ByteReader | undefined)[], at: number, length: number): ByteReader {
  if (pages.length === 1) return pages[0]!.within(at, at + length);
  const whole = new Uint8Array(length);
  let done = 0;
  pages.forEach((page, i) => {
    const from = i === 0 ? at : 0;
    const part = page!.bytes.subarray(from, from + length - done);
    whole.set(part, done);
    done += part.length;
  });
  return new ByteReader(whole);
}
