// Binary operators where a native histogram stands on at least one side, by Prometheus's rules.

import {
  combined,
  divided,
  multiplied,
  type NativeHistogram,
  sameHistogram,
  trimmed,
} from '../../model/index.ts';
import type { PlannedSpan } from '../plan/index.ts';
import { noteReconciledBounds } from './histogram-notes.ts';
import type { Run } from './run.ts';

/** A float where `histogram` is undefined. */
export interface Operand {
  readonly value: number;
  readonly histogram: NativeHistogram | undefined;
}

/** What an operator gives: a histogram, or whether a comparison holds; undefined: nothing, there is an annotation. */
export type PairResult = NativeHistogram | boolean | undefined;

export interface PairContext {
  readonly run: Run;
  readonly operator: string;
  readonly span: PlannedSpan;
}

export function combinePair(context: PairContext, left: Operand, right: Operand): PairResult {
  const { operator } = context;
  const [a, b] = [left.histogram, right.histogram];
  if (a !== undefined && b !== undefined) return combineHistograms(context, a, b);
  if (a !== undefined) {
    if (operator === '*') return multiplied(a, right.value);
    if (operator === '/') return divided(a, right.value);
    if (operator === '</') return trimmed(a, 'upper', right.value);
    if (operator === '>/') return trimmed(a, 'lower', right.value);
  } else if (b !== undefined && operator === '*') return multiplied(b, left.value);
  return incompatible(context, left, right);
}

function combineHistograms(context: PairContext, a: NativeHistogram, b: NativeHistogram): PairResult {
  const { run, operator, span } = context;
  if (operator === '==') return sameHistogram(a, b);
  if (operator === '!=') return !sameHistogram(a, b);
  if (operator !== '+' && operator !== '-')
    return incompatible(context, { value: 0, histogram: a }, { value: 0, histogram: b });
  const word = operator === '+' ? 'addition' : 'subtraction';
  const sum = combined(a, b, operator === '+' ? 1 : -1);
  if (sum === undefined) {
    run.annotate('warning', `incompatible bucket layout encountered for binary operator ${operator}`, span);
    return undefined;
  }
  if (sum.isReconciled) noteReconciledBounds(context, word);
  if (sum.isConflicting) run.annotate('warning', `conflicting counter resets during histogram ${word}`, span);
  return operator === '-' ? { ...sum.histogram, resetHint: 'gauge' } : sum.histogram;
}

function incompatible({ run, operator, span }: PairContext, left: Operand, right: Operand): undefined {
  const kind = ({ histogram }: Operand): string => (histogram === undefined ? 'float' : 'histogram');
  const types = `${kind(left)} ${operator} ${kind(right)}`;
  run.annotate(
    'info',
    `incompatible sample types encountered for binary operator "${operator}": ${types}`,
    span,
  );
}
