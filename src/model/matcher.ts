// A condition on one label, as PromQL selectors, routes, silences and playbooks have it.

import { err, ok, type Result } from '../base/index.ts';
import { type Labels, labelValue } from './labels.ts';
import { compileRegex } from './regex.ts';

export type MatchOp = '=' | '!=' | '=~' | '!~';

/** Plain data: crosses to a worker, prints, compares. Regular expressions are RE2, anchored at both ends. */
export interface Matcher {
  readonly name: string;
  readonly op: MatchOp;
  readonly value: string;
}

export interface CompiledMatcher extends Matcher {
  /** Whether a label value fits; an absent label has the value "". */
  test(value: string): boolean;
}

export function compileMatcher(matcher: Matcher): Result<CompiledMatcher, string> {
  const { name, op, value } = matcher;
  if (op === '=') return ok({ name, op, value, test: text => text === value });
  if (op === '!=') return ok({ name, op, value, test: text => text !== value });
  const regex = compileRegex(value);
  if (!regex.ok) return err(regex.error);
  const wanted = op === '=~';
  return ok({ name, op, value, test: text => regex.value.test(text) === wanted });
}

export function compileMatchers(matchers: readonly Matcher[]): Result<readonly CompiledMatcher[], string> {
  const compiled: CompiledMatcher[] = [];
  for (const matcher of matchers) {
    const one = compileMatcher(matcher);
    if (!one.ok) return err(`${formatMatcher(matcher)}: ${one.error}`);
    compiled.push(one.value);
  }
  return ok(compiled);
}

export function matchesAll(matchers: readonly CompiledMatcher[], labels: Labels): boolean {
  return matchers.every(matcher => matcher.test(labelValue(labels, matcher.name)));
}

/**
 * Whether they fit alerts without any of their labels. A negative matcher never counts as one that fits the empty text: that
 * is Alertmanager's rule.
 */
export function fitsEmptyText(matchers: readonly CompiledMatcher[]): boolean {
  return matchers.every(one => (one.op === '=' || one.op === '=~') && one.test(''));
}

export function formatMatcher(matcher: Matcher): string {
  return `${matcher.name}${matcher.op}${JSON.stringify(matcher.value)}`;
}
