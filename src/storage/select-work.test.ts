// Reading for a query that is minded: it asks for room before it takes it, gives way, and stops when told to. Head and blocks.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { formatLabels, labelsFrom, MetricRegistry, type ReadWork, targetId } from '../model/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore, type Store } from './index.ts';

const ALL = { fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 };
const SERIES = 700;
const ROWS = 100;

/** The first half of the rows in a block, the second in the head. */
async function filled(): Promise<Store> {
  const clock = new FakeClock();
  const opened = await openStore({
    disk: new FakeDisk(),
    folder: '/store',
    clock,
    log: new CollectingLog(),
    metrics: new MetricRegistry(),
    settings: DEFAULT_STORE_SETTINGS,
  });
  if (!opened.ok) throw new Error(opened.error.message);
  const store = opened.value;
  const refs = Uint32Array.from({ length: SERIES }, (_, i) => {
    const ref = store.intern(labelsFrom({ __name__: 'm', i: String((i * 7919) % SERIES) }));
    if (!ref.ok) throw new Error(ref.error);
    return ref.value;
  });
  const startMs = clock.nowMs() - 10 * 3_600_000;
  for (let row = 0; row < ROWS; row++) {
    if (row === ROWS / 2) await store.compactNow();
    await store.append({
      producer: targetId('p'),
      timestampMs: startMs + row * 60_000,
      series: refs,
      values: Float64Array.from(refs, (_, i) => row * i),
    });
  }
  expect(store.stats().blocks.length).toBeGreaterThan(0);
  expect(store.stats().openSamples).toBeGreaterThan(0);
  return store;
}

function work(more: Partial<ReadWork> = {}): ReadWork & { reserved: number; paused: number } {
  const own = { reserved: 0, paused: 0 };
  return Object.assign(own, {
    isDue: () => true,
    pause: async () => {
      own.paused++;
      return true;
    },
    reserve: (bytes: number) => {
      own.reserved += bytes;
      return true;
    },
    ...more,
  });
}

async function contents(store: Store, minded?: ReadWork): Promise<unknown> {
  const read = await store.select([], minded === undefined ? ALL : { ...ALL, work: minded });
  if (!read.ok) return read.error.code;
  return read.value.map(({ labels, timesMs, values, from, to }) => [
    formatLabels(labels),
    [...timesMs.subarray(from, to)],
    [...values.subarray(from, to)],
  ]);
}

describe('a read that is minded', () => {
  it('answers the same, has asked for all its room, and has given way', async () => {
    const store = await filled();
    const minded = work();
    expect(await contents(store, minded)).toEqual(await contents(store));
    expect(minded.reserved).toBeGreaterThan(SERIES * ROWS * 8);
    expect(minded.paused).toBeGreaterThan(SERIES);
    await store.close();
  });

  it('stops wherever it is told to, and the store stays sound', async () => {
    const store = await filled();
    const whole = await contents(store);
    const minded = work();
    await contents(store, minded);
    for (const share of [0.001, 0.01, 0.1, 0.5, 0.9, 1]) {
      const last = Math.max(1, Math.floor(minded.paused * share));
      let asked = 0;
      expect(await contents(store, work({ pause: async () => ++asked < last }))).toBe('query-cancelled');
      let room = minded.reserved * share - 1;
      const reserve = (bytes: number): boolean => {
        room -= bytes;
        return room >= 0;
      };
      expect(await contents(store, work({ reserve }))).toBe('query-cancelled');
    }
    expect(store.stats().quarantined).toEqual([]);
    expect(await contents(store)).toEqual(whole);
    await store.close();
  });
});
