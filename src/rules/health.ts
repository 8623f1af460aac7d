// The shape of what /api/v1/rules shows.

import type { Alert, Labels } from '../model/index.ts';
import type { Rule } from './rule.ts';

export type RuleHealth = 'unknown' | 'ok' | 'err';

export interface RuleStatus {
  readonly rule: Rule;
  readonly health: RuleHealth;
  readonly lastError: string;
  /** 0 before the first. */
  readonly lastEvaluationMs: number;
  readonly lastDurationMs: number;
  /** Of alerting rules: pending, firing and unknown ones. */
  readonly alerts: readonly Alert[];
  /** The rule's own annotations as written. */
  readonly annotations: Labels;
}

export interface RuleGroupStatus {
  readonly file: string;
  readonly name: string;
  readonly intervalMs: number;
  readonly limit: number;
  readonly lastEvaluationMs: number;
  readonly lastDurationMs: number;
  readonly missedIterations: number;
  readonly rules: readonly RuleStatus[];
}
