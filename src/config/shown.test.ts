// The configuration as others may see it: nothing of a secret, whatever way it came in.

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { FakeDisk } from '../../test/support/disk.ts';
import { loadConfig } from './load.ts';
import { alertmanagerPart } from './shown.ts';

const FOLDER = '/etc/wk';

async function shown(
  files: Readonly<Record<string, string>>,
  named: readonly ('watchkeeper' | 'prometheus' | 'alertmanager')[] = ['watchkeeper'],
): Promise<string> {
  const disk = new FakeDisk();
  disk.putFolder(FOLDER);
  for (const [name, content] of Object.entries(files)) disk.putFile(`${FOLDER}/${name}`, content);
  const outcome = await loadConfig({
    disk,
    env: { TOKEN: 'hunter-env' },
    paths: Object.fromEntries(named.map(name => [name, `${FOLDER}/${name}.yml`])),
    registries: {},
  });
  expect(outcome.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return outcome.shown;
}

describe('the configuration that is shown', () => {
  it('is what the file says, with the intervals in force', async () => {
    const text = await shown({
      'watchkeeper.yml': 'global: { scrape_interval: 5s }\nscrape_configs: [{ job_name: a }]\n',
    });
    expect(parse(text)).toEqual({
      global: { scrape_interval: '5s', scrape_timeout: '5s', evaluation_interval: '1m' },
      scrape_configs: [{ job_name: 'a' }],
    });
  });

  it('has the sections of all files as one', async () => {
    const text = await shown(
      {
        'watchkeeper.yml': 'host: { interval: 10s }\n',
        'prometheus.yml': 'global: { scrape_interval: 7s }\nscrape_configs: [{ job_name: a }]\n',
        'alertmanager.yml':
          'global: { resolve_timeout: 9m }\nroute: { receiver: r }\nreceivers: [{ name: r }]\n',
      },
      ['watchkeeper', 'prometheus', 'alertmanager'],
    );
    expect(parse(text)).toMatchObject({
      global: { scrape_interval: '7s', resolve_timeout: '9m' },
      host: { interval: '10s' },
      scrape_configs: [{ job_name: 'a' }],
      receivers: [{ name: 'r' }],
    });
  });

  it('never has a secret in it', async () => {
    const text = await shown({
      'key.pem': 'hunter-file',
      'watchkeeper.yml': `
# the old one was hunter-comment
web:
  users: [{ name: ann, password_hash: '$2b$10$hunterhunterhunterhunterhunterhunterhunterhunterhunt1' }]
  tokens:
    - { name: env, token: '\${TOKEN}' }
    - { name: hash, token_hash: 'sha256:hunter' }
scrape_configs:
  - job_name: a
    basic_auth: &shared { username: u, password: hunter-plain }
    http_headers: { X-Key: { secrets: [hunter-header] } }
  - job_name: b
    basic_auth: { <<: *shared, username: other }
  - job_name: c
    basic_auth: *shared
    proxy_connect_header: { X-Proxy: [hunter-proxy, ''] }
    proxy_url: http://me:hunter-url@proxy:3128
  - job_name: d
    authorization: { credentials_file: key.pem }
    consul_sd_configs: [{ token: hunter-consul }]
remote_write: [{ url: 'http://there/', headers: { X-Api-Key: hunter-plain-header } }]
receivers:
  - name: r
    webhook_configs: [{ url: 'http://hook/hunter-hook' }]
    slack_configs: [{ api_url: 'https://slack/hunter-slack' }]
    pushover_configs: [{ user_key: hunter-pushover, token: hunter-pushover-token }]
route: { receiver: r }
`,
    });
    expect(text).not.toContain('hunter');
    expect(parse(text)).toMatchObject({
      web: {
        users: [{ name: 'ann', password_hash: '<secret>' }],
        tokens: [{ token: '<secret>' }, { token_hash: '<secret>' }],
      },
      scrape_configs: [
        {
          basic_auth: { username: 'u', password: '<secret>' },
          http_headers: { 'X-Key': { secrets: ['<secret>'] } },
        },
        { basic_auth: { username: 'other', password: '<secret>' } },
        {
          basic_auth: { password: '<secret>' },
          proxy_connect_header: { 'X-Proxy': ['<secret>', ''] },
          proxy_url: 'http://me:<secret>@proxy:3128',
        },
        { authorization: { credentials_file: 'key.pem' }, consul_sd_configs: [{ token: '<secret>' }] },
      ],
      receivers: [{ webhook_configs: [{ url: '<secret>' }] }],
    });
  });

  it('is empty while there is something wrong', async () => {
    const disk = new FakeDisk();
    disk.putFolder(FOLDER);
    disk.putFile(`${FOLDER}/watchkeeper.yml`, 'nothing: here\n');
    const paths = { watchkeeper: `${FOLDER}/watchkeeper.yml` };
    expect((await loadConfig({ disk, env: {}, paths, registries: {} })).shown).toBe('');
  });
});

describe('the part of it that is an alertmanager.yml', () => {
  it('has its sections, without keys that are ours', async () => {
    const text = await shown({
      'watchkeeper.yml': `
global: { scrape_interval: 5s, resolve_timeout: 9m, smtp_smarthost: 'mail:25', smtp_auth_password: hunter }
host: { enabled: false }
scrape_configs: [{ job_name: a }]
route:
  receiver: r
  routes: [{ matchers: ['a="b"'], notify: after_recovery_failed, routes: [{ receiver: r, notify: always }] }]
receivers: [{ name: r, labels: { owner: db }, webhook_configs: [{ url: 'http://h/hunter' }] }]
inhibit_rules: [{ source_matchers: [x="y"], target_matchers: [x="z"] }]
`,
    });
    expect(parse(alertmanagerPart(text, 'nobody'))).toEqual({
      global: { resolve_timeout: '9m', smtp_smarthost: 'mail:25', smtp_auth_password: '<secret>' },
      route: { receiver: 'r', routes: [{ matchers: ['a="b"'], routes: [{ receiver: 'r' }] }] },
      receivers: [{ name: 'r', labels: { owner: 'db' }, webhook_configs: [{ url: 'http://<secret>' }] }],
      inhibit_rules: [{ source_matchers: ['x="y"'], target_matchers: ['x="z"'] }],
    });
  });

  it('names who is told where nothing says it', async () => {
    const text = await shown({ 'watchkeeper.yml': 'host: { enabled: false }\n' });
    expect(parse(alertmanagerPart(text, 'nobody'))).toEqual({
      route: { receiver: 'nobody' },
      receivers: [{ name: 'nobody' }],
    });
    expect(parse(alertmanagerPart('', 'nobody'))).toMatchObject({ route: { receiver: 'nobody' } });
  });
});
