// Runs rule unit tests in promtool's format over simulated time and an in-memory store. Rules always have Prometheus's
// semantics here, as the format's users expect.

import { err, formatDuration, ok, type Result } from '../../base/index.ts';
import {
  type Diagnostic,
  type NativeHistogram,
  NO_LABELS,
  type Query,
  type SeriesReader,
  setStaleAt,
  targetId,
  withLabels,
  wordsOf,
} from '../../model/index.ts';
import { GroupEvaluator, type GroupOutcome } from '../group.ts';
import { SharedLanes } from '../lanes.ts';
import { readRules } from '../reader.ts';
import type { RuleFile, RuleGroup } from '../rule.ts';
import { MemoryStore } from './memory-store.ts';
import { alertItem, nearlySame, sameItems, sampleItem, type TestItem } from './results.ts';
import {
  type AlertTest,
  type ExpectedSample,
  type ExprTest,
  type ReadRuleTests,
  type RuleTest,
  type RuleTestFile,
  readRuleTests,
} from './test-file.ts';

export interface RuleTestOptions {
  /** Of the test file, in messages. */
  readonly file: string;
  /** The rule files that fit a name or a pattern in the tests' `rule_files`; none where nothing fits. */
  readonly readRuleFiles: (pattern: string) => Promise<readonly RuleFileText[]>;
  /** A query engine over the given store; subqueries without a step of their own have this one. */
  readonly createQuery: (reader: SeriesReader, subqueryStepMs: number) => Query;
  readonly monotonicMs: () => number;
  /** Only tests whose name matches; all without it. */
  readonly only?: (name: string) => boolean;
  /** Keys in rule files that are none of Prometheus's are passed over. */
  readonly allowsUnknownKeys?: boolean;
}

export interface RuleFileText {
  readonly name: string;
  readonly text: Result<string, string>;
}

export interface RuleTestReport {
  readonly testsRun: number;
  /** Alert and expression checks. */
  readonly checksRun: number;
  /** What the files have wrong. */
  readonly diagnostics: readonly Diagnostic[];
  readonly failures: readonly RuleTestFailure[];
}

export interface RuleTestFailure {
  readonly code: 'rules-test-failed';
  readonly test: string;
  /** Where the check stands in the test file; both from 1. */
  readonly line: number;
  readonly column: number;
  /** Alert name, expression or rule, with the time. */
  readonly check: string;
  readonly expected: readonly TestItem[];
  readonly got: readonly TestItem[];
  /** Why nothing could be got. */
  readonly error?: string;
  readonly message: string;
}

export async function runRuleTests(source: string, options: RuleTestOptions): Promise<RuleTestReport> {
  const read = readRuleTests(source, options.file);
  const none = { testsRun: 0, checksRun: 0, failures: [] };
  if (read.value === undefined) return { ...none, diagnostics: read.diagnostics };
  const rules = await loadRules(read.value, options);
  const diagnostics = [...read.diagnostics, ...rules.diagnostics];
  if (diagnostics.some(one => one.severity === 'error')) return { ...none, diagnostics };
  const groups = inOrder(
    rules.files.flatMap(file => file.groups),
    read.value.groupOrder,
  );
  const failures: RuleTestFailure[] = [];
  let testsRun = 0;
  let checksRun = 0;
  for (const [i, test] of read.value.tests.entries()) {
    if (options.only !== undefined && !options.only(test.name)) continue;
    testsRun++;
    checksRun += test.alertTests.length + test.exprTests.length;
    const name = test.name === '' ? `test ${i + 1}` : test.name;
    const more = { groups, options, name, place: read.place };
    failures.push(...(await new Simulation(test, read.value, more).run()));
  }
  // As they stand in the file: alerts are checked while time goes on, expressions behind it.
  failures.sort((a, b) => a.line - b.line);
  return { testsRun, checksRun, diagnostics, failures };
}

async function loadRules(
  file: RuleTestFile,
  options: RuleTestOptions,
): Promise<{ readonly files: readonly RuleFile[]; readonly diagnostics: readonly Diagnostic[] }> {
  const diagnostics: Diagnostic[] = [];
  const files = new Map<string, RuleFile>();
  const tell = (severity: Diagnostic['severity'], message: string): void => {
    const place = { file: options.file, line: 0, column: 0, path: 'rule_files' };
    diagnostics.push({ code: 'config-io', severity, message, ...place });
  };
  // Parsing wants no data: the engine's own verdict over an empty store.
  const { prepare } = options.createQuery(new MemoryStore(), file.evaluationIntervalMs);
  for (const pattern of file.ruleFiles) {
    const found = await options.readRuleFiles(pattern);
    // As promtool: tests may do without.
    if (found.length === 0) tell('warning', `Cannot find a rule file "${pattern}": nothing there fits`);
    for (const { name, text } of found) {
      if (files.has(name)) continue;
      if (!text.ok) {
        tell('error', `Cannot read the rule file "${name}": ${text.error}`);
        continue;
      }
      const { allowsUnknownKeys = false } = options;
      // Always Prometheus's semantics, whatever a rule says about missing data.
      const read = readRules(text.value, { file: name, prepare, allowsUnknownKeys, ownKeys: 'ignore' });
      diagnostics.push(...read.diagnostics);
      if (read.file !== undefined) files.set(name, read.file);
    }
  }
  return { files: [...files.values()], diagnostics };
}

