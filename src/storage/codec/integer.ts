// Columns of whole numbers or short decimals: differences, or differences of differences, less their least one,
// bit-packed at the width of the greatest. "Decimal" means that value = whole / 10^scale gives the same bits back.
// Layout: zigzag first · [zigzag first difference, order 2 only] · zigzag least · u8 width · packed, byte-padded.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import type { ByteReader, ByteWriter } from '../bytes.ts';
import { bitWidth, readWide, writeWide } from './bits.ts';
import type { ColumnRoom } from './room.ts';

/** Differences of differences of such numbers, less their least one, stay below 2^53. */
const WHOLE_MAX = 2 ** 49;
/** More digits behind the point mean a measured quantity, whose differences pack no better than XOR. */
const SCALE_MAX = 9;

const POWERS = Float64Array.from({ length: SCALE_MAX + 1 }, (_, i) => 10 ** i);

/** Fills `wholes` and returns the scale, or -1 if the column is not of this kind. */
export function toWholes(values: Float64Array, count: number, wholes: Float64Array): number {
  let scale = 0;
  for (let i = 0; i < count; i++) {
    scale = scaleOf(values[i]!, scale);
    if (scale < 0) return -1;
  }
  const power = POWERS[scale]!;
  for (let i = 0; i < count; i++) {
    const whole = Math.round(values[i]! * power);
    // The scale grew on the way: what fitted a smaller one is checked against the last.
    if (whole / power !== values[i] || whole > WHOLE_MAX || whole < -WHOLE_MAX) return -1;
    wholes[i] = whole;
  }
  return scale;
}

function scaleOf(value: number, from: number): number {
  if (value === 0) return Object.is(value, -0) ? -1 : from;
  for (let scale = from; scale <= SCALE_MAX; scale++) {
    const whole = Math.round(value * POWERS[scale]!);
    if (!(whole <= WHOLE_MAX && whole >= -WHOLE_MAX)) return -1;
    // A non-zero value that rounds to 0 must not come back as 0, and 0 / power never equals it.
    if (whole / POWERS[scale]! === value) return scale;
  }
  return -1;
}

export interface IntegerPlan {
  readonly order: 1 | 2;
  readonly least: number;
  readonly width: number;
  readonly packedBits: number;
}

/** The cheaper order of differences for the wholes. `count` is at least 1. */
export function planInteger(wholes: Float64Array, count: number): IntegerPlan {
  let least1 = 0;
  let most1 = 0;
  let least2 = 0;
  let most2 = 0;
  for (let i = 1; i < count; i++) {
    const first = wholes[i]! - wholes[i - 1]!;
    if (i === 1 || first < least1) least1 = first;
    if (i === 1 || first > most1) most1 = first;
    if (i === 1) continue;
    const second = first - (wholes[i - 1]! - wholes[i - 2]!);
    if (i === 2 || second < least2) least2 = second;
    if (i === 2 || second > most2) most2 = second;
  }
  const width1 = bitWidth(most1 - least1);
  const width2 = bitWidth(most2 - least2);
  const bits1 = Math.max(0, count - 1) * width1;
  const bits2 = Math.max(0, count - 2) * width2;
  // The second order carries one more number in front.
  if (count > 2 && bits2 + 16 < bits1) return { order: 2, least: least2, width: width2, packedBits: bits2 };
  return { order: 1, least: least1, width: width1, packedBits: bits1 };
}

/** Upper bound of what `writeInteger` takes. */
export function integerBytes(plan: IntegerPlan): number {
  return 8 * 3 + 1 + ((plan.packedBits + 7) >>> 3);
}

export function writeInteger(
  writer: ByteWriter,
  column: { readonly wholes: Float64Array; readonly count: number },
  plan: IntegerPlan,
): void {
  const { wholes, count } = column;
  const { order, least, width } = plan;
  writer.zigzag(wholes[0]!);
  if (order === 2) writer.zigzag(wholes[1]! - wholes[0]!);
  writer.zigzag(least);
  writer.u8(width);
  const packedBytes = (plan.packedBits + 7) >>> 3;
  const at = writer.reserve(packedBytes);
  const out = writer.bytes().subarray(at);
  out.fill(0);
  let position = 0;
  for (let i = order; i < count; i++) {
    let difference = wholes[i]! - wholes[i - 1]!;
    if (order === 2) difference -= wholes[i - 1]! - wholes[i - 2]!;
    position = writeWide(out, position, difference - least, width);
  }
}

