// From the configuration to the settings of each stage. Pure: what is read here was checked and defaulted by config/.

import { buildRoute, type DispatchConfig, HOLD_MS_DEFAULT, type Route } from '../alerting/index.ts';
import { expectOk } from '../base/index.ts';
import { HOST_DEFAULTS, type HostSettings } from '../collect/host/index.ts';
import type { ScrapeAuth, ScrapeEntry, ScrapeJob } from '../collect/scrape/index.ts';
import {
  type Config,
  type ScrapeJob as ConfiguredJob,
  forGracePeriodMs,
  type HttpClientSettings,
  headersOf,
  oauth2Of,
  type Registries,
  settingsKey,
  transportOf,
} from '../config/index.ts';
import {
  type Discovery,
  type DiscoveryEntry,
  type DroppedTarget,
  discoveryKinds,
  resolveTargets,
} from '../discovery/index.ts';
import { type Effects, NO_LABELS } from '../model/index.ts';
import { channels, heartbeat } from '../notify/index.ts';
import { commandKind, type Playbook, playbookSchema } from '../recovery/index.ts';
import type { RuleSettings } from '../rules/index.ts';
import type { StoreSettings } from '../storage/index.ts';
import { heartbeatRoutes } from './heartbeat.ts';

/** Every kind that brings its own settings into the files. */
export const REGISTRIES: Registries = {
  discovery: discoveryKinds,
  channels,
  heartbeat: heartbeat.schema,
  playbook: playbookSchema([commandKind]),
};

// --- scraping --------------------------------------------------------------------------------------

export function scrapeJobOf(
  job: ConfiguredJob,
  storage: Pick<Config['storage'], 'targetSeriesMax'>,
): ScrapeJob {
  return {
    jobName: job.jobName,
    intervalMs: job.scrapeIntervalMs,
    timeoutMs: job.scrapeTimeoutMs,
    metricsPath: job.metricsPath,
    scheme: job.scheme,
    params: job.params,
    honorLabels: job.honorLabels,
    honorTimestamps: job.honorTimestamps,
    trackTimestampsStaleness: job.trackTimestampsStaleness,
    sampleLimit: job.sampleLimit,
    bodyBytesMax: job.bodySizeLimitBytes,
    labelLimits: {
      labels: job.labelLimit,
      nameBytes: job.labelNameLengthLimit,
      valueBytes: job.labelValueLengthLimit,
      legacyNames: job.metricNameValidationScheme === 'legacy',
    },
    seriesMax: storage.targetSeriesMax,
    histograms: histogramsOf(job),
    extraMetrics: job.extraScrapeMetrics,
    failureLogFile: job.scrapeFailureLogFile,
    scrapeProtocols: job.scrapeProtocols,
    ...(job.fallbackScrapeProtocol === undefined ? {} : { fallbackProtocol: job.fallbackScrapeProtocol }),
    escaping: job.metricNameEscapingScheme,
    headers: headersOf(job.http.headers),
    auth: authOf(job.http),
    ...transportOf(job.http),
    followRedirects: job.http.followRedirects,
    ...(job.http.oauth2 === undefined ? {} : { oauth2: oauth2Of(job.http.oauth2) }),
    enableCompression: job.enableCompression,
    relabel: job.relabelRules,
    metricRelabel: job.metricRelabelRules,
  };
}

function histogramsOf(job: ConfiguredJob): ScrapeJob['histograms'] {
  return {
    native: job.scrapeNativeHistograms,
    classicToo: job.alwaysScrapeClassicHistograms,
    toCustomBounds: job.convertClassicHistogramsToNhcb,
    limits: { buckets: job.nativeHistogramBucketLimit, minFactor: job.nativeHistogramMinBucketFactor },
  };
}

function authOf(http: HttpClientSettings): ScrapeAuth {
  if (http.basicAuth !== undefined) {
    return { kind: 'basic', username: http.basicAuth.username, password: http.basicAuth.password };
  }
  if (http.authorization !== undefined) {
    return { kind: 'header', type: http.authorization.type, credentials: http.authorization.credentials };
  }
  return { kind: 'none' };
}

export interface FoundTargets {
  readonly entries: readonly ScrapeEntry[];
  /** At most `keep_dropped_targets` of each job. */
  readonly dropped: readonly DroppedTarget[];
  /** All of them, by job. */
  readonly droppedCounts: ReadonlyMap<string, number>;
}

/** What runs to find targets. Equal entries of one job count up, so that each has a key of its own. */
export function discoveryEntriesOf(config: Config): readonly DiscoveryEntry[] {
  const seen = new Map<string, number>();
  return config.scrapeJobs.flatMap(job =>
    job.discovery.map(({ kind, settings }) => {
      const text = `${job.jobName}\0${kind}\0${settingsKey(settings)}`;
      const count = seen.get(text) ?? 0;
      seen.set(text, count + 1);
      return { key: `${text}\0${count}`, job: job.jobName, kind, settings };
    }),
  );
}

