// One batch before it is written: which samples are taken, where they will go, what the log records of them.
// Nothing becomes visible here; a write that fails leaves nothing to undo but `unstage`. Batches of one write group
// never share a series, so that each is judged against published samples only.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { assert } from '../base/index.ts';
import {
  type AppendOutcome,
  isStaleAt,
  REFUSALS_LISTED_MAX,
  type RefusalReason,
  refusalsByReason,
  type SampleBatch,
  wordsOf,
} from '../model/index.ts';
import { addShape, allOlder, findShape, publishRow, stageRow } from './cohort.ts';
import { type Compared, findExisting } from './existing.ts';
import type { Head } from './head.ts';
import type { Chunk, Cohort, Series, Shape } from './head-data.ts';
import type { BatchRecord } from './records.ts';
import {
  BATCH_SAMPLES_MAX,
  COHORTS_PER_PRODUCER_MAX,
  SIDE_SAMPLES_MAX,
  type StoreSettings,
} from './settings.ts';
import { newSide, pushSide } from './side.ts';

export interface StageContext {
  readonly settings: StoreSettings;
  /** Wall time, for samples from the future. */
  readonly nowMs: number;
  readonly monotonicMs: number;
  /** Number of the segment the record will go to. */
  readonly segment: number;
  /** Records of chunks loaded for the batch, after a first try answered 'load'. */
  readonly held: ReadonlyMap<Chunk, Uint8Array>;
}

interface StagedRow {
  readonly cohort: Cohort;
  readonly shape: Shape;
  readonly values: Float64Array;
  readonly definesLayout: boolean;
}

/** Parallel columns. */
interface StagedSide {
  readonly series: readonly Series[];
  readonly chunkIds: readonly number[];
  readonly times: Float64Array;
  readonly values: Float64Array;
}

export interface StagedBatch {
  readonly kind: 'staged';
  readonly batch: SampleBatch;
  readonly row: StagedRow | undefined;
  readonly side: StagedSide | undefined;
  readonly outcome: AppendOutcome;
}

export type StageResult =
  | StagedBatch
  /** Shares series with a batch of this group: belongs into the next. */
  | { readonly kind: 'overlap' }
  /** Late samples must be compared with chunks that are only on disk: stage again when they are loaded. */
  | { readonly kind: 'load'; readonly chunks: readonly Chunk[] };

const OVERLAP: StageResult = { kind: 'overlap' };

export function stageBatch(head: Head, batch: SampleBatch, context: StageContext): StageResult {
  assert(batch.series.length === batch.values.length, 'a batch has as many values as series');
  return stageSteady(head, batch, context) ?? stageGeneral(head, batch, context);
}

/** The same series as an open chunk's latest rows, all with the batch's time, all newer than what is there. */
function stageSteady(head: Head, batch: SampleBatch, context: StageContext): StageResult | undefined {
  const { timestampMs: timeMs, series: refs } = batch;
  if (refs.length === 0 || refs.length > BATCH_SAMPLES_MAX) return undefined;
  if (batch.ownTimestampsMs !== undefined || (batch.histograms?.size ?? 0) > 0) return undefined;
  if (timeRefusal(head, timeMs, context) !== undefined) return undefined;
  const known = findKnown(head, batch, refs);
  if (known === undefined || known.cohort.rows >= known.cohort.rowsMax) return undefined;
  if (known.cohort.inFlight) return OVERLAP;
  if (!allOlder(known.shape.slots, { timeMs, group: head.group }, head.table)) return undefined;
  const row = claimRow(head, { ...known, values: batch.values }, context);
  return { kind: 'staged', batch, row, side: undefined, outcome: outcomeOf(refs.length, []) };
}

function findKnown(
  head: Head,
  batch: SampleBatch,
  refs: Uint32Array,
): { cohort: Cohort; shape: Shape } | undefined {
  for (const cohort of head.cohorts.get(batch.producer) ?? []) {
    const shape = findShape(cohort, refs);
    if (shape !== undefined) return { cohort, shape };
  }
  return undefined;
}

