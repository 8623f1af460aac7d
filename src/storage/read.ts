// Reading: what a query gets. The places of all samples are gathered in one synchronous go (the snapshot: open rows are
// copied out), then chunks that are only on disk are loaded, then each time column is put together once and each value
// column decoded once.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { err, ok, type Result } from '../base/index.ts';
import {
  compareLabels,
  type Labels,
  type Matcher,
  type ReadFailure,
  type SelectHints,
  type SeriesColumns,
  type TimeRange,
  valuesAt,
  wordsOf,
} from '../model/index.ts';
import { firstAfter } from './block/block.ts';
import { isRising, mergeOrder } from './block/merge.ts';
import {
  type ChunkView,
  isPresent,
  openChunk,
  presentRows,
  readChunkColumn,
  readChunkExtras,
} from './chunk.ts';
import type { ChunkStore } from './chunk-store.ts';
import { gatherColumn, gatherExtras, hasValue } from './cohort.ts';
import { type ColumnExtras, ColumnExtrasBuilder } from './extras.ts';
import type { Head } from './head.ts';
import type { Chunk, Cohort, Series } from './head-data.ts';
import { matchSeries } from './matching.ts';
import { sideExtras, sideOrder } from './side.ts';

export interface ReadFrom {
  readonly head: Head;
  readonly chunks: ChunkStore;
}

/** Samples with fromMs < time <= toMs. */
interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A stretch of one series' samples: in a sealed chunk, or copied out of open rows. */
interface Piece {
  /** Unlike any piece with other times. */
  readonly key: string;
  readonly firstMs: number;
  readonly chunkId: number;
  readonly count: number;
  readonly sealed: { readonly chunk: Chunk; readonly column: number } | undefined;
  readonly open:
    | {
        readonly times: Float64Array;
        readonly values: Float64Array;
        readonly extras: ColumnExtras | undefined;
      }
    | undefined;
}

interface Pick {
  readonly series: Series;
  readonly pieces: readonly Piece[];
  readonly key: string;
  readonly count: number;
}

/** Times of all series whose pieces have the same times, put together once. */
interface Timeline {
  readonly times: Float64Array;
  /** Where the pieces overlap: index into the pieces' samples laid end to end, for each entry of `times`. */
  readonly order: Uint32Array | undefined;
  readonly from: number;
  readonly to: number;
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
  const snapshot = takeSnapshot(matched.value, hints);
  const loaded = await loadViews(source, snapshot, signal);
  if (!loaded.ok || loaded.value === 'again') return loaded.ok ? ok('again' as const) : loaded;
  const columns = decodeAll(source, snapshot, { views: loaded.value, window: hints, limit: hints.limit });
  return ok(columns ?? 'again');
}

