// A snapshot becomes a data folder: looked through first, then copied beside the folder's place, then renamed. Whatever
// happens meanwhile, the folder is there whole or not at all.

import { copyFile, type Disk, type DiskError, err, ok, type Result } from '../../base/index.ts';
import { STATE_VERSION } from '../../state/index.ts';
import { FOLDER_FORMAT, removeTree } from '../../storage/index.ts';
import { foldersOf, sumFile } from './files.ts';
import { decodeManifest, MANIFEST_FILE, type Manifest } from './manifest.ts';

export interface RestoreFailure {
  readonly code:
    | DiskError['code']
    | 'snapshot-damaged'
    | 'storage-newer-format'
    | 'state-newer'
    | 'restore-not-empty';
  readonly message: string;
}

export async function restoreSnapshot(
  disk: Disk,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<Result<Manifest, RestoreFailure>> {
  const manifest = await readManifest(disk, from);
  if (!manifest.ok) return manifest;
  const empty = await expectEmpty(disk, to);
  if (!empty.ok) return empty;
  const sound = await compareSums(disk, from, manifest.value);
  if (!sound.ok) return sound;
  const passing = `${to}.restoring`;
  await removeTree(disk, passing);
  const copied = await copyAll(disk, { from, to: passing, manifest: manifest.value });
  const placed = copied.ok ? await place(disk, passing, to) : copied;
  if (placed.ok) return manifest;
  await removeTree(disk, passing);
  return failed(to, placed.error);
}

async function readManifest(disk: Disk, from: string): Promise<Result<Manifest, RestoreFailure>> {
  const path = `${from}/${MANIFEST_FILE}`;
  const read = await disk.readFile(path);
  if (!read.ok) {
    const why = read.error.code === 'disk-not-found' ? 'it is no snapshot, or not a whole one: ' : '';
    const message = `Cannot restore "${from}": ${why}"${path}": ${read.error.message}`;
    return err({ code: read.error.code, message });
  }
  const manifest = decodeManifest(read.value);
  if (!manifest.ok)
    return manifest.error === 'newer'
      ? newer('storage-newer-format', `the snapshot "${from}"`)
      : damaged(path, 'its checksum is wrong or it makes no sense');
  const { storeFormat, stateVersion } = manifest.value;
  if (storeFormat > FOLDER_FORMAT) return newer('storage-newer-format', `format ${storeFormat} of the store`);
  if (stateVersion > STATE_VERSION)
    return newer('state-newer', `version ${stateVersion} of the state database`);
  return manifest;
}

function newer(code: RestoreFailure['code'], what: string): Result<never, RestoreFailure> {
  return err({ code, message: `Cannot restore: ${what} is of a newer version; restore with that` });
}

async function expectEmpty(disk: Disk, to: string): Promise<Result<void, RestoreFailure>> {
  const names = await disk.list(to);
  if (!names.ok) return names.error.code === 'disk-not-found' ? ok(undefined) : failed(to, names.error);
  if (names.value.length === 0) return ok(undefined);
  return err({
    code: 'restore-not-empty',
    message: `Cannot restore to "${to}": the folder is not empty; move it away, or name another with --data`,
  });
}

async function compareSums(
  disk: Disk,
  from: string,
  manifest: Manifest,
): Promise<Result<void, RestoreFailure>> {
  for (const { path, bytes, crc32c } of manifest.files) {
    const found = await sumFile(disk, from, path);
    if (!found.ok)
      return found.error.code === 'disk-not-found'
        ? damaged(`${from}/${path}`, 'it is missing')
        : failed(from, found.error);
    if (found.value.bytes !== bytes)
      return damaged(`${from}/${path}`, `it has ${found.value.bytes} bytes in place of ${bytes}`);
    if (found.value.crc32c !== crc32c) return damaged(`${from}/${path}`, 'its checksum is wrong');
  }
  return ok(undefined);
}

function damaged(path: string, cause: string): Result<never, RestoreFailure> {
  return err({
    code: 'snapshot-damaged',
    message: `Cannot restore "${path}": ${cause}; take another snapshot, or look what "storage verify --repair" saves of a copy of this one`,
  });
}

async function copyAll(
  disk: Disk,
  { from, to, manifest }: { readonly from: string; readonly to: string; readonly manifest: Manifest },
): Promise<Result<void, DiskError>> {
  const paths = manifest.files.map(file => file.path);
  const folders = ['', ...foldersOf(paths).map(folder => `/${folder}`)];
  for (const folder of folders) {
    const made = await disk.makeFolder(`${to}${folder}`);
    if (!made.ok) return made;
  }
  for (const path of paths) {
    const copied = await copyFile(disk, { from: `${from}/${path}`, to: `${to}/${path}` });
    if (!copied.ok) return copied;
  }
  for (const folder of [...folders].reverse()) {
    const synced = await disk.syncFolder(`${to}${folder}`);
    if (!synced.ok) return synced;
  }
  return ok(undefined);
}

async function place(disk: Disk, passing: string, to: string): Promise<Result<void, DiskError>> {
  // An empty folder gives way.
  const left = await disk.remove(to);
  if (!left.ok && left.error.code !== 'disk-not-found') return left;
  const renamed = await disk.rename(passing, to);
  return renamed.ok ? disk.syncFolder(to.slice(0, Math.max(1, to.lastIndexOf('/')))) : renamed;
}

function failed(path: string, error: DiskError): Result<never, RestoreFailure> {
  return err({
    code: error.code,
    message: `Cannot restore to "${path}": ${error.op} "${error.path}": ${error.message}`,
  });
}
