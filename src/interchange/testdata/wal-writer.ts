// Logs and head chunks of Prometheus, written as plainly as their documents say: for tests.

import { compressSync } from 'snappy';
import { crc32c } from '../../base/index.ts';
import type { SampleChunk } from '../../exposition/index.ts';
import { type Labels, labelPairs, type NativeHistogram } from '../../model/index.ts';
import { BigEndianWriter } from '../big-endian.ts';

const PAGE_BYTES = 32 * 1024;
const HEADER_BYTES = 7;

/** Records in one segment; `snappy` compresses each. */
export function walSegment(records: readonly Uint8Array[], how: { readonly snappy?: boolean } = {}): Uint8Array {
  const out = new BigEndianWriter();
  for (const record of records) {
    const bytes = how.snappy === true ? new Uint8Array(compressSync(Buffer.from(record))) : record;
    let at = 0;
    for (let i = 0; at < bytes.length || i === 0; i++) {
      const left = PAGE_BYTES - (out.length % PAGE_BYTES);
      // Not even an empty fragment fits: the rest of the page is zeros.
      if (left <= HEADER_BYTES) {
        out.raw(new Uint8Array(left));
        i--;
        continue;
      }
      const part = bytes.subarray(at, at + left - HEADER_BYTES);
      at += part.length;
      const isLast = at >= bytes.length;
      const type = i === 0 ? (isLast ? 1 : 2) : isLast ? 4 : 3;
      out.u8(type | (how.snappy === true ? 8 : 0));
      out.u8(part.length >>> 8);
      out.u8(part.length & 255);
      out.u32(crc32c(part, { from: 0, to: part.length }));
      out.raw(part);
    }
  }
  return out.bytes().slice();
}

export function seriesRecord(series: readonly (readonly [ref: number, labels: Labels])[]): Uint8Array {
  const out = new BigEndianWriter();
  out.u8(1);
  for (const [ref, labels] of series) {
    out.u64(ref);
    out.uvarint(labels.length / 2);
    for (const [name, value] of labelPairs(labels)) {
      out.text(name);
      out.text(value);
    }
  }
  return out.bytes().slice();
}

export interface WalSample {
  readonly ref: number;
  readonly timeMs: number;
  readonly bits?: bigint;
  readonly histogram?: NativeHistogram;
}

/** Floats, or histograms of whole counts, or of float counts: each kind has records of its own. */
export function samplesRecord(samples: readonly WalSample[]): Uint8Array {
  const [first] = samples;
  if (first === undefined) throw new Error('a record has samples');
  const out = new BigEndianWriter();
  const one = first.histogram;
  const isCustom = one?.schema === -53;
  out.u8(one === undefined ? 2 : one.integer ? (isCustom ? 9 : 7) : isCustom ? 10 : 8);
  out.u64(first.ref);
  out.u64(first.timeMs);
  for (const { ref, timeMs, bits = 0n, histogram } of samples) {
    out.varint(ref - first.ref);
    out.varint(timeMs - first.timeMs);
    if (histogram === undefined) putBits(out, bits);
    else putHistogram(out, histogram);
  }
  return out.bytes().slice();
}

/** As later versions write floats, each with a start of its own. */
export function startedRecord(samples: readonly WalSample[]): Uint8Array {
  const out = new BigEndianWriter();
  out.u8(11);
  const firstMs = samples[0]?.timeMs ?? 0;
  samples.forEach(({ ref, timeMs, bits = 0n }, i) => {
    out.varint(ref - (samples[i - 1]?.ref ?? 0));
    out.varint(i === 0 ? timeMs : timeMs - firstMs);
    if (i === 0) out.varint(timeMs - 5);
    else {
      out.u8(i % 3);
      if (i % 3 === 2) out.varint(i);
    }
    putBits(out, bits);
  });
  return out.bytes().slice();
}

export function stonesRecord(stones: readonly (readonly [ref: number, fromMs: number, toMs: number])[]): Uint8Array {
  const out = new BigEndianWriter();
  out.u8(3);
  for (const [ref, fromMs, toMs] of stones) {
    out.u64(ref);
    out.varint(fromMs);
    out.varint(toMs);
  }
  return out.bytes().slice();
}

/** A file of `chunks_head`. */
export function headChunks(
  chunks: readonly { readonly ref: number; readonly chunk: SampleChunk; readonly outOfOrder?: boolean }[],
): Uint8Array {
  const out = new BigEndianWriter();
  out.u32(0x0130bc91);
  out.u8(1);
  out.raw(new Uint8Array(3));
  for (const { ref, chunk, outOfOrder } of chunks) {
    const from = out.length;
    out.u64(ref);
    out.u64(chunk.minMs);
    out.u64(chunk.maxMs);
    out.u8(chunk.kind | (outOfOrder === true ? 0x80 : 0));
    out.prefixed(chunk.data);
    out.u32(crc32c(out.bytes(), { from, to: out.length }));
  }
  return out.bytes().slice();
}

function putBits(out: BigEndianWriter, bits: bigint): void {
  out.u32(Number(bits >> 32n));
  out.u32(Number(bits & 0xffffffffn));
}

function putDouble(out: BigEndianWriter, value: number): void {
  putBits(out, new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n);
}

const HINTS = ['unknown', 'reset', 'no-reset', 'gauge'];

function putHistogram(out: BigEndianWriter, one: NativeHistogram): void {
  const { integer, positiveSpans, negativeSpans, positiveCounts, negativeCounts, customBounds } = one;
  out.u8(HINTS.indexOf(one.resetHint));
  out.varint(one.schema);
  putDouble(out, one.zeroThreshold);
  for (const total of [one.zeroCount, one.count]) {
    if (integer) out.uvarint(total);
    else putDouble(out, total);
  }
  putDouble(out, one.sum);
  for (const spans of [positiveSpans, negativeSpans]) {
    out.uvarint(spans.length);
    for (const { offset, length } of spans) {
      out.varint(offset);
      out.uvarint(length);
    }
  }
  for (const counts of [positiveCounts, negativeCounts]) {
    out.uvarint(counts.length);
    let before = 0;
    for (const count of counts) {
      if (integer) out.varint(count - before);
      else putDouble(out, count);
      before = count;
    }
  }
  if (one.schema !== -53) return;
  out.uvarint(customBounds?.length ?? 0);
  for (const bound of customBounds ?? []) putDouble(out, bound);
}
