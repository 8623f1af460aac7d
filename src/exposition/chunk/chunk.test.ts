// What is written as chunks is read back, bit for bit, by a reader that shares nothing with the writers; and some are the very
// bytes that Prometheus's own library gives.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  labelsFrom,
  type NativeHistogram,
  type SeriesColumns,
  type SeriesRef,
  setStaleAt,
  wordsOf,
} from '../../model/index.ts';
import { bitsOf, readChunk } from '../testdata/read-chunk.ts';
import { CHUNK_KIND, ChunkCutter, type SampleChunk } from './index.ts';

type Sample = number | bigint | NativeHistogram;

/** Samples of one series: a number, the bits of one, or a histogram. */
function columns(samples: readonly (readonly [timeMs: number, sample: Sample])[]): SeriesColumns {
  const values = new Float64Array(samples.length);
  const bits = new BigUint64Array(values.buffer);
  const histograms = new Map<number, NativeHistogram>();
  samples.forEach(([, sample], i) => {
    if (typeof sample === 'bigint') bits[i] = sample;
    else if (typeof sample === 'number') values[i] = sample;
    else histograms.set(i, sample);
  });
  return {
    labels: labelsFrom({}),
    ref: 1 as SeriesRef,
    producer: undefined,
    timesMs: Float64Array.from(samples, ([timeMs]) => timeMs),
    values,
    from: 0,
    to: samples.length,
    ...(histograms.size > 0 ? { histograms } : {}),
  };
}

function cut(series: SeriesColumns): readonly SampleChunk[] {
  return [...new ChunkCutter().chunks(series, series)];
}

/** As they are read back. */
function shown(series: SeriesColumns): unknown {
  const bits = new BigUint64Array(series.values.buffer);
  return Array.from(series.timesMs, (timeMs, i) => {
    const one = series.histograms?.get(i);
    if (one === undefined) return { timeMs, value: bits[i] };
    const { schema, zeroThreshold, count, zeroCount } = one;
    const histogram = {
      schema,
      zeroThreshold,
      positiveSpans: one.positiveSpans.map(({ offset, length }) => [offset, length]),
      negativeSpans: one.negativeSpans.map(({ offset, length }) => [offset, length]),
      bounds: one.customBounds && [...one.customBounds],
      count,
      zeroCount,
      sum: bitsOf(one.sum),
      positive: [...one.positiveCounts],
      negative: [...one.negativeCounts],
    };
    return { timeMs, histogram };
  });
}

function readBack(chunks: readonly SampleChunk[]): unknown {
  return chunks.flatMap(({ kind, data }) =>
    readChunk(kind, data).map(({ timeMs, value, histogram }) => {
      if (histogram === undefined) return { timeMs, value };
      const { start: _, ...rest } = histogram;
      return { timeMs, histogram: rest };
    }),
  );
}

const HISTOGRAM: NativeHistogram = {
  schema: 3,
  count: 12,
  sum: 18.4,
  zeroThreshold: 2 ** -128,
  zeroCount: 2,
  positiveSpans: [
    { offset: 0, length: 2 },
    { offset: 1, length: 2 },
  ],
  positiveCounts: Float64Array.of(1, 2, 3, 1),
  negativeSpans: [{ offset: -3, length: 1 }],
  negativeCounts: Float64Array.of(3),
  resetHint: 'unknown',
  integer: true,
};

function later(histogram: NativeHistogram, by: number): NativeHistogram {
  const { count, sum, zeroCount, positiveCounts, negativeCounts } = histogram;
  return {
    ...histogram,
    count: count + 6 * by,
    sum: sum + by / 3,
    zeroCount: zeroCount + by,
    positiveCounts: positiveCounts.map(one => one + by),
    negativeCounts: negativeCounts.map(one => one + by),
  };
}

const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 1, max: 2 ** 40 })), {
  minLength: 1,
  maxLength: 300,
});

function timesOf(startMs: number, stepsMs: readonly number[]): readonly number[] {
  let timeMs = startMs;
  return stepsMs.map(stepMs => {
    timeMs += stepMs;
    return timeMs;
  });
}

describe('chunks of floats', () => {
  it('keep all bits, whatever the times and values are', () => {
    const values = fc.oneof(
      fc.double(),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.integer(),
      fc.constant(0),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 42), max: 2 ** 42 }),
        steps,
        fc.infiniteStream(values),
        (start, stepsMs, stream) => {
          const series = columns(
            timesOf(start, stepsMs).map(timeMs => [timeMs, stream.next().value as Sample]),
          );
          expect(readBack(cut(series))).toEqual(shown(series));
        },
      ),
      { seed: 2, numRuns: 200 },
    );
  });

  it('keep a stale marker, take a byte or two a sample of a steady series, and 120 samples at most', () => {
    const series = columns(Array.from({ length: 250 }, (_, i) => [1_700_000_000_000 + i * 15_000, 5]));
    setStaleAt(wordsOf(series.values), 249);
    const chunks = cut(series);
    expect(readBack(chunks)).toEqual(shown(series));
    expect(chunks.map(({ data }) => ((data[0] ?? 0) << 8) | (data[1] ?? 0))).toEqual([120, 120, 10]);
    expect(chunks[0]?.data.length).toBeLessThan(60);
  });
});

