// The log as others read it: all that was accepted and nothing else, over cuts, restarts, damage and a limit.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { randomHistogram, sampleText } from '../../test/support/extras.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { seededRandom } from '../../test/support/random.ts';
import {
  type AcceptedReader,
  formatLabels,
  type Labels,
  type LogPiece,
  type LogPlace,
  labelsFrom,
  MetricRegistry,
  type SampleBatch,
  setStaleAt,
  targetId,
  wordsOf,
} from '../model/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore, type Store, type StoreSettings } from './index.ts';

/** A damaged version in it may be taken for a newer one, and the store refused as a whole. */
const HEADER_BYTES = 16;
const START: LogPlace = { segment: 1, offset: 0 };

interface World {
  readonly disk: FakeDisk;
  readonly clock: FakeClock;
  readonly log: CollectingLog;
  readonly settings: StoreSettings;
}

function world(settings: Partial<StoreSettings> = {}): World {
  const clock = new FakeClock();
  const disk = new FakeDisk({ nowMs: () => clock.nowMs() });
  return {
    clock,
    disk,
    log: new CollectingLog(),
    settings: { ...DEFAULT_STORE_SETTINGS, keptLogBytesMax: 1 << 30, gatherMs: 0, ...settings },
  };
}

async function open({ disk, clock, log, settings }: World): Promise<Store> {
  const options = {
    disk: disk.mount(),
    folder: '/data',
    clock,
    log,
    settings,
    metrics: new MetricRegistry(),
  };
  const opened = await openStore(options);
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

const named = (i: number): Labels => labelsFrom({ __name__: 'm', i: `${i}` });

async function append(
  store: Store,
  timestampMs: number,
  count: number,
  more: Partial<SampleBatch> = {},
): Promise<void> {
  const series = Uint32Array.from({ length: count }, (_, i) => {
    const ref = store.intern(named(i));
    if (!ref.ok) throw new Error(ref.error);
    return ref.value;
  });
  const values = Float64Array.from({ length: count }, (_, i) => timestampMs + i);
  const outcome = await store.append({ producer: targetId('p'), timestampMs, series, values, ...more });
  if (!outcome.ok) throw new Error(outcome.error.message);
}

/** Every sample with the labels of its series, in the order of the log. */
async function lines(store: Store, piece: LogPiece): Promise<string[]> {
  const refs = piece.samples.flatMap(({ refs: all }) => Array.from(all));
  const labels = await store.acceptedLog.labels(refs);
  if (!labels.ok) throw new Error(labels.error.message);
  return piece.samples.flatMap(column =>
    Array.from(column.refs, (ref, i) => {
      const name = formatLabels(labels.value.get(ref) ?? labelsFrom({}));
      const text = sampleText(column.values, i, {
        histogram: column.histogramAt(i),
        startMs: column.startsMs?.[i],
      });
      return `${name} ${column.timesMs?.[i] ?? column.timeMs} ${text}`;
    }),
  );
}

async function read(reader: AcceptedReader, samplesMax = Infinity): Promise<LogPiece> {
  const piece = await reader.read({ samplesMax });
  if (!piece.ok) throw new Error(piece.error.message);
  return piece.value;
}

describe('what was accepted', () => {
  it('is read with values, histograms and start times bit by bit, late samples and exemplars too', async () => {
    const at = world();
    const store = await open(at);
    const nowMs = at.clock.nowMs();
    const random = seededRandom(4);
    const values = Float64Array.from([1.5, Number.NaN, -0]);
    setStaleAt(wordsOf(values), 1);
    const histogram = randomHistogram(random);
    await append(store, nowMs, 3, {
      values: values.slice(),
      histograms: new Map([[2, histogram]]),
      startTimestampsMs: Float64Array.from([nowMs - 9, Number.NaN, nowMs - 7]),
      exemplars: [
        { index: 0, exemplar: { labels: labelsFrom({ trace_id: 'x' }), value: 3, timestampMs: nowMs } },
      ],
    });
    await append(store, nowMs + 1000, 2);
    // Late, and the same again, which is nothing new.
    await append(store, nowMs + 500, 1);
    await append(store, nowMs + 500, 1);
    const piece = await read(store.acceptedLog.reader(START));
    const text = (i: number, more: Partial<Parameters<typeof sampleText>[2]>): string =>
      sampleText(values, i, { histogram: undefined, startMs: undefined, ...more });
    const plain = (value: number): string =>
      sampleText(Float64Array.from([value]), 0, { histogram: undefined, startMs: undefined });
    expect(await lines(store, piece)).toEqual([
      `m{i="0"} ${nowMs} ${text(0, { startMs: nowMs - 9 })}`,
      `m{i="1"} ${nowMs} ${text(1, {})}`,
      `m{i="2"} ${nowMs} ${text(2, { histogram, startMs: nowMs - 7 })}`,
      `m{i="0"} ${nowMs + 1000} ${plain(nowMs + 1000)}`,
      `m{i="1"} ${nowMs + 1000} ${plain(nowMs + 1001)}`,
      `m{i="0"} ${nowMs + 500} ${plain(nowMs + 500)}`,
    ]);
    expect(piece.count).toBe(6);
    expect(piece.exemplars).toMatchObject([{ value: 3, timeMs: nowMs, labels: ['trace_id', 'x'] }]);
    await store.close();
  });

  it('comes in pieces that are the same again from the same places', async () => {
    const at = world();
    const store = await open(at);
    for (let i = 0; i < 30; i++) await append(store, at.clock.nowMs() + i, 5);
    const reader = store.acceptedLog.reader(START);
    const pieces: { from: LogPlace; to: LogPlace; text: string[] }[] = [];
    for (let from = START; ; ) {
      const piece = await read(reader, 12);
      if (piece.count === 0) break;
      expect(piece.count).toBe(15);
      pieces.push({ from, to: piece.to, text: await lines(store, piece) });
      from = piece.to;
    }
    expect(pieces).toHaveLength(10);
    expect(pieces.at(-1)?.to).toEqual(store.acceptedLog.end());
    for (const { from, to, text } of pieces) {
      const again = await store.acceptedLog.reader(from).read({ place: to });
      if (!again.ok) throw new Error(again.error.message);
      expect(again.value.to).toEqual(to);
      expect(await lines(store, again.value)).toEqual(text);
    }
    await store.close();
  });

  it('is what an append that failed is not', async () => {
    const at = world({ walAck: 'disk' });
    const store = await open(at);
    const nowMs = at.clock.nowMs();
    await append(store, nowMs, 2);
    const reader = store.acceptedLog.reader(START);
    for (let n = 1; n < 4; n++) {
      at.disk.failAt(n);
      await append(store, nowMs + n, 2).catch(() => undefined);
      at.disk.clearFailures();
      await at.clock.advance(2000);
    }
    await append(store, nowMs + 10_000, 2);
    const found = (await lines(store, await read(reader))).map(line => Number(line.split(' ')[1]) - nowMs);
    // What was written in the end, from the backlog, is accepted; nothing comes twice.
    expect(new Set(found).size).toBe(found.length / 2);
    expect(found.at(-1)).toBe(10_000);
    await store.close();
  });
});

describe('what a start does not need', () => {
  /** Fills several segments, seals all of it and lets the log be cut. */
  async function filled(at: World, store: Store): Promise<number> {
    for (let i = 0; i < 3; i++) {
      await at.clock.advance(1);
      await append(store, at.clock.nowMs(), 50);
      // A segment is closed by its age.
      await at.clock.advance(31 * 60_000);
      await append(store, at.clock.nowMs(), 50);
      await store.sealAll();
      await store.maintain();
    }
    return 6 * 50;
  }
  const kept = async ({ disk }: World): Promise<readonly string[]> => {
    const names = await disk.list('/data');
    return names.ok ? names.value.filter(name => name.startsWith('kept-')) : [];
  };

  it('is kept until those who read it have come as far, over restarts', async () => {
    const at = world();
    const store = await open(at);
    const count = await filled(at, store);
    expect((await kept(at)).length).toBeGreaterThan(1);
    await store.close();
    const again = await open(at);
    const reader = again.acceptedLog.reader(START);
    again.acceptedLog.hold(new Map([['q', START]]));
    await again.maintain();
    const piece = await read(reader);
    expect(piece.count).toBe(count);
    expect(piece.lost).toEqual([]);
    again.acceptedLog.hold(new Map([['q', piece.to]]));
    await again.maintain();
    // But for the segment at whose end they are.
    expect((await kept(at)).length).toBeLessThanOrEqual(1);
    await again.close();
  });

  it('goes when nobody reads it, and at once where none is kept', async () => {
    const at = world();
    const store = await open(at);
    store.acceptedLog.hold(new Map());
    await filled(at, store);
    expect(await kept(at)).toEqual([]);
    await store.close();
    const none = world({ keptLogBytesMax: 0 });
    const other = await open(none);
    await filled(none, other);
    expect(await kept(none)).toEqual([]);
    await other.close();
  });

  it('beyond its limit the oldest goes: counted, said, and told to who reads', async () => {
    const at = world({ keptLogBytesMax: 1000 });
    const store = await open(at);
    store.acceptedLog.hold(new Map([['q', START]]));
    const count = await filled(at, store);
    const said = at.log.lines.filter(({ message }) => message.includes('is full'));
    const dropped = said.reduce((sum, { fields }) => sum + Number(fields['samples']), 0);
    expect(dropped).toBeGreaterThan(0);
    expect(store.stats().keptLogBytes).toBeLessThanOrEqual(1000);
    const piece = await read(store.acceptedLog.reader(START));
    expect(piece.count).toBe(count - dropped);
    expect(piece.lost).toMatchObject([{ reason: 'full', samples: dropped }]);
    await store.close();
  });

  it('names series that the store has dropped', async () => {
    const at = world({ maxAgeMs: 3_600_000 });
    const store = await open(at);
    store.acceptedLog.hold(new Map([['q', START]]));
    await append(store, at.clock.nowMs(), 3);
    await store.sealAll();
    const ref = store.intern(named(1));
    await at.clock.advance(5 * 3_600_000);
    const other = store.intern(labelsFrom({ __name__: 'other' }));
    if (!other.ok || !ref.ok) throw new Error('no series');
    await store.append({
      producer: targetId('p'),
      timestampMs: at.clock.nowMs(),
      series: Uint32Array.of(other.value),
      values: Float64Array.of(1),
    });
    await at.clock.advance(60_000);
    await store.maintain();
    expect(store.isLive(ref.value)).toBe(false);
    const piece = await read(store.acceptedLog.reader(START));
    expect(await lines(store, piece)).toContainEqual(expect.stringContaining('m{i="1"}'));
    await store.close();
  });
});

describe('damage', () => {
  it('in the middle is skipped, reported with file and place, and told to who reads', async () => {
    const at = world();
    const store = await open(at);
    const nowMs = at.clock.nowMs();
    for (let i = 0; i < 20; i++) await append(store, nowMs + i, 4);
    const path = '/data/wal-00000001.wal';
    const bytes = at.disk.bytesOf(path);
    if (bytes === undefined) throw new Error('no log');
    const damaged = Uint8Array.from(bytes);
    damaged[Math.floor(bytes.length / 2)] = (damaged[Math.floor(bytes.length / 2)] ?? 0) ^ 0xff;
    await store.close();
    at.disk.putFile(path, damaged);
    const again = await open(at);
    const piece = await read(again.acceptedLog.reader(START));
    expect(piece.count).toBe(19 * 4);
    expect(piece.lost).toMatchObject([{ reason: 'damaged' }]);
    expect(piece.lost[0]?.message).toContain(path);
    await again.close();
  });

  it('of any kind never throws and never loops', async () => {
    const at = world();
    const store = await open(at);
    for (let i = 0; i < 20; i++) await append(store, at.clock.nowMs() + i, 4);
    await store.close();
    const path = '/data/wal-00000001.wal';
    const bytes = at.disk.bytesOf(path) ?? new Uint8Array(0);
    const random = seededRandom(77);
    for (let round = 0; round < 300; round++) {
      const bad = Uint8Array.from(bytes);
      for (let i = 0; i < 1 + (random.uint32() % 8); i++)
        bad[HEADER_BYTES + (random.uint32() % (bad.length - HEADER_BYTES))] = random.uint32();
      at.disk.putFile(
        path,
        random.uint32() % 3 === 0
          ? bad.subarray(0, HEADER_BYTES + (random.uint32() % (bad.length - HEADER_BYTES)))
          : bad,
      );
      const again = await open(at);
      const piece = await read(again.acceptedLog.reader(START));
      expect(piece.count).toBeLessThanOrEqual(80);
      await again.close();
    }
  });
});
