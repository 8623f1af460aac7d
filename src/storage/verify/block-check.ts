// One block looked through: every page's checksum, the index against itself, every series' samples against the index, and the
// counts and times that the meta says.

import type { Disk, Result } from '../../base/index.ts';
import type { BlockFailure } from '../block/failure.ts';
import { PAGE_BYTES } from '../block/limits.ts';
import { type BlockMeta, decodeMeta } from '../block/meta.ts';
import { PAGE_CONTENT, PageCache, PagedFile, pagedFileBytes } from '../block/paged.ts';
import { decodeTombstones, type Tombstones } from '../block/tombstones.ts';
import { FILES } from '../block/writer.ts';
import { BlockData, type Unread } from './block-data.ts';
import type { Findings } from './findings.ts';
import { checkIndex } from './index-check.ts';
import { IndexWalk } from './index-walk.ts';
import { PagedContent, type ScannedPages, scanPages } from './pages.ts';

/** Pages kept while the samples are read: series lie about in the order of the index. */
const CACHE_BYTES = 32 * 1024 * 1024;

export interface BlockPlace {
  readonly name: string;
  readonly folder: string;
  readonly number: number;
}

export interface LookedBlock {
  readonly place: BlockPlace;
  /** Undefined where it is damaged, missing or of a newer version. */
  readonly meta: BlockMeta | undefined;
  readonly isNewer: boolean;
  readonly bytes: number;
}

const REMEDY = '--repair saves what can be read into a new block and keeps this one beside it with ".bad"';

export async function lookAtBlock(disk: Disk, findings: Findings, place: BlockPlace): Promise<LookedBlock> {
  const fileOf = (name: keyof typeof FILES): string => `${place.folder}/${FILES[name]}`;
  const tell = (name: keyof typeof FILES, message: string, offset: number): void =>
    findings.add({ code: 'block-damaged', file: fileOf(name), offset, message, remedy: REMEDY });
  const small = await readSmallFiles(disk, place, tell);
  const index = await PagedContent.read(disk, fileOf('index'));
  const data = await scanPages(disk, fileOf('data'), () => {});
  if (!index.ok) tell('index', `Cannot read it: ${index.error.message}`, 0);
  else
    tellPages({ scan: index.value.scan, expected: small.meta?.indexBytes }, (...told) =>
      tell('index', ...told),
    );
  if (!data.ok) tell('data', `Cannot read it: ${data.error.message}`, 0);
  else tellPages({ scan: data.value, expected: small.meta?.dataBytes }, (...told) => tell('data', ...told));
  const bytes = (index.ok ? index.value.scan.fileBytes : 0) + (data.ok ? data.value.fileBytes : 0);
  const { meta, isNewer } = small;
  if (meta !== undefined && index.ok && data.ok) {
    const { content, scan } = index.value;
    const walk = IndexWalk.open(content, meta);
    const hasBadPages = scan.bad.length > 0 || scan.contentBytes !== meta.indexBytes;
    if (walk === undefined && !hasBadPages)
      tell('index', 'Its sections are not where the meta says', fileAt(meta.sections.names));
    if (walk !== undefined) {
      checkIndex({ walk, meta, hasBadPages }, (message, at) => tell('index', message, fileAt(at)));
      const opened = await openData(disk, fileOf('data'), data.value);
      if (opened.ok) {
        const hasGaps = hasBadPages || data.value.bad.length > 0;
        await checkSamples({ walk, meta, hasGaps, data: new BlockData(opened.value) }, tell);
        await opened.value.close();
      }
    }
    for (const number of small.tombstones?.keys() ?? [])
      if (number >= meta.series) tell('tombstones', `Series ${number} is not in the block`, 0);
  }
  return { place, meta, isNewer, bytes };
}

type TellFile = (name: keyof typeof FILES, message: string, offset: number) => void;

