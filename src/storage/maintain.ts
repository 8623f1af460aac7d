// What happens beside the appends: old open rows are sealed, sealed chunks go to their file, the log is cut behind them,
// what exceeds the maximum age is dropped, series without samples are forgotten.

import { type Clock, type DiskError, ok, type Result } from '../base/index.ts';
import type { Annex } from './annex.ts';
import type { Appender } from './appender.ts';
import type { Slices } from './block/slices.ts';
import type { ChunkStore } from './chunk-store.ts';
import type { Head } from './head.ts';
import type { SeriesLog } from './series-log.ts';
import { HEAD_AGE_MS, OPEN_AGE_SHARE, SEGMENTS_BEHIND_MAX, type StoreSettings } from './settings.ts';
import type { Wal } from './wal.ts';

export interface MaintainParts {
  readonly head: Head;
  readonly wal: Wal;
  readonly chunks: ChunkStore;
  readonly annex: Annex;
  readonly series: SeriesLog;
  readonly appender: Appender;
  readonly clock: Clock;
  readonly settings: StoreSettings;
}

export async function maintain(parts: MaintainParts): Promise<Result<void, DiskError>> {
  sealOld(parts);
  const written = await writePending(parts);
  if (!written.ok) return written;
  // Before the log is cut, which has the exemplars too.
  const noted = await parts.annex.flush();
  if (!noted.ok) return noted;
  await parts.wal.cut(oldestNeeded(parts));
  await dropOld(parts);
  if (!parts.series.isMostlyGarbage(parts.head.table.size)) return ok(undefined);
  return parts.appender.rewriteSeries();
}

/** Rows of cohorts that fill too slowly, or lie too far back in the log; and cohorts that nobody writes to. */
function sealOld(parts: MaintainParts): void {
  const { head, wal, clock, settings } = parts;
  const nowMs = clock.monotonicMs();
  const openMsMax = Math.min(settings.maxAgeMs, HEAD_AGE_MS) * OPEN_AGE_SHARE;
  const isOld = (open: { readonly openedMs: number; readonly firstSegment: number }): boolean =>
    nowMs - open.openedMs > openMsMax || wal.currentNumber - open.firstSegment >= SEGMENTS_BEHIND_MAX;
  for (const cohort of [...head.allCohorts()]) {
    if (cohort.inFlight) continue;
    if (cohort.rows > 0 && isOld(cohort)) head.seal(cohort, nowMs);
    if (cohort.rows === 0 && nowMs - cohort.touchedMs > openMsMax) head.dropCohort(cohort);
  }
  for (const side of [...head.sides]) {
    if (head.table.stamp[side.series.slot] !== head.inFlight && isOld(side)) head.sealSide(side);
  }
}

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

/** The first segment that holds samples which are nowhere else. */
function oldestNeeded(parts: MaintainParts): number {
  const { head, wal } = parts;
  let oldest = wal.currentNumber;
  for (const cohort of head.allCohorts()) if (cohort.rows > 0) oldest = Math.min(oldest, cohort.firstSegment);
  for (const side of head.sides) oldest = Math.min(oldest, side.firstSegment);
  for (const chunk of head.pending) oldest = Math.min(oldest, chunk.firstSegment);
  return oldest;
}

async function dropOld(parts: MaintainParts): Promise<void> {
  const { head, chunks, wal, clock, settings, appender } = parts;
  chunks.drop(head.dropChunksBefore(head.newestMs - settings.maxAgeMs));
  await chunks.removeEmptyFiles({ oldest: wal.oldestNumber, current: wal.currentNumber });
  // From here on synchronous: no batch can come in between.
  const waiting = appender.waitingRefs();
  head.dropEmptySeries(clock.monotonicMs(), series => waiting.has(series.ref));
}

/** Seals what has samples before a time, cohort by cohort between the groups, so that no append waits for all of it. */
export async function sealBefore(
  parts: Pick<MaintainParts, 'head' | 'appender' | 'clock'>,
  beforeMs: number,
  slices: Slices,
): Promise<void> {
  slices.begin();
  const { head, appender, clock } = parts;
  for (const cohort of [...head.allCohorts()]) {
    if (!cohort.rowTimes.subarray(0, cohort.rows).some(timeMs => timeMs < beforeMs)) continue;
    await appender.between(() => {
      // It may have been sealed, or dropped, while this one waited.
      if (cohort.rows > 0) head.seal(cohort, clock.monotonicMs());
    });
    await slices.breathe();
  }
  for (const side of [...head.sides]) {
    if (!side.times.subarray(0, side.count).some(timeMs => timeMs < beforeMs)) continue;
    await appender.between(() => {
      if (head.sides.has(side)) head.sealSide(side);
    });
    await slices.breathe();
  }
}
