import { describe, expect, it } from 'vitest';
import { SlabPool } from './slab-pool.ts';

const ROW_FLOATS = 1000;

const slabsOf = (pool: SlabPool, count: number) => Array.from({ length: count }, () => pool.take(ROW_FLOATS));

describe('the pool of slabs', () => {
  it('gives out again what came back, and knows what is open', () => {
    const pool = new SlabPool();
    const [first, second] = slabsOf(pool, 2);
    if (first === undefined || second === undefined) throw new Error('two were taken');
    expect(pool.openBytes).toBe(2 * first.floats.byteLength);
    pool.give(first);
    expect(pool.openBytes).toBe(second.floats.byteLength);
    expect(pool.take(ROW_FLOATS)).toBe(first);
  });

  it('keeps at a rest only what was taken since the last one', () => {
    const pool = new SlabPool();
    const all = new Set(slabsOf(pool, 10));
    for (const slab of all) pool.give(slab);
    // They have only just come back.
    pool.rest();
    const used = slabsOf(pool, 3);
    expect(used.every(slab => all.has(slab))).toBe(true);
    for (const slab of used) pool.give(slab);
    pool.rest();
    expect(slabsOf(pool, 10).filter(slab => all.has(slab)).length).toBe(3);
  });

  it('gives nothing out again while somebody reads', () => {
    const pool = new SlabPool();
    const release = pool.hold();
    const slab = pool.take(ROW_FLOATS);
    pool.give(slab);
    expect(pool.take(ROW_FLOATS)).not.toBe(slab);
    expect(pool.openBytes).toBe(slab.floats.byteLength);
    release();
  });
});
