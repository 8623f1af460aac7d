import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/clock.ts';
import { Arena, MemoryPool } from './memory.ts';

const MB_FLOATS = 128 * 1024;

it('lends nothing twice at a time, of any sizes', () => {
  const pool = new MemoryPool(new FakeClock());
  const sizes = fc.array(fc.oneof(fc.nat(50), fc.nat(3 * MB_FLOATS)), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(sizes, { minLength: 1, maxLength: 3 }), rounds => {
      const arenas = rounds.map(() => new Arena(pool));
      const lent = rounds.flatMap((counts, i) => counts.map(count => arenas[i]?.floats(count)));
      lent.forEach((part, i) => {
        part?.fill(i);
      });
      lent.forEach((part, i) => {
        expect(part?.length).toBe(rounds.flat()[i]);
        expect(part?.length === 0 || (part?.[0] === i && part.at(-1) === i)).toBe(true);
      });
      for (const arena of arenas) arena.release();
    }),
    { seed: 20261130, numRuns: 60 },
  );
});

it('gives zeros where they are asked for, whatever lay there', () => {
  const pool = new MemoryPool(new FakeClock());
  const before = new Arena(pool);
  before.floats(1000).fill(Number.NaN);
  before.release();
  const arena = new Arena(pool);
  expect(arena.zeros(1000).every(value => value === 0)).toBe(true);
  const bytes = arena.zeroBytes(1003);
  expect(bytes).toHaveLength(1003);
  expect(bytes.every(value => value === 0)).toBe(true);
});

it('is used again, and let go when it was not needed for a while', async () => {
  const clock = new FakeClock();
  const pool = new MemoryPool(clock);
  const use = (count: number): ArrayBufferLike => {
    const arena = new Arena(pool);
    const { buffer } = arena.floats(count);
    arena.release();
    return buffer;
  };
  const large = use(4 * MB_FLOATS);
  expect(use(4 * MB_FLOATS)).toBe(large);
  expect(pool.freeFloats).toBe(4 * MB_FLOATS);
  // Once for the window in which the large one was, once for the one before.
  for (let i = 0; i < 2; i++) {
    await clock.advance(61_000);
    use(10);
  }
  await clock.advance(61_000);
  use(10);
  expect(pool.freeFloats).toBe(MB_FLOATS);
});
