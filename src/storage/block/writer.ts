// Writes one block under a passing name: series by series the columns, then the index, then what it is. The caller
// publishes the folder by renaming it.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { assert, type Disk, type DiskError, ok, type Result } from '../../base/index.ts';
import { type SeriesColumns, wordsOf } from '../../model/index.ts';
import { ByteWriter } from '../bytes.ts';
import { ColumnScratch, writeColumn } from '../codec/column.ts';
import { COLUMN, type ExtraColumn, extraColumns } from '../extra-columns.ts';
import { ColumnExtrasBuilder } from '../extras.ts';
import { writeSynced } from '../synced-file.ts';
import { type IndexedColumn, type IndexedSeries, type IndexedTimeline, writeIndex } from './index-writer.ts';
import { SEGMENT_SAMPLES, TIMELINES_REMEMBERED } from './limits.ts';
import { type BlockMeta, encodeMeta } from './meta.ts';
import { PagedWriter } from './paged.ts';
import type { Slices } from './slices.ts';

export const FILES = { meta: 'meta', data: 'data', index: 'index', tombstones: 'tombstones' } as const;

/** What the caller knows about the block; the rest is counted while it is written. */
export type BlockFacts = Pick<
  BlockMeta,
  'number' | 'firstNumber' | 'fromMs' | 'toMs' | 'replaces' | 'chunkIds'
>;

interface KnownRange {
  readonly from: number;
  readonly to: number;
  readonly timeline: number;
}

export class BlockWriter {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #data: PagedWriter;
  readonly #scratch = new ColumnScratch(SEGMENT_SAMPLES);
  readonly #column = new ByteWriter(SEGMENT_SAMPLES * 8);
  readonly #series: IndexedSeries[] = [];
  readonly #timelines: IndexedTimeline[] = [];
  /** By the bytes they were encoded to: equal ones are stored once. */
  readonly #byBytes = new Map<string, number>();
  /** By identity, which is cheaper: series of one batch share their times. */
  #byTimes = new WeakMap<Float64Array, KnownRange>();
  #samples = 0;
  #minMs = Infinity;
  #maxMs = -Infinity;
  #refMax = 0;

  private constructor(disk: Disk, folder: string, data: PagedWriter) {
    this.#disk = disk;
    this.#folder = folder;
    this.#data = data;
  }

  /** The folder must not exist. */
  static async create(disk: Disk, folder: string): Promise<Result<BlockWriter, DiskError>> {
    const made = await disk.makeFolder(folder);
    if (!made.ok) return made;
    const data = await PagedWriter.create(disk, `${folder}/${FILES.data}`);
    return data.ok ? ok(new BlockWriter(disk, folder, data.value)) : data;
  }

  get samples(): number {
    return this.#samples;
  }

