// The compliance suite of remote write: one test for each row that concerns a receiver. The rows are names and words, so
// the request is built from the words: a row that is not there yet is understood by the same rules. What the store says
// of histograms is not the receiver's affair: here everything that is handed on is taken.

import { join } from 'node:path';
import { compressSync } from 'snappy';
import { afterAll, expect, it } from 'vitest';
import { ok } from '../../src/base/index.ts';
import { createPushReceiver, type PushAnswer } from '../../src/collect/push/index.ts';
import {
  encodeV1,
  encodeV2,
  type Pairs,
  type TestHistogram,
  type TestSeries,
} from '../../src/collect/push/testdata/encode.ts';
import { MetricRegistry, type SampleBatch, type SeriesWriter } from '../../src/model/index.ts';
import { FakeClock } from '../support/clock.ts';
import { describeCorpus, readJsonLines, reportCases } from '../support/corpora.ts';
import { CollectingLog } from '../support/log.ts';
import { MemorySeriesStore } from '../support/memory-series.ts';
import { seededRandom } from '../support/random.ts';

interface Row {
  readonly side: string;
  readonly test: string;
  readonly case?: string;
  readonly level: string;
  readonly description: string;
  readonly accept?: boolean;
  readonly valid_samples?: number;
}

interface Received {
  readonly answer: PushAnswer;
  readonly batches: readonly SampleBatch[];
}

const V1 = 'application/x-protobuf';
const V2 = `${V1};proto=io.prometheus.write.v2.Request`;

const clock = new FakeClock();
const NOW_MS = clock.nowMs();

async function send(body: Uint8Array, headers: Readonly<Record<string, string>>): Promise<Received> {
  const store = new MemorySeriesStore(() => clock.nowMs());
  const batches: SampleBatch[] = [];
  const writer: SeriesWriter = {
    generation: 0,
    intern: labels => store.intern(labels),
    isLive: ref => store.isLive(ref),
    append: async batch => {
      batches.push(batch);
      const acceptedHistograms = batch.histograms?.size ?? 0;
      const keptExemplars = batch.exemplars?.length ?? 0;
      const accepted = batch.series.length;
      return ok({ accepted, refused: [], refusedCount: 0, acceptedHistograms, keptExemplars });
    },
  };
  const ports = {
    writer,
    clock,
    random: seededRandom(1),
    log: new CollectingLog(),
    metrics: new MetricRegistry(),
  };
  const answer = await createPushReceiver(ports).remoteWrite({ headers, body: async () => ok(body) });
  return { answer, batches };
}

const packed = (bytes: Uint8Array): Uint8Array => compressSync(Buffer.from(bytes));
const write = (series: readonly TestSeries[], version: 1 | 2): Promise<Received> =>
  send(packed(version === 1 ? encodeV1(series) : encodeV2(series)), {
    'content-type': version === 1 ? V1 : V2,
    'content-encoding': 'snappy',
  });

// --- from words to a request ---------------------------------------------------------------------

function wordsOf(row: Row): string {
  return `${row.test} ${row.case ?? ''} ${row.description}`
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase();
}

/** In a request of several, only the last series is the bad one, unless the row says otherwise. */
function seriesOf(row: Row): readonly TestSeries[] {
  const words = wordsOf(row);
  const has = (pattern: RegExp): boolean => pattern.test(words);
  const count = has(/many|large scale/) ? 1000 : has(/multiple|combin|complex|mixed/) ? 4 : 1;
  const isNameless = has(/without ( ?name | {2}name {2})|without name label/);
  const isEmpty = has(/empty metric|with empty name/) && !has(/histogram/);
  const isWhollyBad = !has(/\b1 without/);
  return Array.from({ length: count }, (_, i) => {
    const isBad = (isNameless || isEmpty) && (isWhollyBad || i === count - 1);
    const name: Pairs = isBad ? (isEmpty ? [['__name__', '']] : []) : [['__name__', nameOf(words, i)]];
    const withHistogram = has(/histogram/) && !has(/metadata type/);
    const withData = !has(/without (data|corresponding)/);
    const withExemplar = has(/exemplar/);
    return {
      labels: [...name, ...labelsOf(words, i)],
      ...(withData && !withHistogram ? { samples: samplesOf(words, i) } : {}),
      ...(withData && withHistogram ? { histograms: [histogramOf(words)] } : {}),
      ...(withExemplar ? { exemplars: [{ labels: exemplarOf(words), value: 0.5, timeMs: NOW_MS + i }] } : {}),
      ...(has(/metadata/) ? { metadata: metadataOf(words) } : {}),
      ...(has(/created/) ? { createdMs: NOW_MS - 60_000 } : {}),
    };
  });
}

function nameOf(words: string, i: number): string {
  const base = /dots/.test(words) ? 'test.metric' : /with spaces/.test(words) ? 'test metric' : 'test_metric';
  return i === 0 ? base : `${base}_${i}`;
}

function labelsOf(words: string, i: number): Pairs {
  const odd = /special|newline|unicode/.test(words) ? 'a "b" \\ \n 世界 é' : 'plain';
  return [
    ['case', odd],
    ['instance', `host-${i}`],
    ['job', 'compliance'],
  ];
}

function samplesOf(words: string, i: number): NonNullable<TestSeries['samples']> {
  const values = /float values|special float/.test(words)
    ? [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -1.5]
    : [i + 1];
  const stepMs = /different timestamps/.test(words) ? 1000 * (i + 1) : 1000;
  return values.map((value, n) => ({ value, timeMs: NOW_MS + n * stepMs }));
}

