// Regular expressions: what is RE2, that all ways of running one agree, and that none takes long.

import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { compileRegex, expandTemplate, type Regex } from './regex.ts';
import { linearCharsMax, STEPS_FREE, STEPS_PER_CHAR } from './regex-cost.ts';
import { plainPattern } from './regex-plain.ts';

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

  it.each([
    'a)|(b',
    '(?=a)',
    '(?!a)',
    '(?<=a)b',
    'a\\',
    '\\Qa',
    '(?P=x)',
    '(a)\\1',
    'a{2,1}',
    '[z-a]',
    '\\C',
    '\\Z',
    '*',
    'a|+',
  ])('%j is not RE2, whatever JavaScript makes of it', pattern => {
    expect(compileRegex(pattern).ok).toBe(false);
  });

  // Each of these has RegExp take exponential time, or the square or the cube of the text's length.
  it.each([
    [`${'a?'.repeat(40)}${'a'.repeat(40)}`, 'a'.repeat(40), true],
    [`${'(a|a)'.repeat(40)}[^a]`, 'a'.repeat(41), false],
    ['(a*)*b', 'a'.repeat(50_000), false],
    ['[ab]*[bc]*[ab]*[bc]*[ab]*x', 'b'.repeat(50_000), false],
    ['.*[a].*[a].*[a].*x', 'a'.repeat(50_000), false],
    ['(.*)(.*)(.*)x', 'a'.repeat(50_000), false],
    [`${'(a|a)?'.repeat(40)}b`, 'a'.repeat(40), false],
  ])('%s takes no time on a text made for it', (pattern, text, matches) => {
    expect(compiled(pattern).test(text)).toBe(matches);
    expect(compiled(pattern).groups(text) !== undefined).toBe(matches);
  });

  it.each([
    ['up', 'up', 'UP'],
    ['', '', 'x'],
    ['a|b\\.c|', 'b.c', 'bxc'],
    ['(?:a|b)', 'a', 'ab'],
    ['node_.*', 'node_cpu', 'nod'],
    ['.*_total', 'x_total', 'x_total_y'],
    ['.+', 'x', ''],
    ['.*foo.+bar', 'foo-bar', 'foobar'],
    ['prod-.*|.*-test', 'a-test', 'a-test-b'],
    ['\u{1f600}.+', '\u{1f600}\u{1f600}', '\u{1f600}'],
    ['a\\+b', 'a+b', 'aab'],
  ])('%j needs no regular expression', (pattern, fits, not) => {
    const plain = plainPattern(pattern);
    expect(plain?.test(fits)).toBe(true);
    expect(plain?.test(not)).toBe(false);
    expect(compiled(pattern).test(fits)).toBe(true);
    expect(compiled(pattern).test(not)).toBe(false);
  });

  it.each([
    '(.*)',
    '([^:]+):(\\d+)',
    '(.+)_total',
    '[a-z]+-[0-9]+',
    '(\\w+)\\.example\\.(?:com|org)',
    '5..',
    '[45]..|404',
  ])('%j is proved linear for texts of any length', pattern => {
    expect(linearCharsMax(pattern)).toBe(2 ** 20);
  });

  it.each([
    '(a|a)'.repeat(9),
    'a?'.repeat(20),
    '(a+)+',
    '(?i)a',
    '\\s',
    '\\bx',
    'a{3}',
    '(|a)?',
    '(a?b*)?',
    '^a',
    '\\pL',
    '[^\\pL]',
    'é',
    '[[:alpha:]]',
    '(?s:a)',
  ])('%j is left to RE2', pattern => {
    expect(linearCharsMax(pattern)).toBe(0);
  });
});

// --- against RE2, whatever is written ---------------------------------------------------------------

