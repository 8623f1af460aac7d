// Our judgement of web configuration files beside Debian's promtool 2.42: the same verdict on each, but for what stands in
// DIFFERENT with its reason.

import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkWebFile } from '../../src/config/index.ts';
import { formatDiagnostic } from '../../src/model/index.ts';
import { systemDisk } from '../../src/os/index.ts';

const BINARY = 'promtool';
const HASH = '$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG';

const TESTDATA = new URL('../../src/os/testdata/', import.meta.url);
const pem = (name: string) => readFileSync(new URL(`${name}.pem`, TESTDATA), 'utf8');

/** Texts that the two judge differently, and why. */
const DIFFERENT: Readonly<Record<string, string>> = {
  'names that clients must have': 'client_allowed_sans came after 2.42',
  'both in the text': 'cert and key came after 2.42',
  'a limit of requests': 'rate_limit came after 2.42',
  'a CA that is none': 'Go drops what it cannot read, and then no client gets in; we say so',
  'versions that leave none': 'Go listens, and no handshake succeeds; we say so',
  'a highest version below the lowest, which is TLS 1.2': 'as above',
  'a hash with a letter missing': 'Go looks at the beginning only: no password fits it; we say so',
  'a hash with a letter that bcrypt has not': 'as above',
  'a header of two lines': 'Go sends them as one; we say that it is wrong',
};

