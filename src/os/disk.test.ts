// The real disk: the contract, the system's refusals, and locks of processes that live or died.

import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { diskContract } from '../../test/support/contracts/disk.ts';
import { diskError } from './disk-errors.ts';
import { systemDisk } from './index.ts';

const folders: string[] = [];

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-disk-'));
  folders.push(folder);
  return folder;
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

diskContract('real', async () => ({
  disk: systemDisk(),
  folder: newFolder(),
  link: async (target, path) => symlinkSync(target, path),
  close: async () => {},
}));

describe('errors of the system', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['ENOSPC', 'disk-full'],
    ['EDQUOT', 'disk-full'],
    ['EACCES', 'disk-denied'],
    ['EROFS', 'disk-denied'],
    ['EMFILE', 'disk-io'],
    ['EIO', 'disk-io'],
  ];
  it.each(cases)('takes %s for %s', (name, code) => {
    const error = diskError(
      'write',
      '/a',
      Object.assign(new Error(`${name}: low level words`), { code: name }),
    );
    expect(error).toMatchObject({ code, op: 'write', path: '/a' });
    expect(error.message).toMatch(/^Cannot write "\/a": /);
  });

  it('names the limit to raise when there are too many open files', () => {
    expect(diskError('open', '/a', Object.assign(new Error(''), { code: 'EMFILE' })).message).toContain(
      'ulimit -n',
    );
  });

  it.skipIf(process.getuid?.() === 0)('answers disk-denied without permission', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'a'), '');
    chmodSync(join(folder, 'a'), 0);
    expect(await systemDisk().open(join(folder, 'a'), 'read')).toMatchObject({
      ok: false,
      error: { code: 'disk-denied' },
    });
  });

  it.skipIf(!existsSync('/dev/full'))('answers disk-full from a device that is', async () => {
    const file = await systemDisk().open('/dev/full', 'update');
    if (!file.ok) throw new Error(file.error.message);
    expect(await file.value.write(new Uint8Array(10))).toMatchObject({
      ok: false,
      error: { code: 'disk-full' },
    });
    await file.value.close();
  });
});

describe('locks between processes', () => {
  /** Writes the lock file that a process of ours would write. */
  function putLock(path: string, change: Readonly<Record<string, unknown>>): void {
    const boot = existsSync('/proc/sys/kernel/random/boot_id')
      ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
      : '';
    writeFileSync(path, JSON.stringify({ pid: 1, start: '', boot, token: 'other', ...change }));
  }

  async function tryLock(change: Readonly<Record<string, unknown>> | string): Promise<string> {
    const folder = newFolder();
    const path = join(folder, 'lock');
    if (typeof change === 'string') writeFileSync(path, change);
    else putLock(path, change);
    const lock = await systemDisk().lock(path);
    if (!lock.ok) return lock.error.message;
    await lock.value.release();
    expect(readdirSync(folder)).toEqual([]);
    return 'taken';
  }

  it('refuses the lock of a process that lives, naming it', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    try {
      await new Promise(resolve => child.once('spawn', resolve));
      expect(await tryLock({ pid: child.pid })).toContain(`held by process ${child.pid}`);
    } finally {
      child.kill('SIGKILL');
      await new Promise(resolve => child.once('close', resolve));
    }
    expect(await tryLock({ pid: child.pid })).toBe('taken');
  });

  it.skipIf(!existsSync('/proc/self/stat'))(
    'takes over when the id belongs to another process now',
    async () => {
      expect(await tryLock({ pid: process.pid, start: '1' })).toBe('taken');
    },
  );

  it.skipIf(!existsSync('/proc/sys/kernel/random/boot_id'))('takes over after a reboot', async () => {
    expect(await tryLock({ pid: process.pid, boot: 'another boot' })).toBe('taken');
  });

  for (const text of ['', 'garbage', '{"pid":"x"}', '[]', 'null']) {
    it(`takes over a lock file that holds ${JSON.stringify(text)}`, async () => {
      expect(await tryLock(text)).toBe('taken');
    });
  }

  it('lets exactly one of many take over a stale lock, also of one that died while it did so', async () => {
    const disk = systemDisk();
    for (let round = 0; round < 60; round++) {
      const folder = newFolder();
      const path = join(folder, 'lock');
      putLock(path, { pid: 2 ** 22 + 1, token: 'dead' });
      if (round % 3 === 1) putLock(`${path}.dead.taken`, { pid: 2 ** 22 + 2, token: 'dead too' });
      // They come at once, or one behind the other.
      const results = await Promise.all(
        Array.from({ length: 10 }, async (_, i) => {
          for (let turn = 0; turn < (i * round) % 7; turn++) await Promise.resolve();
          return disk.lock(path);
        }),
      );
      const taken = results.filter(result => result.ok);
      expect(taken).toHaveLength(1);
      for (const { value } of taken) await value.release();
      expect(readdirSync(folder)).toEqual([]);
    }
  });
});
