// The HTTP client settings that Prometheus and Alertmanager share: authentication, TLS, proxy, headers.

import { isMap, type Node } from 'yaml';
import {
  allNotCarriedOut,
  boolean,
  fileText,
  keyText,
  list,
  mapOf,
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
  readonly minVersion?: 'TLS10' | 'TLS11' | 'TLS12' | 'TLS13';
}

/** What of the HTTP client settings is carried out. */
export interface HttpClientSettings {
  readonly basicAuth?: { readonly username: string; readonly password: Secret };
  readonly authorization?: { readonly type: string; readonly credentials: Secret };
  readonly tls?: TlsSettings;
}

const tlsVersion = text({ oneOf: ['TLS10', 'TLS11', 'TLS12', 'TLS13'] });

export const tlsConfig = record(
  optionals({
    ca: text(),
    cert: text(),
    key: secret(),
    ca_file: fileText(),
    cert_file: fileText(),
    key_file: secretFile(),
    ca_ref: text(),
    cert_ref: text(),
    key_ref: text(),
    server_name: text(),
    insecure_skip_verify: boolean(),
    min_version: tlsVersion,
    max_version: tlsVersion,
  }),
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
  optionals({
    username: text(),
    username_file: secretFile(),
    username_ref: text(),
    password: secret(),
    password_file: secretFile(),
    password_ref: text(),
  }),
  (_, context, node) => {
    exclusive(node, context, ['username', 'username_file', 'username_ref']);
    exclusive(node, context, ['password', 'password_file', 'password_ref']);
  },
);

const authorization = record(
  optionals({ type: text(), credentials: secret(), credentials_file: secretFile(), credentials_ref: text() }),
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

const headerValues: Schema<unknown> = record(
  optionals({ values: list(text()), secrets: list(secret()), files: list(fileText()) }),
);

const httpHeaders: Schema<unknown> = {
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

const oauth2 = record(
  optionals({
    client_id: text(),
    client_secret: secret(),
    client_secret_file: secretFile(),
    client_secret_ref: text(),
    client_certificate_key_id: text(),
    client_certificate_key: secret(),
    client_certificate_key_file: secretFile(),
    client_certificate_key_ref: text(),
    grant_type: text({ oneOf: ['', 'client_credentials', 'urn:ietf:params:oauth:grant-type:jwt-bearer'] }),
    signature_algorithm: text({ oneOf: ['', 'RS256', 'RS384', 'RS512'] }),
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
  (_, context, node) => {
    requireSet(node, context, ['client_id', 'token_url']);
    exclusive(node, context, ['client_secret', 'client_secret_file', 'client_secret_ref']);
    checkProxy(context, node);
  },
);

const carriedOut = {
  basic_auth: basicAuth,
  authorization,
  bearer_token: secret(),
  bearer_token_file: secretFile(),
  tls_config: tlsConfig,
};

const notActedOn = {
  oauth2,
  follow_redirects: boolean(),
  enable_http2: boolean(),
  http_headers: httpHeaders,
  ...proxy,
};

/** For sections that are not carried out as a whole: they say so once. */
export const httpClientFields = { ...optionals(carriedOut), ...optionals(notActedOn) };

/** For scraping: each key that is not acted on gives its own warning. */
export const scrapeHttpFields = { ...optionals(carriedOut), ...allNotCarriedOut(notActedOn) };

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
export function httpClientOf(value: RecordOf<typeof scrapeHttpFields>): HttpClientSettings {
  const bearer = value.bearer_token ?? value.bearer_token_file;
  const basic = value.basic_auth;
  const auth = value.authorization;
  return {
    ...(basic === undefined
      ? {}
      : {
          basicAuth: {
            username: basic.username ?? basic.username_file?.reveal() ?? '',
            password: basic.password ?? basic.password_file ?? secretOf(''),
          },
        }),
    ...(auth === undefined
      ? bearer === undefined
        ? {}
        : { authorization: { type: 'Bearer', credentials: bearer } }
      : {
          authorization: {
            type: auth.type?.trim() || 'Bearer',
            credentials: auth.credentials ?? auth.credentials_file ?? secretOf(''),
          },
        }),
    ...(value.tls_config === undefined ? {} : { tls: tlsOf(value.tls_config) }),
  };
}

function tlsOf(tls: NonNullable<RecordOf<typeof scrapeHttpFields>['tls_config']>): TlsSettings {
  const ca = tls.ca ?? tls.ca_file;
  const cert = tls.cert ?? tls.cert_file;
  const key = tls.key ?? tls.key_file;
  return {
    insecureSkipVerify: tls.insecure_skip_verify ?? false,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(tls.server_name === undefined ? {} : { serverName: tls.server_name }),
    ...(isTlsVersion(tls.min_version) ? { minVersion: tls.min_version } : {}),
  };
}

function isTlsVersion(value: string | undefined): value is NonNullable<TlsSettings['minVersion']> {
  return value === 'TLS10' || value === 'TLS11' || value === 'TLS12' || value === 'TLS13';
}
