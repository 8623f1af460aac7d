import { expect, it } from 'vitest';
import { pointedAt } from './index.ts';

it.each([
  ['query-parse: no such thing (at 3..5)', 'a+bcd', 'query-parse: no such thing\n  a+bcd\n    ^^^'],
  ['unexpected end (at 5..4)', 'sum(', 'unexpected end\n  sum(\n      ^'],
  ['bad label (at 8..9)', 'm{a="主"b}', 'bad label\n  m{a="主"b}\n          ^^'],
  ['second line (at 5..5)', 'a +\nb c', 'second line\n  b c\n  ^'],
  ['over lines (at 1..7)', 'sum(\na)', 'over lines\n  sum(\n  ^^^^'],
  ['far away (at 90..95)', 'm', 'far away\n  m\n   ^'],
  ['no place', 'm', 'no place'],
])('%s', (error, expr, text) => {
  expect(pointedAt(error, expr)).toBe(text);
});
