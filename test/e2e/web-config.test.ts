// Prometheus's web configuration file with the real program: TLS, client certificates, users, headers, and the commands
// that ask such a server.

import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpRequest, HttpResponse } from '../../src/base/index.ts';
import { httpClient } from '../../src/os/index.ts';
import { type Folder, type Program, runCommand, startProgram, temporaryFolder } from './support.ts';

const TEST_MS_MAX = 60_000;
const TESTDATA = fileURLToPath(new URL('../../src/os/testdata/', import.meta.url));
const pem = (name: string) => readFileSync(join(TESTDATA, `${name}.pem`), 'utf8');
/** Of "keeper", with the least cost. */
const HASH = '$2b$04$Ncul6/ramUhQY919xp1xveY344mB0qRhQQ.waxcCq8G.6D9WTSI3G';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

function folderForTest(): Folder {
  const folder = temporaryFolder();
  opened.push(folder.remove);
  for (const name of ['loopback.cert.pem', 'loopback.key.pem'])
    copyFileSync(join(TESTDATA, name), join(folder.path, name));
  return folder;
}

const own = { cert: pem('loopback.cert'), key: pem('loopback.key') };
const stranger = { cert: pem('stranger.cert'), key: pem('stranger.key') };

/** Undefined: there was no answer. */
async function ask(url: string, change: Partial<HttpRequest> = {}): Promise<HttpResponse | undefined> {
  const answer = await httpClient({}).request({
    method: 'GET',
    url,
    headers: {},
    timeoutMs: 15_000,
    bodyBytesMax: 10_000_000,
    ...change,
    tls: { ca: own.cert, ...change.tls },
  });
  return answer.ok ? answer.value : undefined;
}

async function started(folder: Folder, text: string, tls: HttpRequest['tls'] = {}): Promise<Program> {
  const program = await startProgram({
    folder,
    args: ['--web.config.file', folder.write('web.yml', text)],
    isReady: async url => (await ask(`${url}/-/ready`, { tls }))?.status === 200,
  });
  opened.push(program.kill);
  return program;
}

const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

const ROUTES = [
  '/',
  '/metrics',
  '/api/v1/query?query=up',
  '/api/v1/status/config',
  '/federate?match[]=up',
  '/else',
];

