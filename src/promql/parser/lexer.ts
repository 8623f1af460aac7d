// Splits an expression into tokens as Prometheus's lexer does, so that what is wrong with a text is found at the same
// place. It only serves syntax.ts: the tree itself comes from the official grammar.

import type { TextSpan } from '../../model/index.ts';
import { readEscape } from './literals.ts';

export interface Token {
  /** A sign as written, a keyword in small letters, or number, duration, string, identifier, metric, eof, error. */
  readonly kind: string;
  readonly span: TextSpan;
  /** What is wrong, for an error. */
  readonly message?: string;
}

const KEYWORDS: ReadonlySet<string> = new Set([
  ...['and', 'or', 'unless', 'atan2'],
  ...['sum', 'avg', 'count', 'min', 'max', 'group', 'stddev', 'stdvar', 'topk', 'bottomk'],
  ...['count_values', 'quantile', 'limitk', 'limit_ratio'],
  ...['offset', 'smoothed', 'anchored', 'by', 'without', 'on', 'ignoring', 'group_left', 'group_right'],
  ...['bool', 'start', 'end', 'step', 'range', 'min_of', 'max_of'],
]);
/** Keywords only in front of a parenthesis, so that metrics may have these names. */
const FILLS: ReadonlySet<string> = new Set(['fill', 'fill_left', 'fill_right']);
const DURATION_WORDS: ReadonlySet<string> = new Set(['step', 'range', 'min_of', 'max_of']);
/** By their first sign, the signs of two that are tokens outside braces. */
const DOUBLES: Readonly<Record<string, readonly string[]>> = {
  '=': ['=='],
  '!': ['!='],
  '<': ['<=', '</'],
  '>': ['>=', '>/'],
};
const SPACE = ' \t\n\r';

/**
 * Gives one token after the other; after an error there are none. An error reaches from the token that could not be
 * read to the end of the text, as in Prometheus. Spans are in UTF-16 code units.
 */
