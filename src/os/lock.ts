// An exclusive lock as a file that names its holder. Node has no flock, so a lock that a dead process left behind is
// told from a live one by process id, the process's start time and the machine's boot id: an id that was given to
// another process, or a reboot, does not keep the folder locked.

import { readFileSync } from 'node:fs';
import { link, open, readFile, unlink } from 'node:fs/promises';
import { type DiskError, type DiskLock, err, ok, type Result } from '../base/index.ts';
import { diskError, errorName } from './disk-errors.ts';

interface Holder {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks after boot. Empty where there is no /proc. */
  readonly start: string;
  readonly boot: string;
  /** Tells apart the locks of one process. */
  readonly token: string;
}

/** Attempts to take over a stale lock before giving up: others may be at it at the same time. */
const TAKEOVERS_MAX = 3;

export async function lockFile(path: string): Promise<Result<DiskLock, DiskError>> {
  const me: Holder = {
    pid: process.pid,
    start: startOf(process.pid),
    boot: bootId(),
    token: crypto.randomUUID(),
  };
  try {
    for (let i = 0; i <= TAKEOVERS_MAX; i++) {
      if (await publish(path, me)) return ok({ release: () => release(path, me) });
      const holder = await holderOf(path);
      if (holder === 'gone') continue;
      if (holder !== 'unreadable' && isAlive(holder)) return err(lockedBy(path, `process ${holder.pid}`));
      const taken = await removeStale(path, holder, me);
      if (typeof taken === 'object')
        return err(lockedBy(path, `process ${taken.by}, which is taking it over`));
    }
    return err(lockedBy(path, 'another process (it was taken over meanwhile)'));
  } catch (error) {
    return err(diskError('lock', path, error));
  }
}

/** Writes the whole content first and links it into place: a lock file is never seen half written. */
async function publish(path: string, me: Holder): Promise<boolean> {
  const draft = `${path}.${me.token}.${crypto.randomUUID()}`;
  const file = await open(draft, 'wx', 0o640);
  try {
    await file.writeFile(`${JSON.stringify(me)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (errorName(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(draft);
  }
}

async function holderOf(path: string): Promise<Holder | 'unreadable' | 'gone'> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errorName(error) === 'ENOENT') return 'gone';
    throw error;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return 'unreadable';
    const { pid, start, boot, token } = value as Readonly<Record<string, unknown>>;
    if (typeof pid !== 'number' || typeof start !== 'string') return 'unreadable';
    if (typeof boot !== 'string' || typeof token !== 'string') return 'unreadable';
    return { pid, start, boot, token };
  } catch {
    return 'unreadable';
  }
}

/**
 * Removes the lock of a dead process. Two that find it must not both do so: the slower would remove the lock that the faster has
 * put in its place. So only who has made the marker named after that lock may; where the maker of a marker is dead too, who
 * has made the marker named after that one. A name is made once, so that at any time one at most has the right to it.
 */
async function removeStale(path: string, stale: Holder | 'unreadable', me: Holder): Promise<Taken> {
  const markers: string[] = [];
  let dead: Holder | 'unreadable' = stale;
  for (let i = 0; i < MARKERS_MAX; i++) {
    const marker = `${path}.${dead === 'unreadable' ? 'unreadable' : nameOf(dead)}.taken`;
    markers.push(marker);
    if (await publish(marker, me)) {
      await takeOver(path, stale, markers);
      return 'over';
    }
    const taker = await holderOf(marker);
    if (taker === 'gone') return 'over';
    if (taker !== 'unreadable' && isAlive(taker)) return { by: taker.pid };
    dead = taker;
  }
  return 'over';
}

/** Of a chain of processes that died while they took over. */
const MARKERS_MAX = 8;

type Taken = 'over' | { readonly by: number };

/** Tokens are ours; a file that somebody else has written may hold anything. */
function nameOf({ token }: Holder): string {
  return token.replaceAll(/[^\w-]/g, '_').slice(0, 64);
}

/** With the right to it. It may have been removed, and another put there, before that was had. */
async function takeOver(
  path: string,
  stale: Holder | 'unreadable',
  markers: readonly string[],
): Promise<void> {
  try {
    const found = await holderOf(path);
    const isSame =
      found === stale ||
      (typeof found === 'object' && typeof stale === 'object' && found.token === stale.token);
    if (isSame) await unlink(path);
  } finally {
    // Ours last: nobody may follow in the chain while an earlier one is there.
    for (const marker of markers) await unlink(marker).catch(() => {});
  }
}

async function release(path: string, me: Holder): Promise<void> {
  try {
    const holder = await holderOf(path);
    if (typeof holder === 'object' && holder.token === me.token) await unlink(path);
  } catch {
    // The file stays behind; the next process finds its holder dead and takes over.
  }
}

function isAlive(holder: Holder): boolean {
  if (holder.boot !== '' && holder.boot !== bootId()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to another user.
    if (errorName(error) === 'ESRCH') return false;
  }
  return holder.start === '' || holder.start === startOf(holder.pid);
}

function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in parentheses may itself hold spaces and parentheses; fields are counted after the last one.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

function lockedBy(path: string, holder: string): DiskError {
  return {
    code: 'disk-locked',
    op: 'lock',
    path,
    message: `Cannot lock "${path}": held by ${holder}; stop it first, or use another folder`,
  };
}
