// Samples on their way out, from the store's log to a receiver: nothing lost, in order, over failures, kills, losses of power,
// reloads; what is said and counted of what is not sent.

import { describe, expect, it } from 'vitest';
import { crashingDisk } from '../../test/support/crashing-disk.ts';
import { randomHistogram } from '../../test/support/extras.ts';
import type { FakeAnswer } from '../../test/support/http.ts';
import { seededRandom } from '../../test/support/random.ts';
import { append, type Life, RemoteWorld, SINK, targetOf } from '../../test/support/remote-world.ts';
import { floatOf, type SentRequest, type SentSeries } from '../../test/support/write-requests.ts';
import { createPushReceiver } from '../collect/push/index.ts';
import { RELABEL_DEFAULTS } from '../exposition/index.ts';
import {
  badHistogram,
  type Labels,
  labelsFrom,
  MetricRegistry,
  type NativeHistogram,
  setStaleAt,
  wordsOf,
} from '../model/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore } from '../storage/index.ts';

const named = (i: number | string): Labels => labelsFrom({ __name__: 'm', i: `${i}` });
const nameOf = ({ labels }: SentSeries): string => labels.find(([name]) => name === 'i')?.[1] ?? '';

/** "series time value" of all samples, in the order in which they came. */
function linesOf(requests: readonly SentRequest[]): readonly string[] {
  return requests.flatMap(({ series }) =>
    series.flatMap(one =>
      one.samples.map(({ bits, timeMs }) => `${nameOf(one)} ${timeMs} ${bits.toString(16)}`),
    ),
  );
}

const metricOf = (life: Life, name: string, labels: Readonly<Record<string, string>> = {}): number =>
  life.metrics
    .families()
    .find(family => family.name === `watchkeeper_remote_storage_${name}`)
    ?.samples.filter(sample =>
      Object.entries(labels).every(
        ([key, value]) => sample.labels.includes(value) && sample.labels.includes(key),
      ),
    )
    .reduce((sum, sample) => sum + sample.value, 0) ?? Number.NaN;

describe('samples', () => {
  it('go out by the deadline, or as soon as a request is full', async () => {
    const w = new RemoteWorld();
    const life = await w.open([targetOf({ queue: { ...targetOf().queue, samplesPerSend: 4 } })]);
    await append(life, w.clock.nowMs(), [{ labels: named(1), value: 1 }]);
    await w.clock.advance(4000);
    expect(w.taken).toHaveLength(0);
    await w.clock.advance(1000);
    expect(linesOf(w.taken)).toHaveLength(1);
    for (let i = 0; i < 4; i++) await append(life, w.clock.nowMs(), [{ labels: named(2 + i), value: 1 }]);
    await w.clock.advance(0);
    expect(linesOf(w.taken)).toHaveLength(5);
    await life.end();
  });

  it('carry external labels, are relabelled, and keep their bits', async () => {
    const w = new RemoteWorld();
    const target = targetOf({
      externalLabels: labelsFrom({ replica: 'a', i: 'external' }),
      relabel: [
        { ...RELABEL_DEFAULTS, action: 'drop', sourceLabels: ['i'], regex: 'no' },
        { ...RELABEL_DEFAULTS, sourceLabels: ['replica', 'i'], targetLabel: 'both' },
      ],
    });
    const life = await w.open([target]);
    const values = Float64Array.of(0, 0, 0);
    setStaleAt(wordsOf(values), 0);
    const samples = [named('yes'), named('no'), labelsFrom({ __name__: 'bare' })].map(labels => ({
      labels,
      value: 0,
    }));
    await append(life, w.clock.nowMs(), samples, { values });
    await w.clock.advance(5000);
    const series = w.taken.flatMap(request => request.series);
    expect(series.map(({ labels }) => Object.fromEntries(labels))).toEqual([
      { __name__: 'm', both: 'a;yes', i: 'yes', replica: 'a' },
      { __name__: 'bare', both: 'a;external', i: 'external', replica: 'a' },
    ]);
    expect(series[0]?.samples[0]?.bits).toBe(0x7ff0000000000002n);
    expect(metricOf(life, 'samples_dropped_total', { reason: 'dropped_series' })).toBe(1);
    expect(metricOf(life, 'samples_total')).toBe(2);
    await life.end();
  });

  it('too old for sample_age_limit are dropped, also while they wait for a receiver that is away', async () => {
    const w = new RemoteWorld();
    const life = await w.open([targetOf({ queue: { ...targetOf().queue, ageMaxMs: 60_000 } })]);
    w.answer = () => ({ error: 'http-refused' });
    await append(life, w.clock.nowMs(), [{ labels: named(1), value: 1 }]);
    await w.clock.advance(120_000);
    w.answer = () => ({});
    await append(life, w.clock.nowMs(), [{ labels: named(2), value: 2 }]);
    await w.clock.advance(20_000);
    expect(linesOf(w.taken).map(line => line.split(' ')[0])).toEqual(['2']);
    expect(metricOf(life, 'samples_dropped_total', { reason: 'too_old' })).toBe(1);
    await life.end();
  });

  it('of very many series go in requests that are not too large, over several shards when they pile up', async () => {
    const w = new RemoteWorld();
    const queue = { ...targetOf().queue, samplesPerSend: 100, capacity: 500 };
    const life = await w.open([targetOf({ queue })]);
    let underWay = 0;
    let most = 0;
    w.answer = () => {
      most = Math.max(most, ++underWay);
      w.clock.after(3000, () => underWay--);
      return { latencyMs: 3000 };
    };
    for (let n = 0; n < 20; n++) {
      const samples = Array.from({ length: 400 }, (_, i) => ({ labels: named(i), value: n }));
      await append(life, w.clock.nowMs() + n * 1000, samples);
    }
    await w.clock.advance(120_000);
    expect(linesOf(w.taken)).toHaveLength(8000);
    expect(
      Math.max(...w.taken.map(({ series }) => linesOf([{ series } as unknown as SentRequest]).length)),
    ).toBeLessThanOrEqual(100);
    expect(most).toBeGreaterThan(2);
    expectInOrder(w.taken);
    await life.end();
  });
});

