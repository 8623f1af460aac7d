// The aim: passing on what is scraped, by remote write, for less CPU than Prometheus's own sender needs. Each program scrapes the
// same targets, first alone and then with a receiver that takes everything; the difference a sample is the sender's. Each is
// pinned to one core, targets and receiver are on another. Prometheus knows 1.0 only where it is older than 3.
// BENCH_SECONDS (default 30) a measurement, BENCH_ROUNDS (default 1).

import type { ChildProcess } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepPagesOff, scrapeConfig, startPages } from './peers/scrape-load.ts';
import {
  cpuSeconds,
  freePort,
  keepOff,
  median,
  pinnable,
  presentSystems,
  type System,
  started,
  stopped,
} from './peers/systems.ts';

const TARGETS = 20;
const SERIES = 1000;
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 30);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 1);
/** Series are new at first, code is cold: what comes after counts. */
const WARM_UP_MS = 20_000;

const PROTOCOLS = { '1.0': 'prometheus.WriteRequest', '2.0': 'io.prometheus.write.v2.Request' } as const;
type Mode = 'alone' | keyof typeof PROTOCOLS;

/** Takes everything, and counts it. */
async function openSink(): Promise<{
  readonly url: string;
  readonly got: { requests: number; bytes: number };
  close(): void;
}> {
  const got = { requests: 0, bytes: 0 };
  const server = createServer((request, response) => {
    request.on('data', (data: Buffer) => {
      got.bytes += data.length;
    });
    request.on('end', () => {
      got.requests++;
      response.writeHead(204, { 'x-prometheus-remote-write-samples-written': '1000000' }).end();
    });
  }).listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/api/v1/write`, got, close: () => void server.close() };
}

interface Figures {
  readonly cpuSecondsAMillion: number;
  readonly bytesASample: number;
}

async function measure(system: System, mode: Mode): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-bench-'));
  const pages = await startPages(TARGETS, SERIES);
  keepPagesOff(pages);
  const sink = await openSink();
  let child: ChildProcess | undefined;
  try {
    const config = scrapeConfig(system, folder, pages.ports);
    if (mode !== 'alone') {
      const message = system.name === 'watchkeeper' ? `    protobuf_message: ${PROTOCOLS[mode]}\n` : '';
      // As later versions have it by default: older ones send smaller requests.
      const queue = '    queue_config: { max_samples_per_send: 2000, capacity: 10000 }\n';
      appendFileSync(config, `remote_write:\n  - url: ${sink.url}\n${message}${queue}`);
    }
    child = started(system, { folder, port: await freePort(), config });
    const pid = child.pid as number;
    await sleep(WARM_UP_MS);
    const before = { cpu: cpuSeconds(pid), pages: await pages.served(), bytes: sink.got.bytes };
    await sleep(SECONDS * 1000);
    const samples = ((await pages.served()) - before.pages) * SERIES;
    return {
      cpuSecondsAMillion: ((cpuSeconds(pid) - before.cpu) / samples) * 1e6,
      bytesASample: (sink.got.bytes - before.bytes) / samples,
    };
  } finally {
    await stopped(child, 'SIGTERM');
    pages.end();
    sink.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

keepOff();
const systems = presentSystems().filter(({ name }) => name !== 'victoria-metrics');
process.stdout.write(
  `${TARGETS} targets of ${SERIES} series at 1 s; ${ROUNDS} x ${SECONDS} s each; ${pinnable ? 'pinned to a core' : 'not pinned'}\n`,
);
const found = new Map<string, Figures[]>();
for (let round = 0; round < ROUNDS; round++) {
  for (const system of systems) {
    for (const mode of ['alone', ...Object.keys(PROTOCOLS)] as Mode[]) {
      if (mode === '2.0' && system.name !== 'watchkeeper') continue;
      const key = `${system.name} ${mode}`;
      found.set(key, [...(found.get(key) ?? []), await measure(system, mode)]);
    }
  }
}
const of = (key: string, what: keyof Figures): number => median((found.get(key) ?? []).map(one => one[what]));
for (const key of found.keys()) {
  const alone = of(`${key.split(' ')[0]} alone`, 'cpuSecondsAMillion');
  const all = of(key, 'cpuSecondsAMillion');
  const sender = key.endsWith('alone')
    ? ''
    : `, the sender ${(all - alone).toFixed(2)}, ${of(key, 'bytesASample').toFixed(1)} bytes a sample`;
  process.stdout.write(`${key.padEnd(20)} ${all.toFixed(2)} CPU s/M samples${sender}\n`);
}
