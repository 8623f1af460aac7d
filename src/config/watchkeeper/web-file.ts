// Prometheus's web configuration file (exporter-toolkit's format): TLS, headers, users and rate limit of the server.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Node } from 'yaml';
import type { ClientCertificates } from '../../base/index.ts';
import {
  boolean,
  INVALID,
  type Invalid,
  integer,
  keyNode,
  list,
  mapOf,
  mapped,
  optional,
  optionals,
  type ReadContext,
  type RecordOf,
  record,
  type Schema,
  type Secret,
  secret,
  secretFile,
  secretOf,
  text,
} from '../schema.ts';
import { checked, isSet, reportAt } from '../shared/checks.ts';
import type { RateLimit, WebRole, WebTls, WebUser } from './sections.ts';

export interface WebFile {
  readonly tls?: WebTls;
  readonly rateLimit?: RateLimit;
  /** Added to every answer; names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly users: readonly WebUser[];
}

/** As in Prometheus, whoever is in may do everything. */
const ALL_ROLES: readonly WebRole[] = ['viewer', 'operator', 'admin'];

const CLIENTS: ReadonlyMap<string, ClientCertificates> = new Map([
  ['', 'none'],
  ['NoClientCert', 'none'],
  ['RequestClientCert', 'request'],
  ['RequireAnyClientCert', 'require'],
  // An older name of the one before.
  ['RequireClientCert', 'require'],
  ['VerifyClientCertIfGiven', 'verify-if-given'],
  ['RequireAndVerifyClientCert', 'require-and-verify'],
]);

/** Go's names to OpenSSL's. Those of TLS 1.3 cannot be chosen, in Go neither: they are accepted and always there. */
const CIPHERS: ReadonlyMap<string, string> = new Map([
  ['TLS_AES_128_GCM_SHA256', ''],
  ['TLS_AES_256_GCM_SHA384', ''],
  ['TLS_CHACHA20_POLY1305_SHA256', ''],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'ECDHE-ECDSA-AES256-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'ECDHE-RSA-AES128-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'ECDHE-RSA-AES256-SHA'],
  // Go counts these as insecure since 1.22; a file that names them was fine before, and they are what it asks for.
  ['TLS_RSA_WITH_AES_128_GCM_SHA256', 'AES128-GCM-SHA256'],
  ['TLS_RSA_WITH_AES_256_GCM_SHA384', 'AES256-GCM-SHA384'],
  ['TLS_RSA_WITH_AES_128_CBC_SHA', 'AES128-SHA'],
  ['TLS_RSA_WITH_AES_256_CBC_SHA', 'AES256-SHA'],
]);

const CURVES: ReadonlyMap<string, string> = new Map([
  ['CurveP256', 'P-256'],
  ['CurveP384', 'P-384'],
  ['CurveP521', 'P-521'],
  ['X25519', 'X25519'],
]);

function nameOf<T>(names: ReadonlyMap<string, T>): Schema<T> {
  return mapped(text({ oneOf: [...names.keys()] }), name => names.get(name) ?? INVALID);
}

const version = mapped(text({ oneOf: ['TLS10', 'TLS11', 'TLS12', 'TLS13'] }), value =>
  value === 'TLS10' || value === 'TLS11' || value === 'TLS12' ? value : 'TLS13',
);

/** Certificates are public; with their keys in one kind they are chosen in one way. */
const inlineText = mapped(text(), value => secretOf(value));

const tlsFields = optionals({
  cert: inlineText,
  key: secret(),
  client_ca: inlineText,
  cert_file: secretFile(),
  key_file: secretFile(),
  client_ca_file: secretFile(),
  client_auth_type: nameOf(CLIENTS),
  client_allowed_sans: list(text()),
  min_version: version,
  max_version: version,
  cipher_suites: list(nameOf(CIPHERS)),
  prefer_server_cipher_suites: boolean(),
  curve_preferences: list(nameOf(CURVES)),
});

type TlsFields = RecordOf<typeof tlsFields>;

const tlsRecord = record(tlsFields);

/** The keys that switch TLS on, as exporter-toolkit has them. */
const SWITCHES = ['cert', 'cert_file', 'key', 'key_file', 'client_ca', 'client_ca_file', 'client_auth_type'];

/** Undefined: TLS stays off. */
const tlsServer: Schema<WebTls | undefined> = {
  says: 'mapping',
  read(node, context) {
    const map = context.resolve(node);
    const fields = tlsRecord.read(map, context);
    return fields === INVALID ? INVALID : tlsOf(fields, context, map);
  },
};

