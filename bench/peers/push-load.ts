// What remote-write senders send: hosts with ten gauges and ten counters each, ten labels a series, whole numbers that
// walk and decimals. Bodies are really compressed, or snappy literals only, which takes the decompressor out.

import { Agent, request } from 'node:http';
import { compressSync } from 'snappy';

export type Packing = 'snappy' | 'literals';

const LITERAL_BYTES = 65_536;
const IN_FLIGHT = 4;

export interface Load {
  readonly series: number;
  /** Labels of series i, as the repeated field of a TimeSeries. */
  readonly labels: readonly Buffer[];
}

const METRICS = [
  'node_load1',
  'node_memory_free_bytes',
  'node_filesystem_avail_bytes',
  'go_goroutines',
  'process_open_fds',
  'queue_length',
  'temperature_celsius',
  'pool_in_use',
  'threads_running',
  'cache_entries',
  'http_requests_total',
  'http_errors_total',
  'node_cpu_seconds_total',
  'node_network_receive_bytes_total',
  'node_disk_reads_completed_total',
  'jobs_done_total',
  'request_duration_seconds_bucket',
  'request_duration_seconds_bucket',
  'request_duration_seconds_bucket',
  'request_duration_seconds_bucket',
];
const PER_HOST = METRICS.length;
const FIRST_BUCKET = METRICS.indexOf('request_duration_seconds_bucket');

/** `generation` makes all series new ones. */
export function loadOf(hosts: number, generation = 0): Load {
  const labels: Buffer[] = [];
  for (let host = 0; host < hosts; host++) {
    for (let m = 0; m < PER_HOST; m++) {
      const pairs: [string, string][] = [
        ['__name__', METRICS[m] as string],
        ['cluster', `prod-eu-${host % 4}`],
        ['datacenter', `dc-${host % 7}`],
        ['env', 'production'],
        ['instance', `host-${generation}-${host}.example.net:9100`],
        ['job', 'node'],
        ['rack', `r${host % 40}`],
        ['region', `eu-west-${host % 3}`],
        // Buckets of one histogram differ in their bounds only.
        ['service', `service-${Math.min(m, FIRST_BUCKET) % 5}`],
        ['team', `team-${host % 12}`],
      ];
      if (m >= FIRST_BUCKET) pairs.push(['le', String(2 ** (m - FIRST_BUCKET - 2))]);
      pairs.sort(([a], [b]) => (a < b ? -1 : 1));
      labels.push(Buffer.concat(pairs.map(pair)));
    }
  }
  return { series: labels.length, labels };
}

function pair([name, value]: readonly [string, string]): Buffer {
  const [a, b] = [Buffer.from(name), Buffer.from(value)];
  const inner = Buffer.from([0x0a, a.length, ...a, 0x12, b.length, ...b]);
  return Buffer.concat([Buffer.from([0x0a, inner.length]), inner]);
}

/** Bodies of so many series each, every series with the samples of these steps. */
export function* bodies(
  load: Load,
  of: {
    readonly seriesEach: number;
    readonly fromStep: number;
    readonly steps: number;
    readonly timeMs: (step: number) => number;
    readonly packing: Packing;
  },
): Generator<{ readonly body: Buffer; readonly samples: number }> {
  const { seriesEach, fromStep, steps, timeMs, packing } = of;
  const room = Buffer.alloc(seriesEach * (steps * 24 + 512));
  for (let from = 0; from < load.series; from += seriesEach) {
    const to = Math.min(load.series, from + seriesEach);
    let at = 0;
    for (let i = from; i < to; i++) at = writeSeries(room, at, { load, i, fromStep, steps, timeMs });
    const plain = room.subarray(0, at);
    const body = packing === 'snappy' ? compressSync(plain) : literals(plain);
    yield { body, samples: (to - from) * steps };
  }
}

const SAMPLE_BYTES = 18;

function writeSeries(
  room: Buffer,
  start: number,
  one: {
    readonly load: Load;
    readonly i: number;
    readonly fromStep: number;
    readonly steps: number;
    readonly timeMs: (step: number) => number;
  },
): number {
  const { load, i, fromStep, steps, timeMs } = one;
  const labels = load.labels[i] as Buffer;
  let at = start;
  room[at++] = 0x0a;
  at = varint(room, at, labels.length + steps * SAMPLE_BYTES);
  at += labels.copy(room, at);
  for (let step = fromStep; step < fromStep + steps; step++) {
    room[at++] = 0x12;
    room[at++] = SAMPLE_BYTES - 2;
    room[at++] = 0x09;
    room.writeDoubleLE(sampleOf(i, step), at);
    room[at + 8] = 0x10;
    // Times of this century take six bytes.
    at = varint(room, at + 9, timeMs(step));
  }
  return at;
}

/** Gauges walk in whole numbers or decimals, counters rise; all of it follows from series and step. */
function sampleOf(i: number, step: number): number {
  const m = i % PER_HOST;
  const noise = Math.abs(Math.imul(i * 2_654_435_761 + step * 40_503, 2_246_822_519) >> 8) % 1000;
  if (m >= 10) return i + step * (10 + (i % 90)) + (noise % 10);
  return m % 3 === 0 ? 500 + noise / 100 : 10_000 + (i % 100) * 10 + (noise % 20);
}

function varint(room: Buffer, start: number, value: number): number {
  let rest = value;
  let at = start;
  while (rest >= 128) {
    room[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  room[at++] = rest;
  return at;
}

function literals(plain: Buffer): Buffer {
  const head = Buffer.alloc(10);
  const parts: Buffer[] = [head.subarray(0, varint(head, 0, plain.length))];
  for (let from = 0; from < plain.length; from += LITERAL_BYTES) {
    const part = plain.subarray(from, from + LITERAL_BYTES);
    const length = part.length - 1;
    parts.push(Buffer.from([61 << 2, length & 255, length >> 8]), part);
  }
  return Buffer.concat(parts);
}

/** Sends bodies, a few at a time. What is answered 429 or 5xx is sent again. */
export async function sendAll(
  to: { readonly port: number; readonly path: string },
  all: Iterator<{ readonly body: Buffer; readonly samples: number }>,
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  let samples = 0;
  const worker = async (): Promise<void> => {
    for (let next = all.next(); !next.done; next = all.next()) {
      for (;;) {
        const status = await post(agent, to, next.value.body);
        if (status < 300) break;
        if (status !== 429 && status < 500) throw new Error(`a body is answered ${status}`);
      }
      samples += next.value.samples;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  agent.destroy();
  return samples;
}

function post(
  agent: Agent,
  to: { readonly port: number; readonly path: string },
  body: Buffer,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        agent,
        host: '127.0.0.1',
        port: to.port,
        path: to.path,
        method: 'POST',
        headers: {
          'content-type': 'application/x-protobuf',
          'content-encoding': 'snappy',
          'x-prometheus-remote-write-version': '0.1.0',
          'content-length': body.length,
        },
      },
      response => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
