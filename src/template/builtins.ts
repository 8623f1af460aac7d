// The functions that every Go template has. `and` and `or` are not here: they evaluate their operands lazily and
// live in the evaluator.

import { compareUtf8, err, ok, type Result } from '../base/index.ts';
import { sprint, sprintf, sprintln } from './format.ts';
import {
  entryOf,
  type FunctionTable,
  isList,
  isMap,
  isObject,
  isTrue,
  type TemplateFunction,
  traitsOf,
  typeName,
  type Value,
} from './values.ts';

/** Names that the evaluator handles itself. */
export const LAZY_FUNCTIONS: ReadonlySet<string> = new Set(['and', 'or']);

export function builtinFunctions(outputCharsMax: number): FunctionTable {
  const budget = (): { charsLeft: number } => ({ charsLeft: outputCharsMax });
  const text = (make: (args: readonly Value[]) => string): TemplateFunction => ({
    params: [],
    rest: 'any',
    call: args => ok(make(args)),
  });
  return new Map<string, TemplateFunction>([
    ['not', { params: ['any'], call: ([value]) => ok(!isTrue(value)) }],
    ['eq', { params: ['any'], rest: 'any', call: args => equalsAny(args) }],
    ['ne', { params: ['any', 'any'], call: ([a, b]) => negate(equals(a, b)) }],
    ['lt', { params: ['any', 'any'], call: ([a, b]) => order(a, b, sign => sign < 0) }],
    ['le', { params: ['any', 'any'], call: ([a, b]) => order(a, b, sign => sign <= 0) }],
    ['gt', { params: ['any', 'any'], call: ([a, b]) => order(a, b, sign => sign > 0) }],
    ['ge', { params: ['any', 'any'], call: ([a, b]) => order(a, b, sign => sign >= 0) }],
    ['index', { params: ['any'], rest: 'any', call: ([value, ...keys]) => index(value, keys) }],
    ['slice', { params: ['any'], rest: 'any', call: ([value, ...bounds]) => slice(value, bounds) }],
    ['len', { params: ['any'], call: ([value]) => length(value) }],
    ['print', text(args => sprint(args, budget()))],
    ['println', text(args => sprintln(args, budget()))],
    [
      'printf',
      {
        params: ['string'],
        rest: 'any',
        call: ([format, ...args]) => ok(sprintf(String(format), args, budget())),
      },
    ],
    ['html', text(args => escapeHtml(joined(args, budget())))],
    ['js', text(args => escapeJs(joined(args, budget())))],
    ['urlquery', text(args => queryEscape(joined(args, budget())))],
  ]);
}

function joined(args: readonly Value[], budget: { charsLeft: number }): string {
  return args.length === 1 && typeof args[0] === 'string' ? args[0] : sprint(args, budget);
}

const HTML: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[\0"'&<>]/g, char => HTML[char] ?? char);
}

const JS: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
};

