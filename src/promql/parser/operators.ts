// Groups operators by Prometheus's precedence. The official grammar leaves postfix operators loose: it reads
// "a - b offset 5m" as "(a - b) offset 5m". So its grouping is dropped and only the order of the text is kept:
// postfix binds tightest, then ^ (to the right), unary sign and * / % atan2, + -, comparisons, and unless, or.

import type { SyntaxNode } from '@lezer/common';
import type { Binary, BinaryOp, Expr, VectorMatching } from './ast.ts';
import {
  type BuildContext,
  exprChildren,
  placeholder,
  readGrouping,
  readNumber,
  sliceOf,
} from './context.ts';
import { applyPostfix } from './postfix.ts';

type Item =
  | { readonly kind: 'operand'; readonly node: SyntaxNode; readonly start: number }
  | { readonly kind: 'prefix'; readonly sign: '+' | '-'; readonly start: number }
  | { readonly kind: 'postfix'; readonly node: SyntaxNode }
  | { readonly kind: 'infix'; readonly node: SyntaxNode; readonly op: BinaryOp };

const POSTFIX: ReadonlySet<string> = new Set([
  'MatrixSelector',
  'SubqueryExpr',
  'OffsetExpr',
  'StepInvariantExpr',
  'SmoothedExpr',
  'AnchoredExpr',
]);

/** Whether a node must be regrouped; a signed number too, since "-1 ^ 2" is -(1 ^ 2). */
export function isOperator(node: SyntaxNode): boolean {
  return (
    node.name === 'BinaryExpr' ||
    node.name === 'UnaryExpr' ||
    node.name === 'NumberDurationLiteral' ||
    POSTFIX.has(node.name)
  );
}

export function regroup(context: BuildContext, node: SyntaxNode, primary: BuildPrimary): Expr {
  const items: Item[] = [];
  linearize(context, node, items);
  const reader: Reader = { context, items, primary, next: 0 };
  return readBinary(reader, 0);
}

function linearize(context: BuildContext, node: SyntaxNode, items: Item[]): void {
  const children = exprChildren(node);
  const [first, second] = children;
  if (node.name === 'BinaryExpr' && first !== undefined) {
    linearize(context, first, items);
    items.push({ kind: 'infix', node, op: operatorOf(node) });
    if (second !== undefined) linearize(context, second, items);
  } else if (node.name === 'UnaryExpr' && first !== undefined) {
    const sign = sliceOf(context, node.getChild('UnaryOp') ?? node).startsWith('-') ? '-' : '+';
    items.push({ kind: 'prefix', sign, start: node.from });
    linearize(context, first, items);
  } else if (POSTFIX.has(node.name) && first !== undefined) {
    linearize(context, first, items);
    items.push({ kind: 'postfix', node });
  } else {
    const text = sliceOf(context, node);
    if (node.name === 'NumberDurationLiteral' && /^[+-]/.test(text)) {
      items.push({ kind: 'prefix', sign: text.startsWith('-') ? '-' : '+', start: node.from });
      items.push({ kind: 'operand', node, start: node.from + (/^[+-]\s*/.exec(text)?.[0].length ?? 0) });
    } else items.push({ kind: 'operand', node, start: node.from });
  }
}

/** Builds an operand: everything that is not an operator. */
export type BuildPrimary = (context: BuildContext, node: SyntaxNode) => Expr;

interface Reader {
  readonly context: BuildContext;
  readonly items: readonly Item[];
  readonly primary: BuildPrimary;
  next: number;
}

const PRECEDENCE: Readonly<Record<BinaryOp, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '</': 3,
  '>/': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 6,
};

/** A sign binds like a product: only "^" behind it is stronger. */
const SIGN_PRECEDENCE = 6;

function readBinary(reader: Reader, lowest: number): Expr {
  let left = readOperand(reader);
  for (;;) {
    const item = reader.items[reader.next];
    if (item?.kind !== 'infix') return left;
    const precedence = PRECEDENCE[item.op];
    if (precedence < lowest) return left;
    reader.next++;
    const right = readBinary(reader, item.op === '^' ? precedence : precedence + 1);
    left = buildBinary(reader.context, item, { left, right });
  }
}

