// What operators pass on. A vector's columns are one slab, row after row: entry `row * steps + step` belongs to series
// `row` at `step` and exists where `present` is 1. Values of absent entries mean nothing. An entry that is a native histogram
// stands in `histograms` by its number; its float means nothing then. Nobody changes a value after it was passed on.

import {
  compareLabels,
  type Labels,
  labelsFromSorted,
  labelsKey,
  METRIC_NAME,
  type NativeHistogram,
  type TargetId,
} from '../../model/index.ts';

/** The evaluation times: startMs + i * stepMs for i below `steps`. */
export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly steps: number;
  /** Whoever takes the result does not look at the names of metrics: they may stay where that changes nothing else. */
  readonly namesUnseen?: boolean;
  /** For which steps of the query it counts what is looked at: its own, or all where one stands for all; absent: none. */
  readonly counts?: 'each' | 'all';
}

/** Null: no stored series took part (a literal); undefined: several producers did, or an unknown one. */
export type Producer = TargetId | null | undefined;

export interface SeriesMeta {
  readonly labels: Labels;
  /** The name shall be dropped at the end of the query (delayed name removal only). */
  readonly dropName: boolean;
  readonly producer: Producer;
}

/** By place among the entries, or the samples, that they are of. Absent where there are none: nearly always. */
export type Histograms = ReadonlyMap<number, NativeHistogram>;

export interface VectorValue {
  readonly kind: 'vector';
  readonly steps: number;
  readonly series: readonly SeriesMeta[];
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly histograms?: Histograms;
}

export interface ScalarValue {
  readonly kind: 'scalar';
  readonly values: Float64Array;
}

export interface TextValue {
  readonly kind: 'string';
  readonly text: string;
}

/** A series' samples without stale markers, and for each step the window [first, end) into them. */
export interface RangeSeries {
  readonly meta: SeriesMeta;
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  readonly histograms?: Histograms;
  /** Since when each sample counts, NaN where unknown; only where that is wanted and any is known. */
  readonly startsMs?: Float64Array;
  readonly first: Int32Array;
  readonly end: Int32Array;
}

export interface MatrixValue {
  readonly kind: 'matrix';
  readonly steps: number;
  readonly rangeMs: number;
  /** Where each step's window ends (inclusive); it starts `rangeMs` earlier (exclusive). */
  readonly endsMs: Float64Array;
  /** With one, the series' windows are wider than the range: by the lookback in front, if smoothed also behind. */
  readonly modifier: 'smoothed' | 'anchored' | null;
  readonly series: readonly RangeSeries[];
  /** Of the series, in their order. */
  readonly metas: readonly SeriesMeta[];
}

export type Value = VectorValue | ScalarValue | TextValue | MatrixValue;

/** __name__ and the labels that describe the metric rather than the series; the three go together. */
export const NAME_LABELS: ReadonlySet<string> = new Set(['__name__', '__type__', '__unit__']);

export function withoutNameLabels(labels: Labels): Labels {
  if (isNamedOnly(labels)) {
    // Not by `slice`: labels of the store are frozen, and that takes V8 a microsecond more.
    const flat: string[] = [];
    for (let i = 2; i < labels.length; i++) flat.push(labels[i] as string);
    return labelsFromSorted(flat);
  }
  for (let i = 0; i < labels.length; i += 2) {
    if (NAME_LABELS.has(labels[i] as string)) return filterLabels(labels, name => !NAME_LABELS.has(name));
  }
  return labels;
}

/** Whether the series have the same name, and nothing else that goes with it: without it they are told apart as before. */
export function haveOneName(series: readonly { readonly meta: SeriesMeta }[]): boolean {
  const first = series[0]?.meta.labels;
  return first === undefined || series.every(({ meta: { labels } }) => haveSameName(first, labels));
}

/** Whether two have the same name, and neither has anything else that goes with it. */
export function haveSameName(a: Labels, b: Labels): boolean {
  return a[1] === b[1] && isNamedOnly(a) && isNamedOnly(b);
}

/** The usual case: the name is in front, and what comes next does not begin as the others of its kind do. */
function isNamedOnly(labels: Labels): boolean {
  if (labels[0] !== METRIC_NAME) return false;
  const next = labels[2];
  return next === undefined || next.charCodeAt(0) !== UNDERSCORE || next.charCodeAt(1) !== UNDERSCORE;
}

const UNDERSCORE = 0x5f;

export function filterLabels(labels: Labels, keep: (name: string) => boolean): Labels {
  const flat: string[] = [];
  for (let i = 0; i < labels.length; i += 2) {
    if (keep(labels[i] as string)) flat.push(labels[i] as string, labels[i + 1] as string);
  }
  return labelsFromSorted(flat);
}

/** The vector with these histograms among its entries. */
export function withHistograms(vector: VectorValue, histograms: Histograms): VectorValue {
  return histograms.size === 0 ? vector : { ...vector, histograms };
}

