import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NativeHistogram } from '../sample.ts';
import {
  bucketsOf,
  combined,
  divided,
  formatHistogram,
  fractionOfHistogram,
  HistogramMean,
  HistogramSum,
  multiplied,
  quantileOfHistogram,
  sameHistogram,
  trimmed,
  varianceOfHistogram,
  wasReset,
} from './index.ts';

const NOTHING: NativeHistogram = {
  schema: 0,
  count: 0,
  sum: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  positiveSpans: [],
  positiveCounts: new Float64Array(0),
  negativeSpans: [],
  negativeCounts: new Float64Array(0),
  resetHint: 'unknown',
  integer: true,
};

/** Of observations, as a client makes it: the plainest way, bucket by bucket. */
function observed(values: readonly number[], schema: number, zeroThreshold = 0.001): NativeHistogram {
  const side = (sign: 1 | -1): Pick<NativeHistogram, 'positiveSpans' | 'positiveCounts'> => {
    const counts = new Map<number, number>();
    for (const value of values) {
      if (sign * value <= zeroThreshold) continue;
      const index = Math.ceil(Math.log2(sign * value) * 2 ** schema);
      counts.set(index, (counts.get(index) ?? 0) + 1);
    }
    const sorted = [...counts].sort(([a], [b]) => a - b);
    return {
      positiveSpans: sorted.map(([index], i) => ({
        offset: i === 0 ? index : index - (sorted[i - 1]?.[0] ?? 0) - 1,
        length: 1,
      })),
      positiveCounts: Float64Array.from(sorted, ([, count]) => count),
    };
  };
  const [positive, negative] = [side(1), side(-1)];
  return {
    ...NOTHING,
    schema,
    zeroThreshold,
    count: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    zeroCount: values.filter(value => Math.abs(value) <= zeroThreshold).length,
    ...positive,
    negativeSpans: positive === negative ? [] : negative.positiveSpans,
    negativeCounts: negative.positiveCounts,
  };
}

/** Whole powers of two and what lies between, so that no observation is at a bound that rounding moves. */
const observation = fc.oneof(
  fc.constantFrom(0, 0.0005, -0.0001),
  fc.integer({ min: -60, max: 60 }).map(i => 2 ** (i / 4 + 0.07)),
  fc.integer({ min: -60, max: 60 }).map(i => -(2 ** (i / 4 + 0.07))),
);
const observations = fc.array(observation, { maxLength: 30 });
const schema = fc.integer({ min: -1, max: 3 });

const total = (histogram: NativeHistogram): number =>
  bucketsOf(histogram).reduce((sum, { count }) => sum + count, 0);

