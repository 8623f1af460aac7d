// A group's flush: for every destination, what passes the stages, whether it is told, and why.

import type { Alert } from '../model/index.ts';
import { type Decision, decideNotification } from './decide.ts';
import { journalEffect } from './events.ts';
import { decideHold } from './hold.ts';
import { logKey } from './logbook.ts';
import { awaitsRules, releaseResolved } from './release.ts';
import {
  DELIVERY_MS_MIN,
  type Destination,
  type DispatchEffect,
  type DispatchState,
  type Group,
  isFiring,
  type PendingJob,
  START_WAIT_MS_MAX,
} from './state.ts';
import { presentAlert } from './store.ts';
import { describeSuppressed, passSuppression } from './suppress.ts';
import { inheritTold, isUnderWayElsewhere, pendingFor, suspectsFor } from './told.ts';
import { DATA_MISSING, isToldMissing, toldBefore } from './unknowns.ts';
import { waitFor } from './waiting.ts';

interface At {
  readonly group: Group;
  readonly destination: Destination;
  /** Those that inhibition, time intervals and silences let through. */
  readonly alerts: readonly Alert[];
  readonly nowMs: number;
}

/** What a stage lets through. `untilMs`: look again then. `waitFor`: look again when that happens. */
interface Passed {
  readonly alerts: readonly Alert[];
  readonly notes: readonly StageNote[];
  readonly reports: readonly string[];
  /** Among the alerts is one that recovery could not help and that nobody was told of. */
  readonly recoveryFailed: boolean;
  readonly untilMs: number;
  readonly waitFor: readonly string[];
}

interface StageNote {
  readonly fingerprint: string;
  readonly verdict: string;
  readonly reason: string;
}

/**
 * Flushes a group: inhibition, time intervals and silences, which are the same for all destinations; then for each of them the
 * hold (what is kept back needs no recovery report) and the decision. Whoever calls plans the next flush.
 */
export function flushGroup(state: DispatchState, group: Group, nowMs: number): DispatchEffect[] {
  const effects: DispatchEffect[] = [];
  group.lastFlushMs = nowMs;
  group.nextFlushMs = nowMs + group.route.groupIntervalMs;
  const destinations = state.config.receivers.get(group.route.receiver) ?? [];
  const words: string[] = [];
  const alerts = passSuppression(state, group, { nowMs, effects });
  let told = false;
  for (const destination of destinations) {
    const concerned = group.silentTarget === undefined ? alerts : toldBefore(state, destination, alerts);
    const outcome = flushDestination(state, { group, destination, alerts: concerned, nowMs }, effects);
    told ||= outcome.notify;
    words.push(`${destination.key}: ${outcome.reason}`);
  }
  if (destinations.length === 0) words.push(`receiver ${group.route.receiver} has no destination`);
  group.lastDecision = words.join('; ');
  effects.push(
    journalEffect(state, nowMs, {
      stage: 'group',
      subject: { kind: 'group', groupKey: group.key },
      alerts: [...group.members],
      verdict: told ? 'notify' : 'not_notified',
      reason: group.lastDecision,
      evidence: {
        receiver: group.route.receiver,
        nextFlushMs: group.nextFlushMs,
        groupIntervalMs: group.route.groupIntervalMs,
        repeatIntervalMs: group.route.repeatIntervalMs,
      },
    }),
  );
  effects.push(...releaseResolved(state, group, { nowMs, only: undefined }));
  return effects;
}

interface FlushOutcome {
  readonly notify: boolean;
  readonly reason: string;
}

