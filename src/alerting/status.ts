// What the API shows of dispatch: alerts and groups as they stand, as plain data.

import type { Alert, Labels } from '../model/index.ts';
import { logKey } from './logbook.ts';
import type { Route } from './route.ts';
import type { DispatchState, Group, StoredAlert } from './state.ts';
import { mutedBy, suppressionOf } from './suppress.ts';

export interface AlertStatus {
  readonly alert: Alert;
  /** Its rule was not evaluated in time: the alert stands as it was. */
  readonly stale: boolean;
  readonly updatedAtMs: number;
  readonly validUntilMs: number;
  /** Alertmanager's word: `unprocessed` while no group has looked at it. Time intervals do not count, as there. */
  readonly state: 'active' | 'suppressed' | 'unprocessed';
  /** Ids of silences. */
  readonly silencedBy: readonly string[];
  /** Fingerprints of the alerts that inhibit it. */
  readonly inhibitedBy: readonly string[];
  /** Names of the time intervals that hold the messages of one of its groups back. */
  readonly mutedBy: readonly string[];
  /** Names of the receivers of the routes that hold it. */
  readonly receivers: readonly string[];
  readonly groupKeys: readonly string[];
  /** "no playbook", or the state of its recovery run. */
  readonly recovery: string | undefined;
}

export interface DestinationStatus {
  readonly key: string;
  /** When it was last told; undefined if never. */
  readonly lastSentMs: number | undefined;
  readonly toldFiring: readonly string[];
  /** The job on its way. */
  readonly pendingJob: string | undefined;
}

export interface GroupStatus {
  readonly id: string;
  readonly key: string;
  readonly routeKey: string;
  readonly receiver: string;
  readonly labels: Labels;
  readonly routeLabels: Labels;
  /** Names of the time intervals that hold its messages back now. */
  readonly mutedBy: readonly string[];
  readonly alerts: readonly string[];
  readonly createdAtMs: number;
  /** 0 before the first. */
  readonly lastFlushMs: number;
  readonly nextFlushMs: number;
  readonly lastDecision: string;
  /** Of its route. */
  readonly timing: Pick<Route, 'groupWaitMs' | 'groupIntervalMs' | 'repeatIntervalMs'>;
  readonly destinations: readonly DestinationStatus[];
}

export function alertStatuses(state: DispatchState, nowMs: number): readonly AlertStatus[] {
  const mutedNow = mutedByRoute(state, nowMs);
  const statuses: AlertStatus[] = [];
  for (const stored of state.alerts.values()) statuses.push(statusOf(state, stored, { nowMs, mutedNow }));
  return statuses;
}

export function alertStatus(state: DispatchState, stored: StoredAlert, nowMs: number): AlertStatus {
  return statusOf(state, stored, { nowMs, mutedNow: mutedByRoute(state, nowMs) });
}

/** Most groups are of few routes: what their time intervals say now is looked up once for each. */
function mutedByRoute(state: DispatchState, nowMs: number): (group: Group) => readonly string[] {
  const muted = new Map<Route, readonly string[]>();
  return group => {
    const known = muted.get(group.route);
    if (known !== undefined) return known;
    const names = mutedBy(state, group, nowMs);
    muted.set(group.route, names);
    return names;
  };
}

function statusOf(
  state: DispatchState,
  stored: StoredAlert,
  now: { readonly nowMs: number; readonly mutedNow: (group: Group) => readonly string[] },
): AlertStatus {
  const muted: string[] = [];
  const receivers: string[] = [];
  const groupKeys: string[] = [];
  for (const id of stored.groups) {
    const group = state.groups.get(id);
    if (group === undefined || group.silentTarget !== undefined) continue;
    groupKeys.push(group.key);
    if (!receivers.includes(group.route.receiver)) receivers.push(group.route.receiver);
    for (const name of now.mutedNow(group)) if (!muted.includes(name)) muted.push(name);
  }
  const { silencedBy, inhibitedBy } = suppressionOf(state, stored, now.nowMs);
  const isSuppressed = silencedBy.length + inhibitedBy.length > 0;
  const situation = state.recovery.get(stored.alert.fingerprint);
  return {
    alert: stored.alert,
    stale: stored.stale,
    updatedAtMs: stored.updatedAtMs,
    validUntilMs: stored.validUntilMs,
    state: isSuppressed ? 'suppressed' : groupKeys.length > 0 ? 'active' : 'unprocessed',
    silencedBy,
    inhibitedBy,
    mutedBy: muted,
    receivers,
    groupKeys,
    recovery:
      situation === undefined ? undefined : situation.kind === 'run' ? situation.run.state : 'no playbook',
  };
}

/** Those that no rule made. */
export function postedAlerts({ alerts }: DispatchState): readonly Alert[] {
  return [...alerts.values()].map(({ alert }) => alert).filter(({ rule }) => rule.file === '');
}

export function groupStatuses(state: DispatchState, nowMs: number): readonly GroupStatus[] {
  // What is unknown is in the groups of its routes all the same.
  const groups = [...state.groups.values()].filter(group => group.silentTarget === undefined);
  return groups.map(group => ({
    id: group.id,
    key: group.key,
    routeKey: group.route.key,
    receiver: group.route.receiver,
    labels: group.labels,
    routeLabels: group.route.labels,
    mutedBy: mutedBy(state, group, nowMs),
    alerts: [...group.members],
    createdAtMs: group.createdAtMs,
    lastFlushMs: group.lastFlushMs,
    nextFlushMs: group.nextFlushMs,
    lastDecision: group.lastDecision,
    timing: timingOf(group.route),
    destinations: (state.config.receivers.get(group.route.receiver) ?? []).map(({ key }) => {
      const entry = state.log.get(group.key, key);
      return {
        key,
        lastSentMs: entry?.sentAtMs,
        toldFiring: entry?.firing ?? [],
        pendingJob: state.pending.get(logKey(group.key, key))?.jobId,
      };
    }),
  }));
}

function timingOf({ groupWaitMs, groupIntervalMs, repeatIntervalMs }: Route): GroupStatus['timing'] {
  return { groupWaitMs, groupIntervalMs, repeatIntervalMs };
}
