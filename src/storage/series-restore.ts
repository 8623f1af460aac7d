// The series of an earlier process, read one after another: most labels of a record are those of the record before, at the same
// place. Those are neither decoded nor looked up again.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { compareUtf8 } from '../base/index.ts';
import { labelsFromPairs } from '../model/index.ts';
import { decodeText } from './decode-text.ts';
import type { Posting } from './head-data.ts';
import type { SeriesTable } from './series-table.ts';

const REF_MAX = 0xffff_ffff;

export class SeriesRestorer {
  readonly #table: SeriesTable;
  readonly #bytes: Buffer;
  /** Of the record before, and what is left of longer ones: where name and value of label i lie, at 2 i and 2 i + 1, and what they are. */
  readonly #from: number[] = [];
  readonly #length: number[] = [];
  readonly #texts: string[] = [];
  /** Of label i; undefined where its texts are new. */
  readonly #postings: (Posting | undefined)[] = [];
  /** So many labels are known to have their names in order and values that are not empty. */
  #sorted = 0;
  #at = 0;
  #end = 0;

  /** For the records in these bytes, which stay as they are. */
  constructor(table: SeriesTable, bytes: Uint8Array) {
    this.#table = table;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Puts the series of a record (records.ts, `writeSeries`) into the table; false if its payload makes no sense. */
  take(from: number, to: number): boolean {
    this.#at = from;
    this.#end = to;
    const ref = this.#varint();
    const count = this.#varint();
    if (!(ref > 0 && ref <= REF_MAX && count >= 0 && 2 * count <= to - this.#at)) return false;
    for (let place = 0; place < 2 * count; place++) {
      const length = this.#varint();
      if (length < 0 || length > to - this.#at) return false;
      this.#see(place, length);
      this.#at += length;
    }
    if (this.#at !== to) return false;
    if (this.#table.get(ref) !== undefined) return true;
    if (!this.#isSorted(count) || !this.#table.restoreBy(ref, this.#found(count))) this.#restore(ref, count);
    return true;
  }

  /** As `ByteReader.varint`; -1 where there is none. */
  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8 && this.#at < this.#end; i++) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value <= Number.MAX_SAFE_INTEGER ? value : -1;
      scale *= 128;
    }
    return -1;
  }

  /** The text of so many bytes that comes next. */
  #see(place: number, length: number): void {
    const from = this.#at;
    const isSeen = place < this.#length.length;
    if (isSeen && this.#length[place] === length && this.#isThere(this.#from[place]!, length)) return;
    this.#from[place] = from;
    this.#length[place] = length;
    this.#texts[place] = this.#decode(from, from + length);
    this.#postings[place >> 1] = undefined;
    // A value may be any but empty; a name must stand behind the one before.
    if (place % 2 === 0 || length === 0) this.#sorted = Math.min(this.#sorted, place >> 1);
  }

  #decode(from: number, to: number): string {
    for (let i = from; i < to; i++) if (this.#bytes[i]! > 127) return decodeText(this.#bytes, from, to);
    return this.#bytes.toString('latin1', from, to);
  }

  /** Whether the bytes that lie at `known` lie here too. */
  #isThere(known: number, length: number): boolean {
    const bytes = this.#bytes;
    const here = this.#at;
    for (let i = 0; i < length; i++) if (bytes[known + i] !== bytes[here + i]) return false;
    return true;
  }

  #isSorted(count: number): boolean {
    for (; this.#sorted < count; this.#sorted++) {
      const at = 2 * this.#sorted;
      if (this.#texts[at + 1] === '') return false;
      if (at > 0 && compareUtf8(this.#texts[at - 2]!, this.#texts[at]!) >= 0) return false;
    }
    return true;
  }

  #found(count: number) {
    for (let i = 0; i < count; i++) {
      if (this.#postings[i] !== undefined) continue;
      const { posting, name } = this.#table.postingFor(this.#texts[2 * i]!, this.#texts[2 * i + 1]!);
      this.#postings[i] = posting;
      // The table's own texts: those of the file would be kept once a series.
      this.#texts[2 * i] = name;
      this.#texts[2 * i + 1] = posting.value;
    }
    return { flat: this.#texts, postings: this.#postings as readonly Posting[], count };
  }

  /** Written by another hand, or known already under another ref: postings may go on the way. */
  #restore(ref: number, count: number): void {
    const pairs = Array.from(
      { length: count },
      (_, i) => [this.#texts[2 * i]!, this.#texts[2 * i + 1]!] as const,
    );
    this.#table.restore(labelsFromPairs(pairs), ref);
    this.#postings.fill(undefined);
  }
}
