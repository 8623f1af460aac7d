import { expect, it } from 'vitest';
import type { RuleTestFailure, TestItem } from '../../rules/index.ts';
import { failureText, styleOf } from './index.ts';

const item = (parts: Readonly<Record<string, string>>): TestItem => ({
  text: Object.entries(parts)
    .map(([name, value]) => `${name}=${value}`)
    .join(' '),
  parts: Object.entries(parts),
});

function told(expected: readonly TestItem[], got: readonly TestItem[], isDiff: boolean): string {
  const failure: RuleTestFailure = {
    code: 'rules-test-failed',
    test: 'a test',
    line: 3,
    column: 7,
    check: 'alert Down at 5m',
    expected,
    got,
    message: '',
  };
  return failureText(failure, { file: 'a.yml', style: styleOf(false), isDiff });
}

const head = 'a.yml:3:7: rules-test-failed: a test: alert Down at 5m (- expected, + got)\n';
const a = item({ instance: 'a', severity: 'page' });
const b = item({ instance: 'b', severity: 'page' });
const c = item({ instance: 'c', severity: 'warning' });

it('says what is as expected, what is missing and what is too much', () => {
  expect(told([a, b], [a, c], false)).toBe(
    `${head}      instance=a severity=page\n    - instance=b severity=page\n    + instance=c severity=warning`,
  );
  expect(told([], [a], false)).toBe(`${head}    - nothing\n    + instance=a severity=page`);
  expect(told([a], [], false)).toBe(`${head}    - instance=a severity=page\n    + nothing`);
});

it('counts equal ones', () => {
  expect(told([a, a], [a], false)).toBe(
    `${head}      instance=a severity=page\n    - instance=a severity=page`,
  );
});

it('tells parts that differ, beside the one that is most like it', () => {
  const bWarning = item({ instance: 'b', severity: 'warning' });
  expect(told([b, a], [c, a, bWarning], true)).toBe(
    `${head}      {instance="b"}\n      - severity: page\n      + severity: warning\n    + instance=c severity=warning`,
  );
  expect(told([item({ value: '1' })], [item({ value: '2' })], true)).toBe(
    `${head}      {}\n      - value: 1\n      + value: 2`,
  );
});

it('tells why there is nothing to compare', () => {
  const failure = {
    code: 'rules-test-failed',
    test: 't',
    line: 1,
    column: 2,
    check: 'rule r at 1m',
  } as const;
  const more = { expected: [a], got: [], error: 'many-to-many', message: '' };
  expect(failureText({ ...failure, ...more }, { file: 'a.yml', style: styleOf(false), isDiff: false })).toBe(
    'a.yml:1:2: rules-test-failed: t: rule r at 1m\n    ! many-to-many',
  );
});

it('shows control characters instead of obeying them', () => {
  expect(told([item({ a: '\x1b[2J' })], [], false)).toContain('- a=\\x1b[2J');
});
