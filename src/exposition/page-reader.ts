// What the readers of text pages have in common: entry by entry over bytes, nothing decoded.

import type { Exemplar, MetricType, NativeHistogram } from '../model/index.ts';
import type { PageFailure } from './failure.ts';

export type EntryKind = 'sample' | 'help' | 'type' | 'unit' | 'comment' | 'end' | 'failed';

/** Owns a position in one page. Fields hold the entry that `next()` read last. */
export interface PageReader {
  readonly bytes: Uint8Array;
  position: number;
  /** Of a sample: name and braces, the raw text that identifies the series within a target. */
  seriesStart: number;
  seriesEnd: number;
  /** Of a sample: one value in a typed array, so that its bits survive. */
  readonly value: Float64Array;
  readonly valueWords: Uint32Array;
  /** NaN when the sample has none. */
  timestampMs: number;
  /** The type of the last TYPE line. */
  type: MetricType;
  /** Of a help, type or unit entry, without quotes. */
  nameStart: number;
  nameEnd: number;
  /** Of a help, type, unit or comment entry. */
  textStart: number;
  textEnd: number;
  /** Of a sample: the braces of its exemplar; both 0 when it has none. */
  readonly exemplarStart: number;
  readonly exemplarEnd: number;
  readonly exemplarValue: number;
  /** NaN when it has none. */
  readonly exemplarTimestampMs: number;
  /** Of a sample: the native histogram that it is, its value then means nothing. Text pages have none. */
  readonly histogram: NativeHistogram | undefined;
  /** Of a sample: when its counting began, in milliseconds; NaN where unknown. */
  readonly startMs: number;
  /** Of a sample: the exemplars of a page that has them in no text. */
  readonly exemplars: readonly Exemplar[];
  /** Whether help texts escape the double quote too. */
  readonly escapesQuotes: boolean;
  failure: PageFailure | undefined;
  next(): EntryKind;
  /**
   * Reads what follows a series' text from `position`, which is its end, to the start of the next line.
   * Returns "" or what is wrong at `position`.
   */
  readRest(): string;
}

/**
 * Of one series or one text: far above any real label set or help text. Decoded, a text takes many times its bytes, and a
 * line of a hundred megabytes would hold everything else up while it is read.
 */
export const TEXT_BYTES_MAX = 1024 * 1024;

/** What is wrong with a longer one. */
export function tooLong(what: 'series' | 'text'): string {
  return `more than ${TEXT_BYTES_MAX} bytes of one ${what}`;
}

/** Shared by all samples without any. */
export const NO_EXEMPLARS: readonly Exemplar[] = Object.freeze([]);
