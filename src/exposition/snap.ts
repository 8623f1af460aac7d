// Compresses into a snappy block (the format of google/snappy's format_description.txt), piece by piece: pieces refer back
// within themselves only, so that what is compressed already need not be held.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

/** Longest way back that two bytes can say, and what other compressors cut their input into. */
const PIECE_BYTES = 65_536;
const TABLE_BITS = 14;
/** So many bytes before the end of a piece nothing is looked for any more: four are read at a time. */
const MARGIN = 15;
const COPY_MAX = 64;
/** A copy of one byte less takes three bytes: two of 64 and 3 would be none of the last. */
const SHORT_COPY_MIN = 4;

const LITERAL = 0;
const COPY_1 = 1;
const COPY_2 = 2;

/** Owns the memory that it works in. */
export class Snapper {
  readonly #table = new Uint16Array(1 << TABLE_BITS);
  /** The most that a piece can become: each literal of 64 KiB has a head of three bytes. */
  readonly #out = new Uint8Array(32 + PIECE_BYTES + Math.ceil(PIECE_BYTES / 6));

  /** The elements for these bytes, one part a piece: what follows `snappyHead` in a block. */
  *pieces(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES)
      yield this.#piece(bytes.subarray(at, at + PIECE_BYTES));
  }

  #piece(piece: Uint8Array): Uint8Array {
    const out = this.#out;
    if (piece.length <= MARGIN) return out.slice(0, putLiteral(out, 0, piece));
    const table = this.#table.fill(0);
    const view = new DataView(piece.buffer, piece.byteOffset, piece.length);
    const limit = piece.length - MARGIN;
    let done = 0;
    let length = 0;
    let at = 1;
    // Where nothing is found for long, steps grow: what cannot be compressed is passed quickly.
    let misses = 32;
    while (at < limit) {
      const four = view.getInt32(at, true);
      const slot = Math.imul(four, 0x1e35a7bd) >>> (32 - TABLE_BITS);
      const before = table[slot]!;
      table[slot] = at;
      if (before >= at || view.getInt32(before, true) !== four) {
        at += misses++ >>> 5;
        continue;
      }
      misses = 32;
      if (at > done) length = putLiteral(out, length, piece.subarray(done, at));
      let end = at + 4;
      const offset = at - before;
      // Four at a time: labels repeat over dozens of bytes.
      while (end + 4 <= piece.length && view.getInt32(end, true) === view.getInt32(end - offset, true))
        end += 4;
      while (end < piece.length && piece[end] === piece[end - offset]) end++;
      length = putCopy(out, length, { offset, count: end - at });
      done = end;
      at = end;
    }
    if (done < piece.length) length = putLiteral(out, length, piece.subarray(done));
    return out.slice(0, length);
  }
}

/** What a block begins with: how long it becomes. */
export function snappyHead(plainBytes: number): Uint8Array {
  const head: number[] = [];
  let rest = plainBytes;
  for (; rest >= 128; rest = Math.floor(rest / 128)) head.push((rest % 128) | 128);
  head.push(rest);
  return Uint8Array.from(head);
}

function putLiteral(out: Uint8Array, from: number, bytes: Uint8Array): number {
  const last = bytes.length - 1;
  let at = from;
  if (last < 60) out[at++] = (last << 2) | LITERAL;
  else if (last < 256) {
    out[at++] = (60 << 2) | LITERAL;
    out[at++] = last;
  } else {
    out[at++] = (61 << 2) | LITERAL;
    out[at++] = last & 255;
    out[at++] = last >>> 8;
  }
  out.set(bytes, at);
  return at + bytes.length;
}

function putCopy(
  out: Uint8Array,
  from: number,
  { offset, count }: { readonly offset: number; readonly count: number },
): number {
  let at = from;
  let left = count;
  while (left > 0) {
    // What is left after this must be nothing, or enough for a copy of its own.
    const take =
      left <= COPY_MAX ? left : left < COPY_MAX + SHORT_COPY_MIN ? left - SHORT_COPY_MIN : COPY_MAX;
    if (take < 12 && offset < 2048) {
      out[at++] = ((offset >>> 8) << 5) | ((take - 4) << 2) | COPY_1;
      out[at++] = offset & 255;
    } else {
      out[at++] = ((take - 1) << 2) | COPY_2;
      out[at++] = offset & 255;
      out[at++] = offset >>> 8;
    }
    left -= take;
  }
  return at;
}