function tlsOf(fields: TlsFields, context: ReadContext, node: Node): WebTls | undefined | Invalid {
  checkVersions(fields, context, node);
  if (!SWITCHES.some(key => isSet(node, key))) {
    if (Object.values(fields).some(value => value !== undefined))
      context.report({
        code: 'config-missing-key',
        severity: 'warning',
        message: 'TLS stays off: no certificate is named',
        remedy: 'add cert_file and key_file',
        at: node,
      });
    return undefined;
  }
  const cert = partOf('cert', fields, context, node);
  const key = partOf('key', fields, context, node);
  const clientCa = partOf('client_ca', fields, context, node);
  if (cert === undefined) reportMissing('cert', context, node);
  if (key === undefined) reportMissing('key', context, node);
  if (cert === undefined || key === undefined) return INVALID;
  checkClients(fields, clientCa, context, node);
  checkTexts({ cert, key, clientCa }, context, node);
  return {
    cert: cert.content.reveal(),
    key: key.content,
    ...(clientCa === undefined ? {} : { clientCa: clientCa.content.reveal() }),
    ...chosenOf(fields),
  };
}

function chosenOf(fields: TlsFields): Omit<WebTls, 'cert' | 'key' | 'clientCa'> {
  // The ciphers of TLS 1.3 are no choice: a list of nothing else leaves none for TLS 1.2.
  const ciphers = (fields.cipher_suites ?? []).filter(name => name !== '');
  const only13 = ciphers.length === 0 && (fields.cipher_suites ?? []).length > 0;
  const minVersion = only13 ? 'TLS13' : fields.min_version;
  const curves = fields.curve_preferences ?? [];
  return {
    clientCertificates: fields.client_auth_type ?? 'none',
    // As for Go an empty list lets nobody in.
    ...(fields.client_allowed_sans === undefined ? {} : { clientNames: fields.client_allowed_sans }),
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(fields.max_version === undefined ? {} : { maxVersion: fields.max_version }),
    ...(ciphers.length === 0 ? {} : { ciphers }),
    ...(curves.length === 0 ? {} : { curves }),
    cipherOrder: fields.prefer_server_cipher_suites === false ? 'client' : 'server',
  };
}

interface Part {
  /** The key that it stands under. */
  readonly from: keyof TlsFields;
  readonly content: Secret;
  /** Not so while a text is only checked, or its files are still to be read. */
  readonly isRead: boolean;
}

/** Of the file, or as it stands in the settings; as in Prometheus the file goes before. */
function partOf(
  name: 'cert' | 'key' | 'client_ca',
  fields: TlsFields,
  context: ReadContext,
  node: Node,
): Part | undefined {
  const from = `${name}_file` as const;
  const file = isSet(node, from) ? fields[from] : undefined;
  const inline = isSet(node, name) ? fields[name] : undefined;
  if (file === undefined)
    return inline === undefined ? undefined : { from: name, content: inline, isRead: true };
  if (inline !== undefined)
    context.report({
      code: 'config-conflict',
      severity: 'warning',
      message: `"${name}" of ${context.path} is passed over: "${from}" goes before`,
      remedy: 'keep one of the two',
      at: keyNode(node, name),
    });
  return { from, content: file, isRead: file.file !== undefined };
}

function reportMissing(name: 'cert' | 'key', context: ReadContext, node: Node): void {
  context.report({
    code: 'config-missing-key',
    message: `Cannot do without "${name}_file" or "${name}" in ${context.path}: what is set there switches TLS on`,
    remedy: `add "${name}_file"`,
    at: node,
  });
}

function checkVersions(
  { min_version: min, max_version: max }: TlsFields,
  context: ReadContext,
  node: Node,
): void {
  // Their names are in their order.
  if (min === undefined && (max === 'TLS10' || max === 'TLS11'))
    reportAt(node, 'max_version', context, {
      message: `Cannot take "${max}" for max_version: it is below min_version, which is "TLS12" unless set`,
    });
  if (min !== undefined && max !== undefined && max < min)
    reportAt(node, 'max_version', context, {
      message: `Cannot take "${max}" for max_version: it is below min_version "${min}"`,
    });
}

function checkClients(
  { client_auth_type: type = 'none', client_allowed_sans: names }: TlsFields,
  clientCa: Part | undefined,
  context: ReadContext,
  node: Node,
): void {
  if (clientCa !== undefined && type === 'none')
    reportAt(node, clientCa.from, context, {
      message: `Cannot use "${clientCa.from}" in ${context.path}: client_auth_type does not ask for certificates`,
      remedy: 'add "client_auth_type: RequireAndVerifyClientCert"',
      conflict: true,
    });
  if (names !== undefined && type !== 'require' && type !== 'require-and-verify')
    reportAt(node, 'client_allowed_sans', context, {
      message: `Cannot use "client_allowed_sans" in ${context.path}: client_auth_type lets clients in without a certificate`,
      remedy: 'set "client_auth_type: RequireAndVerifyClientCert"',
      conflict: true,
    });
  const verifies = type === 'verify-if-given' || type === 'require-and-verify';
  if (verifies && clientCa === undefined)
    context.report({
      code: 'config-missing-key',
      severity: 'warning',
      message: `"client_auth_type" of ${context.path} verifies against no CA of yours: certificates of every public authority fit`,
      remedy: 'add "client_ca_file"',
      at: keyNode(node, 'client_auth_type'),
    });
}

