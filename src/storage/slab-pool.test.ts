import { describe, expect, it } from 'vitest';
import { SlabPool } from './slab-pool.ts';

const ROW_FLOATS = 1000;

/** Until something may be let go. */
function restForLong(pool: SlabPool): void {
  for (let i = 0; i < 12; i++) pool.rest();
}

const slabsOf = (pool: SlabPool, count: number) => Array.from({ length: count }, () => pool.take(ROW_FLOATS));

describe('the pool of slabs', () => {
  it('gives out again what came back', () => {
    const pool = new SlabPool();
    const slab = pool.take(ROW_FLOATS);
    pool.give(slab);
    expect(pool.take(ROW_FLOATS)).toBe(slab);
  });

  it('keeps after some rests only what was taken meanwhile', () => {
    const pool = new SlabPool();
    const all = new Set(slabsOf(pool, 10));
    for (const slab of all) pool.give(slab);
    // They have only just come back.
    restForLong(pool);
    const used = slabsOf(pool, 3);
    expect(used.every(slab => all.has(slab))).toBe(true);
    for (const slab of used) pool.give(slab);
    restForLong(pool);
    expect(slabsOf(pool, 10).filter(slab => all.has(slab)).length).toBe(3);
  });

  it('gives nothing out again while somebody reads', () => {
    const pool = new SlabPool();
    const release = pool.hold();
    const slab = pool.take(ROW_FLOATS);
    pool.give(slab);
    expect(pool.take(ROW_FLOATS)).not.toBe(slab);
    release();
  });
});
