// A range query is, by definition, the instant query at each of its steps. The engine computes all steps at once, so the
// two are held against each other on random expressions over awkward data.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { type MemorySeries, memorySeriesReader } from '../../test/support/series.ts';
import {
  formatHistogram,
  labelsFrom,
  labelsKey,
  type NativeHistogram,
  type Query,
  type QueryAnswer,
  type SeriesReader,
} from '../model/index.ts';
import { createQueryEngine } from './index.ts';

const MINUTE_MS = 60_000;
const STEPS = 13;
const RANGE = { startMs: 20 * MINUTE_MS, endMs: 32 * MINUTE_MS, stepMs: MINUTE_MS };

/** Series that come and go, end with stale markers, reset, hold NaN; "a" and "b" share some label sets, not all. */
function data(): MemorySeries[] {
  const all: MemorySeries[] = [];
  let turn = 7;
  const draw = (below: number): number => {
    turn = (turn * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((turn / 2_147_483_648) * below);
  };
  for (const name of ['a_total', 'b_total', 'c_bucket']) {
    for (const x of ['1', '2', '3']) {
      for (const y of ['p', 'q']) {
        if (draw(6) === 0) continue;
        const samples: [number, number | 'stale'][] = [];
        let value = draw(50);
        for (let i = 0; i < 140; i++) {
          value = draw(25) === 0 ? draw(5) : value + draw(4);
          const kind = draw(30);
          if (i % 40 > 31 && y === 'q') continue;
          if (kind === 0) continue;
          samples.push([i * 15_000 + draw(200), kind === 1 ? 'stale' : kind === 2 ? Number.NaN : value]);
        }
        const le = name === 'c_bucket' ? { le: x === '3' ? '+Inf' : x } : { x };
        all.push({ labels: labelsFrom({ __name__: name, y, ...le }), samples });
      }
    }
  }
  for (const y of ['p', 'q']) {
    const samples: [number, number | NativeHistogram][] = [];
    let counts = [1, 2, 3];
    for (let i = 0; i < 140; i++) {
      counts = draw(25) === 0 ? [0, 1, draw(3)] : counts.map(count => count + draw(3));
      const value = draw(40) === 0 ? draw(9) : histogram(counts, { custom: y === 'q', fine: i > 100 });
      samples.push([i * 15_000 + draw(200), value]);
    }
    all.push({ labels: labelsFrom({ __name__: 'd_native', y, x: '1' }), samples });
  }
  return all;
}

function histogram(
  counts: readonly number[],
  { custom, fine }: { readonly custom: boolean; readonly fine: boolean },
): NativeHistogram {
  const count = counts.reduce((sum, one) => sum + one, 0);
  return {
    schema: custom ? -53 : fine ? 1 : 0,
    count,
    sum: count * 2.5,
    zeroThreshold: 0,
    zeroCount: 0,
    positiveSpans: [{ offset: 0, length: counts.length }],
    positiveCounts: Float64Array.from(counts),
    negativeSpans: [],
    negativeCounts: new Float64Array(0),
    ...(custom ? { customBounds: fine ? Float64Array.of(1, 3) : Float64Array.of(1, 2) } : {}),
    resetHint: 'unknown',
    integer: true,
  };
}

const selector = fc.constantFrom(
  'a_total',
  'b_total',
  'a_total{y="p"}',
  'b_total{x=~"1|2"}',
  'a_total offset 90s',
  'b_total @ 1500',
  'a_total{x!="1"} offset -2m',
  'b_total smoothed',
  'd_native',
  'd_native{y="p"} offset 40s',
  'd_native smoothed',
);
const windowed = fc.constantFrom(
  'a_total[2m]',
  'b_total[5m]',
  'a_total[90s] offset 1m',
  'b_total[3m] @ end()',
  'a_total[4m:45s]',
  '(a_total > 20)[5m:30s]',
  'a_total[1m] offset -30s',
  'd_native[3m]',
  'd_native{y="q"}[4m:45s]',
);
const rangeFunction = fc.constantFrom(
  'rate',
  'increase',
  'delta',
  'irate',
  'max_over_time',
  'avg_over_time',
  'changes',
  'resets',
  'deriv',
  'stddev_over_time',
  'last_over_time',
  'present_over_time',
  'absent_over_time',
);
const aggregation = fc.constantFrom(
  'sum',
  'avg by (x)',
  'max without (x)',
  'count by (y)',
  'stddev',
  'min by (x, y)',
  'quantile by (y) (0.4,',
  'topk (1,',
  'bottomk by (y) (1,',
  'count_values by (y) ("v",',
  'group',
);
const binary = fc.constantFrom(
  '+',
  '/',
  '> bool',
  '>',
  '<=',
  'and',
  'or',
  'unless',
  '* on (x, y)',
  'or on (y)',
  'and ignoring (x)',
  '+ on (x, y) fill (1)',
  '- ignoring (x) group_left ()',
  '</ on (y)',
  '!= on (y)',
  '% on (y) group_right (x)',
  '!= on (x, y)',
);
const unary = fc.constantFrom(
  '-',
  'abs',
  'timestamp',
  'round',
  'absent',
  'vector(scalar',
  'hour',
  'label_replace',
  'histogram_quantile',
  'histogram_quantile native',
  'histogram_count',
  'histogram_stddev',
  'clamp',
  'sort',
);

const { expr } = fc.letrec<{ expr: string }>(tie => ({
  expr: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    selector,
    fc.tuple(rangeFunction, windowed).map(([func, window]) => `${func}(${window})`),
    fc
      .tuple(aggregation, tie('expr'))
      .map(([op, inner]) => (op.endsWith(',') ? `${op} ${inner})` : `${op} (${inner})`)),
    fc.tuple(tie('expr'), binary, tie('expr')).map(([left, op, right]) => `(${left} ${op} ${right})`),
    fc
      .tuple(tie('expr'), fc.constantFrom('* 2', '> 30', '/ time()', '>= bool 10', '^ 2', '</ 1.5', '>/ 1'))
      .map(([left, op]) => `(${left} ${op})`),
    fc.tuple(unary, tie('expr')).map(([op, inner]) => applied(op, inner)),
  ),
}));

