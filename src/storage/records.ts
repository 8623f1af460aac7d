// The records of the log and of the series file (docs/formats/wal.md): written from and read into plain data.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { compareUtf8 } from '../base/index.ts';
import {
  type Labels,
  labelsFromPairs,
  labelsFromSorted,
  METRIC_TYPES,
  type MetricMetadata,
  type TargetId,
  targetId,
} from '../model/index.ts';
import { ByteReader, type ByteWriter } from './bytes.ts';
import type { StoredExemplar } from './exemplars.ts';
import { type Extras, PackedHistograms } from './extras.ts';
import { beginRecord, endRecord, RECORD } from './frame.ts';

export const HAS_LAYOUT = 1;
export const HAS_ROW = 2;
const HAS_SIDE = 4;
/** What the row, and the side samples, have beside their floats. With them the record is of version 2. */
export const HAS_ROW_EXTRAS = 8;
const HAS_SIDE_EXTRAS = 16;
export const BATCH_VERSION_MAX = 2;

/** The samples of a batch that were taken: one record, so that a batch is there whole or not at all. */
export interface BatchRecord {
  readonly producer: TargetId;
  readonly row: RowRecord | undefined;
  readonly side: SideRecord | undefined;
}

export interface RowRecord {
  readonly layoutId: number;
  readonly chunkId: number;
  readonly timeMs: number;
  /** Refs in the order of the values: only where the layout is (re)defined. */
  readonly layout: Uint32Array | undefined;
  readonly values: Float64Array;
  readonly extras: Extras | undefined;
}

/** Parallel columns. */
export interface SideRecord {
  readonly refs: readonly number[];
  readonly chunkIds: readonly number[];
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly extras: Extras | undefined;
}

export function writeBatch(writer: ByteWriter, batch: BatchRecord): void {
  const { row, side } = batch;
  const layout = row?.layout;
  const extras = (row?.extras ? HAS_ROW_EXTRAS : 0) | (side?.extras ? HAS_SIDE_EXTRAS : 0);
  const start = beginRecord(writer, RECORD.batch, extras === 0 ? 1 : 2);
  writer.u8((layout ? HAS_LAYOUT : 0) | (row ? HAS_ROW : 0) | (side ? HAS_SIDE : 0) | extras);
  if (layout !== undefined || side !== undefined) writer.text(batch.producer);
  if (row !== undefined) {
    writer.varint(row.layoutId);
    writer.varint(row.chunkId);
    writer.f64(row.timeMs);
    writer.varint(row.values.length);
    if (layout !== undefined) writeRefs(writer, layout);
    writer.floats(row.values);
  }
  if (side !== undefined) {
    writer.varint(side.refs.length);
    writeRefs(writer, side.refs);
    writeRefs(writer, side.chunkIds);
    writer.floats(side.times);
    writer.floats(side.values);
  }
  if (row?.extras !== undefined) writeExtras(writer, row.extras);
  if (side?.extras !== undefined) writeExtras(writer, side.extras);
  endRecord(writer, start);
}

/** A row as it is read. Without its layout it has the producer of the layout. */
export type ReadRow = Omit<RowRecord, 'values'> & {
  readonly count: number;
  /** Undefined where they are not wanted: most rows of a log are sealed already. */
  readonly values: Float64Array | undefined;
};

/** `producer` is undefined for a row without its layout. */
export function readBatch(
  payload: Uint8Array,
  isSealed: (chunkId: number) => boolean,
): { producer: TargetId | undefined; row: ReadRow | undefined; side: SideRecord | undefined } | undefined {
  const reader = new ByteReader(payload);
  const flags = reader.u8();
  const producer = flags & (HAS_LAYOUT | HAS_SIDE) ? targetId(reader.text()) : undefined;
  let row: Omit<ReadRow, 'extras'> | undefined;
  if (flags & HAS_ROW) {
    const layoutId = reader.varint();
    const chunkId = reader.varint();
    const timeMs = reader.f64();
    const count = reader.count(8);
    const layout = flags & HAS_LAYOUT ? refsInto(new Uint32Array(count), reader) : undefined;
    const values = isSealed(chunkId) ? undefined : reader.floats(count);
    if (values === undefined) reader.skip(8 * count);
    row = { layoutId, chunkId, timeMs, layout, count, values };
  }
  let side: Omit<SideRecord, 'extras'> | undefined;
  if (flags & HAS_SIDE) {
    const count = reader.count(18);
    const refs = readRefs(reader, count);
    const chunkIds = readRefs(reader, count);
    side = { refs, chunkIds, times: reader.floats(count), values: reader.floats(count) };
  }
  const rowExtras = flags & HAS_ROW_EXTRAS ? readExtras(reader, row?.count ?? 0) : undefined;
  const sideExtras = flags & HAS_SIDE_EXTRAS ? readExtras(reader, side?.values.length ?? 0) : undefined;
  if (reader.failed || reader.left !== 0) return undefined;
  return {
    producer,
    row: row && { ...row, extras: rowExtras },
    side: side && { ...side, extras: sideExtras },
  };
}

/** Starts: one number a sample: 0 unknown, 1 as the one known before, else 2 more than the zigzag difference to it. */
function writeExtras(writer: ByteWriter, { starts, histograms }: Extras): void {
  writer.u8((starts ? 1 : 0) | (histograms ? 2 : 0));
  let before = 0;
  for (const start of starts ?? []) {
    if (Number.isNaN(start)) writer.varint(0);
    else {
      const difference = start - before;
      writer.varint(difference === 0 ? 1 : 2 + (difference < 0 ? -2 * difference - 1 : 2 * difference));
      before = start;
    }
  }
  if (histograms === undefined) return;
  writer.varint(histograms.positions.length);
  writeRefs(writer, histograms.positions);
  writeRefs(writer, histograms.ends);
  writer.raw(histograms.bytes);
}

