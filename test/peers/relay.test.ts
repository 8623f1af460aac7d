// The real program sends the alerts of its rules to Debian's Alertmanagers: two of them, and a third address where nobody is.

import { afterEach, describe, expect, it } from 'vitest';
import { openHttp, type Program, startProgram, temporaryFolder, until } from '../e2e/support.ts';
import {
  ALERTMANAGER_NAME,
  type ForeignAlertmanager,
  isAlertmanagerMissing,
  startForeignAlertmanager,
} from './alertmanager.ts';
import { freePort } from './peer-process.ts';

const TEST_MS_MAX = 240_000;
const WITHIN_MS = 60_000;

const RULES = `groups:
- name: g
  interval: 1s
  rules:
  - alert: High
    expr: load > 5
    labels: { severity: page }
    annotations: { summary: '{{ $labels.instance }} of {{ $externalLabels.cluster }} is at {{ $value }}' }
  - alert: Hidden
    expr: load > 5
`;

interface Ports {
  readonly one: number;
  readonly two: number;
  readonly nobody: number;
  readonly page: number;
}

/** The second one is found in a file, and below a prefix; a fourth is dropped. */
const configOf = ({ one, nobody, page }: Ports): string => `
global: { scrape_interval: 1s, scrape_timeout: 1s, external_labels: { cluster: c1, replica: a } }
host: { enabled: false }
rules: { resend_delay: 1s }
rule_files: [rules.yml]
scrape_configs:
  - job_name: page
    static_configs: [{ targets: ['127.0.0.1:${page}'], labels: { instance: box } }]
alerting:
  alert_relabel_configs:
    - { action: labeldrop, regex: replica }
    - { action: drop, source_labels: [alertname], regex: Hidden }
  alertmanagers:
    - static_configs: [{ targets: ['127.0.0.1:${one}', '127.0.0.1:${nobody}', 'dropped:9093'] }]
      relabel_configs: [{ action: drop, source_labels: [__address__], regex: 'dropped:.*' }]
    - file_sd_configs: [{ files: [alertmanagers.json] }]
      path_prefix: /below
      timeout: 2s
`;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const namesAt = async (peer: ForeignAlertmanager): Promise<string> =>
  (await peer.alerts()).map(({ labels }) => labels['alertname']).join();

async function metric(program: Program, name: string, port: number): Promise<number> {
  const page = await (await program.fetch('/metrics')).text();
  const line = page
    .split('\n')
    .find(text => text.startsWith(`watchkeeper_alertmanager_${name}{`) && text.includes(`:${port}/`));
  return Number(line?.split(' ').at(-1) ?? Number.NaN);
}

describe.skipIf(isAlertmanagerMissing)(ALERTMANAGER_NAME, () => {
  it('alerts arrive at both and are resolved at both, though a third is down and one was away', {
    timeout: TEST_MS_MAX,
  }, async () => {
    const folder = temporaryFolder();
    opened.push(folder.remove);
    let load = 9;
    const sink = await openHttp(() => ({ body: `load ${load}\n` }));
    opened.push(sink.close);
    const ports = {
      one: await freePort(),
      two: await freePort(),
      nobody: await freePort(),
      page: sink.port,
    };
    const one = await startForeignAlertmanager(folder, { name: 'one', port: ports.one });
    opened.push(one.stop);
    const two = await startForeignAlertmanager(folder, { name: 'two', port: ports.two, prefix: '/below' });
    opened.push(two.stop);
    folder.write('rules.yml', RULES);
    folder.write('alertmanagers.json', JSON.stringify([{ targets: [`127.0.0.1:${ports.two}`] }]));
    const config = folder.write('watchkeeper.yml', configOf(ports));
    const program = await startProgram({ folder, args: ['--config', config] });
    opened.push(program.kill);
    const settled = (what: string, peer: ForeignAlertmanager, names: string) =>
      until(what, async () => (await namesAt(peer)) === names, {
        withinMs: WITHIN_MS,
        seen: () => program.output().slice(-1500),
      });

    await settled('the alert at the first', one, 'High');
    await settled('the alert at the second', two, 'High');
    for (const peer of [one, two]) {
      const [alert] = await peer.alerts();
      expect(alert?.labels).toEqual({
        alertname: 'High',
        cluster: 'c1',
        instance: 'box',
        job: 'page',
        severity: 'page',
      });
      expect(alert?.annotations).toEqual({ summary: 'box of c1 is at 9' });
      expect(alert?.generatorURL).toContain('/graph?g0.expr=load+%3E+5');
      expect(Date.parse(alert?.endsAt ?? '') - Date.parse(alert?.startsAt ?? '')).toBeGreaterThanOrEqual(
        4000,
      );
    }
    expect(await program.api('/api/v1/alertmanagers')).toEqual({
      activeAlertmanagers: [
        { url: `http://127.0.0.1:${ports.one}/api/v2/alerts` },
        { url: `http://127.0.0.1:${ports.nobody}/api/v2/alerts` },
        { url: `http://127.0.0.1:${ports.two}/below/api/v2/alerts` },
      ],
      droppedAlertmanagers: [{ url: 'http://dropped:9093/api/v2/alerts' }],
    });

    // Away while the alert ends; what it missed comes when it is back.
    two.freeze();
    load = 1;
    await settled('the end at the first', one, '');
    await until(
      'an attempt at the second failed',
      async () => (await metric(program, 'errors_total', ports.two)) > 0,
      {
        withinMs: WITHIN_MS,
      },
    );
    two.thaw();
    await settled('the end at the second', two, '');
    load = 7;
    await settled('the next alert at the first', one, 'High');
    await settled('the next alert at the second', two, 'High');

    expect(await metric(program, 'sent_total', ports.one)).toBeGreaterThan(2);
    expect(await metric(program, 'errors_total', ports.one)).toBe(0);
    expect(await metric(program, 'sent_total', ports.nobody)).toBe(0);
    expect(await metric(program, 'errors_total', ports.nobody)).toBeGreaterThan(0);
  });
});
