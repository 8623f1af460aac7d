// An API on fakes, for tests: who may ask, what is known, and a way to ask.

import { hashSync } from 'bcryptjs';
import { FakeClock } from '../../../test/support/clock.ts';
import { MemorySeriesStore } from '../../../test/support/memory-series.ts';
import { MemoryState } from '../../../test/support/state.ts';
import { ok, type ServerRequest, type ServerResponse, Turns } from '../../base/index.ts';
import { RELABEL_DEFAULTS, type RelabelRule } from '../../exposition/index.ts';
import {
  type Alert,
  fingerprint,
  labelsFrom,
  MetricRegistry,
  type TargetStatus,
  targetId,
} from '../../model/index.ts';
import { createQueryEngine, type QuerySettings } from '../../promql/index.ts';
import { hashPassword, hashToken } from '../access.ts';
import { type FakeAlertmanager, fakeAlertmanager } from '../alertmanager/testdata/fake.ts';
import type { RouteStepJson } from '../contract-explain.ts';
import type { AccessSettings, ApiDeps, RuleGroupView, StorageAdmin } from '../deps.ts';
import { createApi } from '../handler.ts';

export const SALT = Buffer.from('0123456789abcdef', 'hex');
export const OPEN: AccessSettings = {
  users: [],
  tokens: [],
  certificates: false,
  listenHost: '127.0.0.1',
  hostNames: ['watch.example.org'],
  routePrefix: '',
  corsOrigin: undefined,
};
export const GUARDED: AccessSettings = {
  ...OPEN,
  listenHost: '0.0.0.0',
  users: [
    { name: 'ann', passwordHash: hashPassword('correct horse', SALT), roles: ['admin'] },
    { name: 'bob', passwordHash: hashSync('battery staple', 4), roles: ['viewer'] },
  ],
  tokens: [{ name: 'script', tokenHash: hashToken('t0ken'), roles: ['operator'] }],
};

export const NAMES = labelsFrom({ alertname: 'Trouble', job: 'page' });
export const ALERT: Alert = {
  labels: NAMES,
  fingerprint: fingerprint(NAMES),
  annotations: labelsFrom({ summary: 'it is bad' }),
  state: 'firing',
  activeAtMs: 1000,
  firedAtMs: 2000,
  reason: 'the condition holds',
  value: 0.25,
  rule: { file: 'a.yml', group: 'g', name: 'Trouble', labelsKey: '' },
  expr: 'up == 0',
  generatorUrl: '',
};
export const TARGET: TargetStatus = {
  id: targetId('page/1'),
  job: 'page',
  url: 'http://127.0.0.1:1/metrics',
  labels: labelsFrom({ job: 'page', instance: '127.0.0.1:1' }),
  discoveredLabels: labelsFrom({ __address__: '127.0.0.1:1' }),
  health: 'down',
  lastError: 'refused',
  lastScrapeMs: 0,
  lastDurationMs: 12,
  lastSamples: 0,
  intervalMs: 15_000,
  timeoutMs: 10_000,
};

/** A target of the job "prometheus", which Prometheus's own description asks for. */
export const PEER: TargetStatus = {
  ...TARGET,
  id: targetId('prometheus/1'),
  job: 'prometheus',
  labels: labelsFrom({ job: 'prometheus', instance: 'localhost:9090' }),
  health: 'up',
};
const RELABEL: readonly RelabelRule[] = [
  { ...RELABEL_DEFAULTS, sourceLabels: ['__address__'], targetLabel: 'instance' },
  { ...RELABEL_DEFAULTS, action: 'drop', sourceLabels: ['instance'], regex: 'dropped.*' },
  { ...RELABEL_DEFAULTS, action: 'labeldrop', regex: 'secret' },
];

export interface Bench {
  readonly clock: FakeClock;
  readonly state: MemoryState;
  readonly store: MemorySeriesStore;
  readonly deps: ApiDeps;
  ready: boolean;
  problems: readonly string[];
  alerts: readonly Alert[];
  postedAlerts: readonly Alert[];
  routeSteps: readonly RouteStepJson[];
  ruleGroups: readonly RuleGroupView[];
  /** Why the last reload was refused; none where it was not. */
  reloadProblems: readonly string[];
  /** Since when nothing can be written. */
  pausedSinceMs: number | null;
  readonly metrics: MetricRegistry;
  readonly alertmanager: FakeAlertmanager;
  admin: StorageAdmin | undefined;
  ask(request: Partial<ServerRequest>): Promise<ServerResponse>;
}

