// Sums of native histograms: what differs in resolution, in the zero bucket or in custom bounds is brought to what all have
// in common, as Prometheus does. Every count is a Kahan–Neumaier sum.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { isInfinite, lostIn } from '../compensation.ts';
import type { NativeHistogram } from '../sample.ts';
import {
  boundsOf,
  coarser,
  commonBounds,
  isCustom,
  NO_SIDE,
  rebounded,
  type Side,
  sameBounds,
  sideOf,
  spansOf,
} from './buckets.ts';
import { bucketsWithin, widerZero } from './zero.ts';

type Hint = NativeHistogram['resetHint'];

/** Adds up histograms, all exponential or all with custom bounds. Owns its arrays, and nothing of what is added. */
export class HistogramSum {
  /** Custom bounds differed. */
  isReconciled = false;
  /** One says that the counter was reset, another that it was not. */
  isConflicting = false;
  #hint: Hint;
  #seen: { reset: boolean; noReset: boolean };
  #schema: number;
  readonly #isCustom: boolean;
  #bounds: Float64Array;
  #zeroThreshold: number;
  /** Count, sum, zero count, and what rounding took of each. */
  readonly #totals = new Float64Array(3);
  readonly #lost = new Float64Array(3);
  #positive: Side;
  #negative: Side;

  constructor(first: NativeHistogram) {
    this.#hint = first.resetHint;
    this.#seen = { reset: first.resetHint === 'reset', noReset: first.resetHint === 'no-reset' };
    this.#schema = first.schema;
    this.#isCustom = isCustom(first);
    this.#bounds = boundsOf(first);
    this.#zeroThreshold = first.zeroThreshold;
    this.#totals.set([first.count, first.sum, first.zeroCount]);
    this.#positive = owned(sideOf(first.positiveSpans, first.positiveCounts));
    this.#negative = owned(sideOf(first.negativeSpans, first.negativeCounts));
  }

  /** Exponential ones and those with custom bounds do not add up. */
  accepts(other: NativeHistogram): boolean {
    return isCustom(other) === this.#isCustom;
  }

