// GET /explain: why an alert is as it is, or was at a time, from its sample to its receivers; and why there is none.

import type { ServerResponse } from '../../base/index.ts';
import { labelsToRecord, type StoredJournalEvent, type TargetStatus } from '../../model/index.ts';
import { matchersOf, parseExpr, selectorsOf } from '../../promql/parser/index.ts';
import type { OwnAlertJson } from '../contract.ts';
import type { CauseJson, ConditionJson, ExplainJson } from '../contract-explain.ts';
import type { ApiDeps } from '../deps.ts';
import { ownAlertJson, timelineJson } from '../encode.ts';
import { boundary } from '../params.ts';
import type { Asked } from '../prometheus.ts';
import { failure, success } from '../respond.ts';
import { causesOf } from './causes.ts';
import { conditionsAt } from './conditions.ts';
import {
  type Candidate,
  type FoundRule,
  findAlerts,
  findRules,
  nameOf,
  readWanted,
  similarNames,
} from './find.ts';
import { type AlertHistory, historyAt } from './history.ts';
import { causeOf } from './words.ts';

/** Events of one answer's history; more are asked for page by page. */
const HISTORY_MAX = 500;
/** Other alerts of the same name that are named. */
const OTHERS_MAX = 20;

interface Question {
  readonly text: string;
  readonly atMs: number;
  readonly isPast: boolean;
  /** Only why this receiver hears, or does not. */
  readonly receiver: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly beforeSeq: number | undefined;
}

export async function explain(deps: ApiDeps, asked: Asked): Promise<ServerResponse> {
  const question = readQuestion(deps, asked.params);
  if (typeof question === 'string') return failure('bad_data', question);
  const wanted = readWanted(question.text);
  if (!wanted.ok) return failure('bad_data', `invalid parameter "alert": ${wanted.error}`);
  const found = await findAlerts(deps, wanted.value, question);
  if (!found.ok) return failure('internal', found.error);
  const { laterMs } = found.value;
  const [alert, ...others] = found.value.alerts;
  const name = alert === undefined ? wanted.value.name : nameOf(alert.labels);
  const rules = findRules(deps, name);
  if (alert !== undefined) return explainAlert(deps, asked, { question, alert, others, rules });
  if (rules.length > 0 || laterMs !== undefined)
    return explainAbsence(deps, asked, { question, rules, laterMs });
  const similar = similarNames(deps, wanted.value.name);
  const hint = similar.length === 0 ? '' : ` (there are rules ${similar.map(one => `"${one}"`).join(', ')})`;
  return failure(
    'not_found',
    `Cannot explain "${question.text}": no alert of this name or fingerprint is known, no rule makes one, and the journal has no event about it${hint}`,
  );
}

function readQuestion(deps: ApiDeps, params: URLSearchParams): Question | string {
  const text = params.get('alert') ?? '';
  if (text === '')
    return 'invalid parameter "alert": an alert name, a name with labels, or a fingerprint expected';
  const nowMs = deps.clock.nowMs();
  const at = boundary(params, 'at', nowMs);
  if (!at.ok) return at.error;
  if (at.value > nowMs) return 'invalid parameter "at": the time lies in the future';
  const from = boundary(params, 'from', 0);
  if (!from.ok) return from.error;
  const to = boundary(params, 'to', at.value);
  if (!to.ok) return to.error;
  const before = params.get('before') ?? '';
  if (!/^\d{0,15}$/.test(before)) return 'invalid parameter "before": the number of an event expected';
  return {
    text,
    atMs: at.value,
    isPast: (params.get('at') ?? '') !== '',
    receiver: params.get('receiver') ?? '',
    fromMs: from.value,
    toMs: Math.min(to.value, at.value),
    beforeSeq: before === '' ? undefined : Number(before),
  };
}

// --- an alert that is known --------------------------------------------------------------------------

interface KnownCase {
  readonly question: Question;
  readonly alert: Candidate;
  readonly others: readonly Candidate[];
  readonly rules: readonly FoundRule[];
}

async function explainAlert(deps: ApiDeps, asked: Asked, known: KnownCase): Promise<ServerResponse> {
  const { question, alert, others, rules } = known;
  const { fromMs, toMs, beforeSeq } = question;
  const { fingerprint, labels } = alert;
  const [history, events] = await Promise.all([
    historyAt(deps.state, fingerprint, question.atMs),
    deps.state.journal({
      fingerprint,
      fromMs,
      toMs,
      ...(beforeSeq === undefined ? {} : { beforeSeq }),
      limit: HISTORY_MAX + 1,
      newestFirst: true,
    }),
  ]);
  if (!history.ok) return failure('internal', history.error.message);
  if (!events.ok) return failure('internal', events.error.message);
  const expr = exprOf(history.value, alert) ?? rules[0]?.rule.expr;
  const conditions =
    expr === undefined || beforeSeq !== undefined
      ? []
      : await conditionsAt({ ...queryOf(deps, asked), expr, atMs: question.atMs, labels });
  const body: ExplainJson = {
    atMs: question.atMs,
    isPast: question.isPast,
    configVersion: versionAt(deps, question, history.value),
    alert: alertJson(alert, history.value),
    causes: causesFor(deps, known, { history: history.value, conditions }),
    conditions,
    rules: rules.map(ruleJson),
    routes: question.isPast ? [] : deps.routeSteps(labels),
    stages: stagesOf(history.value),
    others: others.slice(0, OTHERS_MAX).map(one => ({
      fingerprint: one.fingerprint,
      labels: labelsToRecord(one.labels),
      state: one.state,
    })),
    history: events.value.slice(0, HISTORY_MAX).map(timelineJson),
    hasMore: events.value.length > HISTORY_MAX,
  };
  return success(body);
}

