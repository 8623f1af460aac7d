// A small SMTP server on loopback that keeps what it receives: the mailbox and the SMS gateway of the demo and of tests.

import { err, ok, type Result } from '../base/index.ts';

export interface SunkMail {
  readonly from: string;
  readonly to: readonly string[];
  /** The whole message as it came: headers, empty line, body. */
  readonly raw: string;
}

export interface MailSink {
  readonly port: number;
  readonly mails: readonly SunkMail[];
  close(): Promise<void>;
}

export interface MailSinkOptions {
  /** 0 takes a free port. */
  readonly port: number;
  onMail(mail: SunkMail): void;
}

/** A message beyond this is refused: alerts are some kilobytes. */
const MAIL_BYTES_MAX = 1024 * 1024;

export async function openMailSink(options: MailSinkOptions): Promise<Result<MailSink, string>> {
  // The program itself does without it.
  const { SMTPServer } = await import('smtp-server');
  const mails: SunkMail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: MAIL_BYTES_MAX,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const from = session.envelope.mailFrom;
        const mail = {
          from: from === false ? '' : from.address,
          to: session.envelope.rcptTo.map(one => one.address),
          raw: Buffer.concat(chunks).toString('utf8'),
        };
        mails.push(mail);
        options.onMail(mail);
        done();
      });
    },
  });
  return new Promise(resolve => {
    server.on('error', error => resolve(err(error.message)));
    server.listen(options.port, '127.0.0.1', () => {
      const address = server.server.address();
      const port = typeof address === 'object' && address !== null ? address.port : options.port;
      resolve(ok({ port, mails, close: () => new Promise<void>(closed => server.close(() => closed())) }));
    });
  });
}
