// Writes protobuf's wire format into memory that grows and is used again.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { HIGH_WORD, LOW_WORD } from '../model/index.ts';
import { BYTES, FIXED64, VARINT } from './wire.ts';

const TWO_32 = 4_294_967_296;
/** How many bytes a length may need beyond the one that there is room for: enough for 32 GB. */
const MORE_LENGTH_BYTES_MAX = 4;

export class WireWriter {
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

  /** What is written so far: a view that the next write may invalidate. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    this.#ensure(10);
    const bytes = this.#bytes;
    let rest = value;
    let at = this.#length;
    while (rest >= 128) {
      bytes[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    bytes[at++] = rest;
    this.#length = at;
  }

  /** A field of one of the unsigned types. Zero is left out, as protobuf's third version has it. */
  number(field: number, value: number): void {
    if (value === 0) return;
    this.varint(field * 8 + VARINT);
    this.varint(value);
  }

  /** A field of type int64: two's complement in ten bytes when negative. */
  int64(field: number, value: number): void {
    if (value >= 0) {
      this.number(field, value);
      return;
    }
    this.varint(field * 8 + VARINT);
    this.#ensure(10);
    let low = (value % TWO_32) >>> 0;
    let high = Math.floor(value / TWO_32) >>> 0;
    for (let i = 0; i < 9; i++) {
      this.#bytes[this.#length++] = (low & 0x7f) | 128;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#bytes[this.#length++] = low;
  }

  /** A field of type sint32 or sint64; up to 2^52 on either side. */
  zigzag(field: number, value: number): void {
    this.number(field, zigzagOf(value));
  }

  /** Within a packed field. */
  plainZigzag(value: number): void {
    this.varint(zigzagOf(value));
  }

  double(field: number, value: number): void {
    if (Object.is(value, 0)) return;
    this.varint(field * 8 + FIXED64);
    this.plainDouble(value);
  }

  /** Within a packed field. */
  plainDouble(value: number): void {
    this.#ensure(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** Entry `i` of the column behind `words`, with its very bits. */
  doubleOf(field: number, words: Uint32Array, i: number): void {
    const low = words[2 * i + LOW_WORD]!;
    const high = words[2 * i + HIGH_WORD]!;
    if (low === 0 && high === 0) return;
    this.varint(field * 8 + FIXED64);
    this.#ensure(8);
    this.#view.setUint32(this.#length, low, true);
    this.#view.setUint32(this.#length + 4, high, true);
    this.#length += 8;
  }

  text(field: number, value: string): void {
    const mark = this.begin(field);
    this.#ensure(value.length * 3);
    this.#length += encoder.encodeInto(value, this.#bytes.subarray(this.#length)).written;
    this.end(mark);
  }

  raw(field: number, bytes: Uint8Array): void {
    this.varint(field * 8 + BYTES);
    this.varint(bytes.length);
    this.append(bytes);
  }

  append(bytes: Uint8Array): void {
    this.#ensure(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Begins a message whose length is known: it has no end, and nothing of it has to be moved. */
  sized(field: number, length: number): void {
    this.varint(field * 8 + BYTES);
    this.varint(length);
  }

  /** Begins a field that is a message, or packed numbers; what comes until `end` is its content. */
  begin(field: number): number {
    this.varint(field * 8 + BYTES);
    this.#ensure(1);
    return ++this.#length;
  }

  /** `mark` is what `begin` gave. Most messages are so short that their length fits where it was left room for. */
  end(mark: number): void {
    const length = this.#length - mark;
    if (length < 128) {
      this.#bytes[mark - 1] = length;
      return;
    }
    this.#ensure(MORE_LENGTH_BYTES_MAX);
    let rest = length;
    let bytes = 1;
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
    this.#bytes.copyWithin(mark - 1 + bytes, mark, this.#length);
    this.#length = mark - 1;
    this.varint(length);
    this.#length += length;
  }

  #ensure(count: number): void {
    const wanted = this.#length + count;
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
    grown.set(this.bytes());
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Bytes of a varint. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** 0, -1, 1, -2, … as 0, 1, 2, 3, … */
export function zigzagOf(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

const encoder = new TextEncoder();
