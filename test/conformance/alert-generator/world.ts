// The whole program on a fake clock as the specification of alert generators sets it up: samples come by remote write, rules
// from a file, alerts go to an Alertmanager, and everything else is asked over the HTTP API.

import { compressSync } from 'snappy';
import type { AlertJson, QueryData, RuleGroupJson, RulesData } from '../../../src/api/contract.ts';
import { REGISTRIES, type System, serve, startSystem } from '../../../src/app/index.ts';
import { encodeV1 } from '../../../src/collect/push/testdata/encode.ts';
import { loadConfig } from '../../../src/config/index.ts';
import { groupOffsetMs } from '../../../src/rules/index.ts';
import { FakeClock } from '../../support/clock.ts';
import { FakeDisk } from '../../support/disk.ts';
import { FakeHttp, FakeHttpServer } from '../../support/http.ts';
import { fakeSystemPorts } from '../../support/system-ports.ts';

const FOLDER = '/etc/watchkeeper';
const RULES = `${FOLDER}/rules.yaml`;
const ALERTMANAGER = 'http://127.0.0.1:9093/';

/** An alert in a request to the Alertmanager, as its JSON has it. */
export interface SentAlert {
  readonly atMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

export interface PushedSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface World {
  readonly clock: FakeClock;
  readonly system: System;
  /** All that was sent so far; `body` of a request as it went. */
  readonly sent: readonly SentAlert[];
  readonly bodies: readonly string[];
  /** Samples of now. */
  push(samples: readonly PushedSample[]): Promise<void>;
  alerts(): Promise<readonly AlertJson[]>;
  group(name: string): Promise<RuleGroupJson>;
  query(expr: string): Promise<QueryData>;
  /** Moves on to just after the next evaluation of a group, and returns its time. */
  untilNext(name: string, intervalMs: number): Promise<number>;
  stop(): Promise<void>;
}

const configText = (more: string): string => `
host: { enabled: false }
rule_files: [rules.yaml]
alerting:
  alertmanagers: [{ static_configs: [{ targets: ['127.0.0.1:9093'] }] }]
${more}`;

async function write(disk: FakeDisk, path: string, text: string): Promise<void> {
  const file = await disk.open(path, 'create');
  if (!file.ok) throw new Error(file.error.message);
  await file.value.write(new TextEncoder().encode(text));
  await file.value.close();
}

/** `more` goes to the configuration. */
export async function startWorld(rules: string, more = ''): Promise<World> {
  const clock = new FakeClock();
  const disk = new FakeDisk({ nowMs: () => clock.nowMs() });
  const server = new FakeHttpServer();
  const sent: SentAlert[] = [];
  const bodies: string[] = [];
  const http = new FakeHttp(clock, server).on(ALERTMANAGER, ({ body }) => {
    const text = new TextDecoder().decode(body);
    bodies.push(text);
    for (const one of JSON.parse(text) as readonly Omit<SentAlert, 'atMs'>[])
      sent.push({ atMs: clock.nowMs(), ...one });
    return { status: 200 };
  });
  await disk.makeFolder(FOLDER);
  await write(disk, RULES, rules);
  await write(disk, `${FOLDER}/watchkeeper.yml`, configText(more));
  const ports = fakeSystemPorts({ clock, disk, http, httpServer: server });
  const started = await startSystem(ports, {
    dataFolder: '/var/lib/watchkeeper',
    effects: 'live',
    stock: false,
    load: () =>
      loadConfig({
        disk: ports.disk,
        env: {},
        paths: { watchkeeper: `${FOLDER}/watchkeeper.yml` },
        registries: REGISTRIES,
      }),
  });
  if (!started.ok) throw new Error(started.error.problems.join('\n'));
  const system = started.value;
  const listening = await serve(ports, system, { host: '127.0.0.1', port: 0 });
  if (!listening.ok) throw new Error(listening.error);
  const url = `http://127.0.0.1:${listening.value.port}`;

  const request = async (path: string, init: { readonly body?: Uint8Array } = {}): Promise<string> => {
    let done = false;
    const asked = http
      .request({
        method: init.body === undefined ? 'GET' : 'POST',
        url: `${url}${path}`,
        headers:
          init.body === undefined
            ? {}
            : {
                'content-type': 'application/x-protobuf',
                'content-encoding': 'snappy',
                'x-prometheus-remote-write-version': '0.1.0',
              },
        ...init,
        timeoutMs: 60_000,
        bodyBytesMax: 64 * 1024 * 1024,
      })
      .finally(() => {
        done = true;
      });
    // Answers take turns of the event loop, and no time.
    while (!done) await clock.advance(0);
    const answer = await asked;
    if (!answer.ok) throw new Error(answer.error.message);
    const text = new TextDecoder().decode(answer.value.body);
    if (answer.value.status >= 300) throw new Error(`${path} answered ${answer.value.status}: ${text}`);
    return text;
  };
  const data = async <T>(path: string): Promise<T> => {
    const answer = JSON.parse(await request(path)) as { readonly status: string; readonly data: T };
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.status}`);
    return answer.data;
  };

  return {
    clock,
    system,
    sent,
    bodies,
    async push(samples) {
      if (samples.length === 0) return;
      const series = samples.map(({ labels, value }) => ({
        labels: Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)),
        samples: [{ value, timeMs: clock.nowMs() }],
      }));
      const body = compressSync(Buffer.from(encodeV1(series)));
      await request('/api/v1/write', { body: new Uint8Array(body) });
    },
    alerts: async () => (await data<{ readonly alerts: readonly AlertJson[] }>('/api/v1/alerts')).alerts,
    async group(name) {
      const found = (await data<RulesData>('/api/v1/rules')).groups.find(one => one.name === name);
      if (found === undefined) throw new Error(`no group ${name}`);
      return found;
    },
    query: expr => {
      const params = new URLSearchParams({ query: expr, time: String(clock.nowMs() / 1000) });
      return data<QueryData>(`/api/v1/query?${params.toString()}`);
    },
    async untilNext(name, intervalMs) {
      const offsetMs = groupOffsetMs({ file: RULES, name }, intervalMs);
      const nowMs = clock.nowMs();
      const nextMs = Math.floor((nowMs - offsetMs) / intervalMs + 1) * intervalMs + offsetMs;
      await clock.advance(nextMs - nowMs);
      return nextMs;
    },
    async stop() {
      const stopped = system.stop();
      await clock.advance(10_000);
      await stopped;
    },
  };
}
