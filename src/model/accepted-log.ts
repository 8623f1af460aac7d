// What the store accepted, in the order in which it did, read from its log: for whoever passes it on elsewhere. What was
// refused is not in it, nor are repeats; what is in it outlives the process as the samples themselves do.

import type { Result } from '../base/index.ts';
import type { Labels } from './labels.ts';
import type { NativeHistogram } from './sample.ts';

/** Between two records of the log. Places of one log are ordered by segment, then by offset. */
export interface LogPlace {
  readonly segment: number;
  readonly offset: number;
}

/** Samples in columns: those of a batch that share a time, or those that have times of their own. */
export interface LoggedSamples {
  readonly refs: ArrayLike<number>;
  /** Of all of them, where `timesMs` is not there. */
  readonly timeMs: number;
  readonly timesMs: Float64Array | undefined;
  /** Bit for bit. The value of a native histogram means nothing. */
  readonly values: Float64Array;
  /** Start timestamps, NaN where unknown. */
  readonly startsMs: Float64Array | undefined;
  readonly hasHistograms: boolean;
  /** Decoded when asked for. */
  histogramAt(index: number): NativeHistogram | undefined;
}

export interface LoggedExemplar {
  readonly ref: number;
  readonly labels: Labels;
  readonly value: number;
  readonly timeMs: number;
}

/** What cannot be read any more: dropped since the log was full, or damaged on disk. */
export interface LostSamples {
  readonly reason: 'full' | 'damaged';
  /** How many there were; 0 where that cannot be known. */
  readonly samples: number;
  readonly message: string;
}

export interface LogPiece {
  /** Where the next piece begins. */
  readonly to: LogPlace;
  readonly samples: readonly LoggedSamples[];
  readonly exemplars: readonly LoggedExemplar[];
  readonly count: number;
  readonly lost: readonly LostSamples[];
}

export interface LogReadFailure {
  readonly code: 'disk-io';
  readonly message: string;
}

/** Reads on from a place; owns an open file. */
export interface AcceptedReader {
  /**
   * Whole records, until there are `samplesMax` samples or more, fewer only at the end of what is accepted; or those before
   * a place where an earlier piece ended.
   */
  read(
    upTo: { readonly samplesMax: number } | { readonly place: LogPlace },
  ): Promise<Result<LogPiece, LogReadFailure>>;
  close(): Promise<void>;
}

export interface AcceptedLog {
  /** Where what is accepted by now ends. */
  end(): LogPlace;
  reader(from: LogPlace): AcceptedReader;
  /** Labels of series, also of such that the store has dropped since. One that is nowhere is left out. */
  labels(refs: Iterable<number>): Promise<Result<ReadonlyMap<number, Labels>, LogReadFailure>>;
  /** How much lies behind a place. */
  bytesBehind(place: LogPlace): number;
  /** From where on the log is still needed, by whom. Until this is called all of it is. */
  hold(places: ReadonlyMap<string, LogPlace>): void;
  /** Calls after each batch that was accepted, with its samples; the answer ends that. */
  onAccepted(listener: (samples: number) => void): () => void;
}

export function comparePlaces(a: LogPlace, b: LogPlace): number {
  return a.segment - b.segment || a.offset - b.offset;
}
