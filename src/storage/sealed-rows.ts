// Rows of the log whose chunk is sealed: at a start most are. Nothing is wanted of them but the layout that they may define for
// rows behind them, and that is not decoded before one of those asks.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type TargetId, targetId } from '../model/index.ts';
import { decodeText } from './decode-text.ts';
import { HAS_LAYOUT, HAS_ROW, HAS_ROW_EXTRAS } from './records.ts';

export interface CodedLayout {
  readonly producer: TargetId;
  readonly count: number;
  readonly coded: Uint8Array;
}

/** Looks at the batch records in a file's bytes. */
export class SealedRows {
  readonly bytes: Uint8Array;
  readonly #sealed: ReadonlySet<number>;
  #at = 0;
  #end = 0;
  /** Of the record that `take` said yes to. */
  layoutId = 0;
  layout: CodedLayout | undefined;

  constructor(bytes: Uint8Array, sealed: ReadonlySet<number>) {
    this.bytes = bytes;
    this.#sealed = sealed;
  }

  /** Whether a payload holds a row of a sealed chunk and nothing else. What is not sure is for `readBatch`. */
  take(from: number, to: number): boolean {
    const flags = this.bytes[from] ?? 0;
    if ((flags & HAS_ROW) === 0 || (flags & ~(HAS_ROW | HAS_LAYOUT | HAS_ROW_EXTRAS)) !== 0) return false;
    this.#at = from + 1;
    this.#end = to;
    const hasLayout = (flags & HAS_LAYOUT) !== 0;
    const producerBytes = hasLayout ? this.#varint() : 0;
    const producerFrom = this.#at;
    this.#at += producerBytes;
    this.layoutId = this.#varint();
    if (!this.#sealed.has(this.#varint())) return false;
    // The row's time.
    this.#at += 8;
    const count = this.#varint();
    if (this.#at + 8 * count > to) return false;
    this.layout = undefined;
    if (!hasLayout) return true;
    const refsFrom = this.#at;
    if (!this.#skipVarints(count)) return false;
    const producer = targetId(decodeText(this.bytes, producerFrom, producerFrom + producerBytes));
    // A copy: the next piece is read into the same memory.
    this.layout = { producer, count, coded: this.bytes.slice(refsFrom, this.#at) };
    return true;
  }

  /** Infinity where there is none: no chunk has that id, and nothing is that long. */
  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8 && this.#at < this.#end; i++) {
      const byte = this.bytes[this.#at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    return Infinity;
  }

  #skipVarints(count: number): boolean {
    let at = this.#at;
    for (let left = count; left > 0 && at < this.#end; at++) if (this.bytes[at]! < 128) left--;
    this.#at = at;
    // The last byte of a run ends a number: else it was cut off.
    return at < this.#end && (count === 0 || this.bytes[at - 1]! < 128);
  }
}
