// sum and avg over native histograms: floats are folded as ever, histograms beside them. A group that has both at a step, or
// histograms that do not add up, is left out there, with an annotation.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import { HistogramMean, HistogramSum, type NativeHistogram } from '../../model/index.ts';
import type { PlannedSpan } from '../plan/index.ts';
import type { FoldState } from './folds.ts';
import { noteMixedKinds, noteMixedSchemas, noteReconciledBounds } from './histogram-notes.ts';
import type { Run } from './run.ts';
import { floatsOf, type VectorValue } from './values.ts';

interface Folding {
  readonly run: Run;
  readonly span: PlannedSpan;
  readonly func: 'sum' | 'avg';
}

type HistogramFold = HistogramSum | HistogramMean;

/** Folds both kinds into the result's columns; what `histograms` then has belongs to the result. */
export class MixedFold {
  readonly histograms = new Map<number, NativeHistogram>();
  readonly #folding: Folding;
  readonly #result: VectorValue;
  readonly #floats: FoldState;
  readonly #folds = new Map<number, HistogramFold | 'incompatible'>();

  constructor(folding: Folding, result: VectorValue, floats: FoldState) {
    this.#folding = folding;
    this.#result = result;
    this.#floats = floats;
  }

  /** Rows of one vector, which `floats` is without its histograms. */
  add(vectors: { readonly all: VectorValue; readonly floats: VectorValue }, row: number, base: number): void {
    this.#floats.add(vectors.floats, row, base);
    const { all } = vectors;
    const { steps } = all;
    for (let i = 0; i < steps; i++) {
      const histogram = all.histograms?.get(row * steps + i);
      if (histogram !== undefined) this.#addOne(base + i, histogram);
    }
  }

  #addOne(at: number, histogram: NativeHistogram): void {
    const fold = this.#folds.get(at);
    if (fold === 'incompatible') return;
    if (fold === undefined) {
      const { func, run } = this.#folding;
      run.reserveHistogram(histogram);
      this.#folds.set(at, func === 'sum' ? new HistogramSum(histogram) : new HistogramMean(histogram));
    } else if (fold.accepts(histogram)) fold.add(histogram);
    else this.#folds.set(at, 'incompatible');
  }

  finish(): void {
    this.#floats.finish();
    const { run, span } = this.#folding;
    const { present } = this.#result;
    for (const [at, fold] of this.#folds) {
      if (present[at] === 1) {
        present[at] = 0;
        noteMixedKinds({ run, span }, 'aggregation');
      } else if (fold === 'incompatible') {
        noteMixedSchemas({ run, span });
      } else {
        annotateFold(run, fold, span);
        this.histograms.set(at, fold.result());
        present[at] = 1;
      }
    }
  }
}

/** What adding up has seen that the user should know. */
export function annotateFold(
  run: Run,
  fold: { readonly isConflicting: boolean; readonly isReconciled: boolean },
  span: PlannedSpan,
): void {
  if (fold.isConflicting)
    run.annotate('warning', 'conflicting counter resets during histogram aggregation', span);
  if (fold.isReconciled) noteReconciledBounds({ run, span }, 'aggregation');
}

/** For aggregations that histograms have no place in. */
export function withoutHistograms(
  run: Run,
  vector: VectorValue,
  {
    func,
    span,
  }: {
    readonly func: string;
    readonly span: PlannedSpan;
  },
): VectorValue {
  if (vector.histograms === undefined || vector.histograms.size === 0) return vector;
  run.annotate('info', `ignored histogram in ${func} aggregation`, span);
  return floatsOf(vector);
}
