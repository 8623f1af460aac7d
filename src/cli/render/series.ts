// Series of an answer by their labels: what is the same in all of them, and what tells them apart.

import type { LabelRecord } from '../../api/index.ts';
import { compareUtf8 } from '../../base/index.ts';
import { formatLabels, labelsFrom, METRIC_NAME } from '../../model/index.ts';
import type { Column } from './table.ts';
import { visible } from './width.ts';

export interface SplitLabels {
  /** The same in all series, as a selector: `up{job="a"}`; "" where there is nothing. */
  readonly common: string;
  /** Names of those that differ, the metric's first. */
  readonly names: readonly string[];
}

export function splitLabels(metrics: readonly LabelRecord[]): SplitLabels {
  const [first = {}] = metrics;
  const all = new Set(metrics.flatMap(metric => Object.keys(metric)));
  const names = [...all].filter(name =>
    metrics.some(metric => labelOf(metric, name) !== labelOf(first, name)),
  );
  const same = Object.entries(first).filter(([name]) => !names.includes(name));
  return {
    common: same.length === 0 ? '' : selectorText(Object.fromEntries(same)),
    names: names.sort((a, b) => rank(a) - rank(b) || compareUtf8(a, b)),
  };
}

/** A label may be called "constructor". */
function labelOf(metric: LabelRecord, name: string): string {
  return Object.hasOwn(metric, name) ? (metric[name] ?? '') : '';
}

function rank(name: string): number {
  return name === METRIC_NAME ? 0 : 1;
}

export function selectorText(metric: LabelRecord): string {
  return visible(formatLabels(labelsFrom(metric)));
}

/** A column a label that differs. */
export function labelColumns(metrics: readonly LabelRecord[], names: readonly string[]): readonly Column[] {
  return names.map(name => ({
    header: name === METRIC_NAME ? 'metric' : visible(name),
    align: 'left',
    isCut: true,
    cells: metrics.map(metric => visible(labelOf(metric, name))),
  }));
}

/** A series among others, by what tells it apart. */
export function ownLabels(metric: LabelRecord, names: readonly string[]): string {
  const own = names.map(name => [name, labelOf(metric, name)] as const).filter(([, value]) => value !== '');
  return own.length === 0 ? '{}' : selectorText(Object.fromEntries(own));
}
