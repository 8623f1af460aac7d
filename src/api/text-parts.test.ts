import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { seededRandom } from '../../test/support/random.ts';
import { type Clock, type ServerResponse, Turns } from '../base/index.ts';
import { formatFloatJson } from '../exposition/index.ts';
import { type AnswerSeries, labelsFrom, type QueryAnswer } from '../model/index.ts';
import { writeQueryData } from './query-text.ts';
import { bench, jsonOf } from './testdata/bench.ts';
import { bodyOf, TextParts } from './text-parts.ts';

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
  const decoder = new TextDecoder();
  for await (const part of body as AsyncIterable<Uint8Array>) parts.push(decoder.decode(part));
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

describe('what is added to a text', () => {
  const textOf = (add: (parts: TextParts) => void): string => {
    const parts = new TextParts();
    add(parts);
    return new TextDecoder().decode(parts.take());
  };

  it('is there as it was, whatever its length and its characters', () => {
    const texts = [
      '',
      'a',
      'é',
      'x'.repeat(127),
      `${'x'.repeat(127)}ß`,
      'y'.repeat(200_000),
      '\u{1f600}'.repeat(5000),
    ];
    expect(textOf(parts => texts.forEach(text => void parts.add(text)))).toBe(texts.join(''));
  });

  it('is quoted as JSON', () => {
    const texts = [
      '',
      'plain',
      'a"b',
      'a\\b',
      'line\nend',
      '\u0000\u001f\u007f',
      'é\u2028',
      '\ud800',
      'x'.repeat(5000),
    ];
    for (const text of texts)
      expect(textOf(parts => parts.addQuoted(text))).toBe(
        new TextDecoder().decode(new TextEncoder().encode(JSON.stringify(text))),
      );
  });

  it('is the shortest text of a number', () => {
    const random = seededRandom(7);
    const numbers = [
      0,
      -0,
      1,
      -1,
      9,
      10,
      99,
      100,
      2 ** 31 - 1,
      2 ** 31,
      1e15 - 1,
      1e15,
      2 ** 53,
      1e21,
      1e22,
      0.1,
      -0.5,
      0.001,
      0.0005,
    ];
    numbers.push(
      1e-7,
      123.456,
      1.005,
      0.3,
      0.1 + 0.2,
      5e-324,
      1.7976931348623157e308,
      NaN,
      Infinity,
      -Infinity,
      999999999999.999,
    );
    for (let i = 0; i < 3000; i++) {
      const value = (random.float() - 0.5) * 10 ** Math.floor(random.float() * 30 - 8);
      const power = 10 ** Math.floor(random.float() * 6);
      numbers.push(value, Math.round(value), Math.round(value * power) / power);
    }
    for (const value of numbers) expect(textOf(parts => parts.addFloat(value))).toBe(formatFloatJson(value));
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
