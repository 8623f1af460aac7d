// HTTP without sockets: a client whose answers the test writes, and a server that hands requests straight to its
// handler. Joined, they pass the same contract suite as the real pair.

import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import {
  type Clock,
  CUT_OFF,
  err,
  type Http,
  type HttpError,
  type HttpErrorCode,
  type HttpListener,
  type HttpRequest,
  type HttpResponse,
  type HttpServer,
  type ListenOptions,
  ok,
  type Result,
  type ServerHandler,
  type ServerRequest,
  type ServerResponse,
} from '../../src/base/index.ts';
import { areEvents, chosenEncoding, isWorthwhile } from '../../src/os/compress.ts';

export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** As on the wire: compressed if a content-encoding header says so. */
  readonly body?: string | Uint8Array;
  /** Time on the clock until the answer is complete. */
  readonly latencyMs?: number;
  readonly error?: HttpErrorCode;
}

export type FakeRoute = (request: HttpRequest) => FakeAnswer | Promise<FakeAnswer>;

export class FakeHttp implements Http {
  readonly requests: HttpRequest[] = [];
  readonly #clock: Clock;
  readonly #server: FakeHttpServer | undefined;
  /** Longest prefix wins. */
  readonly #routes = new Map<string, FakeRoute>();

  /** Requests that no route takes go to `server`, if there is one. */
  constructor(clock: Clock, server?: FakeHttpServer) {
    this.#clock = clock;
    this.#server = server;
  }

  /** Answers all URLs that begin with `urlPrefix`. */
  on(urlPrefix: string, route: FakeRoute | FakeAnswer): this {
    this.#routes.set(urlPrefix, typeof route === 'function' ? route : () => route);
    return this;
  }

  off(urlPrefix: string): void {
    this.#routes.delete(urlPrefix);
  }