describe('a web configuration file', () => {
  it(
    'is read anew at a reload: users, certificates, client CA, headers and rate limit; a bad one changes nothing',
    async () => {
      const folder = folderForTest();
      const text = (more: string): string =>
        `tls_server_config: {cert_file: loopback.cert.pem, key_file: loopback.key.pem${more}}\n`;
      const users = (name: string): string => `basic_auth_users: {${name}: ${HASH}}\n`;
      const { url } = await started(folder, `${text('')}${users('alice')}`);
      const as = (name: string) => ({ headers: basic(`${name}:keeper`) });
      const reload = async (name: string): Promise<string> => {
        const answer = await ask(`${url}/-/reload`, { method: 'POST', ...as(name) });
        return `${answer?.status} ${new TextDecoder().decode(answer?.body)}`;
      };
      const statusAs = async (name: string, tls: HttpRequest['tls'] = {}): Promise<number | undefined> =>
        (await ask(`${url}/metrics`, { ...as(name), tls }))?.status;

      folder.write('web.yml', `${text('')}${users('bob')}rate_limit: {interval: 1ms, burst: 100}\n`);
      expect(await reload('alice')).toBe('200 ');
      expect([await statusAs('alice'), await statusAs('bob')]).toEqual([401, 200]);

      // Another certificate, of which the key is not there yet: the old one stays.
      copyFileSync(join(TESTDATA, 'stranger.cert.pem'), join(folder.path, 'loopback.cert.pem'));
      expect(await reload('bob')).toMatch(/^500 .*configuration in force stays.*not the key/s);
      expect(await statusAs('bob')).toBe(200);
      folder.write('web.yml', 'basic_auth_users: {bob: plain}\n');
      expect(await reload('bob')).toMatch(/^500 .*not a bcrypt hash/s);
      expect(await statusAs('bob')).toBe(200);

      folder.write('web.yml', `${text('')}${users('bob')}`);
      copyFileSync(join(TESTDATA, 'stranger.key.pem'), join(folder.path, 'loopback.key.pem'));
      expect(await reload('bob')).toBe('200 ');
      // Whoever trusts the old certificate only does not come any more.
      expect(await statusAs('bob')).toBeUndefined();
      const trusting = { insecureSkipVerify: true } as const;
      expect(await statusAs('bob', trusting)).toBe(200);
    },
    TEST_MS_MAX,
  );

  it(
    'gives TLS, users and headers to every route',
    async () => {
      const folder = folderForTest();
      const text = `tls_server_config: {cert_file: loopback.cert.pem, key_file: loopback.key.pem, min_version: TLS13}
http_server_config: {headers: {X-Frame-Options: deny, Content-Security-Policy: "frame-ancestors 'none'"}}
basic_auth_users: {alice: ${HASH}}
`;
      const { url } = await started(folder, text);
      expect(url).toMatch(/^https:/);
      for (const route of ROUTES) {
        expect((await ask(`${url}${route}`))?.status, route).toBe(401);
        expect((await ask(`${url}${route}`, { headers: basic('alice:wrong') }))?.status, route).toBe(401);
        const answer = await ask(`${url}${route}`, { headers: basic('alice:keeper') });
        expect(answer?.status, route).not.toBe(401);
        expect(answer?.headers, route).toMatchObject({
          'x-frame-options': 'deny',
          'content-security-policy': "frame-ancestors 'none'",
        });
      }
      // As in Prometheus its users may do everything.
      const reload = { method: 'POST', headers: basic('alice:keeper') } as const;
      expect((await ask(`${url}/-/reload`, reload))?.status).toBe(200);
      const flags = await ask(`${url}/api/v1/status/flags`, { headers: basic('alice:keeper') });
      const shown = new TextDecoder().decode(flags?.body);
      expect(JSON.parse(shown).data).toMatchObject({
        'config.file': '',
        'web.config.file': join(folder.path, 'web.yml'),
      });
      // Load balancers ask without credentials.
      expect((await ask(`${url}/-/healthy`))?.status).toBe(200);
      expect(await ask(`${url}/-/healthy`, { tls: { maxVersion: 'TLS12' } })).toBeUndefined();

      const query = ['query', '1 + 1', '--url', url, '--format', 'plain'];
      const env = { WATCHKEEPER_PASSWORD: 'keeper' };
      const asked = await runCommand([...query, '--user', 'alice', '--ca-file', 'loopback.cert.pem'], {
        cwd: folder.path,
        env,
      });
      expect(asked).toMatchObject({ code: 0, stderr: '' });
      expect(asked.stdout).toMatch(/\b2\b/);
      const distrusted = await runCommand([...query, '--user', 'alice'], { env });
      expect(distrusted.code).toBe(1);
      expect(distrusted.stderr).toContain('http-tls');
    },
    TEST_MS_MAX,
  );

  it(
    'keeps out who has no certificate of its CA, or not the name that is asked for',
    async () => {
      const folder = folderForTest();
      const text = (names: string) =>
        `tls_server_config:\n  cert_file: loopback.cert.pem\n  key_file: loopback.key.pem\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: loopback.cert.pem\n  client_allowed_sans: [${names}]\n`;
      const { url } = await started(folder, text('localhost'), own);
      expect((await ask(`${url}/api/v1/query?query=up`, { tls: own }))?.status).toBe(200);
      for (const tls of [{}, stranger]) {
        expect(await ask(`${url}/api/v1/query?query=up`, { tls })).toBeUndefined();
        expect(await ask(`${url}/-/ready`, { tls })).toBeUndefined();
      }
    },
    TEST_MS_MAX,
  );

  it(
    'that is wrong keeps the program from starting, and is told with its place; `check` says the same',
    async () => {
      const folder = folderForTest();
      const file = folder.write('web.yml', 'basic_auth_users:\n  alice: keeper\n');
      const ran = await runCommand(['run', '--web.config.file', file], { cwd: folder.path });
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain('web.yml:2:10: config-bad-value');
      const checked = await runCommand(['check', 'web-config', 'web.yml'], { cwd: folder.path });
      expect(checked.code).toBe(1);
      expect(checked.stdout).toContain('web.yml:2:10: config-bad-value');
      folder.write('web.yml', 'http_server_config: {http2: true}\n');
      const warned = await runCommand(['check', 'web-config', 'web.yml'], { cwd: folder.path });
      expect(warned).toMatchObject({ code: 0 });
      expect(warned.stdout).toContain('HTTP/1.1 only');
    },
    TEST_MS_MAX,
  );
});
