// Cuts a template into text and the tokens of its actions, as Go's text/template does.

import { err, ok, type Result } from '../base/index.ts';
import { TEMPLATE_CHARS_MAX } from './limits.ts';

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'field'
  | 'variable'
  | 'word'
  | 'dot'
  | 'string'
  | 'char'
  | 'number'
  | 'pipe'
  | 'declare'
  | 'assign'
  | 'comma'
  | 'left'
  | 'right'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As written; of text after trimming. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface LexError {
  readonly message: string;
  readonly offset: number;
}

const SPACE = /[ \t\r\n]+/y;
const WORD = /[\p{L}\p{Nd}_]+/uy;
const FIELD = /\.[\p{L}\p{Nd}_]+/uy;
const VARIABLE = /\$[\p{L}\p{Nd}_]*/uy;
const NUMBER =
  /[+-]?(?:0[xX][0-9a-fA-F_]+(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?\d+)?|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?[\d_]+)?)/y;
const QUOTED = /"(?:[^"\\\n]|\\[^\n])*"/y;
const RAW = /`[^`]*`/y;
const CHAR = /'(?:[^'\\\n]|\\[^\n])+'/y;
const TRIMMED_CLOSE = /[ \t\r\n]+-\}\}/y;
const COMMENT_OPEN = /\{\{(?:-[ \t\r\n]+)?\/\*/y;
const COMMENT_CLOSE = /\*\/(?:[ \t\r\n]+-)?\}\}/y;

export function lexTemplate(text: string): Result<readonly Token[], LexError> {
  if (text.length > TEMPLATE_CHARS_MAX) {
    return err({ message: `template longer than ${TEMPLATE_CHARS_MAX} characters`, offset: 0 });
  }
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  while (at < text.length) {
    const open = text.indexOf('{{', at);
    const textEnd = open < 0 ? text.length : open;
    const trimsLeft = open >= 0 && /^\{\{-[ \t\r\n]/.test(text.slice(open, open + 4));
    pushText(tokens, { text, start: at, end: textEnd }, { left: trimNext, right: trimsLeft });
    trimNext = false;
    if (open < 0) break;
    const comment = matchAt(COMMENT_OPEN, text, open);
    if (comment !== undefined) {
      const close = text.indexOf('*/', open + comment.length);
      const ended = close < 0 ? undefined : matchAt(COMMENT_CLOSE, text, close);
      if (ended === undefined) {
        const message = close < 0 ? 'unclosed comment' : 'comment ends before closing delimiter';
        return err({ message, offset: open });
      }
      trimNext = ended.includes('-');
      at = close + ended.length;
      continue;
    }
    const action = lexAction(text, { open, start: open + (trimsLeft ? 3 : 2) }, tokens);
    if (!action.ok) return action;
    at = action.value.end;
    trimNext = action.value.trims;
  }
  tokens.push({ kind: 'end', text: '', start: text.length, end: text.length });
  return ok(tokens);
}

function pushText(
  tokens: Token[],
  part: { readonly text: string; readonly start: number; readonly end: number },
  trim: { readonly left: boolean; readonly right: boolean },
): void {
  let piece = part.text.slice(part.start, part.end);
  if (trim.left) piece = piece.replace(/^[ \t\r\n]+/, '');
  if (trim.right) piece = trimEnd(piece);
  if (piece !== '') tokens.push({ kind: 'text', text: piece, start: part.start, end: part.end });
}

/** By hand: /\s+$/ is quadratic in the length of inner white space. */
function trimEnd(piece: string): string {
  let end = piece.length;
  while (end > 0 && ' \t\r\n'.includes(piece.charAt(end - 1))) end--;
  return piece.slice(0, end);
}

function lexAction(
  text: string,
  place: { readonly open: number; readonly start: number },
  tokens: Token[],
): Result<{ readonly end: number; readonly trims: boolean }, LexError> {
  tokens.push({ kind: 'open', text: '{{', start: place.open, end: place.start });
  let at = place.start;
  let depth = 0;
  for (;;) {
    if (at >= text.length) return err({ message: 'unclosed action', offset: place.open });
    const trims = matchAt(TRIMMED_CLOSE, text, at);
    if (trims !== undefined || text.startsWith('}}', at)) {
      if (depth > 0) return err({ message: 'unclosed left paren', offset: at });
      const end = at + (trims === undefined ? 2 : trims.length);
      tokens.push({ kind: 'close', text: '}}', start: at, end });
      return ok({ end, trims: trims !== undefined });
    }
    const token = lexToken(text, at);
    if (!token.ok) return token;
    if (token.value.kind === 'left') depth++;
    if (token.value.kind === 'right' && --depth < 0) {
      return err({ message: 'unexpected right paren', offset: at });
    }
    tokens.push(token.value);
    at = token.value.end;
  }
}

const SIGNS: readonly (readonly [text: string, kind: TokenKind])[] = [
  [':=', 'declare'],
  ['=', 'assign'],
  ['|', 'pipe'],
  ['(', 'left'],
  [')', 'right'],
  [',', 'comma'],
];

/** In order: a field begins with a dot as a number may, and a word may begin with a digit only as a number. */
const PATTERNS: readonly (readonly [pattern: RegExp, kind: TokenKind])[] = [
  [SPACE, 'space'],
  [QUOTED, 'string'],
  [RAW, 'string'],
  [CHAR, 'char'],
  [VARIABLE, 'variable'],
];

function lexToken(text: string, at: number): Result<Token, LexError> {
  const make = (kind: TokenKind, piece: string): Result<Token, LexError> =>
    ok({ kind, text: piece, start: at, end: at + piece.length });
  for (const [sign, kind] of SIGNS) if (text.startsWith(sign, at)) return make(kind, sign);
  for (const [pattern, kind] of PATTERNS) {
    const piece = matchAt(pattern, text, at);
    if (piece !== undefined) return endsWell(text, make(kind, piece));
  }
  const first = text.charAt(at);
  if (/[0-9+-]/.test(first) || (first === '.' && /[0-9]/.test(text.charAt(at + 1)))) {
    const piece = matchAt(NUMBER, text, at);
    if (piece === undefined)
      return err({ message: `bad number syntax: "${text.slice(at, at + 2)}"`, offset: at });
    if (/[\p{L}\p{Nd}_]/u.test(text.charAt(at + piece.length))) {
      return err({ message: `bad number syntax: "${text.slice(at, at + piece.length + 1)}"`, offset: at });
    }
    return make('number', piece);
  }
  const field = matchAt(FIELD, text, at);
  if (field !== undefined) return endsWell(text, make('field', field));
  if (first === '.') return make('dot', '.');
  const word = matchAt(WORD, text, at);
  if (word !== undefined) return endsWell(text, make('word', word));
  if (first === '"') return err({ message: 'unterminated quoted string', offset: at });
  if (first === '`') return err({ message: 'unterminated raw quoted string', offset: at });
  if (first === "'") return err({ message: 'unterminated character constant', offset: at });
  return err({ message: `unexpected bad character ${JSON.stringify(first)} in action`, offset: at });
}

/** Go wants a delimiter after a word, a field and a variable: `$x"y"` is a mistake. */
function endsWell(text: string, token: Result<Token, LexError>): Result<Token, LexError> {
  if (!token.ok || token.value.kind === 'space' || token.value.kind === 'string') return token;
  const next = text.charAt(token.value.end);
  if (next === '' || /[ \t\r\n.,|:=()}]/.test(next)) return token;
  return err({ message: `bad character ${JSON.stringify(next)}`, offset: token.value.end });
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  // Sticky patterns hold their position in lastIndex: it is set before each use and never read after.
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