function queryOf(deps: ApiDeps, { principal, signal }: Asked) {
  return { query: deps.query, principal, signal };
}

function exprOf({ state }: AlertHistory, { alert }: Candidate): string | undefined {
  const expr = state?.evidence['expr'];
  return typeof expr === 'string' ? expr : alert?.expr === '' ? undefined : alert?.expr;
}

/** Of now the one in force; of then what the journal says. */
function versionAt(deps: ApiDeps, question: Question, history: AlertHistory): string {
  if (!question.isPast) return deps.status().configVersion;
  const { config, state, route } = history;
  const events = [config, state, route].flatMap(event => (event === undefined ? [] : [event]));
  return events.reduce((latest, event) => (event.seq > latest.seq ? event : latest), events[0] ?? NO_EVENT)
    .configVersion;
}

const NO_EVENT = { seq: -1, configVersion: '' };

/** As the rules have it now, or as the journal knew it. */
function alertJson({ alert, labels, fingerprint }: Candidate, history: AlertHistory): OwnAlertJson | null {
  if (alert !== undefined) return ownAlertJson(alert);
  const { state } = history;
  if (state === undefined) return null;
  const { evidence, verdict } = state;
  const activeAtMs = evidence['activeAtMs'];
  return {
    fingerprint,
    labels: labelsToRecord(labels),
    annotations: {},
    state: verdict === 'firing' || verdict === 'pending' || verdict === 'unknown' ? verdict : 'resolved',
    reason: state.reason,
    activeAtMs: typeof activeAtMs === 'number' ? activeAtMs : state.atMs,
    firedAtMs: history.firedAtMs ?? null,
    resolvedAtMs: verdict === 'resolved' || verdict === 'inactive' ? state.atMs : null,
    value: String(evidence['value'] ?? ''),
    expr: typeof evidence['expr'] === 'string' ? evidence['expr'] : '',
  };
}

interface CauseFacts {
  readonly history: AlertHistory;
  readonly conditions: readonly ConditionJson[];
}

function causesFor(deps: ApiDeps, known: KnownCase, facts: CauseFacts): readonly CauseJson[] {
  const { question, rules } = known;
  const { history, conditions } = facts;
  const causes: CauseJson[] = [];
  const live = question.isPast ? undefined : deps.suppression(history.fingerprint);
  causes.push(...causesOf(history, live));
  const broken = question.isPast ? undefined : rules.find(({ rule }) => rule.health === 'err');
  if (broken !== undefined) causes.push(causeOf('rule_failed', null, { error: broken.rule.lastError }));
  const isOver = history.state?.verdict === 'resolved' || history.state?.verdict === 'inactive';
  if (isOver) causes.push(...conditionCauses(deps, conditions, question.isPast));
  if (question.receiver === '') return causes;
  const own = causes.filter(cause => cause.receiver === question.receiver || cause.receiver === null);
  const wrong = wrongRoute(deps, known, history);
  return wrong === undefined ? own : [wrong, ...own];
}

/** The receiver that is asked about is none of the alert's: at which route it went another way. */
function wrongRoute(deps: ApiDeps, known: KnownCase, { route }: AlertHistory): CauseJson | undefined {
  const { question, alert } = known;
  const { receiver } = question;
  const steps = deps.routeSteps(alert.labels);
  const taken = steps.filter(step => step.verdict === 'taken');
  const now = taken.map(step => step.receiver);
  const then = route?.evidence['receivers'];
  const receivers = question.isPast && Array.isArray(then) ? then.map(String) : now;
  if (receivers.includes(receiver)) return undefined;
  const missed = steps.find(step => step.receiver === receiver && step.verdict !== 'passed to a child');
  return causeOf('wrong_route', receiver, {
    receivers: receivers.join(', '),
    route: missed?.route ?? 'the whole tree',
    reason: missed?.reason ?? 'no route names this receiver',
  });
}

// --- an alert that does not exist --------------------------------------------------------------------

interface AbsenceCase {
  readonly question: Question;
  readonly rules: readonly FoundRule[];
  readonly laterMs: number | undefined;
}

