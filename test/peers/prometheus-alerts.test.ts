// Debian's Prometheus uses the real program as its Alertmanager: an alert arrives, is told and resolves; the same alert of two
// replicas is one.

import { afterEach, describe, expect, it } from 'vitest';
import type { GettableAlertJson } from '../../src/api/index.ts';
import { openHttp, openPage, type Program, startProgram, temporaryFolder, until } from '../e2e/support.ts';
import { isSkipped, PEER_NAME, startPrometheus } from './prometheus.ts';

const TEST_MS_MAX = 180_000;
/** Prometheus evaluates each second, and sends again at most each minute. */
const WITHIN = { withinMs: 90_000 };

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const RULES = `groups:
  - name: g
    interval: 1s
    rules:
      - alert: TooHot
        expr: temperature > 30
        labels: { severity: page }
        annotations: { summary: 'it has {{ $value }} degrees' }
      - alert: Always
        expr: vector(1)
`;

interface Told {
  readonly status: 'firing' | 'resolved';
  readonly alerts: readonly {
    readonly status: string;
    readonly labels: Readonly<Record<string, string>>;
  }[];
}

describe.skipIf(isSkipped)(PEER_NAME, () => {
  it('an alert of two replicas is one, told once, and resolves', { timeout: TEST_MS_MAX }, async () => {
    const folder = temporaryFolder();
    opened.push(folder.remove);
    let temperature = 35;
    const page = await openPage(() => ({ temperature }));
    opened.push(page.close);
    const told: Told[] = [];
    const hook = await openHttp(({ body }) => {
      told.push(JSON.parse(body) as Told);
      return { body: '' };
    });
    opened.push(hook.close);
    const config = folder.write(
      'watchkeeper.yml',
      `host: { enabled: false }
rule_files: []
route: { receiver: hook, group_by: [alertname], group_wait: 100ms, group_interval: 200ms }
receivers: [{ name: hook, webhook_configs: [{ url: '${hook.url}/' }] }]
`,
    );
    const program: Program = await startProgram({ folder, args: ['--config', config] });
    opened.push(program.kill);
    const rules = folder.write('rules.yml', RULES);
    for (const replica of ['a', 'b']) {
      const own = temporaryFolder();
      opened.push(own.remove);
      const peer = await startPrometheus(
        own,
        () => `global:
  scrape_interval: 1s
  external_labels: { region: eu, replica: ${replica} }
rule_files: ['${rules}']
scrape_configs:
  - job_name: page
    static_configs: [{ targets: ['127.0.0.1:${page.port}'] }]
alerting:
  alert_relabel_configs: [{ action: labeldrop, regex: replica }]
  alertmanagers:
    - static_configs: [{ targets: ['${new URL(program.url).host}'] }]
`,
        ['--rules.alert.resend-delay=1s'],
      );
      opened.push(peer.stop);
    }
    const alertsNow = async (): Promise<readonly GettableAlertJson[]> =>
      (await program.fetch('/api/v2/alerts').then(answer => answer.json())) as GettableAlertJson[];
    const named = async (name: string) =>
      (await alertsNow()).filter(({ labels }) => labels['alertname'] === name);

    const [hot] = await until(
      'TooHot',
      async () => {
        const found = await named('TooHot');
        return found.length > 0 && found;
      },
      WITHIN,
    );
    expect(hot?.labels).toEqual({
      alertname: 'TooHot',
      instance: `127.0.0.1:${page.port}`,
      job: 'page',
      region: 'eu',
      severity: 'page',
    });
    expect(hot?.annotations).toEqual({ summary: 'it has 35 degrees' });
    expect(hot?.generatorURL).toMatch(/^http:\/\//);
    await until('Always', async () => (await named('Always')).length > 0, WITHIN);
    // Each replica has posted several times by then.
    const posted = async () => (await named('Always'))[0]?.updatedAt;
    for (let round = 0; round < 4; round++) {
      const before = await posted();
      await until('another post', async () => (await posted()) !== before, WITHIN);
    }
    expect(await alertsNow()).toHaveLength(2);

    const messages = (name: string) => told.filter(one => one.alerts[0]?.labels['alertname'] === name);
    await until('a message about it', () => messages('TooHot').length > 0, WITHIN);
    expect(messages('TooHot').map(({ status }) => status)).toEqual(['firing']);
    temperature = 20;
    // One replica sees it a moment before the other, whose word that it fires may come in between.
    await until('a message that it is over', () => messages('TooHot').at(-1)?.status === 'resolved', WITHIN);
    await until('TooHot is over', async () => (await named('TooHot')).length === 0, WITHIN);
    expect(messages('TooHot').filter(({ alerts }) => alerts.length !== 1)).toEqual([]);
    expect(messages('Always').map(({ status }) => status)).toEqual(['firing']);
  });
});
