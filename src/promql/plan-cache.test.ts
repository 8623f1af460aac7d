// Plans are remembered by their text, up to so many characters.

import { expect, it } from 'vitest';
import type { QueryPlan } from '../model/index.ts';
import { PlanCache } from './plan-cache.ts';

const planOf = (expr: string): QueryPlan => ({
  kind: 'promql-plan',
  expr,
  type: 'vector',
  root: { op: 'test', inputs: [], settings: {} },
});

it('gives the plan that was added, and forgets those of longest ago', () => {
  const plans = new PlanCache();
  const first = planOf('a');
  plans.add(first);
  expect(plans.get('a')).toBe(first);
  expect(plans.get('b')).toBeUndefined();
  for (let i = 0; i < 40; i++) {
    plans.add(planOf(`${i}`.padStart(10_000, '0')));
    expect(plans.get('a')).toBe(first);
  }
  expect(plans.chars).toBeLessThanOrEqual(128 * 1024);
  expect(plans.get('0'.padStart(10_000, '0'))).toBeUndefined();
  plans.add(planOf('x'.repeat(200_000)));
  expect(plans.get('x'.repeat(200_000))).toBeUndefined();
  expect(plans.get('a')).toBe(first);
});
