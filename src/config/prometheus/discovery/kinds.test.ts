// Every kind of discovery: the least that it takes, and what it refuses.

import { describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../../model/index.ts';
import { checkText } from '../../check.ts';
import { ownDiscoveryKinds } from './kinds.ts';

interface Row {
  /** Settings that are enough. */
  readonly good: string;
  /** Settings that are refused, and a part of why. */
  readonly bad?: readonly (readonly [settings: string, part: string])[];
}

const TWO_WAYS = 'basic_auth: {username: u}, authorization: {credentials: c}';
const UUID = '11111111-1111-1111-1111-111111111112';
const SCALEWAY = `project_id: ${UUID}, access_key: SCWXXXXXXXXXXXXXXXXX`;
const OVH = 'application_key: a, application_secret: s, consumer_key: c';

const ROWS: Readonly<Record<string, Row>> = {
  aws_sd_configs: { good: 'role: ec2, region: r', bad: [['region: r', '"role"']] },
  azure_sd_configs: {
    good: 'subscription_id: s, authentication_method: SDK',
    bad: [
      ['tenant_id: t', '"subscription_id"'],
      ['subscription_id: s, tenant_id: t, client_id: c', '"client_secret"'],
    ],
  },
  consul_sd_configs: {
    good: 'server: "h:8500"',
    bad: [['username: u, basic_auth: {username: v}', '"basic_auth"']],
  },
  digitalocean_sd_configs: { good: 'port: 80', bad: [['port: many', 'port: a whole number expected']] },
  dns_sd_configs: {
    good: 'names: [a]',
    bad: [
      ['names: []', 'names'],
      ['names: [a], type: A', '"port"'],
    ],
  },
  docker_sd_configs: { good: 'host: "unix:///var/run/docker.sock"', bad: [['port: 80', '"host"']] },
  dockerswarm_sd_configs: {
    good: 'host: "unix:///var/run/docker.sock", role: tasks',
    bad: [['host: "unix:///x", role: task', 'did you mean "tasks"']],
  },
  ec2_sd_configs: {
    good: 'region: r, filters: [{name: n, values: [v]}]',
    bad: [['region: r, filters: [{name: n, values: []}]', 'values']],
  },
  ecs_sd_configs: { good: 'region: r', bad: [[TWO_WAYS, 'authorization']] },
  elasticache_sd_configs: { good: 'region: r', bad: [[TWO_WAYS, 'authorization']] },
  eureka_sd_configs: { good: 'server: "http://h/eureka"', bad: [['server: "eureka.example"', 'server']] },
  file_sd_configs: {
    good: 'files: ["a/*.yml"]',
    bad: [
      ['files: [a.txt]', '.json'],
      ['files: []', 'files'],
    ],
  },
  gce_sd_configs: { good: 'project: p, zone: z', bad: [['project: p', '"zone"']] },
  hetzner_sd_configs: { good: 'role: robot', bad: [['role: hclod', 'did you mean "hcloud"']] },
  http_sd_configs: { good: 'url: "http://h/"', bad: [['url: "ftp://h/"', "'http' or 'https'"]] },
  ionos_sd_configs: { good: 'datacenter_id: d', bad: [['port: 80', '"datacenter_id"']] },
  kubernetes_sd_configs: {
    good: 'role: pod',
    bad: [['role: pod, selectors: [{role: ingress, label: a}]', 'ingress']],
  },
  kuma_sd_configs: { good: 'server: "http://h:5676"', bad: [['server: "h"', "'http' or 'https'"]] },
  lightsail_sd_configs: { good: 'region: r', bad: [[TWO_WAYS, 'authorization']] },
  linode_sd_configs: { good: 'region: r', bad: [[TWO_WAYS, 'authorization']] },
  marathon_sd_configs: {
    good: 'servers: ["http://h"]',
    bad: [
      ['servers: []', 'servers'],
      ['servers: [a], auth_token: t, auth_token_file: f', '"auth_token_file"'],
    ],
  },
  msk_sd_configs: { good: 'region: r', bad: [[TWO_WAYS, 'authorization']] },
  nerve_sd_configs: {
    good: 'servers: [a], paths: [/b]',
    bad: [['servers: [a], paths: [b]', 'begin with "/"']],
  },
  nomad_sd_configs: { good: 'server: "http://h:4646"', bad: [['server: ""', '"server"']] },
  oci_sd_configs: { good: 'region: r', bad: [['authentication_method: password', 'api_key']] },
  openstack_sd_configs: {
    good: 'role: instance, region: r',
    bad: [
      ['role: instance', '"region"'],
      ['role: instance, region: r, availability: private', 'public'],
    ],
  },
  outscale_sd_configs: {
    good: 'access_key: a, secret_key: s',
    bad: [['access_key: a, secret_key: s, secret_key_file: f', '"secret_key_file"']],
  },
  ovhcloud_sd_configs: {
    good: `service: vps, ${OVH}`,
    bad: [[`service: vpn, ${OVH}`, 'did you mean "vps"']],
  },
  puppetdb_sd_configs: { good: 'url: "http://h/", query: q', bad: [['url: "http://h/"', '"query"']] },
  rds_sd_configs: { good: 'region: r', bad: [[TWO_WAYS, 'authorization']] },
  scaleway_sd_configs: {
    good: `role: instance, ${SCALEWAY}, secret_key: ${UUID}`,
    bad: [
      [`role: instance, ${SCALEWAY}`, 'secret_key'],
      [`role: instance, ${SCALEWAY}, secret_key: s`, 'secret_key: a UUID expected'],
    ],
  },
  serverset_sd_configs: { good: 'servers: [a], paths: [/b]', bad: [['paths: [/b]', 'servers']] },
  stackit_sd_configs: { good: `project: ${UUID}`, bad: [['endpoint: "http://h:x"', 'endpoint']] },
  static_configs: { good: 'targets: ["h:1"]', bad: [['target: ["h:1"]', 'did you mean "targets"']] },
  triton_sd_configs: {
    good: 'account: a, dns_suffix: d, endpoint: e',
    bad: [['account: a, dns_suffix: d, endpoint: e, refresh_interval: 0s', 'at least']],
  },
  uyuni_sd_configs: {
    good: 'server: "http://h", username: u, password: p',
    bad: [['server: "http://h", password: p', '"username"']],
  },
  vultr_sd_configs: { good: 'port: 80', bad: [[TWO_WAYS, 'authorization']] },
};

function judge(kind: string, settings: string) {
  const text = `scrape_configs:\n- job_name: a\n  ${kind}:\n  - {${settings}}\n`;
  const told = checkText('prometheus', { text, file: 'p.yml' });
  return {
    errors: told.filter(one => one.severity === 'error').map(formatDiagnostic),
    warnings: told.filter(one => one.severity === 'warning').map(formatDiagnostic),
  };
}

it('the table has every kind', () => {
  expect(Object.keys(ROWS)).toEqual(ownDiscoveryKinds.map(kind => kind.key).sort());
});

describe.each(ownDiscoveryKinds.map(kind => ({ kind })))('$kind.key', ({ kind }) => {
  const row = ROWS[kind.key];

  it('takes what is enough, and says whether it is carried out', () => {
    const { errors, warnings } = judge(kind.key, row?.good ?? '');
    expect(errors).toEqual([]);
    const place = `p.yml:3:3: warning: config-not-carried-out: "${kind.key}" at scrape_configs[0].${kind.key} `;
    expect(warnings).toEqual(kind.carriedOut ? [] : [expect.stringContaining(place)]);
  });

  it('refuses an unknown key and what makes no sense, once, with the place', () => {
    for (const [settings, part] of [['nonsense: 1', '"nonsense"'] as const, ...(row?.bad ?? [])]) {
      const { errors } = judge(kind.key, settings);
      expect(
        errors.filter(error => error.includes(part)),
        `${settings}: ${errors.join('\n')}`,
      ).toHaveLength(1);
      expect(errors.every(error => /^p\.yml:[34]:\d+: /.test(error))).toBe(true);
    }
  });
});
