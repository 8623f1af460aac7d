// What happens beside the appends: old open rows are sealed, sealed chunks go to their file, the log is cut behind them,
// what exceeds the maximum age is dropped, series without samples are forgotten.

import { type Clock, type DiskError, ok, type Result } from '../base/index.ts';
import type { Annex } from './annex.ts';
import type { Appender } from './appender.ts';
import type { Slices } from './block/slices.ts';
import type { ChunkStore } from './chunk-store.ts';
import type { Head } from './head.ts';
import type { Cohort, SideBuffer } from './head-data.ts';
import type { KeptColumns } from './kept-columns.ts';
import type { KeptLog } from './kept-log.ts';
import type { SeriesLog } from './series-log.ts';
import {
  FEW_SHARE,
  HEAD_AGE_MS,
  LATE_FACTOR,
  LATE_MS_MIN,
  LOOKED_AT_ONCE,
  OPEN_AGE_SHARE,
  SEGMENTS_BEHIND_FEW,
  SEGMENTS_BEHIND_LATE,
  SEGMENTS_BEHIND_MAX,
  type StoreSettings,
} from './settings.ts';
import type { Wal } from './wal.ts';

export interface MaintainParts {
  readonly head: Head;
  readonly wal: Wal;
  readonly keptLog: KeptLog;
  readonly chunks: ChunkStore;
  readonly keptColumns: KeptColumns;
  readonly annex: Annex;
  readonly series: SeriesLog;
  readonly appender: Appender;
  readonly clock: Clock;
  readonly settings: StoreSettings;
  readonly slices: Slices;
}

export async function maintain(parts: MaintainParts): Promise<Result<void, DiskError>> {
  parts.slices.begin();
  parts.chunks.rest();
  parts.keptColumns.rest();
  parts.head.pool.rest();
  await sealOld(parts);
  const written = await writePending(parts);
  if (!written.ok) return written;
  // Before the log is cut, which has the exemplars too.
  const noted = await parts.annex.flush();
  if (!noted.ok) return noted;
  await parts.wal.cut(await oldestNeeded(parts));
  await parts.keptLog.trim();
  await dropOld(parts);
  if (!parts.series.isMostlyGarbage(parts.head.table.size)) return ok(undefined);
  return parts.appender.rewriteSeries();
}

/** Rows of cohorts that fill too slowly, or lie too far back in the log; and cohorts that nobody writes to. */
async function sealOld(parts: MaintainParts): Promise<void> {
  const { head, wal, clock, settings } = parts;
  const nowMs = clock.monotonicMs();
  const openMsMax = Math.min(settings.maxAgeMs, HEAD_AGE_MS) * OPEN_AGE_SHARE;
  const isOld = (open: { readonly openedMs: number; readonly firstSegment: number }): boolean =>
    nowMs - open.openedMs > openMsMax || wal.currentNumber - open.firstSegment >= SEGMENTS_BEHIND_MAX;
  // The log is not kept for rows that nobody adds to.
  const isLate = ({ rows, openedMs, touchedMs, firstSegment }: Cohort): boolean =>
    wal.currentNumber - firstSegment >= SEGMENTS_BEHIND_LATE &&
    nowMs - touchedMs > LATE_FACTOR * Math.max(LATE_MS_MIN, (touchedMs - openedMs) / rows);
  const isLeft = (cohort: Cohort): boolean => cohort.rows === 0 && nowMs - cohort.touchedMs > openMsMax;
  const fewUpTo = await segmentOfFew(parts);
  const isOfFew = ({ firstSegment }: { readonly firstSegment: number }): boolean => firstSegment <= fewUpTo;
  await sealThose(parts, {
    cohort: cohort =>
      isLeft(cohort) ||
      (cohort.rows > 0 && (cohort.superseded || isOld(cohort) || isLate(cohort) || isOfFew(cohort))),
    side: side => isOld(side) || isOfFew(side),
  });
  await betweenGroups(parts, [...head.allCohorts()].filter(isLeft), cohort => {
    if (isLeft(cohort)) head.dropCohort(cohort);
  });
}

/**
 * The last segment that is kept, together with those before it, for so little that this is better sealed: a host that is watched
 * each 15 s would keep all that others push in a quarter of an hour. 0 without one.
 */
