// Text to expression: where the syntax is wrong, the official grammar, our AST, the semantic checks.

import type { Tree } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { err, ok, type Result } from '../../base/index.ts';
import type { Expr } from './ast.ts';
import { buildExpr } from './build.ts';
import { checkExpr } from './check.ts';
import type { BuildContext, ParseProblem } from './context.ts';
import { adaptDialect } from './dialect.ts';
import { EXPR_DEPTH_MAX } from './reader.ts';
import { readSyntax } from './syntax.ts';

/** Longest expression accepted: far beyond what people and generators write, and parsed in well under a second. */
export const EXPR_CHARS_MAX = 256 * 1024;

type Problems = readonly [ParseProblem, ...ParseProblem[]];

/**
 * Parses and checks. On failure all problems found, in Prometheus's order, the first being the one to show; types are
 * looked at only where the syntax is right. The spans are those of Prometheus's errors, in UTF-16 code units of the text
 * where Prometheus counts bytes of UTF-8.
 */
export function parseExpr(text: string): Result<Expr, Problems> {
  if (text.length > EXPR_CHARS_MAX) {
    const span = { start: 0, end: text.length };
    return refused([{ message: `expression too long: at most ${EXPR_CHARS_MAX} characters`, span }]);
  }
  const syntax = readSyntax(text);
  if (syntax.problems.length > 0) return refused(syntax.problems);
  const tree = parser.parse(adaptDialect(text, syntax.offsetNames));
  const broken = firstSyntaxProblem(tree, text);
  if (broken !== undefined) return refused([broken]);
  const root = tree.topNode.getChild('Expr');
  if (root === null) return refused([]);

  const context: BuildContext = { text, problems: [] };
  const expr = buildExpr(context, root);
  if (context.problems.length > 0) return refused(context.problems);
  const problems = checkExpr(expr, text);
  return problems.length > 0 ? refused(problems) : ok(expr);
}

function refused([first, ...rest]: readonly ParseProblem[]): Result<never, Problems> {
  const nothing = { message: 'no expression found in input', span: { start: 0, end: 0 } };
  return err([first ?? nothing, ...rest]);
}

/**
 * The first place where the text leaves the official grammar although it has the syntax, or is nested too deeply: a chain
 * of operators is flat in the text and deep in the tree. Walks without recursion.
 */
function firstSyntaxProblem(tree: Tree, text: string): ParseProblem | undefined {
  const cursor = tree.cursor();
  let depth = 0;
  for (;;) {
    const span = { start: cursor.from, end: cursor.to };
    if (cursor.type.isError) {
      const token = /^\s*(?:\w+|[\s\S])?/.exec(text.slice(span.start))?.[0] ?? '';
      return { message: `unexpected ${JSON.stringify(token.trim())}`, span };
    }
    if (depth > EXPR_DEPTH_MAX) {
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
