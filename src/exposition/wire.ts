// Reads protobuf's wire format where it lies. Bad bytes set `bad` and end every loop; nothing is thrown.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

const TWO_32 = 4_294_967_296;

export class WireReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
  end: number;
  bad = false;
  /** Of the field that `next` found. */
  field = 0;
  type = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
    this.end = bytes.length;
  }

  /** The next field of the message that ends at `end`; false at its end, or when it is bad. */
  next(end: number): boolean {
    if (this.bad || this.at >= end) return false;
    const tag = this.varint();
    this.field = Math.floor(tag / 8);
    this.type = tag % 8;
    if (this.field === 0 || this.at > end) this.bad = true;
    return !this.bad;
  }

  /** An unsigned number; above 2^53 it loses its last bits, which no field that is read this way needs. */
  varint(): number {
    let value = 0;
    let unit = 1;
    for (let i = 0; i < 10; i++) {
      if (this.at >= this.end) break;
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
      unit *= 128;
    }
    this.bad = true;
    return 0;
  }

  /** int64: two's complement in ten bytes when negative. */
  int64(): number {
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      if (this.at >= this.end) break;
      const byte = this.bytes[this.at++]!;
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= i < 9 ? bits << (7 * i - 32) : bits << 31;
      if (byte < 0x80) return (high | 0) * TWO_32 + (low >>> 0);
    }
    this.bad = true;
    return 0;
  }

  /** sint64 and sint32: zigzag. Above 2^53 the last bits are lost. */
  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  double(): number {
    if (this.at + 8 > this.end) {
      this.bad = true;
      return 0;
    }
    const value = this.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  /** The end of a length-delimited field that begins here. */
  span(end: number): number {
    const length = this.varint();
    const stop = this.at + length;
    if (stop > end) this.bad = true;
    return this.bad ? this.at : stop;
  }

  skip(end: number): void {
    switch (this.type) {
      case VARINT:
        this.varint();
        break;
      case FIXED64:
        this.at += 8;
        break;
      case BYTES:
        this.at = this.span(end);
        break;
      case FIXED32:
        this.at += 4;
        break;
      default:
        this.bad = true;
    }
    if (this.at > end) this.bad = true;
  }

  /** Whether the field has this type; another one makes the message bad. */
  is(type: number): boolean {
    if (this.type !== type) this.bad = true;
    return !this.bad;
  }
}
