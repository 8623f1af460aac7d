// /api/v1/parse_query: the syntax tree of an expression as JSON, node by node as Prometheus's tree view gets it.

import { never, type ServerResponse } from '../base/index.ts';
import { METRIC_NAME } from '../model/index.ts';
import {
  type Binary,
  type Call,
  type DurationExpr,
  type Expr,
  formatPlainNumber,
  returnTypeOf,
  SET_OPS,
  SIGNATURES,
  typeOf,
  type VectorSelector,
} from '../promql/parser/index.ts';
import type { ApiDeps } from './deps.ts';
import { exprParam } from './params.ts';
import type { Asked } from './prometheus.ts';
import { failure, success } from './respond.ts';

/** A node of the tree: its `type`, and what belongs to that type. */
type NodeJson = { readonly type: string } & Readonly<Record<string, unknown>>;

export function parseQuery(_: ApiDeps, { params }: Asked): ServerResponse {
  const expr = exprParam(params);
  return expr.ok ? success(nodeJson(expr.value)) : failure('bad_data', expr.error);
}

function nodeJson(expr: Expr): NodeJson {
  switch (expr.kind) {
    case 'number':
      return { type: 'numberLiteral', val: formatPlainNumber(expr.value) };
    case 'string':
      return { type: 'stringLiteral', val: expr.value };
    case 'selector':
      return { type: 'vectorSelector', ...selectorJson(expr) };
    case 'range':
      return { type: 'matrixSelector', ...selectorJson(expr.selector), range: literalMs(expr.range) };
    case 'subquery':
      return {
        type: 'subquery',
        expr: nodeJson(expr.expr),
        range: literalMs(expr.range),
        step: literalMs(expr.step),
        ...shiftJson(expr),
      };
    case 'call':
      return callJson(expr);
    case 'aggregation': {
      const { op, param, grouping, without } = expr;
      const inner = nodeJson(expr.expr);
      return {
        type: 'aggregation',
        op,
        expr: inner,
        param: param === undefined ? null : nodeJson(param),
        grouping,
        without,
      };
    }
    case 'unary':
      return { type: 'unaryExpr', op: expr.op, expr: nodeJson(expr.expr) };
    case 'binary':
      return binaryJson(expr);
    case 'paren':
      return { type: 'parenExpr', expr: nodeJson(expr.expr) };
    default:
      return never(expr);
  }
}

/** The name in front of the braces is the last matcher. */
function selectorJson(selector: VectorSelector): Readonly<Record<string, unknown>> {
  const { name, modifier } = selector;
  const matchers = selector.matchers.map(({ name, value, op }) => ({ name, value, type: op }));
  if (name !== '') matchers.push({ name: METRIC_NAME, value: name, type: '=' });
  return {
    name,
    matchers,
    ...shiftJson(selector),
    anchored: modifier === 'anchored',
    smoothed: modifier === 'smoothed',
  };
}

function shiftJson({ offset, at }: Pick<VectorSelector, 'offset' | 'at'>): Readonly<Record<string, unknown>> {
  return {
    offset: literalMs(offset),
    timestamp: at?.kind === 'time' ? at.timeMs : null,
    startOrEnd: at === undefined || at.kind === 'time' ? null : at.kind,
  };
}

/** Milliseconds; 0 for what is computed only when the query runs, as Prometheus has it. */
function literalMs(duration: DurationExpr | undefined): number {
  return duration?.kind === 'literal' ? Math.round(duration.seconds * 1000) : 0;
}

function callJson({ func, args }: Call): NodeJson {
  const signature = SIGNATURES.get(func);
  return {
    type: 'call',
    func: {
      name: func,
      argTypes: signature?.args ?? [],
      variadic: signature?.variadic ?? 0,
      returnType: returnTypeOf(func),
    },
    args: args.map(nodeJson),
  };
}

function binaryJson({ op, bool, matching, left, right }: Binary): NodeJson {
  const isVectors = [left, right].every(side => typeOf(side, returnTypeOf) === 'vector');
  return {
    type: 'binaryExpr',
    op,
    lhs: nodeJson(left),
    rhs: nodeJson(right),
    matching: isVectors
      ? {
          card: SET_OPS.has(op) ? 'many-to-many' : matching.card,
          labels: matching.labels,
          on: matching.on,
          include: matching.include,
          fillValues: { lhs: matching.fillLeft ?? null, rhs: matching.fillRight ?? null },
        }
      : null,
    bool,
  };
}
