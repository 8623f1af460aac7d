// Below a prefix, behind a proxy, and for pages of other origins.

import { describe, expect, it } from 'vitest';
import { compileRegex, type Regex } from '../model/index.ts';
import type { AccessSettings } from './deps.ts';
import { baseHref, placeOf } from './prefix.ts';
import { basic, bench, GUARDED, jsonOf, OPEN } from './testdata/bench.ts';

describe('a route prefix', () => {
  const PREFIXED: AccessSettings = { ...OPEN, routePrefix: '/ops/watch' };

  it.each([
    ['/ops/watch/', 200],
    ['/ops/watch/alerts', 200],
    ['/ops/watch/assets/a.js', 200],
    ['/ops/watch/api/v1/alerts', 200],
    ['/ops/watch/api/watchkeeper/v1/status', 200],
    ['/ops/watch/-/healthy', 200],
    ['/ops/watch/-/ready', 200],
    ['/ops/watch/metrics', 200],
    ['/ops/watch/federate', 400],
    ['/', 302],
    ['/ops/watch', 302],
    ['/api/v1/alerts', 404],
    ['/-/healthy', 404],
    ['/ops/watchers/', 404],
    ['/ops', 404],
  ])('%s is answered with %i', async (path, status) => {
    const { ask } = await bench(PREFIXED);
    const answer = await ask({ path });
    expect(answer.status).toBe(status);
    if (status === 302) expect(answer.headers['location']).toBe('/ops/watch/');
  });

  it('says nothing beside it to whoever may not ask', async () => {
    const { ask } = await bench({ ...GUARDED, routePrefix: '/watch' });
    for (const path of ['/', '/elsewhere', '/watch/']) expect((await ask({ path })).status).toBe(401);
    expect((await ask({ path: '/watch/-/healthy' })).status).toBe(200);
    const authorization = basic('ann:correct horse');
    expect((await ask({ path: '/', headers: { authorization } })).status).toBe(302);
  });

  it.each([
    ['/a', '', { kind: 'inside', path: '/a' }],
    ['/', '', { kind: 'inside', path: '/' }],
    ['/', '/p', { kind: 'entry' }],
    ['/p', '/p', { kind: 'entry' }],
    ['/p/', '/p', { kind: 'inside', path: '/' }],
    ['/p/a', '/p', { kind: 'inside', path: '/a' }],
    ['/pa', '/p', { kind: 'outside' }],
  ])('%s below "%s"', (path, prefix, placed) => {
    expect(placeOf(path, prefix)).toEqual(placed);
  });

  it.each([
    ['/', './'],
    ['/alerts', './'],
    ['/alerts/', '../'],
    ['/a/b/c', '../../'],
  ])('the page at %s finds its files at %s', (path, base) => {
    expect(baseHref(path)).toBe(base);
  });

  it('the page that is asked for as one below says where its files are', async () => {
    const world = await bench(PREFIXED);
    Object.assign(world.deps, {
      asset: async () => ({ type: 'text/html', bytes: Buffer.from('<html><head><title>') }),
    });
    const pageAt = async (path: string): Promise<string> =>
      Buffer.from((await world.ask({ path })).body as Uint8Array).toString();
    expect(await pageAt('/ops/watch/alerts')).toBe('<html><head><title>');
    expect(await pageAt('/ops/watch/a/b')).toBe('<html><head><base href="../" /><title>');
  });
});

