// Text to expression: the official grammar, our AST, the semantic checks.

import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { err, ok, type Result } from '../../base/index.ts';
import type { Expr } from './ast.ts';
import { buildExpr } from './build.ts';
import { checkExpr } from './check.ts';
import type { BuildContext, ParseProblem } from './context.ts';
import { adaptDialect } from './dialect.ts';
import { SIGNATURES } from './signatures.ts';

/** Longest expression accepted: far beyond what people and generators write, and parsed in well under a second. */
export const EXPR_CHARS_MAX = 256 * 1024;
/** Deepest nesting accepted: the passes over the tree recurse, and the stack must hold on every platform. */
export const EXPR_DEPTH_MAX = 1000;

/** Parses and checks. On failure all problems found, by position, the first being the one to show. */
export function parseExpr(text: string): Result<Expr, readonly [ParseProblem, ...ParseProblem[]]> {
  const whole = { start: 0, end: text.length };
  if (text.length > EXPR_CHARS_MAX) {
    return err([{ message: `expression too long: at most ${EXPR_CHARS_MAX} characters`, span: whole }]);
  }
  const tree = parser.parse(adaptDialect(text));
  const broken = firstSyntaxProblem(tree, text);
  if (broken !== undefined) return err([broken]);
  const root = tree.topNode.getChild('Expr');
  if (root === null) return err([{ message: 'no expression found in input', span: { start: 0, end: 0 } }]);

  const context: BuildContext = { text, problems: [] };
  const expr = buildExpr(context, root);
  const problems = [...context.problems, ...checkExpr(expr)];
  const [first, ...rest] = problems;
  if (first !== undefined) return err([first, ...rest]);
  return ok(expr);
}

/** The first place where the text leaves the grammar. Walks without recursion: the tree may be very deep. */
function firstSyntaxProblem(tree: Tree, text: string): ParseProblem | undefined {
  const cursor = tree.cursor();
  let depth = 0;
  let empty = true;
  for (;;) {
    if (cursor.name !== 'PromQL' && cursor.name !== 'LineComment' && !cursor.type.isError) empty = false;
    if (cursor.type.isError) return syntaxProblem(cursor.node, text, empty);
    if (depth > EXPR_DEPTH_MAX) {
      const span = { start: cursor.from, end: cursor.to };
      return { message: `expression nested too deeply: at most ${EXPR_DEPTH_MAX} levels`, span };
    }
    if (cursor.firstChild()) {
      depth++;
      continue;
    }
    while (!cursor.nextSibling()) {
      if (!cursor.parent()) return undefined;
      depth--;
    }
  }
}

function syntaxProblem(node: SyntaxNode, text: string, empty: boolean): ParseProblem {
  const start = node.from;
  const rest = text.slice(start);
  const nothing = text.replace(/#[^\n]*/g, '').trim() === '';
  if (empty && nothing) {
    return { message: 'no expression found in input', span: { start: 0, end: 0 } };
  }
  if (/^(?:\s|#[^\n]*)*$/.test(rest)) {
    return {
      message: `unexpected end of input${openBracketHint(text)}`,
      span: { start: text.length, end: text.length },
    };
  }
  const skipped = /^(?:\s|#[^\n]*)*/.exec(rest)?.[0].length ?? 0;
  const token = /^(?:[\w:.]+|"[^"]*"?|'[^']*'?|`[^`]*`?|[\s\S])/.exec(rest.slice(skipped))?.[0] ?? '';
  const from = start + skipped;
  const special = unknownFunction(text, from) ?? badNumber(text, from);
  if (special !== undefined) return special;
  return { message: `unexpected ${JSON.stringify(token)}`, span: { start: from, end: from + token.length } };
}

/** A parenthesis behind a name that is no function. */
function unknownFunction(text: string, at: number): ParseProblem | undefined {
  if (text[at] !== '(') return undefined;
  const name = /([a-zA-Z_:][\w:]*)\s*$/.exec(text.slice(0, at));
  const [whole = '', word = ''] = name ?? [];
  if (word === '' || SIGNATURES.has(word)) return undefined;
  const start = at - whole.length;
  return { message: `unknown function with name "${word}"`, span: { start, end: start + word.length } };
}

/** Letters or digits that stick to a number: "5m1", "0deadbeef", "2.5.". */
function badNumber(text: string, at: number): ParseProblem | undefined {
  const before = /[\w.]*$/.exec(text.slice(0, at))?.[0] ?? '';
  const after = /^[\w.]*/.exec(text.slice(at))?.[0] ?? '';
  if (after === '' || !/^\.?\d/.test(before)) return undefined;
  const start = at - before.length;
  const message = `bad number or duration syntax: "${before}${after}"`;
  return { message, span: { start, end: at + after.length } };
}

function openBracketHint(text: string): string {
  const opened = (open: string, close: string): boolean =>
    text.split(open).length - text.split(close).length > 0;
  if (opened('(', ')')) return ': unclosed left parenthesis';
  if (opened('{', '}')) return ' inside braces';
  return opened('[', ']') ? ' inside brackets' : '';
}
