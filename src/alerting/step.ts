// One step of dispatch: an input at a time changes the state and yields effects. No clock, no I/O, no randomness.

import { never } from '../base/index.ts';
import type { Alert, DeliveryReport, NotificationLogEntry, RecoveryUpdate } from '../model/index.ts';
import { endSuspect } from './events.ts';
import { flushGroup } from './flush.ts';
import { inhibitionOf } from './inhibition.ts';
import { logKey } from './logbook.ts';
import { releaseResolved } from './release.ts';
import {
  type DispatchConfig,
  type DispatchEffect,
  type DispatchInput,
  type DispatchState,
  type Group,
  isFiring,
  RESOLVED_KEPT_MS,
  SILENCE_KEPT_MS,
  START_WAIT_MS_MAX,
  SUSPECT_MS_MAX,
} from './state.ts';
import { applyUpdate, hasOpenRun, join, sweepAlerts } from './store.ts';
import { applyPosted, endPosted } from './store-posted.ts';
import { TimeIntervals } from './time-intervals.ts';
import { logKeptMs, suspectsFor } from './told.ts';
import { followUnknown, forgetKnown } from './unknowns.ts';
import { planFlush, wake } from './waiting.ts';

/** How often stale alerts are looked for and old entries forgotten. */
const HOUSEKEEPING_MS = 10_000;
/** Groups that one step flushes: whoever posts alerts meanwhile waits for no more of them. The rest are due at once. */
const FLUSHES_AT_ONCE = 64;
/** How often silences and posted alerts that ended long ago are dropped, in memory and in the database. */
const EXPIRY_MS = 3_600_000;

/** Takes in one input, then flushes groups that are due. Changes `state` in place. */
export function dispatchStep(
  state: DispatchState,
  input: DispatchInput,
  nowMs: number,
): readonly DispatchEffect[] {
  if (nowMs < state.latestMs) turnBack(state, nowMs);
  state.latestMs = nowMs;
  // What ended before this input ended before it.
  const effects = endPosted(state, nowMs);
  effects.push(...takeIn(state, input, nowMs));
  if (!state.settled && nowMs - state.startedAtMs >= START_WAIT_MS_MAX) settle(state, nowMs);
  if (nowMs >= state.nextHousekeepingMs) effects.push(...keepHouse(state, nowMs));
  for (const group of takeDue(state, nowMs)) {
    effects.push(...flushGroup(state, group, nowMs));
    if (state.groups.get(group.id) === group) planFlush(state, group, group.nextFlushMs);
  }
  return effects;
}

/** What is due now, once each: what a flush makes due again waits for the next step. */
function takeDue(state: DispatchState, nowMs: number): readonly Group[] {
  const groups: Group[] = [];
  while (groups.length < FLUSHES_AT_ONCE) {
    const due = state.due.pop(nowMs);
    if (due === undefined) break;
    const group = state.groups.get(due.key);
    if (group === undefined || group.nextFlushMs !== due.atMs) continue;
    // A group that was woken twice for the same moment has two entries.
    if (groups.at(-1) !== group) groups.push(group);
  }
  return groups;
}

/** A clock that was set back must not put anything off: nothing lies further ahead than its longest wait. */
function turnBack(state: DispatchState, nowMs: number): void {
  state.nextHousekeepingMs = Math.min(state.nextHousekeepingMs, nowMs + HOUSEKEEPING_MS);
  state.nextExpiryMs = Math.min(state.nextExpiryMs, nowMs + EXPIRY_MS);
  for (const group of state.groups.values()) {
    const waitMsMax = Math.max(group.route.groupWaitMs, group.route.groupIntervalMs);
    if (group.nextFlushMs > nowMs + waitMsMax) planFlush(state, group, nowMs + waitMsMax);
  }
}

/** When the next tick is needed. */
export function nextDueMs(state: DispatchState): number {
  return Math.min(state.nextHousekeepingMs, state.due.firstMs(), state.ends.firstMs());
}

