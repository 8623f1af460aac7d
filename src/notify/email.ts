// E-mail: Alertmanager's email_configs over SMTP, also to SMS gateways.

import { createHash } from 'node:crypto';
import { err, type HttpTls, type MailError, type MailMessage, ok, type Result } from '../base/index.ts';
import {
  bad,
  boolean,
  checkEmailHeaders,
  exclusive,
  mapOf,
  mapped,
  notCarriedOut,
  optional,
  record,
  required,
  type Schema,
  type Secret,
  secret,
  secretFile,
  text,
  withDefault,
} from '../config/index.ts';
import { type DeliveryOutcome, episodeStartMs } from '../model/index.ts';
import { ATTEMPT_MS, type Channel, type ChannelPorts, type Message } from './channel.ts';
import { tlsSchema } from './client.ts';
import { goTime, type NotificationData, notificationData } from './data.ts';
import { forgivingRender } from './forgiving.ts';
import { framedHtml, framedText, markOf } from './frame.ts';
import { plainBody, plainSubject } from './plain.ts';
import { templateText } from './template-text.ts';
import { defaultTemplate } from './texts.ts';
import { type Language, WORDS } from './words.ts';

/** Alerts in one mail: more is not read by anyone, and large mails are refused. */
const ALERTS_MAX = 100;
/** A subject line is one line; servers cut far longer ones in ugly places. */
const SUBJECT_CHARS_MAX = 250;

/** How to reach a mail server; what the `global` section says was filled in by config. */
export interface SmtpSettings {
  readonly implicitTls?: boolean | undefined;
  readonly from?: string | undefined;
  /** host:port */
  readonly smarthost?: string | undefined;
  readonly hello?: string | undefined;
  readonly authUsername?: string | undefined;
  readonly authPassword?: Secret | undefined;
  /** For CRAM-MD5. */
  readonly authSecret?: Secret | undefined;
  readonly requireTls?: boolean | undefined;
  readonly tls?: HttpTls | undefined;
}

export interface EmailSettings {
  readonly to: string;
  readonly sendResolved: boolean;
  readonly smtp: SmtpSettings;
  readonly headers: ReadonlyMap<string, string>;
  /** Templates. Neither set: our own text and HTML. */
  readonly text: string | undefined;
  readonly html: string | undefined;
  readonly language: Language;
  readonly threading: Threading;
}

/** Messages about one group are one thread in a mailbox, or one a day. */
interface Threading {
  readonly enabled: boolean;
  readonly perDay: boolean;
}

const threading: Schema<Threading> = mapped(
  record({
    enabled: withDefault(boolean(), true),
    thread_by_date: withDefault(text({ oneOf: ['none', 'daily', ''] }), 'none', 'daily: a thread a day.'),
  }),
  value => ({ enabled: value.enabled, perDay: value.thread_by_date === 'daily' }),
);

