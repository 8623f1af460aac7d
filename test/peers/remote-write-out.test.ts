// This program writes what it scrapes to Debian's Prometheus, to VictoriaMetrics and to another of its kind. It is killed with
// SIGKILL in the middle, and each receiver is away for a while: afterwards each has every sample that this program has, with
// its value, and nothing else.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { QueryData } from '../../src/api/index.ts';
import { type Folder, openPage, type Program, startProgram, temporaryFolder, until } from '../e2e/support.ts';
import { freePort, isSkipped, startPrometheusAt } from './prometheus.ts';

const TEST_MS_MAX = 180_000;
const WAIT_MS_MAX = 90_000;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Receiver {
  readonly writeUrl: string;
  /** Samples of the page's series: "series time" → value. */
  samples(): Promise<ReadonlyMap<string, string>>;
  stop(): Promise<unknown>;
}

interface Kind {
  readonly name: string;
  readonly isSkipped: boolean;
  readonly settings: string;
  /** Of a value: VictoriaMetrics keeps decimals, and not all of them. */
  readonly relativeError: number;
  start(folder: Folder, port: number): Promise<Receiver>;
}

const QUERY = '{job="page"}[1h]';

function samplesOf(data: QueryData): ReadonlyMap<string, string> {
  if (data.resultType !== 'matrix') throw new Error(`matrix expected, not ${data.resultType}`);
  return new Map(
    data.result.flatMap(({ metric, values }) => {
      const { replica: _, ...labels } = metric as Readonly<Record<string, string>>;
      const series = JSON.stringify(Object.entries(labels).sort());
      return (values ?? []).map(
        ([seconds, value]) => [`${series} ${Math.round(seconds * 1000)}`, value] as const,
      );
    }),
  );
}

async function askedOf(url: string): Promise<ReadonlyMap<string, string>> {
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: QUERY }).toString()}`);
  return samplesOf(((await response.json()) as { readonly data: QueryData }).data);
}

const hasVictoria = spawnSync('victoria-metrics', ['-version'], { stdio: 'ignore' }).status === 0;

async function startVictoria(folder: Folder, port: number): Promise<Receiver> {
  const child = spawn(
    'victoria-metrics',
    [
      `-storageDataPath=${join(folder.path, 'victoria')}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-search.latencyOffset=0s',
      '-loggerLevel=ERROR',
    ],
    { stdio: 'ignore' },
  );
  const closed = new Promise<void>(resolve => child.on('close', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await closed;
  };
  await until('VictoriaMetrics is ready', async () => {
    if (child.exitCode !== null) throw new Error(`VictoriaMetrics ended with ${child.exitCode}`);
    const response = await fetch(`${url}/health`).catch(() => undefined);
    return response?.status === 200;
  });
  const samples = async (): Promise<ReadonlyMap<string, string>> => {
    const match = new URLSearchParams({ 'match[]': '{job="page"}' }).toString();
    await fetch(`${url}/internal/force_flush`);
    const response = await fetch(`${url}/api/v1/export?${match}`);
    const lines = (await response.text()).split('\n').filter(line => line !== '');
    return new Map(
      lines.flatMap(line => {
        const { metric, values, timestamps } = JSON.parse(line) as {
          readonly metric: Readonly<Record<string, string>>;
          readonly values: readonly number[];
          readonly timestamps: readonly number[];
        };
        const { replica: _, ...labels } = metric;
        const series = JSON.stringify(Object.entries(labels).sort());
        return values.map((value, i) => [`${series} ${timestamps[i]}`, String(value)] as const);
      }),
    );
  };
  return { writeUrl: `${url}/api/v1/write`, samples, stop };
}

async function startOwn(folder: Folder, port: number): Promise<Receiver> {
  const config = folder.write('receiver.yml', 'host: { enabled: false }\nrule_files: []\n');
  const own: Folder = { ...folder, path: join(folder.path, 'receiver') };
  mkdirSync(own.path, { recursive: true });
  const args = ['--config', config, '--listen', `127.0.0.1:${port}`];
  const program = await startProgram({ folder: own, args });
  return {
    writeUrl: `${program.url}/api/v1/write`,
    samples: async () => samplesOf(await program.api<QueryData>('/api/v1/query', { query: QUERY })),
    stop: program.kill,
  };
}

