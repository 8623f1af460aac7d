// A file that grows by whole records. After a failed write its torn tail is cut off before anything else is written,
// so that a reader never meets garbage before a valid record.

import { type Disk, type DiskError, type DiskFile, ok, type Result } from '../base/index.ts';
import { ByteWriter } from './bytes.ts';
import { FILE_HEADER_BYTES, type FileKind, writeFileHeader } from './frame.ts';

const EXTENSION: Readonly<Record<FileKind, string>> = {
  wal: 'wal',
  series: 'ser',
  chunks: 'chk',
  annex: 'anx',
};

/** "wal-00000007.wal": the number is in decimal, at least eight digits. */
export function fileName(kind: FileKind, number: number): string {
  return `${kind}-${String(number).padStart(8, '0')}.${EXTENSION[kind]}`;
}

export function parseFileName(name: string): { kind: FileKind; number: number } | undefined {
  const match = /^(wal|series|chunks|annex)-(\d{8,15})\.(?:wal|ser|chk|anx)$/.exec(name);
  if (match === null) return undefined;
  const kind = match[1] as FileKind;
  const number = Number(match[2]);
  return fileName(kind, number) === name ? { kind, number } : undefined;
}

export class AppendFile {
  readonly number: number;
  readonly path: string;
  readonly #file: DiskFile;
  #sizeBytes: number;
  /** A write failed: bytes may lie behind `#sizeBytes`. */
  #torn = false;
  #unsynced = false;
  #syncing: Promise<unknown> | undefined;

  private constructor(file: DiskFile, number: number, sizeBytes: number) {
    this.#file = file;
    this.path = file.path;
    this.number = number;
    this.#sizeBytes = sizeBytes;
  }

  /** Creates the file with its header and makes its name durable; leaves nothing behind when it fails. */
  static async create(
    disk: Disk,
    folder: string,
    name: { readonly kind: FileKind; readonly number: number },
  ): Promise<Result<AppendFile, DiskError>> {
    const path = `${folder}/${fileName(name.kind, name.number)}`;
    const opened = await disk.open(path, 'create');
    if (!opened.ok) return opened;
    const file = new AppendFile(opened.value, name.number, 0);
    const header = new ByteWriter(FILE_HEADER_BYTES);
    writeFileHeader(header, name.kind, name.number);
    const written = await file.append(header.bytes());
    const durable = written.ok ? await disk.syncFolder(folder) : written;
    if (durable.ok) return ok(file);
    await opened.value.close();
    await disk.remove(path);
    return durable;
  }

  /** Takes up an existing file whose valid records end at `sizeBytes`. */
  static async reopen(
    disk: Disk,
    path: string,
    end: { readonly number: number; readonly sizeBytes: number },
  ): Promise<Result<AppendFile, DiskError>> {
    const opened = await disk.open(path, 'update');
    if (!opened.ok) return opened;
    const file = new AppendFile(opened.value, end.number, end.sizeBytes);
    file.#torn = true;
    const cut = await file.repair();
    if (cut.ok) return ok(file);
    await opened.value.close();
    return cut;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async append(bytes: Uint8Array): Promise<Result<void, DiskError>> {
    const cut = await this.repair();
    if (!cut.ok) return cut;
    const written = await this.#file.write(bytes, this.#sizeBytes);
    if (!written.ok) {
      this.#torn = true;
      return written;
    }
    this.#sizeBytes += bytes.length;
    this.#unsynced = true;
    return written;
  }

  /** Takes back what the last `append` wrote: it was not acknowledged. */
  forget(bytes: number): void {
    this.#sizeBytes -= bytes;
    this.#torn = true;
  }

  /** What was appended before survives a loss of power. Calls that meet wait for each other. */
  async sync(): Promise<Result<void, DiskError>> {
    await this.#syncing;
    if (!this.#unsynced) return ok(undefined);
    this.#unsynced = false;
    const syncing = this.#file.sync();
    this.#syncing = syncing;
    const synced = await syncing;
    if (!synced.ok) this.#unsynced = true;
    return synced;
  }

  read(into: Uint8Array, position: number): Promise<Result<number, DiskError>> {
    return this.#file.read(into, position);
  }

  close(): Promise<Result<void, DiskError>> {
    return this.#file.close();
  }

  /** Cuts off what a failed write left. */
  async repair(): Promise<Result<void, DiskError>> {
    if (!this.#torn) return ok(undefined);
    const cut = await this.#file.truncate(this.#sizeBytes);
    if (cut.ok) this.#torn = false;
    return cut;
  }
}
