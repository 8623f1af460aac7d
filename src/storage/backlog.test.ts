// A paused store: what comes in is shown at once, written once that is possible, and never called accepted.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { CollectingLog } from '../../test/support/log.ts';
import {
  isStaleAt,
  labelsFrom,
  MetricRegistry,
  type SelectHints,
  type SeriesColumns,
  setStaleAt,
  targetId,
  wordsOf,
} from '../model/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore, type Store } from './index.ts';
import { BACKLOG_MS } from './settings.ts';

const ALL: SelectHints = { fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 };
const STEP_MS = 15_000;

interface World {
  readonly clock: FakeClock;
  readonly disk: FakeDisk;
  open(): Promise<Store>;
}

function world(): World {
  const clock = new FakeClock();
  const disk = new FakeDisk();
  return {
    clock,
    disk,
    async open() {
      const opened = await openStore({
        disk: disk.mount(),
        folder: '/data',
        clock,
        log: new CollectingLog(),
        metrics: new MetricRegistry(),
        settings: DEFAULT_STORE_SETTINGS,
      });
      if (!opened.ok) throw new Error(opened.error.message);
      return opened.value;
    },
  };
}

/** undefined is a stale marker. */
async function append(
  w: World,
  store: Store,
  values: Readonly<Record<string, number | undefined>>,
): Promise<string> {
  const names = Object.keys(values);
  const series = Uint32Array.from(names, name => {
    const ref = store.intern(labelsFrom({ __name__: name }));
    if (!ref.ok) throw new Error(ref.error);
    return ref.value;
  });
  const column = new Float64Array(names.length);
  names.forEach((name, i) => {
    const value = values[name];
    if (value === undefined) setStaleAt(wordsOf(column), i);
    else column[i] = value;
  });
  const producer = targetId('p');
  const outcome = await store.append({ producer, timestampMs: w.clock.nowMs(), series, values: column });
  // The caller may use its arrays again.
  column.fill(-1);
  return outcome.ok ? 'accepted' : outcome.error.code;
}

async function select(store: Store, hints = ALL): Promise<readonly SeriesColumns[]> {
  const found = await store.select([], hints);
  if (!found.ok) throw new Error(found.error.message);
  return found.value;
}

/** name → values in the order of time, "stale" for the marker. */
async function shown(store: Store, hints = ALL): Promise<Readonly<Record<string, string>>> {
  const series = await select(store, hints);
  return Object.fromEntries(
    series.map(({ labels, values, from, to }) => [
      labels[1],
      Array.from({ length: to - from }, (_, i) =>
        isStaleAt(wordsOf(values), from + i) ? 'stale' : String(values[from + i]),
      ).join(' '),
    ]),
  );
}

async function paused(): Promise<{ readonly w: World; readonly store: Store }> {
  const w = world();
  const store = await w.open();
  expect(await append(w, store, { a: 1, b: 1 })).toBe('accepted');
  w.disk.setFull(true);
  // Blocks that the file has already may still take some.
  for (let i = 0; !store.stats().paused; i++) {
    await w.clock.advance(STEP_MS);
    await append(w, store, { a: 1 });
    expect(i).toBeLessThan(10_000);
  }
  return { w, store };
}

const lastOf = (values: string | undefined, count: number): string =>
  values?.split(' ').slice(-count).join(' ') ?? '';

