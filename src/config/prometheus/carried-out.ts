// Which keys of a scrape job and of `global` are read and checked while nothing acts on them yet. The one place to
// take a name out of when the code that acts on it has come.

import type { Fields } from '../schema.ts';

export const WAITING: readonly string[] = [
  // Queries.
  'query_log_file',
];

/** The same fields; those that wait give a warning where they are present. */
export function withWarnings<F extends Fields>(fields: F): F {
  const marked = Object.entries(fields).map(
    ([key, field]) => [key, WAITING.includes(key) ? { ...field, notCarriedOut: true } : field] as const,
  );
  // Each key keeps its field but for the mark, which Object.fromEntries cannot say.
  return Object.fromEntries(marked) as F;
}