export function escapeJs(text: string): string {
  return text.replace(
    /[\\'"<>&=]|\p{Cc}|[\u2028\u2029]/gu,
    char => JS[char] ?? `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  );
}

/** Half a surrogate pair has no UTF-8 form: it becomes U+FFFD, as in Go. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** url.QueryEscape: letters, digits and "-_.~" stay, a blank becomes "+". */
export function queryEscape(text: string): string {
  return encodeURIComponent(wellFormed(text))
    .replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

type Failable = Result<Value, string>;

function negate(result: Failable): Failable {
  return result.ok ? ok(!isTrue(result.value)) : result;
}

/** True if the first equals any of the others. */
function equalsAny(args: readonly Value[]): Failable {
  const [first, ...others] = args;
  if (others.length === 0) return err('missing argument for comparison');
  for (const other of others) {
    const same = equals(first, other);
    if (!same.ok || same.value === true) return same;
  }
  return ok(false);
}

function equals(a: Value, b: Value): Failable {
  const absent = (value: Value): boolean => value === null || value === undefined;
  if (absent(a) || absent(b)) return ok(absent(a) && absent(b));
  const aTime = traitsOf(a)?.timeNs ?? traitsOf(a)?.durationNs;
  const bTime = traitsOf(b)?.timeNs ?? traitsOf(b)?.durationNs;
  if (aTime !== undefined && bTime !== undefined) return ok(aTime === bTime);
  if (typeof a === 'object' || typeof b === 'object') {
    const culprit = typeof a === 'object' ? a : b;
    return err(`non-comparable type ${typeName(culprit)}`);
  }
  if (typeof a !== typeof b) return err('incompatible types for comparison');
  return ok(a === b);
}

function order(a: Value, b: Value, wanted: (sign: number) => boolean): Failable {
  const left = traitsOf(a)?.durationNs ?? a;
  const right = traitsOf(b)?.durationNs ?? b;
  if (typeof left === 'string' && typeof right === 'string') return ok(wanted(compareUtf8(left, right)));
  if (typeof left === 'number' && typeof right === 'number') {
    return ok(
      Number.isNaN(left) || Number.isNaN(right) ? false : wanted(left < right ? -1 : left > right ? 1 : 0),
    );
  }
  if (typeof left === 'bigint' && typeof right === 'bigint') {
    return ok(wanted(left < right ? -1 : left > right ? 1 : 0));
  }
  const basic = (value: Value): boolean => ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
  return err(
    basic(left) && basic(right) && typeof left !== typeof right
      ? 'incompatible types for comparison'
      : 'invalid type for comparison',
  );
}

function index(start: Value, keys: readonly Value[]): Failable {
  let value = start;
  for (const key of keys) {
    if (value === null || value === undefined) return err('index of untyped nil');
    if (isList(value) || typeof value === 'string') {
      if (typeof key !== 'bigint') return err(`cannot index slice/array with type ${typeName(key)}`);
      const size: number = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
      if (key < 0n || key >= BigInt(size)) return err(`index out of range: ${key}`);
      value = typeof value === 'string' ? BigInt(Buffer.from(value)[Number(key)] ?? 0) : value[Number(key)];
    } else if (isMap(value) || (isObject(value) && traitsOf(value)?.struct !== true)) {
      if (typeof key !== 'string') return err(`value has type ${typeName(key)}; should be string`);
      const found: Value = entryOf(value, key);
      value = found === undefined && isMap(value) ? '' : found;
    } else {
      return err(`can't index item of type ${typeName(value)}`);
    }
  }
  return ok(value);
}

function slice(value: Value, bounds: readonly Value[]): Failable {
  if (bounds.length > 3) return err(`too many slice indexes: ${bounds.length}`);
  if (!isList(value) && typeof value !== 'string') return err(`can't slice item of type ${typeName(value)}`);
  if (bounds.length === 3 && typeof value === 'string') return err('cannot 3-index slice a string');
  const bytes = typeof value === 'string' ? Buffer.from(value) : undefined;
  const size = bytes?.length ?? value.length;
  const whole: number[] = [];
  for (const bound of bounds) {
    if (typeof bound !== 'bigint') return err(`cannot index slice/array with type ${typeName(bound)}`);
    if (bound < 0n || bound > BigInt(size)) return err(`index out of range: ${bound}`);
    whole.push(Number(bound));
  }
  const [from = 0, to = size] = whole;
  if (from > to) return err(`invalid slice index: ${from} > ${to}`);
  return ok(bytes === undefined ? value.slice(from, to) : bytes.subarray(from, to).toString('utf8'));
}

function length(value: Value): Failable {
  if (typeof value === 'string') return ok(BigInt(Buffer.byteLength(value)));
  if (isList(value)) return ok(BigInt(value.length));
  if (isMap(value)) return ok(BigInt(value.size));
  if (isObject(value) && traitsOf(value)?.struct !== true) return ok(BigInt(Object.keys(value).length));
  if (value === null || value === undefined) return err('len of nil pointer');
  return err(`len of type ${typeName(value)}`);
}
