// The compliance suite of remote write: one test for each row that concerns a sender. Each row's page is scraped by the whole
// program over fakes of its ports, and what it sends is judged by the specification and against what is stored. What a row
// demands beyond that is understood from its words: a row that no rule understands fails.

import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { System } from '../../src/app/system.ts';
import { bench, configText, PAGE } from '../../src/app/testdata/bench.ts';
import { compareUtf8 } from '../../src/base/index.ts';
import {
  type Labels,
  labelsFrom,
  labelsFromPairs,
  labelsToRecord,
  type NativeHistogram,
  targetId,
} from '../../src/model/index.ts';
import { describeCorpus, readJsonLines, reportCases } from '../support/corpora.ts';
import type { FakeAnswer } from '../support/http.ts';
import type { CollectingLog } from '../support/log.ts';
import {
  floatOf,
  readWriteRequest,
  type SentRequest,
  type SentSeries,
  writtenHeaders,
} from '../support/write-requests.ts';

interface Row {
  readonly side: string;
  readonly file: string;
  readonly test: string;
  readonly case?: string;
  readonly level: string;
  readonly description: string;
  readonly scrape_page?: string;
}

type Version = 1 | 2;

interface Received {
  readonly sent: SentRequest;
  readonly status: number;
  readonly atMs: number;
}

interface Run {
  readonly received: readonly Received[];
  /** Series of requests that were taken. */
  readonly series: readonly SentSeries[];
  readonly system: System;
  readonly log: CollectingLog;
}

interface Scenario {
  readonly version: Version;
  /** What the target shows, by the number of the scrape. */
  readonly page?: (scrape: number) => string;
  readonly answer?: (n: number, sent: SentRequest) => FakeAnswer;
  readonly queue?: string;
  readonly url?: string;
  readonly forMs?: number;
  readonly beside?: (system: System, nowMs: number) => Promise<void>;
}

const SINK = 'http://sink.example/api/v1/write';
const PROTO: Readonly<Record<Version, string>> = {
  1: 'prometheus.WriteRequest',
  2: 'io.prometheus.write.v2.Request',
};

/** Rows that ask for the same scenario share what came of it. */
const shared = new Map<string, Promise<Run>>();

function runOnce(key: string, scenario: Scenario): Promise<Run> {
  const known = shared.get(key) ?? run(scenario);
  shared.set(key, known);
  return known;
}

async function run(scenario: Scenario): Promise<Run> {
  const { version, page = () => 'test_metric 42\n', queue = '' } = scenario;
  const answer: NonNullable<Scenario['answer']> = scenario.answer ?? (() => ({}));
  const b = await bench();
  let scrapes = 0;
  b.http.on(PAGE, () => pageAnswer(page(scrapes++)));
  const received: Received[] = [];
  b.http.on(SINK, request => {
    const sent = readWriteRequest(request);
    const own = answer(received.length, sent);
    const status = own.error === undefined ? (own.status ?? 204) : 599;
    received.push({ sent, status, atMs: b.clock.nowMs() });
    const headers = version === 2 && status < 300 ? writtenHeaders(sent) : {};
    return { status, headers, ...own };
  });
  const remote = `remote_write:
  - url: '${scenario.url ?? SINK}'
    remote_timeout: 5s
    protobuf_message: ${PROTO[version]}
    send_exemplars: true
    send_native_histograms: true
    metadata_config: { send_interval: 2s }
    queue_config: { batch_send_deadline: 1s, ${queue} }
`;
  await b.write('watchkeeper.yml', configText({ more: remote }));
  const system = await b.start();
  await b.clock.advance(500);
  await scenario.beside?.(system, b.clock.nowMs());
  await b.clock.advance(scenario.forMs ?? 5000);
  const taken = received.filter(({ status }) => status < 300);
  const result = {
    received: [...received],
    series: taken.flatMap(({ sent }) => sent.series),
    system,
    log: b.log,
  };
  for (const { sent } of received) expectValid(sent);
  return result;
}

