// From the house's own types to the JSON of the contract.

import { formatDuration } from '../base/index.ts';
import { formatFloatJson } from '../exposition/index.ts';
import {
  type Alert,
  type AnswerSeries,
  bucketsOf,
  type InterruptedQuery,
  labelsToRecord,
  type NativeHistogram,
  type QueryAnswer,
  type QueryRecord,
  type RecoveryRun,
  type StoredJournalEvent,
  type TargetStatus,
} from '../model/index.ts';
import type {
  AlertJson,
  AskedQueryJson,
  HistogramJson,
  HistogramPoint,
  MatrixRow,
  OwnAlertJson,
  Point,
  QueryData,
  QueryJson,
  RuleGroupJson,
  RuleJson,
  RunJson,
  TargetJson,
  TimelineEventJson,
  VectorRow,
} from './contract.ts';
import type { RuleGroupView, RuleView } from './deps.ts';

/** Prometheus's "never": Go's zero time. */
const ZERO_TIME = '0001-01-01T00:00:00Z';

export function isoTime(atMs: number): string {
  return atMs === 0 ? ZERO_TIME : new Date(atMs).toISOString();
}

export function queryData(answer: QueryAnswer): QueryData {
  const { times } = answer;
  const endS = times.endMs / 1000;
  if (answer.resultType === 'string') return { resultType: 'string', result: [endS, answer.text ?? ''] };
  if (answer.resultType === 'scalar' && times.stepMs === 0) {
    return {
      resultType: 'scalar',
      result: [endS, formatFloatJson(answer.series[0]?.values[0] ?? Number.NaN)],
    };
  }
  if (answer.resultType === 'vector' && times.stepMs === 0)
    return { resultType: 'vector', result: answer.series.flatMap(series => vectorRow(series, endS)) };
  return { resultType: 'matrix', result: answer.series.flatMap(series => matrixRow(series, times)) };
}

/** The rows of a vector or a matrix, one after the other. */
export function* answerRows({ series, resultType, times }: QueryAnswer): Generator<VectorRow | MatrixRow> {
  for (const one of series)
    yield* resultType === 'vector' ? vectorRow(one, times.endMs / 1000) : matrixRow(one, times);
}

function vectorRow(series: AnswerSeries, endS: number): VectorRow[] {
  if (series.present[0] !== 1) return [];
  const metric = labelsToRecord(series.labels);
  const histogram = series.histograms?.get(0);
  if (histogram !== undefined) return [{ metric, histogram: [endS, histogramJson(histogram)] }];
  return [{ metric, value: [endS, formatFloatJson(series.values[0] ?? Number.NaN)] }];
}

function matrixRow(series: AnswerSeries, times: QueryAnswer['times']): MatrixRow[] {
  const values: Point[] = [];
  const histograms: HistogramPoint[] = [];
  for (let i = 0; i < series.values.length; i++) {
    if (series.present[i] !== 1) continue;
    const atMs = series.timesMs?.[i] ?? times.startMs + i * times.stepMs;
    const histogram = series.histograms?.get(i);
    if (histogram !== undefined) histograms.push([atMs / 1000, histogramJson(histogram)]);
    else values.push([atMs / 1000, formatFloatJson(series.values[i] ?? Number.NaN)]);
  }
  if (values.length + histograms.length === 0) return [];
  return [
    {
      metric: labelsToRecord(series.labels),
      ...(values.length > 0 ? { values } : {}),
      ...(histograms.length > 0 ? { histograms } : {}),
    },
  ];
}

function histogramJson(histogram: NativeHistogram): HistogramJson {
  const buckets = bucketsOf(histogram).map(
    ({ lower, upper, lowerInclusive, upperInclusive, count }) =>
      [
        lowerInclusive ? (upperInclusive ? 3 : 1) : upperInclusive ? 0 : 2,
        formatFloatJson(lower),
        formatFloatJson(upper),
        formatFloatJson(count),
      ] as const,
  );
  return {
    count: formatFloatJson(histogram.count),
    sum: formatFloatJson(histogram.sum),
    ...(buckets.length > 0 ? { buckets } : {}),
  };
}

export function askedJson({ expr, times, who, client, atMs }: InterruptedQuery): AskedQueryJson {
  return { expr, ...times, who, client, atMs };
}

