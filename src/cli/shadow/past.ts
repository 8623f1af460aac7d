// What fired over a span of the past, by the series ALERTS of both sides: of the notifications of then an Alertmanager keeps
// nothing.

import type { MatrixRow, QueryData } from '../../api/index.ts';
import { utcText } from '../render/index.ts';
import { type Difference, labelsText } from './sides.ts';

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

/** Answers that a server gives at once. */
const STEPS_MAX = 10_000;

export const PAST_QUERY = 'ALERTS{alertstate="firing"}';

/** A step an evaluation, unless the span is too long for that. */
export function spanOf(fromMs: number, toMs: number, intervalMs: number): Span {
  const stepMs = Math.max(1000, intervalMs, Math.ceil((toMs - fromMs) / STEPS_MAX / 1000) * 1000);
  return { fromMs, toMs, stepMs };
}

interface Fired {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly seconds: number;
}

export function comparePast(
  here: QueryData,
  there: QueryData,
  at: { readonly span: Span; readonly toleranceMs: number; readonly shadowStartedAtMs: number },
): readonly Difference[] {
  const mine = firedIn(here, at.span);
  const theirs = firedIn(there, at.span);
  const found: Difference[] = [];
  for (const key of [...new Set([...mine.keys(), ...theirs.keys()])].sort()) {
    const [own, other] = [mine.get(key), theirs.get(key)];
    const apartMs = 1000 * Math.abs((own?.seconds ?? 0) - (other?.seconds ?? 0));
    if (own !== undefined && other !== undefined && apartMs <= at.toleranceMs) continue;
    const isBefore = at.span.fromMs < at.shadowStartedAtMs;
    found.push({
      kind: 'alert',
      subject: key,
      here: firedText(own),
      there: firedText(other),
      reason: isBefore
        ? `the shadow began at ${utcText(at.shadowStartedAtMs)}, within this span`
        : 'compare its rule and its samples of that time',
      isExpected: isBefore && (own === undefined || own.firstMs >= at.shadowStartedAtMs),
      sinceMs: 0,
    });
  }
  return found;
}

function firedIn(data: QueryData, { stepMs }: Span): ReadonlyMap<string, Fired> {
  const rows: readonly MatrixRow[] = data.resultType === 'matrix' ? data.result : [];
  return new Map(
    rows.flatMap(({ metric, values = [] }) => {
      const [first] = values;
      const last = values.at(-1);
      if (first === undefined || last === undefined) return [];
      const { __name__: _, alertstate: __, ...labels } = metric;
      const seconds = (values.length * stepMs) / 1000;
      return [[labelsText(labels), { firstMs: 1000 * first[0], lastMs: 1000 * last[0], seconds }] as const];
    }),
  );
}

function firedText(fired: Fired | undefined): string {
  if (fired === undefined) return 'did not fire';
  return `fired ${fired.seconds} s, from ${utcText(fired.firstMs)} to ${utcText(fired.lastMs)}`;
}
