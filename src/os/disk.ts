// The real disk, over node:fs/promises.

import { constants, readFileSync } from 'node:fs';
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rmdir,
  statfs,
  unlink,
} from 'node:fs/promises';
import {
  type Disk,
  type DiskError,
  type DiskFile,
  type DiskStat,
  err,
  type OpenMode,
  ok,
  type Result,
} from '../base/index.ts';
import { diskError } from './disk-errors.ts';
import { lockFile } from './lock.ts';

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  // Not O_APPEND: with it Linux ignores the position of a write. The end is kept by the handle instead, which is the
  // only writer of its file.
  append: constants.O_RDWR | constants.O_CREAT,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  update: constants.O_RDWR,
};

/**
 * Answered by the kernel from memory at once: a trip through the thread pool would cost three times the read itself
 * (measured over a whole collection of this host: 15 ms against 5 ms). The rest of /sys may ask slow hardware.
 */
const KERNEL_FOLDERS = ['/proc/', '/sys/class/net/', '/sys/devices/system/'];

function isKernelFile(path: string): boolean {
  return KERNEL_FOLDERS.some(folder => path.startsWith(folder));
}

/** Files are readable by the owner's group at most: they hold what the monitored systems say. */
const FILE_MODE = 0o640;
const FOLDER_MODE = 0o750;

export function systemDisk(): Disk {
  return {
    open: (path, mode) =>
      attempt('open', path, async () => {
        const handle = await open(path, FLAGS[mode], FILE_MODE);
        try {
          const stat = await handle.stat();
          if (stat.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
          return new OpenFile(path, handle, stat.size);
        } catch (error) {
          await handle.close();
          throw error;
        }
      }),
    readFile: path =>
      attempt('readFile', path, async () => (isKernelFile(path) ? readFileSync(path) : readFile(path))),
    list: path => attempt('list', path, async () => (await readdir(path)).sort()),
    stat: path =>
      attempt('stat', path, async (): Promise<DiskStat> => {
        const stat = await lstat(path);
        const kind = stat.isFile()
          ? 'file'
          : stat.isDirectory()
            ? 'folder'
            : stat.isSymbolicLink()
              ? 'link'
              : 'other';
        return { kind, sizeBytes: stat.size, modifiedMs: stat.mtimeMs };
      }),
    readLink: path => attempt('readLink', path, () => readlink(path)),
    space: path =>
      attempt('space', path, async () => {
        const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
        return {
          totalBytes: blocks * bsize,
          freeBytes: bfree * bsize,
          availableBytes: bavail * bsize,
          files,
          filesFree: ffree,
        };
      }),
    makeFolder: path =>
      attempt('makeFolder', path, async () => {
        await mkdir(path, { recursive: true, mode: FOLDER_MODE });
      }),
    rename: (from, to) => attempt('rename', from, () => rename(from, to)),
    remove: path =>
      attempt('remove', path, async () => {
        const stat = await lstat(path);
        await (stat.isDirectory() ? rmdir(path) : unlink(path));
      }),
    syncFolder: path =>
      attempt('syncFolder', path, async () => {
        const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
        try {
          await handle.sync();
        } finally {
          await handle.close();
        }
      }),
    lock: path => lockFile(path),
  };
}

/** Owns a file handle and knows its end, so that writes which are not waited for keep their order. */
class OpenFile implements DiskFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #endBytes: number;
  /** Truncating changes where the next write goes, so both happen in the order of the calls. */
  #changes: Promise<unknown> = Promise.resolve();
  /** Writes go on beside them: a slow disk takes long to sync, and what is written meanwhile is the next one's. */
  #syncs: Promise<unknown> = Promise.resolve();

  constructor(path: string, handle: FileHandle, sizeBytes: number) {
    this.path = path;
    this.#handle = handle;
    this.#endBytes = sizeBytes;
  }

  sizeBytes(): Promise<Result<number, DiskError>> {
    return attempt('size', this.path, async () => (await this.#handle.stat()).size);
  }

  read(into: Uint8Array, position: number): Promise<Result<number, DiskError>> {
    return attempt('read', this.path, async () => {
      let count = 0;
      while (count < into.length) {
        const { bytesRead } = await this.#handle.read(into, count, into.length - count, position + count);
        if (bytesRead === 0) break;
        count += bytesRead;
      }
      return count;
    });
  }

  write(bytes: Uint8Array, position?: number): Promise<Result<void, DiskError>> {
    return this.#inOrder('write', async () => {
      const at = position ?? this.#endBytes;
      let done = 0;
      try {
        while (done < bytes.length) {
          const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, at + done);
          done += bytesWritten;
        }
      } finally {
        this.#endBytes = Math.max(this.#endBytes, at + done);
      }
    });
  }

  truncate(sizeBytes: number): Promise<Result<void, DiskError>> {
    return this.#inOrder('truncate', async () => {
      await this.#handle.truncate(sizeBytes);
      this.#endBytes = sizeBytes;
    });
  }

  sync(): Promise<Result<void, DiskError>> {
    const synced = this.#changes.then(() => attempt('sync', this.path, () => this.#handle.datasync()));
    this.#syncs = Promise.all([this.#syncs, synced]);
    return synced;
  }

  close(): Promise<Result<void, DiskError>> {
    return this.#inOrder('close', async () => {
      await this.#syncs;
      await this.#handle.close();
    });
  }

  #inOrder(op: string, work: () => Promise<void>): Promise<Result<void, DiskError>> {
    const result = this.#changes.then(() => attempt(op, this.path, work));
    this.#changes = result;
    return result;
  }
}

async function attempt<T>(op: string, path: string, work: () => Promise<T>): Promise<Result<T, DiskError>> {
  try {
    return ok(await work());
  } catch (error) {
    return err(diskError(op, path, error));
  }
}
