// Slack: Alertmanager's slack_configs, by an incoming webhook or with an app's token. The message is made in
// slack-message.ts.

import { err, type HttpError, type HttpResponse, ok, type Result } from '../base/index.ts';
import {
  boolean,
  checkSlackAccess,
  duration,
  exclusive,
  httpUrl,
  httpUrlSecret,
  list,
  mapped,
  optional,
  optionals,
  type ReadContext,
  record,
  requireOneOf,
  requireSet,
  type Schema,
  type Secret,
  secret,
  secretFile,
  text,
  withDefault,
} from '../config/index.ts';
import type { DeliveryOutcome } from '../model/index.ts';
import type { Channel, ChannelPorts, Message } from './channel.ts';
import { type HttpClient, httpClientSchema } from './client.ts';
import { outcomeOfHttp } from './http-outcome.ts';
import { askProvider } from './post.ts';
import { type SlackRequest, type SlackTexts, slackRequest } from './slack-message.ts';
import { templateText } from './template-text.ts';
import { defaultTemplate } from './texts.ts';

const APP_URL = 'https://slack.com/api/chat.postMessage';

export interface SlackSettings {
  readonly url: Secret | undefined;
  /** Of an app; it goes to `appUrl`. */
  readonly token: Secret | undefined;
  readonly appUrl: string;
  readonly sendResolved: boolean;
  readonly texts: SlackTexts;
  /** Changes the message of a group in place of posting another. */
  readonly updateMessage: boolean;
  readonly http: HttpClient | undefined;
  /** 0: the usual time limit. */
  readonly timeoutMs: number;
}

const confirm = record(
  optionals({
    text: templateText(),
    title: templateText(),
    ok_text: templateText(),
    dismiss_text: templateText(),
  }),
  (_, context, node) => requireSet(node, context, ['text']),
);

const action = record(
  optionals({
    type: templateText(),
    text: templateText(),
    url: templateText(),
    style: templateText(),
    name: templateText(),
    value: templateText(),
    confirm,
  }),
  (_, context, node) => {
    requireSet(node, context, ['type', 'text']);
    requireOneOf(node, context, ['url', 'name']);
  },
);

const field = record(
  optionals({ title: templateText(), value: templateText(), short: boolean() }),
  (_, context, node) => requireSet(node, context, ['title', 'value']),
);

const fields = record(
  {
    send_resolved: withDefault(boolean(), false, 'Tell when alerts are resolved.'),
    api_url: optional(httpUrlSecret(), 'An incoming webhook.'),
    api_url_file: optional(secretFile(), 'A file that holds it.'),
    app_token: optional(secret(), "An app's token."),
    app_token_file: optional(secretFile(), 'A file that holds it.'),
    app_url: optional(httpUrl(), 'Where messages of an app go.'),
    short_fields: withDefault(boolean(), false, 'Fields stand side by side unless they say otherwise.'),
    link_names: withDefault(boolean(), false),
    fields: optional(list(field)),
    mrkdwn_in: optional(list(text()), 'Parts in which Slack reads its markup.'),
    actions: optional(list(action), 'Buttons.'),
    timeout: withDefault(duration(), 0, 'Longest time of one attempt; 0 is the usual limit.'),
    update_message: withDefault(boolean(), false, 'Change the message of a group; needs an app.'),
    http_config: optional(httpClientSchema, 'TLS, proxy.'),
    language: withDefault(text({ oneOf: ['en', 'zh'] }), 'en', 'Of the default texts: en or zh.'),
    ...optionals({
      channel: templateText(),
      username: templateText(),
      color: templateText(),
      title: templateText(),
      title_link: templateText(),
      pretext: templateText(),
      text: templateText(),
      message_text: templateText(),
      footer: templateText(),
      fallback: templateText(),
      callback_id: templateText(),
      icon_emoji: templateText(),
      icon_url: templateText(),
      image_url: templateText(),
      thumb_url: templateText(),
    }),
  },
  (value, context, node) => {
    exclusive(node, context, ['api_url', 'api_url_file']);
    exclusive(node, context, ['app_token', 'app_token_file']);
    requireOneOf(node, context, ['api_url', 'api_url_file', 'app_token', 'app_token_file']);
    checkSlackAccess(node, context);
    warnOfUpdate(value, context);
  },
);

function warnOfUpdate(
  value: {
    readonly update_message: boolean;
    readonly api_url?: Secret | undefined;
    readonly app_url?: string | undefined;
    readonly app_token?: unknown;
    readonly app_token_file?: unknown;
  },
  context: ReadContext,
): void {
  const isApp = value.app_token !== undefined || value.app_token_file !== undefined;
  const url = isApp ? (value.app_url ?? APP_URL) : (value.api_url?.reveal() ?? APP_URL);
  if (!value.update_message || updateUrlOf(url) !== undefined) return;
  context.report({
    code: 'config-bad-value',
    severity: 'warning',
    message: `Cannot update messages of ${context.path}: its address is not chat.postMessage, so each message is posted anew`,
    remedy: 'use "app_token" in place of an incoming webhook',
  });
}

