// Our judgement of prometheus.yml beside Debian's promtool 2.42: the same verdict on everything that 2.42 understands.
//
// A text that promtool refuses only for a field it does not know, or that our version refuses for a reason that
// 2.42 did not have, is no disagreement: the first is counted, the second stands in NEWER with its reason.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkText } from '../../src/config/index.ts';
import { discoveryKinds } from '../../src/discovery/index.ts';
import { formatDiagnostic } from '../../src/model/index.ts';
import { corporaRoot } from '../support/corpora.ts';

const BINARY = 'promtool';

/** Files that the two judge differently, and why ours is right for Prometheus 3. */
const NEWER: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/_bearertoken_basicauth\.bad\.yml$/, 'discovery: 2.42 did not check its HTTP settings in every kind'],
  [
    /^own\/discovery with a user and a token$/,
    'discovery: 2.42 did not check its HTTP settings in every kind',
  ],
  [/_token_file\.bad\.yml$/, 'discovery: 2.42 did not check its HTTP settings in every kind'],
  [/^config\/config_with_deprecated_am_api_config\.yml$/, 'Alertmanager API v1 went with Prometheus 3'],
  [/^config\/remote_write_queue_.*\.bad\.yml$/, 'the queue settings are checked since 3.x'],
  [/^own\/a label name with a dot$/, 'any UTF-8 text is a label name since 3.0'],
  [/^own\/hashmod into a template$/, 'any UTF-8 text is a label name since 3.0, "$" too'],
];

