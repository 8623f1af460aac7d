// Turns the official grammar's syntax tree into our AST. What the tree cannot say (numbers, escapes, where offset
// and @ may stand) is decided here; types and names are checked in check.ts.

import type { SyntaxNode } from '@lezer/common';
import type { Matcher, MatchOp } from '../../model/index.ts';
import type { Aggregation, AggregationOp, Expr, VectorSelector } from './ast.ts';
import {
  type BuildContext,
  exprChildren,
  placeholder,
  problem,
  readGrouping,
  readNumber,
  readQuotedName,
  readString,
  sliceOf,
  spanOf,
} from './context.ts';
import { isOperator, regroup } from './operators.ts';
import { functionName, WITH_PARAMETER } from './signatures.ts';

export function buildExpr(context: BuildContext, node: SyntaxNode): Expr {
  return isOperator(node) ? regroup(context, node, buildPrimary) : buildPrimary(context, node);
}

function buildPrimary(context: BuildContext, node: SyntaxNode): Expr {
  const span = spanOf(node);
  switch (node.name) {
    case 'NumberDurationLiteral': {
      const number = readNumber(context, node);
      return { kind: 'number', value: number.value, duration: number.duration, span };
    }
    case 'StringLiteral':
      return { kind: 'string', value: readString(context, node), span };
    case 'ParenExpr': {
      const inner = exprChildren(node)[0];
      return {
        kind: 'paren',
        expr: inner === undefined ? placeholder(span) : buildExpr(context, inner),
        span,
      };
    }
    case 'VectorSelector':
      return buildSelector(context, node);
    case 'FunctionCall':
      return {
        kind: 'call',
        func: functionName(sliceOf(context, node.getChild('FunctionIdentifier') ?? node)),
        args: exprChildren(node.getChild('FunctionCallBody')).map(child => buildExpr(context, child)),
        span,
      };
    case 'AggregateExpr':
      return buildAggregation(context, node);
    default:
      problem(context, span, `unexpected ${JSON.stringify(sliceOf(context, node))}`);
      return placeholder(span);
  }
}

// --- selectors ------------------------------------------------------------------------------------

function buildSelector(context: BuildContext, node: SyntaxNode): VectorSelector {
  const identifier = node.getChild('Identifier');
  const name = identifier === null ? '' : sliceOf(context, identifier);
  const matchers: Matcher[] = [];
  for (let child = node.getChild('LabelMatchers')?.firstChild; child; child = child.nextSibling) {
    if (child.name === 'QuotedLabelName') {
      matchers.push({ name: '__name__', op: '=', value: readQuotedName(context, child) });
    } else if (child.name === 'UnquotedLabelMatcher' || child.name === 'QuotedLabelMatcher') {
      matchers.push(buildMatcher(context, child));
    }
  }
  return { kind: 'selector', name, matchers, span: spanOf(node) };
}

function buildMatcher(context: BuildContext, node: SyntaxNode): Matcher {
  const label = node.getChild('LabelName');
  const quoted = node.getChild('QuotedLabelName');
  const value = node.getChild('StringLiteral');
  const op = node.getChild('MatchOp');
  let name = '';
  if (label !== null) name = sliceOf(context, label);
  else if (quoted !== null) name = readQuotedName(context, quoted);
  return {
    name,
    op: readMatchOp(op === null ? '=' : sliceOf(context, op)),
    value: value === null ? '' : readString(context, value),
  };
}

function readMatchOp(text: string): MatchOp {
  return text === '!=' || text === '=~' || text === '!~' ? text : '=';
}

// --- aggregations --------------------------------------------------------------

function buildAggregation(context: BuildContext, node: SyntaxNode): Expr {
  const span = spanOf(node);
  const op = sliceOf(context, node.getChild('AggregateOp') ?? node).toLowerCase() as AggregationOp;
  const args = exprChildren(node.getChild('FunctionCallBody')).map(child => buildExpr(context, child));
  const modifier = node.getChild('AggregateModifier');
  const without = modifier?.getChild('Without') != null;
  const grouping = readGrouping(context, modifier?.getChild('GroupingLabels') ?? null);
  const wanted = WITH_PARAMETER.has(op) ? 2 : 1;
  const base: Aggregation = {
    kind: 'aggregation',
    op,
    expr: args[wanted - 1] ?? placeholder(span),
    without,
    grouping,
    span,
  };
  if (wanted === 1) return base;
  return { ...base, param: args[0] ?? placeholder(span) };
}
