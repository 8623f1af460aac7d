// The checksum is the one that everybody else computes, however it is cut.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from './crc32.ts';

const sum = (bytes: Uint8Array, seed = 0): number => crc32(bytes, { from: 0, to: bytes.length }, seed);

describe('crc32', () => {
  it('gives the published check value', () => {
    expect(sum(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
    expect(sum(new Uint8Array(0))).toBe(0);
    // Of 32 zeros, and of 1 kB: the table and the call.
    expect(sum(new Uint8Array(32))).toBe(0x190a55ad);
    expect(sum(new Uint8Array(1024))).toBe(0xefb5af2e);
  });

  it('goes on from a sum of what came before, whoever computed it', () => {
    const anyBytes = fc.uint8Array({ maxLength: 700 });
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        expect(sum(b, sum(a))).toBe(sum(Uint8Array.from([...a, ...b])));
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
