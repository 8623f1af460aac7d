// How many requests are answered: a bucket of tokens, of which each request takes one and one falls in each interval. As
// Prometheus's: all requests together, before anything else is looked at.

import type { Clock, ServerHandler, ServerResponse } from '../base/index.ts';
import type { RateLimit } from '../config/index.ts';

export interface Bucket {
  readonly tokens: number;
  /** Monotonic. */
  readonly atMs: number;
}

export function fullBucket({ burst }: RateLimit, nowMs: number): Bucket {
  return { tokens: burst, atMs: nowMs };
}

/** Undefined where there is no token. */
export function takeToken(bucket: Bucket, limit: RateLimit, nowMs: number): Bucket | undefined {
  const fallen = (nowMs - bucket.atMs) / limit.intervalMs;
  const tokens = Math.min(limit.burst, bucket.tokens + fallen);
  return tokens < 1 ? undefined : { tokens: tokens - 1, atMs: nowMs };
}

/** The limit may become another one, or none, while it serves. */
export function rateLimited(
  handler: ServerHandler,
  clock: Clock,
  limitNow: () => RateLimit | undefined,
): ServerHandler {
  let limit: RateLimit | undefined;
  let bucket: Bucket | undefined;
  return async request => {
    const next = limitNow();
    const nowMs = clock.monotonicMs();
    if (next !== limit) bucket = next && fullBucket(next, nowMs);
    limit = next;
    if (limit === undefined || bucket === undefined) return handler(request);
    const taken = takeToken(bucket, limit, nowMs);
    if (taken === undefined) return refusal(limit);
    bucket = taken;
    return handler(request);
  };
}

function refusal({ intervalMs }: RateLimit): ServerResponse {
  return {
    status: 429,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'retry-after': String(Math.max(1, Math.ceil(intervalMs / 1000))),
    },
    body: 'Too Many Requests\n',
  };
}
