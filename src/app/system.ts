// The whole house, joined: what flows from one stage into the next is here, and only here.

import type { Dispatcher } from '../alerting/index.ts';
import type { ReloadOutcome } from '../api/index.ts';
import { assert, err, ok, type Result, type Timer, Turns } from '../base/index.ts';
import { createInProcessRunner, type InProcessRunner } from '../collect/inprocess/index.ts';
import { createPushReceiver, type PushReceiver } from '../collect/push/index.ts';
import { createScraper, type Scraper } from '../collect/scrape/index.ts';
import type { Config, LoadOutcome } from '../config/index.ts';
import { createDiscovery, discoveryKinds } from '../discovery/index.ts';
import {
  type Diagnostic,
  type Effects,
  formatDiagnostic,
  type JournalEvent,
  type MetricFamily,
  MetricRegistry,
  type Metrics,
  type StateStore,
} from '../model/index.ts';
import type { Notifier } from '../notify/index.ts';
import {
  type ActiveLog,
  createQueryEngine,
  DEFAULT_ENGINE_SETTINGS,
  type QueryEngine,
  type QuerySettings,
} from '../promql/index.ts';
import type { Recovery } from '../recovery/index.ts';
import { createRuleRunner, type RuleFile, type RuleRunner, type RuleSettings } from '../rules/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore, type Store, ThreadMaker } from '../storage/index.ts';
import { type AllTargets, joinDirectories } from './directory.ts';
import { joinDispatch } from './dispatch.ts';
import { SELF_JOB } from './heartbeat.ts';
import { hostRunner, inProcessTarget } from './in-process.ts';
import { configEvent, healthEvent, refusedConfigEvent, type Stamp } from './journal.ts';
import type { SystemPorts } from './ports.ts';
import { prepareSending } from './prepare-sending.ts';
import { withPrometheusNames } from './prometheus-names.ts';
import { openQueryLog, type QueryOverrides } from './queries.ts';
import { type JoinedRelay, joinRelay } from './relay.ts';
import {
  createReloader,
  type InForce,
  inForceOf,
  isError,
  type LastReload,
  type PrepareReload,
} from './reload.ts';
import { type JoinedRemote, joinRemote } from './remote.ts';
import { type RulesAndTexts, readNamedFiles } from './rules.ts';
import { selfFamilies } from './self.ts';
import {
  discoveryEntriesOf,
  externalUrlOf,
  type FoundTargets,
  findTargets,
  ruleSettingsOf,
  storeRetention,
} from './settings.ts';
import { ScrapeStandstill } from './standstill.ts';
import { VERSION } from './version.ts';

/** Attempts under way when the process stops get this long; what is cut off is told again after the next start, marked. */
const STOP_GRACE_MS = 5000;
/** How often the journal is trimmed to its retention. */
const EXPIRE_EVERY_MS = 3_600_000;

export interface SystemOptions {
  readonly dataFolder: string;
  readonly effects: Effects;
  /** Reads the configuration anew: at the start and at each reload. */
  readonly load: () => Promise<LoadOutcome>;
  /** In place of `storage.retention`. */
  readonly retentionMs?: number | undefined;
  /** The stock rules are on unless the configuration has `rule_files`. */
  readonly stock: boolean;
  /** What of the query language is on beside the usual. */
  readonly query?: QueryOverrides | undefined;
  /** For whoever asks how it was started. */
  readonly commandLine?: Readonly<Record<string, string>> | undefined;
}

/** Why the system did not start, in sentences for people. */
export interface StartFailure {
  readonly problems: readonly string[];
}

