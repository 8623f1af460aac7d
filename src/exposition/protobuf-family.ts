// One io.prometheus.client.MetricFamily into plain data. Values keep their bits; whole numbers above 2^53 lose their last.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import {
  type Exemplar,
  type Labels,
  labelsFromPairs,
  type MetricType,
  type NativeHistogram,
} from '../model/index.ts';
import { BYTES, FIXED64, VARINT, type WireReader } from './wire.ts';
import { readDoubles, readSpan, readZigzags, summed } from './wire-histogram.ts';

/** A stretch of the page's bytes. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

export interface Family {
  readonly name: Stretch;
  readonly help: Stretch;
  readonly unit: Stretch;
  readonly type: FamilyType;
  readonly metrics: readonly Stretch[];
}

/** By the numbers that the format has for them. */
const TYPES = ['counter', 'gauge', 'summary', 'unknown', 'histogram', 'gaugehistogram'] as const;
export type FamilyType = (typeof TYPES)[number] & MetricType;

export interface Metric {
  readonly labels: readonly { readonly name: Stretch; readonly value: Stretch }[];
  /** 0 is none, as in Prometheus. */
  readonly timestampMs: number;
  /** Where the message of its type lies, if it is there. */
  readonly body: Stretch | undefined;
}

export interface Simple {
  /** Where the eight bytes of the value lie; -1 without one, which is 0. */
  readonly valueAt: number;
  readonly exemplar: Exemplar | undefined;
  readonly startMs: number;
}

export interface Summary {
  readonly count: number;
  readonly sumAt: number;
  readonly quantiles: readonly { readonly quantile: number; readonly valueAt: number }[];
  readonly startMs: number;
}

export interface Histogram {
  readonly count: number;
  readonly sumAt: number;
  readonly buckets: readonly {
    readonly bound: number;
    readonly count: number;
    readonly exemplar: Exemplar | undefined;
  }[];
  /** Undefined when it is a classic one only. */
  readonly native: NativeHistogram | undefined;
  readonly exemplars: readonly Exemplar[];
  readonly startMs: number;
}

const EMPTY: Stretch = { start: 0, end: 0 };

/** Undefined when the bytes are bad. */
export function readFamily(reader: WireReader, end: number): Family | undefined {
  let [name, help, unit] = [EMPTY, EMPTY, EMPTY];
  let type = 0;
  const metrics: Stretch[] = [];
  while (reader.next(end)) {
    const { field } = reader;
    if (field === 3 && reader.is(VARINT)) type = reader.varint();
    else if (field === 1 || field === 2 || field === 4 || field === 5) {
      const stretch = readStretch(reader, end);
      if (field === 1) name = stretch;
      else if (field === 2) help = stretch;
      else if (field === 5) unit = stretch;
      else metrics.push(stretch);
    } else reader.skip(end);
  }
  const known = TYPES[type];
  return reader.bad || known === undefined ? undefined : { name, help, unit, type: known, metrics };
}

const BODY_FIELD: Readonly<Record<FamilyType, number>> = {
  gauge: 2,
  counter: 3,
  summary: 4,
  unknown: 5,
  histogram: 7,
  gaugehistogram: 7,
};

export function readMetric(reader: WireReader, at: Stretch, type: FamilyType): Metric {
  const labels: { name: Stretch; value: Stretch }[] = [];
  let timestampMs = 0;
  let body: Stretch | undefined;
  reader.at = at.start;
  while (reader.next(at.end)) {
    const { field } = reader;
    if (field === 1) {
      labels.push(readPair(reader, readStretch(reader, at.end)));
    } else if (field === 6 && reader.is(VARINT)) timestampMs = reader.int64();
    else if (field === BODY_FIELD[type]) body = readStretch(reader, at.end);
    else reader.skip(at.end);
  }
  return { labels, timestampMs, body };
}

