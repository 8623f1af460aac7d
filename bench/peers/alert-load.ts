// What a Prometheus with many firing alerts posts, and a webhook that notes when each of them is told.

import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import type { Place } from './systems.ts';

/** As Prometheus sends them. */
export const ALERTS_A_POST = 64;
const ALERT_LIVES_MS = 3_600_000;

/**
 * The alert so many, as a Prometheus posts it: it begins now (one that began before group_wait is told at once), and holds for
 * longer than the measurement.
 */
function alertText(id: number, nowMs: number): string {
  return JSON.stringify({
    labels: {
      alertname: 'HighLatency',
      cluster: `prod-eu-${id % 4}`,
      env: 'production',
      id: String(id),
      instance: `host-${id % 500}.example.net:9100`,
      job: 'api',
      service: `service-${id % 40}`,
      severity: id % 10 === 0 ? 'critical' : 'warning',
    },
    annotations: {
      summary: `p99 latency of service-${id % 40} is above one second on host-${id % 500}`,
      runbook: 'https://runbooks.example.org/high-latency',
    },
    startsAt: new Date(nowMs).toISOString(),
    endsAt: new Date(nowMs + ALERT_LIVES_MS).toISOString(),
    generatorURL: 'http://prometheus.example.net:9090/graph?g0.expr=histogram_quantile&g0.tab=1',
  });
}

export function bodyOf(first: number, count: number): Buffer {
  const nowMs = Date.now();
  return Buffer.from(`[${Array.from({ length: count }, (_, i) => alertText(first + i, nowMs)).join()}]`);
}

/** One connection, one request after the other, as Prometheus keeps it. */
export class Poster {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async post(body: Buffer): Promise<void> {
    const response = await this.#send('POST', body);
    response.resume();
    await once(response, 'end');
    if (response.statusCode !== 200) throw new Error(`alerts refused: ${response.statusCode}`);
  }

  /** Bytes of the whole answer. */
  async alerts(): Promise<number> {
    const response = await this.#send('GET');
    let bytes = 0;
    for await (const chunk of response) bytes += (chunk as Buffer).length;
    return bytes;
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(method: string, body?: Buffer): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const at = { host: '127.0.0.1', port: this.#port, path: '/api/v2/alerts' };
      request({ ...at, method, agent: this.#agent, headers }, resolve)
        .on('error', reject)
        .end(body);
    });
  }
}

export interface Webhook {
  readonly url: string;
  /** By the id of the alert: when it was first told. */
  readonly toldMs: ReadonlyMap<number, number>;
  /** Messages so far. */
  messages(): number;
  close(): Promise<void>;
}

export async function openWebhook(): Promise<Webhook> {
  const toldMs = new Map<number, number>();
  let messages = 0;
  const server = createServer((asked, answer) => {
    const atMs = performance.now();
    let body = '';
    asked.setEncoding('utf8');
    asked.on('data', (text: string) => {
      body += text;
    });
    asked.on('end', () => {
      messages++;
      for (const [, id] of body.matchAll(/"id": ?"(\d+)"/g)) {
        const known = Number(id);
        if (!toldMs.has(known)) toldMs.set(known, atMs);
      }
      answer.end();
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    toldMs,
    messages: () => messages,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The same tree for all: each alert is a group of its own. */
export function alertConfigs(url: string): { readonly watchkeeper: string; readonly others: string } {
  const tree = `route:
  receiver: hook
  group_by: ['...']
  group_wait: 1s
  group_interval: 5m
  repeat_interval: 4h
receivers:
  - name: hook
    webhook_configs: [{ url: '${url}' }]
`;
  return { watchkeeper: `host: { enabled: false }\nrule_files: []\n${tree}`, others: tree };
}

export const ALERTMANAGER = {
  name: 'alertmanager',
  program: 'prometheus-alertmanager',
  readyPath: '/-/ready',
  writePath: '/api/v2/alerts',
  args: ({ folder, port, config }: Place): readonly string[] => [
    `--config.file=${config}`,
    `--storage.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
    '--log.level=error',
  ],
} as const;
