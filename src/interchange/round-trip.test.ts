// What is exported and imported again is the same, bit for bit; disks that fail and processes that die on the way leave whole
// blocks only, and the next import goes on.

import { describe, expect, it } from 'vitest';
import { crashingDisk } from '../../test/support/crashing-disk.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { CUSTOM_BOUNDS, compileMatchers, labelsFrom } from '../model/index.ts';
import { samplesRecord, seriesRecord, walSegment } from './testdata/wal-writer.ts';
import {
  contents,
  copyOf,
  exported,
  fill,
  HOUR,
  history,
  imported,
  openAt,
  START,
  THEIRS,
} from './testdata/world.ts';

const SECOND = '/data/second';

describe('export and import', () => {
  it.each([1, 2, 3, 4, 5])('give back what was stored (seed %i)', async seed => {
    const disk = new FakeDisk();
    const series = history(seed, { series: 10 + seed, hours: 7 * seed, ...(seed > 2 && { stepMs: 90_000 }) });
    const store = await openAt(disk);
    await fill(store, series);
    const report = await exported(disk, store);
    const samples = series.reduce((sum, { to }) => sum + to, 0);
    expect(report).toMatchObject({ ok: true, value: { samples, refused: 0 } });
    const before = await contents(store);
    await store.close();
    const back = await imported(disk, { into: SECOND });
    expect(back).toMatchObject({ ok: true, value: { samples, damageCount: 0, blocksTooOld: 0 } });
    const second = await openAt(disk, SECOND);
    expect(await contents(second)).toEqual(before);
    await second.close();
    // All of it has been brought in: nothing is left to do.
    const again = await imported(disk, { into: SECOND });
    expect(again).toMatchObject({ ok: true, value: { samples: 0, blocks: 0 } });
  });

  it('leave out histograms with bounds of their own where they are not wanted, and count them', async () => {
    const disk = new FakeDisk();
    const series = history(2, { series: 12, hours: 3 });
    const store = await openAt(disk);
    await fill(store, series);
    const custom = series.flatMap(({ histograms }) =>
      [...(histograms?.values() ?? [])].filter(({ schema }) => schema === CUSTOM_BOUNDS),
    ).length;
    expect(custom).toBeGreaterThan(10);
    const samples = series.reduce((sum, { to }) => sum + to, 0) - custom;
    expect(await exported(disk, store, { customBuckets: false })).toMatchObject({
      ok: true,
      value: { samples, refused: custom },
    });
    expect(await imported(disk, { into: SECOND })).toMatchObject({ ok: true, value: { samples } });
  });

  it('take only what is asked for, and no more than the retention keeps', async () => {
    const disk = new FakeDisk();
    const store = await openAt(disk);
    await fill(store, history(3, { series: 14, hours: 30, stepMs: 120_000 }));
    const before = await contents(store);
    await exported(disk, store);
    await store.close();
    const anyOf = [{ name: '__name__', op: '=', value: 'm3' } as const];
    const compiled = compileMatchers(anyOf);
    if (!compiled.ok) throw new Error(compiled.error);
    const fromMs = START + 5 * HOUR;
    const toMs = START + 29 * HOUR;
    const report = await imported(disk, {
      into: SECOND,
      selection: { fromMs, toMs, anyOf: [compiled.value] },
      maxAgeMs: 20 * HOUR,
    });
    if (!report.ok) throw new Error(JSON.stringify(report.error));
    // The newest sample is some 30 hours behind the start.
    const oldestMs = Math.max(...[...before.values()].flatMap(one => [...one.keys()])) - 20 * HOUR;
    const wanted = [...before].flatMap(([name, samples]) => {
      const inside = [...samples].filter(([timeMs]) => timeMs >= oldestMs && timeMs <= toMs);
      return name.startsWith('m3') && inside.length > 0 ? [[name, new Map(inside)] as const] : [];
    });
    const second = await openAt(disk, SECOND);
    expect(await contents(second)).toEqual(new Map(wanted));
    await second.close();
    // With a longer retention the rest follows, and only that.
    const later = await imported(disk, {
      into: SECOND,
      selection: { fromMs, toMs, anyOf: [compiled.value] },
    });
    if (!later.ok) throw new Error(JSON.stringify(later.error));
    const all = [...before].flatMap(([name, samples]) => {
      const inside = [...samples].filter(([timeMs]) => timeMs >= fromMs && timeMs <= toMs);
      return name.startsWith('m3') && inside.length > 0 ? [[name, new Map(inside)] as const] : [];
    });
    const count = (list: readonly (readonly [string, ReadonlyMap<number, string>])[]): number =>
      list.reduce((sum, [, samples]) => sum + samples.size, 0);
    expect([report.value.samples, later.value.samples]).toEqual([count(wanted), count(all) - count(wanted)]);
    const third = await openAt(disk, SECOND);
    expect(await contents(third)).toEqual(new Map(all));
    await third.close();
  });
});

