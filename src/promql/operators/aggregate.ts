// Aggregations: the group of each series is found once, then columns are folded into their group's column.

import { formatHistogram, labelPairs, labelsFromPairs, labelsKey } from '../../model/index.ts';
import { formatPlainNumber, isValidUtf8, quote } from '../parser/index.ts';
import type { AggregateNode } from '../plan/index.ts';
import { chooseRows } from './choosing.ts';
import type { Groups } from './derived.ts';
import { FOLDS, quantileOf } from './folds.ts';
import { type GroupedInput, groupLabels, groupSeries, rowsByGroup } from './groups.ts';
import { MixedFold, withoutHistograms } from './histogram-folds.ts';
import type { Run } from './run.ts';
import { floatsOf, type SeriesMeta, type Value, type VectorValue, withHistograms } from './values.ts';

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
  const groups = await groupSeries(run, vector, node.settings);
  const fold = FOLDS[func];
  if (fold !== undefined) {
    const result = run.newVector(groups.metas, vector.steps);
    run.reserve(result.values.length * FOLD_BYTES);
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
  return chooseRows(run, node, { vector, groups, perStep });
}

/** What the fold with the largest state has for an entry beside the result. */
const FOLD_BYTES = 17;

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

// --- quantile -------------------------------------------------------------------------------------

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

/** An object of two numbers, and its place in a list. */
const COUNTED_BYTES = 40;

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
    run.reserve(steps * COUNTED_BYTES);
    if (run.isDue()) await run.pause();
  }
  const result = run.newVector(metas, steps);
  for (const [i, { row, step }] of counts.entries()) {
    const at = row * steps + step;
    result.values[at] = (result.values[at] as number) + 1;
    result.present[at] = 1;
    if (i % 1000 === 0 && run.isDue()) await run.pause();
  }
  return result;
}
