// Which differences last: two programs evaluate at different moments, so that one is a step ahead of the other for a while.

import type { Difference } from './sides.ts';

export interface Tracked {
  readonly difference: Difference;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** The differences of several looks. `longest`: of each its longest time without a break. */
export interface Watched {
  readonly looks: number;
  readonly running: ReadonlyMap<string, Tracked>;
  readonly longest: ReadonlyMap<string, Tracked>;
}

export const NOTHING_WATCHED: Watched = { looks: 0, running: new Map(), longest: new Map() };

export function keyOf({ kind, subject }: Difference): string {
  return `${kind} ${subject}`;
}

/** Adds a look. What is not seen any more is over; seen again it begins anew. */
export function look(watched: Watched, differences: readonly Difference[], atMs: number): Watched {
  const running = new Map<string, Tracked>();
  const longest = new Map(watched.longest);
  for (const difference of differences) {
    const key = keyOf(difference);
    const firstAtMs = watched.running.get(key)?.firstAtMs ?? atMs;
    const tracked = { difference, firstAtMs, lastAtMs: atMs };
    running.set(key, tracked);
    const known = longest.get(key);
    if (known === undefined || lengthMs(tracked) >= lengthMs(known)) longest.set(key, tracked);
  }
  return { looks: watched.looks + 1, running, longest };
}

export interface Verdicts {
  /** They lasted longer than the tolerance. */
  readonly real: readonly Tracked[];
  /** They passed, or began too late to tell. */
  readonly passing: readonly Tracked[];
  /** They follow from when the shadow began. */
  readonly expected: readonly Tracked[];
}

export function judge({ longest }: Watched, toleranceMs: number): Verdicts {
  const all = [...longest.values()];
  const unexpected = all.filter(one => !one.difference.isExpected);
  return {
    real: unexpected.filter(one => lengthMs(one) > toleranceMs),
    passing: unexpected.filter(one => lengthMs(one) <= toleranceMs),
    expected: all.filter(one => one.difference.isExpected),
  };
}

/** Of one look: what began longer ago than the tolerance is real, what is younger may be a matter of phase. */
export function judgeOnce(differences: readonly Difference[], atMs: number, toleranceMs: number): Verdicts {
  const all = differences.map(difference => ({ difference, firstAtMs: atMs, lastAtMs: atMs }));
  const isYoung = ({ difference }: Tracked): boolean => atMs - difference.sinceMs <= toleranceMs;
  const unexpected = all.filter(one => !one.difference.isExpected);
  return {
    real: unexpected.filter(one => !isYoung(one)),
    passing: unexpected.filter(isYoung),
    expected: all.filter(one => one.difference.isExpected),
  };
}

function lengthMs({ firstAtMs, lastAtMs }: Tracked): number {
  return lastAtMs - firstAtMs;
}
