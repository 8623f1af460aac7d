// What becomes of each key of scrape_configs and of `global`: the job as it runs, and the warnings beside it.

import { describe, expect, it } from 'vitest';
import { FakeDisk } from '../../../test/support/disk.ts';
import { formatDiagnostic } from '../../model/index.ts';
import { checkText } from '../check.ts';
import { loadConfig } from '../load.ts';
import type { Secret } from '../schema.ts';
import { WAITING } from './carried-out.ts';
import type { ScrapeJob } from './scrape.ts';

const FILES: Readonly<Record<string, string>> = {
  'secrets/password': ' pw \n',
  'secrets/token': 'tok\n',
  'jobs/own-password': 'own',
  'jobs/1.yml': 'scrape_configs: [{job_name: one, basic_auth: {username: u, password_file: own-password}}]',
  'jobs/2.yml':
    'scrape_configs: [{job_name: two, basic_auth: {username: u, password_file: ../secrets/password}}]',
  'tls/key.pem': 'KEY',
  'tls/cert.pem': 'CERT',
};

const WAITS = 'config-not-carried-out';

async function load(text: string, env: Readonly<Record<string, string>> = {}) {
  const disk = new FakeDisk();
  for (const [path, content] of Object.entries({ ...FILES, 'prometheus.yml': text })) {
    disk.putFolder(`/etc/p/${path}`.slice(0, `/etc/p/${path}`.lastIndexOf('/')));
    disk.putFile(`/etc/p/${path}`, content);
  }
  const outcome = await loadConfig({
    disk,
    env,
    paths: { prometheus: '/etc/p/prometheus.yml' },
    registries: {},
  });
  return {
    labels: outcome.config?.global.externalLabels ?? [],
    jobs: outcome.config?.scrapeJobs ?? [],
    told: outcome.diagnostics.filter(one => one.code !== WAITS).map(formatDiagnostic),
    waiting: outcome.diagnostics.filter(one => one.code === WAITS).map(one => one.path),
  };
}

/** One job of the given lines, under the given `global`. */
function source(lines: readonly string[], global = '{}'): string {
  return `global: ${global}\nscrape_configs:\n- job_name: a\n${lines.map(line => `  ${line}\n`).join('')}`;
}

async function check(
  lines: readonly string[],
  want: Partial<ScrapeJob>,
  options: { readonly global?: string } = {},
): Promise<void> {
  const { jobs, told } = await load(source(lines, options.global));
  expect(told).toEqual([]);
  expect(jobs[0]).toMatchObject(want);
}

async function refused(lines: readonly string[], part: string, global?: string): Promise<void> {
  const { told } = await load(source(lines, global));
  expect(told).toEqual([expect.stringContaining(part)]);
}

describe('defaults and what is inherited', () => {
  it('a job without settings has those of Prometheus', async () => {
    await check([], {
      honorLabels: false,
      honorTimestamps: true,
      trackTimestampsStaleness: false,
      enableCompression: true,
      scrapeProtocols: [
        'OpenMetricsText1.0.0',
        'OpenMetricsText0.0.1',
        'PrometheusText1.0.0',
        'PrometheusText0.0.4',
      ],
      bodySizeLimitBytes: 0,
      sampleLimit: 0,
      targetLimit: 0,
      labelLimit: 0,
      labelNameLengthLimit: 0,
      labelValueLengthLimit: 0,
      keepDroppedTargets: 0,
      scrapeNativeHistograms: false,
      alwaysScrapeClassicHistograms: false,
      convertClassicHistogramsToNhcb: false,
      nativeHistogramBucketLimit: 0,
      nativeHistogramMinBucketFactor: 0,
      extraScrapeMetrics: false,
      scrapeFailureLogFile: '',
      metricNameValidationScheme: 'utf8',
      metricNameEscapingScheme: 'allow-utf-8',
      http: { followRedirects: true, enableHttp2: true, headers: new Map() },
    });
    const { jobs } = await load(source([]));
    expect(jobs[0]).not.toHaveProperty('fallbackScrapeProtocol');
  });

  const limits = [
    ['body_size_limit', 'bodySizeLimitBytes', '1KB', 1024],
    ['sample_limit', 'sampleLimit', '7', 7],
    ['target_limit', 'targetLimit', '7', 7],
    ['label_limit', 'labelLimit', '7', 7],
    ['label_name_length_limit', 'labelNameLengthLimit', '7', 7],
    ['label_value_length_limit', 'labelValueLengthLimit', '7', 7],
  ] as const;
  it.each(limits)('%s: own, else of global; 0 is not set', async (key, field, text, value) => {
    await check([`${key}: ${text}`], { [field]: value });
    await check([], { [field]: value }, { global: `{${key}: ${text}}` });
    await check([`${key}: 0`], { [field]: value }, { global: `{${key}: ${text}}` });
  });

  const switches = [
    ['scrape_native_histograms', 'scrapeNativeHistograms'],
    ['always_scrape_classic_histograms', 'alwaysScrapeClassicHistograms'],
    ['convert_classic_histograms_to_nhcb', 'convertClassicHistogramsToNhcb'],
  ] as const;
  it.each(switches)('%s: own, else of global; false is set', async (key, field) => {
    await check([`${key}: true`], { [field]: true });
    await check([], { [field]: true }, { global: `{${key}: true}` });
    await check([`${key}: false`], { [field]: false }, { global: `{${key}: true}` });
  });

  it('native histograms put protobuf first, unless protocols are written down', async () => {
    const { jobs } = await load(source(['scrape_native_histograms: true']));
    expect(jobs[0]?.scrapeProtocols[0]).toBe('PrometheusProto');
    await check(
      ['scrape_native_histograms: true'],
      { scrapeProtocols: ['PrometheusText0.0.4'] },
      { global: '{scrape_protocols: [PrometheusText0.0.4]}' },
    );
    await check(
      ['scrape_protocols: [PrometheusProto]', 'fallback_scrape_protocol: PrometheusText0.0.4'],
      { scrapeProtocols: ['PrometheusProto'], fallbackScrapeProtocol: 'PrometheusText0.0.4' },
      { global: '{scrape_protocols: [PrometheusText0.0.4]}' },
    );
  });

  it('the settings of one job alone', async () => {
    await check(
      [
        'track_timestamps_staleness: true',
        'enable_compression: false',
        'native_histogram_bucket_limit: 160',
        'native_histogram_min_bucket_factor: 1.1',
        'params: {module: [a, b]}',
      ],
      {
        trackTimestampsStaleness: true,
        enableCompression: false,
        nativeHistogramBucketLimit: 160,
        nativeHistogramMinBucketFactor: 1.1,
        params: new Map([['module', ['a', 'b']]]),
      },
    );
  });
});

