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

/** `free`: nobody has it open. `unknown`: there are signs that somebody has, and who cannot be seen. */
export type Holder =
  | { readonly kind: 'free' }
  | { readonly kind: 'held'; readonly pid: number }
  | { readonly kind: 'unknown' };

/** A log that was written so lately may be written still: scrapes are seldom further apart. */
const FRESH_MS = 120_000;

/**
 * The file `lock` is locked by means that the system forgets with the process, and some builds have none: what counts is
 * whether a process has files of the folder open. Linux says so in /proc/PID/fd, of other users' processes to root only.
 */
export async function holderOf(disk: Disk, folder: string, nowMs: number): Promise<Holder> {
  const target = await disk.readLink(folder);
  const roots = [folder, ...(target.ok ? [target.value] : [])].map(root => root.replace(/\/+$/, ''));
  const isInside = (path: string): boolean =>
    roots.some(
      root => path === `${root}/lock` || HEAD_FOLDERS.some(name => path.startsWith(`${root}/${name}`)),
    );
  const processes = await disk.list('/proc');
  let unseen = !processes.ok;
  for (const pid of processes.ok ? processes.value.filter(name => /^\d+$/.test(name)) : []) {
    const files = await disk.list(`/proc/${pid}/fd`);
    if (!files.ok) {
      // One that has ended meanwhile is none.
      unseen ||= files.error.code === 'disk-denied';
      continue;
    }
    for (const fd of files.value) {
      const link = await disk.readLink(`/proc/${pid}/fd/${fd}`);
      if (link.ok && isInside(link.value)) return { kind: 'held', pid: Number(pid) };
    }
  }
  return unseen && (await looksHeld(disk, folder, nowMs)) ? { kind: 'unknown' } : { kind: 'free' };
}

const HEAD_FOLDERS: readonly string[] = ['wal', 'wbl', 'chunks_head'];

async function looksHeld(disk: Disk, folder: string, nowMs: number): Promise<boolean> {
  if ((await disk.stat(`${folder}/lock`)).ok) return true;
  const names = await disk.list(`${folder}/wal`);
  const last = names.ok ? names.value.filter(name => /^\d+$/.test(name)).at(-1) : undefined;
  const log = last === undefined ? undefined : await disk.stat(`${folder}/wal/${last}`);
  return log?.ok === true && nowMs - log.value.modifiedMs < FRESH_MS;
}
