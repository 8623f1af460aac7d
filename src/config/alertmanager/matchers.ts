// Alertmanager's matchers: `severity=~"warning|critical"`, alone or in `{…, …}`. Two grammars are in use: the newer
// one (any UTF-8 name, Go's escapes) and the classic one. Alertmanager's default takes the newer and falls back.

import { err, ok, type Result } from '../../base/index.ts';
import { type CompiledMatcher, compileMatcher, type Matcher, type MatchOp } from '../../model/index.ts';
import { INVALID, list, type ReadContext, type Schema, text } from '../schema.ts';

/** `fallback` is Alertmanager's default. */
export type MatcherGrammar = 'fallback' | 'utf8' | 'classic';

const RESERVED = '{}!=~,\\"\'`';

/** Parses a list of matchers; "" and "{}" are the empty list. */
export function parseMatchers(
  input: string,
  grammar: MatcherGrammar = 'fallback',
): Result<readonly Matcher[], string> {
  if (grammar === 'utf8') return checkRegexes(parseUtf8(input));
  if (grammar === 'classic') return checkRegexes(parseClassic(input));
  const newer = parseUtf8(input);
  const classic = parseClassic(input);
  // Where both can read the text and disagree, the classic meaning holds, as in Alertmanager.
  if (!classic.ok) return checkRegexes(newer);
  return checkRegexes(classic);
}

function checkRegexes(parsed: Result<readonly Matcher[], string>): Result<readonly Matcher[], string> {
  if (!parsed.ok) return parsed;
  for (const matcher of parsed.value) {
    const compiled = compileMatcher(matcher);
    if (!compiled.ok) return err(compiled.error);
  }
  return parsed;
}

/** The schema of a `matchers:` list. */
export function matchers(grammar: MatcherGrammar = 'fallback'): Schema<readonly CompiledMatcher[]> {
  const lines = list(matcherLine(grammar));
  return {
    says: 'list of matchers',
    read(node, context) {
      const read = lines.read(node, context);
      return read === INVALID ? INVALID : read.flat();
    },
  };
}

function matcherLine(grammar: MatcherGrammar): Schema<readonly CompiledMatcher[]> {
  const line = text();
  return {
    says: 'matcher',
    read(node, context: ReadContext) {
      const read = line.read(node, context);
      if (read === INVALID) return INVALID;
      const parsed = parseMatchers(read, grammar);
      if (!parsed.ok) {
        context.report({
          code: 'config-bad-value',
          message: `Cannot use the matcher "${read.trim()}": ${parsed.error}`,
          remedy: 'write name="value" with one of = != =~ !~',
        });
        return INVALID;
      }
      return parsed.value.flatMap(matcher => {
        const compiled = compileMatcher(matcher);
        return compiled.ok ? [compiled.value] : [];
      });
    },
  };
}

// --- the newer grammar ----------------------------------------------------------------------------

function parseUtf8(input: string): Result<readonly Matcher[], string> {
  const found: Matcher[] = [];
  let at = skipSpace(input, 0);
  const open = input[at] === '{';
  if (open) at = skipSpace(input, at + 1);
  const expected = (what: string): Result<never, string> =>
    err(`at position ${at + 1}: ${what} expected, ${at < input.length ? `"${input[at]}"` : 'the end'} found`);
  while (at < input.length && input[at] !== '}') {
    const name = token(input, at);
    if (name === undefined) return expected('a label name');
    if (!name.ok) return name;
    at = skipSpace(input, name.value.end);
    const op = /^(?:=~|!~|!=|=)/.exec(input.slice(at, at + 2))?.[0];
    if (op === undefined) return expected('an operator such as =');
    at = skipSpace(input, at + op.length);
    const value = token(input, at);
    if (value === undefined) return expected('a label value');
    if (!value.ok) return value;
    at = skipSpace(input, value.value.end);
    if (name.value.text === '') return err('the label name is empty');
    found.push({ name: name.value.text, op: op as MatchOp, value: value.value.text });
    if (input[at] !== ',') break;
    at = skipSpace(input, at + 1);
  }
  if (open) {
    if (input[at] !== '}') return expected('a comma or close brace');
    at = skipSpace(input, at + 1);
  } else if (input[at] === '}') {
    return err('a close brace without an opening brace');
  }
  return at < input.length ? expected('the end') : ok(found);
}

function skipSpace(input: string, from: number): number {
  let at = from;
  while (at < input.length && /\s/.test(input[at] ?? '')) at++;
  return at;
}

