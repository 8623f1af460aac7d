// The stock rules load without a complaint and do what their unit tests say.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { createQueryEngine } from '../promql/index.ts';
import { readRules } from './reader.ts';
import { STOCK_RULES, STOCK_RULES_FILE } from './stock.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { runRuleTests } from './testing/run-tests.ts';

const prepare = createQueryEngine({ reader: new MemoryStore(), clock: new FakeClock() }).prepare;

it('the stock rules load without any diagnostic', () => {
  const read = readRules(STOCK_RULES, { file: STOCK_RULES_FILE, prepare, noData: 'unknown' });
  expect(read.diagnostics).toEqual([]);
  expect(read.file?.groups.flatMap(group => group.rules).length).toBeGreaterThan(15);
});

it('every stock alert speaks English and Chinese and has a unit test', () => {
  const tests = readFileSync(new URL('./testdata/stock-tests.yml', import.meta.url), 'utf8');
  const read = readRules(STOCK_RULES, { file: STOCK_RULES_FILE, prepare });
  for (const rule of read.file?.groups.flatMap(group => group.rules) ?? []) {
    if (rule.kind !== 'alerting') continue;
    const names = rule.annotations.map(one => one.name).sort();
    expect(names).toEqual(['description', 'description_zh', 'summary', 'summary_zh']);
    expect(tests).toContain(`alertname: ${rule.alert}\n`);
  }
});

it('the stock rules pass their unit tests', async () => {
  const source = readFileSync(new URL('./testdata/stock-tests.yml', import.meta.url), 'utf8');
  const report = await runRuleTests(source, {
    file: 'stock-tests.yml',
    readRuleFiles: async name =>
      name === STOCK_RULES_FILE ? [{ name, text: { ok: true, value: STOCK_RULES } }] : [],
    createQuery: reader => createQueryEngine({ reader, clock: new FakeClock() }),
    monotonicMs: () => 0,
  });
  expect(report.diagnostics).toEqual([]);
  expect(report.failures.map(failure => failure.message)).toEqual([]);
  expect(report.testsRun).toBeGreaterThan(10);
  expect(report.checksRun).toBeGreaterThan(25);
});