/** What certain sealed chunks have of certain series. */
export async function readSealed(
  source: ReadFrom,
  series: readonly Series[],
  wanted: { readonly chunks: ReadonlySet<Chunk>; readonly window: Window },
): Promise<Result<readonly SeriesColumns[] | 'again', ReadFailure>> {
  const snapshot = takeSnapshot(series, wanted.window, wanted.chunks);
  const loaded = await loadViews(source, snapshot, undefined);
  if (!loaded.ok || loaded.value === 'again') return loaded.ok ? ok('again' as const) : loaded;
  const columns = decodeAll(source, snapshot, { views: loaded.value, window: wanted.window, limit: 0 });
  return ok(columns ?? 'again');
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
  const snapshot = takeSnapshot(unsure, window);
  const loaded = await loadViews(source, snapshot, undefined);
  if (!loaded.ok || loaded.value === 'again') return loaded.ok ? ok('again' as const) : loaded;
  const lines = new Map<string, Timeline>();
  for (const pick of snapshot) {
    const { from, to } = timelineOf(pick, { lines, views: loaded.value, window });
    if (from < to) sure.push(pick.series);
  }
  return ok(sure.map(series => series.labels).sort(compareLabels));
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

// --- snapshot ---------------------------------------------------------------------------------------

interface OpenTimes {
  readonly uniform: boolean;
  readonly times: Float64Array;
  readonly minMs: number;
  readonly maxMs: number;
}

/** Of all that the head has, or of certain sealed chunks only. */
function takeSnapshot(matched: readonly Series[], window: Window, only?: ReadonlySet<Chunk>): Pick[] {
  const openTimes = new Map<Cohort, OpenTimes>();
  const picks: Pick[] = [];
  for (const series of matched) {
    const pieces: Piece[] = [];
    addSealed(series, { window, only }, pieces);
    if (only === undefined) addOpen(series, { window, openTimes }, pieces);
    if (pieces.length === 0) continue;
    if (pieces.length > 1) pieces.sort((a, b) => a.firstMs - b.firstMs || a.chunkId - b.chunkId);
    let key = '';
    let count = 0;
    for (const piece of pieces) {
      key += piece.key;
      count += piece.count;
    }
    picks.push({ series, pieces, key, count });
  }
  return picks.sort((a, b) => compareLabels(a.series.labels, b.series.labels));
}

function addSealed(
  series: Series,
  scope: { readonly window: Window; readonly only: ReadonlySet<Chunk> | undefined },
  pieces: Piece[],
): void {
  const { window, only } = scope;
  for (let i = 0; i < series.members.length; i++) {
    const column = series.columns[i]!;
    for (const chunk of series.members[i]!.chunks) {
      if (chunk.damaged || chunk.maxMs <= window.fromMs || chunk.minMs > window.toMs) continue;
      if (only === undefined ? window.toMs < (chunk.cutBelowMs ?? -Infinity) : !only.has(chunk)) continue;
      const mask = chunk.partial?.get(column);
      pieces.push({
        key: mask === undefined ? `${chunk.id};` : `${chunk.id}:${mask.join()};`,
        firstMs: chunk.minMs,
        chunkId: chunk.id,
        count: mask === undefined ? chunk.rows : presentRows(chunk, column),
        sealed: { chunk, column },
        open: undefined,
      });
    }
  }
}

function addOpen(
  series: Series,
  scope: { readonly window: Window; readonly openTimes: Map<Cohort, OpenTimes> },
  pieces: Piece[],
): void {
  const { window } = scope;
  for (let i = 0; i < series.cohorts.length; i++) {
    const cohort = series.cohorts[i]!;
    if (cohort.rows === 0) continue;
    let known = scope.openTimes.get(cohort);
    if (known === undefined) {
      known = openTimesOf(cohort);
      scope.openTimes.set(cohort, known);
    }
    if (known.maxMs <= window.fromMs || known.minMs > window.toMs) continue;
    const piece = openPiece(cohort, series.cohortColumns[i]!, known);
    if (piece !== undefined) pieces.push(piece);
  }
  const { side } = series;
  if (side === undefined || side.count === 0) return;
  const order = sideOrder(side);
  const values = valuesAt(side.values, order);
  const times = Float64Array.from(order, at => side.times[at]!);
  pieces.push({
    key: `s${side.chunkId};`,
    firstMs: times[0]!,
    chunkId: side.chunkId,
    count: side.count,
    sealed: undefined,
    open: { times, values, extras: sideExtras(side, order) },
  });
}

function openTimesOf(cohort: Cohort): OpenTimes {
  const times = cohort.rowTimes.slice(0, cohort.rows);
  const first = cohort.rowShapes[0];
  const uniform = cohort.rowShapes.every(shape => shape === first);
  return { uniform, times, minMs: Math.min(...times), maxMs: Math.max(...times) };
}

function openPiece(cohort: Cohort, column: number, known: OpenTimes): Piece | undefined {
  const values = new Float64Array(cohort.rows);
  const words = wordsOf(values);
  const base = { chunkId: cohort.chunkId, sealed: undefined };
  const extras = gatherExtras(cohort, column);
  if (known.uniform) {
    const count = gatherColumn(cohort, column, { words, at: 0 });
    if (count === 0) return undefined;
    const { times } = known;
    return {
      ...base,
      key: `o${cohort.chunkId};`,
      firstMs: times[0]!,
      count,
      open: { times, values, extras },
    };
  }
  const times = new Float64Array(cohort.rows);
  const count = gatherColumn(cohort, column, { words, times, at: 0 });
  if (count === 0) return undefined;
  let key = `o${cohort.chunkId}:`;
  for (let row = 0; row < cohort.rows; row++) key += hasValue(cohort, column, row) ? '1' : '0';
  const open = { times: times.subarray(0, count), values: values.subarray(0, count), extras };
  return { ...base, key: `${key};`, firstMs: times[0]!, count, open };
}

// --- loading and decoding ---------------------------------------------------------------------------

type Views = ReadonlyMap<Chunk, ChunkView>;

/** Opens all chunks of a snapshot; 'again' when one was found damaged. */
async function loadViews(
  source: ReadFrom,
  snapshot: readonly Pick[],
  signal: AbortSignal | undefined,
): Promise<Result<Views | 'again', ReadFailure>> {
  const cancelled = err({
    code: 'query-cancelled' as const,
    message: 'Cannot go on reading: the query was cancelled',
  });
  if (signal?.aborted) return cancelled;
  const wanted = new Set<Chunk>();
  for (const pick of snapshot) {
    for (const piece of pick.pieces) if (piece.sealed !== undefined) wanted.add(piece.sealed.chunk);
  }
  const records = await source.chunks.load(wanted);
  if (!records.ok) {
    const { path, message } = records.error;
    return err({ code: 'query-storage', message: `Cannot read "${path}": ${message}` });
  }
  if (signal?.aborted) return cancelled;
  const views = new Map<Chunk, ChunkView>();
  for (const [chunk, record] of records.value) {
    const view = openChunk(record);
    if (view === undefined) source.chunks.markDamaged(chunk, 'it makes no sense');
    else views.set(chunk, view);
  }
  // A chunk neither given nor damaged was dropped for its age meanwhile: the next round does not meet it.
  return ok(views.size === wanted.size ? views : 'again');
}

interface LineScope {
  readonly lines: Map<string, Timeline>;
  readonly views: Views;
  readonly window: Window;
}

function timelineOf(pick: Pick, scope: LineScope): Timeline {
  const known = scope.lines.get(pick.key);
  if (known !== undefined) return known;
  const raw = new Float64Array(pick.count);
  let at = 0;
  for (const piece of pick.pieces) {
    at =
      piece.open === undefined
        ? copyTimes(piece, scope.views, { raw, at })
        : copyOpen(piece.open, { raw, at });
  }
  const order = isRising(raw) ? undefined : mergeOrder(raw);
  const times = order === undefined ? raw : Float64Array.from(order, i => raw[i]!);
  const from = firstAfter(times, scope.window.fromMs);
  const to = firstAfter(times, scope.window.toMs);
  const line = { times, order, from, to };
  scope.lines.set(pick.key, line);
  return line;
}

function copyOpen(open: { readonly times: Float64Array }, into: { raw: Float64Array; at: number }): number {
  into.raw.set(open.times, into.at);
  return into.at + open.times.length;
}

function copyTimes(piece: Piece, views: Views, into: { raw: Float64Array; at: number }): number {
  const { chunk, column } = piece.sealed!;
  const { times } = views.get(chunk)!;
  const mask = chunk.partial?.get(column);
  let { at } = into;
  if (mask === undefined) {
    into.raw.set(times, at);
    return at + times.length;
  }
  for (let row = 0; row < times.length; row++) if (isPresent(mask, row)) into.raw[at++] = times[row]!;
  return at;
}

/** Value columns are cut out of blocks of this many floats: one allocation for many short columns. */
const BLOCK_FLOATS = 32 * 1024;

function decodeAll(
  source: ReadFrom,
  snapshot: readonly Pick[],
  scope: { readonly views: Views; readonly window: Window; readonly limit: number },
): SeriesColumns[] | undefined {
  const lines = new Map<string, Timeline>();
  const found: SeriesColumns[] = [];
  let block = new Float64Array(0);
  let used = 0;
  for (const pick of snapshot) {
    const line = timelineOf(pick, { ...scope, lines });
    if (line.from === line.to) continue;
    if (used + pick.count > block.length) {
      block = new Float64Array(Math.max(BLOCK_FLOATS, pick.count));
      used = 0;
    }
    const raw = block.subarray(used, used + pick.count);
    used += pick.count;
    const builder = new ColumnExtrasBuilder(pick.count);
    if (!decodePieces(source, { pick, views: scope.views }, { raw, builder })) return undefined;
    found.push({
      labels: pick.series.labels,
      ref: pick.series.ref,
      producer: source.head.table.producer[pick.series.slot],
      timesMs: line.times,
      values: line.order === undefined ? raw : valuesAt(raw, line.order),
      from: line.from,
      to: line.to,
      ...builder.finish(line.order),
    });
    if (found.length === scope.limit) break;
  }
  return found;
}

/** False when a column makes no sense although its checksum was right: its chunk is then left out. */
function decodePieces(
  source: ReadFrom,
  wanted: { readonly pick: Pick; readonly views: Views },
  out: { readonly raw: Float64Array; readonly builder: ColumnExtrasBuilder },
): boolean {
  const { pick, views } = wanted;
  const { raw, builder } = out;
  let end = 0;
  for (const piece of pick.pieces) {
    const { count } = piece;
    const at = end;
    end += count;
    const into = raw.subarray(at, end);
    if (piece.open !== undefined) {
      into.set(piece.open.values);
      if (piece.open.extras !== undefined) builder.copy(piece.open.extras, 0, { count, at });
      continue;
    }
    const { chunk, column } = piece.sealed!;
    const view = views.get(chunk)!;
    const isSound = readChunkColumn(view, column, { values: into, words: wordsOf(into), count });
    const extras = isSound ? readChunkExtras(view, column, count) : 'damaged';
    if (extras === 'damaged') {
      source.chunks.markDamaged(chunk, 'a column of it makes no sense');
      return false;
    }
    if (extras !== undefined) builder.copy(extras, 0, { count, at });
  }
  return true;
}