/** An unquoted literal or a double-quoted text; undefined when neither begins here. */
function token(
  input: string,
  from: number,
): Result<{ readonly text: string; readonly end: number }, string> | undefined {
  if (input[from] === '"') return quoted(input, from);
  let end = from;
  while (end < input.length && !/\s/.test(input[end] ?? '') && !RESERVED.includes(input[end] ?? '')) end++;
  return end === from ? undefined : ok({ text: input.slice(from, end), end });
}

/** Go's string literal. `\x` and octal escapes are bytes, which together must be UTF-8. */
function quoted(
  input: string,
  from: number,
): Result<{ readonly text: string; readonly end: number }, string> {
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  const simple: Readonly<Record<string, number>> = {
    a: 7,
    b: 8,
    f: 12,
    n: 10,
    r: 13,
    t: 9,
    v: 11,
    '\\': 92,
    '"': 34,
  };
  let at = from + 1;
  for (;;) {
    const char = input.codePointAt(at);
    if (char === undefined || char === 10) return err(`at position ${from + 1}: a closing quote is missing`);
    const letter = String.fromCodePoint(char);
    at += letter.length;
    if (letter === '"') break;
    if (letter !== '\\') {
      bytes.push(...encoder.encode(letter));
      continue;
    }
    const rest = input.slice(at);
    const byte = simple[rest[0] ?? ''];
    const code = /^x([0-9a-fA-F]{2})|^([0-7]{3})|^u([0-9a-fA-F]{4})|^U([0-9a-fA-F]{8})/.exec(rest);
    if (byte !== undefined) {
      bytes.push(byte);
      at += 1;
    } else if (code !== null) {
      const [whole, hex, octal, short, long] = code;
      const value =
        octal !== undefined ? Number.parseInt(octal, 8) : Number.parseInt(hex ?? short ?? long ?? '', 16);
      const isByte = hex !== undefined || octal !== undefined;
      if (isByte ? value > 255 : value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
        return err(`"\\${whole}" is no character`);
      }
      bytes.push(...(isByte ? [value] : encoder.encode(String.fromCodePoint(value))));
      at += whole.length;
    } else {
      return err(`"\\${rest[0] ?? ''}" is not an escape: double the backslash`);
    }
  }
  try {
    return ok({ text: new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(bytes)), end: at });
  } catch {
    return err(`${input.slice(from, at)} is not valid UTF-8`);
  }
}

// --- the classic grammar --------------------------------------------------------------------------

function parseClassic(input: string): Result<readonly Matcher[], string> {
  const body = input.trim().replace(/^\{/, '').replace(/\}$/, '');
  const parts = splitClassic(body);
  const found: Matcher[] = [];
  for (const part of parts) {
    const one = classicMatcher(part);
    if (!one.ok) return one;
    found.push(one.value);
  }
  return ok(found);
}

/** Commas outside quotes part the matchers; one may stand at the end. */
function splitClassic(body: string): readonly string[] {
  const parts: string[] = [];
  let part = '';
  let inside = false;
  let escaped = false;
  for (const char of body) {
    if (char === ',' && !inside) {
      parts.push(part);
      part = '';
      continue;
    }
    if (char === '"' && !escaped) inside = !inside;
    escaped = char === '\\' && !escaped;
    part += char;
  }
  if (part.trim() !== '') parts.push(part);
  return parts;
}

function classicMatcher(part: string): Result<Matcher, string> {
  const match = /^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*([\s\S]*?)\s*$/.exec(part);
  if (match === null) return err(`bad matcher format: ${part.trim()}`);
  const [, name = '', op = '=', raw = ''] = match;
  let rest = raw;
  const isQuoted = rest.startsWith('"');
  if (isQuoted) rest = rest.slice(1);
  let value = '';
  let closed = false;
  for (let i = 0; i < rest.length; i++) {
    const char = rest[i] ?? '';
    const next = rest[i + 1];
    if (char === '\\' && (next === 'n' || next === '"' || next === '\\')) {
      value += next === 'n' ? '\n' : next;
      i++;
    } else if (char === '"') {
      if (!isQuoted || i !== rest.length - 1)
        return err(`matcher value contains unescaped double quote: ${raw}`);
      closed = true;
    } else {
      value += char;
    }
  }
  if (isQuoted && !closed) return err(`matcher value contains unescaped double quote: ${raw}`);
  return ok({ name, op: op as MatchOp, value });
}
