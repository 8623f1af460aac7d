// Beside the library that Prometheus's clients use and beside our own reader: what is compressed comes back.

import fc from 'fast-check';
import { uncompressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import { Snapper, snappyHead } from './snap.ts';
import { Unsnapper } from './unsnap.ts';

function block(plain: Uint8Array, snapper = new Snapper()): Buffer {
  return Buffer.concat([snappyHead(plain.length), ...snapper.pieces(plain)]);
}

function both(body: Buffer): readonly string[] {
  const ours = new Unsnapper().decode(body, 16 * 1024 * 1024);
  return [
    ours.ok ? Buffer.from(ours.value).toString('hex') : ours.error,
    Buffer.from(uncompressSync(body) as Buffer).toString('hex'),
  ];
}

/** Bytes with much to refer back to, near and far. */
const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 90 }), fc.integer({ min: 1, max: 300 })), {
    maxLength: 12,
  })
  .map(parts => Buffer.concat(parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))));

describe('a snappy block', () => {
  it('comes out as it went in', () => {
    const snapper = new Snapper();
    fc.assert(
      fc.property(fc.oneof(repetitive, fc.uint8Array({ maxLength: 3000 })), plain => {
        const hex = Buffer.from(plain).toString('hex');
        expect(both(block(plain, snapper))).toEqual([hex, hex]);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it.each([0, 1, 15, 16, 60, 61, 256, 257, 65_535, 65_536, 65_537, 200_000])(
    'of %i equal bytes, and of as many of all kinds',
    length => {
      const same = new Uint8Array(length).fill(7);
      const mixed = Uint8Array.from({ length }, (_, i) => Math.imul(i, 2_654_435_761) >>> 24);
      for (const plain of [same, mixed]) {
        const hex = Buffer.from(plain).toString('hex');
        expect(both(block(plain))).toEqual([hex, hex]);
      }
    },
  );

  it('is small where much repeats, and hardly larger than what cannot be compressed', () => {
    const text = Buffer.from('http_requests_total{job="api",instance="10.0.0.1:9100"} '.repeat(2000));
    expect(block(text).length).toBeLessThan(text.length / 10);
    const noise = Uint8Array.from(
      { length: 100_000 },
      (_, i) => Math.imul(i + 1, Math.imul(i, 2_654_435_761)) >>> 24,
    );
    expect(block(noise).length).toBeLessThan(noise.length * 1.01 + 10);
  });
});
