// Request parameters: from the query and, for POST forms, from the body.

import { err, ok, parseDuration, type Result, type ServerRequest } from '../base/index.ts';
import { type Expr, parseExpr } from '../promql/parser/index.ts';

/** Expressions and matchers by POST: far more than any real one, little enough to hold. */
const FORM_BYTES_MAX = 1024 * 1024;

export async function readParams(request: ServerRequest): Promise<Result<URLSearchParams, string>> {
  const params = new URLSearchParams(request.query);
  if (request.method !== 'POST') return ok(params);
  const type = request.headers['content-type'] ?? '';
  if (!type.startsWith('application/x-www-form-urlencoded')) return ok(params);
  const body = await request.body(FORM_BYTES_MAX);
  if (!body.ok) return err(body.error.message);
  for (const [name, value] of new URLSearchParams(new TextDecoder().decode(body.value)))
    params.append(name, value);
  return ok(params);
}

function isNumber(text: string): boolean {
  return /^(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text);
}

/** The ends of Go's time, which clients send for "any": no calendar has their years. */
const ENDS_OF_TIME: ReadonlyMap<string, number> = new Map([
  ['-292273086-05-16T16:47:06Z', Number.MIN_SAFE_INTEGER],
  ['292277025-08-18T07:12:54.999999999Z', Number.MAX_SAFE_INTEGER],
]);

/** Seconds since the epoch with decimals, or RFC 3339, to milliseconds. */
export function parseTime(text: string): Result<number, string> {
  const end = ENDS_OF_TIME.get(text);
  if (end !== undefined) return ok(end);
  if (isNumber(text.replace(/^[-+]/, ''))) return ok(Math.round(Number(text) * 1000));
  const atMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  return Number.isNaN(atMs)
    ? err(`cannot parse "${text}" to a valid timestamp: seconds since the epoch or RFC 3339 expected`)
    : ok(atMs);
}

/** Seconds with decimals, or Prometheus's notation, to milliseconds. */
export function parseStep(text: string): Result<number, string> {
  if (isNumber(text)) return ok(Math.round(Number(text) * 1000));
  const parsed = parseDuration(text);
  return parsed.ok ? parsed : err(`cannot parse "${text}" to a valid duration`);
}

/** A whole number of at least 0, which is no limit, as is none. */
export function limitParam(params: URLSearchParams): Result<number, string> {
  const text = params.get('limit') ?? '';
  if (text === '') return ok(0);
  if (!/^\d+$/.test(text)) return err('invalid parameter "limit": a whole number of at least 0 expected');
  return ok(Number(text));
}

/** The expression of `query`; a mistake comes with its line and column, as Prometheus has them. */
export function exprParam(params: URLSearchParams): Result<Expr, string> {
  const text = params.get('query') ?? '';
  const parsed = parseExpr(text);
  if (parsed.ok) return parsed;
  const [{ span, message }] = parsed.error;
  const before = text.slice(0, span.start).split('\n');
  const column = (before[before.length - 1] ?? '').length + 1;
  return err(`invalid parameter "query": ${before.length}:${column}: parse error: ${message}`);
}

/** As Go reads them. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map(text => [text, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map(text => [text, false] as const),
]);

export function booleanParam(
  params: URLSearchParams,
  name: string,
  absent: boolean,
): Result<boolean, string> {
  const text = params.get(name) ?? '';
  if (text === '') return ok(absent);
  const value = BOOLEANS.get(text);
  return value === undefined ? err(`invalid parameter "${name}": "true" or "false" expected`) : ok(value);
}

/** -1 without one: no limit, as any negative number. */
export function countParam(params: URLSearchParams, name: string): Result<number, string> {
  const text = params.get(name) ?? '';
  if (text === '') return ok(-1);
  return /^[-+]?\d{1,15}$/.test(text) ? ok(Number(text)) : err(`${name} must be a number`);
}

/** As Prometheus says it. */
export const TRUNCATED = 'results truncated due to limit';

/** A time, or `absent` where the parameter is not given. */
export function boundary(params: URLSearchParams, name: string, absent: number): Result<number, string> {
  const text = params.get(name) ?? '';
  if (text === '') return ok(absent);
  const parsed = parseTime(text);
  return parsed.ok ? parsed : err(`invalid parameter "${name}": ${parsed.error}`);
}
