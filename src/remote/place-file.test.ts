// The file of a queue: what is whole is read back, what is not is never taken for something else.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { seededRandom } from '../../test/support/random.ts';
import { decodeSlot, encodeSlot, newestSlot, PlaceFile, type QueuePlace, SLOT_BYTES } from './place-file.ts';

const PATH = '/d/q.place';

const place = (offset: number, shards = 0): QueuePlace => ({
  from: { segment: 7, offset },
  intent: shards === 0 ? undefined : { to: { segment: 8, offset: 16 }, shards, samplesPerSend: 2000 },
});

const file = (...slots: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(slots.flatMap(slot => [...slot]));

describe('slots', () => {
  it('are read as they were written, with and without an intent', () => {
    for (const one of [place(16), place(2 ** 45, 50)])
      expect(decodeSlot(encodeSlot(one, 3))).toEqual({ place: one, sequence: 3 });
  });

  it('the newer of two counts; a torn one leaves the other', () => {
    const [older, newer] = [encodeSlot(place(100), 8), encodeSlot(place(200, 2), 9)];
    expect(newestSlot(file(older, newer))?.place).toEqual(place(200, 2));
    expect(newestSlot(file(newer, older))?.place).toEqual(place(200, 2));
    for (let torn = 0; torn < SLOT_BYTES; torn++) {
      const half = encodeSlot(place(300, 3), 10);
      half.set(older.subarray(torn), torn);
      const found = newestSlot(file(half, newer))?.place;
      // Where all that differs was written before the tear, the slot is whole.
      expect([place(200, 2), place(300, 3)]).toContainEqual(found);
    }
  });

  it('any bytes are a slot only by their checksum: 100,000 files at random and with flipped bits', () => {
    const random = seededRandom(20_261_130);
    const good = encodeSlot(place(4711, 4), 12);
    for (let round = 0; round < 100_000; round++) {
      const bytes = Uint8Array.from(good);
      const flips = 1 + (random.uint32() % 3);
      for (let i = 0; i < flips; i++) bytes[random.uint32() % SLOT_BYTES] = random.uint32();
      const cut = random.uint32() % 4 === 0 ? bytes.subarray(0, random.uint32() % SLOT_BYTES) : bytes;
      const found = decodeSlot(cut);
      if (found !== undefined) expect(found).toEqual({ place: place(4711, 4), sequence: 12 });
    }
  });
});

describe('the file', () => {
  const opened = async (disk: FakeDisk): ReturnType<typeof PlaceFile.open> =>
    PlaceFile.open({ disk: disk.mount(), clock: new FakeClock() }, { folder: '/d', path: PATH });

  it('is new, then known; damaged when neither slot is whole', async () => {
    const disk = new FakeDisk();
    disk.putFolder('/d');
    const first = await opened(disk);
    if (!first.ok) throw new Error(first.error.message);
    expect(first.value.found).toEqual({ kind: 'new' });
    await first.value.file.note(place(1));
    await first.value.file.note(place(2));
    await first.value.file.note(place(3, 5));
    disk.killProcess();
    const second = await opened(disk);
    expect(second).toMatchObject({ ok: true, value: { found: { kind: 'known', place: place(3, 5) } } });
    disk.killProcess();
    disk.putFile(PATH, new Uint8Array(2 * SLOT_BYTES).fill(7));
    expect(await opened(disk)).toMatchObject({ ok: true, value: { found: { kind: 'damaged' } } });
  });

  it('after a write that failed half-way the place before it still stands', async () => {
    const disk = new FakeDisk();
    disk.putFolder('/d');
    const first = await opened(disk);
    if (!first.ok) throw new Error(first.error.message);
    for (let offset = 1; offset <= 4; offset++) await first.value.file.note(place(offset));
    disk.failAt(1);
    expect(await first.value.file.note(place(5))).toMatchObject({ ok: false });
    disk.killProcess();
    // Half of a slot holds all that differs: then it is whole, and true.
    const found = await opened(disk);
    expect([place(4), place(5)]).toContainEqual(
      found.ok && 'place' in found.value.found && found.value.found.place,
    );
  });
});
