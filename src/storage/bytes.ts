// Byte buffers that grow, and a reader that never runs past its end. Everything on disk is little-endian.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { decodeText } from './decode-text.ts';

const encoder = new TextEncoder();
const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Owns a buffer that doubles when full; `clear` keeps the memory for the next use. */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacityBytes = 4096) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes written so far: a view that the next write may invalidate. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Takes back everything written from `length` on. */
  cutTo(length: number): void {
    this.#length = length;
  }

  /** Makes room for `count` bytes, counts them as written and returns where they begin. */
  reserve(count: number): number {
    const at = this.#length;
    const wanted = at + count;
    if (wanted > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = wanted;
    return at;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.#bytes[at] = value;
  }

  u32(value: number): void {
    const at = this.reserve(4);
    this.#view.setUint32(at, value, true);
  }

  f64(value: number): void {
    const at = this.reserve(8);
    this.#view.setFloat64(at, value, true);
  }

  u32At(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Whole numbers from 0 to 2^53: seven bits a byte, low first, the high bit says that more follow. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.u8((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.u8(rest);
  }

  /** Whole numbers of either sign up to 2^52: 0, -1, 1, -2, … become 0, 1, 2, 3, … */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  text(value: string): void {
    const start = this.#length;
    this.varint(value.length);
    const at = this.reserve(value.length);
    const bytes = this.#bytes;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) {
        this.#length = start;
        this.#encodedText(value);
        return;
      }
      bytes[at + i] = unit;
    }
  }

  #encodedText(value: string): void {
    const bytes = encoder.encode(value);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** The column's bits as they are, value by value, without a trip through a JavaScript number. */
  floats(values: Float64Array): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const at = this.reserve(bytes.length);
    this.#bytes.set(bytes, at);
    if (!littleEndian) swapEach8(this.#bytes.subarray(at, at + bytes.length));
  }
}

/** Reads foreign bytes: past the end it yields zeros and sets `failed`, which the caller asks once at the end. */
export class ByteReader {
  readonly bytes: Uint8Array;
  /** Of the bytes. */
  readonly view: DataView;
  #end: number;
  at: number;
  failed = false;

  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = from;
    this.#end = to;
  }

  /** The same bytes from another place on. */
  within(from: number, to: number): this {
    this.at = from;
    this.#end = Math.min(to, this.bytes.length);
    this.failed = false;
    return this;
  }

  /** Bytes left. */
  get left(): number {
    return this.#end - this.at;
  }

  u8(): number {
    if (this.at >= this.#end) return this.#fail();
    return this.bytes[this.at++]!;
  }

  u32(): number {
    if (this.left < 4) return this.#fail();
    this.at += 4;
    return this.view.getUint32(this.at - 4, true);
  }

  f64(): number {
    if (this.left < 8) return this.#fail();
    this.at += 8;
    return this.view.getFloat64(this.at - 8, true);
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      if (this.at >= this.#end) return this.#fail();
      const byte = this.bytes[this.at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value <= Number.MAX_SAFE_INTEGER ? value : this.#fail();
      scale *= 128;
    }
    return this.#fail();
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  skipVarints(count: number): void {
    const { bytes } = this;
    let { at } = this;
    let left = count;
    for (; left > 0 && at < this.#end; at++) if (bytes[at]! < 128) left--;
    this.at = at;
    if (left > 0) this.#fail();
  }

  /** A count of items of at least `itemBytesMin` bytes each: more than the rest can hold is a failure. */
  count(itemBytesMin: number): number {
    const count = this.varint();
    return count * itemBytesMin <= this.left ? count : this.#fail();
  }

  text(): string {
    const length = this.count(1);
    const from = this.at;
    this.at += length;
    return decodeText(this.bytes, from, this.at);
  }

  raw(length: number): Uint8Array {
    if (this.left < length) {
      this.#fail();
      return new Uint8Array(length);
    }
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  skip(length: number): void {
    if (this.left < length) this.#fail();
    else this.at += length;
  }

  /** Copies so many floats' bits out. */
  floats(count: number): Float64Array {
    const values = new Float64Array(this.left < count * 8 ? 0 : count);
    this.floatsInto(values, 0, count);
    return values;
  }

  /** Copies the bits of so many floats. */
  floatsInto(values: Float64Array, at: number, count: number): void {
    if (this.left < count * 8) {
      this.#fail();
      return;
    }
    const into = new Uint8Array(values.buffer, values.byteOffset + at * 8, count * 8);
    into.set(this.raw(count * 8));
    if (!littleEndian) swapEach8(into);
  }

  #fail(): number {
    this.failed = true;
    this.at = this.#end;
    return 0;
  }
}

function swapEach8(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i += 8) bytes.subarray(i, i + 8).reverse();
}
