// Alerts after a restart and after a reload: what is known of a rule moves to the rule with the same key.

import type { Alert } from '../model/index.ts';
import type { ActiveAlert, AlertMap } from './alert-state.ts';

export interface RestoreContext {
  readonly nowMs: number;
  /** When rules were evaluated last before the restart; undefined if that is not known. */
  readonly lastEvaluationMs: number | undefined;
  /**
   * How long we may have been down for a pending alert to go on counting its `for`. The time down counts: the condition
   * held before and, if it holds at the first evaluation, is taken to have held between. (Prometheus 3 tolerates an
   * hour, but stops its clock while it is down.) After a longer outage `for` begins anew; what fired stays firing until
   * the first evaluation decides.
   */
  readonly outageToleranceMs: number;
}

export function restoreAlerts(alerts: readonly Alert[], context: RestoreContext): AlertMap {
  const { nowMs, lastEvaluationMs, outageToleranceMs } = context;
  const tolerated = lastEvaluationMs === undefined || nowMs - lastEvaluationMs <= outageToleranceMs;
  const restored = new Map<string, ActiveAlert>();
  for (const alert of alerts) {
    const restarts = alert.state === 'pending' && !tolerated;
    // A wall clock that was set back must not leave an alert that begins in the future.
    const activeAtMs = restarts ? nowMs : Math.min(alert.activeAtMs, nowMs);
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
      ...(alert.absence === undefined ? {} : { absence: alert.absence }),
      ...(alert.producer === undefined ? {} : { producer: alert.producer }),
    });
  }
  return restored;
}
