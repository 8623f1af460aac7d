// What queries hold in memory, by their own account: each asks before it allocates. Typed arrays lie outside the
// JavaScript heap, so that without this nothing would refuse them before the machine does.

/** Held of all queries together. */
export class MemoryPool {
  readonly bytesMax: number;
  held = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }
}

export interface MemoryLimits {
  /** Of one query. */
  readonly bytesMax: number;
  /** The program's own queries count in the pool, and are not refused because others have filled it. */
  readonly minded: boolean;
}

/**
 * Of one query. What a node of the plan allocates is given back when its result is there, but for the result itself; what
 * is held until the end of the query (columns read, histograms) stays.
 */
export class MemoryAccount {
  readonly #pool: MemoryPool;
  readonly #limits: MemoryLimits;
  #kept = 0;
  #passing = 0;
  peak = 0;

  constructor(pool: MemoryPool, limits: MemoryLimits) {
    this.#pool = pool;
    this.#limits = limits;
  }

  get held(): number {
    return this.#kept + this.#passing;
  }

  /** Of what goes with the node that asks: compare `settle`. */
  get passing(): number {
    return this.#passing;
  }

  /** Undefined when there is room; else which limit stands in the way, and nothing has changed. */
  reserve(bytes: number, until: 'settled' | 'end'): 'query' | 'total' | undefined {
    if (this.held + bytes > this.#limits.bytesMax) return 'query';
    if (this.#limits.minded && this.#pool.held + bytes > this.#pool.bytesMax) return 'total';
    this.#add(bytes, until);
    return undefined;
  }

  /** A node that began when `passing` was `before` is done, and of what it reserved only `bytes` are still held. */
  settle(before: number, bytes: number): void {
    this.#add(Math.min(0, before + bytes - this.#passing), 'settled');
  }

  /** All but `bytes` is given back now, and those by calling the result. */
  end(bytes: number): () => void {
    this.settle(0, 0);
    this.#add(-this.#kept, 'end');
    this.#add(bytes, 'end');
    let left = bytes;
    return () => {
      this.#add(-left, 'end');
      left = 0;
    };
  }

  #add(bytes: number, until: 'settled' | 'end'): void {
    if (until === 'end') this.#kept += bytes;
    else this.#passing += bytes;
    this.#pool.held += bytes;
    this.peak = Math.max(this.peak, this.held);
  }
}
