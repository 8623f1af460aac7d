// --enable-feature: Prometheus's names of what is not on by default there. Much of it is always on here.

import type { SystemOptions } from '../app/index.ts';

type QueryFeature = Extract<
  keyof NonNullable<SystemOptions['query']>,
  'delayedNameRemoval' | 'startTimestamps'
>;

const ALWAYS_ON: ReadonlySet<string> = new Set([
  'concurrent-rule-eval',
  'exemplar-storage',
  'expand-external-labels',
  'native-histograms',
  'promql-at-modifier',
  'promql-binop-fill-modifiers',
  'promql-duration-expr',
  'promql-experimental-functions',
  'promql-extended-range-selectors',
  'promql-negative-offset',
  'remote-write-receiver',
  'st-storage',
]);

const OF_QUERIES: ReadonlyMap<string, QueryFeature> = new Map([
  ['promql-delayed-name-removal', 'delayedNameRemoval'],
  ['use-start-timestamps', 'startTimestamps'],
]);

export interface Features {
  readonly query: Partial<Record<QueryFeature, true>>;
  /** Names that mean nothing here. */
  readonly unknown: readonly string[];
}

/** A list with commas, as Prometheus has it. */
export function readFeatures(list: string): Features {
  const names = list
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '');
  const query: Partial<Record<QueryFeature, true>> = {};
  for (const name of names) {
    const feature = OF_QUERIES.get(name);
    if (feature !== undefined) query[feature] = true;
  }
  return { query, unknown: names.filter(name => !ALWAYS_ON.has(name) && !OF_QUERIES.has(name)) };
}
