// TLS of the server on loopback: whose certificates are let in, and which versions, ciphers and curves are spoken.

import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { CollectingLog } from '../../test/support/log.ts';
import type { HttpListener, ServerTls } from '../base/index.ts';
import { httpClient, httpServer } from './index.ts';
import { alternativeNames } from './server-tls.ts';

const pem = (name: string) =>
  readFileSync(fileURLToPath(new URL(`./testdata/${name}.pem`, import.meta.url)), 'utf8');
/** Let in or not: a client without a certificate, with ours, with a stranger's. */
type LetIn = readonly [none: boolean, own: boolean, stranger: boolean];

/** For localhost and 127.0.0.1, signed by itself. */
const own = { cert: pem('loopback.cert'), key: pem('loopback.key') };
/** For stranger.example, ::1, spiffe://example/stranger and ops@stranger.example; signed by itself, too. */
const stranger = { cert: pem('stranger.cert'), key: pem('stranger.key') };

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of cleanUp.splice(0)) await close();
});

async function listen(settings: Partial<ServerTls>): Promise<number> {
  return (await listening(settings)).port;
}

async function listening(settings: Partial<ServerTls>): Promise<HttpListener> {
  const opened = await httpServer(new CollectingLog()).listen(
    { host: '127.0.0.1', port: 0, tls: { ...own, ...settings } },
    async () => ({ status: 200, headers: {}, body: 'in' }),
  );
  if (!opened.ok) throw new Error(opened.error.message);
  cleanUp.push(() => opened.value.close(0));
  return opened.value;
}

async function isLetIn(
  port: number,
  certificate: { readonly cert: string; readonly key: string } | undefined,
) {
  const answer = await httpClient({}).request({
    method: 'GET',
    url: `https://localhost:${port}/`,
    headers: {},
    timeoutMs: 5000,
    bodyBytesMax: 100,
    tls: { ca: own.cert, ...certificate },
  });
  return answer.ok;
}

const CLIENTS: readonly (readonly [settings: Partial<ServerTls>, letIn: LetIn])[] = [
  [{}, [true, true, true]],
  [{ clientCertificates: 'none' }, [true, true, true]],
  [{ clientCertificates: 'request' }, [true, true, true]],
  [{ clientCertificates: 'require' }, [false, true, true]],
  [{ clientCertificates: 'verify-if-given', clientCa: own.cert }, [true, true, false]],
  [{ clientCertificates: 'require-and-verify', clientCa: own.cert }, [false, true, false]],
  [{ clientCertificates: 'require-and-verify', clientCa: own.cert + stranger.cert }, [false, true, true]],
  [{ clientCa: own.cert }, [false, true, false]],
  [
    { clientCertificates: 'require-and-verify', clientCa: own.cert, clientNames: ['localhost'] },
    [false, true, false],
  ],
  [
    { clientCertificates: 'require-and-verify', clientCa: own.cert, clientNames: ['else'] },
    [false, false, false],
  ],
  [{ clientCertificates: 'require', clientNames: ['127.0.0.1', 'else'] }, [false, true, false]],
  [{ clientCertificates: 'require', clientNames: ['0:0:0::1'] }, [false, false, true]],
  [{ clientCertificates: 'require', clientNames: ['spiffe://example/stranger'] }, [false, false, true]],
  [{ clientCertificates: 'require', clientNames: ['ops@stranger.example'] }, [false, false, true]],
  [{ clientCertificates: 'require', clientNames: [] }, [false, false, false]],
  // Not a part of a name, and not the subject.
  [{ clientCertificates: 'require', clientNames: ['stranger', 'example'] }, [false, false, false]],
];

describe('client certificates', () => {
  const titled = CLIENTS.map(([settings, letIn]) => {
    const { clientCertificates = 'nothing said', clientCa, clientNames = [] } = settings;
    const ca = clientCa === undefined ? '' : `, ${clientCa.split('BEGIN').length - 1} authorities`;
    return { title: [`${clientCertificates}${ca}`, ...clientNames].join(', '), settings, letIn };
  });

  it.each(titled)('lets in whom it should: $title', async ({ settings, letIn }) => {
    const port = await listen(settings);
    const found: boolean[] = [];
    for (const certificate of [undefined, own, stranger]) found.push(await isLetIn(port, certificate));
    expect(found).toEqual(letIn);
  });
});