describe('names of metrics', () => {
  it.each([
    ['', '{metric_name_validation_scheme: legacy}', 'legacy', 'underscores'],
    ['metric_name_validation_scheme: legacy', '{}', 'legacy', 'underscores'],
    // A job with a validation of its own does not take the escaping of global, which would not fit.
    [
      'metric_name_validation_scheme: legacy',
      '{metric_name_escaping_scheme: allow-utf-8}',
      'legacy',
      'underscores',
    ],
    ['metric_name_validation_scheme: utf8', '{metric_name_escaping_scheme: dots}', 'utf8', 'allow-utf-8'],
    ['', '{metric_name_escaping_scheme: dots}', 'utf8', 'dots'],
    ['metric_name_escaping_scheme: values', '{metric_name_validation_scheme: legacy}', 'legacy', 'values'],
  ] as const)('%s under %s is %s, %s', async (line, global, validation, escaping) => {
    await check(
      line === '' ? [] : [line],
      { metricNameValidationScheme: validation, metricNameEscapingScheme: escaping },
      { global },
    );
  });

  it('legacy names and unescaped ones exclude each other', () =>
    refused(
      ['metric_name_escaping_scheme: allow-utf-8', 'metric_name_validation_scheme: legacy'],
      'prometheus.yml:4:3: config-conflict: Cannot use metric_name_escaping_scheme "allow-utf-8"',
    ));

  it.each([
    ['target_label: "a.b", source_labels: [x]', false],
    ['target_label: "a_${1}", source_labels: [x]', true],
    ['target_label: "${1}.x", source_labels: [x]', false],
    ['action: labelmap, regex: "(.*)", replacement: "x_$1"', true],
    ['action: labelmap, regex: "(.*)", replacement: "x-$1"', false],
    ['action: lowercase, source_labels: [x], target_label: "$1"', false],
    ['action: keepequal, source_labels: [x], target_label: "a"', true],
    ['action: labeldrop, regex: "a.b"', true],
  ])('under the legacy scheme the rule {%s} is taken: %s', async (rule, taken) => {
    const lines = [`metric_relabel_configs: [{${rule}}]`];
    await check(lines, {});
    const global = '{metric_name_validation_scheme: legacy}';
    if (taken) await check(lines, {}, { global });
    else await refused(lines, 'is not a label name of the legacy scheme', global);
  });
});

