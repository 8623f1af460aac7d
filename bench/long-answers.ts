// Claim: an answer of 100 MB keeps nothing else waiting for more than some 25 ms and takes little memory beyond its data, as
// JSON of a range query, plain and compressed, and as a remote read in samples and in chunks. Asked over loopback by a process
// of its own, which counts the bytes. For comparison the JSON is made at once, as objects and then as a string. What others
// waited holds what other programs took of the processors; the CPU between two turns of the loop does not, but holds what
// threads beside it took.

import { spawn } from 'node:child_process';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type ApiDeps, createApi } from '../src/api/index.ts';
import { ok } from '../src/base/index.ts';
import { snappyHead } from '../src/exposition/index.ts';
import {
  type AnswerSeries,
  labelsFrom,
  labelsToRecord,
  MetricRegistry,
  NO_LABELS,
  type SeriesColumns,
} from '../src/model/index.ts';
import { httpServer, systemClock } from '../src/os/index.ts';

const SERIES = 360;
const POINTS = 10_000;
const START_MS = 1_700_000_000_000;
const STEP_MS = 15_000;
const ROUNDS = 3;

const times = Float64Array.from({ length: POINTS }, (_, i) => START_MS + i * STEP_MS);
const present = new Uint8Array(POINTS).fill(1);
const labelsOf = (s: number) =>
  labelsFrom({
    __name__: 'node_network_receive_bytes_total',
    instance: `10.0.0.${s}:9100`,
    job: 'node',
    device: 'eth0',
  });
/** Counters of whole bytes, and gauges with all their digits. */
const sampleOf = (s: number, i: number): number => (s % 2 === 0 ? i * (1000 + s) : Math.sin(i + s) * 100);
const all = Array.from({ length: SERIES }, (_, s) => ({
  labels: labelsOf(s),
  values: Float64Array.from({ length: POINTS }, (_, i) => sampleOf(s, i)),
}));
const answer: readonly AnswerSeries[] = all.map(one => ({ ...one, present }));
const columns: readonly SeriesColumns[] = all.map((one, s) => ({
  ...one,
  ref: (s + 1) as SeriesColumns['ref'],
  producer: undefined,
  timesMs: times,
  from: 0,
  to: POINTS,
}));

/** What the two routes need; anything else would end the measurement. */
const deps = {
  clock: systemClock(),
  externalLabels: () => NO_LABELS,
  metrics: new MetricRegistry(),
  query: {
    prepare: () =>
      ok({
        kind: 'promql-plan' as const,
        expr: '',
        type: 'vector' as const,
        root: { op: '', inputs: [], settings: {} },
      }),
    execute: async () =>
      ok({
        times: { startMs: START_MS, endMs: START_MS + (POINTS - 1) * STEP_MS, stepMs: STEP_MS },
        resultType: 'matrix' as const,
        series: answer,
        annotations: [],
        cost: { seriesRead: 0, samplesRead: 0, durationMs: 0 },
      }),
  },
  reader: {
    series: async () => ok(all.map(({ labels }) => labels)),
    select: async (_: unknown, { between }: { between: { first: unknown; last: unknown } }) => {
      const from = all.findIndex(({ labels }) => labels === between.first);
      return ok(columns.slice(from, all.findIndex(({ labels }) => labels === between.last) + 1));
    },
  },
} as unknown as ApiDeps;

/** Begins when it is told to: starting a process stalls a large one, which is not what is measured. */
const CLIENT = `
const [url, body, encoding] = process.argv.slice(1);
console.log('ready');
await new Promise(resolve => process.stdin.once('data', resolve));
const headers = { 'accept-encoding': encoding };
const sent = body === '' ? { headers } : { method: 'POST', headers, body: Buffer.from(body, 'hex') };
const response = await fetch(url, sent);
let bytes = 0;
for await (const chunk of response.body) bytes += chunk.length;
console.log(response.status + ' ' + bytes);
process.exit();
`;

interface Case {
  readonly name: string;
  readonly path: string;
  readonly body: string;
  readonly encoding: string;
}

