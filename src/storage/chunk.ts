// A sealed chunk: its bytes (the payload of a record of a head-chunk file) and what memory keeps of it.
// Payload, versions 1 and 2 (docs/formats/head-chunks.md):
//   varint chunk id · text producer · u8 kind (0 cohort, 1 side) · f64 least time · f64 greatest time
//   varint rows · varint bytes of the time column · time column
//   varint columns · zigzag difference of each ref to the one before
//   varint partial columns · each: varint column difference, bitmap of ceil(rows / 8) bytes (bit set: present)
//   varint bytes of each column · [version 2: varint extra columns · each: varint column difference, u8 kind (1 native
//   histograms, 2 start timestamps), varint bytes] · the columns (column.ts), each with its present values only ·
//   [version 2: the extra columns, by index among the present values]
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type TargetId, targetId, valuesAt } from '../model/index.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { type ColumnScratch, mayHoldMarkers, readColumn, writeColumn } from './codec/column.ts';
import { type ColumnRoom, roomOf } from './codec/room.ts';
import { gatherColumn, gatherExtras, hasValue } from './cohort.ts';
import { type ExtraColumn, extraColumns, readExtraColumns } from './extra-columns.ts';
import type { ColumnExtras } from './extras.ts';
import { beginRecord, endRecord, FRAME_BYTES, RECORD } from './frame.ts';
import type { Chunk, Cohort, Series, SideBuffer } from './head-data.ts';
import { sideExtras, sideOrder } from './side.ts';

/** More rows or columns in one record are not from this program: they would only be an attack on memory. */
const COUNT_MAX = 16_000_000;

export interface SealedChunk {
  readonly chunk: Chunk;
  /** Of the columns that have samples. */
  readonly series: readonly Series[];
}

/** Seals all rows of a cohort. There must be at least one. */
export function sealCohort(cohort: Cohort, scratch: ColumnScratch, writer: ByteWriter): SealedChunk {
  const { rows } = cohort;
  scratch.ensure(rows);
  const series: Series[] = [];
  const columns: number[] = [];
  const partial = new Map<number, Uint8Array>();
  for (let column = 0; column < cohort.series.length; column++) {
    const mask = presence(cohort, column);
    if (mask === 'none') continue;
    if (mask !== 'all') partial.set(columns.length, mask);
    columns.push(column);
    series.push(cohort.series[column]!);
  }
  const times = cohort.rowTimes.slice(0, rows);
  const head = { id: cohort.chunkId, producer: cohort.producer, kind: 0, times, series, partial };
  const record = writeChunk(writer, head, {
    scratch,
    fill: index => gatherColumn(cohort, columns[index]!, { words: scratch.words, at: 0 }),
    extras: index => gatherExtras(cohort, columns[index]!),
  });
  return { chunk: chunkOf(head, record, cohort.firstSegment), series };
}

export function sealSide(
  side: SideBuffer,
  producer: TargetId,
  work: { readonly scratch: ColumnScratch; readonly writer: ByteWriter },
): SealedChunk {
  const { scratch } = work;
  scratch.ensure(side.count);
  const order = sideOrder(side);
  const times = Float64Array.from(order, i => side.times[i]!);
  const head = { id: side.chunkId, producer, kind: 1, times, series: [side.series], partial: new Map() };
  const record = writeChunk(work.writer, head, {
    scratch,
    fill: () => {
      scratch.values.set(valuesAt(side.values, order));
      return side.count;
    },
    extras: () => sideExtras(side, order),
  });
  return { chunk: chunkOf(head, record, side.firstSegment), series: [side.series] };
}

interface ChunkHead {
  readonly id: number;
  readonly producer: TargetId;
  readonly kind: number;
  readonly times: Float64Array;
  readonly series: readonly Series[];
  readonly partial: ReadonlyMap<number, Uint8Array>;
}

function chunkOf(head: ChunkHead, record: Uint8Array, firstSegment: number): Chunk {
  const { minMs, maxMs } = bounds(head.times);
  return {
    id: head.id,
    minMs,
    maxMs,
    rows: head.times.length,
    partial: head.partial.size === 0 ? undefined : head.partial,
    record,
    recordBytes: record.length,
    place: undefined,
    firstSegment,
    damaged: false,
  };
}

