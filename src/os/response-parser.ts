// HTTP/1.1 responses (RFC 9112), read as they come and without a copy: a body's parts are views of the chunks they came
// in. Pure: bytes in, facts out. What undici's parser is for requests in general, this is for the one kind that is asked
// for a hundred times a second: a page from a kept-alive connection.

/** Of status line and headers, and of the trailers behind a chunked body; Node's own default is the same. */
const HEAD_BYTES_MAX = 64 * 1024;
/** More than any chunk: 2 to the 48. */
const CHUNK_DIGITS_MAX = 12;

const NOT_HTTP = 'the answer is not HTTP/1';
const LF = 0x0a;

type State =
  | 'head'
  | 'sized'
  | 'chunk-size'
  | 'chunk-data'
  | 'chunk-end'
  | 'trailers'
  | 'to-the-end'
  | 'done';

/** What feeding a chunk came to; a text says what is wrong. */
export type Fed = 'more' | 'done' | { readonly bad: string };

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/** Owns the reading of one response. */
export class ResponseParser {
  status = 0;
  /** Names in lower case; repeated ones joined by ", ". */
  headers: Readonly<Record<string, string>> = NO_HEADERS;
  /** Of the body, from the chunk that was fed last: views, to be used or copied before the next. */
  parts: Uint8Array[] = [];
  /** Bytes came behind the response: the connection is of no further use. */
  hasMore = false;
  #state: State = 'head';
  /** Of the line that is being read. */
  #text = '';
  /** Status line and headers so far. */
  #lines: string[] = [];
  /** Bytes of them, and of lines behind a chunked body. */
  #lineBytes = 0;
  #left = 0;
  #keepAlive = true;

  /** Whether the head is complete, so that status and headers stand. */
  get hasHead(): boolean {
    return this.#state !== 'head';
  }

  /** Whether the connection may carry another request, once the response is done. */
  get isReusable(): boolean {
    return this.#state === 'done' && this.#keepAlive && !this.hasMore;
  }

  feed(chunk: Uint8Array): Fed {
    this.parts = [];
    let at = 0;
    while (this.#state !== 'done') {
      if (at >= chunk.length) return 'more';
      const next = this.#step(chunk, at);
      if (typeof next !== 'number') return next;
      at = next;
    }
    this.hasMore ||= at < chunk.length;
    return 'done';
  }

  /** The connection has ended: true when the body was meant to go to the end. */
  end(): boolean {
    if (this.#state === 'to-the-end') this.#state = 'done';
    return this.#state === 'done';
  }

  /** Goes on from `at`; returns how far it came. */
  #step(chunk: Uint8Array, at: number): number | { readonly bad: string } {
    switch (this.#state) {
      case 'to-the-end':
        this.parts.push(chunk.subarray(at));
        return chunk.length;
      case 'sized':
      case 'chunk-data':
        return this.#readData(chunk, at);
      default:
        return this.#readLine(chunk, at);
    }
  }

  #takeHead(lines: readonly string[]): string | undefined {
    const match = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(lines[0] ?? '');
    if (match === null) return NOT_HTTP;
    const status = Number(match[2]);
    // No prototype: a header may be called "constructor".
    const headers: Record<string, string> = Object.create(null);
    for (let i = 1; i < lines.length; i++) {
      const line = lines[i] as string;
      const colon = line.indexOf(':');
      if (colon <= 0 || !isToken(line, colon)) return 'a header line cannot be read';
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
    }
    // An interim response: the one that counts is still to come.
    if (status >= 100 && status < 200)
      return status === 101 ? 'the protocol was switched unasked' : undefined;
    this.status = status;
    this.headers = headers;
    this.#keepAlive = keepsAlive(match[1] === '1', headers['connection']);
    return this.#beginBody(headers);
  }

  #beginBody(headers: Readonly<Record<string, string>>): string | undefined {
    const { 'transfer-encoding': coding, 'content-length': length } = headers;
    if (this.status === 204 || this.status === 304) this.#state = 'done';
    else if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked') return `the transfer-encoding "${coding}" is not known`;
      this.#state = 'chunk-size';
    } else if (length === undefined) {
      this.#keepAlive = false;
      this.#state = 'to-the-end';
    } else {
      // Sent twice alike it is a sloppy server, sent twice unlike a hostile one.
      const [first = '', ...others] = length.split(',').map(one => one.trim());
      if (!/^\d{1,15}$/.test(first) || others.some(one => one !== first))
        return `the content-length "${length}" is no length`;
      this.#left = Number(first);
      this.#state = this.#left === 0 ? 'done' : 'sized';
    }
    return undefined;
  }

  #readData(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    this.parts.push(chunk.subarray(at, end));
    this.#left -= end - at;
    if (this.#left === 0) this.#state = this.#state === 'sized' ? 'done' : 'chunk-end';
    return end;
  }

  /** A line of the head, of a chunk's size, the empty one behind its data, or a trailer. */
  #readLine(chunk: Uint8Array, at: number): number | { readonly bad: string } {
    const newline = chunk.indexOf(LF, at);
    const end = newline < 0 ? chunk.length : newline;
    this.#lineBytes += end - at + 1;
    if (this.#lineBytes > HEAD_BYTES_MAX) return { bad: `headers of more than ${HEAD_BYTES_MAX} bytes` };
    this.#text += latin1(chunk, at, end);
    if (newline < 0) return end;
    const line = this.#text.endsWith('\r') ? this.#text.slice(0, -1) : this.#text;
    this.#text = '';
    const bad = this.#takeLine(line);
    return bad === undefined ? newline + 1 : { bad };
  }

  #takeLine(line: string): string | undefined {
    switch (this.#state) {
      case 'head': {
        if (line !== '') {
          this.#lines.push(line);
          // Told at once: what speaks another protocol may wait for us.
          return line.startsWith('HTTP/1.') || this.#lines.length > 1 ? undefined : NOT_HTTP;
        }
        const lines = this.#lines;
        this.#lines = [];
        this.#lineBytes = 0;
        return this.#takeHead(lines);
      }
      case 'trailers':
        if (line === '') this.#state = 'done';
        return undefined;
      case 'chunk-end':
        if (line !== '') return 'a chunk is longer than it says';
        this.#state = 'chunk-size';
        return undefined;
      default:
        return this.#takeSize(line);
    }
  }

  #takeSize(line: string): string | undefined {
    this.#lineBytes = 0;
    const semicolon = line.indexOf(';');
    const digits = (semicolon < 0 ? line : line.slice(0, semicolon)).trim();
    if (digits.length > CHUNK_DIGITS_MAX || !/^[0-9a-fA-F]+$/.test(digits))
      return 'the size of a chunk cannot be read';
    this.#left = Number.parseInt(digits, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk-data';
    return undefined;
  }
}

function keepsAlive(isNewer: boolean, connection: string | undefined): boolean {
  const options = (connection ?? '').toLowerCase().split(',');
  const has = (option: string): boolean => options.some(one => one.trim() === option);
  return isNewer ? !has('close') : has('keep-alive');
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

/** Characters of a header's name. */
function isToken(line: string, end: number): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(line.slice(0, end));
}
