// A native histogram of remote write: 1.0 and 2.0 share the message, but for the start timestamp that 2.0 has.

import type { BucketSpan, NativeHistogram } from '../../model/index.ts';
import { BYTES, FIXED64, VARINT, type WireReader } from './wire.ts';

export interface PushedHistogram {
  readonly histogram: NativeHistogram;
  readonly timestampMs: number;
  /** NaN where unknown. */
  readonly startTimestampMs: number;
}

const HINTS = ['unknown', 'reset', 'no-reset', 'gauge'] as const;
const CUSTOM_BOUNDS = -53;
/** Far more buckets than any real histogram; a hostile span may claim 2^32 of them. */
const BUCKETS_MAX = 100_000;
/** Of sums of float counts: what adding in another order may differ by. */
const COUNT_ERROR_MAX = 1e-6;

/** Undefined when the bytes are bad. */
export function readHistogram(reader: WireReader, end: number): PushedHistogram | undefined {
  let [count, sum, schema, zeroThreshold, zeroCount] = [0, 0, 0, 0, 0];
  let [hint, timestampMs, startTimestampMs] = [0, 0, Number.NaN];
  let integer = true;
  const positive = { spans: [] as BucketSpan[], deltas: [] as number[], counts: [] as number[] };
  const negative = { spans: [] as BucketSpan[], deltas: [] as number[], counts: [] as number[] };
  const bounds: number[] = [];
  while (reader.next(end)) {
    switch (reader.field) {
      case 1:
        count = reader.is(VARINT) ? reader.varint() : 0;
        break;
      case 2:
        integer = false;
        count = reader.is(FIXED64) ? reader.double() : 0;
        break;
      case 3:
        sum = reader.is(FIXED64) ? reader.double() : 0;
        break;
      case 4:
        schema = reader.is(VARINT) ? reader.zigzag() : 0;
        break;
      case 5:
        zeroThreshold = reader.is(FIXED64) ? reader.double() : 0;
        break;
      case 6:
        zeroCount = reader.is(VARINT) ? reader.varint() : 0;
        break;
      case 7:
        zeroCount = reader.is(FIXED64) ? reader.double() : 0;
        break;
      case 8:
      case 11:
        readSpan(reader, end, reader.field === 8 ? negative.spans : positive.spans);
        break;
      case 9:
      case 12:
        readZigzags(reader, end, reader.field === 9 ? negative.deltas : positive.deltas);
        break;
      case 10:
      case 13:
        readDoubles(reader, end, reader.field === 10 ? negative.counts : positive.counts);
        break;
      case 14:
        hint = reader.is(VARINT) ? reader.varint() : 0;
        break;
      case 15:
        timestampMs = reader.is(VARINT) ? reader.int64() : 0;
        break;
      case 16:
        readDoubles(reader, end, bounds);
        break;
      case 17: {
        const startMs = reader.is(VARINT) ? reader.int64() : 0;
        if (startMs !== 0) startTimestampMs = startMs;
        break;
      }
      default:
        reader.skip(end);
    }
  }
  if (reader.bad) return undefined;
  const histogram: NativeHistogram = {
    schema,
    count,
    sum,
    zeroThreshold,
    zeroCount,
    positiveSpans: positive.spans,
    positiveCounts: integer ? summed(positive.deltas) : Float64Array.from(positive.counts),
    negativeSpans: negative.spans,
    negativeCounts: integer ? summed(negative.deltas) : Float64Array.from(negative.counts),
    ...(schema === CUSTOM_BOUNDS ? { customBounds: Float64Array.from(bounds) } : {}),
    resetHint: HINTS[hint] ?? 'unknown',
    integer,
  };
  return { histogram, timestampMs, startTimestampMs };
}

/** Why a histogram cannot be one, as Prometheus judges; undefined when it can. */
export function badHistogram(histogram: NativeHistogram): string | undefined {
  const { schema, count, sum, zeroCount, positiveSpans, positiveCounts, negativeSpans, negativeCounts } =
    histogram;
  const isCustom = schema === CUSTOM_BOUNDS;
  if (!isCustom && (schema < -4 || schema > 8)) return `the schema ${schema} is unknown`;
  if (
    bucketsOf(positiveSpans) !== positiveCounts.length ||
    bucketsOf(negativeSpans) !== negativeCounts.length
  )
    return 'spans and buckets do not have the same number of buckets';
  if (isCustom && (negativeCounts.length > 0 || zeroCount !== 0))
    return 'custom bounds have neither negative buckets nor a zero bucket';
  const bounds = histogram.customBounds ?? new Float64Array(0);
  for (let i = 1; i < bounds.length; i++) {
    if (!((bounds[i] ?? 0) > (bounds[i - 1] ?? 0))) return 'the custom bounds do not rise';
  }
  let total = zeroCount;
  for (const counts of [positiveCounts, negativeCounts]) {
    for (const one of counts) {
      if (one < 0) return 'a bucket holds less than nothing';
      total += one;
    }
  }
  // With NaN observations the count is larger than what the buckets hold.
  const fits = Number.isNaN(sum) ? count >= total : Math.abs(count - total) <= COUNT_ERROR_MAX * count;
  return fits ? undefined : `its buckets hold ${total} observations and its count is ${count}`;
}

function bucketsOf(spans: readonly BucketSpan[]): number {
  return spans.reduce((sum, { length }) => sum + length, 0);
}

function readSpan(reader: WireReader, end: number, into: BucketSpan[]): void {
  if (!reader.is(BYTES)) return;
  const stop = reader.span(end);
  let [offset, length] = [0, 0];
  while (reader.next(stop)) {
    if (reader.field === 1 && reader.is(VARINT)) offset = reader.zigzag();
    else if (reader.field === 2 && reader.is(VARINT)) length = reader.varint();
    else reader.skip(stop);
  }
  into.push({ offset, length });
  if (into.length > BUCKETS_MAX || length > BUCKETS_MAX) reader.bad = true;
}

function readZigzags(reader: WireReader, end: number, into: number[]): void {
  if (reader.type === VARINT) {
    into.push(reader.zigzag());
    return;
  }
  if (!reader.is(BYTES)) return;
  const stop = reader.span(end);
  while (!reader.bad && reader.at < stop) into.push(reader.zigzag());
}

function readDoubles(reader: WireReader, end: number, into: number[]): void {
  if (reader.type === FIXED64) {
    into.push(reader.double());
    return;
  }
  if (!reader.is(BYTES)) return;
  const stop = reader.span(end);
  while (!reader.bad && reader.at < stop) into.push(reader.double());
}

/** From differences to counts. */
function summed(deltas: readonly number[]): Float64Array {
  let sum = 0;
  return Float64Array.from(deltas, delta => {
    sum += delta;
    return sum;
  });
}
