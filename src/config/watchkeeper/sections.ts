// watchkeeper.yml: the sections of our own: host, web, storage, query, state, recovery, journal.

import type { ServerTls } from '../../base/index.ts';
import { compileRegex, type RetentionPolicy } from '../../model/index.ts';
import { exemplars, tsdb } from '../prometheus/sections.ts';
import {
  boolean,
  duration,
  filePath,
  fileText,
  INVALID,
  integer,
  list,
  mapped,
  notCarriedOut,
  optional,
  type ReadContext,
  record,
  required,
  type Schema,
  type Secret,
  secret,
  secretFile,
  size,
  text,
  withDefault,
} from '../schema.ts';
import { checked, exclusive, httpUrl, requireOneOf } from '../shared/checks.ts';
import { retention } from './retention.ts';

export interface HostConfig {
  readonly enabled: boolean;
  readonly intervalMs: number;
  /** Collectors switched on and off beside the default ones, by node_exporter's names. */
  readonly collectorsEnabled: readonly string[];
  readonly collectorsDisabled: readonly string[];
  readonly procfs?: string;
  readonly sysfs?: string;
  readonly rootfs?: string;
  readonly textfileFolder?: string;
}

export type WebRole = 'viewer' | 'operator' | 'admin';

export interface WebUser {
  readonly name: string;
  /** bcrypt ("$2b$…") or scrypt ("scrypt$…"). */
  readonly passwordHash: Secret;
  readonly roles: readonly WebRole[];
}

export interface WebToken {
  readonly name: string;
  /** Exactly one of the two. */
  readonly token?: Secret;
  readonly tokenHash?: Secret;
  readonly roles: readonly WebRole[];
}

export type WebTls = Omit<ServerTls, 'key'> & { readonly key: Secret };

/** Of all requests together: a bucket of so many, into which one falls each interval. */
export interface RateLimit {
  readonly intervalMs: number;
  readonly burst: number;
}

export interface WebConfig {
  readonly listenHost: string;
  readonly listenPort: number;
  readonly externalUrl?: string;
  /** Where everything is served: begins with a slash and has none at its end; "" is the root. */
  readonly routePrefix: string;
  /** A regular expression for the origins whose pages may read the API. */
  readonly corsOrigin?: string;
  readonly users: readonly WebUser[];
  readonly tokens: readonly WebToken[];
  /** Names by which the page may be reached besides loopback's. */
  readonly hostNames: readonly string[];
  /** Whether stored samples may be deleted, snapshots taken and compactions asked for over the API. */
  readonly adminApi: boolean;
  readonly tls?: WebTls;
  /** Added to every answer; names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly rateLimit?: RateLimit;
  /** Prometheus's web configuration file: its path as it was read. */
  readonly configFile?: string;
}

export interface StorageConfig {
  /** Of whatever no policy is about. */
  readonly retentionMs: number;
  /** The first one that fits a series counts. */
  readonly policies: readonly RetentionPolicy[];
  /** 0 is no limit. */
  readonly retentionBytes: number;
  readonly walAck: 'os' | 'disk';
  /** Of the log that remote write has yet to send, beyond what a start needs. */
  readonly unsentLogBytesMax: number;
  readonly seriesMax: number;
  readonly metricSeriesMax: number;
  readonly targetSeriesMax: number;
  /** 0 keeps none. */
  readonly exemplarsMax: number;
}

/** Limits of queries; what each is for stands with its default. */
export interface QueryConfig {
  readonly samplesMax: number;
  readonly seriesMax: number;
  readonly bytesMax: number;
  readonly totalBytesMax: number;
  readonly timeoutMs: number;
  readonly lookbackMs: number;
  readonly runningMax: number;
  readonly waitingMax: number;
  /** 0 logs none. */
  readonly slowMs: number;
}

