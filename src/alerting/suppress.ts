// The stages before a receiver: inhibition, time intervals, silences, in Alertmanager's order. What they let through is told.

import { type Alert, formatLabels, type JsonValue } from '../model/index.ts';
import { journalEffect } from './events.ts';
import type { DispatchEffect, DispatchState, Group, StoredAlert, Suppression } from './state.ts';

interface Found extends Suppression {
  readonly evidence: { readonly [key: string]: JsonValue };
}

type Stage = (state: DispatchState, at: StageAt) => Found | undefined;

interface StageAt {
  readonly group: Group;
  readonly stored: StoredAlert;
  readonly nowMs: number;
}

/** The first that has a reason keeps the alert back. All depend on the group and the alert alone, not on the destination. */
const STAGES: readonly Stage[] = [byInhibition, byTime, bySilence];

/** The alerts of a group that concern somebody now. Notes on the group what was kept back, and journals what changed. */
export function passSuppression(
  state: DispatchState,
  group: Group,
  at: { readonly nowMs: number; readonly effects: DispatchEffect[] },
): readonly Alert[] {
  const passed: Alert[] = [];
  const { nowMs, effects } = at;
  for (const fingerprint of group.members) {
    const stored = state.alerts.get(fingerprint);
    if (stored === undefined) continue;
    const found = firstReason(state, { group, stored, nowMs });
    const known = group.suppressed.get(fingerprint);
    if (found === undefined) {
      passed.push(stored.alert);
      if (known === undefined) continue;
      group.suppressed.delete(fingerprint);
      const reason = `no longer ${known.verdict}`;
      effects.push(
        verdictEvent(state, { group, fingerprint, nowMs }, { verdict: 'passed', reason, evidence: {} }),
      );
      continue;
    }
    if (known?.verdict === found.verdict && known.reason === found.reason) continue;
    group.suppressed.set(fingerprint, { verdict: found.verdict, reason: found.reason });
    effects.push(verdictEvent(state, { group, fingerprint, nowMs }, found));
  }
  return passed;
}

/** For people: what keeps the members of a group back. */
export function describeSuppressed(group: Group): string {
  const verdicts = new Set([...group.suppressed.values()].map(one => one.verdict));
  return `all its alerts are ${[...verdicts].sort().join(' or ')}`;
}

export interface SuppressionStatus {
  readonly silencedBy: readonly string[];
  readonly inhibitedBy: readonly string[];
}

/** Of an alert now, whatever its groups; both are looked up, as Alertmanager's API does. */
export function suppressionOf(state: DispatchState, stored: StoredAlert, nowMs: number): SuppressionStatus {
  const { labels, fingerprint } = stored.alert;
  return {
    silencedBy: state.silences.silencing(labels, stored.silences, nowMs),
    inhibitedBy: state.inhibition.inhibitedBy(fingerprint, labels)?.by ?? [],
  };
}

/** Names of the time intervals that keep a group's messages back now. */
export function mutedBy(state: DispatchState, { route }: Group, nowMs: number): readonly string[] {
  const { activeTimeIntervals: active, muteTimeIntervals: mute } = route;
  const isIn = (name: string): boolean => state.intervals.contains(name, nowMs);
  if (active.length > 0 && !active.some(isIn)) return active;
  return mute.filter(isIn);
}

function firstReason(state: DispatchState, at: StageAt): Found | undefined {
  for (const stage of STAGES) {
    const found = stage(state, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function byInhibition(state: DispatchState, { stored }: StageAt): Found | undefined {
  const { fingerprint, labels } = stored.alert;
  const inhibited = state.inhibition.inhibitedBy(fingerprint, labels);
  if (inhibited === undefined) return undefined;
  const { rule, name, by } = inhibited;
  const sources = by.map(one => formatLabels(state.alerts.get(one)?.alert.labels ?? labels));
  const which = name === '' ? `inhibit rule ${rule + 1}` : `inhibit rule "${name}"`;
  return {
    verdict: 'inhibited',
    reason: `inhibited by ${sources.join(' and ')}, ${which}`,
    evidence: { rule, sources: by, ...(name === '' ? {} : { name }) },
  };
}

function byTime(state: DispatchState, { group, nowMs }: StageAt): Found | undefined {
  const names = mutedBy(state, group, nowMs);
  if (names.length === 0) return undefined;
  const isOutside = names === group.route.activeTimeIntervals;
  const listed = names.map(name => `"${name}"`).join(', ');
  return {
    verdict: 'muted',
    reason: `muted for ${group.route.receiver}: ${isOutside ? 'outside of' : 'inside'} the time interval ${listed}`,
    evidence: { intervals: names, receiver: group.route.receiver },
  };
}

function bySilence(state: DispatchState, { stored, nowMs }: StageAt): Found | undefined {
  const ids = state.silences.silencing(stored.alert.labels, stored.silences, nowMs);
  if (ids.length === 0) return undefined;
  const words = ids.map(id => {
    const silence = state.silences.get(id);
    return `${id} (${silence?.createdBy ?? ''}: ${silence?.comment ?? ''})`;
  });
  return { verdict: 'silenced', reason: `silenced by ${words.join(', ')}`, evidence: { silences: ids } };
}

function verdictEvent(
  state: DispatchState,
  at: { readonly group: Group; readonly fingerprint: string; readonly nowMs: number },
  found: { readonly verdict: string; readonly reason: string; readonly evidence: Found['evidence'] },
): DispatchEffect {
  return journalEffect(state, at.nowMs, {
    stage: 'notify',
    subject: { kind: 'alert', fingerprint: at.fingerprint },
    alerts: [at.fingerprint],
    verdict: found.verdict,
    reason: found.reason,
    evidence: { ...found.evidence, groupKey: at.group.key },
  });
}
