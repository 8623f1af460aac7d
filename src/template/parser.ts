// Tokens to tree: Go's grammar of actions, with its scoping of variables checked while parsing.

import { err, ok, type Result } from '../base/index.ts';
import {
  type Command,
  type Definition,
  type Node,
  type Operand,
  type Pipe,
  placeOf,
  type Template,
  type TemplateError,
  type TemplateSource,
} from './ast.ts';
import { lexTemplate, type Token, type TokenKind } from './lexer.ts';
import { NESTING_MAX } from './limits.ts';
import { readNumber, readQuoted } from './literals.ts';

export interface ParseOptions {
  readonly name?: string;
  /** Whether a function is known: an unknown one is an error of parsing. */
  readonly hasFunction: (name: string) => boolean;
  /** Variables that exist beforehand, without "$". */
  readonly variables?: readonly string[];
}

export function parseTemplate(text: string, options: ParseOptions): Result<Template, TemplateError> {
  const source = { name: options.name ?? 'template', text };
  const tokens = lexTemplate(text);
  if (!tokens.ok) return err(parseError(source, tokens.error.offset, tokens.error.message));
  try {
    return ok(new Parser(source, tokens.value, options).parse());
  } catch (error) {
    // The only exception that crosses functions here: a recursive descent gives up from any depth.
    if (error instanceof SyntaxFailure) return err(parseError(source, error.offset, error.message));
    throw error;
  }
}

function parseError(source: TemplateSource, offset: number, cause: string): TemplateError {
  const { line, column } = placeOf(source.text, offset);
  return {
    code: 'template-parse',
    message: `template: ${source.name}:${line}: ${cause}`,
    cause,
    source: source.name,
    line,
    column,
  };
}

class SyntaxFailure extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

type Ending = 'end' | 'else' | 'eof';

/** Owns the position in the tokens, the variables in scope and what was defined. */
class Parser {
  readonly #source: TemplateSource;
  readonly #tokens: readonly Token[];
  readonly #options: ParseOptions;
  readonly #defined = new Map<string, Definition>();
  #at = 0;
  #variables: string[];
  #rangeDepth = 0;
  #nesting = 0;

  constructor(source: TemplateSource, tokens: readonly Token[], options: ParseOptions) {
    this.#source = source;
    this.#tokens = tokens;
    this.#options = options;
    this.#variables = ['$', ...(options.variables ?? []).map(name => `$${name}`)];
  }

