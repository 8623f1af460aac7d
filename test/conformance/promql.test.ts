// PromQL against Prometheus's own fixtures: its test scripts, the tables of its parser and printer tests, and the
// expressions of real dashboards and rule files.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { labelsFrom } from '../../src/model/index.ts';
import { createQueryEngine, type Expr, parseExpr, printExpr } from '../../src/promql/index.ts';
import { FakeClock } from '../support/clock.ts';
import { corporaRoot, describeCorpus, readJsonLines, reportCases } from '../support/corpora.ts';
import { type MemorySeries, memorySeriesReader } from '../support/series.ts';
import { labelsRecord, parseSeriesLine } from './promqltest/notation.ts';
import { runScript } from './promqltest/runner.ts';

describeCorpus('prometheus/promqltest', folder => {
  const files = readdirSync(folder)
    .filter(name => name.endsWith('.test'))
    .sort();
  const total = { passed: 0, failed: 0 };

  for (const file of files) {
    it(file, async () => {
      const outcomes = await runScript(readFileSync(join(folder, file), 'utf8'));
      expect(outcomes.length).toBeGreaterThan(0);
      const passed = outcomes.filter(({ verdict }) => verdict === 'passed').length;
      total.passed += passed;
      total.failed += outcomes.length - passed;
      console.log(`promqltest ${file}: ${passed} passed, ${outcomes.length - passed} failed`);
      const failed = outcomes.filter(({ verdict }) => verdict === 'failed');
      expect(failed.map(({ line, expr, reason }) => `${file}:${line}: ${expr}: ${reason}`)).toEqual([]);
    });
  }

  afterAll(() => {
    const { passed, failed } = total;
    reportCases('promqltest', { files: files.length, cases: passed + failed });
    console.log(`promqltest: ${passed} passed, ${failed} failed`);
  });
});

interface ParseRow {
  readonly n: number;
  readonly input?: string;
  /** Instead of `input` where the text is not UTF-8. */
  readonly input_hex?: string;
  readonly ok: boolean;
  readonly root?: string;
  readonly value?: number;
  /** Places are offsets into the bytes of the text; one that is 0 may be left out. */
  readonly errors?: readonly { readonly start?: number; readonly end?: number; readonly err: string }[];
}

/** The text as it comes in: what is not UTF-8 has become U+FFFD at the border, as in every decoder of the web. */
function inputOf({ input, input_hex: hex }: ParseRow): string {
  return input ?? new TextDecoder().decode(Buffer.from(hex ?? '', 'hex'));
}

/** The number of bytes that the first `chars` UTF-16 code units were, where U+FFFD was one bad byte. */
function byteOffset(text: string, chars: number, isUtf8: boolean): number {
  const before = text.slice(0, chars);
  return Buffer.byteLength(isUtf8 ? before : before.replaceAll('\ufffd', '?'), 'utf8');
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
    const rows = readJsonLines<ParseRow>(join(folder, 'promql-parse.jsonl'));

    it('accepts and refuses what Prometheus does', () => {
      reportCases('promql-parse', { files: 1, cases: rows.length });
      const wrong = rows.filter(row => {
        const parsed = parseExpr(inputOf(row));
        if (!parsed.ok) return row.ok;
        if (!row.ok || parsed.value.kind !== KIND_BY_ROOT[row.root ?? '']) return true;
        const { value } = row;
        return value !== undefined && !(parsed.value.kind === 'number' && parsed.value.value === value);
      });
      expect(wrong).toEqual([]);
    });

    it('says of each mistake where it is, as Prometheus does', () => {
      const refused = rows.filter(row => !row.ok);
      reportCases('promql-parse errors', { files: 1, cases: refused.length });
      expect(refused.length).toBeGreaterThan(100);
      const placed = (row: ParseRow, place: readonly (readonly [number, number])[]): string =>
        `${row.n}: ${JSON.stringify(inputOf(row))}: ${place.map(([start, end]) => `${start}..${end}`).join(' ')}`;
      const ours = refused.map(row => {
        const text = inputOf(row);
        const parsed = parseExpr(text);
        const bytes = (chars: number): number => byteOffset(text, chars, row.input !== undefined);
        const problems = parsed.ok ? [] : parsed.error;
        return placed(
          row,
          problems.map(({ span }) => [bytes(span.start), bytes(span.end)] as const),
        );
      });
      const theirs = refused.map(row =>
        placed(row, row.errors?.map(({ start = 0, end = 0 }) => [start, end] as const) ?? []),
      );
      expect(ours).toEqual(theirs);
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

/** Prometheus 2's: since any UTF-8 text is a name, Prometheus 3 answers these too. */
const REFUSED_BEFORE_UTF8_NAMES = /^label_(?:replace|join)\(demo_num_cpus, "~invalid"/;

describeCorpus('compliance/promql', folder => {
  const rows = readJsonLines<{ query: string; should_fail?: boolean }>(join(folder, 'expanded.jsonl'));

  it('parses every query of the compliance suite', () => {
    reportCases('compliance-promql', { files: 1, cases: rows.length });
    const refused = rows.filter(({ query, should_fail: fails }) => fails !== true && !parseExpr(query).ok);
    expect(refused).toEqual([]);
  });

  it('refuses what the suite says must fail', async () => {
    const failing = rows.filter(row => row.should_fail === true);
    reportCases('compliance-promql refused', { files: 1, cases: failing.length });
    const series: MemorySeries[] = ['a', 'b'].map(instance => ({
      labels: labelsFrom({ __name__: 'demo_num_cpus', instance, job: 'demo' }),
      samples: [[0, 4]],
    }));
    const engine = createQueryEngine({ reader: memorySeriesReader(series), clock: new FakeClock() });
    const answered: string[] = [];
    for (const { query } of failing) {
      const plan = engine.prepare(query);
      if (!plan.ok) continue;
      const times = { startMs: 0, endMs: 0, stepMs: 0 };
      const options = { principal: { kind: 'system', part: 'test' }, timeoutMs: 60_000 } as const;
      if ((await engine.execute(plan.value, times, options)).ok) answered.push(query);
    }
    expect(failing.length).toBeGreaterThan(0);
    expect(answered.filter(query => !REFUSED_BEFORE_UTF8_NAMES.test(query))).toEqual([]);
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
      failed.push(`${text}: ${result.error.message}`);
    }
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
