// Chunks are read back bit for bit, by the writers' counterpart and by a plain reader that shares nothing with it; and any
// bytes at all are either samples or an error, in bounded time and memory.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomHistogram } from '../../../test/support/extras.ts';
import { seededRandom } from '../../../test/support/random.ts';
import {
  isStaleAt,
  labelsFrom,
  type NativeHistogram,
  type SeriesColumns,
  type SeriesRef,
  setStaleAt,
  wordsOf,
} from '../../model/index.ts';
import { bitsOf, readChunk } from '../testdata/read-chunk.ts';
import { CHUNK_KIND, ChunkCutter, ChunkReader, type SampleChunk } from './index.ts';

const START_MS = 1_700_000_000_000;

function columns(
  timesMs: readonly number[],
  values: BigUint64Array,
  histograms?: ReadonlyMap<number, NativeHistogram>,
): SeriesColumns {
  return {
    ...{ labels: labelsFrom({}), ref: 1 as SeriesRef, producer: undefined },
    ...{ timesMs: Float64Array.from(timesMs), values: new Float64Array(values.buffer) },
    ...{ from: 0, to: timesMs.length },
    ...(histograms && { histograms }),
  };
}

function timesOf(stepsMs: readonly number[], startMs = START_MS): readonly number[] {
  let timeMs = startMs;
  return stepsMs.map(stepMs => {
    timeMs += stepMs;
    return timeMs;
  });
}

const cut = (series: SeriesColumns): readonly SampleChunk[] => [...new ChunkCutter().chunks(series, series)];

/** What both readers make of a chunk, in one form. */
function plainly({ kind, data }: SampleChunk): unknown {
  return readChunk(kind, data).map(({ timeMs, value, histogram }) =>
    histogram === undefined
      ? { timeMs, value }
      : {
          ...{ timeMs, schema: histogram.schema, zeroThreshold: histogram.zeroThreshold },
          ...{ count: histogram.count, zeroCount: histogram.zeroCount, sum: histogram.sum },
          ...{ positive: histogram.positive, negative: histogram.negative, bounds: histogram.bounds },
        },
  );
}

function readBack(reader: ChunkReader, { kind, data }: SampleChunk): unknown {
  // In the middle of other bytes, as in a file.
  const bytes = new Uint8Array(data.length + 9).fill(0xff);
  bytes.set(data, 5);
  const read = reader.read(kind, bytes, { from: 5, to: 5 + data.length });
  if (!read.ok) throw new Error(read.error);
  const { count, timesMs, values, histograms } = read.value;
  const bits = new BigUint64Array(values.buffer);
  return Array.from({ length: count }, (_, i) => {
    const one = histograms?.get(i);
    if (one === undefined) return { timeMs: timesMs[i], value: bits[i] };
    return {
      ...{ timeMs: timesMs[i], schema: one.schema, zeroThreshold: one.zeroThreshold },
      ...{ count: one.count, zeroCount: one.zeroCount, sum: bitsOf(one.sum) },
      ...{ positive: [...one.positiveCounts], negative: [...one.negativeCounts] },
      bounds: one.customBounds && [...one.customBounds],
    };
  });
}

describe('chunks of floats', () => {
  it('are read as a plain reader reads them, whatever the bits and steps are', () => {
    const reader = new ChunkReader();
    const step = fc.oneof(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 1, max: 2 ** 40 }));
    const value = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.double().map(bitsOf),
      fc.nat(1000).map(bitsOf),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(step, value), { minLength: 1, maxLength: 200 }),
        fc.integer({ min: -(2 ** 41), max: 2 ** 41 }),
        (samples, startMs) => {
          const times = timesOf(
            samples.map(([stepMs]) => stepMs),
            startMs,
          );
          const series = columns(
            times,
            BigUint64Array.from(samples, ([, bits]) => bits),
          );
          for (const chunk of cut(series)) expect(readBack(reader, chunk)).toEqual(plainly(chunk));
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });
});