/** Counter, gauge or untyped. */
export function readSimple(reader: WireReader, at: Stretch): Simple {
  let valueAt = -1;
  let exemplar: Exemplar | undefined;
  let startMs = Number.NaN;
  reader.at = at.start;
  while (reader.next(at.end)) {
    if (reader.field === 1) valueAt = readDoubleAt(reader, at.end);
    else if (reader.field === 2) exemplar = readExemplar(reader, at.end);
    else if (reader.field === 3) startMs = readTime(reader, at.end);
    else reader.skip(at.end);
  }
  return { valueAt, exemplar, startMs };
}

export function readSummary(reader: WireReader, at: Stretch): Summary {
  let [count, sumAt, startMs] = [0, -1, Number.NaN];
  const quantiles: { quantile: number; valueAt: number }[] = [];
  reader.at = at.start;
  while (reader.next(at.end)) {
    if (reader.field === 1 && reader.is(VARINT)) count = reader.varint();
    else if (reader.field === 2) sumAt = readDoubleAt(reader, at.end);
    else if (reader.field === 3) quantiles.push(readQuantile(reader, at.end));
    else if (reader.field === 4) startMs = readTime(reader, at.end);
    else reader.skip(at.end);
  }
  return { count, sumAt, quantiles, startMs };
}

function readQuantile(reader: WireReader, end: number): Summary['quantiles'][number] {
  const within = readStretch(reader, end);
  reader.at = within.start;
  let [quantile, valueAt] = [0, -1];
  while (reader.next(within.end)) {
    if (reader.field === 1 && reader.is(FIXED64)) quantile = reader.double();
    else if (reader.field === 2) valueAt = readDoubleAt(reader, within.end);
    else reader.skip(within.end);
  }
  if (!reader.bad) reader.at = within.end;
  return { quantile, valueAt };
}

export function readHistogram(reader: WireReader, at: Stretch, isGauge: boolean): Histogram {
  let [wholeCount, floatCount, sumAt, startMs] = [0, 0, -1, Number.NaN];
  let [schema, zeroThreshold, zeroWhole, zeroFloat] = [0, 0, 0, 0];
  const buckets: { bound: number; count: number; exemplar: Exemplar | undefined }[] = [];
  const exemplars: Exemplar[] = [];
  const sides = {
    negative: {
      spans: [] as { offset: number; length: number }[],
      deltas: [] as number[],
      counts: [] as number[],
    },
    positive: {
      spans: [] as { offset: number; length: number }[],
      deltas: [] as number[],
      counts: [] as number[],
    },
  };
  reader.at = at.start;
  while (reader.next(at.end)) {
    const { field } = reader;
    if (field === 1 && reader.is(VARINT)) wholeCount = reader.varint();
    else if (field === 2) sumAt = readDoubleAt(reader, at.end);
    else if (field === 3) buckets.push(readBucket(reader, at.end));
    else if (field === 4 && reader.is(FIXED64)) floatCount = reader.double();
    else if (field === 5 && reader.is(VARINT)) schema = reader.zigzag();
    else if (field === 6 && reader.is(FIXED64)) zeroThreshold = reader.double();
    else if (field === 7 && reader.is(VARINT)) zeroWhole = reader.varint();
    else if (field === 8 && reader.is(FIXED64)) zeroFloat = reader.double();
    else if (field === 9 || field === 12)
      readSpan(reader, at.end, (field === 9 ? sides.negative : sides.positive).spans);
    else if (field === 10 || field === 13)
      readZigzags(reader, at.end, (field === 10 ? sides.negative : sides.positive).deltas);
    else if (field === 11 || field === 14)
      readDoubles(reader, at.end, (field === 11 ? sides.negative : sides.positive).counts);
    else if (field === 15) startMs = readTime(reader, at.end);
    else if (field === 16) {
      const exemplar = readExemplar(reader, at.end);
      if (exemplar !== undefined) exemplars.push(exemplar);
    } else reader.skip(at.end);
  }
  const { negative, positive } = sides;
  const count = floatCount > 0 ? floatCount : wholeCount;
  const isNative =
    positive.spans.length > 0 || negative.spans.length > 0 || zeroThreshold > 0 || zeroWhole > 0;
  const integer = !(floatCount > 0 || zeroFloat > 0);
  const counts = (side: { deltas: number[]; counts: number[] }): Float64Array =>
    integer ? summed(side.deltas) : Float64Array.from(side.counts);
  const native: NativeHistogram | undefined = isNative
    ? {
        schema,
        count: integer ? wholeCount : floatCount,
        sum: sumAt < 0 ? 0 : reader.view.getFloat64(sumAt, true),
        zeroThreshold,
        zeroCount: integer ? zeroWhole : zeroFloat,
        positiveSpans: positive.spans,
        positiveCounts: counts(positive),
        negativeSpans: negative.spans,
        negativeCounts: counts(negative),
        resetHint: isGauge ? 'gauge' : 'unknown',
        integer,
      }
    : undefined;
  return { count, sumAt, buckets, native, exemplars, startMs };
}

