// Resolved alerts leave their group once everybody who must hear of their end has heard of it.

import { type Destination, type DispatchEffect, type DispatchState, type Group, isFiring } from './state.ts';
import { leave } from './store.ts';
import { forgetFiring, isUnderWayElsewhere, pendingFor, suspectsFor } from './told.ts';

/** A resolved message that cannot be delivered is tried for at least so long, or one repeat interval. */
const RESOLVED_TRIED_MS_MIN = 3_600_000;

interface At {
  readonly group: Group;
  readonly destination: Destination;
  readonly nowMs: number;
}

interface Release {
  readonly nowMs: number;
  /** Only these, or all. */
  readonly only: ReadonlySet<string> | undefined;
}

/**
 * Takes resolved alerts out of the group once every destination that heard of them firing heard that they ended.
 * A destination that wants no resolved messages forgets them here, so that the next episode is news to it.
 */
export function releaseResolved(state: DispatchState, group: Group, release: Release): DispatchEffect[] {
  const effects: DispatchEffect[] = [];
  const destinations = state.config.receivers.get(group.route.receiver) ?? [];
  const leaving = new Set<string>();
  for (const fingerprint of group.members) {
    if (release.only !== undefined && !release.only.has(fingerprint)) continue;
    const alert = state.alerts.get(fingerprint)?.alert;
    if (alert === undefined || !isFiring(alert)) leaving.add(fingerprint);
  }
  for (const destination of destinations) {
    if (leaving.size === 0) return effects;
    const at = { group, destination, nowMs: release.nowMs };
    const forgotten = keepOrForget(state, at, leaving);
    const entry = state.log.get(group.key, destination.key);
    if (forgotten.size > 0 && entry !== undefined) effects.push(forgetFiring(state, entry, forgotten));
  }
  for (const fingerprint of leaving) leave(state, group, fingerprint);
  return effects;
}

/** Removes from `leaving` what must stay for this destination; returns what its log entry must forget. */
function keepOrForget(state: DispatchState, at: At, leaving: Set<string>): Set<string> {
  const { group, destination, nowMs } = at;
  const forgotten = new Set<string>();
  const pending = pendingFor(state, group, { destination: destination.key, nowMs });
  const waits = pending !== undefined || isUnderWayElsewhere(state, group, destination.key);
  const entry = state.log.get(group.key, destination.key);
  const toldFiring = new Set(entry?.firing);
  const doubtful = new Set(suspectsFor(state, group, destination.key).flatMap(intent => intent.firing));
  const triedMs = Math.max(RESOLVED_TRIED_MS_MIN, group.route.repeatIntervalMs);
  for (const fingerprint of [...leaving]) {
    const isTold = toldFiring.has(fingerprint);
    if (!waits && !isTold && !doubtful.has(fingerprint)) continue;
    const resolvedAtMs = state.alerts.get(fingerprint)?.alert.resolvedAtMs ?? nowMs;
    // What is kept back at its end is not told any more (Alertmanager's rule): its next episode is news.
    const owed =
      destination.sendResolved && nowMs - resolvedAtMs < triedMs && !group.suppressed.has(fingerprint);
    if (waits || owed || (awaitsRules(state, at) && destination.sendResolved)) leaving.delete(fingerprint);
    else if (isTold) forgotten.add(fingerprint);
  }
  return forgotten;
}

/** After a start: someone was told of alerts of this group that no rule has spoken of yet. */
export function awaitsRules(state: DispatchState, at: At): boolean {
  if (state.settled) return false;
  const entry = state.log.get(at.group.key, at.destination.key);
  const told = [
    ...(entry?.firing ?? []),
    ...suspectsFor(state, at.group, at.destination.key).flatMap(intent => intent.firing),
  ];
  return told.some(one => !state.alerts.has(one));
}
