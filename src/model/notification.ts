// From alerting to notify, and back.

import type { Alert } from './alert.ts';
import type { Labels } from './labels.ts';

/** One message to one receiver about one group of alerts. */
export interface NotificationJob {
  /** Unique; the same job retried keeps its id. */
  readonly id: string;
  readonly receiver: string;
  readonly groupKey: string;
  readonly groupLabels: Labels;
  readonly alerts: readonly Alert[];
  readonly status: 'firing' | 'resolved';
  /** Why now: "first notification", "new alerts in group", "alerts resolved", "repeat interval", "recovery failed". */
  readonly reason: string;
  /** Set when an intent without outcome was found after a crash: the message says that it may be a repeat. */
  readonly possibleRepeat: boolean;
  /** Ids of the jobs in doubt that it repeats: once it is sent, their intents are closed in the commit of its outcome. */
  readonly repeats?: readonly string[];
  /** What recovery tried, where the route waits for it. */
  readonly recoveryReport?: string;
  /** Labels of the route that leads there: templates, filled in when the message is made. */
  readonly routeLabels?: Labels;
  /** Give up retrying after this. */
  readonly deadlineMs: number;
  readonly externalUrl: string;
}

export type DeliveryOutcome =
  /** `answer`: the provider's own words. `memo`: what the channel wants to know when it tells of the same group again. */
  | { readonly kind: 'sent'; readonly answer: string; readonly memo?: Readonly<Record<string, string>> }
  /** Worth another try; `afterMs` is what the provider asked for (Retry-After). */
  | { readonly kind: 'retry'; readonly reason: string; readonly detail: string; readonly afterMs?: number }
  /** Another try would fail alike. */
  | { readonly kind: 'drop'; readonly reason: string; readonly detail: string }
  /** Effects are off: nothing left the process. */
  | { readonly kind: 'would_have' };

/** The final word on a job. */
export interface DeliveryReport {
  readonly job: NotificationJob;
  readonly outcome: DeliveryOutcome;
  readonly attempts: number;
  /** The receiver that got it: the job's, or a fallback. */
  readonly deliveredBy: string;
  readonly atMs: number;
  /** Not sent as far as we know, but an attempt broke off when the receiver may have taken it: its intent stays open. */
  readonly inDoubt?: true;
}

/**
 * What was last told to a receiver about a group: decides whether to tell again. Survives restarts.
 * `firing` and `resolved` are fingerprints at the time of the last delivered message.
 */
export interface NotificationLogEntry {
  readonly groupKey: string;
  readonly receiver: string;
  readonly sentAtMs: number;
  readonly firing: readonly string[];
  readonly resolved: readonly string[];
  /** When the entry may be forgotten. */
  readonly expiresAtMs: number;
  /** What the channel left behind: see DeliveryOutcome. */
  readonly memo?: Readonly<Record<string, string>>;
}

/** An intent that was committed before sending; an open one after a restart means "possible repeat". */
export interface DeliveryIntent {
  readonly jobId: string;
  readonly groupKey: string;
  readonly receiver: string;
  readonly atMs: number;
  readonly firing: readonly string[];
  readonly resolved: readonly string[];
  /** Why it was to be told, for the delivery log. */
  readonly reason?: string;
  readonly possibleRepeat?: boolean;
}

/** What became of a message, in one word. `under_way`: no outcome yet; `interrupted`: cut off, whether it arrived is unknown. */
export type DeliveryVerdict =
  | 'under_way'
  | 'sent'
  | 'would_have'
  | 'undelivered'
  | 'superseded'
  | 'interrupted';

export const DELIVERY_VERDICTS: readonly DeliveryVerdict[] = [
  'under_way',
  'sent',
  'would_have',
  'undelivered',
  'superseded',
  'interrupted',
];

/** A message in the delivery log: its intent, and what became of it. */
export interface DeliveryRecord {
  readonly intent: DeliveryIntent;
  readonly verdict: DeliveryVerdict;
  /** Undefined while it is under way. */
  readonly outcome?: DeliveryOutcome;
  readonly endedAtMs?: number;
  readonly attempts?: number;
  /** The way out that took it: the receiver's own, or a fallback's. */
  readonly deliveredBy?: string;
}

export interface DeliveryFilter {
  /** A way out ("ops/email[0]"), or all of a receiver ("ops"). */
  readonly receiver?: string;
  /** Messages that list this alert. */
  readonly fingerprint?: string;
  readonly verdict?: DeliveryVerdict;
  /** By the time of the intent. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** So many of the newest are passed over: the next page. */
  readonly offset?: number;
  /** The newest first. */
  readonly limit: number;
}

export function deliveryVerdict(outcome: DeliveryOutcome | undefined): DeliveryVerdict {
  if (outcome === undefined || outcome.kind === 'retry') return 'under_way';
  if (outcome.kind !== 'drop') return outcome.kind;
  return outcome.reason === 'superseded' || outcome.reason === 'interrupted' ? outcome.reason : 'undelivered';
}
