// Pages in a row through one target's batcher: what is written, what is stale, what is counted.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compileRelabelRules,
  parseText,
  RELABEL_DEFAULTS,
  type RelabelRule,
} from '../../exposition/index.ts';
import { encodeFamilies, type TestMetric } from '../../exposition/testdata/protobuf.ts';
import {
  formatLabels,
  HIGH_WORD,
  LOW_WORD,
  labelsFrom,
  NAN_HIGH,
  NAN_LOW,
  targetId,
  wordsOf,
} from '../../model/index.ts';
import { type BatchSettings, TargetBatcher } from './batch.ts';
import { HISTOGRAMS_DEFAULT, type HistogramSettings } from './job.ts';
import { type LabelLimits, NO_LABEL_LIMITS } from './label-limits.ts';
import type { PageFormat } from './negotiation.ts';
import { MemoryWriter } from './testdata/memory-writer.ts';

const encoder = new TextEncoder();

interface Options {
  readonly honorLabels?: boolean;
  readonly honorTimestamps?: boolean;
  readonly trackTimestampsStaleness?: boolean;
  readonly sampleLimit?: number;
  readonly labelLimits?: LabelLimits;
  readonly seriesMax?: number;
  readonly histograms?: Partial<HistogramSettings>;
  readonly extraMetrics?: boolean;
  readonly format?: PageFormat;
  readonly target?: Record<string, string>;
  readonly rules?: readonly Partial<RelabelRule>[];
}

function settingsOf(options: Options): BatchSettings {
  const rules = compileRelabelRules((options.rules ?? []).map(rule => ({ ...RELABEL_DEFAULTS, ...rule })));
  if (!rules.ok) throw new Error(rules.error);
  return {
    producer: targetId('t'),
    rules: {
      targetLabels: labelsFrom(options.target ?? {}),
      honorLabels: options.honorLabels ?? false,
      metricRelabel: rules.value,
    },
    honorTimestamps: options.honorTimestamps ?? true,
    trackTimestampsStaleness: options.trackTimestampsStaleness ?? false,
    sampleLimit: options.sampleLimit ?? 0,
    labelLimits: options.labelLimits ?? NO_LABEL_LIMITS,
    seriesMax: options.seriesMax ?? 0,
    histograms: { ...HISTOGRAMS_DEFAULT, ...options.histograms },
    extraMetrics: options.extraMetrics ?? false,
    timeoutMs: 9500,
  };
}

function kit(options: Options = {}) {
  const writer = new MemoryWriter();
  const batcher = new TargetBatcher(writer, settingsOf(options));
  let timestampMs = 0;
  return {
    writer,
    batcher,
    /** undefined: the scrape failed. */
    page(page: string | Uint8Array | undefined) {
      timestampMs += 1000;
      const bytes = typeof page === 'string' ? encoder.encode(page) : page;
      const report = batcher.readPage(
        bytes === undefined ? undefined : { bytes, format: options.format ?? 'text' },
        'refused',
      );
      const batch = batcher.finish(report, { timestampMs, durationMs: 5, bodyBytes: bytes?.length ?? 0 });
      return { report, batch, rows: writer.rows(batch), all: writer.allRows(batch) };
    },
  };
}

/** Each page with the rows it must give; "!" in front: the page must fail. */
function check(
  options: Options,
  pages: readonly (readonly [page: string | undefined, rows: readonly string[]])[],
) {
  const { page } = kit(options);
  for (const [text, rows] of pages) expect(page(text).rows).toEqual(rows);
}

