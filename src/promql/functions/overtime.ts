// The *_over_time functions and the regressions.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import { HistogramMean, HistogramSum, isInfinite, lostIn, type NativeHistogram } from '../../model/index.ts';
import { annotateFold, quantileOf, warnQuantile } from '../operators/index.ts';
import { formatPlainNumber } from '../parser/index.ts';
import {
  argSpan,
  type CallInput,
  type FunctionImpl,
  type MixedReduce,
  overWindows,
  perWindow,
  scalarArg,
  type Window,
  type WindowKernel,
} from './call.ts';
import { histogramsIn, type MixedWindow, noteIncompatible, noteMixed } from './mixed.ts';
import { slidingQuantile } from './sorted-window.ts';

export const OVER_TIME_FUNCTIONS: Readonly<Record<string, FunctionImpl>> = {
  avg_over_time: overWindows(
    exactOr(perWindow(average), (total, count) => total / count),
    { histograms: folded('avg') },
  ),
  count_over_time: overWindows(
    perWindow(({ from, to }) => to - from),
    { histograms: 'alike' },
  ),
  deriv: overWindows(perWindow(window => regression(window, window.timesMs[window.from]!).slope, 2)),
  double_exponential_smoothing: overWindows(
    perWindow((window, { params }, step) => smooth(window, params[0]![step]!, params[1]![step]!), 2),
    { check: checkSmoothing },
  ),
  first_over_time: overWindows(
    perWindow(({ values, from }) => values[from]!),
    { keepsName: true, histograms: window => sampleAt(window, window.from) },
  ),
  last_over_time: overWindows(
    perWindow(({ values, to }) => values[to - 1]!),
    { keepsName: true, histograms: window => sampleAt(window, window.to - 1) },
  ),
  mad_over_time: overWindows(perWindow(medianDeviation)),
  max_over_time: overWindows({ begin: () => extreme((a, b) => a > b) }),
  min_over_time: overWindows({ begin: () => extreme((a, b) => a < b) }),
  predict_linear: overWindows(
    perWindow((window, { grid, params }, step) => {
      const { slope, intercept } = regression(window, grid.startMs + step * grid.stepMs);
      return slope * params[0]![step]! + intercept;
    }, 2),
  ),
  present_over_time: overWindows(
    perWindow(() => 1),
    { histograms: 'alike' },
  ),
  quantile_over_time: overWindows({ begin: slidingQuantile }, { check: input => checkQuantiles(input) }),
  stddev_over_time: overWindows(perWindow(window => Math.sqrt(variance(window)))),
  stdvar_over_time: overWindows(perWindow(variance)),
  sum_over_time: overWindows(
    exactOr(perWindow(sum), total => total),
    { histograms: folded('sum') },
  ),
  ts_of_first_over_time: overWindows(
    perWindow(({ timesMs, from }) => timesMs[from]! / 1000),
    { histograms: 'alike' },
  ),
  ts_of_last_over_time: overWindows(
    perWindow(({ timesMs, to }) => timesMs[to - 1]! / 1000),
    { histograms: 'alike' },
  ),
  ts_of_max_over_time: overWindows(perWindow(window => timeOf(window, (a, b) => a >= b))),
  ts_of_min_over_time: overWindows(perWindow(window => timeOf(window, (a, b) => a <= b))),
};

function sampleAt({ values, histograms }: MixedWindow, at: number): NativeHistogram | number {
  return histograms.get(at) ?? values[at]!;
}

/** Native histograms added up; with floats among them, or of two kinds, they do not. */
function folded(func: 'sum' | 'avg'): MixedReduce {
  return (window, noting) => {
    if (window.floats > 0) {
      noteMixed(noting);
      return undefined;
    }
    const [first, ...others] = histogramsIn(window) as [NativeHistogram, ...NativeHistogram[]];
    const fold = func === 'sum' ? new HistogramSum(first) : new HistogramMean(first);
    for (const one of others) {
      if (!fold.accepts(one)) {
        noteIncompatible(noting);
        return undefined;
      }
      fold.add(one);
    }
    annotateFold(noting.run, fold, noting.span);
    return fold.result();
  };
}

