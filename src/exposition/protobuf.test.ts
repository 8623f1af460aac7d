// Pages of delimited protobuf: the series they stand for, what stands beside the values, refusals, foreign bytes.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatLabels, isStaleAt, labelsFromPairs } from '../model/index.ts';
import { badNames, decodeSeries, helpOf, nameOf, type ProtobufOptions, ProtobufReader } from './index.ts';
import { encodeFamilies, type TestExemplar, type TestFamily, type TestMetric } from './testdata/protobuf.ts';

const SEED = 20261124;
const CLASSIC: ProtobufOptions = { native: false, classicToo: false };
const NATIVE: ProtobufOptions = { native: true, classicToo: false };

/** Each entry in a line; a failure last. */
function read(page: Uint8Array | readonly TestFamily[], options = CLASSIC): readonly string[] {
  const reader = new ProtobufReader(page instanceof Uint8Array ? page : encodeFamilies(page), options);
  const found: string[] = [];
  for (;;) {
    const kind = reader.next();
    if (kind === 'end') return found;
    if (kind === 'failed') return [...found, `! ${reader.failure?.message}`];
    if (kind === 'sample') found.push(sampleLine(reader));
    else if (kind === 'type') found.push(`type ${nameOf(reader)} ${reader.type}`);
    else found.push(`${kind} ${nameOf(reader)} ${helpOf(reader)}`);
  }
}

function sampleLine(reader: ProtobufReader): string {
  const pairs = decodeSeries(reader.bytes.subarray(reader.seriesStart, reader.seriesEnd), reader.type);
  expect(badNames(pairs)).toBeUndefined();
  const { histogram, timestampMs, startMs, exemplars } = reader;
  const value =
    histogram === undefined
      ? String(reader.value[0])
      : `h${histogram.schema} ${histogram.count} ${histogram.sum} ${histogram.zeroCount} [${[...histogram.positiveCounts]}] [${[...histogram.negativeCounts]}] ${histogram.resetHint}${histogram.integer ? '' : ' float'}`;
  const time = Number.isNaN(timestampMs) ? '' : ` @${timestampMs}`;
  const start = Number.isNaN(startMs) ? '' : ` since ${startMs}`;
  const beside = exemplars.map(one => ` # ${formatLabels(one.labels)} ${one.value} ${one.timestampMs ?? ''}`);
  return `${formatLabels(labelsFromPairs(pairs))} ${value}${time}${start}${beside.join('')}`.trimEnd();
}

const family = (
  type: number,
  metrics: readonly TestMetric[],
  more: Partial<TestFamily> = {},
): TestFamily[] => [{ name: 'm', type, metrics, ...more }];

