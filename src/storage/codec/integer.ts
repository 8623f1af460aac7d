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

export interface IntegerForm {
  readonly order: 1 | 2;
  readonly scale: number;
}

/** All of it in one function, and a loop for each kind of column: nothing is made for a column but its values. */
export function readInteger(
  reader: ByteReader,
  { values, at, count }: Pick<ColumnRoom, 'values' | 'at' | 'count'>,
  { order, scale }: IntegerForm,
): void {
  const power = POWERS[scale];
  if (power === undefined) {
    reader.failed = true;
    return;
  }
  let whole = reader.zigzag();
  let difference = order === 2 ? reader.zigzag() : 0;
  const least = reader.zigzag();
  const width = reader.u8();
  const packedAt = reader.at;
  if (width > 53) reader.failed = true;
  reader.skip((Math.max(0, count - order) * width + 7) >>> 3);
  if (reader.failed) return;
  values[at] = whole / power;
  const end = at + count;
  let i = at + 1;
  if (order === 2 && count > 1) {
    whole += difference;
    values[i++] = whole / power;
  }
  const { view } = reader;
  let position = packedAt * 8;
  const quickEnd = Math.min(end, i + quickCount(view.byteLength, position, width));
  const mask = 0xffff_ffff >>> (32 - width);
  if (order === 2) {
    for (; i < quickEnd; i++, position += width) {
      difference += ((view.getInt32(position >>> 3, true) >>> (position & 7)) & mask) + least;
      whole += difference;
      values[i] = whole / power;
    }
  } else if (power === 1) {
    // Most of all columns: they take no division.
    for (; i < quickEnd; i++, position += width) {
      whole += ((view.getInt32(position >>> 3, true) >>> (position & 7)) & mask) + least;
      values[i] = whole;
    }
  } else {
    for (; i < quickEnd; i++, position += width) {
      whole += ((view.getInt32(position >>> 3, true) >>> (position & 7)) & mask) + least;
      values[i] = whole / power;
    }
  }
  for (; i < end; i++, position += width) {
    const step = (width === 0 ? 0 : readWide(reader.bytes, position, width)) + least;
    difference = order === 2 ? difference + step : step;
    whole += difference;
    values[i] = whole / power;
  }
}

/** Of how many values from a bit on four bytes hold the whole difference, and are there. */
function quickCount(bytes: number, position: number, width: number): number {
  if (width === 0 || width > NARROW_BITS) return 0;
  return Math.max(0, Math.floor(((bytes - 4) * 8 - position) / width) + 1);
}