/** Kahan–Neumaier. */
function sum({ values, from, to }: Window): number {
  let total = 0;
  let lost = 0;
  for (let i = from; i < to; i++) {
    const inc = values[i]!;
    const next = total + inc;
    lost = isInfinite(next) ? 0 : lost + lostIn(next, total, inc);
    total = next;
  }
  return isInfinite(total) ? total : total + lost;
}

/** Windows that overlap have their samples so many times over: for less it does not pay to look at them beforehand. */
const OVERLAP_MIN = 2;
/** Whole numbers of which all sums stay below this are added without any loss. */
const EXACT_MAX = 2 ** 53;

/**
 * Of whole numbers sums over windows are differences of sums over the series: they are exact in whatever order they are added, so
 * that it is bit for bit what walking each window gives. Other numbers are left to the kernel.
 */
function exactOr(walking: WindowKernel, of: (total: number, count: number) => number): WindowKernel {
  // Used again by each series.
  let sums = new Float64Array(0);
  return (series, column, context) => {
    const { values, first, end } = series;
    const steps = first.length;
    const base = first[0] ?? 0;
    const size = Math.max(0, (end[steps - 1] ?? 0) - base);
    let samples = 0;
    for (let i = 0; i < steps; i++) samples += end[i]! - first[i]!;
    const doesPay = samples >= OVERLAP_MIN * size;
    if (doesPay && sums.length <= size) sums = new Float64Array(size + 1);
    if (!doesPay || !areExactSums(values.subarray(base, base + size), sums)) {
      walking(series, column, context);
      return;
    }
    for (let i = 0; i < steps; i++) {
      const [from, to] = [first[i]!, end[i]!];
      if (to <= from) continue;
      column.values[column.offset + i] = of(sums[to - base]! - sums[from - base]!, to - from);
      column.present[column.offset + i] = 1;
    }
  };
}

/** Of the first 0, 1, … values; false where they are not exact. */
function areExactSums(values: Float64Array, sums: Float64Array): boolean {
  let total = 0;
  let most = 0;
  sums[0] = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    // Neither a fraction, nor too large, nor no number.
    if (value !== Math.floor(value)) return false;
    most += Math.abs(value);
    total += value;
    sums[i + 1] = total;
  }
  return most < EXACT_MAX;
}

/** The direct mean, or the incremental one from where the sum would overflow. */
function average({ values, from, to }: Window): number {
  let total = 0;
  let lost = 0;
  let i = from;
  for (; i < to; i++) {
    const inc = values[i]!;
    const next = total + inc;
    if (isInfinite(next) && i > from) break;
    lost = isInfinite(next) ? 0 : lost + lostIn(next, total, inc);
    total = next;
  }
  const summed = i - from;
  if (i === to) return total / summed + lost / summed;
  let mean = total / summed;
  lost /= summed;
  for (; i < to; i++) {
    const count = i - from + 1;
    const share = (count - 1) / count;
    const scaled = share * mean;
    const inc = values[i]! / count;
    const next = scaled + inc;
    lost = isInfinite(next) ? 0 : share * lost + lostIn(next, scaled, inc);
    mean = next;
  }
  return mean + lost;
}

/** Welford's method with compensated sums. */
function variance({ values, from, to }: Window): number {
  let mean = 0;
  let lostMean = 0;
  let squares = 0;
  let lostSquares = 0;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    const delta = value - (mean + lostMean);
    const incMean = delta / (i - from + 1);
    const nextMean = mean + incMean;
    lostMean = isInfinite(nextMean) ? 0 : lostMean + lostIn(nextMean, mean, incMean);
    mean = nextMean;
    const incSquares = delta * (value - (mean + lostMean));
    const nextSquares = squares + incSquares;
    lostSquares = isInfinite(nextSquares) ? 0 : lostSquares + lostIn(nextSquares, squares, incSquares);
    squares = nextSquares;
  }
  return (squares + lostSquares) / (to - from);
}

/** Median of the distances from the median. */
function medianDeviation({ values, from, to }: Window): number {
  const window = values.slice(from, to);
  if (window.some(Number.isNaN)) return Number.NaN;
  const median = quantileOf(0.5, window);
  return quantileOf(
    0.5,
    window.map(value => Math.abs(value - median)),
  );
}

function timeOf({ timesMs, values, from, to }: Window, wins: (a: number, b: number) => boolean): number {
  let best = from;
  for (let i = from + 1; i < to; i++) {
    if (wins(values[i]!, values[best]!) || Number.isNaN(values[best])) best = i;
  }
  return timesMs[best]! / 1000;
}

