// What a delivery leaves in the state database.

import {
  type DeliveryIntent,
  type Effects,
  EVENT_ALERTS_MAX,
  type JournalEvent,
  type JsonValue,
  type NotificationJob,
  type NotificationLogEntry,
  type StateWrite,
} from '../model/index.ts';

export function intentOf(job: NotificationJob, atMs: number): DeliveryIntent {
  const { id, groupKey, receiver, reason, possibleRepeat } = job;
  return { jobId: id, groupKey, receiver, atMs, ...fingerprintsOf(job), reason, possibleRepeat };
}

export interface Told {
  readonly atMs: number;
  readonly keptMs: number;
  readonly memo: NotificationLogEntry['memo'];
}

export function logEntryOf(job: NotificationJob, { atMs, keptMs, memo }: Told): NotificationLogEntry {
  return {
    groupKey: job.groupKey,
    receiver: job.receiver,
    sentAtMs: atMs,
    ...fingerprintsOf(job),
    expiresAtMs: atMs + keptMs,
    ...(memo === undefined ? {} : { memo }),
  };
}

function fingerprintsOf(job: NotificationJob): Pick<DeliveryIntent, 'firing' | 'resolved'> {
  const resolved = job.alerts.filter(alert => alert.state === 'resolved');
  const firing = job.alerts.filter(alert => alert.state !== 'resolved');
  return { firing: firing.map(one => one.fingerprint), resolved: resolved.map(one => one.fingerprint) };
}

export interface EventText {
  readonly verdict: string;
  readonly reason: string;
  readonly evidence: { readonly [key: string]: JsonValue };
}

export function journalWrite(
  job: NotificationJob,
  text: EventText,
  stamp: { readonly atMs: number; readonly effects: Effects; readonly configVersion: string },
): StateWrite {
  const { evidence } = text;
  const alerts: string[] = [];
  for (const { fingerprint } of job.alerts) if (alerts.length < EVENT_ALERTS_MAX) alerts.push(fingerprint);
  const event: JournalEvent = {
    atMs: stamp.atMs,
    stage: 'notify',
    subject: { kind: 'receiver', name: job.receiver },
    alerts,
    verdict: text.verdict,
    // With its group, so that equal words about another group are an event of their own and not counted on this one.
    reason: `${text.reason} (group ${job.groupKey})`,
    evidence: {
      ...evidence,
      jobId: job.id,
      groupKey: job.groupKey,
      status: job.status,
      possibleRepeat: job.possibleRepeat,
      alertsTotal: job.alerts.length,
    },
    effects: stamp.effects,
    configVersion: stamp.configVersion,
  };
  return { kind: 'journal', event };
}