/** Of each series the times rise, but for what came again. */
function expectInOrder(requests: readonly SentRequest[]): void {
  const newest = new Map<string, number>();
  const seen = new Set<string>();
  for (const line of linesOf(requests)) {
    const [name = '', time] = line.split(' ');
    if (seen.has(line)) continue;
    seen.add(line);
    expect(Number(time), line).toBeGreaterThan(newest.get(name) ?? -Infinity);
    newest.set(name, Number(time));
  }
}

describe('a receiver', () => {
  const sendOne = async (w: RemoteWorld, life: Life): Promise<void> => {
    await append(life, w.clock.nowMs(), [{ labels: named(1), value: 1 }]);
    await w.clock.advance(5000);
  };

  it('that refuses is not asked again: counted, and the reason is said once', async () => {
    const w = new RemoteWorld();
    const life = await w.open();
    w.answer = () => ({ status: 400, body: 'out of order' });
    await sendOne(w, life);
    await sendOne(w, life);
    expect(w.requests).toHaveLength(2);
    expect(metricOf(life, 'samples_failed_total')).toBe(2);
    const said = w.log.lines.filter(({ level }) => level === 'warn');
    expect(said).toMatchObject([{ fields: { cause: 'status 400: out of order', remote_name: 'one' } }]);
    w.answer = () => ({});
    await sendOne(w, life);
    expect(w.log.messages('info')).toContain('a receiver of remote write takes samples again');
    expect(life.writer.status()).toMatchObject([{ lastError: '' }]);
    await life.end();
  });

  it('that is away for hours gets everything in order when it is back', async () => {
    const w = new RemoteWorld();
    const life = await w.open();
    w.answer = () => ({ error: 'http-refused' });
    const count = 6 * 60;
    for (let n = 0; n < count; n++) {
      await append(
        life,
        w.clock.nowMs(),
        [1, 2, 3].map(i => ({ labels: named(i), value: n })),
      );
      await w.clock.advance(60_000);
    }
    const [status] = life.writer.status();
    expect(status?.pendingBytes).toBeGreaterThan(count * 3 * 8);
    expect(status?.lastError).toContain('http-refused');
    w.answer = () => ({});
    await w.clock.advance(30_000);
    expect(linesOf(w.taken)).toHaveLength(3 * count);
    expectInOrder(w.taken);
    expect(metricOf(life, 'samples_retried_total')).toBeGreaterThan(0);
    expect(life.writer.status()).toMatchObject([{ pendingBytes: 0, lastError: '' }]);
    await life.end();
  });

  it('that asks to wait is not asked before', async () => {
    const w = new RemoteWorld();
    const life = await w.open();
    w.answer = () => ({ status: 503, headers: { 'retry-after': '60' } });
    await sendOne(w, life);
    expect(w.requests).toHaveLength(1);
    w.answer = () => ({});
    await w.clock.advance(59_000);
    expect(w.requests).toHaveLength(1);
    await w.clock.advance(1000);
    expect(w.taken).toHaveLength(1);
    await life.end();
  });

  it('that does not know 2.0 gets the same samples by 1.0, and goes on with that', async () => {
    const w = new RemoteWorld();
    const life = await w.open([targetOf({ protocol: 'io.prometheus.write.v2.Request' })]);
    w.answer = ({ version }) => (version === 2 ? { status: 415 } : {});
    await sendOne(w, life);
    await sendOne(w, life);
    expect(w.requests.map(({ sent }) => sent.version)).toEqual([2, 1, 1]);
    expect(linesOf(w.taken)).toHaveLength(2);
    expect(life.writer.status()).toMatchObject([{ protocol: 'prometheus.WriteRequest' }]);
    await life.end();
  });

  it('of 2.0 that wrote only a part is believed, and not asked again', async () => {
    const w = new RemoteWorld();
    const life = await w.open([targetOf({ protocol: 'io.prometheus.write.v2.Request' })]);
    w.answer = () => ({ status: 200, headers: { 'x-prometheus-remote-write-samples-written': '0' } });
    await sendOne(w, life);
    expect(w.requests).toHaveLength(1);
    expect(metricOf(life, 'samples_failed_total')).toBe(1);
    await life.end();
  });
});

