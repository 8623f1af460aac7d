// What the series of blocks are, as their indexes say it, kept for the queries that ask again: to find out takes longer than to
// read the samples of hours. Shared by all blocks; of those the one read longest ago forgets first.

import type { SeriesRecord } from './block-index.ts';
import { RECORDS_IDLE_LOOKS } from './limits.ts';

/** Of one block. */
export interface KnownRecords {
  readonly series: Map<number, SeriesRecord>;
  /** Which series satisfy matchers, by what these are. */
  readonly matched: Map<string, Uint32Array>;
}

/** Selections remembered of one block, and how long one may be. */
const MATCHED_MAX = 32;
const MATCHED_SERIES_MAX = 8192;

export class RecordCache {
  readonly #seriesMax: number;
  /** The one read last at the end. */
  readonly #blocks = new Map<object, KnownRecords>();
  #series = 0;
  #looks = 0;

  constructor(seriesMax: number) {
    this.#seriesMax = seriesMax;
  }

  /** Series that are kept. */
  get series(): number {
    return this.#series;
  }

  /** Before a read: of that block. */
  of(block: object): KnownRecords {
    this.#looks = 0;
    const known = this.#blocks.get(block) ?? { series: new Map(), matched: new Map() };
    this.#blocks.delete(block);
    this.#blocks.set(block, known);
    return known;
  }

  /** One that was not known when its reading began. Others may have read it meanwhile, or the block may have gone. */
  add(block: object, number: number, record: SeriesRecord): void {
    const known = this.#blocks.get(block);
    if (known === undefined || known.series.has(number)) return;
    if (this.#series >= this.#seriesMax) this.#forgetOldest();
    known.series.set(number, record);
    this.#series++;
  }

  addMatched({ matched }: KnownRecords, key: string, numbers: Uint32Array): void {
    if (numbers.length > MATCHED_SERIES_MAX) return;
    if (matched.size >= MATCHED_MAX) matched.clear();
    matched.set(key, numbers);
  }

  /** Of a block that is closed. */
  drop(block: object): void {
    this.#series -= this.#blocks.get(block)?.series.size ?? 0;
    this.#blocks.delete(block);
  }

  /** Forgets everything at the so-manieth call since the last read. */
  rest(): void {
    if (++this.#looks < RECORDS_IDLE_LOOKS) return;
    this.#blocks.clear();
    this.#series = 0;
  }

  #forgetOldest(): void {
    for (const { series } of this.#blocks.values()) {
      if (series.size === 0) continue;
      this.#series -= series.size;
      series.clear();
      return;
    }
  }
}
