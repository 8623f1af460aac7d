// A file that is read piece by piece gives what one gives that is looked at as a whole, however long its records and whatever
// became of it.

import { describe, expect, it } from 'vitest';
import { FakeDisk } from '../../test/support/disk.ts';
import { seededRandom } from '../../test/support/random.ts';
import { ByteWriter } from './bytes.ts';
import { DamageReport } from './damage.ts';
import { beginRecord, endRecord, FILE_HEADER_BYTES, scanRecords, writeFileHeader } from './frame.ts';
import { FileRoom, READ_BYTES } from './read-rest.ts';
import { type FoundFile, readRecords } from './replay-files.ts';

const FILE: FoundFile = { kind: 'wal', number: 1, path: '/data/wal-00000001.wal' };
const LONGEST = READ_BYTES + 70_000;

function fileOf(lengths: readonly number[]): Uint8Array {
  const writer = new ByteWriter();
  writeFileHeader(writer, 'wal', 1);
  lengths.forEach((length, i) => {
    const start = beginRecord(writer, 1);
    writer.raw(new Uint8Array(length).fill(i + 1));
    endRecord(writer, start);
  });
  return writer.bytes().slice();
}

async function readBack(bytes: Uint8Array) {
  const disk = new FakeDisk().mount();
  await disk.makeFolder('/data');
  const file = await disk.open(FILE.path, 'create');
  if (!file.ok || !(await file.value.write(bytes)).ok) throw new Error('was not written');
  const damage = new DamageReport(() => {});
  const records: string[] = [];
  const into = { disk, damage, room: new FileRoom(), progress: { fileDone: () => {} } };
  const end = await readRecords(into, FILE, (piece, { offset, frameFrom, payloadFrom, payloadTo }) => {
    records.push(`${offset}+${payloadTo - frameFrom}: ${piece[payloadFrom] ?? ''} ${piece[payloadTo - 1]}`);
    return undefined;
  });
  const stretches = damage.listed.filter(one => one.code === 'wal-damaged').map(one => one.offset);
  return { records, end: end.ok ? end.value : -1, stretches };
}

function asWhole(bytes: Uint8Array) {
  const records: string[] = [];
  const place = { from: FILE_HEADER_BYTES, fileOffset: 0 };
  const scan = scanRecords(bytes, place, ({ offset, frameFrom, payloadFrom, payloadTo }) => {
    records.push(`${offset}+${payloadTo - frameFrom}: ${bytes[payloadFrom] ?? ''} ${bytes[payloadTo - 1]}`);
  });
  return { records, end: scan.endOffset, stretches: scan.damaged.map(one => one.offset) };
}

describe('a file that is read piece by piece', () => {
  const random = seededRandom(5);
  const upTo = (most: number): number => random.uint32() % most;
  const lengths = [3, 0, LONGEST, ...Array.from({ length: 60 }, () => 1 + upTo(90_000)), READ_BYTES, 7];
  const sound = fileOf(lengths);

  it('has all records where it is sound', async () => {
    const read = await readBack(sound);
    expect(read).toEqual(asWhole(sound));
    expect(read.records).toHaveLength(lengths.length);
    expect(read.end).toBe(sound.length);
  });

  it('has them up to where it was cut', async () => {
    const ends = [
      0,
      5,
      FILE_HEADER_BYTES,
      FILE_HEADER_BYTES + 7,
      READ_BYTES,
      READ_BYTES + 12,
      sound.length - 1,
    ];
    for (const end of [...ends, ...Array.from({ length: 10 }, () => upTo(sound.length))]) {
      const cut = sound.slice(0, end);
      expect(await readBack(cut)).toEqual(asWhole(cut));
    }
  });

  it('has all but those that were damaged', async () => {
    for (let round = 0; round < 20; round++) {
      const bad = sound.slice();
      for (let flips = upTo(3); flips >= 0; flips--) {
        const at = FILE_HEADER_BYTES + upTo(bad.length - FILE_HEADER_BYTES);
        bad[at] = (bad[at] ?? 0) ^ (1 << upTo(8));
      }
      expect(await readBack(bad)).toEqual(asWhole(bad));
    }
  });

  it('has all but one whose length was damaged', async () => {
    for (const record of asWhole(sound).records) {
      const bad = sound.slice();
      const at = Number(record.split('+')[0]) + 4 + upTo(4);
      bad[at] = (bad[at] ?? 0) ^ (1 << upTo(8));
      expect(await readBack(bad)).toEqual(asWhole(bad));
    }
  });
});
