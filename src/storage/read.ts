// Reading: what a query gets. The places of all samples are gathered as of one moment (the snapshot: open rows are copied
// out), then chunks that are only on disk are loaded, then the answer is put together (assemble.ts).
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { err, inTurns, ok, type Result, sortInTurns } from '../base/index.ts';
import {
  compareLabels,
  type Labels,
  type LabelsRange,
  type Matcher,
  type ReadFailure,
  type ReadWork,
  type SelectHints,
  type SeriesColumns,
  type TimeRange,
} from '../model/index.ts';
import { type LineScope, newFoundTimes, type Pick, timelineOf, type Views } from './assemble.ts';
import type { Window } from './block/block.ts';
import type { ChunkStore } from './chunk-store.ts';
import { decodeInTurns, SERIES_BYTES } from './decode-in-turns.ts';
import type { Head } from './head.ts';
import type { Series } from './head-data.ts';
import { type Held, type HeldSeries, holdStill } from './hold.ts';
import { latestInTurns, latestOf } from './latest.ts';
import { type Snapshot, snapshotInTurns, takeSnapshot } from './picks.ts';
import type { Selections } from './selections.ts';
import { SERIES_AT_ONCE_MAX } from './settings.ts';

/** Of a reader that is in no hurry to let others go first. */
export const UNMINDED: ReadWork = { isDue: () => false, pause: async () => true, reserve: () => true };

/** Who reads has said so, and knows why. */
export const STOPPED = err({
  code: 'query-cancelled' as const,
  message: 'Cannot go on reading: told to stop',
});

/** Of a series that is only listed: its place in lists. */
const LISTED_BYTES = 100;

export interface ReadFrom {
  readonly head: Head;
  readonly chunks: ChunkStore;
  readonly selections: Selections;
}

/**
 * What the head has. What the answer is made of is settled before the first wait: of few series their places are gathered in
 * one go, of more they are held still. 'again' when a chunk was found damaged or was dropped on the way: the next round is
 * without it, and each such round finds at least one.
 */
export async function selectSeries(
  source: ReadFrom,
  matchers: readonly Matcher[],
  asked: { readonly hints: SelectHints; readonly signal: AbortSignal | undefined },
): Promise<Result<readonly SeriesColumns[] | 'again', ReadFailure>> {
  const matched = source.selections.match(matchers);
  if (!matched.ok) return err({ code: 'query-storage', message: matched.error });
  const { between } = asked.hints;
  const wanted = between === undefined ? matched.value : within(matched.value, between);
  return readSeries(source, wanted, asked);
}

/** The same of series that are known, in the order of labels. */
export async function readSeries(
  source: ReadFrom,
  wanted: readonly Series[],
  { hints, signal }: { readonly hints: SelectHints; readonly signal: AbortSignal | undefined },
): Promise<Result<readonly SeriesColumns[] | 'again', ReadFailure>> {
  const { memory, work = UNMINDED } = hints;
  if (!work.reserve(wanted.length * SERIES_BYTES)) return STOPPED;
  const isLong = hints.work !== undefined && wanted.length > SERIES_AT_ONCE_MAX;
  const places = isLong
    ? await placesInTurns(source, wanted, { hints, work })
    : placesAtOnce(source, wanted, hints);
  if (places === 'stopped') return STOPPED;
  if (places === 'again') return ok(places);
  const { found, snapshot } = places;
  const loaded = await loadViews(source, snapshot, signal);
  if (!loaded.ok || loaded.value === 'again') return loaded.ok ? ok('again' as const) : loaded;
  if (work.isDue() && !(await work.pause())) return STOPPED;
  const scope = { views: loaded.value, window: hints, limit: hints.limit, memory };
  const columns = await decodeInTurns(snapshot.picks, scope, work);
  if (columns === 'stopped') return STOPPED;
  if (columns.ok) {
    const all = await joined(found, columns.value, work);
    return all === undefined ? STOPPED : ok(all);
  }
  source.chunks.markDamaged(snapshot.chunks.get(columns.error.chunkId)!, columns.error.cause);
  return ok('again');
}

/** Where samples lie; of those that were found on the way, they themselves. */
interface Places {
  readonly found: readonly SeriesColumns[];
  readonly snapshot: Snapshot;
}

function placesAtOnce(source: ReadFrom, wanted: readonly Series[], hints: SelectHints): Places {
  const { memory } = hints;
  const latest =
    hints.lastOnly === true ? latestOf(source.head, wanted, { window: hints, memory }) : undefined;
  const closer = latest?.rest ?? wanted;
  const snapshot = takeSnapshot(source.head, closer, { window: hints, isSorted: true, memory });
  return { found: latest?.found ?? [], snapshot };
}

async function placesInTurns(
  source: ReadFrom,
  wanted: readonly Series[],
  { hints, work }: { readonly hints: SelectHints; readonly work: ReadWork },
): Promise<Places | 'stopped' | 'again'> {
  const held = holdStill(source.head, wanted);
  try {
    const how = { window: hints, memory: hints.memory, pace: work };
    const latest = hints.lastOnly === true ? await latestInTurns(held, how) : ALL_REST;
    if (latest === undefined) return 'stopped';
    const snapshot = await snapshotInTurns(held, latest.rest, how);
    if (snapshot === undefined) return 'stopped';
    return held.isStale ? 'again' : { found: latest.found, snapshot };
  } finally {
    held.release();
  }
}

