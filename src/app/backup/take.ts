// A snapshot of everything while the program runs: samples, state database and the configuration as it is shown. It is a data
// folder of its own, and appears under its name only when it is whole and durable.

import { type Disk, type DiskError, err, ok, type Result } from '../../base/index.ts';
import type { StateStore } from '../../model/index.ts';
import { STATE_VERSION } from '../../state/index.ts';
import { type AdminFailure, FOLDER_FORMAT, removeTree, type Store } from '../../storage/index.ts';
import { VERSION } from '../version.ts';
import { filesBelow, sumFile } from './files.ts';
import { encodeManifest, MANIFEST_FILE, type ManifestFile } from './manifest.ts';

export interface SnapshotParts {
  readonly disk: Disk;
  readonly store: Pick<Store, 'snapshot'>;
  readonly state: Pick<StateStore, 'backup'>;
  /** YAML without secrets. */
  configShown(): string;
  nowMs(): number;
  /** Of all snapshots. */
  readonly folder: string;
}

export interface SnapshotAsked {
  readonly name: string;
  readonly skipHead: boolean;
}

type Taken = Result<{ readonly folder: string }, AdminFailure>;

/** Takes one at a time. */
export function snapshotTaker(parts: SnapshotParts): (asked: SnapshotAsked) => Promise<Taken> {
  let last: Promise<unknown> = Promise.resolve();
  return asked => {
    const mine = last.then(() => takeSnapshot(parts, asked));
    last = mine;
    return mine;
  };
}

async function takeSnapshot(parts: SnapshotParts, { name, skipHead }: SnapshotAsked): Promise<Taken> {
  const { disk, folder } = parts;
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(name))
    return err({
      code: 'bad-name',
      message: `Cannot name a snapshot "${name}": letters, digits, "-" and "_" expected`,
    });
  const made = await disk.makeFolder(folder);
  const above = made.ok ? await disk.syncFolder(folder.slice(0, folder.lastIndexOf('/'))) : made;
  if (!above.ok) return failed(above.error);
  await removeUnfinished(disk, folder);
  const passing = `${folder}/${name}.new`;
  const filled = await fill(parts, passing, skipHead);
  if (!filled.ok) {
    await removeTree(disk, passing);
    return filled;
  }
  const target = `${folder}/${name}`;
  const renamed = await disk.rename(passing, target);
  const named = renamed.ok ? await disk.syncFolder(folder) : renamed;
  if (named.ok) return ok({ folder: target });
  if (!renamed.ok) await removeTree(disk, passing);
  return failed(named.error);
}

/** Of processes that ended meanwhile. */
async function removeUnfinished(disk: Disk, folder: string): Promise<void> {
  const names = await disk.list(folder);
  for (const name of names.ok ? names.value : [])
    if (name.endsWith('.new')) await removeTree(disk, `${folder}/${name}`);
}

async function fill(
  parts: SnapshotParts,
  passing: string,
  skipHead: boolean,
): Promise<Result<void, AdminFailure>> {
  const { disk, store, state } = parts;
  const made = await disk.makeFolder(passing);
  if (!made.ok) return failed(made.error);
  const statePath = `${passing}/state.db`;
  // Behind the samples: a message that was sent is known to have been sent, whatever of its samples is not there.
  const onSettled = async (): Promise<Result<void, AdminFailure>> => {
    const copied = await state.backup(statePath);
    return copied.ok ? ok(undefined) : err({ code: 'state-io', message: copied.error.message });
  };
  const copied = await store.snapshot(passing, { name: 'store', skipHead, onSettled });
  if (!copied.ok) return copied;
  const synced = await syncFile(disk, statePath);
  if (!synced.ok) return failed(synced.error);
  const config = new TextEncoder().encode(parts.configShown());
  const shown = await writeNew(disk, `${passing}/config.yml`, config);
  if (!shown.ok) return failed(shown.error);
  const manifest = await manifestOf(parts, passing);
  if (!manifest.ok) return failed(manifest.error);
  const told = await writeNew(disk, `${passing}/${MANIFEST_FILE}`, manifest.value);
  const named = told.ok ? await disk.syncFolder(passing) : told;
  return named.ok ? ok(undefined) : failed(named.error);
}

/** Read back: what is on the disk, not what was meant to be. */
async function manifestOf(parts: SnapshotParts, folder: string): Promise<Result<Uint8Array, DiskError>> {
  const { disk } = parts;
  const paths = await filesBelow(disk, folder);
  if (!paths.ok) return paths;
  const files: ManifestFile[] = [];
  for (const path of paths.value) {
    const file = await sumFile(disk, folder, path);
    if (!file.ok) return file;
    files.push(file.value);
  }
  return ok(
    encodeManifest({
      takenAtMs: parts.nowMs(),
      program: VERSION,
      storeFormat: FOLDER_FORMAT,
      stateVersion: STATE_VERSION,
      files,
    }),
  );
}

async function writeNew(disk: Disk, path: string, bytes: Uint8Array): Promise<Result<void, DiskError>> {
  const opened = await disk.open(path, 'create');
  if (!opened.ok) return opened;
  const written = await opened.value.write(bytes, 0);
  const synced = written.ok ? await opened.value.sync() : written;
  const closed = await opened.value.close();
  return synced.ok ? closed : synced;
}

async function syncFile(disk: Disk, path: string): Promise<Result<void, DiskError>> {
  const opened = await disk.open(path, 'update');
  if (!opened.ok) return opened;
  const synced = await opened.value.sync();
  const closed = await opened.value.close();
  return synced.ok ? closed : synced;
}

function failed(error: DiskError): Result<never, AdminFailure> {
  return err({
    code: error.code,
    message: `Cannot take a snapshot: ${error.op} "${error.path}": ${error.message}`,
  });
}
