// Both ends of a remote read for tests: requests written, answers read. Independent of the program's own readers and writers.

import { uncompressSync } from 'snappy';
import { readChunk, type ReadSample } from './read-chunk.ts';

type Bytes = number[];

export interface TestQuery {
  readonly startMs: number;
  readonly endMs: number;
  readonly matchers: readonly (readonly [name: string, op: '=' | '!=' | '=~' | '!~', value: string])[];
  readonly hints?: { readonly startMs?: number; readonly endMs?: number; readonly func?: string };
}

function varint(into: Bytes, value: number | bigint): void {
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 128n; rest >>= 7n) into.push(Number(rest & 127n) | 128);
  into.push(Number(rest));
}

function number(into: Bytes, field: number, value: number): void {
  varint(into, field * 8);
  varint(into, value);
}

function bytes(into: Bytes, field: number, value: ArrayLike<number>): void {
  varint(into, field * 8 + 2);
  varint(into, value.length);
  for (let i = 0; i < value.length; i++) into.push(value[i] as number);
}

/** prometheus.ReadRequest */
export function encodeReadRequest(queries: readonly TestQuery[], accepted: readonly number[] = []): Uint8Array {
  const request: Bytes = [];
  for (const { startMs, endMs, matchers, hints } of queries) {
    const query: Bytes = [];
    number(query, 1, startMs);
    number(query, 2, endMs);
    for (const [name, op, value] of matchers) {
      const matcher: Bytes = [];
      number(matcher, 1, ['=', '!=', '=~', '!~'].indexOf(op));
      bytes(matcher, 2, Buffer.from(name));
      bytes(matcher, 3, Buffer.from(value));
      bytes(query, 3, matcher);
    }
    if (hints !== undefined) {
      const message: Bytes = [];
      number(message, 1, 15_000);
      bytes(message, 2, Buffer.from(hints.func ?? ''));
      number(message, 3, hints.startMs ?? 0);
      number(message, 4, hints.endMs ?? 0);
      bytes(query, 4, message);
    }
    bytes(request, 1, query);
  }
  const packed: Bytes = [];
  for (const kind of accepted) varint(packed, kind);
  if (packed.length > 0) bytes(request, 2, packed);
  return Uint8Array.from(request);
}

// --- reading ----------------------------------------------------------------------------------------

export interface ReadSeries {
  readonly query: number;
  /** "name=value" in their order. */
  readonly labels: readonly string[];
  readonly samples: readonly ReadSample[];
}

type Field = { readonly field: number; readonly value: bigint; readonly bytes: Uint8Array };

function fieldsOf(message: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const take = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw new Error('the message is too short');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = Number(take());
    const field = tag >>> 3;
    if ((tag & 7) === 0) fields.push({ field, value: take(), bytes: new Uint8Array(0) });
    else if ((tag & 7) === 1) {
      fields.push({ field, value: view.getBigUint64(at, true), bytes: new Uint8Array(0) });
      at += 8;
    } else if ((tag & 7) === 2) {
      const length = Number(take());
      if (at + length > message.length) throw new Error('a field is too long');
      fields.push({ field, value: 0n, bytes: message.subarray(at, at + length) });
      at += length;
    } else throw new Error(`a field of type ${tag & 7}`);
  }
  return fields;
}

const textOf = (fields: readonly Field[], wanted: number): string =>
  Buffer.from(fields.find(({ field }) => field === wanted)?.bytes ?? []).toString();
const numberOf = (fields: readonly Field[], wanted: number): bigint =>
  fields.find(({ field }) => field === wanted)?.value ?? 0n;
const intOf = (fields: readonly Field[], wanted: number): number =>
  Number(BigInt.asIntN(64, numberOf(fields, wanted)));

function labelsOf(fields: readonly Field[]): readonly string[] {
  return fields
    .filter(({ field }) => field === 1)
    .map(({ bytes: pair }) => `${textOf(fieldsOf(pair), 1)}=${textOf(fieldsOf(pair), 2)}`);
}

/** A snappy block with a ReadResponse; histograms are shown by what they must not lose. */
export function decodeReadResponse(body: Uint8Array): readonly ReadSeries[] {
  const response = fieldsOf(new Uint8Array(uncompressSync(Buffer.from(body)) as Buffer));
  return response.flatMap(({ bytes: result }, query) =>
    fieldsOf(result).map(({ bytes: series }) => {
      const fields = fieldsOf(series);
      const samples = fields
        .filter(({ field }) => field === 2 || field === 4)
        .map(({ field, bytes: sample }) => (field === 2 ? floatOf(sample) : histogramOf(sample)));
      return { query, labels: labelsOf(fields), samples };
    }),
  );
}

