// Reads and writes numbers as Go's programs lay them out: big-endian words, and varints as encoding/binary has them. A reader
// takes any bytes: behind the end, or where a number is too large to be exact, it says `failed` and gives zeros.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

const TWO_32 = 4_294_967_296;
const VARINT_BYTES_MAX = 10;

export class BigEndianReader {
  #bytes: Uint8Array;
  #view: DataView;
  // A mark of the byte order at the start of a value is part of it.
  readonly #text = new TextDecoder('utf-8', { ignoreBOM: true });
  /** Of the next byte, from the start of the array. */
  at: number;
  end: number;
  failed = false;

  constructor(bytes: Uint8Array, range = { from: 0, to: bytes.length }) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.at = range.from;
    this.end = range.to;
  }

  /** Goes on with other bytes. */
  reset(bytes: Uint8Array, range: { readonly from: number; readonly to: number }): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = viewOf(bytes);
    }
    this.at = range.from;
    this.end = range.to;
    this.failed = false;
  }

  get left(): number {
    return this.end - this.at;
  }

  u8(): number {
    return this.#has(1) ? this.#bytes[this.at++]! : 0;
  }

  u16(): number {
    if (!this.#has(2)) return 0;
    this.at += 2;
    return this.#view.getUint16(this.at - 2);
  }

  u32(): number {
    if (!this.#has(4)) return 0;
    this.at += 4;
    return this.#view.getUint32(this.at - 4);
  }

  /** Fails beyond 2^53. */
  u64(): number {
    const value = this.u32() * TWO_32 + this.u32();
    return this.#exact(value);
  }

  i64(): number {
    const value = (this.u32() | 0) * TWO_32 + this.u32();
    return this.#exact(value);
  }

  f64(): number {
    if (!this.#has(8)) return 0;
    this.at += 8;
    return this.#view.getFloat64(this.at - 8);
  }

  /** Fails beyond 2^53. */
  uvarint(): number {
    return this.#exact(this.#varint());
  }

  /** Zigzag. */
  varint(): number {
    const value = this.uvarint();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }

  /** Zigzag, infinite beyond 2^52: the ends of a range that has none are the outermost 64-bit numbers. */
  boundedVarint(): number {
    const value = this.looseVarint();
    return Number.isSafeInteger(2 * value) ? value : value < 0 ? -Infinity : Infinity;
  }

  /** Where the exact number does not matter beyond 2^53: counts of observations. */
  looseUvarint(): number {
    return this.#varint();
  }

  /** The same, zigzag. */
  looseVarint(): number {
    const isOdd = this.at < this.end && this.#bytes[this.at]! % 2 === 1;
    const value = this.#varint();
    return isOdd ? -(value + 1) / 2 : value / 2;
  }

  /** A text behind its length as a varint. */
  text(): string {
    const length = this.uvarint();
    if (length > this.left) {
      this.failed = true;
      return '';
    }
    this.at += length;
    return this.#text.decode(this.#bytes.subarray(this.at - length, this.at));
  }

  skip(count: number): void {
    if (this.#has(count)) this.at += count;
  }

  #has(count: number): boolean {
    if (count <= this.end - this.at) return true;
    this.failed = true;
    this.at = this.end;
    return false;
  }

  #varint(): number {
    const bytes = this.#bytes;
    let value = 0;
    let unit = 1;
    for (let i = 0; i < VARINT_BYTES_MAX && this.at < this.end; i++) {
      const byte = bytes[this.at++]!;
      value += (byte & 127) * unit;
      if (byte < 128) return value;
      unit *= 128;
    }
    this.failed = true;
    return 0;
  }

  #exact(value: number): number {
    if (Number.isSafeInteger(value)) return value;
    this.failed = true;
    return 0;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Owns memory that grows and is used again. */
export class BigEndianWriter {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  readonly #text = new TextEncoder();
  length = 0;

  /** A view: the next call may write over it. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.length, value);
    this.length += 4;
  }

  u64(value: number): void {
    this.u32(Math.floor(value / TWO_32));
    this.u32(value >>> 0);
  }

  uvarint(value: number): void {
    this.#reserve(VARINT_BYTES_MAX);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes[this.length++] = (rest % 128) | 128;
    this.#bytes[this.length++] = rest;
  }

  varint(value: number): void {
    this.uvarint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  text(text: string): void {
    this.prefixed(this.#text.encode(text));
  }

  /** Bytes behind their number as a varint. */
  prefixed(bytes: Uint8Array): void {
    this.uvarint(bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Zeros up to a multiple of `size`, counted from `base`. */
  pad(size: number, base = 0): void {
    while ((base + this.length) % size !== 0) this.u8(0);
  }

  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }

  #reserve(count: number): void {
    if (this.length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * (this.length + count));
    grown.set(this.bytes());
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
