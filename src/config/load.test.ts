// Loading from a disk: includes, secrets, environment, inheritance, and two files beside ours.

import { describe, expect, it } from 'vitest';
import { FakeDisk } from '../../test/support/disk.ts';
import { formatDiagnostic } from '../model/index.ts';
import { type LoadOptions, type LoadOutcome, loadConfig } from './load.ts';
import type { Kind } from './registry.ts';
import { optionals, record, type Secret, secret, secretFile, text } from './schema.ts';

const mail: Kind<unknown> = {
  key: 'email_configs',
  carriedOut: true,
  schema: record(
    optionals({
      to: text(),
      from: text(),
      smarthost: text(),
      auth_password: secret(),
      auth_password_file: secretFile(),
    }),
  ),
};

async function load(
  files: Readonly<Record<string, string>>,
  options: Partial<LoadOptions> = {},
): Promise<LoadOutcome & { readonly told: string }> {
  const disk = new FakeDisk();
  for (const [path, content] of Object.entries(files)) {
    disk.putFolder(path.slice(0, path.lastIndexOf('/')) || '/');
    disk.putFile(path, content);
  }
  const outcome = await loadConfig({
    disk,
    env: {},
    paths: { watchkeeper: '/etc/wk/watchkeeper.yml' },
    registries: { channels: [mail] },
    ...options,
  });
  return { ...outcome, told: outcome.diagnostics.map(formatDiagnostic).join('\n') };
}

const MAIN = '/etc/wk/watchkeeper.yml';

