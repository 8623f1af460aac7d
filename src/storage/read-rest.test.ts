// A file is read to its end into memory that the next one uses again, whatever the device gives up.

import { describe, expect, it } from 'vitest';
import { FakeDisk } from '../../test/support/disk.ts';
import { type Disk, type DiskError, err, ok } from '../base/index.ts';
import { FileRoom, readRest } from './read-rest.ts';

const PIECE = 64 * 1024;

async function diskWith(files: Readonly<Record<string, Uint8Array>>): Promise<Disk> {
  const disk = new FakeDisk().mount();
  await disk.makeFolder('/data');
  for (const [path, bytes] of Object.entries(files)) {
    const file = await disk.open(path, 'create');
    if (file.ok) await file.value.write(bytes);
  }
  return disk;
}

/** Reads that touch this byte fail. */
function withBadByte(disk: Disk, bad: number, code: DiskError['code']): Disk {
  return {
    ...disk,
    open: async (path, mode) => {
      const opened = await disk.open(path, mode);
      if (!opened.ok) return opened;
      const file = opened.value;
      return ok({
        path,
        sizeBytes: () => file.sizeBytes(),
        write: bytes => file.write(bytes),
        truncate: bytes => file.truncate(bytes),
        sync: () => file.sync(),
        close: () => file.close(),
        read: async (into, at) =>
          at <= bad && bad < at + into.length
            ? err({ code, op: 'read', path, message: 'bad sector' })
            : file.read(into, at),
      });
    },
  };
}

/** From a place on. */
async function read(disk: Disk, path: string, { from, room }: { from: number; room: FileRoom }) {
  const opened = await disk.open(path, 'read');
  return opened.ok ? readRest(opened.value, from, room) : opened;
}

describe('the rest of a file', () => {
  const long = Uint8Array.from({ length: 3 * PIECE + 5 }, (_, i) => (i % 251) + 1);
  const short = Uint8Array.of(1, 2, 3);

  it('is what was written, one after the other, longer or shorter', async () => {
    const disk = await diskWith({
      '/data/long': long,
      '/data/short': short,
      '/data/none': new Uint8Array(0),
    });
    const room = new FileRoom();
    for (const [name, bytes] of [
      ['short', short] as const,
      ['long', long] as const,
      ['none', []] as const,
      ['short', short] as const,
    ]) {
      for (const from of [0, 2]) {
        const rest = await read(disk, `/data/${name}`, { from, room });
        expect(rest.ok && Array.from(rest.value)).toEqual(Array.from(bytes).slice(from));
      }
    }
  });

  it('has zeros where the device gives up, and all else', async () => {
    const disk = withBadByte(await diskWith({ '/data/long': long }), PIECE + 9, 'disk-io');
    const room = new FileRoom();
    // Not what lay in the room before.
    room.take(long.length).fill(7);
    const rest = await read(disk, '/data/long', { from: 0, room });
    const expected = long.slice().fill(0, PIECE, 2 * PIECE);
    expect(rest.ok && Buffer.compare(rest.value, expected)).toBe(0);
    const last = await read(disk, '/data/long', { from: PIECE + 20, room });
    expect(last.ok && Buffer.compare(last.value, long.subarray(PIECE + 20))).toBe(0);
  });

  it('is refused where it may not be read at all', async () => {
    const disk = withBadByte(await diskWith({ '/data/long': long }), 0, 'disk-denied');
    expect(await read(disk, '/data/long', { from: 0, room: new FileRoom() })).toMatchObject({
      ok: false,
      error: { code: 'disk-denied' },
    });
  });
});
