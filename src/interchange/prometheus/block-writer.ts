// Writes one block of Prometheus: chunks and index series by series under a passing name, then what it is; a rename publishes it.

import { type Disk, type DiskError, ok, type Result } from '../../base/index.ts';
import { ChunkCutter } from '../../exposition/index.ts';
import { CUSTOM_BOUNDS, type SeriesColumns } from '../../model/index.ts';
import { SequentialFile } from '../sequential-file.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { IndexWriter, type WrittenChunk } from './index-writer.ts';
import { encodeMeta } from './meta.ts';

/** Prometheus removes such folders at its start. */
export const PASSING = '.tmp-for-creation';

export interface BlockOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly ulid: string;
  /** All names and values of labels that the series have. */
  readonly texts: ReadonlySet<string>;
  /** Whether histograms with bounds of their own are written, which Prometheus reads from version 3 on. */
  readonly customBuckets: boolean;
}

export interface BlockCounts {
  readonly samples: number;
  readonly series: number;
  readonly chunks: number;
  /** Histograms left out as their bounds are their own. */
  readonly refused: number;
  /** Infinite without a sample. */
  readonly minMs: number;
  readonly maxMs: number;
}

export class PrometheusBlockWriter {
  readonly #options: BlockOptions;
  readonly #index: IndexWriter;
  readonly #chunks: ChunkWriter;
  readonly #cutter = new ChunkCutter();
  #samples = 0;
  #chunkCount = 0;
  #refused = 0;
  #minMs = Infinity;
  #maxMs = -Infinity;

  private constructor(options: BlockOptions, index: IndexWriter, chunks: ChunkWriter) {
    this.#options = options;
    this.#index = index;
    this.#chunks = chunks;
  }

  static async create(options: BlockOptions): Promise<Result<PrometheusBlockWriter, DiskError>> {
    const { disk, texts } = options;
    const folder = passingFolder(options);
    const made = await disk.makeFolder(`${folder}/chunks`);
    if (!made.ok) return made;
    const index = await IndexWriter.create(disk, `${folder}/index`, texts);
    if (!index.ok) return index;
    const chunks = new ChunkWriter(disk, `${folder}/chunks`);
    return ok(new PrometheusBlockWriter(options, index.value, chunks));
  }

  get counts(): BlockCounts {
    return {
      ...{ samples: this.#samples, series: this.#index.series, chunks: this.#chunkCount },
      ...{ refused: this.#refused, minMs: this.#minMs, maxMs: this.#maxMs },
    };
  }

  /** Takes the samples at the rows [from, to) of a series. Series come in the order of their labels, each once. */
  async add(series: SeriesColumns): Promise<Result<void, DiskError>> {
    const written: WrittenChunk[] = [];
    for (const run of this.#runs(series)) {
      for (const chunk of this.#cutter.chunks(series, run)) {
        const added = await this.#chunks.add(chunk);
        if (!added.ok) return added;
        written.push(added.value);
      }
      this.#samples += run.to - run.from;
    }
    const [first] = written;
    if (first === undefined) return ok(undefined);
    this.#index.add(series.labels, written);
    this.#chunkCount += written.length;
    this.#minMs = Math.min(this.#minMs, first.minMs);
    this.#maxMs = Math.max(this.#maxMs, written.at(-1)?.maxMs ?? first.maxMs);
    return this.#index.flush();
  }

  /** Publishes the block, or removes it where nothing came to be in it. */
  async finish(): Promise<Result<BlockCounts, DiskError>> {
    const { disk, folder, ulid } = this.#options;
    const { counts } = this;
    const passing = passingFolder(this.#options);
    const chunks = await this.#chunks.finish();
    const index = await this.#index.finish();
    if (!chunks.ok) return chunks;
    if (!index.ok) return index;
    if (counts.series === 0) {
      await this.remove();
      return ok(counts);
    }
    const meta = await SequentialFile.create(disk, `${passing}/meta.json`);
    if (!meta.ok) return meta;
    const { samples, series, chunks: chunkCount, minMs } = counts;
    // Its greatest time is left out of its range.
    const facts = { ulid, minMs, maxMs: counts.maxMs + 1, samples, series, chunks: chunkCount };
    meta.value.add(encodeMeta({ ...facts, level: 1 }));
    const ended = await meta.value.end();
    if (!ended.ok) return ended;
    for (const path of [`${passing}/chunks`, passing]) {
      const synced = await disk.syncFolder(path);
      if (!synced.ok) return synced;
    }
    const renamed = await disk.rename(passing, `${folder}/${ulid}`);
    if (!renamed.ok) return renamed;
    const named = await disk.syncFolder(folder);
    return named.ok ? ok(counts) : named;
  }

  /** Lets go of the files of a block that will not be finished. */
  async abandon(): Promise<void> {
    await this.#chunks.finish();
    await this.#index.finish();
    await this.remove();
  }

  async remove(): Promise<void> {
    const { disk } = this.#options;
    const passing = passingFolder(this.#options);
    for (const folder of [`${passing}/chunks`, passing]) {
      const names = await disk.list(folder);
      if (names.ok) for (const name of names.value) await disk.remove(`${folder}/${name}`);
      await disk.remove(folder);
    }
  }

  /** Stretches without a histogram that is left out. */
  *#runs(series: SeriesColumns): Generator<{ readonly from: number; readonly to: number }> {
    const { histograms, from, to } = series;
    if (this.#options.customBuckets || histograms === undefined || histograms.size === 0) {
      if (from < to) yield { from, to };
      return;
    }
    let start = from;
    for (let i = from; i < to; i++) {
      if (histograms.get(i)?.schema !== CUSTOM_BOUNDS) continue;
      this.#refused++;
      if (start < i) yield { from: start, to: i };
      start = i + 1;
    }
    if (start < to) yield { from: start, to };
  }
}

function passingFolder({ folder, ulid }: BlockOptions): string {
  return `${folder}/${ulid}${PASSING}`;
}
