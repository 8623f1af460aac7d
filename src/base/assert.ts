// Contracts between parts of the program. A failed assertion is a bug of ours, never a user's mistake.

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** Ends a switch over a closed union: a kind that was forgotten becomes a compile error here. */
export function never(value: never): never {
  throw new Error(`assertion failed: unexpected kind ${JSON.stringify(value)}`);
}
