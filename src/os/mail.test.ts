// Mail against a real SMTP server on loopback: TLS in its three forms, authentication, refusals.

import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import { mailContract } from '../../test/support/contracts/mail.ts';
import type { MailMessage } from '../base/index.ts';
import { smtpMail } from './index.ts';

const cert = readFileSync(fileURLToPath(new URL('./testdata/loopback.cert.pem', import.meta.url)), 'utf8');
const key = readFileSync(fileURLToPath(new URL('./testdata/loopback.key.pem', import.meta.url)), 'utf8');

interface Peer {
  readonly port: number;
  readonly messages: { readonly text: string; readonly secure: boolean; readonly user: string }[];
  refuseNext(how: 'for-now' | 'for-good'): void;
  close(): Promise<void>;
}

async function smtpPeer(options: SMTPServerOptions = {}): Promise<Peer> {
  const messages: Peer['messages'] = [];
  let refusal: 'for-now' | 'for-good' | undefined;
  const server = new SMTPServer({
    cert,
    key,
    authOptional: true,
    disableReverseLookup: true,
    onAuth: (auth, _, done) => {
      if (auth.username === 'me' && auth.password === 'secret') done(null, { user: 'me' });
      else done(new Error('Invalid username or password'));
    },
    onData: (stream, session, done) => {
      let text = '';
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      stream.on('end', () => {
        if (refusal !== undefined) {
          const responseCode = refusal === 'for-now' ? 451 : 554;
          refusal = undefined;
          done(Object.assign(new Error('no'), { responseCode }));
          return;
        }
        messages.push({ text, secure: session.secure, user: String(session.user ?? '') });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    messages,
    refuseNext: how => {
      refusal = how;
    },
    close: () => new Promise(resolve => void server.close(() => resolve())),
  };
}

mailContract('real', async () => {
  const peer = await smtpPeer();
  return {
    mail: smtpMail(),
    server: { host: '127.0.0.1', port: peer.port, security: 'none' },
    accepted: () => peer.messages.map(({ text }) => /^Subject: (.*)\r$/m.exec(text)?.[1] ?? ''),
    refuseNext: peer.refuseNext,
    close: peer.close,
  };
});

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0)) await clean();
});

async function start(options?: SMTPServerOptions) {
  const peer = await smtpPeer(options);
  cleanUp.push(peer.close);
  const send = async (server: Partial<MailMessage['server']>, change: Partial<MailMessage> = {}) =>
    smtpMail().send({ ...message(peer.port, server), ...change });
  return {
    peer,
    send,
    code: async (server: Partial<MailMessage['server']>) => {
      const result = await send(server);
      return result.ok ? 'ok' : result.error.code;
    },
  };
}

function message(port: number, server: Partial<MailMessage['server']>): MailMessage {
  return {
    server: { host: 'localhost', port, security: 'none', ...server },
    from: 'Watchkeeper <watchkeeper@example.com>',
    to: ['a@example.com', 'b@example.com'],
    headers: { 'X-Watchkeeper': 'yes' },
    subject: 'CPU hoch: Überlast',
    text: 'Zeile eins\nZeile zwei',
    html: '<p>Zeile</p>',
    timeoutMs: 5000,
  };
}

describe('TLS', () => {
  it('is used after STARTTLS when required, with a certificate that is verified', async () => {
    const { peer, code } = await start();
    expect(await code({ security: 'starttls-required', tls: { ca: cert } })).toBe('ok');
    expect(peer.messages[0]?.secure).toBe(true);
    expect(await code({ security: 'starttls-required' })).toBe('mail-tls');
    expect(
      await code({ security: 'starttls-required', tls: { ca: cert, serverName: 'wrong.example' } }),
    ).toBe('mail-tls');
    expect(peer.messages).toHaveLength(1);
  });

  it('is refused to be done without when required', async () => {
    const { peer, code } = await start({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] });
    expect(await code({ security: 'starttls-required', tls: { ca: cert } })).toBe('mail-tls');
    expect(await code({ security: 'starttls-if-offered', tls: { ca: cert } })).toBe('ok');
    expect(peer.messages.map(({ secure }) => secure)).toEqual([false]);
  });

  it('is taken when offered, left alone when unwanted', async () => {
    const { peer, code } = await start();
    expect(await code({ security: 'starttls-if-offered', tls: { ca: cert } })).toBe('ok');
    expect(await code({ security: 'none' })).toBe('ok');
    expect(peer.messages.map(({ secure }) => secure)).toEqual([true, false]);
  });

  it('is there from the first byte when implicit', async () => {
    const { peer, code } = await start({ secure: true });
    expect(await code({ security: 'implicit', tls: { ca: cert } })).toBe('ok');
    expect(await code({ security: 'implicit' })).toBe('mail-tls');
    expect(peer.messages.map(({ secure }) => secure)).toEqual([true]);
  });
});

