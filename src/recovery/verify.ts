// The pure verdict of one look at fresh samples: has what the alert complains of ended?

import {
  type Alert,
  type AnswerSeries,
  type Labels,
  labelPairs,
  labelValue,
  METRIC_NAME,
  type QueryAnswer,
} from '../model/index.ts';

export type VerifyVerdict =
  | { readonly kind: 'recovered'; readonly reason: string }
  | { readonly kind: 'still_failing'; readonly reason: string }
  /** No sample is newer than the action yet, or none belongs to this alert. */
  | { readonly kind: 'no_fresh_data'; readonly reason: string };

/** The answer is that of the alert's own expression, asked with `notBeforeMs` (the end of the action) and `wantUnfiltered`. */
export function judgeRule(alert: Alert, answer: QueryAnswer): VerifyVerdict {
  const still = answer.series.find(series => belongsTo(series, alert));
  if (still !== undefined) {
    return {
      kind: 'still_failing',
      reason: `the rule still holds on fresh samples: value ${lastValue(still)}`,
    };
  }
  if (answer.unfiltered !== undefined) {
    const below = answer.unfiltered.find(series => belongsTo(series, alert));
    if (below === undefined)
      return { kind: 'no_fresh_data', reason: 'no sample newer than the action belongs to this alert' };
    return {
      kind: 'recovered',
      reason: `the rule no longer holds on fresh samples: value ${lastValue(below)}`,
    };
  }
  if (answer.cost.samplesRead === 0)
    return { kind: 'no_fresh_data', reason: 'no sample is newer than the action' };
  return { kind: 'recovered', reason: 'the rule gives no result on fresh samples' };
}

/**
 * Of an alert of somebody else's rule there is no expression to ask; whoever posts it says when it is over. That it is not posted
 * any more says nothing: its Prometheus may be down as well.
 */
export function judgePosted(ended: Alert | undefined): VerifyVerdict {
  if (ended === undefined)
    return { kind: 'still_failing', reason: 'whoever posts the alert has not said that it is over' };
  if (ended.absence !== undefined)
    return { kind: 'no_fresh_data', reason: 'the alert was not posted again in time, which proves nothing' };
  return { kind: 'recovered', reason: 'whoever posts the alert says that it is over' };
}

/** The answer is that of the playbook's own expression: any result means success. */
export function judgeExpression(answer: QueryAnswer): VerifyVerdict {
  const holds =
    answer.resultType === 'scalar'
      ? answer.series.some(series => lastValue(series) !== 0)
      : answer.series.some(isPresent);
  if (holds) return { kind: 'recovered', reason: 'the verification expression holds on fresh samples' };
  if (answer.cost.samplesRead === 0)
    return { kind: 'no_fresh_data', reason: 'no sample is newer than the action' };
  return { kind: 'still_failing', reason: 'the verification expression gives no result' };
}

/** A rule adds labels to those of its series and may change some, so each label of the series must fit where the alert has it. */
function belongsTo(series: AnswerSeries, alert: Alert): boolean {
  if (!isPresent(series)) return false;
  return labelsFit(series.labels, alert.labels);
}

function labelsFit(series: Labels, alert: Labels): boolean {
  for (const [name, value] of labelPairs(series)) {
    if (name !== METRIC_NAME && labelValue(alert, name) !== value) return false;
  }
  return true;
}

function isPresent(series: AnswerSeries): boolean {
  return series.present[series.present.length - 1] === 1;
}

function lastValue(series: AnswerSeries): number {
  return series.values[series.values.length - 1] ?? Number.NaN;
}
