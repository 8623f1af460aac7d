// Age, cutting, limits, churn, and files that were damaged.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { seededRandom } from '../../test/support/random.ts';
import { labelsFrom, MetricRegistry, type SelectHints, targetId } from '../model/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore, type Store, type StoreSettings } from './index.ts';

const FOLDER = '/data';
const ALL: SelectHints = { fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 };

function world(settings: Partial<StoreSettings> = {}) {
  const clock = new FakeClock();
  const disk = new FakeDisk();
  const log = new CollectingLog();
  const open = () =>
    openStore({
      disk: disk.mount(),
      folder: FOLDER,
      clock,
      log,
      metrics: new MetricRegistry(),
      settings: { ...DEFAULT_STORE_SETTINGS, ...settings },
    });
  const opened = async (): Promise<Store> => {
    const result = await open();
    if (!result.ok) throw new Error(result.error.message);
    return result.value;
  };
  return { clock, disk, log, open, opened };
}

async function scrape(store: Store, at: { names: readonly string[]; timeMs: number; producer?: string }) {
  const series = Uint32Array.from(at.names, name => {
    const ref = store.intern(labelsFrom({ __name__: name, job: 'j' }));
    if (!ref.ok) throw new Error(ref.error);
    return ref.value;
  });
  const values = Float64Array.from(at.names, (_, i) => i + at.timeMs / 1000);
  const producer = targetId(at.producer ?? 'p');
  const outcome = await store.append({ producer, timestampMs: at.timeMs, series, values });
  if (!outcome.ok) throw new Error(outcome.error.message);
  return outcome.value;
}

async function countOf(store: Store): Promise<number> {
  const found = await store.select([], ALL);
  if (!found.ok) throw new Error(found.error.message);
  return found.value.reduce((sum, { from, to }) => sum + to - from, 0);
}

describe('the log, while much comes in', () => {
  it('is looked after without waiting for the timer, and is not kept for rows that nobody adds to', async () => {
    const [rows, count] = [1200, 10_000];
    const { clock, opened } = world();
    const store = await opened();
    await scrape(store, { names: ['slow'], timeMs: clock.nowMs(), producer: 'slow' });
    const series = Uint32Array.from({ length: count }, (_, i) => {
      const ref = store.intern(labelsFrom({ __name__: `m${i}` }));
      return ref.ok ? ref.value : 0;
    });
    const values = new Float64Array(count);
    let segmentsMax = 0;
    for (let row = 1; row <= rows; row++) {
      // Less than five seconds in all: the timer that looks after the log has no turn.
      await clock.advance(4);
      const batch = { producer: targetId('p'), timestampMs: clock.nowMs(), series, values };
      expect((await store.append(batch)).ok).toBe(true);
      segmentsMax = Math.max(segmentsMax, store.stats().walSegments);
    }
    // Of twelve: two behind the slow row, the one that is written, and what has come in since the log was looked after.
    expect(segmentsMax).toBeLessThanOrEqual(6);
    expect(store.stats().chunkFiles).toBeGreaterThan(0);
    expect(await countOf(store)).toBe(rows * count + 1);
    await store.close();
  });

  it('is not kept for a few rows of somebody slow who goes on, but for rows that are worth it', async () => {
    const { clock, opened } = world();
    const store = await opened();
    const series = Uint32Array.from({ length: 10_000 }, (_, i) => {
      const ref = store.intern(labelsFrom({ __name__: `m${i}` }));
      return ref.ok ? ref.value : 0;
    });
    const push = (producer: string, refs: Uint32Array) =>
      store.append({
        producer: targetId(producer),
        timestampMs: clock.nowMs(),
        series: refs,
        values: new Float64Array(refs.length),
      });
    const run = async (of: { slow: Uint32Array; fast: Uint32Array; every: number }): Promise<number> => {
      let segments = 0;
      for (let row = 0; row < 1300; row++) {
        await clock.advance(4);
        if (row % of.every === 0) expect((await push('slow', of.slow)).ok).toBe(true);
        expect((await push('fast', of.fast)).ok).toBe(true);
        segments = Math.max(segments, store.stats().walSegments);
      }
      return segments;
    };
    const fast = series.subarray(5000);
    const few = await run({ slow: series.subarray(0, 50), fast, every: 40 });
    expect(few).toBeLessThanOrEqual(5);
    const slow = series.subarray(0, 5000);
    // A first chunk has fewer rows than those behind it.
    for (let row = 0; row < 64; row++) {
      await clock.advance(4);
      await push('slow', slow);
    }
    await store.sealAll();
    // A twentieth of what comes in: sealed early it would be kept in chunks of a few rows.
    expect(await run({ slow, fast, every: 20 })).toBeGreaterThan(5);
    expect(await countOf(store)).toBe(2 * 1300 * 5000 + 33 * 50 + (64 + 65) * 5000);
    await store.close();
  }, 60_000);
});

