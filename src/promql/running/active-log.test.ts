// The log of active queries, over a disk that knows what a crash leaves.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../../test/support/clock.ts';
import { FakeDisk } from '../../../test/support/disk.ts';
import { CollectingLog } from '../../../test/support/log.ts';
import type { InterruptedQuery } from '../../model/index.ts';
import { type ActiveLog, encodeSlot, openActiveLog, parseActiveLog, SLOT_BYTES } from './active-log.ts';

const PATH = '/data/queries.active';

const query = (expr: string): InterruptedQuery => ({
  expr,
  times: { startMs: 1000, endMs: 2000, stepMs: 10 },
  who: 'ann',
  client: '10.0.0.1',
  atMs: 1_700_000_000_000,
});

async function freshDisk(): Promise<FakeDisk> {
  const disk = new FakeDisk();
  const made = await disk.makeFolder('/data');
  if (!made.ok) throw new Error(made.error.message);
  return disk;
}

async function open(disk: FakeDisk): Promise<{
  readonly active: ActiveLog;
  readonly log: CollectingLog;
  /** What ended is blanked a moment later. */
  readonly aMomentLater: () => Promise<void>;
  readonly clock: FakeClock;
}> {
  const log = new CollectingLog();
  const clock = new FakeClock(query('').atMs);
  const aMomentLater = async (): Promise<void> => {
    await settle();
    await clock.advance(100);
    await settle();
  };
  return {
    active: await openActiveLog({ disk, clock, path: PATH, log, queriesMax: 2 }),
    log,
    aMomentLater,
    clock,
  };
}

describe('the log of active queries', () => {
  it('tells after a crash what was running, and not what had ended', async () => {
    const disk = await freshDisk();
    const { active, aMomentLater } = await open(disk);
    expect(active.interrupted).toEqual([]);
    const ended = ['short', 'shorter'].map(expr => active.note(query(expr)));
    active.note(query('sum(heavy)'));
    for (const end of ended) end();
    active.note(query('other'));
    await aMomentLater();
    disk.killProcess();
    const next = await open(disk);
    expect(next.active.interrupted.map(({ expr }) => expr).sort()).toEqual(['other', 'sum(heavy)']);
    expect(next.active.interrupted[0]).toMatchObject({ who: 'ann', client: '10.0.0.1' });
    expect(next.log.messages('warn')).toEqual([
      'This query was running when the process died',
      'This query was running when the process died',
    ]);
  });

  it('tells it once, and nothing after an orderly stop', async () => {
    const disk = await freshDisk();
    const first = await open(disk);
    first.active.note(query('a'));
    await settle();
    disk.killProcess();
    await open(disk);
    disk.killProcess();
    const third = await open(disk);
    expect(third.active.interrupted).toEqual([]);
    third.active.note(query('b'));
    await third.active.close();
    expect((await open(disk)).active.interrupted).toEqual([]);
  });

  it('goes on where there are more queries than slots, and uses slots again', async () => {
    const disk = await freshDisk();
    const { active, aMomentLater } = await open(disk);
    for (let round = 0; round < 3; round++) {
      const ends = Array.from({ length: 40 }, (_, i) => active.note(query(`${round}.${i}`)));
      await settle();
      for (const end of ends) end();
      if (round > 0) await aMomentLater();
    }
    active.note(query('last'));
    await settle();
    disk.killProcess();
    expect((await open(disk)).active.interrupted.map(({ expr }) => expr)).toEqual(['last']);
  });

  it('writes once for each of queries that follow one another', async () => {
    const disk = await freshDisk();
    const { active, aMomentLater } = await open(disk);
    for (let i = 0; i < 10; i++) {
      active.note(query(`${i}`))();
      await settle();
    }
    const size = await disk.stat(PATH);
    expect(size.ok && size.value.sizeBytes).toBe(SLOT_BYTES);
    await aMomentLater();
    disk.killProcess();
    expect((await open(disk)).active.interrupted).toEqual([]);
  });

  it('does not tell of a longer query that has ended, however shortly before', async () => {
    const disk = await freshDisk();
    const { active, clock } = await open(disk);
    const end = active.note(query('long'));
    await clock.advance(1000);
    end();
    await settle();
    disk.killProcess();
    expect((await open(disk)).active.interrupted).toEqual([]);
  });

  it('warns, once, where it cannot be written, and queries go on', async () => {
    const disk = new FakeDisk();
    const { active, log } = await open(disk);
    active.note(query('a'))();
    await active.close();
    expect(log.messages('warn')).toEqual([
      'Cannot write the log of active queries: a crash will not say what was running',
    ]);
  });

  it('is passed over with a warning where it is damaged', async () => {
    const disk = await freshDisk();
    const file = await disk.open(PATH, 'create');
    if (!file.ok) throw new Error(file.error.message);
    const bytes = new Uint8Array(3 * SLOT_BYTES);
    bytes.set(encodeSlot(query('whole')), SLOT_BYTES);
    bytes.set(new TextEncoder().encode('{"expr":"tor'), 2 * SLOT_BYTES);
    await file.value.write(bytes);
    disk.killProcess();
    const { active, log } = await open(disk);
    expect(active.interrupted.map(({ expr }) => expr)).toEqual(['whole']);
    expect(log.messages('warn')).toContain(
      'The log of active queries is damaged, and is passed over where it is',
    );
  });
});

describe('its slots', () => {
  it('hold any query, cut to fit', () => {
    const text = fc.string({ unit: 'binary', maxLength: 1200 });
    fc.assert(
      fc.property(text, text, text, (expr, who, client) => {
        const slot = encodeSlot({ ...query(expr), who, client });
        expect(slot.length).toBe(SLOT_BYTES);
        const { queries, damaged } = parseActiveLog(slot);
        expect([queries.length, damaged]).toEqual([1, 0]);
        if (expr.length <= 500) expect(queries[0]?.expr).toBe(expr);
      }),
      { seed: 7 },
    );
    expect(parseActiveLog(encodeSlot(query('\u0001'.repeat(9999)))).damaged).toBe(0);
  });

  it('are read whatever the bytes are', () => {
    const any = fc.uint8Array({ maxLength: 3 * SLOT_BYTES });
    const json = fc.json().map(one => new TextEncoder().encode(one));
    const edited = fc
      .tuple(fc.nat(200), fc.nat(255))
      .map(([at, byte]) => encodeSlot(query('up')).with(at, byte));
    fc.assert(
      fc.property(fc.oneof(any, json, edited), bytes => {
        const { queries, damaged } = parseActiveLog(bytes);
        expect(queries.length + damaged).toBeLessThanOrEqual(Math.ceil(bytes.length / SLOT_BYTES));
        for (const one of queries) expect(() => new Date(one.atMs).toISOString()).not.toThrow();
      }),
      { seed: 8, numRuns: 500 },
    );
  });
});
