// Queries that are explained: sums agree with the whole, and what is shared is counted once.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { memorySeriesReader } from '../../test/support/series.ts';
import type { Clock } from '../base/index.ts';
import { labelsFrom, type OperatorCost, type QueryAnswer, type QueryTimes } from '../model/index.ts';
import { createQueryEngine } from './index.ts';

const MINUTE = 60_000;
const RANGE: QueryTimes = { startMs: 10 * MINUTE, endMs: 19 * MINUTE, stepMs: MINUTE };

/** Each look at it takes a millisecond. */
function tickingClock(): Clock {
  const clock = new FakeClock();
  let ticks = 0;
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => ticks++,
    after: (delayMs, fire) => {
      if (delayMs === 0) queueMicrotask(fire);
      return { cancel: () => {} };
    },
  };
}

async function answer(
  expr: string,
  options: { readonly explain: boolean; readonly times?: QueryTimes },
): Promise<QueryAnswer> {
  const reader = memorySeriesReader(
    ['a', 'b', 'c'].map((instance, n) => ({
      labels: labelsFrom({ __name__: 'm', instance }),
      samples: Array.from({ length: 20 }, (_, i) => [i * MINUTE, i * (n + 1)] as const),
    })),
  );
  const engine = createQueryEngine({ reader, clock: tickingClock() });
  const plan = engine.prepare(expr);
  if (!plan.ok) throw new Error(plan.error.message);
  const { explain, times = RANGE } = options;
  const principal = { kind: 'system', part: 'test' } as const;
  const result = await engine.execute(plan.value, times, { principal, timeoutMs: 100_000, explain });
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

async function explained(
  expr: string,
  times: QueryTimes = RANGE,
): Promise<{ readonly root: OperatorCost; readonly answer: QueryAnswer }> {
  const found = await answer(expr, { explain: true, times });
  const root = found.cost.operators;
  if (root === undefined) throw new Error('not explained');
  return { root, answer: found };
}

function all(root: OperatorCost): readonly OperatorCost[] {
  return [root, ...root.inputs.flatMap(all)];
}

function sum(root: OperatorCost, of: (one: OperatorCost) => number): number {
  return all(root).reduce((total, one) => total + of(one), 0);
}

describe('an explained query', () => {
  it.each([
    'm',
    'm > 5',
    '1 + 2',
    'sum by (instance) (rate(m[5m])) / ignoring (instance) group_left sum(rate(m[5m]))',
    'm and m or m unless m',
    'max_over_time(rate(m[2m])[5m:1m])',
    'topk(2, -m) > bool scalar(sum(m))',
    'm @ 600',
    'm @ 600 > 1',
    'timestamp(m) - m',
    'absent(nothing)',
  ])('%s: the parts add up to the whole', async expr => {
    const {
      root,
      answer: { cost, series },
    } = await explained(expr);
    expect(sum(root, one => one.samplesRead)).toBe(cost.samplesRead);
    expect(sum(root, one => one.seriesRead)).toBe(cost.seriesRead);
    expect(sum(root, one => one.selfMs)).toBe(root.totalMs);
    expect(root.totalMs).toBeLessThanOrEqual(cost.durationMs);
    expect(root.series).toBe(series.length);
    for (const one of all(root)) {
      expect(one.selfMs).toBeGreaterThan(0);
      expect(one.totalMs).toBe(one.selfMs + one.inputs.reduce((total, input) => total + input.totalMs, 0));
    }
  });

  it('reads a selector that stands twice once, and says where it was shared', async () => {
    const {
      root,
      answer: { cost },
    } = await explained('sum(rate(m[5m])) / count(rate(m[5m]))');
    const reads = all(root).filter(one => one.op === 'select-range');
    expect(reads.map(one => [one.text, one.isShared, one.seriesRead, one.series])).toEqual([
      ['m[5m]', false, 3, 3],
      ['m[5m]', true, 0, 3],
    ]);
    expect(reads[0]?.samplesRead).toBe(cost.samplesRead);
    expect(cost.samplesRead).toBe(3 * 14);
  });

  it('names operators as the language does, each with its part of the expression', async () => {
    const { root } = await explained('-sum(m{instance!="c"}) > bool 1.5');
    expect(all(root).map(one => [one.op, one.name, one.text, one.series, one.steps])).toEqual([
      ['binary', '> bool', '-sum(m{instance!="c"}) > bool 1.5', 1, 10],
      ['negate', '-', '-sum(m{instance!="c"})', 1, 10],
      ['aggregate', 'sum', 'sum(m{instance!="c"})', 1, 10],
      ['select', 'select', 'm{instance!="c"}', 2, 10],
      ['number', 'number', '1.5', 1, 10],
    ]);
  });

  it('shows what is evaluated once and repeated, and what a subquery evaluates on steps of its own', async () => {
    const repeated = await explained('m @ 600');
    expect(all(repeated.root).map(one => [one.op, one.steps])).toEqual([
      ['repeat', 10],
      ['select', 1],
    ]);
    const sub = await explained('max_over_time(m[5m:30s])');
    expect(all(sub.root).map(one => [one.op, one.steps])).toEqual([
      ['call', 10],
      ['subquery', 10],
      ['select', 28],
    ]);
  });

  it('counts only series that have a value', async () => {
    const { root } = await explained('m > 30', { startMs: 15 * MINUTE, endMs: 15 * MINUTE, stepMs: 0 });
    expect([root.series, root.inputs[0]?.series]).toEqual([1, 3]);
  });
});

it('a query that nobody wants explained is not measured', async () => {
  expect((await answer('sum(m)', { explain: false })).cost.operators).toBeUndefined();
});
