// Rule files of Prometheus and of real projects load as their tables say, and their templates expand.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatDiagnostic, labelsFrom } from '../../src/model/index.ts';
import { createQueryEngine } from '../../src/promql/index.ts';
import { expandSample } from '../../src/rules/expansion.ts';
import { MemoryStore, type RuleFile, readRules, runRuleTests } from '../../src/rules/index.ts';
import { parseMetric, parseValues } from '../../src/rules/testing/notation.ts';
import { FakeClock } from '../support/clock.ts';
import { describeCorpus, readJsonLines, reportCases } from '../support/corpora.ts';

const { prepare } = createQueryEngine({ reader: new MemoryStore(), clock: new FakeClock() });

interface LoadRow {
  readonly file: string;
  readonly load: 'ok' | 'fail';
  readonly errors?: readonly string[];
  readonly groups?: number;
  readonly rules?: number;
  readonly name_validation?: 'legacy';
}

function read(folder: string, row: LoadRow): ReturnType<typeof readRules> {
  return readRules(readFileSync(join(folder, row.file), 'utf8'), {
    file: row.file,
    prepare,
    ...(row.name_validation === undefined ? {} : { nameValidation: row.name_validation }),
  });
}

/** Prometheus's words for an unknown key; ours name the key as well and suggest another. */
function named(error: string): readonly string[] {
  const field = /field (\S+) not found/.exec(error)?.[1];
  if (field !== undefined) return ['config-unknown-key', `"${field}"`];
  if (error === 'parse error') return ['rules-bad-expression'];
  const unknown = /unknown function with name "(\w+)"/.exec(error)?.[1];
  return unknown === undefined ? [error] : ['rules-bad-expression', unknown];
}

/** Every label and annotation template of a file, with labels made up for all names that it may ask for. */
async function expandAll(file: RuleFile): Promise<{ count: number; errors: readonly string[] }> {
  const errors: string[] = [];
  let count = 0;
  for (const rule of file.groups.flatMap(group => group.rules)) {
    if (rule.kind !== 'alerting') continue;
    const texts = [...rule.annotations, ...rule.labelTemplates].map(one => one.text).join(' ');
    const names = [...texts.matchAll(/[lL]abels\.(\w+)/g)].map(match => match[1] ?? '');
    const labels = labelsFrom(Object.fromEntries(names.map(name => [name, `some-${name}`])));
    await expandSample(
      rule,
      { labels, value: 42.5, producer: undefined },
      {
        externalLabels: labelsFrom({ cluster: 'c1' }),
        externalUrl: 'http://localhost:9390',
        nowMs: 0,
        ask: async () => ({ ok: true, value: [{ labels, value: 1 }] }),
        onError: message => errors.push(`${rule.id.name}: ${message}`),
      },
    );
    count += rule.annotations.length + rule.labelTemplates.length;
  }
  return { count, errors };
}

/** `expand`: the folder's templates are right, not only its syntax. */
function checkFolder(name: string, folder: string, expand: 'expand' | 'load only'): void {
  const rows = readJsonLines<LoadRow>(join(folder, 'expected.jsonl'));
  let templates = 0;
  for (const row of rows) {
    it(`${row.load === 'ok' ? 'loads' : 'refuses'} ${row.file}`, async () => {
      const result = read(folder, row);
      const errors = result.diagnostics.filter(one => one.severity === 'error').map(formatDiagnostic);
      if (row.load === 'ok') {
        expect(errors).toEqual([]);
        const groups = result.file?.groups ?? [];
        if (row.groups !== undefined) expect(groups).toHaveLength(row.groups);
        if (row.rules !== undefined) expect(groups.flatMap(group => group.rules)).toHaveLength(row.rules);
        if (expand === 'load only') return;
        const expanded = await expandAll(result.file as RuleFile);
        expect(expanded.errors).toEqual([]);
        templates += expanded.count;
        return;
      }
      expect(result.file).toBeUndefined();
      for (const error of row.errors ?? []) {
        for (const part of named(error)) expect(errors.join('\n')).toContain(part);
      }
      for (const one of result.diagnostics.filter(d => d.severity === 'error')) {
        expect(one.line).toBeGreaterThan(0);
        expect(one.path).not.toBe('');
      }
    });
  }
  it('ran all files', () => {
    expect(rows.length).toBeGreaterThan(0);
    reportCases(`rules ${name} (${templates} templates expanded)`, {
      files: rows.length,
      cases: rows.length,
    });
  });
}

