// Where a place inside a scalar's value stands in the file: an error in line 3 of an expression is shown there.

import type { Schema } from '../config/index.ts';
import type { QueryFailure } from '../model/index.ts';

/** A node of the document; only config/ knows the library that it comes from. */
export type YamlNode = Parameters<Schema<unknown>['read']>[0];

/**
 * A node to point at for the character `offset` of a scalar's value. Exact for plain and quoted values on one line
 * and for literal blocks; elsewhere the scalar's beginning.
 */
export function nodeInScalar(
  scalar: YamlNode,
  place: { readonly source: string; readonly value: string; readonly offset: number },
): YamlNode {
  const range = scalar.range;
  if (range === undefined || range === null || !('type' in scalar)) return scalar;
  const at = offsetInSource({ type: String(scalar.type), start: range[0], end: range[1] }, place);
  const node = scalar.clone() as YamlNode;
  node.range = [at, at, at];
  return node;
}

function offsetInSource(
  scalar: { readonly type: string; readonly start: number; readonly end: number },
  place: { readonly source: string; readonly value: string; readonly offset: number },
): number {
  const { source, value, offset } = place;
  const { start, end } = scalar;
  const written = source.slice(start, end);
  switch (scalar.type) {
    case 'PLAIN':
      return written.includes('\n') ? start : start + offset;
    case 'QUOTE_DOUBLE':
    case 'QUOTE_SINGLE':
      return written.slice(1, -1) === value ? start + 1 + offset : start;
    case 'BLOCK_LITERAL': {
      const before = value.slice(0, offset);
      const line = before.split('\n').length - 1;
      const column = offset - (before.lastIndexOf('\n') + 1);
      let at = source.indexOf('\n', start) + 1;
      for (let i = 0; i < line; i++) at = source.indexOf('\n', at) + 1;
      const indent = /^ */.exec(source.slice(at, at + 200))?.[0].length ?? 0;
      // Lines of the value may have blanks of their own in front.
      const own = /^ */.exec(value.slice(before.lastIndexOf('\n') + 1))?.[0].length ?? 0;
      return at + indent - own + column;
    }
    default:
      return start;
  }
}

const SHOWN_CHARS_MAX = 60;

export function describeFailure(expr: string, failure: QueryFailure): string {
  const flat = expr.replace(/\s+/g, ' ').trim();
  const shown = flat.length > SHOWN_CHARS_MAX ? `${flat.slice(0, SHOWN_CHARS_MAX)}…` : flat;
  return `Cannot parse the expression "${shown}": ${failure.message}`;
}
