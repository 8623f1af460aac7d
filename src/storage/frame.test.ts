// Records are found again after any damage, and nothing that is not a record is taken for one.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../base/index.ts';
import { ByteWriter } from './bytes.ts';
import { beginRecord, checkFileHeader, endRecord, scanRecords, writeFileHeader } from './frame.ts';

const SEED = 7;

function file(payloads: readonly Uint8Array[]): { bytes: Uint8Array; ends: number[] } {
  const writer = new ByteWriter();
  writeFileHeader(writer, 'wal', 1);
  const ends: number[] = [];
  for (const payload of payloads) {
    const start = beginRecord(writer, 1);
    writer.raw(payload);
    endRecord(writer, start);
    ends.push(writer.length);
  }
  return { bytes: writer.bytes().slice(), ends };
}

function payloadsOf(bytes: Uint8Array): { payloads: number[][]; endOffset: number; damaged: number } {
  const payloads: number[][] = [];
  const report = scanRecords(bytes, { from: 16, fileOffset: 0 }, record => {
    payloads.push([...bytes.subarray(record.payloadFrom, record.payloadTo)]);
  });
  return { payloads, endOffset: report.endOffset, damaged: report.damaged.length };
}

describe('scanRecords', () => {
  const three = [Uint8Array.of(1, 2, 3), Uint8Array.of(), Uint8Array.of(0x4b, 0x57, 0x4b, 0x57, 9)];

  it('finds all records of a sound file', () => {
    const { bytes } = file(three);
    expect(payloadsOf(bytes)).toEqual({
      payloads: three.map(p => [...p]),
      endOffset: bytes.length,
      damaged: 0,
    });
  });

  it('cut at any byte, keeps the whole records before the cut and says where they end', () => {
    const { bytes, ends } = file(three);
    for (let cut = 16; cut < bytes.length; cut++) {
      const whole = ends.filter(end => end <= cut).length;
      expect(payloadsOf(bytes.subarray(0, cut))).toEqual({
        payloads: three.slice(0, whole).map(p => [...p]),
        endOffset: ends[whole - 1] ?? 16,
        damaged: 0,
      });
    }
  });

  it('with any bit flipped, loses one record at most', () => {
    const { bytes } = file(three);
    for (let bit = 16 * 8; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
      expect(payloadsOf(flipped).payloads.length).toBe(2);
    }
  });

  it('takes nothing from foreign bytes and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        expect(payloadsOf(bytes).payloads).toEqual([]);
      }),
      { seed: SEED },
    );
  });
});

describe('a record of an earlier version', () => {
  it('has the checksum CRC-32C, and is read beside those of this one', () => {
    const { bytes } = file([Uint8Array.of(1, 2, 3)]);
    // As version 0.1 wrote it: type 1, version 1, three bytes.
    const before = Uint8Array.from(Buffer.from('4b5701010300000000000000070809', 'hex'));
    const sum = crc32c(before, { from: 12, to: 15 }, crc32c(before, { from: 2, to: 8 }));
    new DataView(before.buffer).setUint32(8, sum, true);
    const both = Uint8Array.from([...bytes, ...before, ...bytes.subarray(16)]);
    expect(payloadsOf(both)).toEqual({
      payloads: [
        [1, 2, 3],
        [7, 8, 9],
        [1, 2, 3],
      ],
      endOffset: both.length,
      damaged: 0,
    });
    // The one checksum under the other's mark is none.
    both[bytes.length + 1] = 0x58;
    expect(payloadsOf(both)).toMatchObject({
      payloads: [
        [1, 2, 3],
        [1, 2, 3],
      ],
      damaged: 1,
    });
  });
});

describe('checkFileHeader', () => {
  it('accepts its own, refuses a newer version, calls the rest damaged', () => {
    const { bytes } = file([]);
    expect(checkFileHeader(bytes, 'wal')).toEqual({ ok: true, value: 'fine' });
    expect(checkFileHeader(bytes, 'chunks')).toEqual({ ok: true, value: 'damaged' });
    expect(checkFileHeader(bytes.subarray(0, 15), 'wal')).toEqual({ ok: true, value: 'damaged' });
    const newer = bytes.slice();
    newer[8] = 2;
    expect(checkFileHeader(newer, 'wal')).toEqual({ ok: false, error: 'newer' });
  });
});
