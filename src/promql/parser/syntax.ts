// Where a text leaves the language. Follows Prometheus's own grammar token by token and stops at the first that cannot
// stand where it does, so that this place is Prometheus's too; what Prometheus notes on the way there (a bad number, an
// unknown function, an offset of a sum) is noted in the same order. It makes no tree: that is the official grammar's and
// build.ts's.

import { compileMatcher, type MatchOp } from '../../model/index.ts';
import type { ParseProblem } from './context.ts';
import type { Token } from './lexer.ts';
import { unquote } from './literals.ts';
import {
  expect,
  is,
  nested,
  note,
  peek,
  type Reader,
  readerOf,
  refuse,
  signedNumber,
  take,
  takeNumber,
  textOf,
} from './reader.ts';
import { functionName, SIGNATURES, WITH_PARAMETER } from './signatures.ts';
import { type Operand, POSTFIX, postfix } from './syntax-postfix.ts';

const AGGREGATIONS: ReadonlySet<string> = new Set([
  ...['avg', 'bottomk', 'count', 'count_values', 'group', 'limit_ratio', 'limitk', 'max', 'min'],
  ...['quantile', 'stddev', 'stdvar', 'sum', 'topk'],
]);
/** Keywords that are also names of functions. */
const CALLABLE: ReadonlySet<string> = new Set(['start', 'end', 'step', 'range', 'min_of', 'max_of']);
/** Keywords that may be names of metrics. */
const NAMES: ReadonlySet<string> = new Set([
  ...AGGREGATIONS,
  ...CALLABLE,
  ...['identifier', 'metric', 'and', 'or', 'unless', 'by', 'without', 'offset', 'anchored', 'smoothed'],
]);
/** What may be a label in `by (…)`: keywords but "without". */
const LABELS: ReadonlySet<string> = new Set([
  ...[...NAMES].filter(name => name !== 'without'),
  ...['string', 'atan2', 'bool', 'on', 'ignoring', 'group_left', 'group_right'],
]);
const OPERAND_STARTS: ReadonlySet<string> = new Set([
  ...NAMES,
  ...['+', '-', 'number', 'duration', 'string', '(', '{'],
]);
const BINARY: ReadonlySet<string> = new Set([
  ...['+', '-', '*', '/', '%', '^', 'atan2', '==', '!=', '<', '<=', '>', '>=', '</', '>/'],
  ...['and', 'or', 'unless'],
]);
const MATCH_OPS: readonly MatchOp[] = ['=', '!=', '=~', '!~'];

export interface Syntax {
  /** What is wrong, in the order found; the last one is where reading ended. */
  readonly problems: readonly ParseProblem[];
  /** Where "offset" is a metric's name. */
  readonly offsetNames: readonly number[];
}

export function readSyntax(text: string): Syntax {
  const reader = readerOf(text);
  if (is(reader, 'eof')) note(reader, { start: 0, end: 0 }, 'no expression found in input');
  else if (expression(reader) && !is(reader, 'eof')) refuse(reader);
  return reader;
}

// --- expressions: each part says whether to go on ---------------------------------------------------

function expression(reader: Reader): boolean {
  return nested(reader, chain);
}

function chain(reader: Reader): boolean {
  for (;;) {
    while (is(reader, '+', '-')) take(reader);
    let one = operand(reader);
    while (one !== undefined && POSTFIX.has(peek(reader).kind)) one = postfix(reader, one);
    if (one === undefined) return false;
    if (!BINARY.has(peek(reader).kind)) return true;
    take(reader);
    if (!binaryModifiers(reader)) return false;
  }
}

/** Reads an operand without what stands behind it; undefined where reading ends. */
function operand(reader: Reader): Operand | undefined {
  const { kind, span } = peek(reader);
  const read = (kind: Operand['kind'], isRead: boolean): Operand | undefined =>
    isRead ? { kind, span: { start: span.start, end: reader.end } } : undefined;
  switch (kind) {
    case 'number':
    case 'duration':
      takeNumber(reader);
      return read('other', true);
    case 'string':
      take(reader);
      return read('other', true);
    case '(':
      take(reader);
      return read('other', expression(reader) && expect(reader, ')', 'behind the expression'));
    case '{':
      return read('selector', matchers(reader));
    default:
      if (!NAMES.has(kind)) return read('other', refuse(reader, 'an operand'));
      return named(reader, take(reader), read);
  }
}

/** A selector, a call or an aggregation. */
function named(
  reader: Reader,
  name: Token,
  read: (kind: Operand['kind'], isRead: boolean) => Operand | undefined,
): Operand | undefined {
  const { kind } = name;
  if (AGGREGATIONS.has(kind) && is(reader, '(', 'by', 'without'))
    return read('other', aggregation(reader, name));
  if (kind === 'offset') reader.offsetNames.push(name.span.start);
  if (is(reader, '{')) return read('selector', matchers(reader));
  if (!is(reader, '(') || !(kind === 'identifier' || CALLABLE.has(kind))) return read('selector', true);
  if (callBody(reader) === undefined) return undefined;
  const word = functionName(textOf(reader, name));
  if (!SIGNATURES.has(word)) note(reader, name.span, `unknown function with name "${word}"`);
  return read('other', true);
}

