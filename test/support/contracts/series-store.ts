// What every store of series must do, whoever wrote it: the ports SeriesWriter and SeriesReader as tests.

import { afterEach, describe, expect, it } from 'vitest';
import {
  compareLabels,
  type ExemplarReader,
  isStaleAt,
  type Labels,
  labelPairs,
  labelsFrom,
  labelValue,
  type Matcher,
  type MetricMetadata,
  type NativeHistogram,
  REFUSALS_LISTED_MAX,
  type RefusalReason,
  type SampleBatch,
  type SelectHints,
  type SeriesColumns,
  type SeriesReader,
  type SeriesRef,
  type SeriesWriter,
  setStaleAt,
  targetId,
  wordsOf,
} from '../../../src/model/index.ts';

/** One empty store. Its clock must stand at `nowMs`, its retention be at least two hours. */
export interface SeriesStorePeer {
  readonly writer: SeriesWriter;
  readonly reader: SeriesReader & ExemplarReader;
  readonly nowMs: number;
  close(): Promise<void>;
}

const PRODUCER = targetId('test/producer');
const HOUR_MS = 3_600_000;

type Kit = ReturnType<typeof kitOf>;

export function seriesStoreContract(name: string, make: () => Promise<SeriesStorePeer>): void {
  describe(`series store contract: ${name}`, () => {
    let open: SeriesStorePeer[] = [];
    const kit = async (): Promise<Kit> => {
      const peer = await make();
      open.push(peer);
      return kitOf(peer);
    };
    afterEach(async () => {
      for (const peer of open) await peer.close();
      open = [];
    });
    describe('identity', () => identity(kit));
    describe('values', () => values(kit));
    describe('refusals', () => refusals(kit));
    describe('kinds of samples', () => kinds(kit));
    describe('columns', () => columnsShape(kit));
    describe('selection', () => selection(kit));
    describe('label queries', () => labelQueries(kit));
  });
}

function identity(kit: () => Promise<Kit>): void {
  it('gives equal label sets the same ref and different ones different refs', async () => {
    const { ref } = await kit();
    expect(ref({ __name__: 'm', a: '1' })).toBe(ref({ a: '1', __name__: 'm' }));
    const others = [{ a: 'bc' }, { ab: 'c' }, { a: 'b', c: '' }, { a: 'b' }, { a: 'b', b: 'a' }, {}];
    const refs = others.map(ref);
    // An empty value is an absent label, so the third and the fourth are one.
    expect(new Set(refs).size).toBe(others.length - 1);
    expect(refs[2]).toBe(refs[3]);
  });

  it('keeps a ref live once it has samples, and knows no ref it did not give', async () => {
    const { peer, ref, write } = await kit();
    const known = ref({ __name__: 'm' });
    await write(peer.nowMs, [[known, 1]]);
    expect(peer.writer.isLive(known)).toBe(true);
    expect(peer.writer.isLive(4_000_000_000 as SeriesRef)).toBe(false);
  });

  it('stays in its generation while no series is dropped', async () => {
    const { peer, ref, write } = await kit();
    const before = peer.writer.generation;
    for (let i = 0; i < 10; i++) await write(peer.nowMs + i * 1000, [[ref({ __name__: 'm', i: `${i}` }), i]]);
    expect(peer.writer.generation).toBe(before);
  });

  it('takes a batch with an unknown ref for a bug', async () => {
    const { peer } = await kit();
    const batch: SampleBatch = {
      producer: PRODUCER,
      timestampMs: peer.nowMs,
      series: Uint32Array.of(4_000_000_000),
      values: Float64Array.of(1),
    };
    await expect((async () => peer.writer.append(batch))()).rejects.toThrow();
  });
}

