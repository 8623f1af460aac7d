import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResponseParser } from './response-parser.ts';

interface Read {
  readonly outcome: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isReusable: boolean;
}

/** Feeds a response in pieces that end at `cuts`, then the end of the connection. */
function read(text: string, cuts: readonly number[] = []): Read {
  const bytes = Buffer.from(text, 'latin1');
  const parser = new ResponseParser();
  let body = '';
  let outcome = '';
  const ends = [...new Set(cuts.map(cut => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    const fed = parser.feed(bytes.subarray(start, end));
    start = end;
    for (const part of parser.parts) body += Buffer.from(part).toString('latin1');
    if (fed === 'more') continue;
    outcome = fed === 'done' ? 'done' : fed.bad;
    if (outcome !== 'done') break;
  }
  if (outcome === '') outcome = parser.end() ? 'ended' : 'cut short';
  const { status, headers, isReusable } = parser;
  return { outcome, status, headers, body, isReusable };
}

const SIZED = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nup 1\n';
const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nup \r\n2\r\n1\n\r\n0\r\nTrailer: x\r\n\r\n';

describe('a response', () => {
  it('of a said length', () => {
    expect(read(SIZED)).toEqual({
      outcome: 'done',
      status: 200,
      headers: { 'content-type': 'text/plain', 'content-length': '5' },
      body: 'up 1\n',
      isReusable: true,
    });
  });

  it('in chunks, with extensions and trailers', () => {
    expect(read(CHUNKED)).toMatchObject({ outcome: 'done', body: 'up 1\n', isReusable: true });
  });

  it('that goes to the end of the connection', () => {
    const text = 'HTTP/1.1 200 OK\r\n\r\nup 1\n';
    expect(read(text)).toMatchObject({ outcome: 'ended', body: 'up 1\n', isReusable: false });
  });

  it('without a body', () => {
    expect(read('HTTP/1.1 204 No Content\r\n\r\n')).toMatchObject({ outcome: 'done', isReusable: true });
    expect(read('HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n')).toMatchObject({ outcome: 'done', body: '' });
  });

  it('behind interim ones', () => {
    const text = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${SIZED}`;
    expect(read(text)).toEqual(read(SIZED));
  });

  it('with headers that repeat, and bare newlines', () => {
    const text = 'HTTP/1.1 200 OK\nA: 1\na:2\nContent-Length: 1, 1\n\nx';
    expect(read(text)).toMatchObject({ outcome: 'done', headers: { a: '1, 2' }, body: 'x' });
  });

  it('with headers that objects have already', () => {
    const { headers } = read(
      'HTTP/1.1 200 OK\r\nconstructor: a\r\n__proto__: b\r\nContent-Length: 0\r\n\r\n',
    );
    expect(Object.entries(headers)).toEqual([
      ['constructor', 'a'],
      ['__proto__', 'b'],
      ['content-length', '0'],
    ]);
  });

  it.each([
    ['HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', false],
    ['HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n', false],
    ['HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', false],
    ['HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n', true],
    [`${SIZED}HTTP/1.1 200 OK\r\n`, false],
  ])('says whether its connection may be used again: %j', (text, expected) => {
    expect(read(text).isReusable).toBe(expected);
  });

  it.each([
    ['SSH-2.0-OpenSSH\r\n\r\n', 'not HTTP/1'],
    ['HTTP/2 200\r\n\r\n', 'not HTTP/1'],
    ['HTTP/1.1 101 Switching Protocols\r\n\r\n', 'switched'],
    ['HTTP/1.1 200 OK\r\nno colon\r\n\r\n', 'header line'],
    ['HTTP/1.1 200 OK\r\n folded: x\r\n\r\n', 'header line'],
    ['HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', 'no length'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 'no length'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', 'transfer-encoding'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n', 'size of a chunk'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n', 'longer than it says'],
    [`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(70_000)}\r\n\r\n`, 'headers of more than'],
    [`HTTP/1.1 200 OK\r\n${'A: x\r\n'.repeat(20_000)}\r\n`, 'headers of more than'],
    [`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'0'.repeat(70_000)}`, 'headers of more than'],
  ])('is refused with its reason: %#', (text, reason) => {
    expect(read(text).outcome).toContain(reason);
  });

  it('that is cut short anywhere is not taken for whole', () => {
    for (const text of [SIZED, CHUNKED])
      for (let end = 0; end < text.length; end++) expect(read(text.slice(0, end)).outcome).toBe('cut short');
  });
});

describe('any bytes', () => {
  const pieces = fc.constantFrom(
    ...[
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.1 100 x\r\n',
      'Content-Length: 3\r\n',
      'Transfer-Encoding: chunked\r\n',
    ],
    ...['\r\n', '\n', '3\r\n', 'abc', '0\r\n', 'A: b\r\n', ':', ' ', 'ff', '\x00', 'é'],
  );

  it('are read alike however they are cut, and never throw', () => {
    const cuts = fc.array(fc.nat(), { maxLength: 12 });
    const texts = fc.oneof(
      fc.array(pieces, { maxLength: 14 }).map(list => list.join('')),
      fc.constantFrom(SIZED, CHUNKED),
      fc.uint8Array({ maxLength: 80 }).map(bytes => Buffer.from(bytes).toString('latin1')),
    );
    fc.assert(
      fc.property(texts, cuts, (text, at) => {
        const whole = read(text);
        const cut = read(text, at);
        if (whole.outcome === 'done')
          expect({ ...cut, isReusable: true }).toEqual({ ...whole, isReusable: true });
        else expect(cut).toEqual(whole);
      }),
      { numRuns: 3000 },
    );
  });
});
