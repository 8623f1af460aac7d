// Columns that a series may have beside that of its floats, in chunks and in blocks.

import { ByteReader, ByteWriter } from './bytes.ts';
import { type ColumnScratch, readColumn, writeColumn } from './codec/column.ts';
import { readHistogramColumn, writeHistogramColumn } from './codec/histogram.ts';
import { roomOf } from './codec/room.ts';
import type { ColumnExtras } from './extras.ts';

/** Kinds of columns of a series. A reader passes over those that it does not know. */
export const COLUMN = { floats: 0, histograms: 1, startTimes: 2 } as const;

export interface ExtraColumn {
  readonly kind: number;
  readonly bytes: Uint8Array;
}

/** What `count` samples have, as columns; none for what they do not have. */
export function extraColumns(
  extras: ColumnExtras,
  of: { readonly count: number; readonly scratch: ColumnScratch },
): ExtraColumn[] {
  const { count, scratch } = of;
  const { histograms, startTimesMs } = extras;
  const made: ExtraColumn[] = [];
  const writer = new ByteWriter(256);
  if (histograms !== undefined) {
    writeHistogramColumn(writer, histograms, { rows: count, scratch });
    made.push({ kind: COLUMN.histograms, bytes: writer.bytes().slice() });
  }
  if (startTimesMs !== undefined) {
    writer.clear();
    scratch.ensure(count);
    scratch.values.set(startTimesMs.subarray(0, count));
    writeColumn(writer, scratch, count);
    made.push({ kind: COLUMN.startTimes, bytes: writer.bytes().slice() });
  }
  return made;
}

export function readExtraColumns(columns: readonly ExtraColumn[], count: number): ColumnExtras | 'damaged' {
  let extras: ColumnExtras = {};
  for (const { kind, bytes } of columns) {
    if (kind === COLUMN.histograms) {
      const histograms = readHistogramColumn(bytes, count);
      if (histograms === undefined) return 'damaged';
      extras = { ...extras, histograms };
    } else if (kind === COLUMN.startTimes) {
      const startTimesMs = new Float64Array(count);
      if (!readColumn(new ByteReader(bytes), roomOf(startTimesMs))) return 'damaged';
      extras = { ...extras, startTimesMs };
    }
  }
  return extras;
}
