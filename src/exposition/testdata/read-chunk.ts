// Prometheus's chunks, read: as plain as possible, with whole numbers of any size, so that it shares nothing with the writers.

export interface ReadHistogram {
  readonly start: number;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positiveSpans: readonly (readonly [offset: number, length: number])[];
  readonly negativeSpans: readonly (readonly [offset: number, length: number])[];
  readonly bounds: readonly number[] | undefined;
  readonly count: number;
  readonly zeroCount: number;
  readonly sum: bigint;
  readonly positive: readonly number[];
  readonly negative: readonly number[];
}

export interface ReadSample {
  readonly timeMs: number;
  /** Its bits. */
  readonly value?: bigint;
  readonly histogram?: ReadHistogram;
}

class Bits {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  take(width: number): bigint {
    let value = 0n;
    for (let i = 0; i < width; i++) {
      const byte = this.#bytes[this.#at >>> 3];
      if (byte === undefined) throw new Error('the chunk is too short');
      value = (value << 1n) | BigInt((byte >>> (7 - (this.#at & 7))) & 1);
      this.#at++;
    }
    return value;
  }

  /** Ones before a zero, at most so many. */
  ones(most: number): number {
    for (let i = 0; i < most; i++) if (this.take(1) === 0n) return i;
    return most;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.take(8);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return value;
    }
  }

  /** Signed, with one number more above zero than below. */
  lopsided(width: number): bigint {
    const value = this.take(width);
    return value > 1n << BigInt(width - 1) ? value - (1n << BigInt(width)) : value;
  }

  varbit(): bigint {
    const width = WIDTHS[this.ones(8)] ?? 64;
    if (width === 64) return BigInt.asIntN(64, this.take(64));
    return width === 0 ? 0n : this.lopsided(width);
  }

  varbitUnsigned(): bigint {
    return this.take(WIDTHS[this.ones(8)] ?? 64);
  }
}

const WIDTHS = [0, 3, 6, 9, 12, 18, 25, 56];

class Xor {
  value = 0n;
  #leading = 0;
  #trailing = 0;

  first(bits: Bits): bigint {
    this.value = bits.take(64);
    return this.value;
  }

  next(bits: Bits): bigint {
    if (bits.take(1) === 0n) return this.value;
    if (bits.take(1) === 1n) {
      this.#leading = Number(bits.take(5));
      const width = Number(bits.take(6));
      this.#trailing = 64 - this.#leading - (width === 0 ? 64 : width);
    }
    this.value ^= bits.take(64 - this.#leading - this.#trailing) << BigInt(this.#trailing);
    return this.value;
  }
}

const unzigzag = (value: bigint): bigint => (value & 1n ? -(value + 1n) / 2n : value / 2n);

export function bitsOf(value: number): bigint {
  return new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n;
}

function doubleOf(bits: bigint): number {
  return new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? 0;
}

/** `kind` as in the message: 1 floats, 2 histograms, 3 float histograms. */
export function readChunk(kind: number, data: Uint8Array): readonly ReadSample[] {
  const count = ((data[0] ?? 0) << 8) | (data[1] ?? 0);
  if (kind === 1) return readFloats(new Bits(data, 16), count);
  if (kind !== 2 && kind !== 3) throw new Error(`a chunk of the unknown kind ${kind}`);
  return readHistograms(new Bits(data, 24), { count, start: (data[2] ?? 0) >>> 6, isWhole: kind === 2 });
}

function readFloats(bits: Bits, count: number): readonly ReadSample[] {
  const samples: ReadSample[] = [];
  const xor = new Xor();
  let timeMs = 0n;
  let stepMs = 0n;
  for (let i = 0; i < count; i++) {
    if (i === 0) timeMs = unzigzag(bits.varint());
    else if (i === 1) stepMs = bits.varint();
    else {
      const ones = bits.ones(4);
      if (ones === 4) stepMs += BigInt.asIntN(64, bits.take(64));
      else if (ones > 0) stepMs += bits.lopsided([0, 14, 17, 20][ones] ?? 0);
    }
    if (i > 0) timeMs += stepMs;
    samples.push({ timeMs: Number(timeMs), value: i === 0 ? xor.first(bits) : xor.next(bits) });
  }
  return samples;
}

function readHistograms(
  bits: Bits,
  how: { readonly count: number; readonly start: number; readonly isWhole: boolean },
): readonly ReadSample[] {
  const threshold = Number(bits.take(8));
  const zeroThreshold =
    threshold === 0 ? 0 : threshold === 255 ? doubleOf(bits.take(64)) : 0.5 * 2 ** (threshold - 243);
  const schema = Number(bits.varbit());
  const positiveSpans = readSpans(bits);
  const negativeSpans = readSpans(bits);
  const bounds =
    schema === -53 ? Array.from({ length: Number(bits.varbitUnsigned()) }, () => readBound(bits)) : undefined;
  const layout = { start: how.start, schema, zeroThreshold, positiveSpans, negativeSpans, bounds };
  const lengthOf = (spans: readonly (readonly number[])[]): number =>
    spans.reduce((sum, [, length]) => sum + (length ?? 0), 0);
  const positive = lengthOf(positiveSpans);
  const buckets = positive + lengthOf(negativeSpans);
  const rows = how.isWhole ? wholeRows(bits, how.count, buckets) : floatRows(bits, how.count, buckets);
  return rows.map(({ timeMs, count, zeroCount, sum, counts }) => ({
    timeMs,
    histogram: {
      ...layout,
      count,
      zeroCount,
      sum,
      positive: absolute(counts.slice(0, positive), how.isWhole),
      negative: absolute(counts.slice(positive), how.isWhole),
    },
  }));
}

interface Row {
  readonly timeMs: number;
  readonly count: number;
  readonly zeroCount: number;
  readonly sum: bigint;
  readonly counts: readonly number[];
}

function absolute(counts: readonly number[], isWhole: boolean): readonly number[] {
  let sum = 0;
  return isWhole
    ? counts.map(delta => {
        sum += delta;
        return sum;
      })
    : counts;
}

function wholeRows(bits: Bits, count: number, buckets: number): readonly Row[] {
  const rows: Row[] = [];
  const sum = new Xor();
  const values = new Array<bigint>(3 + buckets).fill(0n);
  const steps = new Array<bigint>(3 + buckets).fill(0n);
  for (let i = 0; i < count; i++) {
    const take = (k: number): void => {
      if (i === 0) values[k] = k === 1 || k === 2 ? bits.varbitUnsigned() : bits.varbit();
      else {
        steps[k] = (steps[k] ?? 0n) + bits.varbit();
        values[k] = (values[k] ?? 0n) + (steps[k] ?? 0n);
      }
    };
    for (let k = 0; k < 3; k++) take(k);
    const sumBits = i === 0 ? sum.first(bits) : sum.next(bits);
    for (let k = 3; k < values.length; k++) take(k);
    const [timeMs = 0, total = 0, zeroCount = 0, ...counts] = values.map(Number);
    rows.push({ timeMs, count: total, zeroCount, sum: sumBits, counts });
  }
  return rows;
}

function floatRows(bits: Bits, count: number, buckets: number): readonly Row[] {
  const rows: Row[] = [];
  const states = Array.from({ length: 3 + buckets }, () => new Xor());
  let timeMs = 0n;
  let stepMs = 0n;
  for (let i = 0; i < count; i++) {
    if (i === 0) timeMs = bits.varbit();
    else {
      stepMs += bits.varbit();
      timeMs += stepMs;
    }
    const all = states.map(state => (i === 0 ? state.first(bits) : state.next(bits)));
    const [total = 0n, zeroCount = 0n, sum = 0n, ...counts] = all;
    rows.push({
      timeMs: Number(timeMs),
      count: doubleOf(total),
      zeroCount: doubleOf(zeroCount),
      sum,
      counts: counts.map(doubleOf),
    });
  }
  return rows;
}

function readSpans(bits: Bits): readonly (readonly [offset: number, length: number])[] {
  return Array.from({ length: Number(bits.varbitUnsigned()) }, () => {
    const length = Number(bits.varbitUnsigned());
    return [Number(bits.varbit()), length] as const;
  });
}

function readBound(bits: Bits): number {
  const number = Number(bits.varbitUnsigned());
  return number === 0 ? doubleOf(bits.take(64)) : (number - 1) / 1000;
}
