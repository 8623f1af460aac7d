// The head as its files have it: chunks that are in no block yet, and rows that are in the log only.

import type { Disk, DiskError, Result } from '../../base/index.ts';
import { ok } from '../../base/index.ts';
import { type Labels, labelsFromPairs } from '../../model/index.ts';
import { CHUNK_VERSION_MAX, isPresent, openChunk, refsOf } from '../chunk.ts';
import { DamageReport } from '../damage.ts';
import { type FileKind, RECORD } from '../frame.ts';
import { FileRoom } from '../read-rest.ts';
import { BATCH_VERSION_MAX, readBatch } from '../records.ts';
import { type FoundFile, readRecords, type TakeRecord } from '../replay-files.ts';
import { filesOf, readSeriesRecord } from '../verify/head-files.ts';
import type { Place, Tally } from './tally.ts';

export interface HeadStats {
  readonly series: number;
  readonly samples: number;
  /** Of chunk files, log, series table and annex. */
  readonly bytes: number;
  readonly files: number;
  /** Infinity and -Infinity without samples. */
  readonly minMs: number;
  readonly maxMs: number;
}

/** A sample that is in the log only. */
const OPEN_BYTES = 8;

interface Counted {
  samples: number;
  bytes: number;
}

interface Counting {
  readonly byRef: Map<number, Counted>;
  readonly labels: Map<number, Labels>;
  readonly sealed: Set<number>;
  readonly cut: ReadonlyMap<number, number>;
  minMs: number;
  maxMs: number;
}

export async function statsOfHead(
  {
    disk,
    folder,
    cut,
  }: { readonly disk: Disk; readonly folder: string; readonly cut: ReadonlyMap<number, number> },
  tally: Tally,
  place: Place,
): Promise<Result<HeadStats, DiskError>> {
  const counting: Counting = {
    byRef: new Map(),
    labels: new Map(),
    sealed: new Set(cut.keys()),
    cut,
    minMs: Infinity,
    maxMs: -Infinity,
  };
  const room = new FileRoom();
  const damage = new DamageReport(() => {});
  let [files, bytes] = [0, 0];
  for (const kind of ['chunks', 'wal', 'series', 'annex'] as const satisfies readonly FileKind[]) {
    const found = await filesOf({ disk, folder }, kind);
    if (!found.ok) return found;
    for (const file of found.value) {
      const into = { disk, room, damage, progress: { fileDone: () => {} } };
      // What cannot be read is for "storage verify" to tell; what is gone by now is for nobody.
      const read = await readRecords(into, file, takerOf(counting, file));
      if (!read.ok) continue;
      files++;
      bytes += read.value;
    }
  }
  let samples = 0;
  for (const [ref, counted] of counting.byRef) {
    const labels = counting.labels.get(ref);
    if (labels !== undefined) tally.add(labels, counted, place);
    samples += counted.samples;
  }
  const { minMs, maxMs, byRef } = counting;
  return ok({ series: byRef.size, samples, bytes, files, minMs, maxMs });
}

function takerOf(counting: Counting, file: FoundFile): TakeRecord {
  const layouts = new Map<number, Uint32Array>();
  return (bytes, record) => {
    const payload = bytes.subarray(record.payloadFrom, record.payloadTo);
    if (record.type === RECORD.series) {
      const series = readSeriesRecord(payload);
      if (series !== undefined) counting.labels.set(series.ref, labelsOf(series.flat));
    } else if (record.type === RECORD.chunk && record.version <= CHUNK_VERSION_MAX)
      countChunk(counting, bytes.subarray(record.frameFrom, record.payloadTo));
    else if (record.type === RECORD.batch && record.version <= BATCH_VERSION_MAX && file.kind === 'wal')
      countBatch(counting, layouts, payload);
    return undefined;
  };
}

function labelsOf(flat: readonly string[]): Labels {
  return labelsFromPairs(
    Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] ?? '', flat[2 * i + 1] ?? ''] as const),
  );
}

function countChunk(counting: Counting, record: Uint8Array): void {
  const view = openChunk(record);
  if (view === undefined) return;
  counting.sealed.add(view.id);
  const cutBelowMs = counting.cut.get(view.id) ?? -Infinity;
  if (view.maxMs < cutBelowMs) return;
  const isLeft = (timeMs: number): boolean => timeMs >= cutBelowMs;
  note(counting, Math.max(view.minMs, cutBelowMs), view.maxMs);
  const all = view.times.filter(isLeft).length;
  refsOf(view).forEach((ref, column) => {
    const mask = view.partial.get(column);
    const samples =
      mask === undefined
        ? all
        : view.times.filter((timeMs, row) => isLeft(timeMs) && isPresent(mask, row)).length;
    const bytes = (view.ends[column + 1] ?? 0) - (view.ends[column] ?? 0);
    if (samples > 0) count(counting, ref, { samples, bytes });
  });
}

function countBatch(counting: Counting, layouts: Map<number, Uint32Array>, payload: Uint8Array): void {
  const batch = readBatch(payload, id => counting.sealed.has(id));
  const { row, side } = batch ?? {};
  if (row?.layout !== undefined) layouts.set(row.layoutId, row.layout);
  side?.refs.forEach((ref, i) => {
    if (counting.sealed.has(side.chunkIds[i] ?? -1)) return;
    const timeMs = side.times[i] ?? 0;
    note(counting, timeMs, timeMs);
    count(counting, ref, { samples: 1, bytes: OPEN_BYTES });
  });
  if (row === undefined || counting.sealed.has(row.chunkId)) return;
  note(counting, row.timeMs, row.timeMs);
  for (const ref of layouts.get(row.layoutId) ?? []) count(counting, ref, { samples: 1, bytes: OPEN_BYTES });
}

function note(counting: Counting, minMs: number, maxMs: number): void {
  counting.minMs = Math.min(counting.minMs, minMs);
  counting.maxMs = Math.max(counting.maxMs, maxMs);
}

function count(counting: Counting, ref: number, { samples, bytes }: Counted): void {
  const known = counting.byRef.get(ref);
  if (known === undefined) counting.byRef.set(ref, { samples, bytes });
  else {
    known.samples += samples;
    known.bytes += bytes;
  }
}