describe('what samples have beside', () => {
  const V2 = 'io.prometheus.write.v2.Request';
  async function withExtras(
    changes: Parameters<typeof targetOf>[0],
  ): Promise<{ w: RemoteWorld; life: Life; histogram: NativeHistogram; startMs: number }> {
    const w = new RemoteWorld();
    const life = await w.open([targetOf(changes)]);
    const random = seededRandom(11);
    let histogram = randomHistogram(random);
    while (histogram.schema === -53 || !histogram.integer) histogram = randomHistogram(random);
    let custom = randomHistogram(random);
    while (custom.schema !== -53) custom = randomHistogram(random);
    const startMs = w.clock.nowMs() - 60_000;
    const labels = ['plain', 'native', 'custom'].map(i => ({ labels: named(i), value: 1 }));
    await append(life, w.clock.nowMs(), labels, {
      histograms: new Map([
        [1, histogram],
        [2, custom],
      ]),
      startTimestampsMs: Float64Array.of(startMs, Number.NaN, Number.NaN),
      exemplars: [
        { index: 0, exemplar: { labels: labelsFrom({ trace_id: 'x' }), value: 3, timestampMs: 5 } },
      ],
      metadata: [{ metric: 'm', type: 'counter', help: 'Help.', unit: 's' }],
    });
    await w.clock.advance(10_000);
    return { w, life, histogram, startMs };
  }

  it('1.0 carries native histograms where they are wanted, but those with custom buckets: that is counted and said', async () => {
    const { w, life, histogram } = await withExtras({ nativeHistograms: true, exemplars: true });
    const series = w.taken.flatMap(request => request.series);
    expect(series.map(nameOf)).toEqual(['plain', 'native']);
    expect(series[1]?.samples).toEqual([]);
    expect(series[1]?.histograms).toMatchObject([
      {
        count: histogram.count,
        schema: histogram.schema,
        positive: { counts: [...histogram.positiveCounts] },
        timeMs: w.clock.nowMs() - 10_000,
      },
    ]);
    expect(series[0]?.exemplars).toEqual([{ labels: [['trace_id', 'x']], value: 3, timeMs: 5 }]);
    expect(metricOf(life, 'histograms_dropped_total', { reason: 'nhcb_in_rw1_not_supported' })).toBe(1);
    expect(w.log.messages('warn').join()).toContain('custom buckets are not sent');
    await life.end();
  });

  it('where they are not wanted they are left out, counted and said', async () => {
    const { w, life } = await withExtras({});
    const series = w.taken.flatMap(request => request.series);
    expect(series.map(nameOf)).toEqual(['plain']);
    expect(series[0]?.exemplars).toEqual([]);
    expect(metricOf(life, 'histograms_dropped_total', { reason: 'native_histograms_off' })).toBe(2);
    await life.end();
  });

  it('2.0 carries all of it, types and help texts with each series', async () => {
    const { w, life, startMs } = await withExtras({ protocol: V2, nativeHistograms: true, exemplars: true });
    const series = w.taken.flatMap(request => request.series);
    expect(series.map(nameOf)).toEqual(['plain', 'native', 'custom']);
    expect(series[0]).toMatchObject({
      createdMs: startMs,
      samples: [{ startMs }],
      exemplars: [{ timeMs: 5 }],
    });
    expect(series[2]?.histograms).toMatchObject([{ schema: -53 }]);
    for (const one of series) expect(one.metadata).toEqual({ type: 1, help: 'Help.', unit: 's' });
    expect(w.taken[0]?.symbols[0]).toBe('');
    expect(new Set(w.taken[0]?.symbols).size).toBe(w.taken[0]?.symbols.length);
    await life.end();
  });

  it('1.0 gets types and help texts by themselves, each interval', async () => {
    const { w, life } = await withExtras({
      metadata: { send: true, intervalMs: 60_000, samplesPerSend: 2000 },
    });
    await w.clock.advance(120_000);
    const told = w.taken.flatMap(({ metadata }) => metadata);
    expect(told).toEqual([
      { type: 1, metric: 'm', help: 'Help.', unit: 's' },
      { type: 1, metric: 'm', help: 'Help.', unit: 's' },
    ]);
    expect(metricOf(life, 'metadata_total')).toBe(2);
    await life.end();
  });
});

