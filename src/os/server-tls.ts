// TLS of the server: the port's settings as Node names them, and what the handshake does not judge of client certificates.

import type { X509Certificate } from 'node:crypto';
import type { Server, ServerOptions } from 'node:https';
import { isIPv6 } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ServerTls } from '../base/index.ts';
import { TLS_VERSIONS } from './http-client.ts';

/** Of TLS 1.3; without one of them in the list Node would end at TLS 1.2. */
const TLS13_CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
/** OpenSSL's own default up to TLS 1.2, where only the level is changed. */
const DEFAULT_CIPHERS = 'DEFAULT';

export function serverTlsOptions(tls: ServerTls): ServerOptions {
  const clients = clientsOf(tls);
  return {
    cert: tls.cert,
    key: tls.key,
    ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa }),
    requestCert: clients !== 'none',
    rejectUnauthorized: clients === 'require-and-verify',
    ...(tls.minVersion === undefined ? {} : { minVersion: TLS_VERSIONS[tls.minVersion] }),
    ...(tls.maxVersion === undefined ? {} : { maxVersion: TLS_VERSIONS[tls.maxVersion] }),
    ...(tls.curves === undefined ? {} : { ecdhCurve: tls.curves.join(':') }),
    honorCipherOrder: tls.cipherOrder !== 'client',
    ...ciphersOf(tls),
  };
}

function ciphersOf({ ciphers, minVersion }: ServerTls): { readonly ciphers?: string } {
  const isOld = minVersion === 'TLS10' || minVersion === 'TLS11';
  if (ciphers === undefined && !isOld) return {};
  const list = [TLS13_CIPHERS, ...(ciphers ?? [DEFAULT_CIPHERS])];
  // At its default level OpenSSL 3 refuses the signatures that TLS 1.0 and 1.1 are made of.
  return { ciphers: [...list, ...(isOld ? ['@SECLEVEL=0'] : [])].join(':') };
}

function clientsOf({ clientCa, clientCertificates }: ServerTls) {
  return clientCertificates ?? (clientCa === undefined ? 'none' : 'require-and-verify');
}

/** Ends connections whose client certificate is not what the settings ask for, before anything is read of them. */
export function guardClients(server: Server, tls: ServerTls): void {
  // First of the listeners: the next one hands the connection to HTTP.
  server.prependListener('secureConnection', socket => {
    if (!isWelcome(socket, tls)) socket.destroy();
  });
}

function isWelcome(socket: TLSSocket, tls: ServerTls): boolean {
  const clients = clientsOf(tls);
  if (clients === 'none') return true;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return clients === 'request' || clients === 'verify-if-given';
  if (clients === 'verify-if-given' && !socket.authorized) return false;
  const wanted = tls.clientNames;
  if (wanted === undefined) return true;
  const names = new Set(alternativeNames(certificate).map(canonical));
  return wanted.some(name => names.has(canonical(name)));
}

/** DNS names, mail addresses, IP addresses and URIs of a certificate. */
export function alternativeNames(certificate: Pick<X509Certificate, 'subjectAltName'>): readonly string[] {
  const text = certificate.subjectAltName ?? '';
  const names: string[] = [];
  // Node writes values with special characters as JSON strings, so that no value can pass for several.
  for (const [, kind = '', value = ''] of text.matchAll(/([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy)) {
    if (!NAME_KINDS.has(kind)) continue;
    names.push(value.startsWith('"') ? unquoted(value) : value);
  }
  return names;
}

const NAME_KINDS: ReadonlySet<string> = new Set(['DNS', 'email', 'IP Address', 'URI']);

function unquoted(value: string): string {
  try {
    return String(JSON.parse(value));
  } catch {
    // As it stands it equals no name that anybody allows.
    return value;
  }
}

/** An IPv6 address has many ways of writing. */
function canonical(name: string): string {
  return isIPv6(name) ? new URL(`http://[${name}]/`).hostname : name;
}