async function explainAbsence(
  deps: ApiDeps,
  asked: Asked,
  { question, rules, laterMs }: AbsenceCase,
): Promise<ServerResponse> {
  const causes: CauseJson[] = [];
  if (laterMs !== undefined) causes.push(causeOf('not_known_then', null, { firstAtMs: laterMs }));
  const conditions: ConditionJson[] = [];
  for (const { rule } of rules) {
    if (!question.isPast && rule.health === 'err')
      causes.push(causeOf('rule_failed', null, { error: rule.lastError }));
    if (!question.isPast && rule.lastEvaluationMs === 0) causes.push(causeOf('rule_waiting', null, {}));
    const own = await conditionsAt({ ...queryOf(deps, asked), expr: rule.expr, atMs: question.atMs });
    conditions.push(...own);
    causes.push(...conditionCauses(deps, own, question.isPast));
  }
  const body: ExplainJson = {
    atMs: question.atMs,
    isPast: question.isPast,
    configVersion: question.isPast ? '' : deps.status().configVersion,
    alert: null,
    causes,
    conditions,
    rules: rules.map(ruleJson),
    routes: [],
    stages: [],
    others: [],
    history: [],
    hasMore: false,
  };
  return success(body);
}

/** Why the expression has no answer: nothing to compare, or what is compared does not fit. */
function conditionCauses(
  deps: ApiDeps,
  conditions: readonly ConditionJson[],
  isPast: boolean,
): readonly CauseJson[] {
  const causes: CauseJson[] = [];
  for (const condition of conditions) {
    const { left, op, threshold, right, error, series } = condition;
    if (error !== '') causes.push(causeOf('rule_failed', null, { error }));
    else if (series.length === 0) causes.push(noSeries(deps, left, isPast));
    else if (series.every(one => !one.holds))
      causes.push(
        causeOf('not_holding', null, {
          part: left,
          value: series[0]?.value ?? '',
          op,
          threshold: threshold ?? right,
        }),
      );
  }
  const [first] = conditions;
  if (causes.length > 0 || first === undefined || conditions.length < 2) return causes;
  const expr = conditions.map(condition => condition.text).join(', ');
  return [causeOf('holds_elsewhere', null, { part: first.left, value: first.series[0]?.value ?? '', expr })];
}

function noSeries(deps: ApiDeps, part: string, isPast: boolean): CauseJson {
  const silent = isPast ? [] : silentTargets(deps, part);
  if (silent.length === 0) return causeOf('no_series', null, { part });
  const targets = silent.map(target => `${target.job} ${target.url} (${target.lastError})`).join(', ');
  return causeOf('no_series_silent', null, { part, targets });
}

/** Targets that an expression's selectors ask for by job and instance, and that do not deliver. */
function silentTargets(deps: ApiDeps, part: string): readonly TargetStatus[] {
  const parsed = parseExpr(part);
  if (!parsed.ok) return [];
  const down = deps.targets().filter(target => target.health === 'down');
  const selectors = selectorsOf(parsed.value).map(selector =>
    matchersOf(selector).filter(({ name, op }) => (name === 'job' || name === 'instance') && op === '='),
  );
  return down.filter(target => {
    const labels = labelsToRecord(target.labels);
    return selectors.some(
      matchers => matchers.length > 0 && matchers.every(({ name, value }) => labels[name] === value),
    );
  });
}

function ruleJson({ group, rule }: FoundRule): ExplainJson['rules'][number] {
  const { name, expr, forMs, health, lastError, lastEvaluationMs } = rule;
  return { name, file: group.file, group: group.name, expr, forMs, health, lastError, lastEvaluationMs };
}

// --- stages ------------------------------------------------------------------------------------------

/** In the order in which an alert passes through the house, each with its latest word. */
function stagesOf(history: AlertHistory): ExplainJson['stages'] {
  const { target, state, stale, route, groups, notes, recovery, receivers } = history;
  const inhibition = notes.find(event => event.stage === 'inhibition' || event.verdict === 'inhibited');
  const silence = notes.find(event => event.stage === 'silence' || event.verdict === 'silenced');
  const other = notes.find(event => event !== inhibition && event !== silence);
  const chain = [
    target,
    state,
    stale,
    route,
    inhibition,
    silence,
    ...groups.values(),
    other,
    recovery,
    ...latestByReceiver(receivers),
  ];
  return chain.flatMap(event => (event === undefined ? [] : [stageJson(event)]));
}

function latestByReceiver(newestFirst: readonly StoredJournalEvent[]): readonly StoredJournalEvent[] {
  const seen = new Set<string>();
  return newestFirst.filter(({ subject }) => {
    const name = subject.kind === 'receiver' ? subject.name : '';
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

function stageJson(event: StoredJournalEvent): ExplainJson['stages'][number] {
  const { stage, atMs, lastAtMs, verdict, reason, evidence, configVersion } = event;
  const shown = stage === 'notify' && verdict === 'inhibited' ? 'inhibition' : stage;
  const named = stage === 'notify' && verdict === 'silenced' ? 'silence' : shown;
  return { stage: named, atMs, lastAtMs, verdict, reason, evidence, configVersion };
}
