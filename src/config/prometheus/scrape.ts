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
import { checkHttpClient, type HttpClientSettings, httpClientOf, scrapeHttpFields } from '../shared/http.ts';
import { type RelabelRule, relabelRules } from '../shared/relabel.ts';
import {
  inheritedFields,
  type PrometheusGlobal,
  SCRAPE_INTERVAL_MS,
  SCRAPE_PROTOCOLS,
  SCRAPE_TIMEOUT_MS,
} from './global.ts';

/** One entry of a job's discovery: the kind's key and what its schema made of the settings. */
export interface DiscoverySettings {
  readonly kind: string;
  readonly settings: unknown;
}

/** A scrape job as it runs: every default and everything inherited is filled in. */
export interface ScrapeJob {
  readonly jobName: string;
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  readonly metricsPath: string;
  readonly scheme: 'http' | 'https';
  readonly params: ReadonlyMap<string, readonly string[]>;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  readonly enableCompression: boolean;
  /** 0 is no limit of the user's. */
  readonly bodySizeLimitBytes: number;
  readonly sampleLimit: number;
  readonly http: HttpClientSettings;
  /** Kinds that are carried out only. */
  readonly discovery: readonly DiscoverySettings[];
  readonly relabelRules: readonly RelabelRule[];
  readonly metricRelabelRules: readonly RelabelRule[];
  /** Read, kept, not acted on yet. */
  readonly metricNameValidationScheme: 'utf8' | 'legacy';
  readonly metricNameEscapingScheme: string;
}

const ownFields = {
  job_name: optional(text()),
  honor_labels: optional(boolean()),
  honor_timestamps: optional(boolean()),
  track_timestamps_staleness: notCarriedOut(boolean()),
  params: optional(mapOf(list(text()))),
  scrape_interval: optional(duration()),
  scrape_timeout: optional(duration()),
  fallback_scrape_protocol: notCarriedOut(text({ oneOf: SCRAPE_PROTOCOLS })),
  metrics_path: optional(text()),
  scheme: optional(text({ oneOf: ['http', 'https'] })),
  enable_compression: optional(boolean()),
  native_histogram_bucket_limit: notCarriedOut(integer({ min: 0 })),
  native_histogram_min_bucket_factor: notCarriedOut(number()),
  relabel_configs: optional(relabelRules),
  metric_relabel_configs: optional(relabelRules),
  ...inheritedFields,
  ...scrapeHttpFields,
};

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
    if ((raw.value.relabel_configs ?? []).length === 0) checkAddresses(discovery, context, map);
    return raw;
  });
}

/** Without relabelling an address is used as it stands: a URL in its place is found here, not at the first scrape. */
export function checkAddresses(
  discovery: readonly DiscoverySettings[],
  context: ReadContext,
  node: Node,
): void {
  for (const { settings } of discovery) {
    if (typeof settings !== 'object' || settings === null || !('targets' in settings)) continue;
    if (!Array.isArray(settings.targets)) continue;
    for (const target of settings.targets) {
      const problem = typeof target === 'string' ? addressProblem(target) : undefined;
      if (problem === undefined) continue;
      reportAt(node, 'static_configs', context, {
        message: `Cannot use the target "${target}": ${problem}`,
        remedy: 'move the path to metrics_path and the scheme to scheme',
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
  const validation = value.metric_name_validation_scheme || global?.metric_name_validation_scheme || 'utf8';
  const escaping =
    value.metric_name_escaping_scheme ||
    global?.metric_name_escaping_scheme ||
    (validation === 'legacy' ? 'underscores' : 'allow-utf-8');
  if (validation === 'legacy' && escaping === 'allow-utf-8') {
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
  return {
    jobName: value.job_name ?? '',
    scrapeIntervalMs: intervalMs,
    scrapeTimeoutMs: timeoutMs,
    metricsPath: value.metrics_path || '/metrics',
    scheme: value.scheme === 'https' ? 'https' : 'http',
    params: value.params ?? new Map(),
    honorLabels: value.honor_labels ?? false,
    honorTimestamps: value.honor_timestamps ?? true,
    enableCompression: value.enable_compression ?? true,
    bodySizeLimitBytes: value.body_size_limit ?? global?.body_size_limit ?? 0,
    sampleLimit: value.sample_limit || (global?.sample_limit ?? 0),
    http: httpClientOf(value),
    discovery: raw.discovery,
    relabelRules: value.relabel_configs ?? [],
    metricRelabelRules: value.metric_relabel_configs ?? [],
    metricNameValidationScheme: validation === 'legacy' ? 'legacy' : 'utf8',
    metricNameEscapingScheme: escaping,
  };
}
