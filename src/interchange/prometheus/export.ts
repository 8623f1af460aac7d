// Writes what a reader of samples has as blocks of Prometheus, one for each stretch of time, a page of series at a time.

import {
  type Clock,
  type Disk,
  type DiskError,
  err,
  ok,
  type Random,
  type Result,
} from '../../base/index.ts';
import {
  compareLabels,
  type Labels,
  type Matcher,
  type ReadFailure,
  type SeriesColumns,
  type SeriesReader,
  type TimeRange,
} from '../../model/index.ts';
import { Breather } from '../breather.ts';
import type { Span } from '../ports.ts';
import { PASSING, PrometheusBlockWriter } from './block-writer.ts';
import { ulidOf } from './ulid.ts';

export interface ExportOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly reader: Pick<SeriesReader, 'series' | 'select'>;
  /** Blocks are put beside what is there. */
  readonly folder: string;
  /** Both ends are included. */
  readonly range: TimeRange;
  /** Aligned stretches that cover the range, one block each. */
  readonly spans: readonly Span[];
  /** A series is wanted where all matchers of one list fit; no list wants all series. */
  readonly anyOf: readonly (readonly Matcher[])[];
  readonly customBuckets: boolean;
  readonly onProgress: (progress: ExportProgress) => void;
}

export interface ExportProgress {
  readonly share: number;
  readonly samples: number;
}

export interface ExportReport {
  readonly blocks: number;
  readonly samples: number;
  /** Histograms with bounds of their own that were left out. */
  readonly refused: number;
}

export type ExportFailure =
  | { readonly kind: 'disk'; readonly error: DiskError }
  | { readonly kind: 'read'; readonly error: ReadFailure };

type Done<T> = Promise<Result<T, ExportFailure>>;

/** Blocks finished before a failure stay: each is whole. */
export async function exportPrometheus(options: ExportOptions): Done<ExportReport> {
  const { disk, folder, spans } = options;
  // Prometheus's tools want to find the folder of a log, be it empty.
  const made = await disk.makeFolder(`${folder}/wal`);
  if (!made.ok) return diskFailed(made.error);
  const total = { blocks: 0, samples: 0, refused: 0 };
  for (const [i, span] of spans.entries()) {
    const progress = (share: number, samples: number): void =>
      options.onProgress({ share: (i + share) / spans.length, samples: total.samples + samples });
    const written = await exportBlock(options, span, progress);
    if (!written.ok) return written;
    const { samples, refused } = written.value;
    if (samples > 0) total.blocks++;
    total.samples += samples;
    total.refused += refused;
    progress(1, 0);
  }
  return ok(total);
}

/** Samples of a page of series: some tens of megabytes. */
const PAGE_SAMPLES = 1024 * 1024;
const PAGE_SERIES_FIRST = 64;
const PAGE_SERIES_MAX = 8192;

async function exportBlock(
  options: ExportOptions,
  span: Span,
  progress: (share: number, samples: number) => void,
): Done<{ readonly samples: number; readonly refused: number }> {
  const { range } = options;
  const fromMs = Math.max(span.fromMs, range.fromMs);
  const toMs = Math.min(span.toMs - 1, range.toMs);
  const listed = await listSeries(options, { fromMs, toMs });
  if (!listed.ok) return listed;
  const all = listed.value;
  if (all.length === 0) return ok({ samples: 0, refused: 0 });
  const ulid = ulidOf(options.clock.nowMs(), options.random);
  const created = await PrometheusBlockWriter.create({ ...options, ulid, texts: new Set(all.flat()) });
  if (!created.ok) {
    await removeLeft(options, ulid);
    return diskFailed(created.error);
  }
  const writer = created.value;
  const filled = await fill(options, writer, { all, fromMs, toMs, progress });
  const finished = filled.ok ? await finish(writer) : filled;
  if (!finished.ok) await writer.abandon();
  return finished;
}

async function finish(writer: PrometheusBlockWriter): Done<{ samples: number; refused: number }> {
  const finished = await writer.finish();
  return finished.ok ? finished : diskFailed(finished.error);
}

