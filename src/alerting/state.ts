// The state of dispatch, what comes in, and what goes out. Plain data; step.ts decides, runner.ts does the I/O.

import type { NamedTimeInterval } from '../config/index.ts';
import type {
  Alert,
  AlertUpdate,
  DeliveryIntent,
  DeliveryReport,
  Effects,
  JournalEvent,
  Labels,
  NotificationJob,
  NotificationLogEntry,
  PostedRecord,
  RecoveryJob,
  RecoveryRun,
  RecoveryUpdate,
  Silence,
  StateWrite,
  TargetId,
} from '../model/index.ts';
import type { DueQueue } from './due-queue.ts';
import type { Inhibition, InhibitRule } from './inhibition.ts';
import type { LogBook } from './logbook.ts';
import type { Route } from './route.ts';
import type { SilenceLimits } from './silence-change.ts';
import type { SilenceBook, SilenceCheck } from './silences.ts';
import type { TimeIntervals } from './time-intervals.ts';

/** How long Alertmanager remembers what it told (its data retention); doubled repeat intervals may ask for more. */
export const LOG_KEPT_MS_MIN = 120 * 3_600_000;
/**
 * After a start, groups with told alerts that were not seen again wait so long for the rules' first updates:
 * longer than the longest usual evaluation interval, short enough that a removed rule does not silence its group.
 */
export const START_WAIT_MS_MAX = 5 * 60_000;
/** A resolved alert is shown and remembered so long: longer than rules go on sending it (15 min in Prometheus). */
export const RESOLVED_KEPT_MS = 30 * 60_000;
/** A delivery may take one group interval, but never less than this (Alertmanager's floor). */
export const DELIVERY_MS_MIN = 10_000;
/** The notifier always reports; should a report be lost, the delivery counts as ended so long after its deadline. */
export const REPORT_GRACE_MS = 60_000;
/** `notify: after_recovery_failed` holds a message at most so long: then people must know, whatever recovery does. */
export const HOLD_MS_DEFAULT = 10 * 60_000;
/** An intent found open at the start whose alerts never come back is closed after this. */
export const SUSPECT_MS_MAX = 24 * 3_600_000;

/** A silence that ended is kept so long, for people who look back and for tools that bring it back (Alertmanager's data retention). */
export const SILENCE_KEPT_MS = 120 * 3_600_000;
export interface AlertLimits extends SilenceLimits {
  /** Posted alerts that share an `alertname`, at most; 0 is none. */
  readonly alertsPerNameMax: number;
}

/** One way out of a receiver: `ops/email[0]`. Each is told, retried and remembered on its own. */
export interface Destination {
  readonly key: string;
  readonly sendResolved: boolean;
}

export interface DispatchConfig {
  readonly route: Route;
  /** By receiver name. A receiver without destinations tells nobody (Alertmanager's "null" receiver). */
  readonly receivers: ReadonlyMap<string, readonly Destination[]>;
  readonly externalUrl: string;
  readonly configVersion: string;
  readonly holdMsMax: number;
  readonly inhibitRules: readonly InhibitRule[];
  readonly timeIntervals: readonly NamedTimeInterval[];
  /** A posted alert without an end counts as resolved so long after its last post. */
  readonly resolveTimeoutMs: number;
  readonly limits: AlertLimits;
}

export interface StoredAlert {
  /** The latest word: its rule's while that says that it fires, else that of whoever posts it. */
  alert: Alert;
  /** The word is the rule's. */
  byRule: boolean;
  /** The latest word of those who post it. */
  posted: PostedRecord | undefined;
  /** The end of `posted` as it is in the database; undefined if it is not there. */
  savedEndMs: number | undefined;
  /** When the end of what is posted is looked at next; undefined if never. */
  endDueMs: number | undefined;
  updatedAtMs: number;
  validUntilMs: number;
  /** Its update expired without another: it stands as it was, since a dead evaluator resolves nothing. */
  stale: boolean;
  /** Ids of the groups that hold it. */
  readonly groups: Set<string>;
  /** The routes that took it, as last journaled. */
  routed: string;
  readonly silences: SilenceCheck;
}

/** Why an alert of a group concerns nobody now. */
export interface Suppression {
  readonly verdict: 'inhibited' | 'muted' | 'silenced';
  readonly reason: string;
}

