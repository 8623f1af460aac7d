// Mail over SMTP, through nodemailer: the only file that imports it.

import { err, type Mail, type MailError, type MailMessage, ok, type Result } from '../base/index.ts';
import { tlsOptions } from './http-client.ts';
import { lazily } from './lazily.ts';

/** One connection a message: notifications are few, and a kept one would be dropped by the server between them. */
export function smtpMail(): Mail {
  const library = lazily(() => import('nodemailer'));
  return {
    send: async (message, signal) => {
      const loaded = await library().catch(String);
      if (typeof loaded === 'string') return err(failure('mail-connect', message, loaded));
      return send(loaded, message, signal);
    },
    prepare: () => void library().catch(() => undefined),
  };
}

async function send(
  { createTransport }: typeof import('nodemailer'),
  message: MailMessage,
  signal?: AbortSignal,
): Promise<Result<string, MailError>> {
  if (signal?.aborted) return err(failure('mail-timeout', message, 'the caller gave up'));
  const { server } = message;
  const transport = createTransport({
    host: server.host,
    port: server.port,
    secure: server.security === 'implicit',
    requireTLS: server.security === 'starttls-required',
    ignoreTLS: server.security === 'none',
    ...(server.hello === undefined ? {} : { name: server.hello }),
    ...(server.tls === undefined ? {} : { tls: tlsOptions(server.tls) }),
    ...(server.auth === undefined
      ? {}
      : {
          auth: {
            user: server.auth.username,
            pass: server.auth.password,
            ...(server.auth.method === 'cram-md5' ? { method: 'CRAM-MD5' } : {}),
          },
        }),
    // Each phase may take the whole time; the timer below ends the exchange as a whole.
    connectionTimeout: message.timeoutMs,
    greetingTimeout: message.timeoutMs,
    socketTimeout: message.timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const answer = new Promise<Result<string, MailError>>(resolve => {
    const end = (cause: string): void => {
      transport.close();
      resolve(err(failure('mail-timeout', message, cause)));
    };
    const onAbort = (): void => end('the caller gave up');
    const timer = setTimeout(() => end(`no answer within ${message.timeoutMs} ms`), message.timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    transport
      .sendMail({
        from: message.from,
        to: [...message.to],
        subject: message.subject,
        headers: { ...message.headers },
        ...(message.text === undefined ? {} : { text: message.text }),
        ...(message.html === undefined ? {} : { html: message.html }),
      })
      .then(
        info => resolve(ok(info.response)),
        error => resolve(err(mailError(error, message))),
      )
      .finally(() => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      });
  });
  const result = await answer;
  transport.close();
  return result;
}

/** nodemailer's errors carry `code` (its own word), `responseCode` (the server's) and `command` (the phase). */
function mailError(error: unknown, message: MailMessage): MailError {
  const details =
    typeof error === 'object' && error !== null ? (error as Readonly<Record<string, unknown>>) : {};
  const name = typeof details['code'] === 'string' ? details['code'] : '';
  const replyCode = typeof details['responseCode'] === 'number' ? details['responseCode'] : undefined;
  const cause = error instanceof Error ? error.message : String(error);
  return failure(codeOf(name, replyCode, cause), message, cause, replyCode);
}

function codeOf(name: string, replyCode: number | undefined, cause: string): MailError['code'] {
  if (name === 'ETLS' || /certificate|self.signed|ssl|tls|altnames/i.test(cause)) {
    // A server that refuses mail over a policy on TLS has answered with a code of its own.
    if (replyCode === undefined || name === 'ETLS') return 'mail-tls';
  }
  if (name === 'EAUTH' || name === 'ENOAUTH') {
    return replyCode !== undefined && replyCode < 500 ? 'mail-temporary' : 'mail-auth';
  }
  if (replyCode !== undefined) {
    if (replyCode >= 500) return 'mail-rejected';
    if (replyCode >= 400) return 'mail-temporary';
    return 'mail-protocol';
  }
  if (name === 'ETIMEDOUT') return 'mail-timeout';
  if (/^(ECONNECTION|ESOCKET|EDNS|ECONNREFUSED|ECONNRESET|ENOTFOUND)$/.test(name)) return 'mail-connect';
  return 'mail-protocol';
}

function failure(
  code: MailError['code'],
  message: MailMessage,
  cause: string,
  replyCode?: number,
): MailError {
  const text = `Cannot send mail through "${message.server.host}:${message.server.port}": ${cause}`;
  return { code, message: text, ...(replyCode === undefined ? {} : { replyCode }) };
}