/** As Prometheus. */
const RETENTION_MS = 15 * 86_400_000;
/** Some 2 GB of memory at 1 kB a series: a wrong exporter must not take the host down. */
const SERIES_MAX = 2_000_000;
/** Five times what the largest real metric, and the largest real page, has: beyond it a label has gone wild. */
const METRIC_SERIES_MAX = 500_000;
const TARGET_SERIES_MAX = 500_000;
/** As Prometheus. */
const EXEMPLARS_MAX = 100_000;
/** Charts move while one looks at them; a collection costs some 10 ms of CPU. */
const HOST_INTERVAL_MS = 5000;
/** Below it the collector would watch mainly itself. */
const HOST_INTERVAL_MIN_MS = 1000;
const JOURNAL_RETENTION_MS = 30 * 86_400_000;

const names = list(text({ notEmpty: true }));

const hostFields = record({
  enabled: withDefault(boolean(), true, 'the built-in collector of this host'),
  interval: withDefault(duration({ min: HOST_INTERVAL_MIN_MS }), HOST_INTERVAL_MS, 'how often'),
  collectors: optional(
    record({ enable: optional(names), disable: optional(names) }),
    'by node_exporter name',
  ),
  procfs: optional(text()),
  sysfs: optional(text()),
  rootfs: optional(text()),
  textfile_folder: optional(text()),
});

export const host: Schema<HostConfig> = mapped(hostFields, value => ({
  enabled: value.enabled,
  intervalMs: value.interval,
  collectorsEnabled: value.collectors?.enable ?? [],
  collectorsDisabled: value.collectors?.disable ?? [],
  ...(value.procfs === undefined ? {} : { procfs: value.procfs }),
  ...(value.sysfs === undefined ? {} : { sysfs: value.sysfs }),
  ...(value.rootfs === undefined ? {} : { rootfs: value.rootfs }),
  ...(value.textfile_folder === undefined ? {} : { textfileFolder: value.textfile_folder }),
}));

export const HOST_DEFAULTS: HostConfig = {
  enabled: true,
  intervalMs: HOST_INTERVAL_MS,
  collectorsEnabled: [],
  collectorsDisabled: [],
};

const role: Schema<WebRole> = mapped(text({ oneOf: ['viewer', 'operator', 'admin'] }), value =>
  value === 'admin' ? 'admin' : value === 'operator' ? 'operator' : 'viewer',
);
const roles = withDefault(list(role), ['viewer'] as const, 'what they may do');

const passwordHash: Schema<Secret> = mapped(secret(), (value, context) => {
  if (/^(\$2[aby]\$\d\d\$.{53}|scrypt\$.+)$/.test(value.reveal()) || context.expandSecrets !== true)
    return value;
  context.report({
    code: 'config-bad-value',
    message: `Cannot use the password_hash of ${context.path}: neither a bcrypt nor a scrypt hash`,
    remedy: 'make one with "htpasswd -nBC 12 NAME"; a plain password is never stored here',
  });
  return value;
});

const user: Schema<WebUser> = mapped(
  record({ name: required(text({ notEmpty: true })), password_hash: required(passwordHash), roles }),
  value => ({ name: value.name, passwordHash: value.password_hash, roles: value.roles }),
);

const token: Schema<WebToken> = mapped(
  record(
    {
      name: required(text({ notEmpty: true })),
      token: optional(secret()),
      token_file: optional(secretFile()),
      token_hash: optional(secret()),
      roles,
    },
    (_, context, node) => {
      exclusive(node, context, ['token', 'token_file', 'token_hash']);
      requireOneOf(node, context, ['token', 'token_file', 'token_hash']);
    },
  ),
  value => {
    const plain = value.token ?? value.token_file;
    return {
      name: value.name,
      roles: value.roles,
      ...(plain === undefined ? {} : { token: plain }),
      ...(value.token_hash === undefined ? {} : { tokenHash: value.token_hash }),
    };
  },
);

const listenAddress = checked('host:port', value => {
  const parsed = splitAddress(value);
  if (parsed === undefined) return `Cannot listen on "${value}": host:port expected, such as 127.0.0.1:9390`;
  return parsed.port > 65_535 ? `Cannot listen on "${value}": a port is at most 65535` : undefined;
});

function splitAddress(value: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d+)$/.exec(value);
  return match === null ? undefined : { host: match[1] ?? match[2] ?? '', port: Number(match[3]) };
}

