// The HTTP server, over node:http and node:https: streamed answers with backpressure, limits, a graceful end.

import {
  createServer as createPlain,
  type IncomingMessage,
  type ServerResponse as NodeResponse,
  type RequestListener,
  type Server,
} from 'node:http';
import { createServer as createTls, type Server as TlsServer } from 'node:https';
import type { Server as NetServer } from 'node:net';
import type { Writable } from 'node:stream';
import {
  CUT_OFF,
  err,
  type HttpError,
  type HttpListener,
  type HttpServer,
  type ListenOptions,
  type Log,
  ok,
  type Result,
  type ServerHandler,
  type ServerRequest,
  type ServerResponse,
  type ServerTls,
} from '../base/index.ts';
import { readBody } from './body.ts';
import { areEvents, chosenEncoding, compress, compressor, type Encoding, isWorthwhile } from './compress.ts';
import { errorName } from './disk-errors.ts';
import { giveBack } from './give-back.ts';
import { Inflater } from './inflater.ts';
import { guardClients, serverTlsOptions } from './server-tls.ts';
import { TlsFront } from './tls-front.ts';

/** Enough for long query strings and cookies; more is refused with 431. */
const HEADER_BYTES_MAX = 64 * 1024;
/** A client that takes longer to say its header or to send its request holds a connection for nothing. */
const HEADERS_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 120_000;
const KEEP_ALIVE_MS = 75_000;
/** Beyond this new connections are dropped: each costs memory, and a browser needs six. */
const CONNECTIONS_MAX = 4096;

type ListenFailure = { code: 'listen-failed'; message: string };

/** Errors that a handler throws are bugs: they are answered 500 and logged. */
export function httpServer(log: Log, settings: ServerSettings = DEFAULT_SETTINGS): HttpServer {
  return { listen: (options, handler) => listen(options, handler, { log, settings }) };
}

export interface ServerSettings {
  /** A client that takes nothing of a stream for so long is gone: what is still to be sent holds memory. */
  readonly stallMs: number;
}

const DEFAULT_SETTINGS: ServerSettings = { stallMs: 60_000 };

function listen(
  options: ListenOptions,
  handler: ServerHandler,
  { log, settings }: { readonly log: Log; readonly settings: ServerSettings },
): Promise<Result<HttpListener, ListenFailure>> {
  const closing = new AbortController();
  const inflater = new Inflater();
  const serve: RequestListener = (request, response) => {
    void answer(request, response, { handler, log, settings, closing: closing.signal, inflater });
  };
  let opened: Opened;
  try {
    opened = openServer(options, serve);
  } catch (error) {
    return Promise.resolve(listenFailed(options, error));
  }
  const { listener, connections, front } = opened;
  listener.maxConnections = CONNECTIONS_MAX;
  return new Promise(resolve => {
    listener.once('error', error => resolve(listenFailed(options, error)));
    listener.listen({ host: options.host, port: options.port }, () => {
      listener.on('error', error => log.log('error', 'HTTP server error', { cause: error.message }));
      const address = listener.address();
      const port = typeof address === 'object' && address !== null ? address.port : options.port;
      resolve(
        ok({
          host: options.host,
          port,
          prepareTls: tls => {
            if (front === undefined) return listenFailed(options, 'TLS was not on when it began to listen');
            try {
              const next = newTlsServer(tls, serve);
              return ok(() => front.put(next));
            } catch (error) {
              return listenFailed(options, error);
            }
          },
          close: async graceMs => {
            closing.abort();
            await closed(listener, connections, graceMs);
            front?.end();
          },
        }),
      );
    });
  });
}

const LIMITS = {
  maxHeaderSize: HEADER_BYTES_MAX,
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
};

type Connections = Pick<Server, 'closeIdleConnections' | 'closeAllConnections'>;

interface Opened {
  readonly listener: NetServer;
  readonly connections: Connections;
  /** With TLS. */
  readonly front: TlsFront | undefined;
}

function openServer({ tls }: ListenOptions, serve: RequestListener): Opened {
  if (tls === undefined) {
    const server = createPlain(LIMITS, serve);
    return { listener: server, connections: server, front: undefined };
  }
  const front = new TlsFront(newTlsServer(tls, serve));
  return { listener: front.listener, connections: front, front };
}

function newTlsServer(tls: ServerTls, serve: RequestListener): TlsServer {
  const server = createTls({ ...LIMITS, ...serverTlsOptions(tls) }, serve);
  guardClients(server, tls);
  return server;
}

