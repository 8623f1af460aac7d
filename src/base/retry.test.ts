import { describe, expect, it } from 'vitest';
import { backoffMs, mayPass, retryAfterMs } from './retry.ts';

const START_MS = Date.UTC(2026, 2, 2, 9);
const inTheMiddle = { float: () => 0.5, uint32: () => 0 };

describe('trying again', () => {
  it('reads Retry-After as seconds or as a date, within its limit', () => {
    const at = { nowMs: START_MS, maxMs: 3_600_000 };
    expect(retryAfterMs('120', at)).toBe(120_000);
    expect(retryAfterMs(new Date(START_MS + 5000).toUTCString(), at)).toBe(5000);
    expect(retryAfterMs(new Date(START_MS - 5000).toUTCString(), at)).toBe(0);
    expect(retryAfterMs('99999999999', at)).toBe(3_600_000);
    expect(retryAfterMs('soon', at)).toBeUndefined();
    expect(retryAfterMs(undefined, at)).toBeUndefined();
  });

  it('waits twice as long with each failure in a row, up to the limit', () => {
    const limits = { firstMs: 1000, maxMs: 30_000 };
    const waits = [1, 2, 3, 6, 1000].map(failures =>
      backoffMs(failures, limits, { random: inTheMiddle, afterMs: undefined }),
    );
    expect(waits).toEqual([1000, 2000, 4000, 30_000, 30_000]);
  });

  it('spreads the waits over 50 to 150 %, and never waits less than was asked', () => {
    const limits = { firstMs: 1000, maxMs: 30_000 };
    const wait = (float: number, afterMs?: number): number =>
      backoffMs(1, limits, { random: { ...inTheMiddle, float: () => float }, afterMs });
    expect(wait(0)).toBe(500);
    expect(wait(0.999)).toBeCloseTo(1499);
    expect(wait(0, 7000)).toBe(7000);
  });

  it('takes a server that is busy or broken for one that recovers, and a refusal for good', () => {
    expect([500, 503, 429, 408].map(mayPass)).toEqual([true, true, true, true]);
    expect([400, 404, 302].map(mayPass)).toEqual([false, false, false]);
  });
});
