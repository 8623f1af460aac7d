import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type InflateFormat, Inflater } from './inflater.ts';

const BYTES_MAX = 1_000_000;
const pack = { gzip: gzipSync, deflate: deflateSync };
const unpack = { gzip: gunzipSync, deflate: inflateSync };

function whole(inflater: Inflater, format: InflateFormat, bytes: Uint8Array, bytesMax = BYTES_MAX) {
  const result = inflater.inflate(format, { parts: [bytes], sizeBytes: bytes.length }, bytesMax);
  return typeof result === 'string' ? result : Buffer.from(result);
}

function byNode(format: InflateFormat, bytes: Uint8Array): Buffer | 'bad' | 'too-large' {
  try {
    return unpack[format](bytes, { maxOutputLength: BYTES_MAX });
  } catch (error) {
    return error instanceof RangeError ? 'too-large' : 'bad';
  }
}

describe.each([
  ['gzip', false],
  ['gzip', true],
  ['deflate', false],
  ['deflate', true],
] as const)('%s (documented calls only: %s)', (format, documentedOnly) => {
  it('gives back what was compressed, body after body, in one part or many', () => {
    const inflater = new Inflater({ documentedOnly });
    for (const length of [0, 1, 63, 64, 65, 65_535, 65_536, 65_537, 900_000]) {
      const text = Buffer.from('a line of text\n'.repeat(length / 15 + 1)).subarray(0, length);
      const packed = pack[format](text);
      expect(text.equals(whole(inflater, format, packed) as Buffer)).toBe(true);
      const parts = [packed.subarray(0, 5), packed.subarray(5, 9), packed.subarray(9)];
      const again = inflater.inflate(format, { parts, sizeBytes: packed.length }, BYTES_MAX);
      expect(text.equals(again as Uint8Array)).toBe(true);
    }
  });

  it('draws the line at the limit', () => {
    const inflater = new Inflater({ documentedOnly });
    const packed = pack[format](Buffer.alloc(200_000, 'x'));
    expect(whole(inflater, format, packed, 200_000)).toHaveLength(200_000);
    expect(whole(inflater, format, packed, 199_999)).toBe('too-large');
    expect(whole(inflater, format, packed, 1)).toBe('too-large');
  });

  it('does not believe a size that is said', () => {
    const inflater = new Inflater({ documentedOnly });
    const packed = pack[format](Buffer.alloc(100_000, 'x'));
    packed.writeUInt32LE(0xffff_ffff, packed.length - 4);
    expect(whole(inflater, format, packed)).toBe('bad');
  });

  it('judges any bytes as the documented calls do, and works afterwards', () => {
    const inflater = new Inflater({ documentedOnly });
    const good = pack[format](Buffer.from('up 1\n'.repeat(500)));
    const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    const foreign = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
      fc.nat(good.length).map(end => good.subarray(0, end)),
      fc.uint8Array({ maxLength: 20 }).map(tail => Buffer.concat([good, tail])),
      fc.constant(Buffer.concat([good, good])),
      changes.map(list => {
        const changed = Buffer.from(good);
        for (const [at, byte] of list) changed[at] = byte;
        return changed;
      }),
    );
    fc.assert(
      fc.property(foreign, bytes => {
        const [ours, theirs] = [whole(inflater, format, bytes), byNode(format, bytes)];
        if (typeof ours === 'string' || typeof theirs === 'string') expect(ours).toBe(theirs);
        else expect(theirs.equals(ours)).toBe(true);
        expect(whole(inflater, format, good)).toHaveLength(2500);
      }),
      { numRuns: 1000 },
    );
  });
});
