// Every line of the compliance suite asked of Debian's Prometheus and of the real program, as an instant and as a range query,
// over the samples that the suite's demo service would have given. No query is asked at a time at which a window begins at
// a scrape: those of 2.42 are closed on the left.

import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { describeCorpus, readJsonLines, reportCases } from '../support/corpora.ts';
import { DEMO_MS, demoSlices, OUTAGE } from './demo-service.ts';
import { isSkipped, PEER_NAME } from './prometheus.ts';
import {
  type Answered,
  type Asked,
  askBoth,
  type Both,
  difference,
  pointsOf,
  push,
  startBoth,
} from './side-by-side.ts';

const TEST_MS_MAX = 180_000;
const SEED = Number(process.env['PROMQL_SEED'] ?? 20261130);

/** Queries lie so long after full seconds, and scrapes elsewhere. */
const QUERY_OFFSET_MS = 777;
/** An hour of samples lies before both, ten minutes behind them, for "offset -10m". The range goes through the outage. */
const INSTANT_AT_MS = OUTAGE.fromMs - 60_000 + QUERY_OFFSET_MS;
const RANGE = { fromMs: OUTAGE.fromMs - 120_000 + QUERY_OFFSET_MS, stepMs: 37_000, steps: 9 };

interface Reasoned {
  readonly queries: RegExp;
  readonly why: string;
}

/** What 2.42 refuses and we answer. */
const ALLOWED_ANSWERS: readonly Reasoned[] = [
  {
    queries: /^label_(replace|join)\(demo_num_cpus, "~invalid"/,
    why: 'Prometheus 3: any UTF-8 text is a name of a label',
  },
];

/** What has no result by its meaning. All else must have one: a query of which nothing comes compares nothing. */
const EMPTY: readonly Reasoned[] = [
  { queries: /nonexistent_metric|instance=~"host"/, why: 'there is no such series' },
  {
    queries: /^demo_memory_usage_bytes (==|<=?) (1\.2345|\(1 \*)|^(0\.12345|\(1 \*.*) (==|>=?) demo_memory/,
    why: 'no memory is that small',
  },
  {
    queries: /^(time\(\) == demo_memory_usage_bytes|demo_memory_usage_bytes == time\(\))$/,
    why: 'the number of bytes is not the time',
  },
  { queries: /memory_usage_bytes\)? (!=|<|>) on\(.*\) demo_memory_usage_bytes$/, why: 'each is itself' },
  { queries: /^absent_over_time\(.*\[(5m|15m|1h)\]\)$/, why: 'the outage is shorter' },
  {
    queries: /^clamp\(demo_memory_usage_bytes, 1000000000000, 0\)$/,
    why: 'the limits are the wrong way round',
  },
  { queries: /^histogram_quantile\(0\.9, demo_memory_usage_bytes\)$/, why: 'these are no buckets' },
];

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Row {
  readonly query: string;
  readonly should_fail?: boolean;
}

interface Outcome {
  readonly row: Row;
  readonly asked: Asked;
  /** Ours first. */
  readonly answers: readonly [Answered, Answered];
}

function askedOf(query: string, startMs: number): readonly Asked[] {
  const second = (sinceStartMs: number): string => String((startMs + sinceStartMs) / 1000);
  const { fromMs, stepMs, steps } = RANGE;
  const [start, end] = [second(fromMs), second(fromMs + stepMs * (steps - 1))];
  return [
    { path: '/api/v1/query', params: { query, time: second(INSTANT_AT_MS) } },
    { path: '/api/v1/query_range', params: { query, start, end, step: String(stepMs / 1000) } },
  ];
}

async function outcomesOf(both: Both, rows: readonly Row[], startMs: number): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const row of rows)
    for (const asked of askedOf(row.query, startMs))
      outcomes.push({ row, asked, answers: await askBoth(both, asked) });
  return outcomes;
}

/** Undefined where both say the same, and what the suite wants. */
function faultOf({ row, answers }: Outcome): string | undefined {
  const [mine, theirs] = answers;
  if (row.should_fail === true) {
    if (theirs.data !== undefined) return 'they answer what must be refused';
    const isAllowed = ALLOWED_ANSWERS.some(({ queries }) => queries.test(row.query));
    if (isAllowed) return mine.data === undefined ? `allowed, yet refused: ${mine.error}` : undefined;
    return mine.data === undefined ? undefined : 'we answer what must be refused';
  }
  if (mine.data === undefined && theirs.data === undefined) return `refused by both: ${mine.error}`;
  if (mine.data?.resultType !== theirs.data?.resultType)
    return `ours: ${mine.data?.resultType ?? mine.error}; theirs: ${theirs.data?.resultType ?? theirs.error}`;
  // Not even the size of what was computed with is needed: all come to the same within 1e-9 of themselves.
  return difference(answers, { largest: 0 });
}

const sizeOf = ({ data }: Answered): number => (data === undefined ? 0 : pointsOf(data).size);

/** Lines of which neither gave a value, nor had to. */
function emptyOf(outcomes: readonly Outcome[]): readonly string[] {
  const sizes = new Map<string, number>();
  for (const { row, answers } of outcomes)
    if (row.should_fail !== true)
      sizes.set(row.query, (sizes.get(row.query) ?? 0) + sizeOf(answers[0]) + sizeOf(answers[1]));
  return [...sizes].filter(([, size]) => size === 0).map(([query]) => query);
}

function report(rows: readonly Row[], outcomes: readonly Outcome[]): void {
  const values = outcomes.reduce((sum, { answers }) => sum + sizeOf(answers[0]), 0);
  const failing = rows.filter(row => row.should_fail === true).length;
  const empty = emptyOf(outcomes);
  reportCases('compliance-promql beside prometheus', { files: 1, cases: outcomes.length });
  console.log(
    `compliance-promql beside prometheus: ${rows.length} lines, each as an instant and as a range query; ${values} values compared, ${failing} lines to be refused, ${empty.length} lines without a result:\n  ${empty.join('\n  ')}`,
  );
}

describe.skipIf(isSkipped)(PEER_NAME, () => {
  describeCorpus('compliance/promql', folder => {
    it('each line has the same answers', { timeout: TEST_MS_MAX }, async () => {
      const rows = readJsonLines<Row>(join(folder, 'expanded.jsonl'));
      const both = await startBoth(opened);
      const startMs = Math.floor(Date.now() / 60_000) * 60_000 - DEMO_MS - 60_000;
      for (const slice of demoSlices(SEED, startMs)) {
        await push(both.program.url, slice);
        await push(both.peer.url, slice);
      }
      const outcomes = await outcomesOf(both, rows, startMs);
      report(rows, outcomes);
      const faults = outcomes.flatMap(outcome => {
        const fault = faultOf(outcome);
        return fault === undefined ? [] : [`${JSON.stringify(outcome.asked.params)}: ${fault}`];
      });
      expect(faults).toEqual([]);
      const unexplained = (query: string): boolean => !EMPTY.some(({ queries }) => queries.test(query));
      expect(emptyOf(outcomes).filter(unexplained)).toEqual([]);
      expect(outcomes.length).toBeGreaterThan(1000);
    });
  });
});