describe('rows that were full, but not yet written, when the process died', () => {
  const ROWS = 40;
  async function killed() {
    const { clock, disk, opened } = world();
    const store = await opened();
    // Too fast for the maintenance.
    for (let row = 0; row < ROWS; row++) {
      await scrape(store, { names: ['a', 'b'], timeMs: clock.nowMs() });
      await clock.advance(10);
    }
    const { openSamples, chunks } = store.stats();
    expect(chunks).toBe(1);
    disk.killProcess();
    return { clock, disk, opened, openSamples };
  }

  it('are there at once, and are sealed by the first maintenance while their successor goes on', async () => {
    const { clock, disk, opened, openSamples } = await killed();
    const store = await opened();
    expect(store.stats()).toMatchObject({ openSamples: 2 * ROWS, chunks: 0 });
    expect(await countOf(store)).toBe(2 * ROWS);
    for (let row = 0; row < 10; row++) {
      await scrape(store, { names: ['a', 'b'], timeMs: clock.nowMs() });
      await clock.advance(10);
    }
    await clock.advance(5000);
    expect(store.stats()).toMatchObject({ openSamples: openSamples + 20, chunks: 1, producers: 1 });
    expect(await countOf(store)).toBe(2 * ROWS + 20);
    disk.killProcess();
    const again = await opened();
    expect(again.stats()).toMatchObject({ openSamples: openSamples + 20, chunks: 1, damageCount: 0 });
    expect(await countOf(again)).toBe(2 * ROWS + 20);
    await again.close();
  });

  it('are sealed with everything else when that is asked for', async () => {
    const { clock, opened } = await killed();
    const store = await opened();
    expect((await store.sealAll()).ok).toBe(true);
    expect(store.stats()).toMatchObject({ openSamples: 0, chunks: 2 });
    await scrape(store, { names: ['a', 'b'], timeMs: clock.nowMs() });
    expect(store.stats()).toMatchObject({ openSamples: 2, producers: 1 });
    expect(await countOf(store)).toBe(2 * ROWS + 2);
    await store.close();
  });
});

