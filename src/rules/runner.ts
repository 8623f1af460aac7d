// Drives the rule groups: each at its interval, aligned and spread over it, groups and what is independent in a group side by
// side. Changes are committed before the sink hears of them.

import type { Clock, Log, Result, Timer } from '../base/index.ts';
import {
  type Alert,
  type AlertSink,
  type Effects,
  type Labels,
  type Metrics,
  type Query,
  type SeriesWriter,
  type StateFailure,
  type StateStore,
  type TargetDirectory,
  targetId,
} from '../model/index.ts';
import { because } from './alert-state.ts';
import { type CarriedState, GroupEvaluator, type GroupOutcome } from './group.ts';
import type { RuleGroupStatus } from './health.ts';
import { changeEvent, removedEvent } from './journal.ts';
import { SharedLanes } from './lanes.ts';
import { type RuleMetrics, ruleMetrics } from './metrics.ts';
import { GroupOutput } from './output.ts';
import { type ForPolicy, restoreAlerts } from './restore.ts';
import { groupKey, type RuleFile, type RuleGroup } from './rule.ts';
import { dueTick, groupOffsetMs } from './schedule.ts';
import { ALIVE_SETTING, UnsavedState } from './unsaved.ts';

export interface RulePorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly query: Query;
  readonly writer: SeriesWriter;
  readonly state: StateStore;
  readonly sink: AlertSink;
  /** Without it no-data handling falls back to Prometheus's semantics. */
  readonly targets?: TargetDirectory;
}

export interface RuleSettings {
  /** `global.evaluation_interval`. */
  readonly defaultIntervalMs: number;
  readonly defaultQueryOffsetMs: number;
  /** Alerts without news are sent again no sooner than this, and stand for four times as long. */
  readonly resendDelayMs: number;
  readonly forPolicy: ForPolicy;
  /** Rules that are evaluated at once beside the one of each group; 0: one after another. */
  readonly concurrencyMax: number;
  readonly queryTimeoutMs: number;
  readonly externalLabels: Labels;
  /** Without a slash at its end. */
  readonly externalUrl: string;
  /** Under `noData: unknown`: what an absence becomes whose cause cannot be known. */
  readonly unknowable: 'resolved' | 'unknown';
  readonly effects: Effects;
  readonly configVersion: string;
}

/** Alerts stand for four evaluations without an update, and never less than four resend delays. */
const VALID_INTERVALS = 4;
/** The longest wait of one timer: a day. What is further away is looked at again then. */
const SLEEP_MS_MAX = 86_400_000;

export function createRuleRunner(ports: RulePorts): RuleRunner {
  return new RuleRunner(ports);
}

interface GroupLoop {
  readonly evaluator: GroupEvaluator;
  readonly offsetMs: number;
  lastTickMs: number | undefined;
  timer: Timer | undefined;
  /** The evaluation before this one was left out since the clock had jumped. */
  skipped: boolean;
  running: Promise<void> | undefined;
  stopped: boolean;
}

/** Owns the groups in force, their timers and what is not committed yet. */
export class RuleRunner {
  readonly #ports: RulePorts;
  readonly #metrics: RuleMetrics;
  readonly #startedAtMs: number;
  #settings: RuleSettings | undefined;
  #loops: GroupLoop[] = [];
  #abort = new AbortController();
  readonly #unsaved: UnsavedState;
  readonly #lanes = new SharedLanes();
  #loaded = false;
  #stopped = false;

  constructor(ports: RulePorts) {
    this.#ports = ports;
    this.#metrics = ruleMetrics(ports.metrics);
    this.#unsaved = new UnsavedState(ports, this.#metrics);
    this.#startedAtMs = ports.clock.nowMs();
  }

