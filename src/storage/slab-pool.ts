// Slabs that go from cohort to cohort, so that steady work gives the garbage collector nothing to do.

import { wordsOf } from '../model/index.ts';
import type { Slab } from './head-data.ts';

/** Cohorts that seal at the same time give back together what they will need again one row after the other. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024;
/** Rests over which nobody took a slab before it goes: a minute of steady work. */
const RESTS_UNUSED = 12;
const FLOATS_MIN = 64;
/** A slab has room for at least so many rows, so that there are few, unless rows are large themselves. */
const ROWS_MIN = 4;
const LARGE_ROW_FLOATS = 16 * 1024;

export class SlabPool {
  readonly #bySize = new Map<number, Slab[]>();
  #keptBytes = 0;
  /** The least that was kept for some rests: nobody would have missed it. */
  #unusedBytes = 0;
  #rests = 0;
  #holds = 0;

  /** Until the result is called what is given back is not used again: somebody still reads it. */
  hold(): () => void {
    this.#holds++;
    return () => {
      this.#holds--;
    };
  }

  /** For rows of so many values; its content is of no meaning. */
  take(rowFloats: number): Slab {
    const size = sizeFor(rowFloats);
    const kept = this.#bySize.get(size)?.pop();
    if (kept !== undefined) {
      this.#keptBytes -= kept.floats.byteLength;
      this.#unusedBytes = Math.min(this.#unusedBytes, this.#keptBytes);
      return kept;
    }
    const floats = new Float64Array(size);
    return { floats, words: wordsOf(floats) };
  }

  give(slab: Slab): void {
    const bytes = slab.floats.byteLength;
    if (this.#holds > 0 || this.#keptBytes + bytes > KEPT_BYTES_MAX) return;
    this.#keptBytes += bytes;
    const kept = this.#bySize.get(slab.floats.length);
    if (kept === undefined) this.#bySize.set(slab.floats.length, [slab]);
    else kept.push(slab);
  }

  /** To be called every few seconds: lets go now and then of what nobody has taken. */
  rest(): void {
    if (++this.#rests % RESTS_UNUSED !== 0) return;
    const keptBytesMax = this.#keptBytes - this.#unusedBytes;
    for (const slabs of this.#bySize.values())
      while (this.#keptBytes > keptBytesMax) {
        const slab = slabs.pop();
        if (slab === undefined) break;
        this.#keptBytes -= slab.floats.byteLength;
      }
    this.#unusedBytes = this.#keptBytes;
  }
}

/** Few sizes, so that slabs fit again; of large rows one each, with little to spare. */
function sizeFor(rowFloats: number): number {
  if (rowFloats > LARGE_ROW_FLOATS) return Math.ceil(rowFloats / LARGE_ROW_FLOATS) * LARGE_ROW_FLOATS;
  return Math.max(FLOATS_MIN, 2 ** Math.ceil(Math.log2(rowFloats * ROWS_MIN)));
}
