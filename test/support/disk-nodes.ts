// The nodes of the fake disk: file contents with their unsynced pages, folders with their unsynced entries.

import type { Random } from '../../src/base/index.ts';

const PAGE_BYTES = 4096;

export interface FileNode {
  readonly kind: 'file';
  readonly content: PagedContent;
  modifiedMs: number;
}

export interface FolderNode {
  readonly kind: 'folder';
  entries: Map<string, Node>;
  /** The entries that a loss of power leaves. */
  readonly durable: Map<string, Node>;
  modifiedMs: number;
}

export interface LinkNode {
  readonly kind: 'link';
  readonly target: string;
  readonly modifiedMs: number;
}

export type Node = FileNode | FolderNode | LinkNode;

export function newFile(nowMs: number): FileNode {
  return { kind: 'file', content: new PagedContent(), modifiedMs: nowMs };
}

export function newFolder(nowMs: number): FolderNode {
  return { kind: 'folder', entries: new Map(), durable: new Map(), modifiedMs: nowMs };
}

/** Bytes of a file: as written, as synced, and which pages differ. */
export class PagedContent {
  #data = new Uint8Array(0);
  #size = 0;
  #durable = new Uint8Array(0);
  #durableSize = 0;
  readonly #dirty = new Set<number>();
  #lastPage = -1;

  get sizeBytes(): number {
    return this.#size;
  }

  bytes(): Uint8Array {
    return this.#data.slice(0, this.#size);
  }

  /** How far the file may be written without a new page. */
  roomEnd(): number {
    return Math.ceil(this.#size / PAGE_BYTES) * PAGE_BYTES;
  }

  read(into: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(into.length, this.#size - position));
    into.set(this.#data.subarray(position, position + count));
    return count;
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    this.#data = grown(this.#data, end);
    this.#data.set(bytes, position);
    // A hole before the write is new too: its pages read as zero.
    this.#touch(Math.min(position, this.#size), end);
    this.#size = Math.max(this.#size, end);
    this.#lastPage = Math.floor((end - 1) / PAGE_BYTES);
  }

  truncate(sizeBytes: number): void {
    this.#data = grown(this.#data, sizeBytes);
    if (sizeBytes < this.#size) this.#data.fill(0, sizeBytes, this.#size);
    this.#touch(Math.min(sizeBytes, this.#size), Math.max(sizeBytes, this.#size));
    this.#size = sizeBytes;
  }

  sync(): void {
    this.#durable = grown(this.#durable, this.#size);
    for (const page of this.#dirty) this.#copyPage(page, PAGE_BYTES);
    this.#durable.fill(0, this.#size);
    this.#durableSize = this.#size;
    this.#dirty.clear();
  }

  /** Turns the content into what a loss of power leaves: the synced bytes and some of the unsynced pages. */
  losePower(random: Random): void {
    const pages = [...this.#dirty].sort((a, b) => a - b);
    const style = random.uint32() % 4;
    const prefix = Math.floor(random.float() * (pages.length + 1));
    const kept = pages.filter((_, i) =>
      style === 0 ? false : style === 1 ? true : style === 2 ? i < prefix : random.float() < 0.5,
    );
    this.#durable = grown(this.#durable, this.#size);
    let size = this.#durableSize;
    for (const page of kept) {
      const torn = page === this.#lastPage && random.float() < 0.5;
      const bytes = torn ? Math.floor(random.float() * PAGE_BYTES) : PAGE_BYTES;
      this.#copyPage(page, bytes);
      size = Math.max(size, Math.min(this.#size, page * PAGE_BYTES + bytes));
    }
    // The new length may have reached the disk without the data (a tail of zeros), or a cut without being synced.
    if (pages.length > 0 && random.float() < 0.25) size = this.#size;
    this.#durable.fill(0, size);
    this.#durableSize = size;
    this.#size = size;
    this.#data = this.#durable.slice(0, size);
    this.#dirty.clear();
    this.#lastPage = -1;
  }

  #touch(from: number, to: number): void {
    for (let page = Math.floor(from / PAGE_BYTES); page * PAGE_BYTES < to; page++) this.#dirty.add(page);
  }

  #copyPage(page: number, bytes: number): void {
    const start = page * PAGE_BYTES;
    const end = Math.min(start + bytes, this.#size);
    if (end <= start) return;
    this.#durable = grown(this.#durable, end);
    this.#durable.set(this.#data.subarray(start, end), start);
  }
}

function grown(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  if (size <= bytes.length) return bytes;
  const larger = new Uint8Array(Math.max(size, bytes.length * 2, PAGE_BYTES));
  larger.set(bytes);
  return larger;
}
