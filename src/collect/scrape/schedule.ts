// When a target is scraped, and which time its samples get. Pure.

import { createHash } from 'node:crypto';

/** Prometheus's: timers are a little late, and samples exactly one interval apart compress far better. */
const TOLERANCE_MS = 2;
/** Of the interval, at most. */
const TOLERANCE_RATIO = 0.01;

/**
 * Milliseconds until the first scrape. A target keeps its place within the interval over restarts, and the targets
 * spread over it, since the place comes from a hash of the target's id.
 */
export function firstDelayMs(id: string, intervalMs: number, nowMs: number): number {
  const hash = createHash('sha256').update(id, 'utf8').digest().readUInt32BE(0);
  const offsetMs = Math.floor((hash / 0x1_0000_0000) * intervalMs);
  const sinceMs = (((nowMs - offsetMs) % intervalMs) + intervalMs) % intervalMs;
  return sinceMs === 0 ? 0 : intervalMs - sinceMs;
}

/** Where the samples of a target lie in time: `gridMs` plus whole intervals. */
export interface SampleGrid {
  readonly gridMs: number;
  /** Scrapes in a row that were too far from it. */
  readonly misses: number;
}

/** After so many misses in a row it is the clock that moved (a step, a slew), not a timer that was late. */
const MISSES_MAX = 3;

/** The sample time of a scrape that began at `nowMs`, and the grid for the next (undefined before the first). */
export function alignTime(
  nowMs: number,
  grid: SampleGrid | undefined,
  intervalMs: number,
): { readonly timestampMs: number; readonly grid: SampleGrid } {
  const timestampMs = Math.round(nowMs);
  if (grid === undefined) return { timestampMs, grid: { gridMs: timestampMs, misses: 0 } };
  const expectedMs = grid.gridMs + Math.round((nowMs - grid.gridMs) / intervalMs) * intervalMs;
  const toleranceMs = Math.min(TOLERANCE_MS, intervalMs * TOLERANCE_RATIO);
  if (Math.abs(nowMs - expectedMs) <= toleranceMs) {
    return { timestampMs: expectedMs, grid: { gridMs: expectedMs, misses: 0 } };
  }
  const misses = grid.misses + 1;
  if (misses >= MISSES_MAX) return { timestampMs, grid: { gridMs: timestampMs, misses: 0 } };
  return { timestampMs, grid: { gridMs: grid.gridMs, misses } };
}