  async request(request: HttpRequest, signal?: AbortSignal): Promise<Result<HttpResponse, HttpError>> {
    this.requests.push(request);
    if (signal?.aborted) return failed('http-aborted', request);
    let url = request.url;
    for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
      if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url)) return failed('http-bad-url', request);
      const answer = await this.#exchange({ ...request, url }, signal);
      if (!answer.ok) return answer;
      const location = answer.value.headers['location'];
      const redirected = answer.value.status >= 300 && answer.value.status < 400 && location !== undefined;
      if (!redirected || request.followRedirects !== true) return answer;
      url = new URL(location, url).href;
    }
    return failed('http-protocol', request);
  }

  async #exchange(request: HttpRequest, signal?: AbortSignal): Promise<Result<HttpResponse, HttpError>> {
    const stop = new AbortController();
    const work = this.#answer(request, stop.signal);
    return new Promise(resolve => {
      const finish = (result: Result<HttpResponse, HttpError>): void => {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        // With a reason of its own: without one each request would cost an exception with its stack.
        stop.abort('the exchange is over');
        resolve(result);
      };
      const onAbort = (): void => finish(failed('http-aborted', request));
      const timer = this.#clock.after(request.timeoutMs, () => finish(failed('http-timeout', request)));
      signal?.addEventListener('abort', onAbort, { once: true });
      work.then(async answer => {
        const latencyMs = answer.latencyMs ?? 0;
        if (latencyMs > 0) await new Promise<void>(done => void this.#clock.after(latencyMs, done));
        finish(answer.error === undefined ? decoded(answer, request) : failed(answer.error, request));
      });
    });
  }

  async #answer(request: HttpRequest, signal: AbortSignal): Promise<FakeAnswer> {
    const best = [...this.#routes.keys()]
      .filter(prefix => request.url.startsWith(prefix))
      .sort((a, b) => b.length - a.length)[0];
    if (best !== undefined) return (this.#routes.get(best) as FakeRoute)(request);
    return (await this.#server?.answer(request, signal)) ?? { error: 'http-refused' };
  }
}

/** As the real client. */
const REDIRECTS_MAX = 10;

/** Listeners in memory, reached by a FakeHttp or by `call` in a test of handlers. */
export class FakeHttpServer implements HttpServer {
  readonly #handlers = new Map<number, ServerHandler>();
  readonly #closing = new Map<number, AbortController>();
  #nextPort = 40_000;

  async listen(
    options: ListenOptions,
    handler: ServerHandler,
  ): Promise<Result<HttpListener, { code: 'listen-failed'; message: string }>> {
    const port = options.port === 0 ? this.#nextPort++ : options.port;
    if (this.#handlers.has(port)) {
      return err({ code: 'listen-failed', message: `Cannot listen on "${options.host}:${port}": in use` });
    }
    const closing = new AbortController();
    this.#handlers.set(port, handler);
    this.#closing.set(port, closing);
    return ok({
      host: options.host,
      port,
      prepareTls: () => ok(() => {}),
      close: async () => {
        this.#handlers.delete(port);
        closing.abort();
      },
    });
  }

  /** The handler's own answer, a stream left as it is; undefined when nobody listens on the port. */
  async call(
    request: Pick<HttpRequest, 'method' | 'url'> & Partial<HttpRequest>,
    signal = new AbortController().signal,
  ): Promise<ServerResponse | undefined> {
    const url = new URL(request.url);
    const port = portOf(url);
    const handler = this.#handlers.get(port);
    const closing = this.#closing.get(port);
    if (handler === undefined || closing === undefined) return undefined;
    const lent: Uint8Array[] = [];
    const served = serverRequest(request, url, { signal: AbortSignal.any([signal, closing.signal]), lent });
    if (served === undefined) return { status: 400, headers: {}, body: '' };
    try {
      return await handler(served);
    } catch {
      return { status: 500, headers: {}, body: 'internal error\n' };
    } finally {
      // Whoever looks at it later must not find what was there.
      for (const bytes of lent) bytes.fill(0xff);
    }
  }

  /** For FakeHttp: runs the handler and collects its stream. */
  async answer(request: HttpRequest, signal: AbortSignal): Promise<FakeAnswer | undefined> {
    const response = await this.call(request, signal);
    if (response === undefined) return undefined;
    try {
      const closing = this.#closing.get(portOf(new URL(request.url)))?.signal ?? signal;
      const body = await collected(response, AbortSignal.any([signal, closing]));
      return body === CUT_OFF ? { error: 'http-reset' } : compressed(response, body, request);
    } catch {
      return { error: 'http-reset' };
    }
  }
}

function serverRequest(
  request: Pick<HttpRequest, 'method' | 'url'> & Partial<HttpRequest>,
  url: URL,
  { signal, lent }: { readonly signal: AbortSignal; readonly lent: Uint8Array[] },
): ServerRequest | undefined {
  const headers = lowerCased({ host: url.host, ...request.headers });
  const path = decodedPath(url.pathname);
  if (path === undefined) return undefined;
  return {
    method: request.method,
    path,
    query: url.search.slice(1),
    headers,
    remoteAddress: '127.0.0.1',
    signal,
    body: async bytesMax => {
      const raw = request.body ?? new Uint8Array(0);
      const body = decompressed(raw, headers['content-encoding'] ?? '');
      if (body === undefined) return failed('http-bad-encoding', request);
      return body.length > bytesMax ? failed('http-body-too-large', request) : ok(body);
    },
    rawBody: async bytesMax => {
      const raw = (request.body ?? new Uint8Array(0)).slice();
      if (raw.length > bytesMax) return failed('http-body-too-large', request);
      lent.push(raw);
      return ok(raw);
    },
  };
}

function portOf(url: URL): number {
  return Number(url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port);
}

function decodedPath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** As the real server does for clients that take it. */
function compressed(
  { status, headers, body }: ServerResponse,
  bytes: Uint8Array,
  request: HttpRequest,
): FakeAnswer {
  const isWhole = typeof body === 'string' || body instanceof Uint8Array;
  if (!isWorthwhile(isWhole ? bytes.length : Number.POSITIVE_INFINITY, headers))
    return { status, headers, body: bytes };
  const encoding = chosenEncoding(lowerCased(request.headers)['accept-encoding'] ?? '');
  const encoded = encoding === undefined ? {} : { 'content-encoding': encoding };
  const packed =
    encoding === undefined ? bytes : encoding === 'gzip' ? gzipSync(bytes) : brotliCompressSync(bytes);
  return { status, headers: { ...headers, vary: 'accept-encoding', ...encoded }, body: packed };
}

/** A stream that is left before its end is cut off, but for events, which have none. */
async function collected(
  { body, headers }: ServerResponse,
  signal: AbortSignal,
): Promise<Uint8Array | typeof CUT_OFF> {
  if (typeof body === 'string') return new TextEncoder().encode(body);
  if (body instanceof Uint8Array) return body;
  const parts: Uint8Array[] = [];
  const chunks = body[Symbol.asyncIterator]();
  for (;;) {
    const next = await chunks.next();
    if (signal.aborted) {
      await chunks.return?.();
      return areEvents(lowerCased(headers)) ? new Uint8Array(Buffer.concat(parts)) : CUT_OFF;
    }
    if (next.done === true) return next.value === CUT_OFF ? CUT_OFF : new Uint8Array(Buffer.concat(parts));
    parts.push(typeof next.value === 'string' ? new TextEncoder().encode(next.value) : next.value);
  }
}

function decoded(answer: FakeAnswer, request: HttpRequest): Result<HttpResponse, HttpError> {
  const raw = typeof answer.body === 'string' ? new TextEncoder().encode(answer.body) : answer.body;
  const wire = raw ?? new Uint8Array(0);
  const headers = lowerCased(answer.headers ?? {});
  const body = decompressed(wire, headers['content-encoding'] ?? '');
  if (body === undefined) return failed('http-bad-encoding', request);
  if (body.length > request.bodyBytesMax) return failed('http-body-too-large', request);
  const status = answer.status ?? 200;
  const { takeBody } = request;
  if (takeBody === undefined || status !== 200) return ok({ status, headers, body, wireBytes: wire.length });
  const lent = body.slice();
  takeBody(lent, { headers });
  // Whoever looks at it later must not find what was there.
  lent.fill(0xff);
  return ok({ status, headers, body: new Uint8Array(0), wireBytes: wire.length });
}

function decompressed(bytes: Uint8Array, encoding: string): Uint8Array | undefined {
  try {
    switch (encoding.toLowerCase()) {
      case '':
      case 'identity':
        return bytes;
      case 'gzip':
        return new Uint8Array(gunzipSync(bytes));
      case 'deflate':
        return new Uint8Array(inflateSync(bytes));
      case 'br':
        return new Uint8Array(brotliDecompressSync(bytes));
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function failed(code: HttpErrorCode, request: { readonly url: string }): Result<never, HttpError> {
  return err({ code, message: `Cannot fetch "${request.url}": ${code}` });
}
