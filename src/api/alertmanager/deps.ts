// What Alertmanager's API needs of the house: alerts and groups as the dispatcher has them, silences, and a way in.

import type { Result } from '../../base/index.ts';
import type {
  Alert,
  Labels,
  PostedAlert,
  PostedOutcome,
  Silence,
  SilenceDraft,
  SilenceRefusal,
} from '../../model/index.ts';
import type { AlertmanagerStatusJson, AlertReceiverJson } from './contract.ts';

/** An alert and what becomes of it now. */
export interface DispatchedAlert {
  readonly alert: Alert;
  readonly updatedAtMs: number;
  /** Until when it stands without another word. */
  readonly validUntilMs: number;
  /** Names of the receivers of the routes that hold it. */
  readonly receivers: readonly string[];
  readonly state: 'active' | 'suppressed' | 'unprocessed';
  /** Ids of silences. */
  readonly silencedBy: readonly string[];
  /** Fingerprints of alerts. */
  readonly inhibitedBy: readonly string[];
  /** Names of time intervals. */
  readonly mutedBy: readonly string[];
}

export interface DispatchedGroup {
  readonly labels: Labels;
  /** What its route says of it, filled in when it is asked for. */
  readonly routeLabels?: () => Labels;
  readonly receiver: string;
  /** Fingerprints. */
  readonly alerts: readonly string[];
  /** Names of time intervals that mute its route now. */
  readonly mutedBy: readonly string[];
}

export interface AlertmanagerDeps {
  /** Resolved ones may be among them. */
  alerts(): readonly DispatchedAlert[];
  groups(): readonly DispatchedGroup[];
  silences(): readonly Silence[];
  /** The value is its id. Durable before it answers. */
  setSilence(draft: SilenceDraft): Promise<Result<string, SilenceRefusal>>;
  expireSilence(id: string): Promise<Result<void, SilenceRefusal>>;
  /** Resolves when those that were taken are on disk. */
  receive(posted: readonly PostedAlert[]): Promise<PostedOutcome>;
  /** In the order of the configuration. */
  receivers(): readonly AlertReceiverJson[];
  status(): AlertmanagerStatusJson;
}