describe('age', () => {
  it('keeps memory, series and disk flat over churn, however long it runs', async () => {
    const { clock, disk, opened } = world({ maxAgeMs: 3_600_000 });
    const store = await opened();
    const seen: { series: number; chunks: number; files: number; open: number }[] = [];
    for (let minute = 0; minute < 600; minute++) {
      // One name in five is new every ten minutes.
      const names = Array.from({ length: 10 }, (_, i) =>
        i < 8 ? `steady${i}` : `churn${i}_${Math.floor(minute / 10)}`,
      );
      await scrape(store, { names, timeMs: clock.nowMs() });
      await clock.advance(60_000);
      if (minute % 100 === 99) {
        const { series, chunks, openSamples } = store.stats();
        const files = await disk.list(FOLDER);
        seen.push({ series, chunks, files: files.ok ? files.value.length : -1, open: openSamples });
      }
    }
    for (const one of seen.slice(1)) {
      expect(one.series).toBeLessThan(40);
      expect(one.chunks).toBeLessThan(12);
      expect(one.files).toBeLessThan(40);
      expect(one.open).toBeLessThanOrEqual(64 * 20);
    }
    const times = await store.select([{ name: '__name__', op: '=', value: 'steady0' }], ALL);
    const first = times.ok ? times.value[0] : undefined;
    // An hour, and what the oldest chunk holds beyond it.
    expect(first === undefined ? 0 : first.to - first.from).toBeGreaterThanOrEqual(60);
    expect(first === undefined ? 0 : first.to - first.from).toBeLessThan(60 + 64);
    await store.close();
    const again = await opened();
    expect(again.stats().damageCount).toBe(0);
    await again.close();
  });

  it('cuts the log behind sealed samples', async () => {
    const { clock, opened } = world({ maxAgeMs: 3_600_000 });
    const store = await opened();
    for (let i = 0; i < 200; i++) {
      await scrape(store, { names: ['a', 'b'], timeMs: clock.nowMs() });
      await clock.advance(15_000);
    }
    await store.sealAll();
    await scrape(store, { names: ['a', 'b'], timeMs: clock.nowMs() });
    await store.sealAll();
    expect(store.stats().walSegments).toBeLessThanOrEqual(2);
    await store.close();
    const again = await opened();
    expect(await countOf(again)).toBe(402);
    await again.close();
  });

  it('drops interned series that are never written, and their refs are not used again', async () => {
    const { clock, opened } = world();
    const store = await opened();
    const unused = store.intern(labelsFrom({ a: '1' }));
    await clock.advance(11 * 60_000);
    expect(unused.ok && store.isLive(unused.value)).toBe(false);
    const later = store.intern(labelsFrom({ a: '1' }));
    expect(later.ok && unused.ok && later.value > unused.value).toBe(true);
    await store.close();
  });
});

describe('limits', () => {
  it('refuses new series of a metric name that has too many, and names it once a minute', async () => {
    const { clock, log, opened } = world({ metricSeriesMax: 2 });
    const store = await opened();
    const intern = (name: string, i: number) => store.intern(labelsFrom({ __name__: name, i: `${i}` }));
    for (let i = 0; i < 5; i++) expect(intern('wild', i).ok).toBe(i < 2);
    expect(intern('tame', 0).ok).toBe(true);
    const told = () => log.lines.filter(line => line.message.includes('"wild" are refused'));
    expect(told()).toHaveLength(1);
    await clock.advance(61_000);
    expect(intern('wild', 1).ok).toBe(true);
    expect(intern('wild', 2)).toEqual({ ok: false, error: 'sample-limit' });
    expect(told()).toHaveLength(2);
    await store.close();
  });

  it('refuses new series at the limit while old ones go on', async () => {
    const { clock, opened } = world({ seriesMax: 2 });
    const store = await opened();
    await scrape(store, { names: ['a', 'b'], timeMs: clock.nowMs() });
    expect(store.intern(labelsFrom({ __name__: 'c' }))).toEqual({ ok: false, error: 'sample-limit' });
    expect((await scrape(store, { names: ['a', 'b'], timeMs: clock.nowMs() + 1 })).accepted).toBe(2);
    await store.close();
  });

  it('reads the same through a cache of nothing', async () => {
    const { clock, opened } = world({ cacheBytesMax: 0 });
    const store = await opened();
    for (let i = 0; i < 300; i++) {
      await scrape(store, { names: ['a', 'b', 'c'], timeMs: clock.nowMs() });
      await clock.advance(15_000);
    }
    expect(store.stats().cachedBytes).toBe(0);
    expect(store.stats().chunks).toBeGreaterThan(3);
    expect(await countOf(store)).toBe(900);
    await store.close();
  });
});

describe('the folder', () => {
  it('is locked while open, and refused when a newer version wrote it', async () => {
    const { disk, open, opened } = world();
    const store = await opened();
    expect(await open()).toMatchObject({ ok: false, error: { code: 'disk-locked' } });
    await store.close();
    const file = await disk.open(`${FOLDER}/FORMAT`, 'update');
    if (file.ok) await file.value.write(new TextEncoder().encode('watchkeeper-store 5\n'), 0);
    expect(await open()).toMatchObject({ ok: false, error: { code: 'storage-newer-format' } });
  });

  it('of the format without blocks is taken up, and is not for that version any more', async () => {
    const { disk, opened } = world();
    await (await opened()).close();
    const file = await disk.open(`${FOLDER}/FORMAT`, 'update');
    if (file.ok) await file.value.write(new TextEncoder().encode('watchkeeper-store 1\n'), 0);
    await (await opened()).close();
    const now = await disk.readFile(`${FOLDER}/FORMAT`);
    expect(now.ok && new TextDecoder().decode(now.value)).toBe('watchkeeper-store 4\n');
  });
});

