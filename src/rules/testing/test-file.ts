// Unit-test files in promtool's format: YAML text to tests, with diagnostics.

import {
  bad,
  boolean,
  duration,
  type INVALID,
  list,
  mapOf,
  mapped,
  optional,
  parseDocument,
  readDocument,
  record,
  required,
  type Schema,
  text,
  withDefault,
} from '../../config/index.ts';
import { type Diagnostic, type Labels, labelsFromPairs, type NativeHistogram } from '../../model/index.ts';
import { parseHistogram } from './histogram-notation.ts';
import { type NotedValue, parseMetric, parseValues } from './notation.ts';
import { toNumber } from './numbers.ts';

export interface InputSeries {
  readonly labels: Labels;
  readonly values: readonly NotedValue[];
}

export interface ExpectedAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** Where something begins in the file, from 0. */
interface Placed {
  readonly offset: number;
}

export interface AlertTest extends Placed {
  readonly evalMs: number;
  readonly alertname: string;
  readonly expected: readonly ExpectedAlert[];
}

export interface ExpectedSample {
  readonly labels: Labels;
  readonly value: number;
  readonly histogram?: NativeHistogram;
}

export interface ExprTest extends Placed {
  readonly expr: string;
  readonly evalMs: number;
  readonly expected: readonly ExpectedSample[];
}

export interface RuleTest extends Placed {
  readonly name: string;
  readonly intervalMs: number;
  readonly startMs: number;
  readonly series: readonly InputSeries[];
  readonly alertTests: readonly AlertTest[];
  readonly exprTests: readonly ExprTest[];
  readonly externalLabels: Labels;
  readonly externalUrl: string;
}

export interface RuleTestFile {
  readonly ruleFiles: readonly string[];
  readonly evaluationIntervalMs: number;
  readonly groupOrder: readonly string[];
  /** Compare floats with a tolerance. */
  readonly fuzzy: boolean;
  readonly tests: readonly RuleTest[];
}

export interface ReadRuleTests {
  readonly value: RuleTestFile | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** Line and column of an offset, both from 1. */
  place(offset: number): { readonly line: number; readonly column: number };
}

export function readRuleTests(source: string, file: string): ReadRuleTests {
  const document = parseDocument(source, file);
  return { ...readDocument(document, FILE), place: document.place };
}

const DEFAULT_INTERVAL_MS = 60_000;

const labelTexts: Schema<Labels> = mapped(mapOf(text()), texts => labelsFromPairs(texts));

const metric: Schema<Labels> = mapped(text(), (written, context) => {
  const parsed = parseMetric(written);
  return parsed.ok ? parsed.value : bad(`Cannot read the series "${written}": ${parsed.error}`, context);
});

const noted: Schema<readonly NotedValue[]> = mapped(text(), (written, context) => {
  const parsed = parseValues(written);
  return parsed.ok ? parsed.value : bad(`Cannot read the values: ${parsed.error}`, context);
});

/** A float as YAML and Go write it. */
const float: Schema<number> = mapped(text(), (written, context) => {
  const value = toNumber(written.trim().replace(/^([+-]?)\.(inf|nan)$/i, '$1$2'));
  if (Number.isNaN(value) && !/^\.?nan$/i.test(written.trim())) {
    return bad(`Cannot take "${written}": a number expected`, context);
  }
  return value;
});

/** "2024-01-01T00:00:00Z" or seconds since the epoch. */
const instant: Schema<number> = mapped(text(), (written, context) => {
  const seconds = /^-?\d+(\.\d+)?$/.test(written) ? Number(written) * 1000 : Date.parse(written);
  return Number.isNaN(seconds) ? bad(`Cannot take "${written}": a time expected`, context) : seconds;
});

const seriesSchema = mapped(record({ series: required(metric), values: required(noted) }), value => ({
  labels: value.series,
  values: value.values,
}));

const alertTest = mapped(
  record({
    eval_time: withDefault(duration(), 0),
    alertname: required(text({ notEmpty: true })),
    exp_alerts: withDefault(
      list(
        record({
          exp_labels: withDefault(labelTexts, labelsFromPairs([])),
          exp_annotations: withDefault(labelTexts, labelsFromPairs([])),
        }),
      ),
      [],
    ),
  }),
  (value, _, node): AlertTest => ({
    offset: node.range?.[0] ?? 0,
    evalMs: value.eval_time,
    alertname: value.alertname,
    expected: value.exp_alerts.map(one => ({ labels: one.exp_labels, annotations: one.exp_annotations })),
  }),
);

const sample = mapped(
  record({
    labels: withDefault(metric, labelsFromPairs([])),
    value: withDefault(float, 0),
    histogram: optional(text()),
  }),
  (value, context): ExpectedSample | typeof INVALID => {
    if (value.histogram === undefined) return { labels: value.labels, value: value.value };
    const parsed = parseHistogram(value.histogram);
    if (!parsed.ok) return bad(`Cannot read the histogram: ${parsed.error}`, context);
    return { labels: value.labels, value: 0, histogram: parsed.value.histogram };
  },
);

const exprTest = mapped(
  record({
    expr: required(text({ notEmpty: true })),
    eval_time: withDefault(duration(), 0),
    exp_samples: withDefault(list(sample), []),
  }),
  (value, _, node): ExprTest => ({
    offset: node.range?.[0] ?? 0,
    expr: value.expr,
    evalMs: value.eval_time,
    expected: value.exp_samples,
  }),
);

const testSchema = mapped(
  record({
    name: withDefault(text(), ''),
    interval: withDefault(duration(), 0),
    start_timestamp: withDefault(instant, 0),
    input_series: withDefault(list(seriesSchema), []),
    alert_rule_test: withDefault(list(alertTest), []),
    promql_expr_test: withDefault(list(exprTest), []),
    external_labels: withDefault(labelTexts, labelsFromPairs([])),
    external_url: withDefault(text(), ''),
  }),
  (value, _, node): RuleTest => ({
    offset: node.range?.[0] ?? 0,
    name: value.name,
    intervalMs: value.interval,
    startMs: value.start_timestamp,
    series: value.input_series,
    alertTests: value.alert_rule_test,
    exprTests: value.promql_expr_test,
    externalLabels: value.external_labels,
    externalUrl: value.external_url,
  }),
);

const FILE: Schema<RuleTestFile> = mapped(
  record({
    rule_files: withDefault(list(text()), []),
    evaluation_interval: withDefault(duration(), DEFAULT_INTERVAL_MS),
    group_eval_order: withDefault(list(text()), []),
    fuzzy_compare: withDefault(boolean(), false),
    tests: withDefault(list(testSchema), []),
  }),
  (value, context): RuleTestFile | typeof INVALID => {
    const seen = new Set<string>();
    for (const name of value.group_eval_order) {
      if (seen.has(name)) return bad(`Cannot order groups: group name "${name}" stands twice`, context);
      seen.add(name);
    }
    const evaluationIntervalMs =
      value.evaluation_interval === 0 ? DEFAULT_INTERVAL_MS : value.evaluation_interval;
    return {
      ruleFiles: value.rule_files,
      evaluationIntervalMs,
      groupOrder: value.group_eval_order,
      fuzzy: value.fuzzy_compare,
      tests: value.tests.map(test => ({
        ...test,
        intervalMs: test.intervalMs === 0 ? evaluationIntervalMs : test.intervalMs,
      })),
    };
  },
);
