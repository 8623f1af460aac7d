// One block: matching against the matchers' own verdicts, reading of windows, and a reader that takes any bytes.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/clock.ts';
import { FakeDisk } from '../../../test/support/disk.ts';
import { seededRandom } from '../../../test/support/random.ts';
import { crc32c } from '../../base/index.ts';
import {
  compareLabels,
  compileMatchers,
  formatLabels,
  type Labels,
  labelsFrom,
  labelValue,
  type Matcher,
  type SeriesColumns,
  type SeriesRef,
  targetId,
} from '../../model/index.ts';
import { ByteWriter } from '../bytes.ts';
import { Block } from './block.ts';
import { SEGMENT_SAMPLES } from './limits.ts';
import { encodeMeta } from './meta.ts';
import { PAGE_CONTENT, PageCache } from './paged.ts';
import { Slices } from './slices.ts';
import { BlockWriter } from './writer.ts';

const FOLDER = '/b';
const ALWAYS = { fromMs: -Infinity, toMs: Infinity };

function seriesOf(count: number, samples: number): SeriesColumns[] {
  const shared = Float64Array.from({ length: samples }, (_, i) => 1_000_000 + 15_000 * i);
  return Array.from({ length: count }, (_, i) => ({
    labels: labelsFrom({
      __name__: `m${i % 7}`,
      i: String(i),
      ...(i % 3 === 0 ? { zone: 'é' } : {}),
      ...(i % 2 === 0 ? { job: 'a|b' } : { job: 'c' }),
    }),
    ref: (i + 1) as SeriesRef,
    producer: i % 5 === 0 ? undefined : targetId(`p${i % 4}`),
    timesMs: i % 6 === 0 ? shared.map(timeMs => timeMs + i) : shared,
    values: Float64Array.from({ length: samples }, (_, k) => k * i + (k % 9)),
    from: i % 4 === 0 ? 3 : 0,
    to: samples,
  }));
}

async function write(disk: FakeDisk, series: readonly SeriesColumns[]): Promise<void> {
  const writer = await BlockWriter.create(disk, FOLDER);
  if (!writer.ok) throw new Error(writer.error.message);
  for (const one of series) writer.value.add(one);
  const facts = { number: 1, firstNumber: 1, fromMs: 0, toMs: 7_200_000, replaces: [], chunkIds: [4, 5, 9] };
  const slices = new Slices(new FakeClock());
  expect((await writer.value.finish(facts, { slices, conflicts: 0 })).ok).toBe(true);
}

async function opened(disk: FakeDisk): Promise<Block> {
  const block = await Block.open(disk, FOLDER, { cache: new PageCache(64 * 1024) });
  if (!block.ok) throw new Error(JSON.stringify(block.error));
  return block.value;
}

