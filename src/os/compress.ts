// Answers compressed for clients that take it: JSON of series shrinks to a tenth. In the thread pool, so that a long answer holds
// nothing up.

import { pipeline, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from 'node:zlib';

/** Shorter ones fit a packet or two as they are. */
const WORTH_BYTES = 1024;
/** Levels that cost about as much as sending what they save. */
const GZIP_LEVEL = 4;
const BROTLI_QUALITY = 4;

/** Images and archives are compressed already. */
const WORTH_TYPE = /^(text\/|application\/(json|javascript|xml|openmetrics-text)|image\/svg)/;

export type Encoding = 'gzip' | 'br';

/** Which of ours a client takes; gzip where it takes both. Undefined: it wants bytes as they are. */
export function chosenEncoding(acceptEncoding: string): Encoding | undefined {
  const weights = new Map<string, number>();
  for (const part of acceptEncoding.toLowerCase().split(',')) {
    const [name = '', ...params] = part.split(';').map(text => text.trim());
    const q = params.find(param => param.startsWith('q='))?.slice(2) ?? '1';
    if (name !== '') weights.set(name, Number(q));
  }
  const weightOf = (name: Encoding): number => weights.get(name) ?? weights.get('*') ?? 0;
  const [first, second] = [weightOf('gzip'), weightOf('br')];
  if (first > 0 && first >= second) return 'gzip';
  return second > 0 ? 'br' : undefined;
}

export function isWorthwhile(length: number, headers: Readonly<Record<string, string>>): boolean {
  return (
    length >= WORTH_BYTES &&
    headers['content-encoding'] === undefined &&
    WORTH_TYPE.test(headers['content-type'] ?? '')
  );
}

/** Streams that are written as they come: of events, which must not wait for a block to fill up. */
const LIVE_TYPE = /^text\/event-stream/;

export function isWorthwhileStream(headers: Readonly<Record<string, string>>): boolean {
  return isWorthwhile(WORTH_BYTES, headers) && !LIVE_TYPE.test(headers['content-type'] ?? '');
}

/** Ends `chunks` when it is itself left early. */
export function compressStream(
  chunks: AsyncIterable<Uint8Array | string>,
  encoding: Encoding,
): AsyncIterable<Uint8Array> {
  const packer = encoding === 'gzip' ? createGzip(GZIP) : createBrotliCompress(BROTLI);
  // A failure ends the packer, and whoever reads from it learns of it there.
  pipeline(Readable.from(chunks), packer, () => {});
  return packer;
}

const GZIP = { level: GZIP_LEVEL };
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } };
const toGzip = promisify(gzip);
const toBrotli = promisify(brotliCompress);

export function compress(body: Uint8Array | string, encoding: Encoding): Promise<Uint8Array> {
  if (encoding === 'gzip') return toGzip(body, GZIP);
  return toBrotli(body, BROTLI);
}
