// prometheus.yml: `remote_write`, and `remote_read`, which is read and checked and not carried out yet.

import type { Node } from 'yaml';
import { isMap } from 'yaml';
import {
  boolean,
  duration,
  hidden,
  integer,
  keyText,
  list,
  mapOf,
  notCarriedOut,
  optionals,
  type ReadContext,
  record,
  type Schema,
  secret,
  text,
} from '../schema.ts';
import { exclusive, labelName, looseUrl, reportAt, requireSet } from '../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../shared/http.ts';
import { relabelRules } from '../shared/relabel.ts';

/** Prometheus's defaults: 1 to 50 shards, 30 ms to 5 s between attempts. */
export const SHARDS_MIN = 1;
export const SHARDS_MAX = 50;
export const BACKOFF_MIN_MS = 30;
export const BACKOFF_MAX_MS = 5000;

const RESERVED: ReadonlySet<string> = new Set([
  'host',
  'content-encoding',
  'content-length',
  'content-type',
  'user-agent',
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'www-authenticate',
  'accept-encoding',
  'x-prometheus-remote-write-version',
  'x-prometheus-remote-read-version',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-content-sha256',
]);

/** Headers of the user's own; those that the protocol sets are refused. */
export function userHeaders(authorizationRemedy: string): Schema<ReadonlyMap<string, string>> {
  return {
    says: 'mapping of header names to values',
    read(node, context) {
      const map = context.resolve(node);
      const read = mapOf(hidden(text())).read(node, context);
      if (!isMap(map)) return read;
      for (const pair of map.items) {
        const name = keyText(pair.key);
        const isAuthorization = name.toLowerCase() === 'authorization';
        if (!isAuthorization && !RESERVED.has(name.toLowerCase())) continue;
        context.report({
          code: 'config-bad-value',
          message: isAuthorization
            ? `Cannot set the "${name}" header here: authorization has settings of its own`
            : `Cannot set the header "${name}": it is a reserved header and must not be changed`,
          ...(isAuthorization ? { remedy: authorizationRemedy } : {}),
          at: pair.key as Node,
        });
      }
      return read;
    },
  };
}

export const sigv4 = record(
  optionals({
    region: text(),
    access_key: text(),
    secret_key: secret(),
    profile: text(),
    role_arn: text(),
    external_id: text(),
    service_name: text(),
    use_fips_sts_endpoint: boolean(),
  }),
  (value, context, node) => {
    if ((value.access_key ?? '') !== '' && value.secret_key === undefined)
      requireSet(node, context, ['secret_key']);
    if ((value.access_key ?? '') === '' && value.secret_key !== undefined)
      requireSet(node, context, ['access_key']);
  },
);

const azureAd = record(
  optionals({
    cloud: text({ oneOf: ['AzurePublic', 'AzureChina', 'AzureGovernment'] }),
    managed_identity: record(optionals({ client_id: text() })),
    workload_identity: record(optionals({ client_id: text(), tenant_id: text(), token_file_path: text() })),
    oauth: record(optionals({ client_id: text(), client_secret: secret(), tenant_id: text() })),
    sdk: record(optionals({ tenant_id: text() })),
    scope: text(),
  }),
  (_, context, node) => exclusive(node, context, ['managed_identity', 'workload_identity', 'oauth', 'sdk']),
);

const queueConfig = record(
  optionals({
    capacity: integer(),
    max_shards: integer(),
    min_shards: integer(),
    max_samples_per_send: integer(),
    batch_send_deadline: duration(),
    min_backoff: duration(),
    max_backoff: duration(),
    retry_on_http_429: boolean(),
    sample_age_limit: duration(),
  }),
  (value, context, node) => {
    for (const key of ['capacity', 'max_shards', 'min_shards', 'max_samples_per_send'] as const) {
      const number = value[key];
      if (number === undefined || number > 0) continue;
      reportAt(node, key, context, { message: `Cannot take ${number} for ${key}: it must be positive` });
    }
    if ((value.min_shards ?? SHARDS_MIN) > (value.max_shards ?? SHARDS_MAX)) {
      reportAt(node, 'min_shards', context, {
        message: 'Cannot use min_shards: it must not be greater than max_shards',
      });
    }
    if ((value.max_backoff ?? BACKOFF_MAX_MS) < (value.min_backoff ?? BACKOFF_MIN_MS)) {
      reportAt(node, 'max_backoff', context, {
        message: 'Cannot use max_backoff: it must not be less than min_backoff',
      });
    }
  },
);

export const remoteWriteFields = {
  ...optionals({
    url: looseUrl(),
    remote_timeout: duration(),
    headers: userHeaders('use basic_auth, authorization, oauth2, sigv4, azuread or google_iam'),
    write_relabel_configs: relabelRules,
    name: text(),
    send_exemplars: boolean(),
    send_native_histograms: boolean(),
    protobuf_message: text({ oneOf: ['prometheus.WriteRequest', 'io.prometheus.write.v2.Request'] }),
    queue_config: queueConfig,
    metadata_config: record(
      optionals({ send: boolean(), send_interval: duration(), max_samples_per_send: integer({ min: 0 }) }),
    ),
  }),
  // A request goes to one of the addresses of a name, as the client chooses.
  round_robin_dns: notCarriedOut(boolean()),
  sigv4: notCarriedOut(sigv4),
  azuread: notCarriedOut(azureAd),
  google_iam: notCarriedOut(record(optionals({ credentials_file: text() }))),
  ...httpClientFields,
};

const remoteWriteEntry = record(remoteWriteFields, (_, context, node) => {
  requireSet(node, context, ['url']);
  checkHttpClient(context, node);
  exclusive(node, context, ['basic_auth', 'authorization', 'oauth2', 'sigv4', 'azuread', 'google_iam']);
});

const remoteReadEntry = record(
  {
    ...optionals({
      url: looseUrl(),
      remote_timeout: duration(),
      chunked_read_limit: integer({ min: 0 }),
      headers: userHeaders('use basic_auth, authorization or oauth2'),
      read_recent: boolean(),
      name: text(),
      required_matchers: mapOf(text(), labelName()),
      filter_external_labels: boolean(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    requireSet(node, context, ['url']);
    checkHttpClient(context, node);
  },
);

export const remoteWrite = uniqueNames(remoteWriteEntry, 'remote write');
export const remoteRead = uniqueNames(remoteReadEntry, 'remote read');

function uniqueNames<T extends { readonly name?: string | undefined }>(
  entry: Schema<T>,
  what: string,
): Schema<readonly T[]> {
  const entries = list(entry);
  return {
    says: entries.says,
    read(node, context) {
      const read = entries.read(node, context);
      if (typeof read === 'symbol') return read;
      reportTwice(read, context, what);
      return read;
    },
  };
}

function reportTwice(
  entries: readonly { readonly name?: string | undefined }[],
  context: ReadContext,
  what: string,
): void {
  const names = entries.map(entry => entry.name ?? '').filter(name => name !== '');
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  context.report({
    code: 'config-conflict',
    message: `Cannot use the name "${twice}" twice: found multiple ${what} configs with it`,
    remedy: 'give each a name of its own',
  });
}