function flushDestination(state: DispatchState, at: At, effects: DispatchEffect[]): FlushOutcome {
  const { group, destination, nowMs } = at;
  const place = { destination: destination.key, nowMs };
  const pending = pendingFor(state, group, place);
  const inherited = pending === undefined ? inheritTold(state, group, place) : undefined;
  effects.push(...(inherited?.effects ?? []));
  if (inherited?.blocked === true || isUnderWayElsewhere(state, group, destination.key)) {
    waitFor(state, group, `report:${destination.key}`);
    return { notify: false, reason: 'a message of the former route is under way' };
  }
  if (awaitsRules(state, at)) {
    waitFor(state, group, 'settled');
    group.nextFlushMs = Math.min(group.nextFlushMs, state.startedAtMs + START_WAIT_MS_MAX);
    return { notify: false, reason: 'waiting for the rules to be evaluated after the start' };
  }
  const passed = holdForRecovery(state, at);
  group.nextFlushMs = Math.min(group.nextFlushMs, Math.max(passed.untilMs, nowMs + 1));
  for (const key of passed.waitFor) waitFor(state, group, key);
  effects.push(...passed.notes.map(note => noteEvent(state, nowMs, note)));
  return decideAndSend(state, { ...at, passed, pending }, effects);
}

interface Send extends At {
  readonly passed: Passed;
  readonly pending: PendingJob | undefined;
}

function decideAndSend(state: DispatchState, send: Send, effects: DispatchEffect[]): FlushOutcome {
  const { group, destination, nowMs, passed, pending } = send;
  const firing = passed.alerts.filter(isFiring).map(alert => alert.fingerprint);
  const resolved = passed.alerts.filter(alert => !isFiring(alert)).map(alert => alert.fingerprint);
  if (firing.length + resolved.length === 0) {
    return {
      notify: false,
      reason: reasonOfNone(send),
    };
  }
  const suspects = suspectsFor(state, group, destination.key);
  const decision = decideNotification({
    entry: state.log.get(group.key, destination.key),
    doubtful: {
      firing: suspects.flatMap(intent => intent.firing),
      resolved: suspects.flatMap(intent => intent.resolved),
    },
    firing,
    resolved,
    sendResolved: destination.sendResolved,
    repeatIntervalMs: group.route.repeatIntervalMs,
    nowMs,
  });
  if (pending !== undefined) {
    const same = sameSet(pending.firing, firing) && sameSet(pending.resolved, resolvedSent(send, resolved));
    if (same || !decision.notify) {
      // What is decided now rests on the old log: look again when the report has come.
      if (!same) waitFor(state, group, `report:${destination.key}`);
      return { notify: false, reason: 'a message is under way' };
    }
  }
  if (!decision.notify) {
    if (firing.length === 0) for (const intent of suspects) closeSuspect(state, intent.jobId, effects);
    return decision;
  }
  // Said once for the target, and not again by each group that it had alerts in.
  const isRepeat = decision.reason === 'repeat interval elapsed';
  if (isRepeat && group.silentTarget === undefined && isToldMissing(state, destination, passed.alerts))
    return { notify: false, reason: 'its data is missing, and that was told for the target' };
  const reason = group.silentTarget === undefined ? reasonOf(decision, passed) : DATA_MISSING;
  sendJob(state, { ...send, reason, repeats: suspects.map(intent => intent.jobId) }, effects);
  return { notify: true, reason };
}

function reasonOfNone({ group, alerts }: Send): string {
  if (alerts.length > 0) return 'all its alerts are held';
  if (group.suppressed.size > 0) return describeSuppressed(group);
  return 'nobody was told of its alerts';
}

function reasonOf(decision: Decision & { readonly notify: true }, passed: Passed): string {
  const { reason } = decision;
  const isNews = reason === 'first notification' || reason === 'new alerts in group';
  return isNews && passed.recoveryFailed ? 'recovery failed' : reason;
}

