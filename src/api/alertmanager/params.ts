// The parameters of Alertmanager's API: which alerts, silences and receivers are asked for.

import { err, ok, type Result } from '../../base/index.ts';
import { parseMatchers } from '../../config/index.ts';
import {
  type CompiledMatcher,
  compileMatchers,
  compileRegex,
  labelsFrom,
  type Matcher,
  matchesAll,
} from '../../model/index.ts';
import type { AlertReceiverJson } from './contract.ts';

/** Words that its clients use for a boolean; without the parameter it is true. */
const TRUE: ReadonlySet<string> = new Set('true 1 yes ok y on selected checked t enabled'.split(' '));
const FALSE: ReadonlySet<string> = new Set('false 0 no n off f disabled'.split(' '));

/** Each of the names as a boolean, true where it is not given. */
export function switches<Name extends string>(
  params: URLSearchParams,
  names: readonly Name[],
): Result<(name: Name) => boolean, string> {
  const off = new Set<Name>();
  for (const name of names) {
    const text = (params.get(name) ?? '').toLowerCase();
    if (FALSE.has(text)) off.add(name);
    else if (text !== '' && !TRUE.has(text))
      return err(`cannot use the parameter ${name}=${JSON.stringify(text)}: true or false expected`);
  }
  return ok(name => !off.has(name));
}

/** Of `filter` or `receiver_matchers`: each value is one matcher. */
export function matcherParams(
  params: URLSearchParams,
  name: string,
): Result<readonly CompiledMatcher[], string> {
  const matchers: Matcher[] = [];
  for (const text of params.getAll(name)) {
    const parsed = parseMatchers(text);
    if (!parsed.ok) return err(`bad matcher format in ${name}: ${text}: ${parsed.error}`);
    const [only] = parsed.value;
    if (only === undefined || parsed.value.length > 1)
      return err(
        `bad matcher format in ${name}: ${text}: one matcher expected, found ${parsed.value.length} (repeat the parameter for more)`,
      );
    matchers.push(only);
  }
  return compileMatchers(matchers);
}

/** Which receivers are meant, by `receiver` and `receiver_matchers`; undefined where all are. */
export function receiverFilter(
  params: URLSearchParams,
  receivers: readonly AlertReceiverJson[],
): Result<((name: string) => boolean) | undefined, string> {
  const matchers = matcherParams(params, 'receiver_matchers');
  if (!matchers.ok) return matchers;
  const text = params.get('receiver') ?? '';
  if (text === '' && matchers.value.length === 0) return ok(undefined);
  const regex = compileRegex(text);
  if (!regex.ok) return err(`failed to parse receiver param: ${regex.error}`);
  const labels = new Map(receivers.map(one => [one.name, labelsFrom(one.labels)]));
  const isWanted = (name: string): boolean =>
    (text === '' || regex.value.test(name)) &&
    matchesAll(matchers.value, labels.get(name) ?? labelsFrom({ name }));
  // The same few names are asked for with every alert.
  const known = new Map<string, boolean>();
  return ok(name => {
    const answer = known.get(name) ?? isWanted(name);
    known.set(name, answer);
    return answer;
  });
}