/** Says a request over one connection; the answer's first line, and a session to come back with. */
function visit(port: number, options: ConnectionOptions) {
  return new Promise<{
    readonly said: string;
    readonly session: Buffer | undefined;
    readonly reused: boolean;
  }>(resolve => {
    let said = '';
    let session: Buffer | undefined;
    let reused = false;
    const socket = connect({ host: '127.0.0.1', port, ca: own.cert, servername: 'localhost', ...options });
    socket.on('secureConnect', () => {
      reused = socket.isSessionReused();
    });
    socket.on('session', given => {
      session = given;
    });
    socket.on('data', data => {
      said += data.toString();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve({ said: said.split('\r\n')[0] ?? '', session, reused }));
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  });
}

describe('a resumed session', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'of %s proves no more than its first connection',
    async maxVersion => {
      const names = { clientCertificates: 'require', clientNames: ['localhost'] } as const;
      const port = await listen(names);
      const first = await visit(port, { ...own, maxVersion });
      expect(first.said).toContain('200');
      const again = await visit(port, { maxVersion, session: first.session });
      expect(again).toMatchObject({ said: 'HTTP/1.1 200 OK', reused: true });
      const refused = await visit(port, { ...stranger, maxVersion });
      expect(refused.said).toBe('');
      expect((await visit(port, { ...stranger, maxVersion, session: refused.session })).said).toBe('');
    },
  );
});

interface Spoken {
  readonly version: string | null;
  readonly cipher: string;
  readonly curve: unknown;
}

/** What the two agree on, or undefined when they do not. */
function handshake(port: number, options: ConnectionOptions): Promise<Spoken | undefined> {
  return new Promise(resolve => {
    const socket = connect(
      { host: '127.0.0.1', port, ca: own.cert, servername: 'localhost', ...options },
      () => {
        const key = socket.getEphemeralKeyInfo();
        resolve({
          version: socket.getProtocol(),
          cipher: socket.getCipher().name,
          curve: key !== null && 'name' in key ? key.name : '',
        });
        socket.destroy();
      },
    );
    socket.on('error', () => resolve(undefined));
  });
}

const old = (version: 'TLSv1' | 'TLSv1.1'): ConnectionOptions => ({
  minVersion: version,
  maxVersion: version,
  ciphers: 'DEFAULT:@SECLEVEL=0',
});
const TLS12: ConnectionOptions = { maxVersion: 'TLSv1.2' };

