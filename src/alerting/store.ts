// The alert store: the latest word on every alert, and its membership in groups.

import {
  type Alert,
  type AlertUpdate,
  episodeStartMs,
  isFinal,
  labelsToRecord,
  labelValue,
  toldAnnotations,
} from '../model/index.ts';
import { journalEffect } from './events.ts';
import { alertOfPosted } from './posted.ts';
import { groupKeyOf, groupLabelsOf, matchRoutes, type Route } from './route.ts';
import { unchecked } from './silences.ts';
import {
  type DispatchEffect,
  type DispatchState,
  type Group,
  isFiring,
  RESOLVED_KEPT_MS,
  type StoredAlert,
} from './state.ts';
import { planFlush } from './waiting.ts';

export function applyUpdate(state: DispatchState, update: AlertUpdate, nowMs: number): DispatchEffect[] {
  const effects: DispatchEffect[] = [];
  const { atMs, validUntilMs } = update;
  for (const alert of update.alerts) {
    // A pending alert concerns nobody yet.
    if (alert.state === 'pending') continue;
    const posted = state.alerts.get(alert.fingerprint)?.posted;
    const word = { atMs, validUntilMs, nowMs };
    // Somebody else says that it fires: that it ended for the rule does not end it.
    const goesOn = !isFiring(alert) && posted !== undefined && posted.endsAtMs > nowMs;
    if (goesOn) takeWord(state, { ...word, alert: alertOfPosted(posted, nowMs), byRule: false }, effects);
    else takeWord(state, { ...word, alert, byRule: isFiring(alert) }, effects);
  }
  return effects;
}

/** The word that holds on an alert from now on. */
export interface Word {
  readonly alert: Alert;
  readonly byRule: boolean;
  readonly atMs: number;
  readonly validUntilMs: number;
  readonly nowMs: number;
}

/** Keeps the alert and puts it into its groups; undefined if it concerns nobody. */
export function takeWord(
  state: DispatchState,
  word: Word,
  effects: DispatchEffect[],
): StoredAlert | undefined {
  const { alert, nowMs } = word;
  const known = state.alerts.get(alert.fingerprint);
  if (known === undefined && !isFiring(alert)) {
    // A run that a former process left open is concluded by the word that its alert ended.
    if (hasOpenRun(state, alert.fingerprint)) {
      effects.push({ kind: 'recover', job: { alert, atMs: word.atMs } });
    }
    if (!mustHearOfEnd(state, alert, nowMs)) return undefined;
  }

  const changed = known === undefined || isFiring(alert) !== isFiring(known.alert);
  // Of its own alerts the rule has said so itself.
  if (changed && alert.rule.file === '') effects.push(postedEvent(state, nowMs, alert));
  const stored = known ?? keep(state, word);
  stored.alert = alert;
  stored.byRule = word.byRule;
  stored.updatedAtMs = word.atMs;
  stored.validUntilMs = word.validUntilMs;
  state.inhibition.note(alert.fingerprint, alert.labels, isFiring(alert));
  if (stored.stale) {
    stored.stale = false;
    effects.push(
      alertEvent(state, nowMs, { alert, verdict: 'evaluated again', reason: 'its rule is evaluated again' }),
    );
  }
  if (isFiring(alert) || known === undefined)
    effects.push(...join(state, stored, { nowMs, before: state.groups }));
  if (isFiring(alert) || changed) effects.push({ kind: 'recover', job: { alert, atMs: word.atMs } });
  return stored;
}

function keep(state: DispatchState, { alert, byRule, atMs, validUntilMs }: Word): StoredAlert {
  const stored: StoredAlert = {
    alert,
    byRule,
    posted: undefined,
    savedEndMs: undefined,
    endDueMs: undefined,
    updatedAtMs: atMs,
    validUntilMs,
    stale: false,
    groups: new Set<string>(),
    routed: '',
    silences: unchecked(),
  };
  state.alerts.set(alert.fingerprint, stored);
  countName(state, alert, 1);
  return stored;
}

function countName(state: DispatchState, alert: Alert, change: 1 | -1): void {
  const name = labelValue(alert.labels, 'alertname');
  const count = (state.nameCounts.get(name) ?? 0) + change;
  if (count > 0) state.nameCounts.set(name, count);
  else state.nameCounts.delete(name);
}

/** A recovery run that is neither over nor left to another attempt. */
export function hasOpenRun(state: DispatchState, fingerprint: string): boolean {
  const situation = state.recovery.get(fingerprint);
  return situation?.kind === 'run' && situation.run.state !== 'failed' && !isFinal(situation.run.state);
}

/** An unknown fingerprint that ended matters only to those who were, or may have been, told that it fires. */
function mustHearOfEnd(state: DispatchState, alert: Alert, nowMs: number): boolean {
  if (nowMs - (alert.resolvedAtMs ?? nowMs) > RESOLVED_KEPT_MS && state.settled) return false;
  if (state.log.isToldFiring(alert.fingerprint)) return true;
  return [...state.suspects.values()].some(intent => intent.firing.includes(alert.fingerprint));
}

export interface JoinAt {
  readonly nowMs: number;
  /** The groups before a reload: a group that is still there keeps its timing. */
  readonly before: ReadonlyMap<string, Group>;
}

