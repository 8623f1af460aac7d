// Limits of what queries take, one by one and together: memory, how many run and wait, whose turn it is.

import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../test/support/clock.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { memorySeriesReader } from '../../test/support/series.ts';
import type { Result } from '../base/index.ts';
import {
  labelsFrom,
  MetricRegistry,
  type Principal,
  type QueryAnswer,
  type QueryFailure,
  type QueryOptions,
  type SeriesReader,
} from '../model/index.ts';
import { createQueryEngine, type QueryEngine, type QuerySettings } from './index.ts';

const MINUTE = 60_000;
const HOUR = { startMs: 0, endMs: 60 * MINUTE, stepMs: MINUTE };
const ANN: Principal = { kind: 'user', name: 'ann', roles: ['viewer'] };
const BOB: Principal = { kind: 'user', name: 'bob', roles: ['viewer'] };
const RULES: Principal = { kind: 'system', part: 'rules' };

/** 100 series with a sample a minute. */
const data = Array.from({ length: 100 }, (_, i) => ({
  labels: labelsFrom({ __name__: 'm', i: String(i) }),
  samples: Array.from({ length: 61 }, (_, at) => [at * MINUTE, at] as const),
}));

interface Bench {
  readonly clock: FakeClock;
  readonly log: CollectingLog;
  readonly metrics: MetricRegistry;
  readonly engine: QueryEngine;
  /** Lets all reads go on that wait in the storage. */
  release(): void;
  ask(expr: string, options?: Partial<QueryOptions>, signal?: AbortSignal): Answer;
}

type Answer = Promise<Result<QueryAnswer, QueryFailure>>;

function bench(settings: Partial<QuerySettings> = {}, storage: 'works' | 'waits' = 'works'): Bench {
  const clock = new FakeClock();
  const log = new CollectingLog();
  const metrics = new MetricRegistry();
  const memory = memorySeriesReader(data);
  let waiting: (() => void)[] = [];
  const select: SeriesReader['select'] = async (...args) => {
    if (storage === 'waits') await new Promise<void>(resolve => waiting.push(resolve));
    return memory.select(...args);
  };
  const engine = createQueryEngine({ reader: { ...memory, select }, clock, log, metrics, settings });
  return {
    clock,
    log,
    metrics,
    engine,
    release: () => {
      for (const go of waiting.splice(0)) go();
      waiting = [];
    },
    ask: (expr, options, signal) => {
      const plan = engine.prepare(expr);
      if (!plan.ok) throw new Error(plan.error.message);
      return engine.execute(plan.value, HOUR, { principal: ANN, timeoutMs: MINUTE, ...options }, signal);
    },
  };
}

const codeOf = async (answer: Answer): Promise<string> => {
  const result = await answer;
  return result.ok ? 'ok' : result.error.code;
};

