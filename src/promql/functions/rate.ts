// rate, increase, delta and their kin. Counter resets are found once a series; each window then adds only the resets
// that fall into it, in the order of time, so that the result is bit for bit what walking the window would give.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import { type Labels, labelValue } from '../../model/index.ts';
import { haveSameName, type RangeSeries } from '../operators/index.ts';
import { beganAnew, isStarted } from './begun.ts';
import {
  argSpan,
  type CallInput,
  type Column,
  type FunctionImpl,
  overWindows,
  perWindow,
  type WindowContext,
  type WindowKernel,
} from './call.ts';
import { anchoredPairs, extendedRate, type RateKind } from './extended.ts';
import { type WindowExtents, windowExtents } from './extrapolation.ts';
import { countMixedPairs, extrapolatedHistograms, lastTwoHistograms } from './histogram-rate.ts';
import { countStartedResets, noteOverlap, startedRate } from './starts.ts';

export const RATE_FUNCTIONS: Readonly<Record<string, FunctionImpl>> = {
  rate: extrapolating({ counter: true, perSecond: true }),
  increase: extrapolating({ counter: true, perSecond: false }),
  delta: extrapolating({ counter: false, perSecond: false }),
  irate: fromLastTwo({ counter: true, perSecond: true }),
  idelta: fromLastTwo({ counter: false, perSecond: false }),
  resets: overWindows({ begin: countResets }, { histograms: countMixedPairs(fell, 'resets') }),
  changes: overWindows(
    { begin: () => countPairs(changed) },
    { histograms: countMixedPairs(changed, 'changes') },
  ),
};

function extrapolating(kind: RateKind): FunctionImpl {
  return overWindows(
    { begin: extrapolated(kind) },
    {
      histograms: extrapolatedHistograms(kind),
      ...(kind.counter ? { inspect: inspectCounter } : {}),
    },
  );
}

function fromLastTwo(kind: RateKind): FunctionImpl {
  return overWindows(lastTwo(kind), { histograms: lastTwoHistograms(kind) });
}

function countResets(): WindowKernel {
  const countFalls = countPairs(fell);
  return (series, column, context) => {
    const kernel =
      isStarted(series) && context.modifier === null
        ? perWindow(window => countStartedResets(series, window))
        : countFalls;
    kernel(series, column, context);
  };
}

function fell(before: number, after: number): boolean {
  return after < before;
}

function changed(before: number, after: number): boolean {
  return after !== before && !(Number.isNaN(after) && Number.isNaN(before));
}

function inspectCounter(input: CallInput): (series: RangeSeries) => void {
  let latest: Labels | undefined;
  return series => {
    if (isStarted(series)) {
      const noting = { run: input.run, span: argSpan(input, 0), series };
      noteOverlap(series, noting, [series.first[0] ?? 0, series.end.at(-1) ?? 0]);
    }
    const { labels } = series.meta;
    // Nearly always it is the same metric as that of the series before, of which all is said.
    if (latest === undefined || !haveSameName(latest, labels)) hintNonCounter(input, series);
    latest = labels;
  };
}

/** Prometheus's hint: what grows without bound is called …_total, …_sum, …_count or …_bucket. */
function hintNonCounter(input: CallInput, { meta }: RangeSeries): void {
  const name = labelValue(meta.labels, '__name__');
  const type = labelValue(meta.labels, '__type__');
  if (name === '') return;
  const span = argSpan(input, 0);
  if (type !== '') {
    if (type === 'counter' || type === 'histogram') return;
    input.run.annotate(
      'info',
      `metric might not be a counter, __type__ label is not set to "counter" or "histogram", got ${JSON.stringify(type)}: ${JSON.stringify(name)}`,
      span,
    );
    return;
  }
  if (/_(total|sum|count|bucket)$/.test(name)) return;
  input.run.annotate(
    'info',
    `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${JSON.stringify(name)}`,
    span,
  );
}

/** Indices of the samples that are below the one before. */
function findResets(values: Float64Array, from: number, to: number): number[] {
  const resets: number[] = [];
  let before = values[from]!;
  for (let i = from + 1; i < to; i++) {
    const value = values[i]!;
    if (value < before) resets.push(i);
    before = value;
  }
  return resets;
}

function extrapolated({ counter, perSecond }: RateKind): () => WindowKernel {
  const extended = extendedRate({ counter, perSecond });
  const started = startedRate({ counter, perSecond });
  return () => {
    const shared = new Map<Int32Array, Growth>();
    return (series, column, context) => {
      if (context.modifier !== null) {
        extended(series, column, context);
        return;
      }
      if (counter && isStarted(series)) {
        started(series, column, context);
        return;
      }
      let growth = shared.get(series.first);
      if (growth === undefined) {
        growth = growthOf(series, context, perSecond ? context.rangeMs / 1000 : 1);
        shared.set(series.first, growth);
      }
      if (counter) counterGrowth(series, column, growth);
      else gaugeGrowth(series, column, growth);
    };
  };
}

