// Looks a store's folder through: every checksum, every record and sample, index against data. Repairs what can be repaired
// without loss of good data. With the folder to itself where nobody has it open, else beside the one who has, changing nothing.

import { type Clock, type Disk, type DiskError, err, ok, type Result } from '../../base/index.ts';
import type { Labels } from '../../model/index.ts';
import { AppendFile } from '../append-file.ts';
import { type BlockMeta, decodeMeta } from '../block/meta.ts';
import { FILES } from '../block/writer.ts';
import { FORMAT_FILE, LOCK_FILE, newerFormatIn } from '../folder.ts';
import type { StoreFailure } from '../store.ts';
import { type BlockPlace, type LookedBlock, lookAtBlock } from './block-check.ts';
import { type Finding, Findings, type Repair } from './findings.ts';
import { filesOf, type HeadCounts, lookAtHead } from './head-files.ts';
import { IndexWalk } from './index-walk.ts';
import { PagedContent } from './pages.ts';
import { readOnly } from './read-only.ts';
import { addSeriesFile, rewriteWithoutDamage } from './rewrite.ts';
import { SALVAGED_FILE, salvageBlock } from './salvage.ts';

export interface VerifyOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Of the store itself. */
  readonly folder: string;
  readonly repair: boolean;
  /** Told which part is looked at. */
  readonly onPart?: (path: string) => void;
}

export interface VerifyReport {
  /** `beside`: another process has the store open; what it is just writing was not judged. */
  readonly mode: 'alone' | 'beside';
  readonly findings: readonly Finding[];
  readonly repairs: readonly Repair[];
  /** What a second look found after repairs. */
  readonly remaining: readonly Finding[];
  readonly counts: VerifyCounts;
}

export interface VerifyCounts {
  readonly blocks: number;
  readonly blockSamples: number;
  readonly headFiles: number;
  readonly headSeries: number;
  readonly chunks: number;
  readonly openSamples: number;
  readonly bytes: number;
}

export async function verifyStore(options: VerifyOptions): Promise<Result<VerifyReport, StoreFailure>> {
  const { disk, folder } = options;
  const found = await disk.stat(`${folder}/${FORMAT_FILE}`);
  if (!found.ok)
    return err({
      code: found.error.code,
      message: `Cannot verify "${folder}": it is no store: ${found.error.message}`,
    });
  const locked = await disk.lock(`${folder}/${LOCK_FILE}`);
  // A folder that may only be read cannot be locked, nor written to by anybody like us.
  const isBeside = !locked.ok && (locked.error.code === 'disk-locked' || locked.error.code === 'disk-denied');
  if (!locked.ok && !isBeside) return err(failure(folder, locked.error));
  if (!locked.ok && options.repair)
    return err({
      code: locked.error.code,
      message: `Cannot repair "${folder}": ${locked.error.message}; stop the program that uses it first`,
    });
  try {
    const newer = await newerFormatIn(disk, folder);
    if (newer !== undefined) return err({ code: 'storage-newer-format', message: newer });
    return await verifyFolder(options, locked.ok ? 'alone' : 'beside');
  } finally {
    if (locked.ok) await locked.value.release();
  }
}

async function verifyFolder(
  options: VerifyOptions,
  mode: VerifyReport['mode'],
): Promise<Result<VerifyReport, StoreFailure>> {
  const { folder } = options;
  const first = await look(options, mode);
  if (!first.ok) return err(failure(folder, first.error));
  const { findings, counts } = first.value;
  const report = { mode, findings: findings.all, counts };
  if (!options.repair || !findings.hasErrors) return ok({ ...report, repairs: [], remaining: [] });
  const repaired = await repair(options, first.value);
  if (!repaired.ok) return err(failure(folder, repaired.error));
  const second = await look(options, mode);
  if (!second.ok) return err(failure(folder, second.error));
  return ok({ ...report, repairs: repaired.value, remaining: second.value.findings.all });
}

interface Looked {
  readonly findings: Findings;
  readonly counts: VerifyCounts;
  readonly head: HeadCounts;
  readonly blocks: readonly LookedBlock[];
  /** Blocks to be salvaged: damaged ones, and those that were set aside earlier. */
  readonly damaged: readonly BlockPlace[];
  readonly numberMax: number;
}

