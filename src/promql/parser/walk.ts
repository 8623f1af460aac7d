// What an expression selects, wherever in it.

import { type Matcher, METRIC_NAME } from '../../model/index.ts';
import type { Expr, VectorSelector } from './ast.ts';

/** All selectors of an expression, from left to right. */
export function selectorsOf(expr: Expr): readonly VectorSelector[] {
  switch (expr.kind) {
    case 'selector':
      return [expr];
    case 'range':
      return [expr.selector];
    case 'subquery':
    case 'unary':
    case 'paren':
      return selectorsOf(expr.expr);
    case 'aggregation':
      return [...(expr.param === undefined ? [] : selectorsOf(expr.param)), ...selectorsOf(expr.expr)];
    case 'call':
      return expr.args.flatMap(selectorsOf);
    case 'binary':
      return [...selectorsOf(expr.left), ...selectorsOf(expr.right)];
    default:
      return [];
  }
}

/** With that of the metric's name in front. */
export function matchersOf(selector: VectorSelector): readonly Matcher[] {
  const { name, matchers } = selector;
  return name === '' ? matchers : [{ name: METRIC_NAME, op: '=', value: name }, ...matchers];
}
