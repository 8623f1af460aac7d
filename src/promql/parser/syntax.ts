// Where a text leaves the language. Follows Prometheus's own grammar token by token and stops at the first that cannot
// stand where it does, so that this place is Prometheus's too; what Prometheus notes on the way there (a bad number,
// an unknown function) is noted in the same order. It makes no tree: that is the official grammar's and build.ts's.

import type { TextSpan } from '../../model/index.ts';
import type { ParseProblem } from './context.ts';
import { Lexer, type Token } from './lexer.ts';
import { parseNumber } from './literals.ts';
import { functionName, SIGNATURES } from './signatures.ts';

/** Deepest nesting accepted: the passes over the tree recurse, and the stack must hold on every platform. */
export const EXPR_DEPTH_MAX = 1000;

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
const POSTFIX: ReadonlySet<string> = new Set(['[', 'offset', '@', 'anchored', 'smoothed']);
const DURATION_OPS: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '^']);
const MATCH_OPS: ReadonlySet<string> = new Set(['=', '!=', '=~', '!~']);

interface Reader {
  readonly text: string;
  readonly lexer: Lexer;
  readonly problems: ParseProblem[];
  /** The first token that was not taken. */
  token: Token;
  depth: number;
}

/** What is wrong with the syntax, in the order found; the last one is where reading ended. */
export function findSyntaxProblems(text: string): readonly ParseProblem[] {
  const lexer = new Lexer(text);
  const start: Token = { kind: 'eof', span: { start: 0, end: 0 } };
  const reader: Reader = { text, lexer, problems: [], token: start, depth: 0 };
  advance(reader);
  if (reader.token.kind === 'eof') {
    note(reader, { start: 0, end: 0 }, 'no expression found in input');
  } else if (expression(reader) && reader.token.kind !== 'eof') refuse(reader);
  return reader.problems;
}

// --- reading: each part says whether to go on -----------------------------------------------------

function advance(reader: Reader): true {
  reader.token = reader.lexer.next();
  const { kind, span, message = '' } = reader.token;
  if (kind === 'error') note(reader, span, message);
  return true;
}

function note(reader: Reader, span: TextSpan, message: string): void {
  reader.problems.push({ message, span });
}

function refuse(reader: Reader, expected = ''): false {
  const { kind, span } = reader.token;
  // What cannot be a token was noted when it was read.
  if (kind === 'error') return false;
  const shown = kind === 'eof' ? 'end of input' : JSON.stringify(reader.text.slice(span.start, span.end));
  note(reader, span, `unexpected ${shown}${expected === '' ? '' : `: ${expected} expected`}`);
  return false;
}

function is(reader: Reader, ...kinds: readonly string[]): boolean {
  return kinds.includes(reader.token.kind);
}

function expect(reader: Reader, kind: string, where: string): boolean {
  return is(reader, kind) ? advance(reader) : refuse(reader, `"${kind}" ${where}`);
}

/** Reads something nested; the reader's own stack is bounded so. */
function nested(reader: Reader, read: (reader: Reader) => boolean): boolean {
  if (reader.depth >= EXPR_DEPTH_MAX) {
    note(reader, reader.token.span, `expression nested too deeply: at most ${EXPR_DEPTH_MAX} levels`);
    return false;
  }
  reader.depth++;
  const isFine = read(reader);
  reader.depth--;
  return isFine;
}

// --- expressions ------------------------------------------------------------------------------------

function expression(reader: Reader): boolean {
  return nested(reader, chain);
}

function chain(reader: Reader): boolean {
  for (;;) {
    if (!operand(reader)) return false;
    while (POSTFIX.has(reader.token.kind)) if (!postfix(reader)) return false;
    if (!BINARY.has(reader.token.kind)) return true;
    advance(reader);
    if (!binaryModifiers(reader)) return false;
  }
}