const NAME = /^block-(\d{8,15})(\.new|\.gone|\.bad)?$/;

async function look(
  { disk, folder, onPart }: VerifyOptions,
  mode: VerifyReport['mode'],
): Promise<Result<Looked, DiskError>> {
  const findings = new Findings();
  const eyes = readOnly(disk);
  const names = await eyes.list(folder);
  if (!names.ok) return names;
  const blocks: LookedBlock[] = [];
  const damaged: BlockPlace[] = [];
  const replaced = await replacedIn(eyes, folder, names.value);
  let numberMax = 0;
  for (const name of names.value) {
    const match = NAME.exec(name);
    if (match === null) continue;
    const place = { name, folder: `${folder}/${name}`, number: Number(match[1]) };
    numberMax = Math.max(numberMax, place.number);
    onPart?.(place.folder);
    if (match[2] === '.bad') {
      if (await noteSetAside(eyes, findings, place)) damaged.push(place);
    } else if (match[2] !== undefined) noteLeftover(findings, place);
    else if (replaced.has(place.number)) noteReplaced(findings, place);
    else {
      const own = new Findings();
      const looked = await lookAtBlock(eyes, own, place);
      const isGone = mode === 'beside' && !(await eyes.stat(place.folder)).ok;
      if (isGone) continue;
      findings.take(own.all);
      blocks.push(looked);
      if (own.hasErrors && !looked.isNewer) damaged.push(place);
    }
  }
  onPart?.(folder);
  const head = await lookAtHead({
    disk: eyes,
    folder,
    findings,
    isLive: mode === 'beside',
    cut: cutBy(blocks),
  });
  if (!head.ok) return head;
  return ok({ findings, head: head.value, blocks, damaged, numberMax, counts: countsOf(blocks, head.value) });
}

function countsOf(blocks: readonly LookedBlock[], head: HeadCounts): VerifyCounts {
  const { files: headFiles, series: headSeries, chunks, openSamples } = head;
  return {
    blocks: blocks.length,
    blockSamples: blocks.reduce((sum, { meta }) => sum + (meta?.samples ?? 0), 0),
    headFiles,
    headSeries,
    chunks,
    openSamples,
    bytes: blocks.reduce((sum, block) => sum + block.bytes, head.bytes),
  };
}

/** How far head chunks were cut into blocks. */
function cutBy(blocks: readonly LookedBlock[]): ReadonlyMap<number, number> {
  const cut = new Map<number, number>();
  for (const { meta } of blocks)
    for (const id of meta?.chunkIds ?? []) cut.set(id, Math.max(cut.get(id) ?? -Infinity, meta?.toMs ?? 0));
  return cut;
}

/** Whether something may be saved from it. */
async function noteSetAside(disk: Disk, findings: Findings, { name, folder }: BlockPlace): Promise<boolean> {
  const salvaged = await disk.stat(`${folder}/${SALVAGED_FILE}`);
  if (salvaged.ok) {
    const message = `Block "${name}" was damaged; what could be read of it has been saved`;
    findings.note({
      code: 'block-damaged',
      file: folder,
      message,
      remedy: 'remove it once nobody wants to look',
    });
    return false;
  }
  findings.add({
    code: 'block-damaged',
    file: folder,
    offset: 0,
    message: `Block "${name}" was damaged and is set aside: its samples are missing`,
    remedy: '--repair saves what can be read into a new block',
  });
  return true;
}

function noteLeftover(findings: Findings, { name, folder }: BlockPlace): void {
  const message = name.endsWith('.new') ? 'A block that was not finished' : 'A block that was being removed';
  findings.note({ code: 'block-damaged', file: folder, message, remedy: 'the next start removes it' });
}

/** Numbers of blocks that others were made of. */
async function replacedIn(
  disk: Disk,
  folder: string,
  names: readonly string[],
): Promise<ReadonlySet<number>> {
  const replaced = new Set<number>();
  for (const name of names) {
    if (NAME.exec(name)?.[2] !== undefined || !NAME.test(name)) continue;
    const meta = await metaIn(disk, `${folder}/${name}`);
    for (const number of meta?.replaces ?? []) replaced.add(number);
  }
  return replaced;
}

