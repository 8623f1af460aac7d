// Snapshots and their restoring over a fake disk: whole or not at all, whatever fails and whenever power is lost; and manifests
// that other hands wrote.

import { describe, expect, it } from 'vitest';
import { crashingDisk } from '../../../test/support/crashing-disk.ts';
import { FakeDisk } from '../../../test/support/disk.ts';
import { seededRandom } from '../../../test/support/random.ts';
import { type Disk, err, ok } from '../../base/index.ts';
import type { Store } from '../../storage/index.ts';
import { decodeManifest, encodeManifest, MANIFEST_FILE, type Manifest } from './manifest.ts';
import { restoreSnapshot } from './restore.ts';
import { type SnapshotParts, snapshotTaker } from './take.ts';

const SNAPSHOTS = '/data/snapshots';
const NAME = '20260101T000000-000Z';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

async function write(disk: Disk, path: string, bytes: Uint8Array): Promise<boolean> {
  const file = await disk.open(path, 'create');
  if (!file.ok) return false;
  const written = await file.value.write(bytes);
  await file.value.close();
  return written.ok;
}

/** A store of two files, and a database of one. */
function partsOf(disk: Disk, order: string[] = []): SnapshotParts {
  const snapshot: Store['snapshot'] = async (folder, { name, onSettled }) => {
    order.push('settled');
    const beside = await onSettled?.();
    if (beside?.ok === false) return beside;
    order.push('copied');
    const made = await disk.makeFolder(`${folder}/${name}/block-00000001`);
    const done =
      made.ok &&
      (await write(disk, `${folder}/${name}/block-00000001/data`, text('samples '.repeat(1000)))) &&
      (await write(disk, `${folder}/${name}/FORMAT`, text('watchkeeper-store 4\n')));
    for (const path of ['/block-00000001/data', '/FORMAT']) {
      const file = await disk.open(`${folder}/${name}${path}`, 'update');
      if (!file.ok) return err({ code: 'disk-io', message: 'Cannot' });
      const synced = await file.value.sync();
      await file.value.close();
      if (!synced.ok) return err({ code: 'disk-io', message: 'Cannot' });
    }
    for (const path of ['/block-00000001', '']) {
      const synced = await disk.syncFolder(`${folder}/${name}${path}`);
      if (!synced.ok) return err({ code: 'disk-io', message: 'Cannot' });
    }
    return done ? ok(undefined) : err({ code: 'disk-io', message: 'Cannot' });
  };
  return {
    disk,
    store: { snapshot },
    state: {
      backup: async path => {
        order.push('database');
        return (await write(disk, path, text('rows')))
          ? ok(undefined)
          : err({ code: 'state-io', message: 'Cannot copy' });
      },
    },
    configShown: () => 'global: {}\n',
    nowMs: () => Date.UTC(2026, 0, 1),
    folder: SNAPSHOTS,
  };
}

async function taken(disk: Disk): Promise<string> {
  const snapshot = await snapshotTaker(partsOf(disk))({ name: NAME, skipHead: false });
  if (!snapshot.ok) throw new Error(snapshot.error.message);
  return snapshot.value.folder;
}

async function newDisk(): Promise<FakeDisk> {
  const disk = new FakeDisk();
  await disk.makeFolder('/data');
  await disk.syncFolder('/');
  return disk;
}

const list = async (disk: Disk, folder: string): Promise<readonly string[]> => {
  const names = await disk.list(folder);
  return names.ok ? names.value : [];
};

