// Rules as plain data, ready to be evaluated.

import type { Labels, QueryPlan, RuleId } from '../model/index.ts';
import { parseTemplate, prometheusFunctions, type Template } from '../template/index.ts';

/**
 * What an alert becomes when its data is missing. Prometheus resolves it. All others ask for the cause first: where the series is
 * known to be over, the alert is too; else it is `unknown`, or fires (`firing`: also what did not fire before), or is over all
 * the same (`ok`), or stays as it is (`keep`).
 */
export type NoData = 'prometheus' | 'unknown' | 'firing' | 'ok' | 'keep';

export const NO_DATA_POLICIES = ['unknown', 'firing', 'ok', 'keep'] as const satisfies readonly NoData[];

/** A label or annotation whose value is a template. */
export interface TemplatedText {
  readonly name: string;
  readonly text: string;
  readonly template: Template;
}

interface RuleBase {
  readonly id: RuleId;
  /** `ruleKey(id)`; the second of two rules with the same id has "#2" behind it. */
  readonly key: string;
  readonly expr: string;
  readonly plan: QueryPlan;
  /** As written, with the group's labels below. */
  readonly labels: Labels;
  readonly line: number;
}

export interface RecordingRule extends RuleBase {
  readonly kind: 'recording';
  readonly record: string;
}

export interface AlertingRule extends RuleBase {
  readonly kind: 'alerting';
  readonly alert: string;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly labelTemplates: readonly TemplatedText[];
  readonly annotations: readonly TemplatedText[];
  readonly noData: NoData;
  /** The rule says so itself: it then also holds where the cause cannot be known. */
  readonly isNoDataOwn: boolean;
}

export type Rule = RecordingRule | AlertingRule;

export interface RuleGroup {
  readonly file: string;
  readonly name: string;
  /** Undefined takes the default of the configuration. */
  readonly intervalMs: number | undefined;
  /** Most alerts or series of one rule; 0 is no limit. */
  readonly limit: number;
  readonly queryOffsetMs: number | undefined;
  readonly rules: readonly Rule[];
}

export interface RuleFile {
  readonly file: string;
  readonly groups: readonly RuleGroup[];
}

export function groupKey(group: { readonly file: string; readonly name: string }): string {
  return `${group.file};${group.name}`;
}

/** Variables that Prometheus sets in every label and annotation template. */
export const TEMPLATE_VARIABLES = ['labels', 'externalLabels', 'externalURL', 'value'] as const;

/** Functions by name only: parsing wants to know what exists. */
const NAMES_ONLY = prometheusFunctions({ externalUrl: '' });

export function parseRuleTemplate(name: string, text: string): ReturnType<typeof parseTemplate> {
  return parseTemplate(text, {
    functions: NAMES_ONLY,
    name,
    variables: TEMPLATE_VARIABLES,
  });
}