const TEXTS: Readonly<Record<string, string>> = {
  nothing: '',
  'no document': '---\n',
  'sections with nothing in them': 'tls_server_config:\nhttp_server_config:\nbasic_auth_users:\n',
  'an empty TLS section': 'tls_server_config: {}\n',
  'an unknown section': 'tls_server_confg: {}\n',
  'an unknown key': tls('cipher_suits: []'),
  'a key twice': tls('min_version: TLS12', 'min_version: TLS13'),
  'a certificate and its key': tls(),
  'paths that are quoted':
    'tls_server_config: {"cert_file": "loopback.cert.pem", "key_file": "./loopback.key.pem"}\n',
  'a path from the root': `tls_server_config: {cert_file: /nowhere/cert.pem, key_file: loopback.key.pem}\n`,
  'both in the text': `tls_server_config: {cert: ${JSON.stringify(pem('loopback.cert'))}, key: ${JSON.stringify(pem('loopback.key'))}}\n`,
  'a certificate alone': 'tls_server_config: {cert_file: loopback.cert.pem}\n',
  'a key alone': 'tls_server_config: {key_file: loopback.key.pem}\n',
  'empty paths': 'tls_server_config: {cert_file: "", key_file: ""}\n',
  'an empty path of the key': 'tls_server_config: {cert_file: loopback.cert.pem, key_file: ""}\n',
  'a version without a certificate': 'tls_server_config: {min_version: TLS12}\n',
  'a policy without a certificate': 'tls_server_config: {client_auth_type: NoClientCert}\n',
  'an empty policy without a certificate': 'tls_server_config: {client_auth_type: ""}\n',
  'a file that is not there': 'tls_server_config: {cert_file: nope, key_file: loopback.key.pem}\n',
  'the key of another certificate':
    'tls_server_config: {cert_file: loopback.cert.pem, key_file: stranger.key.pem}\n',
  'a key for a certificate': 'tls_server_config: {cert_file: loopback.key.pem, key_file: loopback.key.pem}\n',
  'a certificate for a key':
    'tls_server_config: {cert_file: loopback.cert.pem, key_file: loopback.cert.pem}\n',
  'an empty file': 'tls_server_config: {cert_file: empty.pem, key_file: loopback.key.pem}\n',
  'no client certificate': tls('client_auth_type: NoClientCert'),
  'a client certificate on request': tls('client_auth_type: RequestClientCert'),
  'any client certificate': tls('client_auth_type: RequireAnyClientCert'),
  'any client certificate by its older name': tls('client_auth_type: RequireClientCert'),
  'a client certificate that fits': tls(
    'client_auth_type: VerifyClientCertIfGiven',
    'client_ca_file: stranger.cert.pem',
  ),
  'a client certificate that has to fit': tls(
    'client_auth_type: RequireAndVerifyClientCert',
    'client_ca_file: stranger.cert.pem',
  ),
  'a client certificate of whatever CA': tls('client_auth_type: RequireAndVerifyClientCert'),
  'a policy that is none': tls('client_auth_type: requireAndVerifyClientCert'),
  'a CA without a policy': tls('client_ca_file: stranger.cert.pem'),
  'a CA with the policy of none': tls('client_ca_file: stranger.cert.pem', 'client_auth_type: NoClientCert'),
  'a CA that is not there': tls('client_auth_type: RequestClientCert', 'client_ca_file: nope'),
  'a CA that is none': tls('client_auth_type: RequestClientCert', 'client_ca_file: stranger.key.pem'),
  'names that clients must have': tls('client_auth_type: RequireAnyClientCert', 'client_allowed_sans: [a]'),
  'each version': tls('min_version: TLS10', 'max_version: TLS11'),
  'later versions': tls('min_version: TLS12', 'max_version: TLS13'),
  'a version that is none': tls('min_version: TLS14'),
  'a version in other letters': tls('min_version: tls12'),
  'a version as a number': tls('min_version: 1.2'),
  'versions that leave none': tls('min_version: TLS13', 'max_version: TLS12'),
  'a highest version below the lowest, which is TLS 1.2': tls('max_version: TLS11'),
  'ciphers of each kind': tls(
    'cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, TLS_RSA_WITH_AES_128_GCM_SHA256, TLS_RSA_WITH_AES_256_GCM_SHA384, TLS_RSA_WITH_AES_128_CBC_SHA, TLS_RSA_WITH_AES_256_CBC_SHA]',
  ),
  'a cipher that Go calls insecure': tls('cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]'),
  'a cipher of CBC with SHA-256': tls('cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256]'),
  "a cipher by OpenSSL's name": tls('cipher_suites: [ECDHE-RSA-AES128-GCM-SHA256]'),
  'no ciphers': tls('cipher_suites: []'),
  'one cipher without a list': tls('cipher_suites: TLS_AES_128_GCM_SHA256'),
  'each curve': tls('curve_preferences: [CurveP256, CurveP384, CurveP521, X25519]'),
  'a curve that is none': tls('curve_preferences: [P256]'),
  'whose order': tls('prefer_server_cipher_suites: false'),
  'an order that is no switch': tls('prefer_server_cipher_suites: maybe'),
  'HTTP/2': 'http_server_config: {http2: true}\n',
  'no HTTP/2': 'http_server_config: {http2: off}\n',
  'HTTP/2 by a number': 'http_server_config: {http2: 1}\n',
  'each header':
    'http_server_config: {headers: {Content-Security-Policy: a, X-Frame-Options: deny, X-Content-Type-Options: nosniff, X-XSS-Protection: "1", Strict-Transport-Security: b}}\n',
  'headers that are blank': header('Content-Security-Policy: ""'),
  'a frame that is blank': header('X-Frame-Options: ""'),
  'a frame in other letters': header('X-Frame-Options: DENY'),
  'frames of the same origin': header('X-Frame-Options: sameorigin'),
  'a content type that is none': header('X-Content-Type-Options: sniff'),
  'a header in small letters': header('x-frame-options: deny'),
  'another header': header('X-Other: a'),
  'a header of two lines': header('X-XSS-Protection: "a\\nb"'),
  'no headers': 'http_server_config:\n  headers:\n',
  'a user': `basic_auth_users: {alice: ${HASH}}\n`,
  'a user whose name is a number': `basic_auth_users: {1: ${HASH}}\n`,
  'a user without a name': `basic_auth_users: {"": ${HASH}}\n`,
  'a user twice': `basic_auth_users:\n  a: ${HASH}\n  a: ${HASH}\n`,
  'a user with a plain password': 'basic_auth_users: {alice: secret}\n',
  'a user without a password': 'basic_auth_users: {alice: }\n',
  'a hash of the first kind': user('$2a$10$', 53),
  'a hash of the second kind': user('$2b$10$', 53),
  'a hash of no kind': user('$2$10$', 53),
  'a hash of a later kind': user('$3a$10$', 53),
  'a hash without a cost': user('$2a$xx$', 53),
  'a hash that costs too little': user('$2a$03$', 53),
  'a hash that costs too much': user('$2a$32$', 53),
  'a hash that costs all that it may': user('$2a$31$', 53),
  'a hash with a letter missing': user('$2a$10$', 52),
  'a hash with many letters missing': user('$2a$10$', 40),
  'a hash with a letter that bcrypt has not': `basic_auth_users: {a: "$2a$10$${'a'.repeat(52)}!"}\n`,
  'users in a list': 'basic_auth_users: [a]\n',
  'a limit of requests': 'rate_limit: {interval: 1s, burst: 2}\n',
  'no YAML': 'a: [\n',
  'a list': '- a\n',
};