function readBucket(reader: WireReader, end: number): Histogram['buckets'][number] {
  const within = readStretch(reader, end);
  reader.at = within.start;
  let [whole, float, bound] = [0, 0, 0];
  let exemplar: Exemplar | undefined;
  while (reader.next(within.end)) {
    if (reader.field === 1 && reader.is(VARINT)) whole = reader.varint();
    else if (reader.field === 2 && reader.is(FIXED64)) bound = reader.double();
    else if (reader.field === 3) exemplar = readExemplar(reader, within.end);
    else if (reader.field === 4 && reader.is(FIXED64)) float = reader.double();
    else reader.skip(within.end);
  }
  if (!reader.bad) reader.at = within.end;
  return { bound, count: float === 0 ? whole : float, exemplar };
}

const decoder = new TextDecoder();

function readExemplar(reader: WireReader, end: number): Exemplar | undefined {
  const within = readStretch(reader, end);
  reader.at = within.start;
  const pairs: [string, string][] = [];
  let value = 0;
  let timestampMs: number | undefined;
  while (reader.next(within.end)) {
    if (reader.field === 1) {
      const { name, value: text } = readPair(reader, readStretch(reader, within.end));
      pairs.push([
        decoder.decode(reader.bytes.subarray(name.start, name.end)),
        decoder.decode(reader.bytes.subarray(text.start, text.end)),
      ]);
    } else if (reader.field === 2 && reader.is(FIXED64)) value = reader.double();
    else if (reader.field === 3) timestampMs = readTime(reader, within.end);
    else reader.skip(within.end);
  }
  if (reader.bad) return undefined;
  reader.at = within.end;
  const labels: Labels = labelsFromPairs(pairs);
  return timestampMs === undefined ? { labels, value } : { labels, value, timestampMs };
}

function readPair(reader: WireReader, at: Stretch): { name: Stretch; value: Stretch } {
  let [name, value] = [EMPTY, EMPTY];
  reader.at = at.start;
  while (reader.next(at.end)) {
    if (reader.field === 1) name = readStretch(reader, at.end);
    else if (reader.field === 2) value = readStretch(reader, at.end);
    else reader.skip(at.end);
  }
  if (!reader.bad) reader.at = at.end;
  return { name, value };
}

/** A google.protobuf.Timestamp in milliseconds. */
function readTime(reader: WireReader, end: number): number {
  const within = readStretch(reader, end);
  reader.at = within.start;
  let [seconds, nanos] = [0, 0];
  while (reader.next(within.end)) {
    if (reader.field === 1 && reader.is(VARINT)) seconds = reader.int64();
    else if (reader.field === 2 && reader.is(VARINT)) nanos = reader.int64();
    else reader.skip(within.end);
  }
  if (!reader.bad) reader.at = within.end;
  return seconds * 1000 + Math.trunc(nanos / 1e6);
}

/** Moves behind a length-delimited field and says where its content lies. */
function readStretch(reader: WireReader, end: number): Stretch {
  if (!reader.is(BYTES)) return EMPTY;
  const stop = reader.span(end);
  const stretch = { start: reader.at, end: stop };
  reader.at = stop;
  return stretch;
}

function readDoubleAt(reader: WireReader, end: number): number {
  if (!reader.is(FIXED64) || reader.at + 8 > end) {
    reader.bad = true;
    return -1;
  }
  reader.at += 8;
  return reader.at - 8;
}