describe('pages of other origins', () => {
  const regex = (pattern: string): Regex => {
    const compiled = compileRegex(pattern);
    if (!compiled.ok) throw new Error(compiled.error);
    return compiled.value;
  };
  const SHARED: AccessSettings = { ...OPEN, corsOrigin: regex('https://(grafana|dash)\\.example') };
  const from = (origin: string) => ({ headers: { host: 'localhost', origin } });

  it('may read what is shared with them, and are told so', async () => {
    const { ask } = await bench(SHARED);
    const answer = await ask({ path: '/api/v1/alerts', ...from('https://dash.example') });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': 'https://dash.example',
      'access-control-allow-methods': 'GET, POST, OPTIONS',
      vary: 'Origin',
    });
  });

  it.each(['https://dash.example.evil.org', 'http://dash.example', 'null'])('not %s', async origin => {
    const { ask } = await bench(SHARED);
    const answer = await ask({ path: '/api/v1/alerts', ...from(origin) });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([403, undefined]);
  });

  it('may not act with the rights of whoever looks at them', async () => {
    const { ask } = await bench(SHARED);
    const reload = { method: 'POST', path: '/-/reload' };
    expect((await ask({ ...reload, ...from('https://dash.example') })).status).toBe(403);
    expect((await ask({ ...reload, ...from('http://localhost:9390') })).status).toBe(200);
    // Nobody has to show a token here, so that one proves nothing.
    const { headers: made } = from('https://dash.example');
    const invented = { ...made, authorization: 'Bearer any' };
    expect((await ask({ ...reload, headers: invented })).status).toBe(403);
    // A password may be one that the browser adds by itself; a token is brought by the page.
    const { users, tokens } = GUARDED;
    const guarded = await bench({ ...SHARED, users, tokens });
    const asWhom = async (authorization: string, path: string): Promise<number> => {
      const { headers } = from('https://dash.example');
      return (await guarded.ask({ method: 'POST', path, headers: { ...headers, authorization } })).status;
    };
    const test = '/api/watchkeeper/v1/receivers/team/test';
    expect(await asWhom(basic('ann:correct horse'), test)).toBe(403);
    expect(await asWhom('Bearer t0ken', test)).toBe(200);
  });

  it('a page of any name is our own where names are not known: beyond loopback, where credentials are asked for', async () => {
    const { ask } = await bench({ ...OPEN, listenHost: '0.0.0.0', certificates: true });
    const headers = { host: 'watch.other.org', origin: 'https://watch.other.org' };
    expect((await ask({ method: 'POST', path: '/-/reload', headers })).status).toBe(200);
  });

  it('may ask beforehand, without credentials; nothing but the headers is said', async () => {
    const { ask } = await bench({ ...GUARDED, corsOrigin: SHARED.corsOrigin });
    const asked = await ask({ method: 'OPTIONS', path: '/api/v1/query', ...from('https://dash.example') });
    expect(asked).toMatchObject({ status: 204, body: '' });
    expect(asked.headers['access-control-allow-origin']).toBe('https://dash.example');
    const others = await ask({ method: 'OPTIONS', path: '/api/v1/query', ...from('https://evil.example') });
    expect(others.headers['access-control-allow-origin']).toBeUndefined();
    // An answer that needs credentials says so to the page as well.
    const refused = await ask({ path: '/api/v1/alerts', ...from('https://dash.example') });
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([
      401,
      'https://dash.example',
    ]);
  });

  it('are not told anything where nothing is shared', async () => {
    const { ask } = await bench();
    expect((await ask({ path: '/api/v1/alerts' })).headers['vary']).toBeUndefined();
    expect((await ask({ path: '/api/v1/alerts', ...from('https://dash.example') })).status).toBe(403);
  });
});

it('a method that a route does not have is refused with those that it has', async () => {
  const { ask } = await bench();
  const answer = await ask({ method: 'DELETE', path: '/api/v1/query' });
  expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD, POST']);
});

it('names of labels may be written with letters only', async () => {
  const world = await bench();
  const asked: string[] = [];
  const { reader } = world.deps;
  Object.assign(world.deps, {
    reader: {
      labelValues: (name: string, ...rest: [never, never]) => {
        asked.push(name);
        return reader.labelValues(name, ...rest);
      },
    },
  });
  for (const name of ['job', 'U__http_2e_status', 'U__a__b', 'U__broken_2e', 'U___d800_'])
    expect(jsonOf(await world.ask({ path: `/api/v1/label/${name}/values` }))).toMatchObject({
      status: 'success',
    });
  expect(asked).toEqual(['job', 'http.status', 'a_b', 'U__broken_2e', 'U___d800_']);
});
