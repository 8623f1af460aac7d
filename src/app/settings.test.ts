import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { FakeDns } from '../../test/support/dns.ts';
import { FakeHttp } from '../../test/support/http.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { type Config, loadConfig, secretOf } from '../config/index.ts';
import { createDiscovery, type Discovery, discoveryKinds } from '../discovery/index.ts';
import { labelsToRecord } from '../model/index.ts';
import {
  discoveryEntriesOf,
  dispatchConfigOf,
  externalUrlOf,
  findTargets,
  hostSettingsOf,
  playbooksOf,
  REGISTRIES,
  routeOf,
  scrapeJobOf,
  storeRetention,
} from './settings.ts';

async function configOf(text: string): Promise<Config> {
  const disk = new FakeDisk();
  const file = await disk.open('/watchkeeper.yml', 'create');
  if (!file.ok) throw new Error(file.error.message);
  await file.value.write(new TextEncoder().encode(text));
  const loaded = await loadConfig({
    disk,
    env: {},
    paths: { watchkeeper: '/watchkeeper.yml' },
    registries: REGISTRIES,
  });
  if (loaded.config === undefined) throw new Error(JSON.stringify(loaded.diagnostics));
  return loaded.config;
}

/** All that is known at once. */
function discovered(config: Config): Discovery {
  const clock = new FakeClock();
  const ports = {
    clock,
    disk: new FakeDisk(),
    http: new FakeHttp(clock),
    dns: new FakeDns(),
    log: new CollectingLog(),
  };
  const discovery = createDiscovery(ports, { kinds: discoveryKinds, onChange: () => {} });
  discovery.load(discoveryEntriesOf(config));
  return discovery;
}

