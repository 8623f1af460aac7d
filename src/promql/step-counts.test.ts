// How many samples each step looks at, as Prometheus counts them.

import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { memorySeriesReader } from '../../test/support/series.ts';
import { labelsFrom } from '../model/index.ts';
import { createQueryEngine } from './index.ts';

const MINUTE = 60_000;

/** m{i="1"} and m{i="2"} have a sample a minute for an hour, and ends one for the first four minutes. */
const reader = memorySeriesReader(
  [
    { name: 'm', i: '1', samples: 60 },
    { name: 'm', i: '2', samples: 60 },
    { name: 'ends', i: '1', samples: 4 },
  ].map(({ name, i, samples }) => ({
    labels: labelsFrom({ __name__: name, i }),
    samples: Array.from({ length: samples }, (_, at) => [at * MINUTE, 1] as const),
  })),
);

async function countsOf(expr: string): Promise<readonly number[] | undefined> {
  const engine = createQueryEngine({ reader, clock: new FakeClock() });
  const plan = engine.prepare(expr);
  if (!plan.ok) throw new Error(plan.error.message);
  const answered = await engine.execute(
    plan.value,
    { startMs: 3 * MINUTE, endMs: 15 * MINUTE, stepMs: 6 * MINUTE },
    { principal: { kind: 'system', part: 'test' }, timeoutMs: 10_000, wantStepCounts: true },
  );
  if (!answered.ok) throw new Error(answered.error.message);
  return answered.value.cost.samplesByStep && [...answered.value.cost.samplesByStep];
}

it.each([
  ['1', [0, 0, 0]],
  ['m', [2, 2, 2]],
  ['ends', [1, 0, 0]],
  ['m + m', [4, 4, 4]],
  ['timestamp(m)', [2, 2, 2]],
  ['sum(rate(m[4m]))', [8, 8, 8]],
  ['sum_over_time(ends[4m])', [4, 0, 0]],
  // One evaluation stands for all steps.
  ['sum(sum_over_time(m[4m] @ 600))', [8, 8, 8]],
  // The points of the subquery count, not what it took to make them.
  ['max_over_time(sum_over_time(m[3m])[4m:2m])', [4, 4, 4]],
])('%s looks at %j', async (expr, counts) => {
  expect(await countsOf(expr)).toEqual(counts);
});