describe('sums of native histograms', () => {
  it('are the histogram of all observations, in the coarser buckets', () => {
    fc.assert(
      fc.property(observations, observations, schema, schema, (a, b, x, y) => {
        const sum = combined(observed(a, x), observed(b, y), 1);
        const whole = observed([...a, ...b], Math.min(x, y));
        expect(sum).toBeDefined();
        if (sum === undefined) return;
        expect(bucketsOf(sum.histogram)).toEqual(bucketsOf(whole));
        expect(sum.histogram.count).toBe(whole.count);
        expect(sum.histogram.sum).toBeCloseTo(whole.sum, 6);
        const back = combined(sum.histogram, observed(b, y), -1);
        expect(back && bucketsOf(back.histogram)).toEqual(bucketsOf(observed(a, Math.min(x, y))));
      }),
    );
  });

  it('have one zero bucket, which ends within no bucket', () => {
    const fine = observed([0.3, 0.6, 5], 0, 0.001);
    const wide = observed([0.1, 7], 0, 0.4);
    const sum = combined(fine, wide, 1)?.histogram;
    // 0.3 lies in (0.25, 0.5], within which 0.4 is.
    expect(sum).toMatchObject({ zeroThreshold: 0.5, zeroCount: 2, count: 5 });
    expect(sum && bucketsOf(sum).map(({ lower, count }) => [lower, count])).toEqual([
      [-0.5, 2],
      [0.5, 1],
      [4, 2],
    ]);
    expect(combined(wide, fine, 1)?.histogram).toMatchObject({ zeroThreshold: 0.5, zeroCount: 2 });
  });

  it('do not lose small numbers beside large ones', () => {
    const of = (sum: number): NativeHistogram => ({ ...NOTHING, count: 1, sum });
    const sum = new HistogramSum(of(1));
    for (const one of [1e100, 1, -1e100]) sum.add(of(one));
    expect(sum.result()).toMatchObject({ count: 4, sum: 2 });
  });

  it('exponential ones and those with custom bounds do not add up', () => {
    const custom = { ...NOTHING, schema: -53, customBounds: Float64Array.of(1, 2) };
    expect(combined(NOTHING, custom, 1)).toBeUndefined();
    expect(combined(custom, NOTHING, -1)).toBeUndefined();
  });

  it('custom bounds become those that both have', () => {
    const custom = (bounds: number[], counts: number[]): NativeHistogram => ({
      ...NOTHING,
      schema: -53,
      count: counts.reduce((sum, count) => sum + count, 0),
      customBounds: Float64Array.from(bounds),
      positiveSpans: [{ offset: 0, length: counts.length }],
      positiveCounts: Float64Array.from(counts),
    });
    const sum = combined(custom([1, 5, 10], [1, 2, 3, 4]), custom([5, 7], [10, 20, 30]), 1);
    expect(sum?.isReconciled).toBe(true);
    expect(sum && bucketsOf(sum.histogram).map(({ upper, count }) => [upper, count])).toEqual([
      [5, 13],
      [Number.POSITIVE_INFINITY, 57],
    ]);
  });

  it('say what they know of resets', () => {
    const of = (resetHint: NativeHistogram['resetHint']): NativeHistogram => ({ ...NOTHING, resetHint });
    const hints = ['unknown', 'reset', 'no-reset', 'gauge'] as const;
    const table = hints.map(a => hints.map(b => combined(of(a), of(b), 1)?.histogram.resetHint));
    expect(table).toEqual([
      ['unknown', 'unknown', 'unknown', 'gauge'],
      ['unknown', 'reset', 'unknown', 'gauge'],
      ['unknown', 'unknown', 'no-reset', 'gauge'],
      ['gauge', 'gauge', 'gauge', 'gauge'],
    ]);
    expect(combined(of('reset'), of('no-reset'), 1)?.isConflicting).toBe(true);
    expect(combined(of('reset'), of('unknown'), 1)?.isConflicting).toBe(false);
  });

  it('a mean is the sum by the number, and does not overflow where the sum does', () => {
    fc.assert(
      fc.property(fc.array(observations, { minLength: 1, maxLength: 5 }), schema, (all, x) => {
        const [first, ...others] = all.map(values => observed(values, x)) as [NativeHistogram];
        const mean = new HistogramMean(first);
        const sum = new HistogramSum(first);
        for (const one of others) {
          mean.add(one);
          sum.add(one);
        }
        expect(bucketsOf(mean.result())).toEqual(bucketsOf(divided(sum.result(), all.length)));
      }),
    );
    const huge = { ...NOTHING, count: 1.5e308, sum: 4 };
    const mean = new HistogramMean(huge);
    mean.add({ ...huge, sum: 6 });
    expect(mean.result()).toMatchObject({ count: 1.5e308, sum: 5 });
  });

  it('multiplied and divided', () => {
    const histogram = observed([1, 3, -7, 0], 0);
    expect(sameHistogram(divided(multiplied(histogram, 6), 6), histogram)).toBe(true);
    expect(multiplied(histogram, -1).resetHint).toBe('gauge');
    expect(divided(histogram, 0)).toMatchObject({ count: Number.POSITIVE_INFINITY, positiveSpans: [] });
  });
});

describe('resets', () => {
  it('a histogram that only grew was not reset; one that lost an observation was', () => {
    fc.assert(
      fc.property(
        fc.array(observation, { minLength: 1, maxLength: 30 }),
        observations,
        schema,
        (a, more, x) => {
          const before = observed(a, x);
          expect(wasReset(observed([...a, ...more], x), before)).toBe(false);
          // Coarser since, as it becomes when it has too many buckets.
          expect(wasReset(observed([...a, ...more], x - 1), before)).toBe(false);
          expect(wasReset(observed([...a.slice(1), ...more.slice(0, 0)], x), before)).toBe(true);
        },
      ),
    );
  });

  it('finer buckets, a narrower zero bucket and other bounds come with a reset', () => {
    const before = observed([1, 2, 3], 1, 0.01);
    expect(wasReset(observed([1, 2, 3], 2, 0.01), before)).toBe(true);
    expect(wasReset(observed([1, 2, 3], 1, 0.001), before)).toBe(true);
    expect(wasReset({ ...NOTHING, count: 9, schema: -53, customBounds: Float64Array.of(1) }, before)).toBe(
      true,
    );
    expect(wasReset({ ...before, resetHint: 'no-reset' }, observed([1, 2, 3, 4], 1))).toBe(false);
    expect(wasReset({ ...before, resetHint: 'reset' }, NOTHING)).toBe(true);
  });
});

