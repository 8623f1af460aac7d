// Blocks under the store: against a naive model over cuts, compactions, deletions and crashes; every Disk call of a
// compaction fails or is the last; damage, retention, snapshots.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { crashingDisk } from '../../test/support/crashing-disk.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { type BatchExtras, randomExtras, sampleText } from '../../test/support/extras.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { loopbackThreads } from '../../test/support/loopback-thread.ts';
import { seededRandom } from '../../test/support/random.ts';
import type { Clock, Disk } from '../base/index.ts';
import {
  formatLabels,
  labelsFrom,
  type Matcher,
  MetricRegistry,
  type SelectHints,
  setStaleAt,
  targetId,
  wordsOf,
} from '../model/index.ts';
import { InPlaceMaker } from './block/in-place.ts';
import { serveMaker, ThreadMaker } from './block/thread.ts';
import { DEFAULT_STORE_SETTINGS, openStore, type Store, type StoreSettings } from './index.ts';

const FOLDER = '/data/store';
const HOUR = 3_600_000;
const ALL: SelectHints = { fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 };

interface Place {
  readonly disk: FakeDisk;
  readonly clock: Clock;
  readonly settings: StoreSettings;
  /** Blocks are made behind a thread's messages, as in the program. */
  readonly threaded: boolean;
}

interface World extends Place {
  readonly clock: FakeClock;
}

function world(settings: Partial<StoreSettings> = {}, threaded = false): World {
  const clock = new FakeClock();
  return { disk: new FakeDisk(), clock, settings: { ...DEFAULT_STORE_SETTINGS, ...settings }, threaded };
}

