// The encoders one by one, below the choice that column.ts makes.

import { describe, expect, it } from 'vitest';
import { wordsOf } from '../../model/index.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';
import { bitWidth, readWide, writeWide } from './bits.ts';
import { isConstant, isSmallWhole } from './constant.ts';
import { planInteger, readInteger, toWholes, writeInteger } from './integer.ts';
import { roomOf } from './room.ts';
import { readXor, writeXor, xorBytesMax } from './xor.ts';

describe('bits', () => {
  it('of every width come back from any position', () => {
    for (let width = 0; width <= 53; width++) {
      const out = new Uint8Array(40);
      const value = width === 0 ? 0 : 2 ** width - 1 - (width > 2 ? 2 : 0);
      let position = width % 7;
      for (let i = 0; i < 4; i++) position = writeWide(out, position, value, width);
      for (let i = 0; i < 4; i++) expect(readWide(out, (width % 7) + i * width, width)).toBe(value);
      expect(bitWidth(value)).toBe(width);
    }
  });
});

describe('constant', () => {
  it('compares bits, not numbers', () => {
    expect(isConstant(wordsOf(Float64Array.of(0, -0)), 2)).toBe(false);
    expect(isConstant(wordsOf(Float64Array.of(NaN, NaN)), 2)).toBe(true);
    expect(isSmallWhole(-0)).toBe(false);
    expect(isSmallWhole(2 ** 50)).toBe(false);
  });
});

describe('integer', () => {
  const check = (
    values: readonly number[],
    wanted: { scale: number; order?: 1 | 2; width?: number },
  ): void => {
    const column = Float64Array.from(values);
    const wholes = new Float64Array(column.length);
    const scale = toWholes(column, column.length, wholes);
    expect(scale).toBe(wanted.scale);
    if (scale < 0) return;
    const plan = planInteger(wholes, column.length);
    if (wanted.order !== undefined) expect(plan.order).toBe(wanted.order);
    if (wanted.width !== undefined) expect(plan.width).toBe(wanted.width);
    const writer = new ByteWriter(8);
    writeInteger(writer, { wholes, count: column.length }, plan);
    const back = new Float64Array(column.length);
    const reader = new ByteReader(writer.bytes());
    readInteger(reader, roomOf(back), { order: plan.order, scale });
    expect(reader.failed).toBe(false);
    expect(reader.left).toBe(0);
    expect([...back]).toEqual([...column]);
  };

  it('takes whole numbers and decimals up to nine digits', () => {
    check([1, 2, 4], { scale: 0 });
    check([0.5, 2, 4.25], { scale: 2 });
    check([1e-9, 5e-9], { scale: 9 });
    check([1e-10, 5e-9], { scale: -1 });
    check([1, 1 / 3], { scale: -1 });
    check([1, -0], { scale: -1 });
    check([1, NaN], { scale: -1 });
    check([1, 2 ** 52], { scale: -1 });
    check([2 ** 49, -(2 ** 49), 2 ** 49, 0], { scale: 0 });
  });

  it('takes second differences for a curve and first ones for noise', () => {
    check(
      Array.from({ length: 50 }, (_, i) => i * i),
      { scale: 0, order: 2, width: 0 },
    );
    check(
      Array.from({ length: 50 }, (_, i) => (i * 7919) % 13),
      { scale: 0, order: 1 },
    );
  });
});

describe('xor', () => {
  it('takes one bit for a repeat and reuses a window', () => {
    const values = Float64Array.of(1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1);
    const out = new Uint8Array(xorBytesMax(values.length));
    expect(writeXor(out, wordsOf(values), values.length)).toBe(9);
    const back = new Float64Array(values.length);
    readXor(out, 0, roomOf(back));
    expect([...back]).toEqual([...values]);
  });
});
