// Who is kept: those that are asked for again, within the bytes that there are, and not each at the cost of the next.

import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { atOnce } from '../base/index.ts';
import { labelsFrom, type SeriesColumns, type SeriesRef } from '../model/index.ts';
import { KeptColumns } from './kept-columns.ts';
import { type KeptSet, keepingSteps, keptBytes, Stamps } from './kept-set.ts';
import { SeriesTable } from './series-table.ts';
import { KEPT_ASKED_MAX, KEPT_IDLE_MS } from './settings.ts';

const SAMPLES = 1000;

function setOf(): KeptSet {
  const timesMs = Float64Array.from({ length: SAMPLES }, (_, i) => i);
  const column: SeriesColumns = {
    labels: labelsFrom({ __name__: 'm' }),
    ref: 1 as SeriesRef,
    producer: undefined,
    timesMs,
    values: new Float64Array(SAMPLES),
    from: 0,
    to: SAMPLES,
    isPlain: true,
  };
  const set = atOnce(
    keepingSteps([column], {
      stamps: new Stamps(new SeriesTable(), [], 0),
      state: { blocks: [], tombstones: [], drops: 0 },
      window: { fromMs: -1, toMs: SAMPLES },
      nowMs: 0,
    }),
  );
  expect(keptBytes([column])).toBe(set.bytes);
  return set;
}

it('lets all stay that fit together, and gives back what nobody asks for', async () => {
  const clock = new FakeClock();
  const kept = new KeptColumns({ clock, keptBytesMax: 2.5 * setOf().bytes });
  expect(kept.asked('a')).toBe(Number.POSITIVE_INFINITY);
  await clock.advance(1000);
  const gapMs = kept.asked('a');
  expect(gapMs).toBe(1000);
  const set = setOf();
  kept.keep('a', set, gapMs);
  kept.keep('b', setOf(), gapMs);
  expect(kept.bytes).toBe(2 * set.bytes);
  await clock.advance(KEPT_IDLE_MS - 1);
  expect(kept.find('a', 0)).toBe(set);
  await clock.advance(1);
  kept.rest();
  expect(kept.find('b', 0)).toBeUndefined();
  expect(kept.find('a', 0)).toBe(set);
  kept.forget('a');
  expect(kept.bytes).toBe(0);
});

it('keeps some of those that are too many together and asked for in turns, not each in place of the next', async () => {
  const clock = new FakeClock();
  const kept = new KeptColumns({ clock, keptBytesMax: 2.5 * setOf().bytes });
  const keys = ['a', 'b', 'c', 'd'];
  let found = 0;
  for (let round = 0; round < 10; round++) {
    for (const key of keys) {
      await clock.advance(1000);
      if (kept.find(key, 0) !== undefined) {
        found++;
        continue;
      }
      const gapMs = kept.asked(key);
      if (gapMs < Number.POSITIVE_INFINITY) kept.keep(key, setOf(), gapMs);
    }
  }
  expect(found).toBe(2 * 8);
  // One that is asked for more often than those makes room for itself.
  kept.asked('e');
  await clock.advance(100);
  kept.keep('e', setOf(), kept.asked('e'));
  expect(kept.find('e', 0)).toBeDefined();
  expect(kept.bytes).toBeLessThanOrEqual(2.5 * setOf().bytes);
});

it('keeps nothing that is larger than all there is, and remembers a bounded number of selectors', () => {
  const clock = new FakeClock();
  const kept = new KeptColumns({ clock, keptBytesMax: 100 });
  expect(kept.makeRoom(101, 0)).toBe(false);
  kept.keep('a', setOf(), 0);
  expect(kept.bytes).toBe(0);
  kept.asked('first');
  for (let i = 0; i < KEPT_ASKED_MAX; i++) kept.asked(String(i));
  expect(kept.asked('first')).toBe(Number.POSITIVE_INFINITY);
  expect(kept.asked('9')).toBe(0);
});