export async function bench(
  settings: AccessSettings = OPEN,
  limits: Partial<QuerySettings> = {},
): Promise<Bench> {
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const state = new MemoryState();
  const store = new MemorySeriesStore(() => clock.nowMs());
  await fill(store, clock);
  const metrics = new MetricRegistry();
  const own = {
    metrics,
    alertmanager: fakeAlertmanager(() => clock.nowMs()),
    ruleGroups: [] as readonly RuleGroupView[],
    reloadProblems: [] as readonly string[],
    pausedSinceMs: null as number | null,
    ready: true,
    problems: [] as readonly string[],
    alerts: [ALERT] as readonly Alert[],
    postedAlerts: [] as readonly Alert[],
    routeSteps: [] as readonly RouteStepJson[],
    admin: undefined as StorageAdmin | undefined,
  };
  const turns = new Turns(clock);
  const query = createQueryEngine({ reader: store, clock, turns, settings: limits });
  const deps: ApiDeps = {
    clock,
    query,
    turns,
    queryActivity: () => query.activity(),
    remoteWrites: () => [],
    reader: store,
    exemplars: store,
    state,
    effects: 'live',
    metrics: own.metrics,
    buildInfo: { version: '3.0.0', revision: '', branch: '', buildUser: '', buildDate: '', goVersion: '' },
    host: () => ({ hostname: 'here', folder: 'data', processors: 2 }),
    externalLabels: () => labelsFrom({ region: 'eu' }),
    targets: () => [TARGET, { ...TARGET, job: 'other' }, PEER],
    scrapePools: () => ['page', 'other', 'page', 'prometheus', 'nobody'],
    targetMetadata: id =>
      id === PEER.id
        ? [
            { metric: 'http_requests_total', type: 'counter', help: 'Requests.', unit: '' },
            { metric: 'up', type: 'gauge', help: 'Health.', unit: '' },
          ]
        : [],
    relabelRules: job => (job === 'prometheus' ? RELABEL : undefined),
    droppedTargetCounts: () => ({ j: 3 }),
    droppedTargets: () => [{ discoveredLabels: { __address__: 'dropped' }, scrapePool: 'j' }],
    ruleGroups: () => own.ruleGroups,
    alertmanagers: () => ({
      active: ['http://am:9093/api/v2/alerts'],
      dropped: ['http://other:9093/api/v2/alerts'],
    }),
    alerts: () => own.alerts,
    postedAlerts: () => own.postedAlerts,
    suppression: () => ({ silencedBy: [], inhibitedBy: [], mutedBy: [] }),
    routeSteps: () => own.routeSteps,
    groups: () => [],
    runs: () => [],
    receivers: () => [
      {
        name: 'team',
        channels: ['email'],
        lastSuccessMs: null,
        lastErrorMs: null,
        lastError: '',
        consecutiveFailures: 0,
      },
    ],
    testReceiver: async name => ok(`${name}: 250 queued`),
    status: () => ({
      version: '1',
      startedAtMs: clock.nowMs(),
      nowMs: clock.nowMs(),
      effects: 'live',
      configVersion: '1',
      configFiles: ['stock'],
      lastReload: { atMs: 1000, ok: own.reloadProblems.length === 0, problems: own.reloadProblems },
      storage: {
        series: 3,
        paused: own.pausedSinceMs !== null,
        pausedSinceMs: own.pausedSinceMs,
        maxAgeMs: 86_400_000,
        bytesOnDisk: 0,
        blocks: 0,
        quarantined: [],
        unreadable: [],
      },
    }),
    alertmanager: own.alertmanager,
    seriesCounts: async limit => ({
      series: 3,
      labelPairs: 5,
      chunks: 4,
      minMs: Number.POSITIVE_INFINITY,
      maxMs: 2000,
      seriesByMetric: [{ name: 'up', value: limit }],
      valuesByLabel: [{ name: 'job', value: 2 }],
      bytesByLabel: [{ name: 'job', value: 9 }],
      seriesByPair: [{ name: 'job=j', value: 3 }],
    }),
    configYaml: () => 'global:\n  scrape_interval: 1m\n',
    flags: () => ({ 'query.timeout': '2m' }),
    walReplay: () => ({ min: 3, max: 5, current: 5 }),
    blocks: () => [
      {
        ulid: 'block-00000001',
        minTime: 0,
        maxTime: 7_200_000,
        stats: { numSamples: 10, numSeries: 2, numTombstones: 0 },
        compaction: { level: 1, sources: ['block-00000001'] },
        version: 1,
      },
    ],
    admin: () => own.admin,
    push: async request => ({
      status: 400,
      headers: { 'x-of': request.headers['x-of'] ?? '' },
      text: 'no good',
    }),
    ready: () => own.ready,
    reload: async () => ({ ok: own.problems.length === 0, problems: own.problems }),
    ownFamilies: () => metrics.families(),
    metricsPage: () => 'own 1\n',
    hostPage: () => 'host 1\n',
    asset: async path =>
      ['/index.html', '/assets/a.js'].includes(path)
        ? { type: 'text/x', bytes: Buffer.from(path) }
        : undefined,
  };
  const handler = createApi(deps, () => settings);
  const ask: Bench['ask'] = request =>
    handler({
      method: 'GET',
      path: '/',
      query: '',
      headers: {},
      remoteAddress: '127.0.0.1',
      signal: new AbortController().signal,
      body: async () => ok(new Uint8Array()),
      rawBody: async () => ok(new Uint8Array()),
      ...request,
    });
  return Object.assign(own, { clock, state, store, deps, ask });
}

/** m = 1 at the start and 2 half a minute later. */
export async function fill(store: MemorySeriesStore, clock: FakeClock): Promise<void> {
  const ref = store.intern(labelsFrom({ __name__: 'm', job: 'page' }));
  if (!ref.ok) throw new Error(ref.error);
  for (const [i, value] of [1, 2].entries()) {
    await store.append({
      producer: targetId('page/1'),
      timestampMs: clock.nowMs() - 30_000 + i * 30_000,
      series: Uint32Array.of(ref.value),
      values: Float64Array.of(value),
    });
  }
}

export const textOf = (response: ServerResponse): string =>
  response.body instanceof Uint8Array ? Buffer.from(response.body).toString() : String(response.body);
/** Of a stream, too. */
export async function readAll({ body }: ServerResponse): Promise<string> {
  if (typeof body === 'string' || body instanceof Uint8Array) return Buffer.from(body).toString();
  let text = '';
  for await (const chunk of body) text += Buffer.from(chunk).toString();
  return text;
}

/** A request by POST with a form as its body. */
export function formOf(form: string): Partial<ServerRequest> {
  const bytes = ok(Buffer.from(form));
  return {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: async () => bytes,
    rawBody: async () => bytes,
  };
}

export const jsonOf = (response: ServerResponse): unknown => JSON.parse(textOf(response));
export const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
