// A clock that moves only when told to: tests and the simulation own time.

import type { Clock, Timer } from '../../src/base/index.ts';

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly fire: () => void;
}

export class FakeClock implements Clock {
  #wallOffsetMs: number;
  #monotonicMs = 0;
  #order = 0;
  #pending: Pending[] = [];

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#wallOffsetMs = startMs;
  }

  nowMs(): number {
    return this.#wallOffsetMs + this.#monotonicMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, fire: () => void): Timer {
    const pending = { dueMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#order++, fire };
    this.#pending.push(pending);
    return {
      cancel: () => {
        const at = this.#pending.indexOf(pending);
        if (at >= 0) this.#pending.splice(at, 1);
      },
    };
  }

  /** Makes the wall clock jump; timers keep to monotonic time. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Monotonic time of the next timer, or undefined when none is set. */
  nextDueMs(): number | undefined {
    return this.#next()?.dueMs;
  }

  /**
   * Moves time forward by `ms`, firing due timers in order. After each, pending promise reactions run to the end
   * (including those behind the fakes' own deferrals), so that what a timer started is finished before time goes on.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    await settle();
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.dueMs > endMs) break;
      this.#pending.splice(this.#pending.indexOf(next), 1);
      this.#monotonicMs = Math.max(this.#monotonicMs, next.dueMs);
      next.fire();
      await settle();
    }
    this.#monotonicMs = endMs;
  }

  #next(): Pending | undefined {
    let best: Pending | undefined;
    for (const pending of this.#pending) {
      if (
        best === undefined ||
        pending.dueMs < best.dueMs ||
        (pending.dueMs === best.dueMs && pending.order < best.order)
      ) {
        best = pending;
      }
    }
    return best;
  }
}

/** Lets promise reactions run: two turns of the event loop's immediate phase drain all microtasks of pure fakes. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise<void>(resolve => setImmediate(resolve));
}