describeCorpus('prometheus/rulefmt', path => {
  checkFolder('prometheus/rulefmt', path, 'load only');
  it('follows anchors and merge keys', () => {
    const { file } = read(path, { file: 'test_aliases.yaml', load: 'ok' });
    for (const group of file?.groups ?? []) {
      const names = group.rules.map(rule => (rule.kind === 'alerting' ? rule.alert : rule.record));
      expect(names).toEqual(['HighAlert', 'new_metric', 'HighAlert', 'HighAlert2']);
      expect(new Set(group.rules.map(rule => rule.expr)).size).toBe(1);
    }
  });
});
describeCorpus('prometheus/rules-fixtures', path =>
  checkFolder('prometheus/rules-fixtures', path, 'load only'),
);
describeCorpus('rules', path => checkFolder('rules', path, 'expand'));

describeCorpus('compliance/alert_generator', path => {
  it('loads the rules of the alert generator suite', async () => {
    const result = read(path, { file: 'rules.yaml', load: 'ok' });
    expect(result.diagnostics).toEqual([]);
    const expanded = await expandAll(result.file as RuleFile);
    expect(expanded.errors).toEqual([]);
    reportCases('rules alert_generator', { files: 1, cases: expanded.count });
  });
});

describeCorpus('prometheus/promtool', path => {
  interface ToolRow {
    readonly file: string;
    readonly kind: string;
    readonly exit?: number;
    readonly options?: string;
    readonly note?: string;
  }
  const rows = readJsonLines<ToolRow>(join(path, 'expected.jsonl')).filter(row => row.kind === 'test-rules');
  let ran = 0;
  for (const row of rows) {
    const source = readFileSync(join(path, row.file), 'utf8');
    const only = [...(row.options ?? '').matchAll(/--run (\w+)/g)].map(match => match[1] ?? '');
    it(`test rules ${row.file} ${row.options ?? ''}`, async () => {
      const report = await runRuleTests(source, {
        file: row.file,
        readRuleFiles: async name => {
          const file = join(path, name);
          return existsSync(file) ? [{ name, text: { ok: true, value: readFileSync(file, 'utf8') } }] : [];
        },
        createQuery: (reader, subqueryStepMs) =>
          createQueryEngine({ reader, clock: new FakeClock(), settings: { subqueryStepMs } }),
        allowsUnknownKeys: row.options?.includes('--ignore-unknown-fields') === true,
        monotonicMs: () => 0,
        ...(only.length === 0 ? {} : { only: name => only.some(one => new RegExp(one).test(name)) }),
      });
      const problems = [
        ...report.diagnostics.filter(one => one.severity === 'error').map(formatDiagnostic),
        ...report.failures.map(failure => failure.message),
      ];
      if (row.exit === 0) expect(problems).toEqual([]);
      else expect(problems).not.toEqual([]);
      ran++;
    });
  }
  it('ran the unit tests that it can read', () => {
    expect(ran).toBeGreaterThan(0);
    reportCases('promtool test rules', { files: rows.length, cases: ran });
  });
  const checks = readJsonLines<ToolRow>(join(path, 'expected.jsonl')).filter(
    row => row.kind === 'check-rules',
  );
  it.each(checks)('check rules $file $options', row => {
    const { diagnostics, file } = read(path, { file: row.file, load: 'ok' });
    const errors = diagnostics.filter(one => one.severity === 'error');
    const twins = diagnostics.filter(one => one.code === 'rules-duplicate-rule');
    // Exit code 3 is promtool's for remarks alone. A remark here is a warning.
    expect(errors.length > 0).toBe(row.exit === 1);
    expect(file === undefined).toBe(row.exit === 1);
    expect(twins.length > 0).toBe(row.exit === 3 || /duplicate/.test(row.note ?? ''));
  });
  it('checked rule files', () => {
    expect(checks.length).toBeGreaterThan(0);
    reportCases('promtool check rules', { files: checks.length, cases: checks.length });
  });
  it('lists only files that are there', () => {
    const files = new Set(readdirSync(path));
    for (const row of rows) expect(files.has(row.file)).toBe(true);
  });
});

describeCorpus('prometheus/tables', path => {
  interface NotationRow {
    readonly n: number;
    readonly input: string;
    readonly ok: boolean;
    readonly metric?: Record<string, string>;
    readonly values?: readonly (number | string)[];
  }
  it('reads the series notation', () => {
    const rows = readJsonLines<NotationRow>(join(path, 'series-notation.jsonl'));
    let cases = 0;
    for (const row of rows) {
      if (row.input.includes('{{')) continue;
      cases++;
      const split = row.input.indexOf('} ') + 1;
      const metric = parseMetric(row.input.slice(0, split));
      const values = parseValues(row.input.slice(split));
      expect(`${row.input}: ${metric.ok && values.ok}`).toBe(`${row.input}: ${row.ok}`);
      if (!row.ok || !metric.ok || !values.ok) continue;
      expect(metric.value).toEqual(labelsFrom(row.metric ?? {}));
      const written = values.value.map(value => (value === 'missing' ? '_' : value));
      expect(written).toEqual(row.values);
    }
    reportCases('series notation', { files: 1, cases });
  });
});
