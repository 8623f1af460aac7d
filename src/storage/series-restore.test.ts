// Series put back from their records stand in the table as if each had been put there by itself.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Labels, labelsFrom, labelsFromPairs } from '../model/index.ts';
import { ByteWriter } from './bytes.ts';
import { FRAME_BYTES } from './frame.ts';
import { writeSeries } from './records.ts';
import { SeriesRestorer } from './series-restore.ts';
import { SeriesTable } from './series-table.ts';

function payloadOf(ref: number, labels: Labels): Uint8Array {
  const writer = new ByteWriter();
  writeSeries(writer, ref, labels);
  return writer.bytes().slice(FRAME_BYTES);
}

/** Takes payloads that lie one behind the other in one file. */
function takeAll(table: SeriesTable, payloads: readonly Uint8Array[]): readonly boolean[] {
  const restorer = new SeriesRestorer(table, Buffer.concat(payloads));
  let at = 0;
  return payloads.map(({ length }) => {
    at += length;
    return restorer.take(at - length, at);
  });
}

/** All that can be asked of a table, for refs up to 20. */
function contents(table: SeriesTable) {
  const index = [...table.index].map(([name, values]) => [
    name,
    [...values].map(([value, posting]) => [value, Array.from(posting.series.refs)] as const).sort(),
  ]);
  return {
    series: [...table.all()].map(({ ref, labels }) => [ref, labels]),
    found: [...table.all()].every(series => table.find(series.labels) === series),
    resolved: Array.from({ length: 20 }, (_, ref) => table.resolve(ref)?.ref),
    index: index.sort(),
    size: table.size,
  };
}

const word = fc.oneof(
  fc.constantFrom('a', 'job', 'instance', '\ufeff', '\ufeffb', 'é', '😀'),
  fc.string({ minLength: 1, unit: 'grapheme' }),
);
const few = fc.constantFrom('a', 'b', 'c');
const set = fc.oneof(
  fc.dictionary(word, word, { maxKeys: 6 }),
  // The same again and again.
  fc.dictionary(few, few, { maxKeys: 3 }),
);

describe('series restored from their records', () => {
  it('are those that were written, whatever text they have and whichever came before or twice', () => {
    const one = fc.record({ ref: fc.integer({ min: 1, max: 19 }), labels: set.map(labelsFrom) });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 20 }), records => {
        const [expected, table] = [new SeriesTable(), new SeriesTable()];
        for (const { ref, labels } of records) expected.restore(labels, ref);
        const taken = takeAll(
          table,
          records.map(({ ref, labels }) => payloadOf(ref, labels)),
        );
        expect(taken).toEqual(records.map(() => true));
        expect(contents(table)).toEqual(contents(expected));
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it('have their labels in order when another hand wrote them in another, or empty ones', () => {
    const table = new SeriesTable();
    const foreign = ['b', '1', 'a', '2', 'c', ''] as readonly string[] as Labels;
    const labels = labelsFromPairs([
      ['a', '2'],
      ['b', '1'],
    ]);
    expect(takeAll(table, [payloadOf(6, labels), payloadOf(7, foreign)])).toEqual([true, true]);
    expect([...table.all()].map(series => [series.ref, series.labels])).toEqual([[7, labels]]);
    expect(table.find(labels)?.ref).toBe(7);
  });

  it('are left out, and change nothing, where a payload makes no sense', () => {
    const whole = payloadOf(3, labelsFrom({ a: '1', b: '2' }));
    const bad = [
      ...Array.from({ length: whole.length }, (_, cut) => whole.subarray(0, cut)),
      Uint8Array.from([...whole, 0]),
      payloadOf(0, labelsFrom({ a: '1' })),
      payloadOf(2 ** 33, labelsFrom({ a: '1' })),
    ];
    const table = new SeriesTable();
    expect(takeAll(table, bad)).toEqual(bad.map(() => false));
    expect(contents(table)).toEqual(contents(new SeriesTable()));
    expect(takeAll(table, [...bad, whole]).at(-1)).toBe(true);
    expect(table.find(labelsFrom({ a: '1', b: '2' }))?.ref).toBe(3);
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), payloads => {
        takeAll(table, payloads);
      }),
      { seed: 4 },
    );
  });
});
