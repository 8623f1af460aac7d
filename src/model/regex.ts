// RE2 patterns as Prometheus and Alertmanager use them. What is valid is decided by RE2's own syntax;
// what runs is the engine's RegExp where the pattern is proved free of exponential and high polynomial
// backtracking, and the linear (slower) RE2 otherwise. Runs in the browser.

import { RE2JS } from 're2js';
import { err, ok, type Result } from '../base/index.ts';

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
  let linear: RE2JS;
  try {
    linear = RE2JS.compile(`^(?s:${pattern})$`);
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
  const groupNames: string[] = new Array(linear.groupCount() + 1).fill('');
  for (const [name, index] of Object.entries(linear.namedGroups())) groupNames[index as number] = name;

  const native = provedSafe(pattern) ? nativeRegex(pattern) : undefined;
  if (native !== undefined) {
    return ok({
      pattern,
      groupNames,
      test: text => native.test(text),
      groups: text => native.exec(text)?.map(group => group ?? ''),
    });
  }
  return ok({
    pattern,
    groupNames,
    test: text => linear.matcher(text).find(),
    groups: text => {
      const matcher = linear.matcher(text);
      if (!matcher.find()) return undefined;
      return groupNames.map((_, i) => matcher.group(i) ?? '');
    },
  });
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

/** Unbounded repetitions beyond this could cost more than a cube of the text's length. */
const UNBOUNDED_MAX = 3;

/**
 * A deliberately small subset: literals, escapes of punctuation and \d \w \s, classes without nesting,
 * groups, alternation, and quantifiers on single characters or classes only (never on a group). With at
 * most three unbounded quantifiers the work is at most cubic in the text, and label values are short.
 */
function provedSafe(pattern: string): boolean {
  let unbounded = 0;
  let i = 0;
  let afterGroup = false;
  while (i < pattern.length) {
    const c = pattern[i] as string;
    if (c === '\\') {
      const next = pattern[i + 1] ?? '';
      if (!/[\\.^$|?*+()[\]{}\-/dDwWtnrfs]/.test(next) || next === 's') return false;
      i += 2;
      afterGroup = false;
      continue;
    }
    if (c === '[') {
      const end = classEnd(pattern, i);
      if (end < 0) return false;
      i = end + 1;
      afterGroup = false;
      continue;
    }
    if (c === '(') {
      if (pattern[i + 1] === '?' && pattern[i + 2] !== ':') return false;
      i += pattern[i + 1] === '?' ? 3 : 1;
      afterGroup = false;
      continue;
    }
    if (c === '*' || c === '+' || c === '?' || c === '{') {
      // A counted or unbounded repetition of a group may nest: leave it to the linear engine. "(x)?" is fine.
      if (c === '{' || (afterGroup && c !== '?')) return false;
      if (c !== '?') unbounded++;
      i += 1;
      if (pattern[i] === '?') i += 1;
      else if (pattern[i] === '+' || pattern[i] === '*') return false;
      afterGroup = false;
      continue;
    }
    if (c.charCodeAt(0) > 0x7e || c === '^' || c === '$') return false;
    afterGroup = c === ')';
    i += 1;
  }
  return unbounded <= UNBOUNDED_MAX;
}

/** Index of the `]` that ends a class of plain characters, ranges and simple escapes, or -1. */
function classEnd(pattern: string, start: number): number {
  let i = start + 1;
  if (pattern[i] === '^') i++;
  if (pattern[i] === ']') return -1;
  for (; i < pattern.length; i++) {
    const c = pattern[i] as string;
    if (c === ']') return i;
    if (c === '[' || c.charCodeAt(0) > 0x7e) return -1;
    if (c === '\\') {
      if (!/[\\.^$|?*+()[\]{}\-/dw]/.test(pattern[i + 1] ?? '')) return -1;
      i++;
    }
  }
  return -1;
}

function nativeRegex(pattern: string): RegExp | undefined {
  try {
    // The u flag makes `.` and classes take whole code points; what it does not know is left to RE2.
    return new RegExp(`^(?:${pattern})$`, 'su');
  } catch {
    return undefined;
  }
}
