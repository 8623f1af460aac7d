// The journal: why everything happened. An event is written when a state, a verdict or its reason changes;
// an unchanged repeat only counts up (`repeats`, `lastAtMs`) on the event it repeats.

import type { Effects } from './principal.ts';

export type JournalStage =
  | 'collect'
  | 'rule'
  | 'route'
  | 'inhibition'
  | 'silence'
  | 'group'
  | 'notify'
  | 'recovery'
  | 'config'
  | 'storage'
  | 'system';

export type JournalSubject =
  | { readonly kind: 'alert'; readonly fingerprint: string }
  | { readonly kind: 'group'; readonly groupKey: string }
  | { readonly kind: 'receiver'; readonly name: string }
  | { readonly kind: 'target'; readonly id: string }
  | { readonly kind: 'run'; readonly id: string }
  | { readonly kind: 'system' };

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export interface JournalEvent {
  readonly atMs: number;
  readonly stage: JournalStage;
  readonly subject: JournalSubject;
  /** Fingerprints of the alerts it is about, so that `explain` finds it. */
  readonly alerts: readonly string[];
  /** What was decided, a short constant word: "firing", "notified", "held", "matched", "blocked", … */
  readonly verdict: string;
  /** Why, a sentence for people. */
  readonly reason: string;
  /** What the decision rests on: values, names, outcomes. */
  readonly evidence: { readonly [key: string]: JsonValue };
  readonly effects: Effects;
  /** Hash of the configuration in force. */
  readonly configVersion: string;
}

/** Fingerprints listed on one event; one about more alerts names their number in its evidence (`alertsTotal`). */
export const EVENT_ALERTS_MAX = 200;

export interface StoredJournalEvent extends JournalEvent {
  readonly seq: number;
  /** How often the same verdict and reason came again without a change. */
  readonly repeats: number;
  readonly lastAtMs: number;
}

export interface JournalFilter {
  readonly fingerprint?: string;
  readonly stage?: JournalStage;
  /** Only events of this subject. */
  readonly subject?: JournalSubject;
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Only events after this sequence number: for live pages. */
  readonly afterSeq?: number;
  /** Only events before this sequence number: the next page of a long history. */
  readonly beforeSeq?: number;
  readonly limit: number;
  readonly newestFirst: boolean;
}

/** Whether `next` says the same as `last`: then it is counted, not written. */
export function repeatsEvent(last: JournalEvent, next: JournalEvent): boolean {
  return (
    last.stage === next.stage &&
    last.verdict === next.verdict &&
    last.reason === next.reason &&
    last.effects === next.effects &&
    JSON.stringify(last.subject) === JSON.stringify(next.subject)
  );
}

/** An alert that the journal has an event about, with the labels that the event named. */
export interface KnownAlert {
  readonly fingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the first and the latest event that named its labels. */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

export interface KnownAlertFilter {
  readonly fingerprint?: string;
  /** Its label `alertname`. */
  readonly name?: string;
  readonly limit: number;
}

/** The alert that an event is about and whose labels it names; undefined where it is about none or names none. */
export function alertNamedBy(
  event: Pick<JournalEvent, 'subject' | 'evidence'>,
): { readonly fingerprint: string; readonly labels: Readonly<Record<string, string>> } | undefined {
  const { subject, evidence } = event;
  const labels = evidence['labels'];
  if (subject.kind !== 'alert' || typeof labels !== 'object' || labels === null || Array.isArray(labels))
    return undefined;
  const named: Record<string, string> = {};
  for (const [name, value] of Object.entries(labels)) if (typeof value === 'string') named[name] = value;
  return { fingerprint: subject.fingerprint, labels: named };
}