async function readSmallFiles(
  disk: Disk,
  { folder, number }: BlockPlace,
  tell: TellFile,
): Promise<{
  readonly meta: BlockMeta | undefined;
  readonly tombstones: Tombstones | undefined;
  readonly isNewer: boolean;
}> {
  const read = await disk.readFile(`${folder}/${FILES.meta}`);
  const meta = read.ok ? decodeMeta(read.value) : undefined;
  if (!read.ok) tell('meta', `Cannot read it: ${read.error.message}`, 0);
  else if (meta?.ok === false)
    tell(
      'meta',
      meta.error === 'newer' ? 'It is of a newer version' : 'Its checksum is wrong or it makes no sense',
      0,
    );
  else if (meta?.ok && meta.value.number !== number)
    tell('meta', `It is of block ${meta.value.number}, and lies in the folder of block ${number}`, 0);
  const deleted = await disk.readFile(`${folder}/${FILES.tombstones}`);
  const tombstones = deleted.ok ? decodeTombstones(deleted.value) : undefined;
  const isUnread = !deleted.ok && deleted.error.code !== 'disk-not-found';
  if (isUnread || tombstones?.ok === false)
    tell('tombstones', 'What was deleted from the block cannot be told', 0);
  return {
    meta: meta?.ok ? meta.value : undefined,
    tombstones: tombstones?.ok ? tombstones.value : undefined,
    isNewer: meta?.ok === false && meta.error === 'newer',
  };
}

function tellPages(
  { scan, expected }: { readonly scan: ScannedPages; readonly expected: number | undefined },
  tell: (message: string, offset: number) => void,
): void {
  for (const number of scan.bad) tell('The checksum of a page is wrong', number * PAGE_BYTES);
  if (expected === undefined || scan.contentBytes === expected) return;
  const bytes = pagedFileBytes(expected);
  tell(`It has ${scan.fileBytes} bytes in place of ${bytes}`, Math.min(scan.fileBytes, bytes));
}

export function openData(
  disk: Disk,
  path: string,
  { contentBytes }: ScannedPages,
): Promise<Result<PagedFile, BlockFailure>> {
  return PagedFile.open(disk, path, { contentBytes, cache: new PageCache(CACHE_BYTES) });
}

interface Checking {
  readonly walk: IndexWalk;
  readonly meta: BlockMeta;
  readonly data: BlockData;
  /** Damage that is told of already explains what is missing. */
  readonly hasGaps: boolean;
}

async function checkSamples({ walk, meta, data, hasGaps }: Checking, tell: TellFile): Promise<void> {
  const wrong = (unread: Unread, message: string, at: number): void => {
    if (unread === 'senseless' || !hasGaps) tell('data', message, fileAt(at));
  };
  let [minMs, maxMs] = [Infinity, -Infinity];
  for (let number = 0; number < walk.timelineCount; number++) {
    const timeline = walk.timeline(number);
    if (timeline === undefined && !hasGaps)
      tell('index', `Timeline ${number} makes no sense`, fileAt(meta.sections.timelines));
    for (const segment of timeline?.segments ?? []) {
      const times = await data.times(segment);
      if (typeof times === 'string')
        wrong(times, `The times of timeline ${number} are not what the index says`, segment.at);
      minMs = Math.min(minMs, segment.minMs);
      maxMs = Math.max(maxMs, segment.maxMs);
    }
  }
  let samples = 0;
  for (let number = 0; number < walk.seriesCount; number++) {
    const series = walk.series(number);
    const timeline = series === undefined ? undefined : walk.timeline(series.timeline);
    if (series === undefined || timeline === undefined) continue;
    samples += timeline.count;
    const read = await data.samples(series, timeline);
    const unread = read.find(segment => typeof segment === 'string');
    if (typeof unread === 'string')
      wrong(unread, `The samples of series ${number} make no sense`, series.columns[0]?.at ?? 0);
  }
  if (hasGaps) return;
  if (samples !== meta.samples) tell('meta', `It has ${samples} samples, its meta says ${meta.samples}`, 0);
  const isSpan = samples === 0 || (minMs === meta.minMs && maxMs === meta.maxMs);
  const isWithin = samples === 0 || (minMs >= meta.fromMs && maxMs < meta.toMs);
  if (!isSpan || !isWithin)
    tell('meta', `Its samples lie from ${minMs} to ${maxMs}, which is not what its meta says`, 0);
}

/** Where a place in the content of a paged file lies in the file. */
function fileAt(contentAt: number): number {
  return contentAt + 4 * Math.floor(contentAt / PAGE_CONTENT);
}
