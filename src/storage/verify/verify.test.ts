// A look through a store's folder: silent about a sound one, finds whatever is damaged, and a repair loses nothing that can
// be read, whatever happens while it works.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/clock.ts';
import { crashingDisk } from '../../../test/support/crashing-disk.ts';
import type { FakeDisk } from '../../../test/support/disk.ts';
import { seededRandom } from '../../../test/support/random.ts';
import { crc32c, type Disk } from '../../base/index.ts';
import { diskWith, FOLDER, filed, filesIn, opened, overwrite, samplesOf } from '../testdata/filled.ts';
import type { VerifyReport } from './verify.ts';
import { verifyStore } from './verify.ts';

const clock = new FakeClock();
/** Made once: each test works on a disk of its own with the same files. */
const ready = filed(7, { hours: 6, series: 6 });
const PAGE = 4096;

async function verify(disk: Disk, repair = false): Promise<VerifyReport> {
  const report = await verifyStore({ disk, clock, folder: FOLDER, repair });
  if (!report.ok) throw new Error(report.error.message);
  return report.value;
}

const errorsIn = (findings: VerifyReport['findings']) => findings.filter(one => one.severity === 'error');

async function contentOf(disk: FakeDisk): Promise<ReadonlyMap<string, string>> {
  const store = await opened({ clock: new FakeClock(clock.nowMs() + 6 * 3_600_000) }, disk.mount());
  const samples = await samplesOf(store);
  await store.close();
  return samples;
}

/** Samples of one that the other lacks, or has otherwise. */
function missing(of: ReadonlyMap<string, string>, from: ReadonlyMap<string, string>): readonly string[] {
  return [...of].filter(([key, text]) => from.get(key) !== text).map(([key]) => key);
}

const named = (files: ReadonlyMap<string, unknown>, pattern: RegExp): string => {
  const found = [...files.keys()].find(path => pattern.test(path));
  if (found === undefined) throw new Error(`no file like ${pattern}`);
  return found;
};

describe('a sound store', () => {
  it('gives no findings, and nothing in it is changed', async () => {
    const { files } = await ready;
    const disk = await diskWith(files);
    const report = await verify(disk.mount());
    expect(report.findings).toEqual([]);
    expect(report.mode).toBe('alone');
    expect(report.counts.blocks).toBeGreaterThan(1);
    expect(report.counts.blockSamples).toBeGreaterThan(1000);
    expect(report.counts.chunks).toBeGreaterThan(1);
    expect(report.counts.openSamples).toBeGreaterThan(10);
    const after = await filesIn(disk, FOLDER);
    for (const [path, bytes] of files) expect(after.get(path)).toEqual(bytes);
  });

  it('is looked at beside the program that has it, and not repaired', async () => {
    const { files } = await ready;
    const disk = await diskWith(files);
    const mount = disk.mount();
    const store = await opened({ clock: new FakeClock(clock.nowMs() + 6 * 3_600_000) }, mount);
    const report = await verify(mount);
    expect([report.mode, report.findings]).toEqual(['beside', []]);
    const refused = await verifyStore({ disk: mount, clock, folder: FOLDER, repair: true });
    expect(refused).toMatchObject({ ok: false, error: { code: 'disk-locked' } });
    await store.close();
  });

  it('is told from a folder that is none, and from one of a newer version', async () => {
    const { files } = await ready;
    const disk = await diskWith(files);
    const none = await verifyStore({ disk, clock, folder: '/data', repair: false });
    expect(none).toMatchObject({ ok: false, error: { code: 'disk-not-found' } });
    await overwrite(disk, `${FOLDER}/FORMAT`, 0, new TextEncoder().encode('watchkeeper-store 9\n'));
    const newer = await verifyStore({ disk, clock, folder: FOLDER, repair: false });
    expect(newer).toMatchObject({ ok: false, error: { code: 'storage-newer-format' } });
  });
});

