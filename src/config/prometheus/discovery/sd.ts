// What the files beside this one share: a kind of discovery that is read and checked, and not carried out yet.

import type { Node } from 'yaml';
import type { Kind } from '../../registry.ts';
import { type Fields, type ReadContext, type RecordOf, record } from '../../schema.ts';

/** A kind that this version knows and does not act on. */
export function discoveryKind<F extends Fields>(
  key: string,
  fields: F,
  check?: (value: RecordOf<F>, context: ReadContext, node: Node) => void,
): Kind<unknown> {
  return { key, schema: record(fields, check), carriedOut: false };
}
