// Walks the tree over data and writes the output. Whatever the template says, it ends: steps, depth and output
// are bounded.

import { err, never, ok, type Result } from '../base/index.ts';
import type { Branch, Command, Definition, Node, Operand, Pipe, Template } from './ast.ts';
import { type ExecuteFailure, Failure, failureAt, type Span, sourceAt } from './failure.ts';
import { formatValue } from './format.ts';
import { createHtmlEscaper, type HtmlEscaper } from './html.ts';
import type { TemplateLimits } from './limits.ts';
import {
  argumentProblem,
  type CallContext,
  entryOf,
  hasEntry,
  isList,
  isMap,
  isObject,
  isTrue,
  sortedKeys,
  type TemplateFunction,
  traitsOf,
  typeName,
  type Value,
} from './values.ts';

export interface ExecuteOptions {
  readonly functionOf: (name: string) => TemplateFunction | undefined;
  readonly limits: TemplateLimits;
  readonly nowMs: number;
  /** Further templates that `{{ template }}` may name. */
  readonly templates: ReadonlyMap<string, Definition>;
  /** Variables set beforehand, without "$"; the same names as were given to the parser. */
  readonly variables: ReadonlyMap<string, Value>;
  /** What a missing key of a map gives: "" of a Map and `<no value>` of a record, or an error. */
  readonly missingKey: 'zero' | 'error';
  /** Escapes by HTML context. */
  readonly html: boolean;
}

export function executeTemplate(
  template: Template,
  data: Value,
  options: ExecuteOptions,
): Result<string, ExecuteFailure> {
  const run = new Run(template, options);
  try {
    return ok(run.main(data));
  } catch (error) {
    if (error instanceof Failure) return err(error.failure);
    throw error;
  }
}

interface Variable {
  readonly name: string;
  value: Value;
}

/** Where a definition is being run. */
interface Frame {
  readonly definition: Definition;
  readonly variables: Variable[];
}

type Flow = 'next' | 'break' | 'continue';
/** No value was piped in: nil is a value. */
const NOTHING: unique symbol = Symbol('nothing');
type Piped = Value | typeof NOTHING;

/** Owns the output and the counters of one execution. */
class Run {
  readonly #template: Template;
  readonly #options: ExecuteOptions;
  readonly #html: HtmlEscaper | undefined;
  #output: string[] = [];
  #charsLeft: number;
  #stepsLeft: number;
  #depth = 0;

  constructor(template: Template, options: ExecuteOptions) {
    this.#template = template;
    this.#options = options;
    this.#charsLeft = options.limits.outputCharsMax;
    this.#stepsLeft = options.limits.stepsMax;
    this.#html = options.html ? createHtmlEscaper() : undefined;
  }

  main(data: Value): string {
    const variables: Variable[] = [{ name: '$', value: data }];
    for (const [name, value] of this.#options.variables) variables.push({ name: `$${name}`, value });
    this.#nodes(this.#template.main.body, data, { definition: this.#template.main, variables });
    return this.#output.join('');
  }

  // --- nodes --------------------------------------------------------------------------------------

  #nodes(nodes: readonly Node[], dot: Value, frame: Frame): Flow {
    for (const node of nodes) {
      const flow = this.#node(node, dot, frame);
      if (flow !== 'next') return flow;
    }
    return 'next';
  }

