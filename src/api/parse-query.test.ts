// The tree of an expression as Prometheus's /api/v1/parse_query has it.

import { describe, expect, it } from 'vitest';
import { ok } from '../base/index.ts';
import { bench, jsonOf } from './testdata/bench.ts';

async function parsed(text: string): Promise<unknown> {
  const { ask } = await bench();
  const query = new URLSearchParams({ query: text }).toString();
  const answer = jsonOf(await ask({ path: '/api/v1/parse_query', query })) as {
    status: string;
    data: unknown;
  };
  expect(answer.status).toBe('success');
  return answer.data;
}

const PLAIN = { offset: 0, timestamp: null, startOrEnd: null };
const named = (name: string, ...matchers: object[]) => ({
  type: 'vectorSelector',
  name,
  matchers: [...matchers, { name: '__name__', value: name, type: '=' }],
  ...PLAIN,
  anchored: false,
  smoothed: false,
});
const matching = {
  card: 'one-to-one',
  labels: [],
  on: false,
  include: [],
  fillValues: { lhs: null, rhs: null },
};

describe('parse_query', () => {
  it.each<[string, unknown]>([
    ['1e3', { type: 'numberLiteral', val: '1000' }],
    ['-Inf', { type: 'numberLiteral', val: '-Inf' }],
    ['5m', { type: 'numberLiteral', val: '300' }],
    ['"a\\n"', { type: 'stringLiteral', val: 'a\n' }],
    ['foo{a!~"x|y"}', named('foo', { name: 'a', value: 'x|y', type: '!~' })],
    [
      '{"foo.bar", a="b"} offset -1500ms @ 12.345',
      {
        ...named(''),
        matchers: [
          { name: '__name__', value: 'foo.bar', type: '=' },
          { name: 'a', value: 'b', type: '=' },
        ],
        offset: -1500,
        timestamp: 12_345,
      },
    ],
    [
      'rate(foo[5m] smoothed offset 1m @ end())',
      {
        type: 'call',
        func: { name: 'rate', argTypes: ['matrix'], variadic: 0, returnType: 'vector' },
        args: [
          {
            ...named('foo'),
            type: 'matrixSelector',
            range: 300_000,
            offset: 60_000,
            startOrEnd: 'end',
            smoothed: true,
          },
        ],
      },
    ],
    ['foo[1h:]', { type: 'subquery', expr: named('foo'), range: 3_600_000, step: 0, ...PLAIN }],
    [
      'foo[step():30s] offset 2m @ start()',
      {
        type: 'subquery',
        expr: named('foo'),
        range: 0,
        step: 30_000,
        offset: 120_000,
        timestamp: null,
        startOrEnd: 'start',
      },
    ],
    [
      'topk without (a, b) (3, -foo)',
      {
        type: 'aggregation',
        op: 'topk',
        param: { type: 'numberLiteral', val: '3' },
        expr: { type: 'unaryExpr', op: '-', expr: named('foo') },
        grouping: ['a', 'b'],
        without: true,
      },
    ],
    [
      'sum((foo))',
      {
        type: 'aggregation',
        op: 'sum',
        param: null,
        expr: { type: 'parenExpr', expr: named('foo') },
        grouping: [],
        without: false,
      },
    ],
    [
      'foo == bool on (a) group_left (c) fill_right (0) bar',
      {
        type: 'binaryExpr',
        op: '==',
        lhs: named('foo'),
        rhs: named('bar'),
        bool: true,
        matching: {
          card: 'many-to-one',
          labels: ['a'],
          on: true,
          include: ['c'],
          fillValues: { lhs: null, rhs: 0 },
        },
      },
    ],
    [
      'foo and bar',
      {
        type: 'binaryExpr',
        op: 'and',
        lhs: named('foo'),
        rhs: named('bar'),
        bool: false,
        matching: { ...matching, card: 'many-to-many' },
      },
    ],
    [
      'foo * 2',
      {
        type: 'binaryExpr',
        op: '*',
        lhs: named('foo'),
        rhs: { type: 'numberLiteral', val: '2' },
        bool: false,
        matching: null,
      },
    ],
  ])('%s', async (text, want) => {
    expect(await parsed(text)).toEqual(want);
  });

  it('says the types of functions with optional arguments', async () => {
    expect(await parsed('label_join(foo, "a", "b") or round(bar)')).toMatchObject({
      lhs: {
        func: { argTypes: ['vector', 'string', 'string', 'string'], variadic: -1, returnType: 'vector' },
      },
      rhs: { func: { name: 'round', argTypes: ['vector', 'scalar'], variadic: 1 } },
    });
  });

  it('takes a form, and says what is wrong with an expression', async () => {
    const { ask } = await bench();
    const post = await ask({
      method: 'POST',
      path: '/api/v1/parse_query',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: async () => ok(Buffer.from('query=vector(1)')),
    });
    expect(jsonOf(post)).toMatchObject({ data: { type: 'call', func: { name: 'vector' } } });
    const wrong = await ask({ path: '/api/v1/parse_query', query: 'query=1%2B%0A+sum(' });
    expect(wrong.status).toBe(400);
    expect(jsonOf(wrong)).toMatchObject({
      errorType: 'bad_data',
      error: expect.stringContaining('2:6: parse error: unexpected end of input'),
    });
  });
});
