// What holds answers against each other notices each kind of difference.

import { describe, expect, it } from 'vitest';
import { type Answered, difference } from './side-by-side.ts';

const vector = (...rows: readonly (readonly [instance: string, value: string])[]): Answered => ({
  data: {
    resultType: 'vector',
    result: rows.map(([instance, value]) => ({ metric: { instance }, value: [7.5, value] })),
  },
});
const matrix = (...values: readonly [atS: number, value: string][]): Answered => ({
  data: { resultType: 'matrix', result: [{ metric: {}, values }] },
});
const REFUSED: Answered = { error: 'refused' };

const exact = { largest: 0 };

describe('two answers', () => {
  it.each<readonly [string, Answered, Answered]>([
    ['a value', vector(['a', '1']), vector(['a', '1.00000001'])],
    ['a value at one step', matrix([1, '5'], [2, '6']), matrix([1, '5'], [2, '7'])],
    ['the time of a value', matrix([1, '5']), matrix([2, '5'])],
    ['a label', vector(['a', '1']), vector(['b', '1'])],
    ['a row that only we have', vector(['a', '1'], ['b', '1']), vector(['a', '1'])],
    ['a row that only they have', vector(['a', '1']), vector(['a', '1'], ['b', '1'])],
    ['NaN', vector(['a', 'NaN']), vector(['a', '1'])],
    ['infinity', vector(['a', '+Inf']), vector(['a', '-Inf'])],
    ['infinity beside a number', vector(['a', '1']), vector(['a', '+Inf'])],
    ['our refusal', REFUSED, vector()],
    ['their refusal', vector(), REFUSED],
  ])('that differ in %s are different', (_, mine, theirs) => {
    expect(difference([mine, theirs], exact)).toEqual(expect.any(String));
  });

  it.each<readonly [string, Answered, Answered]>([
    ['the same in another order', vector(['a', '1'], ['b', 'NaN']), vector(['b', 'NaN'], ['a', '1'])],
    ['the same but for the last digits', vector(['a', '0.1']), vector(['a', '0.10000000000000002'])],
    ['infinities', vector(['a', '+Inf']), vector(['a', '+Inf'])],
    ['refusals', REFUSED, { error: 'in other words' }],
  ])('that are %s are equal', (_, mine, theirs) => {
    expect(difference([mine, theirs], exact)).toBeUndefined();
  });

  it('may differ by the billionth part of the largest number given', () => {
    const answers = [vector(['a', '0']), vector(['a', '0.5'])] as const;
    expect(difference(answers, { largest: 1e9 })).toBeUndefined();
    expect(difference(answers, { largest: 1e8 })).toContain('ours 0, theirs 0.5');
  });
});
