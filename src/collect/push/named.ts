// Remote write 2.0 names a series by numbers of symbols, 1.0 by label messages. Written out as 1.0 has them, both share
// what is known about series. Into memory that is used again: it is done for each series of each message.

import { BYTES, WireReader } from '../../exposition/index.ts';

const NAME_TAG = 8 + BYTES;
const VALUE_TAG = 16 + BYTES;
const LABEL_TAG = 8 + BYTES;

/** Owns the text that was written last, and the one before it, which stays where it was. */
export class NamedBySymbols {
  bytes = new Uint8Array(4096);
  /** The same memory. */
  reader = new WireReader(this.bytes);
  length = 0;
  #otherBytes = new Uint8Array(4096);
  #otherReader = new WireReader(this.#otherBytes);

  /** False if a symbol is not there. */
  write(refs: readonly number[], symbols: readonly Uint8Array[]): boolean {
    this.#turn();
    this.length = 0;
    const isWhole = this.#writeLabels(refs, symbols);
    if (!isWhole) this.#turn();
    return isWhole;
  }

  #turn(): void {
    [this.bytes, this.#otherBytes] = [this.#otherBytes, this.bytes];
    [this.reader, this.#otherReader] = [this.#otherReader, this.reader];
  }

  #writeLabels(refs: readonly number[], symbols: readonly Uint8Array[]): boolean {
    if (refs.length % 2 !== 0) return false;
    for (let i = 0; i < refs.length; i += 2) {
      const name = symbols[refs[i] as number];
      const value = symbols[refs[i + 1] as number];
      if (name === undefined || value === undefined) return false;
      const inner = 2 + varintLength(name.length) + name.length + varintLength(value.length) + value.length;
      this.#reserve(1 + varintLength(inner) + inner);
      this.bytes[this.length++] = LABEL_TAG;
      this.#varint(inner);
      this.#field(NAME_TAG, name);
      this.#field(VALUE_TAG, value);
    }
    return true;
  }

  #field(tag: number, text: Uint8Array): void {
    this.bytes[this.length++] = tag;
    this.#varint(text.length);
    // A call of "set" costs more than most names have bytes.
    if (text.length > 32) this.bytes.set(text, this.length);
    else for (let i = 0; i < text.length; i++) this.bytes[this.length + i] = text[i] as number;
    this.length += text.length;
  }

  #varint(value: number): void {
    let left = value;
    while (left >= 128) {
      this.bytes[this.length++] = (left % 128) + 128;
      left = Math.floor(left / 128);
    }
    this.bytes[this.length++] = left;
  }

  #reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, this.length + more));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    this.reader = new WireReader(larger);
  }
}

function varintLength(value: number): number {
  let length = 1;
  for (let left = value; left >= 128; left = Math.floor(left / 128)) length++;
  return length;
}
