// Grow-only bytes that keep many small texts without an object each.

/** Owns one buffer. Offsets stay valid as it grows; `bytes` does not: read it anew after an append. */
export class ByteArena {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Copies from[start, end) and returns where it went. */
  append(from: Uint8Array, start: number, end: number): number {
    const needed = this.length + end - start;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    const at = this.length;
    this.bytes.set(from.subarray(start, end), at);
    this.length = needed;
    return at;
  }
}

/** Whether a[aStart, aStart + length) equals b[bStart, …). Hot. */
export function sameBytes(
  a: Uint8Array,
  b: Uint8Array,
  at: { readonly a: number; readonly b: number; readonly length: number },
): boolean {
  for (let i = 0; i < at.length; i++) if (a[at.a + i] !== b[at.b + i]) return false;
  return true;
}