describe('staleness', () => {
  it('a vanished series gets one stale marker and comes back without ado', () => {
    check({}, [
      ['a 1\nb 2\nc 3\n', ['a 1', 'b 2', 'c 3']],
      ['a 1\nc 3\n', ['a 1', 'c 3', 'b stale']],
      ['a 1\nc 3\n', ['a 1', 'c 3']],
      ['a 1\nb 2\nc 3\n', ['a 1', 'b 2', 'c 3']],
    ]);
  });

  it('a failed scrape ends all series, the next page starts them again', () => {
    check({}, [
      ['a 1\nb 2\n', ['a 1', 'b 2']],
      [undefined, ['a stale', 'b stale']],
      [undefined, []],
      ['a 1\nb 2\n', ['a 1', 'b 2']],
    ]);
  });

  it('a page with one unreadable line is refused whole', () => {
    check({}, [
      ['a 1\nb 2\n', ['a 1', 'b 2']],
      ['a 1\nb x\n', ['a stale', 'b stale']],
    ]);
  });

  it('a series with timestamps of its own gets no stale marker, unless asked for', () => {
    check({}, [
      ['a 1 50\nb 2\n', ['a 1 @50', 'b 2']],
      ['b 2\n', ['b 2']],
    ]);
    check({ trackTimestampsStaleness: true }, [
      ['a 1 50\nb 2\n', ['a 1 @50', 'b 2']],
      ['b 2\n', ['b 2', 'a stale']],
    ]);
    check({ honorTimestamps: false }, [
      ['a 1 50\nb 2\n', ['a 1', 'b 2']],
      ['b 2\n', ['b 2', 'a stale']],
    ]);
  });

  it('the end of the target marks the report series too', () => {
    const { page, batcher, writer } = kit();
    page('a 1\n');
    const rows = writer.allRows(batcher.finishForGood(9999));
    expect(rows).toEqual([
      'a stale',
      'up stale',
      'scrape_duration_seconds stale',
      'scrape_samples_scraped stale',
      'scrape_samples_post_metric_relabeling stale',
      'scrape_series_added stale',
    ]);
    expect(writer.allRows(batcher.finishForGood(10_000))).toEqual([]);
  });

  it('new settings end only the series that do not come back', () => {
    const { page, batcher, writer } = kit();
    page('a 1\nb 2\n');
    batcher.configure(settingsOf({ rules: [{ action: 'drop', sourceLabels: ['__name__'], regex: 'b' }] }));
    expect(page('a 1\nb 2\n').rows).toEqual(['a 1', 'b stale']);
    batcher.configure(settingsOf({ target: { job: 'j' } }));
    expect(page('a 1\nb 2\n').rows).toEqual(['a{job="j"} 1', 'b{job="j"} 2', 'a stale']);
    expect(writer.interned).toBeGreaterThan(0);
  });
});

describe('layout', () => {
  it('a page like the last needs no lookup, whatever the values and their lengths', () => {
    const { page, writer } = kit();
    page('# HELP a x\n# TYPE a gauge\na{x="1"} 1\nfoo 2\n');
    const known = writer.interned;
    const second = page('# HELP a x\n# TYPE a gauge\na{x="1"} 12345.5 \nfoo\t-2e3\n');
    expect(second.report.missed).toBe(0);
    expect(second.rows).toEqual(['a{x="1"} 12345.5', 'foo -2000']);
    expect(writer.interned).toBe(known);
    expect(page('a{x="1"} 1\nfoo 2').rows).toEqual(['a{x="1"} 1', 'foo 2']);
  });

  it('gives out the same array of refs while the page stays the same', () => {
    const { page } = kit();
    const first = page('a 1\nb 2\n').batch;
    const second = page('a 3\nb 4\n').batch;
    expect(second.series).toBe(first.series);
    expect(page('a 3\nb 4\nc 5\n').batch.series).not.toBe(first.series);
  });

  it('a name that goes on is another series', () => {
    check({}, [
      ['foo 1\nbar 2\n', ['foo 1', 'bar 2']],
      ['foobar 1\nbar 2\n', ['foobar 1', 'bar 2', 'foo stale']],
      ['foo{a="b"} 1\nbar 2\n', ['foo{a="b"} 1', 'bar 2', 'foobar stale']],
      ['foo {a="b"} 1\nbar 2\n', ['foo{a="b"} 1', 'bar 2']],
    ]);
  });

  it('one line more or less costs one lookup', () => {
    const { page } = kit();
    const lines = Array.from({ length: 50 }, (_, i) => `m{i="${i}"} ${i}`);
    page(lines.join('\n'));
    expect(page(lines.toSpliced(10, 1).join('\n')).report.missed).toBe(1);
    expect(page(lines.toSpliced(10, 1).join('\n')).report.missed).toBe(0);
    expect(page(lines.join('\n')).report.missed).toBe(1);
    expect(page(lines.join('\n')).report.missed).toBe(0);
  });

  it('starts its table anew when most texts have vanished, without stale markers for the rest', () => {
    const { page } = kit();
    const churn = (from: number) => Array.from({ length: 600 }, (_, i) => `m{i="${from + i}"} 1`).join('\n');
    for (let n = 0; n < 5; n++) {
      const { rows } = page(`keep 1\n${churn(n * 600)}\n`);
      expect(rows.filter(row => row.endsWith('stale')).length).toBe(n === 0 ? 0 : 600);
      expect(rows).not.toContain('keep stale');
    }
  });

  it('asks for a new ref when the store has dropped the series', () => {
    const { page, writer } = kit();
    page('a 1\nb 2\n');
    page('a 1\n');
    writer.dropSeries('b{}');
    writer.dropSeries('b');
    expect(page('a 1\nb 2\n').rows).toEqual(['a 1', 'b 2']);
  });

  it('asks for a new ref when the store has dropped a series of the very last page', () => {
    const { page, writer } = kit();
    page('a 1\nb 2\n');
    page('a 1\nb 2\n');
    writer.dropSeries('b{}');
    writer.dropSeries('b');
    expect(page('a 1\nb 3\n').rows).toEqual(['a 1', 'b 3']);
  });
});

