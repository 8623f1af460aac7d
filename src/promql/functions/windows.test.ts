// Window functions against a naive reading of their definition, on random series: gaps, resets, stale markers, NaN,
// offsets, and steps that do not fit the samples.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/clock.ts';
import { type MemorySeries, memorySeriesReader } from '../../../test/support/series.ts';
import { labelsFrom } from '../../model/index.ts';
import { createQueryEngine } from '../index.ts';

interface Sample {
  readonly timeMs: number;
  readonly value: number;
}

interface Window {
  readonly samples: readonly Sample[];
  readonly startMs: number;
  readonly endMs: number;
}

type Naive = (window: Window) => number | undefined;

const last = (samples: readonly Sample[]): Sample => samples[samples.length - 1] as Sample;
const first = (samples: readonly Sample[]): Sample => samples[0] as Sample;
const values = ({ samples }: Window): number[] => samples.map(({ value }) => value);

/** Prometheus's definition, window by window. */
function naiveRate(
  window: Window,
  { counter, perSecond }: { readonly counter: boolean; readonly perSecond: boolean },
): number | undefined {
  const { samples, startMs, endMs } = window;
  if (samples.length < 2) return undefined;
  let growth = last(samples).value - first(samples).value;
  if (counter) {
    let before = first(samples).value;
    for (const { value } of samples.slice(1)) {
      if (value < before) growth += before;
      before = value;
    }
  }
  const sampled = (last(samples).timeMs - first(samples).timeMs) / 1000;
  const average = sampled / (samples.length - 1);
  let toStart = (first(samples).timeMs - startMs) / 1000;
  let toEnd = (endMs - last(samples).timeMs) / 1000;
  if (toStart >= average * 1.1) toStart = average / 2;
  if (counter && growth > 0 && first(samples).value >= 0) {
    toStart = Math.min(toStart, sampled * (first(samples).value / growth));
  }
  if (toEnd >= average * 1.1) toEnd = average / 2;
  const factor = (sampled + toStart + toEnd) / sampled;
  return (growth * factor) / (perSecond ? (endMs - startMs) / 1000 : 1);
}

function pairs({ samples }: Window, test: (a: number, b: number) => boolean): number | undefined {
  if (samples.length === 0) return undefined;
  return samples.slice(1).filter(({ value }, i) => test((samples[i] as Sample).value, value)).length;
}

function extreme(window: Window, pick: (...all: number[]) => number): number | undefined {
  if (window.samples.length === 0) return undefined;
  const numbers = values(window).filter(value => !Number.isNaN(value));
  return numbers.length === 0 ? Number.NaN : pick(...numbers);
}

const NAIVE: Readonly<Record<string, Naive>> = {
  'rate(x[W])': window => naiveRate(window, { counter: true, perSecond: true }),
  'increase(x[W])': window => naiveRate(window, { counter: true, perSecond: false }),
  'delta(x[W])': window => naiveRate(window, { counter: false, perSecond: false }),
  'resets(x[W])': window => pairs(window, (a, b) => b < a),
  'changes(x[W])': window => pairs(window, (a, b) => a !== b && !(Number.isNaN(a) && Number.isNaN(b))),
  'max_over_time(x[W])': window => extreme(window, Math.max),
  'min_over_time(x[W])': window => extreme(window, Math.min),
  'count_over_time(x[W])': ({ samples }) => samples.length || undefined,
  'last_over_time(x[W])': ({ samples }) => (samples.length > 0 ? last(samples).value : undefined),
  'sum_over_time(x[W])': window =>
    window.samples.length === 0 ? undefined : values(window).reduce((sum, value) => sum + value, 0),
  'avg_over_time(x[W])': window =>
    window.samples.length === 0
      ? undefined
      : values(window).reduce((sum, value) => sum + value, 0) / window.samples.length,
  'quantile_over_time(0.3, x[W])': window => quantile(window, 0.3),
  'quantile_over_time(1, x[W])': window => quantile(window, 1),
};