function takeIn(state: DispatchState, input: DispatchInput, nowMs: number): DispatchEffect[] {
  switch (input.kind) {
    case 'alerts': {
      const effects = applyUpdate(state, input.update, nowMs);
      followUnknown(state, input.update.alerts, { nowMs, before: state.groups });
      return effects;
    }
    case 'posted':
      return applyPosted(state, input, nowMs);
    case 'silences':
      // The next flush of each group looks at them, as in Alertmanager: a new silence wakes nobody.
      for (const silence of input.silences) state.silences.put(silence);
      return [];
    case 'report':
      return applyReport(state, input.report, nowMs);
    case 'recovery':
      return applyRecovery(state, input.update, nowMs);
    case 'recovery_verdict':
      state.recovery.set(input.fingerprint, { kind: input.verdict, atMs: nowMs });
      wake(state, `recovery:${input.fingerprint}`, nowMs);
      return [];
    case 'reload':
      return applyReload(state, input.config, nowMs);
    case 'settled':
      settle(state, nowMs);
      return [];
    case 'tick':
      return [];
    default:
      return never(input);
  }
}

function settle(state: DispatchState, nowMs: number): void {
  state.settled = true;
  wake(state, 'settled', nowMs);
}

/** What a message told, once delivered: the same entry is written by the notifier and kept here. */
export function logEntryOf(
  report: Pick<DeliveryReport, 'job' | 'atMs'>,
  keptMs: number,
): NotificationLogEntry {
  const { job, atMs } = report;
  const prints = (want: (alert: Alert) => boolean): readonly string[] =>
    job.alerts.filter(want).map(alert => alert.fingerprint);
  return {
    groupKey: job.groupKey,
    receiver: job.receiver,
    sentAtMs: atMs,
    firing: prints(isFiring),
    resolved: prints(alert => !isFiring(alert)),
    expiresAtMs: atMs + keptMs,
  };
}

function applyReport(state: DispatchState, report: DeliveryReport, nowMs: number): DispatchEffect[] {
  const { job, outcome } = report;
  const key = logKey(job.groupKey, job.receiver);
  const pending = state.pending.get(key);
  if (pending?.jobId === job.id) {
    state.pending.delete(key);
    state.orphaned.delete(key);
  }
  const effects: DispatchEffect[] = [];
  if (outcome.kind === 'sent' || outcome.kind === 'would_have') {
    const entry = logEntryOf(report, logKeptMs(state.config));
    state.log.put(entry);
    const told = { key: job.groupKey, members: [...entry.firing, ...entry.resolved] };
    for (const intent of suspectsFor(state, told, job.receiver)) {
      const ended = endSuspect(state, nowMs, { intent, reason: 'its group was told again' });
      // The notifier has closed those that the job names, together with its outcome.
      const isClosed = outcome.kind === 'sent' && job.repeats?.includes(intent.jobId) === true;
      effects.push(...ended.filter(effect => !isClosed || effect.kind !== 'close_intent'));
    }
  }
  if (report.inDoubt === true) effects.push(...suspect(state, report, nowMs));
  // A newer message for the group may still be on its way; then its report ends the wait.
  if (!state.pending.has(key)) {
    wake(state, `report:${job.receiver}`, nowMs);
    const group = pending === undefined ? undefined : state.groups.get(pending.groupId);
    if (group !== undefined) {
      const only = new Set(job.alerts.map(alert => alert.fingerprint));
      effects.push(...releaseResolved(state, group, { nowMs, only }));
    }
  }
  return effects;
}

/** A message that may have arrived is remembered like one that a crash cut off. It covers older ones of its group. */
function suspect(state: DispatchState, report: DeliveryReport, nowMs: number): DispatchEffect[] {
  const { job, atMs } = report;
  const { groupKey, receiver } = job;
  const { firing, resolved } = logEntryOf(report, 0);
  const effects: DispatchEffect[] = [];
  for (const older of [...state.suspects.values()]) {
    if (older.groupKey !== groupKey || older.receiver !== receiver) continue;
    const covered =
      older.firing.every(one => firing.includes(one)) && older.resolved.every(one => resolved.includes(one));
    if (!covered) continue;
    const reason = 'a later message says the same, and it is in doubt too';
    effects.push(...endSuspect(state, nowMs, { intent: older, reason }));
  }
  state.suspects.set(job.id, { jobId: job.id, groupKey, receiver, atMs, firing, resolved });
  return effects;
}