describe('labels', () => {
  const target = { job: 'j', instance: 'i' };

  it('the target wins and the page is kept as exported_', () => {
    check({ target }, [
      [
        'a{job="x",exported_job="y"} 1\n',
        ['a{exported_exported_job="x", exported_job="y", instance="i", job="j"} 1'],
      ],
    ]);
  });

  it('with honor_labels the page wins, an empty label too', () => {
    check({ target, honorLabels: true }, [
      ['a{job="x"} 1\nb{instance=""} 1\n', ['a{instance="i", job="x"} 1', 'b{job="j"} 1']],
    ]);
  });

  it('relabelling drops samples and a page without a name is refused', () => {
    const { page } = kit({ rules: [{ action: 'drop', sourceLabels: ['__name__'], regex: 'a' }] });
    const { report, rows } = page('a 1\nb 2\n');
    expect(rows).toEqual(['b 2']);
    expect([report.lines, report.kept]).toEqual([2, 1]);
    const nameless = kit({ rules: [{ action: 'labeldrop', regex: '__name__' }] }).page('a{b="c"} 1\n');
    expect(nameless.report.error).toContain('no metric name');
  });

  it('writes bucket bounds in one way', () => {
    check({}, [['# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="1.0"} 2\n', ['h_bucket{le="1.0"} 1']]]);
  });
});

describe('counting', () => {
  it('of a series that stands twice the first wins', () => {
    const { page } = kit();
    const { rows, report } = page('a 1\na 2\nb{x="1",y="2"} 3\nb{y="2",x="1"} 4\n');
    expect(rows).toEqual(['a 1', 'b{x="1", y="2"} 3']);
    expect([report.duplicates, report.kept, report.seriesAdded]).toEqual([2, 4, 3]);
    expect(page('a 1\na 2\nb{x="1",y="2"} 3\nb{y="2",x="1"} 4\n').rows).toEqual(rows);
  });

  it('samples of one series at several times of their own are all kept', () => {
    check({}, [['a 1 10\na 2 20\n', ['a 1 @10', 'a 2 @20']]]);
  });

  it('a page over the sample limit is refused and fills no store', () => {
    const { page, writer } = kit({ sampleLimit: 2 });
    const { report, rows, all } = page('a 1\nb 2\nc 3\nd 4\n');
    expect(report.error).toContain('sample_limit is 2');
    expect(rows).toEqual([]);
    expect(all).toContain('up 0');
    expect(all).toContain('scrape_samples_post_metric_relabeling 4');
    expect(writer.interned).toBeLessThanOrEqual(2 + 5);
    expect(page('a 1\nb 2\n').rows).toEqual(['a 1', 'b 2']);
  });

  it('report series say what happened', () => {
    const { page } = kit();
    expect(page('a 1\nb 2\n').all.slice(2)).toEqual([
      'up 1',
      'scrape_duration_seconds 0.005',
      'scrape_samples_scraped 2',
      'scrape_samples_post_metric_relabeling 2',
      'scrape_series_added 2',
    ]);
    expect(page(undefined).all.slice(2)).toEqual([
      'up 0',
      'scrape_duration_seconds 0.005',
      'scrape_samples_scraped 0',
      'scrape_samples_post_metric_relabeling 0',
      'scrape_series_added 0',
    ]);
  });

  it('a series that the store refuses is counted and asked for again', () => {
    const { page, writer } = kit();
    page('a 1\n');
    writer.seriesMax = 6;
    const refused = page('a 1\nb 2\n');
    expect([refused.rows, refused.report.refused]).toEqual([['a 1'], 1]);
    writer.seriesMax = 7;
    expect(page('a 1\nb 2\n').rows).toEqual(['a 1', 'b 2']);
  });

  it('NaN keeps the bits of Prometheus', () => {
    const { batch } = kit().page('a NaN\n');
    const words = wordsOf(batch.values);
    expect([words[HIGH_WORD], words[LOW_WORD]]).toEqual([NAN_HIGH, NAN_LOW]);
  });

  it('metadata is told once, and again when it changes', () => {
    const { page } = kit();
    const text = '# HELP a some \\\\ text\\n\n# TYPE a counter\na 1\n';
    expect(page(text).batch.metadata).toEqual([
      { metric: 'a', type: 'counter', help: 'some \\ text\n', unit: '' },
    ]);
    expect(page(text).batch.metadata).toBeUndefined();
    expect(page(text.replace('counter', 'gauge')).batch.metadata).toEqual([
      { metric: 'a', type: 'gauge', help: 'some \\ text\n', unit: '' },
    ]);
  });
});

