// The system behind its HTTP API.

import {
  type AccessSettings,
  type ApiDeps,
  createApi,
  hashToken,
  isLoopbackHost,
  type StorageAdmin,
} from '../api/index.ts';
import {
  err,
  expectOk,
  type HttpListener,
  ok,
  type Result,
  type ServerHandler,
  type ServerTls,
} from '../base/index.ts';
import { type Config, isGuarded, provesClients, type RelabelRule, sameSettings } from '../config/index.ts';
import { printFamilies } from '../exposition/index.ts';
import { compileRegex, labelsToRecord, type Regex } from '../model/index.ts';
import type { StoreStats } from '../storage/index.ts';
import { alertmanagerOf } from './alertmanager.ts';
import { snapshotTaker } from './backup/take.ts';
import { groupViews, routeSteps, suppressionOf } from './dispatch-views.ts';
import { flagsOf } from './flags.ts';
import { allReceivers } from './heartbeat.ts';
import type { SystemPorts } from './ports.ts';
import { rateLimited } from './rate-limit.ts';
import { externalUrlOf, routeOf } from './settings.ts';
import type { System } from './system.ts';
import { VERSION } from './version.ts';
import { blockView, receiverViews, remoteWriteView, ruleGroupView } from './views.ts';
import { inForceAfter } from './web.ts';

/** Grafana reads the version to know what it may ask for: Prometheus 3's API is what we answer. */
const PROMETHEUS_VERSION = '3.0.0';

export interface ListenAt {
  readonly host: string;
  readonly port: number;
}

/** Listens. Beyond loopback only where credentials or client certificates are configured. */
export async function serve(
  ports: SystemPorts,
  system: System,
  at: ListenAt,
): Promise<Result<HttpListener, string>> {
  let web = system.config().web;
  const open = whyOpen(web, at);
  if (open !== undefined) return err(open);
  let access = accessOf(web, at);
  const api = createApi(depsOf(ports, system, at), () => access);
  const handler = rateLimited(
    withHeaders(api, () => web.headers),
    ports.clock,
    () => web.rateLimit,
  );
  const tls = web.tls === undefined ? {} : { tls: tlsOf(web.tls) };
  const listener = await ports.httpServer.listen({ ...at, ...tls }, handler);
  if (!listener.ok) return err(`Cannot listen on ${at.host}:${at.port}: ${listener.error.message}`);
  system.onReload(config => {
    const next = inForceAfter(web, config.web);
    const refused = whyOpen(next, at);
    if (refused !== undefined) return err(refused);
    const isSame = next.tls === undefined || sameSettings(next.tls, web.tls);
    const prepared =
      isSame || next.tls === undefined ? undefined : listener.value.prepareTls(tlsOf(next.tls));
    if (prepared?.ok === false) return err(prepared.error.message);
    return ok(() => {
      prepared?.value();
      // One that stays as it was goes on as it is: what it has counted is not forgotten.
      const rateLimit = sameSettings(next.rateLimit, web.rateLimit) ? web.rateLimit : next.rateLimit;
      const { rateLimit: _, ...rest } = next;
      web = { ...rest, ...(rateLimit === undefined ? {} : { rateLimit }) };
      access = accessOf(web, at);
    });
  });
  return ok(listener.value);
}

/** Why not to serve so: anybody could do anything. */
function whyOpen(web: Config['web'], at: ListenAt): string | undefined {
  if (isGuarded(web) || isLoopbackHost(at.host)) return undefined;
  return `Cannot listen on ${at.host}:${at.port}: beyond loopback credentials are needed (set web.users or web.tokens, or listen on 127.0.0.1)`;
}

function tlsOf(tls: NonNullable<Config['web']['tls']>): ServerTls {
  return { ...tls, key: tls.key.reveal() };
}

/** Who sets a header means it: it goes before one of ours, such as the page's content policy. */
function withHeaders(handler: ServerHandler, headersNow: () => Config['web']['headers']): ServerHandler {
  return async request => {
    const answer = await handler(request);
    return { ...answer, headers: { ...answer.headers, ...headersNow() } };
  };
}

function accessOf(web: Config['web'], at: ListenAt): AccessSettings {
  return {
    users: web.users.map(user => ({
      name: user.name,
      passwordHash: user.passwordHash.reveal(),
      roles: user.roles,
    })),
    tokens: web.tokens.map(token => ({
      name: token.name,
      tokenHash: token.tokenHash?.reveal() ?? hashToken(token.token?.reveal() ?? ''),
      roles: token.roles,
    })),
    certificates: provesClients(web.tls),
    listenHost: at.host,
    hostNames: hostNamesOf(web),
    routePrefix: web.routePrefix,
    corsOrigin: corsOriginOf(web),
  };
}

/** The name in the external URL is one by which the page is reached. */
function hostNamesOf({ hostNames, externalUrl }: Config['web']): readonly string[] {
  return externalUrl === undefined ? hostNames : [...hostNames, new URL(externalUrl).hostname];
}

function corsOriginOf({ corsOrigin }: Config['web']): Regex | undefined {
  if (corsOrigin === undefined) return undefined;
  // Configuration has compiled the same expression.
  return expectOk(compileRegex(corsOrigin));
}

