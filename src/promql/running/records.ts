// What is remembered of queries that are over: the last ones of users, and the slowest of the last day, whoever asked.

import type { QueryRecord } from '../../model/index.ts';

/** More than a person reads; at some 2 kB each. */
const LAST_MAX = 100;
const SLOWEST_MAX = 50;
/** What was slow before is history: the reason is most likely gone. */
const SLOWEST_AGE_MS = 86_400_000;

export interface Records {
  /** The newest first. */
  readonly last: readonly QueryRecord[];
  /** The slowest first. */
  readonly slowest: readonly QueryRecord[];
}

export const NO_RECORDS: Records = { last: [], slowest: [] };

export interface Ended {
  readonly record: QueryRecord;
  /** The program's own queries are many and short: among the last they would leave no room for others. */
  readonly isOwn: boolean;
  readonly nowMs: number;
}

export function remember(records: Records, { record, isOwn, nowMs }: Ended): Records {
  const last = isOwn ? records.last : [record, ...records.last].slice(0, LAST_MAX);
  return { last, slowest: withSlow(records.slowest, record, nowMs) };
}

function withSlow(
  slowest: readonly QueryRecord[],
  record: QueryRecord,
  nowMs: number,
): readonly QueryRecord[] {
  const took = record.cost.durationMs;
  const fastest = slowest.at(-1)?.cost.durationMs ?? 0;
  // Nearly always, and then nothing is to be done.
  if (slowest.length === SLOWEST_MAX && took <= fastest && isFresh(slowest, nowMs)) return slowest;
  const kept = slowest.filter(one => one.atMs >= nowMs - SLOWEST_AGE_MS);
  const at = kept.findIndex(one => one.cost.durationMs < took);
  return kept.toSpliced(at < 0 ? kept.length : at, 0, record).slice(0, SLOWEST_MAX);
}

function isFresh(records: readonly QueryRecord[], nowMs: number): boolean {
  return records.every(one => one.atMs >= nowMs - SLOWEST_AGE_MS);
}
