// The history of recording rules: the same as evaluations at each of their times, rules that use rules, a second run that changes
// nothing, and what is refused.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import type { FakeDisk } from '../../test/support/disk.ts';
import { FakeHttp } from '../../test/support/http.ts';
import { formatLabels, type QueryAnswer } from '../model/index.ts';
import { createQueryEngine } from '../promql/index.ts';
import { alignedTimeMs, groupOffsetMs } from '../rules/index.ts';
import { diskWith, filed, opened } from '../storage/testdata/filled.ts';
import type { CommandContext } from './command.ts';
import { rulesCommand } from './rules.ts';

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 1);
const ready = filed(3, { hours: 6, series: 6 });
const RULES = `
groups:
  - name: sums
    interval: 2m
    rules:
      - record: p:m1:sum
        expr: sum by (p) (m1)
        labels: { made: by_rule }
      - record: p:m1:double
        expr: 2 * p:m1:sum
      - alert: Never
        expr: m1 > 1e9
  - name: counts
    rules:
      - record: series
        expr: count({__name__=~"m.*"})
`;

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly warned: string;
}

async function run(disk: FakeDisk, args: readonly string[]): Promise<Ran> {
  const clock = new FakeClock(START_MS + 6 * HOUR_MS);
  // The store makes its blocks in slices: time passes by itself.
  let [out, warned] = ['', ''];
  const context: CommandContext = {
    args,
    env: {},
    cwd: '/',
    clock,
    disk,
    http: new FakeHttp(clock),
    isTerminal: false,
    columns: 80,
    timeZone: 'UTC',
    out: text => {
      out += text;
    },
    warn: text => {
      warned += text;
    },
    whenAskedToEnd: () => new Promise(() => {}),
    onHangUp: () => {},
  };
  return { code: await rulesCommand.run(context), out, warned };
}

async function world(rules = RULES): Promise<FakeDisk> {
  const disk = await diskWith((await ready).files);
  const file = await disk.open('/r.yml', 'create');
  if (!file.ok) throw new Error(file.error.message);
  await file.value.write(new TextEncoder().encode(rules));
  await file.value.close();
  return disk;
}

/** Each series with its values by time. */
async function ask(
  disk: FakeDisk,
  expr: string,
  timesMs: readonly number[],
): Promise<ReadonlyMap<string, number>> {
  const clock = new FakeClock(START_MS + 6 * HOUR_MS);
  const store = await opened({ clock }, disk.mount());
  const engine = createQueryEngine({ reader: store, clock });
  const plan = engine.prepare(expr);
  if (!plan.ok) throw new Error(plan.error.message);
  const found = new Map<string, number>();
  for (const timeMs of timesMs) {
    const times = { startMs: timeMs, endMs: timeMs, stepMs: 0 };
    const options = { principal: { kind: 'system', part: 'test' }, timeoutMs: 60_000 } as const;
    const answer = await engine.execute(plan.value, times, options);
    if (!answer.ok) throw new Error(answer.error.message);
    const { series }: QueryAnswer = answer.value;
    for (const one of series)
      if (one.present[0] === 1)
        found.set(`${formatLabels(one.labels)} ${timeMs}`, one.values[0] ?? Number.NaN);
  }
  await store.close();
  return found;
}

/** Of the group "sums", every one in the span of the test. */
const times = (): number[] => {
  const offset = groupOffsetMs({ file: '/r.yml', name: 'sums' }, 120_000);
  const all: number[] = [];
  for (
    let at = alignedTimeMs(START_MS + HOUR_MS, 120_000, offset);
    at < START_MS + 5 * HOUR_MS;
    at += 120_000
  )
    if (at >= START_MS + HOUR_MS) all.push(at);
  return all;
};
const SPAN = ['--from', String((START_MS + HOUR_MS) / 1000), '--to', String((START_MS + 5 * HOUR_MS) / 1000)];

