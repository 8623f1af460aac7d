// An open block: answers who is in it and what they had in a stretch of time. Nothing in its files changes but the
// tombstones. Readers hold it while they read; its files are closed and removed when the last one lets go.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type Disk, type DiskError, ok, type Pace, type Result } from '../../base/index.ts';
import {
  type CompiledMatcher,
  compareLabels,
  type FloatLender,
  type Labels,
  type LabelsRange,
  type ReadWork,
  type SeriesColumns,
} from '../../model/index.ts';
import { ByteReader } from '../bytes.ts';
import { mayHoldMarkers, readColumn } from '../codec/column.ts';
import { roomOf } from '../codec/room.ts';
import { readExtraColumns } from '../extra-columns.ts';
import { type ColumnExtras, ColumnExtrasBuilder } from '../extras.ts';
import { writeSynced } from '../synced-file.ts';
import { BlockIndex, type ColumnPlace, type SeriesRecord, type TimelineRecord } from './block-index.ts';
import { type BlockFailure, damaged, diskFailure } from './failure.ts';
import { TIMES_SAMPLES_MAX } from './limits.ts';
import { type BlockMeta, decodeMeta } from './meta.ts';
import { type PageCache, PagedFile, pagedFileBytes } from './paged.ts';
import {
  decodeTombstones,
  encodeTombstones,
  isIn,
  type Stretch,
  type Tombstones,
  withoutStretches,
  withStretch,
} from './tombstones.ts';
import { FILES } from './writer.ts';

/** Samples with fromMs < time <= toMs. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

type Answer<T> = Promise<Result<T, BlockFailure>>;

/** Times of one timeline within a window, and which of its segments they are. */
interface Times {
  readonly timesMs: Float64Array;
  readonly firstSegment: number;
  readonly segments: TimelineRecord['segments'];
  readonly from: number;
  readonly to: number;
}

/** Times of a block's timelines, decoded once for all series that share them. Bounded: it starts anew when it is full. */
export class TimesCache {
  readonly #lines = new Map<number, Times>();
  #samples = 0;

  get(timeline: number): Times | undefined {
    return this.#lines.get(timeline);
  }

  set(timeline: number, times: Times): void {
    if (this.#samples > TIMES_SAMPLES_MAX) {
      this.#lines.clear();
      this.#samples = 0;
    }
    this.#lines.set(timeline, times);
    this.#samples += times.timesMs.length;
  }
}

/** Of a sample while it is read: in its column, and once more where blocks and the head are put together. */
const SAMPLE_BYTES = 16;

export class Block {
  readonly folder: string;
  readonly meta: BlockMeta;
  readonly #disk: Disk;
  readonly #index: BlockIndex;
  readonly #data: PagedFile;
  #tombstones: Tombstones;
  #holders = 0;
  #whenFree: (() => void)[] = [];

  private constructor(
    place: { readonly disk: Disk; readonly folder: string },
    files: { readonly index: BlockIndex; readonly data: PagedFile },
    content: { readonly meta: BlockMeta; readonly tombstones: Tombstones },
  ) {
    this.#disk = place.disk;
    this.folder = place.folder;
    this.#index = files.index;
    this.#data = files.data;
    this.meta = content.meta;
    this.#tombstones = content.tombstones;
  }

  /** Takes deletions from the block's own file unless they are given. */
  static async open(
    disk: Disk,
    folder: string,
    how: { readonly cache: PageCache; readonly tombstones?: Tombstones },
  ): Answer<Block> {
    const { cache } = how;
    const meta = await readSmall(disk, `${folder}/${FILES.meta}`, decodeMeta);
    if (!meta.ok) return meta;
    if (meta.value === undefined) return damaged(`${folder}/${FILES.meta}`, 0, 'the file is missing');
    const tombstones =
      how.tombstones === undefined
        ? await readSmall(disk, `${folder}/${FILES.tombstones}`, decodeTombstones)
        : ok(how.tombstones);
    if (!tombstones.ok) return tombstones;
    const { dataBytes, indexBytes } = meta.value;
    const data = await PagedFile.open(disk, `${folder}/${FILES.data}`, { contentBytes: dataBytes, cache });
    if (!data.ok) return data;
    const file = await PagedFile.open(disk, `${folder}/${FILES.index}`, { contentBytes: indexBytes, cache });
    const index = file.ok ? await BlockIndex.open(file.value, meta.value) : file;
    if (!index.ok) {
      await data.value.close();
      if (file.ok) await file.value.close();
      return index;
    }
    const content = { meta: meta.value, tombstones: tombstones.value ?? new Map() };
    return ok(new Block({ disk, folder }, { index: index.value, data: data.value }, content));
  }

  /** On disk. */
  get bytes(): number {
    return pagedFileBytes(this.meta.dataBytes) + pagedFileBytes(this.meta.indexBytes);
  }

