// The HTTP client, over undici: kept-alive connections, decompression, one limit of time for the whole exchange.

import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import {
  err,
  type Http,
  type HttpError,
  type HttpErrorCode,
  type HttpRequest,
  type HttpResponse,
  type HttpTls,
  ok,
  type Result,
} from '../base/index.ts';
import { type BodyFailure, type ReadBody, readBody, readWholeBody } from './body.ts';
import { Inflater } from './inflater.ts';
import { lazily } from './lazily.ts';
import { TokenStore } from './oauth2.ts';
import {
  type Answer,
  type AnswerBody,
  areSendable,
  PageClient,
  type PageRequest,
  pageRequest,
} from './page-client.ts';
import { proxyFor } from './proxy.ts';
import { Stop } from './stop.ts';

export interface HttpClient extends Http {
  /** Ends kept-alive connections. */
  close(): Promise<void>;
}

/** As browsers and Go do. */
const REDIRECTS_MAX = 10;
/** Connections that nobody has used for so long are closed: longer than the usual scrape interval of 15 s to 1 min. */
const KEEP_ALIVE_MS = 75_000;
/** Different TLS settings and proxies kept ready; the one unused longest is closed beyond this. */
const POOLS_MAX = 64;
/** Of the response's header; Node's own default. */
const HEADER_BYTES_MAX = 64 * 1024;

/** `env` names the proxies of requests that ask for those of the environment. */
export function httpClient(env: Readonly<Record<string, string | undefined>> = {}): HttpClient {
  const pools = new Map<string, Dispatcher>();
  const tokens = new TokenStore();
  const pages = new PageClient(tlsOptions);
  const isProxied = ({ url, proxy }: HttpRequest): boolean =>
    proxy !== undefined && proxyFor(new URL(url), proxy, env) !== undefined;
  // Whoever only gets pages does without it: it takes 20 MB and 50 ms.
  const library = lazily(() => import('undici'));
  const poolFor = async (request: HttpRequest): Promise<Dispatcher> => {
    const undici = await library();
    const proxyUrl = proxyFor(new URL(request.url), request.proxy, env);
    const proxy =
      proxyUrl === undefined ? undefined : { url: proxyUrl, headers: request.proxy?.connectHeaders ?? {} };
    const key = JSON.stringify([request.tls ?? null, proxy ?? null]);
    const pool = pools.get(key) ?? newPool(undici, request.tls, proxy);
    // Put at the end again: the map's order is the order of use.
    pools.delete(key);
    pools.set(key, pool);
    for (const [oldKey, old] of pools) {
      if (pools.size <= POOLS_MAX) break;
      pools.delete(oldKey);
      void old.close();
    }
    return pool;
  };
  const means = {
    poolFor,
    pages,
    isProxied,
    inflater: new Inflater(),
    asked: new WeakMap<HttpRequest, Asked>(),
  };
  return {
    request: async (request, signal) => {
      if (signal?.aborted) return failed('http-aborted', request, 'the caller gave up');
      const stop = new Stop();
      let ended: 'http-timeout' | 'http-aborted' | undefined;
      const end = (code: 'http-timeout' | 'http-aborted'): void => {
        ended ??= code;
        stop.stop();
      };
      const onAbort = (): void => end('http-aborted');
      const timer = setTimeout(() => end('http-timeout'), request.timeoutMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        const result = await withToken(request, {
          tokens,
          send: one => follow(one, { ...means, stop }),
        });
        // A broken stream or an abort is only the form in which the deadline shows.
        return !result.ok && ended !== undefined ? failed(ended, request, ENDED[ended](request)) : result;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      }
    },
    prepare: () => void library().catch(() => undefined),
    close: async () => {
      const open = [...pools.values()];
      pools.clear();
      pages.close();
      await Promise.all(open.map(pool => pool.destroy()));
    },
  };
}

const ENDED = {
  'http-timeout': (request: HttpRequest) => `no complete answer within ${request.timeoutMs} ms`,
  'http-aborted': () => 'the caller gave up',
} as const;

/** With the token that it asks for. One that the server refuses is not used again. */
async function withToken(
  request: HttpRequest,
  by: {
    readonly tokens: TokenStore;
    readonly send: (request: HttpRequest) => Promise<Result<HttpResponse, HttpError>>;
  },
): Promise<Result<HttpResponse, HttpError>> {
  if (request.oauth2 === undefined) return by.send(request);
  const { oauth2, ...plain } = request;
  const header = await by.tokens.header(oauth2, request.timeoutMs, by.send);
  if (!header.ok) return header;
  const answer = await by.send({ ...plain, headers: { ...plain.headers, authorization: header.value } });
  if (answer.ok && answer.value.status === 401) by.tokens.forget(oauth2);
  return answer;
}

