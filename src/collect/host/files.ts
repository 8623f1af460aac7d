// Reading /proc and /sys through the Disk port: bounded in parallel, and a file that cannot be read is undefined.

import type { Disk, DiskError, Result } from '../../base/index.ts';
import { int, uint } from './text.ts';

/** Reads under way at once. The kernel answers from memory, so that more would only fill the thread pool's queue. */
const READS_AT_ONCE = 16;

/** Owns the queue of waiting reads. */
export class HostFiles {
  readonly #disk: Disk;
  readonly #decoder = new TextDecoder();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  async bytes(path: string): Promise<Result<Uint8Array, DiskError>> {
    return this.#bounded(() => this.#disk.readFile(path));
  }

  /** The whole text, or why it could not be read. */
  async load(path: string): Promise<Result<string, DiskError>> {
    const read = await this.bytes(path);
    return read.ok ? { ok: true, value: this.#decoder.decode(read.value) } : read;
  }

  async text(path: string): Promise<string | undefined> {
    const read = await this.bytes(path);
    return read.ok ? this.#decoder.decode(read.value) : undefined;
  }

  /** The text without white space at its ends. */
  async line(path: string): Promise<string | undefined> {
    return (await this.text(path))?.trim();
  }

  async uint(path: string): Promise<number | undefined> {
    return uint(await this.line(path));
  }

  async int(path: string): Promise<number | undefined> {
    return int(await this.line(path));
  }

  /** Names in a folder (or behind a link to one); undefined when it is none. */
  async list(path: string): Promise<readonly string[] | undefined> {
    const listed = await this.#bounded(() => this.#disk.list(path));
    return listed.ok ? listed.value : undefined;
  }

  /** Names in a folder that match, in natural order of their digits ("cpu2" before "cpu10"). */
  async matching(path: string, pattern: RegExp): Promise<readonly string[]> {
    const names = (await this.list(path)) ?? [];
    return names.filter(name => pattern.test(name)).sort(byDigits);
  }

  async link(path: string): Promise<string | undefined> {
    const read = await this.#bounded(() => this.#disk.readLink(path));
    return read.ok ? read.value : undefined;
  }

  async kind(path: string): Promise<'file' | 'folder' | 'link' | 'other' | undefined> {
    const stat = await this.#bounded(() => this.#disk.stat(path));
    return stat.ok ? stat.value.kind : undefined;
  }

  async modifiedMs(path: string): Promise<number | undefined> {
    const stat = await this.#bounded(() => this.#disk.stat(path));
    return stat.ok ? stat.value.modifiedMs : undefined;
  }

  get disk(): Disk {
    return this.#disk;
  }

  async #bounded<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= READS_AT_ONCE) await new Promise<void>(resolve => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await work();
    } finally {
      // The place passes to the next in line, so that the count stays what it is.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

function byDigits(a: string, b: string): number {
  const order = Number(/\d+/.exec(a)?.[0] ?? 0) - Number(/\d+/.exec(b)?.[0] ?? 0);
  return order !== 0 ? order : a < b ? -1 : a > b ? 1 : 0;
}

/** Resolves "." and ".." in a path; links are not followed. */
export function normalPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Where a link at `from` points to. */
export function linkTarget(from: string, target: string): string {
  return target.startsWith('/') ? normalPath(target) : normalPath(`${from}/../${target}`);
}
