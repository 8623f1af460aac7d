// Native histograms: one by itself (in the log and in open rows), and a column of them (in chunks and blocks), where each
// bucket is a column of its own as long as the buckets stay the same ones.
// One: layout · f64 sum · counts: count, zero count, positive buckets, negative buckets, each a varint, or an f64 where
// the layout says so.
// Layout: u8 flags (1 whole counts, 2 custom bounds, 4 counts are f64, 8 and 16 the reset hint) · zigzag schema ·
// f64 zero threshold · spans (varint number; each zigzag offset, varint length) positive, then negative ·
// with flag 2: varint number, f64 bounds.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import type { BucketSpan, NativeHistogram } from '../../model/index.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';
import { type ColumnScratch, readColumn, writeColumn } from './column.ts';
import { roomOf } from './room.ts';

const WHOLE = 1;
const CUSTOM = 2;
const WIDE = 4;
const HINT_SHIFT = 3;
const HINTS = ['unknown', 'reset', 'no-reset', 'gauge'] as const;

/** Far more than any real histogram has; a damaged span may claim 2^53 of them. */
const BUCKETS_MAX = 100_000;

/** Equal histograms give equal bytes. */
export function writeHistogram(writer: ByteWriter, histogram: NativeHistogram): void {
  const isWide = !hasSmallCounts(histogram);
  writeLayout(writer, histogram, isWide);
  writer.f64(histogram.sum);
  const put = (count: number): void => (isWide ? writer.f64(count) : writer.varint(count));
  put(histogram.count);
  put(histogram.zeroCount);
  for (const count of histogram.positiveCounts) put(count);
  for (const count of histogram.negativeCounts) put(count);
}

/** Undefined when the bytes make no sense. */
export function readHistogram(bytes: Uint8Array): NativeHistogram | undefined {
  const reader = new ByteReader(bytes);
  const layout = readLayout(reader);
  if (layout === undefined) return undefined;
  const sum = reader.f64();
  const take = (): number => (layout.isWide ? reader.f64() : reader.varint());
  const count = take();
  const zeroCount = take();
  const positiveCounts = Float64Array.from({ length: layout.positiveBuckets }, take);
  const negativeCounts = Float64Array.from({ length: layout.negativeBuckets }, take);
  if (reader.failed || reader.left !== 0) return undefined;
  return { ...layout.histogram, sum, count, zeroCount, positiveCounts, negativeCounts };
}

function hasSmallCounts({ integer, count, zeroCount, ...buckets }: NativeHistogram): boolean {
  const isSmall = (one: number): boolean => Number.isSafeInteger(one) && one >= 0 && !Object.is(one, -0);
  return (
    integer &&
    isSmall(count) &&
    isSmall(zeroCount) &&
    buckets.positiveCounts.every(isSmall) &&
    buckets.negativeCounts.every(isSmall)
  );
}

function writeLayout(writer: ByteWriter, histogram: NativeHistogram, isWide: boolean): void {
  const { integer, customBounds, resetHint, schema, zeroThreshold } = histogram;
  const flags = (integer ? WHOLE : 0) | (customBounds === undefined ? 0 : CUSTOM) | (isWide ? WIDE : 0);
  writer.u8(flags | (HINTS.indexOf(resetHint) << HINT_SHIFT));
  writer.zigzag(schema);
  writer.f64(zeroThreshold);
  for (const spans of [histogram.positiveSpans, histogram.negativeSpans]) {
    writer.varint(spans.length);
    for (const { offset, length } of spans) {
      writer.zigzag(offset);
      writer.varint(length);
    }
  }
  if (customBounds === undefined) return;
  writer.varint(customBounds.length);
  writer.floats(customBounds);
}

interface Layout {
  readonly isWide: boolean;
  readonly positiveBuckets: number;
  readonly negativeBuckets: number;
  readonly histogram: Pick<
    NativeHistogram,
    'schema' | 'zeroThreshold' | 'positiveSpans' | 'negativeSpans' | 'customBounds' | 'resetHint' | 'integer'
  >;
}

function readLayout(reader: ByteReader): Layout | undefined {
  const flags = reader.u8();
  const schema = reader.zigzag();
  const zeroThreshold = reader.f64();
  const positive = readSpans(reader);
  const negative = readSpans(reader);
  const customBounds = flags & CUSTOM ? reader.floats(reader.count(8)) : undefined;
  const resetHint = HINTS[flags >>> HINT_SHIFT];
  if (reader.failed || resetHint === undefined) return undefined;
  return {
    isWide: (flags & WIDE) !== 0,
    positiveBuckets: positive.buckets,
    negativeBuckets: negative.buckets,
    histogram: {
      schema,
      zeroThreshold,
      positiveSpans: positive.spans,
      negativeSpans: negative.spans,
      ...(customBounds === undefined ? {} : { customBounds }),
      resetHint,
      integer: (flags & WHOLE) !== 0,
    },
  };
}

function readSpans(reader: ByteReader): { readonly spans: readonly BucketSpan[]; readonly buckets: number } {
  const spans: BucketSpan[] = [];
  let buckets = 0;
  const count = reader.count(2);
  for (let i = 0; i < count; i++) {
    const offset = reader.zigzag();
    const length = reader.varint();
    spans.push({ offset, length });
    buckets += length;
  }
  if (buckets <= BUCKETS_MAX) return { spans, buckets };
  reader.failed = true;
  return { spans: [], buckets: 0 };
}

