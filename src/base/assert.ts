// Contracts between parts of the program. A failed assertion is a bug of ours, never a user's mistake.

import type { Result } from './result.ts';

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** The value of what cannot fail here, since the same was checked before: that it fails is a bug. */
export function expectOk<T>(result: Result<T, string | { readonly message: string }>): T {
  if (result.ok) return result.value;
  const { error } = result;
  throw new Error(`assertion failed: ${typeof error === 'string' ? error : error.message}`);
}

/** Ends a switch over a closed union: a kind that was forgotten becomes a compile error here. */
export function never(value: never): never {
  throw new Error(`assertion failed: unexpected kind ${JSON.stringify(value)}`);
}