const PIECES = [
  ...['a', 'b', 'A', 'x', '-', '_', ':', ' ', '\n', 'é', 'É', 'ſ', 'K', 'ß', '\u{1f600}', '\ud83d', '\ude00'],
  ...[
    '.',
    '.*',
    '.+',
    '.*?',
    '|',
    '|',
    '(',
    '(?:',
    ')',
    ')',
    ')?',
    ')*',
    ')+',
    '*',
    '+',
    '?',
    '*?',
    '{2}',
    '{0,3}',
    '{',
    '}',
  ],
  ...[
    '[ab]',
    '[^a]',
    '[a-c]',
    '[^\\n]',
    '[\\w-]',
    '[\\d.]',
    '[]a]',
    '[^]a]',
    '[a',
    ']',
    '[[:alpha:]]',
    '[^\\pL]',
    '[é-ü]',
    '[+--]',
  ],
  ...['(?i)', '(?s)', '(?-s)', '(?m)', '(?U)', '(?i:', '(?-i:', '(?P<n>', '(?=', '(?!', '(?<='],
  ...[
    '\\d',
    '\\D',
    '\\w',
    '\\W',
    '\\s',
    '\\S',
    '\\pL',
    '\\p{Lu}',
    '\\PL',
    '\\b',
    '\\B',
    '^',
    '$',
    '\\A',
    '\\z',
  ],
  ...[
    '\\.',
    '\\-',
    '\\/',
    '\\_',
    '\\<',
    '\\"',
    '\\n',
    '\\t',
    '\\a',
    '\\v',
    '\\x41',
    '\\x{1F600}',
    '\\101',
    '\\0',
    '\\1',
    '\\Q',
    '\\E',
    '\\',
  ],
];
const LETTERS = [
  'a',
  'a',
  'b',
  'c',
  'A',
  'x',
  '.',
  '-',
  '_',
  ':',
  '/',
  ' ',
  '1',
  '\n',
  '\r',
  '\u2028',
  '\0',
  '\v',
  '\x85',
];
const BEYOND = [
  'é',
  'É',
  'ſ',
  's',
  'K',
  'k',
  'ß',
  '\u{1f600}',
  '\u{1f601}',
  '\ud83d',
  '\ude00',
  '\uffff',
  '\u200d',
];

const somePattern = fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map(pieces => pieces.join(''));
const someText = fc.string({ unit: fc.constantFrom(...LETTERS, ...BEYOND), maxLength: 12 });

function re2(pattern: string): RE2JS | undefined {
  try {
    RE2JS.compile(pattern);
    return RE2JS.compile(`^(?s:${pattern})$`);
  } catch {
    return undefined;
  }
}

function agrees(pattern: string, text: string): void {
  const ours = compileRegex(pattern);
  const theirs = re2(pattern);
  expect(ours.ok, pattern).toBe(theirs !== undefined);
  if (!ours.ok || theirs === undefined) return;
  const matcher = theirs.matcher(text);
  const found = matcher.find();
  expect(ours.value.test(text)).toBe(found);
  const groups = found ? ours.value.groupNames.map((_, i) => matcher.group(i) ?? '') : undefined;
  expect(ours.value.groups(text)).toEqual(groups);
  expect(ours.value.groupNames).toHaveLength(theirs.groupCount() + 1);
}

describe('every way through', () => {
  it('agrees with RE2 on what is valid, on what matches and on its groups', () => {
    fc.assert(fc.property(somePattern, someText, agrees), { seed: 5, numRuns: 5000 });
  });

  it('agrees with RE2 where patterns are plain or proved', () => {
    const piece = fc.constantFrom(
      ...[
        'a',
        'b',
        '1',
        '.',
        '[ab]',
        '[^a]',
        '[^ab:]',
        '\\d',
        '\\W',
        '\\.',
        'x*',
        '.+',
        '.*',
        '.*?',
        'a+?',
        '\u{1f600}',
      ],
      ...['(a|b)', '(?:ab)?', '([^:]+)', '(.*)', '|', 'c?', '-', ':', '(a|)', '(|b)?', '((a)|(b))'],
    );
    const pattern = fc.array(piece, { maxLength: 6 }).map(pieces => pieces.join(''));
    fc.assert(fc.property(pattern, someText, agrees), { seed: 6, numRuns: 10_000 });
  });
});