describe('chunks of histograms', () => {
  it('keep all numbers of whole, float, custom and mixed ones', () => {
    const counts = (n: number) => fc.array(fc.nat({ max: 2 ** 31 - 1 }), { minLength: n, maxLength: n });
    const histogram = fc
      .record({
        schema: fc.constantFrom(-4, 0, 3, 8, -53),
        integer: fc.boolean(),
        zeroThreshold: fc.constantFrom(0, 2 ** -128, 2 ** -243, 2 ** 10, 2 ** 11, 0.001, 1e-300, 5e-324),
        resetHint: fc.constantFrom(
          'unknown' as const,
          'reset' as const,
          'no-reset' as const,
          'gauge' as const,
        ),
        sum: fc.double(),
        scale: fc.constantFrom(1, 1, 0.25, 2 ** 30),
        positive: fc.array(fc.tuple(fc.integer({ min: -500, max: 500 }), fc.integer({ min: 0, max: 4 })), {
          maxLength: 4,
        }),
        negative: fc.array(fc.tuple(fc.integer({ min: -500, max: 500 }), fc.integer({ min: 0, max: 4 })), {
          maxLength: 2,
        }),
      })
      .chain(shape => {
        const lengthOf = (spans: readonly (readonly [number, number])[]): number =>
          spans.reduce((sum, [, length]) => sum + length, 0);
        const [p, n] = [lengthOf(shape.positive), lengthOf(shape.negative)];
        return fc.tuple(
          fc.constant(shape),
          counts(2 + p + n),
          fc.array(fc.nat({ max: 9 }), { maxLength: 20 }),
        );
      })
      .map(([shape, numbers, rises]) => {
        const { schema, integer, zeroThreshold, resetHint, sum } = shape;
        const scaled = numbers.map(one => (integer ? one * Math.max(1, shape.scale) : one * shape.scale));
        const [count = 0, zeroCount = 0, ...buckets] = scaled;
        const positive = shape.positive.reduce((all, [, length]) => all + length, 0);
        const first: NativeHistogram = {
          ...{ schema, integer, zeroThreshold, resetHint, sum, count, zeroCount },
          positiveSpans: shape.positive.map(([offset, length]) => ({ offset, length })),
          negativeSpans: shape.negative.map(([offset, length]) => ({ offset, length })),
          positiveCounts: Float64Array.from(buckets.slice(0, positive)),
          negativeCounts: Float64Array.from(buckets.slice(positive)),
          ...(schema === -53
            ? { customBounds: Float64Array.of(-1, 0, 0.001, 0.25, 1 / 3, 33_554.43, 1e9) }
            : {}),
        };
        const all = [first];
        for (const by of rises) all.push(later(all.at(-1) ?? first, by));
        return all;
      });
    const runs = fc.array(
      fc.oneof({ weight: 3, arbitrary: histogram }, fc.array(fc.double(), { maxLength: 5 })),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(runs, steps, (all, stepsMs) => {
        const samples: readonly Sample[] = all.flat();
        const times = timesOf(
          1_700_000_000_000,
          samples.map((_, i) => stepsMs[i % stepsMs.length] ?? 1),
        );
        const series = columns(samples.map((sample, i) => [times[i] ?? 0, sample]));
        expect(readBack(cut(series))).toEqual(shown(series));
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  const RESET = 2;
  const UNKNOWN = 0;
  it.each<[string, readonly NativeHistogram[], readonly (readonly [samples: number, start: number])[]]>([
    ['that rise are one chunk', [HISTOGRAM, later(HISTOGRAM, 1), later(HISTOGRAM, 2)], [[3, UNKNOWN]]],
    [
      'of which a count falls begin another, by a reset',
      [later(HISTOGRAM, 3), HISTOGRAM, later(HISTOGRAM, 1)],
      [
        [1, UNKNOWN],
        [2, RESET],
      ],
    ],
    [
      'that say so begin another',
      [HISTOGRAM, { ...later(HISTOGRAM, 1), resetHint: 'reset' }],
      [
        [1, UNKNOWN],
        [1, RESET],
      ],
    ],
    [
      'with another layout begin another',
      [HISTOGRAM, { ...later(HISTOGRAM, 1), schema: 2 }],
      [
        [1, UNKNOWN],
        [1, UNKNOWN],
      ],
    ],
    [
      'of another kind begin another',
      [HISTOGRAM, { ...later(HISTOGRAM, 1), integer: false }],
      [
        [1, UNKNOWN],
        [1, UNKNOWN],
      ],
    ],
    [
      'that are gauges may fall',
      [later(HISTOGRAM, 2), HISTOGRAM].map(one => ({ ...one, resetHint: 'gauge' as const })),
      [[2, 3]],
    ],
  ])('%s', (_, histograms, wanted) => {
    const chunks = cut(columns(histograms.map((one, i) => [1_700_000_000_000 + i * 1000, one])));
    const found = chunks.map(({ kind, data }) => readChunk(kind, data));
    expect(found.map(samples => [samples.length, samples[0]?.histogram?.start])).toEqual(wanted);
  });

  it('of whole counts that are too large for exact differences are written as floats', () => {
    const large = { ...HISTOGRAM, count: 2 ** 52 };
    const series = columns([[1000, large]]);
    const chunks = cut(series);
    expect(chunks.map(({ kind }) => kind)).toEqual([CHUNK_KIND.floatHistograms]);
    expect(readBack(chunks)).toEqual(shown(series));
  });
});

/** What Prometheus's own library (2.42) makes of the same samples. */
const KNOWN = {
  floats: [
    'ACiwiq3++WJAHAAAAAAAAKV1QAbh///KqqqqqqqsAG4AMH6j641VcmFgA2vgfa+2AAnNCADYABAAAAAAAAIANX9lAA9VVVVV',
    'VVXABtfAqdLEVVvm8AG18Wch5EADrOYRmsAG4AAAAAAAG7nKgA2AAwAAAAAAACADa97Wes9ifzNr+yr3IZ6z2J/M2gA2ACkA',
    'AAAAAACADUAGwAFVVVVVVVVwAbXvHLBp//i6XABte5N5Tyqre8HDDVsAEEAAAAAAAHdOHTdzlgABVVVVVVVVgA2ve3LkLobb',
    'tuADa9sp7F7047joANgBeAAAAAAAAgA1ABsAHwAAAAAAAF/ZV7kpv4EkoxZQAbXtdG/gSSjFl4AAAAABMS0GwAs4AAAAAAAf',
    '//////s7TBrCM1gA5VVVVVVVV3c5a9wn+wCELiiIANr2uquVdF7fdv7KAFWAAAAAAACADUAGwAaVVVVVVVVwAbXuZaFL0+rv',
    'XABtBDg9B6Gv7oI=',
  ].join(''),
  histograms: [
    'AAgAdJyklGMa/wAAxefytABjJIBlAAAAAAABGMbT+DqZw0eIOIi3V1xeuSnvDsxOfiRuMOknr8YRxhfDlsfAmSaD9J78CZIP',
    'gTJK/g2BCH4CQCxpUzTTfwEgFgfgJALE/3kiMz9+2wigAAP9+2wiH79thEA=',
  ].join(''),
  floatHistograms: [
    'AAgA/z9QYk3S8an8nKSUYxr/AADF5/K0ACAUAAAAAAAAIAAAAAAAAAAgGUAAAAAAAB/4AAAAAAAAIAAAAAAAAAAgBAAAAAAA',
    'AB/4AAAAAAAAIAQAAAAAAAB8HUzrE3YD4g8Jf/9gPWF4S//6wsAV0h/WD3h3WHdYPYF6w7sC56C8H6SIXST19JM50kQukmN6',
    'SZzpJjbSfeC9B/S50H6T3Qh02Og/pc6EOkz0IdNjoQ6TOudfzAvedbQtqdKmaabnX0LcjnW0LanOvoWxPOvoW5HOvoWxOcAA',
    'AWAAAOAAA4AAAUAAAcAAAaAAAFAAAGA=',
  ].join(''),
};

describe("the bytes are those of Prometheus's library", () => {
  const base64Of = (series: SeriesColumns): readonly string[] =>
    cut(series).map(({ data }) => Buffer.from(data).toString('base64'));

  it('for floats, with all widths of steps', () => {
    let timeMs = 1_700_000_000_000;
    const samples = Array.from({ length: 40 }, (_, i): readonly [number, Sample] => {
      timeMs += 15_000 + (i % 7) * 13;
      if (i % 11 === 10) timeMs += 9000;
      if (i === 20) timeMs += 100_000;
      if (i === 30) timeMs += 40_000_000;
      const ordinary = [7, 7, i / 3, -1e300 / i, i * 1.5][i % 5] ?? 0;
      return [timeMs, i === 39 ? 0x7ff8000000000001n : ordinary];
    });
    expect(base64Of(columns(samples))).toEqual([KNOWN.floats]);
  });

  it('for histograms of whole and of float counts', () => {
    const rises = [0, 1, 0, 3, 100, 5000, 300_000, 2];
    let total = 0;
    const samples = rises.map((by, i): readonly [number, NativeHistogram] => {
      total += by;
      return [
        1_700_000_000_000 + i * 15_000 + (i % 3),
        { ...later(HISTOGRAM, total), sum: 18.5 + total / 4 },
      ];
    });
    expect(base64Of(columns(samples))).toEqual([KNOWN.histograms]);
    const floats = samples.map(
      ([timeMs, one]) => [timeMs, { ...one, integer: false, zeroThreshold: 0.001 }] as const,
    );
    expect(base64Of(columns(floats))).toEqual([KNOWN.floatHistograms]);
  });
});
