// Tokens of a real endpoint on loopback: asked for once, renewed in time, by every way to say who asks.

import { createVerify, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type HttpOauth2, type HttpRequest, ok } from '../base/index.ts';
import { httpClient } from './index.ts';
import { TokenStore } from './oauth2.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

interface Seen {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly form: URLSearchParams;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** "/token" answers as told, everything else with 200. */
async function peer(answers: (seen: Seen, count: number) => Answer): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', piece => {
      body += piece;
    });
    request.on('end', () => {
      const one = { url: request.url ?? '', headers: request.headers, form: new URLSearchParams(body) };
      seen.push(one);
      const count = seen.filter(({ url }) => url === one.url).length;
      const { status, body: answer } =
        one.url === '/token' ? answers(one, count) : { status: 200, body: 'page' };
      response.writeHead(status).end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const settings = (url: string, more: Partial<HttpOauth2> = {}): HttpOauth2 => ({
  grantType: 'client_credentials',
  clientId: 'me:you',
  clientSecret: 'sec ret',
  certificateKeyId: '',
  signatureAlgorithm: 'RS256',
  issuer: '',
  audience: '',
  claims: {},
  scopes: ['read', 'write'],
  tokenUrl: `${url}/token`,
  endpointParams: { tenant: 'a&b' },
  headers: { 'x-own': '1' },
  ...more,
});

const page = (url: string, oauth2: HttpOauth2): HttpRequest => ({
  method: 'GET',
  url: `${url}/metrics`,
  headers: {},
  timeoutMs: 5000,
  bodyBytesMax: 1000,
  oauth2,
});

function client() {
  const http = httpClient();
  open.push(() => http.close());
  return http;
}

describe('requests with OAuth 2.0', () => {
  it('carry one token, asked for with the credentials of the client, for all of them', async () => {
    const { url, seen } = await peer(() => ({
      status: 200,
      body: { access_token: 't1', token_type: 'bearer', expires_in: 3600 },
    }));
    const http = client();
    const asked = page(url, settings(url));
    const answers = await Promise.all([1, 2, 3].map(() => http.request(asked)));
    expect(answers.every(answer => answer.ok && answer.value.status === 200)).toBe(true);
    await http.request(asked);
    const tokens = seen.filter(one => one.url === '/token');
    expect(tokens).toHaveLength(1);
    expect(Object.fromEntries(tokens[0]?.form ?? [])).toEqual({
      grant_type: 'client_credentials',
      scope: 'read write',
      tenant: 'a&b',
    });
    const credentials = Buffer.from('me%3Ayou:sec%20ret').toString('base64');
    expect(tokens[0]?.headers).toMatchObject({ authorization: `Basic ${credentials}`, 'x-own': '1' });
    const pages = seen.filter(one => one.url === '/metrics');
    expect(pages.map(one => one.headers.authorization)).toEqual(Array(4).fill('Bearer t1'));
  });

  it('say who they are in the form where the endpoint wants that, and remember it', async () => {
    const { url, seen } = await peer(({ form }) =>
      form.get('client_secret') === 'sec ret'
        ? { status: 200, body: { access_token: 't', expires_in: 1 } }
        : { status: 401, body: { error: 'invalid_client' } },
    );
    const http = client();
    // A token that ends within seconds is asked for each time.
    for (let i = 0; i < 2; i++) expect((await http.request(page(url, settings(url)))).ok).toBe(true);
    expect(seen.map(one => one.url)).toEqual(['/token', '/token', '/metrics', '/token', '/metrics']);
  });

  it('ask for a new token when the server refuses the one they have', async () => {
    let valid = 't1';
    const { url, seen } = await peer((_, count) => ({ status: 200, body: { access_token: `t${count}` } }));
    const guarded = createServer((request, response) =>
      response.writeHead(request.headers.authorization === `Bearer ${valid}` ? 200 : 401).end(),
    );
    await new Promise<void>(resolve => guarded.listen(0, '127.0.0.1', resolve));
    open.push(() => guarded.close());
    const target = `http://127.0.0.1:${(guarded.address() as AddressInfo).port}`;
    const http = client();
    const status = async (): Promise<number> => {
      const answer = await http.request({ ...page(target, settings(url)), url: target });
      return answer.ok ? answer.value.status : -1;
    };
    expect([await status(), await status()]).toEqual([200, 200]);
    valid = 't2';
    expect([await status(), await status()]).toEqual([401, 200]);
    expect(seen).toHaveLength(2);
  });

  it.each([
    ['a status', { status: 500, body: '' }, 'HTTP status 500'],
    ['no JSON', { status: 200, body: '<html>' }, 'not JSON'],
    ['no token', { status: 200, body: { token: 'x' } }, 'no access_token'],
  ])('fail with the reason when the endpoint answers with %s', async (_, answer, cause) => {
    const { url } = await peer(() => answer);
    const result = await client().request(page(url, settings(url)));
    expect(result.ok ? '' : result.error.message).toBe(
      `Cannot get a token from "${url}/token": ${result.ok ? '' : result.error.message.split('": ')[1]}`,
    );
    expect(result.ok ? '' : result.error.message).toContain(cause);
    expect(JSON.stringify(result)).not.toContain('sec ret');
  });

  it('sign a token of their own for the grant that takes one', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { url, seen } = await peer(() => ({ status: 200, body: { access_token: 't' } }));
    const certificateKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const oauth2 = settings(url, {
      grantType: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      certificateKey,
      certificateKeyId: 'k1',
      signatureAlgorithm: 'RS384',
      claims: { team: 'ops' },
    });
    expect((await client().request(page(url, oauth2))).ok).toBe(true);
    const [head = '', body = '', signature = ''] = (seen[0]?.form.get('assertion') ?? '').split('.');
    const plain = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    expect(plain(head)).toEqual({ alg: 'RS384', typ: 'JWT', kid: 'k1' });
    expect(plain(body)).toMatchObject({
      iss: 'me:you',
      aud: `${url}/token`,
      scope: 'read write',
      team: 'ops',
    });
    const verify = createVerify('RSA-SHA384').update(`${head}.${body}`);
    expect(verify.verify(publicKey, signature, 'base64url')).toBe(true);
    const bad = await client().request(page(url, { ...oauth2, certificateKey: 'no key' }));
    expect(bad.ok ? '' : bad.error.message).toContain('private RSA key in PEM expected');
  });
});

describe('tokens', () => {
  it('are renewed shortly before they end', async () => {
    let nowMs = 0;
    let asked = 0;
    const store = new TokenStore(() => nowMs);
    const exchange = async () => {
      asked++;
      const body = new TextEncoder().encode(JSON.stringify({ access_token: `t${asked}`, expires_in: 60 }));
      return ok({ status: 200, headers: {}, body, wireBytes: body.length });
    };
    const header = async (): Promise<string> => {
      const found = await store.header(settings('http://a'), 1000, exchange);
      return found.ok ? found.value : found.error.message;
    };
    expect(await header()).toBe('Bearer t1');
    nowMs = 49_000;
    expect(await header()).toBe('Bearer t1');
    nowMs = 51_000;
    expect(await header()).toBe('Bearer t2');
  });
});
