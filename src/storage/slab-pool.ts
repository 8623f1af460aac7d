// Float arrays that go from cohort to cohort, so that steady work gives the garbage collector nothing to do.

/** Kept per size: what the cohorts of one busy target give back together. */
const KEPT_MAX = 16;
const FLOATS_MIN = 64;

export class SlabPool {
  readonly #bySize = new Map<number, Float64Array[]>();

  /** At least so many floats, of any content. */
  take(floats: number): Float64Array {
    const size = Math.max(FLOATS_MIN, 2 ** Math.ceil(Math.log2(floats)));
    return this.#bySize.get(size)?.pop() ?? new Float64Array(size);
  }

  give(slab: Float64Array): void {
    if (slab.length < FLOATS_MIN) return;
    let kept = this.#bySize.get(slab.length);
    if (kept === undefined) {
      kept = [];
      this.#bySize.set(slab.length, kept);
    }
    if (kept.length < KEPT_MAX) kept.push(slab);
  }
}
