// What is unknown since one target is silent, in one message: a group beside those of the routes, a receiver and target
// each. It tells of alerts that the receiver heard of as firing; who was told nothing hears of them from their own group.

import { type Alert, labelsFrom, type TargetId } from '../model/index.ts';
import { logKey } from './logbook.ts';
import { matchRoutes, type Route } from './route.ts';
import type { Destination, DispatchEffect, DispatchState, Group } from './state.ts';
import { type JoinAt, leave, makeGroup } from './store.ts';
import { forgetFiring } from './told.ts';

/** Begins the key of such a group; no key of a route does. */
const KEY_PREFIX = 'unknown:';

/** The reason of such a message. */
export const DATA_MISSING = 'data missing';

/** Puts alerts into the group of their silent target, and takes out those that are not unknown for that cause any more. */
export function followUnknown(state: DispatchState, alerts: readonly Alert[], at: JoinAt): void {
  for (const { fingerprint } of alerts) {
    const stored = state.alerts.get(fingerprint);
    if (stored === undefined) continue;
    const target = silentTargetOf(stored.alert);
    for (const id of stored.groups) {
      const group = state.groups.get(id);
      if (group?.silentTarget !== undefined && group.silentTarget !== target)
        leave(state, group, fingerprint);
    }
    if (target === undefined) continue;
    const seen = new Set<string>();
    for (const route of matchRoutes(state.config.route, stored.alert.labels)) {
      if (seen.has(route.receiver)) continue;
      seen.add(route.receiver);
      const group = groupOf(state, { route, target }, at);
      stored.groups.add(group.id);
      group.members.add(fingerprint);
    }
  }
}

function silentTargetOf(alert: Alert): TargetId | undefined {
  return alert.state === 'unknown' && alert.absence === 'target_silent' ? alert.producer : undefined;
}

interface Place {
  readonly route: Route;
  readonly target: TargetId;
}

function groupOf(state: DispatchState, { route, target }: Place, at: JoinAt): Group {
  const id = JSON.stringify([KEY_PREFIX, route.receiver, target]);
  const known = state.groups.get(id);
  if (known !== undefined) return known;
  const what = {
    id,
    key: keyOf(target),
    // Whoever is told here was told before: there is nothing that recovery could hold back.
    route: { ...route, notify: 'always' as const },
    labels: labelsFrom({ target }),
    silentTarget: target,
  };
  return makeGroup(state, what, at);
}

function keyOf(target: TargetId): string {
  return `${KEY_PREFIX}{target=${JSON.stringify(target)}}`;
}

/** Of the members those that the destination heard of as firing in a group of a route. */
export function toldBefore(
  state: DispatchState,
  destination: Destination,
  alerts: readonly Alert[],
): readonly Alert[] {
  return alerts.filter(({ fingerprint }) =>
    state.log
      .mentioning(fingerprint)
      .some(
        entry =>
          entry.receiver === destination.key &&
          !entry.groupKey.startsWith(KEY_PREFIX) &&
          entry.firing.includes(fingerprint),
      ),
  );
}

/** Whether the destination was told that the data of all of these is missing: then their own groups need not repeat it. */
export function isToldMissing(
  state: DispatchState,
  destination: Destination,
  alerts: readonly Alert[],
): boolean {
  return alerts.every(alert => {
    const target = silentTargetOf(alert);
    if (target === undefined) return false;
    const entry = state.log.get(keyOf(target), destination.key);
    return entry?.firing.includes(alert.fingerprint) === true;
  });
}

/** What is no longer unknown is forgotten, so that the next silence of the target is news. */
export function forgetKnown(state: DispatchState): readonly DispatchEffect[] {
  // Before all rules have spoken it is not known who is unknown.
  if (!state.settled) return [];
  const effects: DispatchEffect[] = [];
  for (const entry of state.log.ofKeys(KEY_PREFIX)) {
    // While a message is on its way its entry belongs to the notifier.
    if (entry.firing.length === 0 || state.pending.has(logKey(entry.groupKey, entry.receiver))) continue;
    const over = entry.firing.filter(one => !isStillUnknown(state, one, entry.groupKey));
    if (over.length > 0) effects.push(forgetFiring(state, entry, new Set(over)));
  }
  return effects;
}

function isStillUnknown(state: DispatchState, fingerprint: string, groupKey: string): boolean {
  const stored = state.alerts.get(fingerprint);
  if (stored === undefined) return false;
  return [...stored.groups].some(id => state.groups.get(id)?.key === groupKey);
}
