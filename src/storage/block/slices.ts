// Long work in short slices: between them the event loop gets its turn, so that nothing else waits longer than a slice.

import type { Clock } from '../../base/index.ts';
import { SLICE_MS } from './limits.ts';

export class Slices {
  readonly #clock: Clock;
  #sinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
  }

  /** Call between small pieces of work: waits one turn when the slice is used up. */
  async breathe(): Promise<void> {
    if (!this.isUsed) return;
    await new Promise<void>(resolve => {
      this.#clock.after(0, resolve);
    });
    this.begin();
  }

  /** Whether the next `breathe` would wait. */
  get isUsed(): boolean {
    return this.#clock.monotonicMs() - this.#sinceMs >= SLICE_MS;
  }

  /** Time spent waiting for the disk does not count. */
  begin(): void {
    this.#sinceMs = this.#clock.monotonicMs();
  }
}

/** Runs of this length are sorted at once. */
const RUN = 1024;

/** Sorts in slices; equal items keep their order. */
export async function sortInSlices<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
  slices: Slices,
): Promise<T[]> {
  let runs: T[][] = [];
  for (let at = 0; at < items.length; at += RUN) {
    runs.push(items.slice(at, at + RUN).sort(compare));
    await slices.breathe();
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      const a = runs[i] ?? [];
      const b = runs[i + 1];
      merged.push(b === undefined ? a : await mergeTwo(a, b, { compare, slices }));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function mergeTwo<T>(
  a: readonly T[],
  b: readonly T[],
  by: { readonly compare: (a: T, b: T) => number; readonly slices: Slices },
): Promise<T[]> {
  const out: T[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    if (right === undefined || (left !== undefined && by.compare(left, right) <= 0)) {
      if (left !== undefined) out.push(left);
      i++;
    } else {
      out.push(right);
      j++;
    }
    if (out.length % RUN === 0) await by.slices.breathe();
  }
  return out;
}
