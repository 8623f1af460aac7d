// How fast a store grows, and when it will be full: a straight line through its last days.

import type { FolderStats } from './stats.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** What the rates are taken from: a week, so that no day of it counts more than the others. */
const LOOK_BACK_MS = 7 * DAY_MS;

export interface Limits {
  /** Of `storage.retention`. */
  readonly retentionMs: number;
  /** Of `storage.retention_size`; 0 is no limit. */
  readonly retentionBytes: number;
  /** Free on the disk for the program; undefined where that is not known. */
  readonly freeBytes: number | undefined;
}

export interface Growth {
  readonly bytesPerDay: number;
  readonly samplesPerDay: number;
  readonly newSeriesPerHour: number;
}

export interface Forecast extends Growth {
  /** Days until the oldest samples begin to go for their age; 0 where they do already. */
  readonly retentionInDays: number;
  /** What the store has then. */
  readonly bytesAtRetention: number;
  /** Days until a limit on size is reached; null where that never comes, since samples go for their age before. */
  readonly sizeInDays: number | null;
  readonly diskFullInDays: number | null;
}

/** Undefined where there are no samples over a span to judge by. */
export function growthOf({ blocks, head }: FolderStats): Growth | undefined {
  const parts = [...blocks, head].filter(({ samples }) => samples > 0);
  const newestMs = Math.max(...parts.map(({ maxMs }) => maxMs));
  const oldestMs = Math.min(...parts.map(({ minMs }) => minMs));
  const fromMs = Math.max(oldestMs, newestMs - LOOK_BACK_MS);
  const days = (newestMs - fromMs) / DAY_MS;
  if (!(days > 0)) return undefined;
  const [bytes, samples] = (['bytes', 'samples'] as const).map(what =>
    parts.reduce((sum, part) => sum + part[what] * shareSince(part, fromMs), 0),
  );
  const known = parts.filter(({ newSeries, maxMs }) => newSeries !== null && maxMs > fromMs);
  const hours = known.reduce((sum, { minMs, maxMs }) => sum + (maxMs - minMs) / HOUR_MS, 0);
  const added = known.reduce((sum, { newSeries }) => sum + (newSeries ?? 0), 0);
  return {
    bytesPerDay: (bytes ?? 0) / days,
    samplesPerDay: (samples ?? 0) / days,
    newSeriesPerHour: hours > 0 ? added / hours : 0,
  };
}

/** Which part of a stretch lies behind a time. */
function shareSince(part: { readonly minMs: number; readonly maxMs: number }, fromMs: number): number {
  const { minMs, maxMs } = part;
  if (minMs >= fromMs) return 1;
  return maxMs <= fromMs ? 0 : (maxMs - fromMs) / (maxMs - minMs);
}

export function forecastOf(stats: FolderStats, limits: Limits): Forecast | undefined {
  const growth = growthOf(stats);
  if (growth === undefined) return undefined;
  const { bytesPerDay } = growth;
  const parts = [...stats.blocks, stats.head].filter(({ samples }) => samples > 0);
  const ageMs = Math.max(...parts.map(one => one.maxMs)) - Math.min(...parts.map(one => one.minMs));
  const retentionInDays = Math.max(0, (limits.retentionMs - ageMs) / DAY_MS);
  const bytesAtRetention = stats.bytes + retentionInDays * bytesPerDay;
  // Room that is left, and gone before the age puts an end to growing?
  const inDays = (leftBytes: number): number | null => {
    const days = bytesPerDay > 0 ? Math.max(0, leftBytes) / bytesPerDay : Infinity;
    return days <= retentionInDays ? days : null;
  };
  return {
    ...growth,
    retentionInDays,
    bytesAtRetention,
    sizeInDays: limits.retentionBytes === 0 ? null : inDays(limits.retentionBytes - stats.bytes),
    diskFullInDays: limits.freeBytes === undefined ? null : inDays(limits.freeBytes),
  };
}
