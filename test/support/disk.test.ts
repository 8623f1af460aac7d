// The fake disk: the contract, and what only it can do (crashes and injected failures).

import { describe, expect, it } from 'vitest';
import type { DiskFile } from '../../src/base/index.ts';
import { diskContract } from './contracts/disk.ts';
import { FakeDisk } from './disk.ts';

diskContract('fake', async () => {
  const disk = new FakeDisk();
  disk.putFolder('/data');
  return {
    disk,
    folder: '/data',
    link: async (target, path) => disk.putLink(path, target),
    close: async () => {},
  };
});

async function create(disk: FakeDisk, path: string): Promise<DiskFile> {
  const file = await disk.open(path, 'create');
  if (!file.ok) throw new Error(file.error.message);
  return file.value;
}

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

describe('a crash of the fake disk', () => {
  it('keeps what was synced, the file and its entry', async () => {
    for (const seed of SEEDS) {
      const disk = new FakeDisk();
      const file = await create(disk, '/a');
      await file.write(new Uint8Array(9000).fill(1));
      await file.sync();
      await disk.syncFolder('/');
      await file.write(new Uint8Array(20_000).fill(2));
      disk.crash({ seed });
      const left = disk.bytesOf('/a');
      expect(
        left?.subarray(0, 9000).every(byte => byte === 1),
        `seed ${seed}`,
      ).toBe(true);
    }
  });

  it('over the seeds loses all, part or none of what was not synced, and tears a page', async () => {
    const sizes = new Set<number>();
    const entries = new Set<boolean>();
    for (const seed of SEEDS) {
      const disk = new FakeDisk();
      const file = await create(disk, '/a');
      await disk.syncFolder('/');
      await file.write(new Uint8Array(12_288).fill(1));
      await create(disk, '/b');
      disk.crash({ seed });
      sizes.add(disk.bytesOf('/a')?.length ?? -1);
      entries.add(disk.bytesOf('/b') !== undefined);
    }
    expect(sizes.has(0) && sizes.has(12_288)).toBe(true);
    expect([...sizes].some(size => size > 0 && size < 12_288 && size % 4096 !== 0)).toBe(true);
    expect(entries).toEqual(new Set([true, false]));
  });

  it('leaves a rename either done or undone, never both names or none', async () => {
    const seen = new Set<string>();
    for (const seed of SEEDS) {
      const disk = new FakeDisk();
      disk.putFile('/old', 'x');
      disk.putFolder('/sub');
      await disk.rename('/old', '/sub/new');
      disk.crash({ seed });
      seen.add(disk.paths().join());
    }
    expect(seen).toEqual(new Set(['/old', '/sub/new']));
  });

  it('is the same for the same seed', async () => {
    const leave = async (seed: number): Promise<string> => {
      const disk = new FakeDisk();
      for (const name of ['/a', '/b', '/c'])
        await (await create(disk, name)).write(new Uint8Array(9999).fill(7));
      disk.crash({ seed });
      return disk
        .paths()
        .map(path => `${path}:${disk.bytesOf(path)?.length}`)
        .join();
    };
    for (const seed of SEEDS.slice(0, 10)) expect(await leave(seed)).toBe(await leave(seed));
  });

  it('releases locks, and what the dead process had open never answers again', async () => {
    const disk = new FakeDisk();
    const mount = disk.mount();
    const file = await create(disk, '/a');
    await disk.lock('/lock');
    disk.crash({ seed: 1 });
    expect((await disk.lock('/lock')).ok).toBe(true);
    const answered = await Promise.race([
      file.write(new Uint8Array(1)).then(() => 'answered'),
      mount.list('/').then(() => 'answered'),
      new Promise(resolve => setImmediate(resolve, 'silent')),
    ]);
    expect(answered).toBe('silent');
    expect((await disk.mount().list('/')).ok).toBe(true);
  });
});

describe('the death of the process', () => {
  it('keeps everything written', async () => {
    const disk = new FakeDisk();
    await (await create(disk, '/a')).write(new TextEncoder().encode('kept'));
    disk.killProcess();
    expect(disk.textOf('/a')).toBe('kept');
  });
});

describe('injected failures', () => {
  it('fails the n-th call from now, a write leaving half of its bytes', async () => {
    const disk = new FakeDisk();
    const file = await create(disk, '/a');
    disk.failAt(2, 'disk-io');
    expect((await file.write(new Uint8Array(4).fill(1))).ok).toBe(true);
    expect(await file.write(new Uint8Array(4).fill(2))).toMatchObject({
      ok: false,
      error: { code: 'disk-io' },
    });
    expect([...(disk.bytesOf('/a') ?? [])]).toEqual([1, 1, 1, 1, 2, 2]);
    expect((await file.write(new Uint8Array(1))).ok).toBe(true);
    expect(disk.callsOf('write')).toBe(3);
  });

  it('lets nothing grow while full, and goes on afterwards', async () => {
    const disk = new FakeDisk();
    const file = await create(disk, '/a');
    await file.write(new Uint8Array(100));
    disk.setFull(true);
    expect(await file.write(new Uint8Array(5000))).toMatchObject({ ok: false, error: { code: 'disk-full' } });
    expect((await file.write(new Uint8Array(10), 0)).ok).toBe(true);
    disk.setFull(false);
    expect((await file.write(new Uint8Array(5000))).ok).toBe(true);
  });

  it('fails calls on one path only', async () => {
    const disk = new FakeDisk();
    disk.putFile('/a', 'a');
    disk.putFile('/b', 'b');
    disk.failPath('/a', 'disk-denied');
    expect(await disk.readFile('/a')).toMatchObject({ ok: false, error: { code: 'disk-denied' } });
    expect((await disk.readFile('/b')).ok).toBe(true);
    disk.failPath('/a', undefined);
    expect((await disk.readFile('/a')).ok).toBe(true);
  });
});
