// A column whose values all have the same bits. Two forms: a small whole number as a varint, or the eight bytes.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { HIGH_WORD, LOW_WORD } from '../../model/index.ts';
import type { ByteReader, ByteWriter } from '../bytes.ts';
import type { ColumnRoom } from './room.ts';

/** Whole numbers beyond this take eight bytes either way. */
const SMALL_MAX = 2 ** 48;

export function isConstant(words: Uint32Array, count: number): boolean {
  const first = words[0];
  const second = words[1];
  for (let i = 2; i < 2 * count; i += 2) if (words[i] !== first || words[i + 1] !== second) return false;
  return true;
}

/** Whether the value fits the short form; -0 and NaN do not. */
export function isSmallWhole(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) <= SMALL_MAX && !Object.is(value, -0);
}

export function writeConstant(writer: ByteWriter, words: Uint32Array): void {
  writer.u32(words[LOW_WORD]!);
  writer.u32(words[HIGH_WORD]!);
}

export function readConstant(reader: ByteReader, { words, at, count }: ColumnRoom): void {
  const low = reader.u32();
  const high = reader.u32();
  for (let i = at; i < at + count; i++) {
    words[2 * i + LOW_WORD] = low;
    words[2 * i + HIGH_WORD] = high;
  }
}
