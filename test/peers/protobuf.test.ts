// The same pages of delimited protobuf to Debian's Prometheus and to our reader: the same series, values and buckets.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { HISTOGRAMS_DEFAULT, NO_LABEL_LIMITS, TargetBatcher } from '../../src/collect/scrape/index.ts';
import {
  encodeFamilies,
  type TestBuckets,
  type TestFamily,
  type TestMetric,
} from '../../src/exposition/testdata/protobuf.ts';
import {
  labelPairs,
  labelsFrom,
  type NativeHistogram,
  type SampleBatch,
  targetId,
} from '../../src/model/index.ts';
import { temporaryFolder, until } from '../e2e/support.ts';
import { MemorySeriesStore } from '../support/memory-series.ts';
import { seededRandom } from '../support/random.ts';

const BINARY = 'prometheus';
const present = spawnSync(BINARY, ['--version'], { stdio: 'ignore' }).status === 0;
const needed = process.env['CI'] === 'true';
const TEST_MS_MAX = 60_000;
const SEED = 20261124;
const CLOSE = 1e-9;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

// --- pages ------------------------------------------------------------------------------------------------

type Random = ReturnType<typeof seededRandom>;

function bucketsOf(random: Random, isFloat: boolean): TestBuckets {
  const spans = Array.from({ length: 1 + (random.uint32() % 3) }, (_, i) => {
    const offset = i === 0 ? (random.uint32() % 20) - 10 : 1 + (random.uint32() % 4);
    return [offset, 1 + (random.uint32() % 4)] as const;
  });
  const buckets = spans.reduce((sum, [, length]) => sum + length, 0);
  // Some are empty: both compact them.
  const counts = Array.from({ length: buckets }, () => (random.uint32() % 8) * (isFloat ? 0.25 : 1));
  return { spans, counts };
}

function histogram(random: Random, isFloat: boolean): TestMetric {
  const positive = bucketsOf(random, isFloat);
  const negative = bucketsOf(random, isFloat);
  const zeroCount = 1 + (random.uint32() % 5);
  const all = [...positive.counts, ...negative.counts].reduce((sum, one) => sum + one, zeroCount);
  return {
    labels: [['i', String(random.uint32() % 1000)]],
    isFloat,
    count: all,
    sum: random.float() * 100,
    schema: (random.uint32() % 13) - 4,
    // Below all buckets: the peer cuts those that reach into the zero bucket.
    zeroThreshold: 1e-60,
    zeroCount,
    positive,
    negative,
  };
}

function pageOf(random: Random): TestFamily[] {
  const value = (): number => (random.uint32() % 3 === 0 ? random.uint32() : random.float());
  const labels = [['a', 'quote " backslash \\ line \n ü']] as const;
  const buckets = [0.001, 0.5, 1, 2.5, 1e10].map((bound, i) => [bound, i] as const);
  return [
    {
      name: 'counter_total',
      type: 0,
      help: 'Counts.',
      metrics: [{ labels, value: value() }, { value: value() }],
    },
    { name: 'gauge', type: 1, metrics: [{ value: -value() }] },
    { name: 'untyped', type: 3, metrics: [{ value: Infinity }] },
    {
      name: 'summary',
      type: 2,
      metrics: [
        {
          labels,
          count: 7,
          sum: value(),
          quantiles: [
            [0.5, value()],
            [0.99, value()],
          ],
        },
      ],
    },
    { name: 'classic', type: 4, metrics: [{ labels, count: 9, sum: value(), buckets }] },
    {
      name: 'native',
      type: 4,
      metrics: Array.from({ length: 12 }, (_, i) => ({
        ...histogram(random, false),
        labels: [['i', String(i)]] as const,
      })),
    },
    {
      name: 'native_float',
      type: 5,
      metrics: Array.from({ length: 6 }, (_, i) => ({
        ...histogram(random, true),
        labels: [['i', String(i)]] as const,
      })),
    },
  ];
}

// --- what both have ---------------------------------------------------------------------------------------

type Bucket = readonly [lower: number, upper: number, count: number];
type Sample = number | { readonly count: number; readonly sum: number; readonly buckets: readonly Bucket[] };

interface TheirSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly histogram?: readonly [
    number,
    {
      readonly count: string;
      readonly sum: string;
      readonly buckets?: readonly (readonly [number, string, string, string])[];
    },
  ];
}

const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

const numberOf = (text: string): number => Number(text.replace('Inf', 'Infinity'));

function theirsOf(all: readonly TheirSeries[]): Map<string, Sample> {
  return new Map<string, Sample>(
    all
      .filter(({ metric }) => !/^(up|scrape_)/.test(metric['__name__'] ?? ''))
      .map(({ metric, value, histogram: h }): [string, Sample] => {
        if (h === undefined) return [keyOf(metric), numberOf(value?.[1] ?? 'NaN')];
        const { count, sum, buckets = [] } = h[1];
        const listed = buckets.map(([, ...rest]) => rest.map(numberOf) as unknown as Bucket);
        return [keyOf(metric), { count: numberOf(count), sum: numberOf(sum), buckets: listed }];
      }),
  );
}