describe('a flipped bit', () => {
  const kinds = [/\/meta$/, /\/index$/, /\/data$/, /\/tombstones$/, /\.wal$/, /\.chk$/, /\.ser$/, /\.anx$/];
  it.each(kinds)('in %s is found with its file, and a repair leaves a sound store', async kind => {
    const { files, samples } = await ready;
    const random = seededRandom(kind.source.length);
    const paths = [...files.keys()].filter(one => kind.test(one));
    expect(paths.length).toBeGreaterThan(0);
    for (const path of paths.slice(0, 2)) {
      const bytes = files.get(path) as Uint8Array;
      for (let n = 0; n < 2; n++) {
        const disk = await diskWith(files);
        const at = random.uint32() % bytes.length;
        await overwrite(disk, path, at, Uint8Array.of((bytes[at] as number) ^ (1 << (random.uint32() % 8))));
        const before = await verify(disk.mount());
        const found = errorsIn(before.findings);
        // Beside the file itself others may tell of what they miss in it.
        expect(
          found.map(one => one.file),
          `${path} at ${at}`,
        ).toContain(path);
        expect(found.every(one => one.remedy !== '' && one.message !== '')).toBe(true);
        const asStore = await contentOf(await diskWith(await filesIn(disk, '/data')));
        const repaired = await verify(disk.mount(), true);
        // What is gone for good is told again at each look.
        const isGone = repaired.repairs.some(one => /labels of [1-9]/.test(one.lost));
        const left = errorsIn(repaired.remaining).filter(one => !(isGone && one.code === 'storage-mismatch'));
        expect(left, `${path} at ${at}`).toEqual([]);
        const after = await contentOf(disk);
        // What the store itself would have kept is there, and nothing that was never stored.
        expect(missing(asStore, after)).toEqual([]);
        if (!/tombstones/.test(path)) expect(missing(after, samples)).toEqual([]);
        const lost = missing(samples, after).length;
        const isTold = repaired.repairs.some(one => one.lost !== '');
        // A tail that was never finished is no loss: a flip in the last record makes one.
        if (lost > 0 && !repaired.findings.some(one => one.code === 'wal-torn-tail'))
          expect(isTold).toBe(true);
      }
    }
  });
});

describe('a block', () => {
  it('whose meta is lost is whole again', async () => {
    const { files, samples } = await ready;
    for (const path of [...files.keys()].filter(one => one.endsWith('/meta'))) {
      const disk = await diskWith(files);
      await disk.remove(path);
      const repaired = await verify(disk.mount(), true);
      expect(repaired.repairs.map(one => one.lost).filter(lost => lost !== '')).toEqual([]);
      expect(errorsIn(repaired.remaining)).toEqual([]);
      expect(missing(samples, await contentOf(disk))).toEqual([]);
    }
  });

  it('with a damaged page keeps all that lies elsewhere, and the original beside it', async () => {
    const { files, samples } = await ready;
    const disk = await diskWith(files);
    const path = named(files, /data$/);
    await overwrite(disk, path, 10, new Uint8Array(50).fill(0xaa));
    const repaired = await verify(disk.mount(), true);
    const lost = missing(samples, await contentOf(disk)).length;
    const total = samples.size;
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(total / 2);
    expect(repaired.repairs[0]?.lost).toMatch(/samples/);
    const folder = path.replace(/\/data$/, '.bad');
    expect((await disk.stat(`${folder}/data`)).ok).toBe(true);
    // It is told of, and not taken for damage again.
    const again = await verify(disk.mount());
    expect(again.findings).toMatchObject([{ severity: 'note', file: folder }]);
  });

  it('whose index disagrees with its data behind right checksums is found', async () => {
    const { files } = await ready;
    const path = named(files, /index$/);
    const bytes = files.get(path) as Uint8Array;
    const random = seededRandom(3);
    let [found, all] = [0, 0];
    for (let n = 0; n < 20; n++) {
      const disk = await diskWith(files);
      const page = Math.floor(random.uint32() % Math.ceil(bytes.length / PAGE));
      const from = page * PAGE;
      const to = Math.min(bytes.length, from + PAGE) - 4;
      const content = bytes.slice(from, to + 4);
      const at = random.uint32() % (to - from);
      content[at] = (content[at] as number) ^ (1 << (random.uint32() % 8));
      new DataView(content.buffer).setUint32(to - from, crc32c(content, { from: 0, to: to - from }), true);
      await overwrite(disk, path, from, content);
      all++;
      const report = await verify(disk.mount());
      if (errorsIn(report.findings).length > 0) found++;
      await verify(disk.mount(), true);
    }
    // A ref may be any number, and a label's value any text that keeps its place.
    expect(found / all).toBeGreaterThan(0.6);
  });

  it('that the store has set aside is taken up again as far as it can be read', async () => {
    const { files, samples } = await ready;
    const disk = await diskWith(files);
    await overwrite(disk, named(files, /meta$/), 20, Uint8Array.of(0xff, 0xff));
    const withStore = await contentOf(disk);
    expect(missing(samples, withStore).length).toBeGreaterThan(0);
    const report = await verify(disk.mount());
    expect(errorsIn(report.findings)).toMatchObject([
      { code: 'block-damaged', message: expect.stringMatching(/set aside/) },
    ]);
    const repaired = await verify(disk.mount(), true);
    expect(errorsIn(repaired.remaining)).toEqual([]);
    expect(missing(samples, await contentOf(disk))).toEqual([]);
  });
});

