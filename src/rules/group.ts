// Evaluates the rules of one group at one time: asks, steps, gathers series, alerts and journal lines. It owns the
// group's memory between evaluations and does no waiting of its own; runner.ts drives it with a clock, unit tests
// with simulated time.

import { err, ok, type Result } from '../base/index.ts';
import {
  type Alert,
  fingerprint,
  type Labels,
  labelsFromPairs,
  labelsKey,
  METRIC_NAME,
  type Query,
  type QueryAnswer,
  type SeriesWriter,
  type TargetDirectory,
  targetId,
  withLabels,
} from '../model/index.ts';
import { type AskQuery, queryEscape } from '../template/index.ts';
import type { ActiveAlert, AlertChange, AlertMap, Candidate } from './alert-state.ts';
import { type ExpansionContext, expandLabels, expandSample } from './expansion.ts';
import type { RuleGroupStatus, RuleHealth, RuleStatus } from './health.ts';
import { type FlushOutcome, GroupOutput } from './output.ts';
import { recordSamples, samplesOf } from './recording.ts';
import type { AlertingRule, RecordingRule, Rule, RuleGroup } from './rule.ts';
import { stepAlerts } from './step.ts';

export interface GroupPorts {
  readonly query: Query;
  readonly writer: SeriesWriter;
  readonly targets: TargetDirectory | undefined;
  /** For durations of evaluations. */
  readonly monotonicMs: () => number;
  readonly onTemplateError: (rule: Rule, message: string) => void;
}

export interface GroupSettings {
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  readonly queryTimeoutMs: number;
  readonly externalLabels: Labels;
  readonly externalUrl: string;
  /** When evaluation began in this process. */
  readonly startedAtMs: number;
  /** What an absence of unknowable cause becomes under `noData: unknown`. */
  readonly unknowable: 'resolved' | 'unknown';
}

/** What one rule's evaluation changed. */
export interface RuleChange {
  readonly rule: AlertingRule;
  readonly changes: readonly AlertChange[];
  /** All that must survive a restart, to replace what was kept for the rule. */
  readonly alerts: readonly Alert[];
}

export interface GroupOutcome {
  readonly atMs: number;
  /** Firing, unknown and lately resolved: for the sink. */
  readonly alerts: readonly Alert[];
  readonly changes: readonly RuleChange[];
  /** Rules that failed, with the cause. */
  readonly failures: readonly { readonly rule: Rule; readonly message: string }[];
  readonly written: FlushOutcome;
}

interface RuleMemory {
  readonly rule: Rule;
  alerts: AlertMap;
  /** Labels of the series written last time, by key. */
  series: ReadonlyMap<string, Labels>;
  health: RuleHealth;
  lastError: string;
  lastEvaluationMs: number;
  lastDurationMs: number;
}

const NO_ALERTS: AlertMap = new Map();
const NO_SERIES: ReadonlyMap<string, Labels> = new Map();

/** What a group remembers of a rule, to be handed to the group that replaces it. */
export interface CarriedState {
  readonly alerts: AlertMap;
  readonly series: ReadonlyMap<string, Labels>;
}

export class GroupEvaluator {
  readonly group: RuleGroup;
  readonly settings: GroupSettings;
  readonly #ports: GroupPorts;
  readonly #output: GroupOutput;
  readonly #memories: readonly RuleMemory[];
  /** Series of rules that a reload removed: ended at the next evaluation. */
  #orphans: Labels[] = [];
  #lastEvaluationMs = 0;
  #lastDurationMs = 0;
  missedIterations = 0;

