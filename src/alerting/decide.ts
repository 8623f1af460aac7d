// The decision whether a destination is told about a group now, as a pure function that returns the reason.

import type { NotificationLogEntry } from '../model/index.ts';

export type NotifyReason =
  | 'first notification'
  | 'new alerts in group'
  | 'alerts resolved'
  | 'repeat interval elapsed'
  | 'recovery failed';

export type QuietReason = 'nothing new' | 'resolved before anyone was told' | 'resolved is not sent here';

export type Decision =
  | { readonly notify: true; readonly reason: NotifyReason }
  | { readonly notify: false; readonly reason: QuietReason };

export interface DecideInput {
  /** What the destination was told last; undefined if nothing. */
  readonly entry: NotificationLogEntry | undefined;
  /** What an attempt cut off by a restart would have told: it may have arrived, or not. */
  readonly doubtful: { readonly firing: readonly string[]; readonly resolved: readonly string[] };
  /** Fingerprints of the group now. `unknown` alerts count as firing. */
  readonly firing: readonly string[];
  readonly resolved: readonly string[];
  readonly sendResolved: boolean;
  readonly repeatIntervalMs: number;
  readonly nowMs: number;
}

/** Alertmanager's rule. A message about resolved alerts goes only to those who heard of them firing. */
export function decideNotification(input: DecideInput): Decision {
  const { entry, firing, resolved, sendResolved, doubtful } = input;
  const toldNothing = entry === undefined || (entry.firing.length === 0 && entry.resolved.length === 0);
  if (toldNothing && firing.length > 0) return { notify: true, reason: 'first notification' };
  // Doubt works both ways: who may have heard that it ended must hear that it fires, and the other way round.
  const surelyFiring = new Set(entry?.firing);
  for (const one of doubtful.resolved) surelyFiring.delete(one);
  if (firing.some(one => !surelyFiring.has(one))) return { notify: true, reason: 'new alerts in group' };
  const maybeFiring = new Set([...(entry?.firing ?? []), ...doubtful.firing]);
  const newlyResolved = resolved.some(one => maybeFiring.has(one));
  if (newlyResolved && sendResolved) return { notify: true, reason: 'alerts resolved' };
  if (firing.length === 0) {
    if (newlyResolved) return { notify: false, reason: 'resolved is not sent here' };
    return { notify: false, reason: toldNothing ? 'resolved before anyone was told' : 'nothing new' };
  }
  if (entry !== undefined && isRepeatDue(input, entry.sentAtMs))
    return { notify: true, reason: 'repeat interval elapsed' };
  return { notify: false, reason: 'nothing new' };
}

/**
 * A time of sending further ahead than a whole interval comes from a clock that was set back:
 * without the second half such an entry would silence its group until the clock caught up.
 */
function isRepeatDue(input: DecideInput, sentAtMs: number): boolean {
  const elapsedMs = input.nowMs - sentAtMs;
  return elapsedMs >= input.repeatIntervalMs || elapsedMs < -input.repeatIntervalMs;
}
