// One connection of the page client, and the exchange that is on it.

import { connect as connectPlain, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { ResponseParser } from './response-parser.ts';

/** Where a connection goes. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Undefined for one without TLS. */
  readonly tls: ConnectionOptions | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** A short body comes whole, in parts that lie in memory which is used again after the call; a long one as a stream. */
export type AnswerBody =
  | { readonly parts: readonly Uint8Array[]; readonly sizeBytes: number }
  | { readonly stream: Readable };

export interface Exchange {
  /** Called once, unless `onFailed` is. */
  onAnswer(answer: Answer, body: AnswerBody): void;
  /** `isFresh`: nothing of an answer had come. */
  onFailed(error: Error, isFresh: boolean): void;
}

/** Bodies up to here are handed over whole. */
const GATHERED_BYTES_MAX = 256 * 1024;
/** Nobody uses the connection for so long: longer than the usual scrape interval of 15 s to 1 min. */
const IDLE_MS = 75_000;
/** So long before its server means to close it, a request might meet the end of the connection on its way. */
const CLOSING_MARGIN_MS = 1000;

/** Owns a socket. One exchange at a time. */
export class PageConnection {
  readonly #socket: Socket;
  readonly #onIdle: (connection: PageConnection) => void;
  readonly #onGone: (connection: PageConnection) => void;
  #exchange: Exchange | undefined;
  #parser: ResponseParser | undefined;
  #hasAny = false;
  #parts: Uint8Array[] = [];
  #sizeBytes = 0;
  #stream: Readable | undefined;
  /** On the monotonic clock; by the word of the server. */
  #openUntilMs = Number.POSITIVE_INFINITY;

  /** `received` is where all connections read into: what lies there is used up before the next one reads. */
  constructor(
    endpoint: Endpoint,
    how: {
      readonly received: Uint8Array;
      readonly onIdle: (connection: PageConnection) => void;
      readonly onGone: (connection: PageConnection) => void;
    },
  ) {
    this.#onIdle = how.onIdle;
    this.#onGone = how.onGone;
    const { host, port, tls } = endpoint;
    if (tls === undefined) {
      const onread = {
        buffer: how.received,
        callback: (length: number, buffer: Uint8Array): boolean => {
          this.#receive(buffer.subarray(0, length));
          return true;
        },
      };
      this.#socket = connectPlain({ host, port, noDelay: true, onread });
    } else {
      this.#socket = connectTls({ host, port, ...tls });
      this.#socket.setNoDelay(true);
      this.#socket.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    }
    const socket = this.#socket;
    socket.setTimeout(IDLE_MS, () => {
      if (this.#exchange === undefined) socket.destroy();
    });
    socket.on('error', error => this.#fail(error));
    socket.on('end', () => this.#ended());
    socket.on('close', () => {
      this.#ended();
      this.#onGone(this);
    });
  }

  /** Whether its server, by its own word, keeps it for a request that is sent now. */
  isStillOpen(nowMs: number): boolean {
    return nowMs < this.#openUntilMs;
  }

  /** One write, so that a short message is one packet. */
  send(
    { head, body }: { readonly head: string; readonly body: Uint8Array | undefined },
    exchange: Exchange,
  ): void {
    this.#exchange = exchange;
    this.#parser = new ResponseParser();
    this.#hasAny = false;
    this.#parts = [];
    this.#sizeBytes = 0;
    if (body === undefined) this.#socket.write(head, 'latin1');
    else this.#socket.write(Buffer.concat([Buffer.from(head, 'latin1'), body]));
  }

  /** Ends the connection if this is still the exchange on it, and the exchange without a word. */
  abandon(exchange: Exchange): void {
    if (this.#exchange === exchange) this.destroy();
  }

  destroy(): void {
    this.#exchange = undefined;
    this.#stream?.destroy();
    this.#stream = undefined;
    this.#socket.destroy();
  }

  #receive(chunk: Uint8Array): void {
    // What nobody asked for.
    const parser = this.#parser;
    if (this.#exchange === undefined || parser === undefined) {
      this.destroy();
      return;
    }
    this.#hasAny = true;
    const fed = parser.feed(chunk);
    if (typeof fed === 'object') {
      this.#fail(new Error(fed.bad));
      return;
    }
    for (const part of parser.parts) {
      this.#take(part, { isLast: fed === 'done', parser });
      // The body was given up: it is too long.
      if (this.#exchange === undefined) return;
    }
    if (fed === 'done') this.#finish(parser);
  }

  /** What is kept beyond this call is copied. */
  #take(
    part: Uint8Array,
    { isLast, parser }: { readonly isLast: boolean; readonly parser: ResponseParser },
  ): void {
    if (this.#stream !== undefined) {
      if (!this.#stream.push(Buffer.from(part))) this.#socket.pause();
      return;
    }
    this.#parts.push(isLast ? part : part.slice());
    this.#sizeBytes += part.length;
    if (this.#sizeBytes > GATHERED_BYTES_MAX) this.#beginStream(parser);
  }

  #beginStream({ status, headers }: ResponseParser): void {
    const socket = this.#socket;
    const stream = new Readable({
      read: () => void socket.resume(),
      destroy: (error, done) => {
        // Given up half way: the rest is not worth reading.
        if (this.#stream === stream) this.destroy();
        done(error);
      },
    });
    for (const part of this.#parts) stream.push(Buffer.from(part));
    this.#parts = [];
    this.#stream = stream;
    this.#exchange?.onAnswer({ status, headers }, { stream });
  }

  #finish({ status, headers, isReusable }: ResponseParser): void {
    const exchange = this.#exchange;
    const stream = this.#stream;
    const [parts, sizeBytes] = [this.#parts, this.#sizeBytes];
    this.#exchange = undefined;
    this.#parser = undefined;
    this.#stream = undefined;
    this.#parts = [];
    // Its reader may be behind still: what it has to read lies in the stream, and the next answer is another's.
    if (this.#socket.isPaused()) this.#socket.resume();
    const keptS = /\btimeout=(\d{1,9})/i.exec(headers['keep-alive'] ?? '')?.[1];
    if (keptS !== undefined) this.#openUntilMs = performance.now() + Number(keptS) * 1000 - CLOSING_MARGIN_MS;
    // First, so that who is answered may ask again on it.
    if (isReusable) this.#onIdle(this);
    else this.#socket.destroy();
    if (stream !== undefined) stream.push(null);
    else exchange?.onAnswer({ status, headers }, { parts, sizeBytes });
  }

  #ended(): void {
    if (this.#exchange === undefined) {
      this.#socket.destroy();
      return;
    }
    const parser = this.#parser;
    if (parser?.end()) this.#finish(parser);
    else if (this.#hasAny) this.#fail(broken('the connection broke before the answer was complete'));
    else this.#fail(broken('the connection was closed without an answer'));
  }

  #fail(error: Error): void {
    const exchange = this.#exchange;
    const stream = this.#stream;
    const isFresh = !this.#hasAny;
    this.#exchange = undefined;
    this.#stream = undefined;
    this.#socket.destroy();
    if (stream !== undefined) stream.destroy(error);
    else exchange?.onFailed(error, isFresh);
  }
}

function broken(cause: string): Error {
  return Object.assign(new Error(cause), { code: 'ECONNRESET' });
}
