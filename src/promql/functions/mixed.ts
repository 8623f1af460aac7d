// Windows over series that have native histograms among their samples.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import { labelValue, METRIC_NAME, type NativeHistogram, wasReset } from '../../model/index.ts';
import {
  type Histograms,
  noteMixedKinds,
  noteMixedSchemas,
  type RangeSeries,
  type Run,
} from '../operators/index.ts';
import type { PlannedSpan } from '../plan/index.ts';
import { beganAnew, isStarted } from './begun.ts';

/** One window; a sample listed in `histograms` is one, the others are floats. */
export interface MixedWindow {
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  readonly histograms: Histograms;
  readonly from: number;
  readonly to: number;
  /** Of the samples in the window. */
  readonly floats: number;
}

export type MixedSeries = RangeSeries & { readonly histograms: Histograms };

export interface CountedSeries {
  readonly series: MixedSeries;
  /** How many of the samples before each one are histograms; behind them how many of all. */
  readonly before: Int32Array;
}

export function counted(series: MixedSeries): CountedSeries {
  const { histograms, timesMs } = series;
  const before = new Int32Array(timesMs.length + 1);
  for (let i = 0; i < timesMs.length; i++) before[i + 1] = before[i]! + (histograms.has(i) ? 1 : 0);
  return { series, before };
}

/** What annotations are about. */
export interface Noting {
  readonly run: Run;
  readonly span: PlannedSpan;
  readonly series: RangeSeries;
}

/** One series whose windows are worked through. */
export interface MixedWork extends Noting {
  /** Whether the counter was reset between the sample before and this one, both of them histograms. */
  resetAt(at: number): boolean;
}

/** Windows overlap: each pair of neighbours is judged once. */
export function mixedWork(noting: Omit<Noting, 'series'>, series: MixedSeries): MixedWork {
  const known = new Int8Array(series.timesMs.length);
  const judge = (at: number): boolean => {
    const [before, after] = [series.histograms.get(at - 1), series.histograms.get(at)];
    const began = isStarted(series) && beganAnew(series, at);
    return began || (before !== undefined && after !== undefined && wasReset(after, before));
  };
  const resetAt = (at: number): boolean => {
    if (known[at] === 0) known[at] = judge(at) ? RESET : NO_RESET;
    return known[at] === RESET;
  };
  return { ...noting, series, resetAt };
}

const NO_RESET = 1;
const RESET = 2;

export function nameOf({ meta }: RangeSeries): string {
  return JSON.stringify(labelValue(meta.labels, METRIC_NAME));
}

export function noteMixed(noting: Noting): void {
  noteMixedKinds(noting, `metric name ${nameOf(noting.series)}`);
}

export function noteIgnored({ run, span, series }: Noting): void {
  run.annotate(
    'info',
    `ignored histograms in a range containing both floats and histograms for metric name ${nameOf(series)}`,
    span,
  );
}

export function noteIncompatible(noting: Noting): void {
  noteMixedSchemas(noting, `metric name ${nameOf(noting.series)}`);
}

/** Counters are no gauges, and the reverse. */
export function noteKind(histograms: readonly NativeHistogram[], counter: boolean, noting: Noting): void {
  if (histograms.every(({ resetHint }) => (resetHint === 'gauge') !== counter)) return;
  const word = counter ? 'counter' : 'gauge';
  noting.run.annotate(
    'warning',
    `this native histogram metric is not a ${word}: ${nameOf(noting.series)}`,
    noting.span,
  );
}

/** The histograms of a window that has nothing else, in the order of time. */
export function histogramsIn({ histograms, from, to }: MixedWindow): NativeHistogram[] {
  const found: NativeHistogram[] = [];
  for (let i = from; i < to; i++) {
    const one = histograms.get(i);
    if (one !== undefined) found.push(one);
  }
  return found;
}

/** Calls `work` for each step whose window holds a histogram. */
export function eachMixedWindow(
  { series: { timesMs, values, histograms, first, end }, before }: CountedSeries,
  work: (window: MixedWindow, step: number) => void,
): void {
  for (let step = 0; step < first.length; step++) {
    const from = first[step]!;
    const to = end[step]!;
    const count = before[to]! - before[from]!;
    if (count === 0) continue;
    work({ timesMs, values, histograms, from, to, floats: to - from - count }, step);
  }
}

/** The same series with its floats only. */
export function floatView({ series, before }: CountedSeries): RangeSeries {
  const { meta, timesMs, values, histograms, startsMs, first, end } = series;
  const count = timesMs.length - before[timesMs.length]!;
  const floatTimes = new Float64Array(count);
  const floats = new Float64Array(count);
  const floatStarts = startsMs && new Float64Array(count);
  let n = 0;
  for (let i = 0; i < timesMs.length; i++) {
    if (histograms.has(i)) continue;
    floatTimes[n] = timesMs[i]!;
    if (floatStarts !== undefined) floatStarts[n] = startsMs![i]!;
    floats[n++] = values[i]!;
  }
  return {
    meta,
    timesMs: floatTimes,
    values: floats,
    ...(floatStarts === undefined ? {} : { startsMs: floatStarts }),
    first: first.map(i => i - before[i]!),
    end: end.map(i => i - before[i]!),
  };
}
