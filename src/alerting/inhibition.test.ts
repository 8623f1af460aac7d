// Inhibition rules on label sets: equal labels, alerts that fit both sides, several sources. Alertmanager's rules.

import { describe, expect, it } from 'vitest';
import { fingerprint, labelsFrom, type Matcher } from '../model/index.ts';
import { type InhibitRule, inhibitionOf } from './inhibition.ts';

type Record_ = Readonly<Record<string, string>>;

function eq(...pairs: readonly string[]): readonly Matcher[] {
  return pairs.map(pair => {
    const [name = '', value = ''] = pair.split('=');
    return { name, op: '=', value };
  });
}

function rule(
  sources: readonly (readonly [string, readonly string[]])[],
  ...targets: readonly string[]
): InhibitRule {
  return {
    sources: sources.map(([match, equal]) => ({ matchers: eq(match), equal })),
    targets: eq(...targets),
  };
}

/** Whether a target is quiet while these fire. */
function quiet(rules: readonly InhibitRule[], firing: readonly Record_[], target: Record_): boolean {
  const inhibition = inhibitionOf(rules);
  for (const one of firing) {
    const labels = labelsFrom(one);
    inhibition.note(fingerprint(labels), labels, true);
  }
  const labels = labelsFrom(target);
  return inhibition.inhibitedBy(fingerprint(labels), labels) !== undefined;
}

const SIMPLE = [rule([['s=1', ['e']]], 't=1')];
const BOTH_SIDES = [rule([['s=1', ['e']]], 't=1')];
const TWO_SOURCES = [
  rule(
    [
      ['s1=1', ['e']],
      ['s2=1', ['f']],
    ],
    't=1',
  ),
];
const A = { s: '1', e: 'f' };

describe('a rule with one source', () => {
  const cases: readonly (readonly [string, readonly InhibitRule[], readonly Record_[], Record_, boolean])[] =
    [
      ['no source', SIMPLE, [], { t: '1', e: 'f' }, false],
      ['source and equal label', SIMPLE, [A], { t: '1', e: 'f' }, true],
      ['another value of the equal label', SIMPLE, [A], { t: '1', e: 'g' }, false],
      ['the equal label missing on one side', SIMPLE, [A], { t: '1' }, false],
      ['missing on both sides is equal', SIMPLE, [{ s: '1' }], { t: '1' }, true],
      ['not a target', SIMPLE, [A], { t: '2', e: 'f' }, false],
      [
        'a source that fits both sides inhibits a target that fits one',
        BOTH_SIDES,
        [{ ...A, t: '1' }],
        { t: '1', e: 'f' },
        true,
      ],
      [
        'it does not inhibit another that fits both',
        BOTH_SIDES,
        [{ ...A, t: '1' }],
        { ...A, t: '1', x: '2' },
        false,
      ],
      ['nor itself', BOTH_SIDES, [{ ...A, t: '1' }], { ...A, t: '1' }, false],
      ['a source alone inhibits one that fits both', BOTH_SIDES, [A], { ...A, t: '1' }, true],
      [
        'a source that fits both does not hide one that does not',
        BOTH_SIDES,
        [{ ...A, t: '1', x: '1' }, A],
        { ...A, t: '1' },
        true,
      ],
      [
        'no equal labels: any source',
        [rule([['s=1', []]], 't=1')],
        [{ s: '1', e: 'x' }],
        { t: '1', e: 'y' },
        true,
      ],
      ['no target matcher: everything else', [rule([['s=1', []]])], [{ s: '1' }], { z: '1' }, true],
      [
        'values that look like a separator',
        [rule([['s=1', ['a', 'b']]], 't=1')],
        [{ s: '1', a: 'x","y', b: '' }],
        { t: '1', a: 'x', b: 'y' },
        false,
      ],
    ];
  it.each(cases)('%s', (_, rules, firing, target, wanted) =>
    expect(quiet(rules, firing, target)).toBe(wanted),
  );
});

describe('a rule with several sources: all must fire', () => {
  const one = { s1: '1', e: '1' };
  const two = { s2: '1', f: '1' };
  const cases: readonly (readonly [string, readonly Record_[], Record_, boolean])[] = [
    ['only the first', [one], { t: '1', e: '1', f: '1' }, false],
    ['only the second', [two], { t: '1', e: '1', f: '1' }, false],
    ['both', [one, two], { t: '1', e: '1', f: '1' }, true],
    ['both, other labels besides', [one, two], { t: '1', e: '1', f: '1', x: '1' }, true],
    ['the first with another value', [one, two], { t: '1', e: '2', f: '1' }, false],
    ['the second with another value', [one, two], { t: '1', e: '1', f: '4' }, false],
    ['a target without the label of the first', [one, two], { t: '1', f: '1' }, false],
  ];
  it.each(cases)('%s', (_, firing, target, wanted) =>
    expect(quiet(TWO_SOURCES, firing, target)).toBe(wanted),
  );

  it('each source is named', () => {
    const inhibition = inhibitionOf(TWO_SOURCES);
    const [first, second, target] = [one, two, { t: '1', e: '1', f: '1' }].map(labelsFrom);
    if (first === undefined || second === undefined || target === undefined) throw new Error('unreachable');
    for (const labels of [first, second]) inhibition.note(fingerprint(labels), labels, true);
    expect(inhibition.inhibitedBy(fingerprint(target), target)).toEqual({
      rule: 0,
      name: '',
      by: [fingerprint(first), fingerprint(second)],
    });
  });
});

it('the first rule that applies is named; a source that ended or was forgotten inhibits no more', () => {
  const rules = [rule([['s=0', []]], 't=1'), { ...rule([['s=1', []]], 't=1'), name: 'second' }];
  const inhibition = inhibitionOf(rules);
  const source = labelsFrom({ s: '1' });
  const other = labelsFrom({ s: '1', n: '2' });
  const target = labelsFrom({ t: '1' });
  const by = () => inhibition.inhibitedBy(fingerprint(target), target);
  inhibition.note(fingerprint(source), source, true);
  inhibition.note(fingerprint(other), other, true);
  expect(by()).toEqual({ rule: 1, name: 'second', by: [fingerprint(source)] });
  inhibition.note(fingerprint(source), source, false);
  expect(by()?.by).toEqual([fingerprint(other)]);
  inhibition.forget(fingerprint(other), other);
  expect(by()).toBeUndefined();
});
