// Journal events of dispatch, in one shape.

import {
  type DeliveryIntent,
  EVENT_ALERTS_MAX,
  type JournalEvent,
  type JournalStage,
  type JournalSubject,
  type JsonValue,
} from '../model/index.ts';
import type { DispatchEffect, DispatchState } from './state.ts';

export interface EventText {
  readonly stage: JournalStage;
  readonly subject: JournalSubject;
  readonly alerts: readonly string[];
  readonly verdict: string;
  /** Free of numbers that change with each repeat: an equal reason is counted, not written again. */
  readonly reason: string;
  readonly evidence?: { readonly [key: string]: JsonValue };
}

export type JournalEffect = DispatchEffect & { readonly kind: 'journal' };

export function journalEffect(state: DispatchState, nowMs: number, text: EventText): JournalEffect {
  const cut = text.alerts.length > EVENT_ALERTS_MAX;
  const event: JournalEvent = {
    atMs: nowMs,
    stage: text.stage,
    subject: text.subject,
    alerts: cut ? text.alerts.slice(0, EVENT_ALERTS_MAX) : text.alerts,
    verdict: text.verdict,
    reason: text.reason,
    evidence: { ...text.evidence, ...(cut ? { alertsTotal: text.alerts.length } : {}) },
    effects: state.effects,
    configVersion: state.config.configVersion,
  };
  return { kind: 'journal', event };
}

/** Closes an intent without an outcome, and says why. */
export function endSuspect(
  state: DispatchState,
  nowMs: number,
  end: { readonly intent: DeliveryIntent; readonly reason: string },
): DispatchEffect[] {
  const { intent, reason } = end;
  state.suspects.delete(intent.jobId);
  const close: DispatchEffect = { kind: 'close_intent', jobId: intent.jobId, reason };
  return [
    close,
    journalEffect(state, nowMs, {
      stage: 'notify',
      subject: { kind: 'group', groupKey: intent.groupKey },
      alerts: [...intent.firing, ...intent.resolved],
      verdict: 'interrupted',
      reason: `a delivery to ${intent.receiver} was cut off, by the end of the process or of the connection; ${reason}`,
      evidence: { jobId: intent.jobId },
    }),
  ];
}
