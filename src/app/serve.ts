// The system behind its HTTP API.

import {
  type AccessSettings,
  type ApiDeps,
  createApi,
  hashToken,
  isLoopbackHost,
  type StorageAdmin,
} from '../api/index.ts';
import { err, type HttpListener, ok, type Result } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import { printFamilies } from '../exposition/index.ts';
import { labelsToRecord } from '../model/index.ts';
import type { SystemPorts } from './ports.ts';
import type { System } from './system.ts';
import { VERSION } from './version.ts';
import { receiverViews, ruleGroupView } from './views.ts';

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
  const { web } = system.config();
  const guarded = web.users.length > 0 || web.tokens.length > 0 || web.tls?.clientCa !== undefined;
  if (!guarded && !isLoopbackHost(at.host)) {
    return err(
      `Cannot listen on ${at.host}:${at.port}: beyond loopback credentials are needed (set web.users or web.tokens, or listen on 127.0.0.1)`,
    );
  }
  const handler = createApi(depsOf(ports, system), accessOf(system.config(), at));
  const { tls } = web;
  const listener = await ports.httpServer.listen(
    {
      ...at,
      ...(tls === undefined
        ? {}
        : {
            tls: {
              cert: tls.cert,
              key: tls.key.reveal(),
              ...(tls.clientCa === undefined ? {} : { clientCa: tls.clientCa }),
            },
          }),
    },
    handler,
  );
  if (listener.ok) return ok(listener.value);
  return err(`Cannot listen on ${at.host}:${at.port}: ${listener.error.message}`);
}

function accessOf(config: Config, at: ListenAt): AccessSettings {
  return {
    users: config.web.users.map(user => ({
      name: user.name,
      passwordHash: user.passwordHash.reveal(),
      roles: user.roles,
    })),
    tokens: config.web.tokens.map(token => ({
      name: token.name,
      tokenHash: token.tokenHash?.reveal() ?? hashToken(token.token?.reveal() ?? ''),
      roles: token.roles,
    })),
    certificates: config.web.tls?.clientCa !== undefined,
    listenHost: at.host,
    hostNames: config.web.hostNames,
  };
}

function depsOf(ports: SystemPorts, system: System): ApiDeps {
  const { clock } = ports;
  const { store, state, query, rules, notifier, recovery, targets, push } = system;
  return {
    clock,
    query,
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
    ruleGroups: () => rules.status().map(ruleGroupView),
    alerts: () => rules.alerts(),
    runs: () => recovery.runs(),
    receivers: () => receiverViews(system.config().receivers, notifier.health()),
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
    seriesCounts: limit => store.counts(limit),
    admin: () => (system.config().web.adminApi ? storageAdmin(system) : undefined),
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
    metricsPage: () => printFamilies(system.ownFamilies()),
    hostPage: () => printFamilies(system.host?.latest() ?? []),
    asset: path => ports.asset(path),
  };
}

function storageAdmin({ store, dataFolder }: System): StorageAdmin {
  return {
    deleteSeries: (matchers, range) => store.deleteSeries(matchers, range),
    cleanTombstones: () => store.cleanTombstones(),
    snapshot: wanted => store.snapshot(`${dataFolder}/snapshots`, wanted),
    compact: () => store.compactNow(),
  };
}

function storageStatus(system: System) {
  const stats = system.store.stats();
  return {
    series: stats.series,
    paused: stats.paused,
    maxAgeMs: system.retentionMs,
    bytesOnDisk: stats.chunkBytes + stats.walBytes + stats.blockBytes,
    blocks: stats.blocks.length,
    quarantined: stats.quarantined,
    unreadable: stats.unreadable,
  };
}
