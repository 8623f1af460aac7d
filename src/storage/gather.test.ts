// Batches that can wait are written together; one that cannot takes along those that do.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { type Disk, ok } from '../base/index.ts';
import { labelsFrom, MetricRegistry, targetId } from '../model/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore } from './index.ts';

const GATHER_MS = 50;

/** Counts the writes to the log behind its header. */
function counted(disk: Disk, count: { writes: number }): Disk {
  return {
    ...disk,
    open: async (path, mode) => {
      const opened = await disk.open(path, mode);
      if (!opened.ok || !path.endsWith('.wal')) return opened;
      const file = opened.value;
      return ok({
        path,
        sizeBytes: () => file.sizeBytes(),
        read: (into, at) => file.read(into, at),
        truncate: bytes => file.truncate(bytes),
        sync: () => file.sync(),
        close: () => file.close(),
        write: (bytes, at) => {
          count.writes++;
          return file.write(bytes, at);
        },
      });
    },
  };
}

async function opened() {
  const clock = new FakeClock();
  const count = { writes: 0 };
  const store = await openStore({
    disk: counted(new FakeDisk().mount(), count),
    folder: '/data',
    clock,
    log: new CollectingLog(),
    metrics: new MetricRegistry(),
    settings: { ...DEFAULT_STORE_SETTINGS, gatherMs: GATHER_MS },
  });
  if (!store.ok) throw new Error(store.error.message);
  const append = async (name: string, canWait: boolean): Promise<boolean> => {
    const ref = store.value.intern(labelsFrom({ __name__: name }));
    if (!ref.ok) throw new Error(ref.error);
    const series = Uint32Array.of(ref.value);
    const at = { producer: targetId(name), timestampMs: clock.nowMs(), series, values: Float64Array.of(1) };
    return (await store.value.append({ ...at, canWait })).ok;
  };
  // The first opens a segment.
  await append('first', false);
  await clock.advance(1);
  count.writes = 0;
  return { clock, count, store: store.value, append };
}

describe('batches that can wait', () => {
  it('are written together after a moment', async () => {
    const { clock, count, store, append } = await opened();
    const answers: boolean[] = [];
    for (const name of ['a', 'b', 'c']) void append(name, true).then(is => answers.push(is));
    await clock.advance(GATHER_MS - 1);
    expect([answers, count.writes]).toEqual([[], 0]);
    await clock.advance(1);
    expect([answers, count.writes]).toEqual([[true, true, true], 1]);
    await clock.advance(GATHER_MS);
    expect(count.writes).toBe(1);
    await store.close();
  });

  it('go along with the first that cannot', async () => {
    const { count, store, append } = await opened();
    const waiting = append('a', true);
    expect(await append('b', false)).toBe(true);
    expect(await waiting).toBe(true);
    expect(count.writes).toBe(1);
    await store.close();
  });

  it('are written when the store is closed', async () => {
    const { count, store, append } = await opened();
    const waiting = append('a', true);
    await store.close();
    expect(await waiting).toBe(true);
    expect(count.writes).toBe(1);
  });
});
