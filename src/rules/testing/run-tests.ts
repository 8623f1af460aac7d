// Runs rule unit tests in promtool's format over simulated time and an in-memory store. Rules always have Prometheus's
// semantics here, as the format's users expect.

import { err, ok, type Result } from '../../base/index.ts';
import {
  type Diagnostic,
  formatLabels,
  type Labels,
  labelsKey,
  type NativeHistogram,
  NO_LABELS,
  type Query,
  type SeriesReader,
  setStaleAt,
  targetId,
  withLabels,
  wordsOf,
} from '../../model/index.ts';
import { formatG } from '../../template/index.ts';
import { GroupEvaluator, type GroupOutcome } from '../group.ts';
import { readRules } from '../reader.ts';
import type { RuleFile, RuleGroup } from '../rule.ts';
import { printHistogram } from './histogram-notation.ts';
import { MemoryStore } from './memory-store.ts';
import {
  type AlertTest,
  type ExpectedSample,
  type ExprTest,
  type RuleTest,
  type RuleTestFile,
  readRuleTests,
} from './test-file.ts';

export interface RuleTestOptions {
  /** Of the test file, in messages. */
  readonly file: string;
  /** The text of a rule file named in the tests; undefined if it cannot be read. Globs are the caller's. */
  readonly readRuleFile: (name: string) => string | undefined;
  /** A query engine over the given store, on a clock that stands at `nowMs()`. */
  readonly createQuery: (reader: SeriesReader, nowMs: () => number) => Query;
  readonly monotonicMs: () => number;
  /** Only tests whose name matches; all without it. */
  readonly only?: (name: string) => boolean;
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
  /** Alert name or expression, with the time. */
  readonly check: string;
  readonly expected: readonly string[];
  readonly got: readonly string[];
  readonly message: string;
}

export async function runRuleTests(source: string, options: RuleTestOptions): Promise<RuleTestReport> {
  const read = readRuleTests(source, options.file);
  const none = { testsRun: 0, checksRun: 0, failures: [] };
  if (read.value === undefined) return { ...none, diagnostics: read.diagnostics };
  const rules = loadRules(read.value, options);
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
    failures.push(...(await new Simulation(test, read.value, { groups, options, name }).run()));
  }
  return { testsRun, checksRun, diagnostics, failures };
}

function loadRules(
  file: RuleTestFile,
  options: RuleTestOptions,
): { readonly files: readonly RuleFile[]; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const files: RuleFile[] = [];
  // Parsing wants no data: the engine's own verdict over an empty store.
  const { prepare } = options.createQuery(new MemoryStore(), () => 0);
  for (const name of file.ruleFiles) {
    const source = options.readRuleFile(name);
    if (source === undefined) {
      diagnostics.push({
        code: 'config-io',
        severity: 'error',
        message: `Cannot read the rule file "${name}": it is not there`,
        file: options.file,
        line: 0,
        column: 0,
        path: 'rule_files',
      });
      continue;
    }
    const read = readRules(source, { file: name, prepare });
    diagnostics.push(...read.diagnostics);
    if (read.file !== undefined) files.push(read.file);
  }
  return { files, diagnostics };
}

/** Groups named in `group_eval_order` first, the others behind them as they stand in their files. */
function inOrder(groups: readonly RuleGroup[], order: readonly string[]): readonly RuleGroup[] {
  const rank = (group: RuleGroup): number => {
    const at = order.indexOf(group.name);
    return at < 0 ? order.length : at;
  };
  return [...groups].sort((a, b) => rank(a) - rank(b));
}

/** Owns the store and the time of one test. */
class Simulation {
  readonly #test: RuleTest;
  readonly #file: RuleTestFile;
  readonly #groups: readonly RuleGroup[];
  readonly #options: RuleTestOptions;
  readonly #name: string;
  readonly #store = new MemoryStore();
  readonly #query: Query;
  readonly #failures: RuleTestFailure[] = [];
  #nowMs: number;

  constructor(
    test: RuleTest,
    file: RuleTestFile,
    more: { readonly groups: readonly RuleGroup[]; readonly options: RuleTestOptions; readonly name: string },
  ) {
    this.#test = test;
    this.#file = file;
    this.#groups = more.groups;
    this.#options = more.options;
    this.#name = more.name;
    this.#nowMs = test.startMs;
    this.#query = more.options.createQuery(this.#store, () => this.#nowMs);
  }

