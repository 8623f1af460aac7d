// Whether the scraper stands still: a single target that does not answer is no news here, but where none is scraped when its turn
// has come the stage itself hangs. The sign of life looks at it.

import type { TargetId, TargetStatus } from '../model/index.ts';

/** Owns since when targets are known: one that is new was never scraped and still has time. */
export class ScrapeStandstill {
  #knownSinceMs = new Map<TargetId, number>();

  /**
   * For how many seconds the target that waits least has waited beyond its turn; 0 while any is scraped in time, and where there
   * is none.
   */
  seconds(targets: readonly TargetStatus[], nowMs: number): number {
    const known = new Map<TargetId, number>();
    let leastMs = Number.POSITIVE_INFINITY;
    for (const { id, lastScrapeMs, intervalMs, timeoutMs } of targets) {
      const sinceMs = this.#knownSinceMs.get(id) ?? nowMs;
      known.set(id, sinceMs);
      const beganMs = Math.max(lastScrapeMs, sinceMs);
      // A scrape is told of when it is over, by the time at which it began.
      leastMs = Math.min(leastMs, Math.max(0, nowMs - beganMs - intervalMs - timeoutMs));
    }
    this.#knownSinceMs = known;
    return Number.isFinite(leastMs) ? leastMs / 1000 : 0;
  }
}