describe('damage', () => {
  async function filled() {
    const at = world();
    const store = await at.opened();
    for (let i = 0; i < 12; i++) {
      await scrape(store, { names: ['a', 'b', 'c'], timeMs: at.clock.nowMs() });
      await scrape(store, { names: ['x'], timeMs: at.clock.nowMs(), producer: 'q' });
      if (i === 5) await store.sealAll();
      await at.clock.advance(15_000);
    }
    await store.close();
    return at;
  }
  const namesIn = async (at: Awaited<ReturnType<typeof filled>>): Promise<readonly string[]> => {
    const names = await at.disk.list(FOLDER);
    return names.ok ? names.value.filter(name => /\.(wal|ser|chk)$/.test(name)) : [];
  };
  const change = async (
    at: Awaited<ReturnType<typeof filled>>,
    name: string,
    edit: (bytes: Uint8Array) => Uint8Array,
  ): Promise<void> => {
    const path = `${FOLDER}/${name}`;
    const bytes = await at.disk.readFile(path);
    const file = await at.disk.open(path, 'update');
    if (!bytes.ok || !file.ok) throw new Error('unreadable');
    const edited = edit(bytes.value.slice());
    await file.value.truncate(0);
    await file.value.write(edited, 0);
    await file.value.close();
  };

  it('by truncation at any byte never stops the store from opening, and is reported with its place', async () => {
    let reported = 0;
    for (const name of await namesIn(await filled())) {
      for (let cut = 0; cut < 100_000; cut += 13) {
        const at = await filled();
        let short = false;
        await change(at, name, bytes => {
          short = cut < bytes.length;
          return bytes.subarray(0, cut);
        });
        if (!short) break;
        const store = await at.opened();
        const count = await countOf(store);
        expect(count).toBeLessThanOrEqual(48);
        for (const damage of store.damage()) {
          expect(damage.file).toContain(FOLDER);
          reported++;
        }
        await scrape(store, { names: ['a', 'new'], timeMs: at.clock.nowMs() });
        await store.close();
      }
    }
    expect(reported).toBeGreaterThan(0);
  });

  it('by flipped bits loses little, never throws, and is reported', async () => {
    const random = seededRandom(5);
    for (const name of await namesIn(await filled())) {
      for (let i = 0; i < 60; i++) {
        const at = await filled();
        await change(at, name, bytes => {
          const byte = 16 + (random.uint32() % (bytes.length - 16));
          bytes[byte] = (bytes[byte] as number) ^ (1 << (random.uint32() % 8));
          return bytes;
        });
        const store = await at.opened();
        const count = await countOf(store);
        expect(store.stats().damageCount).toBeGreaterThan(0);
        expect(count).toBeLessThanOrEqual(48);
        // One record at most: a batch, a chunk, a layout with its rows, or a series with its samples.
        expect(count).toBeGreaterThanOrEqual(48 - 24);
        await store.close();
      }
    }
  });

  it('of a chunk that is read later leaves the rest of the answer', async () => {
    const at = world({ cacheBytesMax: 0 });
    const store = await at.opened();
    for (let i = 0; i < 10; i++) {
      await scrape(store, { names: ['a'], timeMs: at.clock.nowMs() });
      if (i === 4) await store.sealAll();
      await at.clock.advance(15_000);
    }
    await change(at, 'chunks-00000001.chk', bytes => {
      bytes[40] = (bytes[40] as number) ^ 1;
      return bytes;
    });
    expect(await countOf(store)).toBe(5);
    expect(store.damage()).toMatchObject([
      { code: 'chunk-damaged', file: '/data/chunks-00000001.chk', offset: 16 },
    ]);
    await store.close();
  });
});