function histogramOf(words: string): TestHistogram {
  const side = { spans: [[0, 2]] as const, counts: [2, 3] };
  if (/custom/.test(words)) {
    return { timeMs: NOW_MS, count: 5, schema: -53, customBounds: [0.5, 1], positive: side };
  }
  if (/no buckets|empty histogram/.test(words)) return { timeMs: NOW_MS, count: 0, sum: 0 };
  if (/minimal/.test(words)) return { timeMs: NOW_MS, count: 2, zeroCount: 2 };
  const positive = /negative only/.test(words) ? {} : { positive: side };
  const negative = /positive only/.test(words) ? {} : { negative: side };
  const zeroCount = /negative only/.test(words) ? 0 : 1;
  const both = Object.keys({ ...positive, ...negative }).length;
  const count = 5 * both + zeroCount + (/bad count/.test(words) ? 7 : 0);
  return { timeMs: NOW_MS, count, zeroCount, ...positive, ...negative };
}

function exemplarOf(words: string): Pairs {
  if (/no labels|without any labels/.test(words)) return [];
  if (/without trace/.test(words)) return [['request', '17']];
  const value = /special|unicode/.test(words) ? '世界 "x"' : 'abc123';
  return [
    ['span_id', '7'],
    ...(/multiple labels/.test(words) ? ([['user', 'me']] as const) : []),
    ['trace_id', value],
  ];
}

function metadataOf(words: string): NonNullable<TestSeries['metadata']> {
  const types = [
    'unspecified',
    'counter',
    'gauge metadata',
    'histogram',
    'gauge histogram',
    'summary',
    'info ',
    'stateset',
  ];
  const type = types.findLastIndex(one => words.replaceAll('state set', 'stateset').includes(one));
  const isBare = /no help/.test(words);
  const help = isBare ? '' : /special/.test(words) ? 'Help with "quotes", \\ and\nlines.' : 'Some help.';
  return { type: Math.max(0, type), help, unit: isBare ? '' : 'seconds' };
}

// --- what a row demands ----------------------------------------------------------------------------

async function check(row: Row): Promise<void> {
  const words = wordsOf(row);
  if (/content types/.test(words)) return expectAll(415, badTypes());
  if (/content encodings/.test(words)) return expectAll(415, badEncodings());
  if (/corrupt|malformed/.test(words)) return expectAll(400, corrupt());
  const version = /rw1/.test(words) ? 1 : 2;
  if (version === 1 && row.accept === false)
    return expectAll(400, [
      ...corrupt(1),
      write([{ labels: [['job', 'x']], samples: [{ value: 1, timeMs: NOW_MS }] }], 1),
    ]);
  const { answer, batches } = await write(seriesOf(row), version);
  const taken = batches.reduce((sum, batch) => sum + batch.series.length, 0);
  if (row.accept === false) expect(answer.status, answer.text).toBe(400);
  else expect(answer, answer.text).toMatchObject({ status: 204, text: '' });
  if (row.valid_samples !== undefined) {
    expect(taken).toBe(row.valid_samples);
    expect(answer.headers['x-prometheus-remote-write-samples-written']).toBe(String(row.valid_samples));
  }
  if (row.accept === false) return;
  const count = (pick: (batch: SampleBatch) => number | undefined): number =>
    batches.reduce((sum, batch) => sum + (pick(batch) ?? 0), 0);
  const hasData = !/without (data|corresponding)/.test(words);
  if (hasData) expect(taken).toBeGreaterThan(0);
  if (/exemplar/.test(words) && hasData) expect(count(batch => batch.exemplars?.length)).toBeGreaterThan(0);
  if (/metadata/.test(words)) expect(count(batch => batch.metadata?.length)).toBeGreaterThan(0);
  if (hasData && /histogram/.test(words) && !/metadata type/.test(words))
    expect(count(batch => batch.histograms?.size)).toBeGreaterThan(0);
  if (/created/.test(words)) expect(batches[0]?.startTimestampsMs?.[0]).toBe(NOW_MS - 60_000);
}

async function expectAll(status: number, received: readonly Promise<Received>[]): Promise<void> {
  expect(received.length).toBeGreaterThan(0);
  for (const one of await Promise.all(received)) {
    expect(one.answer.status, one.answer.text).toBe(status);
    expect(one.batches).toEqual([]);
  }
}

const good = (): Uint8Array =>
  packed(encodeV2([{ labels: [['__name__', 'm']], samples: [{ value: 1, timeMs: NOW_MS }] }]));

const badTypes = (): Promise<Received>[] =>
  ['application/json', 'text/plain', '', `${V1};proto=unknown.Message`].map(type =>
    send(good(), { 'content-type': type, 'content-encoding': 'snappy' }),
  );

const badEncodings = (): Promise<Received>[] =>
  ['gzip', 'deflate', 'br', 'lz4'].map(encoding =>
    send(good(), { 'content-type': V2, 'content-encoding': encoding }),
  );

const corrupt = (version: 1 | 2 = 2): Promise<Received>[] => {
  const headers = { 'content-type': version === 1 ? V1 : V2, 'content-encoding': 'snappy' };
  const half = encodeV2([{ labels: [['__name__', 'm']], samples: [{ value: 1, timeMs: NOW_MS }] }]).slice(
    0,
    -3,
  );
  return [
    send(Uint8Array.from([0xff, 0xff, 0xff]), headers),
    send(packed(Uint8Array.from([0xff, 0xff, 0xff])), headers),
    send(packed(half), headers),
  ];
};

describeCorpus('compliance/remotewrite', path => {
  const rows = readJsonLines<Row>(join(path, 'tests.jsonl')).filter(row => row.side === 'receiver');
  afterAll(() => reportCases('remotewrite', { files: 1, cases: rows.length }));
  for (const row of rows) it(`${row.test}${row.case === undefined ? '' : `: ${row.case}`}`, () => check(row));
});
