// Where the samples of series lie, gathered in one synchronous go: in which sealed chunks, and what open rows have, copied out.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { compareLabels, valuesAt, wordsOf } from '../model/index.ts';
import type { Line, OpenColumn, Pick, Piece, Source } from './assemble.ts';
import type { Window } from './block/block.ts';
import { presentRows } from './chunk.ts';
import { gatherColumn, gatherExtras, hasValue } from './cohort.ts';
import type { Head } from './head.ts';
import type { Chunk, Cohort, Membership, Series } from './head-data.ts';
import { sideExtras, sideOrder } from './side.ts';

/** What is to be read, and the sealed chunks in it. */
export interface Snapshot {
  /** In the order of labels, unless asked for as they come. */
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
  /** The line with one more part, by the part's key: shorter to look up than by the whole line's. */
  readonly longer: Map<string, Line>;
}

/** Where open columns are copied to. */
interface Slab {
  readonly values: Float64Array;
  readonly words: Uint32Array;
  used: number;
}

interface OpenTimes {
  /** Of a part with these times. */
  readonly key: string;
  readonly uniform: boolean;
  readonly times: Float64Array;
  readonly minMs: number;
  readonly maxMs: number;
}

interface Scope {
  readonly window: Window;
  readonly only: ReadonlySet<Chunk> | undefined;
  readonly chunks: Map<number, Chunk>;
  readonly sealed: Map<Membership, Sealed>;
  readonly open: Map<Cohort, OpenTimes>;
  /** By key: one for all series with the same pieces. */
  readonly lines: Map<string, Line>;
  slab?: Slab;
}

/** Of all that the head has of these series in the window, or of certain sealed chunks only. */
export function takeSnapshot(
  head: Head,
  matched: readonly Series[],
  wanted: { readonly window: Window; readonly only?: ReadonlySet<Chunk>; readonly unsorted?: boolean },
): Snapshot {
  const { window, only } = wanted;
  const chunks = new Map<number, Chunk>();
  const scope: Scope = { window, only, chunks, sealed: new Map(), open: new Map(), lines: new Map() };
  const picks: Pick[] = [];
  for (const series of matched) {
    const place = placeOf(series, scope);
    if (place.line.count === 0) continue;
    const { labels, ref, slot } = series;
    picks.push({ labels, ref, producer: head.table.producer[slot], ...place });
  }
  if (wanted.unsorted !== true) picks.sort((a, b) => compareLabels(a.labels, b.labels));
  return { picks, chunks };
}

type Place = { readonly line: Line; readonly sources: readonly Source[] };

