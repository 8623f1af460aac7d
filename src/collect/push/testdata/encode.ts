// Remote-write bodies for tests, written by the specification: 1.0 and 2.0.

export type Pairs = readonly (readonly [name: string, value: string])[];

export interface TestHistogram {
  readonly timeMs: number;
  /** Integer counts as bigint-free numbers, or floats. */
  readonly count: number;
  readonly isFloat?: boolean;
  readonly sum?: number;
  readonly schema?: number;
  readonly zeroCount?: number;
  readonly positive?: { readonly spans: readonly (readonly [offset: number, length: number])[]; readonly counts: readonly number[] };
  readonly negative?: { readonly spans: readonly (readonly [offset: number, length: number])[]; readonly counts: readonly number[] };
  readonly customBounds?: readonly number[];
}

export interface TestSeries {
  readonly labels: Pairs;
  /** A bigint gives the value by its bits. */
  readonly samples?: readonly { readonly value: number | bigint; readonly timeMs: number; readonly startMs?: number }[];
  readonly histograms?: readonly TestHistogram[];
  readonly exemplars?: readonly { readonly labels: Pairs; readonly value: number; readonly timeMs: number }[];
  readonly metadata?: { readonly type: number; readonly help: string; readonly unit: string };
  readonly createdMs?: number;
}

type Bytes = number[];

function varint(into: Bytes, value: number | bigint): void {
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 128n) {
    into.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  into.push(Number(rest));
}

const zigzag = (value: number): bigint => (value < 0 ? BigInt(-value) * 2n - 1n : BigInt(value) * 2n);

export function number(into: Bytes, field: number, value: number | bigint): void {
  varint(into, field * 8);
  varint(into, value);
}

function double(into: Bytes, field: number, value: number | bigint): void {
  varint(into, field * 8 + 1);
  doubleBytes(into, value);
}

function doubleBytes(into: Bytes, value: number | bigint): void {
  const view = new DataView(new ArrayBuffer(8));
  if (typeof value === 'bigint') view.setBigUint64(0, value, true);
  else view.setFloat64(0, value, true);
  for (let i = 0; i < 8; i++) into.push(view.getUint8(i));
}

export function bytes(into: Bytes, field: number, value: ArrayLike<number>): void {
  varint(into, field * 8 + 2);
  varint(into, value.length);
  for (let i = 0; i < value.length; i++) into.push(value[i] as number);
}

const text = (into: Bytes, field: number, value: string): void =>
  bytes(into, field, new TextEncoder().encode(value));

function histogram(one: TestHistogram): Bytes {
  const into: Bytes = [];
  if (one.isFloat === true) double(into, 2, one.count);
  else number(into, 1, one.count);
  double(into, 3, one.sum ?? 1);
  number(into, 4, zigzag(one.schema ?? 0));
  double(into, 5, 0.001);
  if (one.isFloat === true) double(into, 7, one.zeroCount ?? 0);
  else number(into, 6, one.zeroCount ?? 0);
  for (const [fields, side] of [
    [[8, 9, 10], one.negative],
    [[11, 12, 13], one.positive],
  ] as const) {
    for (const [offset, length] of side?.spans ?? []) {
      const span: Bytes = [];
      number(span, 1, zigzag(offset));
      number(span, 2, length);
      bytes(into, fields[0], span);
    }
    if (side === undefined) continue;
    const packed: Bytes = [];
    let before = 0;
    for (const count of side.counts) {
      if (one.isFloat === true) doubleBytes(packed, count);
      else varint(packed, zigzag(count - before));
      before = count;
    }
    bytes(into, one.isFloat === true ? fields[2] : fields[1], packed);
  }
  number(into, 15, one.timeMs);
  if (one.customBounds !== undefined) {
    const packed: Bytes = [];
    for (const bound of one.customBounds) doubleBytes(packed, bound);
    bytes(into, 16, packed);
  }
  return into;
}

/** prometheus.WriteRequest */
export function encodeV1(series: readonly TestSeries[]): Uint8Array {
  const request: Bytes = [];
  for (const one of series) {
    const message: Bytes = [];
    const pairs = (into: Bytes, labels: Pairs): void => {
      for (const [name, value] of labels) {
        const pair: Bytes = [];
        text(pair, 1, name);
        text(pair, 2, value);
        bytes(into, 1, pair);
      }
    };
    pairs(message, one.labels);
    for (const { value, timeMs } of one.samples ?? []) {
      const sample: Bytes = [];
      double(sample, 1, value);
      number(sample, 2, timeMs);
      bytes(message, 2, sample);
    }
    for (const exemplar of one.exemplars ?? []) {
      const inner: Bytes = [];
      pairs(inner, exemplar.labels);
      double(inner, 2, exemplar.value);
      number(inner, 3, exemplar.timeMs);
      bytes(message, 3, inner);
    }
    for (const each of one.histograms ?? []) bytes(message, 4, histogram(each));
    bytes(request, 1, message);
  }
  for (const { labels, metadata } of series) {
    if (metadata === undefined) continue;
    const inner: Bytes = [];
    number(inner, 1, metadata.type);
    text(inner, 2, labels.find(([name]) => name === '__name__')?.[1] ?? '');
    text(inner, 4, metadata.help);
    text(inner, 5, metadata.unit);
    bytes(request, 3, inner);
  }
  return Uint8Array.from(request);
}

/** io.prometheus.write.v2.Request */
export function encodeV2(series: readonly TestSeries[]): Uint8Array {
  const symbols = [''];
  const symbol = (value: string): number => {
    const known = symbols.indexOf(value);
    return known >= 0 ? known : symbols.push(value) - 1;
  };
  const references = (labels: Pairs): Bytes => {
    const packed: Bytes = [];
    for (const [name, value] of labels) {
      varint(packed, symbol(name));
      varint(packed, symbol(value));
    }
    return packed;
  };
  const rest: Bytes = [];
  for (const one of series) {
    const message: Bytes = [];
    bytes(message, 1, references(one.labels));
    for (const { value, timeMs, startMs } of one.samples ?? []) {
      const sample: Bytes = [];
      double(sample, 1, value);
      number(sample, 2, timeMs);
      if (startMs !== undefined) number(sample, 3, startMs);
      bytes(message, 2, sample);
    }
    for (const each of one.histograms ?? []) bytes(message, 3, histogram(each));
    for (const exemplar of one.exemplars ?? []) {
      const inner: Bytes = [];
      bytes(inner, 1, references(exemplar.labels));
      double(inner, 2, exemplar.value);
      number(inner, 3, exemplar.timeMs);
      bytes(message, 4, inner);
    }
    if (one.metadata !== undefined) {
      const inner: Bytes = [];
      number(inner, 1, one.metadata.type);
      number(inner, 3, symbol(one.metadata.help));
      number(inner, 4, symbol(one.metadata.unit));
      bytes(message, 5, inner);
    }
    if (one.createdMs !== undefined) number(message, 6, one.createdMs);
    bytes(rest, 5, message);
  }
  const request: Bytes = [];
  for (const one of symbols) text(request, 4, one);
  return Uint8Array.from([...request, ...rest]);
}
