// What all builders share: the text, the list of problems, and reading the leaves of the syntax tree.

import type { SyntaxNode } from '@lezer/common';
import type { TextSpan } from '../../model/index.ts';
import type { Expr } from './ast.ts';
import { parseNumber, unquote } from './literals.ts';

export interface ParseProblem {
  readonly message: string;
  readonly span: TextSpan;
}

export interface BuildContext {
  readonly text: string;
  readonly problems: ParseProblem[];
}

/** Stands where nothing could be understood; a problem was noted for it. */
export function placeholder(span: TextSpan): Expr {
  return { kind: 'number', value: Number.NaN, duration: false, span };
}

export function exprChildren(node: SyntaxNode | null): SyntaxNode[] {
  return node?.getChildren('Expr') ?? [];
}

export function readGrouping(context: BuildContext, node: SyntaxNode | null): string[] {
  const names: string[] = [];
  for (let child = node?.firstChild; child; child = child.nextSibling) {
    if (child.name === 'LabelName') names.push(sliceOf(context, child));
    else if (child.name === 'QuotedLabelName') names.push(readQuotedName(context, child));
  }
  return names;
}

export function readNumber(
  context: BuildContext,
  node: SyntaxNode,
): { readonly value: number; readonly duration: boolean } {
  const parsed = parseNumber(sliceOf(context, node).replace(/\s+|#[^\n]*/g, ''));
  if (parsed.ok) return parsed.value;
  problem(context, spanOf(node), parsed.error);
  return { value: 1, duration: false };
}

export function readString(context: BuildContext, node: SyntaxNode): string {
  const parsed = unquote(sliceOf(context, node));
  if (parsed.ok) return parsed.value;
  problem(context, spanOf(node), parsed.error);
  return '';
}

export function readQuotedName(context: BuildContext, node: SyntaxNode): string {
  return readString(context, node.getChild('StringLiteral') ?? node);
}

export function sliceOf(context: BuildContext, node: SyntaxNode): string {
  return context.text.slice(node.from, node.to);
}

export function spanOf(node: SyntaxNode): TextSpan {
  return { start: node.from, end: node.to };
}

export function problem(context: BuildContext, span: TextSpan, message: string): void {
  context.problems.push({ message, span });
}