function depsOf(ports: SystemPorts, system: System, at: ListenAt): ApiDeps {
  const { clock } = ports;
  const config = system.config();
  const { store, state, query, rules, notifier, recovery, targets, push } = system;
  const admin = storageAdmin(ports, system);
  return {
    clock,
    query,
    turns: system.turns,
    queryActivity: () => query.activity(),
    reader: store,
    exemplars: store,
    state,
    effects: system.effects,
    buildInfo: {
      version: PROMETHEUS_VERSION,
      revision: `watchkeeper-${VERSION}`,
      branch: '',
      buildUser: '',
      buildDate: '',
      goVersion: `node ${ports.ownFacts.nodeVersion}`,
    },
    targets: () => targets.statuses(),
    droppedTargetCounts: () => Object.fromEntries(system.droppedCounts()),
    host: () => ({
      hostname: ports.hostFacts.hostname(),
      folder: system.dataFolder,
      processors: ports.hostFacts.cpus().length,
    }),
    metrics: system.metrics,
    externalLabels: () => system.config().global.externalLabels,
    droppedTargets: () =>
      system.droppedTargets().map(({ discoveredLabels, job }) => ({
        discoveredLabels: labelsToRecord(discoveredLabels),
        scrapePool: job,
      })),
    scrapePools: () => [
      ...system.config().scrapeJobs.map(({ jobName }) => jobName),
      ...targets.statuses().map(({ job }) => job),
    ],
    targetMetadata: id => targets.metadataOf(id),
    relabelRules: job => relabelRulesOf(system, job),
    ruleGroups: () => rules.status().map(ruleGroupView),
    alertmanagers: () => {
      const { active, dropped } = system.relay.status();
      return { active: active.map(({ url }) => url), dropped };
    },
    alerts: () => rules.alerts(),
    postedAlerts: () => system.dispatcher.postedAlerts(),
    suppression: fingerprint => suppressionOf(system.dispatcher.alertStatus(fingerprint)),
    routeSteps: labels => routeSteps(routeOf(system.config()), labels),
    groups: () => groupViews(system.dispatcher.groupStatuses(), system.dispatcher.alertStatuses()),
    runs: () => recovery.runs(),
    receivers: () => receiverViews(allReceivers(system.config()), notifier.health()),
    remoteWrites: () => system.remote.status().map(remoteWriteView),
    testReceiver: async name => {
      const answers = await notifier.testReceiver(name);
      if (answers.length === 0) return err(`Cannot test receiver "${name}": it has no way out that works`);
      const words = answers.map(({ destination, outcome }) =>
        outcome.kind === 'sent'
          ? `${destination}: ${outcome.answer}`
          : `${destination}: ${outcome.kind === 'would_have' ? 'shadow mode' : `${outcome.reason}: ${outcome.detail}`}`,
      );
      return answers.every(({ outcome }) => outcome.kind === 'sent')
        ? ok(words.join('; '))
        : err(words.join('; '));
    },
    alertmanager: alertmanagerOf(ports, system),
    seriesCounts: limit => store.counts(limit),
    configYaml: () => system.configShown(),
    flags: () =>
      flagsOf(system, {
        config,
        listening: `${at.host}:${at.port}`,
        externalUrl: externalUrlOf(system.config(), ports.hostFacts.hostname()),
      }),
    walReplay: () => {
      const { first, last } = store.stats().replayed;
      // The store is open: all of it has been read.
      return { min: first, max: last, current: last };
    },
    blocks: () => store.stats().blocks.map(blockView),
    admin: () => (system.config().web.adminApi ? admin : undefined),
    push: request => push.remoteWrite(request),
    status: () => ({
      version: VERSION,
      startedAtMs: system.startedAtMs,
      nowMs: clock.nowMs(),
      effects: system.effects,
      configVersion: system.configVersion(),
      configFiles: system.configFiles(),
      lastReload: system.lastReload(),
      storage: storageStatus(system),
    }),
    ready: () => system.isReady(),
    reload: () => system.reload(),
    ownFamilies: () => system.ownFamilies(),
    metricsPage: () => printFamilies(system.ownFamilies()),
    hostPage: () => printFamilies(system.host?.latest() ?? []),
    asset: path => ports.asset(path),
  };
}

function storageAdmin({ disk, clock }: SystemPorts, system: System): StorageAdmin {
  const { store, state, configShown, dataFolder } = system;
  const nowMs = (): number => clock.nowMs();
  const folder = `${dataFolder}/snapshots`;
  return {
    deleteSeries: (matchers, range) => store.deleteSeries(matchers, range),
    cleanTombstones: () => store.cleanTombstones(),
    snapshot: snapshotTaker({ disk, store, state, configShown, nowMs, folder }),
    compact: () => store.compactNow(),
  };
}

/** What the process collects of itself has a scrape pool without rules. */
function relabelRulesOf(system: System, job: string): readonly RelabelRule[] | undefined {
  const configured = system.config().scrapeJobs.find(({ jobName }) => jobName === job);
  if (configured !== undefined) return configured.relabelRules;
  return system.targets.statuses().some(target => target.job === job) ? [] : undefined;
}

/** The oldest sample that waits says since when; without one, the newest that there is. */
function pausedSince({ paused, backlogFromMs, newestMs }: StoreStats): number | null {
  if (!paused) return null;
  return Number.isFinite(backlogFromMs) ? backlogFromMs : Math.max(newestMs, 0);
}

function storageStatus(system: System) {
  const stats = system.store.stats();
  return {
    series: stats.series,
    paused: stats.paused,
    pausedSinceMs: pausedSince(stats),
    maxAgeMs: system.retentionMs,
    bytesOnDisk: stats.chunkBytes + stats.walBytes + stats.blockBytes,
    blocks: stats.blocks.length,
    quarantined: stats.quarantined,
    unreadable: stats.unreadable,
  };
}
