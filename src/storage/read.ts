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
  type ReadWork,
  type SelectHints,
  type SeriesColumns,
  type TimeRange,
} from '../model/index.ts';
import { type LineScope, timelineOf, type Views } from './assemble.ts';
import type { Window } from './block/block.ts';
import type { ChunkStore } from './chunk-store.ts';
import { decodeInTurns, SERIES_BYTES } from './decode-in-turns.ts';
import type { Head } from './head.ts';
import type { Series } from './head-data.ts';
import { latestOf } from './latest.ts';
import { type Snapshot, takeSnapshot } from './picks.ts';
import type { Selections } from './selections.ts';

/** Of a reader that is in no hurry to let others go first. */
const UNMINDED: ReadWork = { isDue: () => false, pause: async () => true, reserve: () => true };

/** Who reads has said so, and knows why. */
const STOPPED = err({ code: 'query-cancelled' as const, message: 'Cannot go on reading: told to stop' });

export interface ReadFrom {
  readonly head: Head;
  readonly chunks: ChunkStore;
  readonly selections: Selections;
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
  const matched = source.selections.match(matchers);
  if (!matched.ok) return err({ code: 'query-storage', message: matched.error });
  const { between, memory, work = UNMINDED } = hints;
  if (!work.reserve(matched.value.length * SERIES_BYTES)) return STOPPED;
  const wanted = between ? matched.value.filter(series => isBetween(series.labels, between)) : matched.value;
  const latest =
    hints.lastOnly === true ? latestOf(source.head, wanted, { window: hints, memory }) : undefined;
  const closer = latest?.rest ?? wanted;
  const snapshot = takeSnapshot(source.head, closer, { window: hints, isSorted: true, memory });
  const loaded = await loadViews(source, snapshot, signal);
  if (!loaded.ok || loaded.value === 'again') return loaded.ok ? ok('again' as const) : loaded;
  if (work.isDue() && !(await work.pause())) return STOPPED;
  const scope = { views: loaded.value, window: hints, limit: hints.limit, memory };
  const columns = await decodeInTurns(snapshot.picks, scope, work);
  if (columns === 'stopped') return STOPPED;
  if (columns.ok) return ok(latest === undefined ? columns.value : joined(latest.found, columns.value));
  source.chunks.markDamaged(snapshot.chunks.get(columns.error.chunkId)!, columns.error.cause);
  return ok('again');
}

/** Of two lists in the order of labels. */
function joined(a: readonly SeriesColumns[], b: readonly SeriesColumns[]): readonly SeriesColumns[] {
  if (b.length === 0) return a;
  return [...a, ...b].sort((one, other) => compareLabels(one.labels, other.labels));
}

/** Series of the head with samples in the range, both ends included; 'again' as above. */
export async function seriesInRange(
  source: ReadFrom,
  matchers: readonly Matcher[],
  range: TimeRange,
): Promise<Result<readonly Labels[] | 'again', ReadFailure>> {
  const window = { fromMs: range.fromMs - 1, toMs: range.toMs };
  const matched = source.selections.match(matchers);
  if (!matched.ok) return err({ code: 'query-storage', message: matched.error });
  const sure: Series[] = [];
  const unsure: Series[] = [];
  for (const series of matched.value) (hasWholeChunk(series, window) ? sure : unsure).push(series);
  const snapshot = takeSnapshot(source.head, unsure, { window });
  const loaded = await loadViews(source, snapshot, undefined);
  if (!loaded.ok || loaded.value === 'again') return loaded.ok ? ok('again' as const) : loaded;
  const scope: LineScope = { lines: new Map(), alike: new Map(), views: loaded.value, window };
  const found = sure.map(series => series.labels);
  for (const pick of snapshot.picks) {
    const { from, to } = timelineOf(pick, scope);
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
  const views = await source.chunks.load(snapshot.chunks.values());
  if (!views.ok) {
    const { path, message } = views.error;
    return err({ code: 'query-storage', message: `Cannot read "${path}": ${message}` });
  }
  if (signal?.aborted) return cancelled;
  // A chunk neither given nor damaged was dropped for its age meanwhile: the next round does not meet it.
  return ok(views.value.size === snapshot.chunks.size ? views.value : 'again');
}