async function open(at: Place, mount: Disk = at.disk.mount(), folder = FOLDER): Promise<Store> {
  const { clock, settings } = at;
  const options = { disk: mount, folder, clock, log: new CollectingLog(), settings };
  const { start } = loopbackThreads(port => serveMaker(port, new InPlaceMaker({ disk: mount, clock })));
  const opened = await openStore({
    ...options,
    metrics: new MetricRegistry(),
    ...(at.threaded && { maker: new ThreadMaker({ start, clock }) }),
  });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

type Samples = Map<string, Map<number, string>>;

const nameOf = (i: number): string => `m{i="${i}"}`;

async function contents(store: Store, hints: SelectHints = ALL, matchers: Matcher[] = []): Promise<Samples> {
  const found = await store.select(matchers, hints);
  if (!found.ok) throw new Error(found.error.message);
  const samples: Samples = new Map();
  for (const { labels, timesMs, values, histograms, startTimesMs, from, to } of found.value) {
    const byTime = new Map<number, string>();
    let before = -Infinity;
    for (let i = from; i < to; i++) {
      const timeMs = timesMs[i] as number;
      // Not by `expect`, which takes a hundred times as long as the comparison: there are very many samples.
      if (!(timeMs > before)) throw new Error(`${formatLabels(labels)}: ${timeMs} stands behind ${before}`);
      before = timeMs;
      if (timeMs > hints.fromMs && timeMs <= hints.toMs)
        byTime.set(
          timeMs,
          sampleText(values, i, { histogram: histograms?.get(i), startMs: startTimesMs?.[i] }),
        );
    }
    expect(samples.has(formatLabels(labels))).toBe(false);
    samples.set(formatLabels(labels), byTime);
  }
  return samples;
}

const sorted = (samples: Samples): unknown =>
  [...samples]
    .filter(([, byTime]) => byTime.size > 0)
    .map(([name, byTime]) => [name, [...byTime].sort(([a], [b]) => a - b)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));

interface Sent {
  readonly producer: number;
  readonly timeMs: number;
  readonly series: readonly number[];
  readonly values: Float64Array;
  readonly extras?: BatchExtras;
}

/** Appends, and notes in `into` what is stored from then on: of two samples at one time the first. */
async function append(store: Store, sent: Sent, into?: Samples): Promise<boolean> {
  const refs = Uint32Array.from(sent.series, i => {
    const ref = store.intern(labelsFrom({ __name__: 'm', i: String(i) }));
    if (!ref.ok) throw new Error(ref.error);
    return ref.value;
  });
  const batch = { producer: targetId(`p${sent.producer}`), timestampMs: sent.timeMs, series: refs };
  const outcome = await store.append({ ...batch, values: sent.values, ...sent.extras });
  if (!outcome.ok) return false;
  const refused = new Set(outcome.value.refused.map(({ index }) => index));
  const { histograms, startTimestampsMs } = sent.extras ?? {};
  sent.series.forEach((i, index) => {
    if (refused.has(index) || into === undefined) return;
    const byTime = into.get(nameOf(i)) ?? new Map<number, string>();
    const beside = { histogram: histograms?.get(index), startMs: startTimestampsMs?.[index] };
    if (!byTime.has(sent.timeMs)) byTime.set(sent.timeMs, sampleText(sent.values, index, beside));
    into.set(nameOf(i), byTime);
  });
  return true;
}

function randomValues(random: ReturnType<typeof seededRandom>, count: number): Float64Array {
  const values = Float64Array.from({ length: count }, () => {
    const kind = random.uint32() % 5;
    if (kind === 0) return 1;
    if (kind === 1) return random.uint32() % 100;
    if (kind === 2) return random.float();
    return kind === 3 ? random.uint32() / 100 : random.uint32() * 2 ** 30;
  });
  if (random.uint32() % 5 === 0) setStaleAt(wordsOf(values), random.uint32() % count);
  return values;
}

function deleteFrom(model: Samples, name: RegExp, range: { fromMs: number; toMs: number }): void {
  for (const [series, byTime] of model) {
    if (!name.test(series)) continue;
    for (const timeMs of byTime.keys())
      if (timeMs >= range.fromMs && timeMs <= range.toMs) byTime.delete(timeMs);
  }
}

describe('the store with blocks agrees with a naive model', () => {
  const run = async (seed: number, walAck: 'os' | 'disk', withExtras = false): Promise<void> => {
    const random = seededRandom(seed);
    const at = world({ walAck, cacheBytesMax: seed % 2 === 0 ? 500 : 1e6 }, seed % 3 > 0);
    const model: Samples = new Map();
    let store = await open(at);
    let sets = [0, 1, 2].map(p => Array.from({ length: 6 }, (_, i) => 4 * p + i));
    let cuts = 0;
    const sent: Sent[] = [];
    for (let step = 0; step < 260; step++) {
      const producer = random.uint32() % 3;
      if (random.uint32() % 8 === 0)
        sets = sets.map(set => [
          ...new Set(set.filter(() => random.uint32() % 8 > 0).concat(random.uint32() % 30)),
        ]);
      const old = random.uint32() % 8 === 0 ? sent[random.uint32() % Math.max(1, sent.length)] : undefined;
      const series = old?.series ?? (sets[producer] as number[]);
      const late = random.uint32() % 4 === 0 ? random.uint32() % 1e6 : 0;
      const timeMs = old?.timeMs ?? at.clock.nowMs() - late;
      const values = old?.values.slice() ?? randomValues(random, series.length);
      if (old !== undefined && random.uint32() % 2 === 0) values[0] = 12345;
      const extras = old?.extras ?? (withExtras ? randomExtras(random, series.length) : {});
      const one = { producer, timeMs, series, values, extras };
      if (series.length > 0 && (await append(store, one, model))) sent.push(one);
      const choice = random.uint32() % 60;
      if (choice === 0) expect(await store.compactNow()).toEqual({ ok: true, value: undefined });
      else if (choice <= 2) expect((await store.compactDue()).ok).toBe(true);
      else if (choice === 3) {
        const fromMs = at.clock.nowMs() - (random.uint32() % (6 * HOUR));
        const range = { fromMs, toMs: fromMs + (random.uint32() % (3 * HOUR)) };
        const digit = random.uint32() % 10;
        const matcher = { name: 'i', op: '=~' as const, value: `.*${digit}` };
        expect((await store.deleteSeries([matcher], range)).ok).toBe(true);
        deleteFrom(model, new RegExp(`${digit}"`), range);
      } else if (choice === 4) expect((await store.cleanTombstones()).ok).toBe(true);
      else if (choice <= 8) {
        if (choice === 5) await store.close();
        else if (choice === 6 || walAck === 'os') at.disk.killProcess();
        else at.disk.crash({ seed: random.uint32() });
        store = await open(at);
        expect(store.damage().filter(damage => damage.code !== 'wal-torn-tail')).toEqual([]);
      } else if (choice === 9) {
        expect(sorted(await contents(store))).toEqual(sorted(model));
      } else if (choice === 10) {
        const fromMs = at.clock.nowMs() - (random.uint32() % (8 * HOUR));
        const hints = { ...ALL, fromMs, toMs: fromMs + (random.uint32() % (4 * HOUR)) };
        const inside: Samples = new Map();
        for (const [name, byTime] of model) {
          const within = [...byTime].filter(([timeMs]) => timeMs > hints.fromMs && timeMs <= hints.toMs);
          if (within.length > 0) inside.set(name, new Map(within));
        }
        expect(sorted(await contents(store, hints))).toEqual(sorted(inside));
        const listed = await store.series([], { fromMs: hints.fromMs + 1, toMs: hints.toMs });
        expect(listed.ok ? listed.value.map(formatLabels).sort() : undefined).toEqual(
          [...inside.keys()].sort(),
        );
      } else if (choice === 11) {
        const all = await store.select([], ALL);
        const labels = all.ok ? all.value.map(one => one.labels) : [];
        const [from, to] = [Math.floor(labels.length / 3), Math.ceil(labels.length / 2)];
        const [first, last] = [labels[from], labels[to]];
        if (first !== undefined && last !== undefined) {
          const names = labels.slice(from, to + 1).map(formatLabels);
          const inside = new Map([...model].filter(([name]) => names.includes(name)));
          expect(sorted(await contents(store, { ...ALL, between: { first, last } }))).toEqual(sorted(inside));
        }
      }
      cuts = Math.max(cuts, store.stats().blocks.length);
      await at.clock.advance(random.uint32() % 10 === 0 ? 20 * 60_000 : 120_000);
    }
    expect(sorted(await contents(store))).toEqual(sorted(model));
    await store.close();
    store = await open(at);
    expect(sorted(await contents(store))).toEqual(sorted(model));
    expect((await store.compactNow()).ok).toBe(true);
    expect(sorted(await contents(store))).toEqual(sorted(model));
    expect(cuts).toBeGreaterThan(0);
    await store.close();
  };

  it.each([1, 2, 3, 4, 5, 6])('over kills of the process (seed %i)', seed => run(seed, 'os'));
  it.each([11, 12, 13, 14, 15, 16])('over losses of power (seed %i)', seed => run(seed, 'disk'));
  it.each([21, 22, 23, 24])('with native histograms and start timestamps among them (seed %i)', seed =>
    run(seed, seed % 2 === 0 ? 'os' : 'disk', true),
  );
});

/** Uses each slice up at once, so that everything that goes in slices is mixed with everything else. */
function restlessClock(clock: FakeClock): Clock {
  let usedMs = 0;
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => {
      usedMs += 9;
      return clock.monotonicMs() + usedMs;
    },
    after: (delayMs, fire) => {
      if (delayMs > 0) return clock.after(delayMs, fire);
      setImmediate(fire);
      return { cancel: () => undefined };
    },
  };
}

