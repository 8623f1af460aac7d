// The planner: what is evaluated once, what is pushed down; and that a plan is plain data.

import { describe, expect, it } from 'vitest';
import { parseExpr } from '../parser/index.ts';
import { type Planned, planExpr, resolveDuration } from './index.ts';

function plan(text: string): Planned {
  const parsed = parseExpr(text);
  if (!parsed.ok) throw new Error(parsed.error[0].message);
  return planExpr(parsed.value);
}

/** The plan as nested operators: `call:rate(select-range)`. */
function shape(node: Planned): string {
  const name = node.op === 'call' || node.op === 'aggregate' ? `${node.op}:${node.settings.func}` : node.op;
  return node.inputs.length === 0 ? name : `${name}(${node.inputs.map(shape).join(', ')})`;
}

describe('the planner', () => {
  it.each([
    ['((a))', 'select'],
    ['+a', 'select'],
    ['-a', 'negate(select)'],
    ['a @ 10', 'repeat(select)'],
    ['sum(a @ 10) + b', 'binary(repeat(aggregate:sum(select)), select)'],
    ['rate(a[5m] @ end())', 'repeat(call:rate(select-range))'],
    ['predict_linear(a[5m] @ end(), 60)', 'call:predict_linear(select-range, number)'],
    ['timestamp((a @ 10))', 'select-times'],
    ['timestamp(-a)', 'call:timestamp(negate(select))'],
    ['1 + 2', 'repeat(binary(number, number))'],
    ['time() + 2', 'binary(call:time, number)'],
    ['sum_over_time(a[5m:1m] @ 5)', 'repeat(call:sum_over_time(subquery(select)))'],
    ['sum_over_time((a @ 5)[5m:1m])', 'call:sum_over_time(subquery(repeat(select)))'],
    ['topk(3, a)', 'aggregate:topk(select, number)'],
    ['info(a offset 5m)', 'call:info(select, select, select-times)'],
  ])('%s', (text, want) => {
    expect(shape(plan(text))).toBe(want);
  });

  it('pushes the name and all matchers into the selector', () => {
    expect(plan('up{job="a",x!~"b.*"} offset 5m')).toMatchObject({
      settings: {
        matchers: [
          { name: '__name__', op: '=', value: 'up' },
          { name: 'job', op: '=', value: 'a' },
          { name: 'x', op: '!~', value: 'b.*' },
        ],
        offset: 300_000,
        func: '',
      },
    });
    expect(plan('rate(up[5m])')).toMatchObject({ inputs: [{ settings: { func: 'rate', range: 300_000 } }] });
  });

  it.each(['vector(NaN)', 'a > -Inf', 'a * -0', 'a + fill(Inf) b', 'a[max_of(step(), 5s)] offset -range()'])(
    'of %s survives JSON and structuredClone',
    text => {
      const made = plan(text);
      expect(JSON.parse(JSON.stringify(made))).toEqual(made);
      expect(structuredClone(made)).toEqual(made);
    },
  );

  it('resolves durations that depend on the query', () => {
    const node = plan('a[2 * step() + range() / 4]');
    if (node.op !== 'select-range') throw new Error('no range');
    expect(resolveDuration(node.settings.range, { stepMs: 15_000, rangeMs: 3_600_000 })).toBe(930_000);
  });
});
