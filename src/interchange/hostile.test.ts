// Foreign folders of any bytes: flipped bits, files cut off, lengths that cannot be, also behind sums that are right. What is left
// is never wrong, damage is told by file and place, and neither time nor memory runs away.

import { describe, expect, it } from 'vitest';
import { FakeDisk } from '../../test/support/disk.ts';
import { seededRandom } from '../../test/support/random.ts';
import { crc32c } from '../base/index.ts';
import { ChunkCutter } from '../exposition/index.ts';
import { labelsFrom, type SeriesRef } from '../model/index.ts';
import { BigEndianReader, BigEndianWriter } from './big-endian.ts';
import { IndexWriter } from './prometheus/index-writer.ts';
import { isDeleted, parseTombstones } from './prometheus/tombstones.ts';
import { NAMING, readWalRecord, SAMPLES } from './prometheus/wal-records.ts';
import { headChunks, samplesRecord, seriesRecord, stonesRecord, walSegment } from './testdata/wal-writer.ts';
import {
  contents,
  exported,
  fill,
  HOUR,
  history,
  imported,
  openAt,
  START,
  THEIRS,
} from './testdata/world.ts';

type Random = ReturnType<typeof seededRandom>;

/** A folder with two blocks, one of them with tombstones, and a log; and what is in it. */
async function folder() {
  const disk = new FakeDisk();
  const store = await openAt(disk);
  await fill(store, history(8, { series: 9, hours: 3, stepMs: 300_000 }));
  await exported(disk, store);
  await store.close();
  const [block = ''] = blocksOf(disk);
  disk.putFile(`${block}/tombstones`, tombstones([[1, START, START + HOUR]]));
  const labels = labelsFrom({ __name__: 'late' });
  disk.putFile(
    `${THEIRS}/wal/00000000`,
    walSegment([
      seriesRecord([[1, labels]]),
      ...Array.from({ length: 300 }, (_, k) =>
        samplesRecord([{ ref: 1, timeMs: START + 3 * HOUR + 1000 * k, bits: BigInt(k) }]),
      ),
      stonesRecord([[1, 0, 5]]),
    ]),
  );
  const early = Array.from({ length: 50 }, (_, k) => START + 3 * HOUR - 60_000 + 1000 * k);
  const column = { labels, ref: 1 as SeriesRef, producer: undefined, from: 0, to: early.length };
  const values = Float64Array.from(early, (_, k) => k / 7);
  const late = { ...column, timesMs: Float64Array.from(early), values };
  disk.putFile(
    `${THEIRS}/chunks_head/000001`,
    headChunks([...new ChunkCutter().chunks(late, late)].map(chunk => ({ ref: 1, chunk, outOfOrder: true }))),
  );
  disk.putFile(
    `${THEIRS}/wbl/00000000`,
    walSegment([samplesRecord([{ ref: 1, timeMs: START + 3 * HOUR - 500_000, bits: 9n }])]),
  );
  const sound = await imported(disk, { into: '/data/sound' });
  if (!sound.ok || sound.value.damageCount > 0) throw new Error(JSON.stringify(sound));
  const all = await openAt(disk, '/data/sound');
  const before = await contents(all);
  await all.close();
  return { disk, before };
}

function blocksOf(disk: FakeDisk): readonly string[] {
  const folders = disk.paths(THEIRS).filter(path => path.endsWith('meta.json'));
  return folders.map(path => path.slice(0, path.lastIndexOf('/')));
}

function tombstones(stones: readonly (readonly [ref: number, fromMs: number, toMs: number])[]): Uint8Array {
  const out = new BigEndianWriter();
  out.u32(0x0130ba30);
  out.u8(1);
  for (const [ref, fromMs, toMs] of stones) {
    out.uvarint(ref);
    out.varint(fromMs);
    out.varint(toMs);
  }
  out.u32(crc32c(out.bytes(), { from: 5, to: out.length }));
  return out.bytes().slice();
}

