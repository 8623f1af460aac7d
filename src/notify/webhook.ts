// Webhooks: Alertmanager's JSON, version 4, by POST.

import { err, ok, type Result } from '../base/index.ts';
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
import { type DataOptions, notificationData } from './data.ts';
import { outcomeOfHttp } from './http-outcome.ts';
import { fillPayload } from './payload.ts';
import { askProvider, markHeaders } from './post.ts';
import { warnOfTemplate } from './template-text.ts';
import { webhookBody } from './webhook-body.ts';

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

const HTTP_URL = /^https?:\/\/[^/]/i;

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
    if (value.url?.reveal().includes('{{')) warnOfTemplate(value.url.reveal(), context);
    else if (value.url !== undefined && !HTTP_URL.test(url.reveal())) {
      return bad(
        'Cannot use the URL of the webhook: it must begin with http:// or https:// and a host',
        context,
      );
    }
    for (const text of textsOf(value.payload)) warnOfTemplate(text, context);
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

/** All texts of a body of one's own, keys aside: they are templates. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}

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
  const url = addressOf(settings.url.reveal(), options, ports.render);
  if (!url.ok) return { kind: 'drop', reason: 'bad address', detail: url.error };
  // A template that fails must not lose the alert: the usual body goes out instead.
  const own =
    settings.payload === undefined
      ? ok(webhookBody(options, ports.render))
      : fillPayload(settings.payload, { data: notificationData(options), render: ports.render });
  const answer = await askProvider(
    {
      ports,
      url: url.value,
      body: own.ok ? own.value : webhookBody(options, ports.render),
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

/** The URL may be a template; what it says is a secret, and stays out of the reason. */
function addressOf(
  url: string,
  options: DataOptions,
  render: ChannelPorts['render'],
): Result<string, string> {
  if (!url.includes('{{')) return ok(url);
  const filled = render(url, notificationData(options), 'text');
  if (!filled.ok) return err('the template of its URL failed');
  return HTTP_URL.test(filled.value) ? filled : err('the template of its URL gives no http or https URL');
}

/** A header holds one line of ASCII. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200);
}
