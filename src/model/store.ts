// The ports between the time-series store and those who write to it and read from it.

import type { Pace, Result } from '../base/index.ts';
import type { Labels, LabelsRange } from './labels.ts';
import type { Matcher } from './matcher.ts';
import type {
  AppendFailure,
  AppendOutcome,
  Exemplar,
  MetricMetadata,
  NativeHistogram,
  RefusalReason,
  SampleBatch,
  SeriesRef,
  TargetId,
} from './sample.ts';

export interface SeriesWriter {
  /**
   * The ref of a label set, creating the series if it is new. Synchronous and cheap to repeat, but callers on a hot
   * path keep the ref. Refused when a limit on series is reached.
   */
  intern(labels: Labels): Result<SeriesRef, RefusalReason>;
  /**
   * Accepted once this resolves `ok`: written to the log, then visible to readers, whole. Batches of one caller become
   * visible in the order of the calls. A ref the store no longer knows is an assertion failure unless `isLive` was asked.
   */
  append(batch: SampleBatch): Promise<Result<AppendOutcome, AppendFailure>>;
  /** Whether a kept ref may still be used; the store drops series that are empty after retention. */
  isLive(ref: SeriesRef): boolean;
  /** Grows when the store drops series: as long as it is the same, a ref that was live still is. */
  readonly generation: number;
}

/** Lends memory for the time of a query: who reads the answer looks at nothing that lies in it afterwards. */
export interface FloatLender {
  /** Of any content. */
  floats(count: number): Float64Array;
}

export interface SelectHints {
  /** Samples with fromMs < time <= toMs are wanted; more may come. */
  readonly fromMs: number;
  readonly toMs: number;
  /** 0 for an instant query. */
  readonly stepMs: number;
  /** Width of the window of a range selector, 0 without. */
  readonly rangeMs: number;
  /** The newest sample of each series will do. */
  readonly lastOnly?: boolean;
  /** The function applied directly to the selector, "" if none. */
  readonly func: string;
  readonly grouping?: { readonly by: boolean; readonly labels: readonly string[] };
  /** Stop after so many series; 0 means no limit. */
  readonly limit: number;
  /** Where the columns may be put; undefined: in memory of their own, which stays. */
  readonly memory?: FloatLender | undefined;
  /** Only these: for reading very many series a page at a time. */
  readonly between?: LabelsRange;
  /** Asked while reading, if given. Where it says no, the answer is `query-cancelled`: who asks knows why. */
  readonly work?: ReadWork;
}

/** What a reader asks of whoever it reads for. */
export interface ReadWork extends Pace {
  /** Before so many bytes are allocated for the answer: whether they may be. */
  reserve(bytes: number): boolean;
}

/**
 * One series' samples in time order, times strictly rising: `timesMs[from] … timesMs[to - 1]`. Series of one cohort
 * share the same `timesMs` object (compare by identity), so that windows are found once. Columns are read-only views.
 */
export interface SeriesColumns {
  readonly labels: Labels;
  readonly ref: SeriesRef;
  /** The target that last produced the series. */
  readonly producer: TargetId | undefined;
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  readonly from: number;
  readonly to: number;
  /** True: all values are known to be finite, so that no stale marker is among them. */
  readonly isPlain?: boolean;
  /** By index into `values`, rising; undefined if the series has floats only. */
  readonly histograms?: ReadonlyMap<number, NativeHistogram>;
  /** Start (created) timestamps by index into `values`, NaN where unknown; undefined if none is known. */
  readonly startTimesMs?: Float64Array;
}

/** Exemplars of one series in the order of their times; each has its time. */
export interface SeriesExemplars {
  readonly series: Labels;
  readonly exemplars: readonly (Exemplar & { readonly timestampMs: number })[];
}

export interface ExemplarReader {
  /** Of the series that any of the lists of matchers selects, in the order of `compareLabels`; both ends are included. */
  exemplars(
    anyOf: readonly (readonly Matcher[])[],
    range: TimeRange,
  ): Promise<Result<readonly SeriesExemplars[], ReadFailure>>;
}

export interface Counted {
  readonly name: string;
  readonly value: number;
}

/** What the series that are held in memory are made of; each list has the largest first. */
export interface SeriesCounts {
  readonly series: number;
  /** Different pairs of label name and value. */
  readonly labelPairs: number;
  readonly chunks: number;
  /** Times of the oldest and the newest sample held, infinite without any. */
  readonly minMs: number;
  readonly maxMs: number;
  readonly seriesByMetric: readonly Counted[];
  readonly valuesByLabel: readonly Counted[];
  /** Length of the values of a label name. */
  readonly bytesByLabel: readonly Counted[];
  /** By `name=value`. */
  readonly seriesByPair: readonly Counted[];
}

export interface ReadFailure {
  readonly code: 'query-storage' | 'query-cancelled' | 'query-limit';
  readonly message: string;
}

/** How long some series are kept, unlike the others. */
export interface RetentionPolicy {
  /** The selector as it was written; "" for all that no policy before it is about. */
  readonly match: string;
  readonly matchers: readonly Matcher[];
  readonly keepMs: number;
}

export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Series with samples in the range, both ends included. */
export interface ListHints extends TimeRange {
  /** Asked while reading, as in SelectHints. */
  readonly work?: ReadWork | undefined;
}

export interface SeriesReader {
  /** Series in the order of `compareLabels`. */
  select(
    matchers: readonly Matcher[],
    hints: SelectHints,
    signal?: AbortSignal,
  ): Promise<Result<readonly SeriesColumns[], ReadFailure>>;
  /** Label sets of matching series with samples in the range, in the order of `compareLabels`. */
  series(matchers: readonly Matcher[], hints: ListHints): Promise<Result<readonly Labels[], ReadFailure>>;
  /** In byte order. No matchers means all series. */
  labelNames(matchers: readonly Matcher[], hints: ListHints): Promise<Result<readonly string[], ReadFailure>>;
  labelValues(
    name: string,
    matchers: readonly Matcher[],
    hints: ListHints,
  ): Promise<Result<readonly string[], ReadFailure>>;
  metadata(): readonly MetricMetadata[];
}