  /** Takes one series with at least one sample. No label set may come twice. */
  add(series: SeriesColumns): void {
    const { timesMs, values, from, to } = series;
    assert(from < to, 'a series of a block has samples');
    const timeline = this.#timelineOf(timesMs, from, to);
    const floats = this.#addFloats(values, from, to);
    const { labels, ref, producer } = series;
    const columns =
      series.histograms === undefined && series.startTimesMs === undefined
        ? [floats]
        : [floats, ...this.#addExtras(series)];
    this.#series.push({ labels, ref, producer, timeline, columns });
    this.#samples += to - from;
    this.#minMs = Math.min(this.#minMs, timesMs[from]!);
    this.#maxMs = Math.max(this.#maxMs, timesMs[to - 1]!);
    this.#refMax = Math.max(this.#refMax, ref);
  }

  #addFloats(values: Float64Array, from: number, to: number): IndexedColumn {
    const at = this.#data.at;
    const words = wordsOf(values);
    const lengths: number[] = [];
    for (let start = from; start < to; start += SEGMENT_SAMPLES) {
      const count = Math.min(SEGMENT_SAMPLES, to - start);
      // By words: a NaN's bits must not pass through a number.
      this.#scratch.words.set(words.subarray(2 * start, 2 * (start + count)));
      this.#column.clear();
      writeColumn(this.#column, this.#scratch, count);
      lengths.push(this.#column.length);
      this.#data.add(this.#column.bytes());
    }
    return { kind: COLUMN.floats, at, lengths };
  }

  /** A column of each kind that the samples have, segment by segment like the floats. */
  #addExtras(series: SeriesColumns): IndexedColumn[] {
    const { from, to } = series;
    const parts: ExtraColumn[][] = [];
    for (let start = from; start < to; start += SEGMENT_SAMPLES) {
      const count = Math.min(SEGMENT_SAMPLES, to - start);
      const builder = new ColumnExtrasBuilder(count);
      builder.copy(series, start, { count, at: 0 });
      parts.push(extraColumns(builder.finish(), { count, scratch: this.#scratch }));
    }
    const kinds = new Set(parts.flat().map(({ kind }) => kind));
    return [...kinds].map(kind => {
      const at = this.#data.at;
      const lengths = parts.map(columns => {
        const column = columns.find(one => one.kind === kind);
        if (column === undefined) return 0;
        this.#data.add(column.bytes);
        return column.bytes.length;
      });
      return { kind, at, lengths };
    });
  }

  flush(): Promise<Result<void, DiskError>> {
    return this.#data.flush();
  }

  /** Writes the rest and makes all of it durable, the folder's name in its parent excepted. */
  async finish(
    facts: BlockFacts,
    work: { readonly slices: Slices; readonly conflicts: number },
  ): Promise<Result<BlockMeta, DiskError>> {
    const ended = await this.#data.end();
    await this.#data.close();
    if (!ended.ok) return ended;
    const index = await PagedWriter.create(this.#disk, `${this.#folder}/${FILES.index}`);
    if (!index.ok) return index;
    const content = { series: this.#series, timelines: this.#timelines };
    const sections = await writeIndex(index.value, content, work.slices);
    const synced = sections.ok ? await index.value.end() : sections;
    await index.value.close();
    if (!sections.ok) return sections;
    if (!synced.ok) return synced;
    const meta: BlockMeta = {
      ...facts,
      minMs: this.#minMs,
      maxMs: this.#maxMs,
      series: this.#series.length,
      samples: this.#samples,
      timelines: this.#timelines.length,
      conflicts: work.conflicts,
      refMax: this.#refMax,
      dataBytes: this.#data.at,
      indexBytes: index.value.at,
      sections: sections.value,
    };
    const written = await writeSynced(this.#disk, `${this.#folder}/${FILES.meta}`, encodeMeta(meta));
    if (!written.ok) return written;
    const named = await this.#disk.syncFolder(this.#folder);
    return named.ok ? ok(meta) : named;
  }

  /** Lets go of the files of a block that will not be finished. */
  async abandon(): Promise<void> {
    await this.#data.close();
  }

  #timelineOf(timesMs: Float64Array, from: number, to: number): number {
    const known = this.#byTimes.get(timesMs);
    if (known !== undefined && known.from === from && known.to === to) return known.timeline;
    const timeline = this.#encodeTimes(timesMs.subarray(from, to));
    this.#byTimes.set(timesMs, { from, to, timeline });
    return timeline;
  }

  #encodeTimes(times: Float64Array): number {
    const bytes: Uint8Array[] = [];
    let text = '';
    for (let start = 0; start < times.length; start += SEGMENT_SAMPLES) {
      const part = times.subarray(start, start + SEGMENT_SAMPLES);
      this.#scratch.values.set(part);
      this.#column.clear();
      writeColumn(this.#column, this.#scratch, part.length);
      bytes.push(this.#column.bytes().slice());
      text += `${this.#column.length}:${Buffer.from(this.#column.bytes()).toString('latin1')}`;
    }
    const key = `${times.length};${text}`;
    const known = this.#byBytes.get(key);
    if (known !== undefined) return known;
    const at = this.#data.at;
    for (const one of bytes) this.#data.add(one);
    const segments = bytes.map((one, i) => ({
      bytes: one.length,
      minMs: times[i * SEGMENT_SAMPLES]!,
      maxMs: times[Math.min(times.length, (i + 1) * SEGMENT_SAMPLES) - 1]!,
    }));
    const timeline = this.#timelines.push({ at, count: times.length, segments }) - 1;
    this.#byBytes.set(key, timeline);
    if (this.#byBytes.size > TIMELINES_REMEMBERED) {
      const oldest = this.#byBytes.keys().next();
      if (!oldest.done) this.#byBytes.delete(oldest.value);
    }
    return timeline;
  }
}