/** Nothing was found on the way. */
const ALL_REST = { found: [], rest: undefined };

/** Of series in the order of labels those in the range. */
function within(series: readonly Series[], { first, last }: LabelsRange): readonly Series[] {
  const from = firstWhere(series, labels => compareLabels(labels, first) >= 0);
  return series.slice(
    from,
    firstWhere(series, labels => compareLabels(labels, last) > 0),
  );
}

/** By halving: of all behind one whose labels fit, the labels fit. */
function firstWhere(series: readonly Series[], fits: (labels: Labels) => boolean): number {
  let [low, high] = [0, series.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (fits(series[middle]!.labels)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Of two lists in the order of labels; undefined if the work shall end. */
async function joined(
  a: readonly SeriesColumns[],
  b: readonly SeriesColumns[],
  work: ReadWork,
): Promise<readonly SeriesColumns[] | undefined> {
  if (b.length === 0) return a;
  if (a.length === 0) return b;
  return sortInTurns([...a, ...b], (one, other) => compareLabels(one.labels, other.labels), work);
}

/** Series of the head with samples in the range, both ends included, in no promised order; 'again' as above. */
export async function seriesInRange(
  source: ReadFrom,
  matchers: readonly Matcher[],
  asked: { readonly range: TimeRange; readonly work: ReadWork | undefined },
): Promise<Result<readonly Labels[] | 'again', ReadFailure>> {
  const { range, work = UNMINDED } = asked;
  const window = { fromMs: range.fromMs - 1, toMs: range.toMs };
  const matched = source.selections.match(matchers);
  if (!matched.ok) return err({ code: 'query-storage', message: matched.error });
  if (!work.reserve(matched.value.length * LISTED_BYTES)) return STOPPED;
  const held = holdStill(source.head, matched.value);
  try {
    const parted = await inTurns(partingSteps(held, window), work);
    if (parted === undefined) return STOPPED;
    const snapshot = await snapshotInTurns(held, parted.unsure, { window, pace: work });
    if (snapshot === undefined) return STOPPED;
    if (held.isStale) return ok('again');
    const loaded = await loadViews(source, snapshot, undefined);
    if (!loaded.ok || loaded.value === 'again') return loaded.ok ? ok('again' as const) : loaded;
    const scope: LineScope = { ...newFoundTimes(), views: loaded.value, window };
    const sure = await inTurns(listingSteps(snapshot.picks, scope, parted.sure), work);
    return sure === undefined ? STOPPED : ok(sure);
  } finally {
    held.release();
  }
}

/** Series between two yields: some tens of microseconds. */
const LOOKED_AT_ONCE = 64;

/** Those of which one chunk is proof enough, and the others. */
function* partingSteps(
  held: Held,
  window: Window,
): Generator<void, { readonly sure: Labels[]; readonly unsure: readonly number[] }> {
  const sure: Labels[] = [];
  const unsure: number[] = [];
  for (let i = 0; i < held.count; i++) {
    const one = held.at(i);
    if (hasWholeChunk(one, window)) sure.push(one.labels);
    else unsure.push(i);
    if ((i + 1) % LOOKED_AT_ONCE === 0) yield;
  }
  return { sure, unsure };
}

function* listingSteps(
  picks: readonly Pick[],
  scope: LineScope,
  found: Labels[],
): Generator<void, readonly Labels[]> {
  for (let i = 0; i < picks.length; i++) {
    const { from, to } = timelineOf(picks[i]!, scope);
    if (from < to) found.push(picks[i]!.labels);
    if ((i + 1) % LOOKED_AT_ONCE === 0) yield;
  }
  return found;
}

/** Whether a sealed chunk lies inside the window as a whole: a column of it has at least one sample. */
function hasWholeChunk(series: HeldSeries, window: Window): boolean {
  return series.members.some(membership =>
    membership.chunks.some(
      // One whose samples are partly in a block may be there in the block only, and deleted there.
      chunk =>
        !chunk.damaged &&
        chunk.cutBelowMs === undefined &&
        chunk.minMs > window.fromMs &&
        chunk.maxMs <= window.toMs,
    ),
  );
}

// --- loading -----------------------------------------------------------------------------------------

/** Opens all chunks of a snapshot; 'again' when one was found damaged. */
async function loadViews(
  source: ReadFrom,
  snapshot: Snapshot,
  signal: AbortSignal | undefined,
): Promise<Result<Views | 'again', ReadFailure>> {
  const cancelled = err({
    code: 'query-cancelled' as const,
    message: 'Cannot go on reading: the query was cancelled',
  });
  if (signal?.aborted) return cancelled;
  const views = await source.chunks.load(snapshot.chunks.values());
  if (!views.ok) {
    const { path, message } = views.error;
    return err({ code: 'query-storage', message: `Cannot read "${path}": ${message}` });
  }
  if (signal?.aborted) return cancelled;
  // A chunk neither given nor damaged was dropped for its age meanwhile: the next round does not meet it.
  return ok(views.value.size === snapshot.chunks.size ? views.value : 'again');
}
