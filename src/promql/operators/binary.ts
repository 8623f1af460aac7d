// Binary operators with a scalar on at least one side, and the entry to the others.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import type { NativeHistogram } from '../../model/index.ts';
import { COMPARISONS, SET_OPS } from '../parser/index.ts';
import type { BinaryNode } from '../plan/index.ts';
import { type CompareMode, isTrim, operate, operatorCode } from './arithmetic.ts';
import { combinePair } from './histogram-pairs.ts';
import { matchVectors } from './matching.ts';
import type { Run } from './run.ts';
import { combineSets } from './sets.ts';
import { type ScalarValue, type Value, type VectorValue, withHistograms } from './values.ts';

export interface BinaryInputs {
  readonly left: Value;
  readonly right: Value;
  readonly mode: CompareMode;
}

export async function binary(run: Run, node: BinaryNode, inputs: BinaryInputs): Promise<Value> {
  const { left, right, mode } = inputs;
  const { operator } = node.settings;
  if (left.kind === 'scalar' && right.kind === 'scalar') return scalars(operator, left, right);
  if (left.kind === 'vector' && right.kind === 'scalar') {
    return withScalar(run, node, { vector: left, scalar: right, scalarLeft: false, mode });
  }
  if (left.kind === 'scalar' && right.kind === 'vector') {
    return withScalar(run, node, { vector: right, scalar: left, scalarLeft: true, mode });
  }
  if (left.kind !== 'vector' || right.kind !== 'vector') throw new Error('binary operator on wrong types');
  if (SET_OPS.has(operator)) return combineSets(run, node, { left, right });
  return matchVectors(run, node, { left, right, mode });
}

function scalars(operator: string, left: ScalarValue, right: ScalarValue): ScalarValue {
  const code = operatorCode(operator);
  const values = new Float64Array(left.values.length);
  for (let i = 0; i < values.length; i++) values[i] = operate(code, left.values[i]!, right.values[i]!);
  return { kind: 'scalar', values };
}

interface ScalarSide {
  readonly vector: VectorValue;
  readonly scalar: ScalarValue;
  readonly scalarLeft: boolean;
  readonly mode: CompareMode;
}

async function withScalar(run: Run, node: BinaryNode, side: ScalarSide): Promise<VectorValue> {
  const { vector, scalar, scalarLeft, mode } = side;
  const { operator, span } = node.settings;
  const filters = COMPARISONS.has(operator) && mode !== 'bool';
  if (filters && mode === 'unfiltered') return vector;
  const code = operatorCode(operator);
  const isCutting = isTrim(operator);
  const keepsName = filters || isCutting;
  const series = keepsName ? vector.series : run.dropNames(vector.series);
  const result = run.newVector(series, vector.steps);
  const histograms = new Map<number, NativeHistogram>();
  const { steps } = vector;
  for (let row = 0; row < series.length; row++) {
    for (let i = 0; i < steps; i++) {
      const at = row * steps + i;
      if (vector.present[at] === 0) continue;
      const value = vector.values[at]!;
      const other = scalar.values[i]!;
      const histogram = vector.histograms?.get(at);
      if (histogram !== undefined || isCutting) {
        const [own, number] = [
          { value, histogram },
          { value: other, histogram: undefined },
        ];
        const pair = scalarLeft
          ? combinePair({ run, operator, span }, number, own)
          : combinePair({ run, operator, span }, own, number);
        if (typeof pair !== 'object') continue;
        run.reserveHistogram(pair);
        histograms.set(at, pair);
        result.present[at] = 1;
        continue;
      }
      const computed = scalarLeft ? operate(code, other, value) : operate(code, value, other);
      if (filters && computed === 0) continue;
      result.values[at] = filters ? value : computed;
      result.present[at] = 1;
    }
    if (run.isDue()) await run.pause();
  }
  const mixed = withHistograms(result, histograms);
  return keepsName ? mixed : run.uniqueAfterDrop(mixed, span);
}