interface Means {
  readonly poolFor: (request: HttpRequest) => Promise<Dispatcher>;
  readonly pages: PageClient;
  readonly inflater: Inflater;
  readonly isProxied: (request: HttpRequest) => boolean;
  /** A caller that sends the same request again and again has it worked out once. */
  readonly asked: WeakMap<HttpRequest, Asked>;
  readonly stop: Stop;
}

async function follow(request: HttpRequest, means: Means): Promise<Result<HttpResponse, HttpError>> {
  let current = request;
  for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
    let result: Result<HttpResponse, HttpError>;
    try {
      result = await exchange(current, means);
    } catch (error) {
      return err(httpError(error, current));
    }
    if (!result.ok || request.followRedirects !== true) return result;
    const next = redirected(current, result.value);
    if (next === undefined) return result;
    current = next;
  }
  return failed('http-protocol', request, `more than ${REDIRECTS_MAX} redirects`);
}

async function exchange(request: HttpRequest, means: Means): Promise<Result<HttpResponse, HttpError>> {
  let asked = means.asked.get(request);
  if (asked === undefined) {
    asked = askedOf(request, means);
    if (asked === undefined) return failed('http-bad-url', request, 'not a valid http or https address');
    means.asked.set(request, asked);
  }
  const { status, headers, body } =
    asked.page === undefined ? await send(asked, means) : await getPage(asked.page, { ...means, request });
  if (!body.ok) return failed(body.error, request, bodyCause(body.error, request));
  const { bytes, wireBytes } = body.value;
  return ok({ status, headers, body: bytes, wireBytes });
}

interface Asked {
  readonly request: HttpRequest;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** What the lean client gets; undefined for what it cannot. */
  readonly page: PageRequest | undefined;
}

function askedOf(request: HttpRequest, means: Means): Asked | undefined {
  const url = URL.canParse(request.url) ? new URL(request.url) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  const headers = lowerCased(request.headers);
  headers['accept-encoding'] ??= 'gzip, deflate, br';
  if (headers['authorization'] === undefined && (url.username !== '' || url.password !== '')) {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
  }
  const { body, tls } = request;
  const isLean =
    (request.method === 'GET'
      ? request.takeBody !== undefined && body === undefined
      : request.method === 'POST' && body !== undefined) &&
    areSendable(headers) &&
    !means.isProxied(request);
  return { request, url, headers, page: isLean ? pageRequest(url, headers, { tls, body }) : undefined };
}

interface Answered extends Answer {
  readonly body: Result<ReadBody, BodyFailure>;
}

