// Memory of queries, used again. Their columns are large and live for milliseconds: made anew each time they would have the
// garbage collector run for their sake alone, which costs more than the evaluation.

import type { Clock } from '../../base/index.ts';
import type { FloatLender } from '../../model/index.ts';

/** Of the smallest block: a megabyte. The others are powers of two of it. */
const BLOCK_FLOATS = 128 * 1024;
/** What was not needed for so long is let go. */
const WINDOW_MS = 60_000;
/** And what is more than this at once: a query that wide is rare. */
const KEPT_FLOATS_MAX = 12 * 1024 * 1024;

/** What all queries of an engine share. */
export class MemoryPool {
  readonly #clock: Clock;
  /** By exponent of their size. */
  readonly #free: Float64Array[][] = [];
  #freeFloats = 0;
  #usedFloats = 0;
  /** The most in use at once in this window and in the one before. */
  #most = 0;
  #mostBefore = 0;
  #windowMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#windowMs = clock.monotonicMs();
  }

  /** At least so many floats; what is in them is left over from others. */
  take(count: number): Float64Array {
    const exponent = Math.max(0, Math.ceil(Math.log2(count / BLOCK_FLOATS)));
    const size = BLOCK_FLOATS * 2 ** exponent;
    const block = this.#free[exponent]?.pop();
    if (block !== undefined) this.#freeFloats -= size;
    this.#usedFloats += size;
    this.#most = Math.max(this.#most, this.#usedFloats);
    return block ?? new Float64Array(size);
  }

  give(blocks: readonly Float64Array[]): void {
    for (const block of blocks) {
      this.#usedFloats -= block.length;
      const exponent = Math.log2(block.length / BLOCK_FLOATS);
      const list = this.#free[exponent] ?? [];
      list.push(block);
      this.#free[exponent] = list;
      this.#freeFloats += block.length;
    }
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#windowMs >= WINDOW_MS) {
      this.#mostBefore = this.#most;
      this.#most = this.#usedFloats;
      this.#windowMs = nowMs;
    }
    this.#trim(Math.min(KEPT_FLOATS_MAX, Math.max(this.#most, this.#mostBefore)) - this.#usedFloats);
  }

  get freeFloats(): number {
    return this.#freeFloats;
  }

  #trim(most: number): void {
    for (let exponent = this.#free.length - 1; exponent >= 0; exponent--) {
      const list = this.#free[exponent];
      while (list !== undefined && list.length > 0 && this.#freeFloats > most)
        this.#freeFloats -= list.pop()?.length ?? 0;
    }
  }
}

/** What one query has of it. */
export class Arena implements FloatLender {
  readonly #pool: MemoryPool;
  readonly #blocks: Float64Array[] = [];
  #current: Float64Array = new Float64Array(0);
  #used = 0;

  constructor(pool: MemoryPool) {
    this.#pool = pool;
  }

  floats(count: number): Float64Array {
    if (this.#used + count <= this.#current.length) {
      this.#used += count;
      return this.#current.subarray(this.#used - count, this.#used);
    }
    const block = this.#pool.take(count);
    this.#blocks.push(block);
    // Whichever has more room left is filled further.
    if (block.length - count > this.#current.length - this.#used) {
      this.#current = block;
      this.#used = count;
    }
    return block.subarray(0, count);
  }

  zeros(count: number): Float64Array {
    return this.floats(count).fill(0);
  }

  zeroBytes(count: number): Uint8Array {
    const { buffer, byteOffset } = this.floats(Math.ceil(count / Float64Array.BYTES_PER_ELEMENT));
    return new Uint8Array(buffer, byteOffset, count).fill(0);
  }

  /** Nothing that lies in it may be looked at any more. */
  release(): void {
    this.#pool.give(this.#blocks.splice(0));
    this.#current = new Float64Array(0);
    this.#used = 0;
  }
}
