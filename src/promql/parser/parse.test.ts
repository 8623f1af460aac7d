// The parser: grouping, spans, and that no text whatever makes it throw or hang.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXPR_DEPTH_MAX, type Expr, parseExpr, printExpr } from './index.ts';

function check(text: string): Expr {
  const parsed = parseExpr(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error[0].message}`);
  return parsed.value;
}

/** The expression with every operator in parentheses. */
function grouped(expr: Expr): string {
  switch (expr.kind) {
    case 'binary':
      return `(${grouped(expr.left)} ${expr.op} ${grouped(expr.right)})`;
    case 'unary':
      return `(${expr.op}${grouped(expr.expr)})`;
    case 'paren':
      return grouped(expr.expr);
    default:
      return printExpr(expr);
  }
}

describe('grouping', () => {
  it.each([
    ['a + b * c', '(a + (b * c))'],
    ['a - b - c', '((a - b) - c)'],
    ['2 ^ 3 ^ 2', '(2 ^ (3 ^ 2))'],
    ['-a ^ 2', '(-(a ^ 2))'],
    ['-1 ^ 2', '(-(1 ^ 2))'],
    ['-1 * 2', '(-1 * 2)'],
    ['2 ^ -1 * 3', '((2 ^ -1) * 3)'],
    ['a or b and c unless d', '(a or ((b and c) unless d))'],
    ['a > b + c', '(a > (b + c))'],
    ['a - b offset 5m', '(a - b offset 5m)'],
    ['a - b offset 5m * c', '(a - (b offset 5m * c))'],
    ['-a offset 5m', '(-a offset 5m)'],
    ['a + b @ 10 offset 1m > c', '((a + b @ 10.000 offset 1m) > c)'],
    ['foo offset 5s-8', '(foo offset 5s - 8)'],
  ])('%s', (text, want) => {
    expect(grouped(check(text))).toBe(want);
  });
});

describe('errors', () => {
  it.each<[string, string, string]>([
    ['sum(rate(x)) + y', 'x', 'expected type range vector in call to function "rate", got instant vector'],
    ['a{b=~"(", c="d"}', 'b=~"("', 'bad regular expression in matcher for "b"'],
    ['a + "b"', '"b"', 'binary expression must contain only scalar and instant vector types'],
    ['a{x="\\q"} + 1', '"\\q"} + 1', 'unknown escape sequence "\\q"'],
    ['a{x="\ufffd"}', '"\ufffd"}', 'invalid UTF-8 in string'],
    ['(1 + )', ')', 'unexpected ")": an operand expected'],
    ['1 + )', '', 'unexpected right parenthesis'],
    ['a[5m1m]', '5m1m', 'not a duration: "5m1m"'],
    ['a[5mm]', '5mm]', 'bad number or duration syntax: "5mm"'],
    ['sum(a) + nope(y)', 'nope', 'unknown function with name "nope"'],
    ['nope(y) + (', 'nope', 'unknown function with name "nope"'],
    ['sum(a,,)', ',', 'trailing commas not allowed'],
    ['a == on (x) group_left (x) b', '== on (x) group_left (x', 'must not occur in ON and GROUP clause'],
    ['nope(y)', 'nope', 'unknown function'],
    ['(a)[5m] + nope(', '[5m]', 'ranges only allowed for vector selectors'],
    ['sum(a) offset 5m)', 'sum(a)', 'offset modifier must be preceded by'],
    ['a @ Inf "', 'a', 'timestamp out of bounds'],
    ['a offset -9e10', '-', 'duration out of range'],
    ['a[1s/-0]', '/', 'division by zero'],
    ['topk(1) + #', 'topk(1)', 'expected 2, got 1'],
    ['1 /* 2', '*', 'unexpected "*"'],
    ['a offset 1h[5m]', '[5m]', 'no offset modifiers allowed before range'],
    ['-1e400', '1e400', 'value out of range'],
    ['sum by (without) (a)', 'without', 'a label expected'],
    ['foo[:5m]', '5m]', 'unexpected colon before duration'],
    ['a[1h', '', 'unclosed left bracket'],
    ['\u{1f600}', '\u{1f600}', 'unexpected character "\u{1f600}"'],
  ])('%s points at %s', (text, where, message) => {
    const parsed = parseExpr(text);
    if (parsed.ok) throw new Error('was accepted');
    const [first] = parsed.error;
    expect(text.slice(first.span.start, first.span.end)).toBe(where);
    expect(first.message).toContain(message);
  });

  it('are all told, not only the first', () => {
    const parsed = parseExpr('rate(x) + floor(1)');
    expect(parsed.ok ? 0 : parsed.error.length).toBe(2);
  });

  it.each([
    ['fill + fill_left', 'a metric may be called like the keyword'],
    ['foo offset 0s offset 5m', 'an offset of nothing is none'],
    ['1 + on () 2', 'there is nothing to match'],
    [
      'offset + sum by (offset) (OFFSET{a="b"} offset 5m) and offset',
      'a metric may be called like the operator',
    ],
    ['5.e3 + 5. + 0x1_0 + 0X1f', 'ways to write numbers'],
    ['sum by (on, "a b") (min) + by', 'keywords are names'],
    ['foo[step():5s]', 'a range that depends on the step'],
    ['foo # a comment (\n+ 1', 'comments are no text'],
    ["{'a'='b', }", 'a comma may stand at the end'],
  ])('are not seen in %s: %s', text => {
    expect(parseExpr(text)).toMatchObject({ ok: true });
  });
});

describe('any text', () => {
  const LETTERS = [
    ...[
      'a',
      'foo',
      'sum',
      'rate',
      'by',
      'on',
      'offset',
      'bool',
      'step()',
      'min_of(',
      'group_left',
      'inf',
      '5m',
      '1.',
    ],
    ...[
      '(',
      ')',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      "'",
      '`',
      '\\',
      '=',
      '=~',
      '!~',
      '@',
      '^',
      '-',
      '+',
      '>',
      '/',
      '#',
    ],
    ...[' ', '\n', '0x', '1e5', '\u{1F600}', '\ud800', '\u0000', 'smoothed', 'fill(', 'and', 'or'],
  ];
  const SEEDS = [
    'sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) / on (job) group_left sum(x) > 0.1',
    'max_over_time(deriv(a{b="c"}[1h] offset 5m)[1d:10m] @ end())',
    'histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m]))) and topk(3, y) unless z == bool 1',
  ];

  function survives(text: string): void {
    const parsed = parseExpr(text);
    if (!parsed.ok) {
      for (const { span } of parsed.error) {
        expect(span.start >= 0 && span.start <= span.end && span.end <= text.length).toBe(true);
      }
      return;
    }
    const printed = printExpr(parsed.value);
    const again = parseExpr(printed);
    if (!again.ok)
      throw new Error(`printed text is refused: ${JSON.stringify(text)} → ${JSON.stringify(printed)}`);
    expect(printExpr(again.value)).toBe(printed);
  }

  it('of random words neither throws nor prints what cannot be read', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...LETTERS), { maxLength: 30 }), words =>
        survives(words.join('')),
      ),
      { seed: 20260101, numRuns: 3000 },
    );
  });

  it('of mutated expressions neither throws nor prints what cannot be read', () => {
    const mutated = fc
      .tuple(
        fc.constantFrom(...SEEDS),
        fc.array(fc.tuple(fc.nat(200), fc.nat(6), fc.constantFrom(...LETTERS)), { maxLength: 4 }),
      )
      .map(([seed, edits]) =>
        edits.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), seed),
      );
    fc.assert(fc.property(mutated, survives), { seed: 20260102, numRuns: 3000 });
  });

  it('of random characters, cut and spliced expressions neither throws nor points outside the text', () => {
    const noise = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string());
    const piece = fc
      .tuple(fc.constantFrom(...SEEDS), fc.nat(120), fc.nat(120))
      .map(([seed, from, length]) => seed.slice(from, from + length));
    const spliced = fc.array(fc.oneof(piece, piece, noise), { maxLength: 5 }).map(parts => parts.join(''));
    fc.assert(fc.property(spliced, survives), { seed: 20260103, numRuns: 3000 });
  });

  it.each([
    ['parentheses', '('.repeat(50_000)],
    ['closed parentheses', `${'('.repeat(20_000)}1${')'.repeat(20_000)}`],
    ['signs', `${'-'.repeat(50_000)}1`],
    ['a chain of operators', `${'a+'.repeat(50_000)}a`],
    ['names like operators', `${'offset+'.repeat(30_000)}a`],
    ['brackets', 'a[1:1]'.padEnd(60_000, '[1:1]')],
    ['an open string', `"${'\\x'.repeat(50_000)}`],
    ['powers', `a[1${'^1'.repeat(50_000)}]`],
    ['signs in brackets', `a[${'-'.repeat(50_000)}1]`],
    ['open parentheses in brackets', `a[${'('.repeat(50_000)}`],
    ['braces', `{${'a="b",'.repeat(30_000)}`],
  ])('that is huge (%s) is answered in bounded time', (_, text) => {
    survives(text);
  });

  it('of the deepest accepted nesting passes all stages', () => {
    const depth = Math.floor(EXPR_DEPTH_MAX / 2);
    survives(`${'('.repeat(depth)}1${')'.repeat(depth)}`);
    survives(`${'a+'.repeat(depth)}a`);
  });
});