  #node(node: Node, dot: Value, frame: Frame): Flow {
    this.#step(node, frame);
    switch (node.kind) {
      case 'text':
        this.#html?.literal(node.text);
        this.#write(node.text, node, frame);
        return 'next';
      case 'action': {
        const value = this.#pipe(node.pipe, dot, frame);
        if (node.pipe.variables.length === 0) this.#print(value, node, frame);
        return 'next';
      }
      case 'if':
      case 'with': {
        const scope = frame.variables.length;
        const value = this.#pipe(node.pipe, dot, frame);
        const inner = node.kind === 'with' ? value : dot;
        const flow = isTrue(value)
          ? this.#nodes(node.body, inner, frame)
          : this.#nodes(node.otherwise, dot, frame);
        frame.variables.length = scope;
        return flow;
      }
      case 'range':
        return this.#range(node, dot, frame);
      case 'template': {
        const value = node.pipe === undefined ? undefined : this.#pipe(node.pipe, dot, frame);
        this.#call(node.name, value, { span: node, frame });
        return 'next';
      }
      case 'break':
      case 'continue':
        return node.kind;
      default:
        return never(node);
    }
  }

  #range(node: Span & Branch, dot: Value, frame: Frame): Flow {
    const scope = frame.variables.length;
    const value = this.#pipe(node.pipe, dot, frame);
    const [first, second] = node.pipe.variables;
    let count = 0;
    let flow: Flow = 'next';
    for (const [key, item] of this.#items(value, node.pipe, frame)) {
      this.#step(node, frame);
      count++;
      frame.variables.length = scope;
      if (node.pipe.assigns) {
        // With `=` the variables live outside: they are set, not declared.
        if (second !== undefined) this.#assign(frame, second, item);
        if (first !== undefined) this.#assign(frame, first, second === undefined ? item : key);
      } else {
        if (first !== undefined)
          frame.variables.push({ name: first, value: second === undefined ? item : key });
        if (second !== undefined) frame.variables.push({ name: second, value: item });
      }
      const inner = this.#nodes(node.body, item, frame);
      if (inner === 'break') break;
    }
    frame.variables.length = scope;
    if (count === 0) flow = this.#nodes(node.otherwise, dot, frame);
    frame.variables.length = scope;
    return flow;
  }

  *#items(value: Value, span: Span, frame: Frame): Generator<readonly [key: Value, item: Value]> {
    if (value === null || value === undefined) return;
    if (typeof value === 'bigint') {
      for (let i = 0n; i < value; i++) yield [i, i];
      return;
    }
    if (isList(value)) {
      for (const [i, item] of value.entries()) yield [BigInt(i), item];
      return;
    }
    if (isMap(value) || (isObject(value) && traitsOf(value)?.struct !== true)) {
      for (const key of sortedKeys(value)) yield [key, entryOf(value, key)];
      return;
    }
    this.#fail(span, frame, `range can't iterate over ${this.#format(value)}`);
  }

  #call(name: string, dot: Value, at: { readonly span: Span; readonly frame: Frame }): void {
    const definition = this.#template.defined.get(name) ?? this.#options.templates.get(name);
    if (definition === undefined)
      this.#fail(at.span, at.frame, `template ${JSON.stringify(name)} not defined`);
    if (++this.#depth > this.#options.limits.depthMax) {
      this.#fail(
        at.span,
        at.frame,
        `exceeded maximum template depth (${this.#options.limits.depthMax})`,
        true,
      );
    }
    this.#nodes(definition.body, dot, { definition, variables: [{ name: '$', value: dot }] });
    this.#depth--;
  }

  // --- pipelines ----------------------------------------------------------------------------------

  #pipe(pipe: Pipe, dot: Value, frame: Frame): Value {
    let piped: Piped = NOTHING;
    for (const command of pipe.commands) {
      this.#step(command, frame);
      piped = this.#command(command, { dot, frame, piped });
    }
    const value = piped === NOTHING ? undefined : piped;
    const name = pipe.variables[0];
    // A range sets its variables itself, to each item.
    if (name !== undefined && pipe.variables.length === 1) {
      if (pipe.assigns) this.#assign(frame, name, value);
      else frame.variables.push({ name, value });
    }
    return value;
  }

  #assign(frame: Frame, name: string, value: Value): void {
    for (let i = frame.variables.length - 1; i >= 0; i--) {
      const variable = frame.variables[i];
      if (variable?.name === name) {
        variable.value = value;
        return;
      }
    }
    frame.variables.push({ name, value });
  }

  #command(command: Command, scope: Scope): Value {
    const [first, ...rest] = command.args;
    if (first.kind === 'function') return this.#function(first.name, rest, { ...scope, command, first });
    if (first.kind === 'field') {
      return this.#path(scope.dot, first.path, { ...scope, args: rest, span: first });
    }
    if (first.kind === 'variable') {
      const start = this.#variable(first.name, scope.frame);
      if (first.path.length > 0) return this.#path(start, first.path, { ...scope, args: rest, span: first });
      if (rest.length > 0 || scope.piped !== NOTHING) this.#notFunction(first, scope.frame);
      return start;
    }
    if (first.kind === 'chain') {
      const start = this.#operand(first.base, scope);
      return this.#path(start, first.path, { ...scope, args: rest, span: first });
    }
    if (rest.length > 0 || scope.piped !== NOTHING) this.#notFunction(first, scope.frame);
    return this.#operand(first, scope);
  }

  #notFunction(operand: Operand, frame: Frame): never {
    const text = sourceAt(operand, frame.definition.source.text);
    this.#fail(operand, frame, `can't give argument to non-function ${text}`);
  }

  #operand(operand: Operand, scope: Scope): Value {
    const alone = { dot: scope.dot, frame: scope.frame, piped: NOTHING } as const;
    switch (operand.kind) {
      case 'dot':
        return scope.dot;
      case 'nil':
        return null;
      case 'constant':
        return operand.value;
      case 'field':
        return this.#path(scope.dot, operand.path, { ...alone, args: [], span: operand });
      case 'variable':
        return this.#path(this.#variable(operand.name, scope.frame), operand.path, {
          ...alone,
          args: [],
          span: operand,
        });
      case 'chain':
        return this.#path(this.#operand(operand.base, alone), operand.path, {
          ...alone,
          args: [],
          span: operand,
        });
      case 'function': {
        const command: Command = { args: [operand], start: operand.start, end: operand.end };
        return this.#function(operand.name, [], { ...alone, command, first: operand });
      }
      case 'pipe':
        return this.#pipe(operand.pipe, scope.dot, scope.frame);
      default:
        return never(operand);
    }
  }

  #variable(name: string, frame: Frame): Value {
    for (let i = frame.variables.length - 1; i >= 0; i--) {
      if (frame.variables[i]?.name === name) return frame.variables[i]?.value;
    }
    return undefined;
  }

  /** `.A.B args`: only the last name may take arguments. */
  #path(
    start: Value,
    path: readonly string[],
    at: Scope & { readonly args: readonly Operand[]; readonly span: Operand },
  ): Value {
    let value = start;
    path.forEach((name, i) => {
      const last = i === path.length - 1;
      value = this.#field(value, name, {
        ...at,
        args: last ? at.args : [],
        piped: last ? at.piped : NOTHING,
      });
    });
    return value;
  }

  #field(
    value: Value,
    name: string,
    at: Scope & { readonly args: readonly Operand[]; readonly span: Operand },
  ): Value {
    const traits = traitsOf(value);
    const method = traits?.methods.get(name);
    if (method !== undefined) {
      return this.#invoke(method, this.#arguments(at.args, at), { name, span: at.span, frame: at.frame });
    }
    const hasArgs = at.args.length > 0 || at.piped !== NOTHING;
    if (value === null || value === undefined) {
      this.#fail(at.span, at.frame, `nil pointer evaluating interface {}.${name}`);
    }
    if ((isMap(value) || isObject(value)) && hasEntry(value, name)) {
      if (hasArgs) this.#fail(at.span, at.frame, `${name} has arguments but cannot be invoked as function`);
      return entryOf(value, name);
    }
    const open = isMap(value) || (isObject(value) && traits?.struct !== true);
    if (!open) {
      this.#fail(at.span, at.frame, `can't evaluate field ${name} in type ${typeName(value)}`);
    }
    if (hasArgs) this.#fail(at.span, at.frame, `${name} is not a method but has arguments`);
    if (this.#options.missingKey === 'error') {
      this.#fail(at.span, at.frame, `nil data; no entry for key ${JSON.stringify(name)}`);
    }
    return isMap(value) ? '' : undefined;
  }

  // --- calls --------------------------------------------------------------------------------------

  #arguments(args: readonly Operand[], scope: Scope): readonly Value[] {
    const values = args.map(arg => this.#operand(arg, scope));
    return scope.piped === NOTHING ? values : [...values, scope.piped];
  }

  #function(
    name: string,
    args: readonly Operand[],
    scope: Scope & { readonly command: Command; readonly first: Operand },
  ): Value {
    if (name === 'and' || name === 'or') return this.#lazy(name, args, scope);
    const found = this.#options.functionOf(name);
    if (found === undefined) {
      this.#fail(scope.first, scope.frame, `${JSON.stringify(name)} is not a defined function`);
    }
    return this.#invoke(found, this.#arguments(args, scope), {
      name,
      span: scope.command,
      frame: scope.frame,
    });
  }

  /** `and` and `or` stop at the first operand that decides. */
  #lazy(
    name: 'and' | 'or',
    args: readonly Operand[],
    scope: Scope & { readonly command: Command; readonly first: Operand },
  ): Value {
    let value: Value;
    if (args.length === 0 && scope.piped === NOTHING) {
      this.#fail(scope.first, scope.frame, `wrong number of args for ${name}: want at least 1 got 0`);
    }
    for (const arg of args) {
      value = this.#operand(arg, scope);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return scope.piped === NOTHING ? value : scope.piped;
  }

  #invoke(
    target: TemplateFunction,
    args: readonly Value[],
    at: { readonly name: string; readonly span: Span; readonly frame: Frame },
  ): Value {
    const problem = argumentProblem(at.name, target, args);
    if (problem !== undefined) this.#fail(at.span, at.frame, problem);
    const context: CallContext = {
      nowMs: this.#options.nowMs,
      format: value => this.#format(value),
      expand: (name, dot) => this.#capture(() => this.#call(name, dot, at)),
    };
    const result = target.call(args, context);
    if (!result.ok) {
      if (typeof result.error !== 'string')
        throw new Failure({ kind: 'query', query: result.error.needsQuery });
      this.#fail(at.span, at.frame, `error calling ${at.name}: ${result.error}`);
    }
    if (typeof result.value === 'string' && result.value.length > this.#options.limits.outputCharsMax) {
      this.#fail(at.span, at.frame, `result of ${at.name} is longer than the limit`, true);
    }
    return result.value;
  }

  /** Runs with an output of its own. */
  #capture(body: () => void): string {
    const outer = this.#output;
    this.#output = [];
    body();
    const text = this.#output.join('');
    this.#output = outer;
    return text;
  }

  // --- output and bounds --------------------------------------------------------------------------

  #print(value: Value, span: Span, frame: Frame): void {
    const absent = value === null || value === undefined;
    // html/template prints a missing value as nothing.
    const text = absent ? (this.#html === undefined ? '<no value>' : '') : this.#format(value);
    const safe = traitsOf(value)?.safe;
    this.#write(this.#html === undefined ? text : this.#html.value(text, { value, safe }), span, frame);
  }

  #format(value: Value): string {
    const budget = { charsLeft: this.#options.limits.outputCharsMax };
    return formatValue(value, budget);
  }

  #write(text: string, span: Span, frame: Frame): void {
    this.#charsLeft -= text.length;
    if (this.#charsLeft < 0) {
      const max = this.#options.limits.outputCharsMax;
      this.#fail(span, frame, `output longer than ${max} characters`, true);
    }
    this.#output.push(text);
  }

  #step(span: Span, frame: Frame): void {
    if (--this.#stepsLeft < 0) {
      this.#fail(span, frame, `more than ${this.#options.limits.stepsMax} steps`, true);
    }
  }

  #fail(span: Span, frame: Frame, cause: string, limit?: true): never {
    throw failureAt(span, frame.definition, {
      code: limit === true ? 'template-limit' : 'template-execute',
      cause,
    });
  }
}

interface Scope {
  readonly dot: Value;
  readonly frame: Frame;
  readonly piped: Piped;
}