function closed(listener: NetServer, connections: Connections, graceMs: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(() => connections.closeAllConnections(), graceMs);
    listener.close(() => {
      clearTimeout(timer);
      resolve();
    });
    connections.closeIdleConnections();
  });
}

/** Why requests are aborted: the client has gone, or has its answer. An error made for each would take its stack each time. */
const GONE = new DOMException('The connection has ended', 'AbortError');

interface Serving {
  readonly handler: ServerHandler;
  readonly log: Log;
  readonly settings: ServerSettings;
  readonly closing: AbortSignal;
  readonly inflater: Inflater;
}

async function answer(request: IncomingMessage, response: NodeResponse, serving: Serving): Promise<void> {
  const gone = new AbortController();
  const leave = (): void => gone.abort(GONE);
  response.once('close', leave);
  serving.closing.addEventListener('abort', leave, { once: true });
  // Without a listener a broken connection would be an uncaught error.
  response.on('error', leave);
  request.on('error', leave);
  const lent: Uint8Array[] = [];
  try {
    // What is left of a refused body is not worth reading: the connection ends with the answer.
    const giveUp = (): void => {
      if (!response.headersSent) response.setHeader('connection', 'close');
    };
    const served = serverRequest(request, gone.signal, { giveUp, inflater: serving.inflater, lent });
    const answered =
      served === undefined
        ? { status: 400, headers: {}, body: 'bad request: the path is not valid\n' }
        : await serving.handler(served);
    lent.forEach(giveBack);
    await send(response, answered, {
      gone: gone.signal,
      stallMs: serving.settings.stallMs,
      headOnly: request.method === 'HEAD',
      encoding: chosenEncoding(String(request.headers['accept-encoding'] ?? '')),
    });
  } catch (error) {
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
    serving.log.log('error', 'HTTP handler failed', { path: request.url ?? '', cause });
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { 'content-type': 'text/plain' }).end('internal error\n');
  } finally {
    serving.closing.removeEventListener('abort', leave);
    // A body that the handler did not read must not keep the connection from being used again, nor be read for ever.
    if (!request.readableEnded) request.resume();
  }
}

function serverRequest(
  request: IncomingMessage,
  signal: AbortSignal,
  {
    giveUp,
    inflater,
    lent,
  }: { readonly giveUp: () => void; readonly inflater: Inflater; readonly lent: Uint8Array[] },
): ServerRequest | undefined {
  const target = request.url ?? '/';
  const mark = target.indexOf('?');
  const rawPath = mark < 0 ? target : target.slice(0, mark);
  const path = decodedPath(rawPath);
  if (path === undefined) return undefined;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  const read = async (encodings: string, bytesMax: number): Promise<Result<Uint8Array, HttpError>> => {
    const body = await readBody(request, encodings, {
      bytesMax,
      // Destroying it would break the connection before the client has read why.
      giveUp: stream => {
        giveUp();
        stream.resume();
      },
      inflater,
      givesChunks: true,
    });
    if (body.ok) return ok(body.value.bytes);
    return err({ code: body.error, message: `Cannot read the body of "${path}": ${CAUSES[body.error]}` });
  };
  return {
    method: request.method ?? 'GET',
    path,
    query: mark < 0 ? '' : target.slice(mark + 1),
    headers,
    remoteAddress: request.socket.remoteAddress ?? '',
    signal,
    body: bytesMax => read(headers['content-encoding'] ?? '', bytesMax),
    rawBody: async bytesMax => {
      const body = await read('', bytesMax);
      if (body.ok) lent.push(body.value);
      return body;
    },
  };
}

const CAUSES = {
  'http-bad-encoding': 'its content-encoding is not known, or not what it is',
  'http-body-too-large': 'it is larger than allowed here',
  'http-reset': 'the client went away',
} as const;

function decodedPath(rawPath: string): string | undefined {
  if (!rawPath.startsWith('/')) return undefined;
  try {
    return decodeURIComponent(rawPath);
  } catch {
    return undefined;
  }
}

interface Sending {
  readonly gone: AbortSignal;
  readonly stallMs: number;
  readonly headOnly: boolean;
  /** Undefined: bytes as they are. */
  readonly encoding: Encoding | undefined;
}