describe('defaults and inheritance', () => {
  it('an empty file is the stock configuration', async () => {
    const { config, told } = await load({ [MAIN]: '' });
    expect(told).toBe('');
    expect(config?.global.scrapeIntervalMs).toBe(60_000);
    expect(config?.web).toMatchObject({ listenHost: '127.0.0.1', listenPort: 9390 });
    expect(config?.host).toMatchObject({ enabled: true, intervalMs: 5000 });
    expect(config?.storage.retentionMs).toBe(15 * 86_400_000);
  });

  it('a document in which nothing stands is an empty one', async () => {
    for (const text of ['---\n', '---\n# nothing yet\n...\n', '# nothing yet\n'])
      expect((await load({ [MAIN]: text })).told).toBe('');
  });

  it('limits of queries are those of Prometheus where it has them, and can be set or lifted', async () => {
    const stock = await load({ [MAIN]: '' });
    expect(stock.config?.query).toMatchObject({
      samplesMax: 50_000_000,
      timeoutMs: 120_000,
      lookbackMs: 300_000,
      runningMax: 20,
    });
    const own = await load({
      [MAIN]:
        'query: {samples_max: 1000, series_max: 10, memory_max: 64MB, memory_total_max: 0, timeout: 30s, lookback_delta: 1m, concurrency_max: 4, waiting_max: 0, slow: 0s}\n',
    });
    expect(own.told).toBe('');
    expect(own.config?.query).toEqual({
      samplesMax: 1000,
      seriesMax: 10,
      bytesMax: 64 * 1024 ** 2,
      totalBytesMax: Number.POSITIVE_INFINITY,
      timeoutMs: 30_000,
      lookbackMs: 60_000,
      runningMax: 4,
      waitingMax: 0,
      slowMs: 0,
    });
    expect((await load({ [MAIN]: 'query: {concurrency_max: 0}\n' })).told).toContain(
      'Cannot take 0: at least 1 expected',
    );
  });

  it('Alertmanagers elsewhere have the defaults of Prometheus, and each key of their own', async () => {
    const { config, told } = await load({
      [MAIN]: `
rules: { resend_delay: 30s, for_outage_tolerance: 2h, for_grace_period: 0s, concurrency_max: 8 }
relay: { queue_max: 50, batch_max: 5 }
alerting:
  alert_relabel_configs: [{ action: labeldrop, regex: replica }]
  alertmanagers:
    - static_configs: [{ targets: ['a:9093'] }]
    - scheme: https
      path_prefix: /am
      timeout: 3s
      api_version: v2
      bearer_token: abc
      static_configs: [{ targets: ['b:9093'] }, { targets: ['c:9093'] }]
      relabel_configs: [{ action: keep, source_labels: [zone], regex: one }]
      alert_relabel_configs: [{ action: drop, source_labels: [alertname], regex: Quiet }]
`,
    });
    expect(told).toBe('');
    expect(config?.rules).toEqual({
      resendDelayMs: 30_000,
      outageToleranceMs: 7_200_000,
      gracePeriodMs: 0,
      concurrencyMax: 8,
    });
    expect(config?.relay).toEqual({ enabled: undefined, queueMax: 50, batchMax: 5 });
    const [first, second] = config?.alerting.alertmanagers ?? [];
    expect(config?.alerting.alertRelabelRules).toMatchObject([{ action: 'labeldrop', regex: 'replica' }]);
    expect(first).toMatchObject({
      scheme: 'http',
      pathPrefix: '',
      timeoutMs: 10_000,
      relabelRules: [],
      alertRelabelRules: [],
      discovery: [{ kind: 'static_configs' }],
    });
    expect(second).toMatchObject({
      scheme: 'https',
      pathPrefix: '/am',
      timeoutMs: 3000,
      relabelRules: [{ action: 'keep' }],
      alertRelabelRules: [{ action: 'drop' }],
      discovery: [{ kind: 'static_configs' }, { kind: 'static_configs' }],
    });
    expect(second?.http.authorization?.credentials.reveal()).toBe('abc');
    const stock = await load({ [MAIN]: '' });
    expect(stock.config?.rules).toEqual({
      resendDelayMs: 60_000,
      outageToleranceMs: 3_600_000,
      gracePeriodMs: undefined,
      concurrencyMax: 4,
    });
    expect(stock.config?.relay).toEqual({ enabled: undefined, queueMax: 10_000, batchMax: 256 });
    expect(stock.config?.alerting).toEqual({ alertmanagers: [], alertRelabelRules: [] });
  });

  it("warns where they and receivers of one's own are told, until it is said what is meant", async () => {
    const both = (more: string): Promise<{ readonly told: string }> =>
      load({
        [MAIN]: `${more}alerting: { alertmanagers: [{ static_configs: [{ targets: ['a:9093'] }] }] }\nroute: { receiver: r }\nreceivers: [{ name: r }]\n`,
      });
    expect((await both('')).told).toBe(
      '/etc/wk/watchkeeper.yml:1:11: warning: config-conflict: Cannot tell who is to be told by whom: "alerting" names Alertmanagers elsewhere, and "route" leads to receivers of this program: both tell (set "relay: { enabled: true }" in watchkeeper.yml if both are to tell, else false, or remove one of the two)',
    );
    expect((await both('relay: { enabled: true }\n')).told).toBe('');
    expect((await both('relay: { enabled: false }\n')).told).toBe('');
  });

  it('what of them is not carried out gives a warning, and an address is no URL', async () => {
    const { told } = await load({
      [MAIN]:
        "alerting: {alertmanagers: [{sigv4: {region: eu}, consul_sd_configs: [{server: 'c:8500'}], static_configs: [{targets: ['http://a/b']}]}]}\n",
    });
    expect(told).toContain('"sigv4" at alerting.alertmanagers[0].sigv4 is valid, but');
    expect(told).toContain(
      '"consul_sd_configs" at alerting.alertmanagers[0].consul_sd_configs is valid, but',
    );
    expect(told).toContain('Cannot use the target "http://a/b"');
    expect(told).toContain('move the path to path_prefix');
  });

  it('a job takes interval and timeout from global, and the timeout never exceeds the interval', async () => {
    const { config } = await load({
      [MAIN]:
        'global: {scrape_interval: 5s}\nscrape_configs:\n- job_name: a\n- {job_name: b, scrape_interval: 2s}\n',
    });
    expect(config?.scrapeJobs.map(job => [job.scrapeIntervalMs, job.scrapeTimeoutMs])).toEqual([
      [5000, 5000],
      [2000, 2000],
    ]);
  });

  it('a child route takes from its parent what it does not set', async () => {
    const { config } = await load({
      [MAIN]:
        'route: {receiver: a, group_by: [x], group_wait: 1s, notify: after_recovery_failed, routes: [{match: {k: v}, group_by: []}]}\nreceivers: [{name: a}]\n',
    });
    expect(config?.route?.routes[0]).toEqual({
      receiver: 'a',
      groupBy: [],
      groupWaitMs: 1000,
      groupIntervalMs: 300_000,
      repeatIntervalMs: 14_400_000,
      matchers: [{ name: 'k', op: '=', value: 'v' }],
      continue: false,
      notify: 'after_recovery_failed',
      muteTimeIntervals: [],
      activeTimeIntervals: [],
      labels: [],
      routes: [],
    });
  });

  it('mail settings come from global, and a password of the receiver keeps the file of global out', async () => {
    const { config, told } = await load({
      [MAIN]:
        'global: {smtp_from: w@x, smtp_smarthost: "m:25", smtp_auth_password_file: pw}\nroute: {receiver: a}\nreceivers:\n- name: a\n  email_configs: [{to: x@y}, {to: z@y, auth_password: own}]\n',
      '/etc/wk/pw': 'from-file\n',
    });
    expect(told).toBe('');
    const settings = config?.receivers[0]?.channels.map(
      channel => channel.settings as Readonly<Record<string, Secret>>,
    );
    expect(settings?.[0]).toMatchObject({ from: 'w@x', smarthost: 'm:25' });
    expect(settings?.[0]?.['auth_password_file']?.reveal()).toBe('from-file');
    expect(settings?.[1]?.['auth_password']?.reveal()).toBe('own');
    expect(settings?.[1]?.['auth_password_file']).toBeUndefined();
  });

  it('mail without a server anywhere is refused', async () => {
    const { told } = await load({
      [MAIN]: 'route: {receiver: a}\nreceivers: [{name: a, email_configs: [{to: x@y}]}]\n',
    });
    expect(told).toContain('Cannot do without "smarthost"');
  });
});

