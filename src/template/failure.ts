// What ends the run of a template from any depth, in Go's words: name, place, the piece of source and the cause.

import { type Definition, placeOf, type TemplateError } from './ast.ts';

/** `needsQuery`: a function wants the answer of this query first; ask it and run again. */
export type ExecuteFailure =
  | { readonly kind: 'error'; readonly error: TemplateError }
  | { readonly kind: 'query'; readonly query: string };

/** The one exception of this folder beside the parser's. */
export class Failure extends Error {
  readonly failure: ExecuteFailure;
  constructor(failure: ExecuteFailure) {
    super('template failure');
    this.failure = failure;
  }
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

export function failureAt(
  span: Span,
  { source, name }: Definition,
  what: { readonly code: TemplateError['code']; readonly cause: string },
): Failure {
  const { line, column } = placeOf(source.text, span.start);
  const context = sourceAt(span, source.text);
  // Go counts columns from 0 in these messages.
  const message = `template: ${source.name}:${line}:${column - 1}: executing ${JSON.stringify(name)} at <${context}>: ${what.cause}`;
  return new Failure({ kind: 'error', error: { ...what, message, source: source.name, line, column } });
}

const SOURCE_CHARS_MAX = 60;

/** The piece of source in a message. */
export function sourceAt({ start, end }: Span, text: string): string {
  // Go prints an action without the spaces and trim marks at its braces.
  const piece = text
    .slice(start, end)
    .replace(/\s+/g, ' ')
    .replace(/^\{\{(?:- )? ?/, '{{')
    .replace(/ ?(?: -)?\}\}$/, '}}');
  return piece.length > SOURCE_CHARS_MAX ? `${piece.slice(0, SOURCE_CHARS_MAX - 3)}...` : piece;
}
