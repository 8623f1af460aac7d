// What senders of remote write send, read by the specification alone: both messages, with a reader of protobuf that shares
// nothing with the program's.

import { uncompressSync } from 'snappy';
import type { HttpRequest } from '../../src/base/index.ts';

export interface SentSeries {
  readonly labels: readonly (readonly [name: string, value: string])[];
  /** Values by their bits. */
  readonly samples: readonly { readonly bits: bigint; readonly timeMs: number; readonly startMs: number }[];
  readonly histograms: readonly SentHistogram[];
  readonly exemplars: readonly {
    readonly labels: readonly (readonly [name: string, value: string])[];
    readonly value: number;
    readonly timeMs: number;
  }[];
  readonly metadata: { readonly type: number; readonly help: string; readonly unit: string } | undefined;
  readonly createdMs: number;
  /** Of 2.0: the numbers of the symbols of its labels. */
  readonly refs: readonly number[];
}

export interface SentHistogram {
  readonly count: number;
  readonly isFloat: boolean;
  readonly sum: number;
  readonly schema: number;
  readonly zeroCount: number;
  readonly timeMs: number;
  readonly startMs: number;
  readonly positive: {
    readonly spans: readonly (readonly [offset: number, length: number])[];
    readonly counts: readonly number[];
  };
  readonly negative: {
    readonly spans: readonly (readonly [offset: number, length: number])[];
    readonly counts: readonly number[];
  };
  readonly customBounds: readonly number[];
}

export interface SentRequest {
  readonly version: 1 | 2;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly series: readonly SentSeries[];
  /** Of 1.0. */
  readonly metadata: readonly {
    readonly type: number;
    readonly metric: string;
    readonly help: string;
    readonly unit: string;
  }[];
  readonly symbols: readonly string[];
  readonly plainBytes: number;
}

interface Field {
  readonly number: number;
  /** A varint, or the bits of a fixed64. */
  readonly value: bigint;
  readonly bytes: Uint8Array;
}

/** The fields of a message in their order; throws where the bytes are none. */
function fieldsOf(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw new Error('a varint is cut off');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const number = key >>> 3;
    const nothing = new Uint8Array(0);
    if ((key & 7) === 0) fields.push({ number, value: varint(), bytes: nothing });
    else if ((key & 7) === 1) {
      if (at + 8 > bytes.length) throw new Error('a double is cut off');
      const value = new DataView(bytes.buffer, bytes.byteOffset + at, 8).getBigUint64(0, true);
      fields.push({ number, value, bytes: nothing });
      at += 8;
    } else if ((key & 7) === 2) {
      const length = Number(varint());
      if (at + length > bytes.length) throw new Error('a message is cut off');
      fields.push({ number, value: 0n, bytes: bytes.subarray(at, at + length) });
      at += length;
    } else throw new Error(`wire type ${key & 7} is none of ours`);
  }
  return fields;
}

const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);
const int = (value: bigint): number => Number(BigInt.asIntN(64, value));
const zigzag = (value: bigint): number => Number(value & 1n ? -(value + 1n) / 2n : value / 2n);

export function floatOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

function packedVarints(field: Field): readonly bigint[] {
  if (field.bytes.length === 0) return [field.value];
  const values: bigint[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of field.bytes) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte >= 128) continue;
    values.push(value);
    value = 0n;
    shift = 0n;
  }
  return values;
}

function packedDoubles(field: Field): readonly number[] {
  const view = new DataView(field.bytes.buffer, field.bytes.byteOffset, field.bytes.length);
  return Array.from({ length: field.bytes.length / 8 }, (_, i) => view.getFloat64(8 * i, true));
}

function histogramOf(bytes: Uint8Array): SentHistogram {
  const fields = fieldsOf(bytes);
  const last = (number: number): bigint => fields.findLast(field => field.number === number)?.value ?? 0n;
  const isFloat = fields.some(({ number }) => number === 2);
  const side = (spans: number, deltas: number, floats: number): SentHistogram['positive'] => {
    let sum = 0;
    const summed = fields
      .filter(({ number }) => number === deltas)
      .flatMap(field => packedVarints(field))
      .map(delta => {
        sum += zigzag(delta);
        return sum;
      });
    return {
      spans: fields
        .filter(({ number }) => number === spans)
        .map(field => {
          const inner = fieldsOf(field.bytes);
          const of = (number: number): bigint => inner.find(one => one.number === number)?.value ?? 0n;
          return [zigzag(of(1)), Number(of(2))] as const;
        }),
      counts: isFloat ? fields.filter(({ number }) => number === floats).flatMap(packedDoubles) : summed,
    };
  };
  return {
    count: isFloat ? floatOf(last(2)) : Number(last(1)),
    isFloat,
    sum: floatOf(last(3)),
    schema: zigzag(last(4)),
    zeroCount: isFloat ? floatOf(last(7)) : Number(last(6)),
    negative: side(8, 9, 10),
    positive: side(11, 12, 13),
    timeMs: int(last(15)),
    startMs: int(last(17)),
    customBounds: fields.filter(({ number }) => number === 16).flatMap(packedDoubles),
  };
}

