// Journal events of dispatch, in one shape.

import type { JournalEvent, JournalStage, JournalSubject, JsonValue } from '../model/index.ts';
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

/** Fingerprints listed on one event; a larger group names its size in the evidence. */
export const EVENT_ALERTS_MAX = 200;

export function journalEffect(state: DispatchState, nowMs: number, text: EventText): DispatchEffect {
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
