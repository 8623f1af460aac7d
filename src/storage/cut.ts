// From the head into blocks: the samples of sealed chunks before a limit, one block a stretch of two hours. A chunk that
// reaches beyond the limit stays in the head and remembers how far it was cut; the block names the chunks it was made of,
// so that after a crash they are not taken up again.

import { assert, err, ok, type Result } from '../base/index.ts';
import { BATCH_SAMPLES, BLOCK_MS } from './block/limits.ts';
import { type Content, type WriteFailure, type WriteParts, writeBlock } from './block/write-blocks.ts';
import type { ChunkStore } from './chunk-store.ts';
import type { Head } from './head.ts';
import type { Chunk, Membership, Series } from './head-data.ts';
import { readSealed } from './read.ts';

export interface CutParts extends WriteParts {
  readonly head: Head;
  readonly chunks: ChunkStore;
}

/** Cuts everything sealed and written before the limit, a multiple of a block's width or Infinity. Says how many blocks. */
export async function cutHead(parts: CutParts, limitMs: number): Promise<Result<number, WriteFailure>> {
  let made = 0;
  for (const fromMs of stretchesOf(candidates(parts.head, limitMs), limitMs)) {
    const toMs = fromMs + BLOCK_MS;
    const stretch = candidates(parts.head, limitMs).filter(
      ({ chunk }) => chunk.minMs < toMs && chunk.maxMs >= fromMs && (chunk.cutBelowMs ?? -Infinity) < toMs,
    );
    if (stretch.length === 0) continue;
    const written = await cutStretch(parts, stretch, { fromMs, toMs });
    if (!written.ok) return written;
    if (written.value) made++;
  }
  const done = (chunk: Chunk): boolean => chunk.cutBelowMs !== undefined && chunk.maxMs < chunk.cutBelowMs;
  parts.chunks.drop(parts.head.dropChunks(done));
  return ok(made);
}

interface Candidate {
  readonly chunk: Chunk;
  readonly membership: Membership;
}

function candidates(head: Head, limitMs: number): Candidate[] {
  // What is not durably in a chunk file yet must stay in the log, whose replay knows whole chunks only.
  const pending = new Set(head.pending);
  const found: Candidate[] = [];
  for (const membership of head.memberships) {
    for (const chunk of membership.chunks) {
      if (chunk.damaged || chunk.place === undefined || pending.has(chunk)) continue;
      if (chunk.minMs < limitMs) found.push({ chunk, membership });
    }
  }
  return found;
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
    content: contentOfChunks(parts, stretch, span),
    replaced: [],
    conflicts: () => 0,
    keepEmpty: false,
  });
  if (!written.ok) return written;
  // Stretches come in rising order, so that everything before this one has been cut as well.
  for (const chunk of chunks) chunk.cutBelowMs = span.toMs;
  return ok(written.value !== undefined);
}

async function* contentOfChunks(
  parts: CutParts,
  stretch: readonly Candidate[],
  span: { readonly fromMs: number; readonly toMs: number },
): Content {
  const chunks = new Set(stretch.map(({ chunk }) => chunk));
  // Times are whole milliseconds, and a window leaves its start out and takes its end in.
  const wanted = { chunks, window: { fromMs: span.fromMs - 1, toMs: span.toMs - 1 } };
  const source = { head: parts.head, chunks: parts.chunks };
  for (const batch of batchesOf(stretch)) {
    // A chunk that was found damaged is not met again; those dropped for their age neither.
    for (;;) {
      if (parts.signal.aborted) {
        // Ending quietly would make a block of half of the samples.
        yield err({ kind: 'stopped' });
        return;
      }
      const read = await readSealed(source, batch, wanted);
      if (!read.ok) {
        yield err({
          kind: 'disk',
          error: { code: 'disk-io', op: 'read', path: 'chunks', message: read.error.message },
        });
        return;
      }
      if (read.value === 'again') continue;
      yield ok(read.value);
      break;
    }
    await parts.slices.breathe();
  }
}

/** Series of the chunks, each once, those of one chunk together, in portions of bounded size. */
function* batchesOf(stretch: readonly Candidate[]): Generator<readonly Series[]> {
  const rowsOf = new Map<Membership, number>();
  for (const { chunk, membership } of stretch) {
    // A float takes about a byte; native histograms take many, and much more in memory.
    const rows = Math.max(chunk.rows, chunk.recordBytes / membership.series.length);
    rowsOf.set(membership, (rowsOf.get(membership) ?? 0) + rows);
  }
  const taken = new Set<Series>();
  let batch: Series[] = [];
  let samples = 0;
  for (const [membership, rows] of rowsOf) {
    for (const series of membership.series) {
      if (taken.has(series)) continue;
      taken.add(series);
      batch.push(series);
      samples += rows;
      if (samples < BATCH_SAMPLES) continue;
      yield batch;
      batch = [];
      samples = 0;
    }
  }
  if (batch.length > 0) yield batch;
  assert(taken.size > 0, 'a stretch to cut has series');
}