const SMALL = { series: 5, hours: 5, stepMs: 600_000 };

/** A small folder of Prometheus on a disk of its own, blocks and a log behind them, and what is in it. */
async function small() {
  const disk = new FakeDisk();
  const store = await openAt(disk);
  await fill(store, history(8, SMALL));
  await exported(disk, store);
  const labels = labelsFrom({ __name__: 'late' });
  const samples = Array.from({ length: 50 }, (_, k) => {
    const timeMs = START + 5 * HOUR + 15_000 * k;
    return { ref: 1, timeMs, bits: BigInt(k) };
  });
  disk.putFile(`${THEIRS}/wal/00000000`, walSegment([seriesRecord([[1, labels]]), samplesRecord(samples)]));
  const late = {
    ...{ labels, producer: undefined, from: 0, to: samples.length },
    timesMs: Float64Array.from(samples, ({ timeMs }) => timeMs),
    values: new Float64Array(BigUint64Array.from(samples, ({ bits }) => bits).buffer),
  };
  await fill(store, [late]);
  const before = await contents(store);
  await store.close();
  return { disk, before };
}

describe('a disk that fails', () => {
  it('at any call of an export leaves whole blocks only', async () => {
    let failed = 0;
    for (let n = 1; ; n++) {
      const disk = new FakeDisk();
      const store = await openAt(disk);
      await fill(store, history(8, SMALL));
      const before = await contents(store);
      const calls = disk.calls;
      disk.failAt(n);
      const report = await exported(disk, store);
      const made = disk.calls - calls;
      disk.clearFailures();
      await store.close();
      const back = await imported(disk, { into: SECOND });
      if (!back.ok) {
        expect(report.ok).toBe(false);
        expect(back.error).toMatchObject({ kind: 'disk', error: { code: 'disk-not-found' } });
      } else {
        expect(back.value.damageCount).toBe(0);
        const second = await openAt(disk, SECOND);
        const found = await contents(second);
        await second.close();
        if (report.ok) expect(found).toEqual(before);
        for (const [name, samples] of found)
          for (const [timeMs, text] of samples) expect(before.get(name)?.get(timeMs)).toBe(text);
      }
      if (!report.ok) failed++;
      if (n > made) break;
    }
    expect(failed).toBeGreaterThan(20);
  });

  it('at any call of an import leaves a store that the next import completes', async () => {
    const { disk: sound, before } = await small();
    let failed = 0;
    for (let n = 1; ; n++) {
      const disk = copyOf(sound);
      const calls = disk.calls;
      const store = await openAt(disk, SECOND);
      const opened = disk.calls - calls;
      disk.failAt(n);
      const report = await imported(disk, { into: SECOND, store });
      const made = disk.calls - calls - opened;
      disk.clearFailures();
      await store.close();
      if (!report.ok) failed++;
      expect((await imported(disk, { into: SECOND })).ok).toBe(true);
      const again = await openAt(disk, SECOND);
      expect(await contents(again)).toEqual(before);
      await again.close();
      if (n > made) break;
    }
    expect(failed).toBeGreaterThan(20);
  });
});

describe('a process that dies', () => {
  it('at any call of an import has lost nothing that it had finished', async () => {
    const { disk: sound, before } = await small();
    const whole = crashingDisk(copyOf(sound), { call: -1, seed: 1 });
    await imported(whole.disk, { into: SECOND });
    const last = whole.calls();
    let resumed = 0;
    for (let call = 1; call < last; call += 3) {
      const disk = copyOf(sound);
      const dying = crashingDisk(disk, { call, seed: call });
      const run = imported(dying.disk, { into: SECOND });
      await Promise.race([run, dying.crashed]);
      const report = await imported(disk.mount(), { into: SECOND });
      if (!report.ok) throw new Error(JSON.stringify(report.error));
      if (report.value.blocksDone > 0 && report.value.samples > 0) resumed++;
      const again = await openAt(disk.mount(), SECOND);
      expect(await contents(again)).toEqual(before);
      await again.close();
    }
    expect(resumed).toBeGreaterThan(3);
  });
});
