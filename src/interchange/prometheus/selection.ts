// Which samples of a folder are wanted: a range of time, and series by their labels.

import { type CompiledMatcher, type Labels, matchesAll } from '../../model/index.ts';

export interface Selection {
  /** Both ends are included; infinite without a limit. */
  readonly fromMs: number;
  readonly toMs: number;
  /** A series is wanted where all of one list fit; no list at all wants every series. */
  readonly anyOf: readonly (readonly CompiledMatcher[])[];
}

export function isSelected({ anyOf }: Pick<Selection, 'anyOf'>, labels: Labels): boolean {
  return anyOf.length === 0 || anyOf.some(matchers => matchesAll(matchers, labels));
}
