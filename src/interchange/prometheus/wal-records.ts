// What the records of Prometheus's log say (tsdb/record): series, samples, histograms, deletions. The first byte is the kind;
// exemplars, metadata and marks of chunks are passed over, and so is what a newer version may write.

import { CUSTOM_BOUNDS, type Labels, labelsFromPairs, type NativeHistogram } from '../../model/index.ts';
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

const KINDS: ReadonlyMap<number, Read> = new Map([
  [1, readSeries],
  [2, (reader, sink) => readDeltas(reader, (ref, timeMs) => readFloat(reader, sink, ref, timeMs))],
  [3, readStones],
  [7, (reader, sink) => readDeltas(reader, (ref, timeMs) => readWhole(reader, sink, ref, timeMs))],
  [8, (reader, sink) => readDeltas(reader, (ref, timeMs) => readFloats(reader, sink, ref, timeMs))],
  [9, (reader, sink) => readDeltas(reader, (ref, timeMs) => readWhole(reader, sink, ref, timeMs))],
  [10, (reader, sink) => readDeltas(reader, (ref, timeMs) => readFloats(reader, sink, ref, timeMs))],
  [11, (reader, sink) => readStarted(reader, (ref, timeMs) => readFloat(reader, sink, ref, timeMs))],
  [12, (reader, sink) => readStarted(reader, (ref, timeMs) => readWhole(reader, sink, ref, timeMs))],
  [13, (reader, sink) => readStarted(reader, (ref, timeMs) => readFloats(reader, sink, ref, timeMs))],
]);

/** What was understood before something made no sense has reached the sink; false where something did not. */
export function readWalRecord(reader: BigEndianReader, sink: WalSink): boolean {
  KINDS.get(reader.u8())?.(reader, sink);
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
type ReadSample = (ref: number, timeMs: number) => void;

/** Each as its difference to the first one. */
function readDeltas(reader: BigEndianReader, read: ReadSample): void {
  if (reader.left === 0) return;
  const firstRef = reader.u64();
  const firstMs = reader.i64();
  while (reader.left > 0 && !reader.failed) {
    const ref = firstRef + reader.varint();
    read(ref, firstMs + reader.varint());
  }
}

const SAME_START = 1;

/** Later versions: series by their difference to the one before, and with each sample when its counting began. */
function readStarted(reader: BigEndianReader, read: ReadSample): void {
  if (reader.left === 0) return;
  let ref = reader.varint();
  const firstMs = reader.varint();
  reader.varint();
  read(ref, firstMs);
  while (reader.left > 0 && !reader.failed) {
    ref += reader.varint();
    const timeMs = firstMs + reader.varint();
    if (reader.u8() > SAME_START) reader.varint();
    read(ref, timeMs);
  }
}

function readFloat(reader: BigEndianReader, sink: WalSink, ref: number, timeMs: number): void {
  const high = reader.u32();
  const low = reader.u32();
  if (!reader.failed) sink.float(ref, timeMs, high, low);
}

const HINTS = ['unknown', 'reset', 'no-reset', 'gauge'] as const;

function readWhole(reader: BigEndianReader, sink: WalSink, ref: number, timeMs: number): void {
  readHistogram(reader, sink, {
    ...{ ref, timeMs, integer: true },
    total: () => reader.looseUvarint(),
    counts: () => {
      let sum = 0;
      return readList(reader, 1, () => {
        sum += reader.looseVarint();
        return sum;
      });
    },
  });
}

function readFloats(reader: BigEndianReader, sink: WalSink, ref: number, timeMs: number): void {
  readHistogram(reader, sink, {
    ...{ ref, timeMs, integer: false },
    total: () => reader.f64(),
    counts: () => readList(reader, 8, () => reader.f64()),
  });
}

function readHistogram(
  reader: BigEndianReader,
  sink: WalSink,
  one: {
    readonly ref: number;
    readonly timeMs: number;
    readonly integer: boolean;
    readonly total: () => number;
    readonly counts: () => readonly number[];
  },
): void {
  const { ref, timeMs, integer } = one;
  const resetHint = HINTS[reader.u8()] ?? 'unknown';
  const schema = reader.varint();
  const zeroThreshold = reader.f64();
  const zeroCount = one.total();
  const count = one.total();
  const sumAt = reader.at;
  const isStale = reader.u32() === STALE_HIGH && reader.u32() === STALE_LOW;
  reader.at = sumAt;
  const sum = reader.f64();
  const positiveSpans = readSpans(reader);
  const negativeSpans = readSpans(reader);
  const positiveCounts = Float64Array.from(one.counts());
  const negativeCounts = Float64Array.from(one.counts());
  const isCustom = schema === CUSTOM_BOUNDS;
  const bounds = isCustom ? readList(reader, 8, () => reader.f64()) : [];
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
    ...(isCustom && { customBounds: Float64Array.from(bounds) }),
  });
}

function readSpans(reader: BigEndianReader): readonly { readonly offset: number; readonly length: number }[] {
  return readList(reader, 2, () => ({ offset: reader.varint(), length: reader.uvarint() }));
}

/** Behind their number; each takes so many bytes at least. */
function readList<T>(reader: BigEndianReader, bytesEach: number, read: () => T): T[] {
  const count = reader.uvarint();
  const list: T[] = [];
  if (count * bytesEach > reader.left || count > BUCKETS_MAX) reader.failed = true;
  for (let i = 0; i < count && !reader.failed; i++) list.push(read());
  return list;
}

function lengthOf(spans: readonly { readonly length: number }[]): number {
  return spans.reduce((sum, { length }) => sum + length, 0);
}
