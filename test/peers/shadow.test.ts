// A shadow beside Debian's Prometheus and Alertmanager: with equal configuration no difference, and planted ones by name.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPage, type Program, runCommand, startProgram, temporaryFolder, until } from '../e2e/support.ts';
import { isAlertmanagerMissing, startAlertmanager } from './alertmanager.ts';
import { isSkipped, type Peer, startPrometheus } from './prometheus.ts';

/** Waits for real programs that start beside other work. */
const STARTED_MS = 120_000;
const DIFF_MS = 120_000;
/** An interval and group_wait are 2 s together. */
const WATCH = '8s';

const rules = (threshold: number): string => `
groups:
  - name: shadow
    rules:
      - { alert: Hot, expr: 'heat > ${threshold}', labels: { team: db } }
      - { alert: Cold, expr: 'cold > 5', for: 1s, labels: { team: web } }
`;

const routing = (team: string): string => `
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
  routes: [{ matchers: ['team="${team}"'], receiver: db }]
receivers: [{ name: ops }, { name: db }]
`;

interface Report {
  readonly differences: readonly {
    readonly kind: string;
    readonly subject: string;
    readonly here: string;
    readonly there: string;
    readonly reason: string;
  }[];
  readonly looks: number;
}

describe.skipIf(isSkipped || isAlertmanagerMissing)('a shadow beside Prometheus and Alertmanager', () => {
  const opened: (() => unknown)[] = [];
  const folder = temporaryFolder();
  const gauges = { heat: 9, cold: 9 };
  let page: { readonly port: number };
  let prometheus: Peer;
  let alertmanager: Peer;

  const configOf = (rulesFile: string): string => `
global: { scrape_interval: 5s, scrape_timeout: 5s, evaluation_interval: 1s, external_labels: { region: eu } }
rule_files: ['${rulesFile}']
alerting: { alertmanagers: [{ static_configs: [{ targets: ['${alertmanager.url.slice('http://'.length)}'] }] }] }
scrape_configs:
  - job_name: page
    static_configs: [{ targets: ['127.0.0.1:${page.port}'] }]
`;

  beforeAll(async () => {
    opened.push(folder.remove);
    const served = await openPage(() => gauges);
    opened.push(served.close);
    page = served;
    alertmanager = await startAlertmanager(folder, routing('db'));
    opened.push(alertmanager.stop);
    const same = folder.write('same.rules.yml', rules(5));
    prometheus = await startPrometheus(folder, () => configOf(same));
    opened.push(prometheus.stop);
    await until('both alerts at the Alertmanager', async () => (await dispatched()).length === 2, {
      withinMs: STARTED_MS,
    });
  }, 3 * STARTED_MS);

  afterAll(async () => {
    for (const close of opened.reverse()) await close();
  });

  async function dispatched(): Promise<readonly unknown[]> {
    const response = await fetch(`${alertmanager.url}/api/v2/alerts`);
    return (await response.json()) as readonly unknown[];
  }

  /** A shadow of its own rules and routes, ready once it has both alerts that it can have. */
  async function shadowOf(own: {
    readonly threshold: number;
    readonly team: string;
    readonly alerts: number;
  }): Promise<Program> {
    const name = `${own.threshold}-${own.team}`;
    const rulesFile = folder.write(`${name}.rules.yml`, rules(own.threshold));
    const inner = temporaryFolder();
    opened.push(inner.remove);
    const shadow = await startProgram({
      folder: inner,
      args: [
        '--shadow',
        ...['--prometheus', folder.write(`${name}.prometheus.yml`, configOf(rulesFile))],
        ...['--alertmanager', folder.write(`${name}.alertmanager.yml`, routing(own.team))],
      ],
    });
    opened.push(shadow.kill);
    await until(
      'its alerts in its groups',
      async () => {
        const response = await shadow.fetch('/api/v2/alerts');
        return ((await response.json()) as readonly unknown[]).length === own.alerts;
      },
      { withinMs: STARTED_MS },
    );
    return shadow;
  }

  async function diff(
    shadow: Program,
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly report: Report }> {
    const command = ['shadow', 'diff', '--url', shadow.url, '--prometheus', prometheus.url, '--json'];
    const ended = await runCommand([...command, ...args], { withinMs: DIFF_MS });
    expect(ended.stderr).toBe('');
    return { code: ended.code, report: JSON.parse(ended.stdout) as Report };
  }

  const whole = (): readonly string[] => ['--alertmanager', alertmanager.url, '--watch', WATCH];

  it(
    'finds no difference where both have the same configuration',
    async () => {
      const shadow = await shadowOf({ threshold: 5, team: 'db', alerts: 2 });
      const same = await diff(shadow, ...whole());
      expect(same.report.differences).toEqual([]);
      expect(same.code).toBe(0);
      expect(same.report.looks).toBeGreaterThan(3);
      await shadow.kill();
    },
    2 * STARTED_MS,
  );

  it(
    'names another threshold, with the alert that it costs',
    async () => {
      const shadow = await shadowOf({ threshold: 50, team: 'db', alerts: 1 });
      const { code, report } = await diff(shadow, ...whole());
      expect(code).toBe(1);
      expect(report.differences.map(one => one.kind).sort()).toEqual(['alert', 'rule']);
      const [alert] = report.differences.filter(one => one.kind === 'alert');
      expect(alert?.subject).toMatch(/^Hot\{instance="127\.0\.0\.1:\d+", job="page", team="db"\}$/);
      expect(alert?.here).toBe('no such alert');
      expect(alert?.reason).toContain('the expression differs: heat > 50');
      await shadow.kill();
    },
    2 * STARTED_MS,
  );

  it(
    'names another route, by the receiver that would be told',
    async () => {
      const shadow = await shadowOf({ threshold: 5, team: 'web', alerts: 2 });
      const { code, report } = await diff(shadow, ...whole());
      expect(code).toBe(1);
      const found = report.differences.map(({ kind, subject, here, there }) => [
        kind,
        subject.split('{')[0],
        here,
        there,
      ]);
      expect(found.sort()).toEqual([
        ['receiver', 'Cold', 'db', 'ops'],
        ['receiver', 'Hot', 'ops', 'db'],
      ]);
      await shadow.kill();
    },
    2 * STARTED_MS,
  );

  it(
    'names a silence that is only there, with its comment',
    async () => {
      const shadow = await shadowOf({ threshold: 5, team: 'db', alerts: 2 });
      const response = await fetch(`${alertmanager.url}/api/v2/silences`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          matchers: [{ name: 'alertname', value: 'Hot', isRegex: false, isEqual: true }],
          startsAt: new Date().toISOString(),
          endsAt: new Date(Date.now() + 3_600_000).toISOString(),
          createdBy: 'ann',
          comment: 'we know',
        }),
      });
      expect(response.status).toBe(200);
      const { code, report } = await diff(shadow, ...whole());
      expect(code).toBe(1);
      expect(report.differences).toMatchObject([
        { kind: 'silenced', here: 'not', reason: 'a silence only there' },
      ]);
      expect(report.differences[0]?.there).toContain('(ann: we know)');
      await shadow.kill();
    },
    2 * STARTED_MS,
  );
});
