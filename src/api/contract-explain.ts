// The HTTP API as types: explanations, the delivery log, groups of alerts. The page imports this file; nothing here runs.

import type { Why } from '../model/index.ts';
import type { LabelRecord, OwnAlertJson, TimelineEventJson } from './contract.ts';

/** Names of the causes: why an alert is as it is, and why someone was told of it or was not. */
export type CauseCode =
  | 'no_data'
  | 'no_series'
  | 'no_series_silent'
  | 'not_holding'
  | 'holds_elsewhere'
  | 'pending'
  | 'pending_given_up'
  | 'ended'
  | 'target_gone'
  | 'kept_firing'
  | 'rule_failed'
  | 'rule_waiting'
  | 'rule_stale'
  | 'not_known_then'
  | 'wrong_route'
  | 'no_way_out'
  | 'inhibited'
  | 'silenced'
  | 'muted'
  | 'held'
  | 'waiting_group'
  | 'waiting'
  | 'under_way'
  | 'told'
  | 'repeat_not_due'
  | 'told_by_fallback'
  | 'told_end'
  | 'ended_untold'
  | 'receiver_failed'
  | 'interrupted'
  | 'shadow';

export interface CauseJson {
  readonly code: CauseCode;
  /** Of what concerns one receiver: its name. */
  readonly receiver: string | null;
  /** What the text is about; names that end in "AtMs" are times. */
  readonly params: Readonly<Record<string, string | number>>;
  /** What `params.reason` says, where a rule gave it. */
  readonly why?: Why;
  /** In English, with times as RFC 3339. */
  readonly text: string;
}

/** One comparison of the rule's expression, evaluated for the time that is asked for. */
export interface ConditionJson {
  /** "left op right" as it stands in the expression; without a comparison the whole expression, and `op` is "". */
  readonly text: string;
  readonly left: string;
  readonly op: string;
  readonly right: string;
  /** What the right side came to; null where it is no single number. */
  readonly threshold: string | null;
  /** Of the left side those of the alert; without an alert the nearest to the threshold, at most five. */
  readonly series: readonly {
    readonly labels: LabelRecord;
    readonly value: string;
    readonly holds: boolean;
  }[];
  /** Series on the left side in all. */
  readonly seriesTotal: number;
  /** The side could not be evaluated. */
  readonly error: string;
}

export interface RouteStepJson {
  /** As Alertmanager prints it. */
  readonly route: string;
  readonly depth: number;
  readonly receiver: string;
  readonly verdict: 'taken' | 'passed to a child' | 'no match' | 'not tried';
  readonly reason: string;
}

/** Why an alert is as it is at a time: sample, rule, route, and then each stage with its latest word. */
export interface ExplainJson {
  readonly atMs: number;
  /** Asked for a time: what the journal knew then, and not what is known since. */
  readonly isPast: boolean;
  /** In force at that time, as far as the journal knows; "" where it does not. */
  readonly configVersion: string;
  /** Null: there is no such alert, and `causes` say why. */
  readonly alert: OwnAlertJson | null;
  /** The most important first; each receiver has one. */
  readonly causes: readonly CauseJson[];
  readonly conditions: readonly ConditionJson[];
  readonly rules: readonly {
    readonly name: string;
    readonly file: string;
    readonly group: string;
    readonly expr: string;
    readonly forMs: number;
    readonly health: string;
    readonly lastError: string;
    readonly lastEvaluationMs: number;
  }[];
  /** How the tree in force now takes the alert; empty for a past time. */
  readonly routes: readonly RouteStepJson[];
  readonly stages: readonly {
    readonly stage: string;
    readonly atMs: number;
    /** Until when the same was said again, at the time that is asked for. */
    readonly lastAtMs: number;
    readonly verdict: string;
    readonly reason: string;
    readonly evidence: Readonly<Record<string, unknown>>;
    readonly configVersion: string;
  }[];
  /** Other alerts of the same name. */
  readonly others: readonly {
    readonly fingerprint: string;
    readonly labels: LabelRecord;
    readonly state: string;
  }[];
  /** The newest first; with `from` and `to` of that span. */
  readonly history: readonly TimelineEventJson[];
  /** There is more: ask with `before` the number of the last one. */
  readonly hasMore: boolean;
}

/** GET /deliveries: a message to a way out of a receiver, and what became of it. */
export interface DeliveryJson {
  readonly jobId: string;
  readonly receiver: string;
  readonly groupKey: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly verdict: 'under_way' | 'sent' | 'would_have' | 'undelivered' | 'superseded' | 'interrupted';
  /** Why it was to be told. */
  readonly reason: string;
  /** What the provider answered, or why it was not delivered. */
  readonly detail: string;
  readonly attempts: number | null;
  /** Another way out than the receiver's, where a fallback took it. */
  readonly deliveredBy: string;
  readonly possibleRepeat: boolean;
  /** Fingerprints. */
  readonly firing: readonly string[];
  readonly resolved: readonly string[];
}

export interface DeliveriesJson {
  /** The newest first. */
  readonly deliveries: readonly DeliveryJson[];
  readonly hasMore: boolean;
}

/** GET /groups: a group of alerts as dispatch keeps it. */
export interface GroupJson {
  readonly key: string;
  readonly routeKey: string;
  readonly receiver: string;
  readonly labels: LabelRecord;
  readonly createdAtMs: number;
  /** 0 before the first. */
  readonly lastFlushMs: number;
  readonly nextFlushMs: number;
  readonly lastDecision: string;
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  readonly alerts: readonly {
    readonly fingerprint: string;
    readonly labels: LabelRecord;
    readonly state: string;
    readonly startsAtMs: number;
    /** Why nobody is told of it: "silenced", "inhibited", "muted", "held"; empty where nothing keeps it back. */
    readonly suppressed: readonly string[];
  }[];
  readonly destinations: readonly {
    readonly key: string;
    readonly lastSentMs: number | null;
    readonly toldFiring: readonly string[];
  }[];
}
