// Alerts after a restart and after a reload: what is known of a rule moves to the rule with the same key, and the `for` of
// what was pending goes on as in Prometheus 3 (RestoreForState in its rules/group.go).

import type { Alert } from '../model/index.ts';
import type { ActiveAlert, AlertMap } from './alert-state.ts';

export interface RestoreContext {
  readonly nowMs: number;
  /** When rules were evaluated last before the restart; undefined if that is not known. */
  readonly lastEvaluationMs: number | undefined;
}

/** How `for` goes on after a restart. */
export interface ForPolicy {
  /** After a longer outage the `for` of pending alerts begins anew. */
  readonly outageToleranceMs: number;
  /**
   * A pending alert whose `for` goes on fires no sooner than this after it was seen again: whatever began to deliver a moment
   * ago gets time to settle. Where `for` itself is shorter it begins anew.
   */
  readonly gracePeriodMs: number;
}

/**
 * What fired stays firing, and what was pending stays pending, until the evaluations after the start decide: each alert
 * knows since when nobody has looked at it.
 */
export function restoreAlerts(alerts: readonly Alert[], context: RestoreContext): AlertMap {
  const { nowMs, lastEvaluationMs } = context;
  const restored = new Map<string, ActiveAlert>();
  for (const alert of alerts) {
    // A wall clock that was set back must not leave an alert that begins in the future.
    const activeAtMs = Math.min(alert.activeAtMs, nowMs);
    const downAtMs = Math.min(Math.max(lastEvaluationMs ?? nowMs, activeAtMs), nowMs);
    restored.set(alert.fingerprint, {
      labels: alert.labels,
      fingerprint: alert.fingerprint,
      annotations: alert.annotations,
      state: alert.state,
      activeAtMs,
      ...(alert.firedAtMs === undefined ? {} : { firedAtMs: alert.firedAtMs }),
      ...(alert.resolvedAtMs === undefined ? {} : { resolvedAtMs: alert.resolvedAtMs }),
      lastSeenMs: Math.min(lastEvaluationMs ?? activeAtMs, nowMs - 1),
      value: alert.value,
      reason: alert.reason,
      ...(alert.why === undefined ? {} : { why: alert.why }),
      ...(alert.absence === undefined ? {} : { absence: alert.absence }),
      ...(alert.producer === undefined ? {} : { producer: alert.producer }),
      ...(alert.state === 'resolved' ? {} : { restored: { downAtMs, evaluations: 0 } }),
    });
  }
  return restored;
}

/**
 * Since when a pending alert counts as active that is seen again for the first time after a restart. The time down is no time in
 * which its condition held.
 */
export function resumedActiveAtMs(
  alert: { readonly activeAtMs: number; readonly downAtMs: number; readonly forMs: number },
  { outageToleranceMs, gracePeriodMs }: ForPolicy,
  nowMs: number,
): number {
  const { activeAtMs, downAtMs, forMs } = alert;
  const downMs = Math.max(0, nowMs - downAtMs);
  if (downMs > outageToleranceMs || forMs < gracePeriodMs) return nowMs;
  const remainingMs = forMs - (downAtMs - activeAtMs);
  // Only where the rule was given a shorter `for` meanwhile: by that it fires already.
  if (remainingMs <= 0) return activeAtMs;
  return remainingMs < gracePeriodMs ? nowMs + gracePeriodMs - forMs : activeAtMs + downMs;
}

/**
 * A restored alert that an evaluation did not find and does not judge: what it has waited stays what it was, also should the
 * process end again before the alert is seen.
 */
export function unseenAlert(alert: ActiveAlert, policy: ForPolicy, nowMs: number): ActiveAlert {
  const { restored, activeAtMs } = alert;
  if (restored === undefined) return alert;
  const downMs = Math.max(0, nowMs - restored.downAtMs);
  const shifted = downMs > policy.outageToleranceMs ? nowMs : activeAtMs + downMs;
  return {
    ...alert,
    ...(alert.state === 'pending' ? { activeAtMs: shifted } : {}),
    restored: { downAtMs: nowMs, evaluations: restored.evaluations + 1 },
  };
}