/** Puts the values behind the cohort's rows and marks the series as used by this group. */
function claimRow(
  head: Head,
  row: { readonly cohort: Cohort; readonly shape: Shape; readonly values: Float64Array },
  context: StageContext,
): StagedRow {
  const { cohort, shape, values } = row;
  stageRow(cohort, values, head.pool);
  const { stamp } = head.table;
  for (let i = 0; i < shape.slots.length; i++) stamp[shape.slots[i]!] = head.group;
  const definesLayout = shape.definedIn !== context.segment;
  shape.definedIn = context.segment;
  return { cohort, shape, values, definesLayout };
}

function timeRefusal(head: Head, timeMs: number, context: StageContext): RefusalReason | undefined {
  if (!(timeMs <= context.nowMs + context.settings.futureMs)) return 'sample-future';
  return timeMs < head.newestMs - context.settings.maxAgeMs ? 'sample-too-old' : undefined;
}

// --- any batch --------------------------------------------------------------------------------------

interface Refusal {
  readonly index: number;
  readonly reason: RefusalReason;
}

/** What is decided about a batch sample by sample. */
interface Sorting {
  readonly head: Head;
  readonly batch: SampleBatch;
  readonly words: Uint32Array;
  readonly context: StageContext;
  /** Of samples for the shared row and for side buffers: index in the batch. */
  readonly main: number[];
  readonly mainSeries: Series[];
  readonly late: number[];
  readonly lateSeries: Series[];
  readonly lateTimes: number[];
  readonly refused: Refusal[];
  readonly taken: Map<number, Map<number, number>>;
  readonly compared: Compared;
  readonly load: Set<Chunk>;
  repeats: number;
}

function stageGeneral(head: Head, batch: SampleBatch, context: StageContext): StageResult {
  const { series: refs } = batch;
  const members: Series[] = [];
  for (let i = 0; i < refs.length; i++) {
    const series = head.table.get(refs[i]!);
    assert(series !== undefined, 'a series that the store dropped is appended to: ask isLive first');
    if (head.table.stamp[series.slot] === head.group) return OVERLAP;
    members.push(series);
  }
  const sorting: Sorting = {
    head,
    batch,
    words: wordsOf(batch.values),
    context,
    main: [],
    mainSeries: [],
    late: [],
    lateSeries: [],
    lateTimes: [],
    refused: [],
    taken: new Map(),
    compared: { views: new Map(), held: context.held },
    load: new Set(),
    repeats: 0,
  };
  members.forEach((series, index) => {
    const refusal = sortSample(sorting, series, index);
    if (refusal !== undefined) sorting.refused.push({ index, reason: refusal });
  });
  if (sorting.load.size > 0) return { kind: 'load', chunks: [...sorting.load] };
  return placeSorted(sorting);
}

/** Decides about one sample: refused for the reason returned, else put on its list or counted as a repeat. */
function sortSample(sorting: Sorting, series: Series, index: number): RefusalReason | undefined {
  const { head, batch, context, words } = sorting;
  if (index >= BATCH_SAMPLES_MAX) return 'sample-limit';
  if (batch.histograms?.has(index) && !isStaleAt(words, index)) return 'sample-unsupported';
  const ownMs = batch.ownTimestampsMs?.[index];
  const timeMs = ownMs === undefined || Number.isNaN(ownMs) ? batch.timestampMs : ownMs;
  const refusal = timeRefusal(head, timeMs, context);
  if (refusal !== undefined) return refusal;

  const times = sorting.taken.get(series.slot);
  const twin = times?.get(timeMs);
  if (twin !== undefined) return repeatOrConflict(sorting, index, { words, at: twin });

  const lastMs = head.table.lastMs[series.slot]!;
  if (timeMs <= lastMs) {
    if (timeMs < lastMs - context.settings.outOfOrderMs) return 'sample-out-of-order';
    const found = findExisting(series, timeMs, sorting.compared);
    if (found.kind === 'unloaded') {
      sorting.load.add(found.chunk);
      return undefined;
    }
    if (found.kind === 'found') return repeatOrConflict(sorting, index, found);
  }
  if (times === undefined) sorting.taken.set(series.slot, new Map([[timeMs, index]]));
  else times.set(timeMs, index);
  if (timeMs === batch.timestampMs && timeMs > lastMs && times === undefined) {
    sorting.main.push(index);
    sorting.mainSeries.push(series);
  } else {
    sorting.late.push(index);
    sorting.lateSeries.push(series);
    sorting.lateTimes.push(timeMs);
  }
  return undefined;
}