const schema: Schema<EmailSettings> = mapped(
  record({
    send_resolved: withDefault(boolean(), false, 'Tell when alerts are resolved.'),
    to: required(templateText({ notEmpty: true }), 'Addresses, separated by commas; a template.'),
    from: optional(templateText(), 'The sender.'),
    smarthost: optional(text(), 'host:port of the mail server.'),
    hello: optional(text(), 'The name to say in EHLO.'),
    auth_username: optional(text()),
    auth_password: optional(secret()),
    auth_password_file: optional(secretFile()),
    auth_secret: optional(secret(), 'For CRAM-MD5; it goes before a password.'),
    auth_secret_file: optional(secretFile(), 'A file that holds it.'),
    auth_identity: notCarriedOut(text()),
    require_tls: optional(boolean(), 'Refuse to send without STARTTLS.'),
    tls_config: optional(tlsSchema),
    implicit_tls: optional(boolean(), 'TLS from the first byte; port 465 does so by itself.'),
    force_implicit_tls: optional(boolean(), 'The same, as the global section has it.'),
    headers: optional(mapOf(templateText()), 'Header templates.'),
    html: optional(templateText(), 'Template of the HTML body.'),
    text: optional(
      templateText(),
      'Template of the text body; alone it makes a short message for an SMS gateway.',
    ),
    threading: optional(threading, 'Messages of a group are one thread unless this says otherwise.'),
    language: withDefault(text({ oneOf: ['en', 'zh'] }), 'en', 'Of the default texts: en or zh.'),
  }),
  (value, context, node) => {
    exclusive(node, context, ['auth_password', 'auth_password_file']);
    exclusive(node, context, ['auth_secret', 'auth_secret_file']);
    checkEmailHeaders(node, context);
    if (value.smarthost !== undefined && value.smarthost !== '' && !parseSmarthost(value.smarthost).ok) {
      return bad(`Cannot use "${value.smarthost}" as smarthost: host:port expected`, context);
    }
    return {
      to: value.to,
      sendResolved: value.send_resolved,
      smtp: {
        from: value.from,
        smarthost: value.smarthost,
        hello: value.hello,
        authUsername: value.auth_username,
        authPassword: value.auth_password ?? value.auth_password_file,
        authSecret: value.auth_secret ?? value.auth_secret_file,
        requireTls: value.require_tls,
        implicitTls: value.implicit_tls ?? value.force_implicit_tls,
        tls: value.tls_config,
      },
      headers: value.headers ?? new Map<string, string>(),
      text: value.text,
      html: value.html,
      language: value.language === 'zh' ? 'zh' : 'en',
      threading: value.threading ?? { enabled: true, perDay: false },
    };
  },
);

export const email: Channel<EmailSettings> = {
  key: 'email_configs',
  name: 'email',
  schema,
  carriedOut: true,
  create(settings, ports) {
    const server = serverOf(settings.smtp);
    if (!server.ok) return server;
    return ok({
      sendResolved: settings.sendResolved,
      send: async (message, signal) => {
        const mail = composeMail({ settings, ports, message, server: server.value });
        if (!mail.ok) return { kind: 'drop', reason: 'bad address', detail: mail.error };
        return outcomeOfMail(await ports.mail.send(mail.value, signal));
      },
    });
  },
};

interface Server {
  readonly server: MailMessage['server'];
  readonly from: string;
}

function serverOf(smtp: SmtpSettings): Result<Server, string> {
  const { smarthost, from, authUsername: username, hello, tls } = smtp;
  if (!smarthost)
    return err('no mail server: set "smarthost" here or "smtp_smarthost" in the global section');
  if (!from) return err('no sender: set "from" here or "smtp_from" in the global section');
  const place = parseSmarthost(smarthost);
  if (!place.ok) return place;
  const password = (smtp.authSecret ?? smtp.authPassword)?.reveal() ?? '';
  // Port 465 is TLS from the first byte. Without require_tls no STARTTLS is tried, as in Alertmanager: a local relay
  // often offers it with a certificate that nobody can verify.
  const fromFirstByte = smtp.implicitTls ?? place.value.port === 465;
  const security = fromFirstByte ? 'implicit' : (smtp.requireTls ?? true) ? 'starttls-required' : 'none';
  return ok({
    from,
    server: {
      ...place.value,
      security,
      ...(hello ? { hello } : {}),
      ...(tls === undefined ? {} : { tls }),
      ...(username
        ? {
            auth: {
              username,
              password,
              ...(smtp.authSecret === undefined ? {} : { method: 'cram-md5' as const }),
            },
          }
        : {}),
    },
  });
}

function parseSmarthost(value: string): Result<{ readonly host: string; readonly port: number }, string> {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(value);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) return err(`"${value}" is not host:port`);
  return ok({ host, port });
}

interface Compose {
  readonly settings: EmailSettings;
  readonly ports: ChannelPorts;
  readonly message: Message;
  readonly server: Server;
}

