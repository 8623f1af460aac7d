// From the head into blocks: the samples of sealed chunks before a limit, one block a stretch of two hours. A chunk that
// reaches beyond the limit stays in the head and remembers how far it was cut; the block names the chunks it was made of,
// so that after a crash they are not taken up again.

import { assert, ok, type Result } from '../base/index.ts';
import { BATCH_SAMPLES, BLOCK_MS } from './block/limits.ts';
import type { BlockMaker, MakeFailure, StoredChunk } from './block/maker.ts';
import type { Slices } from './block/slices.ts';
import { type WriteFailure, type WriteParts, writeBlock } from './block/write-blocks.ts';
import type { ChunkStore } from './chunk-store.ts';
import type { Head } from './head.ts';
import type { Chunk, Membership, Series } from './head-data.ts';
import { takeSnapshot } from './picks.ts';
import { LOOKED_AT_ONCE } from './settings.ts';

export interface CutParts extends WriteParts {
  readonly head: Head;
  readonly chunks: ChunkStore;
  readonly slices: Slices;
}

/** Cuts everything sealed and written before the limit, a multiple of a block's width or Infinity. Says how many blocks. */
export async function cutHead(parts: CutParts, limitMs: number): Promise<Result<number, WriteFailure>> {
  const { head, chunks, slices } = parts;
  slices.begin();
  const looked = await candidates(parts, limitMs);
  const release = chunks.hold(looked.map(({ chunk }) => chunk));
  // Its file may have gone with its age while the others were looked at.
  const found = looked.filter(({ chunk }) => chunks.placeOf(chunk) !== undefined);
  try {
    let made = 0;
    for (const fromMs of stretchesOf(found, limitMs)) {
      const toMs = fromMs + BLOCK_MS;
      await slices.breathe();
      const stretch = found.filter(
        ({ chunk }) => chunk.minMs < toMs && chunk.maxMs >= fromMs && (chunk.cutBelowMs ?? -Infinity) < toMs,
      );
      if (stretch.length === 0) continue;
      const written = await cutStretch(parts, stretch, { fromMs, toMs });
      if (!written.ok) return written;
      if (written.value) made++;
    }
    const done = (chunk: Chunk): boolean => chunk.cutBelowMs !== undefined && chunk.maxMs < chunk.cutBelowMs;
    chunks.drop(await head.dropChunks(done, slices));
    return ok(made);
  } finally {
    release();
  }
}

interface Candidate {
  readonly chunk: Chunk;
  readonly membership: Membership;
}

async function candidates({ head, slices }: CutParts, limitMs: number): Promise<Candidate[]> {
  const found: Candidate[] = [];
  let looked = 0;
  for (const membership of head.memberships) {
    for (const chunk of membership.chunks) {
      if (chunk.damaged || chunk.place === undefined) continue;
      if (chunk.minMs < limitMs) found.push({ chunk, membership });
    }
    if (++looked % LOOKED_AT_ONCE === 0) await slices.breathe();
  }
  // What is not durably in a chunk file yet must stay in the log, whose replay knows whole chunks only. Asked at the end: some
  // may have been sealed, and be on their way into a file, since this began.
  const pending = new Set(head.pending);
  return found.filter(({ chunk }) => !pending.has(chunk));
}

/** Where the stretches begin that chunks have samples in which are in no block yet, rising. */
function stretchesOf(found: readonly Candidate[], limitMs: number): number[] {
  const starts = new Set<number>();
  for (const { chunk } of found) {
    const first = Math.max(chunk.minMs, chunk.cutBelowMs ?? -Infinity);
    for (let at = aligned(first); at <= chunk.maxMs && at < limitMs; at += BLOCK_MS) starts.add(at);
  }
  return [...starts].sort((a, b) => a - b);
}

export function aligned(timeMs: number): number {
  return Math.floor(timeMs / BLOCK_MS) * BLOCK_MS;
}

