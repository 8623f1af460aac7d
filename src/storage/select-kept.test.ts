// What is kept for queries that come again never shows: with it a read answers what it answers without, whatever comes, is
// sealed, cut into blocks, deleted or dropped between.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { seededRandom } from '../../test/support/random.ts';
import {
  formatLabels,
  labelsFrom,
  type Matcher,
  MetricRegistry,
  type NativeHistogram,
  type SelectHints,
  type SeriesRef,
  setStaleAt,
  targetId,
  wordsOf,
} from '../model/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore, type Store, type StoreSettings } from './index.ts';

const ALL: SelectHints = { fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 };
const STEP_MS = 15_000;
const HOUR_MS = 3_600_000;

const SELECTORS: readonly (readonly Matcher[])[] = [
  [{ name: '__name__', op: '=', value: 'm' }],
  [
    { name: '__name__', op: '=', value: 'm' },
    { name: 'i', op: '=~', value: '.*[135]' },
  ],
  [{ name: '__name__', op: '=~', value: 'm|n' }],
];

async function openOn(clock: FakeClock, settings: Partial<StoreSettings> = {}): Promise<Store> {
  const opened = await openStore({
    disk: new FakeDisk(),
    folder: '/store',
    clock,
    log: new CollectingLog(),
    metrics: new MetricRegistry(),
    settings: { ...DEFAULT_STORE_SETTINGS, ...settings },
  });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

/** Lends memory full of what others left there, and counts it. */
function lender(): { floats(count: number): Float64Array; lent: number } {
  const own = {
    lent: 0,
    floats: (count: number) => {
      own.lent += count;
      return new Float64Array(count).fill(Number.POSITIVE_INFINITY);
    },
  };
  return own;
}

async function read(
  store: Store,
  matchers: readonly Matcher[],
  hints: Partial<SelectHints>,
): Promise<readonly unknown[]> {
  const selected = await store.select(matchers, { ...ALL, ...hints });
  if (!selected.ok) throw new Error(selected.error.message);
  const { fromMs = -Infinity, toMs = Infinity } = hints;
  return selected.value.flatMap(({ labels, timesMs, values, from, to, isPlain, histograms }) => {
    const shown: string[] = [];
    for (let i = from; i < to; i++) {
      const timeMs = timesMs[i] as number;
      if (timeMs <= fromMs || timeMs > toMs) continue;
      if (isPlain === true) expect(Number.isFinite(values[i])).toBe(true);
      shown.push(`${timeMs}=${histograms?.has(i) === true ? 'histogram' : bits(values, i)}`);
    }
    return shown.length === 0 ? [] : [[formatLabels(labels), shown.join(' ')]];
  });
}

function bits(values: Float64Array, at: number): string {
  const words = wordsOf(values);
  return `${words[2 * at]}:${words[2 * at + 1]}`;
}

interface Life {
  readonly store: Store;
  readonly clock: FakeClock;
  /** A row of each of the producers, with what a seeded generator does to it. */
  rows(): Promise<void>;
}

async function life(
  seed: number,
  {
    withHistograms = false,
    ...settings
  }: Partial<StoreSettings> & { readonly withHistograms?: boolean } = {},
): Promise<Life> {
  const random = seededRandom(seed);
  const clock = new FakeClock();
  const store = await openOn(clock, settings);
  const chance = (of: number): boolean => random.uint32() % of === 0;
  let newest = 0;
  const names = Array.from({ length: 3 }, (_, p) => Array.from({ length: 7 }, (_, i) => `${p}${i}`));
  const intern = (i: string): SeriesRef => {
    const ref = store.intern(labelsFrom({ __name__: i.endsWith('6') ? 'n' : 'm', i }));
    if (!ref.ok) throw new Error(ref.error);
    return ref.value;
  };
  const rows = async (): Promise<void> => {
    for (let p = 0; p < 3; p++) {
      if (chance(9)) continue;
      const own = names[p] as string[];
      if (chance(60)) own.splice(random.uint32() % own.length, 1, `${p}x${newest++}`);
      const some = chance(12) ? own.filter(() => !chance(4)) : own;
      const late = chance(25) ? random.uint32() % 500_000 : 0;
      const timestampMs = clock.nowMs() - p * 100 - late;
      const values = Float64Array.from(some, () => (p === 0 ? random.float() : random.uint32() % 1000));
      if (chance(15) && values.length > 0) setStaleAt(wordsOf(values), random.uint32() % values.length);
      const ownTimestampsMs = chance(20)
        ? Float64Array.from(some, () => (chance(2) ? Number.NaN : timestampMs - (random.uint32() % 90_000)))
        : undefined;
      const histograms =
        withHistograms && chance(30) ? new Map<number, NativeHistogram>([[0, HISTOGRAM]]) : undefined;
      const appended = await store.append({
        producer: targetId(`p${p}`),
        timestampMs,
        series: Uint32Array.from(some, intern),
        values,
        ...(ownTimestampsMs && { ownTimestampsMs }),
        ...(histograms && { histograms }),
      });
      expect(appended.ok).toBe(true);
    }
  };
  return { store, clock, rows };
}

const HISTOGRAM: NativeHistogram = {
  schema: 0,
  count: 3,
  sum: 7.5,
  zeroThreshold: 0,
  zeroCount: 0,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveCounts: Float64Array.of(1, 2),
  negativeSpans: [],
  negativeCounts: new Float64Array(0),
  resetHint: 'unknown',
  integer: true,
};

describe('a read through what is kept', () => {
  const run = async (seed: number, settings: Parameters<typeof life>[1]): Promise<number> => {
    const random = seededRandom(seed + 1000);
    const { store, clock, rows } = await life(seed, settings);
    let keptAt = 0;
    for (let step = 0; step < 300; step++) {
      await rows();
      const choice = random.uint32() % 120;
      if (choice === 0) await store.sealAll();
      else if (choice === 1) await store.maintain();
      else if (choice === 2) await store.compactNow();
      else if (choice === 3) {
        const toMs = clock.nowMs() - (random.uint32() % HOUR_MS);
        await store.deleteSeries(SELECTORS[1] as Matcher[], { fromMs: toMs - 300_000, toMs });
      } else if (choice === 4) await clock.advance(random.uint32() % 400_000);
      for (const matchers of SELECTORS) {
        if (random.uint32() % 3 > 0) continue;
        const toMs = clock.nowMs() - (random.uint32() % 4 === 0 ? random.uint32() % HOUR_MS : 0);
        const widthMs = random.uint32() % 5 === 0 ? HOUR_MS : 300_000;
        const window = { fromMs: toMs - widthMs, toMs, lastOnly: random.uint32() % 6 === 0 };
        if (window.lastOnly) continue;
        const [first, second] = await Promise.all([
          read(store, matchers, { ...window, memory: lender() }),
          read(store, matchers, { ...window, memory: lender() }),
        ]);
        const plain = await read(store, matchers, window);
        expect(first).toEqual(plain);
        expect(second).toEqual(plain);
      }
      if (store.stats().keptBytes > 0) keptAt++;
      await clock.advance(STEP_MS);
    }
    await store.close();
    return keptAt;
  };

  it.each([1, 3, 4])(
    'answers as without, over churn, late samples, seals, blocks and deletions (seed %i)',
    async seed => {
      expect(await run(seed, {})).toBeGreaterThan(100);
    },
  );

  it('answers as without where there is room for one selector only', async () => {
    expect(await run(5, { keptBytesMax: 60_000 })).toBeGreaterThan(20);
  });

  it('answers as without where a retention of two hours drops what was kept', async () => {
    expect(await run(6, { maxAgeMs: 2 * HOUR_MS })).toBeGreaterThan(100);
  });

  it('answers as without where there are native histograms, which are not kept', async () => {
    await run(7, { withHistograms: true });
  });

  it('reads anew only what has come since', async () => {
    const { store, clock, rows } = await life(8);
    for (let i = 0; i < 400; i++) {
      await rows();
      await clock.advance(STEP_MS);
    }
    const ask = async (): Promise<number> => {
      const memory = lender();
      const toMs = clock.nowMs();
      await read(store, SELECTORS[0] as Matcher[], { fromMs: toMs - HOUR_MS, toMs, memory });
      return memory.lent;
    };
    expect(await ask()).toBeGreaterThan(0);
    await ask();
    expect(store.stats().keptBytes).toBeGreaterThan(0);
    expect(await ask()).toBe(0);
    await clock.advance(STEP_MS);
    await store.append({
      producer: targetId('p1'),
      timestampMs: clock.nowMs(),
      series: Uint32Array.from(['10', '11'], i => {
        const ref = store.intern(labelsFrom({ __name__: 'm', i }));
        return ref.ok ? ref.value : 0;
      }),
      values: Float64Array.of(1, 2),
    });
    expect(await ask()).toBeGreaterThan(0);
    expect(await ask()).toBe(0);
    // Nobody asks: it is let go.
    await clock.advance(5 * 60_000);
    await store.maintain();
    expect(store.stats().keptBytes).toBe(0);
    await store.close();
  });
});
