// A new file written front to back in large pieces.

import { type Disk, type DiskError, type DiskFile, ok, type Result } from '../base/index.ts';
import { BigEndianWriter } from './big-endian.ts';

/** Written at a time. */
const FLUSH_BYTES = 1024 * 1024;

export class SequentialFile {
  readonly #file: DiskFile;
  readonly #pending = new BigEndianWriter();
  #written = 0;

  private constructor(file: DiskFile) {
    this.#file = file;
  }

  /** The file must not exist. */
  static async create(disk: Disk, path: string): Promise<Result<SequentialFile, DiskError>> {
    const opened = await disk.open(path, 'create');
    return opened.ok ? ok(new SequentialFile(opened.value)) : opened;
  }

  /** Where the next byte goes. */
  get at(): number {
    return this.#written + this.#pending.length;
  }

  add(bytes: Uint8Array): void {
    this.#pending.raw(bytes);
  }

  /** Zeros up to a multiple of `size`. */
  pad(size: number): void {
    this.#pending.pad(size, this.#written);
  }

  /** Writes what has come together, once that is enough. */
  async flush(): Promise<Result<void, DiskError>> {
    return this.#pending.length < FLUSH_BYTES ? ok(undefined) : this.#write();
  }

  /** Writes the rest, makes it durable and closes, also where that fails. */
  async end(): Promise<Result<void, DiskError>> {
    const written = await this.#write();
    const synced = written.ok ? await this.#file.sync() : written;
    const closed = await this.#file.close();
    return synced.ok ? closed : synced;
  }

  async #write(): Promise<Result<void, DiskError>> {
    const bytes = this.#pending.bytes();
    const written = await this.#file.write(bytes, this.#written);
    if (!written.ok) return written;
    this.#written += bytes.length;
    this.#pending.clear();
    return written;
  }
}