describe('a restart', () => {
  it('after kill -9 goes on where it was, with the very same requests for what was under way', async () => {
    const w = new RemoteWorld();
    const queue = { ...targetOf().queue, samplesPerSend: 10 };
    await w.open([targetOf({ queue })]).then(async life => {
      for (let n = 0; n < 3; n++)
        await append(
          life,
          w.clock.nowMs() + n,
          Array.from({ length: 25 }, (_, i) => ({ labels: named(i), value: n })),
        );
      // Taken, but the answers never come.
      w.answer = () => ({ latencyMs: 1e9 });
      await w.clock.advance(6000);
    });
    const before = w.requests.map(({ sent }) => sent.series);
    expect(before.length).toBeGreaterThan(0);
    w.kill();
    w.answer = () => ({});
    const count = w.requests.length;
    const life = await w.open([targetOf({ queue })]);
    await append(life, w.clock.nowMs() + 10, [{ labels: named(0), value: 9 }]);
    await w.clock.advance(10_000);
    expect(w.requests.slice(count, count + before.length).map(({ sent }) => sent.series)).toEqual(before);
    expect(new Set(linesOf(w.taken)).size).toBe(76);
    expectInOrder(w.taken);
    await life.end();
  });

  it('sends what came while no process could, and nothing of before the queue was there', async () => {
    const w = new RemoteWorld();
    const first = await w.open([]);
    await append(first, w.clock.nowMs(), [{ labels: named('before'), value: 1 }]);
    await first.end();
    const second = await w.open();
    w.answer = () => ({ error: 'http-refused' });
    await append(second, w.clock.nowMs(), [{ labels: named('while'), value: 1 }]);
    await second.end();
    w.answer = () => ({});
    const third = await w.open();
    await w.clock.advance(5000);
    expect(linesOf(w.taken).map(line => line.split(' ')[0])).toEqual(['while']);
    await third.end();
  });

  it('at the end of the process what waits is sent', async () => {
    const w = new RemoteWorld();
    const life = await w.open();
    await append(life, w.clock.nowMs(), [{ labels: named(1), value: 1 }]);
    await life.end();
    expect(linesOf(w.taken)).toHaveLength(1);
  });
});