describe('any pages in a row', () => {
  const SEED = 20_260_102;
  const line = fc.tuple(
    fc.constantFrom(
      'a',
      'ab',
      'b{x="1"}',
      'b{x="1",y="2"}',
      'b{y="2",x="1"}',
      'b {x="1"}',
      '{"c.d"}',
      '# c',
      '',
      '# TYPE a gauge',
    ),
    fc.constantFrom(' 1', ' 2.5', '\t-3e4 ', '  1', ' NaN', ' 17 5', ' x'),
  );
  const pages = fc.array(fc.array(line, { maxLength: 12 }), { minLength: 1, maxLength: 8 });
  const textOf = (lines: readonly (readonly [string, string])[]): string =>
    lines.map(([name, rest]) => (name === '' || name.startsWith('#') ? name : name + rest)).join('\n');

  /** What the page says on its own, the slow and simple way: rows in order, and what counts for staleness. */
  function plainly(text: string): { rows: string[]; tracked: Set<string> } | undefined {
    const rows: string[] = [];
    const seen = new Set<string>();
    const tracked = new Set<string>();
    const failure = parseText(encoder.encode(text), {
      sample(labels, value, timeMs) {
        const name = formatLabels(labels);
        if (seen.has(name) && timeMs === undefined) return;
        seen.add(name);
        if (timeMs === undefined) tracked.add(name);
        rows.push(`${name} ${value}${timeMs === undefined ? '' : ` @${timeMs}`}`);
      },
    });
    return failure === undefined ? { rows, tracked } : undefined;
  }

  it('give what each page says on its own, and stale markers for what the last had more', () => {
    fc.assert(
      fc.property(pages, drawn => {
        const { page } = kit();
        let before = new Set<string>();
        for (const lines of drawn) {
          const text = textOf(lines);
          const wanted = plainly(text);
          const { rows, report } = page(text);
          const tracked = wanted?.tracked ?? new Set<string>();
          const stale = [...before].filter(name => !tracked.has(name)).map(name => `${name} stale`);
          expect(rows.filter(row => !row.endsWith('stale'))).toEqual(wanted?.rows ?? []);
          expect(rows.filter(row => row.endsWith('stale')).sort()).toEqual(stale.sort());
          expect(report.error === '').toBe(wanted !== undefined);
          before = tracked;
        }
      }),
      { seed: SEED, numRuns: 1500 },
    );
  });
});

describe('a page of OpenMetrics', () => {
  it('is recognised line by line the next time, with new values, times and exemplars', () => {
    const k = kit({ format: 'openmetrics' });
    const page = (n: number): string =>
      `# TYPE a counter\n# UNIT a_s s\na_total{b="c"} ${n} ${n}.25 # {id="${n}"} 0.${n}\ng ${n}\n# EOF\n`;
    k.page(page(1));
    const { report, batch, rows } = k.page(page(2));
    expect(report).toMatchObject({ error: '', lines: 2, missed: 0 });
    expect(rows).toEqual(['a_total{b="c"} 2 @2250', 'g 2']);
    expect(batch.exemplars).toEqual([{ index: 0, exemplar: { labels: ['id', '2'], value: 0.2 } }]);
  });

  it('without its end is refused as a whole', () => {
    const k = kit({ format: 'openmetrics' });
    k.page('a 1\n# EOF\n');
    const { report, rows } = k.page('a 2\n');
    expect(report.error).toContain('# EOF');
    expect(rows).toEqual(['a stale']);
  });
});