describe('memory', () => {
  it('of one query is refused with the limit and what to do', async () => {
    const { ask } = bench({ bytesMax: 120_000 });
    expect(await codeOf(ask('sum(m{i="1"})'))).toBe('ok');
    const refused = await ask('m');
    expect(refused).toMatchObject({
      ok: false,
      error: { code: 'query-limit', message: expect.stringMatching(/1 MB of memory.*query\.memory_max/) },
    });
  });

  it.each([
    'm + m',
    'rate(m[5m])',
    'm * on (i) group_left () m',
    'count_values("v", m)',
    'max_over_time(m[1h:1s])',
    'm or m',
    'topk(3, m)',
  ])('is asked for before it is there, and all given back: %s', async expr => {
    const generous = bench();
    const answer = await generous.ask(expr);
    if (!answer.ok) throw new Error(answer.error.message);
    const { bytesPeak } = answer.value.cost;
    expect(bytesPeak).toBeGreaterThan(100 * 61 * 9);
    expect(generous.metrics.families().find(({ name }) => name.endsWith('query_memory_bytes'))).toMatchObject(
      {
        samples: [{ value: 0 }],
      },
    );
    expect(await codeOf(bench({ bytesMax: bytesPeak - 1 }).ask(expr))).toBe('query-limit');
    expect(await codeOf(bench({ bytesMax: bytesPeak }).ask(expr))).toBe('ok');
  });

  it('of all together makes others wait until it is there, and never rules', async () => {
    const room = bench({ totalBytesMax: 300_000 });
    const held: (() => void)[] = [];
    const first = await room.ask('m', { onHeld: handBack => held.push(handBack) });
    expect(first.ok).toBe(true);
    const second = room.ask('m');
    await settle();
    // It has begun, and waits to begin again: it holds nothing meanwhile.
    expect(room.engine.activity().waiting).toMatchObject([{ expr: 'm' }]);
    expect(room.engine.activity().running).toEqual([]);
    expect(await codeOf(room.ask('m', { principal: RULES }))).toBe('ok');
    await room.clock.advance(1500);
    for (const handBack of held) handBack();
    const answered = await second;
    expect(answered.ok && answered.value.cost.queueMs).toBeGreaterThanOrEqual(1500);
  });

  it('that is not there in time is refused with what to do', async () => {
    const room = bench({ totalBytesMax: 300_000 });
    expect(await codeOf(room.ask('m', { onHeld: () => {} }))).toBe('ok');
    const second = room.ask('m', { timeoutMs: 5000 });
    await room.clock.advance(5000);
    expect(await second).toMatchObject({
      ok: false,
      error: { code: 'query-overload', message: expect.stringContaining('query.memory_total_max') },
    });
    // Of one that alone needs more than all have, waiting makes nothing better.
    expect(await codeOf(bench({ totalBytesMax: 50_000 }).ask('m'))).toBe('query-overload');
  });

  it('is enough for a burst of wide queries, one after the other', async () => {
    const alone = await bench().ask('m + m * 2');
    if (!alone.ok) throw new Error(alone.error.message);
    // Twenty may run at once, and there is room for one and a half.
    const room = bench({ totalBytesMax: 1.5 * alone.value.cost.bytesPeak }, 'waits');
    const answers = Array.from({ length: 20 }, () => room.ask('m + m * 2'));
    let left = 20;
    for (const answer of answers) void answer.then(() => left--);
    for (let i = 0; i < 200 && left > 0; i++) {
      await settle();
      await room.clock.advance(1);
      room.release();
    }
    expect(await Promise.all(answers.map(codeOf))).toEqual(Array.from({ length: 20 }, () => 'ok'));
    expect(room.metrics.families().find(({ name }) => name.endsWith('query_memory_bytes'))).toMatchObject({
      samples: [{ value: 0 }],
    });
  });
});

