import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Labels, labelsFrom, labelsFromPairs } from '../model/index.ts';
import { ByteWriter } from './bytes.ts';
import { FRAME_BYTES } from './frame.ts';
import { readSeries, writeSeries } from './records.ts';
import { TextMemo } from './text-memo.ts';

function payloadOf(ref: number, labels: Labels): Uint8Array {
  const writer = new ByteWriter();
  writeSeries(writer, ref, labels);
  return writer.bytes().slice(FRAME_BYTES);
}

describe('the record of a series', () => {
  it('gives the labels back, whatever text they are and whatever came before', () => {
    const word = fc.oneof(
      fc.constantFrom('a', 'job', 'instance', '\ufeff', '\ufeffb', 'é', '😀'),
      fc.string({ minLength: 1, unit: 'grapheme' }),
    );
    const set = fc.dictionary(word, word, { maxKeys: 6 }).map(labelsFrom);
    fc.assert(
      fc.property(fc.array(set, { maxLength: 8 }), sets => {
        const memo = new TextMemo();
        sets.forEach((labels, i) => {
          const payload = payloadOf(i + 1, labels);
          expect(readSeries(payload)).toEqual({ ref: i + 1, labels });
          expect(readSeries(payload, memo)).toEqual({ ref: i + 1, labels });
        });
      }),
    );
  });

  it('puts labels in their order that were written in another, and leaves empty ones out', () => {
    const flat = ['b', '1', 'a', '2', 'c', ''] as readonly string[] as Labels;
    const expected = labelsFromPairs([
      ['a', '2'],
      ['b', '1'],
    ]);
    expect(readSeries(payloadOf(7, flat))).toEqual({ ref: 7, labels: expected });
  });
});
