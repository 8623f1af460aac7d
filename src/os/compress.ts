// Answers compressed for clients that take it: JSON of series shrinks to a tenth. In the thread pool, so that a long answer holds
// nothing up.

import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';

const { brotliCompress, constants, createBrotliCompress, createGzip, gzip } = zlib;

/** Newer versions of Node have it (22.15, 23.8), with a level of its own that is as fast as gzip's least. */
interface WithZstd {
  zstdCompress(bytes: Uint8Array | string, done: (error: Error | null, bytes: Uint8Array) => void): void;
  createZstdCompress(): Transform;
}

function zstdOf(all: Partial<WithZstd>): WithZstd | undefined {
  const { zstdCompress, createZstdCompress } = all;
  return zstdCompress && createZstdCompress && { zstdCompress, createZstdCompress };
}

const ZSTD: WithZstd | undefined = zstdOf(zlib as Partial<WithZstd>);

/** Shorter ones fit a packet or two as they are. */
const WORTH_BYTES = 1024;
/** Levels that cost about as much as sending what they save. */
const GZIP = { level: 4 };
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

/** Images and archives are compressed already. */
const WORTH_TYPE = /^(text\/|application\/(json|javascript|xml|openmetrics-text)|image\/svg)/;

export type Encoding = 'gzip' | 'br' | 'zstd';

export const HAS_ZSTD: boolean = ZSTD !== undefined;

/** Which of ours a client takes: of those that it likes best zstd, then gzip. Undefined: it wants bytes as they are. */
export function chosenEncoding(acceptEncoding: string, hasZstd = HAS_ZSTD): Encoding | undefined {
  const weights = new Map<string, number>();
  for (const part of acceptEncoding.toLowerCase().split(',')) {
    const [name = '', ...params] = part.split(';').map(text => text.trim());
    const q = params.find(param => param.startsWith('q='))?.slice(2) ?? '1';
    if (name !== '') weights.set(name, Number(q));
  }
  const weightOf = (name: Encoding): number => weights.get(name) ?? weights.get('*') ?? 0;
  const [first, second] = [weightOf('gzip'), weightOf('br')];
  // By its name only: who takes whatever comes may be older than it.
  const newest = hasZstd ? (weights.get('zstd') ?? 0) : 0;
  if (newest > 0 && newest >= first && newest >= second) return 'zstd';
  if (first > 0 && first >= second) return 'gzip';
  return second > 0 ? 'br' : undefined;
}

/** They must arrive as they are sent, and a compressor waits until it has enough. */
export function areEvents(headers: Readonly<Record<string, string>>): boolean {
  return (headers['content-type'] ?? '').startsWith('text/event-stream');
}

/** `length` is that of the whole body, infinite of a stream. */
export function isWorthwhile(length: number, headers: Readonly<Record<string, string>>): boolean {
  return (
    length >= WORTH_BYTES &&
    headers['content-encoding'] === undefined &&
    WORTH_TYPE.test(headers['content-type'] ?? '') &&
    !areEvents(headers)
  );
}

const toGzip = promisify(gzip);
const toBrotli = promisify(brotliCompress);

export function compress(body: Uint8Array | string, encoding: Encoding): Promise<Uint8Array> {
  if (encoding === 'zstd' && ZSTD !== undefined) return promisify(ZSTD.zstdCompress)(body);
  return encoding === 'br' ? toBrotli(body, BROTLI) : toGzip(body, GZIP);
}

/** The same for a stream. */
export function compressor(encoding: Encoding): Transform {
  if (encoding === 'zstd' && ZSTD !== undefined) return ZSTD.createZstdCompress();
  return encoding === 'br' ? createBrotliCompress(BROTLI) : createGzip(GZIP);
}