const tls = mapped(
  record({
    cert_file: required(fileText()),
    key_file: required(secretFile()),
    client_ca_file: optional(fileText()),
  }),
  value => ({
    cert: value.cert_file,
    key: value.key_file,
    ...(value.client_ca_file === undefined ? {} : { clientCa: value.client_ca_file }),
  }),
);

/** Characters that stand for themselves in a URL: no proxy and no browser writes them otherwise. */
const PREFIX = /^\/[\w./~-]*$/;

const routePrefix = checked('path', value =>
  PREFIX.test(value) ? undefined : `Cannot serve below "${value}": a path such as /watch expected`,
);

/** As Prometheus: what the external URL says, unless the prefix is said by itself. */
function prefixOf(
  {
    route_prefix,
    external_url,
  }: { readonly route_prefix?: string | undefined; readonly external_url?: string | undefined },
  context: ReadContext,
): string {
  const path = route_prefix ?? (external_url === undefined ? '/' : new URL(external_url).pathname);
  if (!PREFIX.test(path))
    context.report({
      code: 'config-bad-value',
      message: `Cannot serve below "${path}", the path of external_url: letters, digits, "/", ".", "_", "~" and "-" expected`,
      remedy: 'set route_prefix',
    });
  const names = path.split('/').filter(name => name !== '');
  return names.map(name => `/${name}`).join('');
}

const corsOrigin = checked('regular expression', value => {
  const compiled = compileRegex(value);
  return compiled.ok ? undefined : `Cannot use the regular expression "${value}": ${compiled.error}`;
});

export const WEB_DEFAULTS: WebConfig = {
  headers: {},
  listenHost: '127.0.0.1',
  listenPort: 9390,
  routePrefix: '',
  users: [],
  tokens: [],
  hostNames: [],
  adminApi: false,
};

const webFields = record({
  listen: withDefault(listenAddress, '127.0.0.1:9390', 'address of the page and the API'),
  external_url: optional(httpUrl(), 'how others reach this page: in links of messages'),
  route_prefix: optional(routePrefix, 'where everything is served; else the path of external_url'),
  cors_origin: optional(corsOrigin, 'pages of these origins may read the API'),
  users: optional(list(user)),
  tokens: optional(list(token)),
  host_names: optional(names),
  admin_api: withDefault(boolean(), false, 'delete, snapshot and compact over the API'),
  tls: optional(tls),
  config_file: optional(filePath(), "Prometheus's file of TLS, headers, users and rate limit"),
});

/** With `hasFile` a web configuration file is named beside this one: what it brings is judged where both are known. */
export function web({ hasFile }: { readonly hasFile: boolean }): Schema<WebConfig> {
  return mapped(webFields, (value, context, node) => {
    const address = splitAddress(value.listen) ?? { host: '127.0.0.1', port: 9390 };
    const settings: WebConfig = {
      listenHost: address.host,
      listenPort: address.port,
      users: value.users ?? [],
      tokens: value.tokens ?? [],
      hostNames: value.host_names ?? [],
      adminApi: value.admin_api,
      routePrefix: prefixOf(value, context),
      headers: {},
      ...(value.cors_origin === undefined ? {} : { corsOrigin: value.cors_origin }),
      ...(value.external_url === undefined ? {} : { externalUrl: value.external_url }),
      ...(value.tls === undefined ? {} : { tls: value.tls }),
      ...(value.config_file === undefined || value.config_file === ''
        ? {}
        : { configFile: value.config_file }),
    };
    const problem = hasFile || settings.configFile !== undefined ? undefined : unguarded(settings);
    if (problem !== undefined) context.report({ ...problem, at: node });
    return settings;
  });
}

/** Whether one needs to prove who one is: a certificate that any authority may have made proves nothing. */
export function isGuarded({ users, tokens, tls }: WebConfig): boolean {
  return users.length > 0 || tokens.length > 0 || provesClients(tls);
}

export function provesClients(tls: WebConfig['tls']): boolean {
  const clients = tls?.clientCertificates ?? 'require-and-verify';
  return tls?.clientCa !== undefined && clients === 'require-and-verify';
}

