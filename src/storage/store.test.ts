// The store against a naive model, on a disk that fails and loses what is unsynced at every call in turn.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { crashingDisk } from '../../test/support/crashing-disk.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import {
  type BatchExtras,
  randomExtras,
  randomHistogram,
  sampleText,
  valueText,
} from '../../test/support/extras.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { seededRandom } from '../../test/support/random.ts';
import type { Disk } from '../base/index.ts';
import {
  compareLabels,
  type FloatLender,
  formatLabels,
  isStaleAt,
  labelsFrom,
  MetricRegistry,
  type RefusalReason,
  type SampleBatch,
  type SelectHints,
  type SeriesColumns,
  setStaleAt,
  targetId,
  wordsOf,
} from '../model/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore, type Store, type StoreSettings } from './index.ts';

const FOLDER = '/data';
const ALL: SelectHints = { fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 };

// --- kit ------------------------------------------------------------------------------------------------

interface World {
  readonly disk: FakeDisk;
  readonly clock: FakeClock;
  readonly settings: StoreSettings;
}

function world(settings: Partial<StoreSettings> = {}): World {
  const clock = new FakeClock();
  const disk = new FakeDisk({ nowMs: () => clock.nowMs() });
  return { disk, clock, settings: { ...DEFAULT_STORE_SETTINGS, ...settings } };
}

function tryOpen({ disk, clock, settings }: World, mount: Disk = disk.mount()): ReturnType<typeof openStore> {
  const options = { disk: mount, folder: FOLDER, clock, log: new CollectingLog(), settings };
  return openStore({ ...options, metrics: new MetricRegistry() });
}

