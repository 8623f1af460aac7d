// Prometheus's web configuration file: what is wrong with it and where, what is made of it, and what stands beside it.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeDisk } from '../../../test/support/disk.ts';
import { formatDiagnostic } from '../../model/index.ts';
import { checkWebText } from '../check.ts';
import { checkWebFile, type LoadOptions, loadConfig } from '../load.ts';

const pem = (name: string) => readFileSync(new URL(`../../os/testdata/${name}.pem`, import.meta.url), 'utf8');
const CERT = pem('loopback.cert');
const KEY = pem('loopback.key');
const HASH = '$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG';

const FILES = {
  '/etc/p/cert.pem': CERT,
  '/etc/p/key.pem': KEY,
  '/etc/p/other-key.pem': pem('stranger.key'),
  '/etc/p/ca.pem': pem('stranger.cert'),
  '/etc/p/empty.pem': '',
};
const NAMED = 'cert_file: cert.pem, key_file: key.pem';

function diskOf(files: Readonly<Record<string, string>>): FakeDisk {
  const disk = new FakeDisk();
  for (const [path, content] of Object.entries(files)) {
    disk.putFolder(path.slice(0, path.lastIndexOf('/')) || '/');
    disk.putFile(path, content);
  }
  return disk;
}

async function told(text: string): Promise<readonly string[]> {
  const disk = diskOf({ ...FILES, '/etc/p/web.yml': text });
  return (await checkWebFile(disk, '/etc/p/web.yml')).map(formatDiagnostic);
}

const RIGHT: readonly (readonly [name: string, text: string])[] = [
  ['nothing', ''],
  ['sections with nothing in them', 'tls_server_config:\nhttp_server_config:\nbasic_auth_users:\n'],
  ['a certificate and its key', `tls_server_config: {${NAMED}}\n`],
  [
    'both in the text',
    `tls_server_config:\n  cert: ${JSON.stringify(CERT)}\n  key: ${JSON.stringify(KEY)}\n`,
  ],
  [
    'clients',
    `tls_server_config: {${NAMED}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [a]}\n`,
  ],
  ['an older name', `tls_server_config: {${NAMED}, client_auth_type: RequireClientCert}\n`],
  ['a rate limit', 'rate_limit: {interval: 1m30s, burst: 3}\n'],
  ['a rate limit in nanoseconds', 'rate_limit: {interval: 1000000, burst: 3}\n'],
  ['no interval', 'rate_limit: {burst: 3}\n'],
  ['no HTTP/2', 'http_server_config: {http2: false}\n'],
  ['a header that is blank', 'http_server_config: {headers: {X-XSS-Protection: ""}}\n'],
  ['users', `basic_auth_users: {alice: ${HASH}, "": "$2a$04$${'a'.repeat(53)}"}\n`],
];