function boundsOf(one: NativeHistogram): Bucket[] {
  const bound = (index: number): number => 2 ** (index * 2 ** -one.schema);
  const side = (spans: NativeHistogram['positiveSpans'], counts: Float64Array): Bucket[] => {
    let index = 0;
    let at = 0;
    return spans.flatMap(({ offset, length }) => {
      index += offset;
      return Array.from({ length }, (): Bucket => {
        const bucket = [bound(index - 1), bound(index), counts[at++] as number] as const;
        index++;
        return bucket;
      });
    });
  };
  const negative = side(one.negativeSpans, one.negativeCounts)
    .map(([lower, upper, count]): Bucket => [-upper, -lower, count])
    .reverse();
  const zero: Bucket[] = one.zeroCount > 0 ? [[-one.zeroThreshold, one.zeroThreshold, one.zeroCount]] : [];
  return [...negative, ...zero, ...side(one.positiveSpans, one.positiveCounts)];
}

function oursOf(page: Uint8Array): Map<string, Sample> {
  const store = new MemorySeriesStore(() => 0);
  const batcher = new TargetBatcher(store, {
    producer: targetId('t'),
    rules: {
      targetLabels: labelsFrom({ job: 'p', instance: 'loopback' }),
      honorLabels: false,
      metricRelabel: [],
    },
    honorTimestamps: true,
    trackTimestampsStaleness: false,
    sampleLimit: 0,
    labelLimits: NO_LABEL_LIMITS,
    seriesMax: 0,
    histograms: { ...HISTOGRAMS_DEFAULT, native: true },
    extraMetrics: false,
    timeoutMs: 1000,
  });
  const report = batcher.readPage({ bytes: page, format: 'protobuf' }, '');
  expect(report.error).toBe('');
  const batch: SampleBatch = batcher.finish(report, { timestampMs: 1, durationMs: 1, bodyBytes: 0 });
  const found = new Map<string, Sample>();
  batch.series.forEach((ref, i) => {
    const labels = Object.fromEntries(labelPairs(store.labelsOf(ref)));
    if (/^(up|scrape_)/.test(labels['__name__'] ?? '')) return;
    const native = batch.histograms?.get(i);
    found.set(
      keyOf(labels),
      native === undefined
        ? (batch.values[i] as number)
        : { count: native.count, sum: native.sum, buckets: boundsOf(native) },
    );
  });
  return found;
}

function expectAlike(ours: Map<string, Sample>, theirs: Map<string, Sample>): void {
  expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
  for (const [key, one] of ours) {
    const other = theirs.get(key) as Sample;
    if (typeof one === 'number' || typeof other === 'number') {
      expect([key, one]).toEqual([key, other]);
      continue;
    }
    expect([key, one.count, one.sum, one.buckets.length]).toEqual([
      key,
      other.count,
      other.sum,
      other.buckets.length,
    ]);
    const isClose = (a: number, b: number): boolean => a === b || Math.abs(a - b) <= CLOSE * Math.abs(a);
    const differing = one.buckets.flatMap((bucket, i) => {
      const peer = other.buckets[i] as Bucket;
      return bucket.every((number, k) => isClose(number, peer[k] as number)) ? [] : [{ bucket, peer }];
    });
    expect([key, differing]).toEqual([key, []]);
  }
}

// --- the peer ---------------------------------------------------------------------------------------------

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const closed = new Promise(resolve => child.on('close', resolve));
  child.kill('SIGTERM');
  await closed;
}

async function served(page: Uint8Array): Promise<number> {
  const server: Server = createServer((request, response) => {
    const wants = request.headers.accept ?? '';
    response.writeHead(wants.includes('protobuf') ? 200 : 406, {
      'content-type':
        'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
    });
    response.end(page);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

describe.skipIf(!present && !needed)(`beside ${BINARY}${present ? '' : ' (not installed)'}`, () => {
  it('a page of protobuf means the same to both', { timeout: TEST_MS_MAX }, async () => {
    const random = seededRandom(SEED);
    const page = encodeFamilies(pageOf(random));
    const target = await served(page);
    const port = await freePort();
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const config = `
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: p
    static_configs: [{ targets: ['127.0.0.1:${target}'], labels: { instance: loopback } }]
`;
    const child = spawn(
      BINARY,
      [
        `--config.file=${folder.write('prometheus.yml', config)}`,
        `--storage.tsdb.path=${join(folder.path, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=native-histograms',
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    );
    opened.push(() => stop(child));
    let theirs: Map<string, Sample> = new Map();
    await until(
      'the page in the peer',
      async () => {
        const query = encodeURIComponent('{job="p"}');
        const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${query}`).catch(
          () => undefined,
        );
        // It listens before it is ready, and answers 503 in words until then.
        if (response?.ok !== true) return false;
        const body = (await response.json()) as { data?: { result?: readonly TheirSeries[] } };
        theirs = theirsOf(body.data?.result ?? []);
        return theirs.size > 0;
      },
      { withinMs: 30_000 },
    );
    expectAlike(oursOf(page), theirs);
    expect(theirs.size).toBeGreaterThan(30);
  });
});
