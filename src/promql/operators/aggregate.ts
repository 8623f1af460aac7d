// Aggregations: the group of each series is found once, then columns are folded into their group's column.

import {
  formatHistogram,
  type Labels,
  labelPairs,
  labelsFromPairs,
  labelsKey,
  type NativeHistogram,
} from '../../model/index.ts';
import { formatPlainNumber, isValidUtf8, quote } from '../parser/index.ts';
import type { AggregateNode } from '../plan/index.ts';
import { FOLDS, quantileOf } from './folds.ts';
import { hashLabels } from './hash.ts';
import { MixedFold, withoutHistograms } from './histogram-folds.ts';
import type { Run } from './run.ts';
import { valuesKey } from './signature.ts';
import {
  combineProducers,
  filterLabels,
  floatsOf,
  NAME_LABELS,
  pickRows,
  type SeriesMeta,
  type Value,
  type VectorValue,
  withHistograms,
} from './values.ts';

interface Groups {
  /** Group of each series. */
  readonly of: Int32Array;
  readonly metas: readonly SeriesMeta[];
}

export async function aggregate(
  run: Run,
  node: AggregateNode,
  inputs: { readonly vector: VectorValue; readonly param: Value | undefined },
): Promise<VectorValue> {
  const { func, span } = node.settings;
  const { param } = inputs;
  const vector = TAKES_HISTOGRAMS.has(func)
    ? inputs.vector
    : withoutHistograms(run, inputs.vector, { func, span });
  const groups = groupSeries(vector, node.settings);
  const fold = FOLDS[func];
  if (fold !== undefined) {
    const result = run.newVector(groups.metas, vector.steps);
    const state = fold(result, groups.metas.length * vector.steps);
    if (vector.histograms !== undefined && (func === 'sum' || func === 'avg')) {
      const mixed = new MixedFold({ run, span, func }, result, state);
      return foldMixed(run, mixed, { vector, groups, result });
    }
    for (let row = 0; row < vector.series.length; row++) {
      state.add(vector, row, (groups.of[row] as number) * vector.steps);
      if (run.isDue()) await run.pause();
    }
    state.finish();
    return result;
  }
  if (func === 'count_values') return countValues(run, node, { vector, label: textOf(param) });
  const perStep = scalarOf(param);
  if (func === 'quantile') return quantile(run, node, { vector, groups, perStep });
  return select(run, node, { vector, groups, perStep });
}

/** The others are of numbers only. */
const TAKES_HISTOGRAMS: ReadonlySet<string> = new Set([
  'avg',
  'count',
  'count_values',
  'group',
  'limit_ratio',
  'limitk',
  'sum',
]);

async function foldMixed(
  run: Run,
  mixed: MixedFold,
  {
    vector,
    groups,
    result,
  }: {
    readonly vector: VectorValue;
    readonly groups: Groups;
    readonly result: VectorValue;
  },
): Promise<VectorValue> {
  const vectors = { all: vector, floats: floatsOf(vector) };
  for (let row = 0; row < vector.series.length; row++) {
    mixed.add(vectors, row, (groups.of[row] as number) * vector.steps);
    if (run.isDue()) await run.pause();
  }
  mixed.finish();
  return withHistograms(result, mixed.histograms);
}

function scalarOf(value: Value | undefined): Float64Array {
  return value?.kind === 'scalar' ? value.values : new Float64Array();
}

function textOf(value: Value | undefined): string {
  return value?.kind === 'string' ? value.text : '';
}

function groupSeries(
  vector: VectorValue,
  { without, grouping }: { readonly without: boolean; readonly grouping: readonly string[] },
): Groups {
  const of = new Int32Array(vector.series.length);
  const metas: SeriesMeta[] = [];
  const known = new Map<string, number>();
  const names = new Set(grouping);
  for (let row = 0; row < of.length; row++) {
    const meta = vector.series[row] as SeriesMeta;
    const key = without
      ? labelsKey(groupLabels(meta.labels, without, names))
      : valuesKey(meta.labels, grouping);
    let group = known.get(key);
    if (group === undefined) {
      group = metas.length;
      known.set(key, group);
      metas.push({ ...meta, labels: groupLabels(meta.labels, without, names) });
    } else {
      metas[group] = joinedMeta(metas[group] as SeriesMeta, meta);
    }
    of[row] = group;
  }
  return { of, metas };
}

function joinedMeta(group: SeriesMeta, member: SeriesMeta): SeriesMeta {
  const dropName = group.dropName || member.dropName;
  const producer = combineProducers(group.producer, member.producer);
  if (dropName === group.dropName && producer === group.producer) return group;
  return { labels: group.labels, dropName, producer };
}

function groupLabels(labels: Labels, without: boolean, names: ReadonlySet<string>): Labels {
  if (!without) return filterLabels(labels, name => names.has(name));
  return filterLabels(labels, name => !names.has(name) && !NAME_LABELS.has(name));
}

/** Rows of each group that exist at a step, in the order of the series. */
function rowsByGroup(vector: VectorValue, { of, metas }: Groups, step: number): number[][] {
  const rows: number[][] = metas.map(() => []);
  for (let row = 0; row < of.length; row++) {
    if (vector.present[row * vector.steps + step] === 1) (rows[of[row] as number] as number[]).push(row);
  }
  return rows;
}

// --- quantile -------------------------------------------------------------------------------------

interface GroupedInput {
  readonly vector: VectorValue;
  readonly groups: Groups;
  readonly perStep: Float64Array;
}