function checkTexts(
  { cert, key, clientCa }: { readonly cert: Part; readonly key: Part; readonly clientCa: Part | undefined },
  context: ReadContext,
  node: Node,
): void {
  const refuse = ({ from }: Part, cause: string): void => {
    reportAt(node, from, context, { message: `Cannot use "${from}" of ${context.path}: ${cause}` });
  };
  if (clientCa?.isRead === true && certificateOf(clientCa.content.reveal()) === undefined)
    refuse(clientCa, 'no certificate in PEM format');
  const certificate = cert.isRead ? certificateOf(cert.content.reveal()) : undefined;
  if (cert.isRead && certificate === undefined) refuse(cert, 'no certificate in PEM format');
  const privateKey = key.isRead ? privateKeyOf(key.content.reveal()) : undefined;
  if (key.isRead && privateKey === undefined)
    refuse(key, 'no private key in PEM format without a passphrase');
  if (certificate === undefined || privateKey === undefined) return;
  if (!certificate.checkPrivateKey(privateKey))
    refuse(key, `it is not the key of the certificate in "${cert.from}"`);
}

/** The first certificate of a PEM text. */
function certificateOf(pem: string): X509Certificate | undefined {
  const block = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/.exec(pem);
  if (block === null) return undefined;
  try {
    return new X509Certificate(block[0]);
  } catch {
    return undefined;
  }
}

function privateKeyOf(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

// --- headers, users -------------------------------------------------------------------------------

/** What Node writes into a header: a line end would begin another one. */
const headerText = checked('text of one line', value =>
  /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
    ? undefined
    : 'Cannot send the header: one line of Latin letters expected',
);

const headers = mapped(
  record(
    optionals({
      'Content-Security-Policy': headerText,
      'X-Frame-Options': text({ oneOf: ['deny', 'sameorigin'] }),
      'X-Content-Type-Options': text({ oneOf: ['nosniff'] }),
      'X-XSS-Protection': headerText,
      'Strict-Transport-Security': headerText,
    }),
  ),
  value =>
    Object.fromEntries(
      Object.entries(value).flatMap(([name, set]) =>
        set === undefined || set === '' ? [] : [[name.toLowerCase(), set] as const],
      ),
    ),
);

const http2 = mapped(boolean(), (value, context) => {
  if (value)
    context.report({
      code: 'config-not-carried-out',
      severity: 'warning',
      message: `"http2" at ${context.path} is valid, but this server speaks HTTP/1.1 only`,
    });
  return value;
});

/** Go's hashes, minor versions that bcrypt knows. A cost above 31 is none. */
const BCRYPT = /^\$2[aby]?\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/;

const hash = mapped(secret(), (value, context) => {
  if (BCRYPT.test(value.reveal())) return value;
  context.report({
    code: 'config-bad-value',
    message: `Cannot use the password of ${context.path}: not a bcrypt hash`,
    remedy: 'make one with "htpasswd -nBC 12 NAME"; a plain password is never stored here',
  });
  return INVALID;
});

// --- rate limit -----------------------------------------------------------------------------------

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A duration as Go reads it, or nanoseconds; in milliseconds. */
const goDuration = mapped(text(), (value, context) => {
  const durationMs = durationMsOf(value);
  if (durationMs !== undefined) return durationMs;
  context.report({
    code: 'config-bad-value',
    message: `Cannot use "${value}" at ${context.path}: no duration`,
    remedy: 'write one such as "100ms" or "1m30s"',
  });
  return INVALID;
});

function durationMsOf(value: string): number | undefined {
  if (/^[+-]?\d+$/.test(value)) return Number(value) * 1e-6;
  const whole = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(value);
  if (whole === null) return undefined;
  let sum = 0;
  for (const [, count = '', unit = ''] of (whole[2] ?? '').matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g))
    sum += Number(count) * (UNITS_MS[unit] ?? 0);
  return whole[1] === '-' ? -sum : sum;
}

/** Undefined: no limit, as in Prometheus without an interval. */
const rateLimit: Schema<RateLimit | undefined> = mapped(
  record({ interval: optional(goDuration), burst: optional(integer()) }),
  ({ interval = 0, burst = 0 }, context) => {
    if (interval <= 0) return undefined;
    if (burst <= 0)
      context.report({
        code: 'config-bad-value',
        severity: 'warning',
        message: `"burst" at ${context.path} lets no request through: all are answered 429`,
        remedy: 'set it to the requests that may come at once',
      });
    return { intervalMs: interval, burst: Math.max(0, burst) };
  },
);

export const webFile: Schema<WebFile> = mapped(
  record({
    tls_server_config: optional(tlsServer),
    http_server_config: optional(record({ http2: optional(http2), headers: optional(headers) })),
    basic_auth_users: optional(mapOf(hash)),
    rate_limit: optional(rateLimit),
  }),
  value => ({
    ...(value.tls_server_config === undefined ? {} : { tls: value.tls_server_config }),
    ...(value.rate_limit === undefined ? {} : { rateLimit: value.rate_limit }),
    headers: value.http_server_config?.headers ?? {},
    users: [...(value.basic_auth_users ?? [])].map(([name, passwordHash]) => ({
      name,
      passwordHash,
      roles: ALL_ROLES,
    })),
  }),
);