describe('settings of a scrape job', () => {
  it('come from the file, with credentials', async () => {
    const config = await configOf(`
global: { scrape_interval: 20s }
scrape_configs:
  - job_name: node
    scrape_timeout: 3s
    metrics_path: /probe
    scheme: https
    params: { module: [icmp] }
    honor_labels: true
    sample_limit: 7
    basic_auth: { username: u, password: p }
    tls_config: { server_name: inside, insecure_skip_verify: true }
    static_configs: [{ targets: ['127.0.0.1:1'] }]
`);
    const [configured] = config.scrapeJobs;
    if (configured === undefined) throw new Error('a job expected');
    const job = scrapeJobOf(configured, config.storage);
    expect(job).toMatchObject({
      jobName: 'node',
      intervalMs: 20_000,
      timeoutMs: 3000,
      metricsPath: '/probe',
      scheme: 'https',
      params: new Map([['module', ['icmp']]]),
      honorLabels: true,
      sampleLimit: 7,
      auth: { kind: 'basic', username: 'u' },
      tls: { serverName: 'inside' },
    });
    expect(job.auth.kind === 'basic' && job.auth.password.reveal()).toBe('p');
  });

  it('say how a target is asked', async () => {
    const config = await configOf(`
scrape_configs:
  - job_name: node
    track_timestamps_staleness: true
    follow_redirects: false
    proxy_url: http://proxy:3128
    no_proxy: inside.example.org
    oauth2: { client_id: me, client_secret: s, token_url: 'http://tokens/', scopes: [a] }
    tls_config: { min_version: TLS12, max_version: TLS13 }
    http_headers: { X-Own: { values: [a], secrets: [b] } }
  - job_name: plain
`);
    expect(config.scrapeJobs.map(job => scrapeJobOf(job, config.storage))).toMatchObject([
      {
        trackTimestampsStaleness: true,
        followRedirects: false,
        proxy: { url: 'http://proxy:3128', noProxy: 'inside.example.org', fromEnvironment: false },
        oauth2: { grantType: 'client_credentials', clientId: 'me', clientSecret: 's', scopes: ['a'] },
        tls: { minVersion: 'TLS12', maxVersion: 'TLS13' },
        headers: { 'x-own': 'a, b' },
      },
      { trackTimestampsStaleness: false, followRedirects: true, headers: {} },
    ]);
    expect(config.scrapeJobs.map(job => scrapeJobOf(job, config.storage))[1]).not.toHaveProperty('proxy');
  });

  it('say what a page may look like and in which format it is asked for', async () => {
    const config = await configOf(`
scrape_configs:
  - job_name: plain
  - job_name: limited
    scrape_protocols: [PrometheusProto, PrometheusText0.0.4]
    fallback_scrape_protocol: OpenMetricsText1.0.0
    metric_name_validation_scheme: legacy
    label_limit: 5
    label_name_length_limit: 6
    label_value_length_limit: 7
  - job_name: proto
    scrape_protocols: [PrometheusProto]
    fallback_scrape_protocol: PrometheusProto
`);
    expect(config.scrapeJobs.map(job => scrapeJobOf(job, config.storage))).toMatchObject([
      {
        scrapeProtocols: [
          'OpenMetricsText1.0.0',
          'OpenMetricsText0.0.1',
          'PrometheusText1.0.0',
          'PrometheusText0.0.4',
        ],
        labelLimits: { labels: 0, nameBytes: 0, valueBytes: 0, legacyNames: false },
        escaping: 'allow-utf-8',
      },
      {
        scrapeProtocols: ['PrometheusProto', 'PrometheusText0.0.4'],
        fallbackProtocol: 'OpenMetricsText1.0.0',
        labelLimits: { labels: 5, nameBytes: 6, valueBytes: 7, legacyNames: true },
        escaping: 'underscores',
      },
      { scrapeProtocols: ['PrometheusProto'], fallbackProtocol: 'PrometheusProto' },
    ]);
  });

  it('fail all targets of a job that has too many, and keep as many dropped ones as they should', async () => {
    const config = await configOf(`
scrape_configs:
  - job_name: many
    target_limit: 1
    static_configs: [{ targets: ['127.0.0.1:1', '127.0.0.1:2'] }]
  - job_name: few
    target_limit: 2
    keep_dropped_targets: 1
    relabel_configs: [{ source_labels: [__address__], regex: '.*:[789]', action: drop }]
    static_configs: [{ targets: ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:7', '127.0.0.1:8', '127.0.0.1:9'] }]
`);
    const { entries, dropped, droppedCounts } = findTargets(config, discovered(config));
    const tooMany = 'target_limit exceeded (number of targets: 2, limit: 1)';
    expect(entries.map(({ refusal }) => refusal)).toEqual([tooMany, tooMany, '', '']);
    expect(dropped).toHaveLength(1);
    expect(droppedCounts).toEqual(new Map([['few', 3]]));
  });

  it('lead to targets: several groups of one job, labels, and those that relabelling drops', async () => {
    const config = await configOf(`
scrape_configs:
  - job_name: node
    relabel_configs: [{ source_labels: [__address__], regex: '.*:3', action: drop }]
    static_configs:
      - targets: ['127.0.0.1:1', '127.0.0.1:3']
        labels: { env: test }
      - targets: ['127.0.0.1:2']
`);
    const { entries, dropped } = findTargets(config, discovered(config));
    expect(entries.map(({ target }) => [target.url, labelsToRecord(target.labels)])).toEqual([
      ['http://127.0.0.1:1/metrics', { env: 'test', instance: '127.0.0.1:1', job: 'node' }],
      ['http://127.0.0.1:2/metrics', { instance: '127.0.0.1:2', job: 'node' }],
    ]);
    expect(dropped.map(target => labelsToRecord(target.discoveredLabels)['__address__'])).toEqual([
      '127.0.0.1:3',
    ]);
  });
});

