// Prometheus's routes for what series there are: series, labels, label values.

import { compareUtf8, inTurns, ok, type Result, type ServerResponse, sortInTurns } from '../base/index.ts';
import {
  type AdmittedRead,
  compareLabels,
  type ListHints,
  labelsKey,
  type Matcher,
  type ReadFailure,
  type TimeRange,
} from '../model/index.ts';
import { attended, STOPPED } from './attended.ts';
import type { ApiDeps } from './deps.ts';
import { boundary, limitParam, TRUNCATED } from './params.ts';
import type { Asked } from './prometheus.ts';
import { queryFailure } from './query-failure.ts';
import { writeLabels } from './query-text.ts';
import { failure, successInParts } from './respond.ts';
import { selectorParams, unescapeName } from './selectors.ts';
import type { TextParts } from './text-parts.ts';

interface Wanted {
  /** None: all series. */
  readonly anyOf: readonly (readonly Matcher[])[];
  readonly range: TimeRange;
  /** 0: no limit. */
  readonly limit: number;
}

function wantedOf(params: URLSearchParams): Result<Wanted, string> {
  const anyOf = selectorParams(params);
  if (!anyOf.ok) return anyOf;
  const fromMs = boundary(params, 'start', Number.NEGATIVE_INFINITY);
  if (!fromMs.ok) return fromMs;
  const toMs = boundary(params, 'end', Number.POSITIVE_INFINITY);
  if (!toMs.ok) return toMs;
  const limit = limitParam(params);
  if (!limit.ok) return limit;
  const range = { fromMs: fromMs.value, toMs: toMs.value };
  return ok({ anyOf: anyOf.value, range, limit: limit.value });
}

export async function series(deps: ApiDeps, asked: Asked): Promise<ServerResponse> {
  const wanted = wantedOf(asked.params);
  if (!wanted.ok) return failure('bad_data', wanted.error);
  if (wanted.value.anyOf.length === 0) return failure('bad_data', 'no match[] parameter provided');
  const { limit } = wanted.value;
  const found = await attended(deps, { asked, reads: wanted.value }, async work => {
    const all = await eachSelector(wanted.value, work, (matchers, hints) =>
      deps.reader.series(matchers, hints),
    );
    if (!all.ok) return all;
    // One selector finds each series once, in order.
    if (wanted.value.anyOf.length === 1) return all;
    const distinct = await inTurns(distinctSteps(all.value, labelsKey), work);
    const sorted = distinct && (await sortInTurns(distinct, compareLabels, work));
    return sorted === undefined ? STOPPED : ok(sorted);
  });
  if (!found.ok) return queryFailure(found.error);
  return limited(deps, { ...found.value, write: writeLabels, limit });
}

export async function labels(deps: ApiDeps, asked: Asked): Promise<ServerResponse> {
  return names(deps, asked, (matchers, hints) => deps.reader.labelNames(matchers, hints));
}

export async function labelValues(deps: ApiDeps, asked: Asked, escaped: string): Promise<ServerResponse> {
  const name = unescapeName(escaped);
  return names(deps, asked, (matchers, hints) => deps.reader.labelValues(name, matchers, hints));
}

export type Read<T> = (
  matchers: readonly Matcher[],
  hints: ListHints,
) => Promise<Result<readonly T[], ReadFailure>>;

async function names(deps: ApiDeps, asked: Asked, read: Read<string>): Promise<ServerResponse> {
  const wanted = wantedOf(asked.params);
  if (!wanted.ok) return failure('bad_data', wanted.error);
  const { limit } = wanted.value;
  const found = await attended(deps, { asked, reads: wanted.value }, async work => {
    const all = await eachSelector(wanted.value, work, read);
    return all.ok ? distinctNames(all.value, work) : all;
  });
  if (!found.ok) return queryFailure(found.error);
  return limited(deps, { ...found.value, write: writeName, limit });
}

function writeName(parts: TextParts, name: string): void {
  parts.addQuoted(name);
}

/** Each once, in byte order. */
export async function distinctNames(
  all: readonly string[],
  work: AdmittedRead,
): Promise<Result<readonly string[], ReadFailure>> {
  const distinct = await inTurns(
    distinctSteps(all, name => name),
    work,
  );
  const sorted = distinct && (await sortInTurns(distinct, compareUtf8, work));
  return sorted === undefined ? STOPPED : ok(sorted);
}

/** Looked at between two yields: some tens of microseconds. */
const LOOKED_AT_ONCE = 128;

function* distinctSteps<T>(all: readonly T[], keyOf: (one: T) => string): Generator<void, readonly T[]> {
  const distinct = new Map<string, T>();
  let looked = 0;
  for (const one of all) {
    distinct.set(keyOf(one), one);
    if (++looked % LOOKED_AT_ONCE === 0) yield;
  }
  return [...distinct.values()];
}

/** Of each that is found: its place in lists, and its key among those that are told apart. */
const FOUND_BYTES = 300;

/** What all selectors find, one behind the other. */
export async function eachSelector<T>(
  { anyOf, range }: Pick<Wanted, 'anyOf' | 'range'>,
  work: AdmittedRead,
  read: Read<T>,
): Promise<Result<readonly T[], ReadFailure>> {
  const lists: (readonly T[])[] = [];
  for (const matchers of anyOf.length === 0 ? [[]] : anyOf) {
    const one = await read(matchers, { ...range, work });
    if (!one.ok) return one;
    work.count(one.value.length, 0);
    if (!work.reserve(one.value.length * FOUND_BYTES)) return STOPPED;
    lists.push(one.value);
  }
  return ok(lists.length === 1 ? (lists[0] ?? []) : lists.flat());
}

interface Listed<T> {
  readonly value: readonly T[];
  readonly handBack: () => void;
  readonly write: (parts: TextParts, one: T) => void;
  readonly limit: number;
}

/** More than the limit are cut off, and the answer says so. */
function limited<T>(deps: ApiDeps, listed: Listed<T>): ServerResponse {
  const { value: found, handBack, write: writeOne, limit } = listed;
  const count = limit === 0 ? found.length : Math.min(limit, found.length);
  const write = function* (parts: TextParts) {
    parts.add('[');
    for (let i = 0; i < count; i++) {
      if (i > 0) parts.add(',');
      writeOne(parts, found[i] as T);
      if (parts.isFull) yield;
    }
    parts.add(']');
    return count < found.length ? { warnings: [TRUNCATED] } : {};
  };
  return successInParts(deps.turns, write, handBack);
}
