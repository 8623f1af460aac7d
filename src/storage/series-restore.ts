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
  readonly bytes: Uint8Array;
  readonly #table: SeriesTable;
  readonly #buffer: Buffer;
  /** Of the record before, and what is left of longer ones: where name and value of label i lie, at 2 i and 2 i + 1, and what they are. */
  readonly #from: number[] = [];
  readonly #length: number[] = [];
  readonly #texts: string[] = [];
  /** Of label i; undefined where its texts are new. */
  readonly #postings: (Posting | undefined)[] = [];
  /** So many labels have their postings, and so many are known to have their names in order and values that are not empty. */
  #posted = 0;
  #sorted = 0;
  #at = 0;
  #end = 0;

  /** For the records in these bytes, which stay as they are. */
  constructor(table: SeriesTable, bytes: Uint8Array) {
    this.#table = table;
    this.bytes = bytes;
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Puts the series of a record (records.ts, `writeSeries`) into the table; false if its payload makes no sense. */
  take(from: number, to: number): boolean {
    this.#at = from;
    this.#end = to;
    const ref = this.#varint();
    const count = this.#varint();
    if (!(ref > 0 && ref <= REF_MAX && count >= 0 && 2 * count <= to - this.#at)) return false;
    while (this.#length.length < 2 * count) this.#addPlace();
    if (!this.#readTexts(2 * count) || this.#at !== to) return false;
    if (this.#table.get(ref) !== undefined) return true;
    if (!this.#isSorted(count)) this.#restore(ref, count);
    else {
      this.#findPostings(count);
      const found = { flat: this.#texts, postings: this.#postings as readonly Posting[], count };
      if (!this.#table.restoreBy(ref, found)) this.#restore(ref, count);
    }
    return true;
  }

  #addPlace(): void {
    this.#from.push(0);
    this.#length.push(-1);
    this.#texts.push('');
    if (this.#length.length % 2 === 0) this.#postings.push(undefined);
  }

  /** Most are where the record before had them: these are passed over. */
  #readTexts(count: number): boolean {
    for (let place = 0; place < count; place++) {
      const length = this.#varint();
      const at = this.#at;
      if (length < 0 || length > this.#end - at) return false;
      if (length !== this.#length[place] || !this.#isSame(this.#from[place]!, at, length))
        this.#see(place, length);
      this.#at = at + length;
    }
    return true;
  }

  /** Whether so many bytes from a on are those from b on. */
  #isSame(a: number, b: number, length: number): boolean {
    const { bytes } = this;
    for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false;
    return true;
  }

  /** As `ByteReader.varint`; -1 where there is none. */
  #varint(): number {
    const first = this.#at < this.#end ? this.bytes[this.#at]! : 128;
    if (first >= 128) return this.#longVarint();
    this.#at++;
    return first;
  }

  #longVarint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8 && this.#at < this.#end; i++) {
      const byte = this.bytes[this.#at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value <= Number.MAX_SAFE_INTEGER ? value : -1;
      scale *= 128;
    }
    return -1;
  }

  /** The text of so many bytes that comes next. */
  #see(place: number, length: number): void {
    const from = this.#at;
    const label = place >> 1;
    this.#from[place] = from;
    this.#length[place] = length;
    this.#texts[place] = this.#decode(from, from + length);
    this.#postings[label] = undefined;
    this.#posted = Math.min(this.#posted, label);
    // A value may be any but empty; a name must stand behind the one before.
    if (place % 2 === 0 || length === 0) this.#sorted = Math.min(this.#sorted, label);
  }

  #decode(from: number, to: number): string {
    for (let i = from; i < to; i++) if (this.bytes[i]! > 127) return decodeText(this.bytes, from, to);
    return this.#buffer.toString('latin1', from, to);
  }

  #isSorted(count: number): boolean {
    for (; this.#sorted < count; this.#sorted++) {
      const at = 2 * this.#sorted;
      if (this.#texts[at + 1] === '') return false;
      if (at > 0 && compareUtf8(this.#texts[at - 2]!, this.#texts[at]!) >= 0) return false;
    }
    return true;
  }

  #findPostings(count: number): void {
    for (let i = this.#posted; i < count; i++) {
      if (this.#postings[i] !== undefined) continue;
      const { posting, name } = this.#table.postingFor(this.#texts[2 * i]!, this.#texts[2 * i + 1]!);
      this.#postings[i] = posting;
      // The table's own texts: those of the file would be kept once a series.
      this.#texts[2 * i] = name;
      this.#texts[2 * i + 1] = posting.value;
    }
    this.#posted = Math.max(this.#posted, count);
  }

  /** Written by another hand, or known already under another ref: postings may go on the way. */
  #restore(ref: number, count: number): void {
    const pairs = Array.from(
      { length: count },
      (_, i) => [this.#texts[2 * i]!, this.#texts[2 * i + 1]!] as const,
    );
    this.#table.restore(labelsFromPairs(pairs), ref);
    this.#postings.fill(undefined);
    this.#posted = 0;
  }
}
