// Saves what can be read of a damaged block into a new one, which takes its place. The damaged one stays beside it.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { type Clock, type Disk, type DiskError, err, ok, type Result } from '../../base/index.ts';
import { formatLabels, type SeriesColumns } from '../../model/index.ts';
import type { TimelineRecord } from '../block/block-index.ts';
import { blockName } from '../block/block-set.ts';
import { BLOCK_MS } from '../block/limits.ts';
import { type BlockMeta, decodeMeta } from '../block/meta.ts';
import { Slices } from '../block/slices.ts';
import { decodeTombstones, type Tombstones, withoutStretches } from '../block/tombstones.ts';
import { BlockWriter, FILES } from '../block/writer.ts';
import { aligned } from '../cut.ts';
import { ColumnExtrasBuilder } from '../extras.ts';
import { removeTree } from '../remove-tree.ts';
import { writeSynced } from '../synced-file.ts';
import { type BlockPlace, openData } from './block-check.ts';
import { BlockData } from './block-data.ts';
import { findSections } from './find-sections.ts';
import type { Repair } from './findings.ts';
import { type IndexFacts, IndexWalk, type WalkedSeries } from './index-walk.ts';
import { PagedContent, scanPages } from './pages.ts';

/** In a folder that was set aside: its samples have been taken from it, as far as they could be. */
export const SALVAGED_FILE = 'salvaged';

export interface SalvageParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly folder: string;
  /** Of the new block. */
  readonly number: number;
}

/** `place` may have been set aside already. What is `ok` is durable. */
export async function salvageBlock(
  parts: SalvageParts,
  place: BlockPlace,
): Promise<Result<Repair, DiskError>> {
  const opened = await openSource(parts.disk, place);
  if (!opened.ok) return opened;
  const source = opened.value;
  if (source === undefined) return setAside(parts, place, 'nothing of it can be read', 'all of its samples');
  const passing = `${parts.folder}/${blockName(parts.number)}.new`;
  await removeTree(parts.disk, passing);
  const filled = await fill(parts, source, passing);
  await source.close();
  if (!filled.ok) {
    await removeTree(parts.disk, passing);
    return filled;
  }
  const { kept, lost } = filled.value;
  if (kept === 0) {
    await removeTree(parts.disk, passing);
    return setAside(parts, place, 'no sample of it can be read', 'all of its samples');
  }
  const name = blockName(parts.number);
  const published = await parts.disk.rename(passing, `${parts.folder}/${name}`);
  const named = published.ok ? await parts.disk.syncFolder(parts.folder) : published;
  if (!named.ok) return named;
  return setAside(parts, place, `${kept} samples are saved in "${name}"`, lost);
}

/** After this it is a folder that the store does not read. */
async function setAside(
  { disk, folder }: SalvageParts,
  place: BlockPlace,
  done: string,
  lost: string,
): Promise<Result<Repair, DiskError>> {
  const aside = `${blockName(place.number)}.bad`;
  if (place.name !== aside) {
    const moved = await disk.rename(place.folder, `${folder}/${aside}`);
    const named = moved.ok ? await disk.syncFolder(folder) : moved;
    if (!named.ok) return named;
  }
  const marked = await writeSynced(disk, `${folder}/${aside}/${SALVAGED_FILE}`, new Uint8Array(0));
  if (!marked.ok && marked.error.code !== 'disk-exists') return marked;
  return ok({ file: place.folder, done: `${done}; the block is kept as "${aside}"`, lost });
}

interface Source {
  readonly walk: IndexWalk;
  readonly data: BlockData;
  /** Undefined where the meta was lost. */
  readonly meta: BlockMeta | undefined;
  readonly number: number;
  readonly tombstones: Tombstones | undefined;
  close(): Promise<void>;
}

/** Undefined where there is nothing that could be read; what the disk does not give now may be there later. */
async function openSource(
  disk: Disk,
  { folder, number }: BlockPlace,
): Promise<Result<Source | undefined, DiskError>> {
  const read = await disk.readFile(`${folder}/${FILES.meta}`);
  if (!read.ok && !isMissing(read.error)) return read;
  const decoded = read.ok ? decodeMeta(read.value) : undefined;
  const meta = decoded?.ok ? decoded.value : undefined;
  const index = await PagedContent.read(disk, `${folder}/${FILES.index}`);
  const scan = await scanPages(disk, `${folder}/${FILES.data}`, () => {});
  if (!index.ok) return isMissing(index.error) ? ok(undefined) : index;
  if (!scan.ok) return isMissing(scan.error) ? ok(undefined) : scan;
  const { content } = index.value;
  const walk = openWalk(content, meta);
  if (walk === undefined) return ok(undefined);
  const file = await openData(disk, `${folder}/${FILES.data}`, scan.value);
  if (!file.ok) return file.error.kind === 'disk' ? err(file.error.error) : ok(undefined);
  const deleted = await disk.readFile(`${folder}/${FILES.tombstones}`);
  const tombstones = deleted.ok ? decodeTombstones(deleted.value) : undefined;
  if (!deleted.ok && !isMissing(deleted.error)) {
    await file.value.close();
    return deleted;
  }
  return ok({
    walk,
    data: new BlockData(file.value),
    meta,
    number,
    tombstones: tombstones?.ok ? tombstones.value : deleted.ok ? undefined : new Map(),
    close: () => file.value.close(),
  });
}

function isMissing({ code }: DiskError): boolean {
  return code === 'disk-not-found';
}

/** By the meta, or where that is lost, or does not fit the index, by what the index itself shows. */
function openWalk(content: PagedContent, meta: BlockMeta | undefined): IndexWalk | undefined {
  const known = meta && IndexWalk.open(content, meta);
  if (known !== undefined) return known;
  const found: IndexFacts | undefined = findSections(content.bytes);
  return found && IndexWalk.open(content, found);
}

