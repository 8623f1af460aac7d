// What is said of native histograms in more than one place, in Prometheus's words.

import type { PlannedSpan } from '../plan/index.ts';
import type { Run } from './run.ts';

export interface NotePlace {
  readonly run: Run;
  readonly span: PlannedSpan;
}

/** `of`: what had both, such as `metric name "x"`. */
export function noteMixedKinds({ run, span }: NotePlace, of: string): void {
  run.annotate('warning', `encountered a mix of histograms and floats for ${of}`, span);
}

/** `of`: as above, or nothing where there is no one metric. */
export function noteMixedSchemas({ run, span }: NotePlace, of?: string): void {
  const metric = of === undefined ? '' : ` for ${of}`;
  run.annotate(
    'warning',
    `vector contains a mix of histograms with exponential and custom buckets schemas${metric}`,
    span,
  );
}

export function noteReconciledBounds(
  { run, span }: NotePlace,
  during: 'addition' | 'subtraction' | 'aggregation',
): void {
  run.annotate('info', `mismatched custom buckets were reconciled during ${during}`, span);
}
