// The real HTTP client and server against each other, and against peers that misbehave.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, request as nodeRequest } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createSocketServer,
  type Server,
  type Socket,
} from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { httpContract } from '../../test/support/contracts/http.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { type HttpRequest, type ListenOptions, ok, type ServerHandler } from '../base/index.ts';
import { type HttpClient, httpClient, httpServer } from './index.ts';

const pass = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** As a client whose every page is taken by the caller: these go another way. */
function asPages(http: HttpClient): HttpClient {
  return {
    close: () => http.close(),
    request: async (request, signal) => {
      let taken: Uint8Array | undefined;
      const takeBody: HttpRequest['takeBody'] = body => {
        taken = body.slice();
      };
      const result = await http.request({ takeBody, ...request }, signal);
      return result.ok && taken !== undefined ? ok({ ...result.value, body: taken }) : result;
    },
  };
}

httpContract('real, for pages', async () => {
  const http = asPages(httpClient());
  return { http, server: httpServer(new CollectingLog()), pass, close: () => http.close() };
});

httpContract('real', async () => {
  const http = httpClient();
  return { http, server: httpServer(new CollectingLog()), pass, close: () => http.close() };
});

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0)) await clean();
});

const cert = readFileSync(fileURLToPath(new URL('./testdata/loopback.cert.pem', import.meta.url)), 'utf8');
const key = readFileSync(fileURLToPath(new URL('./testdata/loopback.key.pem', import.meta.url)), 'utf8');

function plainClient(): HttpClient {
  const http = httpClient();
  cleanUp.push(() => http.close());
  return http;
}

function get(url: string, change: Partial<HttpRequest> = {}): HttpRequest {
  return { method: 'GET', url, headers: {}, timeoutMs: 5000, bodyBytesMax: 1_000_000, ...change };
}

async function serve(handler: ServerHandler, options: Partial<ListenOptions> = {}): Promise<number> {
  const listening = await httpServer(new CollectingLog()).listen(
    { host: '127.0.0.1', port: 0, ...options },
    handler,
  );
  if (!listening.ok) throw new Error(listening.error.message);
  cleanUp.push(() => listening.value.close(0));
  return listening.value.port;
}

