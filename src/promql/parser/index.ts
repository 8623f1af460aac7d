// promql/parser: text ↔ syntax tree. Runs in the browser.

export {
  type Aggregation,
  type AggregationOp,
  type ArithmeticOp,
  type AtModifier,
  type Binary,
  type BinaryOp,
  type Call,
  COMPARISONS,
  type ComparisonOp,
  type DurationExpr,
  type Expr,
  type MatrixSelector,
  type NumberLiteral,
  type Paren,
  type RangeModifier,
  SET_OPS,
  type SetOp,
  type StringLiteral,
  type Subquery,
  typeOf,
  type Unary,
  unparen,
  type ValueType,
  type VectorMatching,
  type VectorSelector,
} from './ast.ts';
export type { ParseProblem } from './context.ts';
export { type DurationInputs, durationSeconds, foldDuration } from './durations.ts';
export { formatPlainNumber, isValidUtf8, parseNumber, quote, unquote } from './literals.ts';
export { EXPR_CHARS_MAX, parseExpr } from './parse.ts';
export { printExpr } from './print.ts';
export { EXPR_DEPTH_MAX } from './reader.ts';
export { returnTypeOf, SIGNATURES, type Signature } from './signatures.ts';

export { matchersOf, selectorsOf } from './walk.ts';
