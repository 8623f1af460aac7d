// The part of `http_config` and `tls_config` that channels act on.

import type { HttpTls } from '../base/index.ts';
import {
  anything,
  boolean,
  httpConfig,
  INVALID,
  mapped,
  notCarriedOut,
  optional,
  record,
  type Schema,
  secret,
  secretFile,
  text,
  tlsConfig,
} from '../config/index.ts';

/** What every request of a channel carries. */
export interface HttpClient {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls?: HttpTls;
  readonly proxyUrl?: string;
  readonly followRedirects: boolean;
}

const tlsVersion = text({ oneOf: ['TLS10', 'TLS11', 'TLS12', 'TLS13'] });

const ref = notCarriedOut(text(), 'A reference into a secret store.');

/** Config's schema knows which keys exclude each other; ours says which of them this version acts on. */
function checkedBy<T>(rules: Schema<unknown>, schema: Schema<T>): Schema<T> {
  return {
    says: schema.says,
    read: (node, context) => (rules.read(node, context) === INVALID ? INVALID : schema.read(node, context)),
  };
}

const tls: Schema<HttpTls> = mapped(
  record({
    ca_ref: ref,
    cert_ref: ref,
    key_ref: ref,
    ca: optional(text()),
    ca_file: optional(secretFile()),
    cert: optional(text()),
    cert_file: optional(secretFile()),
    key: optional(secret()),
    key_file: optional(secretFile()),
    server_name: optional(text()),
    insecure_skip_verify: optional(boolean()),
    min_version: optional(tlsVersion),
    max_version: notCarriedOut(tlsVersion),
  }),
  value => {
    const ca = value.ca ?? value.ca_file?.reveal();
    const cert = value.cert ?? value.cert_file?.reveal();
    const key = value.key ?? value.key_file;
    return {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key: key.reveal() }),
      ...(value.server_name === undefined ? {} : { serverName: value.server_name }),
      ...(value.insecure_skip_verify === undefined ? {} : { insecureSkipVerify: value.insecure_skip_verify }),
      ...(isTlsVersion(value.min_version) ? { minVersion: value.min_version } : {}),
    };
  },
);

export const tlsSchema: Schema<HttpTls> = checkedBy(tlsConfig, tls);

function isTlsVersion(value: string | undefined): value is NonNullable<HttpTls['minVersion']> {
  return value === 'TLS10' || value === 'TLS11' || value === 'TLS12' || value === 'TLS13';
}

const basicAuth = record({
  username_ref: ref,
  password_ref: ref,
  username: optional(text()),
  username_file: optional(secretFile()),
  password: optional(secret()),
  password_file: optional(secretFile()),
});

const authorization = record({
  credentials_ref: ref,
  type: optional(text()),
  credentials: optional(secret()),
  credentials_file: optional(secretFile()),
});

const httpClient: Schema<HttpClient> = mapped(
  record({
    basic_auth: optional(basicAuth),
    authorization: optional(authorization),
    bearer_token: optional(secret()),
    bearer_token_file: optional(secretFile()),
    tls_config: optional(tls),
    proxy_url: optional(text()),
    follow_redirects: optional(boolean()),
    oauth2: notCarriedOut(anything()),
    enable_http2: notCarriedOut(boolean()),
    http_headers: notCarriedOut(anything()),
    no_proxy: notCarriedOut(text()),
    proxy_from_environment: notCarriedOut(boolean()),
    proxy_connect_header: notCarriedOut(anything()),
  }),
  value => {
    const header = authorizationHeader(value);
    return {
      headers: header === undefined ? {} : { authorization: header },
      followRedirects: value.follow_redirects ?? true,
      ...(value.tls_config === undefined ? {} : { tls: value.tls_config }),
      ...(value.proxy_url === undefined ? {} : { proxyUrl: value.proxy_url }),
    };
  },
);

export const httpClientSchema: Schema<HttpClient> = checkedBy(httpConfig, httpClient);

interface AuthValue {
  readonly basic_auth: ReturnTypeOf<typeof basicAuth> | undefined;
  readonly authorization: ReturnTypeOf<typeof authorization> | undefined;
  readonly bearer_token: { reveal(): string } | undefined;
  readonly bearer_token_file: { reveal(): string } | undefined;
}

type ReturnTypeOf<S> = S extends Schema<infer T> ? T : never;

function authorizationHeader(value: AuthValue): string | undefined {
  const { basic_auth: basic, authorization: auth } = value;
  if (basic !== undefined) {
    const user = basic.username ?? basic.username_file?.reveal() ?? '';
    const password = (basic.password ?? basic.password_file)?.reveal() ?? '';
    return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
  }
  const bearer = value.bearer_token ?? value.bearer_token_file;
  if (auth === undefined) return bearer === undefined ? undefined : `Bearer ${bearer.reveal()}`;
  const credentials = (auth.credentials ?? auth.credentials_file)?.reveal() ?? '';
  return `${auth.type?.trim() || 'Bearer'} ${credentials}`;
}
