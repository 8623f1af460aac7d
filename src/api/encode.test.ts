import { describe, expect, it } from 'vitest';
import { type AnswerSeries, labelsFrom, type NativeHistogram, type QueryAnswer } from '../model/index.ts';
import type { QueryData } from './contract.ts';
import { writeQueryData } from './query-text.ts';
import { TextParts } from './text-parts.ts';

const HISTOGRAM: NativeHistogram = {
  schema: 0,
  count: 8,
  sum: 4.5,
  zeroThreshold: 0.5,
  zeroCount: 2,
  positiveSpans: [{ offset: 1, length: 2 }],
  positiveCounts: Float64Array.of(3, 2),
  negativeSpans: [{ offset: 1, length: 1 }],
  negativeCounts: Float64Array.of(1),
  resetHint: 'unknown',
  integer: true,
};
/** By Prometheus's numbers: 1 includes the lower bound, 3 both, 0 the upper one. */
const SHOWN = {
  count: '8',
  sum: '4.5',
  buckets: [
    [1, '-2', '-1', '1'],
    [3, '-0.5', '0.5', '2'],
    [0, '1', '2', '3'],
    [0, '2', '4', '2'],
  ],
};

function answer(series: readonly AnswerSeries[], stepMs: number): QueryAnswer {
  const times = { startMs: 0, endMs: 2000, stepMs };
  const cost = { seriesRead: 0, samplesRead: 0, durationMs: 0, queueMs: 0, bytesPeak: 0 };
  return { times, resultType: stepMs === 0 ? 'vector' : 'matrix', series, annotations: [], cost };
}

const decoded = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** As a client reads it. */
function queryData(shown: QueryAnswer): QueryData {
  const parts = new TextParts();
  let text = '';
  for (const _ of writeQueryData(parts, { answer: shown, limit: 0 })) text += decoded(parts.take());
  return JSON.parse(`${text}${decoded(parts.take())}}`) as QueryData;
}

describe('native histograms in answers', () => {
  it('an instant has a value or a histogram', () => {
    const labels = labelsFrom({ a: 'b' });
    const present = Uint8Array.of(1);
    const native = {
      labels,
      present,
      values: Float64Array.of(Number.NaN),
      histograms: new Map([[0, HISTOGRAM]]),
    };
    const plain = { labels, present, values: Float64Array.of(7) };
    expect(queryData(answer([native, plain], 0))).toEqual({
      resultType: 'vector',
      result: [
        { metric: { a: 'b' }, histogram: [2, SHOWN] },
        { metric: { a: 'b' }, value: [2, '7'] },
      ],
    });
  });

  it('a range has both, each at its times, and leaves out what is empty', () => {
    const labels = labelsFrom({});
    const mixed = {
      labels,
      present: Uint8Array.of(1, 0, 1),
      values: Float64Array.of(7, 0, 0),
      histograms: new Map([
        [
          2,
          {
            ...HISTOGRAM,
            zeroCount: 0,
            positiveCounts: Float64Array.of(0, 0),
            negativeCounts: Float64Array.of(0),
          },
        ],
      ]),
    };
    const nothing = { labels, present: Uint8Array.of(0, 0, 0), values: new Float64Array(3) };
    const pure = {
      labels,
      present: Uint8Array.of(0, 1, 0),
      values: new Float64Array(3),
      histograms: new Map([[1, HISTOGRAM]]),
    };
    expect(queryData(answer([mixed, nothing, pure], 1000))).toEqual({
      resultType: 'matrix',
      result: [
        { metric: {}, values: [[0, '7']], histograms: [[2, { count: '8', sum: '4.5' }]] },
        { metric: {}, histograms: [[1, SHOWN]] },
      ],
    });
  });
});
