// Prints values as Go's fmt package does: %v for every kind, and printf with its verbs and flags.

import { formatE, formatF, formatG, formatGPrecision, formatHexFloat } from './floats.ts';
import { PRINTF_WIDTH_MAX, VALUE_DEPTH_MAX } from './limits.ts';
import { entryOf, isList, isMap, isObject, sortedKeys, traitsOf, typeName, type Value } from './values.ts';

/** What is left of the output; printing a value that would exceed it stops early. */
export interface Budget {
  charsLeft: number;
}

/** `%v`. A nil inside prints `<nil>`. Stops adding once the budget is used up, leaving `charsLeft` below zero. */
export function formatValue(value: Value, budget: Budget, depth = 0): string {
  const text = formatAny(value, budget, depth);
  if (typeof value !== 'object' || value === null) budget.charsLeft -= text.length;
  return text;
}

function formatAny(value: Value, budget: Budget, depth: number): string {
  if (value === null || value === undefined) return '<nil>';
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return formatG(value);
    case 'bigint':
    case 'boolean':
      return String(value);
  }
  const text = traitsOf(value)?.text?.();
  if (text !== undefined) {
    budget.charsLeft -= text.length;
    return text;
  }
  if (depth >= VALUE_DEPTH_MAX || budget.charsLeft < 0) return '…';
  const parts: string[] = [];
  if (isList(value)) {
    for (const item of value) {
      if (budget.charsLeft < 0) break;
      parts.push(formatValue(item, budget, depth + 1));
      budget.charsLeft--;
    }
    return `[${parts.join(' ')}]`;
  }
  const struct = traitsOf(value)?.struct === true;
  const keys = struct && isObject(value) ? Object.keys(value) : sortedKeys(value);
  for (const key of keys) {
    if (budget.charsLeft < 0) break;
    const item = formatValue(entryOf(value, key), budget, depth + 1);
    parts.push(struct ? item : `${key}:${item}`);
    budget.charsLeft -= struct ? 1 : key.length + 2;
  }
  return struct ? `{${parts.join(' ')}}` : `map[${parts.join(' ')}]`;
}

/** fmt.Sprint: a blank between operands when neither is a string. */
export function sprint(args: readonly Value[], budget: Budget): string {
  let text = '';
  args.forEach((value, i) => {
    if (i > 0 && typeof value !== 'string' && typeof args[i - 1] !== 'string') text += ' ';
    text += formatValue(value, budget);
  });
  return text;
}

export function sprintln(args: readonly Value[], budget: Budget): string {
  return `${args.map(value => formatValue(value, budget)).join(' ')}\n`;
}

interface Flags {
  readonly minus: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
}

