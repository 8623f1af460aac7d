// Sealed chunks at a start: which there are, where they lie, and whose they are. Samples are not decoded, and nothing else that was
// read of the chunk before: most have the columns of an earlier one.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { ok, type Result } from '../base/index.ts';
import type { TargetId } from '../model/index.ts';
import { ByteReader } from './bytes.ts';
import {
  CHUNK_VERSION_MAX,
  type ChunkPreface,
  type ChunkView,
  isPresent,
  openChunk,
  readChunkPreface,
  refsOf,
} from './chunk.ts';
import { FRAME_BYTES, RECORD } from './frame.ts';
import type { Head } from './head.ts';
import type { Chunk, Membership, Series } from './head-data.ts';
import { newMembership, sameMembers } from './membership.ts';
import {
  type FoundFile,
  type ReplayFailure,
  type ReplayInto,
  readRecords,
  unknownRecord,
} from './replay-files.ts';
import type { SeriesTable } from './series-table.ts';

/** Columns that a chunk had, all of them known, and what those of later chunks are compared with. */
interface KnownColumns {
  readonly membership: Membership;
  readonly producer: TargetId;
  /** Their number and refs as they are written. */
  readonly coded: Uint8Array;
  /** Of the chunks that were taken up by these bytes alone: newest sample of all columns. */
  lastMs: number;
}

interface Taking {
  readonly into: ReplayInto;
  readonly knownOf: Map<string, KnownColumns>;
  readonly sealed: Set<number>;
}

/** Ids of all chunks that were found, or are in a block. */
export async function replayChunks(
  into: ReplayInto,
  files: readonly FoundFile[],
): Promise<Result<Set<number>, ReplayFailure>> {
  const taking: Taking = { into, knownOf: new Map(), sealed: new Set() };
  const { sealed } = taking;
  for (const file of files) {
    let live = 0;
    let leastId = Infinity;
    const end = await readRecords(into, file, (bytes, record) => {
      if (record.type === RECORD.probe) return undefined;
      if (record.type !== RECORD.chunk || record.version > CHUNK_VERSION_MAX) return unknownRecord(record);
      const place = { file: file.number, offset: record.offset };
      const taken = takeChunk(taking, bytes.subarray(record.frameFrom, record.payloadTo), place);
      if (taken === 'senseless') return 'A chunk has a valid checksum but makes no sense';
      if (taken.isNew) leastId = Math.min(leastId, taken.id);
      if (taken.isLive) live++;
      return taken.missing === 0 ? undefined : `The labels of ${taken.missing} series of a chunk are lost`;
    });
    if (!end.ok) return end;
    into.chunks.addFile(file.number, { sizeBytes: end.value, live, leastId });
  }
  for (const known of taking.knownOf.values()) noteTimes(into.head.table, known);
  // The rows of a chunk that is in a block may still be in the log when its file is gone.
  for (const id of into.cut.keys()) {
    sealed.add(id);
    into.head.reserveChunkId(id);
  }
  return ok(sealed);
}

interface TakenChunk {
  readonly id: number;
  /** Not met before. */
  readonly isNew: boolean;
  /** Not all in a block already. */
  readonly isLive: boolean;
  /** Series that are unknown. */
  readonly missing: number;
}

