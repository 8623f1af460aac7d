// Reading token by token: what syntax.ts and syntax-postfix.ts share.

import type { TextSpan } from '../../model/index.ts';
import type { ParseProblem } from './context.ts';
import { Lexer, type Token } from './lexer.ts';
import { parseNumber } from './literals.ts';

/** Deepest nesting accepted: the passes over the tree recurse, and the stack must hold on every platform. */
export const EXPR_DEPTH_MAX = 1000;

export interface Reader {
  readonly text: string;
  readonly lexer: Lexer;
  readonly problems: ParseProblem[];
  /** The first token that was not taken, once somebody has looked at it: what is noted before that comes before its error. */
  next: Token | undefined;
  /** Where the token that was taken last ends. */
  end: number;
  depth: number;
  /** Where "offset" is a metric's name. */
  readonly offsetNames: number[];
}

export function readerOf(text: string): Reader {
  return { text, lexer: new Lexer(text), problems: [], next: undefined, end: 0, depth: 0, offsetNames: [] };
}

export function peek(reader: Reader): Token {
  if (reader.next === undefined) {
    reader.next = reader.lexer.next();
    const { kind, span, message = '' } = reader.next;
    if (kind === 'error') note(reader, span, message);
  }
  return reader.next;
}

export function is(reader: Reader, ...kinds: readonly string[]): boolean {
  return kinds.includes(peek(reader).kind);
}

export function take(reader: Reader): Token {
  const token = peek(reader);
  reader.next = undefined;
  reader.end = token.span.end;
  return token;
}

/** Takes a token of this kind, or refuses what stands there. */
export function expect(reader: Reader, kind: string, where: string): boolean {
  if (!is(reader, kind)) return refuse(reader, `"${kind}" ${where}`);
  take(reader);
  return true;
}

export function textOf(reader: Reader, { span }: Token): string {
  return reader.text.slice(span.start, span.end);
}

export function note(reader: Reader, span: TextSpan, message: string): void {
  reader.problems.push({ message, span });
}

/** Notes that the next token cannot stand where it does. */
export function refuse(reader: Reader, expected = ''): false {
  const token = peek(reader);
  // What cannot be a token was noted when it was read.
  if (token.kind === 'error') return false;
  const shown = token.kind === 'eof' ? 'end of input' : JSON.stringify(textOf(reader, token));
  note(reader, token.span, `unexpected ${shown}${expected === '' ? '' : `: ${expected} expected`}`);
  return false;
}

/** Reads something nested; the stack is bounded so. */
export function nested<T>(reader: Reader, read: (reader: Reader) => T): T | false {
  if (reader.depth >= EXPR_DEPTH_MAX) {
    note(reader, peek(reader).span, `expression nested too deeply: at most ${EXPR_DEPTH_MAX} levels`);
    return false;
  }
  reader.depth++;
  const found = read(reader);
  reader.depth--;
  return found;
}

/** Takes a number or a duration; 0 for one that cannot be read, which is noted. */
export function takeNumber(reader: Reader): number {
  const token = take(reader);
  const parsed = parseNumber(textOf(reader, token));
  if (parsed.ok) return parsed.value.value;
  note(reader, token.span, parsed.error);
  return 0;
}

export function signedNumber(reader: Reader): number | undefined {
  const isNegative = is(reader, '+', '-') && take(reader).kind === '-';
  if (!is(reader, 'number', 'duration')) {
    refuse(reader, 'a number');
    return undefined;
  }
  const value = takeNumber(reader);
  return isNegative ? -value : value;
}
