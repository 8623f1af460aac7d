// The key by which series of two vectors find each other.

import { type Labels, labelsKey } from '../../model/index.ts';
import type { PlannedMatching } from '../plan/index.ts';
import { filterLabels } from './values.ts';

/** The labels that two series must share: those named by on(), or all but the name and those of ignoring(). */
export function matchedLabels(labels: Labels, { on, labels: names }: PlannedMatching): Labels {
  if (on) return filterLabels(labels, name => names.includes(name));
  return filterLabels(labels, name => name !== '__name__' && !names.includes(name));
}

export function signatureOf(labels: Labels, matching: PlannedMatching): string {
  return labelsKey(matchedLabels(labels, matching));
}
