// The same random samples to Debian's Prometheus and to the real program, and the same random queries to both: every answer
// is held against the other.
//
// Prometheus 2.42 has windows that are closed on the left, ours are open as those of Prometheus 3: no query is asked at a time
// at which that could be seen, and subqueries are not nested, whose windows begin at steps. Not asked are functions that it
// does not have, atan2, which keeps names there, and rates of what does not count: how far a value near zero limits the
// extrapolation has changed.

import { afterEach, describe, expect, it } from 'vitest';
import type { TestSeries } from '../../src/collect/push/testdata/encode.ts';
import { seededRandom } from '../support/random.ts';
import { isSkipped, PEER_NAME } from './prometheus.ts';
import { type Asked, askBoth, difference, pointsOf, push, startBoth } from './side-by-side.ts';

const TEST_MS_MAX = 300_000;
const SEED = Number(process.env['PROMQL_SEED'] ?? 20261128);
const QUERIES = Number(process.env['PROMQL_QUERIES'] ?? 2300);

const STEP_MS = 15_000;
const STEPS = 160;
/** Steps of the longest range, and some. */
const RESETS_FROM = 90;
/** Samples lie so long after full seconds, and queries so long: no window begins at a sample. */
const SAMPLE_OFFSET_MS = 1234;
const QUERY_OFFSET_MS = 777;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

type Random = ReturnType<typeof seededRandom>;

const below = (random: Random, limit: number): number => random.uint32() % limit;

function pick<T>(random: Random, from: readonly T[]): T {
  return from[below(random, from.length)] as T;
}

// --- data -------------------------------------------------------------------------------------------------

const ODD = ['plain', 'with "quotes"', 'back\\slash', 'line\nbreak', '汉字', 'a=b,c'];

/** Counters with resets, gauges, classic histograms; with gaps and series that come late, some with NaN and infinities. */
function dataOf(random: Random, startMs: number): readonly TestSeries[] {
  const all: TestSeries[] = [];
  const add = (
    labels: Readonly<Record<string, string>>,
    next: (i: number) => number,
    isWhole = false,
  ): void => {
    const from = !isWhole && below(random, 4) === 0 ? below(random, STEPS / 2) : 0;
    const gapFrom = !isWhole && below(random, 3) === 0 ? below(random, STEPS) : STEPS;
    const gapTo = gapFrom + 5 + below(random, 30);
    const samples: { timeMs: number; value: number }[] = [];
    for (let i = 0; i < STEPS; i++) {
      const value = next(i);
      if (i < from || (i >= gapFrom && i < gapTo)) continue;
      samples.push({ timeMs: startMs + i * STEP_MS + SAMPLE_OFFSET_MS, value });
    }
    const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
    all.push({ labels: sorted, samples });
  };
  /** With resets, once no window goes back before all samples, or with gaps: how far a low value behind a gap limits the extrapolation has changed since 2.42. */
  const counter = (hasResets: boolean): ((i: number) => number) => {
    let value = 5000 + below(random, 90_000) + random.float();
    return i => {
      value =
        hasResets && i > RESETS_FROM && below(random, 60) === 0
          ? 3000 + random.float()
          : value + below(random, 12) + random.float();
      return value;
    };
  };
  for (const job of ['api', 'db', 'web']) {
    for (const instance of ['1', '2', '3']) {
      for (const code of ['200', '404', '500'])
        if (below(random, 5) > 0) {
          const hasResets = below(random, 2) === 0;
          add({ __name__: 'requests_total', job, instance, code }, counter(hasResets), hasResets);
        }
      add({ __name__: 'memory_bytes', job, instance }, () => random.float() * 1e6 - 2e5);
      add({ __name__: 'temperature', job, instance, odd: pick(random, ODD) }, i =>
        below(random, 40) === 0
          ? pick(random, [Number.NaN, Infinity, -Infinity])
          : Math.sin(i / 9) * 40 + random.float(),
      );
      const counts = [0, 0, 0, 0];
      const columns = ['0.1', '0.5', '2.5', '+Inf'].map(le => ({ le, values: [] as number[] }));
      for (let i = 0; i < STEPS; i++) {
        let sum = 0;
        for (const [k, column] of columns.entries()) {
          counts[k] = (counts[k] ?? 0) + below(random, 5) + 1;
          sum += counts[k] ?? 0;
          column.values.push(sum + 1000);
        }
      }
      for (const { le, values } of columns)
        add({ __name__: 'latency_bucket', job, instance, le }, i => values[i] ?? 0);
    }
  }
  return all;
}

// --- queries ----------------------------------------------------------------------------------------------

