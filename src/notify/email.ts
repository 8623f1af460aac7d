// E-mail: Alertmanager's email_configs over SMTP, also to SMS gateways.

import { createHash } from 'node:crypto';
import { err, type HttpTls, type MailError, type MailMessage, ok, type Result } from '../base/index.ts';
import {
  anything,
  bad,
  boolean,
  INVALID,
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
import type { DeliveryOutcome } from '../model/index.ts';
import { ATTEMPT_MS, type Channel, type ChannelPorts, type Message } from './channel.ts';
import { tlsSchema } from './client.ts';
import { type NotificationData, notificationData } from './data.ts';
import { plainBody, plainSubject } from './plain.ts';
import { defaultTemplate, type Language } from './texts.ts';

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
}

const schema: Schema<EmailSettings> = mapped(
  record({
    send_resolved: withDefault(boolean(), false, 'Tell when alerts are resolved.'),
    to: required(text({ notEmpty: true }), 'Addresses, separated by commas; a template.'),
    from: optional(text(), 'The sender.'),
    smarthost: optional(text(), 'host:port of the mail server.'),
    hello: optional(text(), 'The name to say in EHLO.'),
    auth_username: optional(text()),
    auth_password: optional(secret()),
    auth_password_file: optional(secretFile()),
    auth_secret: notCarriedOut(secret(), 'For CRAM-MD5.'),
    auth_secret_file: notCarriedOut(secretFile(), 'For CRAM-MD5.'),
    auth_identity: notCarriedOut(text()),
    require_tls: optional(boolean(), 'Refuse to send without STARTTLS.'),
    tls_config: optional(tlsSchema),
    implicit_tls: optional(boolean(), 'TLS from the first byte; port 465 does so by itself.'),
    force_implicit_tls: optional(boolean(), 'The same, as the global section has it.'),
    headers: optional(mapOf(text()), 'Header templates.'),
    html: optional(text(), 'Template of the HTML body.'),
    text: optional(text(), 'Template of the text body; alone it makes a short message for an SMS gateway.'),
    threading: notCarriedOut(anything(), 'Messages of a group are always threaded.'),
    language: withDefault(text({ oneOf: ['en', 'zh'] }), 'en', 'Of the default texts: en or zh.'),
  }),
  (value, context) => {
    if (value.auth_password !== undefined && value.auth_password_file !== undefined) {
      context.report({
        code: 'config-conflict',
        message:
          'Cannot use "auth_password" and "auth_password_file" together: at most one of auth_password, auth_password_file may be set',
        remedy: 'keep one of them',
      });
      return INVALID;
    }
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
        requireTls: value.require_tls,
        implicitTls: value.implicit_tls ?? value.force_implicit_tls,
        tls: value.tls_config,
      },
      headers: value.headers ?? new Map<string, string>(),
      text: value.text,
      html: value.html,
      language: value.language === 'zh' ? 'zh' : 'en',
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
  const password = smtp.authPassword?.reveal() ?? '';
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
      ...(username ? { auth: { username, password } } : {}),
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
  const data = notificationData({ ...message, alertsMax: ALERTS_MAX });
  const failures: string[] = [];
  const render = (template: string, mode: 'text' | 'html', plain: string): string => {
    const rendered = ports.render(template, data, mode);
    if (rendered.ok) return rendered.value;
    failures.push(rendered.error.message);
    return plain;
  };
  const { language } = settings;
  const header = (name: string): string | undefined =>
    [...settings.headers].find(([key]) => key.toLowerCase() === name)?.[1];
  const subject = render(
    header('subject') ?? defaultTemplate('subject', language),
    'text',
    plainSubject(data),
  );
  const bodies = bodyTemplates(settings);
  const html = bodies.html === '' ? '' : render(bodies.html, 'html', '');
  const textBody = bodies.text === '' ? '' : render(bodies.text, 'text', plainBody(data));
  const extra = [...settings.headers]
    .filter(([name]) => !['subject', 'message-id', 'references'].includes(name.toLowerCase()))
    .map(([name, template]) => [name, oneLine(render(template, 'text', ''))] as const);
  const to = addressesOf(render(settings.to, 'text', settings.to));
  const from = oneLine(render(compose.server.from, 'text', compose.server.from));
  if (to.length === 0) return err(`no address in "${settings.to}"`);
  const note = failures.length === 0 ? '' : `\n\n(A template failed: ${failures.join('; ')})`;
  const plainText = textBody === '' && html === '' ? plainBody(data) : textBody;
  return ok({
    server: compose.server.server,
    from,
    to,
    subject: oneLine(subject).slice(0, SUBJECT_CHARS_MAX),
    headers: { ...Object.fromEntries(extra), ...threadHeaders(data, message) },
    ...(plainText === '' && note === '' ? {} : { text: plainText + note }),
    ...(html === '' ? {} : { html }),
    timeoutMs: ATTEMPT_MS,
  });
}

/** Both by default; a text template alone means a short message. An HTML template always has a text beside it. */
function bodyTemplates(settings: EmailSettings): { readonly text: string; readonly html: string } {
  const { text: own, html, language } = settings;
  if (own === undefined && html === undefined) {
    return { text: defaultTemplate('text', language), html: defaultTemplate('html', language) };
  }
  return { text: own ?? (html === '' ? defaultTemplate('sms', language) : ''), html: html ?? '' };
}

/** The same message retried keeps its Message-ID, so that a mailbox can tell a repeat; a group is one thread. */
function threadHeaders(data: NotificationData, message: Message): Readonly<Record<string, string>> {
  const thread = createHash('sha256').update(data.GroupKey).digest('hex').slice(0, 32);
  return {
    'Message-ID': `<${message.job.id}@watchkeeper>`,
    References: `<group-${thread}@watchkeeper>`,
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