const WRONG: readonly (readonly [text: string, problems: readonly string[]])[] = [
  [
    'tls_server_confg: {}\n',
    [
      'web.yml:1:1: config-unknown-key: Cannot use "tls_server_confg": no such key (did you mean "tls_server_config"?)',
    ],
  ],
  [
    `tls_server_config:\n  ${NAMED.replace(', ', '\n  ')}\n  min_version: TLS14\n  cipher_suits: []\n`,
    [
      'web.yml:4:16: config-bad-value: Cannot take "TLS14"',
      'web.yml:5:3: config-unknown-key: Cannot use "cipher_suits" in tls_server_config: no such key (did you mean "cipher_suites"?)',
    ],
  ],
  [
    `tls_server_config: {${NAMED}, client_auth_type: RequireAndVerifyClientCerts}\n`,
    ['did you mean "RequireAndVerifyClientCert"?'],
  ],
  [
    `tls_server_config: {${NAMED}, cipher_suites: [TLS_ECDHE_RSA_WITH_RC4_128_SHA]}\n`,
    ['Cannot take "TLS_ECDHE_RSA_WITH_RC4_128_SHA"'],
  ],
  [`tls_server_config: {${NAMED}, curve_preferences: [P256]}\n`, ['Cannot take "P256"']],
  [
    'tls_server_config: {cert_file: cert.pem}\n',
    ['web.yml:1:20: config-missing-key: Cannot do without "key_file" or "key"'],
  ],
  [
    'tls_server_config: {client_auth_type: NoClientCert}\n',
    ['Cannot do without "cert_file" or "cert"', 'Cannot do without "key_file" or "key"'],
  ],
  [
    'tls_server_config: {cert_file: no.pem, key_file: key.pem}\n',
    ['web.yml:1:32: config-io: Cannot read "no.pem" for tls_server_config.cert_file: it does not exist'],
  ],
  [
    'tls_server_config: {cert_file: empty.pem, key_file: key.pem}\n',
    [
      'web.yml:1:21: config-bad-value: Cannot use "cert_file" of tls_server_config: no certificate in PEM format',
    ],
  ],
  [
    'tls_server_config: {cert_file: cert.pem, key_file: cert.pem}\n',
    ['Cannot use "key_file" of tls_server_config: no private key'],
  ],
  [
    'tls_server_config: {cert_file: cert.pem, key_file: other-key.pem}\n',
    ['it is not the key of the certificate in "cert_file"'],
  ],
  [
    `tls_server_config: {${NAMED}, client_ca_file: ca.pem}\n`,
    [
      'config-conflict: Cannot use "client_ca_file" in tls_server_config: client_auth_type does not ask for certificates',
    ],
  ],
  [
    `tls_server_config: {${NAMED}, client_auth_type: RequestClientCert, client_ca_file: key.pem}\n`,
    ['Cannot use "client_ca_file" of tls_server_config: no certificate'],
  ],
  [
    `tls_server_config: {${NAMED}, client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.pem, client_allowed_sans: [a]}\n`,
    ['lets clients in without a certificate'],
  ],
  [
    `tls_server_config: {${NAMED}, min_version: TLS13, max_version: TLS12}\n`,
    ['Cannot take "TLS12" for max_version: it is below min_version "TLS13"'],
  ],
  [
    `tls_server_config: {${NAMED}, max_version: TLS11}\n`,
    ['it is below min_version, which is "TLS12" unless set'],
  ],
  ['http_server_config: {headers: {X-Frame-Option: deny}}\n', ['did you mean "X-Frame-Options"?']],
  [
    'http_server_config: {headers: {X-Frame-Options: DENY}}\n',
    ['Cannot take "DENY": one of deny, sameorigin expected'],
  ],
  [
    'http_server_config: {headers: {Content-Security-Policy: "a\\nSet-Cookie: b"}}\n',
    ['Cannot send the header: one line'],
  ],
  [
    'rate_limit: {interval: 1d, burst: 3}\n',
    ['web.yml:1:24: config-bad-value: Cannot use "1d" at rate_limit.interval: no duration'],
  ],
  [
    'basic_auth_users:\n  alice: secret\n',
    ['web.yml:2:10: config-bad-value: Cannot use the password of basic_auth_users.alice: not a bcrypt hash'],
  ],
];

const WARNED: readonly (readonly [text: string, warnings: readonly string[]])[] = [
  [
    'http_server_config:\n  http2: true\n',
    [
      'web.yml:2:10: warning: config-not-carried-out: "http2" at http_server_config.http2 is valid, but this server speaks HTTP/1.1 only',
    ],
  ],
  [
    'rate_limit: {interval: 1s}\n',
    ['web.yml:1:13: warning: config-bad-value: "burst" at rate_limit lets no request through'],
  ],
  ['tls_server_config: {min_version: TLS13}\n', ['TLS stays off: no certificate is named']],
  [
    `tls_server_config: {${NAMED}, cert: x}\n`,
    ['"cert" of tls_server_config is passed over: "cert_file" goes before'],
  ],
  [
    `tls_server_config: {${NAMED}, client_auth_type: RequireAndVerifyClientCert}\n`,
    ['certificates of every public authority fit'],
  ],
];