/** Whoever reaches the page may silence alerts and run playbooks: beyond this host that needs credentials. */
export function unguarded(settings: WebConfig) {
  const isLoopback = /^(localhost|127(?:\.\d+){3}|::1)$/.test(settings.listenHost);
  if (isLoopback || isGuarded(settings)) return undefined;
  return {
    code: 'config-missing-key',
    message: `Cannot listen on "${settings.listenHost}:${settings.listenPort}": it is reachable from other hosts, and no credentials are configured`,
    remedy: 'add web.users or web.tokens, or listen on 127.0.0.1',
  } as const;
}

/** Of 20,000 series scraped each 15 s it is two days. */
const UNSENT_LOG_BYTES_MAX = 2 * 1024 ** 3;

export const STORAGE_DEFAULTS: StorageConfig = {
  retentionMs: RETENTION_MS,
  policies: [],
  retentionBytes: 0,
  walAck: 'os',
  unsentLogBytesMax: UNSENT_LOG_BYTES_MAX,
  seriesMax: SERIES_MAX,
  metricSeriesMax: METRIC_SERIES_MAX,
  targetSeriesMax: TARGET_SERIES_MAX,
  exemplarsMax: EXEMPLARS_MAX,
};

export const storage: Schema<StorageConfig> = mapped(
  record({
    tsdb: notCarriedOut(tsdb),
    exemplars: optional(exemplars),
    // Bounded how long samples lived before there were blocks; retention does now.
    head: notCarriedOut(record({ max_age: optional(duration({ min: 60_000 })) })),
    retention: withDefault(
      retention(RETENTION_MS),
      { keepMs: RETENTION_MS, policies: [] },
      'older samples are dropped',
    ),
    retention_size: withDefault(size(), 0, 'the oldest blocks are dropped beyond it'),
    wal: optional(record({ ack: withDefault(text({ oneOf: ['os', 'disk'] }), 'os') })),
    unsent_log_max: withDefault(size(), UNSENT_LOG_BYTES_MAX, 'what remote write has yet to send'),
    series_max: withDefault(integer({ min: 1000 }), SERIES_MAX),
    series_max_per_metric: withDefault(integer({ min: 1000 }), METRIC_SERIES_MAX),
    series_max_per_target: withDefault(integer({ min: 1000 }), TARGET_SERIES_MAX),
  }),
  value => ({
    retentionMs: value.retention.keepMs,
    policies: value.retention.policies,
    retentionBytes: value.retention_size,
    walAck: value.wal?.ack === 'disk' ? 'disk' : 'os',
    unsentLogBytesMax: value.unsent_log_max,
    seriesMax: value.series_max,
    metricSeriesMax: value.series_max_per_metric,
    targetSeriesMax: value.series_max_per_target,
    exemplarsMax: Math.max(0, value.exemplars?.max_exemplars ?? EXEMPLARS_MAX),
  }),
);

/** As Prometheus where it has the same limit; the reasons stand with the engine's own defaults, which are these. */
export const QUERY_DEFAULTS: QueryConfig = {
  samplesMax: 50_000_000,
  seriesMax: 500_000,
  bytesMax: 512 * 1024 ** 2,
  totalBytesMax: 1024 ** 3,
  timeoutMs: 120_000,
  lookbackMs: 300_000,
  runningMax: 20,
  waitingMax: 500,
  slowMs: 10_000,
};

const queryFields = record({
  samples_max: withDefault(integer({ min: 1 }), QUERY_DEFAULTS.samplesMax, 'read and computed by one query'),
  series_max: withDefault(integer({ min: 1 }), QUERY_DEFAULTS.seriesMax, 'of one selector'),
  memory_max: withDefault(size(), QUERY_DEFAULTS.bytesMax, 'of one query'),
  memory_total_max: withDefault(size(), QUERY_DEFAULTS.totalBytesMax, 'of all that run or are being sent'),
  timeout: withDefault(duration({ min: 1 }), QUERY_DEFAULTS.timeoutMs, 'the wait in the queue included'),
  lookback_delta: withDefault(duration({ min: 1 }), QUERY_DEFAULTS.lookbackMs, 'how old a value may be'),
  concurrency_max: withDefault(integer({ min: 1 }), QUERY_DEFAULTS.runningMax, 'at once; more wait'),
  waiting_max: withDefault(integer({ min: 0 }), QUERY_DEFAULTS.waitingMax, 'more are refused'),
  slow: withDefault(duration(), QUERY_DEFAULTS.slowMs, 'slower ones are logged; 0 for none'),
});