describe('the head', () => {
  it('gets labels that were lost from blocks', async () => {
    const { files, samples } = await ready;
    const disk = await diskWith(files);
    await disk.remove(named(files, /\.ser$/));
    const report = await verify(disk.mount());
    expect(errorsIn(report.findings).some(one => one.code === 'storage-mismatch')).toBe(true);
    const repaired = await verify(disk.mount(), true);
    const restored = repaired.repairs.find(one => /labels/.test(one.done));
    expect(restored?.done).toMatch(/[1-9]\d* series/);
    const after = await contentOf(disk);
    expect(missing(after, samples)).toEqual([]);
    const lost = missing(samples, after);
    // Only series that began after the last block are lost.
    expect(lost.length).toBeLessThan(samples.size / 20);
    expect(lost.length > 0).toBe(restored?.lost !== '');
  });

  it('loses a torn tail, and says so', async () => {
    const { files } = await ready;
    const disk = await diskWith(files);
    const path = [...files.keys()].filter(one => one.endsWith('.wal')).at(-1) as string;
    const bytes = files.get(path) as Uint8Array;
    await overwrite(disk, path, bytes.length, bytes.slice(16, 60));
    const before = await verify(disk.mount());
    expect(before.findings).toMatchObject([{ code: 'wal-torn-tail', file: path, offset: bytes.length }]);
    expect((await verify(disk.mount(), true)).remaining).toEqual([]);
    expect((await disk.readFile(path)).ok && (await filesIn(disk, FOLDER)).get(path)).toEqual(bytes);
  });
});

describe('a repair', () => {
  const damage = async (): Promise<{
    readonly disk: FakeDisk;
    readonly kept: ReadonlyMap<string, string>;
  }> => {
    const { files } = await ready;
    const disk = await diskWith(files);
    const damaged = [/meta$/, /\.chk$/, /\.wal$/].map(pattern => named(files, pattern));
    for (const path of damaged) await overwrite(disk, path, 60, new Uint8Array(40).fill(0x55));
    const copy = await diskWith(await filesIn(disk, '/data'));
    await verify(copy.mount(), true);
    return { disk, kept: await contentOf(copy) };
  };

  it('in which any call of the disk fails can be done again, and loses nothing', async () => {
    const { disk: probe, kept } = await damage();
    const files = await filesIn(probe, '/data');
    const first = probe.calls;
    await verify(probe.mount(), true);
    const calls = probe.calls - first;
    expect(calls).toBeGreaterThan(50);
    for (let n = 1; n <= calls; n += 1 + Math.floor(calls / 30)) {
      const disk = await diskWith(files);
      disk.failAt(n);
      const failed = await verifyStore({ disk: disk.mount(), clock, folder: FOLDER, repair: true });
      const again = await verify(disk.mount(), true);
      expect(errorsIn(again.repairs.length > 0 ? again.remaining : again.findings), `call ${n}`).toEqual([]);
      const after = await contentOf(disk);
      expect(missing(kept, after), `call ${n}, ${failed.ok}`).toEqual([]);
    }
  });

  it('that loses power at any call of the disk can be done again, and loses nothing', async () => {
    const { disk: probe, kept } = await damage();
    const files = await filesIn(probe, '/data');
    const first = probe.calls;
    await verify(probe.mount(), true);
    const calls = probe.calls - first;
    for (let n = 1; n <= calls; n += 1 + Math.floor(calls / 30)) {
      const disk = await diskWith(files);
      const crashing = crashingDisk(disk, { call: n, seed: n });
      await Promise.race([
        verifyStore({ disk: crashing.disk, clock, folder: FOLDER, repair: true }),
        crashing.crashed,
      ]);
      const again = await verify(disk.mount(), true);
      expect(errorsIn(again.repairs.length > 0 ? again.remaining : again.findings), `call ${n}`).toEqual([]);
      expect(missing(kept, await contentOf(disk)), `call ${n}`).toEqual([]);
    }
  });
});
