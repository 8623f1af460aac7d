// What the API needs from the rest of the house; app/wire.ts fills it in.

import type { Clock, Result, Turns } from '../base/index.ts';
import type { RelabelRule } from '../exposition/index.ts';
import type {
  Alert,
  Effects,
  ExemplarReader,
  Labels,
  Matcher,
  MetricFamily,
  MetricMetadata,
  Metrics,
  Query,
  QueryActivity,
  ReadQueue,
  RecoveryRun,
  Regex,
  SeriesCounts,
  SeriesReader,
  StateStore,
  TargetId,
  TargetStatus,
  TimeRange,
} from '../model/index.ts';
import type { AlertmanagerDeps } from './alertmanager/deps.ts';
import type {
  BlockJson,
  BuildInfo,
  DroppedTargetJson,
  ReceiverJson,
  RemoteWriteJson,
  StatusJson,
  WalReplayJson,
} from './contract.ts';
import type { GroupJson, RouteStepJson } from './contract-explain.ts';

export interface RuleView {
  readonly kind: 'alerting' | 'recording';
  readonly name: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly health: 'unknown' | 'ok' | 'err';
  readonly lastError: string;
  readonly lastEvaluationMs: number;
  readonly lastDurationMs: number;
  readonly alerts: readonly Alert[];
}

export interface RuleGroupView {
  readonly name: string;
  readonly file: string;
  readonly intervalMs: number;
  readonly limit: number;
  readonly lastEvaluationMs: number;
  readonly lastDurationMs: number;
  readonly rules: readonly RuleView[];
}

/** Ids of silences, fingerprints of alerts that inhibit, names of time intervals. */
export interface Suppression {
  readonly silencedBy: readonly string[];
  readonly inhibitedBy: readonly string[];
  readonly mutedBy: readonly string[];
}

export interface ReloadOutcome {
  readonly ok: boolean;
  /** Formatted diagnostics. */
  readonly problems: readonly string[];
}

export interface PushedRequest {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** As it came, not decompressed. */
  body(bytesMax: number): Promise<Result<Uint8Array, { readonly code: string; readonly message: string }>>;
}

export interface PushedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface ApiDeps {
  readonly clock: Clock;
  /** Queries, and the queue that all long reads stand in. */
  readonly query: Query & ReadQueue;
  /** For what takes long beside queries. */
  readonly turns: Turns;
  queryActivity(): QueryActivity;
  readonly reader: SeriesReader;
  readonly exemplars: ExemplarReader;
  readonly state: StateStore;
  readonly effects: Effects;
  readonly metrics: Metrics;
  readonly buildInfo: BuildInfo;
  /** Where it runs: the data folder and the machine. */
  host(): { readonly hostname: string; readonly folder: string; readonly processors: number };
  /** What tells this house's series from another's. */
  externalLabels(): Labels;
  targets(): readonly TargetStatus[];
  /** By scrape job; with those that are not listed. */
  droppedTargetCounts(): Readonly<Record<string, number>>;
  droppedTargets(): readonly DroppedTargetJson[];
  /** Names of all scrape jobs, those without a target too. */
  scrapePools(): readonly string[];
  /** What a target's own pages say of their metrics. */
  targetMetadata(id: TargetId): readonly MetricMetadata[];
  /** What makes a target's labels of the discovered ones; undefined where there is no such job. */
  relabelRules(job: string): readonly RelabelRule[] | undefined;
  ruleGroups(): readonly RuleGroupView[];
  /** URLs of the Alertmanagers elsewhere that get alerts, and of those that relabelling dropped. */
  alertmanagers(): { readonly active: readonly string[]; readonly dropped: readonly string[] };
  /** Alerts known to the rules, of all states. */
  alerts(): readonly Alert[];
  /** Alerts that others sent, as dispatch keeps them. */
  postedAlerts(): readonly Alert[];
  /** What keeps an alert from its receivers now; empty where nothing does. */
  suppression(fingerprint: string): Suppression;
  /** How the routing tree in force takes an alert with these labels: every route, in the order of the tree. */
  routeSteps(labels: Labels): readonly RouteStepJson[];
  groups(): readonly GroupJson[];
  runs(): readonly RecoveryRun[];
  receivers(): readonly ReceiverJson[];
  remoteWrites(): readonly RemoteWriteJson[];
  /** Sends a marked test message; the value is the provider's own answer. */
  testReceiver(name: string): Promise<Result<string, string>>;
  /** What Alertmanager's API answers from. */
  readonly alertmanager: AlertmanagerDeps;
  /** What the series in memory are made of: of each kind the `limit` largest. */
  seriesCounts(limit: number): Promise<SeriesCounts>;
  /** The configuration in force as YAML, its secrets hidden. */
  configYaml(): string;
  /** The command line, and the settings that clients know by the names of Prometheus's flags. */
  flags(): Readonly<Record<string, string>>;
  /** Which segments of the log were read at the start. */
  walReplay(): WalReplayJson;
  blocks(): readonly BlockJson[];
  /** Undefined where the configuration does not allow it (`web.admin_api`). */
  admin(): StorageAdmin | undefined;
  /** Takes a pushed request; the answer is for the sender. */
  push(request: PushedRequest): Promise<PushedAnswer>;
  status(): StatusJson;
  ready(): boolean;
  reload(): Promise<ReloadOutcome>;
  /** The program's own metrics, and the same as a page. */
  ownFamilies(): readonly MetricFamily[];
  metricsPage(): string;
  hostPage(): string;
  /** A file of the built page, or undefined. */
  asset(path: string): Promise<{ readonly type: string; readonly bytes: Uint8Array } | undefined>;
}

/** What may be done to the stored samples over the API. */
export interface StorageAdmin {
  deleteSeries(matchers: readonly Matcher[], range: TimeRange): Promise<Result<number, AdminError>>;
  cleanTombstones(): Promise<Result<number, AdminError>>;
  /**
   * The name is chosen by the caller; the snapshot lies in a folder of that name, which is a data folder. `skipHead`: only what
   * is in blocks.
   */
  snapshot(wanted: {
    readonly name: string;
    readonly skipHead: boolean;
  }): Promise<Result<{ readonly folder: string }, AdminError>>;
  compact(): Promise<Result<void, AdminError>>;
}

export interface AdminError {
  readonly code: string;
  readonly message: string;
}

/** Credentials and addresses that decide who may ask. */
export interface AccessSettings {
  /** Empty: nobody needs to log in, and the server listens on loopback only. */
  readonly users: readonly {
    readonly name: string;
    readonly passwordHash: string;
    readonly roles: readonly ('viewer' | 'operator' | 'admin')[];
  }[];
  readonly tokens: readonly {
    readonly name: string;
    readonly tokenHash: string;
    readonly roles: readonly ('viewer' | 'operator' | 'admin')[];
  }[];
  /** TLS client certificates are demanded: who got through the handshake is known. */
  readonly certificates: boolean;
  readonly listenHost: string;
  /** Host names by which the page may be reached besides loopback's ("watch.example.org"). */
  readonly hostNames: readonly string[];
  /** Begins with a slash and has none at its end; "" where everything is served from the root. */
  readonly routePrefix: string;
  /** Origins whose pages may read the API. */
  readonly corsOrigin: Regex | undefined;
}
