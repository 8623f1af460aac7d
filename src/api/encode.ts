// From the house's own types to the JSON of the contract.

import { formatDuration } from '../base/index.ts';
import { formatFloatJson } from '../exposition/index.ts';
import {
  type Alert,
  bucketsOf,
  type InterruptedQuery,
  labelsToRecord,
  type NativeHistogram,
  type QueryRecord,
  type RecoveryRun,
  type StoredJournalEvent,
  type TargetStatus,
  toldAnnotations,
} from '../model/index.ts';
import type {
  AlertJson,
  AskedQueryJson,
  HistogramJson,
  OwnAlertJson,
  QueryJson,
  RuleGroupJson,
  RuleJson,
  RunJson,
  TargetJson,
  TimelineEventJson,
} from './contract.ts';
import type { RuleGroupView, RuleView } from './deps.ts';

/** Prometheus's "never": Go's zero time. */
const ZERO_TIME = '0001-01-01T00:00:00Z';

export function isoTime(atMs: number): string {
  return atMs === 0 ? ZERO_TIME : new Date(atMs).toISOString();
}

export function histogramJson(histogram: NativeHistogram): HistogramJson {
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
  const { durationMs, queueMs, seriesRead, samplesRead, bytesPeak } = cost;
  const spent = { durationMs, queueMs, seriesRead, samplesRead, bytesPeak };
  return { id, ...askedJson(record), verdict, message, ...spent };
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

export function alertJson(alert: Alert): AlertJson {
  return {
    labels: labelsToRecord(alert.labels),
    annotations: labelsToRecord(toldAnnotations(alert)),
    state: alert.state === 'pending' ? 'pending' : 'firing',
    activeAt: isoTime(alert.activeAtMs),
    ...(alert.keptFiringSinceMs === undefined ? {} : { keepFiringSince: isoTime(alert.keptFiringSinceMs) }),
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
    ...(alert.why === undefined ? {} : { why: alert.why }),
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
