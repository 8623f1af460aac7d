// Blocks of Prometheus's first version: their index names symbols by place, has no gaps between series, and other series refs.

import { expect, it } from 'vitest';
import { FakeDisk } from '../../test/support/disk.ts';
import { crc32c } from '../base/index.ts';
import { ChunkCutter, type SampleChunk } from '../exposition/index.ts';
import { type Labels, labelsFrom, type SeriesRef } from '../model/index.ts';
import { BigEndianWriter } from './big-endian.ts';
import { encodeMeta } from './prometheus/meta.ts';
import { contents, imported, openAt, START, THEIRS } from './testdata/world.ts';

const LABELS = ['a', 'b', 'ü'].map(x => labelsFrom({ __name__: 'm', x }));
const BLOCK = `${THEIRS}/01ARZ3NDEKTSV4RRFFQ69G5FAV`;

function sealed(out: BigEndianWriter, from: number): void {
  out.u32(crc32c(out.bytes(), { from, to: out.length }));
}

/** Where each symbol begins in the file. */
function symbolsInto(out: BigEndianWriter): ReadonlyMap<string, number> {
  const texts = [...new Set(LABELS.flat())].sort();
  const body = new BigEndianWriter();
  body.u32(texts.length);
  const places = new Map<string, number>();
  for (const text of texts) {
    places.set(text, out.length + 4 + body.length);
    body.text(text);
  }
  out.u32(body.length);
  const from = out.length;
  out.raw(body.bytes());
  sealed(out, from);
  return places;
}

function indexOf(chunks: readonly { readonly chunk: SampleChunk; readonly ref: number }[]): Uint8Array {
  const out = new BigEndianWriter();
  out.u32(0xbaaad700);
  out.u8(1);
  const symbols = out.length;
  const places = symbolsInto(out);
  const series = out.length;
  LABELS.forEach((labels: Labels, i) => {
    const entry = new BigEndianWriter();
    entry.uvarint(labels.length / 2);
    for (const text of labels) entry.uvarint(places.get(text) ?? 0);
    const { chunk, ref } = chunks[i] ?? { chunk: { minMs: 0, maxMs: 0 }, ref: 0 };
    entry.uvarint(1);
    entry.varint(chunk.minMs);
    entry.uvarint(chunk.maxMs - chunk.minMs);
    entry.uvarint(ref);
    out.uvarint(entry.length);
    const from = out.length;
    out.raw(entry.bytes());
    sealed(out, from);
  });
  const end = out.length;
  for (const offset of [symbols, series, end, end, end, end]) out.u64(offset);
  sealed(out, end);
  return out.bytes().slice();
}

it('are read', async () => {
  const disk = new FakeDisk();
  const file = new BigEndianWriter();
  file.u32(0x85bd40dd);
  file.u8(1);
  file.pad(8);
  const chunks = LABELS.map((labels, i) => {
    const timesMs = Float64Array.of(START + i, START + 1000);
    const series = { labels, ref: 1 as SeriesRef, producer: undefined, from: 0, to: 2 };
    const values = Float64Array.of(i, 0.1);
    const [chunk] = new ChunkCutter().chunks({ ...series, timesMs, values }, series);
    if (chunk === undefined) throw new Error('no chunk');
    const ref = file.length;
    file.uvarint(chunk.data.length);
    const from = file.length;
    file.u8(chunk.kind);
    file.raw(chunk.data);
    sealed(file, from);
    return { chunk, ref };
  });
  disk.putFile(`${BLOCK}/chunks/000001`, file.bytes().slice());
  disk.putFile(`${BLOCK}/index`, indexOf(chunks));
  const counts = { samples: 6, series: 3, chunks: 3, level: 1 };
  disk.putFile(
    `${BLOCK}/meta.json`,
    encodeMeta({ ulid: '01ARZ3NDEKTSV4RRFFQ69G5FAV', minMs: START, maxMs: START + 1001, ...counts }),
  );
  expect(await imported(disk)).toMatchObject({ ok: true, value: { samples: 6, damageCount: 0, damage: [] } });
  const store = await openAt(disk);
  const found = await contents(store);
  await store.close();
  expect([...found].map(([name, samples]) => [name, [...samples.keys()]])).toEqual([
    ['m{x="a"}', [START, START + 1000]],
    ['m{x="b"}', [START + 1, START + 1000]],
    ['m{x="ü"}', [START + 2, START + 1000]],
  ]);
});
