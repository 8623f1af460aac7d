// Spans and buckets of native histograms as protobuf has them, the same in remote write and in scraped pages.

import type { BucketSpan } from '../model/index.ts';
import { BYTES, FIXED64, VARINT, type WireReader } from './wire.ts';

/** Far more buckets than any real histogram; a hostile span may claim 2^32 of them. */
const BUCKETS_MAX = 100_000;

export function readSpan(reader: WireReader, end: number, into: BucketSpan[]): void {
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

export function readZigzags(reader: WireReader, end: number, into: number[]): void {
  if (reader.type === VARINT) {
    into.push(reader.zigzag());
    return;
  }
  if (!reader.is(BYTES)) return;
  const stop = reader.span(end);
  while (!reader.bad && reader.at < stop) into.push(reader.zigzag());
}

export function readDoubles(reader: WireReader, end: number, into: number[]): void {
  if (reader.type === FIXED64) {
    into.push(reader.double());
    return;
  }
  if (!reader.is(BYTES)) return;
  const stop = reader.span(end);
  while (!reader.bad && reader.at < stop) into.push(reader.double());
}

/** From differences to counts. */
export function summed(deltas: readonly number[]): Float64Array {
  let sum = 0;
  return Float64Array.from(deltas, delta => {
    sum += delta;
    return sum;
  });
}
