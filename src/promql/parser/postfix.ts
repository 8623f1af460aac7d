// What stands behind an operand: [range], [range:step], offset, @, smoothed, anchored.

import type { SyntaxNode } from '@lezer/common';
import type { TextSpan } from '../../model/index.ts';
import type { AtModifier, Expr, VectorSelector } from './ast.ts';
import { type BuildContext, problem, readNumber, sliceOf } from './context.ts';
import { buildDuration } from './durations.ts';

/** Applies the postfix operator that `node` ends with to `inner`. */
export function applyPostfix(context: BuildContext, node: SyntaxNode, inner: Expr): Expr {
  switch (node.name) {
    case 'MatrixSelector':
      return applyRange(context, node, inner);
    case 'SubqueryExpr':
      return applySubquery(context, node, inner);
    case 'OffsetExpr':
      return applyOffset(context, node, inner);
    case 'StepInvariantExpr':
      return applyAt(context, node, inner);
    default:
      return applyModifier(context, node, inner);
  }
}

function applyRange(context: BuildContext, node: SyntaxNode, inner: Expr): Expr {
  const span = { start: inner.span.start, end: node.to };
  if (inner.kind !== 'selector') return misplaced(context, node, inner);
  const range = buildDuration(context, node.getChild('DurationExpr'), span);
  return { kind: 'range', selector: inner, range, span };
}

function applySubquery(context: BuildContext, node: SyntaxNode, expr: Expr): Expr {
  const [rangeNode, stepNode] = node.getChildren('DurationExpr');
  const span = { start: expr.span.start, end: node.to };
  const range = buildDuration(context, rangeNode ?? null, span);
  const base = { kind: 'subquery', expr, range, span } as const;
  return stepNode === undefined ? base : { ...base, step: buildDuration(context, stepNode, span) };
}

/** What syntax.ts lets pass stands on what it may stand on, unless the two grammars group differently. */
function misplaced(context: BuildContext, node: SyntaxNode, inner: Expr): Expr {
  const { start } = inner.span;
  problem(context, { start, end: node.to }, 'cannot be applied to this expression');
  return inner;
}

// --- modifiers ------------------------------------------------------------------------------------

function applyOffset(context: BuildContext, node: SyntaxNode, inner: Expr): Expr {
  const span = { start: inner.span.start, end: node.to };
  const offset = buildDuration(context, node.getChild('OffsetDurationExpr'), span);
  // An offset of nothing is none.
  const isNone = offset.kind === 'literal' && offset.seconds === 0;
  return changed(inner, isNone ? {} : { offset }, span) ?? misplaced(context, node, inner);
}

function applyAt(context: BuildContext, node: SyntaxNode, inner: Expr): Expr {
  const span = { start: inner.span.start, end: node.to };
  return changed(inner, { at: readAt(context, node) }, span) ?? misplaced(context, node, inner);
}

function readAt(context: BuildContext, node: SyntaxNode): AtModifier {
  const preprocessor = node.getChild('AtModifierPreprocessors');
  if (preprocessor !== null) {
    return { kind: sliceOf(context, preprocessor).toLowerCase().startsWith('start') ? 'start' : 'end' };
  }
  const numbers = node.getChildren('NumberDurationLiteral');
  const last = numbers[numbers.length - 1];
  const seconds = last === undefined ? 0 : readNumber(context, last).value;
  return { kind: 'time', timeMs: Math.round(seconds * 1000) };
}

/** The word is not part of the span, as in Prometheus. */
function applyModifier(context: BuildContext, node: SyntaxNode, inner: Expr): Expr {
  const modifier = node.name === 'SmoothedExpr' ? 'smoothed' : 'anchored';
  if (inner.kind === 'selector') return { ...inner, modifier };
  if (inner.kind !== 'range') return misplaced(context, node, inner);
  return { ...inner, selector: { ...inner.selector, modifier } };
}

type Shift = Pick<VectorSelector, 'offset' | 'at'>;

/** An offset and a time stand in the selector of a range. */
function changed(inner: Expr, shift: Shift, span: TextSpan): Expr | undefined {
  if (inner.kind === 'selector' || inner.kind === 'subquery') return { ...inner, ...shift, span };
  if (inner.kind !== 'range') return undefined;
  return { ...inner, selector: { ...inner.selector, ...shift }, span };
}
