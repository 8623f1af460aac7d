// and, or, unless: what exists on the left depends, step by step, on what exists on the right, or the reverse.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import type { NativeHistogram } from '../../model/index.ts';
import type { BinaryNode, PlannedMatching } from '../plan/index.ts';
import type { SideGroups } from './derived.ts';
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
  const { left: leftGroups, right: rightGroups, count } = await sideGroups(run, matching, { left, right });

  if (operator === 'or') {
    const taken = await existence(run, left, { groups: leftGroups, count });
    const result = run.newVector([...left.series, ...right.series], steps);
    result.values.set(left.values);
    result.present.set(left.present);
    const base = left.series.length * steps;
    const histograms = new Map(left.histograms);
    const into = { vector: result, histograms };
    await keepWhere(run, right, { groups: rightGroups, flags: taken, wanted: 0, into, base });
    return run.unique(withHistograms(result, histograms), span);
  }
  const found = await existence(run, right, { groups: rightGroups, count });
  const result = run.newVector(left.series, steps);
  const wanted = operator === 'and' ? 1 : 0;
  const histograms = new Map<number, NativeHistogram>();
  const into = { vector: result, histograms };
  await keepWhere(run, left, { groups: leftGroups, flags: found, wanted, into, base: 0 });
  return withHistograms(result, histograms);
}

async function sideGroups(
  run: Run,
  matching: PlannedMatching,
  { left, right }: { readonly left: VectorValue; readonly right: VectorValue },
): Promise<SideGroups> {
  const memo = run.inputs.lists.sides;
  const key = JSON.stringify([matching.on, matching.labels]);
  const known = memo.get(key, left.series, right.series);
  if (known !== undefined) return known;
  const groups = new Map<string, number>();
  const groupOf = async (vector: VectorValue): Promise<Int32Array> => {
    const of = new Int32Array(vector.series.length);
    for (const [row, { labels }] of vector.series.entries()) {
      const signature = signatureOf(labels, matching);
      const group = groups.get(signature) ?? groups.size;
      groups.set(signature, group);
      of[row] = group;
      if (run.isDue()) await run.pause();
    }
    return of;
  };
  const made = { left: await groupOf(left), right: await groupOf(right), count: groups.size };
  memo.put(key, made, { list: left.series, other: right.series });
  return made;
}

/** Whether any series of a group exists at a step. */
async function existence(
  run: Run,
  vector: VectorValue,
  { groups, count }: { readonly groups: Int32Array; readonly count: number },
): Promise<Uint8Array> {
  const { steps, present } = vector;
  run.reserve(count * steps);
  const flags = new Uint8Array(count * steps);
  for (let row = 0; row < groups.length; row++) {
    const base = groups[row]! * steps;
    for (let i = 0; i < steps; i++) if (present[row * steps + i] === 1) flags[base + i] = 1;
    if (run.isDue()) await run.pause();
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
