// topk, bottomk, limitk, limit_ratio: some of the series of each group stay as they are.

import type { NativeHistogram } from '../../model/index.ts';
import { formatPlainNumber } from '../parser/index.ts';
import type { AggregateNode } from '../plan/index.ts';
import { type GroupedInput, rowsByGroup } from './groups.ts';
import { hashLabels } from './hash.ts';
import { Ranking } from './ranking.ts';
import type { Run } from './run.ts';
import { pickRows, type SeriesMeta, type VectorValue, withHistograms } from './values.ts';

export async function chooseRows(
  run: Run,
  node: AggregateNode,
  { vector, groups, perStep }: GroupedInput,
): Promise<VectorValue> {
  const { func } = node.settings;
  for (const k of perStep) checkParameter(run, node, k);
  const { steps } = vector;
  const result = run.newVector(vector.series, steps);
  const histograms = new Map<number, NativeHistogram>();
  const ranking = await rank(run, func, { vector, groups, perStep });
  let order: number[] = [];
  for (let step = 0; step < steps; step++) {
    order = [];
    const kept = ranking
      ? groups.metas.map((_, group) => ranking.rowsOf(group, step))
      : rowsByGroup(vector, groups, step).map(rows =>
          choose(func, rows, {
            k: perStep[step] as number,
            valueAt: row => vector.values[row * steps + step] as number,
            ratioAt: row => hashLabels((vector.series[row] as SeriesMeta).labels),
          }),
        );
    for (const rows of kept) {
      for (const row of rows) {
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

/** Of topk and bottomk, unless too many are wanted. */
async function rank(
  run: Run,
  func: string,
  { vector, groups, perStep }: GroupedInput,
): Promise<Ranking | undefined> {
  if (func !== 'topk' && func !== 'bottomk') return undefined;
  const cells = { groups: groups.metas.length, steps: vector.steps };
  const ranking = Ranking.of({ func, most: Int32Array.from(perStep, countOf) }, cells);
  for (let row = 0; ranking !== undefined && row < groups.of.length; row++) {
    ranking.add(vector, row, groups.of[row] as number);
    if (run.isDue()) await run.pause();
  }
  return ranking;
}

/** How many a parameter asks for: more than there can be are as many as there are. */
function countOf(k: number): number {
  return Math.min(2 ** 31 - 1, Math.max(0, Math.trunc(k)));
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
  const count = countOf(k);
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