describe('the queue', () => {
  it('lets nobody begin beside others while much memory is held, until it is given back', async () => {
    const b = bench({ totalBytesMax: 400_000 }, 'waits');
    const held: (() => void)[] = [];
    const options = { onHeld: (handBack: () => void) => void held.push(handBack) };
    for (let i = 0; i < 3; i++) {
      const answer = b.ask('m', options);
      await settle();
      b.release();
      expect(await codeOf(answer)).toBe('ok');
    }
    // Three answers are held: more than half. One may run, so that something goes on.
    const [alone, next] = [b.ask('m{i="1"}'), b.ask('m{i="2"}')];
    await settle();
    expect([b.engine.activity().running.length, b.engine.activity().waiting.length]).toEqual([1, 1]);
    for (const handBack of held) handBack();
    await settle();
    expect([b.engine.activity().running.length, b.engine.activity().waiting.length]).toEqual([2, 0]);
    await settle();
    b.release();
    expect([await codeOf(alone), await codeOf(next)]).toEqual(['ok', 'ok']);
  });

  it('lets so many run at once and the others wait; what they waited is told', async () => {
    const b = bench({ runningMax: 2 }, 'waits');
    const answers = Array.from({ length: 5 }, () => b.ask('m'));
    await settle();
    const before = b.engine.activity();
    expect([before.running.length, before.waiting.length]).toEqual([2, 3]);
    await b.clock.advance(1000);
    for (let i = 0; i < 3; i++) {
      b.release();
      await settle();
    }
    const costs = (await Promise.all(answers)).map(answer => (answer.ok ? answer.value.cost.queueMs : -1));
    expect(costs).toEqual([0, 0, 1000, 1000, 1000]);
    const after = b.engine.activity();
    expect([after.running.length, after.waiting.length]).toEqual([0, 0]);
  });

  it('gives clients their turns: users by name, others by address', async () => {
    const b = bench({ runningMax: 1 }, 'waits');
    const order: string[] = [];
    const ask = (name: string, options: Partial<QueryOptions>): void =>
      void b.ask('m', options).then(() => order.push(name));
    for (const i of [1, 2, 3]) ask(`ann${i}`, { principal: ANN, client: `10.0.0.${i}` });
    ask('bob', { principal: BOB, client: '10.0.0.1' });
    ask('near', { principal: { kind: 'loopback' }, client: '127.0.0.1' });
    ask('far', { principal: { kind: 'loopback' }, client: '127.0.0.2' });
    for (let i = 0; i < 6; i++) {
      await settle();
      b.release();
    }
    await settle();
    expect(order).toEqual(['ann1', 'ann2', 'bob', 'near', 'far', 'ann3']);
  });

  it('is left by whoever is cancelled or out of time, without having read', async () => {
    const b = bench({ runningMax: 1 }, 'waits');
    const running = b.ask('m');
    const controller = new AbortController();
    const cancelled = b.ask('m', {}, controller.signal);
    const late = b.ask('m', { timeoutMs: 500 });
    const last = b.ask('m');
    await settle();
    controller.abort();
    expect(await cancelled).toMatchObject({
      error: { code: 'query-cancelled', message: expect.stringContaining('waited for its turn') },
    });
    await b.clock.advance(600);
    expect(await late).toMatchObject({
      error: { code: 'query-timeout', message: expect.stringContaining('waited for its turn') },
    });
    expect(b.engine.activity().waiting.length).toBe(1);
    for (let i = 0; i < 2; i++) {
      b.release();
      await settle();
    }
    expect([await codeOf(running), await codeOf(last)]).toEqual(['ok', 'ok']);
    expect(await codeOf(b.ask('m', {}, AbortSignal.abort()))).toBe('query-cancelled');
  });

  it('refuses more than may wait, and rules are not in it', async () => {
    const b = bench({ runningMax: 1, waitingMax: 1 }, 'waits');
    const first = b.ask('m');
    const second = b.ask('m');
    expect(await b.ask('m')).toMatchObject({
      error: { code: 'query-overload', message: expect.stringContaining('query.waiting_max') },
    });
    const rule = b.ask('m', { principal: RULES });
    await settle();
    expect(b.engine.activity().running.map(({ who }) => who)).toEqual(['ann', 'system:rules']);
    for (let i = 0; i < 2; i++) {
      b.release();
      await settle();
    }
    expect([await codeOf(first), await codeOf(second), await codeOf(rule)]).toEqual(['ok', 'ok', 'ok']);
  });
});

describe('what is remembered', () => {
  it('has each query with who asked, what it cost and how it ended', async () => {
    const b = bench({ runningMax: 1, waitingMax: 0, slowMs: 100 }, 'waits');
    const slow = b.ask('sum(m)', { client: '10.0.0.1' });
    await b.ask('m', { principal: BOB });
    await b.clock.advance(200);
    b.release();
    await slow;
    const { last } = b.engine.activity();
    expect(last).toMatchObject([
      {
        expr: 'sum(m)',
        who: 'ann',
        client: '10.0.0.1',
        times: HOUR,
        verdict: 'ok',
        cost: { seriesRead: 100, samplesRead: 6100, durationMs: 200, queueMs: 0 },
      },
      { expr: 'm', who: 'bob', verdict: 'query-overload', cost: { samplesRead: 0 } },
    ]);
    expect(last[0]?.cost.bytesPeak).toBeGreaterThan(6100 * 8);
    expect(b.log.lines).toMatchObject([
      { level: 'warn', message: 'A query was slow', fields: { expr: 'sum(m)', who: 'ann', samples: 6100 } },
    ]);
    const values = new Map(
      b.metrics.families().flatMap(family => family.samples.map(one => [family.name, one.value] as const)),
    );
    expect(values.get('watchkeeper_engine_slow_queries_total')).toBe(1);
    expect(values.get('watchkeeper_engine_queries_failed_total')).toBe(1);
    expect(values.get('watchkeeper_engine_query_samples_total')).toBe(6100);
    expect(values.get('watchkeeper_engine_queries_concurrent_max')).toBe(1);
  });

  it('has a failed query with what it cost until then', async () => {
    const { ask, engine } = bench({ bytesMax: 120_000 });
    await ask('m');
    expect(engine.activity().last).toMatchObject([{ verdict: 'query-limit', cost: { seriesRead: 100 } }]);
  });
});