describe('includes', () => {
  it('rule files are found beside the configuration, each once, and read', async () => {
    const { config, told, files } = await load({
      [MAIN]: "rule_files: ['rules/*.yml', rules/b.yml, none.yml]\n",
      '/etc/wk/rules/b.yml': 'groups: []',
      '/etc/wk/rules/a.yml': 'groups: [] # a',
      '/etc/wk/rules/notes.txt': '',
    });
    expect(config?.ruleFiles.map(file => file.path)).toEqual(['/etc/wk/rules/a.yml', '/etc/wk/rules/b.yml']);
    expect(told).toBe(
      '/etc/wk/watchkeeper.yml: warning: config-io: Cannot find a rule file for "none.yml": no file matches (relative paths start at the folder of the configuration file)',
    );
    expect(files.map(file => file.path)).toEqual([MAIN, '/etc/wk/rules/a.yml', '/etc/wk/rules/b.yml']);
  });

  it('jobs of scrape_config_files inherit from global, and a name used in both is refused at its place', async () => {
    const files = {
      [MAIN]:
        'global: {scrape_interval: 7s}\nscrape_config_files: [jobs/*.yml]\nscrape_configs: [{job_name: a}]\n',
      '/etc/wk/jobs/more.yml': 'scrape_configs: [{job_name: b}]\n',
    };
    const fine = await load(files);
    expect(fine.config?.scrapeJobs.map(job => [job.jobName, job.scrapeIntervalMs])).toEqual([
      ['a', 7000],
      ['b', 7000],
    ]);
    const twice = await load({ ...files, '/etc/wk/jobs/more.yml': 'scrape_configs:\n- job_name: a\n' });
    expect(twice.config).toBeUndefined();
    expect(twice.told).toContain(
      '/etc/wk/jobs/more.yml:2:3: config-conflict: Cannot use the job name "a" twice',
    );
  });

  it('a secret file that cannot be read is an error naming it', async () => {
    const { config, told } = await load({
      [MAIN]: 'scrape_configs: [{job_name: a, basic_auth: {username: u, password_file: gone}}]\n',
    });
    expect(config).toBeUndefined();
    expect(told).toContain('config-io: Cannot read "gone"');
  });
});

