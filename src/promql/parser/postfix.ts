// What stands behind an operand: [range], [range:step], offset, @, smoothed, anchored.

import type { SyntaxNode } from '@lezer/common';
import type { TextSpan } from '../../model/index.ts';
import type { AtModifier, DurationExpr, Expr, VectorSelector } from './ast.ts';
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
  const durationNode = node.getChild('DurationExpr');
  const open = context.text.lastIndexOf('[', (durationNode ?? node).from - 1);
  const bracket = { start: Math.max(open, span.start), end: span.end };
  // The duration stands before the bracket that closes it, and so do its problems.
  const range = positive(context, buildDuration(context, durationNode, span));
  if (inner.kind !== 'selector') {
    problem(context, bracket, ONLY_SELECTORS);
    const nothing: VectorSelector = { kind: 'selector', name: '', matchers: [], span: inner.span };
    const wrong: Expr = { kind: 'range', selector: nothing, range, span };
    context.wrongRanges.add(wrong);
    return wrong;
  }
  if (inner.offset !== undefined) problem(context, bracket, 'no offset modifiers allowed before range');
  else if (inner.at !== undefined) problem(context, bracket, 'no @ modifiers allowed before range');
  return { kind: 'range', selector: inner, range, span };
}

const ONLY_SELECTORS = 'ranges only allowed for vector selectors';

function applySubquery(context: BuildContext, node: SyntaxNode, expr: Expr): Expr {
  const [rangeNode, stepNode] = node.getChildren('DurationExpr');
  const span = { start: expr.span.start, end: node.to };
  const range = positive(context, buildDuration(context, rangeNode ?? null, span));
  const base = { kind: 'subquery', expr, range, span } as const;
  if (stepNode === undefined) return base;
  return { ...base, step: positive(context, buildDuration(context, stepNode, span)) };
}

function positive(context: BuildContext, duration: DurationExpr): DurationExpr {
  // A composed duration is judged when the query runs, as Prometheus does.
  if (duration.kind === 'literal' && !(duration.seconds > 0)) {
    problem(context, duration.span, 'duration must be greater than 0');
  }
  return duration;
}

// --- modifiers ------------------------------------------------------------------------------------

function applyOffset(context: BuildContext, node: SyntaxNode, inner: Expr): Expr {
  const span = { start: inner.span.start, end: node.to };
  const offset = buildDuration(context, node.getChild('OffsetDurationExpr'), span);
  const target = modified(context, inner, { word: 'offset', span });
  if (target === undefined) return inner;
  if (target.current.offset !== undefined) {
    problem(context, inner.span, 'offset may not be set multiple times');
  }
  // An offset of nothing is none, and may be followed by one.
  return target.change(offset.kind === 'literal' && offset.seconds === 0 ? {} : { offset });
}

function applyAt(context: BuildContext, node: SyntaxNode, inner: Expr): Expr {
  const span = { start: inner.span.start, end: node.to };
  const at = readAt(context, node, inner.span);
  const target = modified(context, inner, { word: '@', span });
  if (target === undefined) return inner;
  if (target.current.at !== undefined)
    problem(context, inner.span, '@ <timestamp> may not be set multiple times');
  return target.change({ at });
}

/** Timestamps must fit signed 64-bit milliseconds. */
const AT_MS_MAX = 2 ** 63;

function readAt(context: BuildContext, node: SyntaxNode, span: TextSpan): AtModifier {
  const preprocessor = node.getChild('AtModifierPreprocessors');
  if (preprocessor !== null) {
    return { kind: sliceOf(context, preprocessor).toLowerCase().startsWith('start') ? 'start' : 'end' };
  }
  const numbers = node.getChildren('NumberDurationLiteral');
  const last = numbers[numbers.length - 1];
  const seconds = last === undefined ? 0 : readNumber(context, last).value;
  if (!Number.isFinite(seconds) || Math.abs(seconds * 1000) >= AT_MS_MAX) {
    problem(context, span, `timestamp out of bounds for @ modifier: ${seconds}`);
    return { kind: 'time', timeMs: 0 };
  }
  return { kind: 'time', timeMs: Math.round(seconds * 1000) };
}

/** The word is not part of the span, as in Prometheus. */
function applyModifier(context: BuildContext, node: SyntaxNode, inner: Expr): Expr {
  const modifier = node.name === 'SmoothedExpr' ? 'smoothed' : 'anchored';
  const selector = inner.kind === 'range' ? inner.selector : inner;
  if (context.wrongRanges.has(inner)) return inner;
  if (selector.kind !== 'selector') {
    problem(context, inner.span, `${modifier} modifier must be preceded by a vector or range selector`);
    return inner;
  }
  if (selector.modifier !== undefined && selector.modifier !== modifier) {
    problem(context, inner.span, 'anchored and smoothed modifiers cannot be used together');
  }
  if (modifier === 'anchored' && inner.kind !== 'range') {
    problem(context, inner.span, 'anchored modifier must be preceded by a range selector');
  }
  const changed: VectorSelector = { ...selector, modifier };
  return inner.kind === 'range' ? { ...inner, selector: changed } : changed;
}

interface Modified {
  readonly current: { readonly offset?: DurationExpr; readonly at?: AtModifier };
  change(changes: { offset?: DurationExpr; at?: AtModifier }): Expr;
}

function modified(
  context: BuildContext,
  inner: Expr,
  { word, span }: { word: string; span: TextSpan },
): Modified | undefined {
  if (inner.kind === 'selector' || inner.kind === 'subquery') {
    return { current: inner, change: changes => ({ ...inner, ...changes, span }) };
  }
  if (context.wrongRanges.has(inner)) {
    problem(context, inner.span, ONLY_SELECTORS);
    return undefined;
  }
  if (inner.kind === 'range') {
    const { selector } = inner;
    return {
      current: selector,
      change: changes => ({ ...inner, selector: { ...selector, ...changes }, span }),
    };
  }
  problem(
    context,
    inner.span,
    `${word} modifier must be preceded by an instant vector selector or range vector selector or a subquery`,
  );
  return undefined;
}
