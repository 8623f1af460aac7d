// Decompresses snappy blocks (the format of google/snappy's format_description.txt) into memory that is used again: a body of
// its own for each request would have garbage looked for all the time.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { err, ok, type Result } from '../base/index.ts';

/** Larger bodies get memory of their own: senders' are some hundred kilobytes. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;
/** Up to here a loop copies faster than a call. */
const LOOP_BYTES_MAX = 48;

export class Unsnapper {
  #kept = new Uint8Array(0);

  /** What comes out is lent: the next call writes over it. It is at most `bytesMax` long, and no memory is spent on more. */
  decode(body: Uint8Array, bytesMax: number): Result<Uint8Array, string> {
    // A block says at its start how long it becomes.
    let length = 0;
    let unit = 1;
    let at = 0;
    for (; ; at++) {
      const byte = body[at];
      if (byte === undefined || at === 5) return NOT_SNAPPY;
      length += (byte & 0x7f) * unit;
      unit *= 128;
      if (byte < 0x80) break;
    }
    if (length > bytesMax) return err(`it would be ${length} bytes long, ${bytesMax} are allowed`);
    const plain = this.#room(length);
    return unsnap(body, at + 1, plain) ? ok(plain) : NOT_SNAPPY;
  }

  #room(length: number): Uint8Array {
    if (length > KEPT_BYTES_MAX) return new Uint8Array(length);
    if (length > this.#kept.length) this.#kept = new Uint8Array(Math.min(2 * length, KEPT_BYTES_MAX));
    return this.#kept.subarray(0, length);
  }
}

const NOT_SNAPPY = err('it is not a snappy block');

/** Whether the elements from `at` on fill `plain` exactly. */
function unsnap(body: Uint8Array, at: number, plain: Uint8Array): boolean {
  const end = body.length;
  let done = 0;
  while (at < end) {
    const tag = body[at++]!;
    let length = (tag >>> 2) + 1;
    if ((tag & 3) === LITERAL) {
      if (length > 60) {
        const bytes = length - 60;
        if (at + bytes > end) return false;
        length = number(body, at, bytes) + 1;
        at += bytes;
      }
      if (length > end - at || length > plain.length - done) return false;
      if (length > LOOP_BYTES_MAX) plain.set(body.subarray(at, at + length), done);
      else for (let i = 0; i < length; i++) plain[done + i] = body[at + i]!;
      at += length;
      done += length;
      continue;
    }
    const bytes = OFFSET_BYTES[tag & 3]!;
    if (at + bytes > end) return false;
    let offset = number(body, at, bytes);
    at += bytes;
    if (bytes === 1) {
      offset += (tag >>> 5) << 8;
      length = ((tag >>> 2) & 7) + 4;
    }
    if (offset === 0 || offset > done || length > plain.length - done) return false;
    // Bytes that this very copy writes may be among those it reads.
    if (offset >= length && length > LOOP_BYTES_MAX)
      plain.copyWithin(done, done - offset, done - offset + length);
    else for (let i = 0; i < length; i++) plain[done + i] = plain[done + i - offset]!;
    done += length;
  }
  return done === plain.length;
}

const LITERAL = 0;
/** By kind of copy. */
const OFFSET_BYTES = [0, 1, 2, 4];

/** Up to four bytes, the lowest first. */
function number(bytes: Uint8Array, at: number, count: number): number {
  let value = bytes[at]!;
  if (count > 1) value |= bytes[at + 1]! << 8;
  if (count > 2) value |= bytes[at + 2]! << 16;
  return count > 3 ? value + bytes[at + 3]! * 2 ** 24 : value;
}
