// Makes blocks: out of sealed chunks of the head, or out of other blocks. Both go series by series, in slices, and end
// with one rename; whatever fails on the way leaves everything as it was.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { type Disk, type DiskError, err, ok, type Result } from '../../base/index.ts';
import { compareLabels, type SeriesColumns } from '../../model/index.ts';
import { weightOf } from '../extras.ts';
import { type Block, TimesCache } from './block.ts';
import type { BlockSet } from './block-set.ts';
import type { BlockFailure } from './failure.ts';
import { BATCH_SAMPLES } from './limits.ts';
import type { Merger } from './merge.ts';
import type { BlockMeta } from './meta.ts';
import type { Slices } from './slices.ts';
import { BlockWriter } from './writer.ts';

export interface WriteParts {
  readonly disk: Disk;
  readonly blocks: BlockSet;
  readonly slices: Slices;
  /** Aborted when the store closes: a block half written is given up. */
  readonly signal: AbortSignal;
}

/** Why no block came about; `source` is the block that could not be read. */
export type WriteFailure =
  | { readonly kind: 'disk'; readonly error: DiskError }
  | { readonly kind: 'source'; readonly block: Block; readonly failure: BlockFailure }
  | { readonly kind: 'stopped' };

export type Content = AsyncIterable<Result<readonly SeriesColumns[], WriteFailure>>;

export interface NewBlock {
  readonly facts: Pick<BlockMeta, 'fromMs' | 'toMs' | 'chunkIds'>;
  /** Series by series, none twice. */
  readonly content: Content;
  readonly replaced: readonly Block[];
  /** Asked when all content has been taken. */
  readonly conflicts: () => number;
  /** A block without samples is published only where it still says something about head chunks. */
  readonly keepEmpty: boolean;
}

/** Undefined where there was nothing to write; the blocks to be replaced are then removed. */
export async function writeBlock(
  parts: WriteParts,
  wanted: NewBlock,
): Promise<Result<Block | undefined, WriteFailure>> {
  const { blocks, disk } = parts;
  // Before anything else: a block that may come back after a crash is named, and going now if the disk lets it.
  await blocks.sweep();
  const number = blocks.takeNumber();
  const folder = blocks.passingFolder(number);
  const writer = await BlockWriter.create(disk, folder);
  if (!writer.ok) {
    await blocks.abandon(number);
    return err({ kind: 'disk', error: writer.error });
  }
  const filled = await fill(parts, writer.value, wanted.content);
  if (!filled.ok || (writer.value.samples === 0 && !wanted.keepEmpty)) {
    await writer.value.abandon();
    await blocks.abandon(number);
    if (!filled.ok) return filled;
    await blocks.remove(wanted.replaced);
    return ok(undefined);
  }
  const firstNumber = Math.min(number, ...wanted.replaced.map(block => block.meta.firstNumber));
  const replaces = [...wanted.replaced.map(block => block.meta.number), ...blocks.doomedNumbers];
  const finished = await writer.value.finish(
    { ...wanted.facts, number, firstNumber, replaces: replaces.sort((a, b) => a - b) },
    { slices: parts.slices, conflicts: wanted.conflicts() },
  );
  if (!finished.ok) {
    await blocks.abandon(number);
    return err({ kind: 'disk', error: finished.error });
  }
  const published = await blocks.publish(number, wanted.replaced);
  if (published.ok) return published;
  const { error } = published;
  if (error.kind === 'disk') return err({ kind: 'disk', error: error.error });
  // What was written a moment ago does not read back: as good as a failing disk.
  const path = `${folder.replace(/\.new$/, '')}`;
  return err({
    kind: 'disk',
    error: { code: 'disk-io', op: 'read', path, message: 'the new block does not read back' },
  });
}

async function fill(
  parts: WriteParts,
  writer: BlockWriter,
  content: Content,
): Promise<Result<void, WriteFailure>> {
  const { slices, signal } = parts;
  slices.begin();
  for await (const batch of content) {
    if (!batch.ok) return batch;
    for (const series of batch.value) {
      writer.add(series);
      await slices.breathe();
    }
    const flushed = await writer.flush();
    if (!flushed.ok) return err({ kind: 'disk', error: flushed.error });
    if (signal.aborted) return err({ kind: 'stopped' });
  }
  return ok(undefined);
}

/** All samples of some blocks, those of one series together, in the order of labels. */
export async function* contentOf(
  sources: readonly Block[],
  work: { readonly merger: Merger; readonly slices: Slices },
): Content {
  const ordered = [...sources].sort(
    (a, b) => a.meta.firstNumber - b.meta.firstNumber || a.meta.number - b.meta.number,
  );
  const cursors = ordered.map(block => new Cursor(block));
  let out: SeriesColumns[] = [];
  let weight = 0;
  for (;;) {
    for (const cursor of cursors) {
      const ready = await cursor.ready(work.slices);
      if (!ready.ok) {
        yield err({ kind: 'source', block: cursor.block, failure: ready.error });
        return;
      }
    }
    const least = leastOf(cursors);
    if (least === undefined) break;
    const parts: SeriesColumns[] = [];
    for (const cursor of cursors) {
      const next = cursor.next;
      if (next === undefined || compareLabels(next.labels, least.labels) !== 0) continue;
      parts.push(next);
      cursor.take();
    }
    const merged = work.merger.merge(parts);
    out.push(merged);
    weight += weightOf(merged);
    if (weight < BATCH_SAMPLES) continue;
    yield ok(out);
    out = [];
    weight = 0;
  }
  if (out.length > 0) yield ok(out);
}

function leastOf(cursors: readonly Cursor[]): SeriesColumns | undefined {
  let least: SeriesColumns | undefined;
  for (const { next } of cursors) {
    if (next !== undefined && (least === undefined || compareLabels(next.labels, least.labels) < 0))
      least = next;
  }
  return least;
}

const ALWAYS = { fromMs: -Infinity, toMs: Infinity };

/** A block's series in order, some read ahead. */
class Cursor {
  readonly block: Block;
  #buffer: readonly SeriesColumns[] = [];
  #at = 0;
  #number = 0;
  readonly #times = new TimesCache();

  constructor(block: Block) {
    this.block = block;
  }

  get next(): SeriesColumns | undefined {
    return this.#buffer[this.#at];
  }

  take(): void {
    this.#at++;
  }

  async ready(slices: Slices): Promise<Result<void, BlockFailure>> {
    const { series, samples, dataBytes } = this.block.meta;
    while (this.#at >= this.#buffer.length && this.#number < series) {
      // A float takes less than a byte; native histograms take many, and much more in memory.
      const each = Math.max(1, samples, dataBytes) / series;
      const count = Math.min(series - this.#number, Math.max(1, Math.floor(BATCH_SAMPLES / 4 / each)));
      const numbers = Array.from({ length: count }, (_, i) => this.#number + i);
      const read = await this.block.read(numbers, ALWAYS, { times: this.#times });
      if (!read.ok) return read;
      this.#buffer = read.value;
      this.#at = 0;
      this.#number += count;
      await slices.breathe();
    }
    return ok(undefined);
  }
}