export interface Group {
  /** Route and group labels: unique, unlike the key that Alertmanager prints. */
  readonly id: string;
  readonly key: string;
  readonly route: Route;
  readonly labels: Labels;
  readonly members: Set<string>;
  readonly createdAtMs: number;
  nextFlushMs: number;
  /** 0 before the first. */
  lastFlushMs: number;
  /** What the last flush decided, for people. */
  lastDecision: string;
  /** Those of its members that the last flush passed over, by fingerprint: what was journaled of them. */
  readonly suppressed: Map<string, Suppression>;
  /** A group of what is unknown since this target is silent (unknowns.ts): beside the groups of the routes. */
  readonly silentTarget?: TargetId;
}

/** A message on its way. */
export interface PendingJob {
  readonly jobId: string;
  readonly groupId: string;
  readonly groupKey: string;
  readonly destination: string;
  readonly firing: readonly string[];
  readonly resolved: readonly string[];
  readonly deadlineMs: number;
}

/** What recovery said of an alert's present episode. */
export type RecoverySituation =
  | { readonly kind: 'no_playbook'; readonly atMs: number }
  | { readonly kind: 'run'; readonly run: RecoveryRun; readonly atMs: number };

/**
 * Owned by one runner and changed in place by `dispatchStep` alone: with ten thousand alerts a copy a step would cost
 * more than the step. Equal states and inputs give equal effects.
 */
export interface DispatchState {
  config: DispatchConfig;
  readonly effects: Effects;
  readonly startedAtMs: number;
  /** Makes job ids unique over restarts. */
  readonly bootId: string;
  jobs: number;
  /** All rules have sent their first update since the start. */
  settled: boolean;
  readonly alerts: Map<string, StoredAlert>;
  readonly groups: Map<string, Group>;
  readonly log: LogBook;
  /** By log key. */
  readonly pending: Map<string, PendingJob>;
  /** Those of `pending` about alerts that a reload moved to other groups. */
  readonly orphaned: Map<string, PendingJob>;
  /** Intents without an outcome found at the start, by job id: their message may or may not have arrived. */
  readonly suspects: Map<string, DeliveryIntent>;
  readonly recovery: Map<string, RecoverySituation>;
  /** What groups wait for → their ids. Whoever ends the wait makes them flush at once. */
  readonly waiting: Map<string, Set<string>>;
  readonly silences: SilenceBook;
  inhibition: Inhibition;
  intervals: TimeIntervals;
  /** Ids of groups at their next flush. */
  readonly due: DueQueue<string>;
  /** Fingerprints of posted alerts at their end. */
  readonly ends: DueQueue<string>;
  /** Alerts kept, by alertname. */
  readonly nameCounts: Map<string, number>;
  /** The time of the step before: a smaller one now is a clock that was set back. */
  latestMs: number;
  nextHousekeepingMs: number;
  nextExpiryMs: number;
}

export type DispatchInput =
  | { readonly kind: 'alerts'; readonly update: AlertUpdate }
  /** Alerts that others posted, checked and filled in. `restored`: from the database, after a start. */
  | { readonly kind: 'posted'; readonly records: readonly PostedRecord[]; readonly restored?: true }
  /** Silences that are in the database. */
  | { readonly kind: 'silences'; readonly silences: readonly Silence[] }
  | { readonly kind: 'report'; readonly report: DeliveryReport }
  | { readonly kind: 'recovery'; readonly update: RecoveryUpdate }
  | { readonly kind: 'recovery_verdict'; readonly fingerprint: string; readonly verdict: 'no_playbook' }
  | { readonly kind: 'reload'; readonly config: DispatchConfig }
  /** All rules have sent their first update. */
  | { readonly kind: 'settled' }
  | { readonly kind: 'tick' };

export type DispatchEffect =
  | { readonly kind: 'notify'; readonly job: NotificationJob }
  | { readonly kind: 'recover'; readonly job: RecoveryJob }
  | { readonly kind: 'journal'; readonly event: JournalEvent }
  | { readonly kind: 'log'; readonly entry: NotificationLogEntry }
  | { readonly kind: 'write'; readonly write: StateWrite }
  | { readonly kind: 'close_intent'; readonly jobId: string; readonly reason: string };

export interface LoadedState {
  readonly log: readonly NotificationLogEntry[];
  readonly openIntents: readonly DeliveryIntent[];
  readonly runs: readonly RecoveryRun[];
  readonly silences: readonly Silence[];
}

export interface InitialState {
  readonly config: DispatchConfig;
  readonly effects: Effects;
  readonly bootId: string;
  readonly nowMs: number;
  readonly loaded: LoadedState;
}

export function isFiring(alert: Alert): boolean {
  return alert.state === 'firing' || alert.state === 'unknown';
}
