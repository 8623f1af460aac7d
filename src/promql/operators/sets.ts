// and, or, unless: what exists on the left depends, step by step, on what exists on the right, or the reverse.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import type { NativeHistogram } from '../../model/index.ts';
import type { BinaryNode } from '../plan/index.ts';
import type { Run } from './run.ts';
import { signatureOf } from './signature.ts';
import { type VectorValue, withHistograms } from './values.ts';

export async function combineSets(
  run: Run,
  node: BinaryNode,
  { left, right }: { readonly left: VectorValue; readonly right: VectorValue },
): Promise<VectorValue> {
  const { operator, matching, span } = node.settings;
  const { steps } = left;
  const groups = new Map<string, number>();
  const groupOf = (vector: VectorValue): Int32Array =>
    Int32Array.from(vector.series, ({ labels }) => {
      const key = signatureOf(labels, matching);
      const known = groups.get(key);
      if (known !== undefined) return known;
      groups.set(key, groups.size);
      return groups.size - 1;
    });
  const leftGroups = groupOf(left);
  const rightGroups = groupOf(right);

  if (operator === 'or') {
    const taken = existence(left, leftGroups, groups.size);
    const result = run.newVector([...left.series, ...right.series], steps);
    result.values.set(left.values);
    result.present.set(left.present);
    const base = left.series.length * steps;
    const histograms = new Map(left.histograms);
    const into = { vector: result, histograms };
    await keepWhere(run, right, { groups: rightGroups, flags: taken, wanted: 0, into, base });
    return run.unique(withHistograms(result, histograms), span);
  }
  const found = existence(right, rightGroups, groups.size);
  const result = run.newVector(left.series, steps);
  const wanted = operator === 'and' ? 1 : 0;
  const histograms = new Map<number, NativeHistogram>();
  const into = { vector: result, histograms };
  await keepWhere(run, left, { groups: leftGroups, flags: found, wanted, into, base: 0 });
  return withHistograms(result, histograms);
}

/** Whether any series of a group exists at a step. */
function existence(vector: VectorValue, groups: Int32Array, count: number): Uint8Array {
  const { steps, present } = vector;
  const flags = new Uint8Array(count * steps);
  for (let row = 0; row < groups.length; row++) {
    const base = groups[row]! * steps;
    for (let i = 0; i < steps; i++) if (present[row * steps + i] === 1) flags[base + i] = 1;
  }
  return flags;
}

async function keepWhere(
  run: Run,
  vector: VectorValue,
  keep: {
    readonly groups: Int32Array;
    readonly flags: Uint8Array;
    readonly wanted: 0 | 1;
    readonly into: { readonly vector: VectorValue; readonly histograms: Map<number, NativeHistogram> };
    readonly base: number;
  },
): Promise<void> {
  const { steps, present, values } = vector;
  const { into, base } = keep;
  for (let row = 0; row < vector.series.length; row++) {
    const flagBase = keep.groups[row]! * steps;
    for (let i = 0; i < steps; i++) {
      const at = row * steps + i;
      if (present[at] === 0 || keep.flags[flagBase + i] !== keep.wanted) continue;
      into.vector.present[base + at] = 1;
      into.vector.values[base + at] = values[at]!;
      const histogram = vector.histograms?.get(at);
      if (histogram !== undefined) into.histograms.set(base + at, histogram);
    }
    if (run.isDue()) await run.pause();
  }
}
