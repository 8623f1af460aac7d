// A native histogram of remote write: 1.0 and 2.0 share the message, but for the start timestamp that 2.0 has.

import {
  FIXED64,
  readDoubles,
  readSpan,
  readZigzags,
  summed,
  VARINT,
  type WireReader,
} from '../../exposition/index.ts';
import {
  type BucketSpan,
  CUSTOM_BOUNDS,
  type NativeHistogram,
  STALE_HIGH,
  STALE_LOW,
} from '../../model/index.ts';

export interface PushedHistogram {
  readonly histogram: NativeHistogram;
  readonly timestampMs: number;
  /** NaN where unknown. */
  readonly startTimestampMs: number;
  /** A stale marker in the place of the sum: the series ended. */
  readonly isStale: boolean;
}

const HINTS = ['unknown', 'reset', 'no-reset', 'gauge'] as const;

/** Undefined when the bytes are bad. */
export function readHistogram(reader: WireReader, end: number): PushedHistogram | undefined {
  let [count, sum, schema, zeroThreshold, zeroCount] = [0, 0, 0, 0, 0];
  let [hint, timestampMs, startTimestampMs] = [0, 0, Number.NaN];
  let integer = true;
  let isStale = false;
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
        isStale = reader.at + 8 <= end && isStaleMarker(reader);
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
  return { histogram, timestampMs, startTimestampMs, isStale };
}

/** By its bits: as a number the marker may become an ordinary NaN. */
function isStaleMarker(reader: WireReader): boolean {
  const { view, at } = reader;
  return view.getUint32(at, true) === STALE_LOW && view.getUint32(at + 4, true) === STALE_HIGH;
}
