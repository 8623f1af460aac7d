// What a folder is said to hold, against what queries find in it; growth and forecasts against sums done by hand.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/clock.ts';
import { diskWith, FOLDER, filed } from '../testdata/filled.ts';
import { forecastOf, growthOf } from './forecast.ts';
import { type BlockPart, type FolderStats, statsOfFolder } from './stats.ts';

const DAY_MS = 86_400_000;
const ready = filed(11, { hours: 7 });

async function stats(): Promise<{
  readonly stats: FolderStats;
  readonly samples: ReadonlyMap<string, string>;
}> {
  const { files, samples } = await ready;
  const disk = await diskWith(files);
  const found = await statsOfFolder({ disk: disk.mount(), clock: new FakeClock(), folder: FOLDER });
  if (!found.ok) throw new Error(found.error.message);
  return { stats: found.value, samples };
}

const metricOf = (name: string): string => /^[^{]*/.exec(name)?.[0] ?? '';

describe('the statistics of a folder', () => {
  it('count series and samples as queries find them', async () => {
    const { stats: found, samples } = await stats();
    const series = new Set([...samples.keys()].map(key => key.slice(0, key.lastIndexOf(' '))));
    const deleted = found.blocks.reduce((sum, block) => sum + block.deletedSeries, 0);
    // What is deleted still takes its room.
    expect(found.samples).toBeGreaterThanOrEqual(samples.size);
    expect(deleted).toBeGreaterThan(0);
    expect(found.series).toBe(series.size);
    for (const { metric, series: count } of found.metrics)
      expect(count, metric).toBe([...series].filter(name => metricOf(name) === metric).length);
    const ofMetrics = found.metrics.reduce((sum, one) => sum + one.samples, 0);
    expect(ofMetrics).toBe(found.samples);
    expect(found.unread).toEqual([]);
  });

  it('give each metric its part of the bytes of blocks, all of them together', async () => {
    const { stats: found } = await stats();
    const { files } = await ready;
    const onDisk = [...files]
      .filter(([path]) => /(?:index|data)$/.test(path))
      .reduce((sum, [, bytes]) => sum + bytes.length, 0);
    expect(found.blocks.reduce((sum, block) => sum + block.bytes, 0)).toBe(onDisk);
    const ofMetrics = found.metrics.reduce((sum, one) => sum + one.bytes, 0);
    expect(ofMetrics).toBeGreaterThan(onDisk);
    expect(ofMetrics).toBeLessThan(onDisk + found.head.bytes);
  });

  it('tell the values of labels, and which series are new', async () => {
    const { stats: found } = await stats();
    const label = (name: string) => found.labels.find(one => one.label === name);
    expect(label('p')).toMatchObject({ values: 3, bytes: 3, series: found.series });
    expect(label('__name__')?.values).toBe(4);
    expect(label('run')?.values).toBe(5);
    expect(found.blocks[0]?.newSeries).toBe(null);
    // One of twelve series of each producer changes its label every hundred minutes; each counts where it is first.
    const first = found.blocks[0]?.series ?? 0;
    const later = [...found.blocks.slice(1), found.head].reduce(
      (sum, part) => sum + (part.newSeries ?? 0),
      0,
    );
    expect(first + later).toBe(found.series);
  });

  it('say that a folder is no store', async () => {
    const disk = await diskWith(new Map([['/x/y', new Uint8Array(1)]]));
    const found = await statsOfFolder({ disk, clock: new FakeClock(), folder: '/x' });
    expect(found).toMatchObject({ ok: false, error: { code: 'disk-not-found' } });
  });
});

describe('a forecast', () => {
  const block = (day: number, bytes: number, newSeries: number | null): BlockPart => ({
    name: `b${day}`,
    minMs: day * DAY_MS,
    maxMs: (day + 1) * DAY_MS,
    series: 10,
    samples: 1000,
    bytes,
    deletedSeries: 0,
    newSeries,
  });
  const noHead = {
    series: 0,
    samples: 0,
    bytes: 0,
    files: 0,
    minMs: Infinity,
    maxMs: -Infinity,
    newSeries: null,
  };
  const of = (blocks: readonly BlockPart[]): FolderStats => ({
    blocks,
    head: noHead,
    series: 10,
    samples: 1000 * blocks.length,
    bytes: blocks.reduce((sum, one) => sum + one.bytes, 0),
    metrics: [],
    labels: [],
    policies: [],
    unread: [],
  });
  const days = (count: number, bytes = 100): FolderStats =>
    of(Array.from({ length: count }, (_, day) => block(day, bytes, day === 0 ? null : 24)));
  const limits = { retentionMs: 30 * DAY_MS, retentionBytes: 0, freeBytes: undefined };

  it('goes by the last week', () => {
    const old = Array.from({ length: 10 }, (_, day) => block(day, 1_000_000, 0));
    const late = Array.from({ length: 7 }, (_, day) => block(day + 10, 100, 24));
    expect(growthOf(of([...old, ...late]))).toEqual({
      bytesPerDay: 100,
      samplesPerDay: 1000,
      newSeriesPerHour: 1,
    });
  });

  it('tells when the age, the size or the disk puts an end to growing, whichever comes', () => {
    expect(forecastOf(days(10), limits)).toMatchObject({
      retentionInDays: 20,
      bytesAtRetention: 3000,
      sizeInDays: null,
    });
    expect(forecastOf(days(10), { ...limits, retentionBytes: 1500 })).toMatchObject({ sizeInDays: 5 });
    expect(forecastOf(days(10), { ...limits, retentionBytes: 900 })).toMatchObject({ sizeInDays: 0 });
    expect(forecastOf(days(10), { ...limits, retentionBytes: 5000, freeBytes: 5000 })).toMatchObject({
      sizeInDays: null,
      diskFullInDays: null,
    });
    expect(forecastOf(days(10), { ...limits, freeBytes: 300 })).toMatchObject({ diskFullInDays: 3 });
    expect(forecastOf(days(40), limits)).toMatchObject({ retentionInDays: 0 });
  });

  it('is not given where there is nothing to judge by', () => {
    expect(growthOf(of([]))).toBe(undefined);
    expect(forecastOf(of([{ ...block(0, 1, null), maxMs: 0 }]), limits)).toBe(undefined);
  });
});