/** A value of so many bits lies within four bytes, wherever among them it begins. */
const NARROW_BITS = 25;

export function readInteger(
  reader: ByteReader,
  into: Pick<ColumnRoom, 'values' | 'at' | 'count'>,
  form: { readonly order: 1 | 2; readonly scale: number },
): void {
  const { values, at, count } = into;
  const power = POWERS[form.scale];
  if (power === undefined) {
    reader.failed = true;
    return;
  }
  let whole = reader.zigzag();
  const difference = form.order === 2 ? reader.zigzag() : 0;
  const least = reader.zigzag();
  const width = reader.u8();
  const packedBytes = (Math.max(0, count - form.order) * width + 7) >>> 3;
  const packedAt = reader.at;
  if (width > 53) reader.failed = true;
  reader.skip(packedBytes);
  if (reader.failed) return;
  values[at] = whole / power;
  let from = at + 1;
  if (form.order === 2 && count > 1) {
    whole += difference;
    values[from++] = whole / power;
  }
  const packed = { reader, position: packedAt * 8, width, least };
  const stretch = { values, from, to: at + count };
  if (form.order === 1) unpackFirst(packed, stretch, { whole, power });
  else unpackSecond(packed, stretch, { whole, power, difference });
}

interface Packed {
  readonly reader: ByteReader;
  /** Of the first difference, in bits. */
  readonly position: number;
  readonly width: number;
  readonly least: number;
}

interface Stretch {
  readonly values: Float64Array;
  readonly from: number;
  readonly to: number;
}

/** Up to which entry four bytes hold the whole difference, and are there. */
function quickEnd({ reader, position, width }: Packed, { from, to }: Stretch): number {
  if (width === 0 || width > NARROW_BITS) return from;
  const fitting = Math.floor(((reader.view.byteLength - 4) * 8 - position) / width) + 1;
  return Math.min(to, from + Math.max(0, fitting));
}

/** Whole numbers are most of all columns: they take no division. */
function unpackFirst(
  packed: Packed,
  stretch: Stretch,
  before: { readonly whole: number; readonly power: number },
): void {
  const { reader, width, least } = packed;
  const { values, to } = stretch;
  const { view } = reader;
  const { power } = before;
  const end = quickEnd(packed, stretch);
  const mask = 0xffff_ffff >>> (32 - width);
  let { position } = packed;
  let { whole } = before;
  let i = stretch.from;
  if (power === 1) {
    for (; i < end; i++, position += width) {
      whole += ((view.getInt32(position >>> 3, true) >>> (position & 7)) & mask) + least;
      values[i] = whole;
    }
  } else {
    for (; i < end; i++, position += width) {
      whole += ((view.getInt32(position >>> 3, true) >>> (position & 7)) & mask) + least;
      values[i] = whole / power;
    }
  }
  for (; i < to; i++, position += width) {
    whole += (width === 0 ? 0 : readWide(reader.bytes, position, width)) + least;
    values[i] = whole / power;
  }
}

function unpackSecond(
  packed: Packed,
  stretch: Stretch,
  before: { readonly whole: number; readonly power: number; readonly difference: number },
): void {
  const { reader, width, least } = packed;
  const { values, to } = stretch;
  const { view } = reader;
  const { power } = before;
  const end = quickEnd(packed, stretch);
  const mask = 0xffff_ffff >>> (32 - width);
  let { position } = packed;
  let { whole, difference } = before;
  let i = stretch.from;
  for (; i < end; i++, position += width) {
    difference += ((view.getInt32(position >>> 3, true) >>> (position & 7)) & mask) + least;
    whole += difference;
    values[i] = whole / power;
  }
  for (; i < to; i++, position += width) {
    difference += (width === 0 ? 0 : readWide(reader.bytes, position, width)) + least;
    whole += difference;
    values[i] = whole / power;
  }
}
