// Exemplars and metadata in the store: which are kept, which go, and that they outlive the process.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { type Exemplar, labelsFrom, type MetricMetadata, MetricRegistry, targetId } from '../model/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore, type Store } from './index.ts';

const ALL = { fromMs: -Infinity, toMs: Infinity };

function world(exemplarsMax = 100) {
  const clock = new FakeClock();
  const disk = new FakeDisk();
  const open = async (): Promise<Store> => {
    const opened = await openStore({
      disk: disk.mount(),
      folder: '/store',
      clock,
      log: new CollectingLog(),
      metrics: new MetricRegistry(),
      settings: { ...DEFAULT_STORE_SETTINGS, exemplarsMax },
    });
    if (!opened.ok) throw new Error(opened.error.message);
    return opened.value;
  };
  const send = async (
    store: Store,
    exemplars: readonly (readonly [series: number, exemplar: Exemplar])[],
    metadata: readonly MetricMetadata[] = [],
  ): Promise<number> => {
    await clock.advance(1000);
    const series = [1, 2, 3].map(i => {
      const ref = store.intern(labelsFrom({ __name__: 'm', i: String(i) }));
      return ref.ok ? ref.value : 0;
    });
    const outcome = await store.append({
      producer: targetId('p'),
      timestampMs: clock.nowMs(),
      series: Uint32Array.from(series),
      values: Float64Array.of(1, 2, 3),
      exemplars: exemplars.map(([i, exemplar]) => ({ index: i - 1, exemplar })),
      metadata,
    });
    return outcome.ok ? (outcome.value.keptExemplars ?? 0) : -1;
  };
  return { clock, disk, open, send };
}

const trace = (id: string, timestampMs?: number): Exemplar => ({
  labels: labelsFrom({ trace_id: id }),
  value: 1,
  ...(timestampMs === undefined ? {} : { timestampMs }),
});

async function kept(store: Store): Promise<string[]> {
  const found = await store.exemplars([[{ name: '__name__', op: '=', value: 'm' }]], ALL);
  if (!found.ok) throw new Error(found.error.message);
  return found.value.flatMap(({ series, exemplars }) =>
    exemplars.map(({ labels, timestampMs }) => `${series[3]} ${labels[1]} ${timestampMs}`),
  );
}

describe('exemplars', () => {
  it('are kept in the order of their times; repeats and late ones are not', async () => {
    const { open, send } = world();
    const store = await open();
    expect(
      await send(store, [
        [1, trace('a', 10)],
        [2, trace('b', 10)],
      ]),
    ).toBe(2);
    expect(
      await send(store, [
        [1, trace('a', 10)],
        [1, trace('c', 20)],
        [2, trace('d', 5)],
      ]),
    ).toBe(1);
    // Another one at the same time is news.
    expect(await send(store, [[1, trace('e', 20)]])).toBe(1);
    expect(await kept(store)).toEqual(['1 a 10', '1 c 20', '1 e 20', '2 b 10']);
    await store.close();
  });

  it('take the time of their sample where they have none', async () => {
    const { clock, open, send } = world();
    const store = await open();
    await send(store, [[3, trace('a')]]);
    expect(await kept(store)).toEqual([`3 a ${clock.nowMs()}`]);
    await store.close();
  });

  it('with labels longer than OpenMetrics allows are not kept', async () => {
    const { open, send } = world();
    const store = await open();
    expect(await send(store, [[1, trace('x'.repeat(120))]])).toBe(1);
    expect(await send(store, [[1, trace('x'.repeat(121))]])).toBe(0);
    await store.close();
  });

  it('go, the oldest first, when there are more than may be', async () => {
    const { open, send } = world(3);
    const store = await open();
    for (let i = 1; i <= 7; i++) await send(store, [[1 + (i % 2), trace(`t${i}`, i)]]);
    expect(await kept(store)).toEqual(['1 t6 6', '2 t5 5', '2 t7 7']);
    await store.close();
  });

  it('are not kept at all where none may be', async () => {
    const { open, send } = world(0);
    const store = await open();
    expect(await send(store, [[1, trace('a')]])).toBe(0);
    expect(await kept(store)).toEqual([]);
    await store.close();
  });

  it.each(['killed', 'closed', 'maintained and killed'])('outlive a process that is %s', async how => {
    const { disk, clock, open, send } = world(5);
    let store = await open();
    const metadata: MetricMetadata = { metric: 'm', type: 'stateset', help: 'Größe', unit: 'm' };
    for (let life = 0; life < 4; life++) {
      for (let i = 1; i <= 3; i++) await send(store, [[i, trace(`${life}`, life * 10)]], [metadata]);
      if (how !== 'killed') expect((await store.sealAll()).ok).toBe(true);
      const before = await kept(store);
      expect(before).toHaveLength(life === 0 ? 3 : 5);
      await clock.advance(6000);
      if (how === 'closed') await store.close();
      else disk.killProcess();
      store = await open();
      expect(await kept(store)).toEqual(before);
      expect(store.metadata()).toEqual([metadata]);
      expect(store.damage().filter(({ code }) => code !== 'wal-torn-tail')).toEqual([]);
    }
    await store.close();
    const names = await disk.mount().list('/store');
    expect(names.ok && names.value.filter(name => name.startsWith('annex')).length).toBe(1);
  });

  it('stay after their samples left the log', async () => {
    const { disk, clock, open, send } = world();
    let store = await open();
    await send(store, [[1, trace('a', 1)]]);
    for (let i = 0; i < 200; i++) {
      await send(store, []);
      await clock.advance(60_000);
    }
    expect((await store.sealAll()).ok).toBe(true);
    disk.killProcess();
    store = await open();
    expect(await kept(store)).toEqual(['1 a 1']);
    await store.close();
  });
});
