// Remote read over the API: what is stored comes out of both kinds of answers, read by decoders of the tests' own.

import fc from 'fast-check';
import { compressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import { ok, type ServerResponse } from '../base/index.ts';
import { printFamilies } from '../exposition/index.ts';
import {
  decodeFrames,
  decodeReadResponse,
  encodeReadRequest,
  type ReadSeries,
  type TestQuery,
} from '../exposition/testdata/remote-read.ts';
import { labelsFrom, type NativeHistogram, setStaleAt, targetId, wordsOf } from '../model/index.ts';
import { createRemoteRead, READ_LIMITS, type ReadLimits } from './remote-read.ts';
import { type Bench, bench, textOf } from './testdata/bench.ts';

const T = Date.UTC(2026, 0, 1);
const SAMPLES = 0;
const CHUNKS = 1;
const EVERYTHING: TestQuery = { startMs: T - 600_000, endMs: T, matchers: [['__name__', '=~', '.+']] };

const HISTOGRAM: NativeHistogram = {
  schema: 0,
  count: 6,
  sum: 4.5,
  zeroThreshold: 0.001,
  zeroCount: 1,
  positiveSpans: [{ offset: 1, length: 2 }],
  positiveCounts: Float64Array.of(3, 2),
  negativeSpans: [],
  negativeCounts: new Float64Array(0),
  resetHint: 'unknown',
  integer: true,
};

interface Sent {
  readonly timeMs: number;
  readonly values: readonly number[];
  readonly histograms?: ReadonlyMap<number, NativeHistogram>;
  readonly isStale?: boolean;
}

async function write(
  { store }: Pick<Bench, 'store'>,
  sets: readonly Readonly<Record<string, string>>[],
  rows: readonly Sent[],
): Promise<void> {
  const series = Uint32Array.from(sets, labels => {
    const ref = store.intern(labelsFrom(labels));
    if (!ref.ok) throw new Error(ref.error);
    return ref.value;
  });
  for (const { timeMs, values, histograms, isStale } of rows) {
    const column = Float64Array.from(values);
    if (isStale === true) setStaleAt(wordsOf(column), 0);
    const batch = { producer: targetId('p'), timestampMs: timeMs, series, values: column };
    const outcome = await store.append(histograms === undefined ? batch : { ...batch, histograms });
    if (!outcome.ok || outcome.value.refusedCount > 0) throw new Error('refused');
  }
}

interface World extends Bench {
  read(
    queries: readonly TestQuery[],
    accepted?: readonly number[],
    signal?: AbortSignal,
  ): Promise<ServerResponse>;
}

/** The stock limits are those of the route; others ask its handler itself. */
async function world(limits: ReadLimits = READ_LIMITS): Promise<World> {
  const b = await bench();
  const handler = createRemoteRead(limits, b.metrics);
  const read: World['read'] = (queries, accepted, signal = new AbortController().signal) => {
    const body = new Uint8Array(compressSync(Buffer.from(encodeReadRequest(queries, accepted))));
    const request = { method: 'POST', path: '/api/v1/read', signal, rawBody: async () => ok(body) };
    if (limits === READ_LIMITS) return b.ask(request);
    const asked = {
      params: new URLSearchParams(),
      principal: { kind: 'anonymous' } as never,
      signal,
      request: { ...request, query: '', headers: {}, remoteAddress: '', body: request.rawBody },
    };
    return handler(b.deps, asked);
  };
  return Object.assign(b, { read });
}

async function bodyOf({ body }: ServerResponse): Promise<Uint8Array> {
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  const parts: Buffer[] = [];
  for await (const part of body) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

/** Both answers, which must say the same; the frames of one series put together. */
async function bothOf(w: World, queries: readonly TestQuery[]): Promise<readonly ReadSeries[]> {
  const samples = await w.read(queries, [SAMPLES, CHUNKS]);
  expect(samples.headers).toMatchObject({
    'content-type': 'application/x-protobuf',
    'content-encoding': 'snappy',
  });
  const chunks = await w.read(queries, [CHUNKS, SAMPLES]);
  expect(chunks.headers['content-type']).toBe(
    'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse',
  );
  const plain = decodeReadResponse(await bodyOf(samples));
  const joined: ReadSeries[] = [];
  for (const { query, labels, samples: part } of decodeFrames(await bodyOf(chunks))) {
    const last = joined.at(-1);
    if (last !== undefined && last.query === query && last.labels.join() === labels.join())
      joined[joined.length - 1] = { ...last, samples: [...last.samples, ...part] };
    else joined.push({ query, labels, samples: part });
  }
  const withoutStarts = (all: readonly ReadSeries[]): unknown =>
    all.map(one => ({
      ...one,
      samples: one.samples.map(({ histogram, ...rest }) =>
        histogram === undefined ? rest : { ...rest, histogram: { ...histogram, start: 0 } },
      ),
    }));
  // A message gives floats and histograms apart.
  const inOrder = plain.map(one => ({
    ...one,
    samples: [...one.samples].sort((a, b) => a.timeMs - b.timeMs),
  }));
  expect(withoutStarts(joined)).toEqual(withoutStarts(inOrder));
  return plain;
}

const shown = (series: readonly ReadSeries[]): unknown =>
  series.map(({ query, labels, samples }) => [
    query,
    labels.join(),
    samples.map(({ timeMs, value }) => [timeMs, new Float64Array(BigUint64Array.of(value ?? 0n).buffer)[0]]),
  ]);

describe('a remote read', () => {
  it('gives samples of all queries with the external label, labels sorted, both ends included', async () => {
    const w = await world();
    await write(w, [{ __name__: 'up', zone: 'z', instance: 'b' }], [{ timeMs: T - 1000, values: [0] }]);
    const found = await bothOf(w, [
      { startMs: T - 30_000, endMs: T, matchers: [['__name__', '=', 'm']] },
      { startMs: T - 29_999, endMs: T - 1000, matchers: [['__name__', '=~', 'm|up']] },
      { startMs: T, endMs: T - 1, matchers: [['__name__', '=', 'm']] },
    ]);
    expect(shown(found)).toEqual([
      [
        0,
        '__name__=m,job=page,region=eu',
        [
          [T - 30_000, 1],
          [T, 2],
        ],
      ],
      [1, '__name__=up,instance=b,region=eu,zone=z', [[T - 1000, 0]]],
    ]);
  });

  it.each<[string, TestQuery['matchers'], readonly string[]]>([
    ['its own value finds all that say no other', [['region', '=', 'eu']], ['a', 'c']],
    ['another value finds those that say it', [['region', '=', 'us']], ['b']],
    ['none finds those without it', [['region', '=', '']], ['a', 'c']],
    ['by an expression it is asked as it is stored', [['region', '=~', 'us|eu']], ['b']],
    [
      'other operators as well',
      [
        ['region', '!=', 'us'],
        ['i', '!~', 'c'],
      ],
      ['a'],
    ],
  ])('of an external label: %s', async (_, matchers, wanted) => {
    const w = await world();
    const sets = [{ i: 'a' }, { i: 'b', region: 'us' }, { i: 'c' }].map(set => ({ __name__: 'x', ...set }));
    await write(w, sets, [{ timeMs: T, values: [1, 2, 3] }]);
    const found = await bothOf(w, [{ ...EVERYTHING, matchers: [['__name__', '=', 'x'], ...matchers] }]);
    expect(found.map(({ labels }) => labels[1])).toEqual(wanted.map(i => `i=${i}`));
    expect(found.map(({ labels }) => labels[2])).toEqual(
      wanted.map(i => `region=${i === 'b' ? 'us' : 'eu'}`),
    );
  });

  it('keeps stale markers and native histograms', async () => {
    const w = await world();
    await write(
      w,
      [{ __name__: 'h' }],
      [
        { timeMs: T - 3000, values: [0], histograms: new Map([[0, HISTOGRAM]]) },
        {
          timeMs: T - 2000,
          values: [0],
          histograms: new Map([[0, { ...HISTOGRAM, integer: false, count: 6.5 }]]),
        },
        { timeMs: T - 1000, values: [0], isStale: true },
      ],
    );
    const [found] = await bothOf(w, [{ ...EVERYTHING, matchers: [['__name__', '=', 'h']] }]);
    const byTime = new Map(found?.samples.map(sample => [sample.timeMs, sample]));
    expect(byTime.get(T - 3000)?.histogram).toMatchObject({ count: 6, positive: [3, 2], schema: 0 });
    expect(byTime.get(T - 2000)?.histogram).toMatchObject({ count: 6.5, zeroThreshold: 0.001 });
    expect(byTime.get(T - 1000)?.value).toBe(0x7ff0000000000002n);
  });

  it('uses the hints for a narrower time, and gives labels alone to whoever lists series', async () => {
    const w = await world();
    const query = { startMs: T - 30_000, endMs: T, matchers: [['__name__', '=', 'm']] } as const;
    const times = async (hints: TestQuery['hints']): Promise<unknown> =>
      (await bothOf(w, [{ ...query, hints: hints ?? {} }])).map(({ samples }) =>
        samples.map(({ timeMs }) => timeMs),
      );
    expect(await times({ startMs: T - 10_000, endMs: T + 1000, func: 'rate' })).toEqual([[T]]);
    expect(await times({})).toEqual([[T - 30_000, T]]);
    const listed = await w.read([{ ...query, hints: { startMs: T - 30_000, endMs: T, func: 'series' } }]);
    expect(decodeReadResponse(await bodyOf(listed))).toEqual([
      { query: 0, labels: ['__name__=m', 'job=page', 'region=eu'], samples: [] },
    ]);
  });

  it('goes through many series page by page, and through long ones in several frames', async () => {
    const w = await world();
    const sets = Array.from({ length: 150 }, (_, i) => ({ __name__: 'many', i: String(i).padStart(3, '0') }));
    await write(
      w,
      sets,
      [1, 2].map(n => ({ timeMs: T - n * 1000, values: sets.map((_, i) => i * n) })).reverse(),
    );
    let selects = 0;
    const { reader } = w.deps;
    Object.assign(w.deps, {
      reader: {
        series: reader.series.bind(reader),
        select: (...asked: Parameters<typeof reader.select>) => {
          selects++;
          return reader.select(...asked);
        },
      },
    });
    const found = await bothOf(w, [{ ...EVERYTHING, matchers: [['__name__', '=', 'many']] }]);
    expect(found.map(({ labels }) => labels[1])).toEqual(sets.map(({ i }) => `i=${i}`));
    expect(selects).toBe(2 * 2);
  });

  it('cuts one long series into frames of about a megabyte', async () => {
    const w = await world();
    const count = 150_000;
    const values = Float64Array.from({ length: count }, (_, i) => Math.sin(i) * 1e9);
    const columns = {
      labels: labelsFrom({ __name__: 'long' }),
      ref: 1 as never,
      producer: undefined,
      timesMs: values.map((_, i) => T - count + i),
      values,
      from: 0,
      to: count,
    };
    Object.assign(w.deps, {
      reader: { series: async () => ok([columns.labels]), select: async () => ok([columns]) },
    });
    const body = await bodyOf(await w.read([EVERYTHING], [CHUNKS]));
    const frames = decodeFrames(body);
    expect(frames.length).toBe(2);
    expect(frames[0]?.bytes).toBeGreaterThan(1024 * 1024);
    expect(frames[0]?.bytes).toBeLessThan(1.2 * 1024 * 1024);
    const samples = frames.flatMap(frame => frame.samples);
    expect(samples.map(({ value }) => value)).toEqual([...new BigUint64Array(values.buffer)]);
  });

  it('answers in the first accepted kind that it knows, and in samples where none is named', async () => {
    const w = await world();
    const typeOf = async (accepted: readonly number[]): Promise<string | undefined> =>
      (await w.read([EVERYTHING], accepted)).headers['content-type'];
    expect(await typeOf([])).toBe('application/x-protobuf');
    expect(await typeOf([7, SAMPLES])).toBe('application/x-protobuf');
    expect(await typeOf([7, CHUNKS, SAMPLES])).toContain('x-streamed-protobuf');
    const refused = await w.read([EVERYTHING], [7]);
    expect([refused.status, textOf(refused)]).toEqual([400, expect.stringContaining('STREAMED_XOR_CHUNKS')]);
  });

  it('answers nothing with an empty body of either kind', async () => {
    const w = await world();
    const none: TestQuery = { ...EVERYTHING, matchers: [['__name__', '=', 'none']] };
    expect(await bothOf(w, [none])).toEqual([]);
  });
});

describe('a remote read is refused', () => {
  it('with an expression that is none', async () => {
    const w = await world();
    const refused = await w.read([{ ...EVERYTHING, matchers: [['a', '=~', '(']] }]);
    expect([refused.status, textOf(refused)]).toEqual([400, expect.stringContaining('a=~"("')]);
  });

  it('beyond the samples of one answer, which chunks have no limit of', async () => {
    const w = await world({ concurrentReads: 1, samplesMax: 1 });
    const refused = await w.read([EVERYTHING], [SAMPLES]);
    expect([refused.status, textOf(refused)]).toEqual([
      400,
      expect.stringContaining('exceeded sample limit (1)'),
    ]);
    expect(decodeFrames(await bodyOf(await w.read([EVERYTHING], [CHUNKS])))).toHaveLength(1);
  });

  it('when the store cannot be read: at once with its reason, later by breaking off', async () => {
    const w = await world({ concurrentReads: 1, samplesMax: 100 });
    const failing = { ok: false, error: { code: 'query-storage', message: 'the disk is gone' } };
    const { reader } = w.deps;
    Object.assign(w.deps, { reader: { series: reader.series.bind(reader), select: async () => failing } });
    for (const kind of [SAMPLES, CHUNKS]) {
      const refused = await w.read([EVERYTHING], [kind]);
      expect([refused.status, textOf(refused)]).toEqual([500, 'the disk is gone\n']);
    }
    let reads = 0;
    Object.assign(w.deps, {
      reader: {
        series: reader.series.bind(reader),
        select: (...asked: Parameters<typeof reader.select>) =>
          reads++ === 0 ? reader.select(...asked) : failing,
      },
    });
    // The first query is more than a part, so that it is sent before the second fails.
    const sets = Array.from({ length: 31 }, (_, i) => ({
      __name__: 'a',
      i: String(i),
      long: 'x'.repeat(3000),
    }));
    await write(w, sets, [{ timeMs: T, values: sets.map((_, i) => i) }]);
    const { body } = await w.read([EVERYTHING, EVERYTHING], [CHUNKS]);
    const parts = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    let last = await parts.next();
    expect(last.done).toBe(false);
    while (last.done !== true) last = await parts.next();
    expect(last.value).toBe('cut-off');
  });

  it('by nobody: others wait until one has been answered, or has left', async () => {
    const w = await world({ concurrentReads: 1, samplesMax: 100 });
    const first = new AbortController();
    const streaming = await w.read([EVERYTHING], [CHUNKS], first.signal);
    let isAnswered = false;
    const second = w.read([EVERYTHING], [CHUNKS]).then(response => {
      isAnswered = true;
      return response;
    });
    await new Promise(resolve => setImmediate(resolve));
    expect(isAnswered).toBe(false);
    const page = printFamilies(w.metrics.families());
    expect(page).toContain('watchkeeper_remote_reads{state="answered"} 1');
    expect(page).toContain('watchkeeper_remote_reads{state="waiting"} 1');
    await bodyOf(streaming);
    const third = w.read([EVERYTHING], [SAMPLES]);
    const left = (await second).body as AsyncGenerator<Uint8Array>;
    await left.next();
    await left.return(undefined);
    expect((await third).status).toBe(200);
    const gone = new AbortController();
    await w.read([EVERYTHING], [CHUNKS], gone.signal);
    gone.abort();
    expect((await w.read([EVERYTHING], [SAMPLES])).status).toBe(200);
    expect((await w.read([EVERYTHING], [CHUNKS], gone.signal)).status).toBe(499);
    const after = printFamilies(w.metrics.families());
    expect(after).toContain('watchkeeper_remote_reads{state="answered"} 0');
    expect(after).toContain('watchkeeper_remote_read_requests_total{status="499"} 1');
  });
});

describe('foreign bytes', () => {
  const good = encodeReadRequest(
    [{ ...EVERYTHING, hints: { func: 'rate', startMs: 1, endMs: T } }, EVERYTHING],
    [CHUNKS, SAMPLES],
  );

  async function statusOf(w: World, body: Uint8Array): Promise<number> {
    const response = await w.ask({ method: 'POST', path: '/api/v1/read', rawBody: async () => ok(body) });
    if (response.status === 400) expect(textOf(response)).toMatch(/^Cannot .+: .+\n$/s);
    else await bodyOf(response);
    return response.status;
  }

  it('are answered with a reason, and never break anything', async () => {
    const w = await world();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }).map(bytes => ({ bytes, at: -1, byte: 0 })),
          fc.record({
            bytes: fc.constant(good),
            at: fc.nat({ max: good.length - 1 }),
            byte: fc.nat({ max: 255 }),
          }),
        ),
        async ({ bytes, at, byte }) => {
          const changed = bytes.slice();
          if (at >= 0) changed[at] = byte;
          for (const plain of [changed, changed.subarray(0, Math.max(0, at))]) {
            expect([200, 400]).toContain(await statusOf(w, new Uint8Array(compressSync(Buffer.from(plain)))));
            expect([200, 400]).toContain(await statusOf(w, plain));
          }
        },
      ),
      { seed: 4, numRuns: 300 },
    );
  });

  it.each<[string, Uint8Array, string]>([
    ['bytes that are no snappy', Uint8Array.of(255, 255, 255, 255, 255), 'not a snappy block'],
    ['an unfinished message', compressed(good.subarray(0, 30)), 'not a valid message'],
    ['an unknown matcher', compressed(Uint8Array.of(10, 4, 26, 2, 8, 9)), 'unknown type 9'],
    [
      'a text that is not UTF-8',
      compressed(Uint8Array.of(10, 6, 26, 4, 18, 2, 0xc3, 0x28)),
      'not valid UTF-8',
    ],
    [
      'too many queries',
      compressed(encodeReadRequest(new Array<TestQuery>(101).fill(EVERYTHING))),
      'more than 100 queries',
    ],
  ])('%s', async (_, body, says) => {
    const w = await world();
    const refused = await w.ask({ method: 'POST', path: '/api/v1/read', rawBody: async () => ok(body) });
    expect([refused.status, textOf(refused)]).toEqual([400, expect.stringContaining(says)]);
  });

  function compressed(plain: Uint8Array): Uint8Array {
    return new Uint8Array(compressSync(Buffer.from(plain)));
  }
});