  async run(): Promise<readonly RuleTestFailure[]> {
    await this.#fill();
    const evaluators = this.#groups.map(group => this.#evaluator(group));
    const times = [...this.#test.alertTests, ...this.#test.exprTests].map(check => check.evalMs);
    const lastMs = Math.max(0, ...times);
    const stepMs = this.#file.evaluationIntervalMs;
    for (let offsetMs = 0; offsetMs <= lastMs; offsetMs += stepMs) {
      this.#nowMs = this.#test.startMs + offsetMs;
      const outcomes: GroupOutcome[] = [];
      // As promtool: all groups at the evaluation interval of the tests, whatever interval they have of their own.
      for (const evaluator of evaluators) outcomes.push(await evaluator.evaluate(this.#nowMs));
      this.#reportFailures(outcomes, offsetMs);
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
      },
      {
        query: this.#query,
        writer: this.#store,
        targets: undefined,
        monotonicMs: this.#options.monotonicMs,
        // The text of the failure stands in the annotation: a test that compares annotations sees it.
        onTemplateError: () => {},
      },
    );
  }

  async #fill(): Promise<void> {
    const columns = new Map<
      number,
      { readonly ref: number; readonly value: number | NativeHistogram | 'stale' }[]
    >();
    for (const series of this.#test.series) {
      const ref = this.#store.intern(series.labels);
      if (!ref.ok) continue;
      series.values.forEach((value, i) => {
        if (value === 'missing') return;
        const timeMs = this.#test.startMs + i * this.#test.intervalMs;
        const column = columns.get(timeMs) ?? [];
        column.push({ ref: ref.value, value });
        columns.set(timeMs, column);
      });
    }
    for (const [timestampMs, column] of [...columns].sort(([a], [b]) => a - b)) {
      const values = Float64Array.from(column, ({ value }) => (typeof value === 'number' ? value : 0));
      const words = wordsOf(values);
      const histograms = new Map<number, NativeHistogram>();
      column.forEach(({ value }, i) => {
        if (value === 'stale') setStaleAt(words, i);
        else if (typeof value === 'object') histograms.set(i, value);
      });
      const series = Uint32Array.from(column, ({ ref }) => ref);
      await this.#store.append({ producer: targetId('test'), timestampMs, series, values, histograms });
    }
  }

  #reportFailures(outcomes: readonly GroupOutcome[], offsetMs: number): void {
    for (const { rule, message } of outcomes.flatMap(outcome => outcome.failures)) {
      this.#fail(`rule ${rule.id.name} at ${offsetMs / 1000}s`, { expected: ['no error'], got: [message] });
    }
  }

  #checkAlerts(check: AlertTest, evaluators: readonly GroupEvaluator[]): void {
    const got: string[] = [];
    for (const status of evaluators.flatMap(evaluator => evaluator.status().rules)) {
      if (status.rule.kind !== 'alerting' || status.rule.alert !== check.alertname) continue;
      for (const alert of status.alerts) {
        if (alert.state === 'firing') got.push(describeAlert(alert.labels, alert.annotations));
      }
    }
    const expected = check.expected.map(one =>
      describeAlert(withLabels(one.labels, { alertname: check.alertname }), one.annotations),
    );
    this.#compare(`alertname ${check.alertname} at ${check.evalMs / 1000}s`, expected, got);
  }

  async #checkExpr(check: ExprTest): Promise<void> {
    const name = `expr ${JSON.stringify(check.expr)} at ${check.evalMs / 1000}s`;
    this.#nowMs = this.#test.startMs + check.evalMs;
    const result = await this.#ask(check.expr);
    const { expected } = check;
    if (!result.ok) {
      this.#fail(name, { expected: expected.map(describeSample), got: [result.error] });
      return;
    }
    if (this.#file.fuzzy && fuzzyEqual(expected, result.value)) return;
    this.#compare(name, expected.map(describeSample), result.value.map(describeSample));
  }

  async #ask(expr: string): Promise<Result<readonly SampleText[], string>> {
    const plan = this.#query.prepare(expr);
    if (!plan.ok) return err(plan.error.message);
    const answer = await this.#query.execute(
      plan.value,
      { startMs: this.#nowMs, endMs: this.#nowMs, stepMs: 0 },
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

  #compare(check: string, expected: readonly string[], got: readonly string[]): void {
    const wanted = [...expected].sort();
    const found = [...got].sort();
    if (wanted.length === found.length && wanted.every((text, i) => text === found[i])) return;
    this.#fail(check, { expected: wanted, got: found });
  }

  #fail(
    check: string,
    more: { readonly expected: readonly string[]; readonly got: readonly string[] },
  ): void {
    const show = (texts: readonly string[]): string => (texts.length === 0 ? 'nothing' : texts.join('; '));
    this.#failures.push({
      code: 'rules-test-failed',
      test: this.#name,
      check,
      ...more,
      message: `${this.#name}: ${check}: expected ${show(more.expected)}, got ${show(more.got)}`,
    });
  }
}

type SampleText = ExpectedSample;

function describeAlert(labels: Labels, annotations: Labels): string {
  return `${formatLabels(labels)} ${formatLabels(annotations)}`;
}

function describeSample(sample: SampleText): string {
  const { labels, value, histogram } = sample;
  return `${formatLabels(labels)} ${histogram === undefined ? formatG(value) : printHistogram(histogram)}`;
}

/** Same series, values equal up to rounding in the last digits. */
const FUZZY_RATIO = 1e-9;

function fuzzyEqual(expected: readonly SampleText[], got: readonly SampleText[]): boolean {
  if (expected.length !== got.length) return false;
  const byLabels = new Map(got.map(one => [labelsKey(one.labels), one]));
  return expected.every(({ labels, value, histogram }) => {
    const found = byLabels.get(labelsKey(labels));
    if (found === undefined) return false;
    if (histogram !== undefined || found.histogram !== undefined)
      return describeSample({ labels, value, ...(histogram ? { histogram } : {}) }) === describeSample(found);
    const other = found.value;
    if (Object.is(other, value)) return true;
    return Math.abs(other - value) <= FUZZY_RATIO * Math.max(Math.abs(other), Math.abs(value));
  });
}
