// Answers as people see them: each a golden file, with its width in front of it.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectGolden } from '../../../test/support/golden.ts';
import type { HistogramJson, LabelRecord, QueryData } from '../../api/index.ts';
import { type AnswerFormat, answerText, type Span, styleOf, timeTexts } from './index.ts';
import { textWidth } from './width.ts';

interface Look {
  readonly format?: AnswerFormat;
  readonly width?: number | undefined;
  readonly isColoured?: boolean;
  /** Of the answer's begin, in minutes. */
  readonly askedMinutes?: readonly [from: number, to: number];
}

const times = timeTexts('Asia/Shanghai');

function show(data: QueryData, look: Look = {}): string {
  return answerText(data, {
    format: look.format ?? 'auto',
    width: 'width' in look ? look.width : 80,
    style: styleOf(look.isColoured ?? false),
    times,
    ...(look.askedMinutes === undefined ? {} : { asked: askedSpan(look.askedMinutes) }),
  });
}

function askedSpan([from, to]: readonly [number, number]): Span {
  return { fromMs: (AT_S + from * 60) * 1000, toMs: (AT_S + to * 60) * 1000, stepMs: 60_000 };
}

const AT_S = Date.UTC(2026, 2, 4, 5, 6, 7) / 1000;

function vector(rows: readonly (readonly [metric: LabelRecord, value: string | HistogramJson])[]): QueryData {
  return {
    resultType: 'vector',
    result: rows.map(([metric, value]) =>
      typeof value === 'string' ? { metric, value: [AT_S, value] } : { metric, histogram: [AT_S, value] },
    ),
  };
}

/** One value a minute; undefined is a gap. */
function matrix(
  rows: readonly (readonly [metric: LabelRecord, values: readonly (string | undefined)[]])[],
  stepS = 60,
): QueryData {
  return {
    resultType: 'matrix',
    result: rows.map(([metric, values]) => ({
      metric,
      values: values.flatMap((value, i) => (value === undefined ? [] : [[AT_S + i * stepS, value] as const])),
    })),
  };
}

const numbers = (count: number, at: (i: number) => number): readonly string[] =>
  Array.from({ length: count }, (_, i) => String(at(i)));
const wave = (count: number, size: number): readonly string[] =>
  numbers(count, i => Math.round(size * (1 + Math.sin(i / 8)) * 1000) / 1000);

const HOSTS = vector([
  [{ __name__: 'up', job: 'node', instance: '10.0.0.11:9100', region: '上海' }, '1'],
  [{ __name__: 'up', job: 'node', instance: '10.0.0.12:9100', region: '北京🏯' }, '0'],
  [{ __name__: 'up', job: 'node', instance: 'db-with-a-rather-long-name.internal.example.org:9100' }, 'NaN'],
]);

const NATIVE: HistogramJson = {
  count: '144',
  sum: '12.25',
  buckets: [
    [3, '-0.001', '0.001', '2'],
    [0, '0.0625', '0.125', '100'],
    [0, '0.125', '0.25', '41'],
    [0, '1', '2', '1'],
  ],
};

const manySeries = (count: number): QueryData =>
  matrix(
    Array.from({ length: count }, (_, i) => [
      { __name__: 'requests:rate5m', job: 'web', path: i % 3 === 0 ? `/路径/${i}` : `/path/${i}` },
      wave(120, i + 1),
    ]),
  );