async function fill(
  options: ExportOptions,
  writer: PrometheusBlockWriter,
  work: {
    readonly all: readonly Labels[];
    readonly fromMs: number;
    readonly toMs: number;
    readonly progress: (share: number, samples: number) => void;
  },
): Done<void> {
  const { all, fromMs, toMs } = work;
  const breather = new Breather(options.clock);
  let pageSeries = PAGE_SERIES_FIRST;
  for (let at = 0; at < all.length; ) {
    const page = all.slice(at, at + pageSeries);
    const read = await readPage(options, page, { fromMs, toMs });
    if (!read.ok) return read;
    let samples = 0;
    for (const series of read.value) {
      const clipped = clip(series, { fromMs, toMs });
      samples += clipped.to - clipped.from;
      if (clipped.from >= clipped.to) continue;
      const added = await writer.add(clipped);
      if (!added.ok) return diskFailed(added.error);
      await breather.breathe();
    }
    at += page.length;
    work.progress(at / all.length, writer.counts.samples);
    const each = Math.max(1, samples / page.length);
    pageSeries = Math.max(1, Math.min(PAGE_SERIES_MAX, Math.floor(PAGE_SAMPLES / each)));
  }
  return ok(undefined);
}

/** What it takes to know which samples are meant. */
export type Wanted = Pick<ExportOptions, 'reader' | 'anyOf'>;

/** Label sets in order, each once. */
export async function listSeries(options: Wanted, range: TimeRange): Done<readonly Labels[]> {
  const lists: (readonly Labels[])[] = [];
  for (const matchers of wanted(options)) {
    const found = await options.reader.series(matchers, range);
    if (!found.ok) return err({ kind: 'read', error: found.error });
    lists.push(found.value);
  }
  const [only, ...more] = lists;
  if (only !== undefined && more.length === 0) return ok(only);
  const all = lists.flat().sort(compareLabels);
  return ok(all.filter((labels, i) => i === 0 || compareLabels(all[i - 1] ?? labels, labels) !== 0));
}

/** Of a page of neighbouring label sets: in order, each once. */
export async function readPage(
  options: Wanted,
  page: readonly Labels[],
  range: TimeRange,
): Done<readonly SeriesColumns[]> {
  const [first] = page;
  const last = page.at(-1);
  if (first === undefined || last === undefined) return ok([]);
  const lists: (readonly SeriesColumns[])[] = [];
  for (const matchers of wanted(options)) {
    const found = await options.reader.select(matchers, {
      // The start is left out of what is selected.
      ...{ fromMs: range.fromMs - 1, toMs: range.toMs },
      ...{ stepMs: 0, rangeMs: 0, func: '', limit: 0, between: { first, last } },
    });
    if (!found.ok) return err({ kind: 'read', error: found.error });
    lists.push(found.value);
  }
  const [only, ...more] = lists;
  if (only !== undefined && more.length === 0) return ok(only);
  const all = lists.flat().sort((a, b) => compareLabels(a.labels, b.labels));
  return ok(
    all.filter((one, i) => i === 0 || compareLabels(all[i - 1]?.labels ?? one.labels, one.labels) !== 0),
  );
}

function wanted({ anyOf }: Wanted): readonly (readonly Matcher[])[] {
  return anyOf.length === 0 ? [[]] : anyOf;
}

/** The rows of a range, both ends included: what was read may have more. */
function clip(series: SeriesColumns, { fromMs, toMs }: TimeRange): SeriesColumns {
  const { timesMs } = series;
  let { from, to } = series;
  while (from < to && (timesMs[from] ?? 0) < fromMs) from++;
  while (to > from && (timesMs[to - 1] ?? 0) > toMs) to--;
  return { ...series, from, to };
}

async function removeLeft({ disk, folder }: ExportOptions, ulid: string): Promise<void> {
  const passing = `${folder}/${ulid}${PASSING}`;
  for (const path of [`${passing}/index`, `${passing}/chunks`, passing]) await disk.remove(path);
}

function diskFailed(error: DiskError): Result<never, ExportFailure> {
  return err({ kind: 'disk', error });
}
