// What is due when: a binary heap of times and keys, so that a step looks only at what is due.

interface Entry<K> {
  readonly atMs: number;
  /** Equal times come out in the order they went in: equal histories give equal effects. */
  readonly order: number;
  readonly key: K;
}

/**
 * Owns the entries. A changed time is a second entry: who takes one out compares it with the time that it has noted, and
 * passes over entries that no longer say the truth.
 */
export class DueQueue<K> {
  readonly #heap: Entry<K>[] = [];
  #orders = 0;

  get size(): number {
    return this.#heap.length;
  }

  push(atMs: number, key: K): void {
    const heap = this.#heap;
    const entry = { atMs, order: this.#orders++, key };
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  /** The earliest time of all entries, those included that no longer say the truth. */
  firstMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** The earliest entry, if it is due. */
  pop(nowMs: number): { readonly atMs: number; readonly key: K } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atMs > nowMs) return undefined;
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first;
  }

  clear(): void {
    this.#heap.length = 0;
  }

  #sink(entry: Entry<K>): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let below = heap[child];
      if (below === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, below)) {
        child += 1;
        below = right;
      }
      if (!isBefore(below, entry)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = entry;
  }
}

function isBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