describe('the environment', () => {
  const text = 'web: {tokens: [{name: t, token: "pre-${TOKEN}"}]}\n';
  it('fills secrets of our file', async () => {
    const { config } = await load({ [MAIN]: text }, { env: { TOKEN: 'x' } });
    expect(config?.web.tokens[0]?.token?.reveal()).toBe('pre-x');
    expect(JSON.stringify(config?.web)).not.toContain('pre-x');
  });
  it('an unset variable is an error naming it', async () => {
    const { config, told } = await load({ [MAIN]: text });
    expect(config).toBeUndefined();
    expect(told).toContain('config-environment: Cannot expand "${TOKEN}" for web.tokens[0].token');
  });
  it('leaves secrets of Prometheus’s own file as written', async () => {
    const file = 'scrape_configs: [{job_name: a, basic_auth: {username: u, password: "${X}"}}]\n';
    const { config } = await load({ '/p.yml': file }, { paths: { prometheus: '/p.yml' } });
    expect(config?.scrapeJobs[0]?.http.basicAuth?.password.reveal()).toBe('${X}');
  });
});

describe('templates', () => {
  it('are read in the order of their patterns, beside the file that names them', async () => {
    const { config, told } = await load(
      {
        '/am/a.yml':
          'route: {receiver: r}\nreceivers: [{name: r}]\ntemplates: [t/*.tmpl, last.tmpl, gone.tmpl]\n',
        '/am/t/b.tmpl': 'B',
        '/am/t/a.tmpl': 'A',
        '/am/last.tmpl': 'L',
      },
      { paths: { alertmanager: '/am/a.yml' } },
    );
    expect(config?.templateFiles).toEqual([
      { path: '/am/t/a.tmpl', text: 'A' },
      { path: '/am/t/b.tmpl', text: 'B' },
      { path: '/am/last.tmpl', text: 'L' },
    ]);
    expect(told).toContain(
      'warning: config-io: Cannot find a template file for "gone.tmpl": no file matches',
    );
  });
});

describe('receivers', () => {
  it('of kinds that nothing carries out stay in the configuration, with a warning', async () => {
    const file =
      'route: {receiver: a}\nreceivers:\n- name: a\n  fallback: b\n  pagerduty_configs: [{routing_key: k}]\n- name: b\n';
    const { config, told } = await load({ '/a.yml': file }, { paths: { alertmanager: '/a.yml' } });
    expect(told).toContain('warning: config-not-carried-out: "pagerduty_configs"');
    expect(config?.receivers).toMatchObject([
      { name: 'a', fallback: 'b', channels: [{ kind: 'pagerduty_configs', index: 0 }] },
      { name: 'b', channels: [] },
    ]);
  });
});

describe('files beside ours', () => {
  it('prometheus.yml and alertmanager.yml together make one configuration', async () => {
    const { config, told } = await load(
      {
        '/p.yml': 'scrape_configs: [{job_name: a}]\n',
        '/a.yml': 'global: {resolve_timeout: 1m}\nroute: {receiver: r}\nreceivers: [{name: r}]\n',
      },
      { paths: { prometheus: '/p.yml', alertmanager: '/a.yml' } },
    );
    expect(told).toBe('');
    expect(config?.scrapeJobs).toHaveLength(1);
    expect(config?.route?.receiver).toBe('r');
    expect(config?.global.resolveTimeoutMs).toBe(60_000);
  });

  it('a section in two of them is refused', async () => {
    const { config, told } = await load(
      { [MAIN]: 'scrape_configs: []\n', '/p.yml': 'scrape_configs: []\n' },
      { paths: { watchkeeper: MAIN, prometheus: '/p.yml' } },
    );
    expect(config).toBeUndefined();
    expect(told).toContain('config-conflict: Cannot use "scrape_configs" of /p.yml');
  });

  it('a missing file is an error, not an empty configuration', async () => {
    const { config, told } = await load({});
    expect(config).toBeUndefined();
    expect(told).toBe(`${MAIN}: config-io: Cannot read the configuration file "${MAIN}": it does not exist`);
  });

  it('the version changes with any text that was read, a secret’s too', async () => {
    const files = {
      [MAIN]: 'scrape_configs: [{job_name: a, basic_auth: {username: u, password_file: pw}}]\n',
    };
    const one = await load({ ...files, '/etc/wk/pw': '1' });
    const same = await load({ ...files, '/etc/wk/pw': '1' });
    const other = await load({ ...files, '/etc/wk/pw': '2' });
    expect(same.version).toBe(one.version);
    expect(other.version).not.toBe(one.version);
  });
});
