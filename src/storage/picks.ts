// Where the samples of series lie, as of one moment: in which sealed chunks, and what open rows have, copied out. Of few series
// that is gathered in one synchronous go, of very many in turns, from what was held still (hold.ts).
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { inTurns, type Pace } from '../base/index.ts';
import { compareLabels, type FloatLender, valuesAt, wordsOf } from '../model/index.ts';
import type { Line, OpenColumn, Pick, Piece, Source } from './assemble.ts';
import type { Window } from './block/block.ts';
import { presentRows } from './chunk.ts';
import type { Head } from './head.ts';
import type { Chunk, Cohort, Membership, Series } from './head-data.ts';
import type { Held } from './hold.ts';
import { type OpenRows, openRowsOf, Room } from './open-rows.ts';
import { sideExtras, sideOrder } from './side.ts';

/** What is to be read, and the sealed chunks in it. */
export interface Snapshot {
  /** In the order of labels. */
  readonly picks: readonly Pick[];
  /** By id. */
  readonly chunks: ReadonlyMap<number, Chunk>;
}

/** A piece and where one series has its values. */
interface Part {
  /** Unlike any part with other times. */
  readonly key: string;
  readonly piece: Piece;
  readonly source: Source;
}

/** The chunks of a membership that are wanted, for the columns that are whole in all of them. */
interface Sealed {
  readonly chunks: readonly Chunk[];
  /** Those in which some columns lack rows. */
  readonly partial: readonly Chunk[];
  readonly line: Line;
}

interface Scope {
  readonly window: Window;
  readonly only: ReadonlySet<Chunk> | undefined;
  readonly held: Held | undefined;
  readonly chunks: Map<number, Chunk>;
  readonly sealed: Map<Membership, Sealed>;
  readonly open: Map<Cohort, OpenRows>;
  /** By key: one for all series with the same pieces. */
  readonly lines: Map<string, Line>;
  /** By the piece at their end: the lines made last. */
  readonly longer: Map<Piece, { readonly of: Line; readonly line: Line }>;
  readonly room: Room;
}

export interface Wanted {
  readonly window: Window;
  /** These sealed chunks only. */
  readonly only?: ReadonlySet<Chunk>;
  readonly memory?: FloatLender | undefined;
  /** The series are in the order of their labels already. */
  readonly isSorted?: boolean;
}

/** Of all that the head has of these series in the window, or of certain sealed chunks only. */
export function takeSnapshot(head: Head, matched: readonly Series[], wanted: Wanted): Snapshot {
  const scope = newScope(wanted, undefined);
  const picks: Pick[] = [];
  for (const series of matched) {
    const { labels, ref, slot } = series;
    const { line, sources, open } = placeOf(series, scope);
    const producer = head.table.producer[slot];
    if (line.count > 0) picks.push({ labels, ref, producer, line, sources, open });
  }
  for (const rows of scope.open.values()) for (let i = 0; i < rows.count; i++) rows.copyRow(i);
  if (wanted.isSorted !== true) picks.sort((a, b) => compareLabels(a.labels, b.labels));
  return { picks, chunks: scope.chunks };
}

/** The same of series that are held, in their order; undefined if the pace says that the work shall end. */
export function snapshotInTurns(
  held: Held,
  /** Which of them; undefined for all. */
  which: readonly number[] | undefined,
  wanted: { readonly window: Window; readonly memory?: FloatLender | undefined; readonly pace: Pace },
): Promise<Snapshot | undefined> {
  return inTurns(snapshotSteps(held, which, newScope(wanted, held)), wanted.pace);
}

/** Series between two yields: some tens of microseconds. */
const SERIES_AT_ONCE = 32;

function* snapshotSteps(
  held: Held,
  which: readonly number[] | undefined,
  scope: Scope,
): Generator<void, Snapshot> {
  const picks: Pick[] = [];
  const count = which?.length ?? held.count;
  for (let i = 0; i < count; i++) {
    const index = which === undefined ? i : which[i]!;
    const series = held.at(index);
    const { labels, ref } = series;
    const { line, sources, open } = placeOf(series, scope);
    if (line.count > 0) picks.push({ labels, ref, producer: held.producer(index), line, sources, open });
    if ((i + 1) % SERIES_AT_ONCE === 0) yield;
  }
  for (const rows of scope.open.values()) {
    for (let i = 0; i < rows.count; i++) {
      rows.copyRow(i);
      yield;
    }
  }
  return { picks, chunks: scope.chunks };
}

function newScope({ window, only, memory }: Wanted, held: Held | undefined): Scope {
  return {
    window,
    only,
    held,
    chunks: new Map(),
    sealed: new Map(),
    open: new Map(),
    lines: new Map(),
    longer: new Map(),
    room: new Room(memory),
  };
}

type Place = { [K in 'line' | 'sources' | 'open']: Pick[K] };

type Placed = { [K in 'members' | 'columns' | 'cohorts' | 'cohortColumns' | 'side']: Series[K] };

function placeOf(series: Placed, scope: Scope): Place {
  const parts: Part[] = [];
  if (scope.only === undefined) {
    const usual = usualPlace(series, scope);
    if (usual !== undefined) return usual;
    addOpen(series, scope, parts);
  }
  if (series.members.length === 1 && parts.length === 0) {
    const column = series.columns[0]!;
    const { line, partial } = sealedOf(series.members[0]!, scope);
    if (!isPartial(partial, column)) return { line, sources: column, open: undefined };
  }
  addSealed(series, scope, parts);
  if (parts.length > 1)
    parts.sort((a, b) => a.piece.firstMs - b.piece.firstMs || a.piece.chunkId - b.piece.chunkId);
  return { line: lineOf(parts, scope), sources: parts.map(({ source }) => source), open: undefined };
}