const schema: Schema<SlackSettings> = mapped(fields, value => {
  const language = value.language === 'zh' ? 'zh' : 'en';
  const ours = (part: string): string => defaultTemplate(`slack.${part}`, language);
  return {
    url: value.api_url ?? value.api_url_file,
    token: value.app_token ?? value.app_token_file,
    appUrl: value.app_url ?? APP_URL,
    sendResolved: value.send_resolved,
    updateMessage: value.update_message,
    http: value.http_config,
    timeoutMs: value.timeout,
    texts: {
      language,
      isDefaultText: value.text === undefined,
      channel: value.channel ?? '',
      username: value.username ?? ours('username'),
      color: value.color ?? ours('color'),
      title: value.title ?? ours('title'),
      titleLink: value.title_link ?? ours('titlelink'),
      pretext: value.pretext ?? ours('pretext'),
      text: value.text ?? ours('text'),
      messageText: value.message_text ?? '',
      fallback: value.fallback ?? ours('fallback'),
      callbackId: value.callback_id ?? ours('callbackid'),
      footer: value.footer ?? ours('footer'),
      iconEmoji: value.icon_emoji ?? ours('iconemoji'),
      iconUrl: value.icon_url ?? ours('iconurl'),
      imageUrl: value.image_url ?? '',
      thumbUrl: value.thumb_url ?? '',
      linkNames: value.link_names,
      shortFields: value.short_fields,
      fields: value.fields ?? [],
      mrkdwnIn: value.mrkdwn_in ?? [],
      actions: value.actions ?? [],
    },
  };
});

export const slack: Channel<SlackSettings> = {
  key: 'slack_configs',
  name: 'slack',
  schema,
  carriedOut: true,
  create(settings, ports) {
    const { url, token, appUrl } = settings;
    if (token?.reveal() === '') return err('the file named by app_token_file is empty');
    if (token === undefined && (url?.reveal().trim() ?? '') === '')
      return err('the file named by api_url_file is empty');
    const place = token === undefined ? (url?.reveal().trim() ?? '') : appUrl;
    return ok({
      sendResolved: settings.sendResolved,
      remembers: settings.updateMessage,
      send: (message, signal) => send({ settings, ports, message, url: place }, signal),
    });
  },
};

interface Sending {
  readonly settings: SlackSettings;
  readonly ports: ChannelPorts;
  readonly message: Message;
  readonly url: string;
}

async function send(sending: Sending, signal: AbortSignal): Promise<DeliveryOutcome> {
  const { settings, ports, message, url } = sending;
  const request = slackRequest(settings.texts, { message, render: ports.render });
  const updateUrl = settings.updateMessage ? updateUrlOf(url) : undefined;
  const { ts, channel } = message.memo ?? {};
  if (updateUrl !== undefined && ts !== undefined && channel !== undefined) {
    const updated = await post({ ...sending, url: updateUrl }, { ...request, ts, channel }, signal);
    // The message was deleted, or is too old to be changed: a new one must not be lost over it.
    const isGone = updated.kind === 'drop' && GONE.has(updated.reason.replace(/^slack: /, ''));
    if (!isGone) return updated;
  }
  return post(sending, request, signal);
}

const GONE: ReadonlySet<string> = new Set([
  'message_not_found',
  'cant_update_message',
  'edit_window_closed',
  'channel_not_found',
]);

async function post(sending: Sending, request: SlackRequest, signal: AbortSignal): Promise<DeliveryOutcome> {
  const { settings, ports, url } = sending;
  const answer = await askProvider(
    {
      ports,
      url,
      body: JSON.stringify(request),
      client: settings.http,
      timeoutMs: settings.timeoutMs,
      ...(settings.token === undefined
        ? {}
        : { headers: { authorization: `Bearer ${settings.token.reveal()}` } }),
    },
    signal,
  );
  return outcomeOfSlack(answer, ports.clock.nowMs());
}

/** Where a message is changed; undefined where the address is no chat.postMessage. */
function updateUrlOf(url: string): string | undefined {
  return url.endsWith('/chat.postMessage') ? url.replace(/postMessage$/, 'update') : undefined;
}

// --- answers ---------------------------------------------------------------------------------------

/** Slack's own words for what passes by itself (https://docs.slack.dev/reference/methods/chat.postMessage, "Errors"). */
const PASSING: ReadonlySet<string> = new Set([
  'ratelimited',
  'rate_limited',
  'message_limit_exceeded',
  'request_timeout',
  'service_unavailable',
  'internal_error',
  'fatal_error',
  'team_added_to_org',
]);

/** Status 200 is not enough: a JSON answer says `ok`, a webhook's answer is the word "ok". */
export function outcomeOfSlack(answer: Result<HttpResponse, HttpError>, nowMs: number): DeliveryOutcome {
  const outcome = outcomeOfHttp(answer, nowMs);
  if (outcome.kind !== 'sent' || !answer.ok) return outcome;
  const body = new TextDecoder().decode(answer.value.body);
  if (!(answer.value.headers['content-type'] ?? '').startsWith('application/json')) {
    if (body.trim() === 'ok') return outcome;
    return { kind: 'drop', reason: 'slack refused', detail: outcome.answer };
  }
  const said = parsed(body);
  // It may have been taken: what answers so is not surely Slack.
  if (said === undefined) return { kind: 'retry', reason: 'unclear answer', detail: outcome.answer };
  if (said.ok) return { ...outcome, ...(said.memo === undefined ? {} : { memo: said.memo }) };
  const kind = PASSING.has(said.error) ? 'retry' : 'drop';
  return { kind, reason: `slack: ${said.error}`, detail: outcome.answer };
}

interface SlackAnswer {
  readonly ok: boolean;
  readonly error: string;
  readonly memo?: { readonly ts: string; readonly channel: string };
}

function parsed(body: string): SlackAnswer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('ok' in value)) return undefined;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const { ts, channel, error } = fields;
  return {
    ok: value.ok === true,
    error: typeof error === 'string' ? error : 'no reason given',
    ...(typeof ts === 'string' && typeof channel === 'string' ? { memo: { ts, channel } } : {}),
  };
}