  parse(): Template {
    const { nodes, ending, at } = this.#list();
    if (ending !== 'eof') throw new SyntaxFailure(at, `unexpected {{${ending}}}`);
    const main = { name: this.#source.name, body: nodes, source: this.#source };
    return { main, defined: this.#defined };
  }

  // --- lists and control --------------------------------------------------------------------------

  #list(): { nodes: readonly Node[]; ending: Ending; at: number } {
    this.#enter();
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#next();
      if (token.kind === 'end') return this.#leave({ nodes, ending: 'eof', at: token.start });
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text, start: token.start, end: token.end });
        continue;
      }
      this.#skipSpace();
      const word = this.#peek();
      if (word.kind === 'word' && (word.text === 'end' || word.text === 'else')) {
        this.#next();
        return this.#leave({ nodes, ending: word.text, at: word.start });
      }
      const node = this.#action(token);
      if (node !== undefined) nodes.push(node);
    }
  }

  #enter(): void {
    if (++this.#nesting > NESTING_MAX) {
      throw new SyntaxFailure(this.#peek().start, `nested deeper than ${NESTING_MAX}`);
    }
  }

  #leave<T>(value: T): T {
    this.#nesting--;
    return value;
  }

  #action(open: Token): Node | undefined {
    const word = this.#peek();
    if (word.kind === 'word') {
      switch (word.text) {
        case 'if':
        case 'with':
        case 'range':
          this.#next();
          return this.#branch(word.text, open);
        case 'define':
          this.#next();
          this.#define();
          return undefined;
        case 'block':
          this.#next();
          return this.#block(open);
        case 'template':
          this.#next();
          return this.#templateCall(open);
        case 'break':
        case 'continue':
          if (this.#options.hasFunction(word.text)) break;
          this.#next();
          return this.#jump(word.text, open);
      }
    }
    const pipe = this.#pipe('close', 'command');
    return { kind: 'action', pipe, start: open.start, end: pipe.end };
  }

  #jump(kind: 'break' | 'continue', open: Token): Node {
    this.#skipSpace();
    const token = this.#next();
    if (token.kind !== 'close') throw this.#unexpected(token, `{{${kind}}}`);
    if (this.#rangeDepth === 0) throw new SyntaxFailure(open.start, `{{${kind}}} outside {{range}}`);
    return { kind, start: open.start, end: token.end };
  }

  #branch(kind: 'if' | 'with' | 'range', open: Token): Node {
    const scope = this.#variables.length;
    const pipe = this.#pipe('close', kind);
    if (kind === 'range') this.#rangeDepth++;
    const { nodes: body, ending, at } = this.#list();
    if (kind === 'range') this.#rangeDepth--;
    if (ending === 'eof') throw new SyntaxFailure(at, 'unexpected EOF');
    const otherwise = ending === 'else' ? this.#otherwise(kind) : this.#closed('end');
    this.#variables.length = scope;
    return { kind, pipe, body, otherwise, start: open.start, end: pipe.end };
  }

  /** After `else`: a plain list up to `end`, or `else if` / `else with`, which share the outer `end`. */
  #otherwise(kind: 'if' | 'with' | 'range'): readonly Node[] {
    this.#skipSpace();
    const word = this.#peek();
    if (word.kind === 'word' && word.text === kind && kind !== 'range') {
      this.#next();
      this.#enter();
      return this.#leave([this.#branch(kind, word)]);
    }
    this.#closed('else');
    const { nodes, ending, at } = this.#list();
    if (ending !== 'end') {
      throw new SyntaxFailure(at, ending === 'eof' ? 'unexpected EOF' : 'expected end; found {{else}}');
    }
    this.#closed('end');
    return nodes;
  }

  #closed(word: string): readonly Node[] {
    this.#skipSpace();
    const token = this.#next();
    if (token.kind !== 'close') throw this.#unexpected(token, word);
    return [];
  }

  #define(): void {
    const name = this.#name('define clause');
    this.#closed('define clause');
    this.#definition(name);
  }

  #block(open: Token): Node {
    const name = this.#name('block clause');
    const pipe = this.#pipe('close', 'block clause');
    this.#definition(name);
    return { kind: 'template', name, pipe, start: open.start, end: pipe.end };
  }

  #definition(name: string): void {
    const outer = this.#variables;
    const outerRange = this.#rangeDepth;
    this.#variables = ['$'];
    this.#rangeDepth = 0;
    const { nodes, ending, at } = this.#list();
    if (ending !== 'end') {
      throw new SyntaxFailure(
        at,
        ending === 'eof' ? 'unexpected EOF' : 'unexpected {{else}} in define clause',
      );
    }
    this.#closed('end');
    this.#variables = outer;
    this.#rangeDepth = outerRange;
    this.#defined.set(name, { name, body: nodes, source: this.#source });
  }

  #templateCall(open: Token): Node {
    const name = this.#name('template clause');
    this.#skipSpace();
    if (this.#peek().kind === 'close') {
      return { kind: 'template', name, pipe: undefined, start: open.start, end: this.#next().end };
    }
    const pipe = this.#pipe('close', 'template clause');
    return { kind: 'template', name, pipe, start: open.start, end: pipe.end };
  }

  #name(where: string): string {
    this.#skipSpace();
    const token = this.#next();
    if (token.kind !== 'string') throw this.#unexpected(token, where);
    return this.#quoted(token);
  }

  // --- pipelines ----------------------------------------------------------------------------------

  #pipe(end: TokenKind, where: string): Pipe {
    this.#enter();
    this.#skipSpace();
    const start = this.#peek().start;
    const { variables, assigns } = this.#declaration(where);
    const commands: Command[] = [];
    for (;;) {
      this.#skipSpace();
      const token = this.#peek();
      if (token.kind === end) break;
      if (token.kind === 'close' || token.kind === 'end') throw this.#unexpected(token, where);
      commands.push(this.#command(where, end));
    }
    const close = this.#next();
    if (commands.length === 0) throw new SyntaxFailure(start, `missing value for ${where}`);
    for (const command of commands.slice(1)) {
      const first = command.args[0];
      if (first.kind === 'constant' || first.kind === 'nil' || first.kind === 'dot') {
        throw new SyntaxFailure(first.start, 'non executable command in pipeline stage 2');
      }
    }
    if (!assigns) this.#variables.push(...variables);
    return this.#leave({ variables, assigns, commands, start, end: close.end });
  }

  /** `$x :=`, `$x =`, and in range `$i, $x :=`. */
  #declaration(where: string): { variables: readonly string[]; assigns: boolean } {
    const mark = this.#at;
    const names: string[] = [];
    for (;;) {
      this.#skipSpace();
      const token = this.#next();
      if (token.kind !== 'variable') break;
      names.push(token.text);
      this.#skipSpace();
      const sign = this.#next();
      if (sign.kind === 'declare' || sign.kind === 'assign') {
        const assigns = sign.kind === 'assign';
        if (assigns) for (const name of names) this.#mustKnow(name, token);
        return { variables: names, assigns };
      }
      if (sign.kind !== 'comma' || where !== 'range' || names.length > 1) break;
    }
    this.#at = mark;
    return { variables: [], assigns: false };
  }

  #command(where: string, end: TokenKind): Command {
    const args: Operand[] = [];
    const start = this.#peek().start;
    for (;;) {
      this.#skipSpace();
      const token = this.#peek();
      if (token.kind === end || token.kind === 'close') break;
      if (token.kind === 'pipe') {
        this.#next();
        this.#skipSpace();
        const after = this.#peek();
        if (after.kind === end || after.kind === 'close') {
          throw new SyntaxFailure(after.start, `missing value for ${where}`);
        }
        break;
      }
      args.push(this.#operand(where));
      const after = this.#peek();
      if (!['space', 'pipe', 'close', end].includes(after.kind)) throw this.#unexpected(after, 'operand');
    }
    const [first, ...rest] = args;
    if (first === undefined) throw new SyntaxFailure(start, 'empty command');
    return { args: [first, ...rest], start, end: (rest.at(-1) ?? first).end };
  }

  #operand(where: string): Operand {
    const base = this.#term(where);
    const path: string[] = [];
    let end = base.end;
    while (this.#peek().kind === 'field') {
      const token = this.#next();
      path.push(token.text.slice(1));
      end = token.end;
    }
    if (path.length === 0) return base;
    const span = { start: base.start, end };
    if (base.kind === 'field') return { kind: 'field', path: [...base.path, ...path], ...span };
    if (base.kind === 'variable') return { ...base, path: [...base.path, ...path], ...span };
    if (base.kind === 'constant' || base.kind === 'nil' || base.kind === 'dot') {
      throw new SyntaxFailure(base.start, 'unexpected . after term');
    }
    return { kind: 'chain', base, path, ...span };
  }

  #term(where: string): Operand {
    const token = this.#next();
    const span = { start: token.start, end: token.end };
    switch (token.kind) {
      case 'dot':
        return { kind: 'dot', ...span };
      case 'field':
        return { kind: 'field', path: [token.text.slice(1)], ...span };
      case 'variable':
        this.#mustKnow(token.text, token);
        return { kind: 'variable', name: token.text, path: [], ...span };
      case 'string':
        return { kind: 'constant', value: this.#quoted(token), ...span };
      case 'char':
      case 'number': {
        const value = readNumber(token.text);
        if (value === undefined) throw new SyntaxFailure(token.start, `illegal number syntax: ${token.text}`);
        return { kind: 'constant', value, ...span };
      }
      case 'word':
        return this.#wordOperand(token);
      case 'left': {
        const pipe = this.#pipe('right', 'parenthesized pipeline');
        return { kind: 'pipe', pipe, start: token.start, end: pipe.end };
      }
      default:
        throw this.#unexpected(token, where);
    }
  }

  #wordOperand(token: Token): Operand {
    const span = { start: token.start, end: token.end };
    if (token.text === 'true' || token.text === 'false') {
      return { kind: 'constant', value: token.text === 'true', ...span };
    }
    if (token.text === 'nil') return { kind: 'nil', ...span };
    if (!this.#options.hasFunction(token.text)) {
      throw new SyntaxFailure(token.start, `function ${JSON.stringify(token.text)} not defined`);
    }
    return { kind: 'function', name: token.text, ...span };
  }

  // --- helpers ------------------------------------------------------------------------------------

  #mustKnow(name: string, token: Token): void {
    if (!this.#variables.includes(name)) {
      throw new SyntaxFailure(token.start, `undefined variable ${JSON.stringify(name)}`);
    }
  }

  #quoted(token: Token): string {
    const value = readQuoted(token.text);
    if (value === undefined) throw new SyntaxFailure(token.start, `invalid syntax in ${token.text}`);
    return value;
  }

  #unexpected(token: Token, where: string): SyntaxFailure {
    const what = token.kind === 'end' ? 'EOF' : JSON.stringify(token.text);
    return new SyntaxFailure(token.start, `unexpected ${what} in ${where}`);
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? END;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #skipSpace(): void {
    while (this.#peek().kind === 'space') this.#at++;
  }
}

const END: Token = { kind: 'end', text: '', start: 0, end: 0 };
