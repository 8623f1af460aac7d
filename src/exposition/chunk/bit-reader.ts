// Bits out of a byte array as Prometheus's chunks have them: the high bit of a byte first. What lies behind the end reads as
// zeros, and `failed` says so: whoever reads asks often enough that it never gets far behind it.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

const TWO_32 = 4_294_967_296;

/** Bytes that may be read behind the end before anybody asks whether the reader has failed: no single number takes more. */
const SLACK_BYTES = 32;

/** Owns memory that is used again for the next chunk. */
export class BitReader {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  /** In bits. */
  #at = 0;
  #end = 0;

  /** Copies the bytes [from, to), so that all of it lies in memory of its own with room behind. */
  load(bytes: Uint8Array, { from, to }: { readonly from: number; readonly to: number }): void {
    const length = to - from;
    if (length + SLACK_BYTES > this.#bytes.length) {
      this.#bytes = new Uint8Array(2 * length + SLACK_BYTES);
      this.#view = new DataView(this.#bytes.buffer);
    }
    if (from === 0 && to === bytes.length) this.#bytes.set(bytes);
    else this.#bytes.set(bytes.subarray(from, to));
    this.#bytes.fill(0, length, length + SLACK_BYTES);
    this.#at = 0;
    this.#end = 8 * length;
  }

  /** Whether more was read than there is. */
  get failed(): boolean {
    return this.#at > this.#end;
  }

  /** Bits that are left, below zero after a failure. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** The next `width` (1 … 32) bits. */
  take(width: number): number {
    const byte = this.#at >>> 3;
    const shift = this.#at & 7;
    this.#at += width;
    const high = this.#view.getUint32(byte);
    const word = shift === 0 ? high : (high << shift) | (this.#bytes[byte + 4]! >>> (8 - shift));
    return word >>> (32 - width);
  }

  /** Ones before a zero, at most `most` (up to 8), with the zero behind them if it is one of so many bits. */
  ones(most: number): number {
    const byte = this.#at >>> 3;
    const word = (this.#view.getUint32(byte) << (this.#at & 7)) >>> 0;
    const ones = Math.min(most, Math.clz32(~word));
    this.#at += ones === most ? most : ones + 1;
    return ones;
  }

  /** `width` (33 … 64) bits as a number of either sign: exact up to 2^53. */
  takeWide(width: number): number {
    const high = this.take(width - 32);
    const low = this.take(32);
    const half = 2 ** (width - 33);
    return (high >= half ? high - 2 * half : high) * TWO_32 + low;
  }

  /** The same above zero. */
  takeWideUnsigned(width: number): number {
    return this.take(width - 32) * TWO_32 + this.take(32);
  }

  /** Seven bits a byte, low first; at most ten of them, exact up to 2^53. */
  varint(): number {
    let value = 0;
    let unit = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.take(8);
      value += (byte & 127) * unit;
      if (byte < 128) return value;
      unit *= 128;
    }
    this.#at = this.#end + 1;
    return 0;
  }

  /** Says that what was read makes no sense. */
  fail(): void {
    this.#at = this.#end + 1;
  }
}