type LabelsOf = (fields: readonly Field[]) => readonly (readonly [string, string])[];

function seriesOf(
  bytes: Uint8Array,
  version: 1 | 2,
  labelsOf: LabelsOf,
  symbols: readonly string[],
): SentSeries {
  const fields = fieldsOf(bytes);
  const [sampleField, histogramField, exemplarField] = version === 1 ? [2, 4, 3] : [2, 3, 4];
  const about = version === 2 ? fields.find(({ number }) => number === 5) : undefined;
  const inner = about && fieldsOf(about.bytes);
  const of = (number: number): number => Number(inner?.find(one => one.number === number)?.value ?? 0n);
  return {
    labels: labelsOf(fields),
    refs: version === 2 ? refsIn(fields) : [],
    samples: fields
      .filter(({ number }) => number === sampleField)
      .map(field => {
        const parts = fieldsOf(field.bytes);
        const part = (number: number): bigint => parts.find(one => one.number === number)?.value ?? 0n;
        return { bits: part(1), timeMs: int(part(2)), startMs: int(part(3)) };
      }),
    histograms: fields
      .filter(({ number }) => number === histogramField)
      .map(field => histogramOf(field.bytes)),
    exemplars: fields
      .filter(({ number }) => number === exemplarField)
      .map(field => {
        const parts = fieldsOf(field.bytes);
        const part = (number: number): bigint => parts.find(one => one.number === number)?.value ?? 0n;
        return { labels: labelsOf(parts), value: floatOf(part(2)), timeMs: int(part(3)) };
      }),
    metadata: inner && { type: of(1), help: symbols[of(3)] ?? '<none>', unit: symbols[of(4)] ?? '<none>' },
    createdMs: version === 2 ? int(fields.find(({ number }) => number === 6)?.value ?? 0n) : 0,
  };
}

const refsIn = (fields: readonly Field[]): readonly number[] =>
  fields.filter(({ number }) => number === 1).flatMap(field => packedVarints(field).map(Number));

/** Throws where it is no request of remote write. */
export function readWriteRequest({ method, url, headers, body }: HttpRequest): SentRequest {
  const plain = uncompressSync(Buffer.from(body ?? new Uint8Array(0)), { asBuffer: true });
  const bytes = new Uint8Array(plain as Buffer);
  const version = headers['x-prometheus-remote-write-version'] === '2.0.0' ? 2 : 1;
  const fields = fieldsOf(bytes);
  const symbols = fields
    .filter(({ number }) => number === 4 && version === 2)
    .map(field => textOf(field.bytes));
  const labelsOf: LabelsOf =
    version === 1
      ? inner =>
          inner
            .filter(({ number }) => number === 1)
            .map(field => {
              const pair = fieldsOf(field.bytes);
              const part = (number: number): string =>
                textOf(pair.find(one => one.number === number)?.bytes ?? new Uint8Array(0));
              return [part(1), part(2)] as const;
            })
      : inner => {
          const refs = refsIn(inner);
          return Array.from(
            { length: Math.ceil(refs.length / 2) },
            (_, i) =>
              [symbols[refs[2 * i] ?? -1] ?? '<none>', symbols[refs[2 * i + 1] ?? -1] ?? '<none>'] as const,
          );
        };
  return {
    version,
    method,
    url,
    headers,
    symbols,
    plainBytes: bytes.length,
    series: fields
      .filter(({ number }) => number === (version === 1 ? 1 : 5))
      .map(field => seriesOf(field.bytes, version, labelsOf, symbols)),
    metadata: fields
      .filter(({ number }) => version === 1 && number === 3)
      .map(field => {
        const parts = fieldsOf(field.bytes);
        const text = (number: number): string =>
          textOf(parts.find(one => one.number === number)?.bytes ?? new Uint8Array(0));
        const type = Number(parts.find(one => one.number === 1)?.value ?? 0n);
        return { type, metric: text(2), help: text(4), unit: text(5) };
      }),
  };
}

/** What a receiver of 2.0 says when it has written everything. */
export function writtenHeaders(request: SentRequest): Readonly<Record<string, string>> {
  const sum = (of: (series: SentSeries) => number): string =>
    String(request.series.reduce((total, series) => total + of(series), 0));
  return {
    'x-prometheus-remote-write-samples-written': sum(({ samples }) => samples.length),
    'x-prometheus-remote-write-histograms-written': sum(({ histograms }) => histograms.length),
    'x-prometheus-remote-write-exemplars-written': sum(({ exemplars }) => exemplars.length),
  };
}
