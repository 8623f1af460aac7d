// Prometheus's routes for what series there are: series, labels, label values.

import { compareUtf8, err, never, ok, type Result, type ServerResponse } from '../base/index.ts';
import {
  compareLabels,
  type Labels,
  type Matcher,
  type ReadFailure,
  type TimeRange,
} from '../model/index.ts';
import type { ApiDeps } from './deps.ts';
import { boundary, limitParam, TRUNCATED } from './params.ts';
import type { Asked } from './prometheus.ts';
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

export async function series(deps: ApiDeps, { params }: Asked): Promise<ServerResponse> {
  const wanted = wantedOf(params);
  if (!wanted.ok) return failure('bad_data', wanted.error);
  if (wanted.value.anyOf.length === 0) return failure('bad_data', 'no match[] parameter provided');
  const found = await eachSelector(wanted.value, (matchers, range) => deps.reader.series(matchers, range));
  if (!found.ok) return found.error;
  const distinct = new Map<string, Labels>();
  for (const labels of found.value) distinct.set(JSON.stringify(labels), labels);
  const sorted = [...distinct.values()].sort(compareLabels);
  return limited(deps, { found: sorted, write: writeLabels, limit: wanted.value.limit });
}

export async function labels(deps: ApiDeps, { params }: Asked): Promise<ServerResponse> {
  return names(deps, params, (matchers, range) => deps.reader.labelNames(matchers, range));
}

export async function labelValues(
  deps: ApiDeps,
  { params }: Asked,
  escaped: string,
): Promise<ServerResponse> {
  const name = unescapeName(escaped);
  return names(deps, params, (matchers, range) => deps.reader.labelValues(name, matchers, range));
}

export type Read<T> = (
  matchers: readonly Matcher[],
  range: TimeRange,
) => Promise<Result<readonly T[], ReadFailure>>;

async function names(deps: ApiDeps, params: URLSearchParams, read: Read<string>): Promise<ServerResponse> {
  const wanted = wantedOf(params);
  if (!wanted.ok) return failure('bad_data', wanted.error);
  const found = await eachSelector(wanted.value, read);
  if (!found.ok) return found.error;
  const sorted = [...new Set(found.value)].sort(compareUtf8);
  return limited(deps, {
    found: sorted,
    write: (parts, name) => parts.addQuoted(name),
    limit: wanted.value.limit,
  });
}

/** What all selectors find, one behind the other; the failure as it is answered. */
export async function eachSelector<T>(
  { anyOf, range }: Pick<Wanted, 'anyOf' | 'range'>,
  read: Read<T>,
): Promise<Result<T[], ServerResponse>> {
  const found: T[] = [];
  for (const matchers of anyOf.length === 0 ? [[]] : anyOf) {
    const one = await read(matchers, range);
    if (!one.ok) return err(readFailure(one.error));
    for (const item of one.value) found.push(item);
  }
  return ok(found);
}

interface Listed<T> {
  readonly found: readonly T[];
  readonly write: (parts: TextParts, one: T) => void;
  readonly limit: number;
}

/** More than the limit are cut off, and the answer says so. */
function limited<T>(deps: ApiDeps, { found, write, limit }: Listed<T>): ServerResponse {
  const count = limit === 0 ? found.length : Math.min(limit, found.length);
  return successInParts(deps.turns, function* (parts) {
    parts.add('[');
    for (let i = 0; i < count; i++) {
      if (i > 0) parts.add(',');
      write(parts, found[i] as T);
      if (parts.isFull) yield;
    }
    parts.add(']');
    return count < found.length ? { warnings: [TRUNCATED] } : {};
  });
}

function readFailure({ code, message }: ReadFailure): ServerResponse {
  switch (code) {
    case 'query-cancelled':
      return failure('canceled', message);
    case 'query-limit':
      return failure('execution', message);
    case 'query-storage':
      return failure('internal', message);
    default:
      return never(code);
  }
}
