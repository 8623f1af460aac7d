import { describe, expect, it } from 'vitest';
import { columnsOf, formatPercent, formatRate, latest } from './columns.ts';

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

  it('begin near the first value where the program has just started', () => {
    const result = [{ metric: { device: 'a' }, values: [[950, '1'] as const, [1000, '2'] as const] }];
    const asked = { by: 'device', startS: 0, endS: 1000, stepS: 10 };
    const young = columnsOf({ resultType: 'matrix', result }, asked);
    expect(young.kind === 'data' && [young.data[0][0], young.data[0].length]).toEqual([770, 24]);
    const old = [{ metric: { device: 'a' }, values: [[200, '1'] as const] }];
    const whole = columnsOf({ resultType: 'matrix', result: old }, asked);
    expect(whole.kind === 'data' && whole.data[0].length).toBe(101);
  });

  it('tell the latest value of a line', () => {
    expect([latest([1, 2, null]), latest([null]), latest([])]).toEqual([2, null, null]);
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