describe('settings of the other stages', () => {
  it('the host collector: what is switched on and off, and where to look', async () => {
    const config = await configOf(
      'host: { collectors: { enable: [systemd], disable: [nfs] }, procfs: /host/proc, textfile_folder: /text }\n',
    );
    expect(hostSettingsOf(config)).toMatchObject({
      enable: ['systemd'],
      disable: ['nfs'],
      procfs: '/host/proc',
      textfileFolder: '/text',
    });
    expect(hostSettingsOf(await configOf('host: {}\n')).procfs).toBe('/proc');
  });

  it('without a route nobody is told, and alerts are still grouped', async () => {
    const route = routeOf(await configOf('host: { enabled: false }\n'));
    expect(route).toMatchObject({ receiver: 'nobody', groupWaitMs: 30_000 });
  });

  it('a route with its own times and what its children inherit', async () => {
    const config = await configOf(`
route:
  receiver: a
  group_wait: 7s
  routes: [{ matchers: ['severity="critical"'], receiver: b, repeat_interval: 9m }]
receivers: [{ name: a }, { name: b }]
`);
    const facts = { receivers: new Map(), externalUrl: 'http://x', configVersion: 'v' };
    const { route, externalUrl, configVersion } = dispatchConfigOf(config, facts);
    expect({ externalUrl, configVersion }).toEqual({ externalUrl: 'http://x', configVersion: 'v' });
    expect(route).toMatchObject({
      groupWaitMs: 7000,
      routes: [{ receiver: 'b', groupWaitMs: 7000, repeatIntervalMs: 540_000 }],
    });
  });

  it('playbooks as recovery reads them', async () => {
    const config = await configOf(`
recovery:
  playbooks:
    - name: restart
      match: ['alertname="Down"']
      steps: [{ name: go, command: { argv: [/bin/true] } }]
      verify: { within: 5s }
`);
    expect(playbooksOf(config)).toMatchObject([{ name: 'restart', steps: [{ name: 'go' }] }]);
  });

  it.each([
    ['host: {}\n', 'http://here:9390'],
    ["web: { listen: '127.0.0.1:8000' }\n", 'http://here:8000'],
    ["web: { external_url: 'https://watch.example.org/' }\n", 'https://watch.example.org'],
    ["web: { external_url: 'https://ops.example.org/watch/' }\n", 'https://ops.example.org/watch'],
    ['web: { route_prefix: /watch }\n', 'http://here:9390/watch'],
  ])('links in messages under %j begin with %s', async (text, url) => {
    expect(externalUrlOf(await configOf(text), 'here')).toBe(url);
  });

  it('links in messages begin with https where the page is served by TLS', async () => {
    const config = await configOf('host: {}\n');
    const web = { ...config.web, tls: { cert: 'c', key: secretOf('k') } };
    expect(externalUrlOf({ ...config, web }, 'here')).toBe('https://here:9390');
  });

  it.each([
    ['host: {}\n', ''],
    ["web: { external_url: 'https://watch.example.org' }\n", ''],
    ["web: { external_url: 'https://ops.example.org/a/watch/' }\n", '/a/watch'],
    ["web: { external_url: 'https://ops.example.org/watch/', route_prefix: / }\n", ''],
    ['web: { route_prefix: /watch/ }\n', '/watch'],
  ])('everything under %j is served below "%s"', async (text, prefix) => {
    expect((await configOf(text)).web.routePrefix).toBe(prefix);
  });
});

it('a program of this host takes nothing from the global HTTP settings', async () => {
  const { receivers } = await configOf(`
global: { http_config: { follow_redirects: false } }
route: { receiver: a }
receivers: [{ name: a, command_configs: [{ argv: [x] }], slack_configs: [{ api_url: 'http://x/' }] }]
`);
  expect(receivers[0]?.channels).toMatchObject([
    { kind: 'slack_configs', settings: { http: { followRedirects: false } } },
    { kind: 'command_configs', settings: { program: 'x' } },
  ]);
});

describe('the retention', () => {
  const policy = (match: string, keepMs: number) => ({ match, matchers: [], keepMs });

  it('of the store is that of what is kept longest, and all others are a policy where they are kept shorter', () => {
    expect(storeRetention({ policies: [] }, 10)).toEqual({ maxAgeMs: 10, policies: [] });
    expect(storeRetention({ policies: [policy('a', 5)] }, 10)).toEqual({
      maxAgeMs: 10,
      policies: [policy('a', 5)],
    });
    expect(storeRetention({ policies: [policy('a', 5), policy('b', 50)] }, 10)).toEqual({
      maxAgeMs: 50,
      policies: [policy('a', 5), policy('b', 50), policy('', 10)],
    });
  });
});