describe('limits on labels', () => {
  it.each([
    [{ ...NO_LABEL_LIMITS, labels: 2 }, 'a{b="1",c="2"} 1\n', 'with 3 labels: label_limit is 2'],
    [
      { ...NO_LABEL_LIMITS, nameBytes: 8 },
      'a{long_name="1"} 1\n',
      'a name of 9 bytes, label_name_length_limit is 8',
    ],
    [
      { ...NO_LABEL_LIMITS, valueBytes: 4 },
      'a{b="\u4e00\u4e00"} 1\n',
      'a value of 6 bytes, label_value_length_limit is 4',
    ],
    [{ ...NO_LABEL_LIMITS, legacyNames: true }, '{"a.b"} 1\n', 'legacy does not allow the name'],
    [{ ...NO_LABEL_LIMITS, legacyNames: true }, 'a{"b.c"="d"} 1\n', 'legacy does not allow'],
  ])('%j refuse the page by name', (labelLimits, page, problem) => {
    const k = kit({ labelLimits });
    expect(k.page('a{b="1"} 1\n').report.error).toBe('');
    const { report, rows } = k.page(page);
    expect(report.error).toContain(problem);
    expect(rows).toEqual(['a{b="1"} stale']);
  });
});

describe('a target with too many series', () => {
  it('keeps those it has, refuses new ones, and takes them once others have gone', () => {
    const k = kit({ seriesMax: 2 });
    k.page('a 1\nb 1\n');
    const full = k.page('c 2\na 2\nb 2\nd 2\n');
    expect(full.report).toMatchObject({ error: '', kept: 4, refused: 2, beyond: 2 });
    expect(full.rows).toEqual(['a 2', 'b 2']);
    k.page('c 3\nb 3\n');
    const after = k.page('c 4\nb 4\n');
    expect(after.report).toMatchObject({ refused: 0, beyond: 0 });
    expect(after.rows).toEqual(['c 4', 'b 4']);
  });

  it('keeps what it knows of its texts while it is full, also of series with timestamps of their own', () => {
    const k = kit({ seriesMax: 2 });
    k.page('a 1 100\nb 1 100\nc 1 100\n');
    k.page('a 2 200\nb 2 200\nc 2 200\n');
    const { report, rows } = k.page('a 3 300\nb 3 300\nc 3 300\n');
    expect(report).toMatchObject({ missed: 0, seriesAdded: 0, refused: 1, beyond: 1 });
    expect(rows).toEqual(['a 3 @300', 'b 3 @300']);
  });
});

