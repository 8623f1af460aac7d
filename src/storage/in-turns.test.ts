// Reading very many series gives way between them, and what it answers is what there was at its first moment, whatever is
// written, sealed, dropped or cut into blocks meanwhile.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { seededRandom } from '../../test/support/random.ts';
import {
  compareLabels,
  formatLabels,
  labelsFrom,
  type Matcher,
  MetricRegistry,
  type ReadWork,
  type SelectHints,
  type SeriesRef,
  targetId,
} from '../model/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore, type Store } from './index.ts';
import { matchSeries } from './matching.ts';
import { Selections } from './selections.ts';
import { SeriesTable } from './series-table.ts';

const ALL: SelectHints = { fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 };
const RANGE = { fromMs: -Infinity, toMs: Infinity };
const NAMED: readonly Matcher[] = [{ name: '__name__', op: '=', value: 'm' }];
const SERIES = 3000;
const PRODUCERS = 6;
const STEP_MS = 15_000;

interface Bench {
  readonly store: Store;
  readonly clock: FakeClock;
  /** Appends a row of all series, those with a time of their own among them. */
  row(): Promise<void>;
}

async function bench(): Promise<Bench> {
  const clock = new FakeClock();
  const opened = await openStore({
    disk: new FakeDisk(),
    folder: '/store',
    clock,
    log: new CollectingLog(),
    metrics: new MetricRegistry(),
    settings: DEFAULT_STORE_SETTINGS,
  });
  if (!opened.ok) throw new Error(opened.error.message);
  const store = opened.value;
  const intern = (producer: number, i: number): SeriesRef => {
    const ref = store.intern(
      labelsFrom({ __name__: 'm', i: String((i * 7919) % SERIES), p: `p${producer}` }),
    );
    if (!ref.ok) throw new Error(ref.error);
    return ref.value;
  };
  const each = SERIES / PRODUCERS;
  const refs = Array.from({ length: PRODUCERS }, (_, producer) =>
    Uint32Array.from({ length: each }, (_, i) => intern(producer, producer * each + i)),
  );
  let rows = 0;
  let atMs = clock.nowMs() - 10 * 3_600_000;
  const row = async (): Promise<void> => {
    const own = rows;
    rows++;
    atMs += STEP_MS;
    await Promise.all(
      refs.map(async (series, producer) => {
        // From time to time some of a page are not there, so that columns have gaps and cohorts change.
        const some = own % 11 === 7 ? series.slice(0, each - 40) : series;
        const result = await store.append({
          producer: targetId(`p${producer}`),
          timestampMs: atMs,
          series: some,
          values: Float64Array.from(some, (_, i) => own * 1000 + i),
          ...(producer === 0
            ? { ownTimestampsMs: Float64Array.from(some, (_, i) => (i < 20 ? atMs - 1 - i : Number.NaN)) }
            : {}),
        });
        expect(result.ok).toBe(true);
      }),
    );
  };
  return { store, clock, row };
}

/** Is always due, and lets others do something whenever it gives way. */
function work(meanwhile: (pauses: number) => Promise<void> = async () => {}): ReadWork & { pauses: number } {
  const own = { pauses: 0 };
  return Object.assign(own, {
    isDue: () => true,
    pause: async () => {
      own.pauses++;
      await meanwhile(own.pauses);
      return true;
    },
    reserve: () => true,
  });
}

async function contents(store: Store, hints: Partial<SelectHints> = {}): Promise<unknown> {
  const read = await store.select(NAMED, { ...ALL, ...hints });
  if (!read.ok) return read.error.code;
  return read.value.map(({ labels, timesMs, values, from, to, producer }) => [
    formatLabels(labels),
    producer,
    [...timesMs.subarray(from, to)].join(),
    [...values.subarray(from, to)].join(),
  ]);
}

