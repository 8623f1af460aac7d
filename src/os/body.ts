// Reading bodies: decompressed while they stream, within a limit on what comes out. Shared by client and server.

import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { err, ok, type Result } from '../base/index.ts';

export type BodyFailure = 'http-bad-encoding' | 'http-body-too-large' | 'http-reset';

export interface ReadBody {
  readonly bytes: Uint8Array;
  /** As they came, before decompression. */
  readonly wireBytes: number;
}

/** Encodings stacked on one body beyond this are an attack, not a need. */
const ENCODINGS_MAX = 2;

/**
 * Reads a stream to its end. After a failure it hands the stream to `giveUp`, which must destroy or drain it;
 * `http-reset` means that the stream itself broke, for a reason that only the caller knows (peer, deadline).
 */
export async function readBody(
  stream: Readable,
  encodings: string,
  limits: { readonly bytesMax: number; readonly giveUp: (stream: Readable) => void },
): Promise<Result<ReadBody, BodyFailure>> {
  const names = encodings
    .toLowerCase()
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '' && name !== 'identity');
  if (names.length > ENCODINGS_MAX || !names.every(isKnown)) {
    stream.on('error', () => {});
    limits.giveUp(stream);
    return err('http-bad-encoding');
  }
  return new Promise(resolve => {
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    let wireBytes = 0;
    let settled = false;
    let stages: Transform[] = [];
    const finish = (result: Result<ReadBody, BodyFailure>): void => {
      if (settled) return;
      settled = true;
      if (!result.ok) {
        stream.unpipe();
        stream.removeAllListeners('data');
        for (const stage of stages) stage.destroy();
        limits.giveUp(stream);
      }
      resolve(result);
    };
    const take = (chunk: Uint8Array): void => {
      sizeBytes += chunk.length;
      if (sizeBytes > limits.bytesMax) finish(err('http-body-too-large'));
      else parts.push(chunk);
    };
    stream.on('error', () => finish(err('http-reset')));
    stream.on('aborted', () => finish(err('http-reset')));
    stream.on('close', () => {
      if (!stream.readableEnded) finish(err('http-reset'));
    });
    stream.on('data', (chunk: Uint8Array) => {
      wireBytes += chunk.length;
    });
    const end = (): void => finish(ok({ bytes: joined(parts, sizeBytes), wireBytes }));
    stages = names.reverse().map(decompressor);
    for (const stage of stages) stage.on('error', () => finish(err('http-bad-encoding')));
    const last = stages.reduce<Readable>((from, stage) => from.pipe(stage), stream);
    last.on('data', take);
    last.on('end', end);
  });
}

function isKnown(name: string): boolean {
  return name === 'gzip' || name === 'x-gzip' || name === 'deflate' || name === 'br';
}

function decompressor(name: string): Transform {
  if (name === 'br') return createBrotliDecompress();
  if (name === 'deflate') return createInflate();
  return createGunzip();
}

function joined(parts: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(sizeBytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