function repeatOrConflict(
  sorting: Sorting,
  index: number,
  stored: { readonly words: Uint32Array; readonly at: number },
): RefusalReason | undefined {
  const { words } = sorting;
  const same =
    words[2 * index] === stored.words[2 * stored.at] &&
    words[2 * index + 1] === stored.words[2 * stored.at + 1];
  if (!same) return 'sample-conflict';
  sorting.repeats++;
  return undefined;
}

function placeSorted(sorting: Sorting): StageResult {
  const { head, batch, context, main, mainSeries } = sorting;
  let row: StagedRow | undefined;
  if (main.length > 0) {
    const place = placeForRow(sorting);
    if (place === 'overlap') return OVERLAP;
    if (place === 'side') {
      // Each series keeps its own samples: right for many small senders behind one producer.
      sorting.late.push(...main);
      sorting.lateSeries.push(...mainSeries);
      for (let i = 0; i < main.length; i++) sorting.lateTimes.push(batch.timestampMs);
    } else {
      row = claimRow(head, { ...place, values: pick(batch.values, main) }, context);
    }
  }
  const side = sorting.late.length > 0 ? placeSide(sorting) : undefined;
  const taken = (row?.values.length ?? 0) + sorting.late.length + sorting.repeats;
  return { kind: 'staged', batch, row, side, outcome: outcomeOf(taken, sorting.refused) };
}

/** The cohort and shape for the samples that share the batch's time. */
function placeForRow(sorting: Sorting): { cohort: Cohort; shape: Shape } | 'overlap' | 'side' {
  const { head, batch, context, mainSeries } = sorting;
  const refs = Uint32Array.from(mainSeries, series => series.ref);
  const known = findKnown(head, batch, refs);
  const cohorts = head.cohorts.get(batch.producer) ?? [];
  let cohort = known?.cohort ?? cohortOfMost(mainSeries, batch);
  if (cohort?.inFlight) return 'overlap';
  if (cohort === undefined) {
    if (cohorts.length >= COHORTS_PER_PRODUCER_MAX) return 'side';
    cohort = head.openCohort(batch.producer, context.monotonicMs);
  }
  if (cohort.rows >= cohort.rowsMax) head.seal(cohort, context.monotonicMs);
  return { cohort, shape: findShape(cohort, refs) ?? addShape(cohort, mainSeries, head.takeLayoutId()) };
}

/** The producer's cohort that holds more than half of the series: a changed page goes on in its chunk. */
function cohortOfMost(members: readonly Series[], batch: SampleBatch): Cohort | undefined {
  const counts = new Map<Cohort, number>();
  for (const series of members) {
    for (const cohort of series.cohorts) {
      if (cohort.producer === batch.producer) counts.set(cohort, (counts.get(cohort) ?? 0) + 1);
    }
  }
  for (const [cohort, count] of counts) if (2 * count > members.length) return cohort;
  return undefined;
}

function placeSide(sorting: Sorting): StagedSide {
  const { head, batch } = sorting;
  const fresh = new Map<Series, number>();
  const chunkIds = sorting.lateSeries.map(series => {
    head.table.stamp[series.slot] = head.group;
    const known = series.side?.chunkId ?? fresh.get(series);
    if (known !== undefined) return known;
    const id = head.takeChunkId();
    fresh.set(series, id);
    return id;
  });
  return {
    series: sorting.lateSeries,
    chunkIds,
    times: Float64Array.from(sorting.lateTimes),
    values: pick(batch.values, sorting.late),
  };
}