/** Exemplars and units are OpenMetrics's. */
function pageAnswer(page: string): FakeAnswer {
  const isOpen = /# \{|^# UNIT/m.test(page) && !/# EOF/.test(page);
  if (!isOpen) return { body: page.endsWith('\n') ? page : `${page}\n` };
  const lines = page
    .split('\n')
    .filter(line => line.trim() !== '' && /^# (HELP|TYPE|UNIT) |^[^#]/.test(line));
  return {
    headers: { 'content-type': 'application/openmetrics-text; version=1.0.0; charset=utf-8' },
    body: `${lines.join('\n')}\n# EOF\n`,
  };
}

// --- the specification --------------------------------------------------------------------------------

function expectValid(sent: SentRequest): void {
  expect(sent.method).toBe('POST');
  expect(sent.headers['content-encoding']).toBe('snappy');
  expect(sent.headers['user-agent']).toMatch(/^Watchkeeper\/\S+$/);
  expect(sent.headers['content-type']).toBe(
    sent.version === 1 ? 'application/x-protobuf' : `application/x-protobuf;proto=${PROTO[2]}`,
  );
  expect(sent.headers['x-prometheus-remote-write-version']).toBe(sent.version === 1 ? '0.1.0' : '2.0.0');
  expect(sent.plainBytes).toBeGreaterThan(0);
  if (sent.version === 2) {
    expect(sent.symbols[0]).toBe('');
    expect(new Set(sent.symbols).size).toBe(sent.symbols.length);
    expect(sent.metadata).toEqual([]);
  } else expect(sent.symbols).toEqual([]);
  let samples = 0;
  for (const series of sent.series) {
    expectValidSeries(series, sent);
    samples += series.samples.length + series.histograms.length;
  }
  expect(samples).toBeLessThanOrEqual(10_000);
}

function expectValidSeries(series: SentSeries, { version, symbols }: SentRequest): void {
  const names = series.labels.map(([name]) => name);
  expect(names).toContain('__name__');
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual([...names].sort(compareUtf8));
  for (const pair of series.labels) for (const text of pair) expect(text).not.toMatch(/^(<none>)?$/);
  expect(series.refs.length % 2).toBe(0);
  for (const ref of series.refs) expect(ref).toBeLessThan(symbols.length);
  // One or the other, never both, never none.
  expect(series.samples.length > 0).not.toBe(series.histograms.length > 0);
  for (const of of [series.samples, series.histograms]) {
    const times = of.map(({ timeMs }) => timeMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    for (const { timeMs, startMs } of of) {
      expect(Number.isSafeInteger(timeMs)).toBe(true);
      expect(startMs).toBeLessThanOrEqual(timeMs);
      if (version === 1) expect(startMs).toBe(0);
    }
  }
  for (const exemplar of series.exemplars) {
    expect(exemplar.value).not.toBeNaN();
    expect(exemplar.timeMs).toBeGreaterThan(0);
    for (const pair of exemplar.labels) for (const text of pair) expect(text).not.toMatch(/^(<none>)?$/);
  }
  if (version === 1) expect([series.metadata, series.createdMs]).toEqual([undefined, 0]);
}

/** All that is stored was sent, bit for bit, and nothing else. */
async function expectAllSent({ series, system }: Run): Promise<void> {
  const hints = { fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 };
  const stored = await system.store.select([], hints);
  if (!stored.ok) throw new Error(stored.error.message);
  const sent = new Set(
    series.flatMap(one =>
      one.samples.map(({ bits, timeMs }) => `${keyOf(labelsFromPairs(one.labels))} ${timeMs} ${bits}`),
    ),
  );
  const newestMs = Math.max(...series.flatMap(one => one.samples.map(({ timeMs }) => timeMs)));
  const missing: string[] = [];
  let count = 0;
  for (const { labels, timesMs, values, histograms, from, to } of stored.value) {
    const bits = new BigUint64Array(values.buffer, values.byteOffset, values.length);
    for (let i = from; i < to; i++) {
      // What came since the last request waits for its deadline.
      if (histograms?.has(i) || (timesMs[i] ?? 0) > newestMs - 1000) continue;
      if (!sent.has(`${keyOf(labels)} ${timesMs[i]} ${bits[i]}`))
        missing.push(`${keyOf(labels)} ${timesMs[i]}`);
      count++;
    }
  }
  expect(missing.slice(0, 10)).toEqual([]);
  expect(count).toBeGreaterThan(0);
}

const keyOf = (labels: Labels): string => JSON.stringify(labelsToRecord(labels));
const named = (series: readonly SentSeries[], metric: RegExp): readonly SentSeries[] =>
  series.filter(({ labels }) => labels.some(([name, value]) => name === '__name__' && metric.test(value)));

/** The metrics that a page names. */
function metricsOf(page: string): readonly string[] {
  const lines = page.split('\n').map(line => line.trim());
  return lines
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => /^[^\s{]+/.exec(line)?.[0] ?? '');
}

// --- what rows demand ---------------------------------------------------------------------------------

interface Rule {
  readonly of: RegExp;
  check(row: Row, words: string): Promise<void>;
}

/** For as long as the receiver fails. */
const failing =
  (times: number, answer: FakeAnswer): NonNullable<Scenario['answer']> =>
  n =>
    n < times ? answer : {};

const gapsOf = ({ received }: Run): readonly number[] =>
  received.slice(1).map(({ atMs }, i) => atMs - (received[i]?.atMs ?? 0));

const isSame = (a: SentRequest | undefined, b: SentRequest | undefined): void => {
  const text = (one: SentRequest | undefined): string | undefined =>
    one?.series
      .map(
        ({ labels, samples }) => `${labels.flat()} ${samples.map(({ bits, timeMs }) => `${bits}@${timeMs}`)}`,
      )
      .join('\n');
  expect(text(a)).toBe(text(b));
};

async function expectRetried(answer: FakeAnswer, queue = ''): Promise<void> {
  for (const version of [1, 2] as const) {
    const done = await run({
      version,
      answer: failing(3, answer),
      queue,
      forMs: 'latencyMs' in answer ? 20_000 : 5000,
    });
    const requests = done.received.filter(({ sent }) => sent.series.length > 0);
    const failed = requests.filter(({ status }) => status !== 204);
    expect(failed.length).toBeGreaterThan(1);
    for (const { sent } of failed) isSame(sent, requests[0]?.sent);
    isSame(requests[failed.length]?.sent, requests[0]?.sent);
    expect(requests[failed.length]?.status).toBe(204);
    await expectAllSent(done);
  }
}

async function expectNotRetried(answer: FakeAnswer): Promise<void> {
  for (const version of [1, 2] as const) {
    const done = await run({ version, answer: failing(1, answer) });
    const [first, ...rest] = done.received.filter(({ sent }) => sent.series.length > 0);
    const times = new Set(first?.sent.series.flatMap(({ samples }) => samples.map(({ timeMs }) => timeMs)));
    for (const { sent } of rest)
      for (const { samples } of sent.series)
        for (const { timeMs } of samples) expect(times).not.toContain(timeMs);
    expect(rest.length).toBeGreaterThan(0);
  }
}

const NATIVE: NativeHistogram = {
  schema: 3,
  count: 21,
  sum: 18.4,
  zeroThreshold: 0.001,
  zeroCount: 2,
  positiveSpans: [
    { offset: -2, length: 2 },
    { offset: 3, length: 1 },
  ],
  positiveCounts: Float64Array.of(1, 4_000_000_000, 6),
  negativeSpans: [{ offset: 1, length: 2 }],
  negativeCounts: Float64Array.of(3, 5),
  resetHint: 'unknown',
  integer: true,
};

async function nativeBeside({ store }: System, nowMs: number): Promise<void> {
  const ref = store.intern(labelsFrom({ __name__: 'native', job: 'beside' }));
  if (!ref.ok) throw new Error(ref.error);
  await store.append({
    producer: targetId('beside'),
    timestampMs: nowMs,
    series: Uint32Array.of(ref.value),
    values: Float64Array.of(0),
    histograms: new Map([[0, { ...NATIVE, count: 4_000_000_017 }]]),
    startTimestampsMs: Float64Array.of(nowMs - 1000),
  });
}

const RULES: readonly Rule[] = [
  {
    of: /^backoff /,
    async check(_, words) {
      const done = await runOnce('backoff', {
        version: 2,
        answer: failing(12, { status: 503 }),
        forMs: 45_000,
      });
      const gaps = gapsOf(done).slice(0, 12);
      // Half of the doubled wait at least: 30 ms, 60 ms … 5 s.
      for (const [i, gap] of gaps.entries())
        expect(gap).toBeGreaterThanOrEqual(Math.min(5000, 30 * 2 ** i) / 2);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(5000);
      expect(gaps[11]).toBeGreaterThan((gaps[0] ?? 0) * 10);
      if (/jitter/.test(words))
        expect(gaps.every((gap, i) => gap === Math.min(5000, 30 * 2 ** i))).toBe(false);
    },
  },
  {
    of: /^batching |concurrent requests|under load|many timeseries|high cardinality/,
    async check() {
      const page = Array.from(
        { length: 4000 },
        (_, i) => `api_calls{endpoint="/e${i % 50}",user="u${i}"} ${i}`,
      ).join('\n');
      const done = await runOnce('batching', {
        version: 2,
        page: () => page,
        queue: 'max_samples_per_send: 1000, capacity: 2000, min_shards: 3',
        answer: () => ({ latencyMs: 10 }),
      });
      const sizes = done.received.map(({ sent }) =>
        sent.series.reduce((sum, { samples }) => sum + samples.length, 0),
      );
      expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
      expect(Math.max(...sizes)).toBeGreaterThan(500);
      // Names and shared values stand once in a request.
      for (const { sent } of done.received.filter(({ sent: one }) => one.series.length > 500))
        expect(sent.symbols.length).toBeLessThan(2 * sent.series.length);
      await expectAllSent(done);
    },
  },
  {
    of: /^retry .*(no retry on|should not retry)/,
    check: (_, words) => expectNotRetried({ status: Number(/\b4\d\d\b/.exec(words)?.[0]), body: 'no' }),
  },
  {
    of: /^retry .*(^|\s)(retry on|may retry)/,
    async check(_, words) {
      const status = Number(/\b[45]\d\d\b/.exec(words)?.[0]);
      await expectRetried({ status }, status === 429 ? 'retry_on_http_429: true' : '');
      if (status === 429) await expectNotRetried({ status });
    },
  },
  {
    of: /^fallback test fallback/,
    async check() {
      const done = await run({
        version: 2,
        answer: (_, { version }) => (version === 2 ? { status: 415 } : {}),
      });
      expect(done.received.map(({ sent }) => sent.version).indexOf(2)).toBe(0);
      // The same samples at once, and nothing by 2.0 ever after.
      isSame(done.received[1]?.sent, done.received[0]?.sent);
      expect(done.received.slice(1).every(({ sent }) => sent.version === 1)).toBe(true);
      expect(done.received.length).toBeGreaterThan(3);
      await expectAllSent(done);
    },
  },
  {
    of: /no fallback on ?2xx/,
    async check() {
      const done = await run({ version: 2 });
      expect(done.received.every(({ sent }) => sent.version === 2)).toBe(true);
      expect(done.received.length).toBeGreaterThan(2);
    },
  },
  {
    of: /content type negotiation|^protocol |invalid url scheme/,
    async check(_, words) {
      for (const version of [1, 2] as const) {
        const done = await runOnce(`plain ${version}`, { version });
        expect(done.received.length).toBeGreaterThan(0);
        expect(done.received.every(({ sent }) => sent.version === version)).toBe(true);
        await expectAllSent(done);
      }
      if (!/invalid url/.test(words)) return;
      const done = await run({ version: 1, url: 'ftp://sink.example/write' });
      expect(done.received).toEqual([]);
      expect(done.system.isReady()).toBe(true);
      expect(done.log.messages('warn').join()).toContain('does not take samples');
    },
  },
  {
    of: /^response .*(ignore response body|204|200)/,
    async check(_, words) {
      const status = /\b200\b/.test(words) ? 200 : 204;
      for (const version of [1, 2] as const) {
        const body = status === 200 ? 'something that nobody asked for' : '';
        const done = await run({
          version,
          answer: (_n, sent) => ({ status, body, headers: writtenHeaders(sent) }),
        });
        await expectAllSent(done);
        expect(done.system.remote.status()).toMatchObject([{ protocol: PROTO[version] }]);
        expect(done.system.remote.status()[0]?.lastError).toBe('');
      }
    },
  },
  {
    of: /written|partial write response/,
    async check(_, words) {
      const headers = /missing/.test(words) ? {} : { 'x-prometheus-remote-write-samples-written': '1' };
      const done = await run({
        version: 2,
        answer: n => (n === 0 ? { status: /missing|4xx/.test(words) ? 400 : 200, headers } : {}),
      });
      const first = done.received[0]?.sent.series.reduce((sum, { samples }) => sum + samples.length, 0) ?? 0;
      const failed = done.system
        .ownFamilies()
        .find(({ name }) => name === 'prometheus_remote_storage_samples_failed_total');
      expect(failed?.samples[0]?.value).toBe(first - (/missing/.test(words) ? 0 : 1));
      expect(done.received.length).toBeGreaterThan(1);
    },
  },
  {
    of: /log error messages verbatim|large error/,
    async check(_, words) {
      const told = 'out of bounds: "é" \\ {a="b"}';
      const body = /large/.test(words) ? `${told} ${'x'.repeat(5_000_000)}` : told;
      for (const status of [400, 500]) {
        const done = await run({ version: 2, answer: failing(1, { status, body }) });
        const causes = done.log.lines.map(({ fields }) => String(fields['cause'] ?? ''));
        expect(causes.filter(cause => cause.includes(told))).toHaveLength(1);
        expect(Math.max(...causes.map(cause => cause.length))).toBeLessThanOrEqual(1000);
        expect(done.received.at(-1)?.status).toBe(204);
      }
    },
  },
  {
    of: /connection refused|timeout|dns|partial http|malformed response|continues after errors|empty response/,
    async check(_, words) {
      const error = /refused/.test(words)
        ? 'http-refused'
        : /dns/.test(words)
          ? 'http-dns'
          : /timeout/.test(words)
            ? 'http-timeout'
            : /malformed/.test(words)
              ? 'http-protocol'
              : 'http-reset';
      if (/empty response/.test(words)) {
        await expectAllSent(await run({ version: 1, answer: () => ({ status: 200, body: '' }) }));
        return;
      }
      await expectRetried(/timeout/.test(words) ? { latencyMs: 60_000, error } : { error });
    },
  },
  {
    of: /invalid status code/,
    async check() {
      for (const status of [302, 418, 600]) {
        const done = await run({ version: 1, answer: failing(1, { status }) });
        expect(done.received.at(-1)?.status).toBe(204);
        expect(done.system.isReady()).toBe(true);
      }
    },
  },
  {
    of: /stale marker/,
    async check() {
      const done = await run({ version: 2, page: scrape => (scrape < 2 ? 'test_metric 1\n' : 'other 1\n') });
      const bits = named(done.series, /^test_metric$/).flatMap(({ samples }) =>
        samples.map(sample => sample.bits),
      );
      expect(bits.at(-1)).toBe(0x7ff0000000000002n);
    },
  },
  {
    of: /zero timestamp|future timestamp|timestamp future/,
    async check(row, words) {
      const nowMs = Date.UTC(2026, 0, 1);
      const page = /future/.test(words) ? `test_metric 42 ${nowMs + 60_000}\n` : (row.scrape_page ?? '');
      const done = await run({ version: 2, page: () => page });
      // What the store refuses is not sent, and nothing else suffers from it.
      const times = named(done.series, /^test_metric$/).flatMap(({ samples }) =>
        samples.map(({ timeMs }) => timeMs),
      );
      expect(new Set(times)).toEqual(new Set(/future/.test(words) ? [nowMs + 60_000] : []));
      expect(named(done.series, /^up$/).length).toBeGreaterThan(0);
    },
  },
  {
    of: /empty scrape/,
    async check(row) {
      const done = await run({ version: 2, page: () => row.scrape_page ?? '' });
      expect(named(done.series, /^up$/).length).toBeGreaterThan(0);
    },
  },
  {
    of: /^edge cases .*(huge|unicode|long)|unicode in label values/,
    async check() {
      const text = `世界 é 🚀 ${'v'.repeat(12_000)}`;
      const name = `long_${'n'.repeat(500)}`;
      const done = await run({ version: 2, page: () => `${name}{odd="${text}"} 1\n` });
      expect(named(done.series, new RegExp(`^${name}$`))[0]?.labels).toContainEqual(['odd', text]);
      await expectAllSent(done);
    },
  },
  {
    of: /^exemplars |with exemplars|and exemplars/,
    async check(row) {
      const page = row.scrape_page ?? '';
      for (const version of [1, 2] as const) {
        const done = await run({ version, page: () => page });
        const exemplars = done.series.flatMap(series => series.exemplars);
        const wanted = [...page.matchAll(/# \{([^}]*)\} (\S+)(?: (\S+))?/g)];
        expect(wanted.length).toBeGreaterThan(0);
        for (const [, labels = '', value, seconds] of wanted) {
          const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text]).sort();
          const found = exemplars.find(one => JSON.stringify(one.labels) === JSON.stringify(pairs));
          expect(found?.value).toBe(Number(value));
          if (seconds !== undefined) expect(found?.timeMs).toBe(Math.round(Number(seconds) * 1000));
        }
        await expectAllSent(done);
      }
    },
  },
  {
    of: /^histograms |start timestamp for histograms|no native histograms/,
    async check(row) {
      for (const version of [1, 2] as const) {
        const done = await run({ version, page: () => row.scrape_page ?? '', beside: nativeBeside });
        const [native] = named(done.series, /^native$/).flatMap(({ histograms }) => histograms);
        expect(native).toMatchObject({
          count: 4_000_000_017,
          isFloat: false,
          sum: NATIVE.sum,
          schema: NATIVE.schema,
          zeroCount: NATIVE.zeroCount,
          positive: {
            spans: [
              [-2, 2],
              [3, 1],
            ],
            counts: [...NATIVE.positiveCounts],
          },
          negative: { spans: [[1, 2]], counts: [3, 5] },
        });
        expect(native?.startMs).toBe(version === 1 ? 0 : (native?.timeMs ?? 0) - 1000);
        for (const metric of metricsOf(row.scrape_page ?? ''))
          expect(named(done.series, new RegExp(`^${metric}$`)).length).toBeGreaterThan(0);
        await expectAllSent(done);
      }
    },
  },
  {
    of: /^metadata |metadata/,
    async check(row) {
      const page = row.scrape_page ?? '# HELP test_metric Help.\n# TYPE test_metric gauge\ntest_metric 1\n';
      for (const version of [1, 2] as const) {
        const done = await run({ version, page: () => page });
        for (const [, metric = '', type = ''] of page.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
          // Of several lines any may be the one that counts.
          const helps = [...page.matchAll(/^# HELP (\S+) (.*)$/gm)]
            .filter(([, of]) => of === metric)
            .map(([, , help = '']) => help.replaceAll('\\\\', '\\').replaceAll('\\n', '\n'));
          const number = ['unknown', 'counter', 'gauge', 'histogram', 'gaugehistogram', 'summary'].indexOf(
            type,
          );
          const told =
            version === 2
              ? named(done.series, new RegExp(`^${metric}(_total|_bucket|_sum|_count)?$`)).map(
                  ({ metadata }) => metadata,
                )
              : done.received.flatMap(({ sent }) => sent.metadata.filter(one => one.metric === metric));
          expect(told.length).toBeGreaterThan(0);
          for (const one of told) {
            expect(one?.type).toBe(number);
            expect(helps.length === 0 ? [''] : helps).toContain(one?.help);
          }
        }
        await expectAllSent(done);
      }
    },
  },
  {
    of: /^(rw1 compat|samples|symbols|timestamps|labels|combined|edge cases) /,
    async check(row, words) {
      const page = row.scrape_page ?? 'test_metric{a="1",b="2"} 42\nother_metric{a="1"} -1.5\n';
      const versions: readonly Version[] = /rw1/.test(words) ? [1] : [1, 2];
      for (const version of versions) {
        const done = await runOnce(`${page} by ${version}`, { version, page: () => page });
        const line = /^(\w+)(?:\{[^}]*\})? (\S+)$/.exec(page.trim());
        for (const metric of metricsOf(page)) {
          const found = named(done.series, new RegExp(`^${metric}$`));
          expect(found.length, metric).toBeGreaterThan(0);
          // Others may have the same names: the program watches itself, too.
          const own = found.filter(({ labels }) =>
            labels.some(([name, value]) => name === 'job' && value === 'page'),
          );
          expect(own.length, metric).toBeGreaterThan(0);
          for (const { labels } of own) expect(labels).toContainEqual(['instance', '127.0.0.1:9100']);
        }
        if (line !== null) {
          const [sample] = named(done.series, new RegExp(`^${line[1]}$`))[0]?.samples ?? [];
          const wanted = Number((line[2] ?? '').replace('Inf', 'Infinity'));
          expect(floatOf(sample?.bits ?? 0n)).toBe(wanted);
          expect(sample?.timeMs).toBeGreaterThan(Date.UTC(2026, 0, 1) - 1000);
          expect(sample?.timeMs).toBeLessThan(Date.UTC(2026, 0, 1) + 60_000);
        }
        await expectAllSent(done);
      }
    },
  },
];

function wordsOf({ file, test, case: name, description }: Row): string {
  return `${file} ${test} ${name ?? ''} ${description}`
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase();
}

describeCorpus('compliance/remotewrite', path => {
  const rows = readJsonLines<Row>(join(path, 'tests.jsonl')).filter(row => row.side === 'sender');
  afterAll(() => reportCases('remotewrite senders', { files: 1, cases: rows.length }));
  for (const row of rows) {
    it(`${row.test}${row.case === undefined ? '' : `: ${row.case}`}`, async () => {
      const words = wordsOf(row);
      const rule = RULES.find(({ of }) => of.test(words));
      if (rule === undefined) throw new Error(`no rule understands: ${words}`);
      await rule.check(row, words);
    });
  }
});
