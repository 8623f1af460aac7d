// Two hundred heavy queries, and lists of series and labels and federation among them, at once against the real program: scrapes and evaluations stay on time, memory stays within its
// limits, each query is answered or told why not, who leaves is forgotten, and after a crash it is known what was running.

import { readFileSync } from 'node:fs';
import { Agent, get, request as httpRequest } from 'node:http';
import { Worker } from 'node:worker_threads';
import { compressSync } from 'snappy';
import { afterEach, describe, expect, it } from 'vitest';
import type { Failure, QueriesJson, QueryData } from '../../src/api/index.ts';
import { type Folder, type Program, pause, startProgram, temporaryFolder, until } from './support.ts';

const TEST_MS_MAX = 240_000;
const SERIES = 20_000;
/** Of a request, as senders do. */
const SERIES_AT_ONCE = 2000;
const STEP_MS = 15_000;
const ROWS = 40;
const QUERIES = 200;
/** Of one query, its wait for others included. */
const TIMEOUT_S = 25;
const TARGETS = 10;
const GROUPS = 5;
/** What the program needs for itself and these series, the limit of all queries, and garbage that is not collected yet. */
const RESIDENT_MB_MAX = 1300;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

// --- what is scraped, evaluated and stored -----------------------------------------------------------

/** In a thread of its own, which notes when each target was asked. */
async function targets(): Promise<{ readonly port: number; times(): Promise<number[][]> }> {
  const thread = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const times = Array.from({ length: ${TARGETS} }, () => []);
     const server = require('node:http').createServer((request, response) => {
       times[Number(request.url.slice(2))].push(performance.now());
       response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end('served 1\\n');
     });
     parentPort.on('message', () => parentPort.postMessage(times));
     server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`,
    { eval: true },
  );
  opened.push(() => thread.terminate());
  const port = await new Promise<number>(resolve => thread.once('message', resolve));
  return {
    port,
    times: () =>
      new Promise(resolve => {
        thread.once('message', resolve);
        thread.postMessage('times');
      }),
  };
}

function configure(folder: Folder, port: number): string {
  const jobs = Array.from(
    { length: TARGETS },
    (_, i) =>
      `  - { job_name: j${i}, scrape_interval: 1s, scrape_timeout: 1s, metrics_path: /t${i}, static_configs: [{ targets: ['127.0.0.1:${port}'] }] }`,
  );
  const groups = Array.from(
    { length: GROUPS },
    (_, i) => `  - name: g${i}
    interval: 1s
    rules:
      - { record: 'g${i}:served:sum', expr: 'sum(served)' }
      - { record: 'g${i}:up:rate', expr: 'sum by (job) (rate(up[1m]))' }
      - { alert: 'Down${i}', expr: 'up == 0' }`,
  );
  folder.write('rules.yml', `groups:\n${groups.join('\n')}\n`);
  return folder.write(
    'watchkeeper.yml',
    `host: { enabled: false }
rule_files: [rules.yml]
query: { memory_max: 96MB, memory_total_max: 256MB, waiting_max: 120, timeout: ${TIMEOUT_S}s, slow: 5s }
scrape_configs:
${jobs.join('\n')}
`,
  );
}

function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + 2]), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

/** prometheus.WriteRequest of one time; labels are encoded once for all times. */
function labelsOf(i: number): Buffer {
  const pairs = { __name__: 'load_total', instance: `host-${i}`, job: 'load', zone: `z${i % 10}` };
  return Buffer.concat(
    Object.entries(pairs).map(([name, value]) =>
      field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))])),
    ),
  );
}

async function write(program: Program): Promise<{ readonly startMs: number; readonly endMs: number }> {
  const labels = Array.from({ length: SERIES }, (_, i) => labelsOf(i));
  const endMs = Math.floor(Date.now() / STEP_MS) * STEP_MS;
  const startMs = endMs - (ROWS - 1) * STEP_MS;
  for (let atMs = startMs; atMs <= endMs; atMs += STEP_MS) {
    const time = varint(atMs);
    for (let from = 0; from < SERIES; from += SERIES_AT_ONCE) {
      const series = labels.slice(from, from + SERIES_AT_ONCE).map((one, i) => {
        const value = Buffer.alloc(8);
        value.writeDoubleLE((atMs - startMs) * (1 + ((from + i) % 7)));
        const sample = Buffer.concat([Buffer.from([9]), value, Buffer.from([16]), time]);
        return field(1, Buffer.concat([one, field(2, sample)]));
      });
      const response = await program.fetch('/api/v1/write', {
        method: 'POST',
        headers: { 'content-encoding': 'snappy', 'content-type': 'application/x-protobuf' },
        body: compressSync(Buffer.concat(series)),
      });
      if (!response.ok) throw new Error(`write answered ${response.status}: ${await response.text()}`);
    }
  }
  return { startMs, endMs };
}

// --- what is asked -----------------------------------------------------------------------------------

const HEAVY = [
  'sum by (zone) (rate(load_total[2m]))',
  'load_total{instance=~".*[05]"} * 2',
  'sum(max_over_time(rate(load_total[1m])[3m:15s]))',
  'topk(5, load_total)',
  'sum(load_total + on (instance) load_total)',
  'count by (zone) ({__name__=~"load.*",instance=~"host-.+[1379]"})',
  'quantile by (zone) (0.9, rate(load_total[3m]))',
  'load_total + load_total * 2 - load_total',
];

/** An instant of many subqueries takes its time without any data. */
function endless(): string {
  return Array.from({ length: 150 }, () => 'quantile_over_time(0.5, vector(1)[30d:30s])').join(' + ');
}

interface Told {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** Of a refusal; a long answer is thrown away as it comes. */
  readonly text: string;
  /** From the question to the end of the answer. */
  readonly durationMs: number;
}

interface Question {
  readonly path?: string;
  readonly params: Record<string, string>;
}

/** Without a pool: each query has a connection of its own, as with as many people. */
function ask(
  program: Program,
  { path = '/api/v1/query_range', params }: Question,
  signal?: AbortSignal,
): Promise<Told> {
  const url = `${program.url}${path}?${new URLSearchParams(params)}`;
  const askedMs = performance.now();
  return new Promise((resolve, reject) => {
    const asked = get(url, { agent: new Agent(), ...(signal === undefined ? {} : { signal }) }, response => {
      const { statusCode: status = 0 } = response;
      let text = '';
      response.on('data', (data: Buffer) => {
        if (status !== 200) text += data.toString();
      });
      response.on('error', reject);
      response.on('end', () => {
        const durationMs = performance.now() - askedMs;
        resolve({ status, retryAfter: response.headers['retry-after'], text, durationMs });
      });
    });
    asked.on('error', reject);
  });
}

/** Lists that are as long as the series are many. */
const LISTS: readonly (readonly [path: string, matcher: string])[] = [
  ['/api/v1/series', 'load_total'],
  ['/api/v1/labels', '{instance=~"host-.+[1379]"}'],
  ['/api/v1/label/instance/values', '{__name__=~"load.*"}'],
  ['/federate', '{__name__=~"load.*"}'],
];

/** Each fifth is a list. */
function heavy(
  i: number,
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
): Question & { readonly params: Record<string, string> } {
  const times = { start: String(startMs / 1000), end: String(endMs / 1000) };
  const list = i % 5 === 4 ? LISTS[Math.floor(i / 5) % LISTS.length] : undefined;
  if (list !== undefined) return { path: list[0], params: { 'match[]': list[1], ...times } };
  return { params: { query: HEAVY[i % HEAVY.length] as string, ...times, step: '5' } };
}

/** By errorType, each refusal with what belongs to it. */
function verdictOf({ status, retryAfter, text }: Told): string {
  if (status === 200) return 'answered';
  const { errorType, error } = JSON.parse(text) as Failure;
  if (status === 503 && errorType === 'unavailable' && error.startsWith('query-overload: '))
    return retryAfter === undefined ? `no Retry-After: ${text}` : 'unavailable';
  if (status === 503 && errorType === 'timeout') return 'timeout';
  if (status === 422 && error.startsWith('query-limit: ') && error.includes('query.memory_max'))
    return 'limit';
  return `${status} ${text}`;
}

const activity = (program: Program): Promise<QueriesJson> => program.api('/api/watchkeeper/v1/queries');

async function metric(program: Program, pattern: RegExp): Promise<number> {
  const page = await (await program.fetch('/metrics')).text();
  return [...page.matchAll(pattern)].reduce((sum, match) => sum + Number(match[1]), 0);
}

async function evaluations(program: Program): Promise<{ readonly done: number; readonly missed: number }> {
  return {
    done: await metric(program, /^watchkeeper_rule_group_iterations_total\{[^}]*\} (\S+)$/gm),
    missed: await metric(program, /^watchkeeper_rule_group_iterations_missed_total\S* (\S+)$/gm),
  };
}

function longestGap(times: readonly number[]): number {
  return times.reduce((gap, time, i) => Math.max(gap, i === 0 ? 0 : time - (times[i - 1] as number)), 0);
}

// --- the tests ---------------------------------------------------------------------------------------

describe('two hundred heavy queries at once', () => {
  it('delay neither scrapes nor evaluations, and are each answered or told why not', {
    timeout: TEST_MS_MAX,
  }, async () => {
    const served = await targets();
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const config = configure(folder, served.port);
    const program = await startProgram({ folder, args: ['--config', config] });
    opened.push(program.kill);
    const range = await write(program);
    const counted = await program.api<QueryData>('/api/v1/query', {
      query: 'count(load_total)',
      time: String(range.endMs / 1000),
    });
    expect(counted).toMatchObject({ result: [{ value: [expect.anything(), String(SERIES)] }] });

    const before = { ...(await evaluations(program)), atMs: performance.now() };
    const loaded = (await served.times()).map(times => times.length);
    // Those that leave ask what none of them can be done with by then, and are all at it before the others come.
    const leaving = Array.from({ length: 20 }, () => new AbortController());
    const instant = String(range.endMs / 1000);
    const left = Promise.allSettled(
      leaving.map(({ signal }) =>
        ask(program, { params: { query: endless(), start: instant, end: instant, step: '1' } }, signal),
      ),
    );
    await until('queries that run', async () => (await activity(program)).running.length === leaving.length);
    const answers = Promise.all(Array.from({ length: QUERIES }, (_, i) => ask(program, heavy(i, range))));
    // Whoever waits for them hears of it; the program that is stopped after a failure must not be a second one.
    answers.catch(() => {});
    await until('queries that wait', async () => (await activity(program)).waiting.length > 50);
    const waiting = (await activity(program)).waiting.map(({ expr }) => expr);
    for (const [path] of LISTS) expect(waiting.some(expr => expr.startsWith(path))).toBe(true);
    for (const controller of leaving) controller.abort();
    const gone = (await left).filter(({ status }) => status === 'rejected').length;
    expect(gone).toBe(leaving.length);
    const cancelled = /^watchkeeper_engine_queries_failed_total\{code="query-cancelled"\} (\S+)$/gm;
    await until(
      'the end of the queries whose client left',
      async () => (await metric(program, cancelled)) === gone,
    );
    const probes: number[] = [];
    let over = false;
    const probing = (async () => {
      while (!over) {
        const askedMs = performance.now();
        expect((await program.fetch('/-/healthy')).ok).toBe(true);
        probes.push(performance.now() - askedMs);
        await pause(100);
      }
    })();
    const told = await answers;
    const verdicts = told.map(verdictOf);
    over = true;
    await probing;

    const elapsedS = (performance.now() - before.atMs) / 1000;
    const evaluated = await evaluations(program);
    const tally: Record<string, number> = {};
    for (const verdict of verdicts) tally[verdict] = (tally[verdict] ?? 0) + 1;
    const residentMb =
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${program.pid}/status`, 'utf8'))?.[1]) / 1024;
    const seen = {
      elapsedS,
      // A page is due each second: more than two seconds between two of them is one that was a second late.
      gapMs: Math.max(...(await served.times()).map((times, i) => longestGap(times.slice(loaded[i])))),
      skippedScrapes: await metric(program, /^watchkeeper_scrape_skipped_ticks_total\S* (\S+)$/gm),
      missed: evaluated.missed - before.missed,
      evaluated: evaluated.done - before.done,
      slowestProbeMs: Math.max(...probes),
      tally,
      residentMb,
    };
    const report = JSON.stringify(seen);
    if (process.env['WATCHKEEPER_REPORT'] === 'true') process.stderr.write(`${report}\n`);
    expect(seen.gapMs, report).toBeLessThan(2000);
    expect(seen.skippedScrapes, report).toBe(0);
    expect(seen.missed, report).toBe(0);
    expect(seen.evaluated, report).toBeGreaterThanOrEqual(GROUPS * Math.floor(elapsedS - 1));
    expect(seen.slowestProbeMs, report).toBeLessThan(1000);
    const known = ['answered', 'unavailable', 'timeout', 'limit'];
    expect(Object.keys(tally).filter(verdict => !known.includes(verdict))).toEqual([]);
    expect(tally['answered'], report).toBeGreaterThan(4);
    expect(tally['unavailable'], report).toBeGreaterThan(0);
    const lists = verdicts.filter((_, i) => i % 5 === 4);
    expect(lists.filter(verdict => verdict === 'answered').length, report).toBeGreaterThan(0);
    // Where all together hold too much they wait for one another: nobody is refused for that before its time is up.
    const tooSoon = told.filter(
      ({ status, text, durationMs }) =>
        status === 503 && text.includes('query.memory_total_max') && durationMs < TIMEOUT_S * 1000 - 100,
    );
    expect(tooSoon).toEqual([]);
    const tooLarge = {
      params: { ...heavy(0, range).params, query: 'load_total + load_total * 2 - load_total' },
    };
    expect(verdictOf(await ask(program, tooLarge))).toBe('limit');
    expect(residentMb).toBeLessThan(RESIDENT_MB_MAX);

    const after = await activity(program);
    expect([after.running.length, after.waiting.length]).toEqual([0, 0]);
    expect(after.slowest[0]?.durationMs).toBeGreaterThan(1000);
    expect(await metric(program, /^watchkeeper_engine_query_memory_bytes (\S+)$/gm)).toBe(0);
  });

  it('are known after a crash', { timeout: TEST_MS_MAX }, async () => {
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const args = ['--config', configure(folder, 9)];
    const program = await startProgram({ folder, args });
    opened.push(program.kill);
    const query = endless();
    const request = httpRequest(`${program.url}/api/v1/query?${new URLSearchParams({ query })}`);
    request.on('error', () => {});
    request.end();
    await until('the query', async () => (await activity(program)).running.length > 0);
    await program.kill();
    const next = await startProgram({ folder, args });
    opened.push(next.kill);
    // A rule that took its time in that moment is named as well.
    const asked = (await activity(next)).interrupted.filter(({ who }) => who === 'loopback');
    expect(asked).toMatchObject([
      {
        expr: expect.stringContaining('quantile_over_time(0.5, vector(1)'),
        who: 'loopback',
        client: '127.0.0.1',
      },
    ]);
    expect(next.output()).toContain('This query was running when the process died');
  });
});
