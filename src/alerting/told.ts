// What a destination knows about a group: its log entry, what it heard under groups that are gone, what is in doubt.

import { assert } from '../base/index.ts';
import { type DeliveryIntent, episodeStartMs, type NotificationLogEntry } from '../model/index.ts';
import { logKey } from './logbook.ts';
import { repeatIntervalMsMax } from './route.ts';
import {
  type DispatchConfig,
  type DispatchEffect,
  type DispatchState,
  type Group,
  LOG_KEPT_MS_MIN,
  type PendingJob,
  REPORT_GRACE_MS,
} from './state.ts';

/** How long a log entry is kept: two repeats at least, so that a repeat is never taken for a first message. */
export function logKeptMs(config: DispatchConfig): number {
  return Math.max(LOG_KEPT_MS_MIN, 2 * repeatIntervalMsMax(config.route));
}

/**
 * Alerts of this group that the destination heard of under another group key, which no longer holds them (a reload
 * changed the route): what was told moves over, so that a changed route alone pages nobody. The old entries forget
 * those alerts in the same commit, lest a later episode be taken for told. `blocked`: a message under way is about to
 * change one of the old entries.
 */
export function inheritTold(
  state: DispatchState,
  group: Group,
  at: { readonly destination: string; readonly nowMs: number },
): { readonly effects: readonly DispatchEffect[]; readonly blocked: boolean } {
  const own = state.log.get(group.key, at.destination);
  const known = new Set(own?.firing);
  const moved = new Map<NotificationLogEntry, Set<string>>();
  for (const fingerprint of group.members) {
    if (known.has(fingerprint)) continue;
    const from = toldElsewhere(state, fingerprint, at.destination);
    if (from === undefined) continue;
    // This group told of its end after that: it is the end of the same episode or of a later one.
    if (own?.resolved.includes(fingerprint) === true && own.sentAtMs >= from.sentAtMs) continue;
    if (state.pending.has(logKey(from.groupKey, from.receiver))) return { effects: [], blocked: true };
    const set = moved.get(from);
    if (set === undefined) moved.set(from, new Set([fingerprint]));
    else set.add(fingerprint);
  }
  if (moved.size === 0) return { effects: [], blocked: false };
  const effects: DispatchEffect[] = [];
  let sentAtMs = own !== undefined && own.firing.length > 0 ? own.sentAtMs : Number.POSITIVE_INFINITY;
  const firing = [...(own?.firing ?? [])];
  for (const [entry, fingerprints] of moved) {
    firing.push(...fingerprints);
    // The earliest: no repeat comes later than promised.
    sentAtMs = Math.min(sentAtMs, entry.sentAtMs);
    effects.push(putLog(state, { ...entry, firing: entry.firing.filter(one => !fingerprints.has(one)) }));
  }
  effects.push(
    putLog(state, {
      groupKey: group.key,
      receiver: at.destination,
      sentAtMs,
      firing,
      resolved: (own?.resolved ?? []).filter(one => !firing.includes(one)),
      expiresAtMs: at.nowMs + logKeptMs(state.config),
    }),
  );
  return { effects, blocked: false };
}

/** The latest entry of a group gone by that mentions the alert, if it says "firing" and means the same episode. */
function toldElsewhere(
  state: DispatchState,
  fingerprint: string,
  destination: string,
): NotificationLogEntry | undefined {
  const stored = state.alerts.get(fingerprint);
  if (stored === undefined) return undefined;
  // Two routes may make groups of one key: only those that lead to this destination count.
  const present = new Set(
    [...stored.groups]
      .map(id => state.groups.get(id))
      .filter(group => leadsTo(state, group, destination))
      .map(group => group?.key),
  );
  let latest: NotificationLogEntry | undefined;
  for (const entry of state.log.mentioning(fingerprint)) {
    // Two routes may tell one receiver of the same alert on purpose: each of those groups keeps its own count.
    if (entry.receiver !== destination || present.has(entry.groupKey)) continue;
    if (latest === undefined || entry.sentAtMs > latest.sentAtMs) latest = entry;
  }
  if (latest === undefined || !latest.firing.includes(fingerprint)) return undefined;
  return episodeStartMs(stored.alert) <= latest.sentAtMs ? latest : undefined;
}

function leadsTo(state: DispatchState, group: Group | undefined, destination: string): boolean {
  const ways = group === undefined ? [] : (state.config.receivers.get(group.route.receiver) ?? []);
  return ways.some(way => way.key === destination);
}

/** Makes the log forget that these alerts fire. */
export function forgetFiring(
  state: DispatchState,
  entry: NotificationLogEntry,
  fingerprints: ReadonlySet<string>,
): DispatchEffect {
  return putLog(state, { ...entry, firing: entry.firing.filter(one => !fingerprints.has(one)) });
}

/** While a message is on its way its entry belongs to the notifier, which commits it with the outcome. */
function putLog(state: DispatchState, entry: NotificationLogEntry): DispatchEffect {
  const key = logKey(entry.groupKey, entry.receiver);
  assert(!state.pending.has(key), 'a log entry with a message under way is written by the notifier only');
  state.log.put(entry);
  return { kind: 'log', entry };
}

/** The message on its way for this group, unless its report is overdue. */
export function pendingFor(
  state: DispatchState,
  group: Group,
  at: { readonly destination: string; readonly nowMs: number },
): PendingJob | undefined {
  const key = logKey(group.key, at.destination);
  const pending = state.pending.get(key);
  if (pending === undefined || at.nowMs < pending.deadlineMs + REPORT_GRACE_MS) return pending;
  state.pending.delete(key);
  return undefined;
}

/** Whether an alert of this group is on its way to the destination under a group that held it before a reload. */
export function isUnderWayElsewhere(state: DispatchState, group: Group, destination: string): boolean {
  for (const pending of state.orphaned.values()) {
    if (pending.destination !== destination || pending.groupKey === group.key) continue;
    if ([...pending.firing, ...pending.resolved].some(one => group.members.has(one))) return true;
  }
  return false;
}

/** Intents without an outcome that were about this group, under its present key or an earlier one. */
export function suspectsFor(
  state: DispatchState,
  group: { readonly key: string; readonly members: Iterable<string> },
  destination: string,
): readonly DeliveryIntent[] {
  if (state.suspects.size === 0) return [];
  const members = new Set(group.members);
  return [...state.suspects.values()].filter(
    intent =>
      intent.receiver === destination &&
      (intent.groupKey === group.key || [...intent.firing, ...intent.resolved].some(one => members.has(one))),
  );
}
