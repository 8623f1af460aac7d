// rate and its kin over native histograms, by Prometheus's rules.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import {
  combined,
  divided,
  HistogramSum,
  multiplied,
  type NativeHistogram,
  sameHistogram,
} from '../../model/index.ts';
import { noteReconciledBounds } from '../operators/index.ts';
import { isStarted } from './begun.ts';
import type { MixedReduce } from './call.ts';
import { type RateKind, spanAt } from './extended.ts';
import { extrapolationFactor } from './extrapolation.ts';
import { extendedHistogramRate } from './histogram-extended.ts';
import { histogramsIn, type Noting, noteIncompatible, noteKind, noteMixed } from './mixed.ts';
import { factorSinceZero, zeroAt } from './starts.ts';

export function extrapolatedHistograms({ counter, perSecond }: RateKind): MixedReduce {
  return (window, noting, { step, context }) => {
    if (context.modifier !== null)
      return extendedHistogramRate({ counter, perSecond }, window, noting, { step, context });
    if (window.floats > 0) {
      noteMixed(noting);
      return undefined;
    }
    const histograms = histogramsIn(window);
    const endMs = context.endsMs[step]!;
    const { rangeMs } = context;
    const started = counter && isStarted(noting.series) ? noting.series : undefined;
    const zeroMs = started && zeroAt(started, window.from, endMs - rangeMs);
    if (histograms.length < 2 && zeroMs === undefined) return undefined;
    const growth = growthOf(histograms, {
      counter,
      noting,
      fromZero: zeroMs !== undefined,
      resetAt: i => counter && noting.resetAt(window.from + i),
    });
    if (growth === undefined) return undefined;
    const firstMs = window.timesMs[window.from]!;
    const lastMs = window.timesMs[window.to - 1]!;
    const gaps = histograms.length - 1;
    const firstValue = histograms[0]!.count;
    const factor =
      zeroMs === undefined
        ? extrapolationFactor({
            counter,
            firstMs,
            lastMs,
            gaps,
            endMs,
            rangeMs,
            firstValue,
            growth: growth.count,
          })
        : factorSinceZero({ zeroMs, firstMs, lastMs, gaps, endMs });
    return multiplied(growth, perSecond ? factor / (context.rangeMs / 1000) : factor);
  };
}

interface Growing {
  readonly counter: boolean;
  readonly noting: Noting;
  /** The first is growth itself. */
  readonly fromZero: boolean;
  resetAt(at: number): boolean;
}

/** The last less the first, and for a counter with what it had before each reset. */
function growthOf(
  histograms: readonly NativeHistogram[],
  { counter, noting, fromZero, resetAt }: Growing,
): NativeHistogram | undefined {
  const first = histograms[0]!;
  const last = histograms[histograms.length - 1]!;
  noteKind([first, last, ...(counter ? histograms : [])], counter, noting);
  // What a reset has ended does not matter, however its buckets were; nor what there is nothing of before.
  const isFirstEnded = histograms.length > 1 && resetAt(1);
  const isOut = isFirstEnded && !fromZero;
  const sum = new HistogramSum(last);
  const taken = counter ? histograms.slice(isOut ? 1 : 0) : [first];
  if (!taken.every(one => sum.accepts(one))) {
    noteIncompatible(noting);
    return undefined;
  }
  sum.add(isOut ? emptyLike(histograms[1]!) : fromZero ? emptyLike(first) : first, -1);
  noteReconciled(sum, 'subtraction', noting);
  for (let i = 1; counter && i < histograms.length; i++)
    if (resetAt(i) && !(i === 1 && isOut)) sum.add(histograms[i - 1]!);
  noteReconciled(sum, 'addition', noting);
  return { ...sum.result(), resetHint: 'gauge' };
}

function emptyLike({ schema, customBounds }: NativeHistogram): NativeHistogram {
  const none = new Float64Array(0);
  return {
    schema,
    count: 0,
    sum: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    positiveSpans: [],
    positiveCounts: none,
    negativeSpans: [],
    negativeCounts: none,
    ...(customBounds === undefined ? {} : { customBounds }),
    resetHint: 'unknown',
    integer: false,
  };
}

function noteReconciled(sum: HistogramSum, during: 'addition' | 'subtraction', noting: Noting): void {
  if (sum.isReconciled) noteReconciledBounds(noting, during);
  sum.isReconciled = false;
}

/** The last two samples only. */
export function lastTwoHistograms({ counter, perSecond }: RateKind): MixedReduce {
  return ({ timesMs, values, histograms, from, to }, noting) => {
    if (to - from < 2) return undefined;
    const seconds = (timesMs[to - 1]! - timesMs[to - 2]!) / 1000;
    const [before, after] = [histograms.get(to - 2), histograms.get(to - 1)];
    if (before === undefined && after === undefined) {
      // Floats, with histograms further back.
      const [a, b] = [values[to - 2]!, values[to - 1]!];
      const growth = counter && b < a ? b : b - a;
      return perSecond ? growth / seconds : growth;
    }
    if (before === undefined || after === undefined) {
      noteMixed(noting);
      return undefined;
    }
    noteKind([before, after], counter, noting);
    let growth: NativeHistogram = after;
    if (!counter || !noting.resetAt(to - 1)) {
      const difference = combined(after, before, -1);
      if (difference === undefined) {
        noteIncompatible(noting);
        return undefined;
      }
      if (difference.isReconciled) noteReconciledBounds(noting, 'subtraction');
      growth = difference.histogram;
    }
    growth = { ...growth, resetHint: 'gauge' };
    return perSecond ? divided(growth, seconds) : growth;
  };
}

/** Counts neighbours: `floats` says of two floats; histograms are judged by reset or by change; else they differ. */
export function countMixedPairs(
  floats: (before: number, after: number) => boolean,
  what: 'resets' | 'changes',
): MixedReduce {
  return (window, { series, resetAt }, { step, context }) => {
    let { from, to } = window;
    if (context.modifier !== null) {
      const span = spanAt(series, step, context);
      if (span === undefined) return undefined;
      [from, to] = [span.first, span.last + 1];
    }
    let count = 0;
    for (let i = from + 1; i < to; i++) {
      const before = window.histograms.get(i - 1);
      const after = window.histograms.get(i);
      const isFloat = before === undefined && after === undefined;
      if (isFloat && floats(window.values[i - 1]!, window.values[i]!)) count += 1;
      else if (!isFloat && (before === undefined || after === undefined)) count += 1;
      else if (what === 'resets' ? resetAt(i) : before && after && !sameHistogram(before, after)) count += 1;
    }
    return count;
  };
}