describe('a snapshot', () => {
  it('is restored to a folder with the same files', async () => {
    const disk = await newDisk();
    const from = await taken(disk);
    expect(from).toBe(`${SNAPSHOTS}/${NAME}`);
    const restored = await restoreSnapshot(disk, { from, to: '/else/where' });
    expect(restored).toMatchObject({ ok: true, value: { takenAtMs: Date.UTC(2026, 0, 1) } });
    expect(await list(disk, '/else/where')).toEqual(['config.yml', 'state.db', 'store']);
    const read = await disk.readFile('/else/where/store/block-00000001/data');
    expect(read.ok && new TextDecoder().decode(read.value)).toBe('samples '.repeat(1000));
    expect(await list(disk, '/else')).toEqual(['where']);
  });

  it('has a database that is not older than its samples', async () => {
    const order: string[] = [];
    await snapshotTaker(partsOf(await newDisk(), order))({ name: NAME, skipHead: false });
    expect(order).toEqual(['settled', 'database', 'copied']);
  });

  it('waits for the one before it, and clears up after those that never ended', async () => {
    const disk = await newDisk();
    await disk.makeFolder(`${SNAPSHOTS}/old.new/store`);
    const take = snapshotTaker(partsOf(disk));
    const both = await Promise.all(['one', 'two'].map(name => take({ name, skipHead: true })));
    expect(both.map(one => one.ok)).toEqual([true, true]);
    expect(await list(disk, SNAPSHOTS)).toEqual(['one', 'two']);
    expect(await take({ name: '../out', skipHead: true })).toMatchObject({
      ok: false,
      error: { code: 'bad-name' },
    });
  });

  it('in which any call of the disk fails leaves nothing, or all', async () => {
    const probe = await newDisk();
    const first = probe.calls;
    await taken(probe);
    const calls = probe.calls - first;
    for (let n = 1; n <= calls; n++) {
      const disk = await newDisk();
      disk.failAt(n);
      const snapshot = await snapshotTaker(partsOf(disk))({ name: NAME, skipHead: false });
      const names = await list(disk, SNAPSHOTS);
      if (snapshot.ok) expect(names).toEqual([NAME]);
      else expect(names.filter(name => !name.endsWith('.new') && name !== NAME)).toEqual([]);
      for (const name of names.filter(one => !one.endsWith('.new')))
        expect(
          await restoreSnapshot(disk, { from: `${SNAPSHOTS}/${name}`, to: '/r' }),
          `call ${n}`,
        ).toMatchObject({
          ok: true,
        });
      const again = await snapshotTaker(partsOf(disk))({ name: 'again', skipHead: false });
      expect(again.ok, `call ${n}`).toBe(true);
      expect((await list(disk, SNAPSHOTS)).filter(name => name.endsWith('.new'))).toEqual([]);
    }
  });

  it('that loses power at any call of the disk is there whole, or not under its name', async () => {
    const probe = await newDisk();
    const first = probe.calls;
    await taken(probe);
    const calls = probe.calls - first;
    let whole = 0;
    for (let n = 1; n <= calls + 1; n++) {
      for (const seed of [2 * n, 2 * n + 1]) {
        const disk = await newDisk();
        const crashing = crashingDisk(disk, { call: n, seed });
        await Promise.race([
          snapshotTaker(partsOf(crashing.disk))({ name: NAME, skipHead: false }),
          crashing.crashed,
        ]);
        if (!(await list(disk, SNAPSHOTS)).includes(NAME)) continue;
        whole++;
        const restored = await restoreSnapshot(disk, { from: `${SNAPSHOTS}/${NAME}`, to: '/r' });
        expect(restored, `call ${n}`).toMatchObject({ ok: true });
      }
    }
    expect(whole).toBeGreaterThan(0);
  });
});

