// Applies a rule's labels and annotations to the series of an answer: templates over $labels, $value and the rest.

import { ok, type Result } from '../base/index.ts';
import {
  fingerprint,
  formatHistogram,
  type Labels,
  labelPairs,
  labelsFromPairs,
  METRIC_NAME,
  type NativeHistogram,
  type TargetId,
} from '../model/index.ts';
import {
  type AskQuery,
  expandWithQueries,
  formatG,
  goStruct,
  type Value,
  withTraits,
} from '../template/index.ts';
import type { Candidate } from './alert-state.ts';
import type { AlertingRule, TemplatedText } from './rule.ts';

/** One value of an instant answer. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Where the sample is one: `value` says nothing then. */
  readonly histogram?: NativeHistogram | undefined;
  readonly producer: TargetId | undefined;
}

export interface ExpansionContext {
  readonly externalLabels: Labels;
  readonly externalUrl: string;
  readonly nowMs: number;
  /** Answers `query` in templates, at the time of the evaluation. */
  readonly ask: AskQuery;
  /** Told of each template that failed; the text of the failure stands in its place, as in Prometheus. */
  readonly onError: (message: string) => void;
}

export async function expandSample(
  rule: AlertingRule,
  sample: Sample,
  context: ExpansionContext,
): Promise<Candidate> {
  const labels = await expandLabels(rule, sample, context);
  const scope = scopeOf(rule, sample, context);
  const annotations: [string, string][] = [];
  for (const text of rule.annotations) annotations.push([text.name, await expandText(text, scope, context)]);
  return {
    labels,
    fingerprint: fingerprint(labels),
    annotations: labelsFromPairs(annotations),
    value: sample.value,
    producer: sample.producer,
  };
}

/** The labels that an alert for this series has: its own without the metric name, the rule's, and alertname. */
export async function expandLabels(
  rule: AlertingRule,
  sample: Sample,
  context: ExpansionContext,
): Promise<Labels> {
  const scope = scopeOf(rule, sample, context);
  const pairs: (readonly [string, string])[] = [...labelPairs(sample.labels)].filter(
    ([name]) => name !== METRIC_NAME,
  );
  for (const text of rule.labelTemplates) pairs.push([text.name, await expandText(text, scope, context)]);
  pairs.push(['alertname', rule.alert]);
  return labelsFromPairs(pairs);
}

interface TemplateScope {
  readonly alert: string;
  readonly data: Value;
  readonly variables: ReadonlyMap<string, Value>;
}

function scopeOf(rule: AlertingRule, sample: Sample, context: ExpansionContext): TemplateScope {
  const labels = new Map(labelPairs(sample.labels));
  const externalLabels = new Map(labelPairs(context.externalLabels));
  const { externalUrl } = context;
  const value = sample.histogram === undefined ? sample.value : goHistogram(sample.histogram);
  return {
    alert: rule.alert,
    data: goStruct('rules.AlertTemplateData', {
      Labels: labels,
      ExternalLabels: externalLabels,
      ExternalURL: externalUrl,
      Value: value,
    }),
    variables: new Map<string, Value>([
      ['labels', labels],
      ['externalLabels', externalLabels],
      ['externalURL', externalUrl],
      ['value', value],
    ]),
  };
}

/** A value that prints as Prometheus prints histograms, and is no number. */
function goHistogram(histogram: NativeHistogram): Value {
  const text = (): string => formatHistogram(histogram, formatG);
  return withTraits({}, { type: '*histogram.FloatHistogram', struct: true, methods: new Map(), text });
}

async function expandText(
  text: TemplatedText,
  scope: TemplateScope,
  context: ExpansionContext,
): Promise<string> {
  // Most labels and many annotations are plain text.
  if (!text.text.includes('{{')) return text.text;
  const result: Result<string, { message: string }> = await expandWithQueries(text.template, scope.data, {
    externalUrl: context.externalUrl,
    nowMs: context.nowMs,
    variables: scope.variables,
    ask: context.ask,
  });
  if (result.ok) return result.value;
  context.onError(result.error.message);
  return `<error expanding template: error executing template __alert_${scope.alert}: ${result.error.message}>`;
}

/** For callers that have no engine at hand. */
export const NO_QUERIES: AskQuery = async () => ok([]);
