// Duration expressions: building, folding what is constant, evaluating when step and range are known.

import type { SyntaxNode } from '@lezer/common';
import { never } from '../../base/index.ts';
import type { TextSpan } from '../../model/index.ts';
import type { DurationExpr } from './ast.ts';
import { type BuildContext, problem, readNumber, sliceOf, spanOf } from './context.ts';
import { DURATION_SECONDS_MAX } from './literals.ts';

/**
 * Builds what stands in brackets or after `offset`; a bare number or a negated one becomes one literal. Literals were
 * judged by syntax.ts; what is composed of them is judged here by its value.
 */
export function buildDuration(context: BuildContext, node: SyntaxNode | null, outer: TextSpan): DurationExpr {
  const built = node === null ? undefined : build(context, node);
  const duration: DurationExpr = built ?? { kind: 'literal', seconds: 1, duration: true, span: outer };
  if (duration.kind === 'literal') return { ...duration, duration: true };
  if (duration.kind === 'negate' && duration.expr.kind === 'literal') {
    return { kind: 'literal', seconds: -duration.expr.seconds, duration: true, span: duration.span };
  }
  const folded = foldDuration(duration);
  if (folded !== undefined && !(Math.abs(folded) <= DURATION_SECONDS_MAX)) {
    problem(context, duration.span, Number.isNaN(folded) ? 'division by zero' : 'duration out of range');
  }
  return duration;
}

function build(context: BuildContext, node: SyntaxNode): DurationExpr | undefined {
  const span = spanOf(node);
  const operands = node
    .getChildren('DurationExpr')
    .concat(node.getChildren('OffsetDurationExpr'))
    .map(child => build(context, child))
    .filter(child => child !== undefined);
  const [first, second] = operands;
  const number = node.getChild('NumberDurationLiteralInDurationContext');
  if (number !== null) {
    const { value, duration } = readNumber(context, number);
    return { kind: 'literal', seconds: value, duration, span };
  }
  if (node.getChild('DurationStep') !== null) return { kind: 'step', span };
  if (node.getChild('DurationRange') !== null) return { kind: 'range', span };
  if (first === undefined) return undefined;
  const unary = node.getChild('UnaryOp');
  if (unary !== null) {
    return sliceOf(context, unary) === '-' ? { kind: 'negate', expr: first, span } : { ...first, span };
  }
  if (second === undefined) return { kind: 'paren', expr: first, span };
  if (node.getChild('DurationMinOf') !== null) return { kind: 'min_of', left: first, right: second, span };
  if (node.getChild('DurationMaxOf') !== null) return { kind: 'max_of', left: first, right: second, span };
  return { kind: 'binary', op: operatorOf(node), left: first, right: second, span };
}

const OPERATORS = { Add: '+', Sub: '-', Mul: '*', Div: '/', Mod: '%', Pow: '^' } as const;

function operatorOf(node: SyntaxNode): '+' | '-' | '*' | '/' | '%' | '^' {
  const names = Object.keys(OPERATORS) as (keyof typeof OPERATORS)[];
  const found = names.find(name => node.getChild(name) !== null);
  return found === undefined ? '^' : OPERATORS[found];
}

/** What a query knows when it runs. */
export interface DurationInputs {
  readonly stepSeconds: number;
  readonly rangeSeconds: number;
}

/** The value in seconds, or undefined where it depends on the query's step or range. */
export function foldDuration(duration: DurationExpr): number | undefined {
  return dependsOnQuery(duration)
    ? undefined
    : durationSeconds(duration, { stepSeconds: 0, rangeSeconds: 0 });
}

function dependsOnQuery(duration: DurationExpr): boolean {
  switch (duration.kind) {
    case 'literal':
      return false;
    case 'step':
    case 'range':
      return true;
    case 'negate':
    case 'paren':
      return dependsOnQuery(duration.expr);
    case 'min_of':
    case 'max_of':
    case 'binary':
      return dependsOnQuery(duration.left) || dependsOnQuery(duration.right);
    default:
      return never(duration);
  }
}

export function durationSeconds(duration: DurationExpr, inputs: DurationInputs): number {
  switch (duration.kind) {
    case 'literal':
      return duration.seconds;
    case 'step':
      return inputs.stepSeconds;
    case 'range':
      return inputs.rangeSeconds;
    case 'negate':
      return -durationSeconds(duration.expr, inputs);
    case 'paren':
      return durationSeconds(duration.expr, inputs);
    case 'min_of':
      return Math.min(durationSeconds(duration.left, inputs), durationSeconds(duration.right, inputs));
    case 'max_of':
      return Math.max(durationSeconds(duration.left, inputs), durationSeconds(duration.right, inputs));
    case 'binary':
      return combine(
        duration.op,
        durationSeconds(duration.left, inputs),
        durationSeconds(duration.right, inputs),
      );
    default:
      return never(duration);
  }
}

function combine(op: '+' | '-' | '*' | '/' | '%' | '^', left: number, right: number): number {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return right === 0 ? Number.NaN : left / right;
    case '%':
      return left % right;
    case '^':
      return left ** right;
    default:
      return never(op);
  }
}
