// Long work in short slices: between them the event loop gets its turn, so that nothing else waits longer than a slice.

import { type Clock, sortInTurns } from '../../base/index.ts';
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

/** Sorts in slices; equal items keep their order. */
export async function sortInSlices<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
  slices: Slices,
): Promise<T[]> {
  const pace = {
    isDue: () => slices.isUsed,
    pause: async () => {
      await slices.breathe();
      return true;
    },
  };
  return (await sortInTurns(items, compare, pace)) ?? [];
}
