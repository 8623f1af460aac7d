import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { decompress } from 'fzstd';
import { describe, expect, it } from 'vitest';
import { chosenEncoding, compress, compressor, HAS_ZSTD, isWorthwhile } from './compress.ts';

describe('what a client takes', () => {
  it.each([
    ['', undefined],
    ['gzip', 'gzip'],
    ['gzip, deflate, br', 'gzip'],
    ['br', 'br'],
    ['gzip;q=0.5, br', 'br'],
    ['gzip;q=0, br;q=0', undefined],
    ['GZIP', 'gzip'],
    ['*', 'gzip'],
    ['identity', undefined],
    ['zstd, *;q=0', undefined],
    [';;,q=', undefined],
  ] as const)('"%s"', (header, encoding) => {
    expect(chosenEncoding(header, false)).toBe(encoding);
  });

  it.each([
    ['gzip, deflate, br, zstd', 'zstd'],
    ['zstd;q=0.5, gzip', 'gzip'],
    ['zstd;q=0.5, br;q=0.4', 'zstd'],
    ['*', 'gzip'],
    ['zstd;q=0', undefined],
  ] as const)('"%s", where Node has zstd', (header, encoding) => {
    expect(chosenEncoding(header, true)).toBe(encoding);
  });
});

it('is worth it for long texts that are not compressed yet', () => {
  const json = { 'content-type': 'application/json' };
  expect(isWorthwhile(2000, json)).toBe(true);
  expect(isWorthwhile(100, json)).toBe(false);
  expect(isWorthwhile(2000, { ...json, 'content-encoding': 'gzip' })).toBe(false);
  expect(isWorthwhile(2000, { 'content-type': 'image/png' })).toBe(false);
});

it('comes out as it went in', async () => {
  const text = 'up{job="a"} 1\n'.repeat(1000);
  expect(gunzipSync(await compress(text, 'gzip')).toString()).toBe(text);
  expect(brotliDecompressSync(await compress(Buffer.from(text), 'br')).toString()).toBe(text);
});

it.skipIf(!HAS_ZSTD)('comes out of zstd as it went in, whole and as a stream', async () => {
  const text = 'up{job="a"} 1\n'.repeat(1000);
  const packed = await compress(text, 'zstd');
  expect(packed.length).toBeLessThan(text.length / 10);
  expect(Buffer.from(decompress(packed)).toString()).toBe(text);
  const stream = compressor('zstd');
  stream.end(text);
  const parts = await stream.toArray();
  expect(Buffer.from(decompress(Buffer.concat(parts))).toString()).toBe(text);
});
