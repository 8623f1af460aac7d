// Which queries are noted for a crash, and when.

import { expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/clock.ts';
import { memorySeriesReader } from '../../../test/support/series.ts';
import { labelsFrom, type Principal, type SeriesReader } from '../../model/index.ts';
import { createQueryEngine } from '../index.ts';
import type { ActiveLog } from './active-log.ts';

const USER: Principal = { kind: 'loopback' };

function bench() {
  const clock = new FakeClock();
  const noted: string[] = [];
  const activeLog: ActiveLog = {
    interrupted: [],
    note: ({ expr }) => {
      noted.push(expr);
      return () => {};
    },
    close: async () => {},
  };
  const memory = memorySeriesReader([{ labels: labelsFrom({ __name__: 'm' }), samples: [[0, 1]] }]);
  const own = { delayMs: 0 };
  const select: SeriesReader['select'] = async (...args) => {
    if (own.delayMs > 0) await new Promise<void>(resolve => clock.after(own.delayMs, resolve));
    return memory.select(...args);
  };
  const engine = createQueryEngine({ reader: { ...memory, select }, clock, activeLog });
  const ask = async (expr: string, { rangeMs = 0, principal = USER } = {}): Promise<void> => {
    const plan = engine.prepare(expr);
    if (!plan.ok) throw new Error(plan.error.message);
    const times = { startMs: 1000 - rangeMs, endMs: 1000, stepMs: rangeMs > 0 ? 100 : 0 };
    const executing = engine.execute(plan.value, times, { principal, timeoutMs: 60_000 });
    if (own.delayMs > 0) await clock.advance(own.delayMs);
    expect((await executing).ok).toBe(true);
  };
  return { ask, noted, own };
}

it('notes a question at once of which nobody knows yet that it is short', async () => {
  const { ask, noted } = bench();
  await ask('m');
  expect(noted).toEqual(['m']);
  await ask('m');
  await ask('m');
  expect(noted).toEqual(['m']);
  // Over another time it is another question.
  await ask('m', { rangeMs: 500 });
  expect(noted).toEqual(['m', 'm']);
  await ask('m + 1');
  expect(noted).toEqual(['m', 'm', 'm + 1']);
});

it('notes one that was short as soon as it takes longer, and at once when it is asked again', async () => {
  const { ask, noted, own } = bench();
  await ask('m');
  own.delayMs = 19;
  await ask('m');
  expect(noted).toHaveLength(1);
  own.delayMs = 30;
  await ask('m');
  expect(noted).toHaveLength(2);
  own.delayMs = 0;
  await ask('m');
  expect(noted).toHaveLength(3);
  await ask('m');
  expect(noted).toHaveLength(3);
});

it("notes the program's own only when they take long", async () => {
  const { ask, noted, own } = bench();
  const principal: Principal = { kind: 'system', part: 'test' };
  await ask('m', { principal });
  expect(noted).toHaveLength(0);
  own.delayMs = 60;
  await ask('m', { principal });
  expect(noted).toHaveLength(1);
});
