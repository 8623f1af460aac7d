// rate and its kin over native histograms, by Prometheus's rules.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import type { NativeHistogram } from '../../model/index.ts';
import { combined, divided, HistogramSum, multiplied, sameHistogram, wasReset } from '../histogram/index.ts';
import type { MixedReduce } from './call.ts';
import { type RateKind, spanAt } from './extended.ts';
import { extrapolationFactor } from './extrapolation.ts';
import { extendedHistogramRate } from './histogram-extended.ts';
import { histogramsIn, type Noting, noteIncompatible, noteKind, noteMixed } from './mixed.ts';

export function extrapolatedHistograms({ counter, perSecond }: RateKind): MixedReduce {
  return (window, noting, { step, context }) => {
    if (context.modifier !== null)
      return extendedHistogramRate({ counter, perSecond }, window, noting, { step, context });
    if (window.floats > 0) {
      noteMixed(noting);
      return undefined;
    }
    const histograms = histogramsIn(window);
    if (histograms.length < 2) return undefined;
    const growth = growthOf(histograms, counter, noting);
    if (growth === undefined) return undefined;
    const factor = extrapolationFactor({
      counter,
      firstMs: window.timesMs[window.from]!,
      lastMs: window.timesMs[window.to - 1]!,
      gaps: histograms.length - 1,
      endMs: context.endsMs[step]!,
      rangeMs: context.rangeMs,
      firstValue: histograms[0]!.count,
      growth: growth.count,
    });
    return multiplied(growth, perSecond ? factor / (context.rangeMs / 1000) : factor);
  };
}

/** The last less the first, and for a counter with what it had before each reset. */
function growthOf(
  histograms: readonly NativeHistogram[],
  counter: boolean,
  noting: Noting,
): NativeHistogram | undefined {
  const [first, second] = histograms as readonly [NativeHistogram, NativeHistogram];
  const last = histograms[histograms.length - 1]!;
  noteKind([first, last, ...(counter ? histograms : [])], counter, noting);
  // What a reset has ended does not matter, however its buckets were.
  let before = counter && wasReset(second, first) ? emptyLike(second) : first;
  const sum = new HistogramSum(last);
  if (!(counter ? [before, ...histograms.slice(1)] : [before]).every(one => sum.accepts(one))) {
    noteIncompatible(noting);
    return undefined;
  }
  sum.add(before, -1);
  noteReconciled(sum, 'subtraction', noting);
  if (counter) {
    for (const one of histograms.slice(1)) {
      if (wasReset(one, before)) sum.add(before);
      before = one;
    }
    noteReconciled(sum, 'addition', noting);
  }
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

function noteReconciled(sum: HistogramSum, word: string, { run, span }: Noting): void {
  if (sum.isReconciled)
    run.annotate('info', `mismatched custom buckets were reconciled during ${word}`, span);
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
    if (!counter || !wasReset(after, before)) {
      const difference = combined(after, before, -1);
      if (difference === undefined) {
        noteIncompatible(noting);
        return undefined;
      }
      if (difference.isReconciled)
        noting.run.annotate(
          'info',
          'mismatched custom buckets were reconciled during subtraction',
          noting.span,
        );
      growth = difference.histogram;
    }
    growth = { ...growth, resetHint: 'gauge' };
    return perSecond ? divided(growth, seconds) : growth;
  };
}

/** Counts neighbours of any kind: `floats` says of two floats, `histograms` of two histograms, else they differ. */
export function countMixedPairs(
  floats: (before: number, after: number) => boolean,
  histograms: (before: NativeHistogram, after: NativeHistogram) => boolean,
): MixedReduce {
  return (window, { series }, { step, context }) => {
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
      if (before === undefined && after === undefined)
        count += floats(window.values[i - 1]!, window.values[i]!) ? 1 : 0;
      else if (before === undefined || after === undefined) count += 1;
      else count += histograms(before, after) ? 1 : 0;
    }
    return count;
  };
}

export function isReset(before: NativeHistogram, after: NativeHistogram): boolean {
  return wasReset(after, before);
}

export function isChange(before: NativeHistogram, after: NativeHistogram): boolean {
  return !sameHistogram(before, after);
}
