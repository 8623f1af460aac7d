// The values of a window in order, while it moves forward: what enters and leaves is put in its place, and nothing is sorted
// anew unless most of it is new.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import type { RangeSeries } from '../operators/index.ts';
import { quantileOf, quantileOfSorted } from '../operators/index.ts';
import type { WindowKernel } from './call.ts';

/** The quantile that the first parameter names, of each window. */
export function slidingQuantile(): WindowKernel {
  const window = new SortedWindow();
  return (series, column, { params }) => {
    const { first, end } = series;
    window.begin(series);
    if (first.length === 1) {
      // There is nothing to move: one quantile takes no order of all.
      if (end[0] === first[0]) return;
      column.values[column.offset] = quantileOf(params[0]![0]!, window.unsorted(first[0]!, end[0]!));
      column.present[column.offset] = 1;
      return;
    }
    for (let i = 0; i < first.length; i++) {
      if (end[i] === first[i]) continue;
      column.values[column.offset + i] = quantileOfSorted(params[0]![i]!, window.at(first[i]!, end[i]!));
      column.present[column.offset + i] = 1;
    }
  };
}

/** Moving what enters and leaves is cheaper than sorting up to this share of the window. */
const MOVED_SHARE = 0.25;

class SortedWindow {
  #values: Float64Array = new Float64Array(0);
  #hasNaN = false;
  /** Used again by each series. */
  #sorted: Float64Array = new Float64Array(0);
  #length = 0;
  #from = 0;
  #to = 0;

  begin({ values, first, end }: RangeSeries): void {
    this.#values = values;
    this.#length = 0;
    this.#from = 0;
    this.#to = 0;
    const [from, to] = [first[0] ?? 0, end.at(-1) ?? 0];
    let hasNaN = false;
    for (let i = from; i < to && !hasNaN; i++) hasNaN = Number.isNaN(values[i]!);
    this.#hasNaN = hasNaN;
  }

  /** Windows come in the order of their ends, and of their starts. */
  at(from: number, to: number): Float64Array {
    const moved = from - this.#from + (to - this.#to);
    if (this.#hasNaN || from >= this.#to || moved > MOVED_SHARE * (to - from)) this.#sort(from, to);
    else {
      this.#room(to - from + (from - this.#from));
      for (let i = this.#to; i < to; i++) this.#insert(this.#values[i]!);
      for (let i = this.#from; i < from; i++) this.#remove(this.#values[i]!);
    }
    this.#from = from;
    this.#to = to;
    return this.#sorted.subarray(0, this.#length);
  }

  /** A copy, good until the next call. */
  unsorted(from: number, to: number): Float64Array {
    this.#length = to - from;
    this.#room(this.#length);
    this.#sorted.set(this.#values.subarray(from, to));
    return this.#sorted.subarray(0, this.#length);
  }

  #sort(from: number, to: number): void {
    this.unsorted(from, to).sort();
  }

  #room(count: number): void {
    if (count <= this.#sorted.length) return;
    const larger = new Float64Array(2 * count);
    larger.set(this.#sorted.subarray(0, this.#length));
    this.#sorted = larger;
  }

  #insert(value: number): void {
    const at = this.#placeOf(value);
    this.#sorted.copyWithin(at + 1, at, this.#length);
    this.#sorted[at] = value;
    this.#length++;
  }

  #remove(value: number): void {
    const at = this.#placeOf(value);
    this.#sorted.copyWithin(at, at + 1, this.#length);
    this.#length--;
  }

  /** Of the first that is not below the value; -0 is below 0, as where they are sorted. */
  #placeOf(value: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBelow(this.#sorted[middle]!, value)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isBelow(a: number, b: number): boolean {
  return a < b || (a === 0 && b === 0 && Object.is(a, -0) && !Object.is(b, -0));
}
