// Long work in short slices: between them the event loop gets its turn, for signals and for whoever shares the thread.

import type { Clock } from '../base/index.ts';

/** Synchronous work goes on this long. */
const SLICE_MS = 8;

export class Breather {
  readonly #clock: Clock;
  #sinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
  }

  /** Call between small pieces of work: waits one turn when the slice is used up. */
  async breathe(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#sinceMs < SLICE_MS) return;
    await new Promise<void>(resolve => {
      this.#clock.after(0, resolve);
    });
    this.#sinceMs = this.#clock.monotonicMs();
  }
}