const KINDS: readonly Kind[] = [
  {
    name: 'Prometheus',
    isSkipped,
    settings: '',
    relativeError: 0,
    async start(folder, port) {
      const args = ['--web.enable-remote-write-receiver'];
      const peer = await startPrometheusAt(port, { folder, config: 'scrape_configs: []\n', args });
      return { writeUrl: `${peer.url}/api/v1/write`, samples: () => askedOf(peer.url), stop: peer.stop };
    },
  },
  {
    name: `VictoriaMetrics${hasVictoria ? '' : ' (not installed)'}`,
    isSkipped: !hasVictoria && process.env['CI'] !== 'true',
    settings: '',
    relativeError: 1e-9,
    start: startVictoria,
  },
  {
    name: 'this program, by 2.0',
    isSkipped: false,
    settings: 'protobuf_message: io.prometheus.write.v2.Request',
    relativeError: 0,
    start: startOwn,
  },
];

const configOf = (page: number, port: number, settings: string): string => `
global: { scrape_interval: 500ms, scrape_timeout: 500ms, external_labels: { replica: one } }
host: { enabled: false }
rule_files: []
scrape_configs:
  - job_name: page
    static_configs: [{ targets: ['127.0.0.1:${page}'] }]
remote_write:
  - name: sink
    url: http://127.0.0.1:${port}/api/v1/write
    ${settings}
    queue_config: { batch_send_deadline: 300ms, max_samples_per_send: 20, min_shards: 2 }
`;

describe.each(KINDS)('to $name', kind => {
  it.skipIf(kind.isSkipped)(
    'every sample arrives, over a kill -9 and an absence of the receiver',
    { timeout: TEST_MS_MAX },
    async () => {
      const folder = temporaryFolder();
      opened.push(folder.remove);
      let turn = 0;
      const page = await openPage(() => {
        turn += 1;
        return Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`gauge_${i}`, turn * 100 + i]));
      });
      opened.push(page.close);
      const port = await freePort();
      let receiver = await kind.start(folder, port);
      opened.push(() => receiver.stop());
      const config = folder.write('watchkeeper.yml', configOf(page.port, port, kind.settings));
      const start = (): Promise<Program> => startProgram({ folder, args: ['--config', config] });
      let program = await start();
      opened.push(() => program.kill());
      const arrived = async (count: number): Promise<void> => {
        const before = (await receiver.samples().catch(() => new Map())).size;
        await until(
          `${count} more samples at the receiver`,
          async () => (await receiver.samples().catch(() => new Map())).size >= before + count,
          { withinMs: WAIT_MS_MAX, seen: () => program.output().slice(-2000) },
        );
      };
      await arrived(100);
      program.signal('SIGKILL');
      await program.kill();
      program = await start();
      await arrived(100);
      await receiver.stop();
      const scraped = turn;
      await until('scrapes without a receiver', () => turn > scraped + 10, { withinMs: WAIT_MS_MAX });
      program.signal('SIGKILL');
      await program.kill();
      program = await start();
      receiver = await kind.start(folder, port);
      await arrived(200);
      // Nothing new comes from now on: the page is gone, and `up` says so for a while.
      const mine = async (): Promise<ReadonlyMap<string, string>> =>
        samplesOf(await program.api<QueryData>('/api/v1/query', { query: QUERY }));
      const seen = await mine();
      expect(seen.size).toBeGreaterThan(500);
      const isSame = (a: string | undefined, b: string): boolean =>
        a === b || Math.abs(Number(a) - Number(b)) <= kind.relativeError * Math.abs(Number(b));
      const missing = async (): Promise<readonly string[]> => {
        const theirs = await receiver.samples();
        return [...seen].filter(([key, value]) => !isSame(theirs.get(key), value)).map(([key]) => key);
      };
      await until('all of it at the receiver', async () => (await missing()).length === 0, {
        withinMs: WAIT_MS_MAX,
        seen: async () => (await missing()).slice(0, 5),
      });
      const own = await mine();
      const theirs = await receiver.samples();
      // And nothing that is not ours, but for what came in between.
      const newest = Math.max(...[...own.keys()].map(key => Number(key.slice(key.lastIndexOf(' ')))));
      for (const [key, value] of theirs)
        if (Number(key.slice(key.lastIndexOf(' '))) <= newest)
          expect(isSame(own.get(key), value), `${key} ${value}`).toBe(true);
    },
  );
});
