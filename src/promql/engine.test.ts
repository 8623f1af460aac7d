// The engine as its callers see it: the port's contract, limits, cancellation, fairness, what rules rely on.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { queryContract } from '../../test/support/contracts/query.ts';
import { type MemorySeries, memorySeriesReader } from '../../test/support/series.ts';
import { err } from '../base/index.ts';
import {
  labelsFrom,
  labelsToRecord,
  type QueryAnswer,
  type QueryFailure,
  type QueryOptions,
  type QueryTimes,
  type SeriesReader,
  targetId,
} from '../model/index.ts';
import { FUNCTIONS } from './functions/index.ts';
import { createQueryEngine, type EngineSettings } from './index.ts';
import { SIGNATURES } from './parser/signatures.ts';

queryContract('engine over memory', async (series, storage) => {
  const clock = new FakeClock();
  const memory = memorySeriesReader(
    series.map(({ labels, samples, producer }) => ({
      labels: labelsFrom(labels),
      samples,
      ...(producer === undefined ? {} : { producer }),
    })),
  );
  const select: SeriesReader['select'] = (matchers, hints, signal) => {
    if (storage === 'works') return memory.select(matchers, hints, signal);
    if (storage === 'fails') return Promise.resolve(err({ code: 'query-storage', message: 'disk is gone' }));
    return new Promise(resolve => {
      const give = (): void => resolve(err({ code: 'query-cancelled', message: 'aborted' }));
      signal?.addEventListener('abort', give, { once: true });
    });
  };
  return {
    query: createQueryEngine({ reader: { ...memory, select }, clock }),
    advance: ms => clock.advance(ms),
    close: async () => {},
  };
});

const MINUTE = 60_000;
const OPTIONS: QueryOptions = { principal: { kind: 'system', part: 'test' }, timeoutMs: 10_000 };

/** One sample a minute from time 0. */
function series(
  labels: Record<string, string>,
  values: readonly (number | 'stale')[],
  producer?: string,
): MemorySeries {
  return {
    labels: labelsFrom(labels),
    samples: values.map((value, i) => [i * MINUTE, value] as const),
    ...(producer === undefined ? {} : { producer: targetId(producer) }),
  };
}

interface Ask {
  readonly data?: readonly MemorySeries[];
  readonly at?: number;
  readonly times?: QueryTimes;
  readonly options?: Partial<QueryOptions>;
  readonly settings?: Partial<EngineSettings>;
}

async function ask(expr: string, asked: Ask = {}): Promise<QueryAnswer | QueryFailure> {
  const engine = createQueryEngine({
    reader: memorySeriesReader(asked.data ?? []),
    clock: new FakeClock(),
    ...(asked.settings === undefined ? {} : { settings: asked.settings }),
  });
  const plan = engine.prepare(expr);
  if (!plan.ok) return plan.error;
  const at = asked.at ?? 0;
  const times = asked.times ?? { startMs: at, endMs: at, stepMs: 0 };
  const result = await engine.execute(plan.value, times, { ...OPTIONS, ...asked.options });
  return result.ok ? result.value : result.error;
}

function rows(answer: QueryAnswer | QueryFailure, part: 'series' | 'unfiltered' = 'series'): unknown {
  if ('code' in answer) return `${answer.code}: ${answer.message}`;
  return answer[part]?.map(({ labels, values, present }) => [
    labelsToRecord(labels),
    ...Array.from(values, (value, i) => (present[i] === 1 ? value : null)),
  ]);
}

describe('what rules rely on', () => {
  const data = [
    series({ __name__: 'up', job: 'a' }, [1, 1, 0], 'job/a'),
    series({ __name__: 'up', job: 'b' }, [1, 1, 1], 'job/b'),
    series({ __name__: 'limit', job: 'a' }, [1, 1, 1], 'job/limits'),
    series({ __name__: 'limit', job: 'b' }, [1, 1, 1], 'job/limits'),
  ];

  it('tells what a comparison of two vectors filtered away', async () => {
    const answer = await ask('(up == on (job) limit)', {
      data,
      at: 2 * MINUTE,
      options: { wantUnfiltered: true },
    });
    expect(rows(answer)).toEqual([[{ job: 'b' }, 1]]);
    expect(rows(answer, 'unfiltered')).toEqual([
      [{ job: 'a' }, 0],
      [{ job: 'b' }, 1],
    ]);
  });

  it('answers the vector where the scalar stands on the left', async () => {
    const answer = await ask('0 < up', { data, at: 2 * MINUTE, options: { wantUnfiltered: true } });
    expect(rows(answer, 'unfiltered')).toHaveLength(2);
  });

  it('has no unfiltered side below a set operator', async () => {
    const answer = await ask('up > 0 and up', { data, at: 2 * MINUTE, options: { wantUnfiltered: true } });
    expect(rows(answer, 'unfiltered')).toBeUndefined();
  });

  it('keeps the producer through functions and joins with literals only', async () => {
    const producerOf = async (expr: string): Promise<unknown> => {
      const answer = await ask(expr, { data, at: 2 * MINUTE });
      return 'code' in answer ? answer.message : answer.series[0]?.producer;
    };
    expect(await producerOf('abs(up{job="a"}) * 2')).toBe('job/a');
    expect(await producerOf('sum(limit)')).toBe('job/limits');
    expect(await producerOf('up{job="a"} * on (job) limit')).toBeUndefined();
    expect(await producerOf('vector(1)')).toBeUndefined();
  });

  it('treats a series with a stale marker as ended', async () => {
    const ended = [series({ __name__: 'up' }, [1, 'stale'])];
    expect(rows(await ask('up', { data: ended, at: MINUTE }))).toEqual([]);
    expect(rows(await ask('count_over_time(up[5m])', { data: ended, at: MINUTE }))).toEqual([[{}, 1]]);
  });
});

