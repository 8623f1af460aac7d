// The series that have a label value, by ref, rising. Most lists are of one or two, and these stay plain arrays; long ones
// lie flat, at half the memory.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

const PLAIN_MAX = 32;
/** Long lists grow by a fifth: room that is never used would be most of what is saved. */
const GROWTH = 1.2;

export class PostingList {
  length = 0;
  #refs: number[] | Uint32Array = [];

  /** What is in it now; it may be seen to change. */
  get refs(): ArrayLike<number> {
    return this.#refs instanceof Uint32Array ? this.#refs.subarray(0, this.length) : this.#refs;
  }

  add(ref: number): void {
    if (this.#refs instanceof Uint32Array || this.length >= PLAIN_MAX) {
      this.#addFlat(ref);
      return;
    }
    const refs = this.#refs;
    // Refs come rising, except while an older process's series are restored after a rewrite of their file.
    let at = this.length++;
    while (at > 0 && refs[at - 1]! > ref) at--;
    if (at === refs.length) refs.push(ref);
    else refs.splice(at, 0, ref);
  }

  /** Only what lies between the two is looked at. */
  removeAll(gone: ReadonlySet<number>, range: { readonly least: number; readonly greatest: number }): void {
    const refs = this.#refs;
    if (!(refs instanceof Uint32Array)) {
      this.#refs = refs.filter(ref => !gone.has(ref));
      this.length = this.#refs.length;
      return;
    }
    const live = refs.subarray(0, this.length);
    let kept = lowerBound(live, range.least, 0);
    const end = lowerBound(live, range.greatest + 1, kept);
    for (let i = kept; i < end; i++) if (!gone.has(refs[i]!)) refs[kept++] = refs[i]!;
    refs.copyWithin(kept, end, this.length);
    this.length -= end - kept;
    if (this.length <= PLAIN_MAX) this.#refs = Array.from(this.refs);
    else if (2 * this.length < refs.length) this.#refs = refs.slice(0, this.length);
  }

  #addFlat(ref: number): void {
    let refs = this.#refs;
    if (!(refs instanceof Uint32Array) || this.length === refs.length) {
      const larger = new Uint32Array(Math.ceil(this.length * GROWTH) + 1);
      larger.set(refs);
      refs = larger;
      this.#refs = larger;
    }
    let at = this.length++;
    while (at > 0 && refs[at - 1]! > ref) at--;
    if (at < this.length - 1) refs.copyWithin(at + 1, at, this.length - 1);
    refs[at] = ref;
  }
}

/** Index of the first ref of a rising list, from an index on, that is at least so large. */
export function lowerBound(list: ArrayLike<number>, ref: number, from: number): number {
  let low = from;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]! < ref) low = middle + 1;
    else high = middle;
  }
  return low;
}