describe('a read of very many series', () => {
  it.each([
    ['all samples, all in open rows', { rows: 25, hints: {} }],
    ['all samples, some of them sealed', { rows: 100, hints: {} }],
    ['the newest', { rows: 25, hints: { lastOnly: true } }],
  ] as const)(
    'answers what there was when it began, while rows come and are sealed: %s',
    async (_, asked) => {
      const { hints } = asked;
      const { store, row } = await bench();
      for (let i = 0; i < asked.rows; i++) await row();
      const before = await contents(store, hints);
      // The places of the series are gathered in the first pauses: 45 rows more seal all cohorts, and slabs are used again.
      const minded = work(async pauses => {
        if (pauses % 2 === 0 && pauses <= 90) await row();
      });
      // What a selector matches is known already, so that the first pause is behind the moment that counts.
      expect(await contents(store, { ...hints, work: minded })).toEqual(before);
      expect(minded.pauses).toBeGreaterThan(90);
      expect(await contents(store, { ...hints, work: work() })).toEqual(await contents(store, hints));
      await store.close();
    },
  );

  it('begins again where chunks go into a block meanwhile', async () => {
    const { store, row } = await bench();
    for (let i = 0; i < 150; i++) await row();
    const before = await contents(store);
    const minded = work(async pauses => {
      if (pauses === 3) await store.compactNow();
    });
    expect(await contents(store, { work: minded })).toEqual(before);
    expect(store.stats().blocks.length).toBeGreaterThan(0);
    expect(await contents(store, { work: work() })).toEqual(before);
    await store.close();
  });

  it('takes no more memory between two pauses than a few series need', async () => {
    const { store, row } = await bench();
    for (let i = 0; i < 25; i++) await row();
    await store.compactNow();
    for (let i = 0; i < 25; i++) await row();
    for (const hints of [{}, { lastOnly: true }]) {
      let [taken, most] = [0, 0];
      const memory = {
        floats: (count: number) => {
          taken += count;
          return new Float64Array(count);
        },
      };
      const minded = work(async () => {
        most = Math.max(most, taken);
        taken = 0;
      });
      const selected = await store.select(NAMED, { ...ALL, ...hints, memory, work: minded });
      expect(selected.ok && selected.value.length).toBe(SERIES);
      expect(most).toBeLessThanOrEqual(128 * 1024);
      // Places, copies, decoding: each of them gives way.
      expect(minded.pauses).toBeGreaterThan(SERIES / 128);
    }
    await store.close();
  });

  it('lists series and labels in pieces, from head and blocks, and the same as in one go', async () => {
    const { store, row } = await bench();
    for (let i = 0; i < 150; i++) await row();
    await store.compactNow();
    for (let i = 0; i < 10; i++) await row();
    for (const list of [
      (hints: { readonly work?: ReadWork }) => store.series(NAMED, { ...RANGE, ...hints }),
      (hints: { readonly work?: ReadWork }) => store.labelNames([], { ...RANGE, ...hints }),
      (hints: { readonly work?: ReadWork }) => store.labelValues('i', [], { ...RANGE, ...hints }),
    ]) {
      const minded = work();
      const listed = await list({ work: minded });
      expect(listed).toEqual(await list({}));
      expect(listed.ok && listed.value.length).toBeGreaterThan(2);
      expect(minded.pauses).toBeGreaterThan(SERIES / 32);
      // Blocks remember what was asked of them: the second time costs less, and the third as much as that.
      const again = work();
      expect(await list({ work: again })).toEqual(listed);
      for (const share of [0, 0.3, 0.6, 0.95]) {
        let asked = 0;
        const stopping = { ...work(), pause: async () => ++asked <= again.pauses * share };
        expect(await list({ work: stopping })).toMatchObject({ error: { code: 'query-cancelled' } });
      }
    }
    await store.close();
  });
});

it.each([1, 2, 3])(
  'matching in turns agrees with matching at once, while series come and go (seed %i)',
  async seed => {
    const random = seededRandom(seed);
    const table = new SeriesTable();
    const limits = { seriesMax: 1e6, metricSeriesMax: 1e6, nowMs: 0 };
    let next = 0;
    const change = (): void => {
      const live = [...table.all()];
      if (random.uint32() % 3 === 0 && live.length > 0)
        table.remove(live.filter(() => random.uint32() % 50 === 0).slice(0, 5));
      for (let i = random.uint32() % 20; i > 0; i--)
        table.create(labelsFrom({ __name__: 'm', i: String((next++ * 7919) % 100_003) }), limits);
    };
    for (let i = 0; i < 400; i++) change();
    const selections = new Selections(table);
    for (const matchers of [NAMED, [], [{ name: 'i', op: '=~', value: '.*[13579]' } as const]]) {
      for (let round = 0; round < 5; round++) {
        expect(
          await selections.prepare(
            matchers,
            work(async () => change()),
          ),
        ).toBe(true);
        const found = selections.match(matchers);
        const fresh = matchSeries(table, matchers);
        if (!found.ok || !fresh.ok) throw new Error('a selector is refused');
        const wanted = [...fresh.value].sort((a, b) => compareLabels(a.labels, b.labels));
        expect(found.value).toHaveLength(wanted.length);
        expect(found.value.every((one, i) => one === wanted[i])).toBe(true);
        change();
      }
    }
  },
);
