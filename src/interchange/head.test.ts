// What a Prometheus had not put into a block: its log with a checkpoint, its chunks on disk, its late samples and deletions, and
// what damage in them leaves.

import { describe, expect, it } from 'vitest';
import { FakeDisk } from '../../test/support/disk.ts';
import { randomHistogram } from '../../test/support/extras.ts';
import { seededRandom } from '../../test/support/random.ts';
import { ChunkCutter, type SampleChunk } from '../exposition/index.ts';
import {
  formatLabels,
  type Labels,
  labelsFrom,
  type NativeHistogram,
  type SeriesRef,
} from '../model/index.ts';
import {
  headChunks,
  samplesRecord,
  seriesRecord,
  startedRecord,
  stonesRecord,
  type WalSample,
  walSegment,
} from './testdata/wal-writer.ts';
import { ALL, contents, HOUR, imported, openAt, type Shown, START, shown, THEIRS } from './testdata/world.ts';

const LABELS: readonly Labels[] = Array.from({ length: 5 }, (_, i) =>
  labelsFrom({ __name__: 'm', i: String(i), ...(i === 2 ? { x: 'é\n' } : {}) }),
);
const STALE = 0x7ff0000000000002n;

function bitsOf(value: number): bigint {
  return new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n;
}

/** What comes out, by series. */
class Model {
  readonly #series = new Map<string, Map<number, string>>();

  add(labels: Labels, { timeMs, bits = 0n, histogram }: Omit<WalSample, 'ref'>): void {
    const values = new Float64Array(BigUint64Array.of(bits).buffer);
    const column = {
      ...{ labels, producer: undefined, timesMs: Float64Array.of(timeMs), values, from: 0, to: 1 },
      ...(histogram && { histograms: new Map([[0, histogram]]) }),
    };
    for (const [name, samples] of shown([column])) {
      const known = this.#series.get(name) ?? new Map<number, string>();
      for (const [at, text] of samples) if (!known.has(at)) known.set(at, text);
      this.#series.set(name, known);
    }
  }

