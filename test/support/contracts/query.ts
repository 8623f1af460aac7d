// What every implementation of the Query port must do, read from its types alone.

import { afterEach, describe, expect, it } from 'vitest';
import type {
  AnswerSeries,
  Query,
  QueryAnswer,
  QueryOptions,
  QueryPlan,
  QueryTimes,
  TargetId,
} from '../../../src/model/index.ts';

export interface QueryContractSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** In time order. */
  readonly samples: readonly (readonly [timeMs: number, value: number])[];
  readonly producer?: TargetId;
}

/** How the storage below the engine behaves: `hangs` until its signal aborts, `fails` with query-storage. */
export type QueryContractStorage = 'works' | 'hangs' | 'fails';

export interface QueryPeer {
  readonly query: Query;
  /** Moves the engine's clock. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

export type MakeQueryPeer = (
  series: readonly QueryContractSeries[],
  storage: QueryContractStorage,
) => Promise<QueryPeer>;

const T0 = Date.UTC(2026, 0, 1, 12);
const OPTIONS: QueryOptions = { principal: { kind: 'system', part: 'test' }, timeoutMs: 10_000 };
const INSTANT: QueryTimes = { startMs: T0, endMs: T0, stepMs: 0 };

/** Each minute from T0 - 10 min to T0: m rises by 1 from 0 to 10 for x="a", is 3 for x="b"; old ended 20 min ago. */
const DATA: readonly QueryContractSeries[] = [
  { labels: { __name__: 'm', x: 'a' }, samples: minutes(11, i => i), producer: 'test/a' as TargetId },
  { labels: { __name__: 'm', x: 'b' }, samples: minutes(11, () => 3), producer: 'test/b' as TargetId },
  { labels: { __name__: 'n', x: 'a', y: '1' }, samples: minutes(11, () => 1) },
  { labels: { __name__: 'n', x: 'a', y: '2' }, samples: minutes(11, () => 2) },
  { labels: { __name__: 'old' }, samples: [[T0 - 20 * 60_000, 1]] },
];

function minutes(count: number, value: (i: number) => number): (readonly [number, number])[] {
  return Array.from({ length: count }, (_, i) => [T0 - (count - 1 - i) * 60_000, value(i)] as const);
}

type Kit = (storage?: QueryContractStorage) => Promise<QueryPeer>;

export function queryContract(name: string, make: MakeQueryPeer): void {
  describe(`query contract: ${name}`, () => {
    let open: QueryPeer[] = [];
    const kit: Kit = async (storage = 'works') => {
      const peer = await make(DATA, storage);
      open.push(peer);
      return peer;
    };
    afterEach(async () => {
      for (const peer of open) await peer.close();
      open = [];
    });
    describe('plans', () => plans(kit));
    describe('answers', () => answers(kit));
    describe('options', () => optionsOf(kit));
    describe('failures', () => failures(kit));
  });
}

function plans(kit: Kit): void {
  it('is plain data: a plan that went through structuredClone and JSON answers the same', async () => {
    const { query } = await kit();
    const plan = prepared(query, 'sum by (x) (m) > 2');
    expect(plan.kind).toBe('promql-plan');
    expect(plan.expr).toBe('sum by (x) (m) > 2');
    const cloned: QueryPlan = structuredClone(plan);
    expect(cloned).toEqual(plan);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    expect(rows(await run(query, cloned, INSTANT))).toEqual(rows(await run(query, plan, INSTANT)));
  });

  it('may be run many times, at several times at once', async () => {
    const { query } = await kit();
    const plan = prepared(query, 'm{x="a"}');
    const times = [0, 1, 2, 3].map(i => ({ startMs: T0 - i * 60_000, endMs: T0 - i * 60_000, stepMs: 0 }));
    const all = await Promise.all(times.map(one => run(query, plan, one)));
    expect(all.map(answer => answer.series[0]?.values[0])).toEqual([10, 9, 8, 7]);
  });

  it('prepares without touching data', async () => {
    const { query } = await kit('fails');
    expect(query.prepare('m').ok).toBe(true);
  });
}

function answers(kit: Kit): void {
  it('answers an instant vector with labels and one value a series', async () => {
    const { query } = await kit();
    const answer = await run(query, prepared(query, 'm'), INSTANT);
    expect(answer.resultType).toBe('vector');
    expect(answer.times).toEqual(INSTANT);
    expect(sorted(answer)).toEqual([
      ['__name__,m,x,a', [10]],
      ['__name__,m,x,b', [3]],
    ]);
    for (const series of answer.series) {
      expect(series.values).toHaveLength(1);
      expect([...series.present]).toEqual([1]);
    }
  });

  it('answers a range with an entry a step, absent where there is no value', async () => {
    const { query } = await kit();
    const times = { startMs: T0 - 20 * 60_000, endMs: T0, stepMs: 120_000 };
    const answer = await run(query, prepared(query, 'm{x="a"}'), times);
    expect(['matrix', 'vector']).toContain(answer.resultType);
    expect(rows(answer)).toEqual([
      ['__name__,m,x,a', [undefined, undefined, undefined, undefined, undefined, 0, 2, 4, 6, 8, 10]],
    ]);
  });

  it('counts steps from the start, the last one not beyond the end', async () => {
    const { query } = await kit();
    const times = { startMs: T0 - 5 * 60_000, endMs: T0, stepMs: 120_000 };
    const [series] = (await run(query, prepared(query, 'm{x="a"}'), times)).series;
    expect(series === undefined ? [] : entries(series)).toEqual([5, 7, 9]);
  });

  it('answers a scalar with one entry without labels', async () => {
    const { query } = await kit();
    const answer = await run(query, prepared(query, '1 + 1'), INSTANT);
    expect(answer.resultType).toBe('scalar');
    expect(rows(answer)).toEqual([['', [2]]]);
  });

  it('answers a string in text', async () => {
    const { query } = await kit();
    const answer = await run(query, prepared(query, '"hello"'), INSTANT);
    expect(answer).toMatchObject({ resultType: 'string', text: 'hello', series: [] });
  });

  it('answers a bare range selector with the samples and their times', async () => {
    const { query } = await kit();
    const answer = await run(query, prepared(query, 'm{x="a"}[3m]'), INSTANT);
    expect(answer.resultType).toBe('matrix');
    const [series] = answer.series;
    // Left-open: the sample three minutes ago is outside.
    expect([...(series?.timesMs ?? [])]).toEqual([T0 - 120_000, T0 - 60_000, T0]);
    expect([...(series?.values ?? [])]).toEqual([8, 9, 10]);
  });

  it('drops the name in an aggregation and keeps the grouping labels', async () => {
    const { query } = await kit();
    const answer = await run(query, prepared(query, 'sum by (x) (n)'), INSTANT);
    expect(sorted(answer)).toEqual([['x,a', [3]]]);
  });

  it('names the producer where exactly one target produced the input', async () => {
    const { query } = await kit();
    const answer = await run(query, prepared(query, 'm{x="b"}'), INSTANT);
    expect(answer.series[0]?.producer).toBe('test/b');
    const both = await run(query, prepared(query, 'sum(m)'), INSTANT);
    expect(both.series[0]?.producer).toBeUndefined();
  });

  it('tells what it cost', async () => {
    const { query } = await kit();
    const { cost } = await run(query, prepared(query, 'm'), INSTANT);
    expect(cost.seriesRead).toBe(2);
    expect(cost.samplesRead).toBeGreaterThanOrEqual(2);
    expect(cost.durationMs).toBeGreaterThanOrEqual(0);
  });

  it('answers annotations that point into the expression', async () => {
    const { query } = await kit();
    const expr = 'rate(m[5m])';
    const { annotations } = await run(query, prepared(query, expr), INSTANT);
    expect(Array.isArray(annotations)).toBe(true);
    for (const { severity, message, span } of annotations) {
      expect(['warning', 'info']).toContain(severity);
      expect(message).not.toBe('');
      if (span !== undefined) expectSpanIn(span, expr);
    }
  });
}

function optionsOf(kit: Kit): void {
  it('looks back five minutes unless told otherwise', async () => {
    const { query } = await kit();
    const plan = prepared(query, 'old');
    expect((await run(query, plan, INSTANT)).series).toEqual([]);
    const lookbackMs = 30 * 60_000;
    expect(rows(await run(query, plan, INSTANT, { ...OPTIONS, lookbackMs }))).toEqual([
      ['__name__,old', [1]],
    ]);
  });

  it('treats samples at or before notBeforeMs as absent', async () => {
    const { query } = await kit();
    const plan = prepared(query, 'm{x="a"}');
    const at = async (notBeforeMs: number) =>
      (await run(query, plan, INSTANT, { ...OPTIONS, notBeforeMs })).series.length;
    expect(await at(T0)).toBe(0);
    expect(await at(T0 - 1)).toBe(1);
    const counted = prepared(query, 'count_over_time(m{x="a"}[10m])');
    const answer = await run(query, counted, INSTANT, { ...OPTIONS, notBeforeMs: T0 - 120_000 });
    expect(rows(answer)).toEqual([['x,a', [2]]]);
  });

  it('answers the left side of a root comparison before filtering when asked', async () => {
    const { query } = await kit();
    const plan = prepared(query, 'm > 5');
    const answer = await run(query, plan, INSTANT, { ...OPTIONS, wantUnfiltered: true });
    expect(rows(answer)).toEqual([['__name__,m,x,a', [10]]]);
    expect(
      answer.unfiltered?.map(series => [[...series.labels].join(), entries(series)]).sort(byFirst),
    ).toEqual([
      ['__name__,m,x,a', [10]],
      ['__name__,m,x,b', [3]],
    ]);
    expect((await run(query, plan, INSTANT)).unfiltered).toBeUndefined();
  });

  it('has no left side for an expression that does not filter at its root', async () => {
    const { query } = await kit();
    for (const expr of ['m', 'm > bool 5', 'sum(m > 5)', '1 + 1']) {
      const answer = await run(query, prepared(query, expr), INSTANT, { ...OPTIONS, wantUnfiltered: true });
      expect(answer.unfiltered, expr).toBeUndefined();
    }
  });
}

function failures(kit: Kit): void {
  for (const expr of ['sum(', 'm{', 'm[5', '1 +', 'm{x="a"', 'm offset', '']) {
    it(`answers query-parse with a place for "${expr}"`, async () => {
      const { query } = await kit();
      const result = query.prepare(expr);
      if (result.ok) throw new Error('was accepted');
      expect(result.error.code).toBe('query-parse');
      expect(result.error.message).not.toBe('');
      if (result.error.span !== undefined) expectSpanIn(result.error.span, expr);
      const all = result.error.all ?? [];
      if (all.length > 0) expect(all[0]?.message).toBe(result.error.message);
      for (const { span } of all) expectSpanIn(span, expr);
    });
  }

  it('counts places in UTF-16 code units', async () => {
    const { query } = await kit();
    const expr = 'm{x="\u{1F600}"} + nosuchfunction(m)';
    const result = query.prepare(expr);
    if (result.ok) throw new Error('was accepted');
    const { span } = result.error;
    if (span === undefined) throw new Error('no place given');
    expect(expr.slice(span.start, span.end)).toContain('nosuchfunction');
  });

  it('refuses types that do not fit', async () => {
    const { query } = await kit();
    for (const expr of ['rate(m)', 'sum(1)', 'm + "a"', 'm[5m] + 1']) {
      const result = query.prepare(expr);
      expect(result.ok, expr).toBe(false);
      if (!result.ok) expect(result.error.code).toBe('query-parse');
    }
  });

  it('answers query-execution for a match of many to many', async () => {
    const { query } = await kit();
    const result = await query.execute(prepared(query, 'm + on (x) n'), INSTANT, OPTIONS);
    expect(result).toMatchObject({ ok: false, error: { code: 'query-execution' } });
  });

  it('passes on that the storage failed', async () => {
    const { query } = await kit('fails');
    const result = await query.execute(prepared(query, 'm'), INSTANT, OPTIONS);
    expect(result).toMatchObject({ ok: false, error: { code: 'query-storage' } });
  });

  it('answers query-cancelled at once to a signal that has aborted', async () => {
    const { query } = await kit();
    const result = await query.execute(prepared(query, 'm'), INSTANT, OPTIONS, AbortSignal.abort());
    expect(result).toMatchObject({ ok: false, error: { code: 'query-cancelled' } });
  });

  it('answers query-cancelled when its caller gives up meanwhile', async () => {
    const { query } = await kit('hangs');
    const caller = new AbortController();
    const pending = query.execute(prepared(query, 'm'), INSTANT, OPTIONS, caller.signal);
    caller.abort();
    expect(await pending).toMatchObject({ ok: false, error: { code: 'query-cancelled' } });
  });

  it('answers query-timeout when its time is over', async () => {
    const { query, advance } = await kit('hangs');
    const pending = query.execute(prepared(query, 'm'), INSTANT, { ...OPTIONS, timeoutMs: 1000 });
    await advance(1001);
    expect(await pending).toMatchObject({ ok: false, error: { code: 'query-timeout' } });
  });
}

// --- helpers ----------------------------------------------------------------------------------------

function prepared(query: Query, expr: string): QueryPlan {
  const result = query.prepare(expr);
  if (!result.ok) throw new Error(`${expr}: ${result.error.message}`);
  return result.value;
}

async function run(
  query: Query,
  plan: QueryPlan,
  times: QueryTimes,
  options = OPTIONS,
): Promise<QueryAnswer> {
  const result = await query.execute(plan, times, options);
  if (!result.ok) throw new Error(`${plan.expr}: ${result.error.code}: ${result.error.message}`);
  return result.value;
}

function entries(series: AnswerSeries): (number | undefined)[] {
  return Array.from(series.values, (value, i) => (series.present[i] === 1 ? value : undefined));
}

function rows(answer: QueryAnswer): [string, (number | undefined)[]][] {
  return answer.series.map(series => [[...series.labels].join(), entries(series)]);
}

/** For answers whose order the contract leaves to the engine. */
function sorted(answer: QueryAnswer): [string, (number | undefined)[]][] {
  return rows(answer).sort(byFirst);
}

function byFirst(a: readonly unknown[], b: readonly unknown[]): number {
  return String(a[0]) < String(b[0]) ? -1 : 1;
}

function expectSpanIn(span: { readonly start: number; readonly end: number }, expr: string): void {
  expect(span.start).toBeGreaterThanOrEqual(0);
  expect(span.end).toBeGreaterThanOrEqual(span.start);
  expect(span.end).toBeLessThanOrEqual(expr.length);
}