const SELECTORS = [
  'requests_total',
  'requests_total{job="api"}',
  'requests_total{code=~"4..|500"}',
  'requests_total{instance!="2",job!~"d.*"}',
  'memory_bytes',
  'memory_bytes{job="web"}',
  'temperature',
  'temperature{odd=~".*[\\"\\\\\\\\].*"}',
  '{__name__=~"memory_.+|temperature",instance="1"}',
  'nothing',
];
const COUNTERS = SELECTORS.slice(0, 4);
const RANGES = ['1m', '2m', '5m', '7m30s', '20m'];
const OFFSETS = ['', '', '', ' offset 3m', ' offset -2m', ' offset 47s'];
const OVER_TIME = [
  'rate',
  'increase',
  'irate',
  'delta',
  'idelta',
  'resets',
  'changes',
  'deriv',
  'avg_over_time',
  'min_over_time',
  'max_over_time',
  'sum_over_time',
  'count_over_time',
  'stddev_over_time',
  'stdvar_over_time',
  'last_over_time',
  'present_over_time',
  'absent_over_time',
];
const AGGREGATIONS = ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'];
const GROUPINGS = [
  '',
  '',
  ' by (job)',
  ' by (instance, code)',
  ' without (instance)',
  ' without (code, odd)',
  ' by (le)',
];
const ELEMENTWISE = [
  'abs',
  'ceil',
  'floor',
  'exp',
  'sqrt',
  'ln',
  'log2',
  'log10',
  'sgn',
  'sin',
  'cos',
  'atan',
  'tanh',
  'deg',
  'rad',
  'round',
  'timestamp',
  'absent',
  'scalar',
  'sort',
  'sort_desc',
  'hour',
  'minute',
  'day_of_week',
  'days_in_month',
];
const ARITHMETIC = ['+', '-', '*', '/', '%', '^'];
const COMPARISONS = ['==', '!=', '>', '<', '>=', '<=', '> bool', '<= bool', '!= bool'];
const SETS = ['and', 'or', 'unless'];
const MATCHINGS = [
  '',
  '',
  ' on (job, instance)',
  ' ignoring (code)',
  ' on (job)',
  ' on (job, instance) group_left ()',
  ' ignoring (code, odd) group_right ()',
  ' on (job) group_left (odd)',
];

function selectorOf(random: Random): string {
  return `${pick(random, SELECTORS)}${pick(random, OFFSETS)}`;
}

/** Of these only counters are asked. */
const OF_COUNTERS: ReadonlySet<string> = new Set(['rate', 'increase', 'irate']);

function overTime(random: Random, depth: number): string {
  const func = pick(random, OVER_TIME);
  const offset = pick(random, OFFSETS);
  if (OF_COUNTERS.has(func)) return `${func}(${pick(random, COUNTERS)}[${pick(random, RANGES)}]${offset})`;
  // Whether computed values are the same to the last digit is not asked.
  const isExact = func === 'changes' || func === 'resets';
  if (isExact || below(random, 4) > 0)
    return `${func}(${pick(random, SELECTORS)}[${pick(random, RANGES)}]${offset})`;
  const inner = exprOf(random, Math.min(1, depth - 1));
  // Windows of a subquery within another begin at its steps.
  if (/\[[^\]]*:/.test(inner)) return inner;
  return `${func}((${inner})[${pick(random, ['3m', '6m'])}:${pick(random, ['15s', '40s', '1m'])}]${offset})`;
}

function exprOf(random: Random, depth: number): string {
  const inner = (): string => exprOf(random, depth - 1);
  switch (depth <= 0 ? below(random, 2) : below(random, 10)) {
    case 0:
      return selectorOf(random);
    case 1:
      return overTime(random, depth);
    case 2:
      return `${pick(random, AGGREGATIONS)}${pick(random, GROUPINGS)} (${inner()})`;
    case 3:
      return `(${inner()} ${pick(random, ARITHMETIC)}${pick(random, MATCHINGS)} ${inner()})`;
    case 4:
      return `(${inner()} ${pick(random, COMPARISONS)}${pick(random, MATCHINGS)} ${inner()})`;
    case 5:
      return `(${inner()} ${pick(random, SETS)}${pick(random, MATCHINGS.slice(0, 5))} ${inner()})`;
    case 6:
      return elementwise(random, inner());
    case 7:
      return `(${inner()} ${pick(random, [...ARITHMETIC, ...COMPARISONS])} ${pick(random, ['2', '0.5', '-3', '1e3'])})`;
    case 8:
      return special(random, inner);
    default:
      return `-(${inner()})`;
  }
}

function elementwise(random: Random, inner: string): string {
  const func = pick(random, ELEMENTWISE);
  return func === 'scalar' ? `vector(scalar(${inner}))` : `${func}(${inner})`;
}

