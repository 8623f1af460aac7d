// encoding/json's output: sorted keys of maps, HTML characters escaped, Go's numbers.

import { err, ok, type Result } from '../base/index.ts';
import { wellFormed } from './builtins.ts';
import { formatE, formatF } from './floats.ts';
import { VALUE_DEPTH_MAX } from './limits.ts';
import { entryOf, isList, sortedKeys, traitsOf, type Value } from './values.ts';

export function toJson(value: Value, charsMax: number): Result<string, string> {
  const budget = { left: charsMax };
  const text = encode(value, budget, 0);
  if (text === undefined) return err('json: unsupported value');
  return budget.left < 0 ? err(`json: longer than ${charsMax} characters`) : ok(text);
}

function encode(value: Value, budget: { left: number }, depth: number): string | undefined {
  if (depth > VALUE_DEPTH_MAX || budget.left < 0) {
    budget.left = -1;
    return '';
  }
  const text = encodeAny(value, budget, depth);
  if (typeof value !== 'object') budget.left -= text?.length ?? 0;
  budget.left -= 1;
  return text;
}

function encodeAny(value: Value, budget: { left: number }, depth: number): string | undefined {
  if (value === null || value === undefined) return 'null';
  switch (typeof value) {
    case 'string':
      return JSON.stringify(wellFormed(value)).replace(
        /[<>&\u2028\u2029]/g,
        char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'number':
      return encodeNumber(value);
  }
  const json = traitsOf(value)?.json;
  if (json !== undefined) return encode(json(), budget, depth + 1);
  const parts: string[] = [];
  if (isList(value)) {
    for (const item of value) {
      const part = encode(item, budget, depth + 1);
      if (part === undefined) return undefined;
      parts.push(part);
    }
    return `[${parts.join(',')}]`;
  }
  const struct = traitsOf(value)?.struct === true;
  for (const key of struct ? Object.keys(value) : sortedKeys(value)) {
    const part = encode(entryOf(value, key), budget, depth + 1);
    if (part === undefined) return undefined;
    budget.left -= key.length;
    parts.push(`${JSON.stringify(key)}:${part}`);
  }
  return `{${parts.join(',')}}`;
}

function encodeNumber(value: number): string | undefined {
  if (!Number.isFinite(value)) return undefined;
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-6 || size >= 1e21))
    return formatE(value, undefined).replace(/e-0(\d)$/, 'e-$1');
  return formatF(value, undefined);
}
