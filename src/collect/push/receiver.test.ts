// Remote write, 1.0 and 2.0: what is stored, what is refused and why, and bodies that are not what they say.

import fc from 'fast-check';
import { compressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/clock.ts';
import { FakeDisk } from '../../../test/support/disk.ts';
import { CollectingLog } from '../../../test/support/log.ts';
import { MemorySeriesStore } from '../../../test/support/memory-series.ts';
import { seededRandom } from '../../../test/support/random.ts';
import { ok } from '../../base/index.ts';
import {
  formatLabels,
  isStaleAt,
  labelsFrom,
  MetricRegistry,
  type SampleBatch,
  type SelectHints,
  type SeriesWriter,
  wordsOf,
} from '../../model/index.ts';
import { createPushReceiver, type PushAnswer, type PushReceiver, type PushRequest } from './index.ts';
import { bytes, encodeV1, encodeV2, number, type Pairs, type TestSeries } from './testdata/encode.ts';

const V1 = 'application/x-protobuf';
const V2 = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';
const STALE = 0x7ff0000000000002n;
const ALL: SelectHints = { fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 };
const SEED = 20261124;

interface Kit {
  readonly clock: FakeClock;
  readonly nowMs: number;
  readonly store: MemorySeriesStore;
  readonly receiver: PushReceiver;
  send(body: Uint8Array, headers?: PushRequest['headers']): Promise<PushAnswer>;
  write(series: readonly TestSeries[], version?: 1 | 2): Promise<PushAnswer>;
  /** "labels value@seconds after the start …", "stale" for the marker. */
  stored(): Promise<readonly string[]>;
}

/** With `captured` batches are kept there as they are, and all of them are taken. */
function kit(captured?: SampleBatch[]): Kit {
  const clock = new FakeClock();
  const store = new MemorySeriesStore(() => clock.nowMs());
  const nowMs = clock.nowMs();
  const writer: SeriesWriter =
    captured === undefined
      ? store
      : {
          generation: 0,
          intern: labels => store.intern(labels),
          isLive: ref => store.isLive(ref),
          append: async batch => {
            captured.push(batch);
            return ok({
              accepted: batch.series.length,
              refused: [],
              refusedCount: 0,
              acceptedHistograms: batch.histograms?.size ?? 0,
              keptExemplars: batch.exemplars?.length ?? 0,
            });
          },
        };
  const ports = {
    writer,
    clock,
    random: seededRandom(1),
    log: new CollectingLog(),
    metrics: new MetricRegistry(),
  };
  const receiver = createPushReceiver(ports);
  const send: Kit['send'] = (body, headers = { 'content-type': V1, 'content-encoding': 'snappy' }) =>
    receiver.remoteWrite({ headers, body: async () => ok(body) });
  return {
    clock,
    nowMs,
    store,
    receiver,
    send,
    write: (series, version = 1) =>
      send(compressSync(Buffer.from(version === 1 ? encodeV1(series) : encodeV2(series))), {
        'content-type': version === 1 ? V1 : V2,
        'content-encoding': 'snappy',
      }),
    async stored() {
      const found = await store.select([], ALL);
      if (!found.ok) throw new Error(found.error.message);
      return found.value.map(({ labels, timesMs, values, from, to }) => {
        const shown: string[] = [];
        for (let i = from; i < to; i++) {
          const value = isStaleAt(wordsOf(values), i) ? 'stale' : String(values[i]);
          shown.push(`${value}@${((timesMs[i] ?? 0) - nowMs) / 1000}`);
        }
        return `${formatLabels(labels)} ${shown.join(' ')}`;
      });
    },
  };
}

const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

/** A zstd frame of one raw block: magic, single segment with a size of one byte, block header, bytes. */
function rawFrame(plain: ArrayLike<number>): number[] {
  const { length } = plain;
  return [...ZSTD_MAGIC, 0x20, length, (length << 3) | 1, length >> 5, 0, ...Array.from(plain)];
}

const named = (name: string, ...more: Pairs): Pairs => [['__name__', name], ...more];
const sampleAt = (timeMs: number, value: number | bigint = 1) => ({ timeMs, value });

describe.each([1, 2] as const)('remote write %i.0', version => {
  it('stores samples of equal times together and of different times in their order', async () => {
    const k = kit();
    const at = (value: number, seconds: number) => sampleAt(k.nowMs + seconds * 1000, value);
    const answer = await k.write(
      [
        { labels: named('a', ['job', 'x']), samples: [at(1, 0), at(2, 15), at(3, 30)] },
        { labels: named('b'), samples: [at(4, 0), at(5, 15)] },
        { labels: named('c'), samples: [at(6, 7)] },
      ],
      version,
    );
    expect(answer).toMatchObject({ status: 204, text: '' });
    expect(await k.stored()).toEqual(['a{job="x"} 1@0 2@15 3@30', 'b 4@0 5@15', 'c 6@7']);
  });

  it('keeps stale markers, NaN and infinities by their bits', async () => {
    const k = kit();
    const values = [STALE, Number.NaN, Number.POSITIVE_INFINITY, -0];
    const series = values.map((value, i) => ({
      labels: named(`m${i}`),
      samples: [sampleAt(k.nowMs, value)],
    }));
    expect((await k.write(series, version)).status).toBe(204);
    expect(await k.stored()).toEqual(['m0 stale@0', 'm1 NaN@0', 'm2 Infinity@0', 'm3 0@0']);
  });

  it('takes the same request again, and a request in another order', async () => {
    const k = kit();
    const names = Array.from({ length: 50 }, (_, i) => `m${i}`);
    const send = (order: readonly string[], timeMs: number) =>
      k.write(
        order.map(name => ({
          labels: named(name, ['i', name]),
          samples: [sampleAt(timeMs, Number(name.slice(1)))],
        })),
        version,
      );
    for (const order of [names, names, names.toReversed(), names.slice(25), names]) {
      k.clock.advance(15_000);
      expect((await send(order, k.clock.nowMs())).status).toBe(204);
      expect((await send(order, k.clock.nowMs())).status).toBe(204);
    }
    for (const line of await k.stored()) {
      const name = /m(\d+)/.exec(line)?.[1];
      expect(
        line
          .split(' ')
          .slice(1)
          .every(one => one.startsWith(`${name}@`)),
      ).toBe(true);
    }
  });

  it('refuses what is no series with its reason and stores the rest', async () => {
    const k = kit();
    const samples = [sampleAt(k.nowMs)];
    const bad: readonly (readonly [labels: Pairs, says: RegExp])[] = [
      [[['job', 'x']], /metric name .* is missing/],
      [named(''), /metric name .* is missing/],
      [named('m', ['', 'v']), /empty name/],
      [named('m', ['a', '1'], ['a', '2']), /"a" stands there twice/],
    ];
    for (const [labels, says] of bad) {
      const answer = await k.write(
        [
          { labels, samples },
          { labels: named('good'), samples },
        ],
        version,
      );
      expect(answer.status).toBe(400);
      expect(answer.text).toMatch(says);
    }
    expect(await k.stored()).toEqual(['good 1@0']);
  });

  it('says why the store refused a sample', async () => {
    const k = kit();
    await k.write([{ labels: named('a'), samples: [sampleAt(k.nowMs, 1)] }], version);
    const answer = await k.write([{ labels: named('a'), samples: [sampleAt(k.nowMs, 2)] }], version);
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(/Cannot store 1 of 1 samples: duplicate sample for timestamp/);
  });

  it('reads native histograms, exemplars and metadata', async () => {
    const batches: SampleBatch[] = [];
    const k = kit(batches);
    const answer = await k.write(
      [
        {
          labels: named('h'),
          histograms: [
            {
              timeMs: k.nowMs,
              count: 12,
              sum: 18.4,
              schema: 1,
              zeroCount: 2,
              positive: {
                spans: [
                  [0, 2],
                  [1, 1],
                ],
                counts: [1, 3, 2],
              },
              negative: { spans: [[0, 2]], counts: [2, 2] },
            },
            {
              timeMs: k.nowMs + 1000,
              count: 3.5,
              isFloat: true,
              schema: -53,
              customBounds: [1, 2],
              positive: { spans: [[0, 2]], counts: [1.5, 2] },
            },
          ],
          exemplars: [{ labels: [['trace_id', 'abc']], value: 3, timeMs: k.nowMs }],
          metadata: { type: 3, help: 'Some help.', unit: 'seconds' },
          createdMs: k.nowMs - 5000,
        },
      ],
      version,
    );
    expect(answer).toMatchObject({ status: 204, text: '' });
    const histograms = batches.map(batch => batch.histograms?.get(0));
    expect(histograms).toMatchObject([
      {
        schema: 1,
        count: 12,
        zeroCount: 2,
        integer: true,
        positiveSpans: [
          { offset: 0, length: 2 },
          { offset: 1, length: 1 },
        ],
      },
      { schema: -53, count: 3.5, integer: false },
    ]);
    expect([...(histograms[0]?.positiveCounts ?? [])]).toEqual([1, 3, 2]);
    expect([...(histograms[1]?.customBounds ?? [])]).toEqual([1, 2]);
    expect(batches[0]?.metadata).toEqual([
      { metric: 'h', type: 'histogram', help: 'Some help.', unit: 'seconds' },
    ]);
    // It belongs to the latest sample of its series.
    expect(batches[1]?.exemplars).toEqual([
      { index: 0, exemplar: { labels: labelsFrom({ trace_id: 'abc' }), value: 3, timestampMs: k.nowMs } },
    ]);
    expect([...(batches[0]?.startTimestampsMs ?? [])]).toEqual(version === 2 ? [k.nowMs - 5000] : []);
    if (version === 2) {
      expect(answer.headers).toEqual({
        'x-prometheus-remote-write-samples-written': '0',
        'x-prometheus-remote-write-histograms-written': '2',
        'x-prometheus-remote-write-exemplars-written': '1',
      });
    }
  });

  it('counts what was refused by its reason however much it is', async () => {
    const k = kit();
    const series = (value: number) =>
      Array.from({ length: 300 }, (_, i) => ({
        labels: named('m', ['i', `${i}`]),
        samples: [sampleAt(k.nowMs, i < 250 ? value : 0)],
      }));
    await k.write(series(1), version);
    const answer = await k.write(series(2), version);
    expect(answer.status).toBe(400);
    expect(answer.text).toBe(
      'Cannot store 250 of 300 samples: duplicate sample for timestamp, with another value (250)',
    );
    if (version === 2)
      expect(answer.headers).toEqual({
        'x-prometheus-remote-write-samples-written': '50',
        'x-prometheus-remote-write-histograms-written': '0',
        'x-prometheus-remote-write-exemplars-written': '0',
      });
  });

  it('refuses a histogram whose count is not that of its buckets', async () => {
    const k = kit([]);
    const positive = { spans: [[0, 1]], counts: [5] } as const;
    const histograms = [{ timeMs: k.nowMs, count: 2, positive }];
    const answer = await k.write([{ labels: named('h'), histograms }], version);
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(/its buckets hold 5 observations and its count is 2/);
  });

  it('never throws, whatever the bytes are, and takes or refuses each body as a whole', async () => {
    const k = kit();
    const good = (version === 1 ? encodeV1 : encodeV2)([
      {
        labels: named('m', ['job', 'x']),
        samples: [sampleAt(k.nowMs, 1)],
        histograms: [{ timeMs: k.nowMs, count: 3, positive: { spans: [[0, 2]], counts: [1, 2] } }],
        exemplars: [{ labels: [['t', 'v']], value: 1, timeMs: k.nowMs }],
        metadata: { type: 1, help: 'h', unit: 'u' },
      },
    ]);
    const headers = { 'content-type': version === 1 ? V1 : V2, 'content-encoding': 'snappy' };
    const mutated = fc
      .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
      .map(edits => {
        const copy = good.slice();
        for (const [at, byte] of edits) copy[at] = byte;
        return copy;
      });
    const cut = fc.nat(good.length).map(length => good.slice(0, length));
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, cut, fc.uint8Array({ maxLength: 200 })), async body => {
        const answer = await k.send(compressSync(Buffer.from(body)), headers);
        expect([204, 400]).toContain(answer.status);
        if (answer.status === 400) expect(answer.text).not.toBe('');
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });
});

describe('bodies', () => {
  it('of other types and encodings are refused with 415', async () => {
    const k = kit();
    const body = compressSync(Buffer.from(encodeV1([])));
    const headers: readonly PushRequest['headers'][] = [
      { 'content-type': 'application/json', 'content-encoding': 'snappy' },
      { 'content-type': `${V1};proto=some.Other`, 'content-encoding': 'snappy' },
      { 'content-type': V1, 'content-encoding': 'gzip' },
    ];
    for (const one of headers) expect((await k.send(body, one)).status).toBe(415);
    expect((await k.send(body, { 'content-type': V1 })).status).toBe(204);
  });

  it('that are not compressed as they say are refused with 400', async () => {
    const k = kit();
    for (const encoding of ['snappy', 'zstd']) {
      const answer = await k.send(Uint8Array.from([1, 2, 3, 250, 250]), {
        'content-type': V1,
        'content-encoding': encoding,
      });
      expect(answer.status, encoding).toBe(400);
      expect(answer.text).toContain(`as ${encoding}`);
    }
  });

  it('that would grow beyond all measure are refused by what they say of themselves', async () => {
    const k = kit();
    // 4 GiB - 1 in five bytes, and nothing behind.
    const answer = await k.send(Uint8Array.from([255, 255, 255, 255, 15, 0]));
    expect(answer).toMatchObject({ status: 400 });
    expect(answer.text).toContain('4294967295 bytes');
  });

  it('in zstd are read', async () => {
    const k = kit();
    const plain = encodeV1([{ labels: named('z'), samples: [sampleAt(k.nowMs, 9)] }]);
    const frame = rawFrame(plain);
    const answer = await k.send(Uint8Array.from(frame), { 'content-type': V1, 'content-encoding': 'zstd' });
    expect(answer).toMatchObject({ status: 204, text: '' });
    expect(await k.stored()).toEqual(['z 9@0']);
  });

  it('in zstd that demand too much memory are refused before it is given', async () => {
    const k = kit();
    const MAGIC = ZSTD_MAGIC;
    const last = [1, 0, 0];
    const bodies: readonly (readonly [demand: string, ...bytes: number[]])[] = [
      ['4294967295', ...MAGIC, 0xa0, 255, 255, 255, 255, ...last],
      ['9223372036854776000', ...MAGIC, 0xe0, ...Array(7).fill(255), 127, ...last],
      ['window', ...MAGIC, 0, 21 << 3, ...last],
      ['window', ...MAGIC, 0, 0, ...last, ...MAGIC, 0, 21 << 3, ...last],
      // Each frame alone is modest: twenty windows of 8 MiB.
      ['windows', ...Array.from({ length: 20 }, () => [...MAGIC, 0, 13 << 3, ...last]).flat()],
      ['not a zstd stream', ...MAGIC, 0, 0, ...last, 1, 2, 3],
      // Runs of one byte, 128 KiB out of four bytes each.
      ['longer than', ...MAGIC, 0, 0, ...Array.from({ length: 1025 }, () => [2, 0, 16, 7]).flat(), ...last],
    ];
    for (const [demand, ...frame] of bodies) {
      const answer = await k.send(Uint8Array.from(frame), { 'content-type': V1, 'content-encoding': 'zstd' });
      expect(answer, demand).toMatchObject({ status: 400 });
      expect(answer.text, demand).toContain(demand);
    }
  });

  it('in zstd never throw, whatever the bytes are', async () => {
    const k = kit();
    const plain = encodeV1([{ labels: named('z'), samples: [sampleAt(k.nowMs, 9)] }]);
    const good = rawFrame(plain);
    const edit = fc.record({ at: fc.nat(good.length - 1), byte: fc.integer({ min: 0, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { maxLength: 4 }), fc.nat(good.length), async (edits, cut) => {
        const frame = Uint8Array.from(good);
        for (const { at, byte } of edits) frame[at] = byte;
        const headers = { 'content-type': V1, 'content-encoding': 'zstd' };
        const whole = await k.send(frame, headers);
        expect([204, 400]).toContain(whole.status);
        expect((await k.send(frame.subarray(0, cut), headers)).status).toBeGreaterThanOrEqual(204);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('are refused for later while those under way are too large together', async () => {
    const k = kit();
    const headers = { 'content-type': V1, 'content-encoding': 'snappy' };
    const waiting: (() => void)[] = [];
    const plain = compressSync(Buffer.from(encodeV1([])));
    const slow = Array.from({ length: 8 }, () =>
      k.receiver.remoteWrite({
        headers,
        body: () => new Promise(resolve => waiting.push(() => resolve(ok(plain)))),
      }),
    );
    // Nothing said about their length: each is counted as the longest that is allowed.
    expect(await k.send(plain)).toMatchObject({ status: 429, headers: { 'retry-after': '5' } });
    for (const go of waiting) go();
    for (const answer of await Promise.all(slow)) expect(answer.status).toBe(204);
    expect((await k.send(plain)).status).toBe(204);
  });

  it('with unknown fields are read past them', async () => {
    const k = kit();
    const known = encodeV1([{ labels: named('a'), samples: [sampleAt(k.nowMs)] }]);
    const more: number[] = [];
    number(more, 99, 5);
    bytes(more, 98, [1, 2, 3]);
    expect((await k.send(compressSync(Buffer.from([...more, ...known])))).status).toBe(204);
    expect(await k.stored()).toEqual(['a 1@0']);
  });
});

describe('a store that takes nothing', () => {
  it('is not called stored: the sender is told to come again', async () => {
    const clock = new FakeClock();
    const disk = new FakeDisk();
    const { openStore, DEFAULT_STORE_SETTINGS } = await import('../../storage/index.ts');
    const opened = await openStore({
      disk,
      folder: '/data',
      clock,
      log: new CollectingLog(),
      metrics: new MetricRegistry(),
      settings: DEFAULT_STORE_SETTINGS,
    });
    if (!opened.ok) throw new Error(opened.error.message);
    opened.value.intern(labelsFrom({ __name__: 'x' }));
    disk.setFull(true);
    const ports = {
      writer: opened.value,
      clock,
      random: seededRandom(1),
      log: new CollectingLog(),
      metrics: new MetricRegistry(),
    };
    const receiver = createPushReceiver(ports);
    const series = Array.from({ length: 2000 }, (_, i) => ({
      labels: named(`m${i}`, ['text', 'x'.repeat(50)]),
      samples: [sampleAt(clock.nowMs())],
    }));
    const body = compressSync(Buffer.from(encodeV1(series)));
    const send = () =>
      receiver.remoteWrite({
        headers: { 'content-type': V1, 'content-encoding': 'snappy' },
        body: async () => ok(body),
      });
    expect(await send()).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    disk.setFull(false);
    await clock.advance(5000);
    expect((await send()).status).toBe(204);
    await opened.value.close();
  });
});
