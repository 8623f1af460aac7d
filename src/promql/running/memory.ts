// What queries hold in memory, by their own account: each asks before it allocates. Typed arrays lie outside the
// JavaScript heap, so that without this nothing would refuse them before the machine does.

import type { QueryFailure } from '../../model/index.ts';

/** Held of all queries together. */
export class MemoryBudget {
  readonly bytesMax: number;
  held = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }
}

/** What whoever asked is told, and what to do. `what` stands behind "Cannot". */
export function memoryFailure(
  full: 'query' | 'total',
  what: string,
  limits: { readonly bytesMax: number; readonly totalBytesMax: number },
): QueryFailure {
  if (full === 'query')
    return {
      code: 'query-limit',
      message: `Cannot ${what}: it needs more than ${megabytes(limits.bytesMax)} of memory; narrow the selectors or the time range, take a larger step, or raise query.memory_max`,
    };
  return {
    code: 'query-overload',
    message: `Cannot ${what}: all queries together need more than ${megabytes(limits.totalBytesMax)} of memory now; ask again in a moment, or raise query.memory_total_max`,
  };
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)} MB`;
}

export interface MemoryLimits {
  /** Of one query. */
  readonly bytesMax: number;
  /** The program's own queries count in the budget, and are not refused because others have filled it. */
  readonly minded: boolean;
}

/** Of one query: what it allocates is there until its end, and an answer that is kept until that is handed back. */
export class MemoryAccount {
  readonly #budget: MemoryBudget;
  readonly #limits: MemoryLimits;
  #held = 0;
  peak = 0;
  /** What others held when this one was last refused because of them. */
  othersHeld = 0;

  get held(): number {
    return this.#held;
  }

  constructor(budget: MemoryBudget, limits: MemoryLimits) {
    this.#budget = budget;
    this.#limits = limits;
  }

  /** Undefined when there is room; else which limit stands in the way, and nothing has changed. */
  reserve(bytes: number): 'query' | 'total' | undefined {
    if (this.#held + bytes > this.#limits.bytesMax) return 'query';
    if (this.#limits.minded && this.#budget.held + bytes > this.#budget.bytesMax) {
      this.othersHeld = this.#budget.held - this.#held;
      return 'total';
    }
    this.#held += bytes;
    this.#budget.held += bytes;
    this.peak = Math.max(this.peak, this.#held);
    return undefined;
  }

  /** All but `bytes` is given back now, and those by calling the result. */
  end(bytes: number): () => void {
    this.#budget.held -= this.#held - bytes;
    this.#held = bytes;
    return () => {
      this.#budget.held -= this.#held;
      this.#held = 0;
    };
  }
}
