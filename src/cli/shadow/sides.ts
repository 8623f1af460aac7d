// What a comparison rests on: the rules with their alerts, and the groups of alerts, of the shadow and of what it runs beside.

import type {
  GettableAlertJson,
  GettableSilenceJson,
  LabelRecord,
  RuleGroupJson,
  RuleJson,
} from '../../api/index.ts';
import { UNKNOWN_ANNOTATION } from '../../model/index.ts';
import { parseExpr, printExpr } from '../../promql/parser/index.ts';

export interface AmGroupJson {
  readonly labels: LabelRecord;
  readonly receiver: { readonly name: string };
  readonly alerts: readonly GettableAlertJson[];
}

/** One of the two at one moment. Without an Alertmanager to ask, `groups` is undefined. */
export interface Side {
  readonly ruleGroups: readonly RuleGroupJson[];
  readonly groups: readonly AmGroupJson[] | undefined;
  readonly silences: readonly GettableSilenceJson[];
}

export interface Snapshot {
  readonly atMs: number;
  /** When the shadow began: an alert that is older there cannot be as old here. */
  readonly shadowStartedAtMs: number;
  readonly here: Side;
  readonly there: Side;
}

export interface Difference {
  readonly kind:
    | 'rule'
    | 'alert'
    | 'alert-state'
    | 'alert-since'
    | 'alert-labels'
    | 'receiver'
    | 'grouping'
    | 'silenced'
    | 'inhibited'
    | 'muted'
    | 'notification';
  /** An alert's labels, or a rule's name: with the kind it names the difference over several looks. */
  readonly subject: string;
  readonly here: string;
  readonly there: string;
  /** The likely reason. */
  readonly reason: string;
  /** Explained by when the shadow began: no fault of the configuration. */
  readonly isExpected: boolean;
  /** Since when the younger side can differ; 0 where that is not known. */
  readonly sinceMs: number;
}

export function labelsText(labels: LabelRecord): string {
  const { alertname, ...rest } = labels;
  const parts = Object.entries(rest)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${alertname ?? ''}${parts.length === 0 ? '' : `{${parts.join(', ')}}`}`;
}

export interface SideAlert {
  readonly key: string;
  readonly labels: LabelRecord;
  readonly state: 'pending' | 'firing';
  readonly activeAtMs: number;
  readonly rule: RuleJson;
  /** Our third state, as clients of Prometheus see it: why its data is missing. */
  readonly unknown: string;
}

export function alertsOf(side: Side): ReadonlyMap<string, SideAlert> {
  const alerts = new Map<string, SideAlert>();
  for (const rule of alertingRules(side)) {
    for (const { labels, state, activeAt, annotations } of rule.alerts ?? []) {
      const key = labelsText(labels);
      const activeAtMs = Date.parse(activeAt);
      alerts.set(key, {
        key,
        labels,
        state,
        activeAtMs,
        rule,
        unknown: annotations[UNKNOWN_ANNOTATION] ?? '',
      });
    }
  }
  return alerts;
}

export function alertingRules(side: Side): readonly RuleJson[] {
  return side.ruleGroups.flatMap(group => group.rules.filter(rule => rule.type === 'alerting'));
}

/** One text for expressions that differ in spaces and parentheses only; what does not parse is its own text. */
export function canonicalExpr(text: string): string {
  const parsed = parseExpr(text);
  return parsed.ok ? printExpr(parsed.value) : text;
}

/** The longest interval of both sides' rule groups, in milliseconds. */
export function longestIntervalMs({ here, there }: Pick<Snapshot, 'here' | 'there'>): number {
  return 1000 * Math.max(0, ...[...here.ruleGroups, ...there.ruleGroups].map(group => group.interval));
}