function writeChunk(writer: ByteWriter, head: ChunkHead, columns: ColumnSource): Uint8Array {
  const { scratch } = columns;
  writer.clear();
  const body = new ByteWriter(head.series.length * 32 + 64);
  const ends: number[] = [];
  const extras: PlacedColumn[] = [];
  for (let index = 0; index < head.series.length; index++) {
    const count = columns.fill(index);
    writeColumn(body, scratch, count);
    ends.push(body.length);
    const beside = columns.extras(index);
    if (beside === undefined) continue;
    for (const one of extraColumns(beside, { count, scratch })) extras.push({ ...one, column: index });
  }
  const start = beginRecord(writer, RECORD.chunk, extras.length === 0 ? 1 : 2);
  const { minMs, maxMs } = bounds(head.times);
  writer.varint(head.id);
  writer.text(head.producer);
  writer.u8(head.kind);
  writer.f64(minMs);
  writer.f64(maxMs);
  writer.varint(head.times.length);
  const times = new ByteWriter(64);
  scratch.values.set(head.times);
  writeColumn(times, scratch, head.times.length);
  writer.varint(times.length);
  writer.raw(times.bytes());
  writer.varint(head.series.length);
  let before = 0;
  for (const series of head.series) {
    writer.zigzag(series.ref - before);
    before = series.ref;
  }
  writer.varint(head.partial.size);
  let column = 0;
  for (const [index, mask] of head.partial) {
    writer.varint(index - column);
    writer.raw(mask);
    column = index;
  }
  ends.forEach((end, index) => {
    writer.varint(end - (index === 0 ? 0 : ends[index - 1]!));
  });
  if (extras.length > 0) writeExtraHeads(writer, extras);
  writer.raw(body.bytes());
  for (const { bytes } of extras) writer.raw(bytes);
  endRecord(writer, start);
  return writer.bytes().slice();
}

interface ColumnSource {
  readonly scratch: ColumnScratch;
  /** Puts a column's present values into the scratch and says how many. */
  fill(index: number): number;
  extras(index: number): ColumnExtras | undefined;
}

interface PlacedColumn extends ExtraColumn {
  readonly column: number;
}

function writeExtraHeads(writer: ByteWriter, extras: readonly PlacedColumn[]): void {
  writer.varint(extras.length);
  let before = 0;
  for (const { column, kind, bytes } of extras) {
    writer.varint(column - before);
    writer.u8(kind);
    writer.varint(bytes.length);
    before = column;
  }
}

function bounds(times: Float64Array): { minMs: number; maxMs: number } {
  let minMs = Infinity;
  let maxMs = -Infinity;
  for (const time of times) {
    if (time < minMs) minMs = time;
    if (time > maxMs) maxMs = time;
  }
  return { minMs, maxMs };
}

function presence(cohort: Cohort, column: number): Uint8Array | 'all' | 'none' {
  const first = cohort.rowShapes[0]!;
  // The common case: one shape throughout.
  if (cohort.rowShapes.every(shape => shape === first))
    return (first.positions[column] ?? -1) < 0 ? 'none' : 'all';
  const mask = new Uint8Array((cohort.rows + 7) >>> 3);
  let count = 0;
  for (let row = 0; row < cohort.rows; row++) {
    if (!hasValue(cohort, column, row)) continue;
    mask[row >>> 3] = mask[row >>> 3]! | (1 << (row & 7));
    count++;
  }
  return count === 0 ? 'none' : count === cohort.rows ? 'all' : mask;
}

export function isPresent(mask: Uint8Array, row: number): boolean {
  return (mask[row >>> 3]! & (1 << (row & 7))) !== 0;
}

/** A chunk opened for reading: where its columns lie. */
export interface ChunkView {
  readonly id: number;
  readonly producer: TargetId;
  readonly minMs: number;
  readonly maxMs: number;
  readonly times: Float64Array;
  readonly partial: ReadonlyMap<number, Uint8Array>;
  readonly bytes: Uint8Array;
  /** Over the bytes; for one column after the other. */
  readonly reader: ByteReader;
  /** Where the refs of the columns lie. */
  readonly refsAt: number;
  /** Column i is bytes[ends[i] … ends[i + 1] - 1]. */
  readonly ends: Uint32Array;
  /** By column; undefined where there are none. */
  readonly extras: ReadonlyMap<number, readonly ExtraColumn[]> | undefined;
}

/** Of the frame: whether extra columns follow. */
const VERSION_AT = 3;
export const CHUNK_VERSION_MAX = 2;

/** What stands before the columns. */
export interface ChunkPreface {
  readonly id: number;
  readonly producer: TargetId;
  readonly minMs: number;
  readonly maxMs: number;
  readonly rows: number;
  /** The time column as it is written. */
  readonly timeBytes: Uint8Array;
}

