// A native histogram as prometheus.Histogram has it, which remote read and both remote writes share.

import { type BucketSpan, CUSTOM_BOUNDS, type NativeHistogram } from '../model/index.ts';
import type { WireWriter } from './wire-writer.ts';

const HINTS = ['unknown', 'reset', 'no-reset', 'gauge'] as const;

/** The content of the message. A start timestamp (NaN for none) is of remote write 2.0 only. */
export function writeHistogram(
  writer: WireWriter,
  histogram: NativeHistogram,
  at: { readonly timeMs: number; readonly startMs: number },
): void {
  const { integer, schema } = histogram;
  // One of the two must be there to say of which kind it is, though it be zero.
  if (integer) {
    writer.varint(1 * 8);
    writer.varint(histogram.count);
  } else {
    writer.varint(2 * 8 + 1);
    writer.plainDouble(histogram.count);
  }
  writer.double(3, histogram.sum);
  writer.zigzag(4, schema);
  writer.double(5, histogram.zeroThreshold);
  if (integer) {
    writer.varint(6 * 8);
    writer.varint(histogram.zeroCount);
  } else {
    writer.varint(7 * 8 + 1);
    writer.plainDouble(histogram.zeroCount);
  }
  const negative = { spans: 8, deltas: 9, counts: 10 };
  const positive = { spans: 11, deltas: 12, counts: 13 };
  writeSide(writer, negative, { integer, spans: histogram.negativeSpans, counts: histogram.negativeCounts });
  writeSide(writer, positive, { integer, spans: histogram.positiveSpans, counts: histogram.positiveCounts });
  writer.number(14, HINTS.indexOf(histogram.resetHint));
  writer.int64(15, at.timeMs);
  if (schema === CUSTOM_BOUNDS) writePacked(writer, 16, histogram.customBounds ?? new Float64Array(0));
  if (!Number.isNaN(at.startMs)) writer.int64(17, at.startMs);
}

function writeSide(
  writer: WireWriter,
  fields: { readonly spans: number; readonly deltas: number; readonly counts: number },
  side: { readonly integer: boolean; readonly spans: readonly BucketSpan[]; readonly counts: Float64Array },
): void {
  for (const { offset, length } of side.spans) {
    const span = writer.begin(fields.spans);
    writer.zigzag(1, offset);
    writer.number(2, length);
    writer.end(span);
  }
  if (side.counts.length === 0) return;
  if (!side.integer) {
    writePacked(writer, fields.counts, side.counts);
    return;
  }
  const packed = writer.begin(fields.deltas);
  let before = 0;
  for (const count of side.counts) {
    writer.plainZigzag(count - before);
    before = count;
  }
  writer.end(packed);
}

function writePacked(writer: WireWriter, field: number, numbers: Float64Array): void {
  const packed = writer.begin(field);
  for (const number of numbers) writer.plainDouble(number);
  writer.end(packed);
}