function applied(op: string, inner: string): string {
  if (op === '-') return `-(${inner})`;
  if (op === 'vector(scalar') return `vector(scalar(${inner}))`;
  if (op === 'label_replace') return `label_replace(${inner}, "z", "$1", "x", "(.)")`;
  if (op === 'histogram_quantile') return 'histogram_quantile(0.7, sum by (le, y) (rate(c_bucket[5m])))';
  if (op === 'histogram_quantile native') return `histogram_quantile(0.7, ${inner})`;
  return op === 'clamp' ? `clamp(${inner}, 3, time() / 100)` : `${op}(${inner})`;
}

async function run(engine: Query, text: string, times: typeof RANGE): Promise<QueryAnswer | string> {
  const plan = engine.prepare(text);
  if (!plan.ok) throw new Error(`${text}: ${plan.error.message}`);
  const result = await engine.execute(plan.value, times, {
    principal: { kind: 'system', part: 'test' },
    timeoutMs: 60_000,
  });
  return result.ok ? result.value : result.error.code;
}

type Points = Map<string, number | string>;

/** Numbers, and native histograms as text in which differences of the last digit do not show. */
function at(answer: QueryAnswer, step: number): Points {
  const points: Points = new Map();
  for (const { labels, values, present, histograms } of answer.series) {
    if (present[step] !== 1) continue;
    const native = histograms?.get(step);
    const shown =
      native === undefined
        ? (values[step] as number)
        : `${native.resetHint} ${formatHistogram(native, value => value.toPrecision(9))}`;
    points.set(labelsKey(labels), shown);
  }
  return points;
}

function expectSame(got: Points, want: Points, where: string): void {
  expect([...got.keys()].sort(), where).toEqual([...want.keys()].sort());
  for (const [key, value] of want) {
    const other = got.get(key);
    const numbers = typeof other === 'number' && typeof value === 'number';
    const same = Object.is(other, value) || (numbers && Math.abs(other - value) <= 1e-9 * Math.abs(value));
    if (!same) expect(other, `${where} ${key}`).toBe(value);
  }
}

describe('a range query', () => {
  it('answers at each step what an instant query answers there', async () => {
    const engine = createQueryEngine({ reader: memorySeriesReader(data()), clock: new FakeClock() });
    let compared = 0;
    let failed = 0;
    await fc.assert(
      fc.asyncProperty(expr, async text => {
        // @ end() and the instant's own end differ by definition.
        if (text.includes('end()')) return;
        const range = await run(engine, text, RANGE);
        if (typeof range === 'string') {
          failed++;
          return;
        }
        for (let step = 0; step < STEPS; step++) {
          const timeMs = RANGE.startMs + step * RANGE.stepMs;
          const instant = await run(engine, text, { startMs: timeMs, endMs: timeMs, stepMs: 0 });
          if (typeof instant === 'string')
            throw new Error(`${text}: fails at step ${step} only as an instant`);
          expectSame(at(range, step), at(instant, 0), `${text} at step ${step}`);
          compared++;
        }
      }),
      { seed: 20260104, numRuns: 600 },
    );
    // The generator must not drift into expressions that only fail.
    expect(compared).toBeGreaterThan(failed * STEPS);
  });
});

describe('a query that comes again', () => {
  it('is answered bit for bit as by an engine that has seen nothing yet', async () => {
    const reader = memorySeriesReader(data());
    const engine = createQueryEngine({ reader, clock: new FakeClock() });
    const exactly = (answer: QueryAnswer | string): unknown =>
      typeof answer === 'string'
        ? answer
        : [
            answer.resultType,
            answer.annotations,
            answer.series.map(({ labels, producer, values, present, histograms }) => [
              labelsKey(labels),
              producer,
              [...values].map((value, i) => (present[i] === 1 ? numberText(value) : 'absent')).join(),
              [...(histograms ?? [])].map(([i, one]) => `${i} ${formatHistogram(one, numberText)}`),
            ]),
          ];
    await fc.assert(
      fc.asyncProperty(expr, async text => {
        const fresh = createQueryEngine({ reader, clock: new FakeClock() });
        const want = exactly(await run(fresh, text, RANGE));
        for (let time = 0; time < 3; time++)
          expect(exactly(await run(engine, text, RANGE)), text).toEqual(want);
      }),
      { seed: 20260105, numRuns: 400 },
    );
  });
});

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

describe('equal selectors of a query', () => {
  it('are read once', async () => {
    const memory = memorySeriesReader(data());
    let reads = 0;
    const select: SeriesReader['select'] = (...args) => {
      reads++;
      return memory.select(...args);
    };
    const engine = createQueryEngine({ reader: { ...memory, select }, clock: new FakeClock() });
    await run(engine, 'a_total / (a_total + b_total) > a_total', RANGE);
    expect(reads).toBe(2);
  });
});