describe('what is appended while blocks are made, looked after and deleted from', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('survives a loss of power at any moment (seed %i)', async seed => {
    const random = seededRandom(seed);
    const at = world({ walAck: 'disk', cacheBytesMax: 500 }, seed % 2 === 0);
    const busy = { ...at, clock: restlessClock(at.clock) };
    const model: Samples = new Map();
    let finished = 0;
    for (let life = 0; life < 10; life++) {
      const store = await open(busy);
      expect(store.damage().filter(damage => damage.code !== 'wal-torn-tail')).toEqual([]);
      expect(sorted(await contents(store))).toEqual(sorted(model));
      const rounds = random.uint32() % 12;
      for (let round = 0; round < rounds; round++) {
        // A third of an hour of samples, in the midst of which something is begun that nobody waits for.
        const begun = random.uint32() % 40;
        for (let step = 0; step < 40; step++) {
          const producer = random.uint32() % 3;
          const series = Array.from({ length: 6 }, (_, i) => 4 * producer + i);
          const values = randomValues(random, series.length);
          if (step === begun) {
            const work = random.uint32() % 3;
            const done = work === 0 ? store.compactNow() : work === 1 ? store.compactDue() : store.maintain();
            void done.then(({ ok }) => {
              if (ok) finished++;
            });
          }
          expect(await append(store, { producer, timeMs: at.clock.nowMs(), series, values }, model)).toBe(
            true,
          );
          at.clock.jump(30_000);
        }
      }
      for (let turns = random.uint32() % 60; turns > 0; turns--) await new Promise(setImmediate);
      at.disk.crash({ seed: random.uint32() });
    }
    const store = await open(busy);
    expect(sorted(await contents(store))).toEqual(sorted(model));
    expect(store.stats().quarantined).toEqual([]);
    await store.close();
    expect(finished).toBeGreaterThan(5);
  });
});

