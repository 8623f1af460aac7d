// What stands behind the store: something that takes groups of commits and answers reads, here or in a worker.

import type { Result } from '../base/index.ts';
import type {
  Alert,
  DeliveryFilter,
  DeliveryIntent,
  DeliveryRecord,
  JournalFilter,
  JsonValue,
  KnownAlert,
  KnownAlertFilter,
  NotificationLogEntry,
  PostedRecord,
  RecoveryRun,
  Silence,
  StateFailure,
  StateWrite,
  StoredJournalEvent,
} from '../model/index.ts';

export interface RunFilter {
  readonly unfinishedOnly: boolean;
  readonly fingerprint?: string;
  readonly limit: number;
}

/** Each kind of read: what is asked and what is answered. */
export interface StateReads {
  readonly journal: { readonly ask: JournalFilter; readonly answer: readonly StoredJournalEvent[] };
  readonly knownAlerts: { readonly ask: KnownAlertFilter; readonly answer: readonly KnownAlert[] };
  readonly deliveries: { readonly ask: DeliveryFilter; readonly answer: readonly DeliveryRecord[] };
  readonly notificationLog: { readonly ask: undefined; readonly answer: readonly NotificationLogEntry[] };
  readonly openIntents: { readonly ask: undefined; readonly answer: readonly DeliveryIntent[] };
  readonly recoveryRuns: { readonly ask: RunFilter; readonly answer: readonly RecoveryRun[] };
  readonly ruleAlerts: { readonly ask: undefined; readonly answer: ReadonlyMap<string, readonly Alert[]> };
  readonly postedAlerts: { readonly ask: undefined; readonly answer: readonly PostedRecord[] };
  readonly silences: { readonly ask: undefined; readonly answer: readonly Silence[] };
  readonly setting: { readonly ask: string; readonly answer: JsonValue | undefined };
}

export type Commit = readonly StateWrite[];

/** Requests are carried out in the order of the calls. */
export interface StateEngine {
  /** One transaction, synced before it is answered; each commit stands or falls alone. */
  commit(group: readonly Commit[]): Promise<readonly Result<void, StateFailure>[]>;
  read<K extends keyof StateReads>(
    kind: K,
    ask: StateReads[K]['ask'],
  ): Promise<Result<StateReads[K]['answer'], StateFailure>>;
  /** A copy into a new file. */
  backup(path: string): Promise<Result<void, StateFailure>>;
  close(): Promise<void>;
}

export interface OpenFailure {
  readonly code: 'state-io' | 'state-newer';
  readonly message: string;
}

export interface DatabaseSettings {
  readonly path: string;
  /** The journal keeps at most so many events, the newest. */
  readonly journalEventsMax: number;
}
