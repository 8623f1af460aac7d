// A list of numbers that keeps its memory when it is emptied: plain arrays, made anew for each page, would outlive the
// young generation and be collected with everything that is old.

const CAPACITY_START = 64;

export class EntryList {
  length = 0;
  #entries = new Uint32Array(CAPACITY_START);

  push(entry: number): void {
    if (this.length === this.#entries.length) {
      const larger = new Uint32Array(2 * this.length);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    this.#entries[this.length++] = entry;
  }

  /** Gives back what it has grown beyond its need. */
  trim(): void {
    if (this.#entries.length > this.length) this.#entries = this.#entries.slice(0, Math.max(1, this.length));
  }

  at(index: number): number {
    return this.#entries[index] as number;
  }

  clear(): void {
    this.length = 0;
  }
}
