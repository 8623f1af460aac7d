// The queue of what is due against a sorted list.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DueQueue } from './due-queue.ts';

it('gives out what is due, by time and then in the order of coming in', () => {
  const act = fc.oneof(
    fc.record({ push: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ popUpTo: fc.integer({ min: 0, max: 20 }) }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), acts => {
      const queue = new DueQueue<number>();
      let model: { atMs: number; key: number }[] = [];
      for (const [key, one] of acts.entries()) {
        if ('push' in one) {
          queue.push(one.push, key);
          model.push({ atMs: one.push, key });
          model = model.sort((a, b) => a.atMs - b.atMs || a.key - b.key);
        } else {
          const first = model[0];
          const wanted = first !== undefined && first.atMs <= one.popUpTo ? model.shift() : undefined;
          expect(queue.pop(one.popUpTo)).toEqual(
            wanted === undefined ? undefined : expect.objectContaining(wanted),
          );
        }
        expect(queue.size).toBe(model.length);
        expect(queue.firstMs()).toBe(model[0]?.atMs ?? Number.POSITIVE_INFINITY);
      }
    }),
    { seed: 20_261_130 },
  );
});