  constructor(group: RuleGroup, settings: GroupSettings, ports: GroupPorts) {
    this.group = group;
    this.settings = settings;
    this.#ports = ports;
    this.#output = new GroupOutput(ports.writer, targetId(`rules/${group.file}/${group.name}`));
    this.#memories = group.rules.map(rule => ({
      rule,
      alerts: NO_ALERTS,
      series: NO_SERIES,
      health: 'unknown',
      lastError: '',
      lastEvaluationMs: 0,
      lastDurationMs: 0,
    }));
  }

  /** Takes over what is known of rules with the same key: from the state store or from before a reload. */
  restore(known: (key: string) => CarriedState | undefined): void {
    for (const memory of this.#memories) {
      const carried = known(memory.rule.key);
      if (carried === undefined) continue;
      memory.alerts = carried.alerts;
      memory.series = carried.series;
    }
  }

  carried(): ReadonlyMap<string, CarriedState> {
    return new Map(this.#memories.map(({ rule, alerts, series }) => [rule.key, { alerts, series }]));
  }

  /** Ends these series at the next evaluation. */
  adoptOrphans(series: Iterable<Labels>): void {
    this.#orphans.push(...series);
  }

  async evaluate(atMs: number, signal?: AbortSignal): Promise<GroupOutcome> {
    const startMs = this.#ports.monotonicMs();
    const sampleMs = atMs - this.settings.queryOffsetMs;
    const alerts: Alert[] = [];
    const changes: RuleChange[] = [];
    const failures: { rule: Rule; message: string }[] = [];
    let written: FlushOutcome = { refused: 0, failure: undefined };
    const flush = async (): Promise<void> => {
      const outcome = await this.#output.flush(sampleMs);
      written = {
        refused: written.refused + outcome.refused,
        failure: written.failure ?? outcome.failure,
      };
    };
    for (const labels of this.#orphans.splice(0)) this.#output.addStale(labels);
    for (const memory of this.#memories) {
      if (signal?.aborted) break;
      if (this.#output.isReadBy(memory.rule.expr)) await flush();
      const ruleStartMs = this.#ports.monotonicMs();
      const result =
        memory.rule.kind === 'recording'
          ? await this.#record(memory, memory.rule, { atMs, signal })
          : await this.#alert(memory, memory.rule, { atMs, signal, changes });
      if (signal?.aborted) break;
      memory.lastEvaluationMs = atMs;
      memory.lastDurationMs = this.#ports.monotonicMs() - ruleStartMs;
      memory.health = result.ok ? 'ok' : 'err';
      memory.lastError = result.ok ? '' : result.error;
      if (!result.ok) failures.push({ rule: memory.rule, message: result.error });
      if (memory.rule.kind === 'alerting' && (result.ok || memory.rule.noData === 'unknown')) {
        // A rule that cannot be evaluated must not look resolved where missing data must not.
        alerts.push(...this.#sent(memory, memory.rule));
      }
    }
    await flush();
    this.#lastEvaluationMs = atMs;
    this.#lastDurationMs = this.#ports.monotonicMs() - startMs;
    return { atMs, alerts, changes, failures, written };
  }

  // --- one rule -----------------------------------------------------------------------------------

  async #ask(rule: Rule, at: Moment, wantUnfiltered: boolean): Promise<Result<QueryAnswer, string>> {
    const timeMs = at.atMs - this.settings.queryOffsetMs;
    const answer = await this.#ports.query.execute(
      rule.plan,
      { startMs: timeMs, endMs: timeMs, stepMs: 0 },
      { principal: PRINCIPAL, timeoutMs: this.settings.queryTimeoutMs, wantUnfiltered },
      at.signal,
    );
    return answer.ok ? answer : err(answer.error.message);
  }

  async #record(memory: RuleMemory, rule: RecordingRule, at: Moment): Promise<Result<void, string>> {
    const answer = await this.#ask(rule, at, false);
    if (!answer.ok) return answer;
    const samples = samplesOf(answer.value);
    if (!samples.ok) return samples;
    const output = recordSamples(rule, samples.value, this.group.limit);
    if (!output.ok) return err(output.error.message);
    for (const sample of output.value) this.#output.add(sample);
    this.#endVanished(
      memory,
      output.value.map(sample => sample.labels),
    );
    return ok(undefined);
  }

  #endVanished(memory: RuleMemory, current: readonly Labels[]): void {
    const series = new Map(current.map(labels => [labelsKey(labels), labels]));
    for (const [key, labels] of memory.series) if (!series.has(key)) this.#output.addStale(labels);
    memory.series = series;
  }

  async #alert(
    memory: RuleMemory,
    rule: AlertingRule,
    at: Moment & { readonly changes: RuleChange[] },
  ): Promise<Result<void, string>> {
    const wantUnfiltered = rule.noData === 'unknown' && memory.alerts.size > 0;
    const answer = await this.#ask(rule, at, wantUnfiltered);
    if (!answer.ok) return answer;
    const samples = samplesOf(answer.value);
    if (!samples.ok) return samples;
    const context = this.#expansion(rule, at);
    const candidates: Candidate[] = [];
    for (const sample of samples.value) candidates.push(await expandSample(rule, sample, context));
    const stepped = stepAlerts(memory.alerts, {
      rule,
      nowMs: at.atMs,
      candidates,
      limit: this.group.limit,
      facts: {
        unfiltered: await this.#unfiltered(memory, rule, { answer: answer.value, candidates, context }),
        targets: this.#ports.targets,
        startedAtMs: this.settings.startedAtMs,
        unknowable: this.settings.unknowable,
      },
    });
    const outcome = stepped.ok ? stepped.value : stepped.error.outcome;
    if (outcome === undefined) return err(stepped.ok ? '' : stepped.error.message);
    memory.alerts = outcome.alerts;
    if (outcome.changes.length > 0) {
      at.changes.push({ rule, changes: outcome.changes, alerts: this.#kept(memory, rule) });
    }
    if (!stepped.ok) {
      this.#endVanished(memory, []);
      return err(stepped.error.message);
    }
    this.#writeAlertSeries(memory);
    return ok(undefined);
  }

  /** Fingerprints that the left side has, for alerts that the answer lacks; not computed when none is missing. */
  async #unfiltered(
    memory: RuleMemory,
    rule: AlertingRule,
    found: {
      readonly answer: QueryAnswer;
      readonly candidates: readonly Candidate[];
      readonly context: ExpansionContext;
    },
  ): Promise<ReadonlySet<string> | undefined> {
    const series = found.answer.unfiltered;
    if (series === undefined) return undefined;
    const present = new Set(found.candidates.map(candidate => candidate.fingerprint));
    const missing = [...memory.alerts.values()].some(
      alert => alert.state !== 'resolved' && !present.has(alert.fingerprint),
    );
    const prints = new Set<string>();
    if (!missing) return prints;
    for (const one of series) {
      if (one.present[0] !== 1) continue;
      const { labels, producer } = one;
      const histogram = one.histograms?.get(0);
      const sample = { labels, value: one.values[0] ?? Number.NaN, histogram, producer };
      prints.add(fingerprint(await expandLabels(rule, sample, found.context)));
    }
    return prints;
  }

  #expansion(rule: Rule, at: Moment): ExpansionContext {
    const timeMs = at.atMs - this.settings.queryOffsetMs;
    const ask: AskQuery = async expr => {
      const plan = this.#ports.query.prepare(expr);
      if (!plan.ok) return err(plan.error.message);
      const answer = await this.#ports.query.execute(
        plan.value,
        { startMs: timeMs, endMs: timeMs, stepMs: 0 },
        { principal: PRINCIPAL, timeoutMs: this.settings.queryTimeoutMs },
        at.signal,
      );
      if (!answer.ok) return err(answer.error.message);
      return samplesOf(answer.value);
    };
    return {
      externalLabels: this.settings.externalLabels,
      externalUrl: this.settings.externalUrl,
      nowMs: at.atMs,
      ask,
      onError: message => this.#ports.onTemplateError(rule, message),
    };
  }

  /** ALERTS and ALERTS_FOR_STATE, by which Prometheus users see and restore alerts. */
  #writeAlertSeries(memory: RuleMemory): void {
    const current: Labels[] = [];
    const add = (labels: Labels, value: number): void => {
      this.#output.add({ labels, value });
      current.push(labels);
    };
    for (const alert of memory.alerts.values()) {
      if (alert.state === 'resolved') continue;
      // `unknown` is shown as firing wherever Prometheus's own vocabulary is spoken.
      const alertstate = alert.state === 'pending' ? 'pending' : 'firing';
      add(withLabels(alert.labels, { [METRIC_NAME]: 'ALERTS', alertstate }), 1);
      const forState = withLabels(alert.labels, { [METRIC_NAME]: 'ALERTS_FOR_STATE' });
      add(forState, Math.floor(alert.activeAtMs / 1000));
    }
    this.#endVanished(memory, current);
  }

  // --- what others see ----------------------------------------------------------------------------

  #sent(memory: RuleMemory, rule: AlertingRule): readonly Alert[] {
    return [...memory.alerts.values()]
      .filter(alert => alert.state !== 'pending')
      .map(alert => this.#toAlert(rule, alert));
  }

  #kept(memory: RuleMemory, rule: AlertingRule): readonly Alert[] {
    return [...memory.alerts.values()].map(alert => this.#toAlert(rule, alert));
  }

  #toAlert(rule: AlertingRule, alert: ActiveAlert): Alert {
    return toAlert(rule, alert, this.settings.externalUrl);
  }

  status(): RuleGroupStatus {
    return {
      file: this.group.file,
      name: this.group.name,
      intervalMs: this.settings.intervalMs,
      limit: this.group.limit,
      lastEvaluationMs: this.#lastEvaluationMs,
      lastDurationMs: this.#lastDurationMs,
      missedIterations: this.missedIterations,
      rules: this.#memories.map(memory => this.#ruleStatus(memory)),
    };
  }

  #ruleStatus(memory: RuleMemory): RuleStatus {
    const { rule, health, lastError, lastEvaluationMs, lastDurationMs } = memory;
    const alerting = rule.kind === 'alerting' ? rule : undefined;
    return {
      rule,
      health,
      lastError,
      lastEvaluationMs,
      lastDurationMs,
      alerts:
        alerting === undefined
          ? []
          : [...memory.alerts.values()]
              .filter(alert => alert.state !== 'resolved')
              .map(alert => this.#toAlert(alerting, alert)),
      annotations: labelsFromPairs((alerting?.annotations ?? []).map(one => [one.name, one.text] as const)),
    };
  }
}

interface Moment {
  readonly atMs: number;
  readonly signal: AbortSignal | undefined;
}

const PRINCIPAL = { kind: 'system', part: 'rules' } as const;

export function toAlert(rule: AlertingRule, alert: ActiveAlert, externalUrl: string): Alert {
  return {
    labels: alert.labels,
    fingerprint: alert.fingerprint,
    annotations: alert.annotations,
    state: alert.state,
    activeAtMs: alert.activeAtMs,
    ...(alert.firedAtMs === undefined ? {} : { firedAtMs: alert.firedAtMs }),
    ...(alert.resolvedAtMs === undefined ? {} : { resolvedAtMs: alert.resolvedAtMs }),
    reason: alert.reason,
    ...(alert.absence === undefined ? {} : { absence: alert.absence }),
    value: alert.value,
    rule: rule.id,
    expr: rule.expr,
    ...(alert.producer === undefined ? {} : { producer: alert.producer }),
    generatorUrl: `${externalUrl}/graph?g0.expr=${queryEscape(rule.expr)}&g0.tab=1`,
  };
}
