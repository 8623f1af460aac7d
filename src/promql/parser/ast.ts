// The abstract syntax of PromQL as plain readonly data. Spans are offsets into the text in UTF-16 code units;
// two expressions are the same when they are equal but for their spans (see print.ts for the canonical text).

import type { Matcher, TextSpan } from '../../model/index.ts';

export type ValueType = 'scalar' | 'string' | 'vector' | 'matrix';

export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Call
  | Aggregation
  | Unary
  | Binary
  | Paren;

export interface NumberLiteral {
  readonly kind: 'number';
  readonly value: number;
  /** Whether it was written as a duration ("5m"), in which case `value` is seconds. */
  readonly duration: boolean;
  readonly span: TextSpan;
}

export interface StringLiteral {
  readonly kind: 'string';
  readonly value: string;
  readonly span: TextSpan;
}

/** `@ 1234.5`, `@ start()` or `@ end()`. */
export type AtModifier =
  | { readonly kind: 'time'; readonly timeMs: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' };

export type RangeModifier = 'smoothed' | 'anchored';

export interface VectorSelector {
  readonly kind: 'selector';
  /** The metric name in front of the braces, "" without one. It is not repeated in `matchers`. */
  readonly name: string;
  readonly matchers: readonly Matcher[];
  readonly offset?: DurationExpr;
  readonly at?: AtModifier;
  readonly modifier?: RangeModifier;
  readonly span: TextSpan;
}

/** `selector[range]`; offset, `@` and modifier stand in the selector. */
export interface MatrixSelector {
  readonly kind: 'range';
  readonly selector: VectorSelector;
  readonly range: DurationExpr;
  readonly span: TextSpan;
}

export interface Subquery {
  readonly kind: 'subquery';
  readonly expr: Expr;
  readonly range: DurationExpr;
  readonly step?: DurationExpr;
  readonly offset?: DurationExpr;
  readonly at?: AtModifier;
  readonly span: TextSpan;
}

export interface Call {
  readonly kind: 'call';
  readonly func: string;
  readonly args: readonly Expr[];
  readonly span: TextSpan;
}

export type AggregationOp =
  | 'avg'
  | 'bottomk'
  | 'count'
  | 'count_values'
  | 'group'
  | 'limit_ratio'
  | 'limitk'
  | 'max'
  | 'min'
  | 'quantile'
  | 'stddev'
  | 'stdvar'
  | 'sum'
  | 'topk';

export interface Aggregation {
  readonly kind: 'aggregation';
  readonly op: AggregationOp;
  readonly param?: Expr;
  readonly expr: Expr;
  readonly without: boolean;
  readonly grouping: readonly string[];
  readonly span: TextSpan;
}

export interface Unary {
  readonly kind: 'unary';
  readonly op: '+' | '-';
  readonly expr: Expr;
  readonly span: TextSpan;
}

export type ArithmeticOp = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2';
export type ComparisonOp = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type SetOp = 'and' | 'or' | 'unless';
/** `</` and `>/` cut native histograms. */
export type TrimOp = '</' | '>/';
export type BinaryOp = ArithmeticOp | ComparisonOp | SetOp | TrimOp;

export interface VectorMatching {
  readonly on: boolean;
  readonly labels: readonly string[];
  readonly card: 'one-to-one' | 'many-to-one' | 'one-to-many';
  /** Labels of group_left or group_right. */
  readonly include: readonly string[];
  readonly fillLeft?: number;
  readonly fillRight?: number;
}

export interface Binary {
  readonly kind: 'binary';
  readonly op: BinaryOp;
  readonly bool: boolean;
  readonly matching: VectorMatching;
  readonly left: Expr;
  readonly right: Expr;
  readonly span: TextSpan;
}

export interface Paren {
  readonly kind: 'paren';
  readonly expr: Expr;
  readonly span: TextSpan;
}

/** What stands in brackets and after `offset`. Step and range are known when the query runs. */
export type DurationExpr =
  | {
      readonly kind: 'literal';
      readonly seconds: number;
      readonly duration: boolean;
      readonly span: TextSpan;
    }
  | { readonly kind: 'step' | 'range'; readonly span: TextSpan }
  | { readonly kind: 'negate'; readonly expr: DurationExpr; readonly span: TextSpan }
  | { readonly kind: 'paren'; readonly expr: DurationExpr; readonly span: TextSpan }
  | {
      readonly kind: 'min_of' | 'max_of';
      readonly left: DurationExpr;
      readonly right: DurationExpr;
      readonly span: TextSpan;
    }
  | {
      readonly kind: 'binary';
      readonly op: '+' | '-' | '*' | '/' | '%' | '^';
      readonly left: DurationExpr;
      readonly right: DurationExpr;
      readonly span: TextSpan;
    };

export const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);
export const SET_OPS: ReadonlySet<string> = new Set(['and', 'or', 'unless']);

export function typeOf(expr: Expr, returnTypeOf: (func: string) => ValueType): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'selector':
    case 'aggregation':
      return 'vector';
    case 'range':
    case 'subquery':
      return 'matrix';
    case 'call':
      return returnTypeOf(expr.func);
    case 'unary':
    case 'paren':
      return typeOf(expr.expr, returnTypeOf);
    case 'binary': {
      const scalar =
        typeOf(expr.left, returnTypeOf) === 'scalar' && typeOf(expr.right, returnTypeOf) === 'scalar';
      return scalar ? 'scalar' : 'vector';
    }
  }
}

/** The expression without the parentheses around it. */
export function unparen(expr: Expr): Expr {
  let inner = expr;
  while (inner.kind === 'paren') inner = inner.expr;
  return inner;
}
