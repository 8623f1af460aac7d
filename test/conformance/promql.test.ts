// PromQL against Prometheus's own fixtures: its test scripts, the tables of its parser and printer tests, and the
// expressions of real dashboards and rule files.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createQueryEngine, type Expr, parseExpr, printExpr } from '../../src/promql/index.ts';
import { FakeClock } from '../support/clock.ts';
import { corporaRoot, describeCorpus, readJsonLines, reportCases } from '../support/corpora.ts';
import { memorySeriesReader } from '../support/series.ts';
import { labelsRecord, parseSeriesLine } from './promqltest/notation.ts';
import { type CaseOutcome, runScript } from './promqltest/runner.ts';

describeCorpus('prometheus/promqltest', folder => {
  const files = readdirSync(folder)
    .filter(name => name.endsWith('.test'))
    .sort();
  const total = { passed: 0, notSupported: 0, failed: 0 };
  const reasons = new Map<string, number>();

  for (const file of files) {
    it(file, async () => {
      const outcomes = await runScript(readFileSync(join(folder, file), 'utf8'));
      expect(outcomes.length).toBeGreaterThan(0);
      const count = (verdict: CaseOutcome['verdict']): number =>
        outcomes.filter(outcome => outcome.verdict === verdict).length;
      total.passed += count('passed');
      total.notSupported += count('not-supported');
      total.failed += count('failed');
      for (const { verdict, reason } of outcomes) {
        if (verdict === 'not-supported') reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }
      console.log(
        `promqltest ${file}: ${count('passed')} passed, ${count('not-supported')} not supported, ${count('failed')} failed`,
      );
      const failed = outcomes.filter(({ verdict }) => verdict === 'failed');
      expect(failed.map(({ line, expr, reason }) => `${file}:${line}: ${expr}: ${reason}`)).toEqual([]);
    });
  }

  afterAll(() => {
    const { passed, notSupported, failed } = total;
    reportCases('promqltest', { files: files.length, cases: passed + notSupported + failed });
    console.log(`promqltest: ${passed} passed, ${notSupported} not supported, ${failed} failed`);
    for (const [reason, count] of [...reasons].sort(([, a], [, b]) => b - a)) {
      console.log(`promqltest not supported: ${count} × ${reason}`);
    }
  });
});

interface ParseRow {
  readonly n: number;
  readonly input?: string;
  readonly ok: boolean;
  readonly root?: string;
  readonly value?: number;
}

const KIND_BY_ROOT: Readonly<Record<string, Expr['kind']>> = {
  AggregateExpr: 'aggregation',
  BinaryExpr: 'binary',
  Call: 'call',
  MatrixSelector: 'range',
  NumberLiteral: 'number',
  ParenExpr: 'paren',
  StringLiteral: 'string',
  SubqueryExpr: 'subquery',
  UnaryExpr: 'unary',
  VectorSelector: 'selector',
};

describeCorpus('prometheus/tables', folder => {
  describe('promql-parse', () => {
    // Rows that are not UTF-8 cannot reach a parser of JavaScript strings: the border refuses them.
    const rows = readJsonLines<ParseRow>(join(folder, 'promql-parse.jsonl')).filter(
      row => row.input !== undefined,
    );
    it('accepts and refuses what Prometheus does, with spans inside the text', () => {
      reportCases('promql-parse', { files: 1, cases: rows.length });
      const wrong = rows.filter(({ input = '', ok, root, value }) => {
        const parsed = parseExpr(input);
        if (!parsed.ok) {
          for (const { span } of parsed.error) {
            expect(span.start).toBeGreaterThanOrEqual(0);
            expect(span.end).toBeGreaterThanOrEqual(span.start);
            expect(span.end).toBeLessThanOrEqual(input.length);
          }
          return ok;
        }
        if (!ok || parsed.value.kind !== KIND_BY_ROOT[root ?? '']) return true;
        return value !== undefined && !(parsed.value.kind === 'number' && parsed.value.value === value);
      });
      expect(wrong).toEqual([]);
    });
  });

  it('promql-print: prints as Prometheus does', () => {
    const rows = readJsonLines<{ in: string; out: string }>(join(folder, 'promql-print.jsonl'));
    reportCases('promql-print', { files: 1, cases: rows.length });
    expect(rows.map(row => print(row.in))).toEqual(rows.map(row => row.out));
  });

  it('series-notation: reads the notation of load lines', () => {
    const rows = readJsonLines<{
      input: string;
      ok: boolean;
      metric?: Record<string, string>;
      values?: (number | '_')[];
    }>(join(folder, 'series-notation.jsonl'));
    reportCases('series-notation', { files: 1, cases: rows.length });
    for (const { input, ok, metric, values } of rows) {
      const parsed = parseSeriesLine(input);
      expect(parsed.ok, input).toBe(ok);
      if (!parsed.ok) continue;
      expect(labelsRecord(parsed.value.labels), input).toEqual(metric);
      const read = parsed.value.values.map(value => (value.kind === 'float' ? value.value : '_'));
      expect(read, input).toEqual(values);
    }
  });
});

describeCorpus('compliance/promql', folder => {
  it('parses every query of the compliance suite', () => {
    const rows = readJsonLines<{ query: string; should_fail?: boolean }>(join(folder, 'expanded.jsonl'));
    reportCases('compliance-promql', { files: 1, cases: rows.length });
    const refused = rows.filter(({ query, should_fail: fails }) => fails !== true && !parseExpr(query).ok);
    expect(refused).toEqual([]);
  });
});

// The two lists lie beside the corpora's folders.
describeCorpus('.', () => {
  const lines = (name: string): string[] =>
    readFileSync(join(corporaRoot(), name), 'utf8')
      .split('\n')
      .filter(line => line !== '');

  it('expressions.txt: parses, prints and parses again to the same', () => {
    const exprs = lines('expressions.txt');
    reportCases('expressions', { files: 1, cases: exprs.length });
    const wrong = exprs.filter(text => {
      const once = parseExpr(text);
      if (!once.ok) return true;
      const again = parseExpr(printExpr(once.value));
      return !again.ok || shape(again.value) !== shape(once.value);
    });
    expect(wrong).toEqual([]);
  });

  it('expressions.txt: evaluates over an empty store without an error', async () => {
    const engine = createQueryEngine({ reader: memorySeriesReader([]), clock: new FakeClock() });
    const failed: string[] = [];
    let notSupported = 0;
    for (const text of lines('expressions.txt')) {
      const plan = engine.prepare(text);
      const times = { startMs: 0, endMs: 600_000, stepMs: 60_000 };
      const result = plan.ok
        ? await engine.execute(plan.value, times, {
            principal: { kind: 'system', part: 'test' },
            timeoutMs: 60_000,
          })
        : plan;
      if (result.ok) continue;
      if (result.error.code === 'query-not-supported') notSupported++;
      else failed.push(`${text}: ${result.error.message}`);
    }
    console.log(`expressions.txt: ${notSupported} not supported, ${failed.length} failed`);
    expect(failed).toEqual([]);
  });

  it('expressions-rejected.txt: refuses each', () => {
    const exprs = lines('expressions-rejected.txt');
    expect(exprs.filter(text => parseExpr(text).ok)).toEqual([]);
  });
});

function print(text: string): string {
  const parsed = parseExpr(text);
  return parsed.ok ? printExpr(parsed.value) : `refused: ${parsed.error[0].message}`;
}

/** The expression without its spans. */
function shape(expr: Expr): string {
  return JSON.stringify(expr, (key, value: unknown) => {
    if (key === 'span') return undefined;
    return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  });
}
