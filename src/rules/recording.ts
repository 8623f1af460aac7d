// The pure step of a recording rule: the answer becomes samples of the rule's series.

import { err, ok, type Result } from '../base/index.ts';
import {
  type Labels,
  labelPairs,
  labelsFromPairs,
  labelsKey,
  METRIC_NAME,
  type NativeHistogram,
  type QueryAnswer,
} from '../model/index.ts';
import type { Sample } from './expansion.ts';
import type { RecordingRule } from './rule.ts';
import type { StepFailure } from './step.ts';

export interface OutputSample {
  readonly labels: Labels;
  readonly value: number;
  readonly histogram?: NativeHistogram;
}

/** The series of an instant answer as samples; a scalar is one sample without labels. */
export function samplesOf(answer: QueryAnswer): Result<readonly Sample[], string> {
  if (answer.resultType !== 'vector' && answer.resultType !== 'scalar') {
    return err(`rule result is not a vector or scalar, but a ${answer.resultType}`);
  }
  const samples: Sample[] = [];
  for (const series of answer.series) {
    if (series.present[0] !== 1) continue;
    const histogram = series.histograms?.get(0);
    samples.push({
      labels: series.labels,
      value: series.values[0] ?? Number.NaN,
      producer: series.producer,
      ...(histogram === undefined ? {} : { histogram }),
    });
  }
  return ok(samples);
}

export function recordSamples(
  rule: RecordingRule,
  samples: readonly Sample[],
  limit: number,
): Result<readonly OutputSample[], StepFailure> {
  const output: OutputSample[] = [];
  const seen = new Set<string>();
  for (const sample of samples) {
    const labels = labelsFromPairs([
      ...labelPairs(sample.labels),
      ...labelPairs(rule.labels),
      [METRIC_NAME, rule.record],
    ]);
    const key = labelsKey(labels);
    if (seen.has(key)) {
      const message = 'vector contains metrics with the same labelset after applying rule labels';
      return err({ code: 'rules-duplicate-series', message, outcome: undefined });
    }
    seen.add(key);
    const { value, histogram } = sample;
    output.push({ labels, value, ...(histogram === undefined ? {} : { histogram }) });
  }
  if (limit > 0 && output.length > limit) {
    const message = `exceeded limit of ${limit} with ${output.length} series`;
    return err({ code: 'rules-limit', message, outcome: undefined });
  }
  return ok(output);
}