describe('protobuf', () => {
  const page = (value: number, more: readonly TestMetric[] = []): Uint8Array =>
    encodeFamilies([
      { name: 'c', type: 0, metrics: [{ labels: [['a', 'x']], value, startMs: 5 }, ...more] },
      { name: 'g', type: 1, metrics: [{ value: 1, timeMs: 50 }] },
    ]);

  it('is recognised line by line, with values, times and stale markers as in text', () => {
    const { page: read } = kit({ format: 'protobuf' });
    expect(read(page(1)).rows).toEqual(['c{a="x"} 1 since 5', 'g 1 @50']);
    const second = read(page(2));
    expect(second.rows).toEqual(['c{a="x"} 2 since 5', 'g 1 @50']);
    expect(second.report).toMatchObject({ lines: 2, missed: 0 });
    const more = read(page(3, [{ labels: [['a', 'y']], value: 9 }]));
    expect(more.rows).toEqual(['c{a="x"} 3 since 5', 'c{a="y"} 9', 'g 1 @50']);
    expect(more.report.missed).toBe(1);
    expect(read(page(4)).rows).toEqual(['c{a="x"} 4 since 5', 'g 1 @50', 'c{a="y"} stale']);
    expect(read(Uint8Array.of(1, 2)).rows).toEqual(['c{a="x"} stale']);
  });

  it('tells metadata, and that a type has changed', () => {
    const { page: read } = kit({ format: 'protobuf' });
    const one = (type: number): Uint8Array =>
      encodeFamilies([{ name: 'm', help: 'h', type, metrics: [{ value: 1 }] }]);
    expect(read(one(1)).batch.metadata).toEqual([{ metric: 'm', type: 'gauge', help: 'h', unit: '' }]);
    expect(read(one(1)).batch.metadata).toBeUndefined();
    expect(read(one(3)).batch.metadata).toEqual([{ metric: 'm', type: 'unknown', help: 'h', unit: '' }]);
  });

  const histogram = (more: Partial<TestMetric> = {}): Uint8Array =>
    encodeFamilies([
      {
        name: 'h',
        type: 4,
        metrics: [
          {
            count: 10,
            sum: 2.5,
            schema: 1,
            zeroThreshold: 0.1,
            zeroCount: 1,
            positive: {
              spans: [
                [0, 3],
                [2, 2],
              ],
              counts: [1, 0, 2, 3, 1],
            },
            negative: { spans: [[1, 1]], counts: [2] },
            buckets: [[1, 4]],
            ...more,
          },
        ],
      },
    ]);
  const native = { native: true, classicToo: false };

  it('gives native histograms without their empty buckets, or classic ones unless they are asked for', () => {
    const whole = 'h h1 10/2.5/1 [-1:2 0:1 2:2 5:3 6:1]';
    const { page: read } = kit({ format: 'protobuf', histograms: native });
    expect(read(histogram()).rows).toEqual([whole]);
    expect(read(histogram()).rows).toEqual([whole]);
    expect(kit({ format: 'protobuf' }).page(histogram()).rows).toEqual([
      'h_count 10',
      'h_sum 2.5',
      'h_bucket{le="1.0"} 4',
      'h_bucket{le="+Inf"} 10',
    ]);
    const both = kit({ format: 'protobuf', histograms: { native: true, classicToo: true } });
    expect(both.page(histogram()).rows).toHaveLength(5);
  });

  it('makes their buckets coarser where limits ask for it', () => {
    const limited = (buckets: number, minFactor: number) =>
      kit({ format: 'protobuf', histograms: { ...native, limits: { buckets, minFactor } } }).page(
        histogram(),
      );
    // Bounds twice as far apart: the buckets 1 and 2 become 1, 3 and 4 become 2, …
    expect(limited(0, 2).rows).toEqual(['h h0 10/2.5/1 [-1:2 0:1 1:2 3:4]']);
    expect(limited(4, 0).rows).toEqual(['h h0 10/2.5/1 [-1:2 0:1 1:2 3:4]']);
    expect(limited(3, 0).rows).toEqual(['h h-2 10/2.5/1 [-1:2 0:1 1:6]']);
    expect(limited(2, 0).report.error).toBe(
      'Cannot take the native histogram "h": it has 3 buckets: native_histogram_bucket_limit is 2',
    );
  });

  it('spoils the page with a native histogram that cannot be one', () => {
    const { page: read } = kit({ format: 'protobuf', histograms: native });
    expect(read(histogram()).rows).toHaveLength(1);
    const bad = read(histogram({ count: 11 }));
    expect(bad.report.error).toBe(
      'Cannot take the native histogram "h": its buckets hold 10 observations and its count is 11',
    );
    expect(bad.rows).toEqual(['h stale']);
  });
});

