// When to try again, and whether a failed attempt may have arrived all the same.

import type { Backoff } from '../base/index.ts';
import type { DeliveryOutcome } from '../model/index.ts';

/** Providers recover in minutes: rarer attempts would make a message late, more frequent ones would hammer. */
export const DELIVERY_BACKOFF: Backoff = { firstMs: 1000, maxMs: 60_000 };

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