/** Leaves the reader before the number of columns; undefined if what was read makes no sense. */
export function readChunkPreface(reader: ByteReader): ChunkPreface | undefined {
  const id = reader.varint();
  const producer = targetId(reader.text());
  reader.u8();
  const minMs = reader.f64();
  const maxMs = reader.f64();
  const rows = reader.varint();
  const timeBytes = reader.raw(reader.count(1));
  if (reader.failed || rows === 0 || rows > COUNT_MAX) return undefined;
  return { id, producer, minMs, maxMs, rows, timeBytes };
}

/** Reads a chunk's record (frame included, checksum verified before); undefined if its payload makes no sense. */
export function openChunk(record: Uint8Array): ChunkView | undefined {
  const reader = new ByteReader(record, FRAME_BYTES);
  const head = readChunkPreface(reader);
  if (head === undefined) return undefined;
  const { id, producer, minMs, maxMs, rows, timeBytes } = head;
  const times = new Float64Array(rows);
  if (!readColumn(new ByteReader(timeBytes), roomOf(times))) return undefined;
  const columns = reader.count(2);
  const refsAt = reader.at;
  reader.skipVarints(columns);
  const partial = new Map<number, Uint8Array>();
  const maskBytes = (rows + 7) >>> 3;
  const partials = reader.count(1 + maskBytes);
  let column = 0;
  for (let i = 0; i < partials; i++) {
    column += reader.varint();
    partial.set(column, reader.raw(maskBytes));
  }
  const ends = new Uint32Array(columns + 1);
  const length = readEnds(reader, ends);
  const heads = record[VERSION_AT] === 2 ? readExtraHeads(reader) : [];
  const extraLength = heads.reduce((sum, { length: one }) => sum + one, 0);
  if (reader.failed || reader.left !== length + extraLength) return undefined;
  for (let i = 0; i <= columns; i++) ends[i] = ends[i]! + reader.at;
  reader.skip(length);
  const extras = readExtras(reader, heads);
  return { id, producer, minMs, maxMs, times, partial, bytes: record, reader, refsAt, ends, extras };
}

/** From the lengths of the columns; returns that of all. */
function readEnds(reader: ByteReader, ends: Uint32Array): number {
  let length = 0;
  for (let i = 1; i < ends.length; i++) {
    length += reader.varint();
    ends[i] = length;
  }
  return length;
}

interface ExtraHead {
  readonly column: number;
  readonly kind: number;
  readonly length: number;
}

function readExtraHeads(reader: ByteReader): ExtraHead[] {
  const count = reader.count(3);
  let column = 0;
  return Array.from({ length: count }, () => {
    column += reader.varint();
    return { column, kind: reader.u8(), length: reader.count(1) };
  });
}

function readExtras(
  reader: ByteReader,
  heads: readonly ExtraHead[],
): ReadonlyMap<number, readonly ExtraColumn[]> | undefined {
  if (heads.length === 0) return undefined;
  const extras = new Map<number, ExtraColumn[]>();
  for (const { column, kind, length } of heads) {
    const one = { kind, bytes: reader.raw(length) };
    extras.set(column, [...(extras.get(column) ?? []), one]);
  }
  return extras;
}

/** Of all columns, in their order. */
export function refsOf({ bytes, refsAt, ends }: ChunkView): Uint32Array {
  const reader = new ByteReader(bytes, refsAt);
  const refs = new Uint32Array(ends.length - 1);
  let ref = 0;
  for (let i = 0; i < refs.length; i++) {
    ref += reader.zigzag();
    refs[i] = ref;
  }
  return refs;
}

/** What a column's present values have beside their floats; undefined for nothing. */
export function readChunkExtras(
  view: ChunkView,
  column: number,
  count: number,
): ColumnExtras | 'damaged' | undefined {
  const listed = view.extras?.get(column);
  return listed === undefined ? undefined : readExtraColumns(listed, count);
}

/** Decodes one column's present values; false if its bytes make no sense. */
export function readChunkColumn(view: ChunkView, column: number, into: ColumnRoom): boolean {
  return readColumn(view.reader.within(view.ends[column]!, view.ends[column + 1]!), into);
}

/** Whether a column may hold anything but numbers. */
export function mayHoldMarkersIn({ bytes, ends }: ChunkView, column: number): boolean {
  return mayHoldMarkers(bytes[ends[column]!]!);
}

/** Number of rows in which a column is present. */
export function presentRows(chunk: Chunk, column: number): number {
  const mask = chunk.partial?.get(column);
  if (mask === undefined) return chunk.rows;
  let count = 0;
  for (let row = 0; row < chunk.rows; row++) if (isPresent(mask, row)) count++;
  return count;
}
