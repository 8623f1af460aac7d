// The real program is killed with SIGKILL while it scrapes, takes remote writes from three senders at once and compacts.
// Afterwards every sample of every request that it said was stored is there, with its value, and so is what it showed
// of the scraped page. Senders send again what was not answered, as Prometheus does. WATCHKEEPER_KILL_ROUNDS: how often.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { compressSync } from 'snappy';
import { afterEach, expect, it } from 'vitest';
import type { QueryData } from '../../src/api/index.ts';
import { encodeV1, encodeV2, type TestSeries } from '../../src/collect/push/testdata/encode.ts';
import { seededRandom } from '../support/random.ts';
import { type Program, pause, startProgram, temporaryFolder } from './support.ts';

const SEED = 20_261_124;
const ROUNDS = Number(process.env['WATCHKEEPER_KILL_ROUNDS'] ?? 8);
const LIFE_MS_MAX = 900;
const ROUND_MS_MAX = 15_000;
const SENDERS = 3;
const SERIES = 20;
/** Between two samples of a sender: all of a long run stay within the ten minutes that a clock may be ahead. */
const STEP_MS = 20;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** Owns what one sender has sent, and what of it was answered. */
class Sender {
  readonly name: string;
  readonly version: 1 | 2;
  readonly startMs: number;
  /** Requests that were answered with 204. */
  stored = 0;

  constructor(number: number, startMs: number) {
    this.name = `sender-${number}`;
    this.version = number === 0 ? 2 : 1;
    this.startMs = startMs;
  }

  /** Sends one request after the other, until the program is gone. */
  async run(program: Program): Promise<void> {
    for (;;) {
      const body = compressSync(Buffer.from(this.#encoded(this.stored)));
      const proto = this.version === 2 ? ';proto=io.prometheus.write.v2.Request' : '';
      const headers = { 'content-type': `application/x-protobuf${proto}`, 'content-encoding': 'snappy' };
      let status: number;
      try {
        ({ status } = await program.fetch('/api/v1/write', {
          method: 'POST',
          headers,
          body: new Uint8Array(body),
        }));
      } catch {
        return;
      }
      expect(status).toBe(204);
      this.stored++;
    }
  }

  #encoded(n: number): Uint8Array {
    const series: TestSeries[] = Array.from({ length: SERIES }, (_, i) => ({
      labels: [
        ['__name__', 'pushed'],
        ['i', `${i}`],
        ['sender', this.name],
      ],
      samples: [
        { timeMs: this.startMs + 2 * n * STEP_MS, value: 2 * n + i },
        { timeMs: this.startMs + (2 * n + 1) * STEP_MS, value: 2 * n + 1 + i },
      ],
    }));
    return Uint8Array.from(this.version === 1 ? encodeV1(series) : encodeV2(series));
  }

  /** How many of the samples that were answered are missing, or have another value. */
  missing(data: QueryData): string[] {
    const missing: string[] = [];
    const samples = 2 * this.stored;
    for (let i = 0; i < SERIES && samples > 0; i++) {
      const found = valuesOf(data, one => one['sender'] === this.name && one['i'] === `${i}`);
      for (let k = 0; k < samples; k++) {
        if (found.get(this.startMs + k * STEP_MS) !== String(k + i))
          missing.push(`${this.name} ${i} sample ${k}`);
      }
    }
    return missing;
  }
}

function valuesOf(
  data: QueryData,
  wanted: (metric: Readonly<Record<string, string>>) => boolean,
): Map<number, string> {
  if (data.resultType !== 'matrix') throw new Error(`matrix expected, not ${data.resultType}`);
  const series = data.result.find(one => wanted(one.metric));
  return new Map((series?.values ?? []).map(([seconds, value]) => [Math.round(seconds * 1000), value]));
}

async function openPage(): Promise<number> {
  let served = 0;
  const server = createServer((_, response) => {
    served++;
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(`served_total ${served}\n`);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  opened.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return (server.address() as AddressInfo).port;
}

it(`after ${ROUNDS} kills every sample that was answered for is there`, {
  timeout: 60_000 + ROUNDS * ROUND_MS_MAX,
}, async () => {
  const random = seededRandom(SEED);
  const folder = temporaryFolder();
  opened.push(folder.remove);
  const port = await openPage();
  const config = folder.write(
    'watchkeeper.yml',
    `global: { scrape_interval: 100ms, scrape_timeout: 100ms }
host: { enabled: false }
rule_files: []
web: { admin_api: true }
scrape_configs:
  - job_name: page
    static_configs: [{ targets: ['127.0.0.1:${port}'] }]
`,
  );
  const startMs = Date.now();
  const senders = Array.from({ length: SENDERS }, (_, i) => new Sender(i, startMs));
  let shown = new Map<number, string>();
  const check = async (program: Program): Promise<void> => {
    // An instant far enough ahead: pushed times run before the clock.
    const time = String(Date.now() / 1000 + 590);
    const pushed = await program.api<QueryData>('/api/v1/query', { query: 'pushed[1h]', time });
    const missing = senders.flatMap(sender => sender.missing(pushed));
    expect(missing.slice(0, 5), `${missing.length} samples are missing`).toEqual([]);
    const scraped = await program.api<QueryData>('/api/v1/query', { query: 'served_total[1h]' });
    const now = valuesOf(scraped, () => true);
    for (const [timeMs, value] of shown) expect(now.get(timeMs), `scraped at ${timeMs}`).toBe(value);
    shown = now;
  };
  for (let round = 0; round < ROUNDS; round++) {
    const program = await startProgram({ folder, args: ['--config', config] });
    opened.push(() => program.kill());
    await check(program);
    const sending = senders.map(sender => sender.run(program));
    await pause(random.float() * LIFE_MS_MAX);
    // Every other life ends somewhere in a compaction.
    if (round % 2 === 1) {
      program.fetch('/api/v1/admin/tsdb/compact', { method: 'POST' }).catch(() => undefined);
      await pause(random.float() * 40);
    }
    await program.kill();
    await Promise.all(sending);
  }
  const last = await startProgram({ folder, args: ['--config', config] });
  opened.push(() => last.kill());
  await check(last);
  const requests = senders.reduce((sum, sender) => sum + sender.stored, 0);
  console.log(`kill and write: ${ROUNDS} kills, ${requests} requests answered, ${shown.size} scrapes shown`);
  expect(requests).toBeGreaterThan(ROUNDS);
});
