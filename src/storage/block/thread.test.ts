// Blocks made in a thread: what passes is plain data; a thread that ends in the middle is a failure like any other.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/clock.ts';
import { FakeDisk } from '../../../test/support/disk.ts';
import { type LoopbackThreads, loopbackThreads } from '../../../test/support/loopback-thread.ts';
import { InPlaceMaker } from './in-place.ts';
import type { Finish } from './maker.ts';
import { serveMaker, ThreadMaker } from './thread.ts';

const FOLDER = '/store/block-00000001.new';
const FACTS = { number: 1, firstNumber: 1, fromMs: 0, toMs: 7_200_000, replaces: [], chunkIds: [4] };
const EMPTY: Finish = { facts: FACTS, conflicts: 3, keepEmpty: true };

function made(): { disk: FakeDisk; clock: FakeClock; threads: LoopbackThreads; maker: ThreadMaker } {
  const disk = new FakeDisk();
  const clock = new FakeClock();
  const threads = loopbackThreads(port => serveMaker(port, new InPlaceMaker({ disk: disk.mount(), clock })));
  return { disk, clock, threads, maker: new ThreadMaker({ start: threads.start, clock }) };
}

describe('a thread that makes blocks', () => {
  it('is started for the first block, kept for the next, and ended once there is nothing to do', async () => {
    const { clock, threads, maker, disk } = made();
    await disk.mount().makeFolder('/store');
    expect(threads.started).toBe(0);
    expect(await maker.begin(FOLDER)).toEqual({ ok: true, value: undefined });
    const finished = await maker.finish(EMPTY);
    expect(finished.ok && finished.value).toMatchObject({ samples: 0, conflicts: 3, chunkIds: [4] });
    await clock.advance(4_000);
    expect((await maker.begin(FOLDER.replace('1', '2'))).ok).toBe(true);
    await clock.advance(60_000);
    expect([threads.started, threads.running]).toEqual([1, 1]);
    await maker.abandon();
    await clock.advance(5_000);
    expect(threads.running).toBe(0);
    expect((await maker.begin(FOLDER.replace('1', '3'))).ok).toBe(true);
    expect(threads.started).toBe(2);
  });

  it('that ends gives its cause as a failure, and the next block gets a new one', async () => {
    const { threads, maker, disk } = made();
    await disk.mount().makeFolder('/store');
    await maker.begin(FOLDER);
    const added = maker.addBlocks([{ number: 7, folder: '/store/block-00000007', tombstones: new Map() }]);
    threads.fail('out of memory');
    expect(await added).toMatchObject({
      error: { kind: 'disk', error: { path: FOLDER, message: expect.stringContaining('out of memory') } },
    });
    expect(await maker.addBlocks([])).toMatchObject({ ok: false });
    await maker.abandon();
    expect((await maker.begin(FOLDER.replace('1', '2'))).ok).toBe(true);
    expect(threads.started).toBe(2);
  });

  it('names the source that cannot be read', async () => {
    const { maker, disk } = made();
    await disk.mount().makeFolder('/store');
    await maker.begin(FOLDER);
    const source = { number: 7, folder: '/store/block-00000007', tombstones: new Map() };
    expect(await maker.addBlocks([source])).toMatchObject({ error: { kind: 'source', number: 7 } });
  });

  it('begins nothing after it was told to stop, and is gone when it is closed', async () => {
    const { threads, maker, disk } = made();
    await disk.mount().makeFolder('/store');
    await maker.begin(FOLDER);
    maker.stop();
    expect(await maker.addSealed({ picks: [], window: { fromMs: 0, toMs: 1 }, chunks: [] })).toEqual({
      ok: false,
      error: { kind: 'stopped' },
    });
    await maker.abandon();
    expect(await maker.begin(FOLDER)).toEqual({ ok: false, error: { kind: 'stopped' } });
    await maker.close();
    expect(threads.running).toBe(0);
  });
});