async function send({ request, url, headers }: Asked, means: Means): Promise<Answered> {
  const pool = await means.poolFor(request);
  const answer = await pool.request({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: request.method as Dispatcher.HttpMethod,
    headers,
    body: request.body ?? null,
    signal: means.stop.signal,
    // The deadline of the whole exchange rules; undici's own limits per phase are off.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const received = flattened(answer.headers);
  const encoding = request.method === 'HEAD' ? '' : (received['content-encoding'] ?? '');
  const taken = { status: answer.statusCode, headers: received };
  const body = await readBody(answer.body, encoding, readingOf(request, taken, means));
  return { ...taken, body };
}

function getPage(page: PageRequest, means: Means & { readonly request: HttpRequest }): Promise<Answered> {
  const take = async (answer: Answer, body: AnswerBody): Promise<Answered> => {
    const encoding = answer.headers['content-encoding'] ?? '';
    const reading = readingOf(means.request, answer, means);
    const whole = 'parts' in body ? readWholeBody(body, encoding, reading) : undefined;
    if (whole !== undefined) return { ...answer, body: whole };
    const stream = 'parts' in body ? streamOf(body.parts) : body.stream;
    return { ...answer, body: await readBody(stream, encoding, reading) };
  };
  return means.pages.get(page, means.stop, take);
}

/** The parts are only lent. */
function streamOf(parts: readonly Uint8Array[]): Readable {
  return Readable.from(
    parts.map(part => Buffer.from(part)),
    { objectMode: false },
  );
}

function readingOf({ takeBody, bodyBytesMax }: HttpRequest, { status, headers }: Answer, means: Means) {
  return {
    bytesMax: bodyBytesMax,
    giveUp: (stream: Readable) => void stream.destroy(),
    inflater: means.inflater,
    take:
      takeBody === undefined || status !== 200
        ? undefined
        : (bytes: Uint8Array) => takeBody(bytes, { headers }),
  };
}

/** The request that a redirect asks for, or undefined when the answer is none. */
function redirected(request: HttpRequest, answer: HttpResponse): HttpRequest | undefined {
  const location = answer.headers['location'];
  if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return undefined;
  if (!URL.canParse(location, request.url)) return undefined;
  const url = new URL(location, request.url);
  const headers = lowerCased(request.headers);
  if (url.origin !== new URL(request.url).origin) {
    // Credentials are for the host they were given for.
    for (const name of ['authorization', 'cookie', 'proxy-authorization']) delete headers[name];
  }
  const asGet = answer.status === 303 || (answer.status <= 302 && request.method === 'POST');
  if (!asGet) return { ...request, url: url.href, headers };
  const { body: _, ...rest } = request;
  for (const name of ['content-type', 'content-length', 'content-encoding']) delete headers[name];
  return { ...rest, url: url.href, headers, method: request.method === 'HEAD' ? 'HEAD' : 'GET' };
}

function newPool(
  { Agent, ProxyAgent }: typeof import('undici'),
  tls: HttpTls | undefined,
  proxy: { readonly url: string; readonly headers: Readonly<Record<string, string>> } | undefined,
): Dispatcher {
  const connect = {
    // The deadline of the exchange ends a connect too; undici's must not come before a long one.
    timeout: 0,
    ...(tls === undefined ? {} : tlsOptions(tls)),
  };
  const common = { keepAliveTimeout: KEEP_ALIVE_MS, maxHeaderSize: HEADER_BYTES_MAX };
  return proxy === undefined
    ? new Agent({ ...common, connect })
    : new ProxyAgent({ ...common, uri: proxy.url, headers: proxy.headers, requestTls: connect });
}

export const TLS_VERSIONS = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const;

/** The port's TLS settings as Node names them. */
export function tlsOptions(tls: HttpTls) {
  return {
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    ...(tls.insecureSkipVerify === true ? { rejectUnauthorized: false } : {}),
    ...(tls.minVersion === undefined ? {} : { minVersion: TLS_VERSIONS[tls.minVersion] }),
    ...(tls.maxVersion === undefined ? {} : { maxVersion: TLS_VERSIONS[tls.maxVersion] }),
  };
}

// --- errors -----------------------------------------------------------------------------------------

const BY_NAME: Readonly<Record<string, HttpErrorCode>> = {
  ECONNREFUSED: 'http-refused',
  EHOSTUNREACH: 'http-refused',
  ENETUNREACH: 'http-refused',
  EADDRNOTAVAIL: 'http-refused',
  ENOTFOUND: 'http-dns',
  EAI_AGAIN: 'http-dns',
  ECONNRESET: 'http-reset',
  EPIPE: 'http-reset',
  UND_ERR_SOCKET: 'http-reset',
  UND_ERR_ABORTED: 'http-aborted',
  ETIMEDOUT: 'http-timeout',
  UND_ERR_CONNECT_TIMEOUT: 'http-timeout',
  UND_ERR_HEADERS_TIMEOUT: 'http-timeout',
  UND_ERR_BODY_TIMEOUT: 'http-timeout',
  EPROTO: 'http-tls',
};

function httpError(error: unknown, request: HttpRequest): HttpError {
  const { name, message } = innermost(error);
  return { code: BY_NAME[name] ?? guessed(name), message: messageOf(request, message) };
}

function guessed(name: string): HttpErrorCode {
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_OSSL)/.test(name)) return 'http-tls';
  if (name === 'UND_ERR_INVALID_ARG' || name === 'ERR_INVALID_URL') return 'http-bad-url';
  return 'http-protocol';
}

/** The system's own error below the wrappers: happy eyeballs gives an aggregate, undici a cause. */
function innermost(error: unknown): { readonly name: string; readonly message: string } {
  let current = error;
  for (let depth = 0; depth < 5; depth++) {
    if (current instanceof AggregateError && current.errors.length > 0) current = current.errors[0];
    else if (current instanceof Error && !('code' in current) && current.cause !== undefined)
      current = current.cause;
    else break;
  }
  const message = current instanceof Error ? current.message : String(current);
  const name = current instanceof Error && 'code' in current ? String(current.code) : '';
  return { name, message };
}

function bodyCause(code: HttpErrorCode, request: HttpRequest): string {
  if (code === 'http-body-too-large') return `the body is larger than ${request.bodyBytesMax} bytes`;
  if (code === 'http-bad-encoding') return 'the body could not be decompressed';
  return 'the connection broke before the body was complete';
}

function failed(code: HttpErrorCode, request: HttpRequest, cause: string): Result<never, HttpError> {
  return err({ code, message: messageOf(request, cause) });
}

function messageOf(request: HttpRequest, cause: string): string {
  return `Cannot fetch "${withoutPassword(request.url)}": ${cause}`;
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  const lower: Record<string, string> = {};
  for (const name in headers) lower[name.toLowerCase()] = headers[name] as string;
  return lower;
}

function flattened(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = typeof value === 'string' ? value : value.join(', ');
  }
  return flat;
}