interface Filled {
  readonly kept: number;
  /** A text for people; "" for nothing. */
  readonly lost: string;
}

async function fill(
  { disk, clock, number }: SalvageParts,
  source: Source,
  passing: string,
): Promise<Result<Filled, DiskError>> {
  const writer = await BlockWriter.create(disk, passing);
  if (!writer.ok) return writer;
  const { walk, meta, tombstones } = source;
  const reader = new SeriesReader(source);
  const seen = new Set<string>();
  for (let i = 0; i < walk.seriesCount; i++) {
    const series = walk.series(i);
    const key = series === undefined ? '' : formatLabels(series.labels);
    if (series === undefined || seen.has(key)) {
      reader.lostSeries++;
      continue;
    }
    const read = await reader.read(series);
    if (read === undefined) continue;
    seen.add(key);
    const left = withoutStretches(read, tombstones?.get(i) ?? []);
    if (left.from < left.to) writer.value.add(left);
    const flushed = await writer.value.flush();
    if (!flushed.ok) {
      await writer.value.abandon();
      return flushed;
    }
  }
  const { samples } = writer.value;
  const lost = lostText(reader, source);
  if (samples === 0) {
    await writer.value.abandon();
    return ok({ kept: 0, lost });
  }
  const span = meta ?? { ...spanOf(reader), firstNumber: source.number, replaces: [], chunkIds: [] };
  const { firstNumber, fromMs, toMs, chunkIds } = span;
  const replaces = [...new Set([...span.replaces, source.number])].sort((a, b) => a - b);
  const finished = await writer.value.finish(
    { number, firstNumber, fromMs, toMs, replaces, chunkIds },
    { slices: new Slices(clock), conflicts: meta?.conflicts ?? 0 },
  );
  if (!finished.ok) return finished;
  return ok({ kept: samples, lost });
}

/** Whole stretches around what is there: the rest of a block's width is not known any more. */
function spanOf({ minMs, maxMs }: SeriesReader): { readonly fromMs: number; readonly toMs: number } {
  return { fromMs: aligned(minMs), toMs: aligned(maxMs) + BLOCK_MS };
}

function lostText(reader: SeriesReader, { tombstones }: Source): string {
  const parts = [
    reader.lostSeries > 0 ? `all samples of ${reader.lostSeries} series` : '',
    reader.lostSamples > 0 ? `${reader.lostSamples} samples of ${reader.lostOf} series` : '',
    tombstones === undefined ? 'what was deleted from the block is there again' : '',
  ];
  return parts.filter(part => part !== '').join(', ');
}

/** Series of a source as far as they can be read; times once for all that share them. */
class SeriesReader {
  readonly #source: Source;
  readonly #times = new Map<number, readonly (Float64Array | undefined)[]>();
  readonly #whole = new Map<number, Float64Array>();
  /** Of which not even the number of samples is known. */
  lostSeries = 0;
  lostSamples = 0;
  lostOf = 0;
  minMs = Infinity;
  maxMs = -Infinity;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Undefined where nothing of it can be read. */
  async read(series: WalkedSeries): Promise<SeriesColumns | undefined> {
    const timeline = this.#source.walk.timeline(series.timeline);
    if (timeline === undefined) {
      this.lostSeries++;
      return undefined;
    }
    const times = await this.#timesOf(series.timeline, timeline);
    const samples = await this.#source.data.samples(series, timeline);
    const good = timeline.segments.flatMap((_, i) => {
      const found = samples[i];
      const at = times[i];
      return at === undefined || found === undefined || typeof found === 'string'
        ? []
        : [{ times: at, ...found }];
    });
    const count = good.reduce((sum, one) => sum + one.times.length, 0);
    if (count < timeline.count) {
      this.lostSamples += timeline.count - count;
      this.lostOf++;
    }
    if (count === 0) return undefined;
    const isWhole = good.length === timeline.segments.length;
    const timesMs =
      (isWhole ? this.#whole.get(series.timeline) : undefined) ?? joined(good.map(one => one.times));
    if (isWhole) this.#remember(series.timeline, timesMs);
    this.minMs = Math.min(this.minMs, timesMs[0]!);
    this.maxMs = Math.max(this.maxMs, timesMs[count - 1]!);
    const extras = new ColumnExtrasBuilder(count);
    let at = 0;
    for (const part of good) {
      extras.copy(part.extras, 0, { count: part.times.length, at });
      at += part.times.length;
    }
    const { labels, ref, producer } = series;
    const values = joined(good.map(one => one.values));
    return { labels, ref, producer, timesMs, values, from: 0, to: count, ...extras.finish() };
  }

  async #timesOf(number: number, timeline: TimelineRecord): Promise<readonly (Float64Array | undefined)[]> {
    const known = this.#times.get(number);
    if (known !== undefined) return known;
    const found: (Float64Array | undefined)[] = [];
    let before = -Infinity;
    for (const segment of timeline.segments) {
      const times = await this.#source.data.times(segment);
      const isGood = typeof times !== 'string' && segment.minMs > before;
      found.push(isGood ? times : undefined);
      if (isGood) before = segment.maxMs;
    }
    if (this.#times.size >= TIMELINES_MAX) this.#times.clear();
    this.#times.set(number, found);
    return found;
  }

  #remember(number: number, timesMs: Float64Array): void {
    if (this.#whole.size >= TIMELINES_MAX) this.#whole.clear();
    this.#whole.set(number, timesMs);
  }
}

/** Timelines kept decoded: series that follow one another share them mostly. */
const TIMELINES_MAX = 64;

/** `set` copies the memory as it is, so that a NaN keeps its bits. */
function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
