import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { compileRegex, expandTemplate, type Regex } from './regex.ts';

function compiled(pattern: string): Regex {
  const regex = compileRegex(pattern);
  if (!regex.ok) throw new Error(regex.error);
  return regex.value;
}

const CASES: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
  ['', '', true],
  ['', 'x', false],
  ['a|b', 'b', true],
  ['a|b', 'ab', false],
  ['foo.*', 'foo\nbar', true],
  ['(?i)ABC', 'abc', true],
  ['[0-9]{3}', '123', true],
  ['(a+)+b', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac', false],
  ['.+:(\\d+)', 'host:9100', true],
  ['\\pL+', 'äö', true],
  ['(?P<x>a)b', 'ab', true],
  ['.', '\u{1f600}', true],
  ['[^a]', '\u{1f600}', true],
];

describe('regular expressions', () => {
  it.each(CASES)('%j on %j: %s', (pattern, text, matches) => {
    expect(compiled(pattern).test(text)).toBe(matches);
  });

  it.each(['(', '[a', 'a**', '(?=a)', '\\1', '(?<!a)b'])('%j is not RE2', pattern => {
    expect(compileRegex(pattern).ok).toBe(false);
  });

  it('gives groups by number and name', () => {
    const regex = compiled('(?P<host>[^:]+):(\\d+)');
    const groups = regex.groups('db1:9100') ?? [];
    expect(expandTemplate('$host-$2-${1}x-$$-$none', regex, groups)).toBe('db1-9100-db1x-$-');
  });

  it('agrees with RE2 wherever the fast engine is taken', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '[^a]',
      '\\d',
      '\\.',
      'x*',
      '.+',
      '(a|b)',
      '(?:ab)?',
      '|',
      'c?',
      '-',
    );
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', 'x', '.', '-', '1', '\n', '\u{1f600}', 'é'),
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), text, (pieces, subject) => {
        const pattern = pieces.join('');
        const ours = compileRegex(pattern);
        if (!ours.ok) return;
        expect(ours.value.test(subject)).toBe(RE2JS.compile(`^(?s:${pattern})$`).matcher(subject).find());
      }),
      { seed: 5, numRuns: 2000 },
    );
  });
});