describe('the file', () => {
  it.each(RIGHT)('is right: %s', async (_, text) => {
    expect(await told(text)).toEqual([]);
    expect(checkWebText({ text, file: 'web.yml' })).toEqual([]);
  });

  it.each(WRONG)('is wrong: %s', async (text, problems) => {
    const lines = await told(text);
    expect(lines).toHaveLength(problems.length);
    problems.forEach((problem, i) => void expect(lines[i]).toContain(problem));
    expect(lines.join('\n')).not.toContain('warning');
    expect(lines.join('\n')).not.toContain('secret');
  });

  it.each(WARNED)('is right with a warning: %s', async (text, warnings) => {
    const lines = await told(text);
    expect(lines).toHaveLength(warnings.length);
    warnings.forEach((warning, i) => void expect(lines[i]).toContain(warning));
    expect(lines.every(line => line.includes('warning'))).toBe(true);
  });

  it('is judged, whatever stands in it', () => {
    const name = fc.constantFrom(
      'tls_server_config',
      'cert',
      'key',
      'client_auth_type',
      'http2',
      'basic_auth_users',
      'x',
    );
    const { tree } = fc.letrec(tie => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.integer(),
        fc.constant(null),
        fc.array(tie('tree')),
        fc.dictionary(name, tie('tree')),
      ),
    }));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          tree.map(value => JSON.stringify(value)),
        ),
        text => {
          for (const one of checkWebText({ text, file: 'web.yml' })) expect(one.message).not.toBe('');
        },
      ),
    );
  });
});

const MAIN = '/etc/wk/watchkeeper.yml';

async function load(
  files: Readonly<Record<string, string>>,
  paths: LoadOptions['paths'] = { watchkeeper: MAIN },
) {
  const outcome = await loadConfig({ disk: diskOf({ ...FILES, ...files }), env: {}, paths, registries: {} });
  return { ...outcome, told: outcome.diagnostics.map(formatDiagnostic) };
}