  get tombstones(): Tombstones {
    return this.#tombstones;
  }

  /** They make no sense where the pace says that the work shall end. */
  match(matchers: readonly CompiledMatcher[], pace?: Pace): Answer<Uint32Array> {
    return this.#index.match(matchers, pace);
  }

  /** Of rising numbers those of series in the range: numbers are given in the order of labels. */
  async between(numbers: Uint32Array, { first, last }: LabelsRange): Answer<Uint32Array> {
    const from = await this.#firstWhere(numbers, labels => compareLabels(labels, first) >= 0);
    if (!from.ok) return from;
    const to = await this.#firstWhere(numbers, labels => compareLabels(labels, last) > 0);
    return to.ok ? ok(numbers.subarray(from.value, to.value)) : to;
  }

  /** By halving: of all behind one whose labels fit, the labels fit. */
  async #firstWhere(numbers: Uint32Array, fits: (labels: Labels) => boolean): Answer<number> {
    let [low, high] = [0, numbers.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const record = await this.#index.series(numbers[middle]!);
      if (!record.ok) return record;
      if (fits(record.value.labels)) high = middle;
      else low = middle + 1;
    }
    return ok(low);
  }

  /** What the series had in the window, deleted samples left out, in the order of the numbers; the empty ones are left out. */
  async read(
    numbers: Iterable<number>,
    window: Window,
    how: {
      /** Series at most; 0 is no limit. */
      readonly limit?: number;
      /** Of reads before this one with the same window. */
      readonly times?: TimesCache;
      readonly memory?: FloatLender | undefined;
      /** Where it says no, what was read so far is all. */
      readonly work?: ReadWork | undefined;
    } = {},
  ): Answer<SeriesColumns[]> {
    const { limit = 0, times: lines = new TimesCache(), memory, work } = how;
    const found: SeriesColumns[] = [];
    for (const number of numbers) {
      const record = await this.#index.series(number);
      if (!record.ok) return record;
      const times = await this.#timesOf(record.value.timeline, window, lines);
      if (!times.ok) return times;
      const line = times.value;
      if (line.from === line.to) continue;
      if (work?.reserve(line.timesMs.length * SAMPLE_BYTES) === false) break;
      if (work?.isDue() && !(await work.pause())) break;
      const values = await this.#decode(partsOf(record.value.floats, line), memory);
      if (!values.ok) return values;
      const extras = await this.#extrasOf(record.value, line);
      if (!extras.ok) return extras;
      const one = { ...columnsOf(record.value, line, values.value), ...extras.value };
      const left = this.#withoutDeleted(number, one);
      if (left.from === left.to) continue;
      found.push(left);
      if (found.length === limit) break;
    }
    return ok(found);
  }

  /** Labels of those among the series that have samples in the window; where `work` says no, what was found so far. */
  async labelsOf(numbers: Iterable<number>, window: Window, work?: ReadWork): Answer<Labels[]> {
    const found: Labels[] = [];
    const lines = new TimesCache();
    for (const number of numbers) {
      const record = await this.#index.series(number);
      if (!record.ok) return record;
      const times = await this.#timesOf(record.value.timeline, window, lines);
      if (!times.ok) return times;
      const { timesMs, from, to } = times.value;
      const deleted = this.#tombstones.get(number) ?? [];
      for (let i = from; i < to; i++) {
        if (isIn(deleted, timesMs[i]!)) continue;
        found.push(record.value.labels);
        break;
      }
      if (work?.isDue() && !(await work.pause())) break;
    }
    return ok(found);
  }

  /** Durable when it resolves `ok`; then no reader sees the samples any more. */
  async delete(numbers: Iterable<number>, stretch: Stretch): Promise<Result<void, DiskError>> {
    const after = withStretch(this.#tombstones, numbers, stretch);
    const path = `${this.folder}/${FILES.tombstones}`;
    const left = await this.#disk.remove(`${path}.new`);
    if (!left.ok && left.error.code !== 'disk-not-found') return left;
    const written = await writeSynced(this.#disk, `${path}.new`, encodeTombstones(after));
    const renamed = written.ok ? await this.#disk.rename(`${path}.new`, path) : written;
    const named = renamed.ok ? await this.#disk.syncFolder(this.folder) : renamed;
    if (named.ok) this.#tombstones = after;
    return named;
  }

  hold(): void {
    this.#holders++;
  }

  release(): void {
    if (--this.#holders > 0) return;
    for (const free of this.#whenFree.splice(0)) free();
  }

  /** Resolves once nobody reads it any more and its files are closed. The caller sees to it that nobody begins. */
  async close(): Promise<void> {
    if (this.#holders > 0) await new Promise<void>(resolve => this.#whenFree.push(resolve));
    await this.#index.close();
    await this.#data.close();
  }

  async #timesOf(timeline: number, window: Window, lines: TimesCache): Answer<Times> {
    const known = lines.get(timeline);
    if (known !== undefined) return ok(known);
    const record = await this.#index.timeline(timeline);
    if (!record.ok) return record;
    const all = record.value.segments;
    const inside = all.filter(one => one.maxMs > window.fromMs && one.minMs <= window.toMs);
    const firstSegment = inside[0] === undefined ? 0 : all.indexOf(inside[0]);
    const decoded = await this.#decode(inside, undefined);
    if (!decoded.ok) return decoded;
    const timesMs = decoded.value.values;
    const from = firstAfter(timesMs, window.fromMs);
    const to = firstAfter(timesMs, window.toMs);
    const line = { timesMs, firstSegment, segments: inside, from, to };
    lines.set(timeline, line);
    return ok(line);
  }

  async #extrasOf(record: SeriesRecord, line: Times): Answer<ColumnExtras> {
    if (record.extras.length === 0) return ok({});
    const builder = new ColumnExtrasBuilder(line.timesMs.length);
    for (const column of record.extras) {
      let at = 0;
      for (const part of partsOf(column, line)) {
        const { count } = part;
        if (part.bytes > 0) {
          const bytes = await this.#data.read(part.at, part.bytes);
          if (!bytes.ok) return bytes;
          const read = readExtraColumns([{ kind: column.kind, bytes: bytes.value }], count);
          if (read === 'damaged') return damaged(this.#data.path, part.at, 'a column makes no sense');
          builder.copy(read, 0, { count, at });
        }
        at += count;
      }
    }
    return ok(builder.finish());
  }

  /** Segments that follow one another in the data file. */
  async #decode(segments: readonly Part[], memory: FloatLender | undefined): Answer<Decoded> {
    const first = segments[0];
    if (first === undefined) return ok({ values: new Float64Array(0), isPlain: true });
    const length = segments.reduce((sum, one) => sum + one.bytes, 0);
    const bytes = await this.#data.read(first.at, length);
    if (!bytes.ok) return bytes;
    const count = segments.reduce((sum, one) => sum + one.count, 0);
    const room = roomOf(memory?.floats(count) ?? new Float64Array(count));
    let isPlain = true;
    const reader = new ByteReader(bytes.value);
    let from = 0;
    room.count = 0;
    for (const one of segments) {
      room.at += room.count;
      room.count = one.count;
      if (mayHoldMarkers(bytes.value[from]!)) isPlain = false;
      if (!readColumn(reader.within(from, from + one.bytes), room))
        return damaged(this.#data.path, one.at, 'a column makes no sense');
      from += one.bytes;
    }
    return ok({ values: room.values, isPlain });
  }

  #withoutDeleted(number: number, one: SeriesColumns): SeriesColumns {
    const stretches = this.#tombstones.get(number);
    return stretches === undefined ? one : withoutStretches(one, stretches);
  }
}

/** One segment of a column in the data file. */
interface Part {
  readonly at: number;
  readonly bytes: number;
  readonly count: number;
}

/** Where the segments of a column lie that a line has. */
function partsOf(column: ColumnPlace, line: Times): Part[] {
  let { at } = column;
  for (let i = 0; i < line.firstSegment; i++) at += column.lengths[i] ?? 0;
  return line.segments.map((segment, i) => {
    const place = at;
    const bytes = column.lengths[line.firstSegment + i] ?? 0;
    at += bytes;
    return { at: place, bytes, count: segment.count };
  });
}

interface Decoded {
  readonly values: Float64Array;
  /** They are finite, all of them. */
  readonly isPlain: boolean;
}

function columnsOf(record: SeriesRecord, line: Times, { values, isPlain }: Decoded): SeriesColumns {
  const { labels, ref, producer } = record;
  return { labels, ref, producer, timesMs: line.timesMs, values, from: line.from, to: line.to, isPlain };
}

/** Index of the first time above `timeMs`. */
export function firstAfter(times: Float64Array, timeMs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! > timeMs) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A small checksummed file; undefined if it is not there. */
async function readSmall<T>(
  disk: Disk,
  path: string,
  decode: (bytes: Uint8Array) => Result<T, 'damaged' | 'newer'>,
): Answer<T | undefined> {
  const bytes = await disk.readFile(path);
  if (!bytes.ok) return bytes.error.code === 'disk-not-found' ? ok(undefined) : diskFailure(bytes.error);
  const decoded = decode(bytes.value);
  if (decoded.ok) return decoded;
  return decoded.error === 'newer'
    ? { ok: false, error: { kind: 'newer', path } }
    : damaged(path, 0, 'its checksum is wrong or it makes no sense');
}
