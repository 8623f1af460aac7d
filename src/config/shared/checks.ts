// Checks that many sections share: keys that exclude each other, keys that must be there, names, addresses.

import { isMap, isScalar, type Node } from 'yaml';
import {
  bad,
  hasKey,
  INVALID,
  keyNode,
  keyText,
  mapped,
  type ReadContext,
  type Schema,
  type Secret,
  secret,
  text,
  valueNodeAt,
} from '../schema.ts';

/** Whether a key is set to something: not null and not an empty text. */
export function isSet(node: Node, key: string): boolean {
  if (!isMap(node)) return false;
  const value = node.items.find(pair => keyText(pair.key) === key)?.value;
  if (value === undefined || value === null) return false;
  return !(isScalar(value) && (value.value === null || value.value === ''));
}

/** Reports when more than one of the keys is set. */
export function exclusive(node: Node, context: ReadContext, keys: readonly string[]): void {
  const set = keys.filter(key => isSet(node, key));
  const last = set.at(-1);
  if (set.length < 2 || last === undefined) return;
  context.report({
    code: 'config-conflict',
    message: `Cannot use ${quoteAll(set)} together: at most one of ${keys.join(', ')} may be set`,
    remedy: `keep one of them`,
    at: keyNode(node, last),
  });
}

/** Reports when a key of one group is set beside a key of the other. */
export function excludes(
  node: Node,
  context: ReadContext,
  groups: readonly [readonly string[], readonly string[]],
): void {
  const first = groups[0].find(key => isSet(node, key));
  const second = groups[1].find(key => isSet(node, key));
  if (first === undefined || second === undefined) return;
  context.report({
    code: 'config-conflict',
    message: `Cannot use "${first}" and "${second}" together: at most one of ${[...groups[0], ...groups[1]].join(', ')} may be configured`,
    remedy: `remove "${first}" or "${second}"`,
    at: keyNode(node, second),
  });
}

/** Reports each key that is missing or empty. */
export function requireSet(node: Node, context: ReadContext, keys: readonly string[]): void {
  for (const key of keys) {
    if (isSet(node, key)) continue;
    const written = hasKey(node, key);
    context.report({
      code: 'config-missing-key',
      message: `Cannot do without "${key}" in ${context.path}: ${written ? 'it is empty' : 'the key is required'}`,
      remedy: `${written ? 'give it a value' : `add "${key}"`}`,
      at: keyNode(node, key) ?? node,
    });
  }
}

/** The same, in the entry itself: not taken over from `global`. */
export function isWritten(node: Node, key: string): boolean {
  const [from, , to] = node.range ?? [0, 0, 0];
  const at = keyNode(node, key)?.range?.[0] ?? -1;
  return isSet(node, key) && at >= from && at < to;
}

/** Whether `http_config` says how to authorize itself: with a header of its own, or a token as it was written before. */
export function hasAuthorization(node: Node, context: ReadContext): boolean {
  const http = valueNodeAt(node, 'http_config');
  if (http === undefined) return false;
  const map = context.resolve(http);
  return ['authorization', 'bearer_token', 'bearer_token_file'].some(key => isSet(map, key));
}

/** Reports when none of the keys is set. */
export function requireOneOf(node: Node, context: ReadContext, keys: readonly string[]): void {
  if (keys.some(key => isSet(node, key))) return;
  context.report({
    code: 'config-missing-key',
    message: `Cannot do without one of ${quoteAll(keys)} in ${context.path}: none is set`,
    remedy: `add "${keys[0] ?? ''}"`,
    at: node,
  });
}

/** Reports each list that is missing or empty. */
export function requireEntries(
  node: Node,
  context: ReadContext,
  lists: Readonly<Record<string, readonly unknown[] | undefined>>,
): void {
  for (const [key, entries] of Object.entries(lists)) {
    if (entries !== undefined && entries.length > 0) continue;
    context.report({
      code: 'config-missing-key',
      message: `Cannot do without ${key} in ${context.path}: at least one is needed`,
      remedy: `add "${key}" with an entry`,
      at: keyNode(node, key) ?? node,
    });
  }
}

/** How label names are judged: Prometheus 3 and Alertmanager take any UTF-8 text, older ones letters, digits and "_". */
export type LabelNames = 'utf8' | 'legacy';

export function isLabelName(name: string, names: LabelNames = 'utf8'): boolean {
  if (names === 'legacy') return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
  return name !== '' && isWellFormed(name);
}

/** Bytes that are no UTF-8 come out of the reader as lone surrogates. */
export function isWellFormed(value: string): boolean {
  return !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(value);
}

/** In quotes, with the bytes that are no UTF-8 as "\\xff". */
function quoteBytes(value: string): string {
  return JSON.stringify(value).replace(/\\udc([89a-f][0-9a-f])/g, '\\x$1');
}

