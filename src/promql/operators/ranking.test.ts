// The few best of each group and step against sorting all of them.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NO_LABELS } from '../../model/index.ts';
import { Ranking } from './ranking.ts';
import type { VectorValue } from './values.ts';

const STEPS = 3;
const GROUPS = 2;

const value = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 0.5),
);
const cell = fc.record({ value, present: fc.boolean() });
const row = fc.record({
  group: fc.integer({ min: 0, max: GROUPS - 1 }),
  cells: fc.array(cell, { minLength: STEPS, maxLength: STEPS }),
});

it('gives the best first, of equal ones the one that came first, NaN last', () => {
  fc.assert(
    fc.property(
      fc.array(row, { maxLength: 30 }),
      fc.array(fc.integer({ min: 0, max: 6 }), { minLength: STEPS, maxLength: STEPS }),
      fc.constantFrom('topk' as const, 'bottomk' as const),
      (rows, most, func) => {
        const cells = rows.flatMap(one => one.cells);
        const vector: VectorValue = {
          kind: 'vector',
          steps: STEPS,
          series: rows.map(() => ({ labels: NO_LABELS, dropName: false, producer: null })),
          values: Float64Array.from(cells, one => one.value),
          present: Uint8Array.from(cells, one => Number(one.present)),
        };
        const ranking = Ranking.of({ func, most: Int32Array.from(most) }, { groups: GROUPS, steps: STEPS });
        rows.forEach(({ group }, at) => {
          ranking?.add(vector, at, group);
        });
        for (let group = 0; group < GROUPS; group++) {
          for (let step = 0; step < STEPS; step++) {
            const at = (i: number): number => rows[i]?.cells[step]?.value ?? 0;
            const ordered = rows
              .flatMap((one, i) => (one.group === group && one.cells[step]?.present === true ? [i] : []))
              .sort((a, b) => compared(at(a), at(b), func));
            expect([...(ranking?.rowsOf(group, step) ?? [])]).toEqual(ordered.slice(0, most[step]));
          }
        }
      },
    ),
    { seed: 20261130, numRuns: 500 },
  );
});

function compared(x: number, y: number, func: 'topk' | 'bottomk'): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
  if (x === y) return 0;
  return (func === 'topk') === x > y ? -1 : 1;
}

it('leaves it to sorting where very many are wanted', () => {
  const cells = { groups: 10, steps: 10 };
  expect(Ranking.of({ func: 'topk', most: Int32Array.of(3, 1000) }, cells)).toBeUndefined();
  expect(
    Ranking.of({ func: 'topk', most: Int32Array.of(20) }, { groups: 1000, steps: 11_000 }),
  ).toBeUndefined();
});
