// What is wrong with a text that a person wrote: where, what, and how to mend it.

import type { Code } from '../base/index.ts';

export interface Diagnostic {
  readonly code: Code;
  readonly severity: 'error' | 'warning';
  /** Action, quoted value, colon, cause. */
  readonly message: string;
  readonly file: string;
  /** From 1. 0 where the place is not known. */
  readonly line: number;
  readonly column: number;
  /** Path of the key: "route.routes[1].matchers". */
  readonly path: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** `rules/db.yml:14:9: unknown-label: Cannot …: no rule produces it (did you mean "instance"?)` */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, code, severity, message, remedy } = diagnostic;
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  const word = severity === 'warning' ? 'warning: ' : '';
  return `${place}: ${word}${code}: ${message}${remedy === undefined ? '' : ` (${remedy})`}`;
}
