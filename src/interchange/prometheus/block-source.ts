// One block of Prometheus as history: the samples of a stretch, series by series in portions, damage left out and told.

import { type Clock, type Disk, err, ok, type Result } from '../../base/index.ts';
import { ChunkReader } from '../../exposition/index.ts';
import { compareLabels, type Labels } from '../../model/index.ts';
import { Breather } from '../breather.ts';
import { type DamageSink, damaged, type SourceFailure } from '../failure.ts';
import type { HistorySeries, Portions, Span } from '../ports.ts';
import { SERIES_SAMPLES_MAX, SeriesGatherer } from './gather.ts';
import { type ChunkPlace, type IndexedSeries, IndexReader } from './index-reader.ts';
import { ChunkSegments } from './segments.ts';
import { isSelected, type Selection } from './selection.ts';
import { parseTombstones, type Stones } from './tombstones.ts';

/** Samples of a portion, and of a histogram as many as its buckets: some milliseconds of work. */
const PORTION_SAMPLES = 32 * 1024;
const HISTOGRAM_WEIGHT = 32;

export interface BlockSourceParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly damage: DamageSink;
}

export class BlockSource {
  readonly #parts: BlockSourceParts;
  readonly #index: IndexReader;
  readonly #segments: ChunkSegments;
  readonly #stones: Stones;
  readonly #chunks = new ChunkReader();
  readonly #gatherer = new SeriesGatherer();
  /** Damage of the index is met in each pass, and counted in the first. */
  readonly #told = new Set<string>();
  readonly #breather: Breather;

  private constructor(
    parts: BlockSourceParts,
    files: { readonly index: IndexReader; readonly segments: ChunkSegments; readonly stones: Stones },
  ) {
    this.#parts = parts;
    this.#index = files.index;
    this.#segments = files.segments;
    this.#stones = files.stones;
    this.#breather = new Breather(parts.clock);
  }

  static async open(parts: BlockSourceParts, folder: string): Promise<Result<BlockSource, SourceFailure>> {
    const { disk } = parts;
    const stones = await readStones(disk, `${folder}/tombstones`);
    if (!stones.ok) return stones;
    const segments = await ChunkSegments.list(disk, `${folder}/chunks`);
    if (!segments.ok) return segments;
    const index = await IndexReader.open(disk, `${folder}/index`);
    if (!index.ok) return index;
    return ok(new BlockSource(parts, { index: index.value, segments: segments.value, stones: stones.value }));
  }

  /** Share of the block that the current pass has behind it. */
  get progress(): number {
    return this.#index.progress;
  }

  /** Of the stretch only; the selection's own range does not count here. */
  async *portions(span: Span, selection: Pick<Selection, 'anyOf'>): Portions<SourceFailure> {
    this.#index.rewind();
    this.#segments.rewind();
    let portion: HistorySeries[] = [];
    let weight = 0;
    let before: Labels | undefined;
    for (;;) {
      const entry = await this.#index.next();
      if (!entry.ok) {
        if (entry.error.kind === 'disk') yield err(entry.error);
        if (entry.error.kind === 'disk') return;
        this.#tell(entry.error);
        continue;
      }
      if (entry.value === undefined) break;
      const { labels, offset } = entry.value;
      // Strictly rising is what keeps a series from coming twice.
      if (before !== undefined && compareLabels(before, labels) >= 0) {
        this.#tell(damaged(this.#index.path, offset, 'series are not in the order of their labels'));
        continue;
      }
      before = labels;
      if (!isSelected(selection, labels)) continue;
      const series = await this.#seriesOf(entry.value, span);
      if (!series.ok) {
        yield series;
        return;
      }
      await this.#breather.breathe();
      if (series.value === undefined) continue;
      portion.push(series.value);
      weight += series.value.to + HISTOGRAM_WEIGHT * (series.value.histograms?.size ?? 0);
      if (weight < PORTION_SAMPLES) continue;
      yield ok(portion);
      portion = [];
      weight = 0;
    }
    if (portion.length > 0) yield ok(portion);
  }

  async close(): Promise<void> {
    await this.#index.close();
    await this.#segments.close();
  }

  /** Only a disk that fails ends it: damaged chunks are left out. */
  async #seriesOf(
    { ref, labels, chunks }: IndexedSeries,
    span: Span,
  ): Promise<Result<HistorySeries | undefined, SourceFailure>> {
    const stones = this.#stones.get(ref);
    for (const place of chunks) {
      if (place.maxMs < span.fromMs || place.minMs >= span.toMs) continue;
      const read = await this.#segments.read(place);
      if (!read.ok) {
        if (read.error.kind === 'disk') return read;
        this.#tell(read.error);
        continue;
      }
      const samples = this.#chunks.read(read.value.kind, read.value.bytes, read.value);
      if (!samples.ok) this.#tellOf(place, samples.error);
      else if (!this.#gatherer.add(samples.value, { span, stones })) {
        this.#tellOf(place, `a series has more than ${SERIES_SAMPLES_MAX} samples in a stretch`);
        break;
      }
    }
    return ok(this.#gatherer.take(labels));
  }

  #tellOf(place: ChunkPlace, cause: string): void {
    this.#tell(damaged(this.#segments.pathOf(place), place.offset, cause));
  }

  #tell(failure: SourceFailure): void {
    if (failure.kind !== 'damaged') return;
    const key = `${failure.file}:${failure.offset}`;
    if (this.#told.has(key)) return;
    if (this.#told.size < TOLD_MAX) this.#told.add(key);
    this.#parts.damage.add(failure);
  }
}

/** Places of damage remembered to be counted once. */
const TOLD_MAX = 100_000;

async function readStones(disk: Disk, path: string): Promise<Result<Stones, SourceFailure>> {
  const read = await disk.readFile(path);
  if (read.ok) return parseTombstones(path, read.value);
  return read.error.code === 'disk-not-found' ? ok(new Map()) : err({ kind: 'disk', error: read.error });
}
