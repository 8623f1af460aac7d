// The series of an earlier process, read one after another: most labels of a record are those of the record before, at the same
// place. Those are neither decoded nor looked up again.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { compareUtf8 } from '../base/index.ts';
import { labelsFromPairs } from '../model/index.ts';
import { ByteReader } from './bytes.ts';
import { decodeText } from './decode-text.ts';
import type { Posting } from './head-data.ts';
import type { SeriesTable } from './series-table.ts';

const REF_MAX = 0xffff_ffff;

export class SeriesRestorer {
  readonly #table: SeriesTable;
  /** Of the record before, and what is left of longer ones: name and value of label i at 2 i and 2 i + 1. */
  readonly #bytes: Uint8Array[] = [];
  readonly #texts: string[] = [];
  /** Of label i; undefined where its texts are new. */
  readonly #postings: (Posting | undefined)[] = [];
  /** So many labels are known to have their names in order and values that are not empty. */
  #sorted = 0;

  constructor(table: SeriesTable) {
    this.#table = table;
  }

  /** Puts the series of a record (records.ts, `writeSeries`) into the table; false if its payload makes no sense. */
  take(payload: Uint8Array): boolean {
    const reader = new ByteReader(payload);
    const ref = reader.varint();
    const count = reader.count(2);
    for (let place = 0; place < 2 * count; place++) {
      const length = reader.count(1);
      this.#see(place, payload, { from: reader.at, to: reader.at + length });
      reader.at += length;
    }
    if (reader.failed || reader.left !== 0 || ref === 0 || ref > REF_MAX) return false;
    if (this.#table.get(ref) !== undefined) return true;
    if (!this.#isSorted(count) || !this.#table.restoreBy(ref, this.#found(count))) this.#restore(ref, count);
    return true;
  }

  #see(place: number, bytes: Uint8Array, { from, to }: { readonly from: number; readonly to: number }): void {
    const known = this.#bytes[place];
    if (known !== undefined && isThere(known, bytes, from, to)) return;
    this.#bytes[place] = bytes.subarray(from, to);
    this.#texts[place] = decodeText(bytes, from, to);
    this.#postings[place >> 1] = undefined;
    this.#sorted = Math.min(this.#sorted, place >> 1);
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

function isThere(known: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[from + i]) return false;
  return true;
}