  /** `factor` times the other by `by`: 1 adds, -1 subtracts. It must be accepted. */
  add(other: NativeHistogram, factor: 1 | -1 = 1, by = 1): void {
    this.#takeHint(other.resetHint);
    let positive = sideOf(other.positiveSpans, other.positiveCounts);
    let negative = sideOf(other.negativeSpans, other.negativeCounts);
    let zeroCount = other.zeroCount;
    if (this.#isCustom) positive = this.#reconcileBounds(other, positive);
    else {
      zeroCount = this.#reconcileZero(other, { positive, negative });
      if (other.schema < this.#schema) this.#coarsen(other.schema);
      const steps = other.schema - this.#schema;
      positive = coarser(bucketsWithin(positive, other.schema, this.#zeroThreshold).rest, steps);
      negative = coarser(bucketsWithin(negative, other.schema, this.#zeroThreshold).rest, steps);
    }
    addTo(this.#totals, this.#lost, 0, (factor * other.count) / by);
    addTo(this.#totals, this.#lost, 1, (factor * other.sum) / by);
    addTo(this.#totals, this.#lost, 2, (factor * zeroCount) / by);
    this.#positive = added(this.#positive, positive, count => (factor * count) / by);
    this.#negative = added(this.#negative, negative, count => (factor * count) / by);
  }

  multiply(factor: number): void {
    this.#scale(value => value * factor);
  }

  divide(by: number): void {
    this.#scale(value => value / by);
  }

  #scale(scale: (value: number) => number): void {
    const { counts: positive, lost: lostPositive } = this.#positive;
    const { counts: negative, lost: lostNegative } = this.#negative;
    for (const numbers of [this.#totals, this.#lost, positive, lostPositive, negative, lostNegative])
      for (let i = 0; i < numbers.length; i++) numbers[i] = scale(numbers[i]!);
  }

  /** Whether some count has grown beyond all numbers. */
  get isInfinite(): boolean {
    return (
      this.#totals.some(isInfinite) ||
      this.#positive.counts.some(isInfinite) ||
      this.#negative.counts.some(isInfinite)
    );
  }

  copy(): HistogramSum {
    const copied = new HistogramSum(this.result());
    copied.isReconciled = this.isReconciled;
    copied.isConflicting = this.isConflicting;
    copied.#seen = { ...this.#seen };
    copied.#totals.set(this.#totals);
    copied.#lost.set(this.#lost);
    copied.#positive = owned(this.#positive);
    copied.#negative = owned(this.#negative);
    return copied;
  }

  result(): NativeHistogram {
    const positive = spansOf(this.#positive);
    const negative = spansOf(this.#negative);
    const total = (i: number): number => this.#totals[i]! + this.#lost[i]!;
    return {
      schema: this.#schema,
      count: total(0),
      sum: total(1),
      zeroThreshold: this.#zeroThreshold,
      zeroCount: total(2),
      positiveSpans: positive.spans,
      positiveCounts: positive.counts,
      negativeSpans: negative.spans,
      negativeCounts: negative.counts,
      ...(this.#isCustom ? { customBounds: this.#bounds } : {}),
      resetHint: this.#hint,
      integer: false,
    };
  }

  #takeHint(other: Hint): void {
    this.#seen.reset ||= other === 'reset';
    this.#seen.noReset ||= other === 'no-reset';
    this.isConflicting ||= this.#seen.reset && this.#seen.noReset;
    if (other === this.#hint || this.#hint === 'gauge') return;
    this.#hint = other === 'gauge' ? 'gauge' : 'unknown';
  }

  #coarsen(schema: number): void {
    const steps = this.#schema - schema;
    this.#positive = owned(coarser(this.#positive, steps));
    this.#negative = owned(coarser(this.#negative, steps));
    this.#schema = schema;
  }

  #reconcileBounds(other: NativeHistogram, side: Side): Side {
    const bounds = boundsOf(other);
    if (sameBounds(this.#bounds, bounds)) return side;
    this.isReconciled = true;
    const common = commonBounds(this.#bounds, bounds);
    this.#positive = owned(rebounded(this.#positive, this.#bounds, common));
    this.#bounds = common;
    return rebounded(side, bounds, common);
  }

  /** One zero bucket for both, which ends within no bucket that holds anything; the count the other then has in it. */
  #reconcileZero(
    other: NativeHistogram,
    sides: { readonly positive: Side; readonly negative: Side },
  ): number {
    let theirs = { threshold: other.zeroThreshold, count: other.zeroCount };
    while (theirs.threshold !== this.#zeroThreshold) {
      if (theirs.threshold < this.#zeroThreshold)
        theirs = widerZero({ ...sides, ...other }, this.#zeroThreshold);
      if (theirs.threshold > this.#zeroThreshold) this.#widenZero(theirs.threshold);
    }
    return theirs.count;
  }

  #widenZero(least: number): void {
    const mine = { positive: this.#positive, negative: this.#negative, schema: this.#schema };
    const { threshold } = widerZero(
      { ...mine, zeroThreshold: this.#zeroThreshold, zeroCount: this.#totals[2]! },
      least,
    );
    const positive = bucketsWithin(this.#positive, this.#schema, threshold);
    const negative = bucketsWithin(this.#negative, this.#schema, threshold);
    for (const { counts, lost } of [positive.within, negative.within]) {
      for (let i = 0; i < counts.length; i++) {
        addTo(this.#totals, this.#lost, 2, counts[i]!);
        this.#lost[2] = this.#lost[2]! + lost[i]!;
      }
    }
    this.#positive = owned(positive.rest);
    this.#negative = owned(negative.rest);
    this.#zeroThreshold = threshold;
  }
}

function owned(side: Side): Side {
  if (side === NO_SIDE) return NO_SIDE;
  return { indices: side.indices, counts: side.counts.slice(), lost: side.lost.slice() };
}

function addTo(sums: Float64Array, lost: Float64Array, at: number, inc: number): void {
  const sum = sums[at]!;
  const total = sum + inc;
  lost[at] = isInfinite(total) ? 0 : lost[at]! + lostIn(total, sum, inc);
  sums[at] = total;
}

/** Adds into `mine` where it has the same buckets, else makes one that has the buckets of both. */
function added(mine: Side, other: Side, inc: (count: number) => number): Side {
  if (other.indices.length === 0) return mine;
  const sum = sameIndices(mine, other) ? mine : united(mine, other);
  let at = 0;
  for (let i = 0; i < other.indices.length; i++) {
    while (sum.indices[at] !== other.indices[i]) at++;
    addTo(sum.counts, sum.lost, at, inc(other.counts[i]!));
  }
  return sum;
}

function sameIndices(a: Side, b: Side): boolean {
  if (a.indices.length !== b.indices.length) return false;
  for (let i = 0; i < a.indices.length; i++) if (a.indices[i] !== b.indices[i]) return false;
  return true;
}

/** The counts of the first, with empty places for the buckets that only the second has. */
function united(a: Side, b: Side): Side {
  const indices: number[] = [];
  const counts: number[] = [];
  const lost: number[] = [];
  let j = 0;
  const upTo = (index: number): void => {
    for (; j < b.indices.length && b.indices[j]! < index; j++) {
      indices.push(b.indices[j]!);
      counts.push(0);
      lost.push(0);
    }
    if (b.indices[j] === index) j++;
  };
  for (let i = 0; i < a.indices.length; i++) {
    upTo(a.indices[i]!);
    indices.push(a.indices[i]!);
    counts.push(a.counts[i]!);
    lost.push(a.lost[i]!);
  }
  upTo(Number.POSITIVE_INFINITY);
  return {
    indices: Int32Array.from(indices),
    counts: Float64Array.from(counts),
    lost: Float64Array.from(lost),
  };
}

// --- of two, and by a number ------------------------------------------------------------------------

export interface Combined {
  readonly histogram: NativeHistogram;
  readonly isReconciled: boolean;
  readonly isConflicting: boolean;
}

/** `a` + factor × `b`; undefined where only one of them has custom bounds. */
export function combined(a: NativeHistogram, b: NativeHistogram, factor: 1 | -1): Combined | undefined {
  const sum = new HistogramSum(a);
  if (!sum.accepts(b)) return undefined;
  sum.add(b, factor);
  return { histogram: sum.result(), isReconciled: sum.isReconciled, isConflicting: sum.isConflicting };
}

/** What is multiplied by less than nothing is no counter any more. */
export function multiplied(histogram: NativeHistogram, factor: number): NativeHistogram {
  return scaled(histogram, value => value * factor, factor < 0);
}

/** By zero, all buckets are gone. */
export function divided(histogram: NativeHistogram, by: number): NativeHistogram {
  const quotient = scaled(histogram, value => value / by, by < 0);
  if (by !== 0) return quotient;
  const none = new Float64Array(0);
  return { ...quotient, positiveSpans: [], positiveCounts: none, negativeSpans: [], negativeCounts: none };
}

function scaled(
  histogram: NativeHistogram,
  scale: (value: number) => number,
  isGauge: boolean,
): NativeHistogram {
  return {
    ...histogram,
    count: scale(histogram.count),
    sum: scale(histogram.sum),
    zeroCount: scale(histogram.zeroCount),
    positiveCounts: histogram.positiveCounts.map(scale),
    negativeCounts: histogram.negativeCounts.map(scale),
    resetHint: isGauge ? 'gauge' : histogram.resetHint,
    integer: false,
  };
}
