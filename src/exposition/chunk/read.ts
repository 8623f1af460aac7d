// Reads Prometheus's chunks of samples into columns: the counterpart of cut.ts, with the layouts that are told in xor.ts,
// varbit.ts and histogram.ts. Any bytes may come: what makes no sense is said, and no more memory is spent than the chunk's
// length justifies.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { err, ok, type Result } from '../../base/index.ts';
import { isStaleAt, type NativeHistogram, setStaleAt, wordsOf } from '../../model/index.ts';
import { BitReader } from './bit-reader.ts';
import { CHUNK_KIND } from './cut.ts';
import { readHistograms } from './read-histogram.ts';
import { readFloats } from './read-xor.ts';

/** Samples in memory that is used again: what lies behind `count` is of no meaning. */
export interface ChunkSamples {
  readonly count: number;
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  /** By index; undefined for a chunk of floats. A stale marker is a float without a histogram. */
  readonly histograms: ReadonlyMap<number, NativeHistogram> | undefined;
}

/** Times beyond it are no dates, and not exact. */
const TIME_MS_MAX = 8.64e15;

export class ChunkReader {
  readonly #bits = new BitReader();
  #timesMs = new Float64Array(512);
  #values = new Float64Array(512);
  #words = wordsOf(this.#values);

  /** The chunk lies in bytes[from, to). What comes out is lent until the next call; an error says what is wrong. */
  read(
    kind: number,
    bytes: Uint8Array,
    range: { readonly from: number; readonly to: number },
  ): Result<ChunkSamples, string> {
    if (range.to - range.from < 2) return err('the chunk is too short to have samples');
    const bits = this.#bits;
    bits.load(bytes, range);
    const count = bits.take(16);
    // Each takes two bits at least; the first ones more.
    if (2 * count > bits.left) return err(`the chunk is too short for its ${count} samples`);
    this.#reserve(count);
    const columns = { timesMs: this.#timesMs, words: this.#words };
    let histograms: Map<number, NativeHistogram> | undefined;
    if (kind === CHUNK_KIND.floats) readFloats(bits, count, columns);
    else if (kind === CHUNK_KIND.histograms || kind === CHUNK_KIND.floatHistograms) {
      const read = readHistograms(bits, { count, whole: kind === CHUNK_KIND.histograms, ...columns });
      if (!read.ok) return read;
      histograms = this.#withoutStale(read.value);
    } else return err(`the chunk has the encoding ${kind}, which this version does not know`);
    if (bits.failed) return err('the chunk ends within a sample, or makes no sense');
    for (let i = 0; i < count; i++) {
      // Also where it is NaN.
      if (!(Math.abs(this.#timesMs[i]!) <= TIME_MS_MAX)) return err('a sample has a time that is no time');
    }
    return ok({ count, timesMs: this.#timesMs, values: this.#values, histograms });
  }

  /** Prometheus says that a series of histograms is stale by a histogram whose sum is the marker. */
  #withoutStale(read: readonly NativeHistogram[]): Map<number, NativeHistogram> {
    const histograms = new Map<number, NativeHistogram>();
    // The sums lie in the columns by their bits.
    read.forEach((histogram, i) => {
      if (isStaleAt(this.#words, i)) setStaleAt(this.#words, i);
      else {
        this.#values[i] = 0;
        histograms.set(i, histogram);
      }
    });
    return histograms;
  }

  #reserve(count: number): void {
    if (count <= this.#timesMs.length) return;
    this.#timesMs = new Float64Array(count);
    this.#values = new Float64Array(count);
    this.#words = wordsOf(this.#values);
  }
}
