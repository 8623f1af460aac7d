// rate and its kin over native histograms, by Prometheus's rules.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import {
  combined,
  divided,
  HistogramSum,
  multiplied,
  type NativeHistogram,
  sameHistogram,
  wasReset,
} from '../../model/index.ts';
import type { MixedReduce } from './call.ts';
import { type RateKind, spanAt } from './extended.ts';
import { extrapolationFactor } from './extrapolation.ts';
import { extendedHistogramRate } from './histogram-extended.ts';
import { histogramsIn, type Noting, noteIncompatible, noteKind, noteMixed } from './mixed.ts';
import { beganAnew, factorSinceZero, isStarted, zeroAt } from './starts.ts';

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
      beganAnew: i => started !== undefined && beganAnew(started, window.from + i),
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
  beganAnew(at: number): boolean;
}

/** The last less the first, and for a counter with what it had before each reset. */
function growthOf(
  histograms: readonly NativeHistogram[],
  { counter, noting, fromZero, beganAnew: began }: Growing,
): NativeHistogram | undefined {
  const first = histograms[0]!;
  const last = histograms[histograms.length - 1]!;
  noteKind([first, last, ...(counter ? histograms : [])], counter, noting);
  const resets = (at: number): boolean =>
    counter && (wasReset(histograms[at]!, histograms[at - 1]!) || began(at));
  // What a reset has ended does not matter, however its buckets were; nor what there is nothing of before.
  const isFirstEnded = histograms.length > 1 && resets(1);
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
    if (resets(i) && !(i === 1 && isOut)) sum.add(histograms[i - 1]!);
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
    const { series } = noting;
    const isReset = wasReset(after, before) || (isStarted(series) && beganAnew(series, to - 1));
    if (!counter || !isReset) {
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
      if (histograms === isReset && isStarted(series) && beganAnew(series, i)) count += 1;
      else if (before === undefined && after === undefined)
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