export interface System {
  readonly config: () => Config;
  readonly configVersion: () => string;
  readonly configFiles: () => readonly string[];
  /** As YAML, without secrets. */
  readonly configShown: () => string;
  readonly lastReload: () => LastReload;
  readonly startedAtMs: number;
  readonly dataFolder: string;
  /** Of the samples: the setting in force since the start. */
  readonly retentionMs: number;
  readonly effects: Effects;
  /** The command line that it was started with, by the names of the options. */
  readonly commandLine: Readonly<Record<string, string>>;
  /** Of queries. */
  readonly limits: QuerySettings;
  /** How rules are evaluated, as the configuration in force has it. */
  readonly ruleSettings: () => RuleSettings;
  readonly store: Store;
  readonly state: StateStore;
  readonly query: QueryEngine;
  /** Whatever does long work in the main thread shares them. */
  readonly turns: Turns;
  readonly rules: RuleRunner;
  readonly notifier: Notifier;
  readonly push: PushReceiver;
  readonly dispatcher: Dispatcher;
  readonly recovery: Recovery;
  readonly relay: JoinedRelay;
  readonly remote: JoinedRemote;
  readonly targets: AllTargets;
  readonly host: InProcessRunner | undefined;
  /** Collects the program's own metrics. */
  readonly self: InProcessRunner;
  /** Where the program's own metrics are counted. */
  readonly metrics: Metrics;
  /** They as they are now. */
  ownFamilies(): readonly MetricFamily[];
  /** False until everything has started, and again while it stops. */
  isReady(): boolean;
  droppedTargets(): FoundTargets['dropped'];
  droppedCounts(): FoundTargets['droppedCounts'];
  reload(): Promise<ReloadOutcome>;
  /** Asked in each reload, once the files are known to be right. */
  onReload(prepare: PrepareReload): void;
  stop(): Promise<void>;
}

export async function startSystem(
  ports: SystemPorts,
  options: SystemOptions,
): Promise<Result<System, StartFailure>> {
  const loaded = await options.load();
  if (loaded.config === undefined) return err({ problems: loaded.diagnostics.map(formatDiagnostic) });
  const folders = await openFolders(ports, options, loaded.config);
  if (!folders.ok) return folders;
  const house = build(ports, options, { ...folders.value, inForce: inForceOf(loaded.config, loaded) });
  const started = await house.start(loaded);
  if (started.ok) return ok(house.system);
  await house.system.stop();
  return started;
}

interface Folders {
  readonly store: Store;
  readonly state: StateStore;
  readonly registry: MetricRegistry;
  readonly activeLog: ActiveLog;
}

async function openFolders(
  ports: SystemPorts,
  options: SystemOptions,
  config: Config,
): Promise<Result<Folders, StartFailure>> {
  const { disk, clock, log } = ports;
  const registry = new MetricRegistry();
  const made = await disk.makeFolder(options.dataFolder);
  if (!made.ok)
    return err({ problems: [`Cannot use data folder "${options.dataFolder}": ${made.error.message}`] });
  const { retentionBytes, walAck, seriesMax, metricSeriesMax, exemplarsMax, unsentLogBytesMax } =
    config.storage;
  const start = ports.startBlockThread;
  const opening: { state?: ReturnType<SystemPorts['openState']> } = {};
  const store = await openStore({
    disk,
    folder: `${options.dataFolder}/store`,
    clock,
    log,
    metrics: registry,
    ...(start && { maker: new ThreadMaker({ start, clock }) }),
    // The folder is ours then.
    onLocked: async () => {
      opening.state = ports.openState(options.dataFolder);
      await opening.state;
    },
    settings: {
      ...DEFAULT_STORE_SETTINGS,
      ...storeRetention(config.storage, options.retentionMs ?? config.storage.retentionMs),
      maxBytes: retentionBytes,
      walAck,
      // What goes for want of room is counted then, however little room there is.
      keptLogBytesMax: Math.max(1, unsentLogBytesMax),
      seriesMax,
      metricSeriesMax,
      exemplarsMax,
    },
  });
  const state = await opening.state;
  if (!store.ok) {
    if (state?.ok) await state.value.close();
    return err({
      problems: [
        `Cannot open the store in "${options.dataFolder}": ${store.error.code}: ${store.error.message}`,
      ],
    });
  }
  assert(state !== undefined, 'an open store has been locked');
  if (!state.ok) {
    await store.value.close();
    return err({
      problems: [`Cannot open the state database in "${options.dataFolder}": ${state.error.message}`],
    });
  }
  const overrides = options.query;
  const activeLog = await openQueryLog(ports, options.dataFolder, { config: config.query, overrides });
  return ok({ store: store.value, state: state.value, registry, activeLog });
}

