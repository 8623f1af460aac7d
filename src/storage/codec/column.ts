// One column of a chunk: the cheapest of the forms in this folder, told by its first byte:
// low nibble the form, high nibble the decimal scale of forms 3 and 4.
//   0 raw floats · 1 constant, eight bytes · 2 constant, zigzag varint · 3 differences · 4 differences of differences
//   5 XOR
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { wordsOf } from '../../model/index.ts';
import type { ByteReader, ByteWriter } from '../bytes.ts';
import { isConstant, isSmallWhole, readConstant, writeConstant } from './constant.ts';
import {
  type IntegerForm,
  integerBytes,
  planInteger,
  readInteger,
  toWholes,
  writeInteger,
} from './integer.ts';
import type { ColumnRoom } from './room.ts';
import { readXor, writeXor, xorBytesMax } from './xor.ts';

const FORM = { raw: 0, constant: 1, constantWhole: 2, first: 3, second: 4, xor: 5 } as const;

/** By first byte, made once. */
const INTEGER_FORMS: readonly IntegerForm[] = Array.from({ length: 256 }, (_, tag) => ({
  order: (tag & 15) === FORM.first ? 1 : 2,
  scale: tag >>> 4,
}));

/** Below so many packed bits a value no XOR form can be much shorter, and trying is not worth the time. */
const TINY_BITS = 2;

/** Working memory of the encoder, owned by the store. The column to encode is put into `values`, by its words. */
export class ColumnScratch {
  values: Float64Array = new Float64Array(0);
  words: Uint32Array = new Uint32Array(0);
  wholes: Float64Array = new Float64Array(0);
  xor: Uint8Array = new Uint8Array(0);

  constructor(rows = 64) {
    this.ensure(rows);
  }

  ensure(rows: number): void {
    if (rows <= this.values.length) return;
    this.values = new Float64Array(rows);
    this.words = wordsOf(this.values);
    this.wholes = new Float64Array(rows);
    this.xor = new Uint8Array(xorBytesMax(rows));
  }
}

/** Appends the first `count` (at least 1) values of the scratch. */
export function writeColumn(writer: ByteWriter, scratch: ColumnScratch, count: number): void {
  const { values, words, wholes, xor } = scratch;
  if (isConstant(words, count)) {
    // Asked of the value only here: a NaN's bits never leave the words.
    if (isSmallWhole(values[0]!)) {
      writer.u8(FORM.constantWhole);
      writer.zigzag(values[0]!);
    } else {
      writer.u8(FORM.constant);
      writeConstant(writer, words);
    }
    return;
  }
  const scale = toWholes(values, count, wholes);
  const plan = scale < 0 ? undefined : planInteger(wholes, count);
  if (plan !== undefined && plan.width <= TINY_BITS) {
    writePlanned(writer, scratch, { count, scale, plan });
    return;
  }
  xor.fill(0, 0, xorBytesMax(count));
  const xorBytes = writeXor(xor, words, count);
  if (plan !== undefined && integerBytes(plan) <= xorBytes) {
    writePlanned(writer, scratch, { count, scale, plan });
    return;
  }
  if (xorBytes < 8 * count) {
    writer.u8(FORM.xor);
    writer.raw(xor.subarray(0, xorBytes));
    return;
  }
  writer.u8(FORM.raw);
  writer.floats(values.subarray(0, count));
}

/** Reads the column that the reader has the bytes of; false if they make no sense. */
export function readColumn(reader: ByteReader, into: ColumnRoom): boolean {
  const tag = reader.u8();
  switch (tag & 15) {
    case FORM.raw:
      reader.floatsInto(into.values, into.at, into.count);
      return !reader.failed;
    case FORM.constant:
      readConstant(reader, into);
      return !reader.failed;
    case FORM.constantWhole:
      into.values.fill(reader.zigzag(), into.at, into.at + into.count);
      return !reader.failed;
    case FORM.first:
    case FORM.second:
      readInteger(reader, into, INTEGER_FORMS[tag]!);
      return !reader.failed;
    case FORM.xor:
      if (reader.left < 8) return false;
      readXor(reader.bytes, reader.at * 8, into);
      return true;
    default:
      return false;
  }
}

/** Whether a column of this first byte may hold anything but numbers: the others have none of the special NaNs. */
export function mayHoldMarkers(tag: number): boolean {
  const form = tag & 15;
  return form === FORM.raw || form === FORM.constant || form === FORM.xor;
}

function writePlanned(
  writer: ByteWriter,
  scratch: ColumnScratch,
  chosen: { readonly count: number; readonly scale: number; readonly plan: ReturnType<typeof planInteger> },
): void {
  const { count, scale, plan } = chosen;
  writer.u8((plan.order === 1 ? FORM.first : FORM.second) | (scale << 4));
  writeInteger(writer, { wholes: scratch.wholes, count }, plan);
}