interface Directive {
  readonly verb: string;
  readonly flags: Flags;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

const DIRECTIVE = /%([-+# 0]*)(?:\[(\d+)\])?(\*|\d+)?(?:\.(\*|\d+)?)?(?:\[(\d+)\])?(.?)/gsu;

/** fmt.Sprintf, its complaints inside the text included: `%!d(string=x)`, `%!v(MISSING)`, `%!(EXTRA int=1)`. */
export function sprintf(format: string, args: readonly Value[], budget: Budget): string {
  let next = 0;
  let reordered = false;
  let last = 0;
  let text = '';
  for (const match of format.matchAll(DIRECTIVE)) {
    const [whole, flagText = '', widthIndex, widthText, precisionText, verbIndex, verb = ''] = match;
    text += format.slice(last, match.index);
    last = match.index + whole.length;
    if (budget.charsLeft - text.length < 0) break;
    if (widthIndex !== undefined) {
      next = Number(widthIndex) - 1;
      reordered = true;
    }
    const star = (): number | undefined => {
      const value = args[next++];
      return typeof value === 'bigint' ? Number(value) : undefined;
    };
    const width = widthText === '*' ? star() : widthText === undefined ? undefined : Number(widthText);
    const hasPrecision = /\./.test(whole.slice(1 + flagText.length));
    const given = precisionText === '*' ? star() : hasPrecision ? Number(precisionText ?? 0) : undefined;
    if (verbIndex !== undefined) {
      next = Number(verbIndex) - 1;
      reordered = true;
    }
    if (verb === '%') {
      text += '%';
      continue;
    }
    if (verb === '') {
      text += '%!(NOVERB)';
      continue;
    }
    if ((width ?? 0) > PRINTF_WIDTH_MAX || (given ?? 0) > PRINTF_WIDTH_MAX) {
      text += '%!(BADWIDTH)';
      continue;
    }
    if (next < 0 || next >= args.length) {
      text += verbIndex === undefined ? `%!${verb}(MISSING)` : `%!${verb}(BADINDEX)`;
      continue;
    }
    text += directive(args[next++], makeDirective(verb, flagText, { width, precision: given }), budget);
  }
  text += format.slice(last);
  if (!reordered && next < args.length) {
    const extra = args.slice(next).map(arg => `${typeName(arg)}=${formatValue(arg, budget)}`);
    text += `%!(EXTRA ${extra.join(', ')})`;
  }
  budget.charsLeft -= text.length;
  return text;
}

function makeDirective(
  verb: string,
  flagText: string,
  size: { readonly width: number | undefined; readonly precision: number | undefined },
): Directive {
  const minus = flagText.includes('-') || (size.width ?? 0) < 0;
  return {
    verb,
    width: size.width === undefined ? undefined : Math.abs(size.width),
    precision: size.precision,
    flags: {
      minus,
      plus: flagText.includes('+'),
      sharp: flagText.includes('#'),
      space: flagText.includes(' '),
      zero: flagText.includes('0') && !minus,
    },
  };
}

function directive(value: Value, how: Directive, budget: Budget): string {
  if (how.verb === 'T') return pad(value === null || value === undefined ? '<nil>' : typeName(value), how);
  if (value === null || value === undefined)
    return how.verb === 'v' ? pad('<nil>', how) : `%!${how.verb}(<nil>)`;
  switch (typeof value) {
    case 'boolean':
      return how.verb === 't' || how.verb === 'v' ? pad(String(value), how) : wrongVerb(value, how, budget);
    case 'bigint':
      return formatInteger(value, how) ?? wrongVerb(value, how, budget);
    case 'number':
      return formatFloat(value, how) ?? wrongVerb(value, how, budget);
    case 'string':
      return formatString(value, how) ?? wrongVerb(value, how, budget);
  }
  const text = traitsOf(value)?.text?.();
  if (text !== undefined && 'vsqxX'.includes(how.verb)) return formatString(text, how) ?? text;
  if (how.verb === 'v' || how.verb === 's') {
    return how.verb === 'v' ? pad(formatValue(value, budget), how) : composite(value, how, budget);
  }
  return composite(value, how, budget);
}

/** The verb goes to the elements: `printf "%d" (list 1 2)` is `[1 2]`. */
function composite(value: Value, how: Directive, budget: Budget, depth = 0): string {
  if (depth >= VALUE_DEPTH_MAX || budget.charsLeft < 0) return '…';
  const item = (inner: Value): string => {
    budget.charsLeft--;
    const nested = isList(inner) || isMap(inner) || isObject(inner);
    return nested ? composite(inner, how, budget, depth + 1) : directive(inner, how, budget);
  };
  if (isList(value)) return `[${value.map(item).join(' ')}]`;
  if (!isMap(value) && !isObject(value)) return item(value);
  if (traitsOf(value)?.struct === true && isObject(value))
    return `{${Object.values(value).map(item).join(' ')}}`;
  const entries = sortedKeys(value).map(key => `${directive(key, how, budget)}:${item(entryOf(value, key))}`);
  return `map[${entries.join(' ')}]`;
}

function wrongVerb(value: Value, how: Directive, budget: Budget): string {
  return `%!${how.verb}(${typeName(value)}=${formatValue(value, budget)})`;
}

function formatInteger(value: bigint, how: Directive): string | undefined {
  const magnitude = value < 0n ? -value : value;
  let digits: string;
  switch (how.verb) {
    case 'v':
    case 'd':
      digits = magnitude.toString();
      break;
    case 'b':
      digits = (how.flags.sharp ? '0b' : '') + magnitude.toString(2);
      break;
    case 'o':
      digits = (how.flags.sharp ? '0' : '') + magnitude.toString(8);
      break;
    case 'O':
      digits = `0o${magnitude.toString(8)}`;
      break;
    case 'x':
      digits = (how.flags.sharp ? '0x' : '') + magnitude.toString(16);
      break;
    case 'X':
      digits = (how.flags.sharp ? '0X' : '') + magnitude.toString(16).toUpperCase();
      break;
    case 'c':
    case 'q':
    case 'U':
      return formatRune(value, how);
    default:
      return undefined;
  }
  if (how.precision !== undefined) digits = digits.padStart(how.precision, '0');
  const sign = value < 0n ? '-' : how.flags.plus ? '+' : how.flags.space ? ' ' : '';
  return padNumber(
    sign,
    digits,
    how.precision === undefined ? how : { ...how, flags: { ...how.flags, zero: false } },
  );
}

function formatRune(value: bigint, how: Directive): string {
  const valid = value >= 0n && value <= 0x10ffffn && !(value >= 0xd800n && value <= 0xdfffn);
  const rune = valid ? String.fromCodePoint(Number(value)) : '\ufffd';
  if (how.verb === 'U') return pad(`U+${value.toString(16).toUpperCase().padStart(4, '0')}`, how);
  return pad(how.verb === 'c' ? rune : `'${rune.replace(/['\\]/g, '\\$&')}'`, how);
}

function formatFloat(value: number, how: Directive): string | undefined {
  const text = floatText(value, how);
  if (text === undefined) return undefined;
  const negative = text.startsWith('-');
  const digits = text.replace(/^[-+]/, '');
  const infinite = digits === 'Inf';
  const plus = how.flags.plus || (infinite && how.verb === 'v');
  const sign = negative ? '-' : plus || infinite ? '+' : how.flags.space ? ' ' : '';
  const finite = digits !== 'NaN' && !infinite;
  if (digits === 'NaN')
    return padNumber(how.flags.plus ? '+' : '', digits, { ...how, flags: { ...how.flags, zero: false } });
  return padNumber(sign, digits, finite ? how : { ...how, flags: { ...how.flags, zero: false } });
}

function floatText(value: number, how: Directive): string | undefined {
  const { precision } = how;
  switch (how.verb) {
    case 'v':
    case 'g':
      return precision === undefined ? formatG(value) : formatGPrecision(value, precision, how.flags.sharp);
    case 'G':
      return (
        precision === undefined ? formatG(value) : formatGPrecision(value, precision, how.flags.sharp)
      ).replace('e', 'E');
    case 'f':
    case 'F':
      return formatF(value, precision ?? 6);
    case 'e':
      return formatE(value, precision ?? 6);
    case 'E':
      return formatE(value, precision ?? 6).replace('e', 'E');
    case 'x':
      return formatHexFloat(value);
    case 'X':
      return formatHexFloat(value).toUpperCase();
    default:
      return undefined;
  }
}

function formatString(value: string, how: Directive): string | undefined {
  const cut = how.precision === undefined ? value : [...value].slice(0, how.precision).join('');
  switch (how.verb) {
    case 'v':
    case 's':
      return pad(cut, how);
    case 'q':
      return pad(how.flags.sharp && !cut.includes('`') ? `\`${cut}\`` : quoteGo(cut), how);
    case 'x':
    case 'X': {
      const hex = Buffer.from(value, 'utf8').subarray(0, how.precision).toString('hex');
      return pad(how.verb === 'X' ? hex.toUpperCase() : hex, how);
    }
    default:
      return undefined;
  }
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
  ['"', '\\"'],
]);

/** strconv.Quote. */
export function quoteGo(text: string): string {
  let quoted = '"';
  for (const char of text) {
    const point = char.codePointAt(0) ?? 0;
    const simple = ESCAPES.get(char);
    if (simple !== undefined) quoted += simple;
    else if (point < 0x20 || point === 0x7f) quoted += `\\x${point.toString(16).padStart(2, '0')}`;
    else if (/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char)) quoted += char;
    else if (point > 0xffff) quoted += `\\U${point.toString(16).padStart(8, '0')}`;
    else quoted += `\\u${point.toString(16).padStart(4, '0')}`;
  }
  return `${quoted}"`;
}

function pad(text: string, how: Directive): string {
  if (how.width === undefined) return text;
  const missing = how.width - [...text].length;
  if (missing <= 0) return text;
  if (how.flags.minus) return text + ' '.repeat(missing);
  return (how.flags.zero ? '0' : ' ').repeat(missing) + text;
}

function padNumber(sign: string, digits: string, how: Directive): string {
  if (how.width === undefined) return sign + digits;
  const missing = how.width - sign.length - digits.length;
  if (missing <= 0) return sign + digits;
  if (how.flags.minus) return sign + digits + ' '.repeat(missing);
  return how.flags.zero ? sign + '0'.repeat(missing) + digits : ' '.repeat(missing) + sign + digits;
}
