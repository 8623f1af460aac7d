// What flows from collection into the store: batches of samples in columns.

import type { Labels } from './labels.ts';

declare const seriesRefBrand: unique symbol;
/** A series inside one store: an integer that is never used again for another series while the process lives. */
export type SeriesRef = number & { readonly [seriesRefBrand]: true };

declare const targetIdBrand: unique symbol;
/** A target: "job/instance-URL#hash" or "rules/FILE/GROUP"; stable over restarts and reloads. */
export type TargetId = string & { readonly [targetIdBrand]: true };

export function targetId(text: string): TargetId {
  return text as TargetId;
}

/** In the order of remote write's numbers, which the annex of the store has too: it must not change. */
export const METRIC_TYPES = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
] as const;
export type MetricType = (typeof METRIC_TYPES)[number];

export interface MetricMetadata {
  readonly metric: string;
  readonly type: MetricType;
  readonly help: string;
  readonly unit: string;
}

/** A span of consecutive buckets: `offset` from the end of the span before (the first: absolute index). */
export interface BucketSpan {
  readonly offset: number;
  readonly length: number;
}

/** Counts are absolute (not deltas). `schema` -53 is custom bounds, -4 … 8 exponential. */
export interface NativeHistogram {
  readonly schema: number;
  readonly count: number;
  readonly sum: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positiveSpans: readonly BucketSpan[];
  readonly positiveCounts: Float64Array;
  readonly negativeSpans: readonly BucketSpan[];
  readonly negativeCounts: Float64Array;
  /** Upper bounds when schema is -53, without +Inf. */
  readonly customBounds?: Float64Array;
  readonly resetHint: 'unknown' | 'reset' | 'no-reset' | 'gauge';
  /** Whether the counts are integers. */
  readonly integer: boolean;
}

export interface Exemplar {
  readonly labels: Labels;
  readonly value: number;
  /** Undefined takes the sample's time. */
  readonly timestampMs?: number;
}

/**
 * Samples that arrived together. `series[i]` had `values[i]` at `timestampMs`, or at `ownTimestampsMs[i]` where
 * that is a number. Values keep their bits: a stale marker is the NaN of float.ts. A sample listed in
 * `histograms` is a native histogram, its float value is then ignored unless it is the stale marker.
 */
export interface SampleBatch {
  readonly producer: TargetId;
  /**
   * The caller never changes `series`, and leaves the other columns alone until `append` has answered, to use them again
   * then. Without it the columns are the caller's again at once.
   */
  readonly isLent?: boolean;
  /** Nobody is kept waiting for the answer: it may be written a moment later, together with others. */
  readonly canWait?: boolean;
  /** Milliseconds since the epoch, an integer. */
  readonly timestampMs: number;
  readonly series: Uint32Array;
  readonly values: Float64Array;
  /** NaN where the sample has the batch's time. */
  readonly ownTimestampsMs?: Float64Array;
  /** Start (created) timestamps; NaN where unknown. */
  readonly startTimestampsMs?: Float64Array;
  readonly histograms?: ReadonlyMap<number, NativeHistogram>;
  readonly exemplars?: readonly { readonly index: number; readonly exemplar: Exemplar }[];
  readonly metadata?: readonly MetricMetadata[];
}

export type RefusalReason =
  | 'sample-conflict'
  | 'sample-future'
  | 'sample-limit'
  | 'sample-out-of-order'
  | 'sample-too-old';

/** Exact repeats of a stored sample count as accepted: writing is idempotent. */
export interface AppendOutcome {
  readonly accepted: number;
  /** At most `REFUSALS_LISTED_MAX` are listed; `refusedCount` counts all. */
  readonly refused: readonly { readonly index: number; readonly reason: RefusalReason }[];
  readonly refusedCount: number;
  /** All of the refused by reason, with the listed ones; absent when nothing was refused. */
  readonly refusedBy?: ReadonlyMap<RefusalReason, number>;
  /** Of the accepted, those with a native histogram; absent for none. */
  readonly acceptedHistograms?: number;
  /** Exemplars that were kept; absent for none. */
  readonly keptExemplars?: number;
}

/** How often each reason comes. */
export function refusalsByReason(
  refused: readonly { readonly reason: RefusalReason }[],
): ReadonlyMap<RefusalReason, number> {
  const counts = new Map<RefusalReason, number>();
  for (const { reason } of refused) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts;
}

/** Enough to name offenders in a message; the rest is in the counters. */
export const REFUSALS_LISTED_MAX = 100;

/**
 * The whole batch failed and nothing of it was accepted. While the store is paused it may keep the batch in memory, show it
 * to queries and write it later; nothing is promised of that.
 */
export interface AppendFailure {
  readonly code: 'storage-paused' | 'storage-closed' | 'disk-io';
  readonly message: string;
}