/**
 * The extreme of each window by a monotonic deque: candidates from the front are ever less extreme, so that each sample
 * enters and leaves once. NaN counts only where a window holds nothing else.
 */
function extreme(beats: (a: number, b: number) => boolean): WindowKernel {
  // Used again by each series.
  let deque = new Int32Array(0);
  return ({ values, first, end }, column) => {
    const steps = first.length;
    if (steps === 0) return;
    const base = first[0]!;
    const size = Math.max(0, end[steps - 1]! - base);
    if (deque.length < size) deque = new Int32Array(size);
    let head = 0;
    let tail = 0;
    let next = base;
    for (let i = 0; i < steps; i++) {
      const to = end[i]!;
      for (; next < to; next++) {
        const value = values[next]!;
        if (Number.isNaN(value)) continue;
        while (tail > head && !beats(values[deque[tail - 1]!]!, value)) tail--;
        deque[tail++] = next;
      }
      const from = first[i]!;
      while (head < tail && deque[head]! < from) head++;
      if (to <= from) continue;
      column.values[column.offset + i] = head < tail ? values[deque[head]!]! : Number.NaN;
      column.present[column.offset + i] = 1;
    }
  };
}

/** Least squares with compensated sums; the intercept is at `originMs`. */
function regression(
  { timesMs, values, from, to }: Window,
  originMs: number,
): { readonly slope: number; readonly intercept: number } {
  const initial = values[from]!;
  let constant = true;
  // Each sum with what is lost of it, in variables of their own: arrays of them would be made for each window.
  let [sumX, sumY, sumXy, sumXx] = [0, 0, 0, 0];
  let [lostX, lostY, lostXy, lostXx] = [0, 0, 0, 0];
  for (let i = from; i < to; i++) {
    const y = values[i]!;
    if (y !== initial) constant = false;
    const x = (timesMs[i]! - originMs) / 1000;
    const nextX = sumX + x;
    lostX = isInfinite(nextX) ? 0 : lostX + lostIn(nextX, sumX, x);
    sumX = nextX;
    const nextY = sumY + y;
    lostY = isInfinite(nextY) ? 0 : lostY + lostIn(nextY, sumY, y);
    sumY = nextY;
    const xy = x * y;
    const nextXy = sumXy + xy;
    lostXy = isInfinite(nextXy) ? 0 : lostXy + lostIn(nextXy, sumXy, xy);
    sumXy = nextXy;
    const xx = x * x;
    const nextXx = sumXx + xx;
    lostXx = isInfinite(nextXx) ? 0 : lostXx + lostIn(nextXx, sumXx, xx);
    sumXx = nextXx;
  }
  if (constant) {
    if (isInfinite(initial)) return { slope: Number.NaN, intercept: Number.NaN };
    return { slope: 0, intercept: initial };
  }
  const count = to - from;
  const [x, y, xy, xx] = [sumX + lostX, sumY + lostY, sumXy + lostXy, sumXx + lostXx];
  const slope = (xy - (x * y) / count) / (xx - (x * x) / count);
  return { slope, intercept: y / count - (slope * x) / count };
}

function smooth({ values, from, to }: Window, smoothing: number, trending: number): number {
  let before = 0;
  let level = values[from]!;
  let trend = values[from + 1]! - values[from]!;
  for (let i = from + 1; i < to; i++) {
    if (i > from + 1) trend = trending * (level - before) + (1 - trending) * trend;
    const next = smoothing * values[i]! + (1 - smoothing) * (level + trend);
    before = level;
    level = next;
  }
  return level;
}

function checkSmoothing(input: CallInput): void {
  for (const [i, word] of [
    [1, 'smoothing'],
    [2, 'trend'],
  ] as const) {
    for (const factor of scalarArg(input, i)) {
      if (factor > 0 && factor < 1) continue;
      const got = formatPlainNumber(factor);
      input.run.failExecution(
        `invalid ${word} factor. Expected: 0 < factor < 1, got: ${got}`,
        argSpan(input, i),
      );
    }
  }
}

function checkQuantiles(input: CallInput): void {
  for (const q of scalarArg(input, 0)) warnQuantile(input.run, q, argSpan(input, 0));
}
