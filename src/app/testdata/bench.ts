// A whole system over fakes of all ports, for tests: a page to scrape, a webhook, files that the test writes.

import { FakeClock } from '../../../test/support/clock.ts';
import { FakeDisk } from '../../../test/support/disk.ts';
import { FakeHttp, FakeHttpServer } from '../../../test/support/http.ts';
import { CollectingLog } from '../../../test/support/log.ts';
import { MemoryState } from '../../../test/support/state.ts';
import { fakeSystemPorts } from '../../../test/support/system-ports.ts';
import { loadConfig } from '../../config/index.ts';
import type { SystemPorts } from '../ports.ts';
import { REGISTRIES } from '../settings.ts';
import { type System, startSystem } from '../system.ts';

export const FOLDER = '/etc/watchkeeper';
export const PAGE = 'http://127.0.0.1:9100/metrics';

export const configText = (parts: { readonly more?: string; readonly rules?: string } = {}): string => `
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
host: { enabled: false }
scrape_configs:
  - job_name: page
    static_configs: [{ targets: ['127.0.0.1:9100'] }]
rule_files: [${parts.rules ?? 'test.rules.yml'}]
route: { receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: 2s, repeat_interval: 1h }
receivers:
  - name: hook
    webhook_configs: [{ url: 'http://127.0.0.1:9200/' }]
${parts.more ?? ''}`;

export const rulesText = (alert = 'Trouble'): string => `
groups:
  - name: test
    rules:
      - alert: ${alert}
        expr: trouble > 0
        for: 10s
`;

export interface Bench {
  readonly clock: FakeClock;
  readonly http: FakeHttp;
  readonly log: CollectingLog;
  readonly server: FakeHttpServer;
  readonly state: MemoryState;
  readonly ports: SystemPorts;
  write(name: string, text: string): Promise<void>;
  start(): Promise<System>;
}

export async function bench(): Promise<Bench> {
  const clock = new FakeClock();
  const disk = new FakeDisk({ nowMs: () => clock.nowMs() });
  const http = new FakeHttp(clock)
    .on(PAGE, { body: '# HELP trouble How bad.\n# TYPE trouble gauge\ntrouble 1\n' })
    .on('http://127.0.0.1:9200/', { body: 'ok' });
  const log = new CollectingLog();
  const server = new FakeHttpServer();
  const state = new MemoryState({ clock });
  const ports = fakeSystemPorts({ clock, disk, http, httpServer: server, log, state });
  const write = async (name: string, text: string): Promise<void> => {
    await disk.makeFolder(`${FOLDER}/${name}`.replace(/\/[^/]*$/, ''));
    await disk.remove(`${FOLDER}/${name}`);
    const file = await disk.open(`${FOLDER}/${name}`, 'create');
    if (!file.ok) throw new Error(file.error.message);
    await file.value.write(new TextEncoder().encode(text));
    await file.value.close();
  };
  await write('watchkeeper.yml', configText());
  await write('test.rules.yml', rulesText());
  const start = async (): Promise<System> => {
    const started = await startSystem(ports, {
      dataFolder: '/var/lib/watchkeeper',
      effects: 'live',
      stock: false,
      commandLine: { 'log-level': 'info' },
      load: () =>
        loadConfig({
          disk: ports.disk,
          env: {},
          paths: { watchkeeper: `${FOLDER}/watchkeeper.yml` },
          registries: REGISTRIES,
        }),
    });
    if (!started.ok) throw new Error(started.error.problems.join('\n'));
    return started.value;
  };
  return { clock, http, log, server, state, ports, write, start };
}
