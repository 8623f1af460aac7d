// How `for` goes on after a restart: Prometheus's own table of cases, and what its documentation promises.

import { describe, expect, it } from 'vitest';
import { type ForPolicy, resumedActiveAtMs } from './restore.ts';

const MINUTE = 60_000;
/** Prometheus's defaults. */
const POLICY: ForPolicy = { outageToleranceMs: 60 * MINUTE, gracePeriodMs: 10 * MINUTE };

interface Case {
  readonly says: string;
  readonly forMinutes: number;
  /** Minutes that it had been pending when the process ended, and that it was down. */
  readonly pending: number;
  readonly down: number;
  readonly policy?: Partial<ForPolicy>;
  /** Minutes from the moment in which it is seen again until it fires. */
  readonly firesAfter: number;
}

const CASES: readonly Case[] = [
  { says: 'the time down does not count', forMinutes: 25, pending: 10, down: 5, firesAfter: 15 },
  {
    says: 'nor does it where it is longer than `for`',
    forMinutes: 25,
    pending: 10,
    down: 50,
    firesAfter: 15,
  },
  { says: 'up to the tolerance', forMinutes: 25, pending: 10, down: 60, firesAfter: 15 },
  { says: 'a longer outage begins `for` anew', forMinutes: 25, pending: 10, down: 61, firesAfter: 25 },
  { says: 'less than the grace period left: so much', forMinutes: 25, pending: 20, down: 5, firesAfter: 10 },
  { says: 'just the grace period left', forMinutes: 25, pending: 15, down: 5, firesAfter: 10 },
  {
    says: 'a `for` as long as the grace period waits for it',
    forMinutes: 10,
    pending: 9,
    down: 1,
    firesAfter: 10,
  },
  {
    says: 'a `for` shorter than the grace period begins anew',
    forMinutes: 9,
    pending: 8,
    down: 1,
    firesAfter: 9,
  },
  { says: 'a `for` made shorter meanwhile has passed', forMinutes: 12, pending: 20, down: 1, firesAfter: 0 },
  {
    says: 'without a grace period what was left is left',
    forMinutes: 5,
    pending: 4,
    down: 30,
    policy: { gracePeriodMs: 0 },
    firesAfter: 1,
  },
  {
    says: 'without tolerance every outage begins it anew',
    forMinutes: 25,
    pending: 20,
    down: 1,
    policy: { outageToleranceMs: 0 },
    firesAfter: 25,
  },
  { says: 'a clock that was set back is no outage', forMinutes: 25, pending: 5, down: -30, firesAfter: 20 },
];

describe('`for` after a restart', () => {
  it.each(CASES)('$says', ({ forMinutes, pending, down, policy, firesAfter }) => {
    const activeAtMs = 1_000 * MINUTE;
    const downAtMs = activeAtMs + pending * MINUTE;
    const nowMs = downAtMs + down * MINUTE;
    const forMs = forMinutes * MINUTE;
    const since = resumedActiveAtMs({ activeAtMs, downAtMs, forMs }, { ...POLICY, ...policy }, nowMs);
    expect(Math.max(0, since + forMs - Math.max(nowMs, downAtMs)) / MINUTE).toBe(firesAfter);
  });
});
