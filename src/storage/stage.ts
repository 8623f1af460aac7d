// One batch before it is written: which samples are taken, where they will go, what the log records of them.
// Nothing becomes visible here; a write that fails leaves nothing to undo but `unstage`. Batches of one write group
// never share a series, so that each is judged against published samples only.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { assert } from '../base/index.ts';
import {
  type AppendOutcome,
  REFUSALS_LISTED_MAX,
  type RefusalReason,
  refusalsByReason,
  type SampleBatch,
  valuesAt,
  wordsOf,
} from '../model/index.ts';
import type { ChunkView } from './chunk.ts';
import { addShape, allOlder, findShape, stageRow } from './cohort.ts';
import type { StoredExemplar } from './exemplars.ts';
import { type Compared, findExisting } from './existing.ts';
import { type Extras, extrasOf, histogramBytes } from './extras.ts';
import type { Head } from './head.ts';
import type { Chunk, Cohort, Series, Shape } from './head-data.ts';
import type { BatchRecord } from './records.ts';
import {
  BATCH_SAMPLES_MAX,
  COHORT_SERIES_MIN,
  COHORTS_PER_PRODUCER_FREE,
  COHORTS_PER_PRODUCER_MAX,
  type StoreSettings,
} from './settings.ts';

export interface StageContext {
  readonly settings: StoreSettings;
  /** Wall time, for samples from the future. */
  readonly nowMs: number;
  readonly monotonicMs: number;
  /** Number of the segment the record will go to. */
  readonly segment: number;
  /** Chunks loaded for the batch, after a first try answered 'load'; by id. */
  readonly held: ReadonlyMap<number, ChunkView>;
}

interface StagedRow {
  readonly cohort: Cohort;
  readonly shape: Shape;
  readonly values: Float64Array;
  readonly extras: Extras | undefined;
  readonly definesLayout: boolean;
}

/** Parallel columns. */
export interface StagedSide {
  readonly series: readonly Series[];
  readonly chunkIds: readonly number[];
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly extras: Extras | undefined;
}

export interface StagedBatch {
  readonly kind: 'staged';
  readonly batch: SampleBatch;
  readonly row: StagedRow | undefined;
  readonly side: StagedSide | undefined;
  readonly exemplars: readonly StoredExemplar[];
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
  if (batch.ownTimestampsMs !== undefined) return undefined;
  if (timeRefusal(head, timeMs, context) !== undefined) return undefined;
  const known = findKnown(head, batch, refs);
  if (known === undefined || known.cohort.rows >= known.cohort.rowsMax) return undefined;
  if (known.cohort.inFlight) return OVERLAP;
  if (!allOlder(known.shape.slots, { timeMs, group: head.group }, head.table)) return undefined;
  const extras = extrasOf(batch);
  const row = claimRow(head, { ...known, values: batch.values, extras }, context);
  const taken = { accepted: refs.length, histograms: histogramsIn(extras) };
  return staged(head, { batch, row, side: undefined, taken }, []);
}

function findKnown(
  head: Head,
  batch: SampleBatch,
  refs: Uint32Array,
): { cohort: Cohort; shape: Shape } | undefined {
  // Those of the first series: a producer may have very many.
  for (const cohort of head.table.get(refs[0] ?? 0)?.cohorts ?? []) {
    if (cohort.producer !== batch.producer || cohort.superseded) continue;
    const shape = findShape(cohort, refs, refs === batch.series && batch.isLent === true);
    if (shape !== undefined) return { cohort, shape };
  }
  return undefined;
}

