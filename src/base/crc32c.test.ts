// Known answers of CRC-32C (RFC 3720, appendix B.4).

import { expect, it } from 'vitest';
import { crc32c } from './crc32c.ts';

const sum = (bytes: Uint8Array, seed = 0): number => crc32c(bytes, { from: 0, to: bytes.length }, seed);

it.each([
  ['nothing', new Uint8Array(0), 0],
  ['123456789', new TextEncoder().encode('123456789'), 0xe3069283],
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(255), 0x62a8ab43],
  ['0 … 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
])('the checksum of %s is the published one', (_, bytes, wanted) => {
  expect(sum(bytes)).toBe(wanted);
});

it('goes on from a checksum of the part before', () => {
  const bytes = Uint8Array.from({ length: 37 }, (_, i) => i * 7);
  expect(sum(bytes.subarray(13), sum(bytes.subarray(0, 13)))).toBe(sum(bytes));
});
