// Brings in what a Prometheus had not put into a block yet: the chunks of its head on disk, and its log. Which series there are
// and what is deleted is read first, then the samples, gathered in memory and written as often as that is full.

import { createHash } from 'node:crypto';
import { type Clock, type Disk, type DiskError, err, ok, type Result } from '../../base/index.ts';
import { ChunkReader } from '../../exposition/index.ts';
import { HIGH_WORD, LOW_WORD } from '../../model/index.ts';
import { BigEndianReader } from '../big-endian.ts';
import { Breather } from '../breather.ts';
import type { DamageSink, SourceFailure } from '../failure.ts';
import type { HistoryStore, StoreProblem, Written } from '../ports.ts';
import { HeadChunkFile } from './head-chunks.ts';
import { HeadSamples } from './head-series.ts';
import { isSelected, type Selection } from './selection.ts';
import { addStone, mergedStones, type Stone } from './tombstones.ts';
import { type Unzstd, WalReader } from './wal-reader.ts';
import { NAMING, readWalRecord, SAMPLES, type WalSink } from './wal-records.ts';

export type { Unzstd } from './wal-reader.ts';

export interface HeadOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly store: HistoryStore;
  readonly folder: string;
  readonly damage: DamageSink;
  readonly selection: Selection;
  readonly unzstd: Unzstd;
  /** Samples before this time are in blocks, but for those that came out of order; -Infinity without a block. */
  readonly blocksEndMs: number;
  /** Whether the log in this state was brought in before. */
  readonly isDone: (state: string) => boolean;
  readonly onWritten: (written: Written) => void;
}

export type HeadFailure =
  | { readonly kind: 'disk'; readonly error: DiskError }
  | { readonly kind: 'store'; readonly error: StoreProblem };

type Done<T> = Promise<Result<T, HeadFailure>>;

/** The state is undefined where there is no log. */
export async function importHead(
  options: HeadOptions,
): Done<{ readonly state: string | undefined; readonly isDone: boolean }> {
  const files = await findHead(options.disk, options.folder);
  if (!files.ok) return err({ kind: 'disk', error: files.error });
  if (files.value === undefined) return ok({ state: undefined, isDone: false });
  const { state } = files.value;
  if (options.isDone(state)) return ok({ state, isDone: true });
  const imported = await new HeadImport(options, files.value).run();
  return imported.ok ? ok({ state, isDone: false }) : imported;
}

class HeadImport {
  readonly #options: HeadOptions;
  readonly #files: HeadFiles;
  readonly #reader = new BigEndianReader(new Uint8Array(0));
  readonly #breather: Breather;

  constructor(options: HeadOptions, files: HeadFiles) {
    this.#options = options;
    this.#files = files;
    this.#breather = new Breather(options.clock);
  }

  async run(): Done<void> {
    const { wal, wbl, chunks } = this.#files;
    const stones = new Map<number, Stone[]>();
    const samples = new HeadSamples();
    // All labels before the chunks on disk, all deletions before any sample.
    const listed = await this.#records(wal, {
      ...IGNORED,
      series: (ref, labels) => {
        if (isSelected(this.#options.selection, labels)) samples.addSeries(ref, labels);
      },
      stone: (ref, stone) => addStone(stones, ref, stone),
    });
    if (!listed.ok) return listed;
    samples.stones = mergedStones(stones);
    for (const path of chunks) {
      const read = await this.#chunkFile(path, samples);
      if (!read.ok) return read;
    }
    const inOrder = await this.#records(wal, this.#sink(samples, { outOfOrder: false }), samples);
    if (!inOrder.ok) return inOrder;
    const late = await this.#records(wbl, this.#sink(samples, { outOfOrder: true }), samples);
    return late.ok ? this.#write(samples) : late;
  }

  /** Reads a log from front to back; where samples are gathered they are written whenever there are enough. */
  async #records(paths: readonly string[], sink: WalSink, samples?: HeadSamples): Done<void> {
    const { disk, unzstd, damage } = this.#options;
    const log = new WalReader(disk, paths, unzstd);
    try {
      for (;;) {
        const record = await log.next();
        if (!record.ok) {
          if (record.error.kind === 'disk') return err(record.error);
          // The same place is met in each pass: the first one tells.
          if (samples === undefined || paths === this.#files.wbl) damage.add(record.error);
          continue;
        }
        if (record.value === undefined) return ok(undefined);
        const { bytes, file, offset } = record.value;
        this.#reader.reset(bytes, { from: 0, to: bytes.length });
        const isSound = readWalRecord(this.#reader, sink, samples === undefined ? NAMING : SAMPLES);
        if (!isSound) damage.add({ file, offset, cause: 'a record makes no sense' });
        const written = samples?.isFull === true ? await this.#write(samples) : ok(undefined);
        if (!written.ok) return written;
        await this.#breather.breathe();
      }
    } finally {
      await log.close();
    }
  }

  async #chunkFile(path: string, samples: HeadSamples): Done<void> {
    const { disk, damage } = this.#options;
    const opened = await HeadChunkFile.open(disk, path);
    if (!opened.ok) return this.#noted(opened.error);
    const file = opened.value;
    if (file === undefined) return ok(undefined);
    const chunks = new ChunkReader();
    try {
      for (;;) {
        const chunk = await file.next();
        if (!chunk.ok) {
          const noted = this.#noted(chunk.error);
          if (!noted.ok) return noted;
          continue;
        }
        if (chunk.value === undefined) return ok(undefined);
        const { series: ref, kind, bytes, offset, isOutOfOrder } = chunk.value;
        if (samples.get(ref) === undefined) continue;
        const read = chunks.read(kind, bytes, chunk.value);
        if (!read.ok) {
          damage.add({ file: path, offset, cause: read.error });
          continue;
        }
        const sink = this.#sink(samples, { outOfOrder: isOutOfOrder });
        const { count, timesMs, values, histograms } = read.value;
        const words = new Uint32Array(values.buffer, values.byteOffset, 2 * count);
        for (let i = 0; i < count; i++) {
          const timeMs = timesMs[i] ?? 0;
          const histogram = histograms?.get(i);
          if (histogram !== undefined) sink.histogram(ref, timeMs, histogram);
          else sink.float(ref, timeMs, ...wordsAt(words, i));
        }
        const series = samples.get(ref);
        if (series !== undefined && !isOutOfOrder)
          series.chunksMaxMs = Math.max(series.chunksMaxMs, timesMs[count - 1] ?? -Infinity);
        const written = samples.isFull ? await this.#write(samples) : ok(undefined);
        if (!written.ok) return written;
        await this.#breather.breathe();
      }
    } finally {
      await file.close();
    }
  }

