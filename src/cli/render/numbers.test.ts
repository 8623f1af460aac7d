import { expect, it } from 'vitest';
import { counted, distinctNumbers, grouped, numberOf, shortNumber } from './numbers.ts';

it.each([
  [0, '0'],
  [1, '1'],
  [-1.5, '-1.5'],
  [0.1 + 0.2, '0.3'],
  [1234, '1234'],
  [9999.9, '10k'],
  [12_345, '12.35k'],
  [999_999, '1M'],
  [8_234_123_264, '8.234G'],
  [1e21, '1e21'],
  [0.000_012_3, '1.23e-5'],
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
])('%d is short as %s', (value, text) => {
  expect(shortNumber(value)).toBe(text);
});

it('labels of an axis are told apart', () => {
  expect(distinctNumbers([1_000_019, 1_000_000])).toEqual(['1.00002M', '1M']);
  expect(distinctNumbers([3, 3])).toEqual(['3', '3']);
  expect(distinctNumbers([1, 1 + Number.EPSILON])).toEqual(['1', '1.0000000000000002']);
});

it.each([
  ['+Inf', Number.POSITIVE_INFINITY],
  ['-Inf', Number.NEGATIVE_INFINITY],
  ['NaN', Number.NaN],
  ['1e-05', 1e-5],
])('the API writes %s', (text, value) => {
  expect(numberOf(text)).toBe(value);
});

it('counts are said in words', () => {
  expect([counted(1, 'check'), counted(2, 'check'), counted(2, 'series'), grouped(1_234_567)]).toEqual([
    '1 check',
    '2 checks',
    '2 series',
    '1 234 567',
  ]);
});
