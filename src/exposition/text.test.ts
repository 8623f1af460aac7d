// Reading and printing metrics pages.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatLabels,
  labelsFrom,
  labelsFromPairs,
  METRIC_NAME,
  type MetricFamily,
  wordsOf,
} from '../model/index.ts';
import { formatFloat, formatFloatJson, formatFloatOpenMetrics } from './format-float.ts';
import { parseGoFloat } from './go-float.ts';
import { OpenMetricsReader } from './openmetrics-reader.ts';
import { parseText } from './parse.ts';
import { printFamilies, printSample } from './print.ts';
import { TextReader } from './text-reader.ts';

const encoder = new TextEncoder();
/** Printed by fast-check on failure, too. */
const SEED = 20_260_101;

/** The samples of a page as text, or the message of its refusal. */
function read(page: string | Uint8Array): readonly string[] | string {
  const rows: string[] = [];
  const failure = parseText(typeof page === 'string' ? encoder.encode(page) : page, {
    sample: (labels, value, timeMs) => {
      rows.push(`${formatLabels(labels)} ${formatFloat(value)}${timeMs === undefined ? '' : ` @${timeMs}`}`);
    },
  });
  return failure === undefined ? rows : failure.message;
}

describe('pages that are taken', () => {
  it.each<[page: string, rows: readonly string[]]>([
    ['a 1\n', ['a 1']],
    ['a 1', ['a 1']],
    ['\n\n a\t1 \n\n', ['a 1']],
    ['a{} 1\n', ['a 1']],
    ['a {b="c" , } 1 5\n', ['a{b="c"} 1 @5']],
    ['a{b="c"}1\n', ['a{b="c"} 1']],
    ['a{b="c"d="e"} 1\n', ['a{b="c", d="e"} 1']],
    ['a{b="x\\"\\\\\\n\\t"} 1\n', ['a{b="x\\"\\\\\\n\\\\t"} 1']],
    ['a{b="two\nlines"} 1\n', ['a{b="two\\nlines"} 1']],
    ['{"my.metric",b="c"} 1\n', ['{"my.metric", b="c"} 1']],
    ['{b="c","my metric","d e"="f"} 1\n', ['{"my metric", b="c", "d e"="f"} 1']],
    ['a:b_1 +Inf\nc -inf\nd nan\n', ['a:b_1 +Inf', 'c -Inf', 'd NaN']],
    ['a 0 9223372036854775807\n', ['a 0 @9223372036854776000']],
    ['#\n# \n# HELP\n# TYPES x\n#TYPE a b\n# HELP a\n# HELP a b\n# TYPE a counter\na 1\n', ['a 1']],
    ['# TYPE h histogram\nh_bucket{le="1"} 2\n', ['h_bucket{le="1.0"} 2']],
    ['# TYPE s summary\ns{quantile="0.50"} 2\n', ['s{quantile="0.5"} 2']],
    ['# TYPE s gauge\ns{le="1"} 2\n', ['s{le="1"} 2']],
    ['a{b="ü€😀"} 1\n', ['a{b="ü€😀"} 1']],
  ])('%j', (page, rows) => expect(read(page)).toEqual(rows));
});

describe('pages that are refused', () => {
  it.each<[page: string, place: string, cause: string]>([
    ['a 1\nb\n', 'line 2, column 2', 'a value expected'],
    ['a 0x1p-2\n', 'line 1, column 3', 'not a number'],
    ['a 0x10\n', 'line 1, column 3', 'not a number'],
    ['a 1_0\n', 'line 1, column 3', 'not a number'],
    ['a 1e999\n', 'line 1, column 3', 'not a number'],
    ['a 1 -5\n', 'line 1, column 5', 'timestamp'],
    ['a 1 5 6\n', 'line 1, column 7', 'end of the line'],
    ['a 1 9223372036854775808\n', 'line 1, column 5', 'out of range'],
    ['a{b="c} 1\n', 'line 1, column 5', 'does not end'],
    ['a{b=c} 1\n', 'line 1, column 5', 'double quotes'],
    ['a{1="c"} 1\n', 'line 1, column 3', 'label name'],
    ['{a="b"} 1\n', 'line 1, column 7', 'no metric name'],
    ['a{"b"} 1\n', 'line 1, column 3', 'twice'],
    ['a{b="1",b="2"} 1\n', 'line 1, column 1', 'twice'],
    ['# TYPE a counter \n', 'line 1, column 10', 'not a metric type'],
    ['1a 1\n', 'line 1, column 1', 'metric name'],
    ['\0', 'line 1, column 1', 'metric name'],
  ])('%j', (page, place, cause) => {
    const message = read(page);
    expect(message).toContain(place);
    expect(message).toContain(cause);
  });

  it('a label value that is not UTF-8', () => {
    expect(read(Uint8Array.of(0x61, 0x7b, 0x62, 0x3d, 0x22, 0xff, 0x22, 0x7d, 0x20, 0x31))).toContain(
      'UTF-8',
    );
  });

  it('names only a part of an endless line', () => {
    expect((read(`a ${'x'.repeat(100_000)}`) as string).length).toBeLessThan(300);
  });
});

