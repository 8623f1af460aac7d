// Bits into a byte array as Prometheus's chunks have them: the high bit of a byte first.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

const TWO_32 = 4_294_967_296;

/** Owns memory that grows and is used again. */
export class BitWriter {
  #bytes = new Uint8Array(1024);
  /** In bits. */
  #position = 0;

  /** Everything so far; what is missing of the last byte is zero. A copy. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, (this.#position + 7) >>> 3);
  }

  clear(): void {
    this.#bytes.fill(0, 0, (this.#position + 7) >>> 3);
    this.#position = 0;
  }

  /** Two bytes at the start were written as a place for this number. */
  setFirst16(value: number): void {
    this.#bytes[0] = value >>> 8;
    this.#bytes[1] = value & 255;
  }

  setByte(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  /** The low `width` (1 … 32) bits of `value`. */
  put(value: number, width: number): void {
    if (((this.#position + width) >>> 3) + 1 > this.#bytes.length) this.#grow();
    const bytes = this.#bytes;
    let left = width;
    while (left > 0) {
      const free = 8 - (this.#position & 7);
      const take = Math.min(free, left);
      const part = (value >>> (left - take)) & ((1 << take) - 1);
      bytes[this.#position >>> 3]! |= part << (free - take);
      this.#position += take;
      left -= take;
    }
  }

  /** The low `width` (1 … 64) bits of a pair of words. */
  putWords(high: number, low: number, width: number): void {
    if (width > 32) {
      this.put(high, width - 32);
      this.put(low, 32);
    } else this.put(low, width);
  }

  /** A whole number up to 2^53 on either side, as two's complement in `width` (33 … 64) bits. */
  putWide(value: number, width: number): void {
    this.putWords(Math.floor(value / TWO_32) >>> 0, value >>> 0, width);
  }

  #grow(): void {
    const grown = new Uint8Array(this.#bytes.length * 2);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}
