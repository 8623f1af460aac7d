// The whole system over fakes, with its API, and the commands that ask it: a page to scrape, receivers that can fail.

import { FakeClock } from '../../../test/support/clock.ts';
import { FakeDisk } from '../../../test/support/disk.ts';
import { FakeHttp, FakeHttpServer } from '../../../test/support/http.ts';
import { CollectingLog } from '../../../test/support/log.ts';
import { MemoryState } from '../../../test/support/state.ts';
import { fakeSystemPorts } from '../../../test/support/system-ports.ts';
import type { ExplainJson } from '../../api/index.ts';
import { REGISTRIES, type System, serve, startSystem } from '../../app/index.ts';
import { loadConfig } from '../../config/index.ts';
import type { Effects } from '../../model/index.ts';
import type { Command, CommandContext } from '../command.ts';

const FOLDER = '/etc/watchkeeper';
export const TARGETS = ['127.0.0.1:9101', '127.0.0.1:9102'] as const;

/** Routes: team=db to the receiver db, all else to ops. `more` is further sections. */
export function configText(
  parts: { readonly more?: string; readonly route?: string; readonly targets?: readonly string[] } = {},
): string {
  const targets = (parts.targets ?? TARGETS).map(target => `'${target}'`).join(', ');
  return `
global: { scrape_interval: 5s, scrape_timeout: 1s, evaluation_interval: 5s }
host: { enabled: false }
no_data_default: unknown
scrape_configs:
  - job_name: page
    static_configs: [{ targets: [${targets}] }]
rule_files: [test.rules.yml]
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
  routes:
    - { matchers: ['team="db"'], receiver: db${parts.route ?? ''} }
receivers:
  - name: ops
    webhook_configs: [{ url: 'http://127.0.0.1:9200/ops' }]
  - name: db
    webhook_configs: [{ url: 'http://127.0.0.1:9200/db' }]
  - name: nobody
${parts.more ?? ''}`;
}

export const RULES = `
groups:
  - name: test
    rules:
      - alert: Hot
        expr: heat > 5
        for: 1m
        labels: { team: web }
      - alert: DbHot
        expr: db_heat > 5 and db_load > 2
        labels: { team: db }
`;

export class CliWorld {
  readonly clock = new FakeClock(Date.UTC(2026, 2, 2, 9));
  readonly http: FakeHttp;
  readonly state = new MemoryState({ clock: this.clock });
  readonly log = new CollectingLog();
  /** By target: what its page says; a target without an entry refuses. */
  readonly pages = new Map<string, Readonly<Record<string, number>>>();
  /** Answer of the receivers. */
  receiverStatus = 200;
  readonly #disk = new FakeDisk({ nowMs: () => this.clock.nowMs() });
  readonly #server = new FakeHttpServer();
  system: System | undefined;

  constructor() {
    this.http = new FakeHttp(this.clock, this.#server);
    this.http.on('http://127.0.0.1:9200/', () => ({ status: this.receiverStatus, body: 'taken' }));
    for (const target of TARGETS) {
      this.pages.set(target, { heat: 1, db_heat: 1, db_load: 1 });
      this.http.on(`http://${target}/metrics`, () => {
        const page = this.pages.get(target);
        if (page === undefined) return { error: 'http-refused' };
        const body = Object.entries(page).map(([name, value]) => `${name} ${value}\n`);
        return { body: body.join('') };
      });
    }
  }

  async write(name: string, text: string): Promise<void> {
    await this.#disk.makeFolder(FOLDER);
    await this.#disk.remove(`${FOLDER}/${name}`);
    const file = await this.#disk.open(`${FOLDER}/${name}`, 'create');
    if (!file.ok) throw new Error(file.error.message);
    await file.value.write(new TextEncoder().encode(text));
    await file.value.close();
  }

  async start(
    options: { readonly config?: string; readonly rules?: string; readonly effects?: Effects } = {},
  ): Promise<System> {
    await this.write('watchkeeper.yml', options.config ?? configText());
    await this.write('test.rules.yml', options.rules ?? RULES);
    const { clock, http, log, state } = this;
    const ports = fakeSystemPorts({ clock, http, log, state, disk: this.#disk, httpServer: this.#server });
    const started = await startSystem(ports, {
      dataFolder: '/var/lib/watchkeeper',
      effects: options.effects ?? 'live',
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
    const listening = await serve(ports, started.value, { host: '127.0.0.1', port: 9390 });
    if (!listening.ok) throw new Error(listening.error);
    this.system = started.value;
    return started.value;
  }

  set(target: string, gauges: Readonly<Record<string, number>>): void {
    this.pages.set(target, { ...this.pages.get(target), ...gauges });
  }

  /** Runs a command against the system's API. */
  async run(
    command: Command,
    args: readonly string[],
  ): Promise<{ readonly code: number; readonly out: string; readonly warned: string }> {
    let out = '';
    let warned = '';
    const context: CommandContext = {
      args,
      env: {},
      cwd: '/here',
      clock: this.clock,
      disk: this.#disk.mount(),
      http: this.http,
      isTerminal: false,
      columns: 80,
      timeZone: 'UTC',
      out: text => {
        out += text;
      },
      warn: text => {
        warned += text;
      },
      whenAskedToEnd: () => new Promise(() => {}),
      onHangUp: () => {},
    };
    return { code: await command.run(context), out, warned };
  }

  /** The data that the API answers. */
  async api<T>(path: string, params: Readonly<Record<string, string>> = {}): Promise<T> {
    const query = new URLSearchParams(params).toString();
    const answer = await this.#server.call({
      method: 'GET',
      url: `http://127.0.0.1:9390/api/watchkeeper/v1/${path}?${query}`,
    });
    const body = JSON.parse(String(answer?.body)) as { readonly data: T; readonly error?: string };
    if (body.error !== undefined) throw new Error(body.error);
    return body.data;
  }

  explain(alert: string, params: Readonly<Record<string, string>> = {}): Promise<ExplainJson> {
    return this.api('explain', { alert, ...params });
  }

  /** "receiver code" of each cause. */
  async causes(alert: string, params: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
    const { causes } = await this.explain(alert, params);
    return causes.map(({ receiver, code }) => (receiver === null ? code : `${receiver} ${code}`));
  }
}