async function quantile(
  run: Run,
  node: AggregateNode,
  { vector, groups, perStep }: GroupedInput,
): Promise<VectorValue> {
  const { steps } = vector;
  const result = run.newVector(groups.metas, steps);
  for (let step = 0; step < steps; step++) {
    const q = perStep[step] as number;
    warnQuantile(run, q, node.settings.paramSpan);
    for (const [group, rows] of rowsByGroup(vector, groups, step).entries()) {
      if (rows.length === 0) continue;
      const values = Float64Array.from(rows, row => vector.values[row * steps + step] as number);
      result.values[group * steps + step] = quantileOf(q, values);
      result.present[group * steps + step] = 1;
    }
    if (run.isDue()) await run.pause();
  }
  return result;
}

export function warnQuantile(run: Run, q: number, span: { start: number; end: number }): void {
  if (q >= 0 && q <= 1) return;
  run.annotate('warning', `quantile value should be between 0 and 1, got ${formatPlainNumber(q)}`, span);
}

// --- count_values ---------------------------------------------------------------------------------

async function countValues(
  run: Run,
  node: AggregateNode,
  { vector, label }: { readonly vector: VectorValue; readonly label: string },
): Promise<VectorValue> {
  if (label === '' || !isValidUtf8(label)) {
    run.failExecution(`invalid label name ${quote(label)}`, node.settings.paramSpan);
  }
  const { steps } = vector;
  const names = new Set(node.settings.grouping);
  const rowByKey = new Map<string, number>();
  const metas: SeriesMeta[] = [];
  const counts: { row: number; step: number }[] = [];
  for (const [row, meta] of vector.series.entries()) {
    const base = groupLabels(meta.labels, node.settings.without, names);
    for (let step = 0; step < steps; step++) {
      if (vector.present[row * steps + step] === 0) continue;
      const histogram = vector.histograms?.get(row * steps + step);
      const value =
        histogram === undefined
          ? formatPlainNumber(vector.values[row * steps + step] as number)
          : formatHistogram(histogram, formatPlainNumber);
      const labels = labelsFromPairs([...labelPairs(base), [label, value]]);
      const key = labelsKey(labels);
      let target = rowByKey.get(key);
      if (target === undefined) {
        target = metas.length;
        rowByKey.set(key, target);
        metas.push({ ...meta, labels });
      }
      counts.push({ row: target, step });
    }
    run.charge(steps);
    if (run.isDue()) await run.pause();
  }
  const result = run.newVector(metas, steps);
  for (const { row, step } of counts) {
    const at = row * steps + step;
    result.values[at] = (result.values[at] as number) + 1;
    result.present[at] = 1;
  }
  return result;
}

// --- topk, bottomk, limitk, limit_ratio -------------------------------------------------------------

async function select(
  run: Run,
  node: AggregateNode,
  { vector, groups, perStep }: GroupedInput,
): Promise<VectorValue> {
  const { func } = node.settings;
  for (const k of perStep) checkParameter(run, node, k);
  const { steps } = vector;
  const result = run.newVector(vector.series, steps);
  const histograms = new Map<number, NativeHistogram>();
  let order: number[] = [];
  for (let step = 0; step < steps; step++) {
    order = [];
    for (const rows of rowsByGroup(vector, groups, step)) {
      const kept = choose(func, rows, {
        k: perStep[step] as number,
        valueAt: row => vector.values[row * steps + step] as number,
        ratioAt: row => hashLabels((vector.series[row] as SeriesMeta).labels),
      });
      for (const row of kept) {
        result.values[row * steps + step] = vector.values[row * steps + step] as number;
        result.present[row * steps + step] = 1;
        const histogram = vector.histograms?.get(row * steps + step);
        if (histogram !== undefined) histograms.set(row * steps + step, histogram);
        order.push(row);
      }
    }
    if (run.isDue()) await run.pause();
  }
  // The answer of an instant query is ranked; over a range there is no one order.
  const mixed = withHistograms(result, histograms);
  return steps === 1 ? pickRows(mixed, order) : mixed;
}

function checkParameter(run: Run, node: AggregateNode, k: number): void {
  const { func, paramSpan } = node.settings;
  if (func === 'limit_ratio') {
    if (Number.isNaN(k)) run.failExecution('Ratio value is NaN', paramSpan);
    if (Math.abs(k) > 1) {
      const cap = k > 0 ? 1 : -1;
      const got = formatPlainNumber(k);
      run.annotate(
        'warning',
        `ratio value should be between -1 and 1, got ${got}, capping to ${cap}`,
        paramSpan,
      );
    }
    return;
  }
  if (Number.isNaN(k)) run.failExecution('Parameter value is NaN', paramSpan);
  if (Math.abs(k) >= 2 ** 63) {
    run.failExecution(`Scalar value ${formatPlainNumber(k)} overflows int64`, paramSpan);
  }
}

interface Choice {
  readonly k: number;
  valueAt(row: number): number;
  /** A hash of the series' labels in [0, 1). */
  ratioAt(row: number): number;
}

function choose(func: string, rows: readonly number[], { k, valueAt, ratioAt }: Choice): readonly number[] {
  if (func === 'limit_ratio') {
    const ratio = Math.max(-1, Math.min(1, k));
    return rows.filter(row => (ratio >= 0 ? ratioAt(row) < ratio : ratioAt(row) >= 1 + ratio));
  }
  const count = Math.max(0, Math.trunc(k));
  if (func === 'limitk') return rows.slice(0, count);
  const sign = func === 'topk' ? -1 : 1;
  const ranked = [...rows].sort((a, b) => {
    const x = valueAt(a);
    const y = valueAt(b);
    // NaN comes last, whichever end is wanted.
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return x === y ? 0 : sign * (x < y ? -1 : 1);
  });
  return ranked.slice(0, count);
}