function spoiled(bytes: Uint8Array, random: Random): Uint8Array {
  const kind = random.uint32() % 4;
  if (kind === 0) return bytes.slice(0, random.uint32() % bytes.length);
  const changed = bytes.slice();
  const at = random.uint32() % bytes.length;
  if (kind === 1) changed[at] = (changed[at] ?? 0) ^ (1 << (random.uint32() % 8));
  else {
    const length = 1 + (random.uint32() % 40);
    for (let i = at; i < Math.min(bytes.length, at + length); i++)
      changed[i] = kind === 2 ? 0xff : random.uint32();
  }
  return changed;
}

describe('a folder with one spoiled file', () => {
  it('gives what is sound, tells of the rest, and nothing else', { timeout: 120_000 }, async () => {
    const { disk, before } = await folder();
    const random = seededRandom(11);
    const files = disk.paths(THEIRS);
    expect(files.length).toBeGreaterThan(5);
    let told = 0;
    let partly = 0;
    for (let round = 0; round < 14 * files.length; round++) {
      const path = files[round % files.length] ?? '';
      const sound = disk.bytesOf(path) ?? new Uint8Array(0);
      disk.putFile(path, spoiled(sound, random));
      const into = `/data/try${round}`;
      const report = await imported(disk, { into });
      if (!report.ok) throw new Error(`${path}: ${JSON.stringify(report.error)}`);
      const store = await openAt(disk, into);
      const found = await contents(store);
      await store.close();
      for (const [name, samples] of found) {
        for (const [timeMs, text] of samples) {
          // Without its tombstones, or with other times, a block is not taken; a meta.json has no sum.
          const expected = before.get(name)?.get(timeMs);
          if (!path.endsWith('meta.json'))
            expect([path, name, timeMs, text]).toEqual([path, name, timeMs, expected]);
        }
      }
      const count = [...found.values()].reduce((sum, one) => sum + one.size, 0);
      if (report.value.damageCount > 0) told++;
      if (report.value.damageCount > 0 && count > 0) partly++;
      for (const { file, offset, cause } of report.value.damage) {
        expect(file.startsWith(THEIRS)).toBe(true);
        expect(offset).toBeGreaterThanOrEqual(0);
        expect(cause.length).toBeGreaterThan(5);
      }
      disk.putFile(path, sound);
    }
    expect(told).toBeGreaterThan(50);
    expect(partly).toBeGreaterThan(20);
  });

  it('of which the sums are right all the same', { timeout: 120_000 }, async () => {
    const { disk } = await folder();
    const random = seededRandom(12);
    const index = disk.paths(THEIRS).find(path => path.endsWith('/index')) ?? '';
    const sound = disk.bytesOf(index) ?? new Uint8Array(0);
    for (let round = 0; round < 200; round++) {
      disk.putFile(index, resealed(sound, random));
      const report = await imported(disk, { into: `/data/seal${round}` });
      expect(report.ok).toBe(true);
    }
  });
});

it('an index that names one chunk without end is read as far as the chunks go', async () => {
  const disk = new FakeDisk();
  const store = await openAt(disk);
  await fill(store, history(8, { series: 1, hours: 1 }));
  await exported(disk, store);
  await store.close();
  const [block = ''] = blocksOf(disk);
  const labels = labelsFrom({ __name__: 'm' });
  const made = await IndexWriter.create(disk, `${block}/index.new`, new Set(labels));
  if (!made.ok) throw new Error(made.error.message);
  const chunk = { minMs: START, maxMs: START, ref: 8 };
  made.value.add(
    labels,
    Array.from({ length: 300_000 }, () => chunk),
  );
  expect((await made.value.finish()).ok).toBe(true);
  disk.putFile(`${block}/index`, disk.bytesOf(`${block}/index.new`) ?? '');
  const report = await imported(disk, { into: '/data/endless' });
  if (!report.ok) throw new Error(JSON.stringify(report.error));
  expect(report.value.samples).toBe(120);
  expect(report.value.damage).toEqual([
    {
      file: `${block}/chunks/000001`,
      offset: 8,
      cause: 'the index names chunks more often than there are any',
    },
  ]);
});

