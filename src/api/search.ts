// Prometheus's search routes: names of metrics and labels, and values of labels, that fit what somebody types. The answer is
// lines of JSON: batches of results, then how it ended.

import {
  compareUtf8,
  err,
  inTurns,
  ok,
  type Result,
  type ServerResponse,
  sortInTurns,
} from '../base/index.ts';
import { type Matcher, METRIC_NAME, type TimeRange } from '../model/index.ts';
import { attended, STOPPED } from './attended.ts';
import type { ApiDeps } from './deps.ts';
import { jaroWinklerScore, type Score, subsequenceScore } from './fuzzy.ts';
import { booleanParam, boundary } from './params.ts';
import type { Asked } from './prometheus.ts';
import { queryFailure } from './query-failure.ts';
import { failure, ndjson } from './respond.ts';
import { selectorParams } from './selectors.ts';
import { distinctNames, eachSelector, type Read } from './series.ts';

/** As Prometheus: an hour back, and so many results, in one batch. */
const LOOKBACK_MS = 3_600_000;
const LIMIT_DEFAULT = 100;
/** Nobody types more terms; each costs a comparison with every name there is. */
const TERMS_MAX = 32;

interface Wanted {
  readonly anyOf: readonly (readonly Matcher[])[];
  readonly range: TimeRange;
  /** The best of several counts; undefined where everything fits. */
  readonly score: Score | undefined;
  readonly threshold: number;
  readonly order: 'rising' | 'falling' | 'score';
  readonly withScore: boolean;
  readonly limit: number;
  readonly batchSize: number;
}

interface Found {
  readonly name: string;
  readonly score: number;
}

type Line = Readonly<Record<string, string | number>>;

export async function searchMetricNames(deps: ApiDeps, asked: Asked): Promise<ServerResponse> {
  const described = booleanParam(asked.params, 'include_metadata', false);
  if (!described.ok) return failure('bad_data', described.error);
  const known = new Map(described.value ? deps.reader.metadata().map(one => [one.metric, one]) : []);
  return search(deps, asked, {
    read: (matchers, hints) => deps.reader.labelValues(METRIC_NAME, matchers, hints),
    line: name => {
      const { type, help, unit } = known.get(name) ?? {};
      return { name, ...(type && { type }), ...(help && { help }), ...(unit && { unit }) };
    },
  });
}

export async function searchLabelNames(deps: ApiDeps, asked: Asked): Promise<ServerResponse> {
  const read: Read<string> = (matchers, hints) => deps.reader.labelNames(matchers, hints);
  return search(deps, asked, { read, line: name => ({ name }) });
}

export async function searchLabelValues(deps: ApiDeps, asked: Asked): Promise<ServerResponse> {
  const label = asked.params.get('label') ?? '';
  if (label === '') return failure('bad_data', 'missing required parameter "label"');
  const read: Read<string> = (matchers, hints) => deps.reader.labelValues(label, matchers, hints);
  // Prometheus's description calls it a value, its server a name.
  return search(deps, asked, { read, line: value => ({ value, name: value }) });
}

async function search(
  deps: ApiDeps,
  asked: Asked,
  kind: { readonly read: Read<string>; readonly line: (name: string) => Line },
): Promise<ServerResponse> {
  const wanted = wantedOf(asked.params, deps.clock.nowMs());
  if (!wanted.ok) return failure('bad_data', wanted.error);
  const { withScore, limit, batchSize, order } = wanted.value;
  const found = await attended(deps, { asked, reads: wanted.value }, async work => {
    const all = await eachSelector(wanted.value, work, kind.read);
    const names = all.ok ? await distinctNames(all.value, work) : all;
    if (!names.ok) return names;
    const fit = await inTurns(fittingSteps(names.value, wanted.value), work);
    const sorted = fit && (await sortInTurns(fit, ORDERS[order], work));
    return sorted === undefined ? STOPPED : ok(sorted);
  });
  if (!found.ok) return queryFailure(found.error);
  const sorted = found.value.value;
  const results = sorted.slice(0, limit).map(({ name, score }) => ({
    ...kind.line(name),
    ...(withScore ? { score } : {}),
  }));
  found.value.handBack();
  return ndjson(linesOf(results, { batchSize, hasMore: sorted.length > limit }));
}

const ORDERS: Readonly<Record<Wanted['order'], (a: Found, b: Found) => number>> = {
  rising: (a, b) => compareUtf8(a.name, b.name),
  falling: (a, b) => compareUtf8(b.name, a.name),
  score: (a, b) => b.score - a.score || compareUtf8(a.name, b.name),
};