describe('chunks of histograms', () => {
  it('are read as a plain reader reads them', () => {
    const reader = new ChunkReader();
    let histograms = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const random = seededRandom(seed);
      const list: NativeHistogram[] = [];
      for (let i = 0; i < 12; i++) {
        const before = list.at(-1);
        const isLike = before !== undefined && random.uint32() % 4 > 0;
        const grown = (counts: Float64Array): Float64Array => counts.map(one => one + (random.uint32() % 9));
        list.push(
          isLike
            ? {
                ...before,
                ...{ count: before.count + 40, sum: random.float() },
                positiveCounts: grown(before.positiveCounts),
                negativeCounts: grown(before.negativeCounts),
              }
            : randomHistogram(random),
        );
      }
      const series = columns(
        timesOf(list.map((_, i) => 15_000 + (i % 3))),
        new BigUint64Array(list.length),
        new Map(list.entries()),
      );
      for (const chunk of cut(series)) {
        const back = readBack(reader, chunk);
        expect(back).toEqual(plainly(chunk));
        histograms += (back as unknown[]).length;
      }
    }
    expect(histograms).toBe(400 * 12);
  });

  it('say why they begin, and what follows in them was not reset', () => {
    const random = seededRandom(1);
    const hints = ['unknown', 'reset', 'no-reset', 'gauge'] as const;
    const found = hints.map(resetHint => {
      const one: NativeHistogram = { ...randomHistogram(random), resetHint };
      const next: NativeHistogram = { ...one, resetHint: resetHint === 'gauge' ? 'gauge' : 'unknown' };
      const series = columns(
        timesOf([0, 1]),
        new BigUint64Array(2),
        new Map([
          [0, one],
          [1, next],
        ]),
      );
      const [chunk] = cut(series);
      if (chunk === undefined) throw new Error('no chunk');
      const read = new ChunkReader().read(chunk.kind, chunk.data, { from: 0, to: chunk.data.length });
      return read.ok && [...(read.value.histograms ?? [])].map(([, histogram]) => histogram.resetHint);
    });
    expect(found).toEqual([
      ['unknown', 'no-reset'],
      ['reset', 'no-reset'],
      ['unknown', 'no-reset'],
      ['gauge', 'gauge'],
    ]);
  });

  it('whose sum is the stale marker are stale floats', () => {
    const histogram = { ...randomHistogram(seededRandom(3)), resetHint: 'unknown' } as const;
    const marker = new Float64Array(1);
    setStaleAt(wordsOf(marker), 0);
    for (const integer of [true, false]) {
      const one: NativeHistogram = {
        ...{ ...histogram, integer, count: 0, zeroCount: 0, schema: 1, zeroThreshold: 0 },
        ...{ positiveSpans: [], positiveCounts: new Float64Array(0) },
        ...{ negativeSpans: [], negativeCounts: new Float64Array(0), sum: 1.5 },
      };
      const series = columns(timesOf([0]), new BigUint64Array(1), new Map([[0, one]]));
      const [chunk] = cut(series);
      if (chunk === undefined) throw new Error('no chunk');
      // The sum's place in the chunk: a marker does not survive being a number on the way there.
      const bytes = chunk.data.slice();
      const bits = (data: Uint8Array): string => [...data].map(b => b.toString(2).padStart(8, '0')).join('');
      const plain = bits(bytes);
      const at = plain.indexOf(bits(new Uint8Array(new Float64Array([1.5]).buffer).reverse()));
      expect(at).toBeGreaterThan(0);
      const stale = bits(new Uint8Array(marker.buffer).slice().reverse());
      const changed = plain.slice(0, at) + stale + plain.slice(at + 64);
      const data = Uint8Array.from({ length: bytes.length }, (_, i) =>
        Number.parseInt(changed.slice(8 * i, 8 * i + 8), 2),
      );
      const read = new ChunkReader().read(chunk.kind, data, { from: 0, to: data.length });
      if (!read.ok) throw new Error(read.error);
      expect(read.value.histograms?.size).toBe(0);
      expect(isStaleAt(wordsOf(read.value.values), 0)).toBe(true);
    }
  });
});

describe('any bytes', () => {
  const random = seededRandom(9);
  const samples = Array.from({ length: 40 }, (_, i) => i);
  const floats = cut(
    columns(
      timesOf(samples.map(() => 15_000)),
      BigUint64Array.from(samples, i => bitsOf(i / 3)),
    ),
  );
  const like = { ...randomHistogram(random), integer: true } as const;
  const histograms = cut(
    columns(
      timesOf(samples.map(() => 15_000)),
      new BigUint64Array(40),
      new Map(samples.map(i => [i, { ...like, count: i, integer: i < 20 }])),
    ),
  );

  it.each([
    ['floats', floats],
    ['histograms', histograms],
  ])('that were %s with flipped bits, cut off or made up, are read or refused', (_, chunks) => {
    const reader = new ChunkReader();
    let refused = 0;
    const look = (kind: number, data: Uint8Array): void => {
      const read = reader.read(kind, data, { from: 0, to: data.length });
      if (!read.ok) {
        refused++;
        expect(read.error).toMatch(/^(the|a) /);
      } else expect(read.value.count).toBeLessThanOrEqual(65_535);
    };
    for (const { kind, data } of chunks) {
      for (let bit = 0; bit < 8 * data.length; bit++) {
        const flipped = data.slice();
        flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (128 >>> (bit & 7));
        look(kind, flipped);
      }
      for (let length = 0; length < data.length; length++) look(kind, data.subarray(0, length));
    }
    for (let i = 0; i < 3000; i++) {
      const data = Uint8Array.from({ length: random.uint32() % 400 }, () => random.uint32());
      look(1 + (i % 4), data);
      // With a sound beginning and nonsense behind it.
      const { kind, data: sound } = chunks[i % chunks.length] ?? { kind: CHUNK_KIND.floats, data };
      const mixed = new Uint8Array(sound.length + data.length);
      mixed.set(sound);
      mixed.set(data, random.uint32() % (sound.length + 1));
      look(kind, mixed);
    }
    expect(refused).toBeGreaterThan(1000);
  });

  it('that claim the most spend no more memory than their length justifies', () => {
    const before = process.memoryUsage().arrayBuffers;
    const reader = new ChunkReader();
    for (const kind of [1, 2, 3]) {
      for (const fill of [0x00, 0xff, 0xfe, 0xaa]) {
        const data = new Uint8Array(4096).fill(fill);
        data[0] = 0xff;
        data[1] = 0xff;
        reader.read(kind, data, { from: 0, to: data.length });
      }
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });
});
