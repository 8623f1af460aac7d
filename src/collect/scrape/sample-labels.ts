// From the labels on a page and the labels of its target to the labels of the series, as Prometheus joins them.

import { type CompiledRelabelRule, relabel } from '../../exposition/index.ts';
import { type Labels, labelPairs, labelsFromPairs, labelValue, METRIC_NAME } from '../../model/index.ts';

export interface LabelRules {
  /** job, instance and what the configuration adds. */
  readonly targetLabels: Labels;
  readonly honorLabels: boolean;
  readonly metricRelabel: readonly CompiledRelabelRule[];
}

/** 'dropped': relabelling removed the sample. 'nameless': it removed the metric name, which spoils the page. */
export type JoinedLabels =
  | { readonly kind: 'labels'; readonly labels: Labels }
  | { readonly kind: 'dropped' }
  | { readonly kind: 'nameless' };

/**
 * With honor_labels the page wins, an empty label on it included; otherwise the target wins and the page's label
 * is kept as `exported_NAME` (once more prefixed while that is taken).
 */
export function joinLabels(
  pairs: readonly (readonly [name: string, value: string])[],
  rules: LabelRules,
): JoinedLabels {
  const set = new Map(pairs);
  if (rules.honorLabels) {
    for (const [name, value] of labelPairs(rules.targetLabels)) if (!set.has(name)) set.set(name, value);
  } else {
    overrideLabels(set, rules.targetLabels);
  }
  const joined = relabel(labelsFromPairs(set), rules.metricRelabel);
  if (joined === undefined || joined.length === 0) return { kind: 'dropped' };
  if (labelValue(joined, METRIC_NAME) === '') return { kind: 'nameless' };
  return { kind: 'labels', labels: joined };
}

function overrideLabels(set: Map<string, string>, targetLabels: Labels): void {
  const displaced: [name: string, value: string][] = [];
  for (const [name, value] of labelPairs(targetLabels)) {
    const exposed = set.get(name) ?? '';
    if (exposed !== '') displaced.push([name, exposed]);
    set.set(name, value);
  }
  // Shorter names first, so that "exported_x" on the page keeps its name when "x" was displaced too.
  displaced.sort(([a], [b]) => a.length - b.length);
  for (const [name, value] of displaced) {
    let free = `exported_${name}`;
    while ((set.get(free) ?? '') !== '') free = `exported_${free}`;
    set.set(free, value);
  }
}
