// Matchers as words of a command line, in amtool's notation.

import { err, ok, type Result } from '../base/index.ts';
import { parseMatchers } from '../config/index.ts';
import type { Matcher } from '../model/index.ts';

/** One a word; a first word that is no matcher is the name of an alert. */
export function readMatcherWords(words: readonly string[]): Result<readonly Matcher[], string> {
  const matchers: Matcher[] = [];
  for (const [i, word] of words.entries()) {
    const parsed = parseMatchers(word);
    const [only] = parsed.ok ? parsed.value : [];
    if (parsed.ok && parsed.value.length === 1 && only !== undefined) matchers.push(only);
    else if (i === 0 && !/[=~]/.test(word) && word !== '')
      matchers.push({ name: 'alertname', op: '=', value: word });
    else
      return err(
        `"${word}" is no matcher: NAME=VALUE, or with != =~ !~, expected${parsed.ok ? ', one a word' : ''}`,
      );
  }
  return ok(matchers);
}

/** As the API's `filter` takes it. */
export function matcherText({ name, op, value }: Matcher): string {
  return `${JSON.stringify(name)}${op}${JSON.stringify(value)}`;
}
