import { expect, it } from 'vitest';
import { Gate } from './gate.ts';

it('lets so many in, and others in their order as places become free', async () => {
  const seen: string[] = [];
  const gate = new Gate(2, ({ taken, waiting }) => seen.push(`${taken}+${waiting}`));
  const { signal } = new AbortController();
  const order: string[] = [];
  const enter = async (name: string): Promise<() => void> => {
    const leave = await gate.enter(signal);
    if (leave === undefined) throw new Error('no place');
    order.push(name);
    return leave;
  };
  const first = await enter('first');
  await enter('second');
  const third = enter('third');
  const fourth = enter('fourth');
  await new Promise(resolve => setImmediate(resolve));
  expect(order).toEqual(['first', 'second']);
  first();
  first();
  await third;
  expect(order).toEqual(['first', 'second', 'third']);
  (await third)();
  await fourth;
  expect(order).toEqual(['first', 'second', 'third', 'fourth']);
  expect(seen).toContain('2+2');
  (await fourth)();
  expect(seen.at(-1)).toBe('1+0');
});

it('a place is free again when who has it aborts, and nobody waits who has aborted', async () => {
  const gate = new Gate(1, () => {});
  const [holder, waiter, last] = [new AbortController(), new AbortController(), new AbortController()];
  expect(await gate.enter(holder.signal)).toBeDefined();
  const waiting = gate.enter(waiter.signal);
  const next = gate.enter(last.signal);
  waiter.abort();
  expect(await waiting).toBeUndefined();
  expect(await gate.enter(waiter.signal)).toBeUndefined();
  holder.abort();
  expect(await next).toBeDefined();
});
