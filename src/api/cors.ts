// Pages of other origins: which of them may read the API (`web.cors_origin`), as Prometheus's --web.cors.origin.

import type { ServerRequest, ServerResponse } from '../base/index.ts';
import type { Regex } from '../model/index.ts';

/** As Prometheus says them. */
const SHARED = {
  'access-control-allow-headers': 'Accept, Authorization, Content-Type, Origin',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-expose-headers': 'Date',
};

export function isSharedWith(origin: string | undefined, shared: Regex | undefined): origin is string {
  return origin !== undefined && origin !== '' && shared?.test(origin) === true;
}

/** The answer as the page of another origin may see it; unchanged for everybody else. */
export function withCors(
  answer: ServerResponse,
  request: ServerRequest,
  shared: Regex | undefined,
): ServerResponse {
  if (shared === undefined) return answer;
  // Also where this origin may not: a cache must not give the answer for one origin to another.
  const headers = { ...answer.headers, vary: 'Origin' };
  const origin = request.headers['origin'];
  if (!isSharedWith(origin, shared)) return { ...answer, headers };
  return { ...answer, headers: { ...headers, ...SHARED, 'access-control-allow-origin': origin } };
}

/** What a browser asks before it lets a page ask: it brings no credentials, and is told nothing but the headers. */
export function preflight(): ServerResponse {
  return { status: 204, headers: { 'cache-control': 'no-store' }, body: '' };
}