// --- columns ----------------------------------------------------------------------------------------

/**
 * The histograms among `rows` samples, by their index, rising. Layout: varint number · where it is not `rows`: a bitmap
 * of ceil(rows / 8) bytes, low bit first · runs of histograms with one layout until all are there: varint number ·
 * varint bytes, layout · columns of sum, count, zero count, each positive and each negative bucket: varint bytes, column.
 */
export function writeHistogramColumn(
  writer: ByteWriter,
  histograms: ReadonlyMap<number, NativeHistogram>,
  work: { readonly rows: number; readonly scratch: ColumnScratch },
): void {
  const { rows, scratch } = work;
  scratch.ensure(rows);
  writer.varint(histograms.size);
  if (histograms.size !== rows) {
    const mask = new Uint8Array((rows + 7) >>> 3);
    for (const index of histograms.keys()) mask[index >>> 3] = mask[index >>> 3]! | (1 << (index & 7));
    writer.raw(mask);
  }
  let run: NativeHistogram[] = [];
  let layout = new Uint8Array(0);
  const passing = new ByteWriter(256);
  for (const histogram of histograms.values()) {
    passing.clear();
    // Counts of any kind: columns take floats.
    writeLayout(passing, histogram, false);
    if (run.length === 0 || Buffer.compare(layout, passing.bytes()) !== 0) {
      if (run.length > 0) writeRun(writer, { run, layout }, scratch);
      run = [];
      layout = passing.bytes().slice();
    }
    run.push(histogram);
  }
  if (run.length > 0) writeRun(writer, { run, layout }, scratch);
}

function writeRun(
  writer: ByteWriter,
  part: { readonly run: readonly NativeHistogram[]; readonly layout: Uint8Array },
  scratch: ColumnScratch,
): void {
  const { run, layout } = part;
  writer.varint(run.length);
  writer.varint(layout.length);
  writer.raw(layout);
  const column = new ByteWriter(run.length * 8 + 16);
  const put = (numberOf: (histogram: NativeHistogram) => number): void => {
    run.forEach((histogram, i) => {
      scratch.values[i] = numberOf(histogram);
    });
    column.clear();
    writeColumn(column, scratch, run.length);
    writer.varint(column.length);
    writer.raw(column.bytes());
  };
  put(({ sum }) => sum);
  put(({ count }) => count);
  put(({ zeroCount }) => zeroCount);
  const { positiveCounts, negativeCounts } = run[0]!;
  for (let k = 0; k < positiveCounts.length; k++) put(histogram => histogram.positiveCounts[k]!);
  for (let k = 0; k < negativeCounts.length; k++) put(histogram => histogram.negativeCounts[k]!);
}

/** Undefined when the bytes make no sense. */
export function readHistogramColumn(
  bytes: Uint8Array,
  rows: number,
): ReadonlyMap<number, NativeHistogram> | undefined {
  const reader = new ByteReader(bytes);
  const count = reader.varint();
  if (count > rows) return undefined;
  const indices = count === rows ? allBelow(rows) : indicesOf(reader.raw((rows + 7) >>> 3), rows);
  if (reader.failed || indices.length !== count) return undefined;
  const found = new Map<number, NativeHistogram>();
  while (found.size < count) {
    const run = readRun(reader, count - found.size);
    if (run === undefined) return undefined;
    for (const histogram of run) found.set(indices[found.size]!, histogram);
  }
  return reader.left === 0 ? found : undefined;
}

function allBelow(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function indicesOf(mask: Uint8Array, rows: number): readonly number[] {
  return allBelow(rows).filter(i => (mask[i >>> 3]! & (1 << (i & 7))) !== 0);
}

function readRun(reader: ByteReader, atMost: number): readonly NativeHistogram[] | undefined {
  const count = reader.varint();
  const within = new ByteReader(reader.raw(reader.count(1)));
  const layout = readLayout(within);
  if (layout === undefined || within.left !== 0 || count === 0 || count > atMost) return undefined;
  const { positiveBuckets, negativeBuckets, histogram } = layout;
  // Each column takes two bytes at least: a claim of more than there can be is an attack on memory.
  if ((3 + positiveBuckets + negativeBuckets) * 2 > reader.left) return undefined;
  const take = (): Float64Array | undefined => {
    const part = reader.raw(reader.count(1));
    const values = new Float64Array(count);
    return !reader.failed && readColumn(new ByteReader(part), roomOf(values)) ? values : undefined;
  };
  const columns: Float64Array[] = [];
  for (let k = 0; k < 3 + positiveBuckets + negativeBuckets; k++) {
    const column = take();
    if (column === undefined) return undefined;
    columns.push(column);
  }
  const [sums, counts, zeroCounts, ...buckets] = columns;
  const at = (i: number, from: number, to: number): Float64Array =>
    Float64Array.from(buckets.slice(from, to), column => column[i]!);
  return Array.from({ length: count }, (_, i) => ({
    ...histogram,
    sum: sums![i]!,
    count: counts![i]!,
    zeroCount: zeroCounts![i]!,
    positiveCounts: at(i, 0, positiveBuckets),
    negativeCounts: at(i, positiveBuckets, positiveBuckets + negativeBuckets),
  }));
}