/** A peer that answers each connection with raw bytes. */
async function rawPeer(onConnect: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createSocketServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnect(socket);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

describe.each([
  ['the client', (http: HttpClient) => http],
  ['the client, for pages', asPages],
])('%s', (_, as) => {
  const client = (): HttpClient => as(plainClient());

  it('keeps connections alive between requests', async () => {
    let connections = 0;
    const server = createServer((_, response) => response.end('x'));
    server.on('connection', () => connections++);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    cleanUp.push(async () => void server.close());
    const http = client();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    for (let i = 0; i < 20; i++) expect((await http.request(get(url))).ok).toBe(true);
    // The pool may open a second one while the first is not yet free again.
    expect(connections).toBeLessThanOrEqual(2);
  });

  const raw: readonly (readonly [what: string, code: string, answer: string])[] = [
    ['what is not HTTP', 'http-protocol', 'SSH-2.0-OpenSSH\r\n'],
    ['nothing at all', 'http-reset', ''],
    ['half a body', 'http-reset', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'],
    ['a broken chunk', 'http-protocol', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n'],
  ];
  for (const [what, code, answer] of raw) {
    it(`answers a code of its own to ${what}`, async () => {
      const port = await rawPeer(socket => socket.once('data', () => socket.end(answer)));
      const result = await client().request(get(`http://127.0.0.1:${port}/`));
      // A broken chunk shows while the body is read, where it cannot be told from a broken connection.
      const allowed = what === 'a broken chunk' ? [code, 'http-reset'] : [code];
      expect(allowed).toContain(result.ok ? 'ok' : result.error.code);
    });
  }

  it('gives a long body whole, or says that it is too long', async () => {
    const piece = Uint8Array.from({ length: 1_000_003 }, (_, i) => i % 251);
    const server = createServer((_, response) => {
      for (let i = 0; i < 24; i++) response.write(piece);
      response.end();
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    cleanUp.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const answer = await client().request(get(`http://127.0.0.1:${port}/`, { bodyBytesMax: 2 ** 25 }));
    expect(answer.ok && answer.value.body.length).toBe(24 * piece.length);
    const body = answer.ok ? Buffer.from(answer.value.body) : Buffer.alloc(0);
    for (let i = 0; i < 24; i++)
      expect(body.subarray(i * piece.length, (i + 1) * piece.length).equals(piece)).toBe(true);
    const tooLarge = await client().request(get(`http://127.0.0.1:${port}/`, { bodyBytesMax: 2 ** 24 }));
    expect(tooLarge).toMatchObject({ ok: false, error: { code: 'http-body-too-large' } });
  });

  it('answers http-dns for a name that does not exist', async () => {
    const result = await client().request(get('http://nosuchhost.invalid/'));
    expect(result.ok ? 'ok' : result.error.code).toBe('http-dns');
  });

  it('verifies certificates, unless told otherwise or given the authority', async () => {
    const port = await serve(async () => ({ status: 200, headers: {}, body: 'safe' }), {
      tls: { cert, key },
    });
    const http = client();
    const url = `https://localhost:${port}/`;
    const code = async (tls: HttpRequest['tls']): Promise<string> => {
      const result = await http.request(get(url, tls === undefined ? {} : { tls }));
      return result.ok ? 'ok' : result.error.code;
    };
    expect(await code(undefined)).toBe('http-tls');
    expect(await code({ ca: cert })).toBe('ok');
    expect(await code({ ca: cert, serverName: 'wrong.example' })).toBe('http-tls');
    expect(await code({ insecureSkipVerify: true })).toBe('ok');
    expect(await code({ ca: cert, minVersion: 'TLS13' })).toBe('ok');
  });

  it('does not print passwords of an address, and sends them as basic authentication', async () => {
    let seen = '';
    const port = await serve(async request => {
      seen = request.headers['authorization'] ?? '';
      return { status: 200, headers: {}, body: '' };
    });
    const http = client();
    expect((await http.request(get(`http://me:s%20cret@127.0.0.1:${port}/`))).ok).toBe(true);
    expect(seen).toBe(`Basic ${Buffer.from('me:s cret').toString('base64')}`);
    const refused = await http.request(get('http://me:secret@127.0.0.1:1/'));
    expect(refused.ok ? '' : refused.error.message).not.toContain('secret');
  });

  it('gives credentials to no other host on a redirect', async () => {
    let seen: string | undefined = 'unset';
    const other = await serve(async request => {
      seen = request.headers['authorization'];
      return { status: 200, headers: {}, body: '' };
    });
    const headers = { location: `http://127.0.0.1:${other}/` };
    const port = await serve(async () => ({ status: 307, headers, body: '' }));
    const change = { followRedirects: true, headers: { Authorization: 'Bearer t' } };
    expect((await client().request(get(`http://127.0.0.1:${port}/`, change))).ok).toBe(true);
    expect(seen).toBeUndefined();
  });

  it('goes through a proxy when given one', async () => {
    const port = await serve(async () => ({ status: 200, headers: {}, body: 'through' }));
    let tunnels = 0;
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      expect(request.headers['x-team']).toBe('ops');
      tunnels++;
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const upstream = connect(port, '127.0.0.1');
      socket.pipe(upstream).pipe(socket);
      for (const one of [socket, upstream]) one.on('error', () => {});
    });
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
    cleanUp.push(async () => {
      proxy.closeAllConnections();
      proxy.close();
    });
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const given = { url, noProxy: '', fromEnvironment: false, connectHeaders: { 'x-team': 'ops' } };
    const result = await client().request(get(`http://127.0.0.1:${port}/`, { proxy: given }));
    expect(result.ok && new TextDecoder().decode(result.value.body)).toBe('through');
    expect(tunnels).toBe(1);
  });
});

describe('the server', () => {
  it.each(['identity', 'gzip', 'br'])(
    'pulls a stream no faster than the client reads, in %s',
    async encoding => {
      let produced = 0;
      const port = await serve(async () => ({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: (async function* () {
          for (;;) {
            produced++;
            // What cannot be made shorter, however far a compressor looks back.
            yield randomBytes(64 * 1024);
          }
        })(),
      }));
      const socket = connect(port, '127.0.0.1');
      socket.write(`GET / HTTP/1.1\r\nhost: x\r\naccept-encoding: ${encoding}\r\n\r\n`);
      socket.pause();
      let before = -1;
      while (before !== produced) {
        before = produced;
        await pass(100);
      }
      // Some megabytes fit into the buffers of the system; an unchecked server would have made gigabytes.
      expect(produced).toBeLessThan(2000);
      socket.destroy();
      await pass(50);
    },
  );

  it.each(['identity', 'gzip'])(
    'ends the generator of a stream whose client has left, in %s',
    async encoding => {
      let ended = false;
      const port = await serve(async request => ({
        status: 200,
        headers: { 'content-type': encoding === 'gzip' ? 'application/json' : 'text/event-stream' },
        body: (async function* () {
          try {
            while (!request.signal.aborted) {
              yield randomBytes(20_000);
              await pass(5);
            }
          } finally {
            ended = true;
          }
        })(),
      }));
      const asked = nodeRequest(
        { port, host: '127.0.0.1', headers: { 'accept-encoding': encoding } },
        response => {
          response.once('data', () => asked.destroy());
          response.on('error', () => {});
        },
      );
      asked.on('error', () => {});
      asked.end();
      for (let i = 0; i < 50 && !ended; i++) await pass(20);
      expect(ended).toBe(true);
    },
  );

  it('refuses a header that is too large and a path that is not valid', async () => {
    const port = await serve(async () => ({ status: 200, headers: {}, body: '' }));
    const raw = (head: string): Promise<string> =>
      new Promise(resolve => {
        let text = '';
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => resolve(text));
        socket.on('data', data => {
          text += data.toString();
        });
        socket.on('close', () => resolve(text));
        socket.end(head);
      });
    expect(await raw(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431/,
    );
    expect(await raw('GET /%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
    expect(await raw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
  });

  it('compresses long texts for those who take it, and lends a body only until it has answered', async () => {
    const text = JSON.stringify(Array.from({ length: 500 }, (_, i) => i));
    const bodies: Uint8Array[] = [];
    const port = await serve(async request => {
      const body = await request.rawBody(1_000_000);
      if (body.ok) bodies.push(body.value);
      const sum = body.ok ? body.value.reduce((total, byte) => total + byte, 0) : -1;
      return {
        status: 200,
        headers: { 'content-type': 'application/json', 'x-sum': String(sum) },
        body: text,
      };
    });
    const sent = new Uint8Array(300_000).fill(1);
    for (const [accept, encoding] of [
      ['gzip, br', 'gzip'],
      ['br', 'br'],
      ['identity', null],
    ] as const) {
      const response = await fetch(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        headers: { 'accept-encoding': accept },
        body: sent,
      });
      expect(response.headers.get('content-encoding')).toBe(encoding);
      expect(response.headers.get('vary')).toBe('accept-encoding');
      expect(response.headers.get('x-sum')).toBe('300000');
      expect(await response.text()).toBe(text);
    }
    expect(bodies.map(({ length }) => length)).toEqual([0, 0, 0]);
  });

  it('ends a stream whose client takes nothing of it for long, compressed or not', async () => {
    for (const accept of ['identity', 'gzip']) {
      let ended = false;
      const listening = await httpServer(new CollectingLog(), { stallMs: 100 }).listen(
        { host: '127.0.0.1', port: 0 },
        async () => ({
          status: 200,
          headers: { 'content-type': 'application/json' },
          body: (async function* () {
            try {
              for (;;) yield randomBytes(64 * 1024);
            } finally {
              ended = true;
            }
          })(),
        }),
      );
      if (!listening.ok) throw new Error(listening.error.message);
      cleanUp.push(() => listening.value.close(0));
      const socket = connect(listening.value.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(`GET / HTTP/1.1\r\nhost: x\r\naccept-encoding: ${accept}\r\n\r\n`);
      socket.pause();
      for (let i = 0; i < 200 && !ended; i++) await pass(20);
      expect(ended, accept).toBe(true);
      socket.destroy();
    }
  });

  it('answers HEAD without a body', async () => {
    const port = await serve(async () => ({ status: 200, headers: {}, body: 'twelve bytes' }));
    const result = await plainClient().request(get(`http://127.0.0.1:${port}/`, { method: 'HEAD' }));
    expect(result.ok && [result.value.headers['content-length'], result.value.body.length]).toEqual([
      '12',
      0,
    ]);
  });

  it('asks for a client certificate when an authority is given', async () => {
    const port = await serve(async () => ({ status: 200, headers: {}, body: '' }), {
      tls: { cert, key, clientCa: cert },
    });
    const http = plainClient();
    const url = `https://localhost:${port}/`;
    expect((await http.request(get(url, { tls: { ca: cert } }))).ok).toBe(false);
    expect((await http.request(get(url, { tls: { ca: cert, cert, key } }))).ok).toBe(true);
  });
});
