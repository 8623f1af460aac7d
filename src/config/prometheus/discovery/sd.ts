// What the files beside this one share: a kind of discovery that is read and checked, and not carried out yet.

import type { Node } from 'yaml';
import type { Kind } from '../../registry.ts';
import { type Fields, list, optionals, type ReadContext, type RecordOf, record, text } from '../../schema.ts';
import { requireEntries } from '../../shared/checks.ts';

/** A kind that this version knows and does not act on. */
export function discoveryKind<F extends Fields>(
  key: string,
  fields: F,
  check?: (value: RecordOf<F>, context: ReadContext, node: Node) => void,
): Kind<unknown> {
  return { key, schema: record(fields, check), carriedOut: false };
}

/** What AWS is asked for: a filter without values would find nothing, and AWS refuses it. */
export const awsFilters = list(
  record(optionals({ name: text(), values: list(text()) }), (value, context, node) =>
    requireEntries(node, context, { values: value.values }),
  ),
);