async function open(at: World): Promise<Store> {
  const opened = await tryOpen(at);
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

/** Bits of a sample's value, or a number. */
type Bits = string;
type Samples = Map<string, Map<number, Bits>>;

const bitsAt = (values: Float64Array, i: number, extras: BatchExtras = {}): Bits =>
  sampleText(values, i, {
    histogram: extras.histograms?.get(i),
    startMs: extras.startTimestampsMs?.[i],
  });

function plain(columns: readonly SeriesColumns[]): Samples {
  const samples: Samples = new Map();
  for (const { labels, timesMs, values, histograms, startTimesMs, isPlain, from, to } of columns) {
    const extras = {
      ...(histograms && { histograms }),
      ...(startTimesMs && { startTimestampsMs: startTimesMs }),
    };
    const byTime = new Map<number, Bits>();
    let before = -Infinity;
    for (let i = from; i < to; i++) {
      const timeMs = timesMs[i] as number;
      expect(timeMs).toBeGreaterThan(before);
      before = timeMs;
      byTime.set(timeMs, bitsAt(values, i, extras));
      if (isPlain === true) expect(Number.isFinite(values[i])).toBe(true);
    }
    samples.set(formatLabels(labels), byTime);
  }
  return samples;
}

async function contents(store: Store): Promise<Samples> {
  const found = await store.select([], ALL);
  if (!found.ok) throw new Error(found.error.message);
  return plain(found.value);
}

/** Lends memory full of what others left there. */
const dirtyMemory: FloatLender = { floats: count => new Float64Array(count).fill(Number.POSITIVE_INFINITY) };

/** In a window: all samples, or the newest of each series at least; into memory that is lent. */
async function within(
  store: Store,
  window: { readonly fromMs: number; readonly toMs: number },
  lastOnly: boolean,
): Promise<Samples> {
  const hints = { ...ALL, ...window, lastOnly, memory: dirtyMemory };
  const found = await store.select([{ name: '__name__', op: '=', value: 'm' }], hints);
  if (!found.ok) throw new Error(found.error.message);
  const names = found.value.map(({ labels }) => labels);
  expect(names).toEqual([...names].sort(compareLabels));
  return cut(plain(found.value), window, lastOnly);
}

function cut(
  samples: Samples,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  lastOnly: boolean,
): Samples {
  return new Map(
    [...samples].map(([name, byTime]) => {
      const inside = [...byTime]
        .filter(([timeMs]) => timeMs > fromMs && timeMs <= toMs)
        .sort(([a], [b]) => a - b);
      return [name, new Map(lastOnly ? inside.slice(-1) : inside)] as const;
    }),
  );
}

const sorted = (samples: Samples): unknown =>
  [...samples]
    .filter(([, byTime]) => byTime.size > 0)
    .map(([name, byTime]) => [name, [...byTime].sort(([a], [b]) => a - b)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));

const nameOf = (i: number): string => `m{i="${i}"}`;

function batchOf(
  store: Store,
  batch: {
    readonly producer: number;
    readonly timeMs: number;
    readonly series: readonly number[];
    readonly values: Float64Array;
    readonly ownTimes?: Float64Array;
    readonly extras?: BatchExtras;
  },
): SampleBatch {
  const series = Uint32Array.from(batch.series, i => {
    const ref = store.intern(labelsFrom({ __name__: 'm', i: String(i) }));
    if (!ref.ok) throw new Error(ref.error);
    return ref.value;
  });
  return {
    producer: targetId(`p${batch.producer}`),
    timestampMs: batch.timeMs,
    series,
    values: batch.values,
    ...(batch.ownTimes === undefined ? {} : { ownTimestampsMs: batch.ownTimes }),
    ...batch.extras,
  };
}

// --- the model --------------------------------------------------------------------------------------------

class Model {
  readonly samples: Samples = new Map();
  readonly #settings: StoreSettings;

  constructor(settings: StoreSettings) {
    this.#settings = settings;
  }

  append(series: readonly number[], batch: SampleBatch, nowMs: number): (RefusalReason | undefined)[] {
    const newestMs = Math.max(-Infinity, ...[...this.samples.values()].flatMap(byTime => [...byTime.keys()]));
    const lastMs = new Map(
      series.map(i => [i, Math.max(-Infinity, ...(this.samples.get(nameOf(i))?.keys() ?? []))]),
    );
    return series.map((i, index) => {
      const own = batch.ownTimestampsMs?.[index] ?? Number.NaN;
      const timeMs = Number.isNaN(own) ? batch.timestampMs : own;
      if (timeMs > nowMs + this.#settings.futureMs) return 'sample-future';
      if (timeMs < newestMs - this.#settings.maxAgeMs) return 'sample-too-old';
      const byTime = this.samples.get(nameOf(i)) ?? new Map<number, Bits>();
      this.samples.set(nameOf(i), byTime);
      if (timeMs < (lastMs.get(i) as number) - this.#settings.outOfOrderMs) return 'sample-out-of-order';
      const stored = byTime.get(timeMs);
      const bits = bitsAt(batch.values, index, batch);
      if (stored !== undefined) return valueText(stored) === valueText(bits) ? undefined : 'sample-conflict';
      byTime.set(timeMs, bits);
      return undefined;
    });
  }
}

function randomValues(random: ReturnType<typeof seededRandom>, count: number): Float64Array {
  const values = Float64Array.from({ length: count }, () => {
    const kind = random.uint32() % 4;
    return kind === 0
      ? 1
      : kind === 1
        ? random.uint32() % 100
        : kind === 2
          ? random.float()
          : random.uint32() / 100;
  });
  if (random.uint32() % 5 === 0) setStaleAt(wordsOf(values), random.uint32() % count);
  return values;
}

describe('the store agrees with a naive model', () => {
  const run = async (seed: number, walAck: 'os' | 'disk', withExtras: boolean): Promise<void> => {
    const random = seededRandom(seed);
    const at = world({ walAck, cacheBytesMax: seed % 2 === 0 ? 500 : 1e6 });
    const model = new Model(at.settings);
    let store = await open(at);
    let sets = [0, 1, 2].map(p => Array.from({ length: 6 }, (_, i) => 4 * p + i));
    const recent: {
      series: readonly number[];
      timeMs: number;
      values: Float64Array;
      producer: number;
      extras: BatchExtras;
    }[] = [];
    const appendSome = async (): Promise<void> => {
      const pending: Promise<void>[] = [];
      for (let k = 0; k <= random.uint32() % 3; k++) {
        const producer = random.uint32() % 3;
        if (random.uint32() % 6 === 0) {
          sets = sets.map(set => set.filter(() => random.uint32() % 8 > 0).concat(random.uint32() % 30));
        }
        const old =
          random.uint32() % 9 === 0 ? recent[random.uint32() % Math.max(1, recent.length)] : undefined;
        const series = old?.series ?? (sets[producer] as number[]);
        const values = old?.values.slice() ?? randomValues(random, series.length);
        if (old !== undefined && random.uint32() % 2 === 0) values[0] = 12345;
        const timeMs =
          old?.timeMs ?? at.clock.nowMs() - (random.uint32() % 4 === 0 ? random.uint32() % 1e6 : 0);
        const ownTimes =
          random.uint32() % 6 === 0
            ? Float64Array.from(series, () =>
                random.uint32() % 2 ? Number.NaN : timeMs - (random.uint32() % 700_000) + 1000,
              )
            : undefined;
        const extras = old?.extras ?? (withExtras ? randomExtras(random, series.length) : {});
        recent.push({ series, timeMs, values: values.slice(), producer, extras });
        const what = { producer, timeMs, series, values, extras };
        const batch = batchOf(store, { ...what, ...(ownTimes && { ownTimes }) });
        const expected = model.append(series, batch, at.clock.nowMs());
        pending.push(
          store.append(batch).then(outcome => {
            if (!outcome.ok) throw new Error(outcome.error.message);
            const refused = expected.flatMap((reason, index) =>
              reason === undefined ? [] : [{ index, reason }],
            );
            expect(outcome.value.refused).toEqual(refused);
            expect(outcome.value.accepted).toBe(series.length - refused.length);
            const taken = series.filter(
              (_, i) =>
                extras.histograms?.has(i) && !isStaleAt(wordsOf(values), i) && expected[i] === undefined,
            );
            expect(outcome.value.acceptedHistograms ?? 0).toBe(taken.length);
          }),
        );
      }
      await Promise.all(pending);
    };
    for (let step = 0; step < 220; step++) {
      await appendSome();
      const choice = random.uint32() % 40;
      if (choice === 0) await store.sealAll();
      else if (choice === 1) await store.maintain();
      else if (choice <= 4) {
        if (choice === 2) await store.close();
        else if (choice === 3 || walAck === 'os') at.disk.killProcess();
        else at.disk.crash({ seed: random.uint32() });
        store = await open(at);
        const torn = store.damage().filter(damage => damage.code !== 'wal-torn-tail');
        expect(torn).toEqual([]);
      } else if (choice === 5) expect(sorted(await contents(store))).toEqual(sorted(model.samples));
      else if (choice <= 9) {
        const toMs = at.clock.nowMs() - (random.uint32() % 3 === 0 ? random.uint32() % 2e6 : 0);
        const window = { fromMs: toMs - (random.uint32() % 600_000), toMs };
        const lastOnly = random.uint32() % 2 === 0;
        expect(sorted(await within(store, window, lastOnly))).toEqual(
          sorted(cut(model.samples, window, lastOnly)),
        );
      }
      await at.clock.advance(15_000);
    }
    expect(sorted(await contents(store))).toEqual(sorted(model.samples));
    await store.close();
    store = await open(at);
    expect(sorted(await contents(store))).toEqual(sorted(model.samples));
    await store.close();
  };

  it.each([1, 2, 3, 4, 5, 6])(
    'over batches, churn, late samples, seals, kills and restarts (seed %i)',
    async seed => {
      await run(seed, 'os', false);
    },
  );

  it.each([11, 12, 13, 14])(
    'and over losses of power when acknowledged by the disk (seed %i)',
    async seed => {
      await run(seed, 'disk', false);
    },
  );

  it.each([21, 22, 23, 24, 25, 26])(
    'with native histograms and start timestamps among them (seed %i)',
    async seed => {
      await run(seed, seed % 2 === 0 ? 'os' : 'disk', true);
    },
  );
});

// --- every call fails, every call is the last -----------------------------------------------------------------

/** A life of the store in few calls; says what was accepted and what was tried. */
class Life {
  readonly accepted: Samples = new Map();
  readonly tried: Samples = new Map();
  readonly at: World;

  constructor(at: World) {
    this.at = at;
  }

  async live(mount: () => Disk): Promise<void> {
    let store = await this.#opened(mount);
    await this.#append(store, { producer: 1, series: [1, 2, 3], values: Float64Array.of(1, 2, 3) });
    await this.at.clock.advance(15_000);
    await this.#append(store, { producer: 1, series: [1, 2, 3], values: Float64Array.of(1.5, 2.5, 3.5) });
    await this.#append(store, { producer: 2, series: [3, 4], values: Float64Array.of(9, 4), late: true });
    await store.sealAll();
    await this.at.clock.advance(1500);
    await this.#append(store, { producer: 1, series: [1, 3, 5], values: Float64Array.of(6, 7, 8) });
    await store.close();
    store = await this.#opened(mount);
    await this.at.clock.advance(15_000);
    await this.#append(store, { producer: 1, series: [1, 3, 5], values: Float64Array.of(7, 8, 9) });
    await this.at.clock.advance(6000);
    await store.sealAll();
    await store.close();
  }

  async check(): Promise<void> {
    const store = await open(this.at);
    const stored = await contents(store);
    for (const [name, byTime] of this.accepted) {
      for (const [timeMs, bits] of byTime)
        expect([name, timeMs, stored.get(name)?.get(timeMs)]).toEqual([name, timeMs, bits]);
    }
    for (const [name, byTime] of stored) {
      for (const [timeMs, bits] of byTime)
        expect([name, timeMs, this.tried.get(name)?.get(timeMs)]).toEqual([name, timeMs, bits]);
    }
    await this.#append(store, { producer: 9, series: [99], values: Float64Array.of(1) });
    expect((await contents(store)).get(nameOf(99))?.size).toBe(1);
    await store.close();
  }

  async #opened(mount: () => Disk): Promise<Store> {
    for (let attempt = 0; attempt < 3; attempt++) {
      const opened = await tryOpen(this.at, mount());
      if (opened.ok) return opened.value;
      expect(opened.error.code).toMatch(/^disk-/);
    }
    throw new Error('the store does not open');
  }

  async #append(
    store: Store,
    what: {
      readonly producer: number;
      readonly series: readonly number[];
      readonly values: Float64Array;
      late?: boolean;
    },
  ): Promise<void> {
    const timeMs = this.at.clock.nowMs() - (what.late ? 20_000 : 0);
    // The last of each batch is a histogram: every call fails with and without them.
    const last = what.series.length - 1;
    const extras = {
      histograms: new Map([[last, randomHistogram(seededRandom(what.values[last] as number))]]),
      startTimestampsMs: what.values.map(value => 1e12 + Math.round(value)),
    };
    const batch = batchOf(store, { ...what, timeMs, extras });
    const note = (into: Samples): void => {
      what.series.forEach((i, index) => {
        const byTime = into.get(nameOf(i)) ?? new Map<number, Bits>();
        byTime.set(timeMs, bitsAt(what.values, index, batch));
        into.set(nameOf(i), byTime);
      });
    };
    note(this.tried);
    for (let attempt = 0; attempt < 4; attempt++) {
      const outcome = await store.append(batch);
      if (outcome.ok) {
        expect(outcome.value.refused).toEqual([]);
        return note(this.accepted);
      }
      expect(outcome.error.code).toBe('storage-paused');
      expect((await store.select([], ALL)).ok).toBe(true);
      await this.at.clock.advance(1000);
    }
    throw new Error('the store does not resume');
  }
}

describe('whatever the disk does', () => {
  it.each(['os', 'disk'] as const)('a call that fails loses nothing accepted (wal.ack %s)', async walAck => {
    for (const error of ['disk-io', 'disk-full'] as const) {
      for (let n = 1; ; n++) {
        const life = new Life(world({ walAck }));
        life.at.disk.failAt(n, error);
        await life.live(() => life.at.disk.mount());
        const calls = life.at.disk.calls;
        life.at.disk.clearFailures();
        await life.check();
        if (n > calls) break;
        expect(n).toBeLessThan(400);
      }
    }
  });

  it('a loss of power at any call loses nothing acknowledged by the disk', async () => {
    let crashes = 0;
    for (let call = 1; ; call++) {
      let ended = true;
      for (let seed = 1; seed <= 4; seed++) {
        const life = new Life(world({ walAck: 'disk' }));
        const { disk, crashed } = crashingDisk(life.at.disk, { call, seed: seed + 7 * call });
        const finished = await Promise.race([
          life.live(() => disk).then(() => true),
          crashed.then(() => false),
        ]);
        if (!finished) {
          ended = false;
          crashes++;
        }
        await life.check();
      }
      if (ended) break;
    }
    expect(crashes).toBeGreaterThan(100);
  });

  it('a full disk pauses ingestion, leaves queries going and ends by itself', async () => {
    const at = world();
    const store = await open(at);
    const append = async (value: number): Promise<string> => {
      const batch = batchOf(store, {
        producer: 1,
        timeMs: at.clock.nowMs(),
        series: [1, 2],
        values: Float64Array.of(value, 2),
      });
      const outcome = await store.append(batch);
      await at.clock.advance(1000);
      return outcome.ok ? 'accepted' : outcome.error.code;
    };
    expect(await append(1)).toBe('accepted');
    at.disk.setFull(true);
    const whileFull = new Set<string>();
    for (let i = 0; i < 600; i++) whileFull.add(await append(i));
    expect(whileFull.has('storage-paused')).toBe(true);
    expect(store.stats().paused).toBe(true);
    const before = await contents(store);
    at.disk.setFull(false);
    await at.clock.advance(2000);
    expect(store.stats().paused).toBe(false);
    expect(await append(7)).toBe('accepted');
    const after = await contents(store);
    expect(after.get(nameOf(1))?.size).toBe((before.get(nameOf(1))?.size ?? 0) + 1);
    await store.close();
    const again = await open(at);
    expect(sorted(await contents(again))).toEqual(sorted(after));
    expect(again.stats().damageCount).toBe(0);
    await again.close();
  });
});