function operand(reader: Reader): boolean {
  while (is(reader, '+', '-')) advance(reader);
  switch (reader.token.kind) {
    case 'number':
    case 'duration':
      literal(reader);
      return true;
    case 'string':
      return advance(reader);
    case '(':
      return advance(reader) && expression(reader) && expect(reader, ')', 'behind the expression');
    case '{':
      return matchers(reader);
    default:
      return NAMES.has(reader.token.kind) ? named(reader) : refuse(reader, 'an operand');
  }
}

/** A selector, a call or an aggregation. */
function named(reader: Reader): boolean {
  const name = reader.token;
  advance(reader);
  if (AGGREGATIONS.has(name.kind) && is(reader, '(', 'by', 'without')) return aggregation(reader);
  if (is(reader, '{')) return matchers(reader);
  if (!is(reader, '(') || !(name.kind === 'identifier' || CALLABLE.has(name.kind))) return true;
  if (!callBody(reader)) return false;
  const word = functionName(reader.text.slice(name.span.start, name.span.end));
  if (!SIGNATURES.has(word)) note(reader, name.span, `unknown function with name "${word}"`);
  return true;
}

function aggregation(reader: Reader): boolean {
  if (is(reader, 'by', 'without')) return advance(reader) && labels(reader) && callBody(reader);
  if (!callBody(reader)) return false;
  return is(reader, 'by', 'without') ? advance(reader) && labels(reader) : true;
}

function callBody(reader: Reader): boolean {
  if (!expect(reader, '(', 'in front of the arguments')) return false;
  if (is(reader, ')')) return advance(reader);
  if (!expression(reader)) return false;
  for (;;) {
    if (is(reader, ')')) return advance(reader);
    if (!is(reader, ',')) return refuse(reader, '"," or ")" behind an argument');
    const comma = reader.token.span;
    advance(reader);
    if (!OPERAND_STARTS.has(reader.token.kind)) {
      note(reader, comma, 'trailing commas not allowed in function call args');
    } else if (!expression(reader)) return false;
  }
}

/** `(a, b)` behind by, without, on, ignoring, group_left and group_right. */
function labels(reader: Reader): boolean {
  if (!expect(reader, '(', 'in front of labels')) return false;
  if (is(reader, ')')) return advance(reader);
  for (;;) {
    if (!LABELS.has(reader.token.kind)) return refuse(reader, 'a label');
    advance(reader);
    if (is(reader, ')')) return advance(reader);
    if (!expect(reader, ',', 'or ")" behind a label')) return false;
    if (is(reader, ')')) return advance(reader);
  }
}

function matchers(reader: Reader): boolean {
  advance(reader);
  if (is(reader, '}')) return advance(reader);
  for (;;) {
    const isQuoted = is(reader, 'string');
    if (!isQuoted && !is(reader, 'identifier')) return refuse(reader, 'a label or "}"');
    advance(reader);
    if (MATCH_OPS.has(reader.token.kind)) {
      advance(reader);
      if (!expect(reader, 'string', 'behind the operator')) return false;
    } else if (!isQuoted) return refuse(reader, 'one of = != =~ !~');
    if (is(reader, '}')) return advance(reader);
    if (!expect(reader, ',', 'or "}" behind a matcher')) return false;
    if (is(reader, '}')) return advance(reader);
  }
}

// --- operators ----------------------------------------------------------------------------------

function binaryModifiers(reader: Reader): boolean {
  if (is(reader, 'bool')) advance(reader);
  if (is(reader, 'on', 'ignoring')) {
    advance(reader);
    if (!labels(reader)) return false;
    if (is(reader, 'group_left', 'group_right')) {
      advance(reader);
      if (is(reader, '(') && !labels(reader)) return false;
    }
  }
  return fills(reader);
}

