// The samples of a series cut into chunks as Prometheus has them: floats, whole and float histograms each in chunks of their
// own, and counters of histograms never across a reset.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type BucketSpan, type NativeHistogram, type SeriesColumns, wordsOf } from '../../model/index.ts';
import { BitWriter } from './bit-writer.ts';
import { type ChunkStart, hasWholeCounts, histogramChunk, type TimedHistogram } from './histogram.ts';
import { floatChunk } from './xor.ts';

/** As Prometheus's own chunks: longer ones take longer until their last sample is found. */
export const CHUNK_SAMPLES_MAX = 120;

/** Numbers as in the message. */
export const CHUNK_KIND = { floats: 1, histograms: 2, floatHistograms: 3 } as const;

export interface SampleChunk {
  readonly kind: (typeof CHUNK_KIND)[keyof typeof CHUNK_KIND];
  readonly minMs: number;
  readonly maxMs: number;
  readonly data: Uint8Array;
}

export class ChunkCutter {
  readonly #bits = new BitWriter();

  /** Of the samples at the rows [from, to). */
  *chunks(
    series: SeriesColumns,
    { from, to }: { readonly from: number; readonly to: number },
  ): Generator<SampleChunk> {
    const { timesMs, histograms } = series;
    const columns = { timesMs, words: wordsOf(series.values) };
    let before: NativeHistogram | undefined;
    for (let at = from; at < to; ) {
      const endMax = Math.min(to, at + CHUNK_SAMPLES_MAX);
      const first = histograms?.get(at);
      let end = at + 1;
      let chunk: Pick<SampleChunk, 'kind' | 'data'>;
      if (first === undefined) {
        while (end < endMax && histograms?.has(end) !== true) end++;
        chunk = {
          kind: CHUNK_KIND.floats,
          data: floatChunk(this.#bits, columns, { from: at, to: end }),
        };
      } else {
        const samples: TimedHistogram[] = [{ timeMs: timesMs[at]!, histogram: first }];
        for (; end < endMax; end++) {
          const next = histograms?.get(end);
          if (next === undefined || !continues(next, samples[samples.length - 1]!.histogram)) break;
          samples.push({ timeMs: timesMs[end]!, histogram: next });
        }
        const whole = hasWholeCounts(first);
        const how = { start: startOf(first, before), whole };
        chunk = {
          kind: whole ? CHUNK_KIND.histograms : CHUNK_KIND.floatHistograms,
          data: histogramChunk(this.#bits, samples, how),
        };
        before = samples[samples.length - 1]!.histogram;
      }
      yield { ...chunk, minMs: timesMs[at]!, maxMs: timesMs[end - 1]! };
      at = end;
    }
  }
}

/** Why a chunk begins with this histogram: readers take all others of a counter for such without a reset before them. */
function startOf(first: NativeHistogram, before: NativeHistogram | undefined): ChunkStart {
  const { resetHint } = first;
  const fell = before !== undefined && hasOneLayout(first, before) && anyFell(first, before);
  return resetHint === 'unknown' && fell ? 'reset' : resetHint;
}

function continues(next: NativeHistogram, before: NativeHistogram): boolean {
  const isGauge = next.resetHint === 'gauge';
  if (isGauge !== (before.resetHint === 'gauge') || next.resetHint === 'reset') return false;
  if (hasWholeCounts(next) !== hasWholeCounts(before) || !hasOneLayout(next, before)) return false;
  return isGauge || !anyFell(next, before);
}

function hasOneLayout(a: NativeHistogram, b: NativeHistogram): boolean {
  return (
    a.schema === b.schema &&
    a.zeroThreshold === b.zeroThreshold &&
    sameSpans(a.positiveSpans, b.positiveSpans) &&
    sameSpans(a.negativeSpans, b.negativeSpans) &&
    sameNumbers(a.customBounds, b.customBounds)
  );
}

function sameSpans(a: readonly BucketSpan[], b: readonly BucketSpan[]): boolean {
  return (
    a === b ||
    (a.length === b.length &&
      a.every(({ offset, length }, i) => offset === b[i]!.offset && length === b[i]!.length))
  );
}

function sameNumbers(a: Float64Array | undefined, b: Float64Array | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && a.length === b.length && a.every((one, i) => one === b[i]);
}

/** Of two with one layout. */
function anyFell(now: NativeHistogram, before: NativeHistogram): boolean {
  return (
    now.count < before.count ||
    now.zeroCount < before.zeroCount ||
    now.positiveCounts.some((count, i) => count < before.positiveCounts[i]!) ||
    now.negativeCounts.some((count, i) => count < before.negativeCounts[i]!)
  );
}
