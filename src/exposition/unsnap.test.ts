// Beside the library that senders use: what it compresses comes back, and foreign bytes are judged as it judges them.

import fc from 'fast-check';
import { compressSync, uncompressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import { Unsnapper } from './unsnap.ts';

const MAX = 16 * 1024 * 1024;

function peer(body: Uint8Array): string {
  try {
    return Buffer.from(uncompressSync(Buffer.from(body))).toString('hex');
  } catch {
    return 'bad';
  }
}

function ours(body: Uint8Array, unsnapper = new Unsnapper()): string {
  const plain = unsnapper.decode(body, MAX);
  return plain.ok ? Buffer.from(plain.value).toString('hex') : 'bad';
}

/** Bytes with much to refer back to, near and far. */
const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 90 }), fc.integer({ min: 1, max: 40 })), {
    maxLength: 12,
  })
  .map(parts => Buffer.concat(parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))));

describe('a snappy block', () => {
  it('becomes what was compressed, one after another in the same memory', () => {
    const unsnapper = new Unsnapper();
    fc.assert(
      fc.property(fc.oneof(repetitive, fc.uint8Array({ maxLength: 2000 })), plain => {
        expect(ours(compressSync(Buffer.from(plain)), unsnapper)).toBe(Buffer.from(plain).toString('hex'));
      }),
      { numRuns: 300 },
    );
  });

  it('may be large, with literals and offsets of every length', () => {
    for (const bytes of [0, 1, 59, 60, 61, 255, 256, 65_535, 65_536, 70_000, 5_000_000]) {
      const plain = Buffer.alloc(bytes, 'host-1234.example.net:9100,');
      for (let i = 0; i < bytes; i += 97) plain[i] = i % 251;
      expect(ours(compressSync(plain))).toBe(plain.toString('hex'));
    }
    // A literal whose length takes three bytes, and one of four.
    const plain = Buffer.alloc(70_000, 7);
    const start = [0xf0, 0xa2, 0x04];
    expect(ours(Uint8Array.from([...start, 62 << 2, 0x6f, 0x11, 0x01, ...plain]))).toBe(
      plain.toString('hex'),
    );
    expect(ours(Uint8Array.from([...start, 63 << 2, 0x6f, 0x11, 0x01, 0, ...plain]))).toBe(
      plain.toString('hex'),
    );
  });

  it('that is damaged is refused, or becomes what it becomes elsewhere', () => {
    fc.assert(
      fc.property(
        repetitive,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (plain, edits) => {
          const body = Uint8Array.from(compressSync(plain));
          for (const [at, byte] of edits) body[at % body.length] = byte;
          // Longer than is allowed here: the other would spend the memory.
          const plainLength = new Unsnapper().decode(body.subarray(0, 5), 0);
          if (!plainLength.ok && Number(/be (\d+) bytes/.exec(plainLength.error)?.[1] ?? 0) > MAX) return;
          expect(ours(body)).toBe(peer(body));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['nothing', []],
    ['a length that does not end', [0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ['a literal beyond the end', [4, 12, 1, 2]],
    ['a literal longer than was said', [1, 4, 1, 2]],
    ['a copy from before the start', [4, 0, 1, 0b0000_0001, 5]],
    ['a copy from nowhere', [4, 0, 1, 0b0000_0001, 0]],
    ['less than was said', [9, 0, 1]],
    ['a copy without its offset', [9, 0, 1, 2]],
  ])('is not %s', (_, bytes) => {
    expect(ours(Uint8Array.from(bytes))).toBe('bad');
  });

  it('takes no memory for more than is allowed', () => {
    const unsnapper = new Unsnapper();
    expect(unsnapper.decode(Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0x0f]), MAX)).toEqual({
      ok: false,
      error: `it would be 4294967295 bytes long, ${MAX} are allowed`,
    });
  });
});
