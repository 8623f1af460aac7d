// RE2 patterns as Prometheus and Alertmanager use them. What is valid is decided by RE2's own syntax, and every pattern
// takes time linear in the text: what runs is a comparison of texts where the pattern is no more than that
// (regex-plain.ts), the engine's RegExp where its backtracking is proved harmless for texts of that length
// (regex-cost.ts), and else RE2, which is linear for all patterns and slower. Runs in the browser.

import { RE2JS } from 're2js';
import { err, ok, type Result } from '../base/index.ts';
import { linearCharsMax } from './regex-cost.ts';
import { plainPattern } from './regex-plain.ts';

export interface Regex {
  readonly pattern: string;
  /** Whether the whole text matches (patterns are anchored at both ends, `.` matches a newline too). */
  test(text: string): boolean;
  /** The whole match and its groups in order, "" for a group that took no part; undefined if the text does not match. */
  groups(text: string): readonly string[] | undefined;
  /** Names of the groups by index; "" for an unnamed one; index 0 is the whole match. */
  readonly groupNames: readonly string[];
}

/** Compiles an anchored pattern. The error is RE2's own message. */
export function compileRegex(pattern: string): Result<Regex, string> {
  const plain = plainPattern(pattern);
  if (plain !== undefined) {
    const groupNames = plain.isCaptured ? ['', ''] : [''];
    return ok({
      pattern,
      groupNames,
      test: plain.test,
      groups: text => (plain.test(text) ? groupNames.map(() => text) : undefined),
    });
  }
  const linear = compileRe2(pattern);
  if (!linear.ok) return linear;
  const groupNames: string[] = new Array(linear.value.groupCount() + 1).fill('');
  for (const [name, index] of Object.entries(linear.value.namedGroups())) groupNames[index as number] = name;
  const slow: Engine = {
    test: text => linear.value.matcher(text).find(),
    groups: text => {
      const matcher = linear.value.matcher(text);
      return matcher.find() ? groupNames.map((_, i) => matcher.group(i) ?? '') : undefined;
    },
  };
  const charsMax = linearCharsMax(pattern);
  const fast = charsMax > 0 ? nativeEngine(pattern) : undefined;
  if (fast === undefined) return ok({ pattern, groupNames, ...slow });
  const engineFor = (text: string): Engine => (text.length <= charsMax ? fast : slow);
  return ok({
    pattern,
    groupNames,
    test: text => engineFor(text).test(text),
    groups: text => engineFor(text).groups(text),
  });
}

type Engine = Pick<Regex, 'test' | 'groups'>;

function compileRe2(pattern: string): Result<RE2JS, string> {
  try {
    // By itself first: "a)|(b" is a pattern only between the parentheses that anchor it.
    RE2JS.compile(pattern);
    return ok(RE2JS.compile(`^(?s:${pattern})$`));
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

function nativeEngine(pattern: string): Engine | undefined {
  try {
    // The u flag makes `.` and classes take whole code points; what it does not know is left to RE2.
    const native = new RegExp(`^(?:${pattern})$`, 'su');
    return {
      test: text => native.test(text),
      groups: text => native.exec(text)?.map(group => group ?? ''),
    };
  } catch {
    return undefined;
  }
}

/**
 * `$1`, `${1}`, `$name`, `${name}` and `$$` in a replacement, as Go's Regexp.Expand has them:
 * without braces the longest run of letters, digits and "_" is the name; an unknown name gives "".
 */
export function expandTemplate(template: string, regex: Regex, groups: readonly string[]): string {
  return template.replace(/\$(?:(\$)|(\w+)|\{(\w+)\})/g, (_, dollar, bare, braced) => {
    if (dollar !== undefined) return '$';
    const name: string = bare ?? braced;
    if (/^\d+$/.test(name)) return groups[Number(name)] ?? '';
    const index = regex.groupNames.indexOf(name);
    return index > 0 ? (groups[index] ?? '') : '';
  });
}
