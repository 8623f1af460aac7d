// What dispatch keeps and how routes take an alert, in the shapes that the API shows.

import { type AlertStatus, explainRoute, type GroupStatus, type Route } from '../alerting/index.ts';
import type { GroupJson, RouteStepJson, Suppression } from '../api/index.ts';
import { episodeStartMs, type Labels, labelsToRecord } from '../model/index.ts';

/** Every route of the tree with what becomes of an alert there. */
export function routeSteps(root: Route, labels: Labels): readonly RouteStepJson[] {
  return explainRoute(root, labels).steps.map(({ route, depth, verdict, reason }) => ({
    route: route.key,
    depth,
    receiver: route.receiver,
    verdict,
    reason,
  }));
}

export function groupViews(
  groups: readonly GroupStatus[],
  alerts: readonly AlertStatus[],
): readonly GroupJson[] {
  const byPrint = new Map(alerts.map(status => [status.alert.fingerprint, status]));
  return groups.map(group => ({
    key: group.key,
    routeKey: group.routeKey,
    receiver: group.receiver,
    labels: labelsToRecord(group.labels),
    createdAtMs: group.createdAtMs,
    lastFlushMs: group.lastFlushMs,
    nextFlushMs: group.nextFlushMs,
    lastDecision: group.lastDecision,
    ...group.timing,
    alerts: group.alerts.flatMap(fingerprint => {
      const status = byPrint.get(fingerprint);
      return status === undefined ? [] : [groupAlert(status, group.mutedBy.length > 0)];
    }),
    destinations: group.destinations.map(({ key, lastSentMs, toldFiring }) => ({
      key,
      lastSentMs: lastSentMs ?? null,
      toldFiring,
    })),
  }));
}

function groupAlert(status: AlertStatus, muted: boolean): GroupJson['alerts'][number] {
  const { alert, silencedBy, inhibitedBy } = status;
  const suppressed = [
    ...(inhibitedBy.length > 0 ? ['inhibited'] : []),
    ...(muted ? ['muted'] : []),
    ...(silencedBy.length > 0 ? ['silenced'] : []),
  ];
  return {
    fingerprint: alert.fingerprint,
    labels: labelsToRecord(alert.labels),
    state: alert.state,
    startsAtMs: episodeStartMs(alert),
    suppressed,
  };
}

export function suppressionOf(status: AlertStatus | undefined): Suppression {
  const { silencedBy = [], inhibitedBy = [], mutedBy = [] } = status ?? {};
  return { silencedBy, inhibitedBy, mutedBy };
}
