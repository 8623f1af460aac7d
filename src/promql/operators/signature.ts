// The key by which series of two vectors find each other.

import { type Labels, labelsKey, labelValue } from '../../model/index.ts';
import type { PlannedMatching } from '../plan/index.ts';
import { filterLabels } from './values.ts';

/** The labels that two series must share: those named by on(), or all but the name and those of ignoring(). */
export function matchedLabels(labels: Labels, { on, labels: names }: PlannedMatching): Labels {
  if (on) return filterLabels(labels, name => names.includes(name));
  return filterLabels(labels, name => name !== '__name__' && !names.includes(name));
}

/** Equal for series that share them. */
export function signatureOf(labels: Labels, matching: PlannedMatching): string {
  return matching.on ? valuesKey(labels, matching.labels) : labelsKey(matchedLabels(labels, matching));
}

/** Of the values that these labels have, "" where one is absent: equal for equal ones only. */
export function valuesKey(labels: Labels, names: readonly string[]): string {
  if (names.length === 1) return labelValue(labels, names[0] as string);
  let key = '';
  for (const name of names) {
    const value = labelValue(labels, name);
    key += `${value.length}:${value}`;
  }
  return key;
}
