// The HTTP client settings that Prometheus and Alertmanager share: authentication, TLS, proxy, headers.

import { isMap, type Node } from 'yaml';
import {
  allNotCarriedOut,
  boolean,
  fileText,
  keyText,
  list,
  mapOf,
  mapped,
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
import { excludes, exclusive, isSet, looseUrl, reportAt, requireSet } from './checks.ts';

export interface TlsSettings {
  /** PEM texts, of the files where files were named. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: Secret;
  readonly serverName?: string;
  readonly insecureSkipVerify: boolean;
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
}

const TLS_VERSIONS = ['TLS10', 'TLS11', 'TLS12', 'TLS13'] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

export interface ProxySettings {
  readonly url?: string;
  /** Hosts that are asked directly, in NO_PROXY's notation. */
  readonly noProxy: string;
  /** HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment decide. */
  readonly fromEnvironment: boolean;
  readonly connectHeaders: ReadonlyMap<string, readonly Secret[]>;
}

/** Where a token comes from, and how it is asked for. */
export interface Oauth2Settings {
  readonly grantType: 'client_credentials' | 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** For the grant by a signed token only. */
  readonly certificateKey?: Secret;
  readonly certificateKeyId: string;
  readonly signatureAlgorithm: 'RS256' | 'RS384' | 'RS512';
  readonly issuer: string;
  readonly audience: string;
  readonly claims: ReadonlyMap<string, string>;
  readonly scopes: readonly string[];
  readonly tokenUrl: string;
  readonly endpointParams: ReadonlyMap<string, string>;
  readonly tls?: TlsSettings;
  readonly proxy?: ProxySettings;
  readonly headers: ReadonlyMap<string, readonly Secret[]>;
}

/** The HTTP client settings, defaults applied and files read. At most one of the three authentications is there. */
export interface HttpClientSettings {
  readonly basicAuth?: { readonly username: string; readonly password: Secret };
  readonly authorization?: { readonly type: string; readonly credentials: Secret };
  readonly oauth2?: Oauth2Settings;
  readonly tls?: TlsSettings;
  readonly proxy?: ProxySettings;
  readonly followRedirects: boolean;
  readonly enableHttp2: boolean;
  /** Sent with each request, names as written; a name may have several values. */
  readonly headers: ReadonlyMap<string, readonly Secret[]>;
}

const tlsVersion = mapped(text({ oneOf: TLS_VERSIONS }), written =>
  TLS_VERSIONS.find(known => known === written),
);

/** References into a secret store, which only a program around Prometheus has. */
function refs(...names: string[]) {
  return allNotCarriedOut(Object.fromEntries(names.map(name => [name, text()])));
}

export const tlsConfig = record(
  {
    ...refs('ca_ref', 'cert_ref', 'key_ref'),
    ...optionals({
      ca: text(),
      cert: text(),
      key: secret(),
      ca_file: fileText(),
      cert_file: fileText(),
      key_file: secretFile(),
      server_name: text(),
      insecure_skip_verify: boolean(),
      min_version: tlsVersion,
      max_version: tlsVersion,
    }),
  },
  (value, context, node) => {
    exclusive(node, context, ['ca', 'ca_file', 'ca_ref']);
    exclusive(node, context, ['cert', 'cert_file', 'cert_ref']);
    exclusive(node, context, ['key', 'key_file', 'key_ref']);
    const hasCert = ['cert', 'cert_file', 'cert_ref'].some(key => isSet(node, key));
    const hasPrivate = ['key', 'key_file', 'key_ref'].some(key => isSet(node, key));
    if (hasCert !== hasPrivate) {
      context.report({
        code: 'config-missing-key',
        message: `Cannot use a client certificate in ${context.path}: ${hasCert ? 'its key' : 'the certificate'} is missing`,
        remedy: hasCert ? 'add "key" or "key_file"' : 'add "cert" or "cert_file"',
        at: node,
      });
    }
    if (
      value.min_version !== undefined &&
      value.max_version !== undefined &&
      value.max_version < value.min_version
    ) {
      reportAt(node, 'max_version', context, {
        message: `Cannot take "${value.max_version}" for max_version: it is below min_version "${value.min_version}"`,
      });
    }
  },
);

const basicAuth = record(
  {
    ...refs('username_ref', 'password_ref'),
    ...optionals({
      username: text(),
      username_file: secretFile(),
      password: secret(),
      password_file: secretFile(),
    }),
  },
  (_, context, node) => {
    exclusive(node, context, ['username', 'username_file', 'username_ref']);
    exclusive(node, context, ['password', 'password_file', 'password_ref']);
  },
);

const authorization = record(
  {
    ...refs('credentials_ref'),
    ...optionals({ type: text(), credentials: secret(), credentials_file: secretFile() }),
  },
  (value, context, node) => {
    exclusive(node, context, ['credentials', 'credentials_file', 'credentials_ref']);
    if (value.type?.trim().toLowerCase() === 'basic') {
      reportAt(node, 'type', context, {
        message: `Cannot take "${value.type}" for the authorization type: user name and password have a section of their own`,
        remedy: 'use "basic_auth" instead',
      });
    }
  },
);

/** Names that the client sets itself. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'accept-charset',
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'date',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'www-authenticate',
  'x-prometheus-remote-read-version',
  'x-prometheus-remote-write-version',
  'x-prometheus-scrape-timeout-seconds',
]);

/** All values of one header, of the three places where they may stand. */
const headerValues: Schema<readonly Secret[]> = mapped(
  record(optionals({ values: list(text()), secrets: list(secret()), files: list(secretFile()) })),
  value => [
    ...(value.values ?? []).map(written => secretOf(written)),
    ...(value.secrets ?? []),
    ...(value.files ?? []),
  ],
);

const httpHeaders: Schema<ReadonlyMap<string, readonly Secret[]>> = {
  says: 'mapping of header names',
  read(node, context) {
    const map = context.resolve(node);
    const read = mapOf(headerValues).read(node, context);
    if (!isMap(map)) return read;
    for (const pair of map.items) {
      const name = keyText(pair.key);
      if (!RESERVED_HEADERS.has(name.toLowerCase())) continue;
      context.report({
        code: 'config-bad-value',
        message: `Cannot set the header "${name}": it is set by the client itself`,
        at: pair.key as Node,
      });
    }
    return read;
  },
};

const proxy = {
  proxy_url: looseUrl(),
  no_proxy: text(),
  proxy_from_environment: boolean(),
  proxy_connect_header: mapOf(list(secret())),
};

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const SIGNATURES = ['RS256', 'RS384', 'RS512'] as const;

const oauth2 = record(
  {
    ...refs('client_secret_ref', 'client_certificate_key_ref'),
    ...optionals({
      client_id: text(),
      client_secret: secret(),
      client_secret_file: secretFile(),
      client_certificate_key_id: text(),
      client_certificate_key: secret(),
      client_certificate_key_file: secretFile(),
      grant_type: text({ oneOf: ['', 'client_credentials', JWT_BEARER] }),
      signature_algorithm: mapped(text({ oneOf: ['', ...SIGNATURES] }), written =>
        SIGNATURES.find(known => known === written),
      ),
      iss: text(),
      audience: text(),
      claims: mapOf(text()),
      scopes: list(text()),
      token_url: text(),
      endpoint_params: mapOf(text()),
      tls_config: tlsConfig,
      http_headers: httpHeaders,
      ...proxy,
    }),
  },
  (_, context, node) => {
    requireSet(node, context, ['client_id', 'token_url']);
    exclusive(node, context, ['client_secret', 'client_secret_file', 'client_secret_ref']);
    checkProxy(context, node);
  },
);

/** Those that nothing acts on in a scrape job yet are named in prometheus/carried-out.ts. */
export const httpClientFields = optionals({
  basic_auth: basicAuth,
  authorization,
  oauth2,
  bearer_token: secret(),
  bearer_token_file: secretFile(),
  tls_config: tlsConfig,
  follow_redirects: boolean(),
  enable_http2: boolean(),
  http_headers: httpHeaders,
  ...proxy,
});

/** What `httpClientOf` takes: the fields as they were read. */
export type HttpClientFields = RecordOf<typeof httpClientFields>;

export const httpConfig = record(httpClientFields, (_, context, node) => checkHttpClient(context, node));

/** The rules of which keys exclude each other. */
export function checkHttpClient(context: ReadContext, node: Node): void {
  exclusive(node, context, ['bearer_token', 'bearer_token_file']);
  excludes(node, context, [
    ['basic_auth', 'oauth2'],
    ['bearer_token', 'bearer_token_file'],
  ]);
  excludes(node, context, [['authorization'], ['bearer_token', 'bearer_token_file']]);
  exclusive(node, context, ['basic_auth', 'oauth2', 'authorization']);
  checkProxy(context, node);
}

/** The keys by which a mapping shows that it holds HTTP client settings of its own. */
export const HTTP_CLIENT_KEYS: readonly string[] = Object.keys(httpClientFields);

function checkProxy(context: ReadContext, node: Node): void {
  exclusive(node, context, ['proxy_url', 'proxy_from_environment']);
  exclusive(node, context, ['no_proxy', 'proxy_from_environment']);
  const hasProxy = isSet(node, 'proxy_url') || isSet(node, 'proxy_from_environment');
  if (isSet(node, 'no_proxy') && !hasProxy) {
    reportAt(node, 'no_proxy', context, {
      message: 'Cannot use "no_proxy": there is no proxy to leave out',
      remedy: 'add "proxy_url"',
      conflict: true,
    });
  }
  if (isSet(node, 'proxy_connect_header') && !hasProxy) {
    reportAt(node, 'proxy_connect_header', context, {
      message: 'Cannot use "proxy_connect_header": there is no proxy',
      remedy: 'add "proxy_url" or "proxy_from_environment"',
      conflict: true,
    });
  }
}

/** The settings as they are used, from what was read. */
export function httpClientOf(value: HttpClientFields): HttpClientSettings {
  const basic = value.basic_auth;
  const auth = authorizationOf(value);
  const proxySettings = proxyOf(value);
  return {
    ...(basic === undefined
      ? {}
      : {
          basicAuth: {
            username: basic.username ?? basic.username_file?.reveal() ?? '',
            password: basic.password ?? basic.password_file ?? secretOf(''),
          },
        }),
    ...(auth === undefined ? {} : { authorization: auth }),
    ...(value.oauth2 === undefined ? {} : { oauth2: oauth2Of(value.oauth2) }),
    ...(value.tls_config === undefined ? {} : { tls: tlsSettingsOf(value.tls_config) }),
    ...(proxySettings === undefined ? {} : { proxy: proxySettings }),
    followRedirects: value.follow_redirects ?? true,
    enableHttp2: value.enable_http2 ?? true,
    headers: value.http_headers ?? new Map(),
  };
}

/** `bearer_token` is the old way to write an authorization of the type Bearer. */
function authorizationOf(value: HttpClientFields): HttpClientSettings['authorization'] {
  const auth = value.authorization;
  const bearer = value.bearer_token ?? value.bearer_token_file;
  if (auth === undefined) return bearer === undefined ? undefined : { type: 'Bearer', credentials: bearer };
  return {
    type: auth.type?.trim() || 'Bearer',
    credentials: auth.credentials ?? auth.credentials_file ?? secretOf(''),
  };
}

function proxyOf(
  value: Pick<HttpClientFields, 'proxy_url' | 'no_proxy' | 'proxy_from_environment' | 'proxy_connect_header'>,
): ProxySettings | undefined {
  const url = value.proxy_url ?? '';
  const fromEnvironment = value.proxy_from_environment ?? false;
  if (url === '' && !fromEnvironment) return undefined;
  return {
    ...(url === '' ? {} : { url }),
    noProxy: value.no_proxy ?? '',
    fromEnvironment,
    connectHeaders: value.proxy_connect_header ?? new Map(),
  };
}

function oauth2Of(value: NonNullable<HttpClientFields['oauth2']>): Oauth2Settings {
  const proxySettings = proxyOf(value);
  const certificateKey = value.client_certificate_key ?? value.client_certificate_key_file;
  return {
    grantType: value.grant_type === JWT_BEARER ? JWT_BEARER : 'client_credentials',
    clientId: value.client_id ?? '',
    clientSecret: value.client_secret ?? value.client_secret_file ?? secretOf(''),
    ...(certificateKey === undefined ? {} : { certificateKey }),
    certificateKeyId: value.client_certificate_key_id ?? '',
    signatureAlgorithm: value.signature_algorithm ?? 'RS256',
    issuer: value.iss ?? '',
    audience: value.audience ?? '',
    claims: value.claims ?? new Map(),
    scopes: value.scopes ?? [],
    tokenUrl: value.token_url ?? '',
    endpointParams: value.endpoint_params ?? new Map(),
    ...(value.tls_config === undefined ? {} : { tls: tlsSettingsOf(value.tls_config) }),
    ...(proxySettings === undefined ? {} : { proxy: proxySettings }),
    headers: value.http_headers ?? new Map(),
  };
}

/** From what `tlsConfig` read. */
export function tlsSettingsOf(tls: NonNullable<HttpClientFields['tls_config']>): TlsSettings {
  const ca = tls.ca ?? tls.ca_file;
  const cert = tls.cert ?? tls.cert_file;
  const key = tls.key ?? tls.key_file;
  return {
    insecureSkipVerify: tls.insecure_skip_verify ?? false,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(tls.server_name === undefined ? {} : { serverName: tls.server_name }),
    ...(tls.min_version === undefined ? {} : { minVersion: tls.min_version }),
    ...(tls.max_version === undefined ? {} : { maxVersion: tls.max_version }),
  };
}