function outcomeOf(accepted: number, refused: readonly Refusal[]): AppendOutcome {
  if (refused.length === 0) return { accepted, refused: [], refusedCount: 0 };
  return {
    accepted,
    refused: refused.slice(0, REFUSALS_LISTED_MAX),
    refusedCount: refused.length,
    refusedBy: refusalsByReason(refused),
  };
}

/** The values at rising or mixed indices, bit by bit; the column itself when all are taken in order. */
function pick(values: Float64Array, indices: readonly number[]): Float64Array {
  if (indices.length === values.length && indices.every((index, i) => index === i)) return values;
  const picked = new Float64Array(indices.length);
  const from = wordsOf(values);
  const to = wordsOf(picked);
  indices.forEach((index, i) => {
    to[2 * i] = from[2 * index]!;
    to[2 * i + 1] = from[2 * index + 1]!;
  });
  return picked;
}

// --- after the write --------------------------------------------------------------------------------

export function recordOf(staged: StagedBatch): BatchRecord | undefined {
  const { batch, row, side } = staged;
  if (row === undefined && side === undefined) return undefined;
  return {
    producer: batch.producer,
    row: row && {
      layoutId: row.shape.layoutId,
      chunkId: row.cohort.chunkId,
      timeMs: batch.timestampMs,
      layout: row.definesLayout ? row.shape.refs : undefined,
      values: row.values,
    },
    side: side && {
      refs: side.series.map(series => series.ref),
      chunkIds: side.chunkIds,
      times: side.times,
      values: side.values,
    },
  };
}

/** Makes a written batch visible. */
export function publishBatch(head: Head, staged: StagedBatch, context: StageContext): void {
  const { batch, row, side } = staged;
  const { lastMs, producer } = head.table;
  if (row !== undefined) {
    const timeMs = batch.timestampMs;
    const { slots } = row.shape;
    publishRow(row.cohort, row.shape, { timeMs, segment: context.segment, nowMs: context.monotonicMs });
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      lastMs[slot] = timeMs;
      if (producer[slot] !== batch.producer) producer[slot] = batch.producer;
    }
    if (timeMs > head.newestMs) head.newestMs = timeMs;
  }
  if (side !== undefined) publishSide(head, { ...side, producer: batch.producer }, context);
  if (batch.metadata !== undefined) head.rememberMetadata(batch.metadata);
}

/** Also used by the replay. */
export function publishSide(
  head: Head,
  side: StagedSide & { readonly producer: SampleBatch['producer'] },
  context: { readonly segment: number; readonly monotonicMs: number },
): void {
  const { lastMs, producer } = head.table;
  const words = wordsOf(side.values);
  side.series.forEach((series, i) => {
    // Another id happens in a replay only: the buffer was sealed before these samples came.
    if (series.side !== undefined && series.side.chunkId !== side.chunkIds[i]) head.sealSide(series.side);
    let buffer = series.side;
    if (buffer === undefined) {
      const origin = { firstSegment: context.segment, openedMs: context.monotonicMs };
      buffer = newSide(series, { chunkId: side.chunkIds[i]!, ...origin });
      series.side = buffer;
      head.sides.add(buffer);
    }
    const timeMs = side.times[i]!;
    pushSide(buffer, timeMs, { words, from: i });
    lastMs[series.slot] = Math.max(lastMs[series.slot]!, timeMs);
    producer[series.slot] = side.producer;
    if (timeMs > head.newestMs) head.newestMs = timeMs;
  });
  for (const series of side.series) {
    if (series.side !== undefined && series.side.count >= SIDE_SAMPLES_MAX) head.sealSide(series.side);
  }
}

/** The write failed: the row is not there, and the layout has not been written. */
export function unstage(staged: StagedBatch): void {
  if (staged.row === undefined) return;
  staged.row.cohort.inFlight = false;
  staged.row.shape.definedIn = -1;
}
