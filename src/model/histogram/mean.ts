// The mean of native histograms: the sum of all by their number, or from where that would grow beyond all numbers the
// incremental mean, as for floats.

import type { NativeHistogram } from '../sample.ts';
import { HistogramSum } from './sum.ts';

export class HistogramMean {
  #sum: HistogramSum;
  #count = 1;
  #isIncremental = false;
  /** No number of the sum is larger: while it is finite, none overflows. */
  #largest: number;

  constructor(first: NativeHistogram) {
    this.#sum = new HistogramSum(first);
    this.#largest = largestOf(first);
  }

  get isReconciled(): boolean {
    return this.#sum.isReconciled;
  }

  get isConflicting(): boolean {
    return this.#sum.isConflicting;
  }

  accepts(other: NativeHistogram): boolean {
    return this.#sum.accepts(other);
  }

  add(other: NativeHistogram): void {
    this.#count += 1;
    if (!this.#isIncremental && this.#addDirectly(other)) return;
    this.#sum.multiply((this.#count - 1) / this.#count);
    this.#sum.add(other, 1, this.#count);
  }

  #addDirectly(other: NativeHistogram): boolean {
    this.#largest += largestOf(other);
    if (Number.isFinite(this.#largest)) {
      this.#sum.add(other);
      return true;
    }
    const before = this.#sum.copy();
    this.#sum.add(other);
    if (!this.#sum.isInfinite) return true;
    this.#isIncremental = true;
    this.#sum = before;
    this.#sum.divide(this.#count - 1);
    return false;
  }

  result(): NativeHistogram {
    if (!this.#isIncremental) this.#sum.divide(this.#count);
    return this.#sum.result();
  }
}

function largestOf({ count, sum, zeroCount, positiveCounts, negativeCounts }: NativeHistogram): number {
  let largest = Math.max(Math.abs(count), Math.abs(sum), Math.abs(zeroCount));
  for (const counts of [positiveCounts, negativeCounts])
    for (const one of counts) largest = Math.max(largest, Math.abs(one));
  // A NaN, which a sum may be, is no reason for anything.
  return Number.isNaN(largest) ? Number.POSITIVE_INFINITY : largest;
}
