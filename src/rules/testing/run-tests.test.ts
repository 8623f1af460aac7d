// Unit tests of rules as promtool runs them: what time is when, what is compared how, and where a failure stands.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/clock.ts';
import { err, ok } from '../../base/index.ts';
import { createQueryEngine } from '../../promql/index.ts';
import { type RuleTestReport, runRuleTests } from './run-tests.ts';

type Files = Readonly<Record<string, string>>;

async function run(
  source: string,
  files: Files = {},
  more: { readonly only?: (name: string) => boolean; readonly allowsUnknownKeys?: boolean } = {},
): Promise<RuleTestReport> {
  return runRuleTests(source, {
    file: 't.yml',
    readRuleFiles: async pattern =>
      Object.keys(files)
        .filter(name => pattern === '*' || name === pattern)
        .map(name => ({ name, text: files[name] === 'unreadable' ? err('denied') : ok(files[name] ?? '') })),
    createQuery: (reader, subqueryStepMs) =>
      createQueryEngine({ reader, clock: new FakeClock(), settings: { subqueryStepMs } }),
    monotonicMs: () => 0,
    ...more,
  });
}

const messages = (report: RuleTestReport): readonly string[] => report.failures.map(one => one.message);

/** One test with series of one sample a minute. */
function expression(
  expr: string,
  at: string,
  more: { readonly head?: string; readonly want?: string } = {},
): string {
  return `${more.head ?? ''}
rule_files: ['*']
tests:
  - interval: 1m
    input_series: [{ series: m, values: '0+1x20' }]
    promql_expr_test:
      - expr: ${JSON.stringify(expr)}
        eval_time: ${at}
        exp_samples: [${more.want ?? ''}]
`;
}

describe('expressions', () => {
  it.each([
    // Samples later than the newest evaluation are not there yet.
    ['m offset -4m', '10m', '{ labels: m, value: 10 }'],
    ['m', '150s', '{ labels: m, value: 2 }'],
    ['time()', '2m', '{ value: 120 }'],
    ['-0 * vector(1)', '0', '{ labels: "{}", value: 0 }'],
    ['m / 0 - m / 0', '1m', '{ labels: "{}", value: .nan }'],
  ])('%s at %s', async (expr, at, want) => {
    expect(messages(await run(expression(expr, at, { want })))).toEqual([]);
  });

  it('subqueries without a step have the evaluation interval', async () => {
    const head = 'evaluation_interval: 30s';
    const want = '{ labels: "{}", value: 4 }';
    expect(messages(await run(expression('count_over_time(m[2m:])', '10m', { head, want })))).toEqual([]);
    const minute = await run(expression('count_over_time(m[2m:])', '10m', { want }));
    expect(messages(minute)).toEqual([
      'test 1: expression "count_over_time(m[2m:])" at 10m: expected {} 4, got {} 2',
    ]);
  });

  it('fuzzy_compare takes the next number for the same, and no other', async () => {
    const exact = expression('m * 0.1', '3m', { want: '{ labels: "{}", value: 0.3 }' });
    expect(messages(await run(exact))).toHaveLength(1);
    expect(messages(await run(`fuzzy_compare: true\n${exact}`))).toEqual([]);
    const far = expression('m * 0.1', '3m', { want: '{ labels: "{}", value: 0.30000000001 }' });
    expect(messages(await run(`fuzzy_compare: true\n${far}`))).toHaveLength(1);
    const zero = expression('-0 * m', '3m', { want: '{ labels: "{}", value: 5e-324 }' });
    expect(messages(await run(`fuzzy_compare: true\n${zero}`))).toEqual([]);
  });
});

describe('rules', () => {
  const rules = 'groups: [{ name: g, rules: [{ record: later, expr: m offset -2m }] }]';

  it('see no samples of the future', async () => {
    const want = '{ labels: later, value: 5 }';
    expect(messages(await run(expression('later', '5m', { want }), { 'r.yml': rules }))).toEqual([]);
  });

  it('that fail end their test at the first time, with their place', async () => {
    const bad = 'groups:\n- name: g\n  rules:\n  - record: x\n    expr: m + on () group_left () m2\n';
    const source = `rule_files: [r.yml]
tests:
  - name: clash
    input_series:
      - { series: 'm2{a="1"}', values: 1x20 }
      - { series: 'm2{a="2"}', values: 1x20 }
      - { series: m, values: 1x20 }
    promql_expr_test: [{ expr: m, eval_time: 10m }]
`;
    const report = await run(source, { 'r.yml': bad });
    expect(report.failures).toHaveLength(1);
    expect(report.failures[0]).toMatchObject({ test: 'clash', line: 3, column: 5, check: 'rule x at 0s' });
    expect(report.failures[0]?.error).toMatch(/many-to-many|duplicate.*\(r\.yml:5, group "g"\)/s);
  });

  it('may have keys of others where that is allowed', async () => {
    const extra = { 'r.yml': `owner: me\n${rules}` };
    const source = expression('later', '5m', { want: '{ labels: later, value: 5 }' });
    expect((await run(source, extra)).diagnostics.map(one => one.code)).toEqual(['config-unknown-key']);
    const allowed = await run(source, extra, { allowsUnknownKeys: true });
    expect([allowed.diagnostics, messages(allowed)]).toEqual([[], []]);
  });

  it('that are not there give a warning, unreadable ones an error', async () => {
    const source = expression('m', '1m', { want: '{ labels: m, value: 1 }' });
    const missing = await run(source);
    expect(missing.diagnostics).toMatchObject([{ severity: 'warning', code: 'config-io' }]);
    expect([missing.testsRun, missing.failures]).toEqual([1, []]);
    const unreadable = await run(source, { 'r.yml': 'unreadable' });
    expect(unreadable).toMatchObject({
      testsRun: 0,
      diagnostics: [{ severity: 'error', code: 'config-io' }],
    });
  });

  it('named twice are loaded once', async () => {
    const source = expression('later', '5m', { want: '{ labels: later, value: 5 }' });
    const twice = source.replace("['*']", "['*', r.yml]");
    expect((await run(twice, { 'r.yml': rules })).failures).toEqual([]);
  });
});

describe('a failure', () => {
  const source = `tests:
  - name: one
    input_series: [{ series: 'm{a="x"}', values: '1 2' }]
    promql_expr_test:
      - expr: m
        exp_samples: [{ labels: 'm{a="x"}', value: 2 }]
  - name: two
    alert_rule_test:
      - { eval_time: 90s, alertname: Gone, exp_alerts: [{ exp_labels: { a: b }, exp_annotations: { c: d } }] }
`;

  it('says which test and check, where it stands, and what was expected', async () => {
    const report = await run(source);
    expect(report.failures).toMatchObject([
      { test: 'one', line: 5, column: 9, check: 'expression "m" at 0s' },
      { test: 'two', line: 9, column: 9, check: 'alert Gone at 1m30s', got: [] },
    ]);
    expect(report.failures.map(one => one.expected.map(item => item.parts))).toEqual([
      [
        [
          ['__name__', 'm'],
          ['a', 'x'],
          ['value', '2'],
        ],
      ],
      [
        [
          ['a', 'b'],
          ['alertname', 'Gone'],
          ['annotations.c', 'd'],
        ],
      ],
    ]);
  });

  it('comes only of tests that are asked for', async () => {
    const report = await run(source, {}, { only: name => name === 'two' });
    expect([report.testsRun, report.checksRun, report.failures.length]).toEqual([1, 1, 1]);
  });
});
