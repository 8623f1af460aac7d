// The series of a range as numbers over time: what plots, sparklines and their figures are made of.

import type { LabelRecord, MatrixRow } from '../../api/index.ts';
import { numberOf } from './numbers.ts';

export interface Line {
  readonly metric: LabelRecord;
  /** What the values are where they are not the series' own: a native histogram is shown by its count. */
  readonly of: '' | 'count';
  /** Rising, as many as values. */
  readonly timesMs: readonly number[];
  readonly values: readonly number[];
}

export function linesOf(rows: readonly MatrixRow[]): readonly Line[] {
  return rows.flatMap(({ metric, values = [], histograms = [] }): Line[] => {
    const floats = values.map(([atS, value]) => ({ atMs: atS * 1000, value: numberOf(value) }));
    const counts = histograms.map(([atS, { count }]) => ({ atMs: atS * 1000, value: numberOf(count) }));
    const line = (of: Line['of'], points: typeof floats): Line[] =>
      points.length === 0
        ? []
        : [{ metric, of, timesMs: points.map(one => one.atMs), values: points.map(one => one.value) }];
    return [...line('', floats), ...line('count', counts)];
  });
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  /** Between neighbours that belong together: a wider space is a gap. */
  readonly stepMs: number;
}

/** Over all series, so that they share an axis. */
export function spanOf(lines: readonly Line[]): Span {
  let fromMs = Number.POSITIVE_INFINITY;
  let toMs = Number.NEGATIVE_INFINITY;
  let stepMs = Number.POSITIVE_INFINITY;
  for (const { timesMs } of lines) {
    fromMs = Math.min(fromMs, timesMs[0] ?? fromMs);
    toMs = Math.max(toMs, timesMs.at(-1) ?? toMs);
    stepMs = Math.min(stepMs, stepOf(timesMs));
  }
  return { fromMs, toMs, stepMs: Number.isFinite(stepMs) ? stepMs : 0 };
}

/** Few neighbours are closer: the shortest would not do where a restart brought a sample out of turn. */
const CLOSER_SHARE = 0.1;

function stepOf(timesMs: readonly number[]): number {
  const spaces = Float64Array.from(timesMs.slice(1), (atMs, i) => atMs - (timesMs[i] ?? atMs)).sort();
  return spaces[Math.floor(spaces.length * CLOSER_SHARE)] ?? Number.POSITIVE_INFINITY;
}

/** Samples of a range selector come a little sooner or later than their interval. */
const GAP_STEPS = 1.9;

export function isGap(beforeMs: number, afterMs: number, { stepMs }: Span): boolean {
  return afterMs - beforeMs > stepMs * GAP_STEPS;
}

export interface Figures {
  readonly last: number;
  readonly min: number;
  readonly max: number;
  readonly avg: number;
}

/** Of what is a number; NaN where nothing is. */
export function figuresOf({ values }: Line): Figures {
  const numbers = values.filter(value => !Number.isNaN(value));
  const none = Number.NaN;
  if (numbers.length === 0) return { last: none, min: none, max: none, avg: none };
  let [min, max, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const value of numbers) {
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
  }
  return { last: values.at(-1) ?? none, min, max, avg: sum / numbers.length };
}