describe('while the store is paused', () => {
  it('queries see what comes in, new series and stale markers too', async () => {
    const { w, store } = await paused();
    await w.clock.advance(STEP_MS);
    expect(await append(w, store, { a: 2, b: 2, new: 5 })).toBe('storage-paused');
    await w.clock.advance(STEP_MS);
    expect(await append(w, store, { a: 3, b: undefined, new: 6 })).toBe('storage-paused');
    const seen = await shown(store);
    expect(lastOf(seen['a'], 2)).toBe('2 3');
    expect(lastOf(seen['b'], 2)).toBe('2 stale');
    expect(seen['new']).toBe('5 6');
    const nowMs = w.clock.nowMs();
    const labels = await store.series([{ name: '__name__', op: '=', value: 'new' }], {
      fromMs: nowMs,
      toMs: nowMs,
    });
    expect(labels.ok && labels.value.length).toBe(1);
    const window = { ...ALL, fromMs: nowMs - STEP_MS, toMs: nowMs };
    expect(await shown(store, window)).toMatchObject({ a: '3', new: '6' });
    expect((await select(store, { ...ALL, limit: 2 })).length).toBe(2);
  });

  it('it is written in its order once that is possible, and survives the next start', async () => {
    const { w, store } = await paused();
    await w.clock.advance(STEP_MS);
    await append(w, store, { a: 2, b: undefined, new: 5 });
    await w.clock.advance(STEP_MS);
    await append(w, store, { a: 3, new: 6 });
    const before = await shown(store);
    w.disk.setFull(false);
    await w.clock.advance(STEP_MS);
    expect(await append(w, store, { a: 4 })).toBe('accepted');
    expect(store.stats().paused).toBe(false);
    const after = { ...before, a: `${before['a']} 4` };
    expect(await shown(store)).toEqual(after);
    await store.close();
    const again = await w.open();
    expect(await shown(again)).toEqual(after);
    await again.close();
  });

  it('is shown all the while it is being written', async () => {
    const { w, store } = await paused();
    for (let i = 2; i < 6; i++) {
      await w.clock.advance(STEP_MS);
      await append(w, store, { a: i });
    }
    const before = await shown(store);
    w.disk.setFull(false);
    let looks = 0;
    let isDone = false;
    const looking = (async () => {
      while (!isDone) {
        looks += 1;
        expect((await shown(store))['a']?.startsWith(before['a'] ?? '?')).toBe(true);
        // The disk and the clock need their turn.
        await new Promise(resolve => setImmediate(resolve));
      }
    })();
    await w.clock.advance(STEP_MS);
    expect(await append(w, store, { a: 9 })).toBe('accepted');
    isDone = true;
    await looking;
    expect(looks).toBeGreaterThan(3);
    expect(store.stats()).toMatchObject({ paused: false, backlogSamples: 0, backlogFromMs: Infinity });
  });

  it('a process that ends loses it: nothing was promised', async () => {
    const { w, store } = await paused();
    await w.clock.advance(STEP_MS);
    await append(w, store, { a: 2, new: 5 });
    await store.close();
    w.disk.setFull(false);
    const again = await w.open();
    expect((await shown(again))['new']).toBeUndefined();
    await again.close();
  });

  it('a sender that repeats a batch does not fill the memory', async () => {
    const { w, store } = await paused();
    await w.clock.advance(STEP_MS);
    for (let i = 0; i < 100; i++) await append(w, store, { a: i });
    expect(lastOf((await shown(store))['a'], 2)).toBe('1 0');
  });

  it('forgets what is older than the lookback of queries', async () => {
    const { w, store } = await paused();
    const stored = (await shown(store))['a']?.split(' ').length ?? 0;
    for (let i = 0; i < (3 * BACKLOG_MS) / STEP_MS; i++) {
      await w.clock.advance(STEP_MS);
      await append(w, store, { a: i });
    }
    const count = ((await shown(store))['a']?.split(' ').length ?? 0) - stored;
    expect(count).toBeGreaterThanOrEqual(BACKLOG_MS / STEP_MS);
    expect(count).toBeLessThanOrEqual(BACKLOG_MS / STEP_MS + 1);
  });

  it('is held again, in its order, when writing fails in the middle', async () => {
    const { w, store } = await paused();
    for (let i = 2; i < 8; i++) {
      await w.clock.advance(STEP_MS);
      await append(w, store, { a: i, b: i });
    }
    const before = await shown(store);
    w.disk.setFull(false);
    // The probe succeeds, what comes after it fails at its first write.
    w.disk.failAt(2);
    await w.clock.advance(STEP_MS);
    expect(await shown(store)).toEqual(before);
    await w.clock.advance(10 * STEP_MS);
    expect(store.stats().paused).toBe(false);
    expect(await shown(store)).toEqual(before);
    await store.close();
    const again = await w.open();
    expect(await shown(again)).toEqual(before);
    await again.close();
  });
});
