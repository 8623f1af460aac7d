// The runner over a real engine, a memory store and a fake clock: schedule, state over restarts, reloads, failures.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { MemoryState } from '../../test/support/state.ts';
import { err, type Log, sleep } from '../base/index.ts';
import {
  type AlertUpdate,
  isStaleAt,
  labelsFrom,
  METRIC_NAME,
  MetricRegistry,
  type Query,
  type StateStore,
  type TargetDirectory,
  targetId,
  wordsOf,
} from '../model/index.ts';
import { createQueryEngine } from '../promql/index.ts';
import { type ReadRulesOptions, readRules } from './reader.ts';
import type { RuleFile } from './rule.ts';
import { createRuleRunner, type RuleRunner, type RuleSettings } from './runner.ts';
import { groupOffsetMs } from './schedule.ts';
import { MemoryStore } from './testing/memory-store.ts';

const SETTINGS: RuleSettings = {
  defaultIntervalMs: 60_000,
  defaultQueryOffsetMs: 0,
  resendDelayMs: 60_000,
  forPolicy: { outageToleranceMs: 3_600_000, gracePeriodMs: 0 },
  concurrencyMax: 4,
  queryTimeoutMs: 10_000,
  externalLabels: labelsFrom({ cluster: 'c1' }),
  externalUrl: 'http://localhost:9390',
  unknowable: 'resolved',
  effects: 'live',
  configVersion: 'v1',
};

const LOG: Log = { log: () => {} };

function rules(groups: string, options: Partial<ReadRulesOptions> = {}): RuleFile {
  const { prepare } = createQueryEngine({ reader: new MemoryStore(), clock: new FakeClock() });
  const read = readRules(`groups:\n${groups}`, { file: 'r.yml', prepare, ...options });
  if (read.file === undefined) throw new Error(JSON.stringify(read.diagnostics));
  return read.file;
}

const HIGH = `
- name: g
  rules:
  - alert: High
    expr: load > 5
    for: 2m
    labels: { severity: page, who: '{{ $labels.team }}' }
    annotations: { summary: '{{ $labels.host }} at {{ $value }} in {{ $externalLabels.cluster }}' }`;

interface World {
  readonly clock: FakeClock;
  readonly store: MemoryStore;
  readonly state: MemoryState;
  readonly updates: AlertUpdate[];
  readonly metrics: MetricRegistry;
  readonly runner: RuleRunner;
  sample(name: string, labels: Record<string, string>, value: number): Promise<void>;
  /** The last update's alerts as "name state". */
  last(): readonly string[];
}

function world(from: Partial<Pick<World, 'clock' | 'store' | 'state'>> & WorldOptions = {}): World {
  const clock = from.clock ?? new FakeClock();
  const store = from.store ?? new MemoryStore();
  const state = from.state ?? new MemoryState();
  const updates: AlertUpdate[] = [];
  const metrics = new MetricRegistry();
  const runner = createRuleRunner({
    clock,
    log: LOG,
    metrics,
    query: delayed(createQueryEngine({ reader: store, clock }), clock, from.answerAfterMs ?? 0),
    writer: store,
    state: from.stateStore ?? state,
    sink: update => {
      updates.push(update);
      from.onUpdate?.(update);
    },
    ...(from.targets === undefined ? {} : { targets: from.targets }),
  });
  return {
    clock,
    store,
    state,
    updates,
    metrics,
    runner,
    async sample(name, labels, value) {
      const ref = store.intern(labelsFrom({ ...labels, [METRIC_NAME]: name }));
      if (!ref.ok) throw new Error(ref.error);
      await store.append({
        producer: targetId('job/x'),
        timestampMs: clock.nowMs(),
        series: Uint32Array.of(ref.value),
        values: Float64Array.of(value),
      });
    },
    last: () => (updates.at(-1)?.alerts ?? []).map(alert => `${alert.rule.name} ${alert.state}`),
  };
}