describe('how a target is asked', () => {
  it('every key of the HTTP client', async () => {
    const { jobs, told } = await load(
      source([
        'basic_auth: {username: u, password_file: secrets/password}',
        'tls_config: {cert_file: tls/cert.pem, key_file: tls/key.pem, min_version: TLS12, max_version: TLS13, server_name: s}',
        'proxy_url: http://proxy:3128',
        'no_proxy: localhost,10.0.0.0/8',
        'proxy_connect_header: {X-Proxy: [a, b]}',
        'follow_redirects: false',
        'enable_http2: false',
        'http_headers: {X-Own: {values: [a], secrets: [b], files: [secrets/token]}}',
      ]),
    );
    expect(told).toEqual([]);
    const http = jobs[0]?.http;
    expect(http).toMatchObject({
      followRedirects: false,
      enableHttp2: false,
      basicAuth: { username: 'u' },
      tls: {
        cert: 'CERT',
        minVersion: 'TLS12',
        maxVersion: 'TLS13',
        serverName: 's',
        insecureSkipVerify: false,
      },
      proxy: { url: 'http://proxy:3128', noProxy: 'localhost,10.0.0.0/8', fromEnvironment: false },
    });
    expect(http?.basicAuth?.password.reveal()).toBe('pw');
    expect(http?.basicAuth?.password.file).toBe('/etc/p/secrets/password');
    expect(http?.tls?.key?.reveal()).toBe('KEY');
    expect(revealed(http?.proxy?.connectHeaders)).toEqual({ 'X-Proxy': ['a', 'b'] });
    expect(revealed(http?.headers)).toEqual({ 'X-Own': ['a', 'b', 'tok'] });
  });

  it('oauth2, with its defaults', async () => {
    const { jobs, told } = await load(
      source([
        'oauth2:',
        '  client_id: c',
        '  client_secret_file: secrets/token',
        '  token_url: https://auth/token',
        '  scopes: [x]',
        '  endpoint_params: {audience: y}',
        '  proxy_from_environment: true',
      ]),
    );
    expect(told).toEqual([]);
    const oauth2 = jobs[0]?.http.oauth2;
    expect(oauth2).toMatchObject({
      grantType: 'client_credentials',
      clientId: 'c',
      tokenUrl: 'https://auth/token',
      scopes: ['x'],
      endpointParams: new Map([['audience', 'y']]),
      proxy: { fromEnvironment: true, noProxy: '' },
    });
    expect(oauth2?.clientSecret.reveal()).toBe('tok');
    expect(JSON.stringify(jobs)).not.toContain('tok"');
  });

  it('a bearer token is an authorization', async () => {
    const { jobs } = await load(source(['bearer_token_file: secrets/token']));
    const auth = jobs[0]?.http.authorization;
    expect([auth?.type, auth?.credentials.reveal(), auth?.credentials.file]).toEqual([
      'Bearer',
      'tok',
      '/etc/p/secrets/token',
    ]);
  });

  it('files and secrets of an included file are looked for beside that file', async () => {
    const { jobs, told } = await load('scrape_config_files: ["jobs/*.yml"]\n');
    expect(told).toEqual([]);
    expect(jobs.map(job => [job.jobName, job.http.basicAuth?.password.file])).toEqual([
      ['one', '/etc/p/jobs/own-password'],
      ['two', '/etc/p/secrets/password'],
    ]);
  });

  it('a file of a secret that is not there', () =>
    refused(
      ['basic_auth: {username: u, password_file: none}'],
      'prometheus.yml:4:44: config-io: Cannot read "none" for scrape_configs[0].basic_auth.password_file',
    ));
});

describe('external_labels', () => {
  it.each([
    ['${A}', 'x', 0],
    ['$A-$A', 'x-x', 0],
    ['$AB', '', 1],
    ['a${NONE}b$NONE', 'ab', 1],
    ['$EMPTY', '', 1],
    ['$$A ${$} 5$', '$A $ 5$', 0],
    ['$1A', 'A', 1],
    ['${} ${ $.', '  $.', 0],
    ['${a-b}', 'y', 0],
  ])('%s becomes "%s" with %s warnings', async (written, want, warnings) => {
    const text = `global:\n  external_labels:\n    l: '${written}'\n`;
    const { labels, told } = await load(text, { A: 'x', EMPTY: '', 'a-b': 'y' });
    expect(labels).toEqual(want === '' ? [] : ['l', want]);
    expect(told).toHaveLength(warnings);
    for (const one of told) {
      expect(one).toMatch(/^\/etc\/p\/prometheus\.yml:3:\d+: warning: config-environment: Cannot fill "\$/);
    }
  });
});

describe('a key that nothing acts on yet', () => {
  it.each(WAITING.map(key => [key]))('%s is told of with its place', key => {
    const text = `global:\n  ${key}:\nscrape_configs:\n- job_name: a\n  ${key}:\n`;
    const told = checkText('prometheus', { text, file: 'p.yml' });
    const known = told.filter(one => one.code === WAITS);
    // Some keys stand in one of the two places only.
    expect(known.length + told.filter(one => one.code === 'config-unknown-key').length).toBe(2);
    expect(known.length).toBeGreaterThan(0);
    for (const one of known) {
      expect(formatDiagnostic(one)).toMatch(
        new RegExp(`^p\\.yml:[25]:3: warning: .*"${key}" at (global|scrape_configs\\[0\\])\\.${key} `),
      );
    }
  });

  it('the others are silent', async () => {
    const { waiting } = await load(
      source(['sample_limit: 1', 'follow_redirects: false', 'proxy_url: http://p']),
    );
    expect(waiting).toEqual([]);
  });
});

function revealed(headers: ReadonlyMap<string, readonly Secret[]> | undefined) {
  return Object.fromEntries(
    [...(headers ?? [])].map(([name, values]) => [name, values.map(value => value.reveal())]),
  );
}