/** A template that fails must not lose the alert: the plain words go out instead, and say what failed. */
function composeMail(compose: Compose): Result<MailMessage, string> {
  const { settings, ports, message } = compose;
  const { language } = settings;
  const data = notificationData({ ...message, alertsMax: ALERTS_MAX });
  const { render, failures } = forgivingRender(ports.render, data);
  const header = (name: string): string | undefined =>
    [...settings.headers].find(([key]) => key.toLowerCase() === name)?.[1];
  const subject = render(header('subject') ?? defaultTemplate('email.subject', language), plainSubject(data));
  const bodies = bodyTemplates(settings);
  const html = bodies.html === '' ? '' : render(bodies.html, '', 'html');
  const textBody = bodies.text === '' ? '' : render(bodies.text, plainBody(data));
  const extra = [...settings.headers]
    .filter(([name]) => !['subject', 'message-id', 'references'].includes(name.toLowerCase()))
    .map(([name, template]) => [name, oneLine(render(template, ''))] as const);
  const to = addressesOf(render(settings.to, settings.to));
  const from = oneLine(render(compose.server.from, compose.server.from));
  if (to.length === 0) return err(`no address in "${settings.to}"`);
  const note = failures.length === 0 ? '' : `\n\n(${WORDS[language].failed}: ${failures.join('; ')})`;
  const { isDefault } = bodies;
  const plainText = textBody === '' && html === '' ? plainBody(data) : textBody;
  const framed = bodies.isShort
    ? markOf(data) + plainText
    : plainText === ''
      ? ''
      : framedText(data, { text: plainText, language, isDefault });
  return ok({
    server: compose.server.server,
    from,
    to,
    subject: oneLine(`${markOf(data)}${subject}`).slice(0, SUBJECT_CHARS_MAX),
    headers: { ...Object.fromEntries(extra), ...threadHeaders(data, message, settings.threading) },
    ...(framed === '' && note === '' ? {} : { text: framed + note }),
    ...(html === '' ? {} : { html: framedHtml(data, { text: html, language, isDefault }) }),
    timeoutMs: ATTEMPT_MS,
  });
}

interface Bodies {
  readonly text: string;
  readonly html: string;
  readonly isDefault: boolean;
  /** For a telephone: a sign in place of a sentence. */
  readonly isShort: boolean;
}

/** Both by default; a text template alone means a short message. An HTML template always has a text beside it. */
function bodyTemplates({ text: own, html, language }: EmailSettings): Bodies {
  const ours = (part: string): string => defaultTemplate(part, language);
  if (own === undefined && html === undefined)
    return { text: ours('email.text'), html: ours('email.html'), isDefault: true, isShort: false };
  const isShort = (html ?? '') === '';
  const text = own ?? (html === '' ? ours('sms.text') : '');
  return { text, html: html ?? '', isDefault: false, isShort };
}

/** The same message retried keeps its Message-ID, so that a mailbox can tell a repeat; a group is one thread. */
function threadHeaders(
  data: NotificationData,
  message: Message,
  { perDay, enabled }: Threading,
): Readonly<Record<string, string>> {
  const thread = createHash('sha256').update(data.GroupKey).digest('hex').slice(0, 32);
  // The day that the first of its alerts began, so that an episode that lasts stays together.
  const day = perDay ? `-${goTime(Math.min(...message.job.alerts.map(episodeStartMs))).slice(0, 10)}` : '';
  return {
    'Message-ID': `<${message.job.id}@watchkeeper>`,
    ...(enabled ? { References: `<group-${thread}${day}@watchkeeper>` } : {}),
    ...(data.PossibleRepeat ? { 'X-Watchkeeper-Possible-Repeat': 'true' } : {}),
    'X-Watchkeeper-Job': message.job.id,
  };
}

/** A label value with a line break must not begin a header of its own. */
function oneLine(value: string): string {
  return value.replace(/[\r\n\u2028\u2029\0]+/g, ' ').trim();
}

/** Splits at commas that stand in no quotes and no angle brackets. */
export function addressesOf(list: string): readonly string[] {
  const parts = oneLine(list).match(/(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,"<])+/g) ?? [];
  return parts.map(part => part.trim()).filter(part => part !== '');
}

export function outcomeOfMail(answer: Result<string, MailError>): DeliveryOutcome {
  if (answer.ok) return { kind: 'sent', answer: answer.value };
  const { code, replyCode, message } = answer.error;
  const forGood = code === 'mail-rejected' || (code === 'mail-auth' && (replyCode ?? 0) >= 500);
  return { kind: forGood ? 'drop' : 'retry', reason: code, detail: message };
}
