// Reads a file of any size through a window that moves over it: front to back mostly, and from anywhere at the cost of a read.

import { type Disk, type DiskError, type DiskFile, err, ok, type Result } from '../base/index.ts';
import { damaged, type SourceFailure } from './failure.ts';

/** Read at a time: large enough that the calls do not count. */
const WINDOW_BYTES = 1024 * 1024;

export class FileWindow {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #file: DiskFile;
  #own = new Uint8Array(0);
  /** What is of meaning in `#own`. */
  #length = 0;
  /** Of the file, where the window begins. */
  #from = 0;

  private constructor(file: DiskFile, sizeBytes: number) {
    this.path = file.path;
    this.#file = file;
    this.sizeBytes = sizeBytes;
  }

  static async open(disk: Disk, path: string): Promise<Result<FileWindow, DiskError>> {
    const opened = await disk.open(path, 'read');
    if (!opened.ok) return opened;
    const size = await opened.value.sizeBytes();
    if (size.ok) return ok(new FileWindow(opened.value, size.value));
    await opened.value.close();
    return size;
  }

  /** The memory that the window lies in: other content after the next `load`. */
  get bytes(): Uint8Array {
    return this.#own;
  }

  /** Where in `bytes` a part of the file lies, -1 where it has to be loaded first. */
  find(from: number, length: number): number {
    const at = from - this.#from;
    return at >= 0 && at + length <= this.#length ? at : -1;
  }

  /** Where in `bytes` a part of the file lies, which is read if need be. Too much for the file is damage of whoever asks. */
  async load(from: number, length: number): Promise<Result<number, SourceFailure>> {
    const at = this.find(from, length);
    if (at >= 0) return ok(at);
    if (!(from >= 0 && length >= 0 && from + length <= this.sizeBytes))
      return err(damaged(this.path, from, 'a reference points outside of the file'));
    const wanted = Math.min(Math.max(length, WINDOW_BYTES), this.sizeBytes - from);
    if (this.#own.length < wanted) this.#own = new Uint8Array(wanted);
    this.#length = 0;
    const read = await this.#file.read(this.#own.subarray(0, wanted), from);
    if (!read.ok) return err({ kind: 'disk', error: read.error });
    if (read.value < length) return err(damaged(this.path, from + read.value, 'the file ends early'));
    this.#from = from;
    this.#length = read.value;
    return ok(0);
  }

  /** Gives the memory of a large part back. */
  shrink(): void {
    if (this.#own.length <= WINDOW_BYTES) return;
    this.#own = new Uint8Array(0);
    this.#length = 0;
  }

  async close(): Promise<void> {
    this.#own = new Uint8Array(0);
    this.#length = 0;
    await this.#file.close();
  }
}
