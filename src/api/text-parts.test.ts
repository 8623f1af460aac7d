import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { type Clock, type ServerResponse, Turns } from '../base/index.ts';
import { type AnswerSeries, labelsFrom, type QueryAnswer } from '../model/index.ts';
import { writeQueryData } from './query-text.ts';
import { bench, jsonOf } from './testdata/bench.ts';
import { bodyOf, type TextParts } from './text-parts.ts';

/** A clock that goes on with each look at it, as if work had taken so long, and counts who waits for it. */
function workingClock(): Clock & { readonly waits: () => number } {
  let [looks, waits] = [0, 0];
  return {
    nowMs: () => 0,
    monotonicMs: () => 10 * looks++,
    after: (_, fire) => {
      waits++;
      fire();
      return { cancel: () => {} };
    },
    waits: () => waits,
  };
}

async function partsOf(body: ServerResponse['body']): Promise<readonly string[]> {
  if (typeof body === 'string') return [body];
  const parts: string[] = [];
  for await (const part of body as AsyncIterable<string>) parts.push(part);
  return parts;
}

function answer(series: readonly AnswerSeries[]): QueryAnswer {
  const times = { startMs: 0, endMs: 1e9, stepMs: 1000 };
  const cost = { seriesRead: 0, samplesRead: 0, durationMs: 0, queueMs: 0, bytesPeak: 0 };
  return { times, resultType: 'matrix', series, annotations: [], cost };
}

describe('texts in parts', () => {
  it('are one string while they are short', () => {
    const body = bodyOf(new Turns(new FakeClock(0)), function* (parts) {
      for (let i = 0; i < 5; i++) {
        parts.add(`${i} `);
        if (parts.isFull) yield;
      }
    });
    expect(body).toBe('0 1 2 3 4 ');
  });

  it('are a stream of parts of some 64 kB when they are long, also of one long series, and let others have their turn', async () => {
    const count = 40_000;
    const values = Float64Array.from({ length: count }, (_, i) => i / 3);
    const present = new Uint8Array(count).fill(1);
    const series = ['a', 'b'].map(x => ({ labels: labelsFrom({ x }), values, present }));
    const clock = workingClock();
    const write = function* (parts: TextParts): Generator<void> {
      yield* writeQueryData(parts, { answer: answer(series), limit: 0 });
      parts.add('}');
    };
    const parts = await partsOf(bodyOf(new Turns(clock), write));
    expect(Math.max(...parts.map(({ length }) => length))).toBeLessThan(64 * 1024 + 1000);
    expect(parts.length).toBeGreaterThan(20);
    expect(clock.waits()).toBeGreaterThan(parts.length / 5);
    const wanted = series.map(({ labels }) => ({
      metric: { x: labels[1] },
      values: Array.from(values, (value, i) => [i, String(value)]),
    }));
    expect(JSON.parse(parts.join(''))).toEqual({ resultType: 'matrix', result: wanted });
  });
});

describe('the end of a long text', () => {
  function* long(parts: TextParts): Generator<void> {
    for (let i = 0; i < 10; i++) {
      parts.add('x'.repeat(70_000));
      yield;
    }
  }
  const begin = () => {
    const seen = { ends: 0 };
    const body = bodyOf(new Turns(new FakeClock()), long, () => void seen.ends++);
    return Object.assign(seen, { body: body as AsyncIterable<string> });
  };

  it('is told once all is written, once', async () => {
    const text = begin();
    for await (const _ of text.body) expect(text.ends).toBe(0);
    expect(text.ends).toBe(1);
    await text.body[Symbol.asyncIterator]().return?.();
    expect(text.ends).toBe(1);
  });

  it('is told as well where the client leaves, in the middle or before anything was written', async () => {
    const left = begin();
    for await (const _ of left.body) break;
    expect(left.ends).toBe(1);
    const unread = begin();
    await unread.body[Symbol.asyncIterator]().return?.();
    expect(unread.ends).toBe(1);
  });
});

it('a long answer of the API is the same JSON as a short one, its notes behind it', async () => {
  const b = await bench();
  const T = Date.UTC(2026, 0, 1) / 1000;
  const query = `query=m or vector(1)&start=${T - 5000}&end=${T}&step=1`;
  const asked = await b.ask({ path: '/api/v1/query_range', query: query.replaceAll(' ', '%20') });
  const text = (await partsOf(asked.body)).join('');
  expect(typeof asked.body).not.toBe('string');
  const { status, data } = JSON.parse(text) as { status: string; data: { result: { values: unknown[] }[] } };
  expect([status, data.result.length]).toEqual(['success', 2]);
  expect(data.result.find(({ values }) => values.length === 5001)?.values[5000]).toEqual([T, '1']);
  const limited = await b.ask({
    path: '/api/v1/query_range',
    query: `${query.replaceAll(' ', '%20')}&limit=1&stats=all`,
  });
  const limitedText = (await partsOf(limited.body)).join('');
  expect(JSON.parse(limitedText)).toMatchObject({
    data: { stats: {} },
    warnings: ['results truncated due to limit'],
  });
  expect(jsonOf(await b.ask({ path: '/api/v1/labels' }))).toEqual({
    status: 'success',
    data: ['__name__', 'job'],
  });
});