async function segmentOfFew({ head, wal, slices }: MaintainParts): Promise<number> {
  const oldest = wal.oldestNumber;
  const ends = wal.currentNumber - SEGMENTS_BEHIND_FEW;
  if (ends < oldest) return 0;
  /** By how far the first segment lies behind the oldest. */
  const samples = new Float64Array(ends - oldest + 1);
  let looked = 0;
  const note = ({ firstSegment }: { readonly firstSegment: number }, count: number): void => {
    const i = Math.max(0, firstSegment - oldest);
    if (firstSegment <= ends) samples[i] = (samples[i] ?? 0) + count;
  };
  for (const cohort of [...head.allCohorts()]) {
    note(cohort, cohort.used);
    if (++looked % LOOKED_AT_ONCE === 0) await slices.breathe();
  }
  for (const side of [...head.sides]) {
    note(side, side.count);
    if (++looked % LOOKED_AT_ONCE === 0) await slices.breathe();
  }
  let few = 0;
  let held = 0;
  samples.forEach((count, i) => {
    held += count;
    if (held > 0 && held * SAMPLE_BYTES <= wal.bytesUpTo(oldest + i) * FEW_SHARE) few = oldest + i;
  });
  return few;
}

/** In the log. */
const SAMPLE_BYTES = 8;

async function writePending(parts: MaintainParts): Promise<Result<void, DiskError>> {
  const { head, chunks } = parts;
  const writing = [...head.pending];
  if (writing.length === 0) return ok(undefined);
  const written = await chunks.write(writing);
  if (!written.ok) return written;
  const done = new Set(writing);
  head.pending = head.pending.filter(chunk => !done.has(chunk));
  return written;
}

/**
 * The first segment that holds samples which are nowhere else. What is opened while this looks lies in the current segment
 * or a later one, and what is sealed meanwhile is found at the end.
 */
async function oldestNeeded(parts: MaintainParts): Promise<number> {
  const { head, wal, slices } = parts;
  let oldest = wal.currentNumber;
  let looked = 0;
  for (const cohort of [...head.allCohorts()]) {
    if (cohort.rows > 0) oldest = Math.min(oldest, cohort.firstSegment);
    if (++looked % LOOKED_AT_ONCE === 0) await slices.breathe();
  }
  for (const side of [...head.sides]) {
    oldest = Math.min(oldest, side.firstSegment);
    if (++looked % LOOKED_AT_ONCE === 0) await slices.breathe();
  }
  for (const chunk of head.pending) oldest = Math.min(oldest, chunk.firstSegment);
  return oldest;
}

async function dropOld(parts: MaintainParts): Promise<void> {
  const { head, chunks, wal, clock, settings, appender, slices } = parts;
  chunks.drop(await head.dropChunksBefore(head.newestMs - settings.maxAgeMs, slices));
  await chunks.removeEmptyFiles({ oldest: wal.oldestNumber, current: wal.currentNumber });
  await head.dropEmptySeries(clock.monotonicMs(), { wanted: () => appender.waitingRefs(), slices });
}

/** Seals what has samples before a time. */
export async function sealBefore(parts: SealParts, beforeMs: number): Promise<void> {
  parts.slices.begin();
  await sealThose(parts, {
    cohort: ({ rowTimes, rows }) => rowTimes.subarray(0, rows).some(timeMs => timeMs < beforeMs),
    side: ({ times, count }) => times.subarray(0, count).some(timeMs => timeMs < beforeMs),
  });
}

type SealParts = Pick<MaintainParts, 'head' | 'appender' | 'clock' | 'slices'>;

async function sealThose(
  parts: SealParts,
  those: { readonly cohort: (cohort: Cohort) => boolean; readonly side: (side: SideBuffer) => boolean },
): Promise<void> {
  const { head, clock } = parts;
  // Each may have been sealed, or dropped, while it waited.
  await betweenGroups(parts, await chosen([...head.allCohorts()], those.cohort, parts.slices), cohort => {
    if (cohort.rows === 0 || !those.cohort(cohort)) return;
    head.seal(cohort, clock.monotonicMs());
    if (cohort.superseded) head.dropCohort(cohort);
  });
  await betweenGroups(parts, await chosen([...head.sides], those.side, parts.slices), side => {
    if (head.sides.has(side)) head.sealSide(side);
  });
}

async function chosen<T>(from: readonly T[], those: (one: T) => boolean, slices: Slices): Promise<T[]> {
  const found: T[] = [];
  let looked = 0;
  for (const one of from) {
    if (those(one)) found.push(one);
    if (++looked % LOOKED_AT_ONCE === 0) await slices.breathe();
  }
  return found;
}

/** Does something with each, a slice's worth between two groups at a time, so that no append waits for all of it. */
async function betweenGroups<T>(
  { appender, slices }: Pick<SealParts, 'appender' | 'slices'>,
  items: readonly T[],
  work: (item: T) => void,
): Promise<void> {
  for (let at = 0; at < items.length; ) {
    await appender.between(() => {
      slices.begin();
      do work(items[at++] as T);
      while (at < items.length && !slices.isUsed);
    });
    await slices.breathe();
  }
}
