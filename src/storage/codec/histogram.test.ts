import { describe, expect, it } from 'vitest';
import { grownHistogram, randomHistogram } from '../../../test/support/extras.ts';
import { seededRandom } from '../../../test/support/random.ts';
import type { NativeHistogram } from '../../model/index.ts';
import { ByteWriter } from '../bytes.ts';
import { ColumnScratch } from './column.ts';
import { readHistogram, readHistogramColumn, writeHistogram, writeHistogramColumn } from './histogram.ts';

function bytesOf(histogram: NativeHistogram): Uint8Array {
  const writer = new ByteWriter(8);
  writeHistogram(writer, histogram);
  return writer.bytes().slice();
}

function columnOf(histograms: ReadonlyMap<number, NativeHistogram>, rows: number): Uint8Array {
  const writer = new ByteWriter(8);
  writeHistogramColumn(writer, histograms, { rows, scratch: new ColumnScratch(1) });
  return writer.bytes().slice();
}

/** Busy ones keep their buckets, now and then one begins anew; some rows have none. */
function randomColumn(seed: number): { rows: number; histograms: Map<number, NativeHistogram> } {
  const random = seededRandom(seed);
  const rows = 1 + (random.uint32() % 70);
  const isDense = random.uint32() % 2 === 0;
  const histograms = new Map<number, NativeHistogram>();
  let last = randomHistogram(random);
  for (let i = 0; i < rows; i++) {
    if (!isDense && random.uint32() % 3 === 0) continue;
    last = random.uint32() % 12 === 0 ? randomHistogram(random) : grownHistogram(last, random);
    histograms.set(i, last);
  }
  return { rows, histograms };
}

describe('one histogram', () => {
  it('comes back as it was', () => {
    for (let seed = 1; seed <= 400; seed++) {
      const histogram = randomHistogram(seededRandom(seed));
      expect(readHistogram(bytesOf(histogram))).toEqual(histogram);
    }
  });

  it('keeps counts beyond what a varint holds, and negative zero', () => {
    const base = randomHistogram(seededRandom(3));
    for (const count of [2 ** 60, -0, 0.5]) {
      const histogram = { ...base, count, integer: true };
      expect(readHistogram(bytesOf(histogram))).toEqual(histogram);
    }
  });

  it('is refused when its bytes are cut short or followed by others', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const bytes = bytesOf(randomHistogram(seededRandom(seed)));
      for (let end = 0; end < bytes.length; end++)
        expect(readHistogram(bytes.subarray(0, end))).toBeUndefined();
      expect(readHistogram(Uint8Array.of(...bytes, 0))).toBeUndefined();
    }
  });
});

describe('a column of histograms', () => {
  it('comes back as it was', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const { rows, histograms } = randomColumn(seed);
      expect(readHistogramColumn(columnOf(histograms, rows), rows)).toEqual(histograms);
    }
  });

  it('takes little where the buckets stay the same', () => {
    const random = seededRandom(7);
    let last: NativeHistogram = {
      ...randomHistogram(random),
      integer: true,
      positiveSpans: [{ offset: 0, length: 100 }],
      positiveCounts: new Float64Array(100).fill(1000),
    };
    const histograms = new Map<number, NativeHistogram>();
    for (let i = 0; i < 64; i++) {
      last = grownHistogram(last, random);
      histograms.set(i, last);
    }
    // Each bucket's differences take three bits.
    expect(columnOf(histograms, 64).length).toBeLessThan(64 * 100 * 0.6);
  });

  it('survives any damage without an exception', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = seededRandom(seed);
      const { rows, histograms } = randomColumn(seed);
      const bytes = columnOf(histograms, rows);
      for (let k = 0; k < 60; k++) {
        const hurt = bytes.slice(
          0,
          random.uint32() % 2 === 0 ? bytes.length : random.uint32() % bytes.length,
        );
        for (let i = 0; i < 3 && hurt.length > 0; i++) hurt[random.uint32() % hurt.length] = random.uint32();
        readHistogramColumn(hurt, rows);
        readHistogram(hurt);
      }
    }
  });
});
