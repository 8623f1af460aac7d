// GET /api/v2/alerts/groups.

import { compareUtf8, type ServerResponse, sortInTurns } from '../../base/index.ts';
import { type Labels, labelsEqual, labelValue, NO_LABELS } from '../../model/index.ts';
import type { ApiDeps } from '../deps.ts';
import type { Asked } from '../prometheus.ts';
import { json } from '../respond.ts';
import { bodyOf } from '../text-parts.ts';
import { AlertTexts, type KnownTexts } from './alert-text.ts';
import { alertFilter, paceOf } from './alerts.ts';
import type { DispatchedAlert, DispatchedGroup } from './deps.ts';
import { receiverFilter, switches } from './params.ts';
import { refusal } from './reply.ts';

interface ShownGroup extends Omit<DispatchedGroup, 'alerts'> {
  readonly alerts: readonly DispatchedAlert[];
}

/** Groups in which nothing is shown are left out. */
export async function getAlertGroups(
  known: KnownTexts,
  deps: ApiDeps,
  { params }: Asked,
): Promise<ServerResponse> {
  const { alertmanager, clock, turns } = deps;
  const isShown = alertFilter(params, ['active', 'silenced', 'inhibited']);
  if (!isShown.ok) return refusal(400, isShown.error);
  const isOn = switches(params, ['muted']);
  if (!isOn.ok) return refusal(400, isOn.error);
  const isMeant = receiverFilter(params, alertmanager.receivers());
  if (!isMeant.ok) return refusal(400, isMeant.error);
  const alerts = new Map(alertmanager.alerts().map(one => [one.alert.fingerprint, one]));
  const withMuted = isOn.value('muted');
  const groups = alertmanager.groups().flatMap((group): readonly ShownGroup[] => {
    if (!withMuted && group.mutedBy.length > 0) return [];
    if (isMeant.value !== undefined && !isMeant.value(group.receiver)) return [];
    const shown = group.alerts.flatMap(fingerprint => {
      const one = alerts.get(fingerprint);
      return one !== undefined && isShown.value(one) ? [one] : [];
    });
    return shown.length === 0 ? [] : [{ ...group, alerts: shown }];
  });
  const sorted = (await sortInTurns(groups, compareGroups, paceOf(turns))) ?? groups;
  return json(
    200,
    bodyOf(turns, parts => writeGroups(parts, sorted, new AlertTexts(clock.nowMs(), known))),
  );
}

function* writeGroups(
  parts: { readonly isFull: boolean; add(text: string): void },
  groups: readonly ShownGroup[],
  texts: AlertTexts,
): Generator<void> {
  let before = '[';
  for (const group of groups) {
    parts.add(`${before}{"alerts":[`);
    let between = '';
    for (const one of [...group.alerts].sort(compareAlerts)) {
      parts.add(between + texts.of(inGroup(one, group)));
      between = ',';
      if (parts.isFull) yield;
    }
    parts.add(
      `],"labels":${texts.labels(group.labels)},"receiver":${texts.receiver(group.receiver)}` +
        `,"routeLabels":${texts.labels(group.routeLabels?.() ?? NO_LABELS)}}`,
    );
    before = ',';
  }
  parts.add(before === '[' ? '[]' : ']');
}

/** What mutes a route suppresses its alerts, there and not in the groups of other routes. */
function inGroup(one: DispatchedAlert, { mutedBy }: ShownGroup): DispatchedAlert {
  return mutedBy.length === 0 ? one : { ...one, mutedBy, state: 'suppressed' };
}

function compareGroups(a: ShownGroup, b: ShownGroup): number {
  return labelsEqual(a.labels, b.labels)
    ? compareUtf8(a.receiver, b.receiver)
    : compareSets(a.labels, b.labels);
}

/** By job, then by instance, those without last; then by all labels. */
function compareAlerts(a: DispatchedAlert, b: DispatchedAlert): number {
  for (const name of ['job', 'instance']) {
    const [left, right] = [labelValue(a.alert.labels, name), labelValue(b.alert.labels, name)];
    if (left === right) continue;
    if (left === '' || right === '') return left === '' ? 1 : -1;
    return compareUtf8(left, right);
  }
  return compareSets(a.alert.labels, b.alert.labels);
}

/**
 * Alertmanager's order of label sets: fewer labels first; of as many, the first name in the order of all names decides: where
 * only one set has it, the other comes first, else its values decide.
 */
function compareSets(a: Labels, b: Labels): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = 0; i < a.length; i += 2) {
    const byName = compareUtf8(a[i] ?? '', b[i] ?? '');
    if (byName !== 0) return byName < 0 ? 1 : -1;
    const byValue = compareUtf8(a[i + 1] ?? '', b[i + 1] ?? '');
    if (byValue !== 0) return byValue;
  }
  return 0;
}