/** Puts an alert into the groups of all routes that take it. */
export function join(state: DispatchState, stored: StoredAlert, at: JoinAt): DispatchEffect[] {
  const effects: DispatchEffect[] = [];
  const { alert } = stored;
  const { nowMs } = at;
  const routes = matchRoutes(state.config.route, alert.labels);
  const groups: string[] = [];
  for (const route of routes) {
    const group = groupFor(state, { route, alert, ...at }, effects);
    groups.push(group.key);
    if (stored.groups.has(group.id)) continue;
    stored.groups.add(group.id);
    group.members.add(alert.fingerprint);
    // An alert that fires for longer than the wait has waited enough: after a restart its group is due at once.
    if (group.lastFlushMs === 0 && episodeStartMs(alert) + route.groupWaitMs < nowMs)
      planFlush(state, group, nowMs);
  }
  const routed = routes.map(route => `${route.key} → ${route.receiver}`).join('; ');
  if (routed !== stored.routed) {
    stored.routed = routed;
    effects.push(
      journalEffect(state, nowMs, {
        stage: 'route',
        subject: { kind: 'alert', fingerprint: alert.fingerprint },
        alerts: [alert.fingerprint],
        verdict: 'matched',
        reason: routed,
        evidence: {
          groups,
          receivers: routes.map(route => route.receiver),
        },
      }),
    );
  }
  return effects;
}

function groupFor(
  state: DispatchState,
  at: JoinAt & { readonly route: Route; readonly alert: Alert },
  effects: DispatchEffect[],
): Group {
  const { route, nowMs } = at;
  const labels = groupLabelsOf(route, at.alert.labels);
  const key = groupKeyOf(route, labels);
  // A route that now leads to another receiver makes a new group: its timing begins anew.
  const id = `${route.id} ${route.receiver.length}:${route.receiver}${key}`;
  const known = state.groups.get(id);
  if (known !== undefined) return known;
  // Asked before it is made: without a reload the groups before are those of now.
  const isNew = !at.before.has(id);
  const group = makeGroup(state, { id, key, route, labels }, at);
  if (!isNew) return group;
  effects.push(
    journalEffect(state, nowMs, {
      stage: 'group',
      subject: { kind: 'group', groupKey: key },
      alerts: [at.alert.fingerprint],
      verdict: 'waiting',
      reason: 'new group: alerts are gathered for group_wait',
      evidence: { groupWaitMs: route.groupWaitMs, receiver: route.receiver },
    }),
  );
  return group;
}

/** A group without members that waits for its first flush, or goes on with the timing that it had before a reload. */
export function makeGroup(
  state: DispatchState,
  what: Pick<Group, 'id' | 'key' | 'route' | 'labels' | 'silentTarget'>,
  { nowMs, before }: JoinAt,
): Group {
  const former = before.get(what.id);
  const group: Group = {
    ...what,
    members: new Set(),
    createdAtMs: former?.createdAtMs ?? nowMs,
    nextFlushMs: former?.nextFlushMs ?? nowMs + what.route.groupWaitMs,
    lastFlushMs: former?.lastFlushMs ?? 0,
    lastDecision: former?.lastDecision ?? 'waiting for group_wait',
    suppressed: former?.suppressed ?? new Map(),
  };
  state.groups.set(group.id, group);
  planFlush(state, group, group.nextFlushMs);
  return group;
}

/** Takes an alert out of a group; a group without alerts goes. */
export function leave(state: DispatchState, group: Group, fingerprint: string): void {
  group.members.delete(fingerprint);
  group.suppressed.delete(fingerprint);
  state.alerts.get(fingerprint)?.groups.delete(group.id);
  if (group.members.size === 0) state.groups.delete(group.id);
}

/** Marks alerts whose rule fell silent, and forgets resolved ones that nobody waits for. */
export function sweepAlerts(state: DispatchState, nowMs: number): DispatchEffect[] {
  const effects: DispatchEffect[] = [];
  for (const [fingerprint, stored] of state.alerts) {
    const { alert } = stored;
    if (isFiring(alert)) {
      // A posted alert has an end of its own.
      if (!stored.byRule || stored.stale || stored.validUntilMs > nowMs) continue;
      stored.stale = true;
      const reason = 'its rule was not evaluated in time; the alert stands as it was';
      effects.push(alertEvent(state, nowMs, { alert, verdict: 'stale', reason }));
    } else if (stored.groups.size === 0 && nowMs - (alert.resolvedAtMs ?? nowMs) > RESOLVED_KEPT_MS) {
      state.alerts.delete(fingerprint);
      countName(state, alert, -1);
      state.inhibition.forget(fingerprint, alert.labels);
      state.recovery.delete(fingerprint);
    }
  }
  return effects;
}

/** The alert as messages show it. */
export function presentAlert(alert: Alert): Alert {
  if (alert.state !== 'unknown') return alert;
  return { ...alert, annotations: toldAnnotations(alert) };
}

/** Begin and end of an alert that somebody posts, with its labels: what the journal knows it by. */
function postedEvent(state: DispatchState, nowMs: number, alert: Alert): DispatchEffect {
  return journalEffect(state, nowMs, {
    stage: 'rule',
    subject: { kind: 'alert', fingerprint: alert.fingerprint },
    alerts: [alert.fingerprint],
    verdict: alert.state,
    reason: alert.reason,
    evidence: { labels: labelsToRecord(alert.labels), activeAtMs: alert.activeAtMs },
  });
}

interface AlertVerdict {
  readonly alert: Alert;
  readonly verdict: string;
  readonly reason: string;
}

function alertEvent(state: DispatchState, nowMs: number, text: AlertVerdict): DispatchEffect {
  return journalEffect(state, nowMs, {
    stage: 'rule',
    subject: { kind: 'alert', fingerprint: text.alert.fingerprint },
    alerts: [text.alert.fingerprint],
    verdict: text.verdict,
    reason: text.reason,
  });
}
