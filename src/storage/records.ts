// The records of the log and of the series file (docs/formats/wal.md): written from and read into plain data.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type Labels, labelsFromPairs, type TargetId, targetId } from '../model/index.ts';
import { ByteReader, type ByteWriter } from './bytes.ts';
import { beginRecord, endRecord, RECORD } from './frame.ts';

const HAS_LAYOUT = 1;
const HAS_ROW = 2;
const HAS_SIDE = 4;

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
}

/** Parallel columns. */
export interface SideRecord {
  readonly refs: readonly number[];
  readonly chunkIds: readonly number[];
  readonly times: Float64Array;
  readonly values: Float64Array;
}

export function writeBatch(writer: ByteWriter, batch: BatchRecord): void {
  const start = beginRecord(writer, RECORD.batch);
  const { row, side } = batch;
  const layout = row?.layout;
  writer.u8((layout ? HAS_LAYOUT : 0) | (row ? HAS_ROW : 0) | (side ? HAS_SIDE : 0));
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
  endRecord(writer, start);
}

/** A row without its layout has the producer of the layout; `producer` is then undefined. */
export function readBatch(
  payload: Uint8Array,
): { producer: TargetId | undefined; row: RowRecord | undefined; side: SideRecord | undefined } | undefined {
  const reader = new ByteReader(payload);
  const flags = reader.u8();
  const producer = flags & (HAS_LAYOUT | HAS_SIDE) ? targetId(reader.text()) : undefined;
  let row: RowRecord | undefined;
  if (flags & HAS_ROW) {
    const layoutId = reader.varint();
    const chunkId = reader.varint();
    const timeMs = reader.f64();
    const count = reader.count(8);
    const layout = flags & HAS_LAYOUT ? Uint32Array.from(readRefs(reader, count)) : undefined;
    row = { layoutId, chunkId, timeMs, layout, values: reader.floats(count) };
  }
  let side: SideRecord | undefined;
  if (flags & HAS_SIDE) {
    const count = reader.count(18);
    const refs = readRefs(reader, count);
    const chunkIds = readRefs(reader, count);
    side = { refs, chunkIds, times: reader.floats(count), values: reader.floats(count) };
  }
  return reader.failed || reader.left !== 0 ? undefined : { producer, row, side };
}

export function writeSeries(writer: ByteWriter, ref: number, labels: Labels): void {
  const start = beginRecord(writer, RECORD.series);
  writer.varint(ref);
  writer.varint(labels.length / 2);
  for (const part of labels) writer.text(part);
  endRecord(writer, start);
}

export function readSeries(payload: Uint8Array): { ref: number; labels: Labels } | undefined {
  const reader = new ByteReader(payload);
  const ref = reader.varint();
  const count = reader.count(2);
  const pairs: [string, string][] = [];
  for (let i = 0; i < count; i++) pairs.push([reader.text(), reader.text()]);
  if (reader.failed || reader.left !== 0 || ref === 0 || ref > 0xffff_ffff) return undefined;
  return { ref, labels: labelsFromPairs(pairs) };
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

function readRefs(reader: ByteReader, count: number): number[] {
  const refs: number[] = [];
  let ref = 0;
  for (let i = 0; i < count && !reader.failed; i++) {
    ref += reader.zigzag();
    refs.push(ref);
  }
  return refs;
}