describe('a reload', () => {
  it('leaves alone what stays, changes what changed in its place, forgets what is gone', async () => {
    const w = new RemoteWorld();
    const life = await w.open([targetOf()]);
    await append(life, w.clock.nowMs(), [{ labels: named(1), value: 1 }]);
    await life.writer.load([targetOf()]);
    expect(w.requests).toHaveLength(0);
    // With other settings it goes on from the same place.
    await life.writer.load([targetOf({ externalLabels: labelsFrom({ replica: 'b' }) })]);
    w.answer = () => ({ error: 'http-refused' });
    await append(life, w.clock.nowMs() + 1, [{ labels: named(1), value: 2 }]);
    await w.clock.advance(6000);
    w.answer = () => ({});
    await w.clock.advance(6000);
    expect(new Set(linesOf(w.taken)).size).toBe(2);
    await append(life, w.clock.nowMs(), [{ labels: named(1), value: 3 }]);
    const gone = life.writer.load([]);
    await w.clock.advance(6000);
    await gone;
    expect(life.writer.status()).toEqual([]);
    const files = await w.disk.list('/data/remote-write');
    expect(files).toEqual({ ok: true, value: [] });
    expect(w.log.messages('info').join()).toContain('no longer configured');
    await life.end();
  });
});

describe('a shadow run', () => {
  it('sends nothing, says so, and leaves alone what another run has to send', async () => {
    const w = new RemoteWorld();
    w.answer = () => ({ error: 'http-refused' });
    const live = await w.open();
    await append(live, w.clock.nowMs(), [{ labels: named(1), value: 1 }]);
    await live.end();
    const files = await w.disk.list('/data/remote-write');
    const shadow = new RemoteWorld({ effects: 'shadow' });
    const life = await shadow.open();
    await append(life, shadow.clock.nowMs(), [{ labels: named(1), value: 1 }]);
    await shadow.clock.advance(60_000);
    expect(shadow.requests).toEqual([]);
    expect(shadow.log.messages('info').join()).toContain('a shadow run sends no samples');
    expect(files).toMatchObject({ ok: true, value: ['q1.place'] });
    await life.end();
  });
});

// --- any sequence ---------------------------------------------------------------------------------

const MODES: readonly ((n: number) => FakeAnswer)[] = [
  () => ({}),
  () => ({}),
  () => ({ status: 500 }),
  () => ({ status: 503, headers: { 'retry-after': '2' } }),
  () => ({ error: 'http-refused' }),
  // Taken, but nobody hears of it.
  () => ({ error: 'http-reset' }),
  n => ({ latencyMs: n % 700 }),
];

/** Each is some 1.5 s. */
const SEEDS = Number(process.env['WATCHKEEPER_REMOTE_SEEDS'] ?? 12);