/** What all series that share their windows have in common. */
interface Growth {
  readonly extents: WindowExtents;
  /** Seconds for a rate, 1 for the growth. */
  readonly divisor: number;
  /** By step: what the growth of a gauge is multiplied by, and of a counter that was not near zero. */
  readonly scales: Float64Array;
}

function growthOf(series: RangeSeries, context: WindowContext, divisor: number): Growth {
  const extents = windowExtents(series, context);
  return { extents, divisor, scales: extents.factors.map(factor => factor / divisor) };
}

function gaugeGrowth({ values, first, end }: RangeSeries, column: Column, { scales }: Growth): void {
  for (let i = 0; i < first.length; i++) {
    const from = first[i]!;
    const last = end[i]! - 1;
    if (last <= from) continue;
    column.values[column.offset + i] = (values[last]! - values[from]!) * scales[i]!;
    column.present[column.offset + i] = 1;
  }
}

/** By so much the products below may be off, and more: within it the division decides. */
const NEARLY = 1 + 1e-9;
/** And these bounds they must keep for that. */
const PRODUCT_MIN = 1e-250;
const PRODUCT_MAX = 1e250;

function counterGrowth(series: RangeSeries, column: Column, growth: Growth): void {
  const { values, first, end } = series;
  const { sampledS, toStartS } = growth.extents;
  const { scales } = growth;
  const { values: into, present, offset } = column;
  const steps = first.length;
  if (steps === 0) return;
  const resets = findResets(values, first[0]!, end[steps - 1]!);
  let firstReset = 0;
  for (let i = 0; i < steps; i++) {
    const from = first[i]!;
    const last = end[i]! - 1;
    if (last <= from) continue;
    const firstValue = values[from]!;
    let grown = values[last]! - firstValue;
    if (firstReset < resets.length) {
      while (firstReset < resets.length && resets[firstReset]! <= from) firstReset++;
      for (let r = firstReset; r < resets.length && resets[r]! <= last; r++) grown += values[resets[r]! - 1]!;
    }
    // Far from zero nearly always, which takes no division to see.
    const bound = toStartS[i]! * grown * NEARLY;
    const isFar = bound > PRODUCT_MIN && bound < PRODUCT_MAX && sampledS[i]! * firstValue >= bound;
    into[offset + i] = grown * (isFar ? scales[i]! : scaleOf(growth, i, { firstValue, grown }));
    present[offset + i] = 1;
  }
}

/** A counter cannot have been below zero: do not extrapolate beyond where it would have been zero. */
function scaleOf(
  { extents, divisor, scales }: Growth,
  step: number,
  { firstValue, grown }: { readonly firstValue: number; readonly grown: number },
): number {
  if (!(grown > 0 && firstValue >= 0)) return scales[step]!;
  const sampledS = extents.sampledS[step]!;
  const toZeroS = sampledS * (firstValue / grown);
  if (!(toZeroS < extents.toStartS[step]!)) return scales[step]!;
  return (sampledS + toZeroS + extents.toEndS[step]!) / sampledS / divisor;
}

function lastTwo({ counter, perSecond }: RateKind): WindowKernel {
  return (series, column, context) => {
    const hasBegun = counter && isStarted(series) ? (at: number) => beganAnew(series, at) : () => false;
    const kernel = perWindow(({ timesMs, values, to }) => {
      const before = values[to - 2]!;
      const after = values[to - 1]!;
      const isReset = counter && (after < before || hasBegun(to - 1));
      const growth = isReset ? after : after - before;
      return perSecond ? growth / ((timesMs[to - 1]! - timesMs[to - 2]!) / 1000) : growth;
    }, 2);
    kernel(series, column, context);
  };
}

/** Counts neighbours that satisfy a condition, by prefix sums over the series. */
function countPairs(counts: (before: number, after: number) => boolean): WindowKernel {
  const anchored = anchoredPairs(counts);
  // Used again by each series.
  let sums = new Int32Array(0);
  return (series, column, context) => {
    if (context.modifier !== null) {
      anchored(series, column, context);
      return;
    }
    const { values, first, end } = series;
    const steps = first.length;
    if (steps === 0) return;
    const base = first[0]!;
    const size = Math.max(0, end[steps - 1]! - base);
    if (sums.length < size) sums = new Int32Array(size);
    let total = 0;
    sums[0] = 0;
    for (let i = 1; i < size; i++) {
      if (counts(values[base + i - 1]!, values[base + i]!)) total++;
      sums[i] = total;
    }
    for (let i = 0; i < steps; i++) {
      const from = first[i]! - base;
      const last = end[i]! - base - 1;
      if (last < from) continue;
      column.values[column.offset + i] = sums[last]! - sums[from]!;
      column.present[column.offset + i] = 1;
    }
  };
}
