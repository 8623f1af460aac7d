// What a rule reads and what it writes, by metric names: from it follows which rules of a group may be evaluated side by side.

import {
  type CompiledMatcher,
  compileMatcher,
  METRIC_NAME,
  type PlanNode,
  type PlanValue,
} from '../model/index.ts';
import type { Rule } from './rule.ts';

/** The names that a rule may read. */
export interface Reads {
  /** By their full names. */
  readonly names: ReadonlySet<string>;
  /** What selects otherwise: by a pattern, by several conditions, or without a name, which may be anything. */
  readonly patterns: readonly ((name: string) => boolean)[];
}

const ALERT_SERIES: readonly string[] = ['ALERTS', 'ALERTS_FOR_STATE'];

/** Metric names of the series that a rule writes. */
export function writesOf(rule: Rule): readonly string[] {
  return rule.kind === 'recording' ? [rule.record] : ALERT_SERIES;
}

export function readsOf(rule: Rule): Reads {
  const names = new Set<string>();
  const patterns: ((name: string) => boolean)[] = [];
  for (const matchers of selectorsOf(rule.plan.root)) {
    const onName = matchers.filter(({ name }) => name === METRIC_NAME);
    const [first] = onName;
    if (onName.length === 1 && first?.op === '=') names.add(first.value);
    else patterns.push(name => onName.every(matcher => matcher.test(name)));
  }
  // What a template asks for is known only when it runs.
  if (rule.kind === 'alerting' && asksQueries(rule)) patterns.push(() => true);
  return { names, patterns };
}

function asksQueries(rule: Rule & { kind: 'alerting' }): boolean {
  return [...rule.labelTemplates, ...rule.annotations].some(
    ({ text }) => text.includes('{{') && text.includes('query'),
  );
}

/** The conditions of every selector in a plan. Operators that read series say so by a list of `matchers` in their settings. */
function* selectorsOf(node: PlanNode): Generator<readonly CompiledMatcher[]> {
  const { matchers } = node.settings;
  if (Array.isArray(matchers)) yield matchers.map(matcherOf);
  for (const input of node.inputs) yield* selectorsOf(input);
}

/** What cannot be understood may match anything. */
function matcherOf(value: PlanValue): CompiledMatcher {
  if (isRecord(value)) {
    const { name, op, value: text } = value;
    if (typeof name === 'string' && typeof text === 'string') {
      const known = OPS.find(one => one === op);
      const compiled = known === undefined ? undefined : compileMatcher({ name, op: known, value: text });
      if (compiled?.ok) return compiled.value;
    }
  }
  return { name: METRIC_NAME, op: '=~', value: '.*', test: () => true };
}

function isRecord(value: PlanValue): value is { readonly [key: string]: PlanValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const OPS = ['=', '!=', '=~', '!~'] as const;
