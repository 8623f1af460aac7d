import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/clock.ts';
import { memorySeriesReader } from '../../../test/support/series.ts';
import type { Timer } from '../../base/index.ts';
import { labelsFrom, NO_LABELS } from '../../model/index.ts';
import { createQueryEngine } from '../index.ts';
import { piecesOf } from './pieces.ts';

/** `steps` windows of `width` samples each, every one a sample later than the one before. */
function whole(steps: number, width: number) {
  const count = steps + width;
  const series = {
    meta: { labels: NO_LABELS, dropName: false, producer: null },
    timesMs: Float64Array.from({ length: count }, (_, i) => i),
    values: new Float64Array(count),
    first: Int32Array.from({ length: steps }, (_, i) => i),
    end: Int32Array.from({ length: steps }, (_, i) => i + width),
  };
  const endsMs = Float64Array.from({ length: steps }, (_, i) => i + width);
  const context = { endsMs, grid: { startMs: 100, stepMs: 10, steps }, params: [endsMs] };
  return { series, column: { offset: 7 }, context };
}

describe('pieces of a row', () => {
  it('are the row itself where it is short', () => {
    const row = whole(100, 50);
    expect([...piecesOf(row)]).toEqual([row]);
    expect([...piecesOf(whole(0, 0))]).toHaveLength(1);
  });

  it('have each step once, with its own window, time and parameters', () => {
    const row = whole(1000, 30_000);
    const pieces = [...piecesOf(row)];
    expect(pieces.length).toBeGreaterThan(100);
    let step = 0;
    for (const { series, column, context } of pieces) {
      expect(column.offset).toBe(7 + step);
      expect(context.grid).toEqual({ startMs: 100 + 10 * step, stepMs: 10, steps: series.first.length });
      expect(context.params[0]).toEqual(context.endsMs);
      for (let i = 0; i < series.first.length; i++, step++) {
        expect([series.first[i], series.end[i]]).toEqual([step, step + 30_000]);
        expect(context.endsMs[i]).toBe(step + 30_000);
      }
    }
    expect(step).toBe(1000);
  });

  it('let a query of one series give way', async () => {
    let turns = 0;
    /** Each look at it is worth a slice, so that every question finds it used up. */
    class HurriedClock extends FakeClock {
      #looks = 0;
      override monotonicMs(): number {
        return this.#looks++ * 20;
      }
      override after(delayMs: number, fire: () => void): Timer {
        if (delayMs > 0) return { cancel: () => {} };
        turns++;
        queueMicrotask(fire);
        return { cancel: () => {} };
      }
    }
    const samples = Array.from({ length: 50_000 }, (_, i) => [i * 1000, i % 17] as const);
    const reader = memorySeriesReader([{ labels: labelsFrom({ __name__: 'm' }), samples }]);
    const ask = async (expr: string): Promise<number> => {
      const engine = createQueryEngine({
        reader,
        clock: new HurriedClock(),
        settings: { timeoutMs: Number.MAX_VALUE },
      });
      const plan = engine.prepare(expr);
      if (!plan.ok) throw new Error(plan.error.message);
      turns = 0;
      const times = { startMs: 40_000_000, endMs: 49_900_000, stepMs: 100_000 };
      const options = { principal: { kind: 'loopback' as const }, timeoutMs: Number.MAX_VALUE };
      const answer = await engine.execute(plan.value, times, options);
      expect(answer.ok).toBe(true);
      return turns;
    };
    // A hundred windows of 30,000 samples are some seventeen pieces.
    expect((await ask('max_over_time(m[30000s])')) - (await ask('max_over_time(m[300s])'))).toBeGreaterThan(
      10,
    );
  });
});