export const query: Schema<QueryConfig> = mapped(queryFields, value => ({
  samplesMax: value.samples_max,
  seriesMax: value.series_max,
  bytesMax: value.memory_max || Number.POSITIVE_INFINITY,
  totalBytesMax: value.memory_total_max || Number.POSITIVE_INFINITY,
  timeoutMs: value.timeout,
  lookbackMs: value.lookback_delta,
  runningMax: value.concurrency_max,
  waitingMax: value.waiting_max,
  slowMs: value.slow,
}));

export interface AlertsConfig {
  /** Silences kept at once, those that ended lately included; 0 is no limit. */
  readonly silencesMax: number;
  /** Of one silence; 0 is no limit. */
  readonly silenceBytesMax: number;
  /** Posted alerts that share an alertname; 0 is no limit. */
  readonly alertsPerNameMax: number;
}

/** Far beyond what people write; Alertmanager has none of its own. */
export const ALERTS_DEFAULTS: AlertsConfig = {
  silencesMax: 20_000,
  silenceBytesMax: 64 * 1024,
  alertsPerNameMax: 0,
};

export const alerts: Schema<AlertsConfig> = mapped(
  record({
    silences_max: withDefault(integer({ min: 0 }), ALERTS_DEFAULTS.silencesMax),
    silence_bytes_max: withDefault(size(), ALERTS_DEFAULTS.silenceBytesMax),
    per_alertname_max: withDefault(integer({ min: 0 }), ALERTS_DEFAULTS.alertsPerNameMax),
  }),
  value => ({
    silencesMax: value.silences_max,
    silenceBytesMax: value.silence_bytes_max,
    alertsPerNameMax: value.per_alertname_max,
  }),
);

/** PostgreSQL in place of the embedded database comes with more than one replica. */
export const state = record({ url: notCarriedOut(secret()) });

export interface JournalConfig {
  readonly retentionMs: number;
}

export const JOURNAL_DEFAULTS: JournalConfig = { retentionMs: JOURNAL_RETENTION_MS };

export const journal: Schema<JournalConfig> = mapped(
  record({ retention: withDefault(duration({ min: 3_600_000 }), JOURNAL_RETENTION_MS) }),
  value => ({ retentionMs: value.retention }),
);

/** What stands in for a section that no registry brought. */
export function unknownTo(what: string): Schema<unknown> {
  return {
    says: what,
    read: (_, context) => {
      context.report({
        code: 'config-bad-value',
        message: `Cannot read ${context.path}: this build has no ${what}`,
      });
      return undefined;
    },
  };
}

export interface RecoveryConfig {
  /** What the registry's schema made of each. */
  readonly playbooks: readonly unknown[];
}

export function recovery(playbook: Schema<unknown> | undefined): Schema<RecoveryConfig> {
  const entry = playbook ?? unknownTo('playbook');
  return mapped(record({ playbooks: optional(list(entry)) }), (value, context) => {
    const playbooks = value.playbooks ?? [];
    const seen = playbooks.map(one =>
      typeof one === 'object' && one !== null && 'name' in one ? String(one.name) : '',
    );
    const twice = seen.find((name, i) => name !== '' && seen.indexOf(name) !== i);
    if (twice !== undefined) {
      context.report({
        code: 'config-conflict',
        message: `Cannot use the playbook name "${twice}" twice: runs and guards are kept by name`,
        remedy: 'give each playbook a name of its own',
      });
    }
    return { playbooks };
  });
}

const NO_DATA_DEFAULTS = ['unknown', 'firing', 'ok', 'keep'] as const;
export type NoDataDefault = (typeof NO_DATA_DEFAULTS)[number];

export const noDataDefault: Schema<NoDataDefault> = mapped(
  text({ oneOf: NO_DATA_DEFAULTS }),
  value => NO_DATA_DEFAULTS.find(one => one === value) ?? INVALID,
);