  get shown(): Shown {
    return new Map(
      [...this.#series]
        .filter(([, samples]) => samples.size > 0)
        .map(([name, samples]) => [name, new Map([...samples].sort(([a], [b]) => a - b))]),
    );
  }
}

function chunkOf(samples: readonly Omit<WalSample, 'ref'>[]): SampleChunk {
  const [chunk] = new ChunkCutter().chunks(
    {
      ...{ labels: labelsFrom({}), ref: 1 as SeriesRef, producer: undefined },
      timesMs: Float64Array.from(samples, ({ timeMs }) => timeMs),
      values: new Float64Array(BigUint64Array.from(samples, ({ bits = 0n }) => bits).buffer),
      ...{ from: 0, to: samples.length },
    },
    { from: 0, to: samples.length },
  );
  if (chunk === undefined) throw new Error('no chunk');
  return chunk;
}

/** Differences of very large whole counts are not exact. */
function exact(histogram: NativeHistogram): NativeHistogram {
  const small = (count: number): number => Math.min(count, 2 ** 40);
  return {
    ...histogram,
    ...{ count: small(histogram.count), zeroCount: small(histogram.zeroCount) },
    positiveCounts: histogram.positiveCounts.map(small),
    negativeCounts: histogram.negativeCounts.map(small),
  };
}

const floats = (ref: number, fromMs: number, count: number): WalSample[] =>
  Array.from({ length: count }, (_, k) => ({
    ...{ ref, timeMs: fromMs + 15_000 * k },
    bits: k % 50 === 49 ? STALE : bitsOf(k / 3 + ref),
  }));

async function found(disk: FakeDisk): Promise<Shown> {
  const store = await openAt(disk);
  const all = await contents(store);
  await store.close();
  return all;
}

describe('the log', () => {
  it.each([true, false])('gives back its samples (compressed: %s)', async snappy => {
    const disk = new FakeDisk();
    const model = new Model();
    const random = seededRandom(4);
    const all = LABELS.map((labels, i) => [10 + i, labels] as const);
    const histograms: NativeHistogram[] = Array.from({ length: 40 }, () => exact(randomHistogram(random)));
    const records = [
      seriesRecord(all.slice(0, 3)),
      samplesRecord(floats(10, START, 700)),
      samplesRecord(floats(11, START + 3, 900)),
      seriesRecord(all.slice(3)),
      ...histograms.map((histogram, k) =>
        samplesRecord([{ ref: 13, timeMs: START + 60_000 * k, histogram }]),
      ),
      startedRecord(floats(14, START + HOUR, 30)),
      samplesRecord([{ ref: 99, timeMs: START, bits: 0n }]),
    ];
    for (const one of [...floats(10, START, 700)]) model.add(LABELS[0] ?? labelsFrom({}), one);
    for (const one of floats(11, START + 3, 900)) model.add(LABELS[1] ?? labelsFrom({}), one);
    for (const one of floats(14, START + HOUR, 30)) model.add(LABELS[4] ?? labelsFrom({}), one);
    for (const [k, histogram] of histograms.entries())
      model.add(LABELS[3] ?? labelsFrom({}), { timeMs: START + 60_000 * k, histogram });
    disk.putFile(`${THEIRS}/wal/00000007`, walSegment(records.slice(0, 3), { snappy }));
    disk.putFile(`${THEIRS}/wal/00000008`, walSegment(records.slice(3), { snappy }));
    const report = await imported(disk);
    expect(report).toMatchObject({ ok: true, value: { damageCount: 0, headDone: false } });
    expect(await found(disk)).toEqual(model.shown);
    // The same state again is passed over, another one is not.
    expect(await imported(disk)).toMatchObject({ ok: true, value: { samples: 0, headDone: true } });
    disk.putFile(`${THEIRS}/wal/00000009`, walSegment([samplesRecord(floats(12, START, 1))]));
    expect(await imported(disk)).toMatchObject({ ok: true, value: { headDone: false } });
    model.add(LABELS[2] ?? labelsFrom({}), { timeMs: START, bits: bitsOf(12) });
    expect(await found(disk)).toEqual(model.shown);
  });

  it('begins with its last checkpoint, and goes on behind it', async () => {
    const disk = new FakeDisk();
    const model = new Model();
    const labels = LABELS[0] ?? labelsFrom({});
    const put = (path: string, ...records: Uint8Array[]): void =>
      disk.putFile(`${THEIRS}/wal/${path}`, walSegment(records));
    put('checkpoint.00000002/00000000', seriesRecord([[1, LABELS[1] ?? labels]]));
    put('checkpoint.00000005/00000000', seriesRecord([[1, labels]]), samplesRecord(floats(1, START, 10)));
    put('00000005', samplesRecord(floats(1, START + HOUR, 10)));
    put('00000006', samplesRecord(floats(1, START + 2 * HOUR, 10)));
    for (const one of [...floats(1, START, 10), ...floats(1, START + 2 * HOUR, 10)]) model.add(labels, one);
    expect(await imported(disk)).toMatchObject({ ok: true, value: { damageCount: 0 } });
    expect(await found(disk)).toEqual(model.shown);
  });

  it('stands beside chunks on disk, late samples, deletions, and the same labels under two refs', async () => {
    const disk = new FakeDisk();
    const model = new Model();
    const [a = labelsFrom({}), b = labelsFrom({})] = LABELS;
    const early = floats(1, START, 100);
    const late = floats(1, START - HOUR, 20);
    const others = floats(3, START + HOUR, 40);
    disk.putFile(
      `${THEIRS}/wal/00000000`,
      walSegment([
        seriesRecord([
          [1, a],
          [2, b],
          [3, a],
        ]),
        // The log has what the chunk has, and more.
        samplesRecord(floats(1, START, 130)),
        samplesRecord(floats(2, START, 60)),
        samplesRecord(others),
        stonesRecord([[2, START + 100_000, START + 400_000]]),
      ]),
    );
    const zeros = new Uint8Array(500);
    const chunks = headChunks([
      { ref: 1, chunk: chunkOf(early) },
      { ref: 1, chunk: chunkOf(late), outOfOrder: true },
    ]);
    const file = new Uint8Array(chunks.length + zeros.length);
    file.set(chunks);
    disk.putFile(`${THEIRS}/chunks_head/000001`, file);
    disk.putFile(`${THEIRS}/chunks_head/000002`, new Uint8Array(0));
    const later = floats(2, START - 2 * HOUR, 5);
    disk.putFile(`${THEIRS}/wbl/00000000`, walSegment([samplesRecord(later)]));
    for (const one of [...late, ...floats(1, START, 130), ...others]) model.add(a, one);
    for (const one of [...later, ...floats(2, START, 60)])
      if (one.timeMs < START + 100_000 || one.timeMs > START + 400_000) model.add(b, one);
    expect(await imported(disk)).toMatchObject({ ok: true, value: { damageCount: 0 } });
    expect(await found(disk)).toEqual(model.shown);
  });

  it('tells of damage by file and place, and goes on behind it', async () => {
    const disk = new FakeDisk();
    const labels = LABELS[0] ?? labelsFrom({});
    const records = [seriesRecord([[1, labels]])];
    for (let k = 0; k < 2000; k++) records.push(samplesRecord(floats(1, START + 60_000 * k, 3)));
    const whole = walSegment(records);
    const flipped = whole.slice();
    flipped[40_000] = (flipped[40_000] ?? 0) ^ 4;
    disk.putFile(`${THEIRS}/wal/00000000`, flipped);
    disk.putFile(`${THEIRS}/wal/00000001`, walSegment(records.slice(1, 500)).subarray(0, 20_011));
    const report = await imported(disk);
    if (!report.ok) throw new Error(JSON.stringify(report.error));
    // The first page is sound, and so is what follows the second; the end of the last segment is where the program ended.
    expect(report.value.damage.map(({ file, cause }) => [file, cause])).toContainEqual([
      `${THEIRS}/wal/00000000`,
      'the checksum of a fragment is wrong',
    ]);
    expect(report.value.damage.every(({ file }) => file.endsWith('00000000'))).toBe(true);
    expect(report.value.samples).toBeGreaterThan(3000);
    const all = await found(disk);
    expect([...all.keys()]).toEqual([formatLabels(labels)]);
  });

  it('that is larger than what is held at a time is written in parts, and all of it is there', async () => {
    const disk = new FakeDisk();
    const labels = LABELS[0] ?? labelsFrom({});
    const histogram = exact({ ...randomHistogram(seededRandom(3)), positiveSpans: [], negativeSpans: [] });
    const bare = { ...histogram, positiveCounts: new Float64Array(0), negativeCounts: new Float64Array(0) };
    const records = [seriesRecord([[1, labels]])];
    const count = 70_000;
    for (let at = 0; at < count; at += 1000) {
      const samples = Array.from({ length: 1000 }, (_, k) => {
        const timeMs = START + 40 * (at + k);
        return { ref: 1, timeMs, histogram: { ...bare, sum: at + k } };
      });
      records.push(samplesRecord(samples));
    }
    disk.putFile(`${THEIRS}/wal/00000000`, walSegment(records));
    expect(await imported(disk)).toMatchObject({ ok: true, value: { samples: count, damageCount: 0 } });
    const store = await openAt(disk);
    expect(store.stats().blocks).toHaveLength(2);
    const found = await store.select([], ALL);
    expect(found.ok && found.value.map(({ from, to, histograms }) => [to - from, histograms?.size])).toEqual([
      [count, count],
    ]);
    await store.close();
  });

  it('with records of zstd has them decompressed, or told', async () => {
    const disk = new FakeDisk();
    const plain = [seriesRecord([[1, LABELS[0] ?? labelsFrom({})]]), samplesRecord(floats(1, START, 3))];
    const segment = walSegment(plain);
    // What says how a fragment is compressed is not part of the sum.
    segment[0] = 1 | 16;
    segment[7 + (plain[0]?.length ?? 0)] = 1 | 16;
    disk.putFile(`${THEIRS}/wal/00000000`, segment);
    expect(await imported(disk)).toMatchObject({ ok: true, value: { samples: 0, damageCount: 2 } });
    const unzstd = (bytes: Uint8Array) => ({ ok: true, value: bytes.slice() }) as const;
    disk.putFile(`${THEIRS}/wal/00000001`, walSegment([]));
    expect(await imported(disk, { unzstd })).toMatchObject({
      ok: true,
      value: { samples: 3, damageCount: 0 },
    });
  });
});