interface Built {
  readonly system: System;
  start(loaded: LoadOutcome): Promise<Result<void, StartFailure>>;
}

function build(
  ports: SystemPorts,
  options: SystemOptions,
  first: Folders & { readonly inForce: InForce },
): Built {
  const { clock, random, http, log } = ports;
  const { store, state, registry, activeLog } = first;
  const { effects } = options;
  const startedWith = first.inForce.config;
  const startedAtMs = clock.nowMs();
  const retentionMs = options.retentionMs ?? startedWith.storage.retentionMs;
  let inForce = first.inForce;
  let found: Omit<FoundTargets, 'entries'> = { dropped: [], droppedCounts: new Map() };
  let settled = false;
  let ready = false;

  const externalUrl = (): string => externalUrlOf(inForce.config, ports.hostFacts.hostname());
  const turns = new Turns(clock);
  const limits: QuerySettings = { ...DEFAULT_ENGINE_SETTINGS, ...startedWith.query, ...options.query };
  const query = createQueryEngine({
    reader: store,
    clock,
    log,
    metrics: registry,
    turns,
    activeLog,
    settings: limits,
  });

  const dispatch = joinDispatch(ports, {
    state,
    query,
    metrics: registry,
    effects,
    inForce: () => inForce,
    externalUrl,
  });
  const { dispatcher, notifier, recovery } = dispatch;

  const scraper: Scraper = createScraper({
    clock,
    http,
    disk: ports.disk,
    writer: store,
    metrics: registry,
    log,
    version: VERSION,
    onHealthChange: status => void journal(stamp => healthEvent(status, stamp)),
  });
  const push = createPushReceiver({ writer: store, clock, random, log, metrics: registry });
  const hostName = ports.hostFacts.hostname();
  const ruleSources = { stock: options.stock, hostname: hostName };
  const standstill = new ScrapeStandstill();
  const ownFamilies = (): readonly MetricFamily[] =>
    withPrometheusNames(
      selfFamilies(registry, ports.ownFacts, {
        startedAtMs,
        ready,
        reload: reloader.last(),
        receivers: notifier
          .health()
          .map(one => ({ name: one.key, consecutiveFailures: one.consecutiveFailures })),
        scrapeStandstillSeconds: standstill.seconds(scraper.statuses(), clock.nowMs()),
      }),
    );
  const self = createInProcessRunner({
    source: async () => ownFamilies(),
    writer: store,
    clock,
    log,
    target: inProcessTarget(SELF_JOB, hostName, startedWith.host.intervalMs),
  });
  const host = hostRunner(ports, startedWith, store);
  const inProcess = host === undefined ? [self] : [host, self];
  const targets = joinDirectories(scraper, inProcess);

  const relay = joinRelay(ports, { state, metrics: registry, effects });
  const remote = joinRemote(ports, { store, metrics: registry, effects, dataFolder: options.dataFolder });
  const rules: RuleRunner = createRuleRunner({
    clock,
    log,
    metrics: registry,
    query,
    writer: store,
    state,
    sink: update => {
      dispatcher.alerts(update);
      relay.alerts(update);
      if (settled || rules.status().some(group => group.lastEvaluationMs === 0)) return;
      settled = true;
      dispatcher.rulesSettled();
    },
    targets,
  });
  const ruleSettings = () =>
    ruleSettingsOf(inForce.config, {
      stock: options.stock,
      queryTimeoutMs: options.query?.timeoutMs ?? startedWith.query.timeoutMs,
      externalUrl: externalUrl(),
      effects,
      configVersion: inForce.version,
    });

  const journal = async (event: (stamp: Stamp) => JournalEvent): Promise<void> => {
    const stamp = { atMs: clock.nowMs(), effects, configVersion: inForce.version };
    const written = await state.commit([{ kind: 'journal', event: event(stamp) }], 'grouped');
    if (!written.ok) log.log('warn', 'Cannot write the journal', { cause: written.error.message });
  };

  const setTargets = async (): Promise<void> => {
    const { entries, ...rest } = findTargets(inForce.config, discovery);
    found = rest;
    await scraper.setJobs(entries);
  };
  const discovery = createDiscovery(
    { clock, disk: ports.disk, http, dns: ports.dns, log },
    { kinds: discoveryKinds, onChange: () => void setTargets() },
  );

  /** Puts a checked configuration in force. Rule files were read before anything changed. */
  const apply = async (next: InForce, ruleFiles: readonly RuleFile[]): Promise<Result<void, string>> => {
    inForce = next;
    const { config, version, files } = next;
    settled = false;
    void journal(stamp => configEvent(files, stamp));
    dispatch.reload();
    relay.load(config, version);
    await remote.load(config);
    discovery.load(discoveryEntriesOf(config));
    await setTargets();
    const rulesLoaded = await rules.load(ruleFiles, ruleSettings());
    prepareSending(ports, config);
    return rulesLoaded.ok ? ok(undefined) : err(rulesLoaded.error.message);
  };
  const readFiles = (from: RulesAndTexts) => readNamedFiles(from, query, ruleSources);
  const reloader = createReloader({
    clock,
    log,
    startedWith,
    load: options.load,
    readFiles,
    apply,
    onRefused: problems => void journal(stamp => refusedConfigEvent(problems, stamp)),
  });

  let expiry: Timer | undefined;
  const expire = (): void => {
    const nowMs = clock.nowMs();
    void state.commit(
      [{ kind: 'expire', nowMs, journalBeforeMs: nowMs - inForce.config.journal.retentionMs }],
      'grouped',
    );
    expiry = clock.after(EXPIRE_EVERY_MS, expire);
  };

  const system: System = {
    config: () => inForce.config,
    configVersion: () => inForce.version,
    configFiles: () => inForce.files,
    configShown: () => inForce.shown,
    lastReload: () => reloader.last(),
    startedAtMs,
    dataFolder: options.dataFolder,
    retentionMs,
    effects,
    commandLine: options.commandLine ?? {},
    limits,
    ruleSettings,
    store,
    state,
    query,
    turns,
    rules,
    notifier,
    push,
    dispatcher,
    recovery,
    relay,
    remote,
    targets,
    host,
    self,
    metrics: registry,
    ownFamilies,
    isReady: () => ready,
    droppedTargets: () => found.dropped,
    droppedCounts: () => found.droppedCounts,
    reload: () => reloader.reload(),
    onReload: prepare => reloader.onReload(prepare),
    async stop() {
      ready = false;
      expiry?.cancel();
      discovery.stop();
      await Promise.all([rules.stop(), scraper.stop()]);
      await Promise.all([recovery.stop(), notifier.stop(STOP_GRACE_MS), relay.stop(STOP_GRACE_MS)]);
      await dispatcher.stop();
      await Promise.all(inProcess.map(runner => runner.stop()));
      await remote.stop(STOP_GRACE_MS);
      await Promise.all([store.close(), state.close(), activeLog.close()]);
    },
  };

  return {
    system,
    async start(loaded) {
      const read = readFiles({ ...loaded, config: startedWith });
      const diagnostics: readonly Diagnostic[] = [...loaded.diagnostics, ...read.diagnostics];
      for (const diagnostic of diagnostics)
        if (!isError(diagnostic)) log.log('warn', formatDiagnostic(diagnostic));
      if (diagnostics.some(isError))
        return err({ problems: diagnostics.filter(isError).map(formatDiagnostic) });
      for (const problem of notifier.problems()) log.log('warn', `A receiver cannot work: ${problem}`);
      const dispatching = await dispatcher.start();
      if (!dispatching.ok)
        return err({ problems: [`Cannot read what was told before: ${dispatching.error.message}`] });
      await recovery.start();
      for (const runner of inProcess) runner.start();
      const applied = await apply(inForce, read.files);
      if (!applied.ok) return err({ problems: [applied.error] });
      expire();
      ready = true;
      return ok(undefined);
    },
  };
}