/** Groups named in `group_eval_order` first, the others behind them as they stand in their files. */
function inOrder(groups: readonly RuleGroup[], order: readonly string[]): readonly RuleGroup[] {
  const rank = (group: RuleGroup): number => {
    const at = order.indexOf(group.name);
    return at < 0 ? order.length : at;
  };
  return [...groups].sort((a, b) => rank(a) - rank(b));
}

/** The input's samples of one time. */
interface Column {
  readonly timeMs: number;
  readonly samples: { readonly ref: number; readonly value: number | NativeHistogram | 'stale' }[];
}

/** Owns the store and the time of one test. */
class Simulation {
  readonly #test: RuleTest;
  readonly #file: RuleTestFile;
  readonly #groups: readonly RuleGroup[];
  readonly #options: RuleTestOptions;
  readonly #name: string;
  readonly #place: ReadRuleTests['place'];
  readonly #store = new MemoryStore();
  readonly #query: Query;
  readonly #failures: RuleTestFailure[] = [];

  constructor(
    test: RuleTest,
    file: RuleTestFile,
    more: {
      readonly groups: readonly RuleGroup[];
      readonly options: RuleTestOptions;
      readonly name: string;
      readonly place: ReadRuleTests['place'];
    },
  ) {
    this.#test = test;
    this.#file = file;
    this.#groups = more.groups;
    this.#options = more.options;
    this.#name = more.name;
    this.#place = more.place;
    this.#query = more.options.createQuery(this.#store, file.evaluationIntervalMs);
  }

  async run(): Promise<readonly RuleTestFailure[]> {
    const evaluators = this.#groups.map(group => this.#evaluator(group));
    const times = [...this.#test.alertTests, ...this.#test.exprTests].map(check => check.evalMs);
    const lastMs = Math.max(0, ...times);
    const stepMs = this.#file.evaluationIntervalMs;
    const columns = this.#columns();
    let filled = 0;
    for (let offsetMs = 0; offsetMs <= lastMs; offsetMs += stepMs) {
      const nowMs = this.#test.startMs + offsetMs;
      // Samples come when their time has come: an offset below zero sees none of the future.
      for (; (columns[filled]?.timeMs ?? Number.POSITIVE_INFINITY) <= nowMs; filled++)
        await this.#append(columns[filled]);
      const outcomes: GroupOutcome[] = [];
      // As promtool: all groups at the evaluation interval of the tests, whatever interval they have of their own.
      for (const evaluator of evaluators) outcomes.push(await evaluator.evaluate(nowMs));
      // What follows would only say the same again.
      if (this.#reportFailures(outcomes, offsetMs)) return this.#failures;
      for (const check of this.#test.alertTests) {
        if (check.evalMs >= offsetMs && check.evalMs < offsetMs + stepMs)
          this.#checkAlerts(check, evaluators);
      }
    }
    for (const check of this.#test.exprTests) await this.#checkExpr(check);
    return this.#failures;
  }

  #evaluator(group: RuleGroup): GroupEvaluator {
    return new GroupEvaluator(
      group,
      {
        intervalMs: group.intervalMs ?? this.#file.evaluationIntervalMs,
        queryOffsetMs: group.queryOffsetMs ?? 0,
        queryTimeoutMs: 120_000,
        externalLabels: this.#test.externalLabels,
        externalUrl: this.#test.externalUrl,
        startedAtMs: this.#test.startMs,
        unknowable: 'resolved',
        // Nothing is restored in a unit test.
        forPolicy: { outageToleranceMs: 0, gracePeriodMs: 0 },
      },
      {
        query: this.#query,
        writer: this.#store,
        targets: undefined,
        // Simulated time waits for nothing: one rule after another.
        lanes: new SharedLanes(),
        monotonicMs: this.#options.monotonicMs,
        // The text of the failure stands in the annotation: a test that compares annotations sees it.
        onTemplateError: () => {},
      },
    );
  }

  /** In the order of time. */
  #columns(): readonly Column[] {
    const columns = new Map<number, Column>();
    for (const series of this.#test.series) {
      const ref = this.#store.intern(series.labels);
      if (!ref.ok) continue;
      series.values.forEach((value, i) => {
        if (value === 'missing') return;
        const timeMs = this.#test.startMs + i * this.#test.intervalMs;
        const column = columns.get(timeMs) ?? { timeMs, samples: [] };
        column.samples.push({ ref: ref.value, value });
        columns.set(timeMs, column);
      });
    }
    return [...columns.values()].sort((a, b) => a.timeMs - b.timeMs);
  }

  async #append(column: Column | undefined): Promise<void> {
    if (column === undefined) return;
    const { timeMs, samples } = column;
    const values = Float64Array.from(samples, ({ value }) => (typeof value === 'number' ? value : 0));
    const words = wordsOf(values);
    const histograms = new Map<number, NativeHistogram>();
    samples.forEach(({ value }, i) => {
      if (value === 'stale') setStaleAt(words, i);
      else if (typeof value === 'object') histograms.set(i, value);
    });
    const series = Uint32Array.from(samples, ({ ref }) => ref);
    const producer = targetId('test');
    await this.#store.append({ producer, timestampMs: timeMs, series, values, histograms });
  }

