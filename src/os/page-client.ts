// The lean HTTP client: pages by GET and messages by POST over kept-alive connections, without a stream, a buffer or a header
// object more than it takes. Everything else (other methods, proxies) is undici's: see http-client.ts, which chooses.

import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { HttpTls } from '../base/index.ts';
import {
  type Answer,
  type AnswerBody,
  type Endpoint,
  type Exchange,
  PageConnection,
} from './page-connection.ts';
import type { Stop } from './stop.ts';

/** One that is sent again and again is worked out once. */
export interface PageRequest {
  readonly url: URL;
  /** Request line and headers as they are sent, in Latin 1. */
  readonly head: string;
  /** Undefined for a GET. */
  readonly body: Uint8Array | undefined;
  readonly tls: HttpTls | undefined;
}

/** Header names in lower case; `areSendable` has judged them. */
export function pageRequest(
  url: URL,
  headers: Readonly<Record<string, string>>,
  { tls, body }: { readonly tls: HttpTls | undefined; readonly body: Uint8Array | undefined },
): PageRequest {
  let head = `${body === undefined ? 'GET' : 'POST'} ${url.pathname}${url.search} HTTP/1.1\r\n`;
  if (headers['host'] === undefined) head += `host: ${url.host}\r\n`;
  for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
  if (body !== undefined && headers['content-length'] === undefined)
    head += `content-length: ${body.length}\r\n`;
  return { url, head: `${head}\r\n`, body, tls };
}

export type { Answer, AnswerBody };

/** What one read takes from a socket at most. */
const RECEIVED_BYTES = 64 * 1024;

/** Owns the connections, and the memory that all of them read into. */
export class PageClient {
  readonly #received = new Uint8Array(RECEIVED_BYTES);
  readonly #idle = new Map<string, PageConnection[]>();
  readonly #all = new Set<PageConnection>();
  /** One job's settings are one object, so that its targets share what is kept ready. */
  readonly #tlsNumbers = new WeakMap<HttpTls, number>();
  #nextTlsNumber = 1;
  readonly #tlsOptions: (tls: HttpTls) => ConnectionOptions;

  constructor(tlsOptions: (tls: HttpTls) => ConnectionOptions) {
    this.#tlsOptions = tlsOptions;
  }

  /**
   * Resolves to what `take` makes of the answer: it must use a body that is not a stream up at once. An error is the
   * system's own, or says what is wrong with the answer. `stop` is this exchange's until then.
   */
  get<T>(
    request: PageRequest,
    stop: Stop,
    take: (answer: Answer, body: AnswerBody) => T | Promise<T>,
  ): Promise<T> {
    const { url, tls } = request;
    const key = tls === undefined ? url.origin : `${url.origin} ${this.#numberOf(tls)}`;
    return new Promise((resolve, reject) => {
      const done = (): void => {
        stop.onStop = undefined;
      };
      const ask = (mayBeUsed: boolean): void => {
        const used = mayBeUsed ? this.#takeIdle(key) : undefined;
        const connection = used ?? this.#connect(key, endpointOf(url, tls, this.#tlsOptions));
        const exchange: Exchange = {
          onAnswer: (answer, body) => {
            if ('parts' in body) done();
            try {
              resolve(take(answer, body));
            } catch (bug) {
              reject(bug);
            }
          },
          onFailed: (error, isFresh) => {
            // The server may have closed an idle connection while this was on its way: asked once more on a new one. What is
            // told and not asked may have arrived: it is for the caller to tell again.
            if (used !== undefined && isFresh && request.body === undefined) ask(false);
            else {
              done();
              reject(error);
            }
          },
        };
        stop.onStop = () => {
          connection.abandon(exchange);
          reject(givenUp());
        };
        connection.send(request, exchange);
      };
      if (stop.isStopped) return reject(givenUp());
      ask(true);
    });
  }

  close(): void {
    for (const connection of this.#all) connection.destroy();
    this.#idle.clear();
  }

  /** The one used last, unless its server may be about to close it. */
  #takeIdle(key: string): PageConnection | undefined {
    const idle = this.#idle.get(key);
    for (let one = idle?.pop(); one !== undefined; one = idle?.pop()) {
      if (one.isStillOpen(performance.now())) return one;
      one.destroy();
    }
    return undefined;
  }

  #numberOf(tls: HttpTls): number {
    const known = this.#tlsNumbers.get(tls);
    if (known !== undefined) return known;
    this.#tlsNumbers.set(tls, this.#nextTlsNumber);
    return this.#nextTlsNumber++;
  }

  #connect(key: string, endpoint: Endpoint): PageConnection {
    const connection = new PageConnection(endpoint, {
      received: this.#received,
      onIdle: one => {
        const idle = this.#idle.get(key);
        if (idle === undefined) this.#idle.set(key, [one]);
        else idle.push(one);
      },
      onGone: one => {
        this.#all.delete(one);
        const idle = this.#idle.get(key)?.filter(other => other !== one) ?? [];
        if (idle.length > 0) this.#idle.set(key, idle);
        else this.#idle.delete(key);
      },
    });
    this.#all.add(connection);
    return connection;
  }
}

function givenUp(): Error {
  return new Error('the exchange was given up');
}

/** Whether names and values may stand in a request as they are. */
export function areSendable(headers: Readonly<Record<string, string>>): boolean {
  for (const [name, value] of Object.entries(headers))
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return false;
  return true;
}

function endpointOf(
  url: URL,
  tls: HttpTls | undefined,
  tlsOptions: (tls: HttpTls) => ConnectionOptions,
): Endpoint {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol === 'http:') return { host, port: Number(url.port || 80), tls: undefined };
  const options = tls === undefined ? {} : tlsOptions(tls);
  const servername = options.servername ?? (isIP(host) === 0 ? host : '');
  return {
    host,
    port: Number(url.port || 443),
    tls: { ...options, ALPNProtocols: ['http/1.1'], ...(servername === '' ? {} : { servername }) },
  };
}
