// The comparisons of a rule's expression, each with what its sides are at a time: what the samples say.

import { formatFloatJson } from '../../exposition/index.ts';
import {
  type AnswerSeries,
  type Labels,
  labelPairs,
  labelsToRecord,
  labelValue,
  METRIC_NAME,
  type Principal,
  type Query,
} from '../../model/index.ts';
import { COMPARISONS, type Expr, parseExpr, SET_OPS, unparen } from '../../promql/parser/index.ts';
import type { ConditionJson } from '../contract-explain.ts';

/** Of an expression with many parts the first ones say enough. */
const CONDITIONS_MAX = 8;
/** Series shown of a side that is not about one alert. */
const SERIES_SHOWN = 5;
/** A person waits for it. */
const TIMEOUT_MS = 10_000;

export interface Comparison {
  readonly text: string;
  readonly left: string;
  /** "" where the expression compares nothing: then `left` is all of it. */
  readonly op: string;
  readonly right: string;
}

/** The comparisons that an expression joins with `and`, `or` and `unless`; an expression without one is its own only part. */
export function comparisonsOf(expr: string): readonly Comparison[] {
  const parsed = parseExpr(expr);
  return parsed.ok ? within(parsed.value, expr).slice(0, CONDITIONS_MAX) : [];
}

function within(node: Expr, expr: string): readonly Comparison[] {
  const inner = unparen(node);
  const textOf = (part: Expr): string => expr.slice(part.span.start, part.span.end).trim();
  if (inner.kind === 'binary' && SET_OPS.has(inner.op))
    return [...within(inner.left, expr), ...within(inner.right, expr)];
  if (inner.kind === 'binary' && COMPARISONS.has(inner.op) && !inner.bool) {
    const { left, op, right } = inner;
    return [{ text: textOf(inner), left: textOf(left), op, right: textOf(right) }];
  }
  return [{ text: textOf(inner), left: textOf(inner), op: '', right: '' }];
}

export interface AskedConditions {
  readonly query: Query;
  readonly principal: Principal;
  readonly signal: AbortSignal;
  readonly expr: string;
  readonly atMs: number;
  /** Of the alert: only its own series are shown. */
  readonly labels?: Labels | undefined;
}

export async function conditionsAt(asked: AskedConditions): Promise<readonly ConditionJson[]> {
  const found: ConditionJson[] = [];
  for (const comparison of comparisonsOf(asked.expr)) found.push(await conditionAt(asked, comparison));
  return found;
}

async function conditionAt(asked: AskedConditions, comparison: Comparison): Promise<ConditionJson> {
  const left = await sideAt(asked, comparison.left);
  const right = comparison.op === '' ? undefined : await sideAt(asked, comparison.right);
  const error = left.error ?? right?.error ?? '';
  const own =
    asked.labels === undefined ? left.series : left.series.filter(one => isOf(one.labels, asked.labels));
  const rows = own.map(series => {
    const value = series.values[0] ?? Number.NaN;
    const threshold = right === undefined ? undefined : thresholdFor(right.series, series.labels);
    const holds =
      comparison.op === '' || (threshold !== undefined && compare(value, comparison.op, threshold));
    return { series, value, threshold, holds };
  });
  // What is nearest to firing comes first: the largest of "above", the smallest of "below".
  const sign = comparison.op.startsWith('<') ? 1 : -1;
  rows.sort((a, b) => Number(b.holds) - Number(a.holds) || sign * (a.value - b.value));
  const threshold = rows[0]?.threshold ?? onlyValue(right?.series ?? []);
  return {
    ...comparison,
    threshold: threshold === undefined ? null : formatFloatJson(threshold),
    series: rows.slice(0, SERIES_SHOWN).map(({ series, value, holds }) => ({
      labels: labelsToRecord(series.labels),
      value: formatFloatJson(value),
      holds,
    })),
    seriesTotal: left.series.length,
    error,
  };
}

interface Side {
  readonly series: readonly AnswerSeries[];
  readonly error?: string;
}

async function sideAt({ query, principal, signal, atMs }: AskedConditions, text: string): Promise<Side> {
  const plan = query.prepare(text);
  if (!plan.ok) return { series: [], error: plan.error.message };
  const times = { startMs: atMs, endMs: atMs, stepMs: 0 };
  const answer = await query.execute(plan.value, times, { principal, timeoutMs: TIMEOUT_MS }, signal);
  if (!answer.ok) return { series: [], error: answer.error.message };
  const { series, resultType } = answer.value;
  if (resultType !== 'vector' && resultType !== 'scalar')
    return { series: [], error: `"${text}" is no vector` };
  return { series: series.filter(one => one.present[0] === 1) };
}

/** Whether a series can be the alert's: all that it is labelled with the alert has too (rules add labels, and replace some). */
function isOf(series: Labels, alert: Labels | undefined): boolean {
  if (alert === undefined) return true;
  let shared = 0;
  for (const [name, value] of labelPairs(series)) {
    if (name === METRIC_NAME) continue;
    const own = labelValue(alert, name);
    if (own === '') continue;
    if (own !== value) return false;
    shared += 1;
  }
  return shared > 0 || labelPairsOf(series) === 0;
}

function labelPairsOf(labels: Labels): number {
  return [...labelPairs(labels)].filter(([name]) => name !== METRIC_NAME).length;
}

/** The number that a series is compared with: the only one, or that of the series that shares the most labels. */
function thresholdFor(right: readonly AnswerSeries[], labels: Labels): number | undefined {
  const only = onlyValue(right);
  if (only !== undefined) return only;
  return right.find(one => isOf(one.labels, labels))?.values[0];
}

function onlyValue(series: readonly AnswerSeries[]): number | undefined {
  return series.length === 1 ? series[0]?.values[0] : undefined;
}

function compare(value: number, op: string, threshold: number): boolean {
  switch (op) {
    case '>':
      return value > threshold;
    case '>=':
      return value >= threshold;
    case '<':
      return value < threshold;
    case '<=':
      return value <= threshold;
    case '==':
      return value === threshold;
    default:
      return value !== threshold;
  }
}