describe('restoring', () => {
  it.each([
    [
      'a folder that is no snapshot',
      async (disk: FakeDisk, from: string) => void (await disk.remove(`${from}/${MANIFEST_FILE}`)),
      'disk-not-found',
      'no snapshot',
    ],
    [
      'a missing file',
      async (disk: FakeDisk, from: string) => void (await disk.remove(`${from}/state.db`)),
      'snapshot-damaged',
      'missing',
    ],
    [
      'a changed file',
      async (disk: FakeDisk, from: string) => {
        const file = await disk.open(`${from}/store/block-00000001/data`, 'update');
        if (file.ok) await file.value.write(text('X'), 100);
      },
      'snapshot-damaged',
      'checksum',
    ],
    [
      'a file of another length',
      async (disk: FakeDisk, from: string) => {
        const file = await disk.open(`${from}/config.yml`, 'append');
        if (file.ok) await file.value.write(text('x'));
      },
      'snapshot-damaged',
      'bytes in place of',
    ],
    [
      'a manifest that was changed',
      async (disk: FakeDisk, from: string) => {
        const file = await disk.open(`${from}/${MANIFEST_FILE}`, 'update');
        if (file.ok) await file.value.write(text('7'), 30);
      },
      'snapshot-damaged',
      'makes no sense',
    ],
  ])('refuses %s', async (_, spoil, code, says) => {
    const disk = await newDisk();
    const from = await taken(disk);
    await spoil(disk, from);
    const refused = await restoreSnapshot(disk, { from, to: '/r' });
    expect(refused).toMatchObject({ ok: false, error: { code, message: expect.stringContaining(says) } });
    expect(await list(disk, '/')).toEqual(['data']);
  });

  it('refuses a folder that is not empty, and takes one that is', async () => {
    const disk = await newDisk();
    const from = await taken(disk);
    await disk.makeFolder('/r/x');
    expect(await restoreSnapshot(disk, { from, to: '/r' })).toMatchObject({
      ok: false,
      error: { code: 'restore-not-empty' },
    });
    await disk.remove('/r/x');
    expect(await restoreSnapshot(disk, { from, to: '/r' })).toMatchObject({ ok: true });
  });

  it('in which any call of the disk fails leaves no folder, or a whole one, and can be done again', async () => {
    const probe = await newDisk();
    const from = await taken(probe);
    const first = probe.calls;
    await restoreSnapshot(probe, { from, to: '/r' });
    const calls = probe.calls - first;
    for (let n = 1; n <= calls; n++) {
      const disk = await newDisk();
      await taken(disk);
      disk.failAt(n);
      const restored = await restoreSnapshot(disk, { from, to: '/r' });
      const names = await list(disk, '/r');
      if (restored.ok) expect(names).toEqual(['config.yml', 'state.db', 'store']);
      // Only where the rename has come to pass, and its sync has not.
      else if (names.length > 0) expect(names).toEqual(['config.yml', 'state.db', 'store']);
      else expect(await restoreSnapshot(disk, { from, to: '/r' }), `call ${n}`).toMatchObject({ ok: true });
    }
  });

  it('that loses power at any call of the disk leaves no folder, or a whole one', async () => {
    const probe = await newDisk();
    const from = await taken(probe);
    const first = probe.calls;
    await restoreSnapshot(probe, { from, to: '/r' });
    const calls = probe.calls - first;
    for (let n = 1; n <= calls + 1; n++) {
      for (const seed of [2 * n, 2 * n + 1]) {
        const disk = await newDisk();
        await taken(disk);
        const crashing = crashingDisk(disk, { call: n, seed });
        await Promise.race([restoreSnapshot(crashing.disk, { from, to: '/r' }), crashing.crashed]);
        const names = await list(disk, '/r');
        if (names.length === 0)
          expect(await restoreSnapshot(disk, { from, to: '/r' })).toMatchObject({ ok: true });
        else expect(names).toEqual(['config.yml', 'state.db', 'store']);
        const read = await disk.readFile('/r/store/block-00000001/data');
        expect(read.ok && new TextDecoder().decode(read.value), `call ${n}`).toBe('samples '.repeat(1000));
      }
    }
  });
});

describe('a manifest', () => {
  const manifest: Manifest = {
    takenAtMs: Date.UTC(2026, 0, 31, 12),
    program: '0.1.0',
    storeFormat: 4,
    stateVersion: 4,
    files: [
      { path: 'store/block-00000001/data', bytes: 8192, crc32c: 0x0a1b2c3d },
      { path: 'a file with spaces', bytes: 0, crc32c: 0xffffffff },
    ],
  };

  it('reads as it was written', () => {
    expect(decodeManifest(encodeManifest(manifest))).toEqual({ ok: true, value: manifest });
    const lines = new TextDecoder().decode(encodeManifest(manifest)).split('\n');
    expect(lines[0]).toBe('watchkeeper-snapshot 1');
    expect(lines[5]).toBe('file 0a1b2c3d 8192 store/block-00000001/data');
  });

  it('of any other bytes is damaged, or newer, and never names a path that leads out', () => {
    const bytes = encodeManifest(manifest);
    const random = seededRandom(1);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ (1 << (random.uint32() % 8));
      expect(decodeManifest(changed).ok, `byte ${at}`).toBe(false);
      expect(decodeManifest(bytes.slice(0, at)).ok).toBe(false);
    }
    for (const path of ['/etc/passwd', '../x', 'a/../../b', 'a//b', './a', ''])
      expect(
        decodeManifest(encodeManifest({ ...manifest, files: [{ path, bytes: 1, crc32c: 1 }] })).ok,
        path,
      ).toBe(false);
    expect(decodeManifest(text('watchkeeper-snapshot 2\n'))).toEqual({ ok: false, error: 'newer' });
  });
});