/** Puts the values behind the cohort's rows and marks the series as used by this group. */
function claimRow(
  head: Head,
  row: {
    readonly cohort: Cohort;
    readonly shape: Shape;
    readonly values: Float64Array;
    readonly extras: Extras | undefined;
  },
  context: StageContext,
): StagedRow {
  const { cohort, shape, values, extras } = row;
  stageRow(cohort, values, head.pool);
  const { stamp } = head.table;
  for (let i = 0; i < shape.slots.length; i++) stamp[shape.slots[i]!] = head.group;
  const definesLayout = shape.definedIn !== context.segment;
  shape.definedIn = context.segment;
  return { cohort, shape, values, extras, definesLayout };
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
  /** Of the repeats. */
  histogramRepeats: number;
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
    histogramRepeats: 0,
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
  const ownMs = batch.ownTimestampsMs?.[index];
  const timeMs = ownMs === undefined || Number.isNaN(ownMs) ? batch.timestampMs : ownMs;
  const refusal = timeRefusal(head, timeMs, context);
  if (refusal !== undefined) return refusal;

  const times = sorting.taken.get(series.slot);
  const twin = times?.get(timeMs);
  if (twin !== undefined)
    return repeatOrConflict(sorting, index, { words, at: twin, histogram: histogramBytes(batch, twin) });

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
  stored: {
    readonly words: Uint32Array;
    readonly at: number;
    readonly histogram: Uint8Array | undefined;
  },
): RefusalReason | undefined {
  const { words, batch } = sorting;
  const histogram = histogramBytes(batch, index);
  const same =
    histogram === undefined && stored.histogram === undefined
      ? words[2 * index] === stored.words[2 * stored.at] &&
        words[2 * index + 1] === stored.words[2 * stored.at + 1]
      : histogram !== undefined &&
        stored.histogram !== undefined &&
        Buffer.compare(histogram, stored.histogram) === 0;
  if (!same) return 'sample-conflict';
  sorting.repeats++;
  if (histogram !== undefined) sorting.histogramRepeats++;
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
      const extras = extrasOf(batch, main);
      row = claimRow(head, { ...place, values: pick(batch.values, main), extras }, context);
    }
  }
  const side = sorting.late.length > 0 ? placeSide(sorting) : undefined;
  const taken = {
    accepted: (row?.values.length ?? 0) + sorting.late.length + sorting.repeats,
    histograms: histogramsIn(row?.extras) + histogramsIn(side?.extras) + sorting.histogramRepeats,
  };
  return staged(head, { batch, row, side, taken }, sorting.refused);
}

/** The cohort and shape for the samples that share the batch's time. */
function placeForRow(sorting: Sorting): { cohort: Cohort; shape: Shape } | 'overlap' | 'side' {
  const { head, batch, context, mainSeries } = sorting;
  const refs = Uint32Array.from(mainSeries, series => series.ref);
  const known = findKnown(head, batch, refs);
  const cohorts = head.cohorts.get(batch.producer)?.length ?? 0;
  let cohort = known?.cohort ?? cohortOfMost(mainSeries, batch);
  if (cohort?.inFlight) return 'overlap';
  if (cohort === undefined) {
    if (cohorts >= COHORTS_PER_PRODUCER_FREE && refs.length < COHORT_SERIES_MIN) return 'side';
    if (cohorts >= COHORTS_PER_PRODUCER_MAX) return 'side';
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
      if (cohort.producer === batch.producer && !cohort.superseded)
        counts.set(cohort, (counts.get(cohort) ?? 0) + 1);
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
    extras: extrasOf(batch, sorting.late),
  };
}

function staged(
  head: Head,
  what: Pick<StagedBatch, 'batch' | 'row' | 'side'> & { readonly taken: Taken },
  refused: readonly Refusal[],
): StagedBatch {
  const { taken, ...placed } = what;
  const outcome = outcomeOf(taken, refused);
  if (placed.batch.exemplars === undefined) return { kind: 'staged', ...placed, exemplars: [], outcome };
  const { exemplars: ring, table } = head;
  const refusedAt = new Set(refused.map(({ index }) => index));
  const exemplars = ring.worthKeeping(
    placed.batch,
    ref => table.get(ref),
    index => refusedAt.has(index),
  );
  const kept = exemplars.length === 0 ? outcome : { ...outcome, keptExemplars: exemplars.length };
  return { kind: 'staged', ...placed, exemplars, outcome: kept };
}

interface Taken {
  readonly accepted: number;
  readonly histograms: number;
}

function histogramsIn(extras: Extras | undefined): number {
  return extras?.histograms?.positions.length ?? 0;
}

function outcomeOf(taken: Taken, refused: readonly Refusal[]): AppendOutcome {
  const { accepted, histograms } = taken;
  const counts = histograms === 0 ? { accepted } : { accepted, acceptedHistograms: histograms };
  if (refused.length === 0) return { ...counts, refused: [], refusedCount: 0 };
  return {
    ...counts,
    refused: refused.slice(0, REFUSALS_LISTED_MAX),
    refusedCount: refused.length,
    refusedBy: refusalsByReason(refused),
  };
}

/** The values at rising or mixed indices, bit by bit; the column itself when all are taken in order. */
function pick(values: Float64Array, indices: readonly number[]): Float64Array {
  if (indices.length === values.length && indices.every((index, i) => index === i)) return values;
  return valuesAt(values, indices);
}

// --- what the log records ---------------------------------------------------------------------------

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
      extras: row.extras,
    },
    side: side && {
      refs: side.series.map(series => series.ref),
      chunkIds: side.chunkIds,
      times: side.times,
      values: side.values,
      extras: side.extras,
    },
  };
}
