// The stages' own statuses in the shapes that the API shows.

import type { BlockJson, ReceiverJson, RemoteWriteJson, RuleGroupView, RuleView } from '../api/index.ts';
import { labelsToRecord } from '../model/index.ts';
import type { DestinationHealth, ReceiverSpec } from '../notify/index.ts';
import type { QueueStatus } from '../remote/index.ts';
import type { Rule, RuleGroupStatus, RuleStatus } from '../rules/index.ts';
import type { BlockStats } from '../storage/index.ts';

export function ruleGroupView(group: RuleGroupStatus): RuleGroupView {
  return {
    name: group.name,
    file: group.file,
    intervalMs: group.intervalMs,
    limit: group.limit,
    lastEvaluationMs: group.lastEvaluationMs,
    lastDurationMs: group.lastDurationMs,
    rules: group.rules.map(ruleView),
  };
}

function ruleView(status: RuleStatus): RuleView {
  const { rule } = status;
  return {
    kind: rule.kind,
    name: rule.kind === 'alerting' ? rule.alert : rule.record,
    expr: rule.expr,
    labels: labelsOf(rule),
    annotations: labelsToRecord(status.annotations),
    forMs: rule.kind === 'alerting' ? rule.forMs : 0,
    keepFiringForMs: rule.kind === 'alerting' ? rule.keepFiringForMs : 0,
    health: status.health,
    lastError: status.lastError,
    lastEvaluationMs: status.lastEvaluationMs,
    lastDurationMs: status.lastDurationMs,
    alerts: status.alerts,
  };
}

/** As Prometheus shows blocks; a block's level is not written down, only whether it was made of others. */
export function blockView(block: BlockStats): BlockJson {
  const { name, minMs, maxMs, series, samples, deletedSeries, parents } = block;
  const isEmpty = minMs > maxMs;
  return {
    ulid: name,
    minTime: isEmpty ? 0 : minMs,
    maxTime: isEmpty ? 0 : maxMs + 1,
    stats: { numSamples: samples, numSeries: series, numTombstones: deletedSeries },
    compaction: {
      level: parents.length === 0 ? 1 : 2,
      sources: parents.length === 0 ? [name] : parents,
    },
    version: BLOCK_META_VERSION,
  };
}

/** Of Prometheus's description of a block. */
const BLOCK_META_VERSION = 1;

function labelsOf(rule: Rule): Readonly<Record<string, string>> {
  return labelsToRecord(rule.labels);
}

export function receiverViews(
  receivers: readonly ReceiverSpec[],
  health: readonly DestinationHealth[],
): readonly ReceiverJson[] {
  return receivers.map(receiver => {
    const own = health.filter(destination => destination.receiver === receiver.name);
    const lastSuccessMs = Math.max(0, ...own.map(destination => destination.lastSuccessMs));
    const lastErrorMs = Math.max(0, ...own.map(destination => destination.lastFailureMs));
    return {
      name: receiver.name,
      channels: own.map(destination => destination.channel),
      lastSuccessMs: lastSuccessMs === 0 ? null : lastSuccessMs,
      lastErrorMs: lastErrorMs === 0 ? null : lastErrorMs,
      lastError: own.map(destination => destination.lastError).find(text => text !== '') ?? '',
      consecutiveFailures: Math.max(0, ...own.map(destination => destination.consecutiveFailures)),
    };
  });
}

export function remoteWriteView(status: QueueStatus): RemoteWriteJson {
  const { newestSentMs, lastSentMs, lastError, ...rest } = status;
  return {
    ...rest,
    ...(Number.isNaN(newestSentMs) ? {} : { newestSentMs }),
    ...(Number.isNaN(lastSentMs) ? {} : { lastSentMs }),
    ...(lastError === '' ? {} : { lastError }),
  };
}