/** Interpolated between ranks; NaN is the least of all. */
function quantile(window: Window, q: number): number | undefined {
  const ordered = values(window).sort((a, b) =>
    Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(b)) - Number(Number.isNaN(a)) : a - b,
  );
  if (ordered.length === 0) return undefined;
  const rank = q * (ordered.length - 1);
  const lower = Math.floor(rank);
  const upper = Math.min(ordered.length - 1, lower + 1);
  return (ordered[lower] as number) * (1 - (rank - lower)) + (ordered[upper] as number) * (rank - lower);
}

const START_MS = 1_700_000_000_000;

const sampleArbitrary = fc.record({
  gapMs: fc.integer({ min: 1, max: 40_000 }),
  value: fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 0, max: 1000 }) },
    { weight: 1, arbitrary: fc.constantFrom<number | 'stale'>(Number.NaN, 'stale', -5, 0.25, 1e15) },
  ),
});

const caseArbitrary = fc.record({
  gaps: fc.array(sampleArbitrary, { maxLength: 60 }),
  windowMs: fc.integer({ min: 1, max: 200_000 }),
  offsetMs: fc.integer({ min: -50_000, max: 50_000 }),
  stepMs: fc.oneof(fc.integer({ min: 1000, max: 100_000 }), fc.integer({ min: 1, max: 2000 })),
  steps: fc.integer({ min: 1, max: 25 }),
});

async function answer(series: MemorySeries, expr: string, times: { stepMs: number; steps: number }) {
  const engine = createQueryEngine({ reader: memorySeriesReader([series]), clock: new FakeClock() });
  const plan = engine.prepare(expr);
  if (!plan.ok) throw new Error(plan.error.message);
  const endMs = START_MS + times.stepMs * (times.steps - 1);
  const result = await engine.execute(
    plan.value,
    { startMs: START_MS, endMs, stepMs: times.stepMs },
    { principal: { kind: 'system', part: 'test' }, timeoutMs: 10_000 },
  );
  if (!result.ok) throw new Error(result.error.message);
  const [only] = result.value.series;
  return Array.from({ length: times.steps }, (_, i) => (only?.present[i] === 1 ? only.values[i] : undefined));
}

function expectClose(got: number | undefined, want: number | undefined, where: string): void {
  if (want === undefined || got === undefined || Number.isNaN(want)) {
    expect(got, where).toBe(want);
    return;
  }
  // Sums of large and small values may cancel: their scale is that of the largest value.
  expect(Math.abs(got - want), `${where}: ${got} for ${want}`).toBeLessThanOrEqual(
    1e-9 * Math.abs(want) + 1e-9,
  );
}

describe('window functions agree with their definition', () => {
  it.each(Object.entries(NAIVE))('%s', async (template, naive) => {
    await fc.assert(
      fc.asyncProperty(caseArbitrary, async ({ gaps, windowMs, offsetMs, stepMs, steps }) => {
        let timeMs = START_MS - 300_000;
        const samples = gaps.map(({ gapMs, value }) => {
          timeMs += gapMs;
          return [timeMs, value] as const;
        });
        const offset = `${offsetMs < 0 ? '-' : ''}${Math.abs(offsetMs)}ms`;
        const expr = template.replace('W]', `${windowMs}ms] offset ${offset}`);
        const got = await answer({ labels: labelsFrom({ __name__: 'x' }), samples }, expr, { stepMs, steps });
        for (let i = 0; i < steps; i++) {
          const endMs = START_MS + i * stepMs - offsetMs;
          const startMs = endMs - windowMs;
          const inside = samples.flatMap(([at, value]) =>
            at > startMs && at <= endMs && value !== 'stale' ? [{ timeMs: at, value }] : [],
          );
          expectClose(got[i], naive({ samples: inside, startMs, endMs }), `${expr} at step ${i}`);
        }
      }),
      { seed: 20260103, numRuns: 150 },
    );
  });
});
