// How many requests may be under way at a time: as many as it takes to send what comes in, and what has piled up.

import type { QueueSettings } from './settings.ts';

/** What piled up should be gone in so many seconds, beside what comes in meanwhile. */
const CATCH_UP_SECONDS = 20;
/** A change by less is not worth it. */
const TOLERANCE = 0.3;

export interface Pace {
  /** How long requests took, all together, and how many samples they carried. */
  readonly busyMs: number;
  readonly sentSamples: number;
  readonly inSamplesPerSecond: number;
  readonly waitingSamples: number;
}

/** After a piece was sent. */
export function wantedShards(now: number, pace: Pace, queue: QueueSettings): number {
  if (pace.sentSamples === 0) return now;
  const secondsPerSample = pace.busyMs / 1000 / pace.sentSamples;
  const perSecond = pace.inSamplesPerSecond + pace.waitingSamples / CATCH_UP_SECONDS;
  const ideal = secondsPerSample * perSecond;
  const isNear = ideal > now * (1 - TOLERANCE) && ideal < now * (1 + TOLERANCE);
  const wanted = isNear ? now : Math.ceil(ideal);
  // At most twice as many at a time: how it answers to more is not known yet.
  return Math.max(queue.shardsMin, Math.min(queue.shardsMax, 2 * now, wanted), 1);
}