/** Its entries that are floats. */
export function floatsOf(vector: VectorValue): VectorValue {
  if (vector.histograms === undefined) return vector;
  const { histograms, ...rest } = vector;
  const present = vector.present.slice();
  for (const at of histograms.keys()) present[at] = 0;
  return { ...rest, present };
}

/** Those of samples [from, to), by their place from there. */
export function histogramsWithin(histograms: Histograms, from: number, to: number): Histograms {
  const found = new Map<number, NativeHistogram>();
  if (histograms.size < to - from) {
    for (const [at, one] of histograms) if (at >= from && at < to) found.set(at - from, one);
    return found;
  }
  for (let at = from; at < to; at++) {
    const one = histograms.get(at);
    if (one !== undefined) found.set(at - from, one);
  }
  return found;
}

export function combineProducers(a: Producer, b: Producer): Producer {
  if (a === null || a === b) return b;
  return b === null ? a : undefined;
}

/** What work over very many series asks between them: a refusal comes as an exception. */
interface RowPace {
  isDue(): boolean;
  pause(): Promise<void>;
}

/** Rows of series that are no longer told apart become one; undefined where two of them exist at the same step. */
export async function mergeEqualSeries(vector: VectorValue, pace: RowPace): Promise<VectorValue | undefined> {
  const rowByKey = new Map<string, number>();
  const target = new Int32Array(vector.series.length);
  let equal = false;
  for (const [row, meta] of vector.series.entries()) {
    const key = labelsKey(meta.labels);
    const earlier = rowByKey.get(key);
    if (earlier === undefined) {
      target[row] = rowByKey.size;
      rowByKey.set(key, rowByKey.size);
    } else {
      target[row] = earlier;
      equal = true;
    }
    if (pace.isDue()) await pace.pause();
  }
  if (!equal) return vector;
  return mergeRows(vector, { target, rows: rowByKey.size }, pace);
}

/** In the order of labels, no two alike: what selectors give, and what operators that keep the order make of it. */
export function isRising(series: readonly SeriesMeta[]): boolean {
  for (let i = 1; i < series.length; i++) {
    if (compareLabels((series[i - 1] as SeriesMeta).labels, (series[i] as SeriesMeta).labels) >= 0)
      return false;
  }
  return true;
}

async function mergeRows(
  vector: VectorValue,
  { target, rows }: { readonly target: Int32Array; readonly rows: number },
  pace: RowPace,
): Promise<VectorValue | undefined> {
  const { steps } = vector;
  const values = new Float64Array(rows * steps);
  const present = new Uint8Array(rows * steps);
  const histograms = new Map<number, NativeHistogram>();
  const series: SeriesMeta[] = [];
  for (const [row, meta] of vector.series.entries()) {
    const to = target[row] as number;
    const known = series[to];
    series[to] =
      known === undefined ? meta : { ...known, producer: combineProducers(known.producer, meta.producer) };
    for (let i = 0; i < steps; i++) {
      if (vector.present[row * steps + i] === 0) continue;
      if (present[to * steps + i] === 1) return undefined;
      present[to * steps + i] = 1;
      values[to * steps + i] = vector.values[row * steps + i] as number;
      const histogram = vector.histograms?.get(row * steps + i);
      if (histogram !== undefined) histograms.set(to * steps + i, histogram);
    }
    if (pace.isDue()) await pace.pause();
  }
  return withHistograms({ kind: 'vector', steps, series, values, present }, histograms);
}

/** Leaves out rows without any entry. */
export function withoutEmptyRows(vector: VectorValue): VectorValue {
  const rows: number[] = [];
  for (let row = 0; row < vector.series.length; row++) if (rowExists(vector, row)) rows.push(row);
  return rows.length === vector.series.length ? vector : pickRows(vector, rows);
}

export function rowExists({ present, steps }: VectorValue, row: number): boolean {
  for (let i = row * steps; i < (row + 1) * steps; i++) if (present[i] === 1) return true;
  return false;
}

export function pickRows(vector: VectorValue, rows: readonly number[]): VectorValue {
  const { steps } = vector;
  const values = new Float64Array(rows.length * steps);
  const present = new Uint8Array(rows.length * steps);
  const histograms = new Map<number, NativeHistogram>();
  rows.forEach((row, to) => {
    values.set(vector.values.subarray(row * steps, (row + 1) * steps), to * steps);
    present.set(vector.present.subarray(row * steps, (row + 1) * steps), to * steps);
    if (vector.histograms === undefined) return;
    for (const [at, one] of histogramsWithin(vector.histograms, row * steps, (row + 1) * steps))
      histograms.set(to * steps + at, one);
  });
  const series = rows.map(row => vector.series[row] as SeriesMeta);
  return withHistograms({ kind: 'vector', steps, series, values, present }, histograms);
}
