// The port to the small durable facts. Writes come in commits: all of a commit or nothing of it survives.

import type { Result } from '../base/index.ts';
import type { Alert, PostedRecord } from './alert.ts';
import type {
  JournalEvent,
  JournalFilter,
  JsonValue,
  KnownAlert,
  KnownAlertFilter,
  StoredJournalEvent,
} from './journal.ts';
import type {
  DeliveryFilter,
  DeliveryIntent,
  DeliveryOutcome,
  DeliveryRecord,
  NotificationLogEntry,
} from './notification.ts';
import type { RecoveryRun } from './recovery.ts';
import type { Silence } from './silence.ts';

export type StateWrite =
  | { readonly kind: 'journal'; readonly event: JournalEvent }
  | { readonly kind: 'notification_log'; readonly entry: NotificationLogEntry }
  | { readonly kind: 'delivery_intent'; readonly intent: DeliveryIntent }
  | {
      readonly kind: 'delivery_outcome';
      readonly jobId: string;
      readonly outcome: DeliveryOutcome;
      readonly atMs: number;
      /** For the delivery log. */
      readonly attempts?: number;
      readonly deliveredBy?: string;
    }
  | { readonly kind: 'recovery_run'; readonly run: RecoveryRun }
  /** The alerts of one rule that must survive a restart; replaces what was kept for the rule. */
  | { readonly kind: 'rule_alerts'; readonly ruleKey: string; readonly alerts: readonly Alert[] }
  /** An alert that others post, by fingerprint. */
  | { readonly kind: 'posted_alert'; readonly alert: PostedRecord }
  /** Forget posted alerts that ended before. */
  | { readonly kind: 'expire_posted'; readonly endedBeforeMs: number }
  /** New or changed, by id. */
  | { readonly kind: 'silence'; readonly silence: Silence }
  /** Forget silences that ended before. */
  | { readonly kind: 'expire_silences'; readonly endedBeforeMs: number }
  | { readonly kind: 'setting'; readonly key: string; readonly value: JsonValue }
  /** Forget what is older: journal by age, log entries past their expiry. */
  | { readonly kind: 'expire'; readonly nowMs: number; readonly journalBeforeMs: number };

export interface StateFailure {
  readonly code: 'state-io' | 'state-closed' | 'state-conflict';
  readonly message: string;
}

/**
 * `urgent`: as `synced`, and ahead of the commits that wait, except that a read sees all that were asked for before it: for what
 * a request waits for, and no other commit rests on.
 * `synced`: resolves when the commit survives a loss of power (intents of messages and actions).
 * `grouped`: survives the death of the process; synced with the next group, at most some milliseconds later.
 */
export type Durability = 'urgent' | 'synced' | 'grouped';

export interface StateStore {
  /** Commits take effect in the order of the calls, urgent ones before the others; a reader sees all or nothing of one, and its own writes at once. */
  commit(writes: readonly StateWrite[], durability: Durability): Promise<Result<void, StateFailure>>;
  journal(filter: JournalFilter): Promise<Result<readonly StoredJournalEvent[], StateFailure>>;
  /** Alerts that the journal names, the latest first. */
  knownAlerts(filter: KnownAlertFilter): Promise<Result<readonly KnownAlert[], StateFailure>>;
  /** The delivery log. */
  deliveries(filter: DeliveryFilter): Promise<Result<readonly DeliveryRecord[], StateFailure>>;
  notificationLog(): Promise<Result<readonly NotificationLogEntry[], StateFailure>>;
  /** Intents without an outcome: what was under way when the process died. */
  openIntents(): Promise<Result<readonly DeliveryIntent[], StateFailure>>;
  recoveryRuns(filter: {
    readonly unfinishedOnly: boolean;
    readonly fingerprint?: string;
    readonly limit: number;
  }): Promise<Result<readonly RecoveryRun[], StateFailure>>;
  ruleAlerts(): Promise<Result<ReadonlyMap<string, readonly Alert[]>, StateFailure>>;
  postedAlerts(): Promise<Result<readonly PostedRecord[], StateFailure>>;
  silences(): Promise<Result<readonly Silence[], StateFailure>>;
  setting(key: string): Promise<Result<JsonValue | undefined, StateFailure>>;
  /** A copy of everything committed before this, as a new file that opens as a state database. Durable but for its name. */
  backup(path: string): Promise<Result<void, StateFailure>>;
  close(): Promise<void>;
}
