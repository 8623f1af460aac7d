// Retention policies: against a naive model with churn, late samples, deletions, cuts and crashes; what they free on disk; limits on
// size beside them; and a fault at every Disk call while they are carried out.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { crashingDisk } from '../../test/support/crashing-disk.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { seededRandom } from '../../test/support/random.ts';
import { labelsFrom, type RetentionPolicy, targetId } from '../model/index.ts';
import type { Store, StoreSettings } from './index.ts';
import { cutoffOf, decodeSaved } from './policies.ts';
import { diskWith, FOLDER, filesIn, opened, samplesOf } from './testdata/filled.ts';

const HOUR = 3_600_000;
const DEBUG: RetentionPolicy = {
  match: '{__name__=~"debug_.*"}',
  matchers: [{ name: '__name__', op: '=~', value: 'debug_.*' }],
  keepMs: 5 * HOUR,
};
const TMP: RetentionPolicy = {
  match: '{tmp="yes"}',
  matchers: [{ name: 'tmp', op: '=', value: 'yes' }],
  keepMs: 12 * HOUR,
};
const OTHERS: RetentionPolicy = { match: '', matchers: [], keepMs: 40 * HOUR };
const SLO: RetentionPolicy = {
  match: 'slo',
  matchers: [{ name: '__name__', op: '=', value: 'slo' }],
  keepMs: 60 * HOUR,
};

interface Kind {
  readonly labels: Readonly<Record<string, string>>;
  /** By the first policy that fits, as a person would say it. */
  readonly keepMs: number;
}

const KINDS: readonly Kind[] = [
  { labels: { __name__: 'debug_a' }, keepMs: DEBUG.keepMs },
  { labels: { __name__: 'debug_b', tmp: 'yes' }, keepMs: DEBUG.keepMs },
  { labels: { __name__: 'm', tmp: 'yes' }, keepMs: TMP.keepMs },
  { labels: { __name__: 'm' }, keepMs: OTHERS.keepMs },
  { labels: { __name__: 'slo' }, keepMs: SLO.keepMs },
];

const SETTINGS: Partial<StoreSettings> = { maxAgeMs: 60 * HOUR, policies: [DEBUG, TMP, SLO, OTHERS] };

interface World {
  readonly disk: FakeDisk;
  readonly clock: FakeClock;
}

const open = ({ disk, clock }: World, settings = SETTINGS): Promise<Store> =>
  opened({ clock }, disk.mount(), { settings });

async function append(
  store: Store,
  i: number,
  sent: { readonly timeMs: number; readonly value: number },
): Promise<boolean> {
  const kind = KINDS[i % KINDS.length] as Kind;
  const ref = store.intern(labelsFrom({ ...kind.labels, i: String(i) }));
  if (!ref.ok) throw new Error(ref.error);
  const outcome = await store.append({
    producer: targetId(`p${i}`),
    timestampMs: sent.timeMs,
    series: Uint32Array.of(ref.value),
    values: Float64Array.of(sent.value),
  });
  return outcome.ok && outcome.value.refused.length === 0;
}

const textOf = (i: number): string => `i="${i}"`;

