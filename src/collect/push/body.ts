// Decompression of pushed bodies. The size that comes out is known or counted before memory is spent on it.

import { Decompress as ZstdStream } from 'fzstd';
import { err, ok, type Result } from '../../base/index.ts';
import { Unsnapper } from '../../exposition/index.ts';
import { zstdProblem } from './zstd-frames.ts';

export type PushEncoding = 'snappy' | 'zstd';

/** Bytes given to the zstd decoder at a time: what one piece can grow to is bounded by it, to some 50 MB. */
const PIECE_BYTES = 4 * 1024;

export class BodyDecoder {
  readonly #unsnapper = new Unsnapper();

  /** What comes out is lent until the next call. */
  decode(body: Uint8Array, encoding: PushEncoding, bytesMax: number): Result<Uint8Array, string> {
    return encoding === 'snappy' ? this.#unsnapper.decode(body, bytesMax) : unzstd(body, bytesMax);
  }
}

/** A stream of zstd; what comes out is at most `bytesMax` long, and no memory is spent on more. */
export function unzstd(body: Uint8Array, bytesMax: number): Result<Uint8Array, string> {
  const problem = zstdProblem(body, bytesMax);
  if (problem !== '') return err(problem);
  const parts: Uint8Array[] = [];
  let length = 0;
  const stream = new ZstdStream(part => {
    length += part.length;
    if (length <= bytesMax) parts.push(part);
  });
  try {
    for (let at = 0; at < body.length || at === 0; at += PIECE_BYTES) {
      stream.push(body.subarray(at, at + PIECE_BYTES), at + PIECE_BYTES >= body.length);
      if (length > bytesMax) return err(`it is longer than the ${bytesMax} bytes that are allowed`);
    }
  } catch {
    return err('it is not a zstd stream');
  }
  const plain = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    plain.set(part, at);
    at += part.length;
  }
  return ok(plain);
}
