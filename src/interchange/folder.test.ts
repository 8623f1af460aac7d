// Which blocks a folder has, and whether somebody has it open.

import { describe, expect, it } from 'vitest';
import { FakeDisk } from '../../test/support/disk.ts';
import { DamageList } from './failure.ts';
import { findBlocks, holderOf } from './prometheus/folder.ts';
import { encodeMeta } from './prometheus/meta.ts';

const NOW_MS = 1_700_000_000_000;
const ulid = (end: string): string => end.padStart(26, '0');

function metaText(name: string, minMs: number, parents: readonly string[] = []): string {
  const counts = { samples: 1, series: 1, chunks: 1, level: 1 };
  const text = new TextDecoder().decode(encodeMeta({ ulid: name, minMs, maxMs: minMs + 10, ...counts }));
  const meta = JSON.parse(text) as { compaction: object };
  return JSON.stringify({
    ...meta,
    compaction: { ...meta.compaction, parents: parents.map(one => ({ ulid: one, minTime: 0, maxTime: 1 })) },
  });
}

it('blocks are found by age, without those that others were made of, and what is no block is told or passed over', async () => {
  const disk = new FakeDisk();
  const put = (name: string, text: string): void => disk.putFile(`/p/${name}/meta.json`, text);
  put(ulid('A'), metaText(ulid('A'), 100));
  put(ulid('B'), metaText(ulid('B'), 50));
  put(ulid('C'), metaText(ulid('C'), 10, [ulid('D')]));
  put(ulid('D'), metaText(ulid('D'), 10));
  put(`${ulid('E')}.tmp-for-creation`, metaText(ulid('E'), 1));
  put(ulid('F'), '{');
  put(ulid('G'), metaText(ulid('G'), 10).replace('"version":1', '"version":9'));
  put(ulid('H'), metaText(ulid('H'), 10).replace('"minTime":10', '"minTime":1e300'));
  disk.putFolder(`/p/${ulid('J')}`);
  disk.putFolder('/p/wal');
  const damage = new DamageList();
  const found = await findBlocks(disk, '/p', damage);
  expect(found.ok && found.value.map(({ meta }) => meta.ulid)).toEqual([ulid('C'), ulid('B'), ulid('A')]);
  expect(damage.listed.map(({ cause }) => cause)).toEqual([
    'it is no JSON',
    'it has the version 9; 1 is known',
    'minTime and maxTime are no range',
    'the file is missing',
  ]);
});

describe('a folder', () => {
  const folder = (): FakeDisk => {
    const disk = new FakeDisk({ nowMs: () => NOW_MS });
    disk.putFile('/p/wal/00000000', 'x');
    disk.putFile('/p/lock', '');
    disk.putLink('/proc/7/fd/3', '/somewhere/else/wal/00000000');
    return disk;
  };

  it.each<[string, (disk: FakeDisk) => void, string]>([
    ['that nobody has open is free, whatever lies in it', () => {}, 'free'],
    ['whose lock a process has open is held', disk => disk.putLink('/proc/8/fd/5', '/p/lock'), 'held'],
    ['whose log a process has open is held', disk => disk.putLink('/proc/8/fd/5', '/p/wal/00000000'), 'held'],
    [
      'beside processes that cannot be seen may be held',
      disk => disk.failPath('/proc/7/fd', 'disk-denied'),
      'unknown',
    ],
    ['where there is no /proc may be held', disk => disk.failPath('/proc', 'disk-not-found'), 'unknown'],
  ])('%s', async (_, change, kind) => {
    const disk = folder();
    change(disk);
    expect((await holderOf(disk, '/p', NOW_MS)).kind).toBe(kind);
  });

  it('without a lock, beside processes that cannot be seen, may be held while its log is fresh', async () => {
    const disk = folder();
    await disk.remove('/p/lock');
    disk.failPath('/proc/7/fd', 'disk-denied');
    expect((await holderOf(disk, '/p', NOW_MS + 1000)).kind).toBe('unknown');
    expect((await holderOf(disk, '/p', NOW_MS + 600_000)).kind).toBe('free');
  });

  it('is found behind a link, too', async () => {
    const disk = folder();
    disk.putLink('/link', '/p');
    disk.putLink('/proc/8/fd/5', '/p/lock');
    expect(await holderOf(disk, '/link', NOW_MS)).toEqual({ kind: 'held', pid: 8 });
  });
});