/** Times by series number, of what a store has. */
async function timesIn(store: Store): Promise<ReadonlyMap<number, readonly number[]>> {
  const times = new Map<number, number[]>();
  for (const key of (await samplesOf(store)).keys()) {
    const i = Number(/[{ ]i="(\d+)"/.exec(key)?.[1]);
    times.set(i, [...(times.get(i) ?? []), Number(key.slice(key.lastIndexOf(' ') + 1))]);
  }
  return times;
}

describe('a store with retention policies', () => {
  it.each([1, 2])('agrees with a naive model, seed %i', async seed => {
    const random = seededRandom(seed);
    const at: World = { disk: new FakeDisk(), clock: new FakeClock() };
    const model = new Map<number, Set<number>>();
    let newestMs = -Infinity;
    let store = await open(at);
    let checks = 0;
    for (let step = 0; step < 200; step++) {
      const i = random.uint32() % 15;
      const late = random.uint32() % 5 === 0 ? random.uint32() % 500_000 : 0;
      const timeMs = at.clock.nowMs() - late;
      if (await append(store, i, { timeMs, value: step })) {
        model.set(i, (model.get(i) ?? new Set()).add(timeMs));
        newestMs = Math.max(newestMs, timeMs);
      }
      const choice = random.uint32() % 40;
      if (choice === 0) {
        await store.deleteSeries([{ name: 'i', op: '=', value: String(i) }], {
          fromMs: -Infinity,
          toMs: timeMs,
        });
        for (const one of model.get(i) ?? []) if (one <= timeMs) model.get(i)?.delete(one);
      } else if (choice === 1) {
        at.disk.killProcess();
        store = await open(at);
      } else if (choice === 2) {
        await store.close();
        store = await open(at);
      } else if (choice === 3) await store.cleanTombstones();
      else if (choice <= 7) await store.compactDue();
      else if (choice <= 10) {
        expect(await store.compactNow()).toEqual({ ok: true, value: undefined });
        for (const [one, times] of model) {
          const { keepMs } = KINDS[one % KINDS.length] as Kind;
          for (const time of times) if (time <= cutoffOf(newestMs, keepMs)) times.delete(time);
        }
        const found = await timesIn(store);
        for (const [one, times] of model) {
          // The store itself drops blocks that are too old as a whole.
          const kept = [...times].sort((a, b) => a - b);
          expect(found.get(one) ?? [], textOf(one)).toEqual(kept);
        }
        checks++;
      }
      if (random.uint32() % 6 === 0) await at.clock.advance(random.uint32() % (2 * HOUR));
    }
    expect(checks).toBeGreaterThan(5);
    await store.close();
  });

  it('keeps nothing beyond its step, everything else whole, and says what that saved', async () => {
    const at: World = { disk: new FakeDisk(), clock: new FakeClock() };
    const store = await open(at);
    for (let minute = 0; minute < 30 * 60; minute += 2) {
      for (let i = 0; i < 10; i++)
        await append(store, i, { timeMs: at.clock.nowMs(), value: (minute * 7919 * (i + 1)) / 3 });
      await at.clock.advance(120_000);
    }
    await store.compactNow();
    const nowMs = at.clock.nowMs();
    const found = await timesIn(store);
    for (const [i, times] of found) {
      const { keepMs } = KINDS[i % KINDS.length] as Kind;
      expect(Math.min(...times)).toBeGreaterThanOrEqual(nowMs - keepMs * 1.1 - 120_000);
      expect(times.filter(time => time > nowMs - keepMs).length).toBeGreaterThan(0);
    }
    expect(found.get(4)?.length).toBe(900);
    const saved = decodeSaved(
      (await filesIn(at.disk, FOLDER)).get(`${FOLDER}/retention`) ?? new Uint8Array(0),
    );
    const dropped = (match: string) => saved.find(one => one.match === match)?.samples ?? 0;
    const missing = (i: number): number => 900 - (found.get(i)?.length ?? 0);
    // Where a policy cuts through a segment its part is told by the time.
    expect(Math.abs(dropped(DEBUG.match) - 2 * (missing(0) + missing(1)))).toBeLessThan(20);
    expect(Math.abs(dropped(TMP.match) - 2 * missing(2))).toBeLessThan(20);
    expect(saved.find(one => one.match === DEBUG.match)?.bytes).toBeGreaterThan(1000);
    expect(dropped(SLO.match)).toBe(0);
    // And the disk is free of it, once the whole block is older.
    const held = store.stats().blocks.reduce((sum, block) => sum + block.samples, 0);
    const seen = [...found.values()].reduce((sum, times) => sum + times.length, 0);
    expect(held).toBeLessThan(seen * 1.3);
    await store.close();
  });

  it('still drops the oldest blocks beyond a limit on size', async () => {
    const at: World = { disk: new FakeDisk(), clock: new FakeClock() };
    const store = await open(at, { ...SETTINGS, maxBytes: 40_000 });
    for (let minute = 0; minute < 24 * 60; minute += 2) {
      for (let i = 0; i < 10; i++)
        await append(store, i, { timeMs: at.clock.nowMs(), value: Math.sin(minute * (i + 1)) });
      await at.clock.advance(120_000);
    }
    const { blockBytes, chunkBytes, walBytes } = store.stats();
    expect(blockBytes + chunkBytes + walBytes).toBeLessThan(80_000);
    await store.close();
  });

  it('loses nothing that is to be kept, whichever call of the disk fails and whenever power is lost', async () => {
    const at: World = { disk: new FakeDisk(), clock: new FakeClock() };
    const first = await open(at, { maxAgeMs: 60 * HOUR });
    for (let minute = 0; minute < 22 * 60; minute += 10) {
      for (let i = 0; i < 5; i++) await append(first, i, { timeMs: at.clock.nowMs(), value: minute + i });
      await at.clock.advance(600_000);
    }
    await first.compactNow();
    await first.close();
    const files = await filesIn(at.disk, '/data');
    const run = async (plan: Plan) => {
      const disk = await diskWith(files);
      const crashing =
        plan.crashAt === undefined ? undefined : crashingDisk(disk, { call: plan.crashAt, seed: 1 });
      const work = async (): Promise<number> => {
        const store = await opened({ clock: at.clock }, crashing?.disk ?? disk.mount(), {
          settings: SETTINGS,
        });
        const before = disk.calls;
        if (plan.failAt !== undefined) disk.failAt(plan.failAt);
        await store.compactNow();
        const calls = disk.calls - before;
        await store.close();
        return calls;
      };
      const calls = await (crashing === undefined ? work() : Promise.race([work(), crashing.crashed]));
      // The next start finishes what the failure left, and takes up a block that could not be read.
      const store = await open({ disk, clock: at.clock });
      await store.compactDue();
      await store.compactNow();
      const found = await timesIn(store);
      await store.close();
      return { samples: [0, 1, 2, 3, 4].map(i => found.get(i)?.length ?? 0), calls: calls ?? 0 };
    };
    const sound = await run({});
    expect(sound.calls).toBeGreaterThan(40);
    for (let n = 1; n <= sound.calls; n += 5) {
      expect((await run({ failAt: n })).samples, `call ${n} fails`).toEqual(sound.samples);
      expect((await run({ crashAt: n + 20 })).samples, `power is lost at call ${n + 20}`).toEqual(
        sound.samples,
      );
    }
  });
});

interface Plan {
  readonly failAt?: number;
  readonly crashAt?: number;
}

describe('what policies saved', () => {
  it('is read from any bytes, as none where they make no sense', () => {
    const text = 'watchkeeper-retention 1\n12 345 "a \\"b\\""\nnonsense\n1 2 "x"\n';
    const bytes = new TextEncoder().encode(text);
    expect(decodeSaved(bytes)).toEqual([
      { match: 'a "b"', samples: 12, bytes: 345 },
      { match: 'x', samples: 1, bytes: 2 },
    ]);
    const random = seededRandom(4);
    for (let n = 0; n < 500; n++) {
      const changed = bytes.slice();
      changed[random.uint32() % changed.length] = random.uint32() % 256;
      for (const one of decodeSaved(changed)) expect(one.samples + one.bytes).toBeGreaterThanOrEqual(0);
    }
    expect(decodeSaved(new Uint8Array(0))).toEqual([]);
  });
});
