// The lean client beyond what the suite for all clients asks: what becomes of its connections.

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpRequest } from '../base/index.ts';
import { httpClient } from './index.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0)) await clean();
});

interface Peer {
  readonly url: string;
  readonly sockets: readonly Socket[];
}

/** Calls back for each request, a text that ends with a blank line. */
async function peer(
  onRequest: (socket: Socket, about: { connection: number; request: number }) => void,
): Promise<Peer> {
  const sockets: Socket[] = [];
  let requests = 0;
  const server: Server = createServer(socket => {
    const connection = sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', data => {
      if (data.toString().endsWith('\r\n\r\n')) onRequest(socket, { connection, request: ++requests });
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`, sockets };
}

const answer = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

function client(url: string) {
  const http = httpClient();
  cleanUp.push(() => http.close());
  return async (change: Partial<HttpRequest> = {}, signal?: AbortSignal): Promise<string> => {
    let body: string | undefined;
    const takeBody: HttpRequest['takeBody'] = bytes => {
      body = Buffer.from(bytes).toString('latin1');
    };
    const request = { method: 'GET', url, headers: {}, timeoutMs: 5000, bodyBytesMax: 10_000_000, takeBody };
    const result = await http.request({ ...request, ...change }, signal);
    return result.ok ? (body ?? `status ${result.value.status}`) : result.error.code;
  };
}

describe('connections of the lean client', () => {
  it('are used again, one request after the other', async () => {
    const { url, sockets } = await peer((socket, { request }) => socket.write(answer(`page ${request}`)));
    const get = client(url);
    for (let i = 1; i <= 5; i++) expect(await get()).toBe(`page ${i}`);
    expect(sockets.length).toBe(1);
    expect((await Promise.all([get(), get(), get()])).sort()).toEqual(['page 6', 'page 7', 'page 8']);
    expect(sockets.length).toBe(3);
  });

  it('reach a name with several addresses', async () => {
    const { url } = await peer(socket => socket.write(answer('here')));
    expect(await client(url.replace('127.0.0.1', 'localhost'))()).toBe('here');
  });

  it('are not used again after an answer that ends them', async () => {
    const { url, sockets } = await peer((socket, { request }) => {
      if (request === 1) socket.end(`HTTP/1.1 200 OK\r\n\r\nto the end`);
      else socket.end(answer('last').replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
    });
    const get = client(url);
    expect(await get()).toBe('to the end');
    expect(await get()).toBe('last');
    expect(await get()).toBe('last');
    expect(sockets.length).toBe(3);
  });

  it('that the server closes as a request comes are tried once more, and only then', async () => {
    const { url, sockets } = await peer((socket, { connection, request }) => {
      if (connection === 1 && request === 2) socket.destroy();
      else if (request === 5) socket.destroy();
      else socket.write(answer(`connection ${connection}`));
    });
    const get = client(url);
    expect(await get()).toBe('connection 1');
    expect(await get()).toBe('connection 2');
    expect(await get()).toBe('connection 2');
    sockets[1]?.destroy();
    // A new one that breaks at once is an answer: the server does not want to.
    expect(await client(url)()).toBe('http-reset');
  });

  it('that the server closes as a message comes are not tried once more: it may have arrived', async () => {
    const { url, sockets } = await peer((socket, { connection, request }) => {
      if (request === 2) socket.destroy();
      else socket.write(answer(`connection ${connection}`));
    });
    const post = client(url);
    const message = { method: 'POST', body: Buffer.from('told\r\n\r\n') };
    expect(await post(message)).toBe('connection 1');
    expect(await post(message)).toBe('http-reset');
    expect(sockets.length).toBe(1);
    expect(await post(message)).toBe('connection 2');
  });

  it('are not used again when the server is about to close them, by its own word', async () => {
    const { url, sockets } = await peer((socket, { connection, request }) => {
      const keptS = request === 1 ? 5 : 1;
      const head = `HTTP/1.1 200 OK\r\nkeep-alive: timeout=${keptS}, max=100\r\ncontent-length: 1\r\n\r\n`;
      socket.write(`${head}${connection}`);
    });
    const post = client(url);
    const message = { method: 'POST', body: Buffer.from('told\r\n\r\n') };
    expect(await post(message)).toBe('1');
    expect(await post(message)).toBe('1');
    expect(await post(message)).toBe('2');
    expect(sockets.length).toBe(2);
  });

  it('are not used again once an answer was not waited for, and those of others go on', async () => {
    const held: Socket[] = [];
    const { url, sockets } = await peer((socket, { request }) => {
      if (request === 1) held.push(socket);
      else socket.write(answer(`page ${request}`));
    });
    const get = client(url);
    const stop = new AbortController();
    const given = get({}, stop.signal);
    while (held.length === 0) await new Promise(resolve => setImmediate(resolve));
    expect(await get()).toBe('page 2');
    stop.abort();
    expect(await given).toBe('http-aborted');
    expect(await get()).toBe('page 3');
    expect(sockets.length).toBe(2);
    expect(await get({ timeoutMs: 1 }).then(text => ['page 4', 'http-timeout'].includes(text))).toBe(true);
    expect(await get()).toMatch(/^page \d$/);
  });

  it('answer what nobody asked for by ending', async () => {
    const { url, sockets } = await peer((socket, { request }) => {
      socket.write(answer(`page ${request}`));
      if (request === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil');
    });
    const get = client(url);
    expect(await get()).toBe('page 1');
    await new Promise<void>(resolve => sockets[0]?.once('close', () => resolve()));
    expect(await get()).toBe('page 2');
    expect(sockets.length).toBe(2);
  });

  it('carry bodies that do not fit into memory at once, compressed or not, to the end', async () => {
    const text = Array.from(
      { length: 60_000 },
      (_, i) => `m{i="${i}",x="${(i * 2_654_435_761) % 1e9}"} ${i}\n`,
    ).join('');
    const packed = gzipSync(text);
    expect(packed.length).toBeGreaterThan(256 * 1024);
    const { url } = await peer((socket, { request }) => {
      const [body, encoding] = request % 2 === 1 ? [packed, 'gzip'] : [Buffer.from(text), 'identity'];
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${body.length}\r\n\r\n`,
      );
      socket.write(body);
    });
    const get = client(url);
    for (let i = 0; i < 8; i++) expect((await get()) === text).toBe(true);
    expect(await get({ bodyBytesMax: 1_000_000 })).toBe('http-body-too-large');
    expect((await get()) === text).toBe(true);
  });
});
