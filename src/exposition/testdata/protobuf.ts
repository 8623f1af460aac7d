// Pages of delimited protobuf for tests, written by the format's definition (io.prometheus.client), not by the reader.

type Bytes = number[];

export type TestPairs = readonly (readonly [name: string, value: string])[];

export interface TestExemplar {
  readonly labels: TestPairs;
  readonly value: number;
  readonly timeMs?: number;
}

export interface TestBuckets {
  readonly spans: readonly (readonly [offset: number, length: number])[];
  readonly counts: readonly number[];
}

export interface TestMetric {
  readonly labels?: TestPairs;
  readonly timeMs?: number;
  readonly startMs?: number;
  /** A bigint gives the value by its bits. */
  readonly value?: number | bigint;
  readonly exemplar?: TestExemplar;
  readonly count?: number;
  readonly isFloat?: boolean;
  readonly sum?: number;
  readonly quantiles?: readonly (readonly [quantile: number, value: number])[];
  readonly buckets?: readonly (readonly [bound: number, count: number, exemplar?: TestExemplar])[];
  readonly schema?: number;
  readonly zeroThreshold?: number;
  readonly zeroCount?: number;
  readonly positive?: TestBuckets;
  readonly negative?: TestBuckets;
  readonly exemplars?: readonly TestExemplar[];
}

export interface TestFamily {
  readonly name: string;
  readonly help?: string;
  readonly unit?: string;
  /** COUNTER 0, GAUGE 1, SUMMARY 2, UNTYPED 3, HISTOGRAM 4, GAUGE_HISTOGRAM 5 */
  readonly type: number;
  readonly metrics: readonly TestMetric[];
}

function varint(into: Bytes, value: number | bigint): void {
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 128n) {
    into.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  into.push(Number(rest));
}

const zigzag = (value: number): bigint => (value < 0 ? BigInt(-value) * 2n - 1n : BigInt(value) * 2n);

function number(into: Bytes, field: number, value: number | bigint | undefined): void {
  if (value === undefined) return;
  varint(into, field * 8);
  varint(into, value);
}

function double(into: Bytes, field: number, value: number | bigint | undefined): void {
  if (value === undefined) return;
  varint(into, field * 8 + 1);
  const view = new DataView(new ArrayBuffer(8));
  if (typeof value === 'bigint') view.setBigUint64(0, value, true);
  else view.setFloat64(0, value, true);
  for (let i = 0; i < 8; i++) into.push(view.getUint8(i));
}

function bytes(into: Bytes, field: number, value: ArrayLike<number>): void {
  varint(into, field * 8 + 2);
  varint(into, value.length);
  for (let i = 0; i < value.length; i++) into.push(value[i] as number);
}

function text(into: Bytes, field: number, value: string | undefined): void {
  if (value !== undefined) bytes(into, field, new TextEncoder().encode(value));
}

function time(into: Bytes, field: number, timeMs: number | undefined): void {
  if (timeMs === undefined) return;
  const stamp: Bytes = [];
  number(stamp, 1, Math.floor(timeMs / 1000));
  number(stamp, 2, (timeMs % 1000) * 1_000_000);
  bytes(into, field, stamp);
}

function pairs(into: Bytes, labels: TestPairs): void {
  for (const [name, value] of labels) {
    const pair: Bytes = [];
    text(pair, 1, name);
    text(pair, 2, value);
    bytes(into, 1, pair);
  }
}

function exemplar(into: Bytes, field: number, one: TestExemplar | undefined): void {
  if (one === undefined) return;
  const inner: Bytes = [];
  pairs(inner, one.labels);
  double(inner, 2, one.value);
  time(inner, 3, one.timeMs);
  bytes(into, field, inner);
}

function side(into: Bytes, fields: readonly [number, number, number], of: TestBuckets, isFloat: boolean): void {
  for (const [offset, length] of of.spans) {
    const span: Bytes = [];
    number(span, 1, zigzag(offset));
    number(span, 2, length);
    bytes(into, fields[0], span);
  }
  let before = 0;
  // One by one, as proto2 writes repeated numbers that are not declared packed.
  for (const count of of.counts) {
    if (isFloat) double(into, fields[2], count);
    else number(into, fields[1], zigzag(count - before));
    before = count;
  }
}

function body(type: number, metric: TestMetric): Bytes {
  const into: Bytes = [];
  if (type === 0 || type === 1 || type === 3) {
    double(into, 1, metric.value);
    exemplar(into, 2, metric.exemplar);
    time(into, 3, metric.startMs);
  } else if (type === 2) {
    number(into, 1, metric.count);
    double(into, 2, metric.sum);
    for (const [quantile, value] of metric.quantiles ?? []) {
      const inner: Bytes = [];
      double(inner, 1, quantile);
      double(inner, 2, value);
      bytes(into, 3, inner);
    }
    time(into, 4, metric.startMs);
  } else {
    const isFloat = metric.isFloat === true;
    if (isFloat) double(into, 4, metric.count);
    else number(into, 1, metric.count);
    double(into, 2, metric.sum);
    for (const [bound, count, one] of metric.buckets ?? []) {
      const inner: Bytes = [];
      if (isFloat) double(inner, 4, count);
      else number(inner, 1, count);
      double(inner, 2, bound);
      exemplar(inner, 3, one);
      bytes(into, 3, inner);
    }
    if (metric.schema !== undefined) number(into, 5, zigzag(metric.schema));
    double(into, 6, metric.zeroThreshold);
    if (isFloat) double(into, 8, metric.zeroCount);
    else number(into, 7, metric.zeroCount);
    if (metric.negative !== undefined) side(into, [9, 10, 11], metric.negative, isFloat);
    if (metric.positive !== undefined) side(into, [12, 13, 14], metric.positive, isFloat);
    time(into, 15, metric.startMs);
    for (const one of metric.exemplars ?? []) exemplar(into, 16, one);
  }
  return into;
}

const BODY_FIELD = [3, 2, 4, 5, 7, 7];

export function encodeFamilies(families: readonly TestFamily[]): Uint8Array {
  const page: Bytes = [];
  for (const { name, help, unit, type, metrics } of families) {
    const family: Bytes = [];
    text(family, 1, name);
    text(family, 2, help);
    number(family, 3, type);
    for (const metric of metrics) {
      const inner: Bytes = [];
      pairs(inner, metric.labels ?? []);
      bytes(inner, BODY_FIELD[type] as number, body(type, metric));
      number(inner, 6, metric.timeMs);
      bytes(family, 4, inner);
    }
    text(family, 5, unit);
    varint(page, family.length);
    for (const byte of family) page.push(byte);
  }
  return Uint8Array.from(page);
}