describe('numbers', () => {
  const parse = (text: string): number | undefined => {
    const out = new Float64Array(1);
    const bytes = encoder.encode(text);
    const span = { start: 0, end: bytes.length };
    return parseGoFloat(bytes, span, { out, words: wordsOf(out), index: 0 }) ? (out[0] as number) : undefined;
  };

  it.each(['', '+', '-', '.', 'e5', '1e', '1e+', '1.2.3', '+nan', 'infin', '0x1', '1 ', '٣'])(
    'refuses %j',
    text => {
      expect(parse(text)).toBeUndefined();
    },
  );

  it('reads every decimal notation exactly as the language does', () => {
    const texts = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      fc.tuple(fc.maxSafeInteger(), fc.integer({ min: -330, max: 290 })).map(([m, e]) => `${m}e${e}`),
      fc.stringMatching(/^[+-]?\d{1,20}\.\d{0,20}$/),
    );
    fc.assert(
      fc.property(texts, text => Object.is(parse(text), Number(text)) || !Number.isFinite(Number(text))),
      { seed: SEED, numRuns: 2000 },
    );
  });

  it.each<[value: number, go: string, json: string, om: string]>([
    [0, '0', '0', '0.0'],
    [-0, '-0', '-0', '-0.0'],
    [1, '1', '1', '1.0'],
    [123456, '123456', '123456', '123456.0'],
    [1e6, '1e+06', '1000000', '1e+06'],
    [1234567, '1.234567e+06', '1234567', '1.234567e+06'],
    [0.0001, '0.0001', '0.0001', '0.0001'],
    [0.00001, '1e-05', '0.00001', '1e-05'],
    [1.5e-7, '1.5e-07', '1.5e-07', '1.5e-07'],
    [1e20, '1e+20', '100000000000000000000', '1e+20'],
    [1e21, '1e+21', '1e+21', '1e+21'],
    [-2.5e300, '-2.5e+300', '-2.5e+300', '-2.5e+300'],
    [Number.POSITIVE_INFINITY, '+Inf', '+Inf', '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf', '-Inf', '-Inf'],
    [Number.NaN, 'NaN', 'NaN', 'NaN'],
  ])('prints %d', (value, go, json, om) => {
    expect([formatFloat(value), formatFloatJson(value), formatFloatOpenMetrics(value)]).toEqual([
      go,
      json,
      om,
    ]);
  });
});

describe('printing', () => {
  it('families', () => {
    const families: MetricFamily[] = [
      {
        name: 'a',
        help: 'back\\slash\nnewline',
        type: 'counter',
        samples: [{ suffix: '_total', labels: labelsFrom({ b: 'q"\\\n' }), value: 1e6 }],
      },
      {
        name: 'my.gauge',
        help: '',
        type: 'gauge',
        samples: [{ suffix: '', labels: labelsFrom({ 'x y': 'z' }), value: 1 }],
      },
      { name: 'e', help: 'h', type: 'info', samples: [] },
    ];
    expect(printFamilies(families)).toBe(
      [
        '# HELP a_total back\\\\slash\\nnewline',
        '# TYPE a_total counter',
        'a_total{b="q\\"\\\\\\n"} 1e+06',
        '# TYPE "my.gauge" gauge',
        '{"my.gauge","x y"="z"} 1',
        '# HELP e h',
        '# TYPE e gauge',
        '',
      ].join('\n'),
    );
  });

  it('what is printed is read back as it was', () => {
    const value = fc.string({ unit: 'grapheme', minLength: 1 });
    const sample = fc.record({
      labels: fc
        .dictionary(value, value)
        .chain(labels =>
          value.map(name => labelsFromPairs([...Object.entries(labels), [METRIC_NAME, name]])),
        ),
      value: fc.double(),
      timeMs: fc.option(fc.nat(), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(sample), samples => {
        const page = samples.map(s => printSample(s.labels, s.value, s.timeMs)).join('');
        const back: unknown[] = [];
        const failure = parseText(encoder.encode(page), {
          sample: (labels, number, timeMs) => back.push({ labels, value: number, timeMs }),
        });
        expect(failure).toBeUndefined();
        expect(back).toEqual(samples);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});

describe('foreign bytes', () => {
  const SOURCE = '# HELP a b\n# TYPE a histogram\na_bucket{le="1",x="\\"y"} 1.5e3 17\n{"q.r",s="t"} NaN\n';

  it('never throw and never loop', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        read(bytes);
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });

  it('nor do pages that were almost right', () => {
    const edit = fc.tuple(fc.nat(SOURCE.length - 1), fc.constantFrom(...'{}",=\\\n \t#0eN\0'), fc.boolean());
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 4 }), edits => {
        let page = SOURCE;
        for (const [at, char, insert] of edits)
          page = page.slice(0, at) + char + page.slice(insert ? at : at + 1);
        const rows = read(page);
        expect(typeof rows === 'string' ? rows.startsWith('line ') : rows.length <= 4).toBe(true);
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });
});

describe('a text without an end', () => {
  const MEGABYTE = 1024 * 1024;
  it.each([
    ['labels', `a{${'l="v",'.repeat(MEGABYTE)}`],
    ['one quoted value', `a{l="${'v'.repeat(4 * MEGABYTE)}`],
    ['one name', 'a'.repeat(4 * MEGABYTE)],
    ['one number', `a ${'1'.repeat(4 * MEGABYTE)}`],
  ])('made of %s is given up after a megabyte, in both formats', (_, text) => {
    for (const Reader of [TextReader, OpenMetricsReader]) {
      const reader = new Reader(encoder.encode(text));
      expect(reader.next()).toBe('failed');
      expect(reader.failure?.column).toBeLessThan(1.1 * MEGABYTE);
    }
  });
});
