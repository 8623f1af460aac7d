import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareUtf8 } from '../base/index.ts';
import {
  compareLabels,
  fingerprint,
  formatLabels,
  labelsEqual,
  labelsFrom,
  labelsKey,
  labelValue,
  withLabels,
  withoutLabels,
} from './labels.ts';

describe('label sets', () => {
  it('keep names in byte order of UTF-8, where JavaScript has UTF-16 order', () => {
    const astral = '\u{1f600}';
    const high = '\uffee';
    expect([astral, high].sort()).toEqual([astral, high]);
    expect([...labelsFrom({ [astral]: '1', [high]: '2' })]).toEqual([high, '2', astral, '1']);
  });

  it('compare as the bytes do', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const bytes = Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(Math.sign(compareUtf8(a, b))).toBe(bytes);
      }),
      { seed: 3 },
    );
  });

  it('leave out empty values and keep the last of a repeated name', () => {
    expect(
      labelsEqual(withLabels(labelsFrom({ a: '1', b: '2' }), { a: '', b: '3' }), labelsFrom({ b: '3' })),
    ).toBe(true);
    expect(labelValue(labelsFrom({ a: '1' }), 'missing')).toBe('');
    expect([...withoutLabels(labelsFrom({ a: '1', b: '2' }), new Set(['a']))]).toEqual(['b', '2']);
  });

  it('have one key each', () => {
    expect(labelsKey(labelsFrom({ a: 'bc' }))).not.toBe(labelsKey(labelsFrom({ ab: 'c' })));
  });

  it('sort by name, then value, then length', () => {
    const sets = [
      labelsFrom({ b: '1' }),
      labelsFrom({ a: '2' }),
      labelsFrom({ a: '1', b: '1' }),
      labelsFrom({ a: '1' }),
    ];
    expect(sets.sort(compareLabels).map(formatLabels)).toEqual([
      '{a="1"}',
      '{a="1", b="1"}',
      '{a="2"}',
      '{b="1"}',
    ]);
  });

  it('have the fingerprint that Alertmanager computes', () => {
    // FNV-1a 64 of nothing is its offset basis; of "a" 0xff "1" 0xff it is computed with BigInt below.
    expect(fingerprint(labelsFrom({}))).toBe('cbf29ce484222325');
    const slow = (bytes: readonly number[]): string => {
      let hash = 0xcbf29ce484222325n;
      for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
      return hash.toString(16).padStart(16, '0');
    };
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (name, value) => {
        const bytes = [...Buffer.from(name), 0xff, ...Buffer.from(value), 0xff];
        expect(fingerprint(labelsFrom({ [name]: value }))).toBe(slow(bytes));
      }),
      { seed: 4 },
    );
  });
});