it.each([false, true])(
  'texts come back from a block as they were, whatever they begin with (in a thread: %s)',
  async threaded => {
    const at = world({}, threaded);
    const store = await open(at);
    const odd = ['\ufeff', '\ufeffa', '\u0000', '\ufffd', '😀', 'é'];
    const labels = odd.map(value => labelsFrom({ __name__: 'm', [value]: value }));
    const series = Uint32Array.from(labels, one => {
      const ref = store.intern(one);
      return ref.ok ? ref.value : 0;
    });
    const values = Float64Array.from(series);
    await store.append({ producer: targetId('p'), timestampMs: at.clock.nowMs(), series, values });
    expect((await store.compactNow()).ok).toBe(true);
    await store.close();
    const again = await open(at);
    expect(again.stats().blocks).toHaveLength(1);
    expect([...(await contents(again)).keys()].sort()).toEqual(labels.map(formatLabels).sort());
    await again.close();
  },
);

// --- every call fails, every call is the last --------------------------------------------------------------------

/** A store with some hours of samples, some deleted, and the model of it. */
async function filled(at: World, hours: number): Promise<{ store: Store; model: Samples }> {
  const store = await open(at);
  const model: Samples = new Map();
  for (let minute = 0; minute < hours * 60; minute += 10) {
    const values = Float64Array.of(minute, minute / 7, 1);
    await append(store, { producer: 1, timeMs: at.clock.nowMs(), series: [1, 2, 3], values }, model);
    // The timers stay out of it, so that the calls that are counted are those of the test.
    at.clock.jump(600_000);
  }
  return { store, model };
}

async function work(store: Store, model: Samples, at: World): Promise<boolean> {
  const first = await store.compactDue();
  const range = { fromMs: at.clock.nowMs() - 5 * HOUR, toMs: at.clock.nowMs() - 3 * HOUR };
  const deleted = await store.deleteSeries([{ name: 'i', op: '=', value: '2' }], range);
  if (deleted.ok) deleteFrom(model, /"2"/, range);
  const cleaned = await store.cleanTombstones();
  const again = await store.compactNow();
  return first.ok && deleted.ok && cleaned.ok && again.ok;
}

/** What was deleted without being acknowledged may be there or not. */
function isBetween(found: Samples, least: Samples, most: Samples): void {
  expect({ missing: without(least, found), invented: without(found, most) }).toEqual({
    missing: [],
    invented: [],
  });
}

/** Samples that the others do not have as they are. */
function without(samples: Samples, others: Samples): readonly unknown[] {
  const left: unknown[] = [];
  for (const [name, byTime] of samples)
    for (const [timeMs, bits] of byTime) {
      const other = others.get(name)?.get(timeMs);
      if (other !== bits) left.push([name, timeMs, bits, other]);
    }
  return left;
}