function tls(...lines: readonly string[]): string {
  const all = ['cert_file: loopback.cert.pem', 'key_file: loopback.key.pem', ...lines];
  return `tls_server_config:\n${all.map(line => `  ${line}\n`).join('')}`;
}

function header(line: string): string {
  return `http_server_config:\n  headers:\n    ${line}\n`;
}

function user(start: string, letters: number): string {
  return `basic_auth_users: {a: "${start}${'a'.repeat(letters)}"}\n`;
}

function installed(): boolean {
  try {
    execFileSync(BINARY, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const present = installed();
const needed = process.env['CI'] === 'true';

describe.skipIf(!present && !needed)(`beside ${BINARY}${present ? '' : ' (not installed)'}`, () => {
  let folder = '';

  beforeAll(() => {
    if (!present) throw new Error(`${BINARY} is not installed: apt-get install -y prometheus`);
    folder = mkdtempSync(join(tmpdir(), 'promtool-web-'));
    const from = fileURLToPath(TESTDATA);
    for (const name of ['loopback.cert.pem', 'loopback.key.pem', 'stranger.cert.pem', 'stranger.key.pem'])
      copyFileSync(join(from, name), join(folder, name));
    writeFileSync(join(folder, 'empty.pem'), '');
  });

  afterAll(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  it('gives the same verdicts', async () => {
    const paths = Object.values(TEXTS).map((text, i) => {
      const path = join(folder, `${i}.yml`);
      writeFileSync(path, text);
      return path;
    });
    const ran = spawnSync(BINARY, ['check', 'web-config', ...paths], { encoding: 'utf8' });
    const output = `${ran.stdout}${ran.stderr}`;
    const disagreements: string[] = [];
    const different: string[] = [];
    for (const [i, name] of Object.keys(TEXTS).entries()) {
      const path = paths[i] ?? '';
      const theirs = output.includes(`${path} SUCCESS`);
      // Each file has one of the two words: else promtool has judged nothing.
      expect(theirs || output.includes(`${path} FAILED`), name).toBe(true);
      const errors = (await checkWebFile(systemDisk(), path)).filter(one => one.severity === 'error');
      if (theirs === (errors.length === 0)) continue;
      different.push(name);
      if (DIFFERENT[name] !== undefined) continue;
      const ours = errors.map(formatDiagnostic).join('; ') || 'fine';
      disagreements.push(`${name}: theirs ${theirs ? 'fine' : 'wrong'}; ours ${ours}`);
    }
    expect(disagreements).toEqual([]);
    // What is named as different is so.
    expect(different.sort()).toEqual(Object.keys(DIFFERENT).sort());
    expect(paths.length).toBeGreaterThan(70);
  });
});