const CASES: readonly (readonly [name: string, data: QueryData, look?: Look])[] = [
  ['vector', HOSTS],
  ['vector-narrow', HOSTS, { width: 44 }],
  ['vector-wide', HOSTS, { width: 200 }],
  ['vector-unlimited', HOSTS, { width: undefined, format: 'table' }],
  ['vector-colour', HOSTS, { isColoured: true }],
  ['vector-plot', HOSTS, { format: 'plot' }],
  [
    'vector-plot-signs',
    vector([
      [{ a: '1' }, '-5'],
      [{ a: '2' }, '10'],
      [{ a: '3' }, '0'],
      [{ a: '4' }, '+Inf'],
    ]),
    { format: 'plot' },
  ],
  ['vector-csv', HOSTS, { format: 'csv' }],
  ['vector-plain', HOSTS, { format: 'plain' }],
  ['vector-single', vector([[{ __name__: 'up', job: 'a' }, '1']])],
  [
    'vector-single-narrow',
    vector([[{ __name__: 'up', job: 'a rather long name of a job' }, '1']]),
    { width: 24 },
  ],
  ['vector-without-labels', vector([[{}, '42']])],
  ['vector-empty', vector([])],
  [
    'vector-many-labels',
    vector(
      [1, 2].map(n => [
        Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`label_${i}`, `value-${n}`])),
        String(n),
      ]),
    ),
    { width: 60 },
  ],
  [
    'vector-hostile',
    vector([
      [{ a: 'x\x1b[31m\ny\u202e' }, '1'],
      [{ a: '', constructor: 'c' }, '2'],
    ]),
  ],
  ['histogram', vector([[{ __name__: 'request_seconds', job: 'web' }, NATIVE]])],
  [
    'histogram-table',
    vector([
      [{ job: 'a' }, NATIVE],
      [{ job: 'b' }, NATIVE],
    ]),
    { format: 'table' },
  ],
  [
    'vector-single-long',
    vector([
      [
        {
          __name__: 'node_filesystem_avail_bytes',
          device: '/dev/mapper/system-root',
          fstype: 'ext4',
          instance: '数据库主机-01:9100',
          job: 'node',
          mountpoint: '/var/lib/数据',
        },
        '8234123264',
      ],
    ]),
  ],
  ['histogram-many', vector(Array.from({ length: 6 }, (_, i) => [{ job: `j${i}` }, NATIVE]))],
  [
    'histogram-wide-range',
    vector([
      [
        {},
        {
          count: '300',
          sum: '1e9',
          buckets: Array.from({ length: 100 }, (_, i) => [
            0,
            String(2 ** i),
            String(2 ** (i + 1)),
            String(i),
          ]),
        },
      ],
    ]),
  ],
  ['histogram-empty', vector([[{}, { count: '0', sum: '0' }]])],
  ['scalar', { resultType: 'scalar', result: [AT_S, '3.25'] }],
  ['string', { resultType: 'string', result: [AT_S, 'a\tb'] }],
  ['matrix-one', matrix([[{ __name__: 'load1', instance: 'a' }, wave(240, 2)]])],
  ['matrix-one-wide', matrix([[{ __name__: 'load1', instance: 'a' }, wave(240, 2)]]), { width: 200 }],
  [
    'matrix-two',
    matrix([
      [{ __name__: 'load1', instance: 'a' }, wave(60, 2)],
      [{ __name__: 'load1', instance: '主机' }, wave(60, 1)],
    ]),
  ],
  [
    'matrix-two-colour',
    matrix([
      [{ __name__: 'load1', instance: 'a' }, wave(60, 2)],
      [{ __name__: 'load1', instance: '主机' }, wave(60, 1)],
    ]),
    { isColoured: true },
  ],
  [
    'matrix-gap',
    matrix([[{ a: '1' }, [...wave(20, 1), ...Array.from({ length: 20 }, () => undefined), ...wave(20, 1)]]]),
    { width: 60 },
  ],
  ['matrix-constant', matrix([[{ a: '1' }, numbers(30, () => 7)]]), { width: 60 }],
  ['matrix-zero', matrix([[{ a: '1' }, numbers(30, () => 0)]]), { width: 60 }],
  ['matrix-point', matrix([[{ a: '1' }, ['5']]]), { width: 60 }],
  [
    'matrix-lonely-points',
    matrix([[{ a: '1' }, ['5', undefined, undefined, '6', undefined, undefined, '5', '5']]]),
    { width: 60 },
  ],
  ['matrix-not-numbers', matrix([[{ a: '1' }, ['1', 'NaN', '2', '+Inf', '3', '-Inf', '2']]]), { width: 60 }],
  ['matrix-only-nan', matrix([[{ a: '1' }, ['NaN', 'NaN', 'NaN']]]), { width: 60 }],
  ['matrix-days', matrix([[{ a: '1' }, wave(100, 1)]], 3600), { width: 60 }],
  ['matrix-years', matrix([[{ a: '1' }, wave(100, 1)]], 10 * 86_400), { width: 60 }],
  ['matrix-close', matrix([[{ a: '1' }, numbers(20, i => 1_000_000 + i)]]), { width: 60 }],
  ['matrix-many', manySeries(9)],
  ['matrix-many-narrow', manySeries(9), { width: 46 }],
  [
    'matrix-table',
    matrix([
      [{ a: '1' }, [...numbers(9, i => i), undefined, 'NaN', '+Inf', '3']],
      [{ a: '2' }, numbers(13, () => 1)],
    ]),
    { format: 'table' },
  ],
  ['matrix-ended', matrix([[{ a: '1' }, wave(20, 1)]]), { width: 60, askedMinutes: [-10, 50] }],
  ['matrix-ended-table', manySeries(8), { askedMinutes: [-60, 180] }],
  ['matrix-empty', matrix([])],
  [
    'matrix-csv',
    matrix([
      [{ a: 'x,"y"' }, ['1', '2']],
      [{ b: '2' }, ['3']],
    ]),
    { format: 'csv' },
  ],
  [
    'matrix-histograms',
    {
      resultType: 'matrix',
      result: [
        {
          metric: { a: '1' },
          histograms: Array.from({ length: 20 }, (_, i) => [AT_S + i * 60, { ...NATIVE, count: String(i) }]),
        },
      ],
    },
    { width: 60 },
  ],
];

describe('answers', () => {
  it.each<readonly [name: string, data: QueryData, look: Look]>(
    CASES.map(([name, data, look = {}]) => [name, data, look]),
  )('%s', (name, data, look) => {
    const text = show(data, look);
    expectGolden(text, new URL(`./testdata/${name}.golden.txt`, import.meta.url));
    const format = look.format ?? 'auto';
    const width = 'width' in look ? look.width : 80;
    if (width === undefined || format === 'csv' || format === 'plain') return;
    for (const line of text.replaceAll(/\x1b\[\d+m/g, '').split('\n')) {
      expect(textWidth(line), line).toBeLessThanOrEqual(width);
      expect(line).toBe(line.trimEnd());
    }
  });

  it('of any shape are told without an escape sequence, in lines that fit', () => {
    const label = fc.string({ unit: 'binary', maxLength: 30 });
    const value = fc.constantFrom('0', '1', '-1.5', '1e300', 'NaN', '+Inf', '-Inf', '0.1');
    const metric = fc.dictionary(fc.constantFrom('__name__', 'a', 'b', 'constructor'), label, { maxKeys: 3 });
    const series = fc.array(
      fc.tuple(metric, fc.array(fc.option(value, { nil: undefined }), { minLength: 1, maxLength: 12 })),
      { maxLength: 8 },
    );
    const format = fc.constantFrom<AnswerFormat>('auto', 'table', 'plot');
    fc.assert(
      fc.property(series, format, fc.integer({ min: 64, max: 200 }), (rows, how, width) => {
        const instant = vector(rows.map(([labels, [first]]) => [labels, first ?? '1']));
        for (const data of [matrix(rows), instant]) {
          for (const line of show(data, { format: how, width }).split('\n')) {
            expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
            expect(textWidth(line)).toBeLessThanOrEqual(width);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
