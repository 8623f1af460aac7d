// Long answers say the same as short ones, let others go on meanwhile, and hand their room back however they end.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { Turns } from '../base/index.ts';
import { labelsFrom, type QueryAnswer } from '../model/index.ts';
import { queryData } from './encode.ts';
import { isLong, type LongAnswer, longAnswer } from './long-answer.ts';

const STEPS = 101;

function matrix(series: number): QueryAnswer {
  return {
    times: { startMs: 0, endMs: 100_000, stepMs: 1000 },
    resultType: 'matrix',
    series: Array.from({ length: series }, (_, i) => ({
      labels: labelsFrom({ __name__: 'm', i: `"${i}"` }),
      values: Float64Array.from({ length: STEPS }, (_, at) => at / 3),
      // Every seventh series has nothing to show.
      present: new Uint8Array(STEPS).fill(i % 7 === 0 ? 0 : 1),
    })),
    annotations: [],
    cost: { seriesRead: 0, samplesRead: 0, durationMs: 0, queueMs: 0, bytesPeak: 0 },
  };
}

const vector: QueryAnswer = {
  ...matrix(0),
  times: { startMs: 5000, endMs: 5000, stepMs: 0 },
  resultType: 'vector',
  series: Array.from({ length: 12_000 }, (_, i) => ({
    labels: labelsFrom({ i: String(i) }),
    values: Float64Array.of(i),
    present: Uint8Array.of(i % 2),
  })),
};

function long(
  answer: QueryAnswer,
  more: Partial<LongAnswer> = {},
): { handed: number; body: AsyncIterable<string> } {
  const own = { handed: 0 };
  const response = longAnswer(new Turns(new FakeClock()), {
    answer,
    stats: undefined,
    limit: 0,
    warnings: [],
    infos: [],
    cutWarning: 'cut',
    handBack: () => {
      own.handed++;
    },
    ...more,
  });
  if (typeof response.body === 'string' || response.body instanceof Uint8Array)
    throw new Error('not a stream');
  return Object.assign(own, { body: response.body as AsyncIterable<string> });
}

async function textOf(body: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of body) text += piece;
  return text;
}

describe('long answers', () => {
  it('are those of many points', () => {
    expect([isLong(matrix(50)), isLong(matrix(200)), isLong(vector)]).toEqual([false, true, true]);
  });

  it.each([
    ['a matrix', matrix(200)],
    ['a vector', vector],
    ['nothing', matrix(0)],
  ])('say the same as at once: %s', async (_, answer) => {
    const { body } = long(answer);
    expect(JSON.parse(await textOf(body))).toEqual({ status: 'success', data: queryData(answer) });
  });

  it('have stats, notes and the limit', async () => {
    const timings = { evalTotalTime: 1, innerEvalTime: 1, execQueueTime: 0, execTotalTime: 1 };
    const stats = { timings, samples: { totalQueryableSamples: 1, samplesRead: 1 } };
    const { body } = long(matrix(200), { stats, limit: 3, warnings: ['w'], infos: ['i'] });
    const said = JSON.parse(await textOf(body));
    expect(said).toMatchObject({ data: { stats }, warnings: ['w', 'cut'], infos: ['i'] });
    expect(said.data.result.map((row: { metric: { i: string } }) => row.metric.i)).toEqual([
      '"1"',
      '"2"',
      '"3"',
    ]);
  });

  it('come in pieces, and hand their room back at the end', async () => {
    const answer = long(matrix(400));
    let pieces = 0;
    for await (const piece of answer.body) {
      pieces++;
      expect(piece.length).toBeLessThan(80_000);
      expect(answer.handed).toBe(0);
    }
    expect(pieces).toBeGreaterThan(5);
    expect(answer.handed).toBe(1);
  });

  it('hand it back as well where the client leaves, in the middle or before anything was written', async () => {
    const left = long(matrix(400));
    for await (const _ of left.body) break;
    expect(left.handed).toBe(1);
    const unread = long(matrix(400));
    await unread.body[Symbol.asyncIterator]().return?.();
    expect(unread.handed).toBe(1);
  });
});
