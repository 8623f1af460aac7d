// What every pair of HTTP client and server must do: the client's requests, answered by handlers of the server.

import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import {
  CUT_OFF,
  type Http,
  type HttpError,
  type HttpListener,
  type HttpRequest,
  type HttpServer,
  type Result,
  type ServerHandler,
  type ServerRequest,
} from '../../../src/base/index.ts';

export interface HttpPeer {
  readonly http: Http;
  readonly server: HttpServer;
  /** Lets time pass for both. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

const TEXT = 'text that repeats, '.repeat(200);
const ENCODERS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync } as const;

interface Env {
  readonly peer: HttpPeer;
  readonly listener: HttpListener;
  get(path: string, change?: Partial<HttpRequest>, signal?: AbortSignal): ReturnType<Http['request']>;
}

type Start = (handler: ServerHandler) => Promise<Env>;

export function httpContract(name: string, make: () => Promise<HttpPeer>): void {
  describe(`http contract: ${name}`, () => {
    const cleanUp: (() => Promise<void>)[] = [];
    const start: Start = async handler => {
      const peer = await make();
      const listening = await peer.server.listen({ host: '127.0.0.1', port: 0 }, handler);
      if (!listening.ok) throw new Error(listening.error.message);
      const listener = listening.value;
      cleanUp.push(async () => {
        await listener.close(0);
        await peer.close();
      });
      return {
        peer,
        listener,
        get: (path, change = {}, signal) =>
          peer.http.request({ ...request(`http://127.0.0.1:${listener.port}${path}`), ...change }, signal),
      };
    };
    afterEach(async () => {
      for (const clean of cleanUp.splice(0)) await clean();
    });
    describe('exchange', () => exchange(start));
    describe('bodies', () => bodies(start));
    describe('streams', () => streams(start));
    describe('failures', () => failures(start));
  });
}

function exchange(start: Start): void {
  it('carries method, path, query, headers and body there and status, headers and body back', async () => {
    let seen: ServerRequest | undefined;
    let body = '';
    const { get } = await start(async served => {
      seen = served;
      body = textOf(await served.body(1000));
      return { status: 418, headers: { 'Content-Type': 'text/x', 'X-Odd': 'yes' }, body: 'short and stout' };
    });
    const answer = got(
      await get('/a%20b/c?x=1&y=%2F', {
        method: 'PUT',
        headers: { 'X-Mine': 'é'.normalize('NFD').slice(0, 1), Authorization: 'Bearer t' },
        body: bytes('héllo'),
      }),
    );
    expect(seen).toMatchObject({ method: 'PUT', path: '/a b/c', query: 'x=1&y=%2F' });
    expect(seen?.headers).toMatchObject({ 'x-mine': 'e', authorization: 'Bearer t' });
    expect(seen?.remoteAddress).toContain('127.0.0.1');
    expect(body).toBe('héllo');
    expect(answer.status).toBe(418);
    expect(answer.headers).toMatchObject({ 'content-type': 'text/x', 'x-odd': 'yes' });
    expect(new TextDecoder().decode(answer.body)).toBe('short and stout');
    expect(answer.wireBytes).toBe(15);
  });

  it('takes every status for an answer', async () => {
    const { get } = await start(async served => ({
      status: Number(served.path.slice(1)),
      headers: {},
      body: 'b',
    }));
    for (const status of [200, 301, 404, 429, 500, 503]) {
      expect(got(await get(`/${status}`)).status).toBe(status);
    }
  });

  it('follows redirects only when asked, and gives up on a loop', async () => {
    const { get } = await start(async served =>
      served.path === '/end'
        ? { status: 200, headers: {}, body: 'end' }
        : { status: 302, headers: { location: served.path === '/loop' ? '/loop' : '/end' }, body: '' },
    );
    expect(got(await get('/start')).status).toBe(302);
    expect(got(await get('/start', { followRedirects: true })).status).toBe(200);
    expect(codeOf(await get('/loop', { followRedirects: true }))).toBe('http-protocol');
  });

  it('answers 500 when a handler throws, and goes on', async () => {
    const { get } = await start(async served => {
      if (served.path === '/bug') throw new Error('a bug');
      return { status: 200, headers: {}, body: 'fine' };
    });
    const broken = got(await get('/bug'));
    expect(broken.status).toBe(500);
    expect(new TextDecoder().decode(broken.body)).not.toContain('a bug');
    expect(got(await get('/')).status).toBe(200);
  });

  it('serves many requests at once', async () => {
    const { get } = await start(async served => ({ status: 200, headers: {}, body: served.path }));
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => get(`/${i}`)));
    expect(answers.map(textOfAnswer)).toEqual(Array.from({ length: 40 }, (_, i) => `/${i}`));
  });
}

function bodies(start: Start): void {
  for (const [encoding, encode] of Object.entries(ENCODERS)) {
    it(`decompresses ${encoding} in both directions, and counts what came over the wire`, async () => {
      const { get } = await start(async served => ({
        status: 200,
        headers: { 'content-encoding': encoding },
        body: encode(bytes(textOf(await served.body(100_000)))),
      }));
      const change = { method: 'POST', headers: { 'content-encoding': encoding }, body: encode(bytes(TEXT)) };
      const answer = got(await get('/', change));
      expect(new TextDecoder().decode(answer.body)).toBe(TEXT);
      expect(answer.wireBytes).toBe(encode(bytes(TEXT)).length);
    });
  }

  for (const encoding of ['identity', ...Object.keys(ENCODERS)] as const) {
    it(`lends the body of a 200, in ${encoding}, to whoever takes it, and gives it back otherwise`, async () => {
      const encode = ENCODERS[encoding as keyof typeof ENCODERS] ?? ((text: Uint8Array) => text);
      const { get } = await start(async ({ path }) => ({
        status: path === '/bad' ? 500 : 200,
        headers: { 'content-encoding': encoding, 'content-type': 'text/x' },
        body: encode(bytes(`${path}${TEXT}`)),
      }));
      const taken: string[] = [];
      const takeBody: HttpRequest['takeBody'] = (body, { headers }) => {
        taken.push(`${headers['content-type']}: ${new TextDecoder().decode(body)}`);
      };
      const answers = await Promise.all(['/a', '/b', '/bad'].map(path => get(path, { takeBody })));
      expect(taken.sort()).toEqual([`text/x: /a${TEXT}`, `text/x: /b${TEXT}`]);
      expect(answers.map(answer => new TextDecoder().decode(got(answer).body))).toEqual([
        '',
        '',
        `/bad${TEXT}`,
      ]);
    });
  }

  it('refuses a body beyond the limit, counted after decompression, on both sides', async () => {
    const bomb = gzipSync(Buffer.alloc(1_000_000));
    const { get } = await start(async served => {
      const body = await served.body(1000);
      const text = body.ok ? 'taken' : body.error.code;
      return served.path === '/bomb'
        ? { status: 200, headers: { 'content-encoding': 'gzip' }, body: bomb }
        : { status: body.ok ? 200 : 413, headers: {}, body: text };
    });
    expect(codeOf(await get('/bomb', { bodyBytesMax: 10_000 }))).toBe('http-body-too-large');
    const change = { method: 'POST', headers: { 'content-encoding': 'gzip' }, body: bomb };
    const refused = got(await get('/', change));
    expect([refused.status, new TextDecoder().decode(refused.body)]).toEqual([413, 'http-body-too-large']);
    expect(got(await get('/', { method: 'POST', body: bytes('small') })).status).toBe(200);
    expect(got(await get('/', { bodyBytesMax: 5 })).body).toHaveLength(5);
    expect(codeOf(await get('/', { bodyBytesMax: 4 }))).toBe('http-body-too-large');
  });

  it('refuses an encoding that is unknown or not what it says, on both sides', async () => {
    const { get } = await start(async served => {
      const body = await served.body(1000);
      const encoding = served.query;
      return body.ok
        ? { status: 200, headers: encoding === '' ? {} : { 'content-encoding': encoding }, body: 'no gzip' }
        : { status: 400, headers: {}, body: body.error.code };
    });
    expect(codeOf(await get('/?gzip'))).toBe('http-bad-encoding');
    expect(codeOf(await get('/?nosuch'))).toBe('http-bad-encoding');
    for (const encoding of ['gzip', 'nosuch']) {
      const change = { method: 'POST', headers: { 'content-encoding': encoding }, body: bytes('no gzip') };
      expect(textOfAnswer(await get('/', change))).toBe('http-bad-encoding');
    }
  });
}

function streams(start: Start): void {
  it('sends a stream chunk by chunk', async () => {
    const { get } = await start(async () => ({
      status: 200,
      headers: {},
      body: (async function* () {
        yield 'one ';
        yield bytes('two ');
        yield 'three';
      })(),
    }));
    expect(textOfAnswer(await get('/'))).toBe('one two three');
  });

  it('breaks off the answer when a stream cannot be brought to its end', async () => {
    const { get } = await start(async ({ path }) => ({
      status: 200,
      headers: { 'content-type': 'text/plain' },
      body: (async function* () {
        yield 'one ';
        if (path === '/throws') throw new Error('a bug');
        yield 'two';
        return path === '/whole' ? undefined : CUT_OFF;
      })(),
    }));
    for (const encoding of ['identity', 'gzip']) {
      const headers = { 'accept-encoding': encoding };
      expect(textOfAnswer(await get('/whole', { headers }))).toBe('one two');
      expect(codeOf(await get('/cut', { headers }))).toBe('http-reset');
      expect(codeOf(await get('/throws', { headers }))).toBe('http-reset');
    }
  });

  for (const encoding of ['identity', 'gzip', 'br']) {
    it(`sends texts, whole and as streams, in ${encoding} to whoever asks for it, and events as they are`, async () => {
      const { get } = await start(async ({ path }) => ({
        status: 200,
        headers: { 'content-type': path === '/events' ? 'text/event-stream' : 'application/json' },
        body:
          path === '/whole'
            ? TEXT
            : (async function* () {
                for (let at = 0; at < TEXT.length; at += 100) yield TEXT.slice(at, at + 100);
              })(),
      }));
      for (const path of ['/whole', '/stream', '/events']) {
        const answer = got(await get(path, { headers: { 'accept-encoding': encoding } }));
        expect(new TextDecoder().decode(answer.body)).toBe(TEXT);
        const isPacked = path !== '/events' && encoding !== 'identity';
        expect(answer.headers['vary']).toBe(path === '/events' ? undefined : 'accept-encoding');
        expect(answer.wireBytes < TEXT.length / 4).toBe(isPacked);
      }
    });
  }

  it('aborts the signal of a handler whose client has left', async () => {
    let left = false;
    let arrived: () => void = () => {};
    const arrival = new Promise<void>(resolve => {
      arrived = resolve;
    });
    const { get, peer } = await start(served => {
      served.signal.addEventListener('abort', () => {
        left = true;
      });
      arrived();
      return new Promise(() => {});
    });
    const caller = new AbortController();
    const pending = get('/', {}, caller.signal);
    await arrival;
    caller.abort();
    expect(codeOf(await pending)).toBe('http-aborted');
    await peer.pass(100);
    expect(left).toBe(true);
  });

  it.each([
    ['text/event-stream', /^begun|http-reset/],
    ['application/json', /^http-reset$/],
  ])('ends open streams when the listener closes: %s', async (type, wanted) => {
    const { get, listener, peer } = await start(async served => ({
      status: 200,
      headers: { 'content-type': type },
      body: (async function* () {
        yield 'begun ';
        await new Promise<void>(resolve => served.signal.addEventListener('abort', () => resolve()));
      })(),
    }));
    const pending = get('/', { timeoutMs: 60_000 });
    await peer.pass(50);
    await listener.close(5000);
    const answer = await pending;
    expect(answer.ok ? textOfAnswer(answer) : answer.error.code).toMatch(wanted);
  });
}

function failures(start: Start): void {
  it('answers http-refused where nobody listens', async () => {
    const { get, listener } = await start(async () => ({ status: 200, headers: {}, body: '' }));
    expect((await get('/')).ok).toBe(true);
    await listener.close(0);
    expect(['http-refused', 'http-reset']).toContain(codeOf(await get('/')));
    expect(codeOf(await get('/'))).toBe('http-refused');
  });

  it('answers http-timeout when the whole exchange takes too long', async () => {
    const { get, peer } = await start(() => new Promise(() => {}));
    const pending = get('/', { timeoutMs: 80 });
    await peer.pass(200);
    expect(codeOf(await pending)).toBe('http-timeout');
  });

  it('counts the time of the body too', async () => {
    const { get, peer } = await start(async served => ({
      status: 200,
      headers: {},
      body: (async function* () {
        yield 'begun';
        await new Promise<void>(resolve => served.signal.addEventListener('abort', () => resolve()));
      })(),
    }));
    const pending = get('/', { timeoutMs: 80 });
    await peer.pass(200);
    expect(codeOf(await pending)).toBe('http-timeout');
  });

  it('answers http-aborted to a signal that has aborted', async () => {
    const { get } = await start(async () => ({ status: 200, headers: {}, body: '' }));
    expect(codeOf(await get('/', {}, AbortSignal.abort()))).toBe('http-aborted');
  });

  for (const url of ['', 'nonsense', 'ftp://127.0.0.1/', 'http://', '/path']) {
    it(`answers http-bad-url to "${url}"`, async () => {
      const { peer } = await start(async () => ({ status: 200, headers: {}, body: '' }));
      expect(codeOf(await peer.http.request(request(url)))).toBe('http-bad-url');
    });
  }

  it('refuses a port that is taken', async () => {
    const { peer, listener } = await start(async () => ({ status: 200, headers: {}, body: '' }));
    const again = await peer.server.listen(
      { host: '127.0.0.1', port: listener.port },
      () => new Promise(() => {}),
    );
    expect(again).toMatchObject({ ok: false, error: { code: 'listen-failed' } });
  });
}

function request(url: string): HttpRequest {
  return { method: 'GET', url, headers: {}, timeoutMs: 10_000, bodyBytesMax: 1_000_000 };
}

function got<T>(result: Result<T, HttpError>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}

function codeOf(result: Result<unknown, HttpError>): string {
  return result.ok ? 'ok' : result.error.code;
}

function textOf(result: Result<Uint8Array, HttpError>): string {
  return new TextDecoder().decode(got(result));
}

function textOfAnswer(result: Awaited<ReturnType<Http['request']>>): string {
  return new TextDecoder().decode(got(result).body);
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