function floatOf(sample: Uint8Array): ReadSample {
  const fields = fieldsOf(sample);
  return { timeMs: intOf(fields, 2), value: numberOf(fields, 1) };
}

const unzigzag = (value: bigint): number => Number(value & 1n ? -(value + 1n) / 2n : value / 2n);
const doubleOf = (value: bigint): number => new Float64Array(BigUint64Array.of(value).buffer)[0] ?? 0;

function packedOf(fields: readonly Field[], wanted: number): Uint8Array {
  return fields.find(({ field }) => field === wanted)?.bytes ?? new Uint8Array(0);
}

function doublesOf(packed: Uint8Array): readonly number[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  return Array.from({ length: packed.length / 8 }, (_, i) => view.getFloat64(8 * i, true));
}

function deltasOf(packed: Uint8Array): readonly number[] {
  const counts: number[] = [];
  let sum = 0;
  let value = 0n;
  let shift = 0n;
  for (const byte of packed) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte >= 128) continue;
    sum += unzigzag(value);
    counts.push(sum);
    value = 0n;
    shift = 0n;
  }
  return counts;
}

function histogramOf(message: Uint8Array): ReadSample {
  const fields = fieldsOf(message);
  const isWhole = fields.some(({ field }) => field === 1);
  const spansOf = (wanted: number): readonly (readonly [number, number])[] =>
    fields
      .filter(({ field }) => field === wanted)
      .map(({ bytes: span }) => [unzigzag(numberOf(fieldsOf(span), 1)), intOf(fieldsOf(span), 2)] as const);
  const countsOf = (deltas: number, counts: number): readonly number[] =>
    isWhole ? deltasOf(packedOf(fields, deltas)) : doublesOf(packedOf(fields, counts));
  const schema = unzigzag(numberOf(fields, 4));
  return {
    timeMs: intOf(fields, 15),
    histogram: {
      start: intOf(fields, 14),
      schema,
      zeroThreshold: doubleOf(numberOf(fields, 5)),
      positiveSpans: spansOf(11),
      negativeSpans: spansOf(8),
      bounds: schema === -53 ? doublesOf(packedOf(fields, 16)) : undefined,
      count: isWhole ? Number(numberOf(fields, 1)) : doubleOf(numberOf(fields, 2)),
      zeroCount: isWhole ? Number(numberOf(fields, 6)) : doubleOf(numberOf(fields, 7)),
      sum: numberOf(fields, 3),
      positive: countsOf(12, 13),
      negative: countsOf(9, 10),
    },
  };
}

/** A body of frames: one entry a frame. */
export function decodeFrames(body: Uint8Array): readonly (ReadSeries & { readonly bytes: number })[] {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const frames: (ReadSeries & { bytes: number })[] = [];
  for (let at = 0; at < body.length; ) {
    let length = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = body[at++] as number;
      length += (byte & 127) * unit;
      if (byte < 128) break;
    }
    const message = body.subarray(at + 4, at + 4 + length);
    if (message.length !== length) throw new Error('the last frame is too short');
    if (view.getUint32(at, false) !== castagnoli(message)) throw new Error('a wrong checksum');
    at += 4 + length;
    const fields = fieldsOf(message);
    const series = fields.filter(({ field }) => field === 1);
    if (series.length !== 1) throw new Error(`${series.length} series in a frame`);
    const parts = fieldsOf((series[0] as Field).bytes);
    const samples = parts.filter(({ field }) => field === 2).flatMap(({ bytes: chunk }) => chunkOf(chunk));
    frames.push({ query: intOf(fields, 2), labels: labelsOf(parts), samples, bytes: length });
  }
  return frames;
}

function chunkOf(message: Uint8Array): readonly ReadSample[] {
  const fields = fieldsOf(message);
  const samples = readChunk(intOf(fields, 3), packedOf(fields, 4));
  if (samples.length > 120) throw new Error(`${samples.length} samples in a chunk`);
  if (samples[0]?.timeMs !== intOf(fields, 1) || samples.at(-1)?.timeMs !== intOf(fields, 2))
    throw new Error('a chunk does not say its times');
  return samples;
}

/** Bit by bit. */
function castagnoli(message: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of message) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
