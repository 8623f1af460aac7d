// Makes blocks in the thread that it is called in: out of sealed chunks of the head, or out of other blocks. Both go series
// by series, in slices.

import { assert, type Clock, type Disk, type DiskError, err, ok, type Result } from '../../base/index.ts';
import { compareLabels, type SeriesColumns } from '../../model/index.ts';
import { type DamagedChunk, decodeAll } from '../assemble.ts';
import { weightOf } from '../extras.ts';
import { Block, TimesCache } from './block.ts';
import type { BlockFailure } from './failure.ts';
import { BATCH_SAMPLES, PAGE_CACHE_BYTES } from './limits.ts';
import type { BlockMaker, Finish, MakeFailure, SealedBatch, SourceBlock } from './maker.ts';
import { Merger } from './merge.ts';
import type { BlockMeta } from './meta.ts';
import { PageCache } from './paged.ts';
import { SealedReader } from './sealed-reader.ts';
import { Slices } from './slices.ts';
import { BlockWriter } from './writer.ts';

export interface InPlaceOptions {
  readonly disk: Disk;
  readonly clock: Clock;
}

interface Making {
  readonly writer: BlockWriter;
  readonly chunks: SealedReader;
  conflicts: number;
}

type Done<T> = Promise<Result<T, MakeFailure>>;

export class InPlaceMaker implements BlockMaker {
  readonly #disk: Disk;
  readonly #slices: Slices;
  #making: Making | undefined;
  #stopped = false;

  constructor(options: InPlaceOptions) {
    this.#disk = options.disk;
    this.#slices = new Slices(options.clock);
  }

  async begin(folder: string): Done<void> {
    assert(this.#making === undefined, 'one block is made at a time');
    if (this.#stopped) return err({ kind: 'stopped' });
    const writer = await BlockWriter.create(this.#disk, folder);
    if (!writer.ok) return diskFailed(writer.error);
    this.#making = { writer: writer.value, chunks: new SealedReader(this.#disk), conflicts: 0 };
    return ok(undefined);
  }

  async addBlocks(sources: readonly SourceBlock[]): Done<void> {
    const making = this.#current();
    const opened: Block[] = [];
    const cache = new PageCache(PAGE_CACHE_BYTES);
    try {
      for (const source of sources) {
        const { folder, tombstones, number } = source;
        const block = await Block.open(this.#disk, folder, { cache, tombstones });
        if (!block.ok) return err({ kind: 'source', number, failure: block.error });
        opened.push(block.value);
      }
      const merger = new Merger();
      const filled = await this.#fill(making.writer, contentOf(opened, { merger, slices: this.#slices }));
      making.conflicts += merger.conflicts;
      return filled;
    } finally {
      for (const block of opened) await block.close();
    }
  }

  async addSealed(batch: SealedBatch): Done<readonly DamagedChunk[]> {
    const { writer, chunks } = this.#current();
    const { views, damaged, failure } = await chunks.load(batch.chunks);
    if (failure !== undefined) return diskFailed(failure);
    if (damaged.length > 0) return ok(damaged);
    this.#slices.begin();
    const columns = decodeAll(batch.picks, { views, window: batch.window, limit: 0, memory: undefined });
    if (!columns.ok) return ok([columns.error]);
    const added = await this.#add(writer, columns.value);
    return added.ok ? ok([]) : added;
  }

  addColumns(series: readonly SeriesColumns[]): Done<void> {
    this.#slices.begin();
    return this.#add(this.#current().writer, series);
  }

  async finish(wanted: Finish): Done<BlockMeta | undefined> {
    const { writer, chunks, conflicts } = this.#current();
    if (writer.samples === 0 && !wanted.keepEmpty) {
      await this.abandon();
      return ok(undefined);
    }
    this.#making = undefined;
    await chunks.close();
    const work = { slices: this.#slices, conflicts: conflicts + wanted.conflicts };
    const finished = await writer.finish(wanted.facts, work);
    return finished.ok ? finished : diskFailed(finished.error);
  }

  async abandon(): Promise<void> {
    const making = this.#making;
    this.#making = undefined;
    await making?.chunks.close();
    await making?.writer.abandon();
  }

  stop(): void {
    this.#stopped = true;
  }

  close(): Promise<void> {
    return this.abandon();
  }

  #current(): Making {
    assert(this.#making !== undefined, 'a block is begun before anything is added');
    return this.#making;
  }

  async #fill(writer: BlockWriter, content: Content): Done<void> {
    this.#slices.begin();
    for await (const batch of content) {
      if (!batch.ok) return batch;
      const added = await this.#add(writer, batch.value);
      if (!added.ok) return added;
    }
    return ok(undefined);
  }

  async #add(writer: BlockWriter, batch: readonly SeriesColumns[]): Done<void> {
    for (const series of batch) {
      writer.add(series);
      await this.#slices.breathe();
    }
    const flushed = await writer.flush();
    if (!flushed.ok) return diskFailed(flushed.error);
    return this.#stopped ? err({ kind: 'stopped' }) : ok(undefined);
  }
}

function diskFailed(error: DiskError): Result<never, MakeFailure> {
  return err({ kind: 'disk', error });
}

type Content = AsyncIterable<Result<readonly SeriesColumns[], MakeFailure>>;

/** All samples of some blocks, those of one series together, in the order of labels. */
async function* contentOf(
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
        yield err({ kind: 'source', number: cursor.block.meta.number, failure: ready.error });
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