/** `fill (0)`, or fill_left and fill_right once each in any order. */
function fills(reader: Reader): boolean {
  const first = reader.token.kind;
  if (first !== 'fill' && first !== 'fill_left' && first !== 'fill_right') return true;
  if (!(advance(reader) && fillValue(reader))) return false;
  const second = reader.token.kind;
  if ((second !== 'fill_left' && second !== 'fill_right') || first === 'fill' || second === first)
    return true;
  return advance(reader) && fillValue(reader);
}

function fillValue(reader: Reader): boolean {
  if (!expect(reader, '(', 'in front of the value')) return false;
  return signedNumber(reader) && expect(reader, ')', 'behind the value');
}

function postfix(reader: Reader): boolean {
  const { kind } = reader.token;
  advance(reader);
  if (kind === '[') return brackets(reader);
  if (kind === 'offset') return offsetDuration(reader);
  return kind === '@' ? timestamp(reader) : true;
}

function timestamp(reader: Reader): boolean {
  if (!is(reader, 'start', 'end')) return signedNumber(reader);
  return advance(reader) && expect(reader, '(', 'behind start or end') && expect(reader, ')', 'behind "("');
}

function signedNumber(reader: Reader): boolean {
  if (is(reader, '+', '-')) advance(reader);
  if (!is(reader, 'number', 'duration')) return refuse(reader, 'a number');
  literal(reader);
  return true;
}

/** Takes a number or a duration; whether its value can be read. */
function literal(reader: Reader): boolean {
  const { span } = reader.token;
  const parsed = parseNumber(reader.text.slice(span.start, span.end));
  if (!parsed.ok) note(reader, span, parsed.error);
  advance(reader);
  return parsed.ok;
}

// --- durations ------------------------------------------------------------------------------------

function brackets(reader: Reader): boolean {
  if (!positiveDuration(reader)) return false;
  if (!is(reader, ':')) return expect(reader, ']', 'or ":" behind the range');
  advance(reader);
  if (is(reader, ']')) return advance(reader);
  return positiveDuration(reader) && expect(reader, ']', 'behind the step');
}

/** Where the whole duration is a literal that cannot be read, it counts as 0, which is refused once more. */
function positiveDuration(reader: Reader): boolean {
  const { start } = reader.token.span;
  const noted = reader.problems.length;
  if (!durations(reader)) return false;
  const bad = reader.problems[noted]?.span;
  if (bad === undefined) return true;
  const before = reader.text.slice(start, bad.start);
  const behind = reader.text.slice(bad.end, reader.token.span.start);
  if (/^[-+\s]*$/.test(before) && behind.trim() === '') {
    note(reader, { start, end: bad.end }, 'duration must be greater than 0');
  }
  return true;
}

function durations(reader: Reader): boolean {
  for (;;) {
    while (is(reader, '+', '-')) advance(reader);
    if (!durationOperand(reader)) return false;
    if (!DURATION_OPS.has(reader.token.kind)) return true;
    advance(reader);
  }
}

function durationOperand(reader: Reader): boolean {
  const { kind } = reader.token;
  if (kind === 'number' || kind === 'duration') {
    literal(reader);
    return true;
  }
  if (kind === '(') {
    return advance(reader) && nested(reader, durations) && expect(reader, ')', 'behind the duration');
  }
  if (kind === 'min_of' || kind === 'max_of') {
    if (!(advance(reader) && expect(reader, '(', `behind ${kind}`) && nested(reader, durations)))
      return false;
    if (!(expect(reader, ',', 'between durations') && nested(reader, durations))) return false;
    return expect(reader, ')', 'behind the durations');
  }
  if (kind !== 'step' && kind !== 'range') return refuse(reader, 'a number, a duration, step() or range()');
  return advance(reader) && expect(reader, '(', `behind ${kind}`) && expect(reader, ')', 'behind "("');
}

/** Only one operand: "foo offset 5s - 8" subtracts from foo. */
function offsetDuration(reader: Reader): boolean {
  if (is(reader, '+', '-')) advance(reader);
  return durationOperand(reader);
}