async function* linesOf(
  results: readonly Line[],
  { batchSize, hasMore }: { readonly batchSize: number; readonly hasMore: boolean },
): AsyncGenerator<string> {
  for (let at = 0; at === 0 || at < results.length; at += batchSize)
    yield `${JSON.stringify({ results: results.slice(at, at + batchSize) })}\n`;
  yield `${JSON.stringify({ status: 'success', has_more: hasMore })}\n`;
}

/** Names between two yields: some tens of microseconds, with terms that are compared letter by letter. */
const NAMES_AT_ONCE = 16;

function* fittingSteps(
  names: readonly string[],
  { score, threshold }: Wanted,
): Generator<void, readonly Found[]> {
  const found: Found[] = [];
  let looked = 0;
  for (const name of names) {
    const fit = score === undefined ? 1 : score(name);
    if (fit > 0 && fit >= threshold) found.push({ name, score: fit });
    if (++looked % NAMES_AT_ONCE === 0) yield;
  }
  return found;
}

// --- parameters -------------------------------------------------------------------------------------

function wantedOf(params: URLSearchParams, nowMs: number): Result<Wanted, string> {
  const anyOf = selectorParams(params);
  if (!anyOf.ok) return anyOf;
  const fromMs = boundary(params, 'start', nowMs - LOOKBACK_MS);
  if (!fromMs.ok) return fromMs;
  const toMs = boundary(params, 'end', nowMs);
  if (!toMs.ok) return toMs;
  if (toMs.value < fromMs.value) return err('end timestamp must not be before start timestamp');
  const fit = fitOf(params);
  if (!fit.ok) return fit;
  const order = orderOf(params);
  if (!order.ok) return order;
  const withScore = booleanParam(params, 'include_score', false);
  if (!withScore.ok) return withScore;
  const limit = sizeOf(params, 'limit');
  if (!limit.ok) return limit;
  const batchSize = sizeOf(params, 'batch_size');
  if (!batchSize.ok) return batchSize;
  return ok({
    anyOf: anyOf.value,
    range: { fromMs: fromMs.value, toMs: toMs.value },
    ...fit.value,
    order: order.value,
    withScore: withScore.value,
    limit: limit.value,
    batchSize: batchSize.value,
  });
}

function fitOf(params: URLSearchParams): Result<Pick<Wanted, 'score' | 'threshold'>, string> {
  const percent = params.get('fuzz_threshold') || '0';
  if (!/^\d{1,3}$/.test(percent) || Number(percent) > 100)
    return err(`invalid fuzz_threshold "${percent}": must be 0-100`);
  const threshold = Number(percent) / 100;
  const algorithm = params.get('fuzz_alg') || 'subsequence';
  if (algorithm !== 'subsequence' && algorithm !== 'jarowinkler')
    return err(`unsupported fuzz_alg "${algorithm}": must be one of subsequence, jarowinkler`);
  const caseSensitive = booleanParam(params, 'case_sensitive', true);
  if (!caseSensitive.ok) return caseSensitive;
  const terms = params.getAll('search[]');
  if (terms.length > TERMS_MAX)
    return err(`invalid parameter "search[]": at most ${TERMS_MAX} terms expected`);
  const written = (text: string): string => (caseSensitive.value ? text : text.toLowerCase());
  const scores = terms.map(term =>
    algorithm === 'subsequence'
      ? subsequenceScore(written(term))
      : jaroWinklerScore(written(term), threshold),
  );
  if (scores.length === 0) return ok({ score: undefined, threshold });
  return ok({ score: text => Math.max(...scores.map(score => score(written(text)))), threshold });
}

function orderOf(params: URLSearchParams): Result<Wanted['order'], string> {
  const by = params.get('sort_by') ?? '';
  const direction = params.get('sort_dir') ?? '';
  if (direction !== '' && by === '') return err('sort_dir is only valid when sort_by is set');
  if (direction !== '' && by === 'score') return err('sort_dir is not supported for sort_by=score');
  if (!['', 'asc', 'dsc'].includes(direction))
    return err(`invalid sort_dir "${direction}": must be "asc" or "dsc"`);
  if (!['', 'alpha', 'score'].includes(by)) return err(`invalid sort_by "${by}": must be "alpha" or "score"`);
  if (by !== 'score') return ok(direction === 'dsc' ? 'falling' : 'rising');
  if (!params.has('search[]')) return err('sort_by=score requires search[] to be set');
  return ok('score');
}

/** 0 takes the usual size, as none does. */
function sizeOf(params: URLSearchParams, name: string): Result<number, string> {
  const text = params.get(name) || '0';
  if (!/^\d{1,9}$/.test(text)) return err(`invalid ${name} "${text}": must be non-negative integer`);
  return ok(Number(text) || LIMIT_DEFAULT);
}
