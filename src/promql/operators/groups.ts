// Which group of an aggregation each series belongs to: found once, for all steps.

import { type Labels, labelsKey } from '../../model/index.ts';
import type { Groups } from './derived.ts';
import type { Run } from './run.ts';
import { valuesKey } from './signature.ts';
import { combineProducers, filterLabels, NAME_LABELS, type SeriesMeta, type VectorValue } from './values.ts';

/** With the parameter, one entry a step. */
export interface GroupedInput {
  readonly vector: VectorValue;
  readonly groups: Groups;
  readonly perStep: Float64Array;
}

export async function groupSeries(
  run: Run,
  vector: VectorValue,
  { without, grouping }: { readonly without: boolean; readonly grouping: readonly string[] },
): Promise<Groups> {
  const memo = run.inputs.lists.groups;
  const memoKey = JSON.stringify([without, grouping]);
  const remembered = memo.get(memoKey, vector.series);
  if (remembered !== undefined) return remembered;
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
    if (run.isDue()) await run.pause();
  }
  const groups = { of, metas };
  memo.put(memoKey, groups, { list: vector.series, made: metas });
  return groups;
}

function joinedMeta(group: SeriesMeta, member: SeriesMeta): SeriesMeta {
  const dropName = group.dropName || member.dropName;
  const producer = combineProducers(group.producer, member.producer);
  if (dropName === group.dropName && producer === group.producer) return group;
  return { labels: group.labels, dropName, producer };
}

export function groupLabels(labels: Labels, without: boolean, names: ReadonlySet<string>): Labels {
  if (!without) return filterLabels(labels, name => names.has(name));
  return filterLabels(labels, name => !names.has(name) && !NAME_LABELS.has(name));
}

/** Rows of each group that exist at a step, in the order of the series. */
export function rowsByGroup(vector: VectorValue, { of, metas }: Groups, step: number): number[][] {
  const rows: number[][] = metas.map(() => []);
  for (let row = 0; row < of.length; row++) {
    if (vector.present[row * vector.steps + step] === 1) (rows[of[row] as number] as number[]).push(row);
  }
  return rows;
}