/** Targets of all jobs, from what discovery has found so far. */
export function findTargets(config: Config, discovery: Pick<Discovery, 'groups'>): FoundTargets {
  const entries: ScrapeEntry[] = [];
  const dropped: DroppedTarget[] = [];
  const droppedCounts = new Map<string, number>();
  for (const configured of config.scrapeJobs) {
    const job = scrapeJobOf(configured, config.storage);
    const resolved = resolveTargets(job, discovery.groups(job.jobName));
    const { targetLimit, keepDroppedTargets } = configured;
    const count = resolved.targets.length;
    const refusal =
      targetLimit > 0 && count > targetLimit
        ? `target_limit exceeded (number of targets: ${count}, limit: ${targetLimit})`
        : '';
    entries.push(...resolved.targets.map(target => ({ target, job, refusal })));
    if (resolved.dropped.length > 0) droppedCounts.set(job.jobName, resolved.dropped.length);
    dropped.push(
      ...(keepDroppedTargets > 0 ? resolved.dropped.slice(0, keepDroppedTargets) : resolved.dropped),
    );
  }
  return { entries, dropped, droppedCounts };
}

// --- this host -------------------------------------------------------------------------------------

export function hostSettingsOf(config: Config): HostSettings {
  const { host } = config;
  return {
    ...HOST_DEFAULTS,
    enable: host.collectorsEnabled,
    disable: host.collectorsDisabled,
    ...(host.procfs === undefined ? {} : { procfs: host.procfs }),
    ...(host.sysfs === undefined ? {} : { sysfs: host.sysfs }),
    ...(host.rootfs === undefined ? {} : { rootfs: host.rootfs }),
    ...(host.textfileFolder === undefined ? {} : { textfileFolder: host.textfileFolder }),
  };
}

// --- rules -----------------------------------------------------------------------------------------

export interface RuleFacts {
  /** The stock rules are on where the configuration names no rule files. */
  readonly stock: boolean;
  readonly queryTimeoutMs: number;
  readonly externalUrl: string;
  readonly effects: Effects;
  readonly configVersion: string;
}

export function ruleSettingsOf(config: Config, { stock, ...facts }: RuleFacts): RuleSettings {
  const { global, rules } = config;
  const isStock = stock && !config.namesRuleFiles;
  return {
    defaultIntervalMs: global.evaluationIntervalMs,
    defaultQueryOffsetMs: global.ruleQueryOffsetMs,
    resendDelayMs: rules.resendDelayMs,
    forPolicy: {
      outageToleranceMs: rules.outageToleranceMs,
      gracePeriodMs: forGracePeriodMs(rules, { isStock }),
    },
    concurrencyMax: rules.concurrencyMax,
    externalLabels: global.externalLabels,
    unknowable: isStock ? 'unknown' : 'resolved',
    ...facts,
  };
}

// --- alerting and notification ---------------------------------------------------------------------

/** The receiver of a configuration without a route: it tells nobody, and the page says so. */
export const NOBODY = 'nobody';

export function routeOf(config: Config): Route {
  const root = config.route ?? {
    receiver: NOBODY,
    groupBy: ['alertname'],
    groupWaitMs: 30_000,
    groupIntervalMs: 300_000,
    repeatIntervalMs: 4 * 3_600_000,
    matchers: [],
    continue: false,
    notify: 'always',
    muteTimeIntervals: [],
    activeTimeIntervals: [],
    labels: NO_LABELS,
    routes: [],
  };
  // Configuration compiled the same matchers before.
  return expectOk(buildRoute({ ...root, routes: [...heartbeatRoutes(config), ...root.routes] }));
}

export interface DispatchFacts {
  readonly receivers: DispatchConfig['receivers'];
  readonly externalUrl: string;
  readonly configVersion: string;
}

export function dispatchConfigOf(config: Config, facts: DispatchFacts): DispatchConfig {
  return {
    route: routeOf(config),
    ...facts,
    holdMsMax: HOLD_MS_DEFAULT,
    inhibitRules: config.inhibitRules,
    timeIntervals: config.timeIntervals,
    resolveTimeoutMs: config.global.resolveTimeoutMs,
    limits: config.alerts,
  };
}

export function playbooksOf(config: Config): readonly Playbook[] {
  // Our own schema in the registry made them.
  return config.playbooks as readonly Playbook[];
}

export function externalUrlOf({ web }: Config, hostname: string): string {
  const scheme = web.tls === undefined ? 'http' : 'https';
  return (web.externalUrl ?? `${scheme}://${hostname}:${web.listenPort}${web.routePrefix}`).replace(
    /\/$/,
    '',
  );
}

/** Blocks are kept as long as any of their samples; what is kept shorter is a policy, all others the last one. */
export function storeRetention(
  { policies }: Pick<Config['storage'], 'policies'>,
  othersMs: number,
): Pick<StoreSettings, 'maxAgeMs' | 'policies'> {
  const maxAgeMs = Math.max(othersMs, ...policies.map(({ keepMs }) => keepMs));
  const others = othersMs < maxAgeMs ? [{ match: '', matchers: [], keepMs: othersMs }] : [];
  return { maxAgeMs, policies: [...policies, ...others] };
}
