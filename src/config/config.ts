// The configuration as the rest of the house sees it: plain data, every default and everything inherited applied.

import { type Labels, labelsFromPairs } from '../model/index.ts';
import { RESOLVE_TIMEOUT_MS } from './alertmanager/global.ts';
import type { InhibitRuleConfig } from './alertmanager/inhibit.ts';
import type { ReceiverConfig } from './alertmanager/receivers.ts';
import { finishRoute, type RawRoute, type RouteConfig } from './alertmanager/route.ts';
import type { NamedTimeInterval } from './alertmanager/time-intervals.ts';
import { type AlertingConfig, finishAlerting, type RawAlerting } from './prometheus/alerting.ts';
import {
  EVALUATION_INTERVAL_MS,
  type PrometheusGlobal,
  SCRAPE_INTERVAL_MS,
  SCRAPE_TIMEOUT_MS,
} from './prometheus/global.ts';
import { finishRemoteWrite, type RawRemoteWrite, type RemoteWriteConfig } from './prometheus/remote-write.ts';
import type { ScrapeJob } from './prometheus/scrape.ts';
import { RELAY_DEFAULTS, type RelayConfig, RULES_DEFAULTS, type RulesConfig } from './watchkeeper/rules.ts';
import {
  ALERTS_DEFAULTS,
  type AlertsConfig,
  HOST_DEFAULTS,
  type HostConfig,
  JOURNAL_DEFAULTS,
  type JournalConfig,
  type NoDataDefault,
  QUERY_DEFAULTS,
  type QueryConfig,
  STORAGE_DEFAULTS,
  type StorageConfig,
  WEB_DEFAULTS,
  type WebConfig,
} from './watchkeeper/sections.ts';

/** A file that was found and read, of rules or of templates. Parsing it is the business of who uses it. */
export interface NamedText {
  readonly path: string;
  readonly text: string;
}

export interface GlobalConfig {
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  readonly evaluationIntervalMs: number;
  /** How far in the past rules are evaluated whose group does not say. */
  readonly ruleQueryOffsetMs: number;
  readonly externalLabels: Labels;
  readonly resolveTimeoutMs: number;
}

export interface Config {
  readonly global: GlobalConfig;
  readonly scrapeJobs: readonly ScrapeJob[];
  readonly ruleFiles: readonly NamedText[];
  /** Whether `rule_files` is there at all: an empty list means no rules, its absence the stock ones. */
  readonly namesRuleFiles: boolean;
  /** How rules are evaluated, beyond what Prometheus has in its files. */
  readonly rules: RulesConfig;
  /** Alertmanagers elsewhere that get the alerts of the rules, too. */
  readonly alerting: AlertingConfig;
  readonly relay: RelayConfig;
  /** Stores elsewhere that get the samples, too. */
  readonly remoteWrite: readonly RemoteWriteConfig[];
  /** Absent: no alert is sent to anyone. */
  readonly route?: RouteConfig;
  readonly receivers: readonly ReceiverConfig[];
  /** What `templates` names. */
  readonly templateFiles: readonly NamedText[];
  readonly timeIntervals: readonly NamedTimeInterval[];
  readonly inhibitRules: readonly InhibitRuleConfig[];
  readonly alerts: AlertsConfig;
  readonly host: HostConfig;
  readonly web: WebConfig;
  readonly storage: StorageConfig;
  readonly query: QueryConfig;
  readonly journal: JournalConfig;
  /** What the registry's schema made of the section; absent: no sign of life is sent. */
  readonly heartbeat?: unknown;
  /** What the playbook schema of the registry made of each. */
  readonly playbooks: readonly unknown[];
  /** Absent: plain Prometheus rules keep Prometheus's semantics. */
  readonly noDataDefault?: NoDataDefault;
}

/** What was read of each file, by whoever defines the section. */
export interface Sections {
  readonly prometheusGlobal?: PrometheusGlobal | undefined;
  readonly scrapeJobs: readonly ScrapeJob[];
  readonly ruleFiles: readonly NamedText[];
  readonly namesRuleFiles: boolean;
  readonly rules?: RulesConfig | undefined;
  readonly alerting?: RawAlerting | undefined;
  readonly relay?: RelayConfig | undefined;
  readonly remoteWrite?: readonly RawRemoteWrite[] | undefined;
  readonly resolveTimeoutMs?: number | undefined;
  readonly route?: RawRoute | undefined;
  readonly receivers?: readonly ReceiverConfig[] | undefined;
  readonly templateFiles?: readonly NamedText[] | undefined;
  readonly timeIntervals: readonly NamedTimeInterval[];
  readonly inhibitRules?: readonly InhibitRuleConfig[] | undefined;
  readonly alerts?: AlertsConfig | undefined;
  readonly host?: HostConfig | undefined;
  readonly web?: WebConfig | undefined;
  readonly storage?: StorageConfig | undefined;
  readonly query?: QueryConfig | undefined;
  /** What prometheus.yml says, where one is named: it has the last word. Negative is none. */
  readonly exemplarsMax?: number | undefined;
  readonly journal?: JournalConfig | undefined;
  readonly heartbeat?: unknown;
  readonly playbooks?: readonly unknown[] | undefined;
  readonly noDataDefault?: NoDataDefault | undefined;
}

function storageOf({ storage = STORAGE_DEFAULTS, exemplarsMax }: Sections): StorageConfig {
  return exemplarsMax === undefined ? storage : { ...storage, exemplarsMax: Math.max(0, exemplarsMax) };
}

export function assembleConfig(sections: Sections): Config {
  const global = sections.prometheusGlobal;
  const scrapeIntervalMs = global?.scrape_interval || SCRAPE_INTERVAL_MS;
  return {
    global: {
      scrapeIntervalMs,
      scrapeTimeoutMs: global?.scrape_timeout || Math.min(SCRAPE_TIMEOUT_MS, scrapeIntervalMs),
      evaluationIntervalMs: global?.evaluation_interval || EVALUATION_INTERVAL_MS,
      ruleQueryOffsetMs: global?.rule_query_offset ?? 0,
      externalLabels: labelsFromPairs(global?.external_labels ?? []),
      resolveTimeoutMs: sections.resolveTimeoutMs ?? RESOLVE_TIMEOUT_MS,
    },
    scrapeJobs: sections.scrapeJobs,
    ruleFiles: sections.ruleFiles,
    namesRuleFiles: sections.namesRuleFiles,
    rules: sections.rules ?? RULES_DEFAULTS,
    alerting: finishAlerting(sections.alerting),
    relay: sections.relay ?? RELAY_DEFAULTS,
    remoteWrite: finishRemoteWrite(sections.remoteWrite),
    ...(sections.route === undefined ? {} : { route: finishRoute(sections.route) }),
    receivers: sections.receivers ?? [],
    templateFiles: sections.templateFiles ?? [],
    timeIntervals: sections.timeIntervals,
    inhibitRules: sections.inhibitRules ?? [],
    alerts: sections.alerts ?? ALERTS_DEFAULTS,
    host: sections.host ?? HOST_DEFAULTS,
    web: sections.web ?? WEB_DEFAULTS,
    storage: storageOf(sections),
    query: sections.query ?? QUERY_DEFAULTS,
    journal: sections.journal ?? JOURNAL_DEFAULTS,
    ...(sections.heartbeat === undefined ? {} : { heartbeat: sections.heartbeat }),
    playbooks: sections.playbooks ?? [],
    ...(sections.noDataDefault === undefined ? {} : { noDataDefault: sections.noDataDefault }),
  };
}