async function send(response: NodeResponse, answered: ServerResponse, sending: Sending): Promise<void> {
  const { body } = answered;
  if (response.destroyed) {
    if (isStream(body)) await body[Symbol.asyncIterator]().return?.();
    return;
  }
  const length = isStream(body) ? Number.POSITIVE_INFINITY : lengthOf(body);
  const isPackable = !sending.headOnly && isWorthwhile(length, answered.headers);
  // Caches between are told on what it depends.
  const headers = isPackable ? { ...answered.headers, vary: 'accept-encoding' } : answered.headers;
  const how = { ...sending, encoding: isPackable ? sending.encoding : undefined };
  const plain = { status: answered.status, headers };
  if (isStream(body)) await sendStream(response, { ...plain, body }, how);
  else await sendWhole(response, { ...plain, body }, how);
}

function lengthOf(body: Uint8Array | string): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length;
}

async function sendWhole(
  response: NodeResponse,
  { status, headers, body }: ServerResponse & { readonly body: Uint8Array | string },
  { headOnly, encoding }: Sending,
): Promise<void> {
  const bytes = encoding === undefined ? body : await compress(body, encoding);
  if (response.destroyed) return;
  const encoded = encoding === undefined ? {} : { 'content-encoding': encoding };
  response.writeHead(status, { ...headers, ...encoded, 'content-length': String(lengthOf(bytes)) });
  response.end(headOnly ? undefined : bytes);
}

/** The first of them, or undefined when none comes in time. */
async function within<T>(ms: number, promises: readonly Promise<T>[]): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>(resolve => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  const first = await Promise.race([...promises, late]);
  clearTimeout(timer);
  return first;
}

type Chunks = AsyncIterable<Uint8Array | string>;

async function sendStream(
  response: NodeResponse,
  { status, headers, body }: ServerResponse & { readonly body: Chunks },
  sending: Sending,
): Promise<void> {
  const { encoding } = sending;
  response.writeHead(status, encoding === undefined ? headers : { ...headers, 'content-encoding': encoding });
  response.flushHeaders();
  const into = encoding === undefined ? response : packedInto(response, encoding);
  const end = await pump(into, body[Symbol.asyncIterator](), sending);
  // When the listener closes the client is still there, and must not take what it has for everything. Events have no end.
  const isWhole = end === 'done' || (end === 'left' && (sending.headOnly || areEvents(headers)));
  if (isWhole) into.end();
  else response.destroy();
}

function packedInto(response: NodeResponse, encoding: Encoding): Writable {
  const packer = compressor(encoding);
  // Whatever ends the response ends it; what is written to it after that fails, which is no news.
  packer.on('error', () => {});
  response.once('close', () => packer.destroy());
  packer.pipe(response);
  return packer;
}

/** Pulls one chunk at a time; leaves the iterator at once, and tells it so, when the client goes away. */
async function pump(
  into: Writable,
  chunks: AsyncIterator<Uint8Array | string>,
  sending: Sending,
): Promise<'done' | 'left' | typeof CUT_OFF> {
  const left = new Promise<'left'>(resolve => {
    if (sending.gone.aborted) resolve('left');
    sending.gone.addEventListener('abort', () => resolve('left'), { once: true });
  });
  for (;;) {
    const next = sending.headOnly ? 'left' : await Promise.race([chunks.next(), left]);
    if (next === 'left') {
      // Not waited for: a generator that is itself waiting ends only when its own signal tells it.
      void chunks.return?.();
      return 'left';
    }
    if (next.done === true) return next.value === CUT_OFF ? CUT_OFF : 'done';
    if (into.write(next.value)) continue;
    const drained = new Promise<'drained'>(resolve => into.once('drain', () => resolve('drained')));
    if ((await within(sending.stallMs, [drained, left])) !== undefined) continue;
    void chunks.return?.();
    return CUT_OFF;
  }
}

function isStream(body: ServerResponse['body']): body is Chunks {
  return typeof body !== 'string' && !(body instanceof Uint8Array);
}

function listenFailed(options: ListenOptions, error: unknown): Result<never, ListenFailure> {
  const name = errorName(error);
  const cause =
    name === 'EADDRINUSE'
      ? 'another program listens there; stop it, or choose another port'
      : name === 'EACCES'
        ? 'permission denied; ports below 1024 need a privilege'
        : error instanceof Error
          ? error.message
          : String(error);
  return err({
    code: 'listen-failed',
    message: `Cannot listen on "${options.host}:${options.port}": ${cause}`,
  });
}
