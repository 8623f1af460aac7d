// A matcher in the JSON of Alertmanager's API, there and back.

import type { Matcher } from '../../model/index.ts';
import type { SilenceMatcherJson } from './contract.ts';

export function matcherJson({ name, op, value }: Matcher): SilenceMatcherJson {
  return { isEqual: op === '=' || op === '=~', isRegex: op === '=~' || op === '!~', name, value };
}

export function matcherOf({ name, value, isRegex, isEqual = true }: SilenceMatcherJson): Matcher {
  return { name, op: isRegex ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!=', value };
}
