// The JSON of Alertmanager's webhook, which commands get as well.

import type { RenderText } from './channel.ts';
import { goTime, type NotificationData } from './data.ts';

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

/** The body of Alertmanager's webhook, version 4, keys in its order; labels of the route where it has any. */
export function webhookBody(data: NotificationData, render: RenderText): string {
  const routeLabels = filledRouteLabels(data, render);
  return JSON.stringify({
    receiver: data.Receiver,
    status: data.Status,
    alerts: data.Alerts.map(alert => ({
      status: alert.Status,
      labels: alert.Labels,
      annotations: alert.Annotations,
      startsAt: goTime(alert.StartsAtMs),
      endsAt: goTime(alert.EndsAtMs),
      generatorURL: alert.GeneratorURL,
      fingerprint: alert.Fingerprint,
    })),
    groupLabels: data.GroupLabels,
    commonLabels: data.CommonLabels,
    commonAnnotations: data.CommonAnnotations,
    ...(Object.keys(routeLabels).length === 0 ? {} : { routeLabels }),
    externalURL: data.ExternalURL,
    version: '4',
    groupKey: data.GroupKey,
    truncatedAlerts: data.TruncatedAlerts,
  });
}