describe('what is made of it', () => {
  it('is what the section web would have said, with every role for its users', async () => {
    const { config, told, shown, version } = await load({
      [MAIN]: 'web:\n  listen: 0.0.0.0:9390\n  config_file: ../p/web.yml\n  tokens: [{name: t, token: x}]\n',
      '/etc/p/web.yml': `tls_server_config:
  cert_file: cert.pem
  key_file: key.pem
  client_auth_type: VerifyClientCertIfGiven
  client_ca_file: ca.pem
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP256, X25519]
http_server_config: {headers: {X-Frame-Options: deny, Strict-Transport-Security: ""}}
basic_auth_users: {alice: ${HASH}}
`,
    });
    expect(told).toEqual([]);
    expect(config?.web).toMatchObject({
      listenHost: '0.0.0.0',
      configFile: '/etc/p/web.yml',
      headers: { 'x-frame-options': 'deny' },
      users: [{ name: 'alice', roles: ['viewer', 'operator', 'admin'] }],
      tokens: [{ name: 't' }],
      tls: {
        cert: CERT.trim(),
        clientCertificates: 'verify-if-given',
        minVersion: 'TLS12',
        maxVersion: 'TLS13',
        ciphers: ['ECDHE-RSA-AES128-GCM-SHA256'],
        cipherOrder: 'client',
        curves: ['P-256', 'X25519'],
      },
    });
    expect(config?.web.headers).not.toHaveProperty('strict-transport-security');
    expect(config?.web.users[0]?.passwordHash.reveal()).toBe(HASH);
    expect(config?.web.tls?.key.reveal()).toBe(KEY.trim());
    expect(shown).toContain('config_file: ../p/web.yml');
    for (const hidden of [HASH, 'PRIVATE KEY']) {
      expect(shown).not.toContain(hidden);
      expect(JSON.stringify(config)).not.toContain(hidden);
    }
    const changed = await load({ [MAIN]: 'web: {config_file: ../p/web.yml}\n', '/etc/p/web.yml': '' });
    expect(changed.version).not.toBe(version);
  });

  it('without ciphers for TLS 1.2 begins at 1.3', async () => {
    const text = `tls_server_config: {${NAMED}, cipher_suites: [TLS_AES_128_GCM_SHA256]}\n`;
    const { config } = await load({ '/etc/p/web.yml': text }, { web: '/etc/p/web.yml' });
    expect(config?.web.tls).toMatchObject({ minVersion: 'TLS13' });
    expect(config?.web.tls).not.toHaveProperty('ciphers');
  });

  it('goes with the stock configuration and with files of Prometheus', async () => {
    const files = {
      '/etc/p/web.yml': `basic_auth_users: {a: ${HASH}}\n`,
      '/etc/p/prometheus.yml': 'scrape_configs: []\n',
    };
    for (const paths of [
      { web: '/etc/p/web.yml' },
      { web: '/etc/p/web.yml', prometheus: '/etc/p/prometheus.yml' },
    ]) {
      const { config, told } = await load(files, paths);
      expect(told).toEqual([]);
      expect(config?.web).toMatchObject({ listenPort: 9390, users: [{ name: 'a' }] });
    }
  });

  it('may not say again what the section says: both places are told', async () => {
    const { config, told } = await load({
      [MAIN]: `web:\n  config_file: /etc/p/web.yml\n  users: [{name: a, password_hash: "${HASH}"}]\n  tls: {cert_file: /etc/p/cert.pem, key_file: /etc/p/key.pem}\n`,
      '/etc/p/web.yml': `basic_auth_users: {a: ${HASH}}\ntls_server_config: {${NAMED}}\n`,
    });
    expect(config).toBeUndefined();
    expect(told).toEqual([
      `/etc/p/web.yml:2:1: config-conflict: Cannot use "tls_server_config" beside "web.tls" at ${MAIN}:4:3: both say the same thing (keep one of the two)`,
      `/etc/p/web.yml:1:1: config-conflict: Cannot use "basic_auth_users" beside "web.users" at ${MAIN}:3:3: both say the same thing (keep one of the two)`,
    ]);
  });

  it('comes from one file: a flag and a key that name two are refused', async () => {
    const files = {
      [MAIN]: 'web:\n  config_file: /etc/p/web.yml\n',
      '/etc/p/web.yml': '',
      '/etc/p/b.yml': '',
    };
    expect((await load(files, { watchkeeper: MAIN, web: '/etc/p/b.yml' })).told).toEqual([
      `${MAIN}:2:3: config-conflict: Cannot use "/etc/p/web.yml" of web.config_file: --web.config.file names "/etc/p/b.yml" (keep one of the two)`,
    ]);
    expect((await load(files, { watchkeeper: MAIN, web: '/etc/p/web.yml' })).told).toEqual([]);
  });

  it('has to guard what is reachable: certificates that nobody verifies do not', async () => {
    const reachable = 'web: {listen: "0.0.0.0:9390", config_file: /etc/p/web.yml}\n';
    const clients = (type: string, more = '') =>
      `tls_server_config: {${NAMED}, client_auth_type: ${type}${more}}\n`;
    const guarded = async (text: string) => {
      const { config, told } = await load({ [MAIN]: reachable, '/etc/p/web.yml': text });
      if (config === undefined)
        expect(told.at(-1)).toContain('no credentials are configured (add basic_auth_users');
      return config !== undefined;
    };
    expect(await guarded('')).toBe(false);
    expect(await guarded(clients('RequireAnyClientCert', ', client_ca_file: ca.pem'))).toBe(false);
    expect(await guarded(clients('VerifyClientCertIfGiven', ', client_ca_file: ca.pem'))).toBe(false);
    expect(await guarded(clients('RequireAndVerifyClientCert'))).toBe(false);
    expect(await guarded(clients('RequireAndVerifyClientCert', ', client_ca_file: ca.pem'))).toBe(true);
    expect(await guarded(`basic_auth_users: {a: ${HASH}}\n`)).toBe(true);
    // The section may be reachable already where a flag brings the users.
    const flagged = await load(
      { [MAIN]: 'web: {listen: "0.0.0.0:9390"}\n', '/etc/p/web.yml': `basic_auth_users: {a: ${HASH}}\n` },
      { watchkeeper: MAIN, web: '/etc/p/web.yml' },
    );
    expect(flagged.told).toEqual([]);
  });

  it('is missed where it is not', async () => {
    const { told } = await load({ [MAIN]: 'web: {config_file: no.yml}\n' });
    expect(told.join()).toContain(
      'config-io: Cannot read the configuration file "/etc/wk/no.yml": it does not exist',
    );
  });
});