export class Lexer {
  readonly #text: string;
  #at = 0;
  #start = 0;
  #parens = 0;
  #inBraces = false;
  #inBrackets = false;
  /** Between "[" and its first number only what durations are made of may stand. */
  #inDuration = false;
  #hasDuration = false;
  #hasColon = false;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token {
    this.#skip();
    this.#start = this.#at;
    if (this.#at >= this.#text.length) return this.#end();
    const c = this.#text[this.#at] as string;
    if (this.#inBraces) return this.#insideBraces(c);
    return this.#inDuration ? this.#insideDuration(c) : this.#statement(c);
  }

  #skip(): void {
    for (;;) {
      const c = this.#text[this.#at] ?? '';
      if (c !== '' && SPACE.includes(c)) this.#at++;
      else if (c === '#' && !this.#inDuration) this.#skipWhile(one => one !== '\n' && one !== '\r');
      else return;
    }
  }

  #skipWhile(wanted: (c: string) => boolean): void {
    while (this.#at < this.#text.length && wanted(this.#text[this.#at] as string)) this.#at++;
  }

  #end(): Token {
    if (this.#inBraces) return this.#error('unexpected end of input inside braces');
    if (this.#inDuration) return this.#error('unexpected end of input in duration expression');
    if (this.#parens > 0) return this.#error('unexpected end of input: unclosed left parenthesis');
    if (this.#inBrackets) return this.#error('unexpected end of input: unclosed left bracket');
    return this.#token('eof', 0);
  }

  #statement(c: string): Token {
    const pair = this.#text.slice(this.#at, this.#at + 2);
    if (DOUBLES[c]?.includes(pair)) return this.#token(pair, 2);
    if (pair === '=~' || c === '!') {
      return this.#error(`unexpected character after "${c}": ${this.#quoted(this.#at + 1)}`);
    }
    if (isDigit(c) || (c === '.' && isDigit(pair[1] ?? ''))) return this.#numberOrDuration();
    if (c === '"' || c === "'" || c === '`') return this.#string(c);
    if (isAlpha(c) || c === ':') return this.#inBrackets ? this.#wordInBrackets(c) : this.#word();
    switch (c) {
      case '(':
      case ')':
        return this.#paren(c);
      case '{':
        this.#inBraces = true;
        return this.#token(c, 1);
      case '[':
        if (this.#inBrackets) return this.#error('unexpected left bracket "["');
        this.#hasColon = false;
        this.#inBrackets = true;
        this.#inDuration = true;
        return this.#token(c, 1);
      case ']':
        if (!this.#inBrackets) return this.#error('unexpected right bracket "]"');
        return this.#closeBracket();
      default:
        return ',*/%+-^=<>@'.includes(c) ? this.#token(c, 1) : this.#strange('unexpected character');
    }
  }

  #paren(c: '(' | ')'): Token {
    this.#parens += c === '(' ? 1 : -1;
    if (this.#parens >= 0) return this.#token(c, 1);
    // The parenthesis has been read when it turns out to be one too many: the error begins behind it.
    this.#start = this.#at + 1;
    return this.#error('unexpected right parenthesis ")"');
  }

  #closeBracket(): Token {
    this.#inBrackets = false;
    this.#inDuration = false;
    return this.#token(']', 1);
  }

  #insideBraces(c: string): Token {
    const pair = this.#text.slice(this.#at, this.#at + 2);
    if (pair === '=~' || pair === '!~' || pair === '!=') return this.#token(pair, 2);
    if (c === '=' || c === ',') return this.#token(c, 1);
    if (c === '"' || c === "'" || c === '`') return this.#string(c);
    if (c === '}') {
      this.#inBraces = false;
      return this.#token(c, 1);
    }
    if (isAlpha(c)) {
      this.#skipWhile(isAlphaNumeric);
      return this.#taken('identifier');
    }
    if (c === '!') {
      return this.#error(`unexpected character after "!" inside braces: ${this.#quoted(this.#at + 1)}`);
    }
    return c === '{'
      ? this.#error('unexpected left brace "{"')
      : this.#strange('unexpected character inside braces');
  }

  #insideDuration(c: string): Token {
    if (c === ']') return this.#closeBracket();
    if (c === '(' || c === ')') return this.#paren(c);
    if (c === ':') {
      const wrong = this.#hasColon ? 'repeated colon' : this.#hasDuration ? '' : 'colon before duration';
      if (wrong === '') {
        this.#hasColon = true;
        return this.#token(c, 1);
      }
      this.#start = this.#at + 1;
      return this.#error(`unexpected ${wrong} in duration expression`);
    }
    if ('+-*/%^,'.includes(c)) return this.#token(c, 1);
    if (isDigit(c) || (c === '.' && isDigit(this.#text[this.#at + 1] ?? ''))) {
      this.#hasDuration = true;
      return this.#numberOrDuration();
    }
    return this.#durationWord() ?? this.#strange('unexpected character in duration expression');
  }

  /** Behind the first number in brackets. */
  #wordInBrackets(c: string): Token {
    if (c !== ':') return this.#durationWord() ?? this.#strange('unexpected character', ': ":" expected');
    if (this.#hasColon) return this.#error('unexpected colon ":"');
    this.#hasColon = true;
    return this.#token(c, 1);
  }

  #durationWord(): Token | undefined {
    if (!isAlpha(this.#text[this.#at] as string)) return undefined;
    this.#skipWhile(isAlpha);
    const word = this.#text.slice(this.#start, this.#at).toLowerCase();
    if (!DURATION_WORDS.has(word)) return undefined;
    this.#hasDuration = true;
    return this.#taken(word);
  }

  #word(): Token {
    this.#skipWhile(c => isAlphaNumeric(c) || c === ':');
    const word = this.#text.slice(this.#start, this.#at).toLowerCase();
    if (word === 'inf' || word === 'nan') return this.#taken('number');
    if (KEYWORDS.has(word) || (FILLS.has(word) && this.#isCalled())) {
      return this.#taken(word);
    }
    return this.#taken(word.includes(':') ? 'metric' : 'identifier');
  }

  #isCalled(): boolean {
    let at = this.#at;
    while (at < this.#text.length && SPACE.includes(this.#text[at] as string)) at++;
    return this.#text[at] === '(';
  }

  #string(quote: string): Token {
    for (let i = this.#at + 1; i < this.#text.length; i++) {
      const code = this.#text.codePointAt(i) as number;
      const c = this.#text[i] as string;
      if (c === quote) return this.#token('string', i + 1 - this.#at);
      if (c === '\n' && quote !== '`') break;
      // What stands here for bytes that are not UTF-8 once the text has been decoded.
      if (code === 0xfffd || (code >= 0xd800 && code < 0xe000)) return this.#error('invalid UTF-8 in string');
      if (code > 0xffff) i++;
      if (c !== '\\' || quote === '`') continue;
      const read = readEscape(this.#text, i + 1, quote);
      if (!read.ok) return this.#error(read.error);
      i = read.value.next - 1;
    }
    return this.#error(quote === '`' ? 'unterminated raw string' : 'unterminated quoted string');
  }

  // --- numbers ---------------------------------------------------------------------------------

  #numberOrDuration(): Token {
    // Inside brackets anything may follow a number that may follow an operand.
    this.#inDuration = false;
    if (this.#skipNumber()) return this.#taken('number');
    if (this.#skipUnits()) return this.#taken('duration');
    const word = /^[\w.]*/.exec(this.#text.slice(this.#start))?.[0] ?? '';
    return this.#error(`bad number or duration syntax: "${word}"`);
  }

  #accept(wanted: string): boolean {
    const c = this.#text[this.#at] ?? '';
    if (c === '' || !wanted.includes(c)) return false;
    this.#at++;
    return true;
  }

  /** Whether what was read, whose value the parser judges, ends like a number. */
  #skipNumber(): boolean {
    const isHex = this.#accept('0') && this.#accept('xX');
    if (isHex) this.#accept('_');
    const digits = isHex ? '0123456789abcdefABCDEF' : '0123456789';
    // A point in front does not count: ".5." is one token, and refused for its value.
    this.#accept('.');
    this.#accept(digits);
    let hasDot = false;
    let hasExponent = false;
    for (;;) {
      if (this.#accept('.')) {
        if (hasDot || isHex || this.#accept('_.')) return false;
        hasDot = true;
      } else if (this.#accept('eE')) {
        if (hasExponent) return false;
        hasExponent = true;
        this.#accept('+-');
        if (this.#accept('._eE') || this.#at >= this.#text.length) return false;
      } else if (this.#accept('_')) {
        if (this.#accept('._eE') || this.#at >= this.#text.length) return false;
      } else if (!this.#accept(digits)) {
        return !isAlphaNumeric(this.#text[this.#at] ?? '');
      } else {
        this.#skipWhile(c => digits.includes(c));
      }
    }
  }

  /** The rest of "5m" or "1h30m" behind the first number; which units there are and their order the parser judges. */
  #skipUnits(): boolean {
    if (!this.#accept('smhdwy')) return false;
    this.#accept('s');
    while (this.#accept('0123456789')) {
      this.#skipWhile(isDigit);
      if (!this.#accept('smhdw')) return false;
      this.#accept('s');
    }
    return !isAlphaNumeric(this.#text[this.#at] ?? '');
  }

  // --- tokens ----------------------------------------------------------------------------------

  #token(kind: string, length: number): Token {
    this.#at += length;
    return this.#taken(kind);
  }

  #taken(kind: string): Token {
    return { kind, span: { start: this.#start, end: this.#at } };
  }

  #error(message: string): Token {
    return { kind: 'error', span: { start: this.#start, end: this.#text.length }, message };
  }

  #strange(what: string, hint = ''): Token {
    return this.#error(`${what} ${this.#quoted(this.#start)}${hint}`);
  }

  #quoted(at: number): string {
    const code = this.#text.codePointAt(at);
    return code === undefined ? 'end of input' : JSON.stringify(String.fromCodePoint(code));
  }
}

function isDigit(c: string): boolean {
  return c >= '0' && c <= '9';
}

function isAlpha(c: string): boolean {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c === '_';
}

function isAlphaNumeric(c: string): boolean {
  return isAlpha(c) || isDigit(c);
}