function applyRecovery(state: DispatchState, update: RecoveryUpdate, nowMs: number): DispatchEffect[] {
  const { run } = update;
  const known = state.recovery.get(run.fingerprint);
  // A late word on an older run must not cover a newer run of the same alert.
  if (known?.kind === 'run' && known.run.id !== run.id && known.run.proposedAtMs > run.proposedAtMs)
    return [];
  state.recovery.set(run.fingerprint, { kind: 'run', run, atMs: update.atMs });
  wake(state, `recovery:${run.fingerprint}`, nowMs);
  return [];
}

/** Rebuilds all groups under the new tree. What was told stays told: see `inheritTold`. */
function applyReload(state: DispatchState, config: DispatchConfig, nowMs: number): DispatchEffect[] {
  state.config = config;
  state.inhibition = inhibitionOf(config.inhibitRules);
  state.intervals = new TimeIntervals(config.timeIntervals);
  for (const { alert } of state.alerts.values()) {
    state.inhibition.note(alert.fingerprint, alert.labels, isFiring(alert));
  }
  const before = new Map(state.groups);
  state.groups.clear();
  state.due.clear();
  const effects: DispatchEffect[] = [];
  for (const stored of state.alerts.values()) {
    const wasInGroup = stored.groups.size > 0;
    stored.groups.clear();
    if (isFiring(stored.alert) || wasInGroup) effects.push(...join(state, stored, { nowMs, before }));
  }
  const present = [...state.alerts.values()].map(stored => stored.alert);
  followUnknown(state, present, { nowMs, before });
  for (const [key, pending] of state.pending) {
    const members = state.groups.get(pending.groupId)?.members;
    const stays = [...pending.firing, ...pending.resolved].every(one => members?.has(one) === true);
    if (!stays) state.orphaned.set(key, pending);
  }
  return effects;
}

function keepHouse(state: DispatchState, nowMs: number): DispatchEffect[] {
  state.nextHousekeepingMs = nowMs + HOUSEKEEPING_MS;
  state.log.expire(nowMs);
  const effects = [...sweepAlerts(state, nowMs), ...forgetKnown(state)];
  if (nowMs >= state.nextExpiryMs) effects.push(...forgetOld(state, nowMs));
  for (const intent of [...state.suspects.values()]) {
    if (nowMs - intent.atMs > SUSPECT_MS_MAX) {
      effects.push(...endSuspect(state, nowMs, { intent, reason: 'its alerts did not come back' }));
    }
  }
  for (const [key, pending] of state.orphaned) {
    if (!state.pending.has(key)) state.orphaned.delete(key);
    else if (nowMs - pending.deadlineMs > HOUSEKEEPING_MS) {
      // No group asks for it any more, so its overdue report would never be noticed elsewhere.
      state.orphaned.delete(key);
      state.pending.delete(key);
      wake(state, `report:${pending.destination}`, nowMs);
    }
  }
  // Before all rules have spoken, an alert that is not here yet may still need what was loaded.
  const isEarly = !state.settled || nowMs - state.startedAtMs < START_WAIT_MS_MAX;
  for (const fingerprint of isEarly ? [] : state.recovery.keys()) {
    const isWanted = state.alerts.has(fingerprint) || hasOpenRun(state, fingerprint);
    if (!isWanted) state.recovery.delete(fingerprint);
  }
  return effects;
}

function forgetOld(state: DispatchState, nowMs: number): DispatchEffect[] {
  state.nextExpiryMs = nowMs + EXPIRY_MS;
  const silencesBeforeMs = nowMs - SILENCE_KEPT_MS;
  state.silences.forget(silencesBeforeMs);
  return [
    { kind: 'write', write: { kind: 'expire_silences', endedBeforeMs: silencesBeforeMs } },
    { kind: 'write', write: { kind: 'expire_posted', endedBeforeMs: nowMs - RESOLVED_KEPT_MS } },
  ];
}