async function cutStretch(
  parts: CutParts,
  stretch: readonly Candidate[],
  span: { readonly fromMs: number; readonly toMs: number },
): Promise<Result<boolean, WriteFailure>> {
  const chunks = new Set(stretch.map(({ chunk }) => chunk));
  const written = await writeBlock(parts, {
    facts: { ...span, chunkIds: [...chunks].map(chunk => chunk.id).sort((a, b) => a - b) },
    fill: maker => fillFrom(parts, stretch, { span, maker }),
    replaced: [],
    conflicts: 0,
    keepEmpty: false,
  });
  if (!written.ok) return written;
  // Stretches come in rising order, so that everything before this one has been cut as well.
  for (const chunk of chunks) chunk.cutBelowMs = span.toMs;
  for (const hold of parts.head.holds) hold.isStale = true;
  return ok(written.value !== undefined);
}

async function fillFrom(
  parts: CutParts,
  stretch: readonly Candidate[],
  work: { readonly span: { readonly fromMs: number; readonly toMs: number }; readonly maker: BlockMaker },
): Promise<Result<void, MakeFailure>> {
  const { head, chunks, slices } = parts;
  const only = new Set(stretch.map(({ chunk }) => chunk));
  // Times are whole milliseconds, and a window leaves its start out and takes its end in.
  const window = { fromMs: work.span.fromMs - 1, toMs: work.span.toMs - 1 };
  slices.begin();
  const rowsOf = await rowsByMembership(stretch, slices);
  for (const batch of batchesOf(rowsOf, head.table.slots)) {
    // A chunk that was found damaged is not met again, one that was dropped for its age neither.
    for (;;) {
      const snapshot = takeSnapshot(head, batch, { window, only });
      if (snapshot.picks.length === 0) break;
      const stored = [...snapshot.chunks.values()].map(chunk => storedChunk(chunks, chunk));
      const added = await work.maker.addSealed({ picks: snapshot.picks, window, chunks: stored });
      if (!added.ok) return added;
      for (const { chunkId, cause } of added.value) {
        const chunk = snapshot.chunks.get(chunkId);
        assert(chunk !== undefined, 'a damaged chunk is one of those given');
        chunks.markDamaged(chunk, cause);
      }
      if (added.value.length === 0) break;
    }
    await slices.breathe();
  }
  return ok(undefined);
}

function storedChunk(chunks: ChunkStore, chunk: Chunk): StoredChunk {
  const place = chunks.placeOf(chunk);
  assert(place !== undefined, 'a chunk to be cut lies in a file, which is held');
  return { id: chunk.id, ...place, bytes: chunk.recordBytes };
}

/** About how many samples each series of a membership has in the stretch. */
async function rowsByMembership(
  stretch: readonly Candidate[],
  slices: Slices,
): Promise<ReadonlyMap<Membership, number>> {
  const rowsOf = new Map<Membership, number>();
  let looked = 0;
  for (const { chunk, membership } of stretch) {
    // A float takes about a byte; native histograms take many, and much more in memory.
    const rows = Math.max(chunk.rows, chunk.recordBytes / membership.series.length);
    rowsOf.set(membership, (rowsOf.get(membership) ?? 0) + rows);
    if (++looked % LOOKED_AT_ONCE === 0) await slices.breathe();
  }
  return rowsOf;
}

/** Sending one series costs as much as so many of its samples. */
const SERIES_WEIGHT = 64;

/** Series of the chunks, each once, those of one chunk together, in portions of bounded size. */
function* batchesOf(rowsOf: ReadonlyMap<Membership, number>, slots: number): Generator<readonly Series[]> {
  const taken = new Uint8Array(slots);
  let batch: Series[] = [];
  let weight = 0;
  for (const [membership, rows] of rowsOf) {
    for (const series of membership.series) {
      if (taken[series.slot] === 1) continue;
      taken[series.slot] = 1;
      batch.push(series);
      weight += rows + SERIES_WEIGHT;
      if (weight < BATCH_SAMPLES) continue;
      yield batch;
      batch = [];
      weight = 0;
    }
  }
  if (batch.length > 0) yield batch;
}