function readExtras(reader: ByteReader, count: number): Extras {
  const flags = reader.u8();
  let starts: Float64Array | undefined;
  if (flags & 1) {
    starts = new Float64Array(count);
    let before = 0;
    for (let i = 0; i < count; i++) {
      const code = reader.varint();
      const twice = code - 2;
      if (code >= 2) before += twice % 2 === 0 ? twice / 2 : -(twice + 1) / 2;
      starts[i] = code === 0 ? Number.NaN : before;
    }
  }
  if ((flags & 2) === 0) return { starts, histograms: undefined };
  const listed = reader.count(2);
  const positions = refsInto(new Uint32Array(listed), reader);
  const ends = refsInto(new Uint32Array(listed), reader);
  const length = ends[ends.length - 1] ?? 0;
  if (!isRising(positions, count) || !isRising(ends, reader.left + 1)) reader.failed = true;
  const bytes = reader.failed ? new Uint8Array(0) : reader.raw(length).slice();
  return { starts, histograms: new PackedHistograms(positions, ends, bytes) };
}

function isRising(numbers: Uint32Array, below: number): boolean {
  return numbers.every((number, i) => number < below && (i === 0 || number > numbers[i - 1]!));
}

export function writeSeries(writer: ByteWriter, ref: number, labels: Labels): void {
  const start = beginRecord(writer, RECORD.series);
  writer.varint(ref);
  writer.varint(labels.length / 2);
  for (const part of labels) writer.text(part);
  endRecord(writer, start);
}

/** The labels of one of the series that are wanted. */
export function readSeries(
  payload: Uint8Array,
  wanted: ReadonlySet<number>,
): { readonly ref: number; readonly labels: Labels } | undefined {
  const reader = new ByteReader(payload);
  const ref = reader.varint();
  if (reader.failed || !wanted.has(ref)) return undefined;
  const labels = readLabels(reader);
  return reader.failed || reader.left !== 0 ? undefined : { ref, labels };
}

function readLabels(reader: ByteReader): Labels {
  const count = reader.count(2);
  const flat: string[] = [];
  let isSorted = true;
  for (let i = 0; i < 2 * count; i += 2) {
    const name = reader.text();
    const value = reader.text();
    isSorted &&= value !== '' && (i === 0 || compareUtf8(flat[i - 2]!, name) < 0);
    flat.push(name, value);
  }
  // As this program writes them.
  if (isSorted) return labelsFromSorted(Object.freeze(flat));
  return labelsFromPairs(Array.from({ length: count }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!] as const));
}

export function writeExemplars(writer: ByteWriter, exemplars: readonly StoredExemplar[]): void {
  const start = beginRecord(writer, RECORD.exemplars);
  writer.varint(exemplars.length);
  for (const { ref, labels, value, timeMs } of exemplars) {
    writer.varint(ref);
    writer.f64(timeMs);
    writer.f64(value);
    writer.varint(labels.length / 2);
    for (const part of labels) writer.text(part);
  }
  endRecord(writer, start);
}

export function readExemplars(payload: Uint8Array): Omit<StoredExemplar, 'series'>[] | undefined {
  const reader = new ByteReader(payload);
  const count = reader.count(18);
  const found = Array.from({ length: count }, () => {
    const ref = reader.varint();
    const [timeMs, value] = [reader.f64(), reader.f64()];
    return { ref, timeMs, value, labels: readLabels(reader) };
  });
  return reader.failed || reader.left !== 0 ? undefined : found;
}

export function writeMetadata(writer: ByteWriter, metadata: readonly MetricMetadata[]): void {
  const start = beginRecord(writer, RECORD.metadata);
  writer.varint(metadata.length);
  for (const { metric, type, help, unit } of metadata) {
    writer.text(metric);
    writer.u8(METRIC_TYPES.indexOf(type));
    writer.text(help);
    writer.text(unit);
  }
  endRecord(writer, start);
}

export function readMetadata(payload: Uint8Array): MetricMetadata[] | undefined {
  const reader = new ByteReader(payload);
  const count = reader.count(4);
  const found = Array.from({ length: count }, () => {
    const metric = reader.text();
    const type = METRIC_TYPES[reader.u8()] ?? 'unknown';
    return { metric, type, help: reader.text(), unit: reader.text() };
  });
  return reader.failed || reader.left !== 0 ? undefined : found;
}

/** Tries whether the disk takes bytes again; readers pass over it. */
export function writeProbe(writer: ByteWriter): void {
  endRecord(writer, beginRecord(writer, RECORD.probe));
}

function writeRefs(writer: ByteWriter, refs: ArrayLike<number>): void {
  let before = 0;
  for (let i = 0; i < refs.length; i++) {
    writer.zigzag(refs[i]! - before);
    before = refs[i]!;
  }
}

/** The refs of a layout, as a batch record has them. */
export function readLayout(coded: Uint8Array, count: number): Uint32Array {
  return refsInto(new Uint32Array(count), new ByteReader(coded));
}

function readRefs(reader: ByteReader, count: number): number[] {
  return refsInto(new Array<number>(count), reader);
}

function refsInto<T extends number[] | Uint32Array>(refs: T, reader: ByteReader): T {
  let ref = 0;
  for (let i = 0; i < refs.length; i++) {
    ref += reader.zigzag();
    refs[i] = ref;
  }
  return refs;
}