/** Open rows of one cohort behind the chunks of one membership: nothing is made for each series but a few small objects. */
function usualPlace(series: Placed, scope: Scope): Place | undefined {
  if (series.cohorts.length !== 1 || series.members.length > 1 || (series.side?.count ?? 0) > 0)
    return undefined;
  const rows = openOf(series.cohorts[0]!, scope);
  if (rows === undefined || !rows.isUniform || rows.count === 0) return undefined;
  const open = rows.take(series.cohortColumns[0]!, scope.room);
  if (open === undefined) return undefined;
  const sealed = series.members.length === 0 ? undefined : sealedOf(series.members[0]!, scope);
  if (sealed === undefined || sealed.chunks.length === 0)
    return { line: longer(NO_LINE, rows, scope), sources: 0, open };
  const column = series.columns[0]!;
  const isLast = rows.piece.firstMs > (sealed.line.pieces.at(-1)?.firstMs ?? Infinity);
  if (!isLast || isPartial(sealed.partial, column)) return undefined;
  return { line: longer(sealed.line, rows, scope), sources: column, open };
}

function isPartial(partial: readonly Chunk[], column: number): boolean {
  return partial.length > 0 && partial.some(chunk => chunk.partial!.has(column));
}

function lineOf(parts: readonly Part[], scope: Scope): Line {
  const key = parts.map(part => part.key).join('');
  const known = scope.lines.get(key);
  if (known !== undefined) return known;
  const pieces = parts.map(({ piece }) => piece);
  const line = { key, pieces, count: pieces.reduce((sum, { count }) => sum + count, 0) };
  scope.lines.set(key, line);
  return line;
}

const NO_LINE: Line = { key: '', pieces: [], count: 0 };

function longer(line: Line, { key, piece }: OpenRows, scope: Scope): Line {
  const latest = scope.longer.get(piece);
  if (latest?.of === line) return latest.line;
  const longerKey = line.key + key;
  const made = scope.lines.get(longerKey) ?? {
    key: longerKey,
    pieces: [...line.pieces, piece],
    count: line.count + piece.count,
  };
  scope.lines.set(longerKey, made);
  scope.longer.set(piece, { of: line, line: made });
  return made;
}

function sealedOf(membership: Membership, scope: Scope): Sealed {
  const known = scope.sealed.get(membership);
  if (known !== undefined) return known;
  const { window, only, held } = scope;
  const chunks = membership.chunks.filter(chunk => {
    if (held?.later.has(chunk) === true) return false;
    if (chunk.damaged || chunk.maxMs <= window.fromMs || chunk.minMs > window.toMs) return false;
    if (only !== undefined) return only.has(chunk);
    // What blocks have of it already is read there. Of a chunk that is waiting to be dropped that is all.
    const cutBelowMs = chunk.cutBelowMs ?? -Infinity;
    return window.toMs >= cutBelowMs && chunk.maxMs >= cutBelowMs;
  });
  for (const chunk of chunks) scope.chunks.set(chunk.id, chunk);
  const rising = [...chunks].sort((a, b) => a.minMs - b.minMs || a.id - b.id);
  const line = lineOf(
    rising.map(chunk => sealedPart(chunk, 0, undefined)),
    scope,
  );
  const sealed = { chunks, partial: chunks.filter(({ partial }) => partial !== undefined), line };
  scope.sealed.set(membership, sealed);
  return sealed;
}

function addSealed(series: Placed, scope: Scope, parts: Part[]): void {
  for (let i = 0; i < series.members.length; i++) {
    const column = series.columns[i]!;
    for (const chunk of sealedOf(series.members[i]!, scope).chunks)
      parts.push(sealedPart(chunk, column, chunk.partial?.get(column)));
  }
}

function sealedPart(chunk: Chunk, column: number, mask: Uint8Array | undefined): Part {
  const { id, minMs, rows } = chunk;
  return {
    key: mask === undefined ? `${id};` : `${id}:${mask.join()};`,
    piece: {
      firstMs: minMs,
      chunkId: id,
      count: mask === undefined ? rows : presentRows(chunk, column),
      mask,
    },
    source: column,
  };
}

/** Undefined where the cohort has none. */
function openOf(live: Cohort, scope: Scope): OpenRows | undefined {
  const known = scope.open.get(live);
  if (known !== undefined) return known;
  const cohort = scope.held === undefined ? live : scope.held.cohort(live);
  if (cohort === undefined || cohort.rows === 0) return undefined;
  const rows = openRowsOf(cohort, scope);
  scope.open.set(live, rows);
  return rows;
}

function addOpen(series: Placed, scope: Scope, parts: Part[]): void {
  for (let i = 0; i < series.cohorts.length; i++) {
    const rows = openOf(series.cohorts[i]!, scope);
    if (rows === undefined || rows.count === 0) continue;
    const column = series.cohortColumns[i]!;
    if (!rows.isUniform) {
      const part = rows.pickOut(column);
      if (part !== undefined) parts.push(partOf(part.key, rows.piece.chunkId, part.open));
      continue;
    }
    const open = rows.take(column, scope.room);
    if (open !== undefined) parts.push({ key: rows.key, piece: rows.piece, source: open });
  }
  const { side } = series;
  if (side === undefined || side.count === 0) return;
  const order = sideOrder(side);
  const values = valuesAt(side.values, order);
  const times = Float64Array.from(order, at => side.times[at]!);
  const open = { times, words: wordsOf(values), at: 0, extras: sideExtras(side, order), isPlain: false };
  parts.push(partOf(`s${side.chunkId};`, side.chunkId, open));
}

function partOf(key: string, chunkId: number, source: OpenColumn): Part {
  const { times } = source;
  return { key, piece: { firstMs: times[0]!, chunkId, count: times.length, mask: undefined }, source };
}
