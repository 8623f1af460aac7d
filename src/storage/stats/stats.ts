// What a store's folder holds and how it grows: block by block, the head, and by metric and label over all. Reads the files, and
// nothing of a running store, so that it works with and without one.

import { type Clock, type Disk, type DiskError, err, ok, type Result } from '../../base/index.ts';
import { type BlockMeta, decodeMeta } from '../block/meta.ts';
import { pagedFileBytes } from '../block/paged.ts';
import { Slices } from '../block/slices.ts';
import { decodeTombstones } from '../block/tombstones.ts';
import { FILES } from '../block/writer.ts';
import { FORMAT_FILE } from '../folder.ts';
import { decodeSaved, SAVED_FILE, type SavedByPolicy } from '../policies.ts';
import type { StoreFailure } from '../store.ts';
import { IndexWalk } from '../verify/index-walk.ts';
import { PagedContent } from '../verify/pages.ts';
import { readOnly } from '../verify/read-only.ts';
import { type HeadStats, statsOfHead } from './head-stats.ts';
import { type LabelStats, type MetricStats, type Place, Tally } from './tally.ts';

export interface StatsOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Of the store itself. */
  readonly folder: string;
}

export interface FolderStats {
  /** By their oldest sample. */
  readonly blocks: readonly BlockPart[];
  readonly head: HeadStats & { readonly newSeries: number | null };
  /** In blocks and head together; a series that is in several counts once. */
  readonly series: number;
  readonly samples: number;
  readonly bytes: number;
  readonly metrics: readonly MetricStats[];
  readonly labels: readonly LabelStats[];
  /** What retention policies took out of blocks so far. */
  readonly policies: readonly SavedByPolicy[];
  /** Folders of blocks that could not be read. */
  readonly unread: readonly string[];
}

export interface BlockPart {
  readonly name: string;
  readonly minMs: number;
  readonly maxMs: number;
  readonly series: number;
  readonly samples: number;
  readonly bytes: number;
  readonly deletedSeries: number;
  /** Series that no part before it in time has; null for the first part, of which that cannot be told. */
  readonly newSeries: number | null;
}

/** Series looked at between two looks at the clock. */
const STEP = 256;

export async function statsOfFolder(options: StatsOptions): Promise<Result<FolderStats, StoreFailure>> {
  const { folder } = options;
  const disk = readOnly(options.disk);
  const found = await disk.stat(`${folder}/${FORMAT_FILE}`);
  if (!found.ok) return failed(folder, found.error, 'it is no store: ');
  const metas = await metasIn(disk, folder);
  if (!metas.ok) return failed(folder, metas.error);
  const tally = new Tally();
  const slices = new Slices(options.clock);
  const blocks: BlockPart[] = [];
  const unread: string[] = [];
  for (const [name, meta] of metas.value) {
    const place = { newSeries: 0 };
    const counted = await countBlock({ disk, folder: `${folder}/${name}`, meta, slices }, tally, place);
    if (!counted) {
      unread.push(name);
      continue;
    }
    blocks.push({
      ...partOf(name, meta),
      ...counted,
      newSeries: blocks.length === 0 ? null : place.newSeries,
    });
  }
  const place = { newSeries: 0 };
  const cut = cutBy([...metas.value.values()]);
  const head = await statsOfHead({ disk, folder, cut }, tally, place);
  if (!head.ok) return failed(folder, head.error);
  const all = [...blocks, head.value];
  return ok({
    blocks,
    head: { ...head.value, newSeries: blocks.length === 0 ? null : place.newSeries },
    series: tally.series,
    samples: all.reduce((sum, part) => sum + part.samples, 0),
    bytes: all.reduce((sum, part) => sum + part.bytes, 0),
    metrics: tally.metrics(),
    labels: tally.labels(),
    policies: await savedIn(disk, folder),
    unread,
  });
}

async function savedIn(disk: Disk, folder: string): Promise<readonly SavedByPolicy[]> {
  const read = await disk.readFile(`${folder}/${SAVED_FILE}`);
  return read.ok ? decodeSaved(read.value) : [];
}