describe('names', () => {
  const data = [series({ __name__: 'a_total' }, [1]), series({ __name__: 'b_total' }, [2])];

  it('clash at once when functions drop them', async () => {
    const expr = 'sum by (__name__) (abs({__name__=~"._total"}))';
    expect(rows(await ask(expr, { data }))).toBe(
      'query-execution: vector cannot contain metrics with the same labelset',
    );
    const kept = 'label_replace(abs({__name__=~"._total"}), "was", "$1", "__name__", "(.*)_total")';
    expect(rows(await ask(kept, { data, settings: { delayedNameRemoval: true } }))).toEqual([
      [{ was: 'a' }, 1],
      [{ was: 'b' }, 2],
    ]);
  });
});

describe('limits', () => {
  const data = Array.from({ length: 20 }, (_, i) => series({ __name__: 'm', i: String(i) }, [1, 2, 3]));
  const range = { startMs: 0, endMs: 10 * MINUTE, stepMs: MINUTE };

  it.each<[string, Ask]>([
    ['series', { data, settings: { seriesMax: 10 } }],
    ['samples', { data, times: range, settings: { samplesMax: 100 } }],
    ['steps', { data, times: range, settings: { stepsMax: 10 } }],
  ])('of %s are refused with query-limit', async (_, asked) => {
    expect(await ask('m', asked)).toMatchObject({ code: 'query-limit' });
  });

  it('of time hold even where no timer can fire', async () => {
    // The clock moves by itself with each look at it, as real time does during synchronous work.
    class HurryingClock extends FakeClock {
      #shiftMs = 0;
      override monotonicMs(): number {
        this.#shiftMs += 10;
        return super.monotonicMs() + this.#shiftMs;
      }
      override after(delayMs: number, fire: () => void) {
        if (delayMs === 0) queueMicrotask(fire);
        return super.after(delayMs, delayMs === 0 ? () => {} : fire);
      }
    }
    const engine = createQueryEngine({ reader: memorySeriesReader(data), clock: new HurryingClock() });
    const plan = engine.prepare('sum(rate(m[5m])) + sum(rate(m[5m]))');
    if (!plan.ok) throw new Error('refused');
    const result = await engine.execute(plan.value, range, { ...OPTIONS, timeoutMs: 300 });
    expect(result).toMatchObject({ ok: false, error: { code: 'query-timeout' } });
  });
});

describe('fairness', () => {
  it('gives the event loop turns during a long query', async () => {
    let turns = 0;
    let nowMs = 0;
    class SteppingClock extends FakeClock {
      override monotonicMs(): number {
        nowMs += 1;
        return nowMs;
      }
      override after(delayMs: number, fire: () => void) {
        if (delayMs > 0) return super.after(delayMs, fire);
        turns++;
        queueMicrotask(fire);
        return { cancel: () => {} };
      }
    }
    const data = Array.from({ length: 200 }, (_, i) => series({ __name__: 'm', i: String(i) }, [1, 2, 3]));
    const engine = createQueryEngine({ reader: memorySeriesReader(data), clock: new SteppingClock() });
    const plan = engine.prepare('sum(m)');
    if (!plan.ok) throw new Error('refused');
    const times = { startMs: 0, endMs: 0, stepMs: 0 };
    const result = await engine.execute(plan.value, times, { ...OPTIONS, timeoutMs: 100_000 });
    expect(result.ok).toBe(true);
    // 400 looks at the clock of 1 ms each, in slices of 25 ms.
    expect(turns).toBeGreaterThan(10);
  });
});

describe('refusals', () => {
  it('no function of the language is one', () => {
    expect([...SIGNATURES.keys()].filter(name => !FUNCTIONS.has(name))).toEqual([]);
  });

  it('start_timestamp() says which feature it needs', async () => {
    const data = [series({ __name__: 'x' }, [1, 2])];
    for (const expr of ['start_timestamp(x)', 'start_timestamp(x * 1)'])
      expect(await ask(expr, { data, at: MINUTE })).toMatchObject({
        code: 'query-execution',
        message: expect.stringContaining('use-start-timestamps'),
      });
    const answer = await ask('start_timestamp(x)', { data, at: MINUTE, settings: { startTimestamps: true } });
    expect(answer).toMatchObject({ series: [{ values: Float64Array.of(0) }] });
  });

  it('range queries have no range vectors or strings', async () => {
    const times = { startMs: 0, endMs: MINUTE, stepMs: MINUTE };
    expect(await ask('x[5m]', { times })).toMatchObject({ code: 'query-execution' });
    expect(await ask('"x"', { times })).toMatchObject({ code: 'query-execution' });
  });
});

describe('annotations', () => {
  it('hint at a rate over what is not called a counter, with the place of the selector', async () => {
    const data = [series({ __name__: 'memory_bytes' }, [1, 2, 3])];
    const answer = await ask('rate(memory_bytes[5m])', { data, at: 2 * MINUTE });
    if ('code' in answer) throw new Error(answer.message);
    expect(answer.annotations).toEqual([
      {
        severity: 'info',
        message:
          'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "memory_bytes"',
        span: { start: 5, end: 21 },
      },
    ]);
  });
});