describe('classic histograms as native ones', () => {
  const lines = (job: string, [one, two, all]: readonly number[]): string =>
    [
      `h_bucket{job="${job}",le="0.5"} ${one}`,
      `h_bucket{job="${job}",le="1"} ${two}`,
      `h_bucket{job="${job}",le="+Inf"} ${all}`,
      `h_sum{job="${job}"} 7.5`,
      `h_count{job="${job}"} ${all}`,
      '',
    ].join('\n');
  const page = `a 1\n# TYPE h histogram\n${lines('x', [1, 3, 4])}${lines('y', [0, 2.5, 3])}# TYPE g gauge\ng 2\n`;
  const convert = { toCustomBounds: true };

  it('take the place of their lines, each series by itself', () => {
    const { page: read } = kit({ histograms: convert });
    const rows = [
      'a 1',
      'h{job="x"} h-53 4/7.5/0 [0.5:1 1:2 +Inf:1]',
      'h{job="y"} h-53 3/7.5/0 [1:2.5 +Inf:0.5] float',
      'g 2',
    ];
    expect(read(page).rows).toEqual(rows);
    const again = read(page);
    expect(again.rows).toEqual(rows);
    expect(again.report).toMatchObject({ missed: 0, duplicates: 0, kept: 4 });
    expect(read('a 1\n').rows).toEqual(['a 1', 'h{job="x"} stale', 'h{job="y"} stale', 'g stale']);
  });

  it('stand beside their lines where these are wanted too', () => {
    const { page: read } = kit({ histograms: { ...convert, classicToo: true } });
    expect(read(page).rows).toHaveLength(2 + 2 * 6);
  });

  it('keep their labels, their exemplars and their own time, and are relabelled as any series', () => {
    const { page: read } = kit({
      format: 'openmetrics',
      histograms: convert,
      target: { instance: 'i' },
      rules: [{ action: 'labelmap', regex: 'job', replacement: 'team' }],
    });
    const text = `# TYPE h histogram\nh_bucket{job="a\\"b",le="+Inf"} 1 0.05 # {t="1"} 9\nh_count{job="a\\"b"} 1 0.05\nh_sum{job="a\\"b"} 9 0.05\n# EOF\n`;
    const { rows, batch } = read(text);
    expect(rows).toEqual(['h{instance="i", job="a\\"b", team="a\\"b"} h-53 1/9/0 [+Inf:1] @50']);
    expect(batch.exemplars).toHaveLength(1);
  });

  it('are left out when their buckets fall, and stand back behind native ones of the page', () => {
    const { page: read } = kit({ histograms: convert });
    expect(
      read('# TYPE h histogram\nh_bucket{le="1"} 5\nh_bucket{le="+Inf"} 4\nh_count 4\nb 1\n').rows,
    ).toEqual(['b 1']);
    const both = kit({ format: 'protobuf', histograms: { ...convert, native: true, classicToo: true } });
    const metric: TestMetric = { count: 1, sum: 1, schema: 0, positive: { spans: [[0, 1]], counts: [1] } };
    const family = { name: 'h', type: 4, metrics: [{ ...metric, buckets: [[1, 1]] }] } as const;
    const found = both.page(encodeFamilies([family]));
    expect(found.rows.filter(row => row.startsWith('h '))).toEqual(['h h0 1/1/0 [0:1]']);
  });

  it('leave series alone that only look like them', () => {
    const { page: read } = kit({ histograms: convert });
    const text =
      'x_bucket{le="1"} 1\nx_count 2\n# TYPE h histogram\nh_bucket{le="one"} 3\nh_other 4\ny_count 5\nh_sum 6\n';
    expect(read(text).rows).toEqual([
      'x_bucket{le="1"} 1',
      'x_count 2',
      'h_bucket{le="one"} 3',
      'h_other 4',
      'y_count 5',
      'h_sum 6',
    ]);
  });
});

describe('extra_scrape_metrics', () => {
  it('tell the timeout, the limit and the size of the page, and end when they are switched off', () => {
    const options = { extraMetrics: true, sampleLimit: 5 };
    const { page, batcher, writer } = kit(options);
    const extra = (rows: readonly string[]): string[] => rows.filter(row => /timeout|limit|body/.test(row));
    expect(extra(page('a 1\n').all)).toEqual([
      'scrape_timeout_seconds 9.5',
      'scrape_sample_limit 5',
      'scrape_body_size_bytes 4',
    ]);
    expect(extra(page(undefined).all)[2]).toBe('scrape_body_size_bytes 0');
    batcher.configure(settingsOf({ ...options, extraMetrics: false }));
    expect(extra(page('a 1\n').all)).toEqual([
      'scrape_timeout_seconds stale',
      'scrape_sample_limit stale',
      'scrape_body_size_bytes stale',
    ]);
    expect(extra(writer.allRows(batcher.finishForGood(9999)))).toEqual([]);
  });
});

describe('lines that no exporter writes', () => {
  it.each([
    ['a series', `a{${'l="v",'.repeat(200_000)}} 1\n`, 'more than 1048576 bytes of one series'],
    ['a help text', `# HELP a ${'x'.repeat(1_100_000)}\na 1\n`, 'more than 1048576 bytes of one text'],
  ])('%s of more than a megabyte spoils the page, and its message is short', (_, text, cause) => {
    const { report, rows } = kit().page(text);
    expect(rows).toEqual([]);
    expect(report.error).toContain(cause);
    expect(report.error.length).toBeLessThan(500);
  });
});
