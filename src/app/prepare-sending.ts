// Libraries for sending are loaded by those who send: before the first message, and not while it waits.

import type { Http, Mail } from '../base/index.ts';
import type { Config } from '../config/index.ts';

export function prepareSending(
  ports: { readonly http: Http; readonly mail: Mail },
  { receivers, alerting }: Pick<Config, 'receivers' | 'alerting'>,
): void {
  const kinds = new Set(receivers.flatMap(({ channels }) => channels.map(({ kind }) => kind)));
  if (kinds.delete('email_configs')) ports.mail.prepare?.();
  if (kinds.size > 0 || alerting.alertmanagers.length > 0) ports.http.prepare?.();
}