describe('a page of protobuf', () => {
  it('gives counters, gauges and untyped ones with their times', () => {
    const page = [
      ...family(0, [
        { value: 3, startMs: 1_500_000_000_123, exemplar: { labels: [['t', '1']], value: 2, timeMs: 5 } },
      ]),
      ...family(1, [{ labels: [['a', 'x"\\\ny']], value: -0.5, timeMs: 1234 }], {
        name: 'g_bytes',
        help: 'How "many"\\\nthere are.',
        unit: 'bytes',
      }),
      ...family(3, [{ value: Infinity }, {}], { name: 'u' }),
    ];
    expect(read(page)).toEqual([
      'help m ',
      'type m counter',
      'm 3 since 1500000000123 # {t="1"} 2 5',
      'help g_bytes How "many"\\\nthere are.',
      'unit g_bytes bytes',
      'type g_bytes gauge',
      'g_bytes{a="x\\"\\\\\\ny"} -0.5 @1234',
      'help u ',
      'type u unknown',
      'u Infinity',
      'u 0',
    ]);
  });

  it('gives summaries and classic histograms with all their series, bounds as in text', () => {
    const exemplar = { labels: [['t', '1']] as const, value: 0.25 };
    const page = [
      ...family(2, [
        {
          labels: [['a', 'b']],
          count: 7,
          sum: 1.5,
          quantiles: [
            [0.5, 1],
            [1, NaN],
          ],
          startMs: 9,
        },
      ]),
      ...family(
        4,
        [
          {
            count: 4,
            sum: 8,
            buckets: [
              [0.1, 1, exemplar],
              [1, 3],
            ],
          },
        ],
        { name: 'h' },
      ),
      ...family(
        5,
        [
          {
            count: 1.5,
            isFloat: true,
            sum: 2,
            buckets: [
              [2, 0.5],
              [Infinity, 1.5],
            ],
          },
        ],
        { name: 'f' },
      ),
    ];
    expect(read(page).filter(line => !/^(help|type)/.test(line))).toEqual([
      'm_count{a="b"} 7 since 9',
      'm_sum{a="b"} 1.5 since 9',
      'm{a="b", quantile="0.5"} 1 since 9',
      'm{a="b", quantile="1.0"} NaN since 9',
      'h_count 4',
      'h_sum 8',
      'h_bucket{le="0.1"} 1 # {t="1"} 0.25',
      'h_bucket{le="1.0"} 3',
      'h_bucket{le="+Inf"} 4',
      'f_count 1.5',
      'f_sum 2',
      'f_bucket{le="2.0"} 0.5',
      'f_bucket{le="+Inf"} 1.5',
    ]);
  });

  const both: TestMetric = {
    count: 6,
    sum: 12,
    schema: 3,
    zeroThreshold: 0.001,
    zeroCount: 1,
    positive: {
      spans: [
        [0, 2],
        [3, 1],
      ],
      counts: [1, 2, 1],
    },
    negative: { spans: [[-2, 1]], counts: [1] },
    buckets: [
      [1, 4],
      [Infinity, 6],
    ],
    startMs: 77,
  };

  it('gives native histograms where they are asked for, else what they have of classic buckets', () => {
    const native = 'm h3 6 12 1 [1,2,1] [1] unknown since 77';
    const classic = ['m_count 6', 'm_sum 12', 'm_bucket{le="1.0"} 4', 'm_bucket{le="+Inf"} 6'];
    const since = classic.map(line => `${line} since 77`);
    const lines = (options: ProtobufOptions): readonly string[] => read(family(4, [both]), options).slice(2);
    expect(lines(NATIVE)).toEqual([native]);
    expect(lines({ native: true, classicToo: true })).toEqual([native, ...since]);
    expect(lines(CLASSIC)).toEqual(since);
    // Classic only: as such, whatever is asked for.
    const plain = family(4, [{ count: 1, sum: 2, buckets: [[Infinity, 1]] }]);
    expect(read(plain, NATIVE)).toEqual(read(plain, CLASSIC));
  });

  it('knows float histograms, gauges, and histograms without observations by their empty span', () => {
    const float = { ...both, isFloat: true, count: 6.5, zeroCount: 0.5 };
    expect(read(family(5, [float]), NATIVE).at(-1)).toBe('m h3 6.5 12 0.5 [1,2,1] [1] gauge float since 77');
    const empty: TestMetric = { count: 0, sum: 0, positive: { spans: [[0, 0]], counts: [] } };
    expect(read(family(4, [empty]), NATIVE).at(-1)).toBe('m h0 0 0 0 [] [] unknown');
  });

  it('gives a native histogram the exemplars that have a time: its own, or those of its buckets', () => {
    const timed: TestExemplar = { labels: [['t', '1']], value: 1, timeMs: 10 };
    const timeless: TestExemplar = { labels: [['t', '2']], value: 2 };
    expect(read(family(4, [{ ...both, exemplars: [timed, timeless] }]), NATIVE).at(-1)).toMatch(
      / # \{t="1"\} 1 10$/,
    );
    const buckets: TestMetric['buckets'] = [
      [1, 4, timed],
      [Infinity, 6, timeless],
    ];
    expect(read(family(4, [{ ...both, buckets }]), NATIVE).at(-1)).toMatch(/since 77 # \{t="1"\} 1 10$/);
  });

  it('keeps the bits of a value', () => {
    const reader = new ProtobufReader(encodeFamilies(family(1, [{ value: 0x7ff0000000000002n }])), CLASSIC);
    while (reader.next() !== 'sample');
    expect(isStaleAt(reader.valueWords, 0)).toBe(true);
  });

  it('gives names and labels in any letters', () => {
    const page = family(1, [{ labels: [['größe.in', 'ü']], value: 1 }], { name: 'http.größe' });
    expect(read(page).at(-1)).toBe('{"http.größe", "größe.in"="ü"} 1');
    const histogram = family(4, [{ count: 1, sum: 1, buckets: [] }], { name: 'http.h' });
    expect(read(histogram).slice(2)).toEqual([
      '{"http.h_count"} 1',
      '{"http.h_sum"} 1',
      '{"http.h_bucket", le="+Inf"} 1',
    ]);
  });

  it('passes over families without metrics, and ends after nothing', () => {
    expect(read([{ name: 'empty', type: 0, metrics: [] }])).toEqual([]);
    expect(read(new Uint8Array(0))).toEqual([]);
  });

  it('is refused with the number of the family that is bad', () => {
    const good = encodeFamilies(family(0, [{ value: 1 }]));
    const bad = /^! Cannot read the page: its metric family 2 cannot be read/;
    expect(read(Uint8Array.of(...good, 200)).at(-1)).toMatch(bad);
    expect(read([...family(0, [{ value: 1 }]), ...family(9, [])]).at(-1)).toMatch(bad);
    expect(read([...family(0, [{ value: 1 }]), ...family(0, [{ value: 1 }], { name: '' })]).at(-1)).toMatch(
      /family 2 cannot be read: it has no name/,
    );
    const hurt = encodeFamilies(family(0, [{ labels: [['a', 'bcd']], value: 1 }]));
    hurt[Buffer.from(hurt).indexOf('bcd')] = 0xff;
    expect(read(hurt).at(-1)).toBe('! Cannot read the page: it is not valid UTF-8');
  });

  it('costs neither an exception nor much memory, whatever the bytes', () => {
    const sound = encodeFamilies([
      ...family(4, [both]),
      ...family(2, [{ count: 1, sum: 1, quantiles: [[0.5, 1]] }], { name: 's', help: 'x', unit: 'y' }),
      ...family(0, [{ value: 1, exemplar: { labels: [['a', 'b']], value: 1, timeMs: 1 } }], { name: 'c' }),
    ]);
    const through = (page: Uint8Array): void => {
      const reader = new ProtobufReader(page, { native: true, classicToo: true });
      let entries = 0;
      while (!['end', 'failed'].includes(reader.next())) entries++;
      expect(entries).toBeLessThan(page.length * 20 + 10);
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), through), { seed: SEED, numRuns: 2000 });
    const edits = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(edits, fc.nat(sound.length), (changes, end) => {
        const page = sound.slice(0, end === 0 ? sound.length : end);
        for (const [at, byte] of changes) if (at < page.length) page[at] = byte;
        through(page);
      }),
      { seed: SEED, numRuns: 4000 },
    );
  });
});
