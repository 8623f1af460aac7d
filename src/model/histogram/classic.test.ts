import { expect, test } from 'vitest';
import { formatHistogram, histogramOfClassic } from './index.ts';

const textOf = (...[classic]: Parameters<typeof histogramOfClassic>): string | undefined => {
  const native = histogramOfClassic(classic);
  return native && formatHistogram(native, String);
};

test('buckets come in any order, and one that stands there twice is one', () => {
  const [one, two, infinite] = [
    { bound: 1, count: 3 },
    { bound: 2, count: 5 },
    { bound: Number.POSITIVE_INFINITY, count: 6 },
  ];
  const expected = textOf({ buckets: [one, two, infinite], sum: 9, count: 6 });
  expect(expected).toBe('{count:6, sum:9, [-Infinity,1]:3, (1,2]:2, (2,Infinity]:1}');
  expect(textOf({ buckets: [infinite, two, one, two], sum: 9, count: 6 })).toBe(expected);
});

test('without a count the highest bucket has it', () => {
  const buckets = [
    { bound: 1, count: 3 },
    { bound: 2, count: 5 },
  ];
  const infinite = { bound: Number.POSITIVE_INFINITY, count: 6 };
  expect(histogramOfClassic({ buckets: [...buckets, infinite], sum: 9, count: undefined })?.count).toBe(6);
  expect(histogramOfClassic({ buckets, sum: 9, count: undefined })?.count).toBe(5);
});

test('what has neither buckets nor a count, or counts that fall, is no histogram', () => {
  expect(histogramOfClassic({ buckets: [], sum: 9, count: undefined })).toBeUndefined();
  const falling = [
    { bound: 1, count: 3 },
    { bound: 2, count: 2 },
  ];
  expect(histogramOfClassic({ buckets: falling, sum: 9, count: 4 })).toBeUndefined();
  expect(histogramOfClassic({ buckets: falling.slice(0, 1), sum: 9, count: 2 })).toBeUndefined();
});
