// From alerting to recovery, and the life of a run.

import type { Alert } from './alert.ts';

export type RecoveryState =
  | 'proposed'
  | 'waiting_approval'
  | 'blocked'
  | 'running'
  | 'verifying'
  | 'recovered'
  | 'failed'
  | 'escalated'
  /** Found in `running` after a crash: whether the action took effect is not known. */
  | 'unknown';

/** An alert that began, goes on or ended; recovery decides whether a playbook answers it. */
export interface RecoveryJob {
  readonly alert: Alert;
  readonly atMs: number;
}

export interface RecoveryStepRecord {
  readonly name: string;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  readonly outcome?: 'ok' | 'failed' | 'timed_out' | 'would_have' | 'unknown';
  /** Bounded and redacted. */
  readonly output?: string;
  readonly detail?: string;
}

export interface RecoveryRun {
  readonly id: string;
  readonly playbook: string;
  readonly fingerprint: string;
  /** `labelsToRecord` of the alert's labels at the time. */
  readonly labels: Readonly<Record<string, string>>;
  readonly expr: string;
  readonly state: RecoveryState;
  /** Why it is in this state: which guard blocked, what the verification saw. */
  readonly reason: string;
  readonly attempt: number;
  readonly proposedAtMs: number;
  readonly changedAtMs: number;
  readonly steps: readonly RecoveryStepRecord[];
}

export function isFinal(state: RecoveryState): boolean {
  return state === 'recovered' || state === 'escalated' || state === 'blocked';
}

/** Told to alerting when a run's state changes: `failed`, `escalated` and `blocked` release held notifications. */
export interface RecoveryUpdate {
  readonly run: RecoveryRun;
  readonly atMs: number;
}
