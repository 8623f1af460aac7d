import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PostingList } from './posting-list.ts';

it('is the sorted list of what was added and not removed', () => {
  const refs = fc.uniqueArray(fc.integer({ min: 1, max: 0xffff_fffe }), { maxLength: 200 });
  fc.assert(
    fc.property(refs, fc.boolean(), fc.integer({ min: 2, max: 5 }), (added, rising, share) => {
      const order = rising ? [...added].sort((a, b) => a - b) : added;
      const list = new PostingList();
      for (const ref of order) list.add(ref);
      const sorted = [...added].sort((a, b) => a - b);
      expect(Array.from(list.refs)).toEqual(sorted);
      const gone = new Set(added.filter((_, i) => i % share > 0));
      list.removeAll(gone, { least: Math.min(...gone), greatest: Math.max(...gone) });
      const kept = sorted.filter(ref => !gone.has(ref));
      expect(Array.from(list.refs)).toEqual(kept);
      expect(list.length).toBe(kept.length);
      list.add(0xffff_ffff);
      expect(Array.from(list.refs)).toEqual([...kept, 0xffff_ffff]);
    }),
  );
});
