// prometheus.yml: `scrape_configs`. Reading one job, and applying what it inherits from `global`.

import type { Node } from 'yaml';
import type { Kind } from '../registry.ts';
import {
  boolean,
  duration,
  type Field,
  INVALID,
  type Invalid,
  integer,
  list,
  mapOf,
  mapped,
  notCarriedOut,
  number,
  optional,
  type ReadContext,
  type RecordOf,
  record,
  type Schema,
  text,
} from '../schema.ts';
import { addressProblem, isSet, reportAt, requireSet } from '../shared/checks.ts';
import { checkHttpClient, type HttpClientSettings, httpClientFields, httpClientOf } from '../shared/http.ts';
import { legacyNameProblem, type RelabelRule, relabelRules } from '../shared/relabel.ts';
import { withWarnings } from './carried-out.ts';
import {
  type EscapingScheme,
  inheritedFields,
  isScrapeProtocol,
  type PrometheusGlobal,
  SCRAPE_INTERVAL_MS,
  SCRAPE_PROTOCOLS,
  SCRAPE_PROTOCOLS_DEFAULT,
  SCRAPE_PROTOCOLS_PROTO_FIRST,
  SCRAPE_TIMEOUT_MS,
  type ScrapeProtocol,
} from './global.ts';

/** One entry of a job's discovery: the kind's key and what its schema made of the settings. */
export interface DiscoverySettings {
  readonly kind: string;
  readonly settings: unknown;
}

/** A scrape job as it runs: every default and everything inherited is filled in. A limit of 0 is none of the user's. */
export interface ScrapeJob {
  readonly jobName: string;
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  readonly metricsPath: string;
  readonly scheme: 'http' | 'https';
  readonly params: ReadonlyMap<string, readonly string[]>;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  /** Whether series with timestamps of their own get stale markers too. */
  readonly trackTimestampsStaleness: boolean;
  readonly enableCompression: boolean;
  /** The formats to ask for, most wanted first. */
  readonly scrapeProtocols: readonly ScrapeProtocol[];
  /** What a page without a usable content type is read as; absent: such a page fails the scrape. */
  readonly fallbackScrapeProtocol?: ScrapeProtocol;
  readonly bodySizeLimitBytes: number;
  readonly sampleLimit: number;
  readonly targetLimit: number;
  readonly labelLimit: number;
  readonly labelNameLengthLimit: number;
  readonly labelValueLengthLimit: number;
  readonly keepDroppedTargets: number;
  readonly scrapeNativeHistograms: boolean;
  readonly alwaysScrapeClassicHistograms: boolean;
  readonly convertClassicHistogramsToNhcb: boolean;
  readonly nativeHistogramBucketLimit: number;
  readonly nativeHistogramMinBucketFactor: number;
  readonly extraScrapeMetrics: boolean;
  /** "" for none. */
  readonly scrapeFailureLogFile: string;
  readonly http: HttpClientSettings;
  /** Kinds that are carried out only. */
  readonly discovery: readonly DiscoverySettings[];
  readonly relabelRules: readonly RelabelRule[];
  readonly metricRelabelRules: readonly RelabelRule[];
  readonly metricNameValidationScheme: 'utf8' | 'legacy';
  readonly metricNameEscapingScheme: EscapingScheme;
}

const ownFields = withWarnings({
  job_name: optional(text()),
  honor_labels: optional(boolean()),
  honor_timestamps: optional(boolean()),
  track_timestamps_staleness: optional(boolean()),
  params: optional(mapOf(list(text()))),
  scrape_interval: optional(duration()),
  scrape_timeout: optional(duration()),
  fallback_scrape_protocol: optional(text({ oneOf: ['', ...SCRAPE_PROTOCOLS] })),
  metrics_path: optional(text()),
  scheme: optional(text({ oneOf: ['http', 'https'] })),
  enable_compression: optional(boolean()),
  native_histogram_bucket_limit: optional(integer({ min: 0 })),
  native_histogram_min_bucket_factor: optional(number()),
  relabel_configs: optional(relabelRules),
  metric_relabel_configs: optional(relabelRules),
  ...inheritedFields,
  ...httpClientFields,
});

/** A job as it stands in the file, with its place: `global` is applied later. */
export interface RawScrapeJob {
  readonly value: RecordOf<typeof ownFields>;
  readonly discovery: readonly DiscoverySettings[];
  readonly context: ReadContext;
  readonly node: Node;
}

/** Lists of discovery settings, one key a kind. */
export function discoveryFields(
  kinds: readonly Kind<unknown>[],
): Readonly<Record<string, Field<readonly unknown[] | undefined>>> {
  return Object.fromEntries(
    kinds.map(kind => [
      kind.key,
      kind.carriedOut ? optional(list(kind.schema)) : notCarriedOut(list(kind.schema)),
    ]),
  );
}

