// When to try again, and whether a failed attempt may have arrived all the same.

import type { Random } from '../base/index.ts';
import type { DeliveryOutcome } from '../model/index.ts';

/** Wait before the second attempt, doubled for each further one up to the limit. */
const BACKOFF_MS_FIRST = 1000;
/** Providers recover in minutes: rarer attempts would make a message late, more frequent ones would hammer. */
const BACKOFF_MS_MAX = 60_000;

/** Exponential, spread over 50 to 150 %, never sooner than the provider asked. */
export function backoffMs(attempts: number, random: Random, afterMs: number | undefined): number {
  const base = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** Math.min(attempts - 1, 16));
  return Math.max(base * (0.5 + random.float()), afterMs ?? 0);
}

/** The exchange broke off after the message may have been taken: another attempt is a possible repeat. */
const UNCERTAIN: ReadonlySet<string> = new Set([
  'http-timeout',
  'http-reset',
  'http-aborted',
  'http-protocol',
  'http-body-too-large',
  'http-bad-encoding',
  'mail-timeout',
  'mail-protocol',
  'attempt-timeout',
  'unclear answer',
  'command-timeout',
  'command-killed',
  'exec-aborted',
]);

export function mayHaveArrived(outcome: DeliveryOutcome): boolean {
  return outcome.kind === 'retry' && UNCERTAIN.has(outcome.reason);
}