describe('whatever the disk does during a compaction', () => {
  it.each(['disk-io', 'disk-full', 'disk-denied'] as const)(
    'a call that fails loses nothing, doubles nothing, and the next try succeeds (%s)',
    async error => {
      let failures = 0;
      for (let n = 1; ; n++) {
        const at = world({}, error !== 'disk-full');
        const { store, model } = await filled(at, 7);
        const full = structuredClone(model);
        const before = at.disk.calls;
        at.disk.failAt(n, error);
        if (!(await work(store, model, at))) failures++;
        const ended = at.disk.calls - before < n;
        at.disk.clearFailures();
        const least = structuredClone(full);
        deleteFrom(least, /"2"/, { fromMs: at.clock.nowMs() - 5 * HOUR, toMs: at.clock.nowMs() - 3 * HOUR });
        expect((await store.compactDue()).ok).toBe(true);
        isBetween(await contents(store), least, model);
        expect(await work(store, model, at)).toBe(true);
        expect(sorted(await contents(store))).toEqual(sorted(model));
        expect(store.stats().quarantined).toEqual([]);
        await store.close();
        const again = await open(at);
        expect(sorted(await contents(again))).toEqual(sorted(model));
        await again.close();
        expect(at.disk.paths(FOLDER).filter(path => /\.(new|gone|bad)\//.test(path))).toEqual([]);
        if (ended) break;
        expect(n).toBeLessThan(600);
      }
      expect(failures).toBeGreaterThan(20);
    },
  );

  it('a loss of power at any call loses nothing and brings nothing back that was deleted', async () => {
    let crashes = 0;
    for (let call = 1; ; call++) {
      let ended = true;
      for (const seed of call % 4 === 0 ? [1, 2] : [1]) {
        const at = world({ walAck: 'disk' }, call % 2 === 0);
        const made = await filled(at, 7);
        await made.store.close();
        const { model } = made;
        const full = structuredClone(model);
        const { disk, crashed } = crashingDisk(at.disk, { call, seed: seed + 5 * call });
        const life = async (): Promise<void> => {
          const store = await open(at, disk);
          await work(store, model, at);
          await store.close();
        };
        const finished = await Promise.race([life().then(() => true), crashed.then(() => false)]);
        if (!finished) {
          ended = false;
          crashes++;
        }
        const store = await open(at);
        const least = structuredClone(full);
        deleteFrom(least, /"2"/, { fromMs: at.clock.nowMs() - 5 * HOUR, toMs: at.clock.nowMs() - 3 * HOUR });
        isBetween(await contents(store), least, model);
        expect(await work(store, model, at)).toBe(true);
        expect(sorted(await contents(store))).toEqual(sorted(model));
        expect(store.stats().quarantined).toEqual([]);
        await store.close();
      }
      if (ended) break;
    }
    expect(crashes).toBeGreaterThan(100);
  });
});

// --- damage, age, size, snapshots ------------------------------------------------------------------------------------

async function editFile(at: World, path: string, edit: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  const bytes = at.disk.bytesOf(path);
  if (bytes === undefined) throw new Error(`no ${path}`);
  at.disk.putFile(path, edit(bytes.slice()));
}

/** The same store on a disk of its own, as after a stop. */
function copyOf({ disk, clock, settings, threaded }: World): World {
  const copy = new FakeDisk();
  for (const path of disk.paths()) copy.putFile(path, disk.bytesOf(path) ?? new Uint8Array(0));
  return { disk: copy, clock: new FakeClock(clock.nowMs()), settings, threaded };
}

const blockFiles = (at: World): readonly string[] =>
  at.disk.paths(FOLDER).filter(path => /block-\d+\/(meta|index|data|tombstones)$/.test(path));

describe('a damaged block', () => {
  async function compacted(): Promise<{ at: World; model: Samples }> {
    const at = world();
    const { store, model } = await filled(at, 7);
    expect((await store.compactDue()).ok).toBe(true);
    await store.deleteSeries([{ name: 'i', op: '=', value: '9' }], { fromMs: 0, toMs: 1 });
    await store.close();
    return { at, model };
  }

  it('is set aside under a name that is told, the others go on, whatever byte is wrong', async () => {
    const random = seededRandom(9);
    let aside = 0;
    const { at: sound, model } = await compacted();
    const files = blockFiles(sound);
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) {
      for (let i = 0; i < 30; i++) {
        const at = copyOf(sound);
        await editFile(at, file, bytes => {
          if (i % 5 === 0) return bytes.subarray(0, random.uint32() % Math.max(1, bytes.length));
          const byte = random.uint32() % bytes.length;
          bytes[byte] = (bytes[byte] as number) ^ (1 << (random.uint32() % 8));
          return bytes;
        });
        const store = await open(at);
        const found = await contents(store);
        isBetween(found, new Map(), model);
        const { quarantined } = store.stats();
        if (quarantined.length > 0) {
          aside++;
          expect(quarantined[0]).toMatch(/^block-\d+\.bad$/);
          expect(store.damage().some(one => one.code === 'block-damaged')).toBe(true);
          expect(sorted(found)).not.toEqual(sorted(new Map()));
        }
        await append(store, {
          producer: 1,
          timeMs: at.clock.nowMs(),
          series: [7],
          values: Float64Array.of(1),
        });
        expect((await store.compactNow()).ok).toBe(true);
        await store.close();
      }
    }
    expect(aside).toBeGreaterThan(files.length * 20);
  });

  it('that cannot be read for now is left out, named, and comes back by itself', async () => {
    const { at, model } = await compacted();
    const [file] = blockFiles(at).filter(path => path.endsWith('/data'));
    at.disk.failPath(file as string, 'disk-denied');
    const store = await open(at);
    expect(store.stats().unreadable.length).toBe(1);
    expect(sorted(await contents(store))).not.toEqual(sorted(model));
    expect(
      await store.deleteSeries([{ name: 'i', op: '=', value: '1' }], { fromMs: 0, toMs: 1 }),
    ).toMatchObject({
      ok: false,
    });
    at.disk.failPath(file as string, undefined);
    expect((await store.compactDue()).ok).toBe(true);
    expect(store.stats().unreadable).toEqual([]);
    expect(sorted(await contents(store))).toEqual(sorted(model));
    await store.close();
  });
});

describe('retention', () => {
  it('drops blocks by age, and with them their disk', async () => {
    const at = world({ maxAgeMs: 24 * HOUR });
    const store = await open(at);
    const sizes: number[] = [];
    for (let hour = 0; hour < 120; hour++) {
      for (let k = 0; k < 6; k++) {
        const values = Float64Array.of(hour, k);
        await append(store, { producer: 1, timeMs: at.clock.nowMs(), series: [1, 2], values });
        await at.clock.advance(600_000);
      }
      await store.compactDue();
      if (hour >= 40) sizes.push(store.stats().blocks.length);
    }
    const { blocks, newestMs } = store.stats();
    expect(Math.max(...sizes)).toBeLessThan(16);
    for (const block of blocks) expect(block.maxMs).toBeGreaterThanOrEqual(newestMs - 24 * HOUR);
    const kept = [...(await contents(store)).values()].map(byTime => byTime.size);
    expect(Math.min(...kept)).toBeGreaterThanOrEqual(24 * 6);
    expect(Math.max(...kept)).toBeLessThan(34 * 6);
    await store.close();
  });

  it('drops the oldest blocks where the store grows too large', async () => {
    const random = seededRandom(3);
    const at = world({ maxBytes: 80_000 });
    const store = await open(at);
    const series = Array.from({ length: 30 }, (_, i) => i);
    const startMs = at.clock.nowMs();
    for (let step = 0; step < 24 * 30; step++) {
      const values = Float64Array.from(series, () => random.float());
      await append(store, { producer: 1, timeMs: at.clock.nowMs(), series, values });
      await at.clock.advance(120_000);
      if (step % 30 === 29) {
        await store.maintain();
        await store.compactDue();
      }
    }
    const { blockBytes, chunkBytes, walBytes, blocks } = store.stats();
    expect(blocks.length).toBeGreaterThan(0);
    expect(blockBytes + chunkBytes + walBytes).toBeLessThan(80_000);
    expect(Math.min(...blocks.map(block => block.minMs))).toBeGreaterThan(startMs);
    expect(Math.max(...blocks.map(block => block.maxMs))).toBeGreaterThan(at.clock.nowMs() - 4 * HOUR);
    await store.close();
  });
});

describe('a snapshot', () => {
  it('opens as a store with the same answers, what was deleted left out', async () => {
    const at = world();
    const { store, model } = await filled(at, 7);
    const range = { fromMs: at.clock.nowMs() - 5 * HOUR, toMs: at.clock.nowMs() - 3 * HOUR };
    expect((await store.deleteSeries([{ name: 'i', op: '=', value: '2' }], range)).ok).toBe(true);
    deleteFrom(model, /"2"/, range);
    expect(await store.snapshot('/data/snapshots', { name: '../etc', skipHead: false })).toMatchObject({
      ok: false,
    });
    expect((await store.snapshot('/data/snapshots', { name: 'first', skipHead: false })).ok).toBe(true);
    await append(store, { producer: 1, timeMs: at.clock.nowMs(), series: [1], values: Float64Array.of(5) });
    const copy = await open(at, at.disk.mount(), '/data/snapshots/first');
    expect(sorted(await contents(copy))).toEqual(sorted(model));
    await copy.close();
    await store.close();
  });

  it('without the head has what is in blocks, and cuts nothing', async () => {
    const at = world();
    const { store, model } = await filled(at, 7);
    expect((await store.compactDue()).ok).toBe(true);
    const before = store.stats().blocks;
    const limitMs = Math.max(...before.map(block => block.maxMs));
    expect((await store.snapshot('/data/snapshots', { name: 'old', skipHead: true })).ok).toBe(true);
    expect(store.stats().blocks).toEqual(before);
    const copy = await open(at, at.disk.mount(), '/data/snapshots/old');
    const found = await contents(copy);
    expect(found.size).toBeGreaterThan(0);
    expect(copy.stats().newestMs).toBe(limitMs);
    for (const key of found.keys()) expect(model.has(key)).toBe(true);
    await copy.close();
    expect((await store.snapshot('/data/snapshots', { name: 'new', skipHead: false })).ok).toBe(true);
    const whole = await open(at, at.disk.mount(), '/data/snapshots/new');
    expect(whole.stats().newestMs).toBeGreaterThan(limitMs);
    await whole.close();
    await store.close();
  });

  it('that fails at any disk call leaves nothing behind, and can be taken under its name again', async () => {
    const at = world();
    const { store, model } = await filled(at, 7);
    // More than one takes; the last of them goes well.
    const CALLS = 200;
    let failures = 0;
    for (let n = 1; n <= CALLS; n++) {
      at.disk.failAt(n);
      const taken = await store.snapshot('/data/snapshots', { name: `after-${n}`, skipHead: false });
      at.disk.clearFailures();
      if (taken.ok) continue;
      failures++;
      const left = await at.disk.list('/data/snapshots');
      // Its last step is the sync of a snapshot that is whole and bears its name.
      const isWhole = left.ok && left.value.includes(`after-${n}`);
      expect(left.ok ? left.value.filter(name => name.endsWith('.new')) : []).toEqual([]);
      if (!isWhole)
        expect((await store.snapshot('/data/snapshots', { name: `after-${n}`, skipHead: false })).ok).toBe(
          true,
        );
    }
    expect(failures).toBeGreaterThan(20);
    const copy = await open(at, at.disk.mount(), `/data/snapshots/after-${CALLS}`);
    expect(sorted(await contents(copy))).toEqual(sorted(model));
    await copy.close();
    await store.close();
  });
});

describe('what a store says of its blocks and its log', () => {
  it('is what they hold, what they were made of, and what was read at the start', async () => {
    const at = world();
    const first = await open(at);
    expect(first.stats().replayed).toEqual({ first: 0, last: 0 });
    const startMs = Math.ceil(at.clock.nowMs() / (2 * HOUR)) * 2 * HOUR;
    for (let i = 0; i < 3; i++)
      await append(first, {
        producer: 1,
        timeMs: startMs + i * 1000,
        series: [1, 2],
        values: Float64Array.of(i, i),
      });
    await first.close();
    const store = await open(at);
    const { replayed } = store.stats();
    expect(replayed.first).toBeGreaterThan(0);
    expect(replayed.last).toBeGreaterThanOrEqual(replayed.first);
    await at.clock.advance(4 * HOUR);
    expect((await store.compactNow()).ok).toBe(true);
    const [cut] = store.stats().blocks;
    expect(cut).toMatchObject({
      minMs: startMs,
      maxMs: startMs + 2000,
      series: 2,
      samples: 6,
      deletedSeries: 0,
      parents: [],
    });
    const one: Matcher = { name: 'i', op: '=', value: '1' };
    expect(await store.deleteSeries([one], { fromMs: -Infinity, toMs: Infinity })).toMatchObject({
      ok: true,
    });
    expect(store.stats().blocks).toMatchObject([{ deletedSeries: 1, hasDeleted: true }]);
    expect((await store.cleanTombstones()).ok).toBe(true);
    expect(store.stats().blocks).toMatchObject([{ series: 1, deletedSeries: 0, parents: [cut?.name] }]);
    await store.close();
  });
});