describe('authentication', () => {
  it('is done over TLS, and a wrong password is mail-auth with the reply code', async () => {
    const { peer, send, code } = await start({ authOptional: false });
    const server = { security: 'starttls-required', tls: { ca: cert } } as const;
    expect(await code({ ...server, auth: { username: 'me', password: 'secret' } })).toBe('ok');
    expect(peer.messages[0]?.user).toBe('me');
    const refused = await send({ ...server, auth: { username: 'me', password: 'wrong-word' } });
    expect(refused).toMatchObject({ ok: false, error: { code: 'mail-auth', replyCode: 535 } });
    expect(refused.ok ? '' : refused.error.message).not.toContain('wrong-word');
  });
});

describe('a challenge', () => {
  const challenged: SMTPServerOptions = {
    authOptional: false,
    authMethods: ['CRAM-MD5'],
    onAuth: (auth, _, done) => {
      if (auth.username === 'me' && auth.validatePassword('secret')) done(null, { user: 'me' });
      else done(new Error('Invalid username or password'));
    },
  };

  it('is answered without the secret on the wire', async () => {
    const { peer, code } = await start(challenged);
    const server = { security: 'starttls-required', tls: { ca: cert } } as const;
    const auth = { username: 'me', password: 'secret', method: 'cram-md5' } as const;
    expect(await code({ ...server, auth })).toBe('ok');
    expect(peer.messages[0]?.user).toBe('me');
    expect(await code({ ...server, auth: { ...auth, password: 'other' } })).toBe('mail-auth');
  });
});

describe('the message', () => {
  it('carries headers, subject and both bodies', async () => {
    const { peer, send } = await start();
    expect((await send({})).ok).toBe(true);
    const text = peer.messages[0]?.text ?? '';
    expect(text).toContain('X-Watchkeeper: yes');
    expect(text).toMatch(/Subject: =\?UTF-8\?/i);
    expect(text).toContain('text/html');
    expect(text).toContain('Zeile zwei');
  });

  it('lets no header be smuggled in through a subject or an address', async () => {
    const { peer, send } = await start();
    await send({}, { subject: 'x\r\nBcc: victim@example.com', headers: { 'X-A': 'b\r\nX-Evil: 1' } });
    expect(peer.messages).toHaveLength(1);
    expect(peer.messages[0]?.text).not.toMatch(/^(Bcc|X-Evil):/m);
  });
});

describe('failures', () => {
  it('answers mail-rejected with the code to a recipient that is refused', async () => {
    const { send } = await start({
      onRcptTo: (_, __, done) => done(Object.assign(new Error('no such user'), { responseCode: 550 })),
    });
    expect(await send({})).toMatchObject({ ok: false, error: { code: 'mail-rejected', replyCode: 550 } });
  });

  it('answers mail-connect where nobody listens and for an unknown host', async () => {
    const { code } = await start();
    expect(await code({ port: 1 })).toBe('mail-connect');
    expect(await code({ host: 'nosuchhost.invalid' })).toBe('mail-connect');
  });

  it('answers mail-timeout to a server that says nothing', async () => {
    const silent = createServer(socket => socket.on('error', () => {}));
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
    cleanUp.push(async () => void silent.close());
    const port = (silent.address() as AddressInfo).port;
    const result = await smtpMail().send({ ...message(port, {}), timeoutMs: 150 });
    expect(result).toMatchObject({ ok: false, error: { code: 'mail-timeout' } });
  });

  it('answers mail-protocol to what is no mail server', async () => {
    const odd = createServer(socket => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await new Promise<void>(resolve => odd.listen(0, '127.0.0.1', resolve));
    cleanUp.push(async () => void odd.close());
    const result = await smtpMail().send(message((odd.address() as AddressInfo).port, {}));
    expect(result).toMatchObject({ ok: false, error: { code: 'mail-protocol' } });
  });
});