async function anySequence(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const pick = (below: number): number => random.uint32() % below;
  const w = new RemoteWorld({ settings: { walAck: 'disk' } });
  const protocol = pick(2) === 0 ? 'prometheus.WriteRequest' : 'io.prometheus.write.v2.Request';
  const queue = {
    ...targetOf().queue,
    samplesPerSend: 1 + pick(8),
    capacity: 1 + pick(40),
    shardsMin: 1 + pick(3),
  };
  const targets = [targetOf({ queue, protocol })];
  const accepted: string[] = [];
  let life = await w.open(targets);
  for (let step = 0; step < 100; step++) {
    const turn = pick(20);
    if (turn < 10) {
      const count = 1 + pick(6);
      const from = pick(6);
      const timeMs = w.clock.nowMs();
      await append(
        life,
        timeMs,
        Array.from({ length: count }, (_, i) => ({ labels: named(from + i), value: step + 1 })),
      );
      for (let i = 0; i < count; i++) {
        const bits = new BigUint64Array(Float64Array.of(step + 1).buffer)[0] ?? 0n;
        accepted.push(`${from + i} ${timeMs} ${bits.toString(16)}`);
      }
      await w.clock.advance(1);
    } else if (turn < 15) await w.clock.advance(pick(4000));
    else if (turn < 17) {
      const mode = MODES[pick(MODES.length)] ?? (() => ({}));
      w.answer = () => mode(random.uint32());
    } else if (turn === 17) await w.clock.advance(31 * 60_000).then(() => life.store.sealAll());
    else if (turn === 18) {
      w.kill();
      life = await w.open(targets);
    } else {
      w.crash(random.uint32());
      life = await w.open(targets);
    }
  }
  w.answer = () => ({});
  await w.clock.advance(60_000);
  const sent = linesOf(w.taken);
  expect(new Set(sent), `seed ${seed}`).toEqual(new Set(accepted));
  expectInOrder(w.taken);
  await life.end();
}

it('any sequence of appends, failures, kills and losses of power delivers each sample at least once, and in order', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await anySequence(seed);
}, 120_000);

describe('a disk that fails', () => {
  it('at any call of a life holds nothing back for good and loses nothing', async () => {
    let reached = true;
    for (let n = 1; reached && n < 400; n++) {
      const w = new RemoteWorld({ settings: { gatherMs: 0 } });
      w.disk.putFolder('/data');
      w.disk.failAt(n);
      const before = w.disk.calls;
      const first = await w.tryOpen([targetOf()]);
      const accepted: number[] = [];
      if (typeof first !== 'string') {
        for (let i = 0; i < 4; i++) {
          await append(first, w.clock.nowMs(), [{ labels: named(1), value: i }])
            .then(() => first.writer.status().length > 0 && accepted.push(i))
            .catch(() => undefined);
          await w.clock.advance(6000);
        }
        w.kill();
      }
      reached = w.disk.calls - before >= n;
      w.disk.clearFailures();
      const life = await w.open();
      await append(life, w.clock.nowMs(), [{ labels: named(1), value: 99 }]);
      await w.clock.advance(30_000);
      const values = new Set(
        w.taken.flatMap(({ series }) => series.flatMap(one => one.samples.map(({ bits }) => floatOf(bits)))),
      );
      for (const value of [...accepted, 99]) expect(values, `call ${n}`).toContain(value);
      await life.end();
    }
    expect(reached).toBe(false);
  }, 120_000);

  it('a loss of power at any call loses nothing that was accepted for good', async () => {
    for (let call = 1; ; call++) {
      const w = new RemoteWorld({ settings: { walAck: 'disk', gatherMs: 0 } });
      w.disk.putFolder('/data');
      const plan = crashingDisk(w.disk, { call, seed: call });
      let accepted = 0;
      const work = (async (): Promise<void> => {
        const life = await w.open([targetOf()], plan.disk);
        for (let i = 1; i <= 4; i++) {
          await append(life, w.clock.nowMs() + i, [{ labels: named(1), value: i }]);
          accepted = i;
          await w.clock.advance(5000);
        }
        await life.end();
      })();
      const died = await Promise.race([plan.crashed.then(() => true), work.then(() => false)]);
      w.crash(call);
      const life = await w.open();
      await w.clock.advance(10_000);
      const values = new Set(
        w.taken.flatMap(({ series }) => series.flatMap(one => one.samples.map(({ bits }) => floatOf(bits)))),
      );
      for (let i = 1; i <= accepted; i++) expect(values, `call ${call}`).toContain(i);
      await life.end();
      if (!died) break;
    }
  }, 120_000);
});

