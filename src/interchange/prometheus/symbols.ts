// The symbol table of an index of Prometheus: all names and values of labels. It is held in its bytes; a string is made of one
// when a series first has it.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { crc32c, err, ok, type Result } from '../../base/index.ts';
import { BigEndianReader } from '../big-endian.ts';
import { damaged, type SourceFailure } from '../failure.ts';
import type { FileWindow } from '../file-window.ts';

/** Length, and number of symbols. */
const HEAD_BYTES = 8;
const CRC_BYTES = 4;

export class Symbols {
  readonly #bytes: Uint8Array;
  /** Where each begins in `#bytes`, with its length. */
  readonly #starts: Uint32Array;
  readonly #texts: (string | undefined)[];
  /** Version 1 names a symbol by its place in the file: that of the first byte, and by place the number. */
  readonly #byPlace: ReadonlyMap<number, number> | undefined;
  readonly #reader: BigEndianReader;

  private constructor(bytes: Uint8Array, starts: Uint32Array, firstPlace: number | undefined) {
    this.#bytes = bytes;
    this.#starts = starts;
    this.#texts = new Array<string | undefined>(starts.length).fill(undefined);
    this.#reader = new BigEndianReader(bytes);
    if (firstPlace !== undefined)
      this.#byPlace = new Map(Array.from(starts, (start, i) => [firstPlace + start, i]));
  }

  static async load(
    window: FileWindow,
    place: { readonly at: number; readonly end: number; readonly version: number },
  ): Promise<Result<Symbols, SourceFailure>> {
    const { at, end, version } = place;
    const wrong = (cause: string): Result<never, SourceFailure> => err(damaged(window.path, at, cause));
    if (at + HEAD_BYTES + CRC_BYTES > end) return wrong('the symbol table lies outside of the file');
    const head = await window.load(at, HEAD_BYTES);
    if (!head.ok) return head;
    const reader = new BigEndianReader(window.bytes, { from: head.value, to: head.value + HEAD_BYTES });
    const length = reader.u32();
    const count = reader.u32();
    if (at + 4 + length + CRC_BYTES > end) return wrong('the symbol table is longer than the file');
    const whole = await window.load(at + 4, length + CRC_BYTES);
    if (!whole.ok) return whole;
    const range = { from: whole.value, to: whole.value + length };
    reader.reset(window.bytes, { from: range.to, to: range.to + CRC_BYTES });
    if (reader.u32() !== crc32c(window.bytes, range)) return wrong('the checksum of the symbols is wrong');
    const bytes = window.bytes.slice(range.from, range.to);
    window.shrink();
    // A symbol takes a byte at least.
    if (count > length) return wrong('there are more symbols than fit into the table');
    const starts = startsOf(bytes, count);
    if (starts === undefined) return wrong('a symbol makes no sense');
    return ok(new Symbols(bytes, starts, version === 1 ? at + 4 : undefined));
  }

  /** Undefined where there is none of this number. */
  get(ref: number): string | undefined {
    const number = this.#byPlace === undefined ? ref : this.#byPlace.get(ref);
    if (number === undefined || number >= this.#starts.length) return undefined;
    const known = this.#texts[number];
    if (known !== undefined) return known;
    this.#reader.reset(this.#bytes, { from: this.#starts[number]!, to: this.#bytes.length });
    const text = this.#reader.text();
    this.#texts[number] = text;
    return text;
  }
}

/** Behind the number of symbols. Undefined where one reaches beyond the table. */
function startsOf(bytes: Uint8Array, count: number): Uint32Array | undefined {
  const reader = new BigEndianReader(bytes, { from: 4, to: bytes.length });
  const starts = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    starts[i] = reader.at;
    reader.skip(reader.uvarint());
    if (reader.failed) return undefined;
  }
  return starts;
}
