// The queue of queries as a step: never too many at once, nobody lost, nobody starved.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrive, EMPTY_QUEUE, leave, type QueueState, type QueueStep, waitingIn } from './queue.ts';

const LIMITS = { runningMax: 2, waitingMax: 4 };

function arrivals(text: string, limits = LIMITS): { state: QueueState; begun: number[]; refused: number[] } {
  let state = EMPTY_QUEUE;
  const begun: number[] = [];
  const refused: number[] = [];
  [...text].forEach((client, id) => {
    const step = arrive(state, { id, client }, limits);
    state = step.state;
    begun.push(...step.begin);
    refused.push(...step.refuse);
  });
  return { state, begun, refused };
}

describe('the queue', () => {
  it('begins what there is room for, the rest in turns between clients', () => {
    const { state, begun } = arrivals('aaaab', { runningMax: 1, waitingMax: 10 });
    expect(begun).toEqual([0]);
    const order: number[] = [];
    let now = state;
    for (let running = 0; ; ) {
      const step: QueueStep = leave(now, running, { runningMax: 1, waitingMax: 10 });
      now = step.state;
      const [next] = step.begin;
      if (next === undefined) break;
      order.push(next);
      running = next;
    }
    expect(order).toEqual([1, 4, 2, 3]);
  });

  it('refuses the newest of whoever waits with the most', () => {
    expect(arrivals('aaaaaaa').refused).toEqual([6]);
    // b has nothing in the full list: a, which has four, makes room.
    expect(arrivals('aaaaaab').refused).toEqual([5]);
    expect(arrivals('aaaaaabbb').refused).toEqual([5, 4, 8]);
  });

  it('refuses all that cannot begin where none may wait', () => {
    expect(arrivals('abc', { runningMax: 2, waitingMax: 0 }).refused).toEqual([2]);
  });

  const action = fc.oneof(
    fc.record({ kind: fc.constant('arrive' as const), client: fc.constantFrom('a', 'b', 'c', 'd') }),
    fc.record({ kind: fc.constant('end' as const), pick: fc.nat() }),
    fc.record({ kind: fc.constant('leave' as const), pick: fc.nat() }),
  );
  const limits = fc.record({ runningMax: fc.integer({ min: 1, max: 4 }), waitingMax: fc.nat(6) });

  it('keeps its limits, loses nobody and lets nobody run twice', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), limits, (actions, bounds) => {
        let state = EMPTY_QUEUE;
        let nextId = 0;
        const at = new Map<number, 'waiting' | 'running' | 'gone'>();
        const apply = (step: QueueStep): void => {
          state = step.state;
          for (const id of step.begin) {
            expect(at.get(id)).toBe('waiting');
            at.set(id, 'running');
          }
          for (const id of step.refuse) {
            expect(at.get(id)).toBe('waiting');
            at.set(id, 'gone');
          }
        };
        for (const one of actions) {
          if (one.kind === 'arrive') {
            const id = nextId++;
            at.set(id, 'waiting');
            apply(arrive(state, { id, client: one.client }, bounds));
          } else {
            const wanted = one.kind === 'end' ? 'running' : 'waiting';
            const ids = [...at].filter(([, where]) => where === wanted).map(([id]) => id);
            const id = ids[one.pick % ids.length];
            if (id === undefined) continue;
            at.set(id, 'gone');
            apply(leave(state, id, bounds));
          }
          const idsIn = (where: string): number[] =>
            [...at].filter(([, is]) => is === where).map(([id]) => id);
          expect([...state.running].sort((a, b) => a - b)).toEqual(idsIn('running'));
          expect(state.clients.flatMap(({ ids }) => ids).sort((a, b) => a - b)).toEqual(idsIn('waiting'));
          expect(state.running.size).toBeLessThanOrEqual(bounds.runningMax);
          expect(waitingIn(state)).toBeLessThanOrEqual(bounds.waitingMax);
          // Nobody waits while there is room.
          if (waitingIn(state) > 0) expect(state.running.size).toBe(bounds.runningMax);
        }
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it('lets nobody starve: whoever waits has begun after one round of all clients for each query of its own before it', () => {
    const greedy = fc.array(fc.constantFrom('b', 'c', 'd'), { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(greedy, fc.nat(3), (others, ahead) => {
        const bounds = { runningMax: 1, waitingMax: 1000 };
        let { state } = arrivals(`bcd${'a'.repeat(ahead + 1)}`, bounds);
        const mine = 3 + ahead;
        let id = 100;
        let rounds = 0;
        for (const client of others) {
          if (state.running.has(mine)) break;
          state = arrive(state, { id: id++, client }, bounds).state;
          const [running = -1] = state.running;
          state = leave(state, running, bounds).state;
          rounds++;
        }
        expect(state.running.has(mine)).toBe(true);
        expect(rounds).toBeLessThanOrEqual(4 * (ahead + 1));
      }),
      { seed: 6 },
    );
  });
});