/** Texts of our own, for what the fixtures do not touch. The verdict is promtool's to give. */
const OWN: Readonly<Record<string, string>> = {
  'a timeout above the interval': job('scrape_interval: 5s', 'scrape_timeout: 6s'),
  'a timeout above the interval of global': `global: {scrape_interval: 5s}\n${job('scrape_timeout: 6s')}`,
  'a timeout of global above its interval': 'global: {scrape_interval: 5s, scrape_timeout: 6s}\n',
  'an interval below the timeout of global': `global: {scrape_timeout: 8s}\n${job('scrape_interval: 5s')}`,
  'basic_auth beside authorization': job('basic_auth: {username: u}', 'authorization: {credentials: c}'),
  'oauth2 beside basic_auth': job(
    'basic_auth: {username: u}',
    'oauth2: {client_id: c, client_secret: s, token_url: "http://t/"}',
  ),
  'oauth2 beside a bearer token': job(
    'bearer_token: b',
    'oauth2: {client_id: c, client_secret: s, token_url: "http://t/"}',
  ),
  'oauth2 without an address': job('oauth2: {client_id: c, client_secret: s}'),
  'oauth2 without a client': job('oauth2: {client_secret: s, token_url: "http://t/"}'),
  'oauth2 with two secrets': job(
    'oauth2: {client_id: c, client_secret: s, client_secret_file: f, token_url: "http://t/"}',
  ),
  'two passwords': job('basic_auth: {username: u, password: p, password_file: f}'),
  'an authorization of the type Basic': job('authorization: {type: " Basic", credentials: c}'),
  'authorization beside a bearer token': job('authorization: {credentials: c}', 'bearer_token: b'),
  'two credentials': job('authorization: {credentials: c, credentials_file: f}'),
  'an empty authorization': job('authorization: {}'),
  'a TLS version that is none': job('tls_config: {min_version: TLS14}'),
  'a TLS version': job('tls_config: {min_version: TLS12}'),
  'a certificate without its key': job('tls_config: {cert_file: c}'),
  'a proxy': job('proxy_url: "http://u:p@proxy:3128"'),
  'a proxy that is no address': job('proxy_url: ":"'),
  'a null job': 'scrape_configs: [~]\n',
  'no job at all': 'scrape_configs: []\n',
  'an empty text': '',
  'an unknown key': job('scrape_intervall: 5s'),
  'a duration that is none': job('scrape_interval: 5sec'),
  'a duration of several units': job('scrape_interval: 1m30s'),
  'units in the wrong order': job('scrape_interval: 30s1m'),
  'a sample limit': job('sample_limit: 10', 'target_limit: 1', 'label_limit: 3'),
  'a negative limit': job('sample_limit: -1'),
  'a limit that is no number': job('label_limit: many'),
  'a body size without a unit': job('body_size_limit: 10'),
  'a body size': job('body_size_limit: 10MB'),
  parameters: job('params: {module: [a, b]}'),
  'a parameter that is no list': job('params: {module: a}'),
  'a switch in words': job('honor_labels: yes'),
  'a switch that is none': job('honor_labels: perhaps'),
  'an expression that does not compile': relabel('source_labels: [a], target_label: b, regex: "("'),
  'an expression with lookahead': relabel('source_labels: [a], target_label: b, regex: "(?=x)"'),
  'an unknown action': relabel('action: keeep'),
  'an action in capitals': relabel('action: KEEP, source_labels: [a], regex: b'),
  'replace without a target': relabel('source_labels: [a]'),
  'replace into a name with a group': relabel('source_labels: [a], target_label: "x_${1}"'),
  'hashmod without a modulus': relabel('action: hashmod, source_labels: [a], target_label: b'),
  'hashmod into a template': relabel('action: hashmod, source_labels: [a], target_label: "b_$1", modulus: 2'),
  'lowercase with a replacement': relabel(
    'action: lowercase, source_labels: [a], target_label: b, replacement: c',
  ),
  'labeldrop with a source': relabel('action: labeldrop, regex: a, source_labels: [b]'),
  labelkeep: relabel('action: labelkeep, regex: a'),
  'a target that is a URL': 'scrape_configs: [{job_name: a, static_configs: [{targets: ["http://h/"]}]}]\n',
  'a label name with a dot': 'global: {external_labels: {a.b: c}}\n',
  'a job name twice': 'scrape_configs: [{job_name: a}, {job_name: a}]\n',
  'a job name with a space': 'scrape_configs: [{job_name: "a b"}]\n',
  'a star in a folder of rule_files': 'rule_files: ["a*/b.yml"]\n',
  'a star in a name of rule_files': 'rule_files: ["a/*.yml"]\n',
  'a file list of another kind of file': discovery('file_sd_configs: [{files: ["a.txt"]}]'),
  'an empty file list': discovery('file_sd_configs: [{files: []}]'),
  'names without a port': discovery('dns_sd_configs: [{names: [a], type: A}]'),
  'names of a type that is none': discovery('dns_sd_configs: [{names: [a], type: TXT}]'),
  'names by SRV': discovery('dns_sd_configs: [{names: [a]}]'),
  'no names': discovery('dns_sd_configs: [{names: []}]'),
  'an endpoint without an address': discovery('http_sd_configs: [{}]'),
  'an endpoint without a scheme': discovery('http_sd_configs: [{url: "h/x"}]'),
  'an endpoint': discovery('http_sd_configs: [{url: "http://h/x", basic_auth: {username: u}}]'),
  'an engine without a host': discovery('docker_sd_configs: [{}]'),
  'swarm of a role that is none': discovery('dockerswarm_sd_configs: [{host: "unix:///x", role: pods}]'),
  'consul with two kinds of users': discovery(
    'consul_sd_configs: [{server: "h:1", username: u, basic_auth: {username: v}}]',
  ),
  consul: discovery('consul_sd_configs: [{}]'),
  'gce without a zone': discovery('gce_sd_configs: [{project: p}]'),
  'openstack of a role that is none': discovery('openstack_sd_configs: [{role: pods, region: r}]'),
  'triton without an account': discovery('triton_sd_configs: [{dns_suffix: d, endpoint: e}]'),
  'serverset without servers': discovery('serverset_sd_configs: [{paths: [/a]}]'),
  'nerve with a relative path': discovery('nerve_sd_configs: [{servers: [a], paths: [b]}]'),
  'kuma without a server': discovery('kuma_sd_configs: [{}]'),
  linode: discovery('linode_sd_configs: [{}]'),
  vultr: discovery('vultr_sd_configs: [{}]'),
  'digitalocean with a number for a separator': discovery('digitalocean_sd_configs: [{tag_separator: 1}]'),
  'marathon with an empty list of servers': discovery('marathon_sd_configs: [{servers: []}]'),
  'serverset with empty lists': discovery('serverset_sd_configs: [{servers: [], paths: []}]'),
  'nerve without paths': discovery('nerve_sd_configs: [{servers: [a]}]'),
  'consul with a token and an authorization': discovery(
    'consul_sd_configs: [{server: "h:1", token: t, authorization: {credentials: c}}]',
  ),
  'consul with an empty server': discovery('consul_sd_configs: [{server: " "}]'),
  'ec2 with a filter without values': discovery(
    'ec2_sd_configs: [{region: r, filters: [{name: a, values: []}]}]',
  ),
  'an engine whose host is no address': discovery('docker_sd_configs: [{host: "unix:///a b:%"}]'),
  'nomad with an empty server': discovery('nomad_sd_configs: [{server: ""}]'),
  'nomad without settings': discovery('nomad_sd_configs: [{}]'),
  'openstack without a region': discovery('openstack_sd_configs: [{role: instance}]'),
  'openstack without a role': discovery('openstack_sd_configs: [{region: r}]'),
  'a kuma server without a scheme': discovery('kuma_sd_configs: [{server: "h:5676"}]'),
  'ovhcloud without keys': discovery('ovhcloud_sd_configs: [{service: vps}]'),
  'ovhcloud at an unknown endpoint': discovery(
    'ovhcloud_sd_configs: [{endpoint: e, application_key: a, application_secret: s, consumer_key: c, service: vps}]',
  ),
  'scaleway without a role': discovery(
    'scaleway_sd_configs: [{project_id: p, secret_key: s, access_key: a}]',
  ),
  'scaleway with keys of the wrong form': discovery(
    'scaleway_sd_configs: [{role: instance, project_id: p, secret_key: s, access_key: a}]',
  ),
  'triton of a role that is none': discovery(
    'triton_sd_configs: [{account: a, dns_suffix: d, endpoint: e, role: vm}]',
  ),
  'triton that is asked all the time': discovery(
    'triton_sd_configs: [{account: a, dns_suffix: d, endpoint: e, refresh_interval: 0s}]',
  ),
  'uyuni without a user': discovery('uyuni_sd_configs: [{server: "http://h/"}]'),
  'puppetdb without a query': discovery('puppetdb_sd_configs: [{url: "http://h/"}]'),
  'hetzner without a role': discovery('hetzner_sd_configs: [{}]'),
  'ionos without a datacenter': discovery('ionos_sd_configs: [{}]'),
  'eureka of another scheme': discovery('eureka_sd_configs: [{server: "ftp://h/"}]'),
  'azure by an unknown method': discovery(
    'azure_sd_configs: [{subscription_id: s, authentication_method: Password}]',
  ),
  'azure by a managed identity': discovery(
    'azure_sd_configs: [{subscription_id: s, authentication_method: ManagedIdentity}]',
  ),
  'discovery with a user and a token': discovery(
    'http_sd_configs: [{url: "http://h/", basic_auth: {username: u}, authorization: {credentials: c}}]',
  ),
  'a null among the settings of discovery': discovery('dns_sd_configs: [~]'),
  'a null list of discovery': discovery('dns_sd_configs:'),
  'a target group with an unknown key': discovery('static_configs: [{target: [a]}]'),
  'a target group with labels alone': discovery('static_configs: [{labels: {a: b}}]'),
  'a header of remote write that is reserved': 'remote_write: [{url: "http://h/", headers: {Host: x}}]\n',
  'an address with a space in its path': 'remote_write: [{url: "http://h/a b"}]\n',
  'an address with a space in its host': 'remote_write: [{url: "http://h a/b"}]\n',
  'an address with a tab': 'remote_write: [{url: "http://h/a\\tb"}]\n',
  'an address with a port that is none': 'remote_write: [{url: "http://h:x/"}]\n',
  'an address with a broken escape': 'remote_write: [{url: "http://h/%zz"}]\n',
  'an address without a scheme': 'remote_write: [{url: "h:1/x"}]\n',
  'remote write without an address': 'remote_write: [{}]\n',
  'remote read of a name twice': 'remote_read: [{url: "http://h/", name: a}, {url: "http://h/", name: a}]\n',
  'remote write with a region alone': 'remote_write: [{url: "http://h/", sigv4: {region: r}}]\n',
  'remote write with half of a key': 'remote_write: [{url: "http://h/", sigv4: {access_key: r}}]\n',
  'remote write with two authentications':
    'remote_write: [{url: "http://h/", sigv4: {region: r}, basic_auth: {username: u}}]\n',
  'an Alertmanager of an API version that never was': alertmanager('api_version: v3'),
  'an Alertmanager': alertmanager('path_prefix: /am'),
};

