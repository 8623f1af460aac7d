// A data folder of Prometheus: which blocks there are, and whether a running Prometheus holds it.

import { type Disk, type DiskError, ok, type Result } from '../../base/index.ts';
import type { DamageSink } from '../failure.ts';
import { type PrometheusMeta, parseMeta, ULID } from './meta.ts';

export interface FoundBlock {
  readonly folder: string;
  readonly meta: PrometheusMeta;
}

/** Oldest first. Blocks that another one was made of are left out, as Prometheus does; damaged ones are told. */
export async function findBlocks(
  disk: Disk,
  folder: string,
  damage: DamageSink,
): Promise<Result<readonly FoundBlock[], DiskError>> {
  const names = await disk.list(folder);
  if (!names.ok) return names;
  const found: FoundBlock[] = [];
  for (const name of names.value.filter(one => ULID.test(one))) {
    const path = `${folder}/${name}/meta.json`;
    const read = await disk.readFile(path);
    if (!read.ok) {
      if (read.error.code !== 'disk-not-found') return read;
      damage.add({ file: path, offset: 0, cause: 'the file is missing' });
      continue;
    }
    const meta = parseMeta(read.value);
    if (meta.ok) found.push({ folder: `${folder}/${name}`, meta: meta.value });
    else damage.add({ file: path, offset: 0, cause: meta.error });
  }
  const replaced = new Set(found.flatMap(({ meta }) => meta.parents));
  return ok(
    found
      .filter(({ meta }) => !replaced.has(meta.ulid))
      .sort((a, b) => a.meta.minMs - b.meta.minMs || a.meta.maxMs - b.meta.maxMs),
  );
}

/** `free`: nobody holds it. `unknown`: a lock is there, and who holds it cannot be seen. */
export type Holder =
  | { readonly kind: 'free' }
  | { readonly kind: 'held'; readonly pid: number }
  | { readonly kind: 'unknown' };

/**
 * Prometheus locks the file `lock` with flock, which the system forgets with the process: the file alone says nothing. Linux
 * lists such locks in /proc/locks, and what a process has open in /proc/PID/fd.
 */
export async function holderOf(disk: Disk, folder: string): Promise<Holder> {
  const lock = await disk.stat(`${folder}/lock`);
  if (!lock.ok) return lock.error.code === 'disk-not-found' ? { kind: 'free' } : { kind: 'unknown' };
  const locks = await disk.readFile('/proc/locks');
  if (!locks.ok) return { kind: 'unknown' };
  const text = new TextDecoder().decode(locks.value);
  const pids = new Set([...text.matchAll(/FLOCK\s+\S+\s+\S+\s+(\d+)/g)].map(match => Number(match[1])));
  // A folder may have several names, by links: the end of the path is compared.
  const end = `/${folder.split('/').filter(Boolean).at(-1) ?? ''}/lock`;
  let unseen = false;
  for (const pid of pids) {
    const files = await disk.list(`/proc/${pid}/fd`);
    if (!files.ok) {
      unseen ||= files.error.code !== 'disk-not-found';
      continue;
    }
    for (const fd of files.value) {
      const target = await disk.readLink(`/proc/${pid}/fd/${fd}`);
      if (target.ok && target.value.endsWith(end)) return { kind: 'held', pid };
    }
  }
  return unseen ? { kind: 'unknown' } : { kind: 'free' };
}