  /**
   * Puts a set of rule files in force. The first call restores alerts from the state store; later ones are reloads:
   * evaluations under way end first, and alerts move to the rules with the same key.
   */
  async load(files: readonly RuleFile[], settings: RuleSettings): Promise<Result<void, StateFailure>> {
    const known = await this.#knownStates();
    if (!known.ok) return known;
    const lastTicks = await this.#halt();
    const previous = this.#loops;
    this.#settings = settings;
    this.#lanes.setMax(settings.concurrencyMax);
    const groups = files.flatMap(file => file.groups);
    this.#loops = groups.map(group => this.#newLoop(group, settings, lastTicks));
    for (const loop of this.#loops) loop.evaluator.restore(key => known.value.get(key));
    this.#loaded = true;
    await this.#retire(known.value, previous);
    if (!this.#stopped) for (const loop of this.#loops) this.#schedule(loop);
    return { ok: true, value: undefined };
  }

  status(): readonly RuleGroupStatus[] {
    return this.#loops.map(loop => loop.evaluator.status());
  }

  /** Pending, firing and unknown alerts of all rules. */
  alerts(): readonly Alert[] {
    return this.status().flatMap(group => group.rules.flatMap(rule => rule.alerts));
  }

  /** Ends at once: queries are cancelled, and what they would have changed is found again after the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#abort.abort(new Error('rules are stopping'));
    await this.#halt();
    for (const loop of this.#loops) this.#forgetMetrics(loop);
  }

  // --- loading ------------------------------------------------------------------------------------

  async #knownStates(): Promise<Result<Map<string, CarriedState>, StateFailure>> {
    if (this.#loaded) {
      const carried = this.#loops.flatMap(loop => [...loop.evaluator.carried()]);
      return { ok: true, value: new Map(carried) };
    }
    const stored = await this.#ports.state.ruleAlerts();
    if (!stored.ok) return stored;
    const alive = await this.#ports.state.setting(ALIVE_SETTING);
    if (!alive.ok) return alive;
    const lastEvaluationMs = typeof alive.value === 'number' ? alive.value : undefined;
    const context = { nowMs: this.#ports.clock.nowMs(), lastEvaluationMs };
    const states = new Map<string, CarriedState>();
    for (const [key, alerts] of stored.value) {
      states.set(key, { alerts: restoreAlerts(alerts, context), series: new Map() });
    }
    return { ok: true, value: states };
  }

  /** Stops the timers, waits for evaluations under way, and returns the last evaluation of each group. */
  async #halt(): Promise<ReadonlyMap<string, number>> {
    const ticks = new Map<string, number>();
    for (const loop of this.#loops) {
      loop.stopped = true;
      loop.timer?.cancel();
    }
    for (const loop of this.#loops) {
      await loop.running;
      if (loop.lastTickMs !== undefined) ticks.set(groupKey(loop.evaluator.group), loop.lastTickMs);
    }
    return ticks;
  }

  #newLoop(group: RuleGroup, settings: RuleSettings, lastTicks: ReadonlyMap<string, number>): GroupLoop {
    const intervalMs = group.intervalMs ?? settings.defaultIntervalMs;
    const { query, writer, targets, clock, log } = this.#ports;
    const evaluator = new GroupEvaluator(
      group,
      {
        intervalMs,
        queryOffsetMs: group.queryOffsetMs ?? settings.defaultQueryOffsetMs,
        queryTimeoutMs: settings.queryTimeoutMs,
        externalLabels: settings.externalLabels,
        externalUrl: settings.externalUrl,
        startedAtMs: this.#startedAtMs,
        unknowable: settings.unknowable,
        forPolicy: settings.forPolicy,
      },
      {
        query,
        writer,
        targets,
        lanes: this.#lanes,
        monotonicMs: () => clock.monotonicMs(),
        onTemplateError: (rule, message) => {
          this.#metrics.templateErrors.add(1, { rule_group: groupKey(group) });
          log.log('warn', 'a template of a rule failed', { rule: rule.id.name, group: group.name, message });
        },
      },
    );
    this.#metrics.interval.set(intervalMs / 1000, { rule_group: groupKey(group) });
    return {
      evaluator,
      offsetMs: groupOffsetMs(group, intervalMs),
      lastTickMs: lastTicks.get(groupKey(group)),
      timer: undefined,
      skipped: false,
      running: undefined,
      stopped: false,
    };
  }