/** Puts a chunk under its series. */
function takeChunk(taking: Taking, record: Uint8Array, place: Chunk['place']): TakenChunk | 'senseless' {
  const { into, knownOf, sealed } = taking;
  const { head } = into;
  const reader = new ByteReader(record, FRAME_BYTES);
  const found = readChunkPreface(reader);
  if (found === undefined) return 'senseless';
  const { id, maxMs } = found;
  const from = reader.at;
  const key = keyOf(reader, found.producer);
  const known = knownOf.get(key);
  const isKnown =
    known !== undefined &&
    startsWith(record, from, known.coded) &&
    isWhole(record, from + known.coded.length);
  const view = isKnown ? undefined : openChunk(record);
  if (!isKnown && view === undefined) return 'senseless';
  if (sealed.has(id)) return { id, isNew: false, isLive: false, missing: 0 };
  sealed.add(id);
  head.reserveChunkId(id);
  const cutBelowMs = into.cut.get(id);
  if (cutBelowMs !== undefined && maxMs < cutBelowMs) return { id, isNew: true, isLive: false, missing: 0 };
  if (maxMs > head.newestMs) head.newestMs = maxMs;
  const chunk = chunkFound(found, { recordBytes: record.length, place, partial: view?.partial });
  chunk.cutBelowMs = cutBelowMs;
  if (view === undefined) {
    known!.lastMs = Math.max(known!.lastMs, maxMs);
    head.adopt(chunk, known!.membership);
    return { id, isNew: true, isLive: true, missing: 0 };
  }
  const { membership, missing } = membershipOf(head, view, known?.membership);
  head.adopt(chunk, membership);
  if (missing === 0 && membership !== known?.membership) {
    const coded = record.slice(from, from + codedLength(record, from));
    knownOf.set(key, { membership, producer: found.producer, coded, lastMs: -Infinity });
  }
  return { id, isNew: true, isLive: true, missing };
}

/** Likely those of the same columns; side chunks of many series lie between those of a cohort. */
function keyOf(reader: ByteReader, producer: TargetId): string {
  return `${reader.varint()}/${reader.zigzag()}/${producer}`;
}

function startsWith(record: Uint8Array, from: number, coded: Uint8Array): boolean {
  return Buffer.compare(record.subarray(from, from + coded.length), coded) === 0;
}

/** Behind the refs: whether all columns have all rows. */
function isWhole(record: Uint8Array, at: number): boolean {
  return record[at] === 0;
}

/** Of the number of columns and their refs. */
function codedLength(record: Uint8Array, from: number): number {
  const reader = new ByteReader(record, from);
  reader.skipVarints(reader.varint());
  return reader.at - from;
}

function chunkFound(
  { id, minMs, maxMs, rows }: ChunkPreface,
  found: {
    readonly recordBytes: number;
    readonly place: Chunk['place'];
    readonly partial: ChunkView['partial'] | undefined;
  },
): Chunk {
  const partial = new Map<number, Uint8Array>();
  // Copies: a view would keep the whole file in memory.
  for (const [column, mask] of found.partial ?? []) partial.set(column, mask.slice());
  return {
    id,
    minMs,
    maxMs,
    rows,
    partial: partial.size === 0 ? undefined : partial,
    record: undefined,
    recordBytes: found.recordBytes,
    place: found.place,
    firstSegment: -1,
    damaged: false,
  };
}

/** `known`: of an earlier chunk that likely has the same columns. */
function membershipOf(
  head: Head,
  view: ChunkView,
  known: Membership | undefined,
): { readonly membership: Membership; readonly missing: number } {
  const { table } = head;
  const refs = refsOf(view);
  table.reserveRefs(refs);
  const lastOfAll = lastTime(view.times, undefined);
  const series: (Series | undefined)[] = [];
  const whole: Series[] = [];
  for (let column = 0; column < refs.length; column++) {
    const one = table.resolve(refs[column]!);
    series.push(one);
    if (one === undefined) continue;
    whole.push(one);
    const mask = view.partial.size === 0 ? undefined : view.partial.get(column);
    table.noteTime(one.slot, mask === undefined ? lastOfAll : lastTime(view.times, mask), view.producer);
  }
  const missing = series.length - whole.length;
  if (known !== undefined && missing === 0 && sameMembers(known, whole))
    return { membership: known, missing };
  // Columns keep their numbers: the lost ones simply belong to nobody.
  return { membership: newMembership(series, head.singles), missing };
}

function noteTimes(table: SeriesTable, { membership, lastMs, producer }: KnownColumns): void {
  const { series } = membership;
  for (let i = 0; i < series.length; i++) table.noteTime(series[i]!.slot, lastMs, producer);
}

function lastTime(times: Float64Array, mask: Uint8Array | undefined): number {
  let last = -Infinity;
  for (let row = 0; row < times.length; row++) {
    if ((mask === undefined || isPresent(mask, row)) && times[row]! > last) last = times[row]!;
  }
  return last;
}