function special(random: Random, inner: () => string): string {
  switch (below(random, 9)) {
    case 0:
      return `histogram_quantile(${pick(random, ['0.1', '0.5', '0.99'])}, sum by (le, job) (rate(latency_bucket[5m])))`;
    case 1:
      return `quantile${pick(random, GROUPINGS)} (${pick(random, ['0.3', '0.9'])}, ${inner()})`;
    case 2:
      return `${pick(random, ['topk', 'bottomk'])}${pick(random, GROUPINGS)} (2, memory_bytes)`;
    case 3:
      return `clamp${pick(random, ['_min(X, 10)', '_max(X, 100)', '(X, -5, 50)']).replace('X', inner())}`;
    case 4:
      return `label_replace(${inner()}, "new", "$1-x", "job", "(.).*")`;
    case 5:
      return `label_join(${inner()}, "both", "/", "job", "instance")`;
    case 6:
      return `predict_linear(${pick(random, SELECTORS)}[${pick(random, RANGES)}], 600)`;
    case 7:
      return `quantile_over_time(0.4, ${pick(random, SELECTORS)}[${pick(random, RANGES)}])`;
    default:
      return `count_values${pick(random, ['', ' by (job)'])} ("value", round(${inner()}))`;
  }
}

// --- what is asked, and what may differ --------------------------------------------------------------------

/** Prometheus 3: a match of two to one is ambiguous even where a comparison filters one of them away. */
const AMBIGUOUS = /multiple matches for labels/;

/** Prometheus 3: the deviation of infinite or NaN values is NaN, and was 0. Such queries are set aside. */
function isDeviationOfOddValues(query: string): boolean {
  return /std(dev|var)\b/.test(query) && /temperature|scalar|ln|log|sqrt|\/|%|\^|exp/.test(query);
}

/** Where we differ from 2.42, and why. */
const ALLOWED: readonly {
  readonly why: string;
  allows(query: string, ours: number, theirs: number): boolean;
}[] = [
  {
    why: 'a date of NaN: theirs is what a conversion of NaN to whole seconds happens to give',
    allows: (query, ours) => /(hour|minute|day_of_week|days_in_month)\(/.test(query) && Number.isNaN(ours),
  },
];

function askedOf(random: Random, startMs: number): Asked & { readonly query: string } {
  const query = exprOf(random, 1 + below(random, 3));
  const timeAt = (): number => (startMs + below(random, STEPS * 15) * 1000 + QUERY_OFFSET_MS) / 1000;
  if (below(random, 3) > 0)
    return { query, path: '/api/v1/query', params: { query, time: String(timeAt()) } };
  const start = timeAt();
  const params = {
    query,
    start: String(start),
    end: String(start + 600),
    step: pick(random, ['30', '45', '60']),
  };
  return { query, path: '/api/v1/query_range', params };
}

describe.skipIf(isSkipped)(PEER_NAME, () => {
  it(`${QUERIES} random queries have the same answers`, { timeout: TEST_MS_MAX }, async () => {
    const both = await startBoth(opened);
    const random = seededRandom(SEED);
    const startMs = Math.floor(Date.now() / 60_000) * 60_000 - STEPS * STEP_MS - 120_000;
    const data = dataOf(random, startMs);
    await push(both.program.url, data);
    await push(both.peer.url, data);
    const finite = data.flatMap(({ samples = [] }) => samples.map(({ value }) => Math.abs(Number(value))));
    const largest = Math.max(...finite.filter(Number.isFinite));

    let answered = 0;
    let refused = 0;
    let aside = 0;
    const differences: string[] = [];
    for (let i = 0; i < QUERIES; i++) {
      const asked = askedOf(random, startMs);
      if (isDeviationOfOddValues(asked.query)) {
        aside++;
        continue;
      }
      const answers = await askBoth(both, asked);
      const [mine] = answers;
      if (mine.data === undefined) refused++;
      else if (pointsOf(mine.data).size > 0) answered++;
      const found = difference(answers, {
        largest,
        allowsRefusal: error => AMBIGUOUS.test(error),
        allowsValue: (ours, other) => ALLOWED.some(({ allows }) => allows(asked.query, ours, other)),
      });
      if (found !== undefined) differences.push(`${JSON.stringify(asked.params)}: ${found}`);
    }
    console.log(
      `promql beside Prometheus: ${QUERIES} queries (seed ${SEED}), ${answered} with samples, ${refused} refused by both, ${aside} set aside, ${differences.length} different`,
    );
    expect(differences).toEqual([]);
    // The generator must not drift into queries of which nothing comes.
    expect(answered).toBeGreaterThan(QUERIES / 3);
  });
});
