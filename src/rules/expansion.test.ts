// Templates over a sample that is a native histogram: Prometheus hands them the histogram itself.

import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { labelsFrom, labelsToRecord, type NativeHistogram } from '../model/index.ts';
import { createQueryEngine } from '../promql/index.ts';
import { type ExpansionContext, expandSample, NO_QUERIES } from './expansion.ts';
import { readRules } from './reader.ts';
import type { AlertingRule } from './rule.ts';
import { MemoryStore } from './testing/memory-store.ts';

const HISTOGRAM: NativeHistogram = {
  schema: 0,
  count: 12,
  sum: 18.4,
  zeroThreshold: 0.001,
  zeroCount: 2,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveCounts: Float64Array.of(4, 6),
  negativeSpans: [],
  negativeCounts: new Float64Array(),
  resetHint: 'unknown',
  integer: true,
};

function alerting(annotation: string): AlertingRule {
  const { prepare } = createQueryEngine({ reader: new MemoryStore(), clock: new FakeClock() });
  const text = `groups: [{ name: g, rules: [{ alert: Slow, expr: latency, annotations: { says: '${annotation}' } }] }]`;
  const rule = readRules(text, { file: 'r.yml', prepare }).file?.groups[0]?.rules[0];
  if (rule?.kind !== 'alerting') throw new Error('an alert expected');
  return rule;
}

it.each([
  ['{{ $value }}', '{count:12, sum:18.4, [-0.001,0.001]:2, (0.5,1]:4, (1,2]:6}'],
  ['{{ .Value }}', '{count:12, sum:18.4, [-0.001,0.001]:2, (0.5,1]:4, (1,2]:6}'],
  ['{{ if $value }}yes{{ end }}', 'yes'],
])('%s is the histogram: %s', async (annotation, says) => {
  const errors: string[] = [];
  const context: ExpansionContext = {
    externalLabels: labelsFrom({}),
    externalUrl: '',
    nowMs: 0,
    ask: NO_QUERIES,
    onError: message => errors.push(message),
  };
  const sample = { labels: labelsFrom({ job: 'a' }), value: 0, histogram: HISTOGRAM, producer: undefined };
  const expanded = await expandSample(alerting(annotation), sample, context);
  expect(labelsToRecord(expanded.annotations)).toEqual({ says });
  expect(errors).toEqual([]);
});

it('a function for numbers says that it is none', async () => {
  const errors: string[] = [];
  const context: ExpansionContext = {
    externalLabels: labelsFrom({}),
    externalUrl: '',
    nowMs: 0,
    ask: NO_QUERIES,
    onError: message => errors.push(message),
  };
  const sample = { labels: labelsFrom({}), value: 0, histogram: HISTOGRAM, producer: undefined };
  await expandSample(alerting('{{ humanize $value }}'), sample, context);
  expect(errors.join()).toContain("can't convert *histogram.FloatHistogram to float");
});

it("an error stands in the text's place, in Prometheus's words and at its place in the user's text", async () => {
  const context: ExpansionContext = {
    externalLabels: labelsFrom({}),
    externalUrl: '',
    nowMs: 0,
    ask: NO_QUERIES,
    onError: () => {},
  };
  const sample = { labels: labelsFrom({}), value: 0, producer: undefined };
  const { annotations } = await expandSample(alerting('a {{- template "nobody" -}} b'), sample, context);
  expect(labelsToRecord(annotations)).toEqual({
    says: '<error expanding template: error executing template __alert_Slow: template: __alert_Slow:1:2: executing "__alert_Slow" at <{{template "nobody"}}>: template "nobody" not defined>',
  });
});
