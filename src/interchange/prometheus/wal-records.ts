// What the records of Prometheus's log say (tsdb/record): series, samples, histograms, deletions. The first byte is the kind;
// exemplars, metadata and marks of chunks are passed over, and so is what a newer version may write.

import {
  type BucketSpan,
  CUSTOM_BOUNDS,
  type Labels,
  labelsFromPairs,
  type NativeHistogram,
} from '../../model/index.ts';
import type { BigEndianReader } from '../big-endian.ts';
import type { Stone } from './tombstones.ts';

export interface WalSink {
  series(ref: number, labels: Labels): void;
  /** The value by its words. */
  float(ref: number, timeMs: number, high: number, low: number): void;
  histogram(ref: number, timeMs: number, histogram: NativeHistogram): void;
  /** A histogram whose sum is the stale marker. */
  stale(ref: number, timeMs: number): void;
  stone(ref: number, stone: Stone): void;
}

const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 2;

/** Of one histogram; a hostile record may claim any number. */
const BUCKETS_MAX = 1_000_000;

type Read = (reader: BigEndianReader, sink: WalSink) => void;

/** Which series there are, and what is deleted: to be known before any sample. */
export const NAMING: ReadonlyMap<number, Read> = new Map([
  [1, readSeries],
  [3, readStones],
]);

export const SAMPLES: ReadonlyMap<number, Read> = new Map([
  [2, deltasOf(readFloat)],
  [7, deltasOf(readWhole)],
  [8, deltasOf(readFloats)],
  [9, deltasOf(readWhole)],
  [10, deltasOf(readFloats)],
  [11, startedOf(readFloat)],
  [12, startedOf(readWhole)],
  [13, startedOf(readFloats)],
]);

/**
 * Passes over records of other kinds. What was understood before something made no sense has reached the sink; false where
 * something did not.
 */
export function readWalRecord(
  reader: BigEndianReader,
  sink: WalSink,
  kinds: ReadonlyMap<number, Read>,
): boolean {
  kinds.get(reader.u8())?.(reader, sink);
  return !reader.failed;
}

function readSeries(reader: BigEndianReader, sink: WalSink): void {
  while (reader.left > 0) {
    const ref = reader.u64();
    const count = reader.uvarint();
    // Two bytes each at least.
    if (2 * count > reader.left) reader.failed = true;
    const pairs: [string, string][] = [];
    for (let i = 0; i < count && !reader.failed; i++) pairs.push([reader.text(), reader.text()]);
    if (reader.failed) return;
    sink.series(ref, labelsFromPairs(pairs));
  }
}

function readStones(reader: BigEndianReader, sink: WalSink): void {
  while (reader.left > 0) {
    const ref = reader.u64();
    const stone = { fromMs: reader.boundedVarint(), toMs: reader.boundedVarint() };
    if (reader.failed) return;
    sink.stone(ref, stone);
  }
}

/** Reads what a sample has behind its series and time. */
type ReadSample = (reader: BigEndianReader, sink: WalSink, ref: number, timeMs: number) => void;

/** Each as its difference to the first one. */
function deltasOf(read: ReadSample): Read {
  return (reader, sink) => {
    if (reader.left === 0) return;
    const firstRef = reader.u64();
    const firstMs = reader.i64();
    while (reader.left > 0 && !reader.failed) {
      const ref = firstRef + reader.varint();
      read(reader, sink, ref, firstMs + reader.varint());
    }
  };
}

const SAME_START = 1;

/** Later versions: series by their difference to the one before, and with each sample when its counting began. */
function startedOf(read: ReadSample): Read {
  return (reader, sink) => {
    if (reader.left === 0) return;
    let ref = reader.varint();
    const firstMs = reader.varint();
    reader.varint();
    read(reader, sink, ref, firstMs);
    while (reader.left > 0 && !reader.failed) {
      ref += reader.varint();
      const timeMs = firstMs + reader.varint();
      if (reader.u8() > SAME_START) reader.varint();
      read(reader, sink, ref, timeMs);
    }
  };
}

function readFloat(reader: BigEndianReader, sink: WalSink, ref: number, timeMs: number): void {
  const high = reader.u32();
  const low = reader.u32();
  if (!reader.failed) sink.float(ref, timeMs, high, low);
}

const HINTS = ['unknown', 'reset', 'no-reset', 'gauge'] as const;

function readWhole(reader: BigEndianReader, sink: WalSink, ref: number, timeMs: number): void {
  readHistogram(reader, sink, { ref, timeMs, integer: true });
}

function readFloats(reader: BigEndianReader, sink: WalSink, ref: number, timeMs: number): void {
  readHistogram(reader, sink, { ref, timeMs, integer: false });
}

function readHistogram(
  reader: BigEndianReader,
  sink: WalSink,
  one: { readonly ref: number; readonly timeMs: number; readonly integer: boolean },
): void {
  const { ref, timeMs, integer } = one;
  const total = (): number => (integer ? reader.looseUvarint() : reader.f64());
  const counts = (): Float64Array => (integer ? readDeltas(reader) : readDoubles(reader));
  const resetHint = HINTS[reader.u8()] ?? 'unknown';
  const schema = reader.varint();
  const zeroThreshold = reader.f64();
  const zeroCount = total();
  const count = total();
  const sumAt = reader.at;
  const isStale = reader.u32() === STALE_HIGH && reader.u32() === STALE_LOW;
  reader.at = sumAt;
  const sum = reader.f64();
  const positiveSpans = readSpans(reader);
  const negativeSpans = readSpans(reader);
  const positiveCounts = counts();
  const negativeCounts = counts();
  const isCustom = schema === CUSTOM_BOUNDS;
  const customBounds = isCustom ? readDoubles(reader) : NONE;
  if (reader.failed) return;
  if (isStale) {
    sink.stale(ref, timeMs);
    return;
  }
  const isKnown = isCustom || (schema >= -4 && schema <= 8);
  const fits =
    lengthOf(positiveSpans) === positiveCounts.length && lengthOf(negativeSpans) === negativeCounts.length;
  if (!isKnown || !fits) {
    reader.failed = true;
    return;
  }
  sink.histogram(ref, timeMs, {
    ...{ schema, zeroThreshold, zeroCount, count, sum, integer, resetHint },
    ...{ positiveSpans, positiveCounts, negativeSpans, negativeCounts },
    ...(isCustom && { customBounds }),
  });
}

function readSpans(reader: BigEndianReader): readonly BucketSpan[] {
  const count = countOf(reader, 2);
  const spans: BucketSpan[] = [];
  for (let i = 0; i < count; i++) spans.push({ offset: reader.varint(), length: reader.uvarint() });
  return spans;
}

const NONE = new Float64Array(0);

function readDoubles(reader: BigEndianReader): Float64Array {
  const count = countOf(reader, 8);
  if (count === 0) return NONE;
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = reader.f64();
  return values;
}

/** Counts, each by its difference to the one before. */
function readDeltas(reader: BigEndianReader): Float64Array {
  const count = countOf(reader, 1);
  if (count === 0) return NONE;
  const values = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += reader.looseVarint();
    values[i] = sum;
  }
  return values;
}

/** Of things that take so many bytes at least: 0 where there cannot be as many. */
function countOf(reader: BigEndianReader, bytesEach: number): number {
  const count = reader.uvarint();
  if (count * bytesEach <= reader.left && count <= BUCKETS_MAX) return count;
  reader.failed = true;
  return 0;
}

function lengthOf(spans: readonly BucketSpan[]): number {
  let length = 0;
  for (const span of spans) length += span.length;
  return length;
}