  /** Alerts and series of rules that are no longer there end, saying so. */
  async #retire(known: ReadonlyMap<string, CarriedState>, previous: readonly GroupLoop[]): Promise<void> {
    const nowMs = this.#ports.clock.nowMs();
    const kept = new Set(this.#loops.flatMap(loop => loop.evaluator.group.rules.map(rule => rule.key)));
    const byGroup = new Map(this.#loops.map(loop => [groupKey(loop.evaluator.group), loop]));
    const ended: Alert[] = [];
    for (const loop of previous) {
      const series: Labels[] = [];
      for (const status of loop.evaluator.status().rules) {
        if (kept.has(status.rule.key)) continue;
        series.push(...(known.get(status.rule.key)?.series.values() ?? []));
        ended.push(...status.alerts);
      }
      const heir = byGroup.get(groupKey(loop.evaluator.group));
      if (heir === undefined) {
        this.#forgetMetrics(loop);
        await this.#endSeries(loop.evaluator.group, series, nowMs);
      } else heir.evaluator.adoptOrphans(series);
    }
    if (previous.length === 0) ended.push(...(await this.#storedOrphans(kept)));
    const gone = [...known.keys()].filter(key => !kept.has(key));
    if (gone.length === 0) return;
    const resolved = ended
      .filter(alert => alert.state === 'firing' || alert.state === 'unknown')
      .map(
        (alert): Alert => ({
          ...alert,
          state: 'resolved',
          resolvedAtMs: nowMs,
          ...because({ code: 'rule_removed' }),
        }),
      );
    for (const key of gone) this.#unsaved.setAlerts(key, []);
    const settings = this.#settings;
    if (settings === undefined) return;
    this.#unsaved.addEvents(resolved.map(alert => removedEvent(alert, { ...settings, atMs: nowMs })));
    await this.#unsaved.commit(nowMs, this.#isAnyPending());
    if (resolved.length > 0) {
      this.#ports.sink({
        atMs: nowMs,
        alerts: resolved,
        validUntilMs: nowMs + VALID_INTERVALS * settings.resendDelayMs,
      });
    }
  }

  /** After a start: alerts in the state store whose rules are no longer configured. */
  async #storedOrphans(kept: ReadonlySet<string>): Promise<readonly Alert[]> {
    const stored = await this.#ports.state.ruleAlerts();
    if (!stored.ok) return [];
    return [...stored.value].filter(([key]) => !kept.has(key)).flatMap(([, alerts]) => alerts);
  }

  async #endSeries(group: RuleGroup, series: readonly Labels[], nowMs: number): Promise<void> {
    const output = new GroupOutput(this.#ports.writer, targetId(`rules/${group.file}/${group.name}`));
    for (const labels of series) output.addStale(labels);
    await output.flush(nowMs);
  }

  // --- evaluating ---------------------------------------------------------------------------------

