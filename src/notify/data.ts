// What templates and webhooks see of a message: Alertmanager's data, and a little of our own.

import {
  type Alert,
  episodeStartMs,
  type Labels,
  labelPairs,
  labelsFrom,
  labelsToRecord,
  type NotificationJob,
} from '../model/index.ts';

export interface AlertData {
  readonly Status: 'firing' | 'resolved';
  readonly Labels: Readonly<Record<string, string>>;
  readonly Annotations: Readonly<Record<string, string>>;
  readonly StartsAtMs: number;
  /** Undefined while it fires. */
  readonly EndsAtMs: number | undefined;
  readonly GeneratorURL: string;
  readonly Fingerprint: string;
}

export interface NotificationData {
  readonly Receiver: string;
  readonly Status: 'firing' | 'resolved';
  readonly Alerts: readonly AlertData[];
  readonly GroupLabels: Readonly<Record<string, string>>;
  readonly CommonLabels: Readonly<Record<string, string>>;
  readonly CommonAnnotations: Readonly<Record<string, string>>;
  readonly ExternalURL: string;
  /** Of the route; their values are templates, which the function `routeLabels` fills in. */
  readonly RouteLabels: Readonly<Record<string, string>>;
  // Of our own:
  readonly GroupKey: string;
  /** Why the message is sent now. */
  readonly Reason: string;
  readonly PossibleRepeat: boolean;
  /** What recovery tried, "" if nothing. */
  readonly RecoveryReport: string;
  readonly IsTest: boolean;
  /** Alerts left out of `Alerts`. */
  readonly TruncatedAlerts: number;
}

/** Carries what recovery tried into receivers that know only Alertmanager's fields. */
export const RECOVERY_ANNOTATION = 'watchkeeper_recovery';

/** What of a job is seen in a message. */
export type ShownJob = Pick<
  NotificationJob,
  | 'alerts'
  | 'status'
  | 'groupLabels'
  | 'groupKey'
  | 'reason'
  | 'possibleRepeat'
  | 'recoveryReport'
  | 'routeLabels'
  | 'externalUrl'
>;

export interface DataOptions {
  readonly job: ShownJob;
  readonly receiver: string;
  readonly isTest: boolean;
  /** 0: all. */
  readonly alertsMax: number;
}

export function notificationData(options: DataOptions): NotificationData {
  const { job, alertsMax } = options;
  const shown = alertsMax > 0 ? job.alerts.slice(0, alertsMax) : job.alerts;
  const report = job.recoveryReport ?? '';
  const extra = report === '' ? {} : { [RECOVERY_ANNOTATION]: report };
  return {
    Receiver: quoteMeta(options.receiver),
    Status: job.status,
    Alerts: shown.map(alert => alertData(alert, extra)),
    GroupLabels: labelsToRecord(job.groupLabels),
    CommonLabels: labelsToRecord(commonOf(shown.map(alert => alert.labels))),
    CommonAnnotations: { ...labelsToRecord(commonOf(shown.map(alert => alert.annotations))), ...extra },
    ExternalURL: job.externalUrl,
    RouteLabels: job.routeLabels === undefined ? {} : labelsToRecord(job.routeLabels),
    GroupKey: job.groupKey,
    Reason: job.reason,
    PossibleRepeat: job.possibleRepeat,
    RecoveryReport: report,
    IsTest: options.isTest,
    TruncatedAlerts: job.alerts.length - shown.length,
  };
}

function alertData(alert: Alert, extra: Readonly<Record<string, string>>): AlertData {
  const resolved = alert.state === 'resolved';
  return {
    Status: resolved ? 'resolved' : 'firing',
    Labels: labelsToRecord(alert.labels),
    Annotations: { ...labelsToRecord(alert.annotations), ...extra },
    StartsAtMs: episodeStartMs(alert),
    EndsAtMs: resolved ? alert.resolvedAtMs : undefined,
    GeneratorURL: alert.generatorUrl,
    Fingerprint: alert.fingerprint,
  };
}

/** Pairs that all sets share. */
export function commonOf(sets: readonly Labels[]): Labels {
  const [first, ...rest] = sets;
  if (first === undefined) return labelsFrom({});
  if (rest.length === 0) return first;
  const others = rest.map(labelsToRecord);
  const common: Record<string, string> = Object.create(null);
  for (const [name, value] of labelPairs(first)) {
    if (others.every(one => one[name] === value)) common[name] = value;
  }
  return labelsFrom(common);
}

/** Alertmanager shows the receiver's name with the characters of regular expressions escaped. */
export function quoteMeta(name: string): string {
  return name.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

/** RFC 3339 as Go prints it: no trailing zeros; the zero time where there is none. */
export function goTime(atMs: number | undefined): string {
  if (atMs === undefined) return '0001-01-01T00:00:00Z';
  return new Date(atMs).toISOString().replace(/\.?0*Z$/, 'Z');
}