describe('estimates', () => {
  it('a quantile is the value up to which that share of the observations lies', () => {
    fc.assert(
      fc.property(
        fc.array(observation, { minLength: 1, maxLength: 30 }),
        schema,
        fc.integer({ min: 1, max: 99 }),
        (values, x, percent) => {
          const histogram = observed(values, x);
          const { value } = quantileOfHistogram(percent / 100, histogram);
          const share = fractionOfHistogram(Number.NEGATIVE_INFINITY, value, histogram);
          // Between two buckets any value would do: the share there may be larger, never smaller.
          expect(share).toBeGreaterThan(percent / 100 - 1e-9);
          const lower = bucketsOf(histogram)[0]?.lower ?? 0;
          expect(value).toBeGreaterThanOrEqual(lower);
        },
      ),
    );
  });

  it('quantiles outside 0 to 1, of nothing, and with NaN observations', () => {
    const some = observed([1, 2, 3], 0);
    expect(quantileOfHistogram(-0.1, some).value).toBe(Number.NEGATIVE_INFINITY);
    expect(quantileOfHistogram(1.1, some).value).toBe(Number.POSITIVE_INFINITY);
    expect(quantileOfHistogram(0.5, NOTHING).value).toBeNaN();
    const nans = { ...some, count: 4, sum: Number.NaN };
    expect(quantileOfHistogram(0.9, nans)).toEqual({ value: Number.NaN, nan: 'result' });
    expect(quantileOfHistogram(0.5, nans).nan).toBe('skew');
    expect(fractionOfHistogram(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, nans)).toBe(0.75);
  });

  it('the variance of observations in the middle of their buckets is theirs', () => {
    // The middle by exponent of (1, 4] in schema -1 is 2, of (4, 16] is 8.
    expect(varianceOfHistogram(observed([2, 2, 8, 8], -1))).toBeCloseTo(9);
  });
});

describe('trimming', () => {
  it('keeps as much as the fraction says, and both parts together are the whole', () => {
    fc.assert(
      fc.property(
        fc.array(observation, { minLength: 1, maxLength: 30 }),
        schema,
        observation,
        (values, x, at) => {
          const histogram = observed(values, x);
          const [below, above] = [trimmed(histogram, 'upper', at), trimmed(histogram, 'lower', at)];
          const share = fractionOfHistogram(Number.NEGATIVE_INFINITY, at, histogram);
          expect(below.count).toBeCloseTo(share * histogram.count, 6);
          expect(below.count + above.count).toBeCloseTo(histogram.count, 6);
          expect(total(below)).toBeCloseTo(below.count, 6);
        },
      ),
    );
  });

  it('changes nothing where nothing is cut', () => {
    const histogram = observed([1, 2, -3, 0], 0);
    expect(trimmed(histogram, 'upper', 1000)).toBe(histogram);
    expect(trimmed(histogram, 'lower', Number.NEGATIVE_INFINITY)).toBe(histogram);
    expect(trimmed(histogram, 'lower', Number.POSITIVE_INFINITY)).toMatchObject({ count: 0, sum: 0 });
  });
});

it('text, as Prometheus prints it', () => {
  expect(formatHistogram(observed([1, 3, 3, -0.7, 0], 0), String)).toBe(
    '{count:5, sum:6.3, [-1,-0.5):1, [-0.001,0.001]:1, (0.5,1]:1, (2,4]:2}',
  );
});

it('the last finite bucket ends at the largest number', () => {
  const buckets = bucketsOf({
    ...NOTHING,
    count: 2,
    positiveSpans: [{ offset: 1024, length: 2 }],
    positiveCounts: Float64Array.of(1, 1),
  });
  expect(buckets.map(({ lower, upper }) => [lower, upper])).toEqual([
    [2 ** 1023, Number.MAX_VALUE],
    [Number.MAX_VALUE, Number.POSITIVE_INFINITY],
  ]);
});