/** All series of all times, accepted in one kind: the fields of a ReadRequest one by one. */
function readRequest(kind: number): string {
  const end = [...snappyHead(START_MS * 2)];
  const query = [
    0x10,
    ...end,
    0x1a,
    12,
    0x08,
    2,
    0x12,
    4,
    ...Buffer.from('job_'),
    0x1a,
    2,
    ...Buffer.from('.*'),
  ];
  const plain = [0x0a, query.length, ...query, 0x10, kind];
  return Buffer.from([plain.length, (plain.length - 1) << 2, ...plain]).toString('hex');
}

const RANGE = `/api/v1/query_range?query=x&start=${START_MS / 1000}&end=${START_MS / 1000 + 1}&step=1`;
const CASES: readonly Case[] = [
  { name: 'JSON, plain', path: RANGE, body: '', encoding: 'identity' },
  { name: 'JSON, gzip', path: RANGE, body: '', encoding: 'gzip' },
  { name: 'remote read, samples', path: '/api/v1/read', body: readRequest(0), encoding: 'identity' },
  { name: 'remote read, chunks', path: '/api/v1/read', body: readRequest(1), encoding: 'identity' },
];

const access = { users: [], tokens: [], certificates: false, listenHost: '127.0.0.1', hostNames: [] };
const settings = { ...access, routePrefix: '', corsOrigin: undefined };
const server = httpServer({ log: (_, message, fields) => console.log(message, fields) });
const listener = await server.listen(
  { host: '127.0.0.1', port: 0 },
  createApi(deps, () => settings),
);
if (!listener.ok) throw new Error(listener.error.message);
const { port } = listener.value;

interface Client {
  go(): Promise<string>;
}

async function clientOf({ path, body, encoding }: Case): Promise<Client> {
  const args = ['--input-type=module', '-e', CLIENT, `http://127.0.0.1:${port}${path}`, body, encoding];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  const ready = new Promise<void>(resolve => {
    child.stdout.on('data', data => {
      text += String(data);
      resolve();
    });
  });
  await ready;
  return {
    go: () => {
      child.stdin.write('go');
      return new Promise(resolve => child.on('close', () => resolve(text.replace('ready', '').trim())));
    },
  };
}

async function measured(name: string, work: () => Promise<string>): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const before = process.memoryUsage();
  let [rssMax, turnCpuMs, isOver] = [0, 0, false];
  let cpu = process.cpuUsage();
  const turn = (): void => {
    const { user, system } = process.cpuUsage(cpu);
    turnCpuMs = Math.max(turnCpuMs, (user + system) / 1000);
    cpu = process.cpuUsage();
    if (!isOver) setImmediate(turn);
  };
  const looks = setInterval(() => {
    rssMax = Math.max(rssMax, process.memoryUsage().rss);
  }, 5);
  delay.enable();
  turn();
  const startMs = performance.now();
  const said = await work();
  const tookMs = performance.now() - startMs;
  delay.disable();
  isOver = true;
  clearInterval(looks);
  rssMax = Math.max(rssMax, process.memoryUsage().rss);
  const [status, bytes] = said.split(' ');
  const waited = `others waited ${(delay.max / 1e6).toFixed(0)} ms at most (${turnCpuMs.toFixed(0)} ms of CPU)`;
  console.log(
    `${name}: ${status}, ${(Number(bytes) / 1e6).toFixed(1)} MB in ${tookMs.toFixed(0)} ms, ${waited}, +${((rssMax - before.rss) / 1e6).toFixed(0)} MB`,
  );
}

async function atOnce(): Promise<string> {
  await new Promise(resolve => setTimeout(resolve, 20));
  const result = all.map(({ labels, values }) => ({
    metric: labelsToRecord(labels),
    values: Array.from(values, (value, i) => [(times[i] ?? 0) / 1000, String(value)]),
  }));
  const text = JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } });
  await new Promise(resolve => setTimeout(resolve, 20));
  return `made ${text.length}`;
}

for (let round = 0; round < ROUNDS; round++) {
  for (const one of CASES) await measured(one.name, (await clientOf(one)).go);
  await measured('for comparison, JSON at once, without HTTP', atOnce);
}
await listener.value.close(0);