function placeOf(series: Series, scope: Scope): Place {
  const parts: Part[] = [];
  if (scope.only === undefined) addOpen(series, scope, parts);
  if (parts.length <= 1 && series.members.length === 1) {
    // The common case: nothing to be made for each series but the list of its columns.
    const column = series.columns[0]!;
    const sealed = sealedOf(series.members[0]!, scope);
    const { line, partial } = sealed;
    const [part] = parts;
    const isLast = part === undefined || part.piece.firstMs > (line.pieces.at(-1)?.firstMs ?? Infinity);
    if (isLast && !partial.some(chunk => chunk.partial!.has(column))) {
      const sources: Source[] = line.pieces.map(() => column);
      if (part === undefined) return { line, sources };
      sources.push(part.source);
      return { line: longerLine(sealed, part, scope), sources };
    }
  }
  addSealed(series, scope, parts);
  if (parts.length > 1)
    parts.sort((a, b) => a.piece.firstMs - b.piece.firstMs || a.piece.chunkId - b.piece.chunkId);
  return { line: lineOf(parts, scope), sources: parts.map(({ source }) => source) };
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

function longerLine({ line, longer }: Sealed, { key, piece }: Part, scope: Scope): Line {
  const near = longer.get(key);
  if (near !== undefined) return near;
  const longerKey = line.key + key;
  const known = scope.lines.get(longerKey) ?? {
    key: longerKey,
    pieces: [...line.pieces, piece],
    count: line.count + piece.count,
  };
  scope.lines.set(longerKey, known);
  longer.set(key, known);
  return known;
}

function sealedOf(membership: Membership, scope: Scope): Sealed {
  const known = scope.sealed.get(membership);
  if (known !== undefined) return known;
  const { window, only } = scope;
  const chunks = membership.chunks.filter(chunk => {
    if (chunk.damaged || chunk.maxMs <= window.fromMs || chunk.minMs > window.toMs) return false;
    return only === undefined ? window.toMs >= (chunk.cutBelowMs ?? -Infinity) : only.has(chunk);
  });
  for (const chunk of chunks) scope.chunks.set(chunk.id, chunk);
  const rising = [...chunks].sort((a, b) => a.minMs - b.minMs || a.id - b.id);
  const line = lineOf(
    rising.map(chunk => sealedPart(chunk, 0, undefined)),
    scope,
  );
  const partial = chunks.filter(chunk => chunk.partial !== undefined);
  const sealed = { chunks, partial, line, longer: new Map<string, Line>() };
  scope.sealed.set(membership, sealed);
  return sealed;
}

function addSealed(series: Series, scope: Scope, parts: Part[]): void {
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

function addOpen(series: Series, scope: Scope, parts: Part[]): void {
  const { window } = scope;
  for (let i = 0; i < series.cohorts.length; i++) {
    const cohort = series.cohorts[i]!;
    if (cohort.rows === 0) continue;
    let known = scope.open.get(cohort);
    if (known === undefined) {
      known = openTimesOf(cohort);
      scope.open.set(cohort, known);
    }
    if (known.maxMs <= window.fromMs || known.minMs > window.toMs) continue;
    const part = openPart(cohort, series.cohortColumns[i]!, { known, scope });
    if (part !== undefined) parts.push(part);
  }
  const { side } = series;
  if (side === undefined || side.count === 0) return;
  const order = sideOrder(side);
  const values = valuesAt(side.values, order);
  const times = Float64Array.from(order, at => side.times[at]!);
  const source = { times, values, extras: sideExtras(side, order) };
  parts.push(partOf(`s${side.chunkId};`, side.chunkId, source));
}

function partOf(key: string, chunkId: number, source: OpenColumn): Part {
  const { times } = source;
  return { key, piece: { firstMs: times[0]!, chunkId, count: times.length, mask: undefined }, source };
}

function openTimesOf(cohort: Cohort): OpenTimes {
  const times = cohort.rowTimes.slice(0, cohort.rows);
  const first = cohort.rowShapes[0];
  const uniform = cohort.rowShapes.every(shape => shape === first);
  const key = `o${cohort.chunkId};`;
  return { key, uniform, times, minMs: Math.min(...times), maxMs: Math.max(...times) };
}

/** Values are cut out of slabs of this many: one allocation, and one view of words, for many short columns. */
const SLAB_VALUES = 16 * 1024;

function roomFor(rows: number, scope: Scope): { readonly slab: Slab; readonly at: number } {
  let { slab } = scope;
  if (slab === undefined || slab.used + rows > slab.values.length) {
    const values = new Float64Array(Math.max(SLAB_VALUES, rows));
    slab = { values, words: wordsOf(values), used: 0 };
    scope.slab = slab;
  }
  const at = slab.used;
  slab.used += rows;
  return { slab, at };
}

function openPart(
  cohort: Cohort,
  column: number,
  { known, scope }: { readonly known: OpenTimes; readonly scope: Scope },
): Part | undefined {
  const { chunkId } = cohort;
  const extras = gatherExtras(cohort, column);
  if (known.uniform) {
    const { slab, at } = roomFor(cohort.rows, scope);
    const count = gatherColumn(cohort, column, { words: slab.words, at });
    if (count === 0) return undefined;
    const values = slab.values.subarray(at, at + cohort.rows);
    return partOf(known.key, chunkId, { times: known.times, values, extras });
  }
  const values = new Float64Array(cohort.rows);
  const words = wordsOf(values);
  const times = new Float64Array(cohort.rows);
  const count = gatherColumn(cohort, column, { words, times, at: 0 });
  if (count === 0) return undefined;
  let key = `o${chunkId}:`;
  for (let row = 0; row < cohort.rows; row++) key += hasValue(cohort, column, row) ? '1' : '0';
  const source = { times: times.subarray(0, count), values: values.subarray(0, count), extras };
  return partOf(`${key};`, chunkId, source);
}
