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
import { type Room, Rooms, roomOf } from '../codec/room.ts';
import { readExtraColumns } from '../extra-columns.ts';
import { type ColumnExtras, ColumnExtrasBuilder } from '../extras.ts';
import { writeSynced } from '../synced-file.ts';
import { BlockIndex, type ColumnPlace, type SeriesRecord, type TimelineRecord } from './block-index.ts';
import { type BlockFailure, damaged, diskFailure } from './failure.ts';
import { SEGMENT_SAMPLES, TIMES_SAMPLES_MAX } from './limits.ts';
import { type BlockMeta, decodeMeta } from './meta.ts';
import { type PageCache, PagedFile, pagedFileBytes } from './paged.ts';
import type { RecordCache } from './record-cache.ts';
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
  readonly #records: RecordCache | undefined;
  #tombstones: Tombstones;
  #holders = 0;
  #whenFree: (() => void)[] = [];

  private constructor(
    place: { readonly disk: Disk; readonly folder: string },
    files: {
      readonly index: BlockIndex;
      readonly data: PagedFile;
      readonly records: RecordCache | undefined;
    },
    content: { readonly meta: BlockMeta; readonly tombstones: Tombstones },
  ) {
    this.#records = files.records;
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
    how: {
      readonly cache: PageCache;
      /** Where what is read of the index is remembered; undefined: each series is read once. */
      readonly records?: RecordCache;
      readonly tombstones?: Tombstones;
    },
  ): Answer<Block> {
    const { cache, records } = how;
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
    return ok(new Block({ disk, folder }, { index: index.value, data: data.value, records }, content));
  }

  /** On disk. */
  get bytes(): number {
    return pagedFileBytes(this.meta.dataBytes) + pagedFileBytes(this.meta.indexBytes);
  }

  get tombstones(): Tombstones {
    return this.#tombstones;
  }

  /** They make no sense where the pace says that the work shall end, and are not remembered then. */
  async match(matchers: readonly CompiledMatcher[], pace?: Pace): Answer<Uint32Array> {
    const known = this.#records?.of(this);
    if (known === undefined) return this.#index.match(matchers, pace);
    const key = JSON.stringify(matchers.map(({ name, op, value }) => [name, op, value]));
    const cached = known.matched.get(key);
    if (cached !== undefined) return ok(cached);
    let goesOn = true;
    const watched = pace && {
      isDue: () => pace.isDue(),
      pause: async () => {
        goesOn = await pace.pause();
        return goesOn;
      },
    };
    const matched = await this.#index.match(matchers, watched);
    if (matched.ok && goesOn) this.#records?.addMatched(known, key, matched.value);
    return matched;
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
    numbers: ArrayLike<number>,
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
    const known = this.#records?.of(this);
    const rooms = new Rooms(memory, numbers.length * SEGMENT_SAMPLES);
    const found: SeriesColumns[] = [];
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i]!;
      // Nearly always all of it is known, and nothing is waited for.
      const cached = known?.series.get(number);
      const record = cached === undefined ? await this.#recordOf(number) : ok(cached);
      if (!record.ok) return record;
      const times = lines.get(record.value.timeline);
      const line =
        times === undefined ? await this.#timesOf(record.value.timeline, window, lines) : ok(times);
      if (!line.ok) return line;
      const { from, to, timesMs } = line.value;
      if (from === to) continue;
      if (work?.reserve(timesMs.length * SAMPLE_BYTES) === false) break;
      if (work?.isDue() && !(await work.pause())) break;
      const column = placeOf(record.value.floats, line.value);
      const room = rooms.take(timesMs.length);
      const reader = this.#data.cached(column.at, column.bytes);
      const isPlain =
        reader === undefined ? await this.#read(column, room) : this.#decode(reader, column, room);
      if (!isPlain.ok) return isPlain;
      const values = room.room.values.subarray(room.at, room.at + timesMs.length);
      const floats = columnsOf(record.value, line.value, { values, isPlain: isPlain.value });
      const hasExtras = record.value.extras.length > 0;
      const extras = hasExtras ? await this.#extrasOf(record.value, line.value) : undefined;
      if (extras?.ok === false) return extras;
      const left = this.#withoutDeleted(
        number,
        extras === undefined ? floats : { ...floats, ...extras.value },
      );
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

  /** About what a series has behind a time and up to another, deleted or not: samples, and bytes of its columns. */
  async weigh(
    number: number,
    { fromMs, toMs }: Window,
  ): Answer<{ readonly samples: number; readonly bytes: number }> {
    const record = await this.#index.series(number);
    if (!record.ok) return record;
    const timeline = await this.#index.timeline(record.value.timeline);
    if (!timeline.ok) return timeline;
    const columns = [record.value.floats, ...record.value.extras];
    let [samples, bytes] = [0, 0];
    timeline.value.segments.forEach(({ count, minMs, maxMs }, i) => {
      const from = Math.max(minMs, fromMs + 1);
      const to = Math.min(maxMs, toMs);
      if (to < from) return;
      const share = (to - from + 1) / (maxMs - minMs + 1);
      samples += count * share;
      for (const { lengths } of columns) bytes += (lengths[i] ?? 0) * share;
    });
    return ok({ samples, bytes });
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
    this.#records?.drop(this);
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
    const timesMs = new Float64Array(inside.reduce((sum, { count }) => sum + count, 0));
    const lengths = all.map(({ bytes }) => bytes);
    const place = { at: all[0]?.at ?? 0, lengths };
    const decoded = await this.#read(placeOf(place, { firstSegment, segments: inside }), {
      room: roomOf(timesMs),
      at: 0,
    });
    if (!decoded.ok) return decoded;
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
      const { lengths } = column;
      let { at: from } = placeOf(column, line);
      let at = 0;
      for (const [i, { count }] of line.segments.entries()) {
        const length = lengths[line.firstSegment + i] ?? 0;
        if (length > 0) {
          const bytes = await this.#data.read(from, length);
          if (!bytes.ok) return bytes;
          const read = readExtraColumns([{ kind: column.kind, bytes: bytes.value }], count);
          if (read === 'damaged') return damaged(this.#data.path, from, 'a column makes no sense');
          builder.copy(read, 0, { count, at });
        }
        from += length;
        at += count;
      }
    }
    return ok(builder.finish());
  }

  async #recordOf(number: number): Answer<SeriesRecord> {
    const record = await this.#index.series(number);
    if (record.ok) this.#records?.add(this, number, record.value);
    return record;
  }

  async #read(column: ColumnPart, into: Room): Answer<boolean> {
    const bytes = await this.#data.read(column.at, column.bytes);
    return bytes.ok ? this.#decode(new ByteReader(bytes.value), column, into) : bytes;
  }

  /** Whether the values are finite, all of them. */
  #decode(reader: ByteReader, column: ColumnPart, { room, at }: Room): Result<boolean, BlockFailure> {
    const { lengths, firstSegment, segments } = column;
    let isPlain = true;
    let from = reader.at;
    room.at = at;
    for (let i = 0; i < segments.length; i++) {
      const to = from + (lengths[firstSegment + i] ?? 0);
      room.count = segments[i]!.count;
      if (mayHoldMarkers(reader.bytes[from]!)) isPlain = false;
      if (!readColumn(reader.within(from, to), room))
        return damaged(this.#data.path, column.at, 'a column makes no sense');
      room.at += room.count;
      from = to;
    }
    return ok(isPlain);
  }

  #withoutDeleted(number: number, one: SeriesColumns): SeriesColumns {
    const stretches = this.#tombstones.get(number);
    return stretches === undefined ? one : withoutStretches(one, stretches);
  }
}

/** The segments of a column in the data file that a line has: they follow one another. */
interface ColumnPart {
  readonly at: number;
  readonly bytes: number;
  readonly lengths: readonly number[];
  readonly firstSegment: number;
  readonly segments: TimelineRecord['segments'];
}

function placeOf(
  column: ColumnPlace,
  { firstSegment, segments }: Pick<Times, 'firstSegment' | 'segments'>,
): ColumnPart {
  const { lengths } = column;
  let { at } = column;
  let bytes = 0;
  for (let i = 0; i < firstSegment; i++) at += lengths[i] ?? 0;
  for (let i = 0; i < segments.length; i++) bytes += lengths[firstSegment + i] ?? 0;
  return { at, bytes, lengths, firstSegment, segments };
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
