// The store's folder: locked by one process, with a file that says which format it has.

import { type Disk, type DiskError, type DiskLock, err, ok, type Result } from '../base/index.ts';
import type { StoreFailure } from './store.ts';
import { writeSynced } from './synced-file.ts';

/**
 * Of the folder as a whole: which files there are and how they belong together. 2 has blocks; a version that knows only 1
 * would not see them. 3 has native histograms, start timestamps and exemplars, 4 records with CRC-32. A folder of an older one is
 * taken up as it is.
 */
export const FOLDER_FORMAT = 4;
export const FORMAT_FILE = 'FORMAT';
export const LOCK_FILE = 'LOCK';

export function formatText(): string {
  return `watchkeeper-store ${FOLDER_FORMAT}\n`;
}

/** Creates the folder if need be, takes the lock and checks the format. */
export async function claimFolder(disk: Disk, folder: string): Promise<Result<DiskLock, StoreFailure>> {
  const made = await disk.makeFolder(folder);
  if (!made.ok) return err(failureOf(folder, made.error));
  const locked = await disk.lock(`${folder}/${LOCK_FILE}`);
  if (!locked.ok) return err(failureOf(folder, locked.error));
  const checked = await checkFormat(disk, folder);
  if (checked.ok) return ok(locked.value);
  await locked.value.release();
  return checked;
}

/** Why the folder's format is not known here; undefined where it is, or cannot be told. */
export async function newerFormatIn(disk: Disk, folder: string): Promise<string | undefined> {
  const read = await disk.readFile(`${folder}/${FORMAT_FILE}`);
  const version = read.ok ? formatOf(read.value) : undefined;
  return version === undefined || version <= FOLDER_FORMAT ? undefined : newerText(folder, version);
}

/** Undefined where the file is damaged. */
function formatOf(bytes: Uint8Array): number | undefined {
  const match = /^watchkeeper-store (\d+)\n$/.exec(new TextDecoder().decode(bytes));
  return match === null ? undefined : Number(match[1]);
}

function newerText(folder: string, version: number): string {
  return `Cannot open the store in "${folder}": format ${version} was written by a newer version (this one knows ${FOLDER_FORMAT}); upgrade, or name another folder`;
}

async function checkFormat(disk: Disk, folder: string): Promise<Result<void, StoreFailure>> {
  const path = `${folder}/${FORMAT_FILE}`;
  const read = await disk.readFile(path);
  if (!read.ok && read.error.code !== 'disk-not-found') return err(failureOf(folder, read.error));
  if (read.ok) {
    const version = formatOf(read.value);
    if (version === FOLDER_FORMAT) return ok(undefined);
    // A file that was damaged does not make the data unreadable: each of its files has a version of its own.
    if (version === undefined || version < FOLDER_FORMAT) {
      // A full disk must not keep the store from opening: the next start tries again.
      await publishFile(disk, { folder, path }, formatText());
      return ok(undefined);
    }
    return err({ code: 'storage-newer-format', message: newerText(folder, version) });
  }
  const named = await syncAbove(disk, folder);
  if (!named.ok) return err(failureOf(folder, named.error));
  const written = await publishFile(disk, { folder, path }, formatText());
  return written.ok ? ok(undefined) : err(failureOf(folder, written.error));
}

/** A new folder's own name, and those of the parents made with it, must survive a loss of power as well. */
async function syncAbove(disk: Disk, folder: string): Promise<Result<void, DiskError>> {
  let at = folder.lastIndexOf('/');
  while (at >= 0) {
    const parent = folder.slice(0, Math.max(1, at));
    const synced = await disk.syncFolder(parent);
    // What may not be opened was not made here.
    if (!synced.ok && synced.error.code !== 'disk-denied') return synced;
    at = at === 0 ? -1 : folder.lastIndexOf('/', at - 1);
  }
  return ok(undefined);
}

/** Complete under a passing name first: whoever finds the file finds all of it. */
export async function publishFile(
  disk: Disk,
  place: { readonly folder: string; readonly path: string },
  text: string,
): Promise<Result<void, DiskError>> {
  const passing = `${place.path}.new`;
  const left = await disk.remove(passing);
  if (!left.ok && left.error.code !== 'disk-not-found') return left;
  const written = await writeSynced(disk, passing, new TextEncoder().encode(text));
  if (!written.ok) return written;
  const renamed = await disk.rename(passing, place.path);
  return renamed.ok ? disk.syncFolder(place.folder) : renamed;
}

function failureOf(folder: string, error: DiskError): StoreFailure {
  return {
    code: error.code,
    message: `Cannot open the store in "${folder}": ${error.op} "${error.path}": ${error.message}`,
  };
}