function aggregation(reader: Reader, { kind, span }: Token): boolean {
  const isModified = is(reader, 'by', 'without');
  if (isModified && !grouping(reader)) return false;
  const got = callBody(reader);
  if (got === undefined) return false;
  if (!isModified && is(reader, 'by', 'without') && !grouping(reader)) return false;
  const where = { start: span.start, end: reader.end };
  const wanted = WITH_PARAMETER.has(kind) ? 2 : 1;
  if (got === 0) note(reader, where, 'no arguments for aggregate expression provided');
  else if (got !== wanted) {
    const counts = `expected ${wanted}, got ${got}`;
    note(reader, where, `wrong number of arguments for aggregate expression provided, ${counts}`);
  }
  return true;
}

function grouping(reader: Reader): boolean {
  take(reader);
  return labels(reader);
}

/** The number of arguments; undefined where reading ends. */
function callBody(reader: Reader): number | undefined {
  if (!expect(reader, '(', 'in front of the arguments')) return undefined;
  let count = 0;
  if (!is(reader, ')')) {
    if (!expression(reader)) return undefined;
    count++;
  }
  while (!is(reader, ')')) {
    if (!is(reader, ',')) {
      refuse(reader, '"," or ")" behind an argument');
      return undefined;
    }
    const comma = take(reader);
    if (!OPERAND_STARTS.has(peek(reader).kind)) {
      note(reader, comma.span, 'trailing commas not allowed in function call args');
    } else if (expression(reader)) count++;
    else return undefined;
  }
  take(reader);
  return count;
}

/** `(a, b)` behind by, without, on, ignoring, group_left and group_right. */
function labels(reader: Reader): boolean {
  if (!expect(reader, '(', 'in front of labels')) return false;
  while (!is(reader, ')')) {
    if (!LABELS.has(peek(reader).kind)) return refuse(reader, 'a label');
    const label = take(reader);
    if (label.kind === 'string' && stringOf(reader, label) === '') {
      note(reader, label.span, 'invalid label name for grouping: ""');
    }
    if (!is(reader, ')') && !expect(reader, ',', 'or ")" behind a label')) return false;
  }
  take(reader);
  return true;
}

function matchers(reader: Reader): boolean {
  take(reader);
  while (!is(reader, '}')) {
    if (!matcher(reader)) return false;
    if (!is(reader, '}') && !expect(reader, ',', 'or "}" behind a matcher')) return false;
  }
  take(reader);
  return true;
}

function matcher(reader: Reader): boolean {
  if (!is(reader, 'string', 'identifier')) return refuse(reader, 'a label or "}"');
  const label = take(reader);
  const op = MATCH_OPS.find(one => is(reader, one));
  // A name alone in quotes is the metric's.
  if (op === undefined) return label.kind === 'string' || refuse(reader, 'one of = != =~ !~');
  take(reader);
  if (!is(reader, 'string')) return refuse(reader, 'a string behind the operator');
  const value = stringOf(reader, take(reader));
  const name = label.kind === 'string' ? stringOf(reader, label) : textOf(reader, label);
  const compiled = compileMatcher({ name, op, value });
  if (!compiled.ok) {
    const where = { start: label.span.start, end: reader.end };
    note(reader, where, `bad regular expression in matcher for "${name}": ${compiled.error}`);
  }
  return true;
}

/** The lexer took nothing for a string that cannot be read. */
function stringOf(reader: Reader, token: Token): string {
  const read = unquote(textOf(reader, token));
  return read.ok ? read.value : '';
}

// --- operators ----------------------------------------------------------------------------------

function binaryModifiers(reader: Reader): boolean {
  if (is(reader, 'bool')) take(reader);
  if (is(reader, 'on', 'ignoring')) {
    if (!grouping(reader)) return false;
    if (is(reader, 'group_left', 'group_right')) {
      take(reader);
      if (is(reader, '(') && !labels(reader)) return false;
    }
  }
  return fills(reader);
}

/** `fill (0)`, or fill_left and fill_right once each in any order. */
function fills(reader: Reader): boolean {
  const first = peek(reader).kind;
  if (first !== 'fill' && first !== 'fill_left' && first !== 'fill_right') return true;
  if (!fillValue(reader)) return false;
  const second = first === 'fill_left' ? 'fill_right' : 'fill_left';
  return first === 'fill' || !is(reader, second) || fillValue(reader);
}

function fillValue(reader: Reader): boolean {
  take(reader);
  if (!expect(reader, '(', 'in front of the value') || signedNumber(reader) === undefined) return false;
  return expect(reader, ')', 'behind the value');
}
