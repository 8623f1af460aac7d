// Lists of one number, each made once: nearly every series is a column of one cohort and one membership, and two arrays
// of one entry for each would take more memory than its labels.

/** Beyond it a list is made each time: only columns of enormous cohorts. */
const SHARED_MAX = 65_536;

export class SingleLists {
  readonly #lists: (readonly number[])[] = [];

  /** Never to be changed. */
  of(number: number): readonly number[] {
    if (number >= SHARED_MAX) return [number];
    while (this.#lists.length <= number) this.#lists.push([this.#lists.length]);
    return this.#lists[number] as readonly number[];
  }
}