describe('rules backfill', () => {
  it('records what evaluations at each time give, and rules see what rules before them recorded', async () => {
    const disk = await world();
    const expected = await ask(disk, 'sum by (p) (m1)', times());
    const ran = await run(disk, ['backfill', 'r.yml', ...SPAN]);
    expect([ran.code, ran.warned]).toEqual([0, '']);
    expect(ran.out).toMatch(
      /^sums: p:m1:sum: \d+ samples of 3 series\nsums: p:m1:double: \d+ samples of 3 series\ncounts: series: \d+ samples of 1 series\n$/,
    );
    const recorded = await ask(disk, 'sum without (made) (p:m1:sum)', times());
    expect([...recorded].map(([key, value]) => [key, value])).toEqual([...expected]);
    // One of the three is a native histogram now and then, of which there is no sum with floats.
    expect(expected.size).toBeGreaterThan(2 * times().length);
    // At no other times.
    const counted = await ask(disk, 'count_over_time(p:m1:sum{p="0"}[4h])', [START_MS + 5 * HOUR_MS]);
    expect([...counted.values()]).toEqual([times().length]);
    const double = await ask(disk, 'p:m1:double - on (p) 2 * p:m1:sum', times());
    expect(new Set(double.values())).toEqual(new Set([0]));
    expect((await ask(disk, 'p:m1:sum{made="by_rule"}', times())).size).toBe(expected.size);
  });

  it('that is run again changes nothing', async () => {
    const disk = await world();
    const first = await run(disk, ['backfill', 'r.yml', ...SPAN]);
    const before = await ask(disk, '{__name__=~"p:.*|series"}', times());
    const second = await run(disk, ['backfill', 'r.yml', ...SPAN]);
    expect(second).toEqual(first);
    expect(await ask(disk, '{__name__=~"p:.*|series"}', times())).toEqual(before);
    const counted = await ask(disk, 'count_over_time(p:m1:sum{p="0"}[4h])', [START_MS + 5 * HOUR_MS]);
    expect([...counted.values()]).toEqual([times().length]);
  });

  it('tells of a rule that cannot be evaluated, and goes on with the others', async () => {
    const disk = await world(`
groups:
  - name: g
    rules:
      - { record: twice, expr: m1, labels: { i: same, p: same } }
      - { record: fine, expr: vector(1) }
`);
    const ran = await run(disk, ['backfill', 'r.yml', ...SPAN, '--json']);
    expect(ran.code).toBe(1);
    const rules = ran.out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as unknown);
    expect(rules).toMatchObject([
      { record: 'twice', samples: 0, failure: expect.stringContaining('same labelset') },
      { record: 'fine', samples: 240, failure: '' },
    ]);
  });

  it.each([
    [['backfill', ...SPAN], 2, 'a file is needed'],
    [['backfill', 'r.yml'], 2, '--from is needed'],
    [['backfill', 'r.yml', ...SPAN, '--eval-interval', 'often'], 2, '--eval-interval'],
    [['backfill', 'none.yml', ...SPAN], 1, 'Cannot read "none.yml"'],
    [['backfill', 'r.yml', ...SPAN, '--data', 'nowhere'], 1, 'there is no store'],
    [['backfill', 'r.yml', '--from', '2030-01-01T00:00:00Z'], 1, 'no samples in this span'],
  ])('refuses %j', async (args, code, says) => {
    const ran = await run(await world(), args);
    expect([ran.code, ran.out]).toEqual([code, '']);
    expect(ran.warned).toContain(says);
  });

  it('refuses a wrong file with its place', async () => {
    const ran = await run(
      await world('groups:\n  - name: g\n    rules:\n      - { record: a, expr: "sum(" }\n'),
      ['backfill', 'r.yml', ...SPAN],
    );
    expect([ran.code, ran.out]).toEqual([1, '']);
    expect(ran.warned).toMatch(/r\.yml:4:\d+/);
  });
});