describe('a block', () => {
  const series = seriesOf(200, 1300);
  const disk = new FakeDisk();
  const ready = write(disk, series);

  it.each<[string, Matcher[]]>([
    ['nothing', []],
    ['an equality', [{ name: 'i', op: '=', value: '17' }]],
    ['a value that is not there', [{ name: 'i', op: '=', value: 'none' }]],
    ['a name that is not there', [{ name: 'none', op: '=', value: 'x' }]],
    ['the absence of a label', [{ name: 'zone', op: '=', value: '' }]],
    ['the presence of a label', [{ name: 'zone', op: '!=', value: '' }]],
    ['alternatives', [{ name: 'i', op: '=~', value: '3|30|300' }]],
    ['an expression', [{ name: 'i', op: '=~', value: '1.*' }]],
    ['an expression that the empty text fits', [{ name: 'zone', op: '=~', value: '.*' }]],
    ['a negated expression', [{ name: 'i', op: '!~', value: '.*[13579]' }]],
    [
      'several',
      [
        { name: '__name__', op: '=', value: 'm3' },
        { name: 'job', op: '!=', value: 'c' },
        { name: 'zone', op: '!~', value: 'x|y' },
      ],
    ],
    ['the name that producers are kept under', [{ name: '', op: '=', value: 'p1' }]],
  ])('selects by %s as the matchers say', async (_, matchers) => {
    await ready;
    const block = await opened(disk);
    const compiled = compileMatchers(matchers);
    if (!compiled.ok) throw new Error(compiled.error);
    const expected = series
      .filter(({ labels }) => compiled.value.every(one => one.test(labelValue(labels, one.name))))
      .map(({ labels }) => formatLabels(labels));
    const numbers = await block.match(compiled.value);
    const read = numbers.ok ? await block.read(numbers.value, ALWAYS) : numbers;
    if (!read.ok) throw new Error(JSON.stringify(read.error));
    expect(read.value.map(({ labels }) => formatLabels(labels)).sort()).toEqual(expected.sort());
    await block.close();
  });

  it('finds the series of a range of labels among those that match', async () => {
    await ready;
    const block = await opened(disk);
    const compiled = compileMatchers([{ name: 'i', op: '!~', value: '.*[13579]' }]);
    if (!compiled.ok) throw new Error(compiled.error);
    const numbers = await block.match(compiled.value);
    if (!numbers.ok) throw new Error('unreadable');
    const sorted = series.map(({ labels }) => labels).sort(compareLabels);
    for (const [from, to] of [
      [0, 199],
      [0, 0],
      [17, 60],
      [199, 199],
      [60, 17],
    ] as const) {
      const range = { first: sorted[from] as Labels, last: sorted[to] as Labels };
      const found = await block.between(numbers.value, range);
      const read = found.ok ? await block.read(found.value, ALWAYS) : found;
      if (!read.ok) throw new Error('unreadable');
      const wanted = sorted.filter(
        (one, k) => k >= from && k <= to && Number(labelValue(one, 'i')) % 2 === 0,
      );
      expect(read.value.map(({ labels }) => labels)).toEqual(wanted);
    }
    await block.close();
  });

  it('gives samples, refs and producers back, and reads no more segments than a window needs', async () => {
    await ready;
    const block = await opened(disk);
    const read = await block.read(
      series.map((_, i) => i),
      { fromMs: 1_000_000 + 15_000 * 600, toMs: 1_000_000 + 15_000 * 610 },
    );
    if (!read.ok) throw new Error('unreadable');
    expect(read.value.length).toBe(series.length);
    for (const one of read.value) {
      const origin = series.find(candidate => candidate.ref === one.ref);
      expect(formatLabels(one.labels)).toBe(formatLabels(origin?.labels ?? one.labels));
      expect(one.producer).toBe(origin?.producer);
      expect(one.timesMs.length).toBeLessThanOrEqual(SEGMENT_SAMPLES);
      for (let i = one.from; i < one.to; i++) {
        const at = origin?.timesMs.indexOf(one.timesMs[i] as number) ?? -1;
        expect(one.values[i]).toBe(origin?.values[at]);
      }
      expect(one.to - one.from).toBeGreaterThanOrEqual(9);
    }
    const shared = new Set(read.value.map(({ timesMs }) => timesMs));
    expect(shared.size).toBeLessThan(series.length / 2);
    await block.close();
  });

  it('stores equal times once', async () => {
    await ready;
    const block = await opened(disk);
    // Whole ones and those without the first three samples are the shared ones; each sixth series has its own.
    expect(block.meta.timelines).toBeLessThanOrEqual(2 + Math.ceil(series.length / 6));
    await block.close();
  });
});

describe('a reader of foreign bytes', () => {
  /** Pages with right checksums around wrong content. */
  function paged(content: Uint8Array): Uint8Array {
    const out = new ByteWriter();
    for (let at = 0; at < content.length; at += PAGE_CONTENT) {
      const page = content.slice(at, at + PAGE_CONTENT);
      out.raw(page);
      out.u32(crc32c(page, { from: 0, to: page.length }));
    }
    return out.bytes().slice();
  }

  function unpaged(file: Uint8Array): Uint8Array {
    const out = new ByteWriter();
    for (let at = 0; at < file.length; at += PAGE_CONTENT + 4)
      out.raw(file.subarray(at, Math.min(file.length, at + PAGE_CONTENT + 4) - 4));
    return out.bytes().slice();
  }

  it('refuses or answers, and never throws, where all checksums are right', async () => {
    const random = seededRandom(3);
    const disk = new FakeDisk();
    await write(disk, seriesOf(40, 30));
    const sound = { index: disk.bytesOf('/b/index'), data: disk.bytesOf('/b/data') };
    const { meta } = await opened(disk);
    const all = compileMatchers([{ name: 'i', op: '=~', value: '.+' }]);
    let refused = 0;
    for (let round = 0; round < 800; round++) {
      const name = round % 4 === 0 ? 'data' : 'index';
      const content = unpaged(sound[name] as Uint8Array);
      for (let k = 0; k <= random.uint32() % 4; k++)
        content[random.uint32() % content.length] = random.uint32() & 255;
      disk.putFile(`/b/${name}`, paged(content));
      if (round % 9 === 0) {
        const sections = { ...meta.sections, series: meta.sections.series - (random.uint32() % 50) };
        disk.putFile('/b/meta', encodeMeta({ ...meta, sections }));
      }
      const block = await Block.open(disk, FOLDER, { cache: new PageCache(64 * 1024) });
      if (block.ok && all.ok) {
        const numbers = await block.value.match(all.value);
        const read = numbers.ok ? await block.value.read(numbers.value, ALWAYS) : numbers;
        const listed = await block.value.labelsOf([0, 1, 2, 39], ALWAYS);
        if (!read.ok || !listed.ok) refused++;
        await block.value.close();
      } else refused++;
      disk.putFile('/b/meta', encodeMeta(meta));
      disk.putFile('/b/index', sound.index as Uint8Array);
      disk.putFile('/b/data', sound.data as Uint8Array);
    }
    expect(refused).toBeGreaterThan(100);
  });
});
