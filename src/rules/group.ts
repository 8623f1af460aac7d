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
  type Query,
  type QueryAnswer,
  type SeriesWriter,
  type TargetDirectory,
  targetId,
} from '../model/index.ts';
import type { AskQuery } from '../template/index.ts';
import { alertSeries, toAlert } from './alert-output.ts';
import type { ActiveAlert, AlertChange, AlertMap, Candidate } from './alert-state.ts';
import { type ExpansionContext, expandLabels, expandSample } from './expansion.ts';
import type { RuleGroupStatus, RuleHealth, RuleStatus } from './health.ts';
import { inLanes, type SharedLanes } from './lanes.ts';
import { type FlushOutcome, GroupOutput } from './output.ts';
import { type OutputSample, recordSamples, samplesOf } from './recording.ts';
import type { ForPolicy } from './restore.ts';
import type { AlertingRule, RecordingRule, Rule, RuleGroup } from './rule.ts';
import { stepAlerts } from './step.ts';
import { NOTHING_WATCHED, type WatchMap, watchSeries } from './watch.ts';
import { wavesOf } from './waves.ts';

export interface GroupPorts {
  readonly query: Query;
  readonly writer: SeriesWriter;
  readonly targets: TargetDirectory | undefined;
  /** For durations of evaluations. */
  readonly monotonicMs: () => number;
  readonly onTemplateError: (rule: Rule, message: string) => void;
  /** Shared by all groups. */
  readonly lanes: SharedLanes;
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
  /** How the `for` of pending alerts goes on after a restart. */
  readonly forPolicy: ForPolicy;
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
  watched: WatchMap;
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
  readonly watched?: WatchMap;
}