function values(kit: () => Promise<Kit>): void {
  it('gives back what was written, whole, as soon as the append has resolved', async () => {
    const { peer, ref, write, samples } = await kit();
    const refs = ['a', 'b', 'c'].map(x => ref({ __name__: 'm', x }));
    const outcome = await write(
      peer.nowMs,
      refs.map((one, i) => [one, i + 0.5]),
    );
    expect(outcome).toEqual({ accepted: 3, refused: [], refusedCount: 0 });
    expect(await samples([])).toEqual([
      ['m{x="a"}', [[peer.nowMs, 0.5]]],
      ['m{x="b"}', [[peer.nowMs, 1.5]]],
      ['m{x="c"}', [[peer.nowMs, 2.5]]],
    ]);
  });

  it('makes batches visible in the order of the calls', async () => {
    const { peer, ref, batch, samples } = await kit();
    const m = ref({ __name__: 'm' });
    const pending = Array.from({ length: 20 }, (_, i) =>
      peer.writer.append(batch(peer.nowMs - 20_000 + i * 1000, [[m, i]])),
    );
    for (const outcome of await Promise.all(pending)) expect(outcome.ok).toBe(true);
    const [series] = await samples([]);
    expect(series?.[1].map(([, value]) => value)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('keeps every float bit for bit', async () => {
    const { peer, ref, write, columns } = await kit();
    const special = [
      0,
      -0,
      1,
      -1,
      0.1,
      1e308,
      5e-324,
      Number.MAX_SAFE_INTEGER,
      Infinity,
      -Infinity,
      NaN,
      1 / 3,
    ];
    const refs = special.map((_, i) => ref({ __name__: 'm', i: String(i).padStart(2, '0') }));
    for (const round of [0, 1, 2]) {
      await write(
        peer.nowMs - (2 - round) * 1000,
        refs.map((one, i) => [one, special[(i + round) % special.length] as number]),
      );
    }
    const found = await columns([]);
    expect(found).toHaveLength(special.length);
    found.forEach((series, i) => {
      const read = [...series.values.subarray(series.from, series.to)];
      expect(read.map(value => [value, Object.is(value, -0)])).toEqual(
        [0, 1, 2].map(round => {
          const value = special[(i + round) % special.length] as number;
          return [value, Object.is(value, -0)];
        }),
      );
    });
  });

  it('keeps the stale marker apart from an ordinary NaN', async () => {
    const { peer, ref, batch, append, columns } = await kit();
    const refs = ['stale', 'nan'].map(x => ref({ __name__: 'm', x }));
    const row = batch(
      peer.nowMs,
      refs.map(one => [one, Number.NaN]),
    );
    setStaleAt(wordsOf(row.values), 0);
    await append(row);
    const marks = (await columns([])).map(series => [
      series.labels.join(),
      isStaleAt(wordsOf(series.values), series.from),
      Number.isNaN(series.values[series.from]),
    ]);
    expect(marks).toEqual([
      ['__name__,m,x,nan', false, true],
      ['__name__,m,x,stale', true, true],
    ]);
  });

  it('keeps long histories of many series: values, stale markers and times', async () => {
    const { peer, ref, batch, append, columns } = await kit();
    const refs = Array.from({ length: 7 }, (_, i) => ref({ __name__: 'm', i: String(i) }));
    const rows = 300;
    const timeOf = (row: number): number => peer.nowMs - (rows - 1 - row) * 15_000 - (row % 3);
    for (let row = 0; row < rows; row++) {
      const one = batch(
        timeOf(row),
        refs.map((r, i) => [r, i === 0 ? row : row * 0.25 + i]),
      );
      if (row % 50 === 49) setStaleAt(wordsOf(one.values), 3);
      await append(one);
    }
    const found = await columns([]);
    expect(found).toHaveLength(7);
    found.forEach((series, i) => {
      expect(series.to - series.from).toBe(rows);
      const words = wordsOf(series.values);
      for (let row = 0; row < rows; row++) {
        expect(series.timesMs[series.from + row]).toBe(timeOf(row));
        const stale = i === 3 && row % 50 === 49;
        expect(isStaleAt(words, series.from + row)).toBe(stale);
        if (!stale) expect(series.values[series.from + row]).toBe(i === 0 ? row : row * 0.25 + i);
      }
    });
  });

  it('takes a sample with a timestamp of its own at that time', async () => {
    const { peer, ref, batch, append, samples } = await kit();
    const refs = ['a', 'b'].map(x => ref({ __name__: 'm', x }));
    const row = batch(peer.nowMs, [
      [refs[0] as SeriesRef, 1],
      [refs[1] as SeriesRef, 2],
    ]);
    await append({ ...row, ownTimestampsMs: Float64Array.of(Number.NaN, peer.nowMs - 7000) });
    expect(await samples([])).toEqual([
      ['m{x="a"}', [[peer.nowMs, 1]]],
      ['m{x="b"}', [[peer.nowMs - 7000, 2]]],
    ]);
  });

  it('merges own and shared timestamps of one series in time order', async () => {
    const { peer, ref, batch, append, samples } = await kit();
    const m = ref({ __name__: 'm' });
    const at = (ms: number): number => peer.nowMs - 60_000 + ms;
    await append(batch(at(1000), [[m, 1]]));
    await append({ ...batch(at(9000), [[m, 2]]), ownTimestampsMs: Float64Array.of(at(2000)) });
    await append(batch(at(3000), [[m, 3]]));
    expect(await samples([])).toEqual([
      [
        'm{}',
        [
          [at(1000), 1],
          [at(2000), 2],
          [at(3000), 3],
        ],
      ],
    ]);
  });

  it('accepts samples out of order within the window and reads them in time order', async () => {
    const { peer, ref, write, samples } = await kit();
    const m = ref({ __name__: 'm' });
    const at = (s: number): number => peer.nowMs - 60_000 + s * 1000;
    for (const s of [10, 30, 20, 40, 15]) expect((await write(at(s), [[m, s]])).accepted).toBe(1);
    const [series] = await samples([]);
    expect(series?.[1]).toEqual([10, 15, 20, 30, 40].map(s => [at(s), s]));
  });
}

function refusals(kit: () => Promise<Kit>): void {
  it('counts an exact repeat as accepted and stores it once', async () => {
    const { peer, ref, batch, append, columns } = await kit();
    const refs = ['a', 'b', 'c'].map(x => ref({ __name__: 'm', x }));
    const row = batch(
      peer.nowMs,
      refs.map(one => [one, Number.NaN]),
    );
    row.values[0] = 5;
    setStaleAt(wordsOf(row.values), 1);
    for (let i = 0; i < 3; i++) {
      expect(await append(row)).toEqual({ accepted: 3, refused: [], refusedCount: 0 });
    }
    for (const series of await columns([])) expect(series.to - series.from).toBe(1);
  });

  it('refuses another value at a stored time, keeps the first, and accepts the rest of the batch', async () => {
    const { peer, ref, write, samples } = await kit();
    const [a, b, c] = ['a', 'b', 'c'].map(x => ref({ __name__: 'm', x })) as [
      SeriesRef,
      SeriesRef,
      SeriesRef,
    ];
    await write(peer.nowMs, [
      [a, 1],
      [b, 2],
    ]);
    const outcome = await write(peer.nowMs, [
      [a, 1],
      [b, 99],
      [c, 3],
    ]);
    expect(outcome).toEqual({
      accepted: 2,
      refused: [{ index: 1, reason: 'sample-conflict' }],
      refusedCount: 1,
      refusedBy: new Map([['sample-conflict', 1]]),
    });
    expect((await samples([])).map(([, list]) => list[0]?.[1])).toEqual([1, 2, 3]);
  });

  it('still refuses a conflict and accepts a repeat far back within the window', async () => {
    const { peer, ref, write } = await kit();
    const m = ref({ __name__: 'm' });
    for (let s = 0; s < 300; s++) await write(peer.nowMs - 300_000 + s * 1000, [[m, s]]);
    expect(await write(peer.nowMs - 290_000, [[m, 10]])).toMatchObject({ accepted: 1, refusedCount: 0 });
    expect(await write(peer.nowMs - 290_000, [[m, 11]])).toMatchObject({
      accepted: 0,
      refused: [{ index: 0, reason: 'sample-conflict' }],
    });
  });

  it('refuses what lies an hour in the future', async () => {
    const { peer, ref, write, samples } = await kit();
    const m = ref({ __name__: 'm' });
    expect(await write(peer.nowMs + HOUR_MS, [[m, 1]])).toEqual({
      accepted: 0,
      refused: [{ index: 0, reason: 'sample-future' }],
      refusedCount: 1,
      refusedBy: new Map([['sample-future', 1]]),
    });
    expect(await samples([])).toEqual([]);
  });

  it('refuses what is older than the window of its series, typed', async () => {
    const { peer, ref, write } = await kit();
    const m = ref({ __name__: 'm' });
    await write(peer.nowMs, [[m, 1]]);
    const outcome = await write(peer.nowMs - 10 * 366 * 24 * HOUR_MS, [[m, 1]]);
    expect(outcome).toMatchObject({ accepted: 0, refusedCount: 1 });
    const allowed: readonly RefusalReason[] = ['sample-too-old', 'sample-out-of-order'];
    expect(allowed).toContain(outcome.refused[0]?.reason);
  });

  it(`lists at most ${REFUSALS_LISTED_MAX} refusals and counts all`, async () => {
    const { peer, ref, write } = await kit();
    const refs = Array.from({ length: REFUSALS_LISTED_MAX + 50 }, (_, i) =>
      ref({ __name__: 'm', i: `${i}` }),
    );
    await write(
      peer.nowMs,
      refs.map(one => [one, 1]),
    );
    const outcome = await write(
      peer.nowMs,
      refs.map(one => [one, 2]),
    );
    expect(outcome.accepted).toBe(0);
    expect(outcome.refusedCount).toBe(REFUSALS_LISTED_MAX + 50);
    expect(outcome.refused).toHaveLength(REFUSALS_LISTED_MAX);
    expect(outcome.refusedBy).toEqual(new Map([['sample-conflict', REFUSALS_LISTED_MAX + 50]]));
  });
}

function kinds(kit: () => Promise<Kit>): void {
  it('stores a native histogram', async () => {
    const { peer, ref, batch, append, columns } = await kit();
    const [h, f] = ['h', 'f'].map(x => ref({ __name__: x })) as [SeriesRef, SeriesRef];
    const outcome = await append({
      ...batch(peer.nowMs, [
        [h, 0],
        [f, 2],
      ]),
      histograms: new Map([[0, HISTOGRAM]]),
    });
    const stored = (await columns([{ name: '__name__', op: '=', value: 'h' }]))[0];
    expect(outcome).toEqual({ accepted: 2, acceptedHistograms: 1, refused: [], refusedCount: 0 });
    expect(stored?.histograms?.get(stored.from)).toEqual(HISTOGRAM);
    expect(await columns([{ name: '__name__', op: '=', value: 'f' }])).toHaveLength(1);
  });

  it('takes the stale marker of a histogram series for what it is', async () => {
    const { peer, ref, batch, append, columns } = await kit();
    const row = batch(peer.nowMs, [[ref({ __name__: 'h' }), Number.NaN]]);
    setStaleAt(wordsOf(row.values), 0);
    expect((await append(row)).accepted).toBe(1);
    const [series] = await columns([]);
    expect(series !== undefined && isStaleAt(wordsOf(series.values), series.from)).toBe(true);
  });

  it('refuses another histogram, or a float, at the time of a histogram; the same one is a repeat', async () => {
    const { peer, ref, batch, append } = await kit();
    const row = batch(peer.nowMs, [[ref({ __name__: 'h' }), 0]]);
    const other = { ...HISTOGRAM, sum: HISTOGRAM.sum + 1 };
    expect((await append({ ...row, histograms: new Map([[0, HISTOGRAM]]) })).accepted).toBe(1);
    expect((await append({ ...row, histograms: new Map([[0, HISTOGRAM]]) })).accepted).toBe(1);
    for (const again of [{ ...row, histograms: new Map([[0, other]]) }, row])
      expect((await append(again)).refused).toEqual([{ index: 0, reason: 'sample-conflict' }]);
  });

  it('keeps start timestamps, exemplars and metadata beside floats', async () => {
    const { peer, ref, batch, append, samples, columns } = await kit();
    const metadata: MetricMetadata = { metric: 'm', type: 'counter', help: 'How "many"?\n', unit: 'bytes' };
    const outcome = await append({
      ...batch(peer.nowMs, [[ref({ __name__: 'm' }), 3]]),
      startTimestampsMs: Float64Array.of(peer.nowMs - HOUR_MS),
      exemplars: [{ index: 0, exemplar: { labels: labelsFrom({ trace_id: 'abc' }), value: 0.5 } }],
      metadata: [metadata],
    });
    expect(outcome).toEqual({ accepted: 1, keptExemplars: 1, refused: [], refusedCount: 0 });
    expect(await samples([])).toEqual([['m{}', [[peer.nowMs, 3]]]]);
    const [stored] = await columns([]);
    expect(stored?.startTimesMs?.[stored.from]).toBe(peer.nowMs - HOUR_MS);
    const range = { fromMs: peer.nowMs, toMs: peer.nowMs };
    expect(await peer.reader.exemplars([[{ name: '__name__', op: '=', value: 'm' }]], range)).toEqual({
      ok: true,
      value: [
        {
          series: labelsFrom({ __name__: 'm' }),
          exemplars: [{ labels: labelsFrom({ trace_id: 'abc' }), value: 0.5, timestampMs: peer.nowMs }],
        },
      ],
    });
    expect(peer.reader.metadata()).toContainEqual(metadata);
  });

  it('answers the newest metadata of a metric once', async () => {
    const { peer, ref, batch, append } = await kit();
    const m = ref({ __name__: 'm' });
    for (const help of ['old', 'new']) {
      const at = peer.nowMs - (help === 'old' ? 1000 : 0);
      await append({ ...batch(at, [[m, 3]]), metadata: [{ metric: 'm', type: 'gauge', help, unit: '' }] });
    }
    expect(peer.reader.metadata().filter(one => one.metric === 'm')).toEqual([
      { metric: 'm', type: 'gauge', help: 'new', unit: '' },
    ]);
  });

  it('takes an empty batch', async () => {
    const { peer, write } = await kit();
    expect(await write(peer.nowMs, [])).toEqual({ accepted: 0, refused: [], refusedCount: 0 });
  });
}

function columnsShape(kit: () => Promise<Kit>): void {
  it('shares one times array, by identity, among series that always come together', async () => {
    const { peer, ref, write, columns } = await kit();
    const refs = Array.from({ length: 5 }, (_, i) => ref({ __name__: 'm', i: `${i}` }));
    for (let row = 0; row < 100; row++) {
      await write(
        peer.nowMs - (99 - row) * 1000,
        refs.map((one, i) => [one, i]),
      );
    }
    const found = await columns([]);
    expect(found).toHaveLength(5);
    for (const series of found) expect(series.timesMs).toBe(found[0]?.timesMs);
  });

  it('answers strictly rising times within bounds, with label set, ref and producer', async () => {
    const { peer, ref, write, columns } = await kit();
    const m = ref({ __name__: 'm', job: 'j' });
    for (let row = 0; row < 5; row++) await write(peer.nowMs - (4 - row) * 1000, [[m, row]]);
    const [series] = await columns([]);
    if (series === undefined) throw new Error('no series');
    expect(series.ref).toBe(m);
    expect([...series.labels]).toEqual(['__name__', 'm', 'job', 'j']);
    expect(series.producer).toBe(PRODUCER);
    expect(series.histograms).toBeUndefined();
    expect(series.from).toBeGreaterThanOrEqual(0);
    expect(series.to).toBeLessThanOrEqual(Math.min(series.timesMs.length, series.values.length));
    for (let i = series.from + 1; i < series.to; i++) {
      expect(series.timesMs[i]).toBeGreaterThan(series.timesMs[i - 1] as number);
    }
  });

  it('names the target that produced a series last', async () => {
    const { peer, ref, batch, append, columns } = await kit();
    const m = ref({ __name__: 'm' });
    await append(batch(peer.nowMs - 1000, [[m, 1]]));
    await append({ ...batch(peer.nowMs, [[m, 2]]), producer: targetId('test/other') });
    expect((await columns([]))[0]?.producer).toBe('test/other');
  });

  it('does not change an answer when more is written', async () => {
    const { peer, ref, write, columns } = await kit();
    const m = ref({ __name__: 'm' });
    await write(peer.nowMs - 1000, [[m, 1]]);
    const [before] = await columns([]);
    if (before === undefined) throw new Error('no series');
    for (let i = 0; i < 100; i++) await write(peer.nowMs - 999 + i, [[m, 2]]);
    expect(before.to - before.from).toBe(1);
    expect([before.timesMs[before.from], before.values[before.from]]).toEqual([peer.nowMs - 1000, 1]);
  });

  it('answers series in the byte order of UTF-8', async () => {
    const { peer, ref, write, columns } = await kit();
    const texts = ['\u{1F600}', '\uFFFD', '\uE000', 'é', 'z', 'a', '\u{10FFFF}', 'ab', '\uD7FF'];
    const sets = [
      ...texts.map(text => ({ __name__: 'm', x: text })),
      ...texts.map(text => ({ __name__: 'm', [text]: 'v' })),
      { __name__: 'm' },
    ];
    await write(
      peer.nowMs,
      sets.map(labels => [ref(labels), 1]),
    );
    const found = (await columns([])).map(series => series.labels);
    expect(found).toHaveLength(sets.length);
    expect(found.map(labels => [...labels])).toEqual(
      sets
        .map(labelsFrom)
        .sort(compareLabels)
        .map(labels => [...labels]),
    );
  });
}

function selection(kit: () => Promise<Kit>): void {
  const sets: readonly Readonly<Record<string, string>>[] = [
    { __name__: 'up', job: 'api', instance: '1' },
    { __name__: 'up', job: 'api', instance: '2' },
    { __name__: 'up', job: 'db' },
    { __name__: 'load', job: 'db', instance: '1' },
    { __name__: 'load', text: 'two\nlines' },
  ];
  const cases: readonly (readonly [
    text: string,
    matchers: readonly Matcher[],
    indexes: readonly number[],
  ])[] = [
    ['no matcher', [], [0, 1, 2, 3, 4]],
    ['a name', [m('__name__', '=', 'up')], [0, 1, 2]],
    ['another name', [m('__name__', '!=', 'up')], [3, 4]],
    ['two conditions', [m('__name__', '=', 'up'), m('job', '=', 'api')], [0, 1]],
    ['two conditions on one label', [m('job', '=~', 'a.*|d.*'), m('job', '!=', 'db')], [0, 1]],
    ['a regular expression, anchored', [m('job', '=~', 'ap')], []],
    ['a regular expression', [m('job', '=~', 'ap.')], [0, 1]],
    ['alternatives', [m('job', '=~', 'api|db')], [0, 1, 2, 3]],
    ['a negated regular expression', [m('job', '!~', 'a.*')], [2, 3, 4]],
    ['an empty value: the label is absent', [m('instance', '=', '')], [2, 4]],
    ['not empty: the label is present', [m('instance', '!=', '')], [0, 1, 3]],
    ['not a value: absence fits too', [m('instance', '!=', '1')], [1, 2, 4]],
    ['a regular expression that fits the empty value', [m('instance', '=~', '1|')], [0, 2, 3, 4]],
    ['any value or none', [m('instance', '=~', '.*')], [0, 1, 2, 3, 4]],
    ['at least one character', [m('instance', '=~', '.+')], [0, 1, 3]],
    ['nothing at all', [m('instance', '!~', '.*')], []],
    ['a dot that fits a newline', [m('text', '=~', 'two.lines')], [4]],
    ['an unknown label with a value', [m('nosuch', '=', 'x')], []],
    ['an unknown label without one', [m('nosuch', '=', ''), m('__name__', '=', 'load')], [3, 4]],
  ];
  for (const [text, matchers, indexes] of cases) {
    it(`selects by ${text}`, async () => {
      const { peer, ref, write, columns } = await kit();
      await write(
        peer.nowMs,
        sets.map(labels => [ref(labels), 1]),
      );
      const wanted = indexes.map(i => [...labelsFrom(sets[i] ?? {})].join()).sort();
      expect((await columns(matchers)).map(series => [...series.labels].join()).sort()).toEqual(wanted);
    });
  }

  it('answers all samples with fromMs < time <= toMs', async () => {
    const { peer, ref, write, columns } = await kit();
    const series = ref({ __name__: 'm' });
    const at = (s: number): number => peer.nowMs - 600_000 + s * 1000;
    for (let s = 0; s <= 500; s++) await write(at(s), [[series, s]]);
    const hints = { ...hintsFor(peer.nowMs), fromMs: at(100), toMs: at(110) };
    const wanted = Array.from({ length: 10 }, (_, i) => 101 + i);
    const [found] = await columns([], hints);
    expect(found === undefined ? [] : inWindow(found, hints).map(([, value]) => value)).toEqual(wanted);
  });

  it('leaves out series without a sample in the window, or answers them with none in it', async () => {
    const { peer, ref, write, columns } = await kit();
    await write(peer.nowMs - HOUR_MS, [[ref({ __name__: 'old' }), 1]]);
    await write(peer.nowMs, [[ref({ __name__: 'new' }), 1]]);
    ref({ __name__: 'never written' });
    const hints = { ...hintsFor(peer.nowMs), fromMs: peer.nowMs - 60_000 };
    const found = (await columns([], hints)).filter(series => inWindow(series, hints).length > 0);
    expect(found.map(series => [...series.labels])).toEqual([['__name__', 'new']]);
  });

  it('stops at the limit on series', async () => {
    const { peer, ref, write, columns } = await kit();
    await write(
      peer.nowMs,
      sets.map(labels => [ref(labels), 1]),
    );
    expect(await columns([], { ...hintsFor(peer.nowMs), limit: 2 })).toHaveLength(2);
  });

  it('answers only the series of a range of labels, both ends included, page by page all of them', async () => {
    const { peer, ref, write, columns } = await kit();
    const all = Array.from({ length: 23 }, (_, i) => labelsFrom({ __name__: `m${i % 3}`, i: String(i) }));
    await write(
      peer.nowMs,
      all.map(labels => [ref(Object.fromEntries(labelPairs(labels))), 1]),
    );
    const sorted = all.sort(compareLabels);
    const paged: Labels[] = [];
    for (let at = 0; at < sorted.length; at += 5) {
      const [first, last] = [sorted[at], sorted[Math.min(at + 4, sorted.length - 1)]];
      if (first === undefined || last === undefined) throw new Error('no page');
      const page = await columns([m('i', '!=', '7')], { ...hintsFor(peer.nowMs), between: { first, last } });
      paged.push(...page.map(({ labels }) => labels));
    }
    expect(paged).toEqual(sorted.filter(labels => labelValue(labels, 'i') !== '7'));
  });

  it('answers query-cancelled to a signal that has aborted', async () => {
    const { peer, ref, write } = await kit();
    await write(peer.nowMs, [[ref({ __name__: 'm' }), 1]]);
    const result = await peer.reader.select([], hintsFor(peer.nowMs), AbortSignal.abort());
    expect(result).toMatchObject({ ok: false, error: { code: 'query-cancelled' } });
  });
}

function labelQueries(kit: () => Promise<Kit>): void {
  const filled = async (): Promise<Kit> => {
    const made = await kit();
    const { peer, ref, write } = made;
    await write(peer.nowMs - HOUR_MS, [[ref({ __name__: 'old', job: 'j0', gone: 'x' }), 1]]);
    await write(peer.nowMs, [
      [ref({ __name__: 'b', job: '\u{1F600}' }), 1],
      [ref({ __name__: 'a', job: '\uFFFD', z: '1' }), 1],
      [ref({ __name__: 'a', job: 'j', '\u{1F600}': 'n', '\uFFFD': 'n' }), 1],
    ]);
    return made;
  };
  const recent = (peer: SeriesStorePeer) => ({ fromMs: peer.nowMs - 60_000, toMs: peer.nowMs });
  const all = (peer: SeriesStorePeer) => ({ fromMs: peer.nowMs - 2 * HOUR_MS, toMs: peer.nowMs });

  it('lists label sets with samples in the range, in order', async () => {
    const { peer } = await filled();
    const lists = await peer.reader.series([m('job', '!=', '')], recent(peer));
    if (!lists.ok) throw new Error(lists.error.message);
    expect(lists.value.map(labels => [...labels])).toEqual([
      ['__name__', 'a', 'job', 'j', '\uFFFD', 'n', '\u{1F600}', 'n'],
      ['__name__', 'a', 'job', '\uFFFD', 'z', '1'],
      ['__name__', 'b', 'job', '\u{1F600}'],
    ]);
  });

  it('lists label names in byte order, of all series or of the matching ones', async () => {
    const { peer } = await filled();
    expect(await peer.reader.labelNames([], recent(peer))).toEqual({
      ok: true,
      value: ['__name__', 'job', 'z', '\uFFFD', '\u{1F600}'],
    });
    expect(await peer.reader.labelNames([m('__name__', '=', 'b')], all(peer))).toEqual({
      ok: true,
      value: ['__name__', 'job'],
    });
    const everything = await peer.reader.labelNames([], all(peer));
    expect(everything.ok && everything.value.includes('gone')).toBe(true);
  });

  it('lists label values in byte order, of all series or of the matching ones', async () => {
    const { peer } = await filled();
    expect(await peer.reader.labelValues('job', [], recent(peer))).toEqual({
      ok: true,
      value: ['j', '\uFFFD', '\u{1F600}'],
    });
    expect(await peer.reader.labelValues('job', [m('__name__', '=', 'old')], all(peer))).toEqual({
      ok: true,
      value: ['j0'],
    });
    expect(await peer.reader.labelValues('nosuch', [], all(peer))).toEqual({ ok: true, value: [] });
  });

  it('knows nothing before the first sample', async () => {
    const { peer } = await filled();
    const range = { fromMs: peer.nowMs - 20 * HOUR_MS, toMs: peer.nowMs - 10 * HOUR_MS };
    expect(await peer.reader.series([], range)).toEqual({ ok: true, value: [] });
    expect(await peer.reader.labelNames([], range)).toEqual({ ok: true, value: [] });
    expect(await peer.reader.labelValues('job', [], range)).toEqual({ ok: true, value: [] });
  });
}

// --- helpers ----------------------------------------------------------------------------------------

const HISTOGRAM: NativeHistogram = {
  schema: 0,
  count: 6,
  sum: 12.5,
  zeroThreshold: 1e-128,
  zeroCount: 1,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveCounts: Float64Array.of(2, 3),
  negativeSpans: [],
  negativeCounts: new Float64Array(0),
  resetHint: 'unknown',
  integer: true,
};

function m(name: string, op: Matcher['op'], value: string): Matcher {
  return { name, op, value };
}

function hintsFor(nowMs: number): SelectHints {
  return { fromMs: nowMs - 2 * HOUR_MS, toMs: nowMs, stepMs: 0, rangeMs: 0, func: '', limit: 0 };
}

function inWindow(series: SeriesColumns, hints: SelectHints): [number, number][] {
  const list: [number, number][] = [];
  for (let i = series.from; i < series.to; i++) {
    const at = series.timesMs[i] as number;
    if (at > hints.fromMs && at <= hints.toMs) list.push([at, series.values[i] as number]);
  }
  return list;
}

/** What the tests above share: short ways to write to a store and to look into it. */
function kitOf(peer: SeriesStorePeer) {
  const ref = (labels: Readonly<Record<string, string>>): SeriesRef => {
    const interned = peer.writer.intern(labelsFrom(labels));
    if (!interned.ok) throw new Error(`intern refused: ${interned.error}`);
    return interned.value;
  };
  const batch = (timestampMs: number, rows: readonly (readonly [SeriesRef, number])[]): SampleBatch => ({
    producer: PRODUCER,
    timestampMs,
    series: Uint32Array.from(rows, ([one]) => one),
    values: Float64Array.from(rows, ([, value]) => value),
  });
  const append = async (one: SampleBatch) => {
    const outcome = await peer.writer.append(one);
    if (!outcome.ok) throw new Error(outcome.error.message);
    return outcome.value;
  };
  const columns = async (matchers: readonly Matcher[], hints = hintsFor(peer.nowMs)) => {
    const found = await peer.reader.select(matchers, hints);
    if (!found.ok) throw new Error(found.error.message);
    return found.value;
  };
  return {
    peer,
    ref,
    batch,
    append,
    columns,
    write: (timestampMs: number, rows: readonly (readonly [SeriesRef, number])[]) =>
      append(batch(timestampMs, rows)),
    samples: async (matchers: readonly Matcher[]): Promise<(readonly [string, [number, number][]])[]> =>
      (await columns(matchers)).map(series => [plain(series.labels), inWindow(series, hintsFor(peer.nowMs))]),
  };
}

function plain(labels: Labels): string {
  const pairs: string[] = [];
  let name = '';
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i] === '__name__') name = labels[i + 1] as string;
    else pairs.push(`${labels[i]}="${labels[i + 1]}"`);
  }
  return `${name}{${pairs.join(',')}}`;
}
