// What is compacted and what is dropped.

import { describe, expect, it } from 'vitest';
import { levelsOf, type PlannedBlock, planCompaction, planRetention } from './plan.ts';

const H = 3_600_000;
const DAY = 24 * H;

const block = (fromH: number, toH: number, bytes = 1): PlannedBlock => ({
  fromMs: fromH * H,
  toMs: toH * H,
  maxMs: toH * H - 1,
  bytes,
});

describe('levels', () => {
  it.each([
    [15 * DAY, [2, 6, 18]],
    [DAY, [2]],
    [400 * DAY, [2, 6, 18, 54, 162, 486]],
    [4000 * DAY, [2, 6, 18, 54, 162, 486]],
  ])('of a retention of %d ms stay below a tenth of it and 31 days', (retentionMs, hours) => {
    expect(levelsOf(retentionMs)).toEqual(hours.map(hour => hour * H));
  });
});

describe('a compaction', () => {
  const levels = levelsOf(15 * DAY);
  const check = (blocks: readonly PlannedBlock[], untilH: number, expected: unknown): void => {
    const planned = planCompaction(blocks, { levels, untilMs: untilH * H });
    const told = planned && {
      window: [planned.fromMs / H, planned.toMs / H],
      blocks: planned.blocks.map(({ fromMs }) => fromMs / H),
    };
    expect(told).toEqual(expected);
  };

  it('takes no block alone', () => check([block(0, 2)], 100, undefined));
  it('waits until a window is over', () => check([block(0, 2), block(2, 4)], 4, undefined));
  it('takes a window once it is over', () =>
    check([block(0, 2), block(2, 4)], 6, { window: [0, 6], blocks: [0, 2] }));
  it('puts blocks of one stretch together first', () =>
    check([block(0, 2), block(2, 4), block(4, 6), block(4, 6)], 6, { window: [4, 6], blocks: [4, 4] }));
  it('goes on with what it made', () =>
    check([block(0, 6), block(6, 12), block(12, 14)], 18, { window: [0, 18], blocks: [0, 6, 12] }));
  it('does not reach over the end of a window', () => check([block(4, 6), block(6, 8)], 12, undefined));
  it('leaves blocks of the last level alone', () => check([block(0, 18), block(18, 36)], 100, undefined));
});

describe('retention', () => {
  const blocks = [block(0, 2, 10), block(2, 4, 20), block(4, 6, 30)];
  const check = (oldestH: number, bytesMax: number, otherBytes = 0): [number[], number[]] => {
    const { tooOld, tooMuch } = planRetention(blocks, { oldestMs: oldestH * H, bytesMax, otherBytes });
    return [tooOld.map(({ fromMs }) => fromMs / H), tooMuch.map(({ fromMs }) => fromMs / H)];
  };

  it('drops a block when its last sample is too old', () => {
    expect(check(1, 0)).toEqual([[], []]);
    expect(check(2, 0)).toEqual([[0], []]);
  });
  it('drops the oldest until the rest fits', () => {
    expect(check(-1, 60)).toEqual([[], []]);
    expect(check(-1, 59)).toEqual([[], [0]]);
    expect(check(-1, 59, 40)).toEqual([[], [0, 2, 4]]);
  });
  it('counts what is too old no more', () => expect(check(2, 50)).toEqual([[0], []]));
});