export class GroupEvaluator {
  readonly group: RuleGroup;
  readonly settings: GroupSettings;
  readonly #ports: GroupPorts;
  readonly #output: GroupOutput;
  readonly #memories: readonly RuleMemory[];
  readonly #waves: readonly (readonly number[])[];
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
      watched: NOTHING_WATCHED,
      health: 'unknown',
      lastError: '',
      lastEvaluationMs: 0,
      lastDurationMs: 0,
    }));
    this.#waves = wavesOf(group.rules);
  }

  /** Takes over what is known of rules with the same key: from the state store or from before a reload. */
  restore(known: (key: string) => CarriedState | undefined): void {
    for (const memory of this.#memories) {
      const carried = known(memory.rule.key);
      if (carried === undefined) continue;
      memory.alerts = carried.alerts;
      memory.series = carried.series;
      memory.watched = carried.watched ?? NOTHING_WATCHED;
    }
  }

  carried(): ReadonlyMap<string, CarriedState> {
    return new Map(
      this.#memories.map(({ rule, alerts, series, watched }) => [rule.key, { alerts, series, watched }]),
    );
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
    const results: (RuleResult | undefined)[] = [];
    for (const wave of this.#waves) {
      await flush();
      await inLanes(wave, this.#ports.lanes, async position => {
        const memory = this.#memories[position];
        if (memory === undefined || signal?.aborted) return;
        results[position] = await this.#evaluateRule(memory, { atMs, signal });
      });
      if (signal?.aborted) break;
      // Written in the order of the rules, whichever of them was answered first.
      for (const position of wave) this.#take(results[position]);
    }
    await flush();
    for (const result of results) {
      if (result === undefined) continue;
      const { memory, outcome, change } = result;
      const { rule } = memory;
      if (change !== undefined) changes.push(change);
      if (!outcome.ok) failures.push({ rule, message: outcome.error });
      if (rule.kind === 'alerting' && (outcome.ok || rule.noData !== 'prometheus')) {
        // A rule that cannot be evaluated must not look resolved where missing data must not.
        alerts.push(...this.#sent(memory, rule));
      }
    }
    this.#lastEvaluationMs = atMs;
    this.#lastDurationMs = this.#ports.monotonicMs() - startMs;
    return { atMs, alerts, changes, failures, written };
  }

  #take(result: RuleResult | undefined): void {
    for (const sample of result?.samples ?? []) this.#output.add(sample);
    for (const labels of result?.ended ?? []) this.#output.addStale(labels);
  }

  // --- one rule -----------------------------------------------------------------------------------

  async #evaluateRule(memory: RuleMemory, at: Moment): Promise<RuleResult> {
    const { rule } = memory;
    const startMs = this.#ports.monotonicMs();
    const found: Mutable<RuleFindings> = { samples: [], ended: [], change: undefined };
    const outcome =
      rule.kind === 'recording'
        ? await this.#record(memory, rule, { ...at, found })
        : await this.#alert(memory, rule, { ...at, found });
    if (!at.signal?.aborted) {
      memory.lastEvaluationMs = at.atMs;
      memory.lastDurationMs = this.#ports.monotonicMs() - startMs;
      memory.health = outcome.ok ? 'ok' : 'err';
      memory.lastError = outcome.ok ? '' : outcome.error;
    }
    return { memory, outcome, ...found };
  }

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

  async #record(
    memory: RuleMemory,
    rule: RecordingRule,
    at: Moment & Finding,
  ): Promise<Result<void, string>> {
    const answer = await this.#ask(rule, at, false);
    if (!answer.ok) return answer;
    const samples = samplesOf(answer.value);
    if (!samples.ok) return samples;
    const output = recordSamples(rule, samples.value, this.group.limit);
    if (!output.ok) return err(output.error.message);
    this.#write(memory, output.value, at);
    return ok(undefined);
  }

  /** What a rule gives, and an end for each series that it gave the last time and no more. */
  #write(memory: RuleMemory, samples: readonly OutputSample[], { found }: Finding): void {
    const series = new Map(samples.map(({ labels }) => [labelsKey(labels), labels]));
    found.samples = samples;
    found.ended = [...memory.series].filter(([key]) => !series.has(key)).map(([, labels]) => labels);
    memory.series = series;
  }

  async #alert(memory: RuleMemory, rule: AlertingRule, at: Moment & Finding): Promise<Result<void, string>> {
    const wantUnfiltered =
      rule.noData === 'firing' || (rule.noData !== 'prometheus' && memory.alerts.size > 0);
    const answer = await this.#ask(rule, at, wantUnfiltered);
    if (!answer.ok) return answer;
    const samples = samplesOf(answer.value);
    if (!samples.ok) return samples;
    const context = this.#expansion(rule, at);
    const candidates: Candidate[] = [];
    for (const sample of samples.value) candidates.push(await expandSample(rule, sample, context));
    const facts = {
      unfiltered: await this.#unfiltered(memory, rule, { answer: answer.value, candidates, context }),
      targets: this.#ports.targets,
      startedAtMs: this.settings.startedAtMs,
      unknowable: rule.isNoDataOwn ? ('unknown' as const) : this.settings.unknowable,
    };
    if (rule.noData === 'firing') {
      const watch = await watchSeries(memory.watched, {
        nowMs: at.atMs,
        unfiltered: answer.value.unfiltered,
        facts,
        candidates,
        alerts: memory.alerts,
        expand: sample => expandSample(rule, sample, context),
      });
      memory.watched = watch.watched;
      candidates.push(...watch.missing);
    }
    const stepped = stepAlerts(memory.alerts, {
      rule,
      nowMs: at.atMs,
      candidates,
      limit: this.group.limit,
      forPolicy: this.settings.forPolicy,
      facts,
    });
    const outcome = stepped.ok ? stepped.value : stepped.error.outcome;
    if (outcome === undefined) return err(stepped.ok ? '' : stepped.error.message);
    memory.alerts = outcome.alerts;
    if (outcome.changes.length > 0) {
      at.found.change = { rule, changes: outcome.changes, alerts: this.#kept(memory, rule) };
    }
    // ALERTS and ALERTS_FOR_STATE, by which Prometheus users see and restore alerts.
    this.#write(memory, stepped.ok ? [...alertSeries(memory.alerts.values())] : [], at);
    return stepped.ok ? ok(undefined) : err(stepped.error.message);
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
    // Queries of templates are of the time of the evaluation, without the offset: as in Prometheus.
    const timeMs = at.atMs;
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

  isAnyPending(): boolean {
    return this.#memories.some(({ alerts }) => {
      for (const { state } of alerts.values()) if (state === 'pending') return true;
      return false;
    });
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

/** What the evaluation of one rule gives, to be put where it belongs once its wave is over. */
interface RuleFindings {
  readonly samples: readonly OutputSample[];
  /** Series that ended. */
  readonly ended: readonly Labels[];
  readonly change: RuleChange | undefined;
}

interface RuleResult extends RuleFindings {
  readonly memory: RuleMemory;
  readonly outcome: Result<void, string>;
}

interface Finding {
  readonly found: Mutable<RuleFindings>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const PRINCIPAL = { kind: 'system', part: 'rules' } as const;
