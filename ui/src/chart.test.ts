import { describe, expect, it } from 'vitest';
import { columnsOf, formatPercent, formatRate } from './columns.ts';

describe('chart columns', () => {
  it('align the points of each line to the steps, gaps being gaps', () => {
    const answer = {
      resultType: 'matrix' as const,
      result: [
        { metric: { device: 'b' }, values: [[20, '2'] as const] },
        { metric: { device: 'a' }, values: [[10, '1'] as const, [30, 'NaN'] as const] },
      ],
    };
    expect(columnsOf(answer, { by: 'device', startS: 10, endS: 30, stepS: 10 })).toEqual({
      kind: 'data',
      data: [
        [10, 20, 30],
        [1, null, null],
        [null, 2, null],
      ],
      names: ['a', 'b'],
    });
  });

  it('prints rates and percentages for people', () => {
    expect([formatRate(0), formatRate(1536), formatRate(3 * 1024 ** 3)]).toEqual([
      '0 B/s',
      '1.5 KiB/s',
      '3 GiB/s',
    ]);
    expect(formatPercent(12.345)).toBe('12.3 %');
  });
});
