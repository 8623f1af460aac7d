// Webhooks: Alertmanager's JSON, version 4, by POST.

import { err, ok } from '../base/index.ts';
import {
  anything,
  bad,
  boolean,
  duration,
  INVALID,
  integer,
  mapped,
  optional,
  record,
  type Schema,
  type Secret,
  secret,
  secretFile,
  withDefault,
} from '../config/index.ts';
import type { DeliveryOutcome } from '../model/index.ts';
import type { Channel, ChannelPorts, Message } from './channel.ts';
import { type HttpClient, httpClientSchema } from './client.ts';
import { notificationData, webhookBody } from './data.ts';
import { outcomeOfHttp } from './http-outcome.ts';
import { fillPayload } from './payload.ts';
import { askProvider, markHeaders } from './post.ts';

export interface WebhookSettings {
  readonly url: Secret;
  readonly sendResolved: boolean;
  readonly http: HttpClient | undefined;
  /** 0: all. */
  readonly maxAlerts: number;
  /** 0: the usual time limit. */
  readonly timeoutMs: number;
  /** A body of its own; undefined: Alertmanager's. */
  readonly payload: unknown;
}

const schema: Schema<WebhookSettings> = mapped(
  record({
    send_resolved: withDefault(boolean(), true, 'Tell when alerts are resolved.'),
    url: optional(secret(), 'Where to POST to.'),
    url_file: optional(secretFile(), 'A file that holds the URL.'),
    http_config: optional(httpClientSchema, 'Authentication, TLS, proxy.'),
    max_alerts: withDefault(integer({ min: 0 }), 0, 'Most alerts in one message; 0 is no limit.'),
    timeout: withDefault(duration(), 0, 'Longest time of one attempt; 0 is the usual limit.'),
    payload: optional(anything(), 'A body of its own: any YAML, with templates in its texts.'),
  }),
  (value, context) => {
    const url = value.url ?? value.url_file;
    if (value.url !== undefined && value.url_file !== undefined) {
      context.report({
        code: 'config-conflict',
        message: 'Cannot use "url" and "url_file" together: at most one of url, url_file may be set',
        remedy: 'keep one of them',
      });
      return INVALID;
    }
    if (url === undefined) {
      context.report({
        code: 'config-missing-key',
        message: 'Cannot send to a webhook without an address: one of "url" or "url_file" is required',
        remedy: 'add "url: <where to POST to>"',
      });
      return INVALID;
    }
    // A file's content may come later than the check of the configuration: it is empty then.
    if (value.url !== undefined && !/^https?:\/\/[^/]/i.test(url.reveal())) {
      return bad(
        'Cannot use the URL of the webhook: it must begin with http:// or https:// and a host',
        context,
      );
    }
    return {
      url,
      sendResolved: value.send_resolved,
      http: value.http_config,
      maxAlerts: value.max_alerts,
      timeoutMs: value.timeout,
      payload: value.payload ?? undefined,
    };
  },
);

export const webhook: Channel<WebhookSettings> = {
  key: 'webhook_configs',
  name: 'webhook',
  schema,
  carriedOut: true,
  create(settings, ports) {
    if (settings.url.reveal() === '') return err('the file named by url_file is empty');
    return ok({
      sendResolved: settings.sendResolved,
      send: (message, signal) => post({ settings, ports, message }, signal),
    });
  },
};

interface Post {
  readonly settings: WebhookSettings;
  readonly ports: ChannelPorts;
  readonly message: Message;
}

async function post(request: Post, signal: AbortSignal): Promise<DeliveryOutcome> {
  const { settings, ports, message } = request;
  const options = { ...message, alertsMax: settings.maxAlerts };
  // A template that fails must not lose the alert: the usual body goes out instead.
  const own =
    settings.payload === undefined
      ? ok(webhookBody(options))
      : fillPayload(settings.payload, { data: notificationData(options), render: ports.render });
  const answer = await askProvider(
    {
      ports,
      url: settings.url.reveal(),
      body: own.ok ? own.value : webhookBody(options),
      client: settings.http,
      // The body is Alertmanager's to the letter, or the person's, so our own marks travel as headers.
      headers: {
        ...markHeaders(message),
        ...(own.ok ? {} : { 'x-watchkeeper-template-failed': headerText(own.error) }),
      },
      timeoutMs: settings.timeoutMs,
    },
    signal,
  );
  return outcomeOfHttp(answer, ports.clock.nowMs());
}

/** A header holds one line of ASCII. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200);
}
