// Numbers, durations and strings of PromQL. Strings may hold bytes that are not UTF-8 ("\xff"): such a byte is kept
// as the lone surrogate U+DC00 + byte, so that it can be told apart and printed again.

import { err, ok, parseDuration, type Result } from '../../base/index.ts';

/** The language keeps durations in signed 64-bit nanoseconds: some 292 years. */
export const DURATION_SECONDS_MAX = 9_223_372_036;

export interface ParsedNumber {
  readonly value: number;
  readonly duration: boolean;
}

/** Reads what the grammar calls a number: 1, 0x1f, 0755 (octal as in Go), 1e-3, Inf, NaN, 1h30m (seconds). */
export function parseNumber(text: string): Result<ParsedNumber, string> {
  const lower = text.toLowerCase();
  if (/^[+-]/.test(lower)) {
    const rest = parseNumber(lower.slice(1));
    if (!rest.ok || lower[0] === '+') return rest;
    return ok({ value: -rest.value.value, duration: rest.value.duration });
  }
  if (lower === 'inf') return ok({ value: Number.POSITIVE_INFINITY, duration: false });
  if (lower === 'nan') return ok({ value: Number.NaN, duration: false });
  const digits = lower.replaceAll('_', '');
  if (/^0x[0-9a-f]+$/.test(digits)) return ok({ value: Number(digits), duration: false });
  if (/^0[0-7]+$/.test(digits)) return ok({ value: Number.parseInt(digits, 8), duration: false });
  if (/^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(digits)) {
    const value = Number(digits);
    if (!Number.isFinite(value)) return err(`error parsing number: "${text}": value out of range`);
    return ok({ value, duration: false });
  }
  if (!/^[\dywdhms]+$/.test(text)) return err(`bad number or duration syntax: "${text}"`);
  const parsed = parseDuration(text);
  if (!parsed.ok) return err(parsed.error);
  return ok({ value: parsed.value / 1000, duration: true });
}

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
};

/** Reads a quoted string with Go's escapes; backticks quote raw text. */
export function unquote(literal: string): Result<string, string> {
  const quote = literal[0] ?? '';
  if (literal.length < 2 || literal[literal.length - 1] !== quote) {
    return err(quote === '`' ? 'unterminated raw string' : 'unterminated quoted string');
  }
  const body = literal.slice(1, -1);
  if (quote === '`' || !body.includes('\\')) return ok(body);
  const out: string[] = [];
  let bytes: number[] = [];
  let i = 0;
  const flush = (): void => {
    if (bytes.length > 0) out.push(decodeBytes(bytes));
    bytes = [];
  };
  while (i < body.length) {
    const c = body[i] as string;
    if (c !== '\\') {
      flush();
      out.push(c);
      i++;
      continue;
    }
    const found = readEscape(body, i + 1, quote);
    if (!found.ok) return found;
    if (found.value.byte) bytes.push(found.value.code);
    else {
      flush();
      out.push(String.fromCodePoint(found.value.code));
    }
    i = found.value.next;
  }
  // A backslash in front of the closing quote escapes it: the string never ended.
  flush();
  return ok(out.join(''));
}

export interface Escape {
  readonly code: number;
  /** Whether it stands for a byte rather than a code point. */
  readonly byte: boolean;
  readonly next: number;
}

/** Reads the escape whose backslash stands in front of `at`. */
export function readEscape(body: string, at: number, quote: string): Result<Escape, string> {
  const c = body[at];
  if (c === undefined) return err('escape sequence not terminated');
  const simple = SIMPLE_ESCAPES[c];
  if (simple !== undefined) return ok({ code: simple, byte: false, next: at + 1 });
  if (c === quote) return ok({ code: c.charCodeAt(0), byte: false, next: at + 1 });
  const shapes: Readonly<Record<string, readonly [digits: number, base: number, skip: number]>> = {
    x: [2, 16, 1],
    u: [4, 16, 1],
    U: [8, 16, 1],
  };
  const shape = shapes[c] ?? (/[0-7]/.test(c) ? ([3, 8, 0] as const) : undefined);
  if (shape === undefined) return err(`unknown escape sequence "\\${c}"`);
  const [digits, base, skip] = shape;
  const text = body.slice(at + skip, at + skip + digits);
  const allowed = base === 16 ? /^[0-9a-fA-F]+$/ : /^[0-7]+$/;
  if (text.length < digits || !allowed.test(text)) {
    return err(`illegal character in escape sequence "\\${c}"`);
  }
  const code = Number.parseInt(text, base);
  const byte = digits < 4;
  if (byte ? code > 255 : code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    return err(`escape sequence is an invalid code point: "\\${body.slice(at, at + skip + digits)}"`);
  }
  return ok({ code, byte, next: at + skip + digits });
}

/** Decodes UTF-8; each byte that is not part of a valid sequence becomes U+DC00 + byte. */
function decodeBytes(bytes: readonly number[]): string {
  let text = '';
  let i = 0;
  while (i < bytes.length) {
    const length = sequenceLength(bytes[i] as number);
    const decoded =
      length > 0 && i + length <= bytes.length ? decodeOne(bytes.slice(i, i + length)) : undefined;
    if (decoded === undefined) {
      text += String.fromCharCode(0xdc00 + (bytes[i] as number));
      i++;
    } else {
      text += decoded;
      i += length;
    }
  }
  return text;
}

function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

function decodeOne(bytes: readonly number[]): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return undefined;
  }
}

/** Quotes a string so that it reads back the same: U+FFFD as written would be taken for a byte that is not UTF-8. */
export function quote(text: string): string {
  let out = '"';
  for (const c of text) {
    const code = c.codePointAt(0) as number;
    if (c === '"' || c === '\\') out += `\\${c}`;
    else if (c === '\n') out += '\\n';
    else if (c === '\t') out += '\\t';
    else if (c === '\r') out += '\\r';
    else if (code < 0x20 || code === 0x7f) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (code === 0xfffd) out += '\\ufffd';
    else if (code >= 0xdc00 && code <= 0xdcff) out += `\\x${(code - 0xdc00).toString(16).padStart(2, '0')}`;
    else out += c;
  }
  return `${out}"`;
}

/** Whether a text holds no byte that was not UTF-8. */
export function isValidUtf8(text: string): boolean {
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}

/** strconv.FormatFloat(value, 'f', -1, 64): the shortest digits that read back, never an exponent. */
export function formatPlainNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match;
  const exponent = Number(exponentText);
  const digits = whole + fraction;
  const point = whole.length + exponent;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return `${sign}${digits}${'0'.repeat(point - digits.length)}`;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