function partOf(name: string, { minMs, maxMs, series, samples, dataBytes, indexBytes }: BlockMeta) {
  return {
    name,
    minMs,
    maxMs,
    series,
    samples,
    bytes: pagedFileBytes(dataBytes) + pagedFileBytes(indexBytes),
  };
}

/** Blocks that count, with samples, by their oldest one. */
async function metasIn(
  disk: Disk,
  folder: string,
): Promise<Result<ReadonlyMap<string, BlockMeta>, DiskError>> {
  const names = await disk.list(folder);
  if (!names.ok) return names;
  const found: [string, BlockMeta][] = [];
  for (const name of names.value) {
    if (!/^block-\d{8,15}$/.test(name)) continue;
    const read = await disk.readFile(`${folder}/${name}/${FILES.meta}`);
    const meta = read.ok ? decodeMeta(read.value) : undefined;
    if (meta?.ok) found.push([name, meta.value]);
  }
  const replaced = new Set(found.flatMap(([, meta]) => meta.replaces));
  const current = found.filter(([, { number, samples }]) => samples > 0 && !replaced.has(number));
  return ok(new Map(current.sort(([, a], [, b]) => a.minMs - b.minMs)));
}

function cutBy(metas: readonly BlockMeta[]): ReadonlyMap<number, number> {
  const cut = new Map<number, number>();
  for (const { chunkIds, toMs } of metas)
    for (const id of chunkIds) cut.set(id, Math.max(cut.get(id) ?? -Infinity, toMs));
  return cut;
}

/** Undefined where its index cannot be read. */
async function countBlock(
  from: {
    readonly disk: Disk;
    readonly folder: string;
    readonly meta: BlockMeta;
    readonly slices: Slices;
  },
  tally: Tally,
  place: Place,
): Promise<{ readonly deletedSeries: number } | undefined> {
  const { disk, folder, meta, slices } = from;
  const index = await PagedContent.read(disk, `${folder}/${FILES.index}`);
  const walk = index.ok ? IndexWalk.open(index.value.content, meta) : undefined;
  if (walk === undefined) return undefined;
  const bytesOf = columnBytes(walk, meta);
  slices.begin();
  for (let number = 0; number < walk.seriesCount; number++) {
    const series = walk.series(number);
    const samples = series && walk.timeline(series.timeline)?.count;
    if (series === undefined || samples === undefined) continue;
    tally.add(series.labels, { samples, bytes: bytesOf(series.columns) }, place);
    if (number % STEP === 0) await slices.breathe();
  }
  const deleted = await deletedIn(disk, folder);
  return { deletedSeries: deleted };
}

type Columns = NonNullable<ReturnType<IndexWalk['series']>>['columns'];

/** What a series takes: its columns, and an equal part of times, index and checksums. */
function columnBytes(walk: IndexWalk, meta: BlockMeta): (columns: Columns) => number {
  const own = (columns: Columns): number =>
    columns.reduce((sum, { lengths }) => sum + lengths.reduce((all, length) => all + length, 0), 0);
  let owned = 0;
  for (let number = 0; number < walk.seriesCount; number++) owned += own(walk.series(number)?.columns ?? []);
  const whole = pagedFileBytes(meta.dataBytes) + pagedFileBytes(meta.indexBytes);
  const share = Math.max(0, whole - owned) / Math.max(1, walk.seriesCount);
  return columns => own(columns) + share;
}

async function deletedIn(disk: Disk, folder: string): Promise<number> {
  const read = await disk.readFile(`${folder}/${FILES.tombstones}`);
  const tombstones = read.ok ? decodeTombstones(read.value) : undefined;
  return tombstones?.ok ? tombstones.value.size : 0;
}

function failed(folder: string, error: DiskError, why = ''): Result<never, StoreFailure> {
  return err({
    code: error.code,
    message: `Cannot read "${folder}": ${why}"${error.path}": ${error.message}`,
  });
}
