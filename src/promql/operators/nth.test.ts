// The n-th smallest, and the quantile found by it, are those of the sorted numbers.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { quantileOf, quantileOfSorted } from './folds.ts';
import { putNth } from './nth.ts';

const numbers = fc.array(
  fc.oneof(
    fc.double({ noNaN: true }),
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom(0, -0, Infinity, -Infinity),
  ),
  { minLength: 1, maxLength: 200 },
);

it('finds the n-th smallest, with nothing greater before it', () => {
  fc.assert(
    fc.property(numbers, fc.nat(), (list, seed) => {
      const n = seed % list.length;
      const values = Float64Array.from(list);
      putNth(values, n);
      const found = values[n] as number;
      expect(found === Float64Array.from(list).sort()[n]).toBe(true);
      expect(values.subarray(0, n).every(value => value <= found)).toBe(true);
      expect(values.subarray(n).every(value => value >= found)).toBe(true);
      expect(values.slice().sort()).toEqual(Float64Array.from(list).sort());
    }),
    { seed: 20260106 },
  );
});

it('gives the same quantile as sorting, bit for bit', () => {
  const withNaN = fc.oneof(
    numbers,
    fc.array(fc.constantFrom(Number.NaN, 1, 2, -0, 0), { minLength: 1, maxLength: 9 }),
  );
  fc.assert(
    fc.property(withNaN, fc.double({ min: -0.1, max: 1.1, noNaN: true }), (list, q) => {
      const want = quantileOfSorted(q, Float64Array.from(list).sort());
      expect(Object.is(quantileOf(q, Float64Array.from(list)), want)).toBe(true);
    }),
    { seed: 20260107, numRuns: 2000 },
  );
});

it('takes numbers that give bad pivots in the time of sorting them', () => {
  // Rising and falling by turns, and all alike.
  for (const list of [
    Float64Array.from({ length: 50_000 }, (_, i) => (i % 2 === 0 ? i : 50_000 - i)),
    new Float64Array(50_000).fill(1),
  ]) {
    const want = list.slice().sort()[25_000] as number;
    putNth(list, 25_000);
    expect(list[25_000]).toBe(want);
  }
});
