// Who would be told: the groups of alerts of both dispatchers, receiver by receiver, and what keeps alerts back.

import type { GettableAlertJson, LabelRecord } from '../../api/index.ts';
import { alertsOf, type Difference, labelsText, type Side, type Snapshot } from './sides.ts';

/** An alert as a dispatcher keeps it. */
interface Dispatched {
  readonly key: string;
  readonly labels: LabelRecord;
  readonly startsAtMs: number;
  /** Receiver → the labels of its groups. */
  readonly receivers: ReadonlyMap<string, readonly string[]>;
  readonly silencedBy: readonly string[];
  readonly inhibitedBy: readonly string[];
  readonly mutedBy: readonly string[];
}

export interface NotificationFindings {
  readonly differences: readonly Difference[];
  /** Labels that all alerts have there and none here: `external_labels`, which are no difference. */
  readonly external: LabelRecord;
}

const NOTHING: NotificationFindings = { differences: [], external: {} };

export function compareNotifications(snapshot: Snapshot): NotificationFindings {
  const { here, there } = snapshot;
  if (here.groups === undefined || there.groups === undefined) return NOTHING;
  const external = externalLabels(here, there);
  const mine = dispatched(here, {});
  const theirs = dispatched(there, external);
  const differences: Difference[] = [];
  for (const [key, alert] of mine) {
    const other = theirs.get(key);
    if (other !== undefined) differences.push(...inBoth(alert, other, snapshot));
    else if (firesThere(snapshot, alert)) differences.push(missing(alert, 'there', snapshot));
  }
  const firing = alertsOf(here);
  for (const [key, alert] of theirs) {
    // What no rule fires here is told as a difference of the alert itself, unless nobody's rule made it.
    if (mine.has(key)) continue;
    const own = firing.get(key);
    if (own?.state === 'firing' || !alertsOf(there).has(key))
      differences.push(missing(alert, 'here', snapshot));
  }
  return { differences, external };
}

/** Pairs that each alert there has and whose name no alert here has. */
function externalLabels(here: Side, there: Side): LabelRecord {
  const theirs = there.groups?.flatMap(group => group.alerts) ?? [];
  const names = new Set(here.groups?.flatMap(group => group.alerts.flatMap(one => Object.keys(one.labels))));
  const [first, ...rest] = theirs;
  const common = Object.entries(first?.labels ?? {}).filter(
    ([name, value]) => !names.has(name) && rest.every(one => one.labels[name] === value),
  );
  return names.size === 0 ? {} : Object.fromEntries(common);
}

function dispatched(side: Side, external: LabelRecord): ReadonlyMap<string, Dispatched> {
  const all = new Map<string, Dispatched>();
  for (const group of side.groups ?? []) {
    const name = group.receiver.name;
    const groupLabels = labelsText(without(group.labels, external));
    for (const alert of group.alerts) {
      const labels = without(alert.labels, external);
      const key = labelsText(labels);
      const known = all.get(key);
      const receivers = new Map(known?.receivers);
      receivers.set(name, [...(receivers.get(name) ?? []), groupLabels].sort());
      all.set(key, { key, labels, ...statusOf(alert, known), receivers });
    }
  }
  return all;
}

function without(labels: LabelRecord, external: LabelRecord): LabelRecord {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !(name in external)));
}

function statusOf(alert: GettableAlertJson, known: Dispatched | undefined) {
  const { silencedBy, inhibitedBy } = alert.status;
  // Older Alertmanagers do not say it.
  const mutedBy: readonly string[] | undefined = alert.status.mutedBy;
  return {
    startsAtMs: Date.parse(alert.startsAt),
    silencedBy,
    inhibitedBy,
    mutedBy: [...new Set([...(known?.mutedBy ?? []), ...(mutedBy ?? [])])],
  };
}

function firesThere({ there }: Snapshot, alert: Dispatched): boolean {
  return alertsOf(there).get(alert.key)?.state === 'firing';
}

function missing(alert: Dispatched, where: 'here' | 'there', snapshot: Snapshot): Difference {
  const told = [...alert.receivers.keys()].join(', ');
  const isPosted = where === 'here' && !alertsOf(snapshot.there).has(alert.key);
  const reason = isPosted
    ? 'another program than this Prometheus sends it to the Alertmanager'
    : where === 'there'
      ? 'it fires on both sides and the Alertmanager does not have it: is it the one that Prometheus sends to, do alert_relabel_configs drop it?'
      : 'it fires on both sides and no group here has it';
  return {
    kind: 'notification',
    subject: alert.key,
    here: where === 'here' ? 'nobody' : told,
    there: where === 'here' ? told : 'nobody',
    reason,
    isExpected: false,
    sinceMs: alert.startsAtMs,
  };
}

function inBoth(alert: Dispatched, other: Dispatched, { here, there }: Snapshot): readonly Difference[] {
  const common = {
    subject: alert.key,
    isExpected: false,
    sinceMs: Math.max(alert.startsAtMs, other.startsAtMs),
  };
  const found: Difference[] = [];
  const [mine, theirs] = [names(alert), names(other)];
  if (mine !== theirs) {
    const reason = 'the routing tree takes it another way: compare the routes of both configurations';
    found.push({ kind: 'receiver', ...common, here: mine, there: theirs, reason });
  } else if (groupText(alert) !== groupText(other)) {
    const texts = { here: groupText(alert), there: groupText(other) };
    found.push({ kind: 'grouping', ...common, ...texts, reason: '`group_by` of its route differs' });
  }
  for (const [kind, own, their] of [
    ['silenced', silenceText(here, alert), silenceText(there, other)],
    ['inhibited', inhibitText(alert), inhibitText(other)],
    ['muted', alert.mutedBy.join(', '), other.mutedBy.join(', ')],
  ] as const) {
    if ((own === '') === (their === '')) continue;
    const where = own === '' ? 'there' : 'here';
    const texts = { here: own === '' ? 'not' : own, there: their === '' ? 'not' : their };
    found.push({ kind, ...common, ...texts, reason: keptReason(kind, where) });
  }
  return found;
}

function names(alert: Dispatched): string {
  return [...alert.receivers.keys()].sort().join(', ');
}

function groupText(alert: Dispatched): string {
  return [...alert.receivers]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, groups]) => `${name}: ${groups.join(' and ')}`)
    .join('; ');
}

function keptReason(kind: 'silenced' | 'inhibited' | 'muted', where: 'here' | 'there'): string {
  switch (kind) {
    case 'silenced':
      return `a silence only ${where}`;
    case 'inhibited':
      return `an inhibit rule works only ${where}: compare inhibit_rules, and whether its source fires on both sides`;
    case 'muted':
      return `muted by a time interval only ${where}; an Alertmanager before 0.28 does not say what it mutes`;
  }
}

function silenceText(side: Side, { silencedBy }: Dispatched): string {
  return silencedBy
    .map(id => {
      const silence = side.silences.find(one => one.id === id);
      return silence === undefined ? id : `${id} (${silence.createdBy}: ${silence.comment})`;
    })
    .join(', ');
}

function inhibitText({ inhibitedBy }: Dispatched): string {
  return inhibitedBy.length === 0 ? '' : `by ${inhibitedBy.join(', ')}`;
}