export function scrapeConfig(kinds: readonly Kind<unknown>[]): Schema<RawScrapeJob> {
  const schema = record({ ...discoveryFields(kinds), ...ownFields }, (_, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['job_name']);
  });
  return mapped(schema, (read, context, node) => {
    // The record holds the kinds' keys beside its own; the types of both cannot be told apart by a string key.
    const byKind = read as Readonly<Record<string, readonly unknown[] | undefined>>;
    const discovery = kinds.flatMap(kind =>
      kind.carriedOut ? (byKind[kind.key] ?? []).map(settings => ({ kind: kind.key, settings })) : [],
    );
    const map = context.resolve(node);
    const raw: RawScrapeJob = { value: read as RecordOf<typeof ownFields>, discovery, context, node: map };
    if ((raw.value.relabel_configs ?? []).length === 0) {
      const remedy = 'move the path to metrics_path and the scheme to scheme';
      checkAddresses(discovery, context, { node: map, remedy });
    }
    return raw;
  });
}

/** Without relabelling an address is used as it stands: a URL in its place is found here, not at the first scrape. */
export function checkAddresses(
  discovery: readonly DiscoverySettings[],
  context: ReadContext,
  { node, remedy }: { readonly node: Node; readonly remedy: string },
): void {
  for (const { settings } of discovery) {
    if (typeof settings !== 'object' || settings === null || !('targets' in settings)) continue;
    if (!Array.isArray(settings.targets)) continue;
    for (const target of settings.targets) {
      const problem = typeof target === 'string' ? addressProblem(target) : undefined;
      if (problem === undefined) continue;
      reportAt(node, 'static_configs', context, {
        message: `Cannot use the target "${target}": ${problem}`,
        remedy,
      });
    }
  }
}

/** Applies `global` and the defaults, and checks what only the whole can tell: intervals, names used twice. */
export function finishJobs(
  raws: readonly RawScrapeJob[],
  global: PrometheusGlobal | undefined,
): readonly ScrapeJob[] | Invalid {
  const byName = new Map<string, RawScrapeJob>();
  const jobs: ScrapeJob[] = [];
  let valid = true;
  for (const raw of raws) {
    const jobName = raw.value.job_name ?? '';
    const first = byName.get(jobName);
    if (first !== undefined) {
      valid = false;
      reportAt(raw.node, 'job_name', raw.context, {
        message: `Cannot use the job name "${jobName}" twice: found multiple scrape configs with it`,
        remedy: 'give each job a job_name of its own',
        conflict: true,
      });
    }
    byName.set(jobName, raw);
    const job = finishJob(raw, global);
    if (job === INVALID) valid = false;
    else jobs.push(job);
  }
  return valid ? jobs : INVALID;
}

function finishJob(raw: RawScrapeJob, global: PrometheusGlobal | undefined): ScrapeJob | Invalid {
  const { value } = raw;
  // A zero interval counts as not set, as in Prometheus.
  const globalIntervalMs = global?.scrape_interval || SCRAPE_INTERVAL_MS;
  const globalTimeoutMs = global?.scrape_timeout || Math.min(SCRAPE_TIMEOUT_MS, globalIntervalMs);
  const intervalMs = value.scrape_interval || globalIntervalMs;
  const timeoutMs = value.scrape_timeout || Math.min(globalTimeoutMs, intervalMs);
  if (timeoutMs > intervalMs) {
    return reportAt(raw.node, 'scrape_timeout', raw.context, {
      message: `Cannot use the scrape_timeout of job "${value.job_name ?? ''}": scrape timeout greater than scrape interval`,
      remedy: 'make scrape_timeout at most scrape_interval',
    });
  }
  const names = namesOf(raw, global);
  if (names === INVALID) return INVALID;
  if (names.metricNameValidationScheme === 'legacy' && !checkLegacyRules(raw)) return INVALID;
  const fallback = value.fallback_scrape_protocol ?? '';
  return {
    jobName: value.job_name ?? '',
    scrapeIntervalMs: intervalMs,
    scrapeTimeoutMs: timeoutMs,
    metricsPath: value.metrics_path || '/metrics',
    scheme: value.scheme === 'https' ? 'https' : 'http',
    params: value.params ?? new Map(),
    honorLabels: value.honor_labels ?? false,
    honorTimestamps: value.honor_timestamps ?? true,
    trackTimestampsStaleness: value.track_timestamps_staleness ?? false,
    enableCompression: value.enable_compression ?? true,
    ...(isScrapeProtocol(fallback) ? { fallbackScrapeProtocol: fallback } : {}),
    ...limitsOf(value, global),
    ...histogramsOf(value, global),
    extraScrapeMetrics: value.extra_scrape_metrics ?? global?.extra_scrape_metrics ?? false,
    scrapeFailureLogFile: value.scrape_failure_log_file || (global?.scrape_failure_log_file ?? ''),
    http: httpClientOf(value),
    discovery: raw.discovery,
    relabelRules: value.relabel_configs ?? [],
    metricRelabelRules: value.metric_relabel_configs ?? [],
    ...names,
  };
}

