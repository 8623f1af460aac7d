import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BigEndianReader, BigEndianWriter } from './big-endian.ts';

it('numbers and texts are read as they were written', () => {
  const safe = fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 });
  fc.assert(
    fc.property(safe, fc.nat(), fc.string(), (signed, small, text) => {
      const out = new BigEndianWriter();
      out.u8(small % 256);
      out.varint(signed);
      out.uvarint(Math.abs(signed));
      out.text(`\ufeff${text}`);
      out.pad(8);
      out.u64(Math.abs(signed));
      out.u32(small);
      const reader = new BigEndianReader(out.bytes());
      expect([reader.u8(), reader.varint(), reader.uvarint()]).toEqual([
        small % 256,
        signed,
        Math.abs(signed),
      ]);
      expect(reader.text()).toBe(
        new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(`\ufeff${text}`)),
      );
      while (reader.at % 8 !== 0) reader.skip(1);
      expect([reader.u64(), reader.u32()]).toEqual([Math.abs(signed), small]);
      expect([reader.left, reader.failed]).toEqual([0, false]);
      reader.u32();
      expect(reader.failed).toBe(true);
    }),
    { seed: 1 },
  );
});

it('numbers that are too large to be exact fail, or are as near as can be where that will do', () => {
  const most = Uint8Array.of(...Array.from({ length: 9 }, () => 0xff), 1);
  const failed = new BigEndianReader(most);
  failed.uvarint();
  expect(failed.failed).toBe(true);
  expect(new BigEndianReader(most).looseUvarint()).toBe(2 ** 64);
  expect(new BigEndianReader(most).boundedVarint()).toBe(-Infinity);
  const endless = new BigEndianReader(new Uint8Array(40).fill(0x80));
  endless.looseUvarint();
  expect([endless.failed, endless.at]).toEqual([true, 10]);
});
