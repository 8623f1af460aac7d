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

/**
 * A name as clients write it where only letters, digits and "_" may stand: "U__", then "__" for "_" and "_2e_" for the
 * character of that number. What is no such text is the name itself.
 */
export function unescapeName(text: string): string {
  const escaped = /^U__((?:[^_]|__|_[0-9a-fA-F]{1,6}_)*)$/s.exec(text)?.[1];
  if (escaped === undefined) return text;
  let isValid = true;
  const name = escaped.replace(/__|_([0-9a-fA-F]{1,6})_/g, (_, code?: string) => {
    if (code === undefined) return '_';
    const point = Number.parseInt(code, 16);
    // Half of a surrogate pair is no character.
    isValid &&= point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
    return isValid ? String.fromCodePoint(point) : '';
  });
  return isValid ? name : text;
}
