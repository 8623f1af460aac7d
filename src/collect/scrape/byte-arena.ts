// Grow-only bytes that keep many small texts without an object each.

/** Owns one buffer. Offsets stay valid as it grows; `bytes` and `view` do not: read them anew after an append. */
export class ByteArena {
  bytes: Uint8Array<ArrayBuffer>;
  /** The same memory. */
  view: DataView;
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Gives back what it has grown beyond its need. */
  trim(): void {
    if (this.bytes.length === this.length) return;
    this.bytes = this.bytes.slice(0, Math.max(1, this.length));
    this.view = new DataView(this.bytes.buffer);
  }

  /** Copies from[start, end) and returns where it went. */
  append(from: Uint8Array, start: number, end: number): number {
    const needed = this.length + end - start;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
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
