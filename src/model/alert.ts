// Alerts as rules produce them and alerting keeps them.

import { type Labels, withLabels } from './labels.ts';
import type { TargetId } from './sample.ts';
import type { Why } from './why.ts';

/** `unknown`: it fired, and now its data is missing for a cause that is not "resolved". */
export type AlertState = 'pending' | 'firing' | 'unknown' | 'resolved';

/** A rule's identity over reloads: by file, group, name and labels, never by position. */
export interface RuleId {
  readonly file: string;
  readonly group: string;
  readonly name: string;
  /** `labelsKey` of the rule's own labels. */
  readonly labelsKey: string;
}

export function ruleKey(id: RuleId): string {
  return JSON.stringify([id.file, id.group, id.name, id.labelsKey]);
}

/**
 * Why an alert's data is not in its rule's answer. `below`: its left side is there and no longer fits. `restarted`,
 * `settling`: there is not enough data yet, after our restart or the target's return. `recorded`: a rule recorded it.
 * `not_posted`: somebody else's alert, which was not posted again in time.
 */
export type AbsenceCause =
  | 'below'
  | 'target_gone'
  | 'target_silent'
  | 'series_ended'
  | 'not_knowable'
  | 'recorded'
  | 'restarted'
  | 'settling'
  | 'not_posted';

export interface Alert {
  /** With alertname. */
  readonly labels: Labels;
  /** `fingerprint(labels)`. */
  readonly fingerprint: string;
  readonly annotations: Labels;
  readonly state: AlertState;
  /** When the condition first held (start of pending). */
  readonly activeAtMs: number;
  /** When it began to fire; undefined while pending. */
  readonly firedAtMs?: number;
  readonly resolvedAtMs?: number;
  /** Since when only `keep_firing_for` keeps it firing. */
  readonly keptFiringSinceMs?: number;
  /** Why it is unknown or resolved: "fell below", "target left discovery", "target silent: …". */
  readonly reason: string;
  /** The reason of an alert of a rule, for pages in other languages. */
  readonly why?: Why;
  /** The cause behind the reason, while it is unknown, pending without data, or resolved. */
  readonly absence?: AbsenceCause;
  /** Value of the expression when last seen. */
  readonly value: number;
  readonly rule: RuleId;
  /** The rule's expression: what recovery verifies with. */
  readonly expr: string;
  readonly producer?: TargetId;
  readonly generatorUrl: string;
}

/** Carries the reason of an `unknown` alert to those who know only firing and resolved. */
export const UNKNOWN_ANNOTATION = 'watchkeeper_unknown';

/** As others are told of them: an unknown alert fires, and says why it is unknown. */
export function toldAnnotations({ state, annotations, reason }: Alert): Labels {
  return state === 'unknown' ? withLabels(annotations, { [UNKNOWN_ANNOTATION]: reason }) : annotations;
}

/** When the present episode began. */
export function episodeStartMs({ firedAtMs, activeAtMs }: Pick<Alert, 'firedAtMs' | 'activeAtMs'>): number {
  return firedAtMs ?? activeAtMs;
}

/** From rules to alerting after each evaluation of a group: every alert that is firing, unknown, or resolved lately. */
export interface AlertUpdate {
  readonly atMs: number;
  readonly alerts: readonly Alert[];
  /**
   * Until when the alerts stand without another update: a dead rule evaluator must not leave them firing for ever, nor
   * may one late evaluation resolve them. (Prometheus: four evaluation or resend intervals.)
   */
  readonly validUntilMs: number;
}

export type AlertSink = (update: AlertUpdate) => void;

/** An alert that somebody else sends us (`POST /api/v2/alerts`): a Prometheus, a script, amtool. */
export interface PostedAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  /** Absent: its end if that is given, else now. */
  readonly startsAtMs?: number;
  /** Absent: it counts as resolved `resolve_timeout` after it was last posted. */
  readonly endsAtMs?: number;
  readonly generatorUrl: string;
}

/** What became of alerts that were posted: the invalid ones are refused one by one. */
export interface PostedOutcome {
  readonly accepted: number;
  /** By the position in what was posted. */
  readonly refused: readonly { readonly index: number; readonly reason: string }[];
}

/** What was posted, with everything filled in: as it is kept over a restart. */
export interface PostedRecord {
  readonly fingerprint: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  /** The end was not posted: it is the last post and `resolve_timeout`. */
  readonly endIsTimeout: boolean;
  readonly updatedAtMs: number;
  readonly generatorUrl: string;
}
