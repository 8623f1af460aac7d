// Libraries for sending are loaded by those who send: before the first message, and not while it waits.

import type { Http, Mail } from '../base/index.ts';
import type { Config } from '../config/index.ts';

const OVER_HTTP = ['slack_configs', 'webhook_configs'];

export function prepareSending(
  ports: { readonly http: Http; readonly mail: Mail },
  { receivers, heartbeat, alerting }: Pick<Config, 'receivers' | 'heartbeat' | 'alerting'>,
): void {
  const kinds = new Set(receivers.flatMap(({ channels }) => channels.map(({ kind }) => kind)));
  if (kinds.has('email_configs')) ports.mail.prepare?.();
  const asksOverHttp = heartbeat !== undefined || alerting.alertmanagers.length > 0;
  if (asksOverHttp || OVER_HTTP.some(kind => kinds.has(kind))) ports.http.prepare?.();
}