describe('what is spoken', () => {
  it('begins at the lowest version and ends at the highest', async () => {
    const only13 = await listen({ minVersion: 'TLS13' });
    expect(await handshake(only13, TLS12)).toBeUndefined();
    expect(await handshake(only13, {})).toMatchObject({ version: 'TLSv1.3' });
    const only12 = await listen({ maxVersion: 'TLS12' });
    expect(await handshake(only12, {})).toMatchObject({ version: 'TLSv1.2' });
    const stock = await listen({});
    expect(await handshake(stock, old('TLSv1.1'))).toBeUndefined();
  });

  it('can be as old as TLS 1.0 where that is asked for', async () => {
    const port = await listen({ minVersion: 'TLS10' });
    expect(await handshake(port, old('TLSv1'))).toMatchObject({ version: 'TLSv1' });
    expect(await handshake(port, {})).toMatchObject({ version: 'TLSv1.3' });
    const from11 = await listen({ minVersion: 'TLS11' });
    expect(await handshake(from11, old('TLSv1'))).toBeUndefined();
    expect(await handshake(from11, old('TLSv1.1'))).toMatchObject({ version: 'TLSv1.1' });
  });

  it('is one of the ciphers named, up to TLS 1.2 only', async () => {
    const named = ['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-GCM-SHA256'];
    const port = await listen({ ciphers: named });
    expect(await handshake(port, { ...TLS12, ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' })).toBeUndefined();
    expect(await handshake(port, {})).toMatchObject({ version: 'TLSv1.3' });
    const reversed = { ...TLS12, ciphers: [...named].reverse().join(':') };
    expect(await handshake(port, reversed)).toMatchObject({ cipher: named[0] });
    const theirs = await listen({ ciphers: named, cipherOrder: 'client' });
    expect(await handshake(theirs, reversed)).toMatchObject({ cipher: named[1] });
  });

  it('uses the curves named', async () => {
    const port = await listen({ curves: ['P-384', 'P-521'] });
    expect(await handshake(port, {})).toMatchObject({ curve: 'secp384r1' });
    expect(await handshake(port, { ecdhCurve: 'X25519' })).toBeUndefined();
  });
});

describe('alternative names', () => {
  it('are told apart from values that look like several', () => {
    const names = alternativeNames({
      subjectAltName: 'DNS:"a, DNS:good", IP Address:10.0.0.1, othername:<unsupported>, URI:x:y',
    });
    expect(names).toEqual(['a, DNS:good', '10.0.0.1', 'x:y']);
    expect(alternativeNames({ subjectAltName: undefined })).toEqual([]);
  });

  it('never contain a name that no whole entry has, whatever a certificate says', () => {
    const kinds = fc.constantFrom('DNS', 'email', 'IP Address', 'URI', 'DirName');
    fc.assert(
      fc.property(fc.array(fc.tuple(kinds, fc.string())), entries => {
        // As Node writes them: JSON where a character could end the value.
        const written = entries.map(([kind, value]) => {
          const isPlain = /^[^,"'\\\p{Cc}\s]*$/u.test(value);
          return `${kind}:${isPlain ? value : JSON.stringify(value)}`;
        });
        const expected = entries.filter(([kind]) => kind !== 'DirName').map(([, value]) => value);
        expect(alternativeNames({ subjectAltName: written.join(', ') })).toEqual(expected);
      }),
    );
  });
});

describe('other settings', () => {
  /** What a connection meets: the certificate's subject, or undefined where it was not let in. */
  function greeted(port: number, options: ConnectionOptions = {}): Promise<string | undefined> {
    return new Promise(resolve => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
      let subject: string | undefined;
      socket.on('secureConnect', () => {
        subject = socket.getPeerX509Certificate()?.subjectAltName;
        socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
      });
      let text = '';
      socket.on('data', data => (text += String(data)));
      socket.on('error', () => {});
      socket.on('close', () => resolve(text.startsWith('HTTP/1.1 200') ? subject : undefined));
    });
  }

  it('are in force for connections from then on: certificates and who is let in', async () => {
    const listener = await listening({});
    const { port } = listener;
    expect(await greeted(port)).toContain('localhost');
    const prepared = listener.prepareTls({ ...stranger, clientCa: own.cert });
    // Only looked at so far.
    expect(await greeted(port)).toContain('localhost');
    if (!prepared.ok) throw new Error(prepared.error.message);
    prepared.value();
    expect(await greeted(port)).toBeUndefined();
    expect(await greeted(port, own)).toContain('stranger.example');
    expect(await greeted(port, stranger)).toBeUndefined();
  });

  it('that will not do change nothing', async () => {
    const listener = await listening({});
    const bad = listener.prepareTls({ cert: own.cert, key: stranger.key });
    expect(bad).toMatchObject({ ok: false, error: { code: 'listen-failed' } });
    expect(listener.prepareTls({ cert: 'none', key: 'none' }).ok).toBe(false);
    expect(await greeted(listener.port)).toContain('localhost');
  });

  it('end connections that were kept, but not what is being answered; a close ends all', async () => {
    let go = (): void => {};
    let asked = (): void => {};
    const isAsked = new Promise<void>(resolve => {
      asked = resolve;
    });
    const opened = await httpServer(new CollectingLog()).listen(
      { host: '127.0.0.1', port: 0, tls: own },
      async () => {
        asked();
        await new Promise<void>(resolve => {
          go = resolve;
        });
        return { status: 200, headers: {}, body: 'late' };
      },
    );
    if (!opened.ok) throw new Error(opened.error.message);
    cleanUp.push(() => opened.value.close(0));
    const { port } = opened.value;
    const kept = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    const keptEnds = new Promise(resolve => kept.on('close', resolve));
    await new Promise(resolve => kept.on('secureConnect', resolve));
    const answer = new Promise<string>(resolve => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () =>
        socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'),
      );
      let text = '';
      socket.on('data', data => (text += String(data)));
      socket.on('close', () => resolve(text));
    });
    await isAsked;
    const prepared = opened.value.prepareTls(stranger);
    if (!prepared.ok) throw new Error(prepared.error.message);
    prepared.value();
    go();
    // It is told that the connection ends, and that is closed although it asked to keep it.
    const told = await answer;
    expect(told).toMatch(/^HTTP\/1\.1 200 /);
    expect(told.toLowerCase()).toContain('connection: close');
    expect(told).toContain('late');
    kept.destroy();
    await keptEnds;
    await opened.value.close(5000);
    expect(await greeted(port)).toBeUndefined();
  });
});
