// Prometheus's HTTP API v1: what Grafana and other clients ask.

import {
  err,
  formatDuration,
  ok,
  type Result,
  type ServerRequest,
  type ServerResponse,
} from '../base/index.ts';
import type { Principal, QueryAnswer, QueryPlan, QueryTimes } from '../model/index.ts';
import { printExpr } from '../promql/parser/index.ts';
import type { QueryPlanJson, QueryStatsJson } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import { alertJson, isoTime } from './encode.ts';
import { booleanParam, exprParam, limitParam, parseStep, parseTime, TRUNCATED } from './params.ts';
import { queryFailure } from './query-failure.ts';
import { writeQueryData } from './query-text.ts';
import { failure, success, successInParts } from './respond.ts';
import type { TextParts } from './text-parts.ts';

/** As Prometheus: enough for a minute's resolution over a week, and an answer that a browser can draw. */
const RANGE_POINTS_MAX = 11_000;

export interface Asked {
  readonly params: URLSearchParams;
  readonly principal: Principal;
  readonly signal: AbortSignal;
  /** For the few answers that read headers or a body of their own. */
  readonly request: ServerRequest;
}

export async function query(deps: ApiDeps, asked: Asked): Promise<ServerResponse> {
  const time = timeParam(asked.params, 'time', deps.clock.nowMs());
  if (!time.ok) return failure('bad_data', `invalid parameter "time": ${time.error}`);
  return answer(deps, asked, { startMs: time.value, endMs: time.value, stepMs: 0 });
}

export async function queryRange(deps: ApiDeps, asked: Asked): Promise<ServerResponse> {
  const times = rangeTimes(asked.params);
  if (!times.ok) return failure('bad_data', times.error);
  const plan = deps.query.prepare(asked.params.get('query') ?? '');
  const mistake = plan.ok ? notOverTime(plan.value) : undefined;
  if (mistake !== undefined) return failure('bad_data', mistake);
  return answer(deps, asked, times.value);
}

/** Why an expression has no answer for each step; undefined where it has one. */
function notOverTime({ type }: QueryPlan): string | undefined {
  if (type !== 'matrix' && type !== 'string') return undefined;
  const named = type === 'matrix' ? 'range vector' : 'string';
  return `invalid parameter "query": invalid expression type "${named}" for range query, must be Scalar or instant Vector`;
}

function rangeTimes(params: URLSearchParams): Result<QueryTimes, string> {
  const start = parseTime(params.get('start') ?? '');
  if (!start.ok) return err(`invalid parameter "start": ${start.error}`);
  const end = parseTime(params.get('end') ?? '');
  if (!end.ok) return err(`invalid parameter "end": ${end.error}`);
  if (end.value < start.value)
    return err('invalid parameter "end": end timestamp must not be before start time');
  const step = parseStep(params.get('step') ?? '');
  if (!step.ok) return err(`invalid parameter "step": ${step.error}`);
  if (step.value <= 0)
    return err('invalid parameter "step": zero or negative query resolution step widths are not accepted');
  if ((end.value - start.value) / step.value > RANGE_POINTS_MAX) {
    return err(
      `exceeded maximum resolution of ${RANGE_POINTS_MAX} points per timeseries: use a larger step or a shorter range`,
    );
  }
  return ok({ startMs: start.value, endMs: end.value, stepMs: step.value });
}

async function answer(deps: ApiDeps, asked: Asked, times: QueryTimes): Promise<ServerResponse> {
  // The engine has the upper bound.
  const timeout = stepParam(asked.params, 'timeout', Number.POSITIVE_INFINITY);
  if (!timeout.ok) return failure('bad_data', `invalid parameter "timeout": ${timeout.error}`);
  const lookback = stepParam(asked.params, 'lookback_delta', 0);
  if (!lookback.ok) return failure('bad_data', `invalid parameter "lookback_delta": ${lookback.error}`);
  const limit = limitParam(asked.params);
  if (!limit.ok) return failure('bad_data', limit.error);
  const explain = booleanParam(asked.params, 'explain', false);
  if (!explain.ok) return failure('bad_data', explain.error);
  const stats = asked.params.get('stats') ?? '';
  const plan = deps.query.prepare(asked.params.get('query') ?? '');
  if (!plan.ok) return queryFailure(plan.error);
  let handBack = (): void => {};
  const options = {
    principal: asked.principal,
    client: asked.request.remoteAddress,
    timeoutMs: timeout.value,
    onHeld: (given: () => void) => {
      handBack = given;
    },
    ...(lookback.value > 0 ? { lookbackMs: lookback.value } : {}),
    ...(explain.value ? { explain: true } : {}),
    ...(stats === '' ? {} : { wantStepCounts: true }),
  };
  const result = await deps.query.execute(plan.value, times, options, asked.signal);
  if (!result.ok) return queryFailure(result.error);
  const write = function* (parts: TextParts) {
    const isCut = yield* writeQueryData(parts, { answer: result.value, limit: limit.value });
    if (stats !== '') parts.add(`,"stats":${JSON.stringify(statsOf(result.value, stats === 'all'))}`);
    if (explain.value) parts.add(`,"explain":${JSON.stringify(planOf(result.value))}`);
    parts.add('}');
    const notes = notesOf(result.value);
    return isCut ? { ...notes, warnings: [...notes.warnings, TRUNCATED] } : notes;
  };
  return successInParts(deps.turns, write, handBack);
}

