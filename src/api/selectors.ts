// The parameter "match[]": series selectors as they stand in expressions.

import { err, ok, type Result } from '../base/index.ts';
import type { Matcher } from '../model/index.ts';
import { matchersOf, parseExpr } from '../promql/parser/index.ts';

/** Of a selector without offset or other modifiers. */
export function plainSelector(text: string): Result<readonly Matcher[], string> {
  const parsed = parseExpr(text);
  if (!parsed.ok) return err(parsed.error[0].message);
  const { value } = parsed;
  if (value.kind !== 'selector') return err(`"${text}" is not a series selector`);
  if (value.offset !== undefined || value.at !== undefined || value.modifier !== undefined)
    return err(`"${text}" is not a plain series selector`);
  return ok(matchersOf(value));
}

/** All of the request; the error names the one that cannot be read. */
export function selectorParams(params: URLSearchParams): Result<readonly (readonly Matcher[])[], string> {
  const selectors: (readonly Matcher[])[] = [];
  for (const text of params.getAll('match[]')) {
    const matchers = plainSelector(text);
    if (!matchers.ok) return err(`invalid parameter "match[]": ${matchers.error}`);
    selectors.push(matchers.value);
  }
  return ok(selectors);
}
