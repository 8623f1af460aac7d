// History that goes straight into blocks: what is read afterwards, what a second time changes, and what failing disks and
// crashes leave.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { randomExtras, sampleText } from '../../test/support/extras.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { loopbackThreads } from '../../test/support/loopback-thread.ts';
import { seededRandom } from '../../test/support/random.ts';
import { type Disk, err, ok } from '../base/index.ts';
import {
  formatLabels,
  labelsFrom,
  MetricRegistry,
  type SelectHints,
  setStaleAt,
  targetId,
  wordsOf,
} from '../model/index.ts';
import { InPlaceMaker } from './block/in-place.ts';
import { serveMaker, ThreadMaker } from './block/thread.ts';
import { DEFAULT_STORE_SETTINGS, type OldPortions, type OldSeries, openStore, type Store } from './index.ts';
import { oldSpans } from './old-samples.ts';

const HOUR = 3_600_000;
const FOLDER = '/data/store';
const ALL: SelectHints = { fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 };
const START = 1_700_006_400_000;
const SPAN = { fromMs: START, toMs: START + 2 * HOUR };

async function open(disk: Disk, options: { clock?: FakeClock; threaded?: boolean } = {}): Promise<Store> {
  const { clock = new FakeClock(START + 48 * HOUR) } = options;
  const { start } = loopbackThreads(port => serveMaker(port, new InPlaceMaker({ disk, clock })));
  const opened = await openStore({
    ...{ disk, folder: FOLDER, clock, log: new CollectingLog(), metrics: new MetricRegistry() },
    settings: DEFAULT_STORE_SETTINGS,
    ...(options.threaded === true && { maker: new ThreadMaker({ start, clock }) }),
  });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

/** Series of some minutes each, some with histograms, start times and stale markers. */
function history(seed: number, count = 6): OldSeries[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const samples = 1 + (random.uint32() % 700);
    const timesMs = Float64Array.from({ length: samples }, (_, k) => START + 10_000 * k + i);
    const values = Float64Array.from({ length: samples }, () => random.float());
    if (i % 3 === 0) setStaleAt(wordsOf(values), samples - 1);
    const { histograms, startTimestampsMs } = i % 2 === 0 ? {} : randomExtras(random, samples);
    return {
      ...{ labels: labelsFrom({ __name__: 'm', i: String(i) }), producer: undefined },
      ...{ timesMs, values, from: 0, to: samples },
      ...(histograms && { histograms }),
      ...(startTimestampsMs && { startTimesMs: startTimestampsMs }),
    };
  });
}

async function* portions(series: readonly OldSeries[], each = 2): OldPortions<string> {
  for (let at = 0; at < series.length; at += each) yield ok(series.slice(at, at + each));
}

type Shown = readonly (readonly [series: string, samples: readonly string[]])[];

