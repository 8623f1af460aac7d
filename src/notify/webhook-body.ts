// The JSON of Alertmanager's webhook, which commands get as well.

import { episodeStartMs, type Labels, withLabels } from '../model/index.ts';
import type { RenderText } from './channel.ts';
import {
  commonOf,
  type DataOptions,
  goTime,
  type NotificationData,
  notificationData,
  quoteMeta,
  RECOVERY_ANNOTATION,
} from './data.ts';

/** Fills the labels of the route in. One that cannot be filled in stays as it is written: it names what was meant. */
export function filledRouteLabels(
  data: NotificationData,
  render: RenderText,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(data.RouteLabels).map(([name, text]) => {
      if (!text.includes('{{')) return [name, text];
      const filled = render(`{{ routeLabels ${JSON.stringify(name)} }}`, data, 'text');
      return [name, filled.ok ? filled.value : text];
    }),
  );
}

/**
 * The body of Alertmanager's webhook, version 4, keys in its order; labels of the route where it has any. Written straight from the
 * labels: in a storm each alert is a message, and its labels stand in three places of it.
 */
export function webhookBody(options: DataOptions, render: RenderText): string {
  const { job, receiver, alertsMax } = options;
  const shown = alertsMax > 0 ? job.alerts.slice(0, alertsMax) : job.alerts;
  const report = job.recoveryReport ?? '';
  const annotated = (labels: Labels): Labels =>
    report === '' ? labels : withLabels(labels, { [RECOVERY_ANNOTATION]: report });
  const written = new Map<Labels, string>();
  const text = (labels: Labels): string => {
    const known = written.get(labels);
    if (known !== undefined) return known;
    const made = labelsText(labels);
    written.set(labels, made);
    return made;
  };
  const alerts = shown.map(
    alert =>
      `{"status":"${alert.state === 'resolved' ? 'resolved' : 'firing'}","labels":${text(alert.labels)}` +
      `,"annotations":${text(annotated(alert.annotations))},"startsAt":"${goTime(episodeStartMs(alert))}"` +
      `,"endsAt":"${goTime(alert.state === 'resolved' ? alert.resolvedAtMs : undefined)}"` +
      `,"generatorURL":${JSON.stringify(alert.generatorUrl)},"fingerprint":${JSON.stringify(alert.fingerprint)}}`,
  );
  const labels = commonOf(shown.map(alert => alert.labels));
  const annotations = annotated(commonOf(shown.map(alert => alert.annotations)));
  return (
    `{"receiver":${JSON.stringify(quoteMeta(receiver))},"status":"${job.status}","alerts":[${alerts.join()}]` +
    `,"groupLabels":${text(job.groupLabels)},"commonLabels":${text(labels)},"commonAnnotations":${text(annotations)}` +
    routeLabelsText(options, render) +
    `,"externalURL":${JSON.stringify(job.externalUrl)},"version":"4","groupKey":${JSON.stringify(job.groupKey)}` +
    `,"truncatedAlerts":${job.alerts.length - shown.length}}`
  );
}

/** Most routes have none. */
function routeLabelsText(options: DataOptions, render: RenderText): string {
  const { routeLabels } = options.job;
  if (routeLabels === undefined || routeLabels.length === 0) return '';
  return `,"routeLabels":${JSON.stringify(filledRouteLabels(notificationData(options), render))}`;
}

function labelsText(labels: Labels): string {
  let text = '';
  for (let i = 0; i < labels.length; i += 2)
    text += `${i === 0 ? '' : ','}${JSON.stringify(labels[i])}:${JSON.stringify(labels[i + 1])}`;
  return `{${text}}`;
}