/** A limit of 0 counts as not set, as in Prometheus: a job cannot take a limit of `global` away. */
function limitsOf(own: RawScrapeJob['value'], global: PrometheusGlobal | undefined) {
  return {
    bodySizeLimitBytes: own.body_size_limit || (global?.body_size_limit ?? 0),
    sampleLimit: own.sample_limit || (global?.sample_limit ?? 0),
    targetLimit: own.target_limit || (global?.target_limit ?? 0),
    labelLimit: own.label_limit || (global?.label_limit ?? 0),
    labelNameLengthLimit: own.label_name_length_limit || (global?.label_name_length_limit ?? 0),
    labelValueLengthLimit: own.label_value_length_limit || (global?.label_value_length_limit ?? 0),
    keepDroppedTargets: own.keep_dropped_targets || (global?.keep_dropped_targets ?? 0),
  };
}

function histogramsOf(own: RawScrapeJob['value'], global: PrometheusGlobal | undefined) {
  const native = own.scrape_native_histograms ?? global?.scrape_native_histograms ?? false;
  return {
    scrapeNativeHistograms: native,
    // Protocols that are written down, be it in `global`, win over what native histograms would ask for.
    scrapeProtocols:
      own.scrape_protocols ??
      global?.scrape_protocols ??
      (native ? SCRAPE_PROTOCOLS_PROTO_FIRST : SCRAPE_PROTOCOLS_DEFAULT),
    alwaysScrapeClassicHistograms:
      own.always_scrape_classic_histograms ?? global?.always_scrape_classic_histograms ?? false,
    convertClassicHistogramsToNhcb:
      own.convert_classic_histograms_to_nhcb ?? global?.convert_classic_histograms_to_nhcb ?? false,
    nativeHistogramBucketLimit: own.native_histogram_bucket_limit ?? 0,
    nativeHistogramMinBucketFactor: own.native_histogram_min_bucket_factor ?? 0,
  };
}

/**
 * Validation comes from the job, then from `global`. Escaping follows it: a job that sets its own validation takes the
 * default of that, not the escaping of `global`, which may not fit.
 */
function namesOf(
  raw: RawScrapeJob,
  global: PrometheusGlobal | undefined,
): Pick<ScrapeJob, 'metricNameValidationScheme' | 'metricNameEscapingScheme'> | Invalid {
  const own = raw.value.metric_name_validation_scheme ?? '';
  const written = own === '' ? global?.metric_name_validation_scheme : own;
  const validation = written === 'legacy' ? 'legacy' : 'utf8';
  const escaping =
    raw.value.metric_name_escaping_scheme ??
    (own === '' ? global?.metric_name_escaping_scheme : undefined) ??
    (validation === 'legacy' ? 'underscores' : 'allow-utf-8');
  if (validation !== 'legacy' || escaping !== 'allow-utf-8') {
    return { metricNameValidationScheme: validation, metricNameEscapingScheme: escaping };
  }
  const key = isSet(raw.node, 'metric_name_escaping_scheme')
    ? 'metric_name_escaping_scheme'
    : 'metric_name_validation_scheme';
  return reportAt(raw.node, key, raw.context, {
    message:
      'Cannot use metric_name_escaping_scheme "allow-utf-8" with metric_name_validation_scheme "legacy"',
    remedy: 'use "underscores", "dots" or "values"',
    conflict: true,
  });
}

/** Under the legacy scheme relabelling may only write names of letters, digits and "_". */
function checkLegacyRules(raw: RawScrapeJob): boolean {
  let valid = true;
  for (const key of ['relabel_configs', 'metric_relabel_configs'] as const) {
    for (const [i, rule] of (raw.value[key] ?? []).entries()) {
      const problem = legacyNameProblem(rule);
      if (problem === undefined) continue;
      valid = false;
      reportAt(raw.node, key, raw.context, {
        message: `Cannot use ${key}[${i}] of job "${raw.value.job_name ?? ''}": ${problem}`,
        remedy: 'use such names, or set metric_name_validation_scheme: utf8',
      });
    }
  }
  return valid;
}
