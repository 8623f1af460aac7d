// Reading bodies: decompressed while they stream, within a limit on what comes out. Shared by client and server.

import type { Readable, Transform } from 'node:stream';
import { brotliDecompressSync, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { err, ok, type Result } from '../base/index.ts';
import { giveBack } from './give-back.ts';
import type { Inflated, Inflater } from './inflater.ts';

export type BodyFailure = 'http-bad-encoding' | 'http-body-too-large' | 'http-reset';

export interface ReadBody {
  readonly bytes: Uint8Array;
  /** As they came, before decompression. */
  readonly wireBytes: number;
}

export interface ReadBodyOptions {
  readonly bytesMax: number;
  readonly giveUp: (stream: Readable) => void;
  /** Of the caller, which reads one body after the other with it. */
  readonly inflater: Inflater;
  /** The stream's chunks are nobody else's: they are given back once their bytes are elsewhere. */
  readonly givesChunks?: boolean;
  /** Gets the bytes in place of the result, in memory that is used again once it returns. */
  readonly take?: ((bytes: Uint8Array) => void) | undefined;
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
  how: ReadBodyOptions,
): Promise<Result<ReadBody, BodyFailure>> {
  const names = namesOf(encodings);
  if (names.length > ENCODINGS_MAX || !names.every(isKnown)) {
    stream.on('error', () => {});
    how.giveUp(stream);
    return err('http-bad-encoding');
  }
  return new Promise((resolve, reject) =>
    new BodyReading(stream, { ...how, names: names.reverse(), resolve, reject }).begin(),
  );
}

/**
 * Compressed bodies up to here are gathered and decompressed in one go: half the cost of a stream through the thread pool,
 * for what nearly all bodies are. It takes a millisecond or two at most.
 */
const GATHERED_BYTES_MAX = 256 * 1024;
const AT_ONCE_BYTES_MAX = 2 * 1024 * 1024;
const NOTHING = new Uint8Array(0);
/** Copied before others have their turn: memory seen for the first time costs some 5 ms a megabyte. */
const SLICE_BYTES = 4 * 1024 * 1024;

interface Reading extends ReadBodyOptions {
  /** The last one applied comes first. */
  readonly names: readonly string[];
  readonly resolve: (result: Result<ReadBody, BodyFailure>) => void;
  /** `take` failed. */
  readonly reject: (bug: unknown) => void;
}

/** A body that is there whole, in parts: as `readBody`; undefined where it takes the long way, through a stream. */
export function readWholeBody(
  body: { readonly parts: readonly Uint8Array[]; readonly sizeBytes: number },
  encodings: string,
  how: Omit<ReadBodyOptions, 'giveUp'>,
): Result<ReadBody, BodyFailure> | undefined {
  const names = namesOf(encodings);
  if (names.length > ENCODINGS_MAX || !names.every(isKnown)) return err('http-bad-encoding');
  const [name, another] = names;
  if (another !== undefined) return undefined;
  const { bytesMax, inflater, take } = how;
  const outMax = Math.min(bytesMax, AT_ONCE_BYTES_MAX);
  const decoded =
    name === undefined
      ? plain(body, { bytesMax, inflater })
      : decompressedAtOnce(name, body, { outMax, inflater });
  if (decoded === 'too-large' && name !== undefined && bytesMax > outMax) return undefined;
  if (decoded === 'too-large') return err('http-body-too-large');
  if (decoded === 'bad') return err('http-bad-encoding');
  if (take === undefined) return ok({ bytes: decoded.slice(), wireBytes: body.sizeBytes });
  take(decoded);
  return ok({ bytes: NOTHING, wireBytes: body.sizeBytes });
}

function plain(
  { parts, sizeBytes }: { readonly parts: readonly Uint8Array[]; readonly sizeBytes: number },
  { bytesMax, inflater }: { readonly bytesMax: number; readonly inflater: Inflater },
): Inflated {
  return sizeBytes > bytesMax ? 'too-large' : inflater.joined(parts, sizeBytes);
}

function decompressedAtOnce(
  name: string,
  body: { readonly parts: readonly Uint8Array[]; readonly sizeBytes: number },
  { outMax, inflater }: { readonly outMax: number; readonly inflater: Inflater },
): Inflated {
  return name === 'br'
    ? decompressBrotli(inflater.joined(body.parts, body.sizeBytes), outMax)
    : inflater.inflate(name === 'deflate' ? 'deflate' : 'gzip', body, outMax);
}

/** One body on its way: gathered as it comes, or through decompressors when it is long. */
class BodyReading {
  readonly #stream: Readable;
  readonly #how: Reading;
  readonly #parts: Uint8Array[] = [];
  #sizeBytes = 0;
  #wireBytes = 0;
  #settled = false;
  #stages: readonly Transform[] = [];

  constructor(stream: Readable, how: Reading) {
    this.#stream = stream;
    this.#how = how;
  }

  begin(): void {
    const stream = this.#stream;
    stream.on('error', () => this.#finish(err('http-reset')));
    stream.on('aborted', () => this.#finish(err('http-reset')));
    stream.on('close', () => {
      if (!stream.readableEnded) this.#finish(err('http-reset'));
    });
    const isPlain = this.#how.names.length === 0;
    const gather = (chunk: Uint8Array): void => {
      this.#wireBytes += chunk.length;
      if (isPlain) this.#take(chunk);
      else {
        this.#parts.push(chunk);
        if (this.#wireBytes > GATHERED_BYTES_MAX) this.#throughStages(gather, gathered);
      }
    };
    const gathered = (): void => {
      if (isPlain) void this.#end();
      else this.#atOnce(gather, gathered);
    };
    stream.on('data', gather);
    stream.on('end', gathered);
  }

  #finish(result: Result<ReadBody, BodyFailure>): void {
    if (this.#settled) return;
    this.#settled = true;
    const { giveUp, resolve } = this.#how;
    if (!result.ok) {
      this.#stream.unpipe();
      this.#stream.removeAllListeners('data');
      for (const stage of this.#stages) stage.destroy();
      giveUp(this.#stream);
    }
    resolve(result);
  }

  #take(chunk: Uint8Array): void {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > this.#how.bytesMax) this.#finish(err('http-body-too-large'));
    else this.#parts.push(chunk);
  }

  async #end(): Promise<void> {
    const whole = await joinedInSlices(this.#parts, this.#sizeBytes);
    this.#giveChunks(whole);
    this.#deliver(whole, { isLent: false });
  }

  #giveChunks(whole?: Uint8Array): void {
    if (this.#how.givesChunks !== true || this.#stages.length > 0) return;
    for (const part of this.#parts.splice(0)) if (part !== whole) giveBack(part);
  }

  #deliver(bytes: Uint8Array, { isLent }: { readonly isLent: boolean }): void {
    if (this.#settled) return;
    const { take, reject } = this.#how;
    const wireBytes = this.#wireBytes;
    if (take === undefined) {
      this.#finish(ok({ bytes: isLent ? bytes.slice() : bytes, wireBytes }));
      return;
    }
    try {
      take(bytes);
    } catch (bug) {
      this.#settled = true;
      reject(bug);
      return;
    }
    this.#finish(ok({ bytes: NOTHING, wireBytes }));
  }

  /** All of a short body is there. */
  #atOnce(gather: (chunk: Uint8Array) => void, gathered: () => void): void {
    if (this.#settled) return;
    const { names, bytesMax, inflater } = this.#how;
    const [name, another] = names;
    if (name === undefined || another !== undefined) {
      this.#throughStages(gather, gathered);
      return;
    }
    const outMax = Math.min(bytesMax, AT_ONCE_BYTES_MAX);
    const packed = { parts: this.#parts, sizeBytes: this.#wireBytes };
    const decompressed = decompressedAtOnce(name, packed, { outMax, inflater });
    if (decompressed === 'too-large' && bytesMax > outMax) this.#throughStages(gather, gathered);
    else if (decompressed === 'too-large') this.#finish(err('http-body-too-large'));
    else if (decompressed === 'bad') this.#finish(err('http-bad-encoding'));
    else {
      this.#giveChunks();
      this.#deliver(decompressed, { isLent: name !== 'br' });
    }
  }

  /** What has been gathered, and the rest as it comes. */
  #throughStages(gather: (chunk: Uint8Array) => void, gathered: () => void): void {
    const stream = this.#stream;
    stream.off('data', gather);
    stream.off('end', gathered);
    const pending = this.#parts.splice(0);
    this.#stages = this.#how.names.map(decompressor);
    for (const stage of this.#stages) stage.on('error', () => this.#finish(err('http-bad-encoding')));
    const [first, ...others] = this.#stages;
    if (first === undefined) return;
    const last = others.reduce<Readable>((from, stage) => from.pipe(stage), first);
    last.on('data', (chunk: Uint8Array) => this.#take(chunk));
    last.on('end', () => void this.#end());
    for (const part of pending) first.write(part);
    if (stream.readableEnded) {
      first.end();
      return;
    }
    stream.on('data', (chunk: Uint8Array) => {
      this.#wireBytes += chunk.length;
    });
    stream.pipe(first);
  }
}

function decompressBrotli(bytes: Uint8Array, maxOutputLength: number): Inflated {
  try {
    return brotliDecompressSync(bytes, { maxOutputLength });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    return code === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : 'bad';
  }
}

function namesOf(encodings: string): string[] {
  if (encodings === '') return [];
  return encodings
    .toLowerCase()
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '' && name !== 'identity');
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

/** As `joined`; a body of a hundred megabytes must not hold the event loop while it is copied. */
async function joinedInSlices(parts: readonly Uint8Array[], sizeBytes: number): Promise<Uint8Array> {
  if (sizeBytes <= SLICE_BYTES || parts.length === 1) return joined(parts, sizeBytes);
  const whole = new Uint8Array(sizeBytes);
  let at = 0;
  let sliceEnd = SLICE_BYTES;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
    if (at < sliceEnd) continue;
    sliceEnd = at + SLICE_BYTES;
    await new Promise(resolve => setImmediate(resolve));
  }
  return whole;
}
