// Which series of two vectors find each other, where that does not depend on which of their samples there are: nearly always.
// Found once for two lists of series, and used again by every query that matches the same ones (series-lists.ts).
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import { labelPairs, labelsFromPairs, labelsKey, labelValue } from '../../model/index.ts';
import type { BinaryNode, PlannedMatching } from '../plan/index.ts';
import { operate, operatorCode } from './arithmetic.ts';
import type { Pairs } from './derived.ts';
import type { Run } from './run.ts';
import { signatureOf } from './signature.ts';
import { combineProducers, filterLabels, type SeriesMeta, type VectorValue } from './values.ts';

interface Sides {
  readonly many: VectorValue;
  readonly one: VectorValue;
}

/** What a result is called. */
export interface Naming {
  readonly run: Run;
  readonly matching: PlannedMatching;
  /** That the result keeps of one-to-one matches, or leaves out. */
  readonly names: ReadonlySet<string>;
  readonly keepsName: boolean;
}

export function resultMeta(
  { run, matching, names, keepsName }: Naming,
  many: SeriesMeta,
  one: SeriesMeta,
): SeriesMeta {
  const base = { ...many, producer: combineProducers(many.producer, one.producer) };
  const named = keepsName ? base : run.dropName(base);
  let labels = named.labels;
  if (matching.card === 'one-to-one') {
    labels = filterLabels(labels, name => names.has(name) === matching.on);
  }
  if (matching.include.length > 0) {
    const taken = matching.include.map(name => [name, labelValue(one.labels, name)] as const);
    labels = labelsFromPairs([...labelPairs(labels), ...taken]);
  }
  return { ...named, labels };
}

/** Undefined where it must be seen step by step who meets whom: fill(), native histograms, several of one signature. */
export async function pairsOf(run: Run, naming: Naming, { many, one }: Sides): Promise<Pairs | undefined> {
  const { matching, keepsName } = naming;
  const { lists } = run.inputs;
  const hasFills = matching.fillLeft !== null || matching.fillRight !== null;
  if (hasFills || many.histograms !== undefined || one.histograms !== undefined) return undefined;
  if (!lists.isKnown(many.series) || !lists.isKnown(one.series)) return undefined;
  const { card, on, labels, include } = matching;
  const key = JSON.stringify([card, on, labels, include, keepsName]);
  const known = lists.pairs.get(key, many.series, one.series);
  if (known !== undefined) return known === 'none' ? undefined : known;
  const found = await findPairs(run, naming, { many, one });
  const made = found === 'none' ? {} : { made: found.metas };
  lists.pairs.put(key, found, { list: many.series, other: one.series, ...made });
  return found === 'none' ? undefined : found;
}

async function findPairs(run: Run, naming: Naming, { many, one }: Sides): Promise<Pairs | 'none'> {
  const { matching } = naming;
  const oneRows = new Map<string, number>();
  for (let row = 0; row < one.series.length; row++) {
    const signature = signatureOf(one.series[row]!.labels, matching);
    if (oneRows.has(signature)) return 'none';
    oneRows.set(signature, row);
    if (run.isDue()) await run.pause();
  }
  // In the order in which signatures are met on the side of many, those of one signature together.
  const manyRows = new Map<string, number[]>();
  for (let row = 0; row < many.series.length; row++) {
    const signature = signatureOf(many.series[row]!.labels, matching);
    const rows = manyRows.get(signature);
    if (rows === undefined) manyRows.set(signature, [row]);
    else if (matching.card === 'one-to-one') return 'none';
    else rows.push(row);
    if (run.isDue()) await run.pause();
  }
  const left: number[] = [];
  const right: number[] = [];
  const metas: SeriesMeta[] = [];
  const keys = new Set<string>();
  for (const [signature, rows] of manyRows) {
    const other = oneRows.get(signature);
    if (other === undefined) continue;
    for (const row of rows) {
      const meta = resultMeta(naming, many.series[row]!, one.series[other]!);
      left.push(row);
      right.push(other);
      metas.push(meta);
      keys.add(labelsKey(meta.labels));
    }
    if (run.isDue()) await run.pause();
  }
  if (keys.size < metas.length) return 'none';
  return { many: Int32Array.from(left), one: Int32Array.from(right), metas };
}

/** The operator over all pairs; `swapped` where the one side is the left one. A filter keeps the left value. */
export async function operatePairs(
  run: Run,
  { settings }: BinaryNode,
  work: Sides & {
    readonly pairs: Pairs;
    readonly swapped: boolean;
    readonly filters: 'values' | 'all' | undefined;
  },
): Promise<VectorValue> {
  const { many, one, pairs, swapped, filters } = work;
  const { steps } = many;
  const result = run.newVector(pairs.metas, steps);
  const { values, present } = result;
  const [left, right] = swapped ? [one, many] : [many, one];
  const [leftRows, rightRows] = swapped ? [pairs.one, pairs.many] : [pairs.many, pairs.one];
  const { values: leftValues, present: leftPresent } = left;
  const { values: rightValues, present: rightPresent } = right;
  const code = operatorCode(settings.operator);
  for (let row = 0; row < pairs.metas.length; row++) {
    const base = row * steps;
    const leftBase = leftRows[row]! * steps;
    const rightBase = rightRows[row]! * steps;
    for (let i = 0; i < steps; i++) {
      if (leftPresent[leftBase + i] === 0 || rightPresent[rightBase + i] === 0) continue;
      const value = leftValues[leftBase + i]!;
      const computed = operate(code, value, rightValues[rightBase + i]!);
      if (filters === 'values' && computed === 0) continue;
      values[base + i] = filters === undefined ? computed : value;
      present[base + i] = 1;
    }
    if (run.isDue()) await run.pause();
  }
  return result;
}