// --- the proof --------------------------------------------------------------------------------------

type Tree =
  | { readonly kind: 'chars'; readonly source: string; readonly times: '' | '?' | '*' | '+' }
  | { readonly kind: 'group'; readonly options: readonly (readonly Tree[])[]; readonly times: '' | '?' };

const { tree } = fc.letrec<{ tree: Tree; sequence: Tree[] }>(tie => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({
      kind: fc.constant('chars' as const),
      source: fc.constantFrom('a', 'b', ':', '.', '[ab]', '[^a]', '[^:]', '\\d', '\\w', '[a-c1]'),
      times: fc.constantFrom<'' | '?' | '*' | '+'>('', '', '', '?', '*', '+'),
    }),
    fc.record({
      kind: fc.constant('group' as const),
      options: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }),
      times: fc.constantFrom<'' | '?'>('', '?'),
    }),
  ),
  sequence: fc.array(tie('tree'), { maxLength: 4 }),
}));

function sourceOf(pieces: readonly Tree[]): string {
  const one = (piece: Tree): string =>
    piece.kind === 'chars'
      ? piece.source + piece.times
      : `(${piece.options.map(sourceOf).join('|')})${piece.times}`;
  return pieces.map(one).join('');
}

/** Counts what a plain backtracking matcher does: one for each look at a character, an end or a choice. */
class Backtracker {
  steps = 0;
  readonly #text: string;
  readonly #stepsMax: number;

  constructor(text: string, stepsMax: number) {
    this.#text = text;
    this.#stepsMax = stepsMax;
  }

  matches(pieces: readonly Tree[]): boolean {
    return this.#sequence(pieces, 0, at => this.#look() && at === this.#text.length);
  }

  #look(): boolean {
    this.steps++;
    if (this.steps > this.#stepsMax) throw new Error('more steps than the proof allows');
    return true;
  }

  #sequence(pieces: readonly Tree[], at: number, then: (at: number) => boolean): boolean {
    const [piece, ...rest] = pieces;
    if (piece === undefined) return then(at);
    const next = (to: number): boolean => this.#sequence(rest, to, then);
    if (piece.kind === 'chars') return this.#chars(piece, at, next);
    this.#look();
    if (piece.options.some(option => this.#sequence(option, at, next))) return true;
    return piece.times === '?' && next(at);
  }

  #chars({ source, times }: Tree & { kind: 'chars' }, at: number, next: (at: number) => boolean): boolean {
    const fits = new RegExp(`^${source}$`, 's');
    const most = times === '*' || times === '+' ? this.#text.length : 1;
    let end = at;
    while (end - at < most && this.#look() && fits.test(this.#text[end] ?? '')) end++;
    const least = at + (times === '' || times === '+' ? 1 : 0);
    for (; end >= least; end--) if (next(end)) return true;
    return false;
  }
}

describe('the proof', () => {
  it('holds for every step of a backtracking matcher, on any text of the lengths it allows', () => {
    let proved = 0;
    const unit = fc.constantFrom('a', 'a', 'a', 'b', ':', '1');
    const text = fc
      .tuple(fc.string({ unit, minLength: 1, maxLength: 4 }), fc.nat(70), fc.string({ unit, maxLength: 3 }))
      .map(([part, times, end]) => part.repeat(times) + end);
    fc.assert(
      fc.property(fc.array(tree, { minLength: 1, maxLength: 6 }), text, (pieces, whole) => {
        const charsMax = linearCharsMax(sourceOf(pieces));
        if (charsMax === 0) return;
        const subject = whole.slice(0, charsMax);
        proved++;
        new Backtracker(subject, STEPS_PER_CHAR * subject.length + STEPS_FREE).matches(pieces);
      }),
      { seed: 7, numRuns: 5000 },
    );
    expect(proved).toBeGreaterThan(1000);
  });
});
