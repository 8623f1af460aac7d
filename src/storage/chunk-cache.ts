// Chunks that lie on disk and have their record in memory too, up to so many bytes: the one used longest ago goes first.

import type { Chunk } from './head-data.ts';

export class ChunkCache {
  readonly #bytesMax: number;
  readonly #release: (chunk: Chunk) => void;
  readonly #chunks = new Set<Chunk>();
  #bytes = 0;

  /** `release` lets go of the chunk's memory. */
  constructor(bytesMax: number, release: (chunk: Chunk) => void) {
    this.#bytesMax = bytesMax;
    this.#release = release;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(chunk: Chunk): boolean {
    return this.#chunks.has(chunk);
  }

  /** It is the one used last. */
  keep(chunk: Chunk): void {
    if (!this.#chunks.delete(chunk)) this.#bytes += chunk.recordBytes;
    this.#chunks.add(chunk);
    if (this.#bytes <= this.#bytesMax) return;
    for (const oldest of this.#chunks) {
      this.drop(oldest);
      if (this.#bytes <= this.#bytesMax) return;
    }
  }

  drop(chunk: Chunk): void {
    if (this.forget(chunk)) this.#release(chunk);
  }

  /** It is kept elsewhere. */
  forget(chunk: Chunk): boolean {
    if (!this.#chunks.delete(chunk)) return false;
    this.#bytes -= chunk.recordBytes;
    return true;
  }

  clear(): void {
    for (const chunk of [...this.#chunks]) this.drop(chunk);
  }
}