interface Restart {
  readonly before: readonly (number | undefined)[];
  readonly downMinutes: number;
  readonly settings?: RuleSettings;
}

/** Answers come late by the clock. */
function delayed(engine: Query, clock: FakeClock, afterMs: number): Query {
  if (afterMs === 0) return engine;
  return {
    prepare: engine.prepare,
    execute: async (plan, times, options, signal) => {
      await sleep(clock, afterMs, signal);
      return engine.execute(plan, times, options, signal);
    },
  };
}

interface WorldOptions {
  readonly answerAfterMs?: number;
  readonly stateStore?: StateStore;
  readonly targets?: TargetDirectory;
  readonly onUpdate?: (update: AlertUpdate) => void;
}

const labels = { host: 'h', team: 'ops' };

/** One minute after the other with a sample in each. */
async function minutes(w: World, values: readonly (number | undefined)[]): Promise<void> {
  for (const value of values) {
    if (value !== undefined) await w.sample('load', labels, value);
    await w.clock.advance(60_000);
  }
}

async function journal(w: World): Promise<readonly string[]> {
  const read = await w.state.journal({ limit: 100, newestFirst: false });
  return read.ok ? read.value.map(event => `${event.verdict}: ${event.reason}`) : [];
}

describe('the rule runner', () => {
  it('fires after `for`, with labels and annotations expanded, and resolves', async () => {
    const w = world();
    await w.runner.load([rules(HIGH)], SETTINGS);
    await minutes(w, [9, 9]);
    expect(w.last()).toEqual([]);
    expect(w.runner.alerts().map(alert => alert.state)).toEqual(['pending']);
    await minutes(w, [9]);
    const [alert] = w.updates.at(-1)?.alerts ?? [];
    expect(alert?.state).toBe('firing');
    expect(alert?.labels).toEqual(
      labelsFrom({ alertname: 'High', host: 'h', severity: 'page', team: 'ops', who: 'ops' }),
    );
    expect(alert?.annotations).toEqual(labelsFrom({ summary: 'h at 9 in c1' }));
    expect(alert?.generatorUrl).toBe('http://localhost:9390/graph?g0.expr=load+%3E+5&g0.tab=1');
    await minutes(w, [1]);
    expect(w.last()).toEqual(['High resolved']);
    expect(await journal(w)).toEqual([
      'pending: the condition holds',
      'firing: the condition holds',
      'resolved: no longer in the answer',
    ]);
    await w.runner.stop();
  });

  it('commits a change before the sink hears of it', async () => {
    const state = new MemoryState();
    let committed = 0;
    const order: string[] = [];
    const stateStore: StateStore = Object.create(state, {
      commit: {
        value: async (...args: Parameters<StateStore['commit']>) => {
          const result = await state.commit(...args);
          if (args[0].some(write => write.kind === 'rule_alerts')) order.push(`commit ${++committed}`);
          return result;
        },
      },
      ruleAlerts: { value: () => state.ruleAlerts() },
      setting: { value: (key: string) => state.setting(key) },
    });
    const onUpdate = (update: AlertUpdate): void => {
      order.push(update.alerts.map(alert => alert.state).join() || 'nothing');
    };
    const w = world({ state, stateStore, onUpdate });
    await w.runner.load([rules(HIGH)], SETTINGS);
    await minutes(w, [9, 9, 9, 1]);
    expect(order).toEqual(['commit 1', 'nothing', 'nothing', 'commit 2', 'firing', 'commit 3', 'resolved']);
    await w.runner.stop();
  });

  /** A process ends after these minutes, and another one begins so many minutes later. */
  async function restarted(
    group: string,
    { before, downMinutes, settings = SETTINGS }: Restart,
  ): Promise<World> {
    const first = world();
    await first.runner.load([rules(group)], settings);
    await minutes(first, before);
    await first.runner.stop();
    const { clock, store, state } = first;
    clock.jump(downMinutes * 60_000);
    const second = world({ clock, store, state });
    await second.runner.load([rules(group)], settings);
    return second;
  }

  it('goes on counting `for` after a restart, without the time down', async () => {
    const w = await restarted(HIGH.replace('for: 2m', 'for: 3m'), { before: [9, 9], downMinutes: 30 });
    expect(w.runner.alerts().map(alert => alert.state)).toEqual(['pending']);
    // One of three minutes had passed.
    await minutes(w, [9, 9]);
    expect(w.last()).toEqual([]);
    expect((await journal(w)).at(-1)).toBe(
      'pending: the condition holds again after a restart, and the time down does not count',
    );
    await minutes(w, [9]);
    expect(w.last()).toEqual(['High firing']);
    await w.runner.stop();
  });

  it('begins `for` anew after an outage longer than is tolerated', async () => {
    for (const [outageToleranceMs, downMinutes] of [
      [3_600_000, 120],
      [120_000, 3],
    ] as const) {
      const forPolicy = { outageToleranceMs, gracePeriodMs: 0 };
      const w = await restarted(HIGH, { before: [9, 9], downMinutes, settings: { ...SETTINGS, forPolicy } });
      await minutes(w, [9, 9]);
      expect(w.last()).toEqual([]);
      expect((await journal(w)).at(-1)).toBe(
        'pending: the condition holds again after a restart, and `for` begins anew',
      );
      await minutes(w, [9]);
      expect(w.last()).toEqual(['High firing']);
      await w.runner.stop();
    }
  });

  it('begins a `for` anew that is shorter than the grace period, and keeps what fired', async () => {
    const settings = { ...SETTINGS, forPolicy: { outageToleranceMs: 3_600_000, gracePeriodMs: 600_000 } };
    const pending = await restarted(HIGH, { before: [9, 9], downMinutes: 1, settings });
    await minutes(pending, [9, 9]);
    expect(pending.last()).toEqual([]);
    await minutes(pending, [9]);
    expect(pending.last()).toEqual(['High firing']);
    await pending.runner.stop();
    const firing = await restarted(HIGH, { before: [9, 9, 9], downMinutes: 120, settings });
    const startsAt = firing.runner.alerts()[0]?.firedAtMs;
    await minutes(firing, [9]);
    expect(firing.last()).toEqual(['High firing']);
    expect(firing.updates.at(-1)?.alerts[0]?.firedAtMs).toBe(startsAt);
    await firing.runner.stop();
  });

  it('judges what the first evaluation after a restart does not find at the second one', async () => {
    // The sample from before is out of sight, and the next one comes later than the first evaluation.
    const back = await restarted(HIGH, { before: [9, 9, 9], downMinutes: 10 });
    await minutes(back, [undefined]);
    expect(back.last()).toEqual(['High firing']);
    await minutes(back, [9]);
    expect(back.last()).toEqual(['High firing']);
    await back.runner.stop();
    const gone = await restarted(HIGH, { before: [9, 9, 9], downMinutes: 10 });
    await minutes(gone, [undefined, undefined]);
    expect(gone.last()).toEqual(['High resolved']);
    await gone.runner.stop();
  });

  it('counts the time down once, also when the process ends again before the alert is seen', async () => {
    const group = HIGH.replace('for: 2m', 'for: 5m');
    const first = await restarted(group, { before: [9, 9], downMinutes: 20 });
    await minutes(first, [undefined]);
    await first.runner.stop();
    const { clock, store, state } = first;
    clock.jump(20 * 60_000);
    const second = world({ clock, store, state });
    await second.runner.load([rules(group)], SETTINGS);
    await minutes(second, [9, 9, 9, 9]);
    expect(second.last()).toEqual([]);
    await minutes(second, [9]);
    expect(second.last()).toEqual(['High firing']);
    await second.runner.stop();
  });

  it('keeps `for` over a reload that changes the expression, and resolves alerts of a removed rule', async () => {
    const w = world();
    await w.runner.load([rules(HIGH)], SETTINGS);
    await minutes(w, [9, 9]);
    await w.runner.load([rules(HIGH.replace('> 5', '> 6'))], SETTINGS);
    await minutes(w, [9]);
    expect(w.last()).toEqual(['High firing']);
    await w.runner.load([rules('- name: g\n  rules: []')], SETTINGS);
    expect(w.last()).toEqual(['High resolved']);
    expect(w.updates.at(-1)?.alerts[0]?.reason).toBe('its rule was removed');
    const stored = await w.state.ruleAlerts();
    expect(stored.ok && [...stored.value.values()].flat()).toEqual([]);
    await w.runner.stop();
  });

  it('a rule sees what an earlier rule of its group recorded at the same time', async () => {
    const w = world();
    await w.runner.load(
      [
        rules(`
- name: chain
  rules:
  - record: load:double
    expr: load * 2
    labels: { kind: twice }
  - alert: Twice
    expr: load:double > 10`),
      ],
      SETTINGS,
    );
    await minutes(w, [6]);
    expect(w.last()).toEqual(['Twice firing']);
    await w.runner.stop();
  });

  it('writes ALERTS and ALERTS_FOR_STATE, and a stale marker when an alert ends', async () => {
    const w = world();
    await w.runner.load([rules(HIGH)], SETTINGS);
    await minutes(w, [9, 9, 9, 1]);
    const read = await w.store.select([{ name: METRIC_NAME, op: '=~', value: 'ALERTS.*' }], {
      fromMs: 0,
      toMs: Number.MAX_SAFE_INTEGER,
      stepMs: 0,
      rangeMs: 0,
      func: '',
      limit: 0,
    });
    if (!read.ok) throw new Error(read.error.message);
    const shown = read.value.map(series => {
      const words = wordsOf(series.values);
      const values = [...series.values].map((value, i) => (isStaleAt(words, i) ? 'stale' : value));
      const record = Object.fromEntries(
        series.labels.reduce<[string, string][]>((pairs, _, i) => {
          if (i % 2 === 0) pairs.push([series.labels[i] ?? '', series.labels[i + 1] ?? '']);
          return pairs;
        }, []),
      );
      return `${record[METRIC_NAME]} ${record['alertstate'] ?? ''} ${values.length} ${values.at(-1)}`;
    });
    expect(shown.sort()).toEqual([
      'ALERTS firing 2 stale',
      'ALERTS pending 3 stale',
      'ALERTS_FOR_STATE  4 stale',
    ]);
    await w.runner.stop();
  });

  it('looks back by the query offset of the group, else of the configuration: queries of templates do not', async () => {
    const w = world();
    const group = (name: string, more: string): string => `
- name: ${name}
  ${more}
  rules:
  - alert: Load
    expr: load > 0
    labels: { group: ${name} }
    annotations: { now: '{{ query "load" | first | value }}' }`;
    const file = rules(
      group('own', 'query_offset: 2m') + group('global', '') + group('none', 'query_offset: 0s'),
    );
    await w.runner.load([file], { ...SETTINGS, defaultQueryOffsetMs: 60_000 });
    await minutes(w, [1, 2, 3, 4]);
    const shown = w.runner.alerts().map(alert => {
      const { labels, value, annotations } = alert;
      return `${labels.join().replace(/.*group,(\w+).*/, '$1')} ${value} now ${annotations[1]}`;
    });
    expect(shown).toEqual(['own 2 now 4', 'global 3 now 4', 'none 4 now 4']);
    await w.runner.stop();
  });

  it('alerts stand for four resend delays or four intervals, whichever is longer', async () => {
    const w = world();
    await w.runner.load([rules(HIGH.replace('for: 2m', 'for: 0s'))], { ...SETTINGS, resendDelayMs: 300_000 });
    await minutes(w, [9]);
    const update = w.updates.at(-1);
    expect((update?.validUntilMs ?? 0) - (update?.atMs ?? 0)).toBeGreaterThanOrEqual(4 * 300_000);
    await w.runner.stop();
  });

  it('says since when keep_firing_for keeps an alert firing', async () => {
    const w = world();
    const kept = HIGH.replace('for: 2m', 'keep_firing_for: 2m');
    await w.runner.load([rules(kept)], SETTINGS);
    await minutes(w, [9, 1]);
    const since = w.updates.at(-1)?.atMs;
    await minutes(w, [1]);
    expect(w.runner.alerts()).toMatchObject([{ state: 'firing', keptFiringSinceMs: since }]);
    await minutes(w, [9]);
    expect(w.runner.alerts()[0]?.keptFiringSinceMs).toBeUndefined();
    await w.runner.stop();
  });

  it('is unknown while the target is silent, as no-data handling asks', async () => {
    let targetState: 'silent' | 'delivering' = 'delivering';
    const targets: TargetDirectory = { statuses: () => [], stateOf: () => targetState };
    const w = world({ targets });
    await w.runner.load([rules(HIGH.replace('for: 2m', 'for: 0s'), { noData: 'unknown' })], SETTINGS);
    await minutes(w, [9]);
    expect(w.last()).toEqual(['High firing']);
    targetState = 'silent';
    await w.clock.advance(10 * 60_000);
    expect(w.last()).toEqual(['High unknown']);
    targetState = 'delivering';
    await minutes(w, [9]);
    expect(w.last()).toEqual(['High firing']);
    await minutes(w, [1]);
    expect(w.last()).toEqual(['High resolved']);
    expect(w.updates.at(-1)?.alerts[0]?.reason).toBe('the condition no longer holds');
    await w.runner.stop();
  });

  it('fires for a series that is missing, though it did not alert, where the rule says no_data: firing', async () => {
    let targetState: 'silent' | 'delivering' | 'gone' = 'delivering';
    const targets: TargetDirectory = { statuses: () => [], stateOf: () => targetState };
    const group = `${HIGH.replace('for: 2m', 'for: 1m')}\n    no_data: firing`;
    const w = world({ targets });
    await w.runner.load([rules(group)], SETTINGS);
    await minutes(w, [1, 1]);
    expect(w.runner.alerts()).toEqual([]);
    targetState = 'silent';
    // The last sample is out of sight after five minutes.
    await minutes(w, new Array<undefined>(5).fill(undefined));
    expect(w.runner.alerts().map(alert => alert.state)).toEqual(['pending']);
    await minutes(w, [undefined]);
    expect(w.last()).toEqual(['High firing']);
    const lines = await w.state.journal({ limit: 1, newestFirst: true });
    expect(lines.ok && lines.value[0]?.evidence['why']).toEqual({
      code: 'counts',
      of: { code: 'target_silent', params: { target: 'job/x' } },
    });
    expect(w.updates.at(-1)?.alerts[0]).toMatchObject({
      absence: 'target_silent',
      reason: 'its target is silent: job/x, which counts as the condition',
      annotations: labelsFrom({ summary: 'h at 1 in c1' }),
    });
    targetState = 'delivering';
    await minutes(w, [1]);
    expect(w.last()).toEqual(['High resolved']);
    targetState = 'gone';
    await minutes(w, new Array<undefined>(10).fill(undefined));
    expect(w.runner.alerts()).toEqual([]);
    await w.runner.stop();
  });

  it('keeps the error of a rule that fails, counts it, and evaluates the others', async () => {
    const w = world();
    await w.runner.load(
      [
        rules(`
- name: g
  rules:
  - record: bad
    expr: label_replace(load, "host", "same", "host", ".*")
  - record: good
    expr: load`),
      ],
      SETTINGS,
    );
    await w.sample('load', { host: 'a' }, 1);
    await w.sample('load', { host: 'b' }, 1);
    await w.clock.advance(60_000);
    const [bad, good] = w.runner.status()[0]?.rules ?? [];
    expect(bad?.health).toBe('err');
    expect(bad?.lastError).toContain('same labelset');
    expect(good).toMatchObject({ health: 'ok', lastError: '' });
    const failures = w.metrics
      .families()
      .find(family => family.name === 'watchkeeper_rule_evaluation_failures_total');
    expect(failures?.samples.map(sample => sample.value)).toEqual([1]);
    await w.runner.stop();
  });

  it('alerts all the same when the state store fails, and writes the state later', async () => {
    const state = new MemoryState();
    let fails = true;
    const stateStore: StateStore = Object.create(state, {
      commit: {
        value: async (...args: Parameters<StateStore['commit']>) =>
          fails ? err({ code: 'state-io', message: 'disk full' }) : state.commit(...args),
      },
      ruleAlerts: { value: () => state.ruleAlerts() },
      setting: { value: (key: string) => state.setting(key) },
    });
    const w = world({ state, stateStore });
    await w.runner.load([rules(HIGH)], SETTINGS);
    await minutes(w, [9, 9, 9]);
    expect(w.last()).toEqual(['High firing']);
    expect(await journal(w)).toEqual([]);
    fails = false;
    await minutes(w, [9]);
    expect(await journal(w)).toEqual(['pending: the condition holds', 'firing: the condition holds']);
    await w.runner.stop();
  });

  it('does in time side by side what one after the other would be too late', async () => {
    // Each answer takes 25 of the 60 seconds, as from a slow disk.
    const group = `
- name: g
  rules:
  - record: a
    expr: load
  - record: b
    expr: load * 2
  - record: c
    expr: load * 3
  - record: d
    expr: a + b`;
    const missed: number[] = [];
    for (const concurrencyMax of [0, 4]) {
      const w = world({ answerAfterMs: 25_000 });
      await w.runner.load([rules(group)], { ...SETTINGS, concurrencyMax });
      await w.sample('load', labels, 9);
      await w.clock.advance(10 * 60_000);
      missed.push(w.runner.status()[0]?.missedIterations ?? -1);
      const counted = w.metrics
        .families()
        .find(({ name }) => name === 'watchkeeper_rule_group_iterations_missed_total');
      expect(counted?.samples.map(({ value }) => value)).toEqual([missed.at(-1)]);
      await w.runner.stop();
    }
    expect(missed[0]).toBeGreaterThan(3);
    expect(missed[1]).toBe(0);
  });

  it('evaluates at aligned times and counts evaluations that were left out', async () => {
    const w = world();
    await w.runner.load([rules(HIGH)], SETTINGS);
    await w.clock.advance(180_000);
    const offsetMs = groupOffsetMs({ file: 'r.yml', name: 'g' }, 60_000);
    expect(w.updates.map(update => (update.atMs - offsetMs) % 60_000)).toEqual([0, 0, 0]);
    expect(w.updates.every(update => update.validUntilMs === update.atMs + 240_000)).toBe(true);
    w.clock.jump(5 * 60_000);
    const before = w.updates.length;
    await w.clock.advance(60_000);
    // The first one after a jump is left out too: fresh samples are still to come.
    expect(w.updates.length - before).toBe(0);
    await w.clock.advance(60_000);
    expect(w.updates.length - before).toBe(1);
    expect(w.runner.status()[0]?.missedIterations).toBe(6);
    // An hour back: evaluation goes on in the new time.
    w.clock.jump(-3_600_000);
    const count = w.updates.length;
    await w.clock.advance(180_000);
    expect(w.updates.length - count).toBe(3);
    await w.runner.stop();
    await w.clock.advance(600_000);
    expect(w.updates.length - count).toBe(3);
  });
});
