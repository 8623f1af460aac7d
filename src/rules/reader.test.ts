// Mistakes in rule files: each has its code and its place.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { formatDiagnostic } from '../model/index.ts';
import { createQueryEngine } from '../promql/index.ts';
import { indentQuotedLines } from './quoted-lines.ts';
import { readRules } from './reader.ts';
import { MemoryStore } from './testing/memory-store.ts';

const { prepare } = createQueryEngine({ reader: new MemoryStore(), clock: new FakeClock() });

interface Case {
  readonly says: string;
  readonly rule: string;
  /** Begins with place and code: "r.yml:5:11: rules-bad-expression". */
  readonly problem: string;
}

const HEAD = 'groups:\n- name: g\n  rules:\n';

const CASES: readonly Case[] = [
  {
    says: 'an error in a plain expression is shown at its character',
    rule: '  - alert: A\n    expr: up == == 0\n',
    problem: 'r.yml:5:17: rules-bad-expression',
  },
  {
    says: 'an error in a literal block is shown in its line',
    rule: '  - alert: A\n    expr: |\n      sum(up)\n        / / 3\n',
    problem: 'r.yml:7:11: rules-bad-expression',
  },
  {
    says: 'an unknown key is named and the right one suggested',
    rule: '  - alert: A\n    expr: up\n    annotation: { a: b }\n',
    problem:
      'r.yml:6:5: config-unknown-key: Cannot use "annotation" in groups[0].rules[0]: no such key (did you mean "annotations"?)',
  },
  {
    says: 'a template that does not parse is shown at its place',
    rule: '  - alert: A\n    expr: up\n    annotations:\n      s: "a {{ $lables.x }}"\n',
    problem:
      'r.yml:7:16: rules-bad-template: Cannot parse the template of annotation "s": undefined variable "$lables"',
  },
  {
    says: 'an unknown template function is named',
    rule: '  - alert: A\n    expr: up\n    labels:\n      s: "{{ humanise $value }}"\n',
    problem:
      'r.yml:7:14: rules-bad-template: Cannot parse the template of label "s": function "humanise" not defined',
  },
  {
    says: 'an alert name that has no UTF-8 form is refused',
    rule: '  - alert: "\\ud800"\n    expr: up\n',
    problem: 'r.yml:4:5: config-bad-value: Cannot use "\ud800": invalid alert name',
  },
  {
    says: 'for in a recording rule is pointed at',
    rule: '  - record: a\n    expr: up\n    for: 5m\n',
    problem: 'r.yml:6:5: config-conflict',
  },
  {
    says: 'a bad duration is shown',
    rule: '  - alert: A\n    expr: up\n    for: 5 minutes\n',
    problem: 'r.yml:6:10: config-bad-value',
  },
];

describe('a mistake in a rule file', () => {
  for (const one of CASES) {
    it(one.says, () => {
      const read = readRules(HEAD + one.rule, { file: 'r.yml', prepare });
      expect(read.file).toBeUndefined();
      expect(formatDiagnostic(read.diagnostics[0] as never).slice(0, one.problem.length)).toBe(one.problem);
    });
  }
});

describe('our own key no_data', () => {
  const text = (key: string): string =>
    `${HEAD}  - alert: A\n    expr: up == 0\n${key}  - alert: B\n    expr: up == 0\n`;
  const KEEP = '    no_data: keep\n';

  it('goes before what the configuration says, and holds where the cause cannot be known', () => {
    const { file } = readRules(text(KEEP), { file: 'r.yml', prepare, noData: 'unknown' });
    expect(file?.groups[0]?.rules).toMatchObject([
      { noData: 'keep', isNoDataOwn: true },
      { noData: 'unknown', isNoDataOwn: false },
    ]);
  });

  it('is refused in portable files, at its place, and passed over in unit tests', () => {
    const refused = readRules(text(KEEP), { file: 'r.yml', prepare, ownKeys: 'refuse' });
    expect(refused.diagnostics.map(formatDiagnostic)).toEqual([
      expect.stringContaining('r.yml:6:5: config-unknown-key: Cannot use "no_data" in a portable file'),
    ]);
    const ignored = readRules(text(KEEP), { file: 'r.yml', prepare, ownKeys: 'ignore' });
    expect(ignored.file?.groups[0]?.rules[0]).toMatchObject({ noData: 'prometheus', isNoDataOwn: false });
  });

  it.each([
    ['    no_data: kepe\n', 'r.yml:6:14: config-bad-value'],
    ['  - record: r\n    expr: up\n    no_data: keep\n', 'r.yml:8:5: config-conflict'],
  ])('%j is a mistake', (key, problem) => {
    const { diagnostics } = readRules(text(key), { file: 'r.yml', prepare });
    expect(diagnostics.map(formatDiagnostic)).toEqual([expect.stringContaining(problem)]);
  });
});

it('labels of the group are below those of the rule, and the second of two equal rules has a key of its own', () => {
  const text = `${HEAD.replace('  rules', '  labels: { a: group, b: group }\n  rules')}  - alert: A
    expr: up == 0
    labels: { a: rule }
  - alert: A
    expr: up == 1
    labels: { a: rule }
`;
  const { file, diagnostics } = readRules(text, { file: 'r.yml', prepare });
  expect(diagnostics.map(formatDiagnostic)).toEqual([
    expect.stringContaining('rules-duplicate-rule: Cannot tell the rules "A"'),
  ]);
  const [first, second] = file?.groups[0]?.rules ?? [];
  expect(diagnostics[0]).toMatchObject({ severity: 'warning', line: 8 });
  expect(first?.labels).toEqual(['a', 'rule', 'b', 'group']);
  expect(second?.key).toBe(`${first?.key}#2`);
});

it('an empty file holds no groups', () => {
  expect(readRules('', { file: 'r.yml', prepare }).file).toEqual({ file: 'r.yml', groups: [] });
});

it('quoted values that go on at the indentation of their key are read as Prometheus reads them', () => {
  const text = `${HEAD}  - alert: A
    expr: up
    annotations:
      summary: "one
      two."
      other: 'it''s
   three'
`;
  const rule = readRules(text, { file: 'r.yml', prepare }).file?.groups[0]?.rules[0];
  const texts = rule?.kind === 'alerting' ? rule.annotations.map(one => one.text) : [];
  expect(texts).toEqual(['one two.', "it's three"]);
  expect(indentQuotedLines(text).split('\n')).toHaveLength(text.split('\n').length);
});
