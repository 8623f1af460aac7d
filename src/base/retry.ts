// When to try again what failed on its way to somebody else's server.

import type { Random } from './ports.ts';

/** 5xx, 429 and 408 may pass; every other status would come again. */
export function mayPass(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}

/** The header Retry-After, at most `maxMs`: seconds, or an HTTP date. Undefined where it is absent or neither. */
export function retryAfterMs(
  value: string | undefined,
  { nowMs, maxMs }: { readonly nowMs: number; readonly maxMs: number },
): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), maxMs);
}

export interface Backoff {
  /** After the first failure; doubled with each further one in a row. */
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Spread over 50 to 150 %, never sooner than was asked (`afterMs`). */
export function backoffMs(
  failures: number,
  { firstMs, maxMs }: Backoff,
  { random, afterMs }: { readonly random: Random; readonly afterMs: number | undefined },
): number {
  // Far beyond every limit, and far below where doubling would overflow.
  const doublings = Math.min(failures - 1, 16);
  return Math.max(Math.min(maxMs, firstMs * 2 ** doublings) * (0.5 + random.float()), afterMs ?? 0);
}