export function labelName(): Schema<string> {
  return checked('label name', name =>
    isLabelName(name) ? undefined : `Cannot take ${quoteBytes(name)} as a label name: not valid UTF-8 text`,
  );
}

export function labelValueText(): Schema<string> {
  return checked('label value', value =>
    isWellFormed(value)
      ? undefined
      : `Cannot take ${quoteBytes(value)} as a label value: not valid UTF-8 text`,
  );
}

/** A text with a check of its own; the check answers with the message of what is wrong. */
export function checked(says: string, problem: (value: string) => string | undefined): Schema<string> {
  const schema = mapped(text(), (value, context) => {
    const message = problem(value);
    return message === undefined ? value : bad(message, context);
  });
  return { ...schema, says };
}

/** A glob that Prometheus can watch: a star only in the last part of the path. */
export function fileGlob(): Schema<string> {
  return checked('file name, with "*" in its last part', value =>
    /^[^*]*(\*[^/]*)?$/.test(value)
      ? undefined
      : `Cannot use the file path "${value}": "*" may only stand in the last part of the path`,
  );
}

/** Any URL that Go's parser takes: also a host without a scheme. */
export function looseUrl(): Schema<string> {
  return checked('URL', value => {
    const problem = urlProblem(value);
    return problem === undefined ? undefined : `Cannot use the URL "${value}": ${problem}`;
  });
}

/** An absolute http or https URL. */
export function httpUrl(): Schema<string> {
  return checked('http or https URL', value => {
    const problem = urlProblem(value) ?? httpProblem(value);
    return problem === undefined ? undefined : `Cannot use the URL "${value}": ${problem}`;
  });
}

export function httpProblem(value: string): string | undefined {
  const match = /^([a-zA-Z][\w+.-]*):\/\/([^/?#]*)/.exec(value);
  if (match === null || !/^https?$/i.test(match[1] ?? '')) return `its scheme must be 'http' or 'https'`;
  const host = (match[2] ?? '').replace(/^.*@/, '');
  if (host === '' || host.startsWith(':')) return 'the host is missing in the URL';
  return undefined;
}

export function urlProblem(value: string): string | undefined {
  if (/[\u0000-\u001f\u007f]/.test(value)) return 'it holds a control character';
  if (value.startsWith(':')) return 'the scheme before ":" is missing';
  const scheme = /^[a-zA-Z][a-zA-Z0-9+.-]*:/.exec(value)?.[0];
  if (scheme === undefined && (value.split('/')[0] ?? '').includes(':')) {
    return 'a ":" in its first part would be a scheme';
  }
  if (/%(?![0-9a-fA-F]{2})/.test(value.split('?')[0] ?? ''))
    return 'a "%" must be followed by two hexadecimal digits';
  const authority = /^(?:[a-zA-Z][\w+.-]*:)?\/\/([^/?#]*)/.exec(value)?.[1];
  if (authority?.includes(' ')) return 'there is a space in its host';
  if (authority !== undefined && /:[^\]:]*$/.test(authority) && !/:\d*$/.test(authority)) {
    return 'its port is not a number';
  }
  return undefined;
}

/** A scrape address: host and port, never a path. */
export function addressProblem(address: string): string | undefined {
  return address.includes('/') ? 'a target is host:port, without scheme and path' : undefined;
}

function quoteAll(keys: readonly string[]): string {
  return keys.map(key => `"${key}"`).join(', ');
}

/** Reports at one key of a mapping and marks nothing else. */
export function reportAt(
  node: Node,
  key: string,
  context: ReadContext,
  problem: { readonly message: string; readonly remedy?: string; readonly conflict?: boolean },
): typeof INVALID {
  context.report({
    code: problem.conflict === true ? 'config-conflict' : 'config-bad-value',
    message: problem.message,
    ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }),
    at: keyNode(node, key) ?? node,
  });
  return INVALID;
}

/** An http or https URL that holds a token: read as a secret, so that no page prints it. */
export function httpUrlSecret(): Schema<Secret> {
  return mapped(secret(), (value, context) => {
    const problem = urlProblem(value.reveal()) ?? httpProblem(value.reveal());
    return problem === undefined ? value : bad(`Cannot use the URL of ${context.path}: ${problem}`, context);
  });
}

/** "host:port". The port must be there: Alertmanager knows no default one. */
export function hostPort(): Schema<string> {
  return checked('host:port', value => {
    if (value === '') return undefined;
    const match = /^(?:\[[^\]]*\]|[^:]*):(.*)$/.exec(value);
    if (match === null) return `Cannot take "${value}": host:port expected, the port is missing`;
    return match[1] === '' ? `Cannot take "${value}": the port is empty` : undefined;
  });
}