/** An index with a symbol table, a series or a table of contents of nonsense, and its sum. */
function resealed(sound: Uint8Array, random: Random): Uint8Array {
  const bytes = sound.slice();
  const view = new DataView(bytes.buffer);
  const toc = bytes.length - 52;
  const symbols = view.getUint32(toc + 4);
  const series = view.getUint32(toc + 12);
  const seal = (from: number, to: number): void => view.setUint32(to, crc32c(bytes, { from, to }));
  const spoil = (from: number, to: number): void => {
    const count = 1 + (random.uint32() % 6);
    for (let i = 0; i < count; i++) bytes[from + (random.uint32() % (to - from))] = random.uint32();
  };
  const kind = random.uint32() % 3;
  if (kind === 0) {
    const length = view.getUint32(symbols);
    spoil(symbols + 4, symbols + 4 + length);
    seal(symbols + 4, symbols + 4 + length);
  } else if (kind === 1) {
    const reader = new BigEndianReader(bytes, { from: series, to: toc });
    const skip = random.uint32() % 5;
    let at = series;
    for (let i = 0; i <= skip; i++) {
      reader.at = at;
      const length = reader.uvarint();
      const begin = reader.at;
      if (i === skip) {
        spoil(begin, begin + length);
        seal(begin, begin + length);
      }
      at = Math.ceil((begin + length + 4) / 16) * 16;
    }
  } else {
    spoil(toc, toc + 48);
    seal(toc, toc + 48);
  }
  return bytes;
}

const KINDS = new Map([...NAMING, ...SAMPLES]);

describe('records of the log', () => {
  it('of any bytes are read or refused', () => {
    const random = seededRandom(13);
    let refused = 0;
    const samples = samplesRecord([{ ref: 1, timeMs: START, bits: 5n }]);
    for (let i = 0; i < 20_000; i++) {
      const bytes =
        i % 3 === 0
          ? spoiled(samples, random)
          : Uint8Array.from(
              { length: random.uint32() % 60 },
              () => random.uint32() % (i % 2 === 0 ? 4 : 256),
            );
      if (bytes.length > 0 && i % 3 > 0) bytes[0] = random.uint32() % 16;
      const sink = { series() {}, float() {}, histogram() {}, stale() {}, stone() {} };
      if (!readWalRecord(new BigEndianReader(bytes), sink, KINDS)) refused++;
    }
    expect(refused).toBeGreaterThan(5000);
  });

  it('that claim very much are refused at once', () => {
    const out = new BigEndianWriter();
    out.u8(1);
    out.u64(1);
    out.uvarint(2 ** 52);
    const sink = { series() {}, float() {}, histogram() {}, stale() {}, stone() {} };
    expect(readWalRecord(new BigEndianReader(out.bytes().slice()), sink, KINDS)).toBe(false);
  });
});

describe('tombstones', () => {
  it('tell what is deleted, also without an end', () => {
    const open = new BigEndianWriter();
    open.u32(0x0130ba30);
    open.u8(1);
    open.uvarint(3);
    // The least and the greatest 64-bit number.
    for (const first of [0xff, 0xfe])
      open.raw(Uint8Array.of(first, ...Array.from({ length: 8 }, () => 0xff), 1));
    open.u32(crc32c(open.bytes(), { from: 5, to: open.length }));
    const parsed = parseTombstones('t', open.bytes().slice());
    expect(parsed).toEqual({ ok: true, value: new Map([[3, [{ fromMs: -Infinity, toMs: Infinity }]]]) });
    const several = parseTombstones(
      't',
      tombstones([
        [1, 50, 60],
        [1, 10, 20],
        [1, 15, 30],
        [2, 5, 4],
      ]),
    );
    if (!several.ok) throw new Error('damaged');
    const stones = several.value.get(1) ?? [];
    expect(stones).toEqual([
      { fromMs: 10, toMs: 30 },
      { fromMs: 50, toMs: 60 },
    ]);
    const deleted = [9, 10, 30, 31, 49, 50, 60, 61].map(timeMs => isDeleted(stones, timeMs));
    expect(deleted).toEqual([false, true, true, false, false, true, true, false]);
    expect(several.value.get(2)).toEqual([]);
  });

  it('of any bytes are read or refused', () => {
    const random = seededRandom(14);
    const sound = tombstones([[1, START, START + 5]]);
    for (let i = 0; i < 2000; i++) {
      const parsed = parseTombstones('t', spoiled(sound, random));
      if (!parsed.ok) expect(parsed.error).toMatchObject({ kind: 'damaged', file: 't' });
    }
  });
});