export function queryJson(record: QueryRecord): QueryJson {
  const { id, verdict, message, cost } = record;
  return { id, ...askedJson(record), verdict, message, ...cost };
}

export function targetJson(target: TargetStatus): TargetJson {
  return {
    discoveredLabels: labelsToRecord(target.discoveredLabels),
    labels: labelsToRecord(target.labels),
    scrapePool: target.job,
    scrapeUrl: target.url,
    globalUrl: target.url,
    lastError: target.lastError,
    lastScrape: isoTime(target.lastScrapeMs),
    lastScrapeDuration: target.lastDurationMs / 1000,
    health: target.health,
    scrapeInterval: formatDuration(target.intervalMs),
    scrapeTimeout: formatDuration(target.timeoutMs),
  };
}

/** An unknown alert is firing with an annotation that says why, as Prometheus's clients know no third state. */
export function alertJson(alert: Alert): AlertJson {
  const annotations = labelsToRecord(alert.annotations);
  if (alert.state === 'unknown') annotations['watchkeeper_unknown'] = alert.reason;
  return {
    labels: labelsToRecord(alert.labels),
    annotations,
    state: alert.state === 'pending' ? 'pending' : 'firing',
    activeAt: isoTime(alert.activeAtMs),
    value: exponentForm(alert.value),
  };
}

/** Prometheus prints alert values as Go's 'e' format with the shortest digits: 1e+00. */
function exponentForm(value: number): string {
  if (!Number.isFinite(value)) return formatFloatJson(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

export function ruleGroupJson(group: RuleGroupView): RuleGroupJson {
  return {
    name: group.name,
    file: group.file,
    interval: group.intervalMs / 1000,
    limit: group.limit,
    evaluationTime: group.lastDurationMs / 1000,
    lastEvaluation: isoTime(group.lastEvaluationMs),
    rules: group.rules.map(ruleJson),
  };
}

function ruleJson(rule: RuleView): RuleJson {
  const common = {
    name: rule.name,
    query: rule.expr,
    labels: rule.labels,
    health: rule.health,
    ...(rule.lastError === '' ? {} : { lastError: rule.lastError }),
    evaluationTime: rule.lastDurationMs / 1000,
    lastEvaluation: isoTime(rule.lastEvaluationMs),
  };
  if (rule.kind === 'recording') return { ...common, type: 'recording' };
  const active = rule.alerts.filter(alert => alert.state !== 'resolved');
  const firing = active.some(alert => alert.state !== 'pending');
  return {
    ...common,
    type: 'alerting',
    state: firing ? 'firing' : active.length > 0 ? 'pending' : 'inactive',
    duration: rule.forMs / 1000,
    keepFiringFor: rule.keepFiringForMs / 1000,
    annotations: rule.annotations,
    alerts: active.map(alertJson),
  };
}

export function ownAlertJson(alert: Alert): OwnAlertJson {
  return {
    fingerprint: alert.fingerprint,
    labels: labelsToRecord(alert.labels),
    annotations: labelsToRecord(alert.annotations),
    state: alert.state,
    reason: alert.reason,
    activeAtMs: alert.activeAtMs,
    firedAtMs: alert.firedAtMs ?? null,
    resolvedAtMs: alert.resolvedAtMs ?? null,
    value: formatFloatJson(alert.value),
    expr: alert.expr,
  };
}

export function timelineJson(event: StoredJournalEvent): TimelineEventJson {
  const { seq, atMs, lastAtMs, repeats, stage, verdict, reason, subject, alerts, evidence, effects } = event;
  return {
    seq,
    atMs,
    lastAtMs,
    repeats,
    stage,
    verdict,
    reason,
    subject: { ...subject },
    alerts,
    evidence,
    effects,
  };
}

export function runJson(run: RecoveryRun): RunJson {
  return {
    id: run.id,
    playbook: run.playbook,
    fingerprint: run.fingerprint,
    labels: run.labels,
    state: run.state,
    reason: run.reason,
    attempt: run.attempt,
    proposedAtMs: run.proposedAtMs,
    changedAtMs: run.changedAtMs,
    steps: run.steps.map(step => ({
      name: step.name,
      startedAtMs: step.startedAtMs,
      endedAtMs: step.endedAtMs ?? null,
      outcome: step.outcome ?? null,
      detail: step.detail ?? '',
      output: step.output ?? '',
    })),
  };
}
