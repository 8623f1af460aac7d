// When a group is evaluated: at its interval, shifted by a hash of its name so that groups spread over the interval.

import { fingerprint, labelsFrom } from '../model/index.ts';

/** The same group gets the same offset on every machine and after every restart. */
export function groupOffsetMs(
  group: { readonly file: string; readonly name: string },
  intervalMs: number,
): number {
  const hash = BigInt(`0x${fingerprint(labelsFrom({ file: group.file, name: group.name }))}`);
  return Number(hash % BigInt(intervalMs));
}

/** The latest aligned time at or before `nowMs`: what an evaluation now counts as. */
export function alignedTimeMs(nowMs: number, intervalMs: number, offsetMs: number): number {
  return Math.floor((nowMs - offsetMs) / intervalMs) * intervalMs + offsetMs;
}

export interface Tick {
  /** The time that the evaluation stands for. */
  readonly atMs: number;
  /** Evaluations left out since the last one. */
  readonly missed: number;
}

/** The evaluation due now, after one at `lastMs`; undefined if it is too early (the clock went back, or a timer fired early). */
export function dueTick(
  lastMs: number | undefined,
  now: { readonly nowMs: number; readonly intervalMs: number; readonly offsetMs: number },
): Tick | undefined {
  const atMs = alignedTimeMs(now.nowMs, now.intervalMs, now.offsetMs);
  if (lastMs === undefined) return { atMs, missed: 0 };
  if (atMs <= lastMs) {
    // The wall clock jumped back by more than an interval: go on in the new time, rather than wait for the old.
    return lastMs - atMs > now.intervalMs ? { atMs, missed: 0 } : undefined;
  }
  return { atMs, missed: Math.max(0, Math.round((atMs - lastMs) / now.intervalMs) - 1) };
}