/** What is not told apart here is left out, or all of it is evaluation. */
function statsOf({ cost, times }: QueryAnswer, all: boolean): QueryStatsJson {
  const execQueueTime = cost.queueMs / 1000;
  const execTotalTime = cost.durationMs / 1000;
  const evalTotalTime = execTotalTime - execQueueTime;
  const byStep = [...(cost.samplesByStep ?? [])];
  const perStep = byStep.map((count, i) => [(times.startMs + i * times.stepMs) / 1000, count] as const);
  return {
    timings: { evalTotalTime, innerEvalTime: evalTotalTime, execQueueTime, execTotalTime },
    samples: {
      totalQueryableSamples: byStep.reduce((sum, count) => sum + count, 0),
      samplesRead: cost.samplesRead,
      ...(all ? { totalQueryableSamplesPerStep: perStep } : {}),
    },
  };
}

/** Ours: what each operator of the plan did. */
function planOf({ cost }: QueryAnswer): QueryPlanJson {
  const { seriesRead, samplesRead, durationMs, operators = null } = cost;
  return { seriesRead, samplesRead, durationMs, operators };
}

function notesOf(answer: QueryAnswer): { warnings: string[]; infos: string[] } {
  const pick = (severity: 'warning' | 'info'): string[] =>
    answer.annotations.filter(note => note.severity === severity).map(note => note.message);
  return { warnings: pick('warning'), infos: pick('info') };
}

export function alerts(deps: ApiDeps): ServerResponse {
  const active = deps.alerts().filter(alert => alert.state !== 'resolved');
  return success({ alerts: active.map(alertJson) });
}

export function buildInfo(deps: ApiDeps): ServerResponse {
  return success(deps.buildInfo);
}

/** The expression as the language prints it. */
export function formatQuery(_: ApiDeps, { params }: Asked): ServerResponse {
  const expr = exprParam(params);
  return expr.ok ? success(printExpr(expr.value)) : failure('bad_data', expr.error);
}

/** Those elsewhere: the program itself is none to be listed. */
export function alertmanagers(deps: ApiDeps): ServerResponse {
  const { active, dropped } = deps.alertmanagers();
  return success({
    activeAlertmanagers: active.map(url => ({ url })),
    droppedAlertmanagers: dropped.map(url => ({ url })),
  });
}

/** What only a program in Go has is there, and empty: clients ask for all of it. */
export function runtimeInfo(deps: ApiDeps): ServerResponse {
  const { startedAtMs, nowMs, lastReload, storage } = deps.status();
  const { hostname, folder, processors } = deps.host();
  return success({
    startTime: isoTime(startedAtMs),
    serverTime: isoTime(nowMs),
    reloadConfigSuccess: lastReload.ok,
    lastConfigTime: isoTime(lastReload.atMs),
    corruptionCount: storage.quarantined.length,
    CWD: folder,
    hostname,
    goroutineCount: 0,
    GOMAXPROCS: processors,
    GOMEMLIMIT: 0,
    GOGC: '',
    GODEBUG: '',
    storageRetention: formatDuration(storage.maxAgeMs),
  });
}

function timeParam(params: URLSearchParams, name: string, absent: number): Result<number, string> {
  const text = params.get(name) ?? '';
  return text === '' ? ok(absent) : parseTime(text);
}

function stepParam(params: URLSearchParams, name: string, absent: number): Result<number, string> {
  const text = params.get(name) ?? '';
  return text === '' ? ok(absent) : parseStep(text);
}
