// Journal lines of the rules: one for each change of an alert's state or of its reason.

import {
  type Alert,
  type Effects,
  formatLabels,
  type JournalEvent,
  type JsonValue,
  labelsToRecord,
} from '../model/index.ts';
import type { AlertChange } from './alert-state.ts';
import type { AlertingRule } from './rule.ts';

export interface JournalSettings {
  readonly effects: Effects;
  readonly configVersion: string;
}

export function changeEvent(
  rule: AlertingRule,
  change: AlertChange,
  at: JournalSettings & { readonly atMs: number },
): JournalEvent {
  const { alert } = change;
  return {
    atMs: at.atMs,
    stage: 'rule',
    subject: { kind: 'alert', fingerprint: alert.fingerprint },
    alerts: [alert.fingerprint],
    verdict: change.to,
    reason: alert.reason,
    evidence: {
      labels: labelsToRecord(alert.labels),
      // JSON has no NaN and no infinities.
      value: Number.isFinite(alert.value) ? alert.value : String(alert.value),
      expr: rule.expr,
      file: rule.id.file,
      group: rule.id.group,
      activeAtMs: alert.activeAtMs,
      ...(rule.forMs > 0 ? { forMs: rule.forMs } : {}),
      ...(alert.why === undefined ? {} : { why: alert.why }),
      ...(alert.absence === undefined ? {} : { cause: alert.absence }),
      ...(alert.producer === undefined ? {} : { producer: alert.producer }),
    } satisfies Record<string, JsonValue>,
    effects: at.effects,
    configVersion: at.configVersion,
  };
}

/** The last line of an alert whose rule is gone. */
export function removedEvent(alert: Alert, at: JournalSettings & { readonly atMs: number }): JournalEvent {
  return {
    atMs: at.atMs,
    stage: 'rule',
    subject: { kind: 'alert', fingerprint: alert.fingerprint },
    alerts: [alert.fingerprint],
    verdict: alert.state,
    reason: alert.reason,
    evidence: {
      labels: labelsToRecord(alert.labels),
      alert: formatLabels(alert.labels),
      expr: alert.expr,
      ...(alert.why === undefined ? {} : { why: alert.why }),
    },
    effects: at.effects,
    configVersion: at.configVersion,
  };
}