  /** Puts samples that are wanted into their series. */
  #sink(samples: HeadSamples, { outOfOrder }: { readonly outOfOrder: boolean }): WalSink {
    const { selection, blocksEndMs } = this.#options;
    const fromMs = outOfOrder ? selection.fromMs : Math.max(selection.fromMs, blocksEndMs);
    const { toMs } = selection;
    const seriesAt = (ref: number, timeMs: number) => {
      if (!(timeMs >= fromMs && timeMs <= toMs)) return undefined;
      const series = samples.get(ref);
      // What chunks on disk have, they have given already.
      return series !== undefined && (outOfOrder || timeMs > series.chunksMaxMs) ? series : undefined;
    };
    return {
      ...IGNORED,
      float: (ref, timeMs, high, low) => {
        const series = seriesAt(ref, timeMs);
        if (series === undefined) return;
        series.float(timeMs, high, low);
        samples.note(timeMs, false);
      },
      histogram: (ref, timeMs, histogram) => {
        const series = seriesAt(ref, timeMs);
        if (series === undefined) return;
        series.histogram(timeMs, histogram);
        samples.note(timeMs, true);
      },
      stale: (ref, timeMs) => {
        const series = seriesAt(ref, timeMs);
        if (series === undefined) return;
        series.stale(timeMs);
        samples.note(timeMs, false);
      },
    };
  }

  async #write(samples: HeadSamples): Done<void> {
    const { store, onWritten } = this.#options;
    const { range } = samples;
    for (const span of range === undefined ? [] : store.oldSpans(range)) {
      const written = await store.writeOld(span, samples.portions(span));
      if (!written.ok) {
        const { error } = written;
        return error.kind === 'store' ? err(error) : error.error;
      }
      onWritten(written.value);
    }
    samples.clear();
    return ok(undefined);
  }

  #noted(failure: SourceFailure): Result<void, HeadFailure> {
    if (failure.kind === 'disk') return err(failure);
    this.#options.damage.add(failure);
    return ok(undefined);
  }
}

const IGNORED: WalSink = {
  series: () => {},
  float: () => {},
  histogram: () => {},
  stale: () => {},
  stone: () => {},
};

// --- which files there are --------------------------------------------------------------------------

interface HeadFiles {
  /** Of the last checkpoint, and behind it. */
  readonly wal: readonly string[];
  /** The log of what came out of order. */
  readonly wbl: readonly string[];
  readonly chunks: readonly string[];
  /** Another text for another state of the files. */
  readonly state: string;
}

async function findHead(disk: Disk, folder: string): Promise<Result<HeadFiles | undefined, DiskError>> {
  const names = await namesOf(disk, `${folder}/wal`);
  if (!names.ok) return names;
  if (names.value.length === 0) return ok(undefined);
  const checkpoints = names.value.filter(name => /^checkpoint\.\d+$/.test(name)).sort();
  const last = checkpoints.at(-1);
  const behind = last === undefined ? -1 : Number(last.slice('checkpoint.'.length));
  const kept = last === undefined ? ok([]) : await segmentsOf(disk, `${folder}/wal/${last}`);
  if (!kept.ok) return kept;
  const segments = names.value.filter(name => /^\d+$/.test(name) && Number(name) > behind);
  const wal = [...kept.value, ...numbered(segments).map(name => `${folder}/wal/${name}`)];
  const wbl = await segmentsOf(disk, `${folder}/wbl`);
  if (!wbl.ok) return wbl;
  const chunks = await segmentsOf(disk, `${folder}/chunks_head`);
  if (!chunks.ok) return chunks;
  const hash = createHash('sha256');
  for (const path of [...wal, ...wbl.value, ...chunks.value]) {
    const stat = await disk.stat(path);
    if (!stat.ok) return stat;
    hash.update(`${path.slice(folder.length)} ${stat.value.sizeBytes}\n`);
  }
  return ok({ wal, wbl: wbl.value, chunks: chunks.value, state: hash.digest('hex').slice(0, 16) });
}

async function segmentsOf(disk: Disk, folder: string): Promise<Result<readonly string[], DiskError>> {
  const names = await namesOf(disk, folder);
  return names.ok ? ok(numbered(names.value).map(name => `${folder}/${name}`)) : names;
}

async function namesOf(disk: Disk, folder: string): Promise<Result<readonly string[], DiskError>> {
  const names = await disk.list(folder);
  return !names.ok && names.error.code === 'disk-not-found' ? ok([]) : names;
}

function numbered(names: readonly string[]): readonly string[] {
  return names.filter(name => /^\d+$/.test(name)).sort((a, b) => Number(a) - Number(b));
}

function wordsAt(words: Uint32Array, i: number): [high: number, low: number] {
  return [words[2 * i + HIGH_WORD] ?? 0, words[2 * i + LOW_WORD] ?? 0];
}
