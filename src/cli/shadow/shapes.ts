// The answers of another program's API, read part by part: what has not the shape that its description says is refused.

import type {
  GettableAlertJson,
  GettableSilenceJson,
  LabelRecord,
  QueryData,
  RuleGroupJson,
  RuleJson,
} from '../../api/index.ts';
import { err, ok, type Result } from '../../base/index.ts';
import type { AmGroupJson } from './sides.ts';

type Part = Readonly<Record<string, unknown>>;

/** `data` of /api/v1/rules. Rules that are neither of the two kinds are passed over. */
export function ruleGroupsIn(body: unknown): Result<readonly RuleGroupJson[], string> {
  const groups = listIn(partIn(body, 'data'), 'groups');
  if (groups === undefined) return err('no "data.groups"');
  return ok(
    groups.map(group => ({
      name: textIn(group, 'name'),
      file: textIn(group, 'file'),
      interval: numberIn(group, 'interval'),
      limit: numberIn(group, 'limit'),
      evaluationTime: 0,
      lastEvaluation: '',
      rules: (listIn(group, 'rules') ?? []).map(ruleOf),
    })),
  );
}

function ruleOf(rule: unknown): RuleJson {
  const health = textIn(rule, 'health');
  return {
    type: textIn(rule, 'type') === 'alerting' ? 'alerting' : 'recording',
    name: textIn(rule, 'name'),
    query: textIn(rule, 'query'),
    labels: labelsIn(rule, 'labels'),
    health: health === 'ok' || health === 'err' ? health : 'unknown',
    lastError: textIn(rule, 'lastError'),
    evaluationTime: 0,
    lastEvaluation: '',
    duration: numberIn(rule, 'duration'),
    keepFiringFor: numberIn(rule, 'keepFiringFor'),
    alerts: (listIn(rule, 'alerts') ?? []).map(alert => ({
      labels: labelsIn(alert, 'labels'),
      annotations: labelsIn(alert, 'annotations'),
      state: textIn(alert, 'state') === 'pending' ? 'pending' : 'firing',
      activeAt: textIn(alert, 'activeAt'),
      value: textIn(alert, 'value'),
    })),
  };
}

/** /api/v2/alerts/groups. */
export function alertGroupsIn(body: unknown): Result<readonly AmGroupJson[], string> {
  if (!Array.isArray(body)) return err('no list of groups');
  return ok(
    body.map((group: unknown) => ({
      labels: labelsIn(group, 'labels'),
      receiver: { name: textIn(partIn(group, 'receiver'), 'name') },
      alerts: (listIn(group, 'alerts') ?? []).map(dispatchedOf),
    })),
  );
}

function dispatchedOf(alert: unknown): GettableAlertJson {
  const status = partIn(alert, 'status');
  const state = textIn(status, 'state');
  return {
    labels: labelsIn(alert, 'labels'),
    annotations: labelsIn(alert, 'annotations'),
    startsAt: textIn(alert, 'startsAt'),
    endsAt: textIn(alert, 'endsAt'),
    updatedAt: textIn(alert, 'updatedAt'),
    fingerprint: textIn(alert, 'fingerprint'),
    receivers: [],
    status: {
      state: state === 'suppressed' || state === 'unprocessed' ? state : 'active',
      silencedBy: textsIn(status, 'silencedBy'),
      inhibitedBy: textsIn(status, 'inhibitedBy'),
      // Alertmanagers before 0.28 do not say it.
      mutedBy: textsIn(status, 'mutedBy'),
    },
  };
}

/** /api/v2/silences, as far as they are named in a report. */
export function silencesIn(body: unknown): Result<readonly GettableSilenceJson[], string> {
  if (!Array.isArray(body)) return err('no list of silences');
  return ok(
    body.map((silence: unknown) => ({
      id: textIn(silence, 'id'),
      matchers: [],
      startsAt: textIn(silence, 'startsAt'),
      endsAt: textIn(silence, 'endsAt'),
      updatedAt: textIn(silence, 'updatedAt'),
      createdBy: textIn(silence, 'createdBy'),
      comment: textIn(silence, 'comment'),
      annotations: {},
      status: { state: 'active' },
    })),
  );
}

/** `data` of a range query. */
export function matrixIn(body: unknown): Result<QueryData, string> {
  const rows = listIn(partIn(body, 'data'), 'result');
  if (rows === undefined) return err('no "data.result"');
  const result = rows.map(row => ({
    metric: labelsIn(row, 'metric'),
    values: (listIn(row, 'values') ?? []).flatMap(point =>
      Array.isArray(point) && typeof point[0] === 'number' ? [[point[0], String(point[1])] as const] : [],
    ),
  }));
  return ok({ resultType: 'matrix', result });
}

function partIn(value: unknown, name: string): unknown {
  return isPart(value) ? value[name] : undefined;
}

function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listIn(value: unknown, name: string): readonly unknown[] | undefined {
  const list = partIn(value, name);
  return Array.isArray(list) ? list : undefined;
}

function textIn(value: unknown, name: string): string {
  const text = partIn(value, name);
  return typeof text === 'string' ? text : '';
}

function numberIn(value: unknown, name: string): number {
  const number = partIn(value, name);
  return typeof number === 'number' && Number.isFinite(number) ? number : 0;
}

function textsIn(value: unknown, name: string): readonly string[] {
  return (listIn(value, name) ?? []).filter(one => typeof one === 'string');
}

function labelsIn(value: unknown, name: string): LabelRecord {
  const labels = partIn(value, name);
  if (!isPart(labels)) return {};
  return Object.fromEntries(
    Object.entries(labels).flatMap(([key, text]) => (typeof text === 'string' ? [[key, text] as const] : [])),
  );
}
