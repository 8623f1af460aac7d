// A paged file read from front to back, page by page, whatever is wrong with some of them.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { crc32c, type Disk, type DiskError, type DiskFile, ok, type Result } from '../../base/index.ts';
import { PAGE_BYTES } from '../block/limits.ts';
import { PAGE_CONTENT } from '../block/paged.ts';

/** Read at a time. */
const PIECE_PAGES = 256;

export interface ScannedPages {
  readonly fileBytes: number;
  /** As the file's size has it. */
  readonly contentBytes: number;
  /** Numbers of the pages that cannot be read or have a wrong checksum, rising. */
  readonly bad: readonly number[];
}

/** Gives the content of each page to `take`, undefined for a bad one. Pages are good until the next one comes. */
export async function scanPages(
  disk: Disk,
  path: string,
  take: (number: number, content: Uint8Array | undefined) => void,
): Promise<Result<ScannedPages, DiskError>> {
  const opened = await disk.open(path, 'read');
  if (!opened.ok) return opened;
  const size = await opened.value.sizeBytes();
  if (!size.ok) {
    await opened.value.close();
    return size;
  }
  const fileBytes = size.value;
  const pages = Math.ceil(fileBytes / PAGE_BYTES);
  const bad: number[] = [];
  const piece = new Uint8Array(PIECE_PAGES * PAGE_BYTES);
  for (let first = 0; first < pages; first += PIECE_PAGES) {
    const count = Math.min(PIECE_PAGES, pages - first);
    const unread = await readPages(opened.value, piece.subarray(0, count * PAGE_BYTES), first);
    for (let i = 0; i < count; i++) {
      const number = first + i;
      const bytes = Math.min(PAGE_BYTES, fileBytes - number * PAGE_BYTES);
      const page = piece.subarray(i * PAGE_BYTES, i * PAGE_BYTES + bytes);
      const isSound = !unread.has(number) && isSoundPage(page);
      if (!isSound) bad.push(number);
      take(number, isSound ? page.subarray(0, bytes - 4) : undefined);
    }
  }
  await opened.value.close();
  return ok({ fileBytes, contentBytes: Math.max(0, fileBytes - 4 * pages), bad });
}

/** Numbers of the pages that the device does not give. */
async function readPages(file: DiskFile, into: Uint8Array, first: number): Promise<ReadonlySet<number>> {
  const unread = new Set<number>();
  const whole = await file.read(into, first * PAGE_BYTES);
  if (whole.ok) return unread;
  for (let at = 0; at < into.length; at += PAGE_BYTES) {
    const page = await file.read(into.subarray(at, at + PAGE_BYTES), first * PAGE_BYTES + at);
    if (!page.ok) unread.add(first + at / PAGE_BYTES);
  }
  return unread;
}

function isSoundPage(page: Uint8Array): boolean {
  const end = page.length - 4;
  if (end <= 0) return false;
  const sum = new DataView(page.buffer, page.byteOffset, page.length).getUint32(end, true);
  return crc32c(page, { from: 0, to: end }) === sum;
}

/** A paged file in memory, with zeros where a page is bad. */
export class PagedContent {
  readonly bytes: Uint8Array;
  readonly #isBad: Uint8Array;
  readonly #hasBad: boolean;

  private constructor(bytes: Uint8Array, bad: readonly number[]) {
    this.bytes = bytes;
    this.#isBad = new Uint8Array(Math.ceil(bytes.length / PAGE_CONTENT) + 1);
    for (const number of bad) this.#isBad[number] = 1;
    this.#hasBad = bad.length > 0;
  }

  static async read(
    disk: Disk,
    path: string,
  ): Promise<Result<{ readonly content: PagedContent; readonly scan: ScannedPages }, DiskError>> {
    const parts: Uint8Array[] = [];
    const scanned = await scanPages(disk, path, (_, content) => {
      // A view would be of the next piece's bytes soon.
      parts.push(content?.slice() ?? new Uint8Array(PAGE_CONTENT));
    });
    if (!scanned.ok) return scanned;
    const bytes = new Uint8Array(scanned.value.contentBytes);
    parts.forEach((part, number) => {
      const at = number * PAGE_CONTENT;
      bytes.set(part.subarray(0, Math.max(0, bytes.length - at)), at);
    });
    return ok({ content: new PagedContent(bytes, scanned.value.bad), scan: scanned.value });
  }

  /** Whether all of [from, to) is there and lies in sound pages. */
  isSound(from: number, to: number): boolean {
    if (!(from >= 0 && from <= to && to <= this.bytes.length)) return false;
    if (!this.#hasBad || from === to) return true;
    for (let page = Math.floor(from / PAGE_CONTENT); page * PAGE_CONTENT < to; page++)
      if (this.#isBad[page]! === 1) return false;
    return true;
  }
}
