// Reading: what a query gets. The places of all samples are gathered in one synchronous go (the snapshot: open rows are
// copied out), then chunks that are only on disk are loaded, then the answer is put together (assemble.ts).
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { err, ok, type Result } from '../base/index.ts';
import {
  compareLabels,
  isBetween,
  type Labels,
  type Matcher,
  type ReadFailure,
  type SelectHints,
  type SeriesColumns,
  type TimeRange,
} from '../model/index.ts';
import { decodeAll, type Timeline, timelineOf, type Views } from './assemble.ts';
import type { Window } from './block/block.ts';
import { type ChunkView, openChunk } from './chunk.ts';
import type { ChunkStore } from './chunk-store.ts';
import type { Head } from './head.ts';
import type { Series } from './head-data.ts';
import { matchSeries } from './matching.ts';
import { type Snapshot, takeSnapshot } from './picks.ts';

export interface ReadFrom {
  readonly head: Head;
  readonly chunks: ChunkStore;
}

/**
 * What the head has. The snapshot is taken before the first wait. 'again' when a chunk was found damaged or was dropped on
 * the way: a new snapshot is without it, and each such round finds at least one.
 */
export async function selectSeries(
  source: ReadFrom,
  matchers: readonly Matcher[],
  asked: { readonly hints: SelectHints; readonly signal: AbortSignal | undefined },
): Promise<Result<readonly SeriesColumns[] | 'again', ReadFailure>> {
  const { hints, signal } = asked;
  const matched = matchSeries(source.head.table, matchers);
  if (!matched.ok) return err({ code: 'query-storage', message: matched.error });
  const { between } = hints;
  const wanted = between && matched.value.filter(series => isBetween(series.labels, between));
  const snapshot = takeSnapshot(source.head, wanted ?? matched.value, { window: hints });
  const loaded = await loadViews(source, snapshot, signal);
  if (!loaded.ok || loaded.value === 'again') return loaded.ok ? ok('again' as const) : loaded;
  const columns = decodeAll(snapshot.picks, { views: loaded.value, window: hints, limit: hints.limit });
  if (columns.ok) return columns;
  source.chunks.markDamaged(snapshot.chunks.get(columns.error.chunkId)!, columns.error.cause);
  return ok('again');
}

/** Series of the head with samples in the range, both ends included; 'again' as above. */
export async function seriesInRange(
  source: ReadFrom,
  matchers: readonly Matcher[],
  range: TimeRange,
): Promise<Result<readonly Labels[] | 'again', ReadFailure>> {
  const window = { fromMs: range.fromMs - 1, toMs: range.toMs };
  const matched = matchSeries(source.head.table, matchers);
  if (!matched.ok) return err({ code: 'query-storage', message: matched.error });
  const sure: Series[] = [];
  const unsure: Series[] = [];
  for (const series of matched.value) (hasWholeChunk(series, window) ? sure : unsure).push(series);
  const snapshot = takeSnapshot(source.head, unsure, { window });
  const loaded = await loadViews(source, snapshot, undefined);
  if (!loaded.ok || loaded.value === 'again') return loaded.ok ? ok('again' as const) : loaded;
  const lines = new Map<string, Timeline>();
  const found = sure.map(series => series.labels);
  for (const pick of snapshot.picks) {
    const { from, to } = timelineOf(pick, { lines, views: loaded.value, window });
    if (from < to) found.push(pick.labels);
  }
  return ok(found.sort(compareLabels));
}

/** Whether a sealed chunk lies inside the window as a whole: a column of it has at least one sample. */
function hasWholeChunk(series: Series, window: Window): boolean {
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
  const wanted = snapshot.chunks;
  const records = await source.chunks.load(wanted.values());
  if (!records.ok) {
    const { path, message } = records.error;
    return err({ code: 'query-storage', message: `Cannot read "${path}": ${message}` });
  }
  if (signal?.aborted) return cancelled;
  const views = new Map<number, ChunkView>();
  for (const [chunk, record] of records.value) {
    const view = openChunk(record);
    if (view === undefined) source.chunks.markDamaged(chunk, 'it makes no sense');
    else views.set(chunk.id, view);
  }
  // A chunk neither given nor damaged was dropped for its age meanwhile: the next round does not meet it.
  return ok(views.size === wanted.size ? views : 'again');
}
