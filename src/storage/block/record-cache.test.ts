import { describe, expect, it } from 'vitest';
import { labelsFrom, type SeriesRef } from '../../model/index.ts';
import type { SeriesRecord } from './block-index.ts';
import { RECORDS_IDLE_LOOKS } from './limits.ts';
import { RecordCache } from './record-cache.ts';

const record = (ref: number): SeriesRecord => ({
  ref: ref as SeriesRef,
  producer: undefined,
  labels: labelsFrom({ ref: String(ref) }),
  timeline: 0,
  floats: { at: 0, lengths: [] },
  extras: [],
});

function filled(cache: RecordCache, block: object, count: number): void {
  cache.of(block);
  for (let i = 0; i < count; i++) cache.add(block, i, record(i));
}

describe('records of blocks', () => {
  it('are there for whoever asks again', () => {
    const cache = new RecordCache(10);
    const [a, b] = [{}, {}];
    filled(cache, a, 3);
    expect(cache.of(a).series.get(2)?.ref).toBe(2);
    expect(cache.of(b).series.size).toBe(0);
    expect(cache.series).toBe(3);
  });

  it('are no more than may be: the block read longest ago forgets first', () => {
    const cache = new RecordCache(10);
    const [a, b, c] = [{}, {}, {}];
    filled(cache, a, 4);
    filled(cache, b, 4);
    cache.of(a);
    filled(cache, c, 4);
    expect([a, b, c].map(block => cache.of(block).series.size)).toEqual([4, 0, 4]);
    expect(cache.series).toBe(8);
    filled(cache, c, 10);
    expect(cache.series).toBeLessThanOrEqual(10);
  });

  it('go with their block, and when nobody has asked for long', () => {
    const cache = new RecordCache(10);
    const [a, b] = [{}, {}];
    filled(cache, a, 4);
    filled(cache, b, 4);
    cache.drop(a);
    expect(cache.series).toBe(4);
    for (let i = 0; i < RECORDS_IDLE_LOOKS - 1; i++) cache.rest();
    cache.of(b);
    for (let i = 0; i < RECORDS_IDLE_LOOKS - 1; i++) cache.rest();
    expect(cache.series).toBe(4);
    cache.rest();
    expect(cache.series).toBe(0);
  });

  it('count once what two have read at the same time, and not at all what came too late', () => {
    const cache = new RecordCache(10);
    const [a, gone] = [{}, {}];
    filled(cache, a, 3);
    filled(cache, a, 3);
    cache.of(gone);
    cache.drop(gone);
    cache.add(gone, 0, record(0));
    expect(cache.series).toBe(3);
    cache.drop(a);
    expect(cache.series).toBe(0);
  });

  it('remember selections that are not too wide, and not too many', () => {
    const cache = new RecordCache(10);
    const known = cache.of({});
    cache.addMatched(known, 'wide', new Uint32Array(10_000));
    for (let i = 0; i < 100; i++) cache.addMatched(known, String(i), Uint32Array.of(i));
    expect(known.matched.has('wide')).toBe(false);
    expect(known.matched.get('99')).toEqual(Uint32Array.of(99));
    expect(known.matched.size).toBeLessThanOrEqual(32);
  });
});