function sendJob(
  state: DispatchState,
  send: Send & { readonly reason: string; readonly repeats: readonly string[] },
  effects: DispatchEffect[],
): void {
  const { group, destination, nowMs, passed } = send;
  const alerts = passed.alerts
    .filter(alert => destination.sendResolved || isFiring(alert))
    .sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
  const jobId = `${state.bootId}-${state.jobs++}`;
  const deadlineMs = nowMs + Math.max(group.route.groupIntervalMs, DELIVERY_MS_MIN);
  state.pending.set(logKey(group.key, destination.key), {
    jobId,
    groupId: group.id,
    groupKey: group.key,
    destination: destination.key,
    firing: alerts.filter(isFiring).map(alert => alert.fingerprint),
    resolved: alerts.filter(alert => !isFiring(alert)).map(alert => alert.fingerprint),
    deadlineMs,
  });
  effects.push({
    kind: 'notify',
    job: {
      id: jobId,
      receiver: destination.key,
      groupKey: group.key,
      groupLabels: group.labels,
      alerts: alerts.map(presentAlert),
      status: alerts.some(isFiring) ? 'firing' : 'resolved',
      reason: send.reason,
      possibleRepeat: send.repeats.length > 0,
      ...(send.repeats.length === 0 ? {} : { repeats: send.repeats }),
      ...(passed.reports.length === 0 ? {} : { recoveryReport: passed.reports.join('\n') }),
      ...(group.route.labels.length === 0 ? {} : { routeLabels: group.route.labels }),
      deadlineMs,
      externalUrl: state.config.externalUrl,
    },
  });
}

// --- the hold ------------------------------------------------------------------------------------

function holdForRecovery(state: DispatchState, at: At): Passed {
  const { group, alerts, nowMs } = at;
  if (group.route.notify === 'always') {
    const untilMs = Number.POSITIVE_INFINITY;
    return { alerts, notes: [], reports: [], recoveryFailed: false, untilMs, waitFor: [] };
  }
  const told = toldOrOnItsWay(state, at);
  let recoveryFailed = false;
  const passed: Alert[] = [];
  const notes: StageNote[] = [];
  const reports: string[] = [];
  const waits: string[] = [];
  let untilMs = Number.POSITIVE_INFINITY;
  for (const alert of alerts) {
    const { fingerprint } = alert;
    const verdict = decideHold({
      alert,
      told: told.has(fingerprint),
      situation: state.recovery.get(fingerprint),
      holdMsMax: state.config.holdMsMax,
      nowMs,
    });
    if (verdict.kind === 'pass') {
      passed.push(alert);
      if (verdict.report === undefined) continue;
      reports.push(verdict.report);
      recoveryFailed ||= !told.has(fingerprint);
      continue;
    }
    notes.push({
      fingerprint,
      verdict: verdict.kind === 'drop' ? 'never notified' : 'held',
      reason: `held: ${verdict.reason}`,
    });
    if (verdict.kind === 'hold') {
      untilMs = Math.min(untilMs, verdict.untilMs);
      waits.push(`recovery:${fingerprint}`);
    }
  }
  return { alerts: passed, notes, reports, recoveryFailed, untilMs, waitFor: waits };
}

function toldOrOnItsWay(state: DispatchState, at: At): ReadonlySet<string> {
  const { group, destination, nowMs } = at;
  const pending = pendingFor(state, group, { destination: destination.key, nowMs });
  const suspects = suspectsFor(state, group, destination.key);
  return new Set([
    ...(state.log.get(group.key, destination.key)?.firing ?? []),
    ...(pending?.firing ?? []),
    ...suspects.flatMap(intent => intent.firing),
  ]);
}

function noteEvent(state: DispatchState, nowMs: number, note: StageNote): DispatchEffect {
  return journalEffect(state, nowMs, {
    stage: 'notify',
    subject: { kind: 'alert', fingerprint: note.fingerprint },
    alerts: [note.fingerprint],
    verdict: note.verdict,
    reason: note.reason,
  });
}

function closeSuspect(state: DispatchState, jobId: string, effects: DispatchEffect[]): void {
  state.suspects.delete(jobId);
  effects.push({ kind: 'close_intent', jobId, reason: 'its alerts ended and nobody needs to be told' });
}

/** Resolved alerts as they would be sent. */
function resolvedSent(at: At, resolved: readonly string[]): readonly string[] {
  return at.destination.sendResolved ? resolved : [];
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  const set = new Set(a);
  return b.every(one => set.has(one));
}
