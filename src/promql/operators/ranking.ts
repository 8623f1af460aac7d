// The greatest or least few of each group at each step, found in one pass over the rows: what is not among the best so far,
// nearly all of it, costs one comparison.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import type { VectorValue } from './values.ts';

/** Beyond so many places for each group and step, sorting is cheaper. */
const PLACES_MAX = 64;
/** Places in all: 50 MB. */
const ALL_PLACES_MAX = 4_000_000;

export class Ranking {
  readonly #steps: number;
  readonly #most: Int32Array;
  readonly #places: number;
  readonly #sign: 1 | -1;
  /** By cell (group and step), the best first. */
  readonly #rows: Int32Array;
  readonly #values: Float64Array;
  readonly #held: Int32Array;

  /** Undefined where it does not pay. `most`: how many are wanted, by step. */
  static of(
    wanted: { readonly func: 'topk' | 'bottomk'; readonly most: Int32Array },
    cells: { readonly groups: number; readonly steps: number },
  ): Ranking | undefined {
    const places = wanted.most.reduce((max, count) => Math.max(max, count), 0);
    const all = cells.groups * cells.steps * places;
    return places > PLACES_MAX || all > ALL_PLACES_MAX ? undefined : new Ranking(wanted, cells, places);
  }

  private constructor(
    { func, most }: { readonly func: 'topk' | 'bottomk'; readonly most: Int32Array },
    { groups, steps }: { readonly groups: number; readonly steps: number },
    places: number,
  ) {
    this.#steps = steps;
    this.#most = most;
    this.#places = places;
    this.#sign = func === 'topk' ? 1 : -1;
    this.#rows = new Int32Array(groups * steps * places);
    this.#values = new Float64Array(groups * steps * places);
    this.#held = new Int32Array(groups * steps);
  }

  /** Rows come in their order: of equal values the one that came first is better. */
  add({ values, present }: VectorValue, row: number, group: number): void {
    const steps = this.#steps;
    const from = row * steps;
    for (let step = 0; step < steps; step++) {
      if (present[from + step] === 0) continue;
      const value = values[from + step]!;
      const cell = group * steps + step;
      const held = this.#held[cell]!;
      const start = cell * this.#places;
      if (held === this.#most[step]) {
        if (held === 0 || !this.#isBetter(value, this.#values[start + held - 1]!)) continue;
      } else this.#held[cell] = held + 1;
      // Whoever is worse moves one place back; the last of a full house falls out.
      let at = start + Math.min(held, this.#most[step]! - 1);
      while (at > start && this.#isBetter(value, this.#values[at - 1]!)) {
        this.#values[at] = this.#values[at - 1]!;
        this.#rows[at] = this.#rows[at - 1]!;
        at--;
      }
      this.#values[at] = value;
      this.#rows[at] = row;
    }
  }

  /** The best first. */
  rowsOf(group: number, step: number): Int32Array {
    const cell = group * this.#steps + step;
    return this.#rows.subarray(cell * this.#places, cell * this.#places + this.#held[cell]!);
  }

  /** NaN comes last, whichever end is wanted. */
  #isBetter(value: number, other: number): boolean {
    if (this.#sign > 0 ? value > other : value < other) return true;
    return Number.isNaN(other) && !Number.isNaN(value);
  }
}