async function metaIn(disk: Disk, folder: string): Promise<BlockMeta | undefined> {
  const read = await disk.readFile(`${folder}/${FILES.meta}`);
  const meta = read.ok ? decodeMeta(read.value) : undefined;
  return meta?.ok ? meta.value : undefined;
}

/** After a crash a block may still be there beside the one that was made of it. */
function noteReplaced(findings: Findings, { folder }: BlockPlace): void {
  findings.note({
    code: 'storage-mismatch',
    file: folder,
    message: 'Another block has taken its place',
    remedy: 'the next start removes it',
  });
}

// --- repair -----------------------------------------------------------------------------------------

async function repair(options: VerifyOptions, looked: Looked): Promise<Result<readonly Repair[], DiskError>> {
  const { disk, folder, clock } = options;
  const done: Repair[] = [];
  let number = looked.numberMax;
  for (const place of looked.damaged) {
    const saved = await salvageBlock({ disk, clock, folder, number: ++number }, place);
    if (!saved.ok) return saved;
    done.push(saved.value);
  }
  const rewritten = new Set(looked.head.damaged.map(({ path }) => path));
  for (const file of looked.head.damaged) {
    const written = await rewriteWithoutDamage(disk, folder, file);
    if (!written.ok) return written;
    done.push(written.value);
  }
  for (const { code, file, offset } of looked.findings.all) {
    if (code !== 'wal-torn-tail' || rewritten.has(file)) continue;
    const cut = await AppendFile.reopen(disk, file, { number: 0, sizeBytes: offset });
    if (!cut.ok) return cut;
    await cut.value.close();
    done.push({ file, done: `cut off at ${offset}, where its last sound record ends`, lost: '' });
  }
  const labelled = await restoreLabels(options, looked.head.unlabelled);
  if (!labelled.ok) return labelled;
  return ok([...done, ...labelled.value]);
}

/** Series whose labels the head lost, from blocks that have samples of the same series. */
async function restoreLabels(
  { disk, folder }: VerifyOptions,
  unlabelled: HeadCounts['unlabelled'],
): Promise<Result<readonly Repair[], DiskError>> {
  const wanted = new Set([...unlabelled.values()].flat());
  if (wanted.size === 0) return ok([]);
  const found = new Map<number, Labels>();
  const names = await disk.list(folder);
  if (!names.ok) return names;
  for (const name of names.value) {
    if (NAME.exec(name)?.[2] !== undefined || !NAME.test(name)) continue;
    for (const [ref, labels] of await labelsIn(disk, `${folder}/${name}`, wanted)) found.set(ref, labels);
  }
  const files = await filesOf({ disk, folder }, 'series');
  if (!files.ok) return files;
  const number = (files.value.at(-1)?.number ?? 0) + 1;
  if (found.size > 0) {
    const added = await addSeriesFile(disk, folder, { number, series: found });
    if (!added.ok) return added;
  }
  const left = wanted.size - found.size;
  return ok([
    {
      file: folder,
      done: `the labels of ${found.size} series are taken from blocks`,
      lost: left > 0 ? `the labels of ${left} series, and so their samples of the last hours` : '',
    },
  ]);
}

async function labelsIn(
  disk: Disk,
  folder: string,
  wanted: ReadonlySet<number>,
): Promise<ReadonlyMap<number, Labels>> {
  const found = new Map<number, Labels>();
  const meta = await metaIn(disk, folder);
  const index = await PagedContent.read(disk, `${folder}/${FILES.index}`);
  const walk = meta && index.ok ? IndexWalk.open(index.value.content, meta) : undefined;
  for (let i = 0; i < (walk?.seriesCount ?? 0); i++) {
    const series = walk?.series(i);
    if (series !== undefined && wanted.has(series.ref)) found.set(series.ref, series.labels);
  }
  return found;
}

function failure(folder: string, error: DiskError): StoreFailure {
  return {
    code: error.code,
    message: `Cannot verify "${folder}": ${error.op} "${error.path}": ${error.message}`,
  };
}