function readOperand(reader: Reader): Expr {
  const item = reader.items[reader.next];
  if (item === undefined || item.kind === 'infix' || item.kind === 'postfix') {
    return placeholder({ start: 0, end: reader.context.text.length });
  }
  reader.next++;
  if (item.kind === 'prefix') {
    const inner = readBinary(reader, SIGN_PRECEDENCE);
    const span = { start: item.start, end: inner.span.end };
    if (inner.kind === 'number')
      return { ...inner, value: item.sign === '-' ? -inner.value : inner.value, span };
    return { kind: 'unary', op: item.sign, expr: inner, span };
  }
  let operand = readPrimary(reader, item);
  for (;;) {
    const postfix = reader.items[reader.next];
    if (postfix?.kind !== 'postfix') return operand;
    reader.next++;
    operand = applyPostfix(reader.context, postfix.node, operand);
  }
}

function readPrimary({ context, primary }: Reader, item: { node: SyntaxNode; start: number }): Expr {
  if (item.node.name !== 'NumberDurationLiteral') return primary(context, item.node);
  const { value, duration } = readNumber(context, item.node);
  const signed = item.start > item.node.from && sliceOf(context, item.node).startsWith('-');
  return {
    kind: 'number',
    value: signed ? -value : value,
    duration,
    span: { start: item.start, end: item.node.to },
  };
}

function buildBinary(
  context: BuildContext,
  item: { readonly node: SyntaxNode; readonly op: BinaryOp },
  { left, right }: { left: Expr; right: Expr },
): Binary {
  return {
    kind: 'binary',
    op: item.op,
    bool: item.node.getChild('BoolModifier') !== null,
    matching: buildMatching(context, item.node),
    left,
    right,
    span: { start: left.span.start, end: right.span.end },
  };
}

const BINARY_NODES: Readonly<Record<string, BinaryOp>> = {
  Pow: '^',
  Mul: '*',
  Div: '/',
  Mod: '%',
  Atan2: 'atan2',
  Add: '+',
  Sub: '-',
  Eql: '==',
  Neq: '!=',
  Gte: '>=',
  Gtr: '>',
  Lte: '<=',
  Lss: '<',
  TrimUpper: '</',
  TrimLower: '>/',
  And: 'and',
  Or: 'or',
  Unless: 'unless',
};

function operatorOf(node: SyntaxNode): BinaryOp {
  for (let child = node.firstChild; child; child = child.nextSibling) {
    const found = BINARY_NODES[child.name];
    if (found !== undefined) return found;
  }
  return '+';
}

function buildMatching(context: BuildContext, node: SyntaxNode): VectorMatching {
  const clause = node.getChild('MatchingModifierClause');
  const groups = clause?.getChildren('GroupingLabels') ?? [];
  const left = clause?.getChild('GroupLeft') != null;
  const right = clause?.getChild('GroupRight') != null;
  const fill = node.getChild('FillModifier');
  const both = readFill(context, fill?.getChild('FillClause') ?? null);
  const fillLeft = both ?? readFill(context, fill?.getChild('FillLeftClause') ?? null);
  const fillRight = both ?? readFill(context, fill?.getChild('FillRightClause') ?? null);
  let card: VectorMatching['card'] = 'one-to-one';
  if (left) card = 'many-to-one';
  else if (right) card = 'one-to-many';
  return {
    on: clause?.getChild('On') != null,
    labels: readGrouping(context, groups[0] ?? null),
    card,
    include: readGrouping(context, groups[1] ?? null),
    ...(fillLeft === undefined ? {} : { fillLeft }),
    ...(fillRight === undefined ? {} : { fillRight }),
  };
}

function readFill(context: BuildContext, node: SyntaxNode | null): number | undefined {
  const literal = node?.getChild('NumberDurationLiteral') ?? null;
  return literal === null ? undefined : readNumber(context, literal).value;
}
