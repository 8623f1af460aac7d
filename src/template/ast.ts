// The tree of a template. Offsets are UTF-16 code units into the source that the node came from.

import type { Code } from '../base/index.ts';

/** A text that templates were parsed from: what error positions refer to. */
export interface TemplateSource {
  readonly name: string;
  readonly text: string;
}

export interface TemplateError {
  readonly code: Extract<Code, 'template-execute' | 'template-limit' | 'template-parse'>;
  /** Go's wording with the position in front: `template: NAME:1:3: executing "NAME" at <.Foo>: cause`. */
  readonly message: string;
  /** The cause alone. */
  readonly cause: string;
  /** Name of the source. */
  readonly source: string;
  /** Both from 1; 0 where the place is not known. */
  readonly line: number;
  readonly column: number;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

export type Operand = Span &
  (
    | { readonly kind: 'dot' }
    | { readonly kind: 'nil' }
    | { readonly kind: 'constant'; readonly value: string | number | bigint | boolean }
    /** `.A.B` */
    | { readonly kind: 'field'; readonly path: readonly string[] }
    /** `$x.A.B` */
    | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
    /** `(…).A.B` */
    | { readonly kind: 'chain'; readonly base: Operand; readonly path: readonly string[] }
    | { readonly kind: 'function'; readonly name: string }
    | { readonly kind: 'pipe'; readonly pipe: Pipe }
  );

export interface Command extends Span {
  readonly args: readonly [Operand, ...Operand[]];
}

export interface Pipe extends Span {
  readonly variables: readonly string[];
  /** `=` sets existing variables, `:=` declares new ones. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

export interface Branch {
  readonly pipe: Pipe;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

export type Node = Span &
  (
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'action'; readonly pipe: Pipe }
    | ({ readonly kind: 'if' | 'with' | 'range' } & Branch)
    | { readonly kind: 'template'; readonly name: string; readonly pipe: Pipe | undefined }
    | { readonly kind: 'break' }
    | { readonly kind: 'continue' }
  );

export interface Definition {
  readonly name: string;
  readonly body: readonly Node[];
  readonly source: TemplateSource;
}

/** A parsed template with what it defines. Plain data: parse once, run often. */
export interface Template {
  readonly main: Definition;
  readonly defined: ReadonlyMap<string, Definition>;
}

export interface Place {
  readonly line: number;
  readonly column: number;
}

export function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  let line = 1;
  for (let i = before.indexOf('\n'); i >= 0; i = before.indexOf('\n', i + 1)) line++;
  return { line, column: offset - lineStart + 1 };
}
