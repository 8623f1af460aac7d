// Every form gives back the bits it was given, and the cheapest form is the one chosen.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { setStaleAt, wordsOf } from '../../model/index.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';
import { ColumnScratch, mayHoldMarkers, readColumn, writeColumn } from './column.ts';
import { roomOf } from './room.ts';

const SEED = 20260101;

function encode(words: Uint32Array): Uint8Array {
  const count = words.length / 2;
  const scratch = new ColumnScratch(count);
  scratch.words.set(words);
  const writer = new ByteWriter(16);
  writeColumn(writer, scratch, count);
  return writer.bytes().slice();
}

function check(words: Uint32Array): Uint8Array {
  const bytes = encode(words);
  // Other columns lie around it, and other values.
  const around = 3;
  const values = new Float64Array(words.length / 2 + 2 * around);
  const room = { ...roomOf(values), at: around, count: words.length / 2 };
  const within = Uint8Array.from([255, ...bytes, 255, 255]);
  expect(readColumn(new ByteReader(within, 1, 1 + bytes.length), room)).toBe(true);
  expect([...room.words.subarray(2 * around, -2 * around)]).toEqual([...words]);
  expect([...values.subarray(0, around), ...values.subarray(-around)]).toEqual(Array(2 * around).fill(0));
  expect(mayHoldMarkers(bytes[0] ?? 0) || !values.some(Number.isNaN)).toBe(true);
  return bytes;
}

const checkValues = (values: readonly number[]): Uint8Array => check(wordsOf(Float64Array.from(values)));

describe('a column', () => {
  it.each([
    ['a constant whole number', Array(60).fill(3), 2],
    ['a constant fraction', Array(60).fill(0.1234567891234), 9],
    ['a counter of steady steps', Array.from({ length: 60 }, (_, i) => 1e6 + 15 * i), 8],
    ['a decimal of two digits', Array.from({ length: 60 }, (_, i) => (12345 + 7 * i) / 100), 8],
    ['timestamps with jitter of one', Array.from({ length: 60 }, (_, i) => 1.7e12 + 15000 * i + (i % 2)), 60],
    ['mostly one value with a step', [...Array(40).fill(5e9), ...Array(20).fill(5e9 + 4096)], 24],
    ['a single value', [42.5], 9],
    ['negative zero', Array(5).fill(-0), 9],
    ['infinities', [Infinity, -Infinity, 1, 0, -0], 41],
    [
      'the largest and smallest',
      [Number.MAX_VALUE, Number.MIN_VALUE, -Number.MAX_VALUE, 2 ** 53, -(2 ** 53)],
      41,
    ],
  ])('of %s comes back exactly within its size', (_, values, bytesMax) => {
    expect(checkValues(values).length).toBeLessThanOrEqual(bytesMax);
  });

  it('keeps a stale marker and the payloads of NaNs among numbers', () => {
    const words = wordsOf(Float64Array.from([1, 2, 0, 4, 0, 6]));
    setStaleAt(words, 2);
    words.set([0xdeadbeef, 0x7ff4_0001], 8);
    check(words);
    const allStale = new Uint32Array(20);
    for (let i = 0; i < 10; i++) setStaleAt(allStale, i);
    expect(check(allStale).length).toBe(9);
  });

  it('of any bits comes back exactly', () => {
    const bits = fc
      .uint32Array({ minLength: 2, maxLength: 140 })
      .map(words => words.subarray(0, words.length & ~1));
    fc.assert(
      fc.property(bits, words => void check(words)),
      { seed: SEED, numRuns: 400 },
    );
  });

  it('of whole numbers, decimals and small changes comes back exactly', () => {
    const column = fc
      .tuple(
        fc.integer({ min: 0, max: 10 }),
        fc.maxSafeInteger(),
        fc.array(fc.oneof(fc.constant(0), fc.integer({ min: -5, max: 50 }), fc.maxSafeInteger()), {
          minLength: 1,
          maxLength: 70,
        }),
      )
      .map(([scale, first, steps]) => {
        let at = first;
        return steps.map(step => {
          at += step;
          return at / 10 ** scale;
        });
      });
    fc.assert(
      fc.property(column, values => void checkValues(values)),
      { seed: SEED, numRuns: 600 },
    );
  });

  it('of foreign bytes never throws', () => {
    const values = new Float64Array(64);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
        readColumn(new ByteReader(bytes), roomOf(values));
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});
