// What interchange needs of whoever keeps samples: the store has it, and gives nothing else away.

import type { Result } from '../base/index.ts';
import type { SeriesColumns, TimeRange } from '../model/index.ts';

/** One series and its samples: times are whole milliseconds, strictly rising. */
export type HistorySeries = Omit<SeriesColumns, 'ref'>;

export type Portions<E> = AsyncIterable<Result<readonly HistorySeries[], E>>;

export interface Span {
  readonly fromMs: number;
  /** Left out. */
  readonly toMs: number;
}

export interface Written {
  readonly samples: number;
  readonly series: number;
}

export interface StoreProblem {
  readonly code: string;
  readonly message: string;
}

export type WriteFailure<E> =
  | { readonly kind: 'portions'; readonly error: E }
  | { readonly kind: 'store'; readonly error: StoreProblem };

/** Takes history; `Store` of storage/ is one. */
export interface HistoryStore {
  /** Stretches for the samples of a range, both ends included. */
  oldSpans(range: TimeRange): readonly Span[];
  /** All samples of a stretch, each series once: durable once this resolves `ok`, and nothing of it before. */
  writeOld<E>(span: Span, portions: Portions<E>): Promise<Result<Written, WriteFailure<E>>>;
}
