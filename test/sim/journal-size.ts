// 10,000 alerts that one other inhibits, over a simulated day, with the real database: what the journal grows by.

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { buildRoute, createDispatcher, type Dispatcher, HOLD_MS_DEFAULT } from '../../src/alerting/index.ts';
import {
  type Alert,
  fingerprint,
  labelsFrom,
  labelsToRecord,
  MetricRegistry,
  NO_LABELS,
} from '../../src/model/index.ts';
import { openStateInPlace } from '../../src/state/index.ts';
import { FakeClock } from '../support/clock.ts';
import { CollectingLog } from '../support/log.ts';
import { seededRandom } from '../support/random.ts';

const DAY_MS = 86_400_000;

export interface JournalSize {
  readonly events: number;
  readonly repeats: number;
  readonly bytes: number;
  readonly flushes: number;
}

/** `groupBy`: "alertname" puts all into one group, "instance" each into its own. */
export async function inhibitedDay(settings: {
  readonly alerts: number;
  readonly groupBy: 'alertname' | 'instance';
  readonly hours: number;
}): Promise<JournalSize> {
  const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-journal-'));
  const path = join(folder, 'state.db');
  try {
    const flushes = await run(path, settings);
    const opened = await openStateInPlace({ path, clock: new FakeClock() });
    if (!opened.ok) throw new Error(opened.error.message);
    const events = await opened.value.journal({ limit: 1_000_000, newestFirst: false });
    await opened.value.close();
    if (!events.ok) throw new Error(events.error.message);
    const repeats = events.value.reduce((sum, event) => sum + event.repeats, 0);
    return { events: events.value.length, repeats, bytes: sizeOf(path), flushes };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** With what still stands in its write-ahead log moved into it. */
function sizeOf(path: string): number {
  const database = new Libsql(path);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
  return statSync(path).size;
}

async function run(path: string, settings: Parameters<typeof inhibitedDay>[0]): Promise<number> {
  const clock = new FakeClock();
  const opened = await openStateInPlace({ path, clock });
  if (!opened.ok) throw new Error(opened.error.message);
  const state = opened.value;
  const route = buildRoute({
    receiver: 'ops',
    groupBy: [settings.groupBy],
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
  });
  if (!route.ok) throw new Error(route.error);
  const dispatcher: Dispatcher = createDispatcher({
    clock,
    random: seededRandom(1),
    state,
    log: new CollectingLog(),
    metrics: new MetricRegistry(),
    effects: 'live',
    config: {
      route: route.value,
      receivers: new Map([['ops', [{ key: 'ops', sendResolved: true }]]]),
      externalUrl: 'http://watchkeeper.test',
      configVersion: '0123456789abcdef',
      holdMsMax: HOLD_MS_DEFAULT,
      inhibitRules: [
        {
          sources: [{ matchers: [{ name: 'alertname', op: '=', value: 'SiteDown' }], equal: ['site'] }],
          targets: [{ name: 'alertname', op: '=', value: 'Down' }],
        },
      ],
      timeIntervals: [],
      resolveTimeoutMs: 300_000,
      limits: { alertsPerNameMax: 0, silencesMax: 0, silenceBytesMax: 0 },
    },
    notify: job => {
      const outcome = { kind: 'sent', answer: 'ok' } as const;
      const atMs = clock.nowMs();
      queueMicrotask(() => dispatcher.report({ job, outcome, attempts: 1, deliveredBy: job.receiver, atMs }));
    },
    recover: () => {},
  });
  await dispatcher.start();
  const nowMs = clock.nowMs();
  const alerts = [
    alertOf({ alertname: 'SiteDown', site: 'a' }, nowMs),
    ...Array.from({ length: settings.alerts }, (_, i) =>
      alertOf(
        {
          alertname: 'Down',
          site: 'a',
          job: 'node',
          instance: `host-${i}.example.org:9100`,
          severity: 'page',
        },
        nowMs,
      ),
    ),
  ];
  // As the rules journal them when they begin to fire.
  const begun = alerts.map(alert => ({
    kind: 'journal' as const,
    event: {
      atMs: nowMs,
      stage: 'rule' as const,
      subject: { kind: 'alert' as const, fingerprint: alert.fingerprint },
      alerts: [alert.fingerprint],
      verdict: 'firing',
      reason: 'the condition holds',
      evidence: {
        labels: labelsToRecord(alert.labels),
        value: 0,
        expr: alert.expr,
        file: 'rules.yml',
        group: 'g',
        activeAtMs: alert.activeAtMs,
        producer: `node/${alert.fingerprint}`,
      },
      effects: 'live' as const,
      configVersion: '0123456789abcdef',
    },
  }));
  // A grouped commit would wait for a clock that nobody moves yet.
  await state.commit(begun, 'synced');
  dispatcher.rulesSettled();
  dispatcher.alerts({ atMs: nowMs, alerts, validUntilMs: nowMs + 2 * DAY_MS });
  await clock.advance(settings.hours * 3_600_000);
  // What was decided in the last moment is written some milliseconds later.
  await clock.advance(1000);
  await dispatcher.stop();
  const flushes = dispatcher.groupStatuses().filter(group => group.lastFlushMs > 0).length;
  await state.close();
  return flushes;
}

function alertOf(labels: Readonly<Record<string, string>>, nowMs: number): Alert {
  const set = labelsFrom(labels);
  return {
    labels: set,
    fingerprint: fingerprint(set),
    annotations: labelsFrom({ summary: 'it is down' }),
    state: 'firing',
    activeAtMs: nowMs,
    firedAtMs: nowMs,
    reason: 'the condition holds',
    value: 0,
    rule: { file: 'rules.yml', group: 'g', name: labels['alertname'] ?? '', labelsKey: '' },
    expr: 'up == 0',
    generatorUrl: 'http://watchkeeper.test/graph',
  };
}