function shown(series: readonly OldSeries[]): Shown {
  return series
    .map(({ labels, timesMs, values, histograms, startTimesMs, from, to }): Shown[number] => {
      const samples: string[] = [];
      for (let i = from; i < to; i++) {
        const beside = { histogram: histograms?.get(i), startMs: startTimesMs?.[i] };
        samples.push(`${timesMs[i]} ${sampleText(values, i, beside)}`);
      }
      return [formatLabels(labels), samples];
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

async function contents(store: Store): Promise<Shown> {
  const found = await store.select([], ALL);
  if (!found.ok) throw new Error(found.error.message);
  return shown(found.value);
}

describe('stretches for history', () => {
  const levels = [2 * HOUR, 6 * HOUR, 18 * HOUR];
  it('are wide where they end in time, narrow at the end, and cover the range without gaps', () => {
    const day = 18 * HOUR * 26_000;
    const spans = oldSpans(
      { fromMs: day + HOUR, toMs: day + 33 * HOUR },
      { levels, untilMs: day + 32 * HOUR },
    );
    expect(spans.map(({ fromMs, toMs }) => [(fromMs - day) / HOUR, (toMs - day) / HOUR])).toEqual([
      [0, 18],
      [18, 24],
      [24, 30],
      [30, 32],
      [32, 34],
    ]);
  });

  it('are one for one moment, and none for a range that ends before it begins', () => {
    const untilMs = START;
    expect(oldSpans({ fromMs: START, toMs: START }, { levels, untilMs })).toEqual([SPAN]);
    expect(oldSpans({ fromMs: START, toMs: START - 1 }, { levels, untilMs })).toEqual([]);
    expect(oldSpans({ fromMs: -1, toMs: -1 }, { levels, untilMs: -HOUR })).toEqual([
      { fromMs: -2 * HOUR, toMs: 0 },
    ]);
  });
});

describe('history', () => {
  it.each([
    ['in place', false],
    ['in a thread', true],
  ])('is read back bit for bit, also after the next start (made %s)', async (_, threaded) => {
    const disk = new FakeDisk();
    const series = history(1);
    const store = await open(disk, { threaded });
    const written = await store.writeOld(SPAN, portions(series));
    const samples = series.reduce((sum, { to }) => sum + to, 0);
    expect(written).toMatchObject({ ok: true, value: { samples, series: 6 } });
    expect(await contents(store)).toEqual(shown(series));
    expect(store.stats().newestMs).toBe(Math.max(...series.map(({ timesMs }) => timesMs.at(-1) ?? 0)));
    await store.close();
    disk.crash({ seed: 1 });
    expect(await contents(await open(disk))).toEqual(shown(series));
  });

  it('written twice counts once, and a compaction makes one block of both', async () => {
    const store = await open(new FakeDisk());
    const series = history(2);
    for (let i = 0; i < 2; i++) expect((await store.writeOld(SPAN, portions(series))).ok).toBe(true);
    expect(store.stats().blocks).toHaveLength(2);
    expect(await contents(store)).toEqual(shown(series));
    expect((await store.compactNow()).ok).toBe(true);
    expect(store.stats().blocks.map(({ conflicts }) => conflicts)).toEqual([0]);
    expect(await contents(store)).toEqual(shown(series));
  });

  it('lies beside what is collected, which goes on: refs are not mixed up', async () => {
    const disk = new FakeDisk();
    const clock = new FakeClock(START + 2 * HOUR);
    const store = await open(disk, { clock });
    const series = history(3);
    const ref = store.intern(labelsFrom({ __name__: 'm', i: '1' }));
    if (!ref.ok) throw new Error(ref.error);
    expect((await store.writeOld(SPAN, portions(series))).ok).toBe(true);
    const other = store.intern(labelsFrom({ __name__: 'new' }));
    if (!other.ok) throw new Error(other.error);
    const batch = {
      ...{ producer: targetId('p'), timestampMs: clock.nowMs() },
      ...{ series: Uint32Array.of(ref.value, other.value), values: Float64Array.of(7, 8) },
    };
    expect((await store.append(batch)).ok).toBe(true);
    const found = await contents(store);
    expect(found.find(([name]) => name === 'm{i="1"}')?.[1].length).toBe((series[1]?.to ?? 0) + 1);
    expect(found.find(([name]) => name === 'new')?.[1]).toHaveLength(1);
    expect(found.find(([name]) => name === 'm{i="2"}')?.[1]).toEqual(shown(series)[2]?.[1]);
  });

  it('without a sample makes no block', async () => {
    const store = await open(new FakeDisk());
    expect(await store.writeOld(SPAN, portions([]))).toEqual({
      ok: true,
      value: { samples: 0, series: 0, bytes: 0 },
    });
    expect(store.stats().blocks).toEqual([]);
  });

  it('whose source gives up leaves nothing, and the store goes on', async () => {
    const disk = new FakeDisk();
    const store = await open(disk);
    async function* broken(): OldPortions<string> {
      yield ok(history(4).slice(0, 3));
      yield err('the source is broken');
    }
    expect(await store.writeOld(SPAN, broken())).toEqual({
      ok: false,
      error: { kind: 'portions', error: 'the source is broken' },
    });
    expect(await contents(store)).toEqual([]);
    const names = await disk.list(FOLDER);
    expect(names.ok && names.value.filter(name => name.startsWith('block-'))).toEqual([]);
    expect((await store.writeOld(SPAN, portions(history(4)))).ok).toBe(true);
  });

  it('is refused by a store that is closed', async () => {
    const store = await open(new FakeDisk());
    await store.close();
    expect(await store.writeOld(SPAN, portions(history(5)))).toMatchObject({
      error: { kind: 'store', error: { code: 'storage-closed' } },
    });
  });

  it('is whole or not there, whichever Disk call fails, and power is lost then', async () => {
    const series = history(6, 3);
    let failed = 0;
    for (let n = 1; ; n++) {
      const disk = new FakeDisk();
      const store = await open(disk.mount());
      const before = disk.calls;
      disk.failAt(n);
      const written = await store.writeOld(SPAN, portions(series));
      const calls = disk.calls - before;
      disk.clearFailures();
      if (!written.ok) {
        failed++;
        expect(written.error).toMatchObject({ kind: 'store', error: { code: 'disk-io' } });
        expect(await contents(store)).toEqual([]);
      }
      disk.crash({ seed: n });
      const again = await open(disk.mount());
      const found = await contents(again);
      if (written.ok) expect(found).toEqual(shown(series));
      else expect([[], shown(series)]).toContainEqual(found);
      await again.close();
      if (n > calls) break;
    }
    expect(failed).toBeGreaterThan(10);
  });
});
