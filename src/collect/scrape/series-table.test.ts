import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SeriesRef } from '../../model/index.ts';
import { SeriesTable } from './series-table.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function add(table: SeriesTable, text: string): number {
  const key = bytes(text);
  return table.add(key, { start: 0, end: key.length }, 'gauge');
}

describe('the table of texts', () => {
  it('finds what was added, and nothing else, however many there are', () => {
    const table = new SeriesTable();
    const entries = Array.from({ length: 3000 }, (_, i) => add(table, `m{i="${i}"}`));
    entries.forEach((entry, i) => {
      const key = bytes(`m{i="${i}"}`);
      expect(table.find(key, 0, key.length)).toBe(entry);
      expect(table.typeOf(entry)).toBe('gauge');
    });
    expect(table.find(bytes('m{i="3000"}'), 0, 11)).toBe(-1);
  });

  it('the first entry of a ref stands for all of them, as in a plain map', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 900 }), refs => {
        const table = new SeriesTable();
        const first = new Map<number, number>();
        refs.forEach((ref, i) => {
          const entry = add(table, `m${i}`);
          table.setRef(entry, ref as SeriesRef);
          if (!first.has(ref)) first.set(ref, entry);
          expect(table.canonical[entry]).toBe(first.get(ref));
        });
        expect(table.series).toBe(first.size);
      }),
      { numRuns: 100 },
    );
  });

  it('an entry that gets ref after ref fills nothing up', () => {
    const table = new SeriesTable();
    const [a, b] = [add(table, 'a'), add(table, 'b')];
    table.setRef(b, 1_000_000 as SeriesRef);
    for (let ref = 1; ref < 5000; ref++) {
      table.setRef(a, ref as SeriesRef);
      expect(table.canonical[a]).toBe(a);
      expect(table.series).toBeLessThan(1000);
    }
    const c = add(table, 'c');
    table.setRef(c, 1_000_000 as SeriesRef);
    expect(table.canonical[c]).toBe(b);
  });
});