  #schedule(loop: GroupLoop): void {
    if (loop.stopped) return;
    const { clock } = this.#ports;
    const { intervalMs } = loop.evaluator.settings;
    const nowMs = clock.nowMs();
    // The first aligned time after now; a group is never evaluated for a time before it was loaded.
    const nextMs = Math.floor((nowMs - loop.offsetMs) / intervalMs + 1) * intervalMs + loop.offsetMs;
    loop.timer = clock.after(Math.min(nextMs - nowMs, SLEEP_MS_MAX), () => {
      // The clock jumped ahead or the machine slept: the aligned time may lie before the first fresh sample, and what is
      // older is out of sight. One evaluation is left out, never two in a row, so that a slow process still evaluates.
      loop.skipped = !loop.skipped && clock.nowMs() - nextMs > intervalMs;
      if (loop.skipped) {
        this.#schedule(loop);
        return;
      }
      const tick = dueTick(loop.lastTickMs, { nowMs: clock.nowMs(), intervalMs, offsetMs: loop.offsetMs });
      if (tick === undefined || (loop.lastTickMs === undefined && tick.atMs < nextMs)) {
        this.#schedule(loop);
        return;
      }
      loop.lastTickMs = tick.atMs;
      if (tick.missed > 0) {
        loop.evaluator.missedIterations += tick.missed;
        this.#metrics.missed.add(tick.missed, { rule_group: groupKey(loop.evaluator.group) });
      }
      loop.running = this.#evaluate(loop, tick.atMs).finally(() => {
        loop.running = undefined;
        this.#schedule(loop);
      });
    });
  }

  async #evaluate(loop: GroupLoop, atMs: number): Promise<void> {
    const { evaluator } = loop;
    const { group } = evaluator;
    const outcome = await evaluator.evaluate(atMs, this.#abort.signal);
    if (this.#abort.signal.aborted) return;
    const settings = this.#settings;
    if (settings === undefined) return;
    for (const { rule, changes, alerts } of outcome.changes) {
      this.#unsaved.setAlerts(rule.key, alerts);
      this.#unsaved.addEvents(changes.map(change => changeEvent(rule, change, { ...settings, atMs })));
    }
    // Committed before anyone is told: nothing is alerted that a restart would forget.
    await this.#unsaved.commit(atMs, this.#isAnyPending());
    this.#report(group, evaluator, outcome);
    const { intervalMs } = evaluator.settings;
    const nowMs = this.#ports.clock.nowMs();
    // From the time that the evaluation stands for, as in Prometheus; from now where it took so long that its alerts might be
    // over before anybody hears of them.
    const fromMs = nowMs - atMs > intervalMs ? nowMs : atMs;
    this.#ports.sink({
      atMs,
      alerts: outcome.alerts,
      validUntilMs: fromMs + VALID_INTERVALS * Math.max(intervalMs, settings.resendDelayMs),
    });
  }

  #isAnyPending(): boolean {
    return this.#loops.some(loop => loop.evaluator.isAnyPending());
  }

  #report(group: RuleGroup, evaluator: GroupEvaluator, outcome: GroupOutcome): void {
    const labels = { rule_group: groupKey(group) };
    const metrics = this.#metrics;
    metrics.iterations.add(1, labels);
    metrics.evaluations.add(group.rules.length, labels);
    // Zero too: a counter that appears with its first failure cannot be alerted on with increase().
    metrics.failures.add(outcome.failures.length, labels);
    metrics.missed.add(0, labels);
    metrics.refused.add(outcome.written.refused, labels);
    metrics.duration.set(evaluator.status().lastDurationMs / 1000, labels);
    metrics.lastEvaluation.set(outcome.atMs / 1000, labels);
    for (const { rule, message } of outcome.failures) {
      this.#ports.log.log('warn', 'a rule could not be evaluated', {
        rule: rule.id.name,
        group: group.name,
        file: group.file,
        message,
      });
    }
    if (outcome.written.failure !== undefined) {
      const { message } = outcome.written.failure;
      this.#ports.log.log('error', 'series of rules could not be written', { group: group.name, message });
    }
    const counts = { pending: 0, firing: 0, unknown: 0, resolved: 0 };
    for (const alert of this.alerts()) counts[alert.state]++;
    for (const state of ['pending', 'firing', 'unknown'] as const) {
      metrics.alerts.set(counts[state], { state });
    }
  }

  #forgetMetrics(loop: GroupLoop): void {
    const labels = { rule_group: groupKey(loop.evaluator.group) };
    for (const gauge of [this.#metrics.duration, this.#metrics.lastEvaluation, this.#metrics.interval]) {
      gauge.remove(labels);
    }
  }
}
