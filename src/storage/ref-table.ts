// Series by ref, in pages of an array: refs only rise, so that pages fill one after another, and one whose series are all
// gone goes too. A Map would cost five times the memory and be asked several times as long.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import type { Series } from './head-data.ts';

const PAGE_BITS = 12;
const PAGE_SIZE = 1 << PAGE_BITS;

interface Page {
  readonly series: (Series | undefined)[];
  live: number;
}

export class RefTable {
  readonly #pages: (Page | undefined)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(ref: number): Series | undefined {
    const number = ref >>> PAGE_BITS;
    // To read behind the end of an array makes V8 give up what it has optimized.
    return number < this.#pages.length ? this.#pages[number]?.series[ref & (PAGE_SIZE - 1)] : undefined;
  }

  /** The ref must be free. */
  add(ref: number, series: Series): void {
    const number = ref >>> PAGE_BITS;
    // Filled up, so that the list stays one without gaps.
    while (this.#pages.length <= number) this.#pages.push(undefined);
    let page = this.#pages[number];
    if (page === undefined) {
      page = { series: new Array<Series | undefined>(PAGE_SIZE).fill(undefined), live: 0 };
      this.#pages[number] = page;
    }
    page.series[ref & (PAGE_SIZE - 1)] = series;
    page.live++;
    this.#size++;
  }

  remove(ref: number): void {
    const page = this.#pages[ref >>> PAGE_BITS];
    const at = ref & (PAGE_SIZE - 1);
    if (page?.series[at] === undefined) return;
    page.series[at] = undefined;
    page.live--;
    this.#size--;
    if (page.live === 0) this.#pages[ref >>> PAGE_BITS] = undefined;
  }

  /** In the order of the refs, some thousands at a time; series may come and go meanwhile. */
  *pages(): Generator<readonly (Series | undefined)[]> {
    for (const page of this.#pages) if (page !== undefined) yield page.series;
  }

  /** In the order of the refs. */
  *values(): Generator<Series> {
    for (const page of this.#pages) {
      if (page === undefined) continue;
      for (const series of page.series) if (series !== undefined) yield series;
    }
  }

  /** The same without an object for each. */
  forEach(visit: (series: Series) => void): void {
    for (const page of this.#pages) {
      if (page === undefined) continue;
      for (let i = 0; i < PAGE_SIZE; i++) {
        const series = page.series[i];
        if (series !== undefined) visit(series);
      }
    }
  }
}