function job(...lines: readonly string[]): string {
  return `scrape_configs:\n- job_name: a\n${lines.map(line => `  ${line}\n`).join('')}`;
}

function relabel(rule: string): string {
  return job(`relabel_configs: [{${rule}}]`);
}

function discovery(settings: string): string {
  return job(settings);
}

function alertmanager(line: string): string {
  return `alerting:\n  alertmanagers:\n  - ${line}\n    static_configs: [{targets: ["h:9093"]}]\n`;
}

interface Verdict {
  readonly ok: boolean;
  readonly message: string;
}

/** promtool goes on after a bad file: the good ones are told on stdout, the messages on stderr. */
function judgeAll(paths: readonly string[], flags: readonly string[]): ReadonlyMap<string, Verdict> {
  const args = ['check', 'config', '--syntax-only', '--lint=none', ...flags, ...paths];
  const ran = spawnSync(BINARY, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const messages = ran.stderr.split(/^ {2}FAILED: /m);
  return new Map(
    paths.map(path => {
      const ok = ran.stdout.includes(`SUCCESS: ${path} is valid`);
      const message = messages.find(text => text.includes(`${path}:`)) ?? '';
      return [path, { ok, message }] as const;
    }),
  );
}

function installed(): boolean {
  try {
    execFileSync(BINARY, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The version has no such key, or was built without the kind: nothing was judged beyond it. */
function isUnknownToIt(verdict: Verdict): boolean {
  return /field \w+ not found in type/.test(verdict.message);
}

const present = installed();
const needed = process.env['CI'] === 'true';
const hasCorpora = (() => {
  try {
    return readdirSync(join(corporaRoot(), 'prometheus/config')).length > 0;
  } catch {
    return false;
  }
})();

describe.skipIf(!present && !needed)(`beside ${BINARY}${present ? '' : ' (not installed)'}`, () => {
  const texts = new Map<string, { readonly path: string; readonly text: string }>();
  let folder = '';
  let verdicts: ReadonlyMap<string, Verdict> = new Map();
  let agentVerdicts: ReadonlyMap<string, Verdict> = new Map();

  beforeAll(() => {
    if (!present) throw new Error(`${BINARY} is not installed: apt-get install -y prometheus`);
    folder = mkdtempSync(join(tmpdir(), 'promtool-config-'));
    mkdirSync(join(folder, 'own'));
    Object.entries(OWN).forEach(([name, text], i) => {
      const path = join(folder, 'own', `${i}.yml`);
      writeFileSync(path, text);
      texts.set(`own/${name}`, { path, text });
    });
    for (const [label, from] of hasCorpora
      ? ([
          ['config', 'prometheus/config'],
          ['configs', 'configs/prometheus'],
        ] as const)
      : []) {
      for (const file of readdirSync(join(corporaRoot(), from)).filter(name => name.endsWith('.yml'))) {
        const path = join(corporaRoot(), from, file);
        texts.set(`${label}/${file}`, { path, text: readFileSync(path, 'utf8') });
      }
    }
    const paths = [...texts.values()].map(one => one.path);
    verdicts = judgeAll(paths, []);
    agentVerdicts = judgeAll(paths, ['--agent']);
  });

  afterAll(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  for (const agent of [false, true]) {
    it(`gives the same verdicts${agent ? ' in agent mode' : ''}`, () => {
      const disagreements: string[] = [];
      const counts = { agree: 0, unknown: 0, newer: 0 };
      for (const [name, { path, text }] of texts) {
        const theirs = (agent ? agentVerdicts : verdicts).get(path) ?? { ok: false, message: '' };
        const errors = checkText(
          'prometheus',
          { text, file: name },
          { registries: { discovery: discoveryKinds }, agent },
        ).filter(one => one.severity === 'error');
        if (theirs.ok === (errors.length === 0)) counts.agree += 1;
        else if (isUnknownToIt(theirs)) counts.unknown += 1;
        else if (NEWER.some(([pattern]) => pattern.test(name))) counts.newer += 1;
        else {
          const ours = errors.map(formatDiagnostic).join('; ') || 'fine';
          disagreements.push(`${name}: theirs ${theirs.ok ? 'fine' : theirs.message.trim()}; ours ${ours}`);
        }
      }
      expect(disagreements).toEqual([]);
      console.log(
        `promtool${agent ? ' --agent' : ''}: ${texts.size} texts, ${counts.agree} verdicts agree, ` +
          `${counts.unknown} hold keys that it does not know, ${counts.newer} are newer rules of ours`,
      );
      // A silent promtool would make every bad file agree.
      expect(counts.agree).toBeGreaterThan(Object.keys(OWN).length / 2);
      expect([...verdicts.values()].some(one => one.ok)).toBe(true);
    });
  }
});