  #reportFailures(outcomes: readonly GroupOutcome[], offsetMs: number): boolean {
    const failed = outcomes.flatMap(outcome => outcome.failures);
    for (const { rule, message } of failed) {
      const { file, group, name } = rule.id;
      const error = `${message} (${file}:${rule.line}, group "${group}")`;
      this.#fail(`rule ${name} at ${formatDuration(offsetMs)}`, this.#test, { expected: [], got: [], error });
    }
    return failed.length > 0;
  }

  #checkAlerts(check: AlertTest, evaluators: readonly GroupEvaluator[]): void {
    const got: TestItem[] = [];
    for (const status of evaluators.flatMap(evaluator => evaluator.status().rules)) {
      if (status.rule.kind !== 'alerting' || status.rule.alert !== check.alertname) continue;
      for (const alert of status.alerts) {
        if (alert.state === 'firing') got.push(alertItem(alert.labels, alert.annotations));
      }
    }
    const expected = check.expected.map(one =>
      alertItem(withLabels(one.labels, { alertname: check.alertname }), one.annotations),
    );
    if (sameItems(expected, got)) return;
    this.#fail(`alert ${check.alertname} at ${formatDuration(check.evalMs)}`, check, { expected, got });
  }

  async #checkExpr(check: ExprTest): Promise<void> {
    const name = `expression ${JSON.stringify(check.expr)} at ${formatDuration(check.evalMs)}`;
    const result = await this.#ask(check);
    const expected = check.expected.map(sampleItem);
    if (!result.ok) {
      this.#fail(name, check, { expected, got: [], error: result.error });
      return;
    }
    if (this.#file.fuzzy && nearlySame(check.expected, result.value)) return;
    const got = result.value.map(sampleItem);
    if (!sameItems(expected, got)) this.#fail(name, check, { expected, got });
  }

  async #ask({ expr, evalMs }: ExprTest): Promise<Result<readonly ExpectedSample[], string>> {
    const plan = this.#query.prepare(expr);
    if (!plan.ok) return err(plan.error.message);
    const atMs = this.#test.startMs + evalMs;
    const answer = await this.#query.execute(
      plan.value,
      { startMs: atMs, endMs: atMs, stepMs: 0 },
      { principal: { kind: 'system', part: 'rule tests' }, timeoutMs: 120_000 },
    );
    if (!answer.ok) return err(answer.error.message);
    const { series, resultType } = answer.value;
    if (resultType !== 'vector' && resultType !== 'scalar') return err(`the answer is a ${resultType}`);
    return ok(
      series
        .filter(one => one.present[0] === 1)
        .map(one => {
          const histogram = one.histograms?.get(0);
          return {
            labels: resultType === 'scalar' ? NO_LABELS : one.labels,
            value: one.values[0] ?? Number.NaN,
            ...(histogram === undefined ? {} : { histogram }),
          };
        }),
    );
  }

  #fail(
    check: string,
    { offset }: { readonly offset: number },
    more: Pick<RuleTestFailure, 'expected' | 'got' | 'error'>,
  ): void {
    const show = (items: readonly TestItem[]): string =>
      items.length === 0 ? 'nothing' : items.map(({ text }) => text).join('; ');
    this.#failures.push({
      code: 'rules-test-failed',
      test: this.#name,
      ...this.#place(offset),
      check,
      ...more,
      message: `${this.#name}: ${check}: expected ${show(more.expected)}, got ${more.error ?? show(more.got)}`,
    });
  }
}