describe('this program as the receiver', () => {
  it.each(['prometheus.WriteRequest', 'io.prometheus.write.v2.Request'] as const)(
    'has by %s what the sender has: floats, stale markers, native histograms, start times, exemplars',
    async protocol => {
      const isV2 = protocol === 'io.prometheus.write.v2.Request';
      const w = new RemoteWorld();
      const opened = await openStore({
        disk: w.disk.mount(),
        folder: '/other',
        clock: w.clock,
        log: w.log,
        metrics: new MetricRegistry(),
        settings: DEFAULT_STORE_SETTINGS,
      });
      if (!opened.ok) throw new Error(opened.error.message);
      const other = opened.value;
      const ports = {
        writer: other,
        clock: w.clock,
        random: seededRandom(3),
        log: w.log,
        metrics: new MetricRegistry(),
      };
      const receiver = createPushReceiver(ports);
      w.http.on(SINK, async request => {
        const body = async (): Promise<{ ok: true; value: Uint8Array }> => ({
          ok: true,
          value: request.body ?? new Uint8Array(0),
        });
        const answer = await receiver.remoteWrite({ headers: request.headers, body });
        return { status: answer.status, headers: answer.headers, body: answer.text };
      });
      const life = await w.open([targetOf({ protocol, nativeHistograms: true, exemplars: true })]);
      const random = seededRandom(5);
      for (let n = 0; n < 40; n++) {
        const count = 12;
        const values = Float64Array.from({ length: count }, () => random.float() * 100);
        if (n === 20) setStaleAt(wordsOf(values), 3);
        const histograms = new Map<number, NativeHistogram>();
        for (let i = 6; i < 9; i++) {
          let one = randomHistogram(random);
          while ((!isV2 && one.schema === -53) || !isSound(sane(one))) one = randomHistogram(random);
          histograms.set(i, sane(one));
        }
        await append(
          life,
          w.clock.nowMs(),
          Array.from({ length: count }, (_, i) => ({ labels: named(i), value: 0 })),
          {
            values,
            histograms,
            ...(isV2
              ? {
                  startTimestampsMs: Float64Array.from({ length: count }, (_, i) =>
                    i % 2 ? w.clock.nowMs() - 99 : Number.NaN,
                  ),
                }
              : {}),
            exemplars: [
              {
                index: n % 5,
                exemplar: {
                  labels: labelsFrom({ trace_id: `${n}` }),
                  value: n,
                  timestampMs: w.clock.nowMs(),
                },
              },
            ],
            metadata: [{ metric: 'm', type: 'gauge', help: 'Help.', unit: '' }],
          },
        );
        await w.clock.advance(1000);
      }
      await w.clock.advance(20_000);
      const hints = { fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 };
      const [mine, theirs] = [await life.store.select([], hints), await other.select([], hints)];
      if (!mine.ok || !theirs.ok) throw new Error('cannot read');
      const plain = (all: typeof mine.value): unknown =>
        all.map(({ labels, timesMs, values, from, to, histograms, startTimesMs }) => ({
          labels,
          times: [...timesMs.subarray(from, to)],
          words: [...wordsOf(values.slice(from, to))].map((word, i) =>
            histograms?.has(from + (i >> 1)) ? 'histogram' : word,
          ),
          histograms: [...(histograms ?? [])].map(([at, histogram]) => [at - from, histogram]),
          starts: startTimesMs && [...startTimesMs.subarray(from, to)],
        }));
      expect(theirs.value.length).toBe(12);
      expect(plain(theirs.value)).toEqual(plain(mine.value));
      const range = { fromMs: 0, toMs: Infinity };
      const anyOf = [[{ name: 'i', op: '=~' as const, value: '.*' }]];
      const exemplars = [await life.store.exemplars(anyOf, range), await other.exemplars(anyOf, range)];
      expect(exemplars[1]).toEqual(exemplars[0]);
      if (isV2) expect(other.metadata()).toEqual(life.store.metadata());
      await life.end();
      await other.close();
    },
  );
});

/** Differences of counts are exact up to 2^52. */
function isSound(histogram: NativeHistogram): boolean {
  return badHistogram(histogram) === undefined && histogram.count < 2 ** 51;
}

/** As far as a receiver looks: buckets that the spans and the count agree with. */
function sane(histogram: NativeHistogram): NativeHistogram {
  const sum = (counts: Float64Array): number => counts.reduce((total, count) => total + count, 0);
  const count = histogram.zeroCount + sum(histogram.positiveCounts) + sum(histogram.negativeCounts);
  return { ...histogram, count, sum: 1.5 };
}
