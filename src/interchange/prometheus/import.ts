// Brings the history of a data folder of Prometheus into a store: block by block, then what was not in a block yet. What cannot
// be read is left out and told; what has been brought in before is passed over.

import { createHash } from 'node:crypto';
import { type Clock, type Disk, type DiskError, err, ok, type Result } from '../../base/index.ts';
import { formatMatcher, type TimeRange } from '../../model/index.ts';
import { type Damage, DamageList, type SourceFailure } from '../failure.ts';
import type { Ledger } from '../ledger.ts';
import type { HistoryStore, Span, StoreProblem, Written } from '../ports.ts';
import { BlockSource } from './block-source.ts';
import { type FoundBlock, findBlocks } from './folder.ts';
import { importHead, type Unzstd } from './import-head.ts';
import type { Selection } from './selection.ts';

export interface ImportOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly store: HistoryStore;
  readonly ledger: Ledger;
  readonly folder: string;
  readonly selection: Selection;
  /** Of the newest sample, that of the store included, what is older than this is left out: the store would drop it. */
  readonly maxAgeMs: number;
  readonly storeNewestMs: number;
  /** Samples behind this time are left out: one from the future would make all others old. */
  readonly latestMs: number;
  /** Decompresses records of the log that are compressed with zstd; the text says why not. */
  readonly unzstd: Unzstd;
  readonly onProgress: (progress: ImportProgress) => void;
}

export interface ImportProgress {
  /** 0 … 1, of the blocks' and the log's bytes. */
  readonly share: number;
  readonly samples: number;
}

export interface ImportReport {
  readonly samples: number;
  readonly blocks: number;
  /** Brought in by an earlier import. */
  readonly blocksDone: number;
  readonly blocksTooOld: number;
  readonly headSamples: number;
  readonly headDone: boolean;
  /** Nothing before this time was brought in, as it is older than the retention; -Infinity where nothing is. */
  readonly oldestMs: number;
  readonly damageCount: number;
  readonly damage: readonly Damage[];
}

export type ImportFailure =
  /** The foreign folder's disk, or that of the ledger. */
  | { readonly kind: 'disk'; readonly error: DiskError }
  | { readonly kind: 'store'; readonly error: StoreProblem };

export async function importPrometheus(options: ImportOptions): Promise<Result<ImportReport, ImportFailure>> {
  const { disk, folder } = options;
  const damage = new DamageList();
  const found = await findBlocks(disk, folder, damage);
  if (!found.ok) return err({ kind: 'disk', error: found.error });
  const newest = Math.max(options.storeNewestMs, ...found.value.map(({ meta }) => meta.maxMs - 1));
  const newestMs = Math.min(newest, options.latestMs);
  const oldestMs = newestMs - options.maxAgeMs;
  const fromMs = Math.max(options.selection.fromMs, oldestMs);
  const toMs = Math.min(options.selection.toMs, options.latestMs);
  const run = new ImportRun(options, damage, { ...options.selection, fromMs, toMs });
  const blocks = await run.blocks(found.value);
  if (!blocks.ok) return blocks;
  const head = await run.head(found.value);
  if (!head.ok) return head;
  options.onProgress({ share: 1, samples: run.samples });
  return ok({
    ...{ samples: run.samples, ...blocks.value, ...head.value },
    oldestMs: blocks.value.blocksTooOld > 0 ? oldestMs : -Infinity,
    ...{ damageCount: damage.count, damage: damage.listed },
  });
}

/** The log's share of the bar: reading it takes about as long as a block of two hours. */
const HEAD_WEIGHT = 1;

class ImportRun {
  readonly #options: ImportOptions;
  readonly #damage: DamageList;
  readonly #selection: Selection;
  readonly #key: string;
  samples = 0;
  #weightDone = 0;
  #weight = HEAD_WEIGHT;

  constructor(options: ImportOptions, damage: DamageList, selection: Selection) {
    this.#options = options;
    this.#damage = damage;
    this.#selection = selection;
    this.#key = selectionKey(options.selection);
  }

  async blocks(
    found: readonly FoundBlock[],
  ): Promise<Result<Pick<ImportReport, 'blocks' | 'blocksDone' | 'blocksTooOld'>, ImportFailure>> {
    const { fromMs, toMs } = this.#selection;
    const wanted = found.filter(({ meta }) => meta.maxMs > fromMs && meta.minMs <= toMs);
    const asked = found.filter(
      ({ meta }) => meta.maxMs > this.#options.selection.fromMs && meta.minMs <= toMs,
    );
    const heaviest = Math.max(1, ...wanted.map(({ meta }) => meta.samples));
    const weightOf = ({ meta }: FoundBlock): number => Math.max(0.01, meta.samples / heaviest);
    this.#weight = HEAD_WEIGHT + wanted.reduce((sum, block) => sum + weightOf(block), 0);
    let done = 0;
    for (const block of wanted) {
      const imported = await this.#block(block, weightOf(block));
      if (!imported.ok) return imported;
      if (imported.value === 'done') done++;
      this.#weightDone += weightOf(block);
    }
    return ok({
      blocks: wanted.length - done,
      blocksDone: done,
      blocksTooOld: asked.length - wanted.length,
    });
  }

  async head(
    found: readonly FoundBlock[],
  ): Promise<Result<Pick<ImportReport, 'headSamples' | 'headDone'>, ImportFailure>> {
    const { disk, clock, store, ledger, folder, unzstd } = this.#options;
    const before = this.samples;
    // As Prometheus: what blocks have by now, the log has no more.
    const blocksEndMs = Math.max(-Infinity, ...found.map(({ meta }) => meta.maxMs));
    const imported = await importHead({
      ...{ disk, clock, store, folder, unzstd, damage: this.#damage, selection: this.#selection },
      blocksEndMs,
      isDone: state => ledger.has(`head ${state} ${this.#key}`),
      onWritten: written => this.#wrote(written, 0),
    });
    if (!imported.ok) return imported;
    const { state, isDone } = imported.value;
    if (!isDone && state !== undefined) {
      const noted = await ledger.add(`head ${state} ${this.#key}`);
      if (!noted.ok) return err({ kind: 'disk', error: noted.error });
    }
    return ok({ headSamples: this.samples - before, headDone: isDone });
  }

  /** `done`: nothing of it was left to do. */
  async #block({ folder, meta }: FoundBlock, weight: number): Promise<Result<'done' | 'new', ImportFailure>> {
    const { store, ledger } = this.#options;
    const { fromMs, toMs } = this.#selection;
    const range = { fromMs: Math.max(meta.minMs, fromMs), toMs: Math.min(meta.maxMs - 1, toMs) };
    const prefix = `block ${meta.ulid} ${this.#key} `;
    const left = gapsOf(range, ledger.behind(prefix)).flatMap(gap =>
      store.oldSpans(gap).map(span => ({ span, clip: clipped(span, gap) })),
    );
    if (left.length === 0) return ok('done');
    const source = await BlockSource.open({ ...this.#options, damage: this.#damage }, folder);
    if (!source.ok) return this.#unreadable(source.error);
    try {
      for (const [i, { span, clip }] of left.entries()) {
        const portions = this.#watched(source.value, clip, share => (weight * (i + share)) / left.length);
        const written = await store.writeOld(span, portions);
        if (!written.ok) return err(importFailure(written.error));
        this.#wrote(written.value, (weight * (i + 1)) / left.length);
        const noted = await ledger.add(`${prefix}${clip.fromMs} ${clip.toMs}`);
        if (!noted.ok) return err({ kind: 'disk', error: noted.error });
      }
    } finally {
      await source.value.close();
    }
    return ok('new');
  }

  async *#watched(source: BlockSource, clip: Span, weightAt: (share: number) => number) {
    let samples = 0;
    for await (const portion of source.portions(clip, this.#selection)) {
      if (portion.ok) for (const { from, to } of portion.value) samples += to - from;
      this.#progress(weightAt(source.progress), samples);
      yield portion;
    }
  }

  /** A block of which nothing can be read is left out, and told. */
  #unreadable(failure: SourceFailure): Result<'new', ImportFailure> {
    if (failure.kind === 'disk') return err(failure);
    this.#damage.add(failure);
    return ok('new');
  }

  #wrote({ samples }: Written, weight: number): void {
    this.samples += samples;
    this.#progress(weight, 0);
  }

  #progress(weight: number, samples: number): void {
    const share = Math.min(1, (this.#weightDone + weight) / this.#weight);
    this.#options.onProgress({ share, samples: this.samples + samples });
  }
}

function importFailure(
  failure:
    | { readonly kind: 'portions'; readonly error: SourceFailure }
    | { readonly kind: 'store'; readonly error: StoreProblem },
): ImportFailure {
  if (failure.kind === 'store') return failure;
  const { error } = failure;
  if (error.kind === 'disk') return error;
  return { kind: 'store', error: { code: 'import-damaged', message: `${error.file}: ${error.cause}` } };
}

function clipped(span: Span, { fromMs, toMs }: TimeRange): Span {
  return { fromMs: Math.max(span.fromMs, fromMs), toMs: Math.min(span.toMs, toMs + 1) };
}

/** What of a range, both ends included, lies in none of the stretches that were brought in before (`FROM TO`, TO left out). */
function gapsOf(range: TimeRange, done: readonly string[]): readonly TimeRange[] {
  const spans = done.map(text => text.split(' ').map(Number)).sort(([a = 0], [b = 0]) => a - b);
  const gaps: TimeRange[] = [];
  let at = range.fromMs;
  for (const [fromMs = 0, toMs = 0] of spans) {
    if (fromMs > at && at <= range.toMs) gaps.push({ fromMs: at, toMs: Math.min(fromMs - 1, range.toMs) });
    at = Math.max(at, toMs);
  }
  if (at <= range.toMs) gaps.push({ fromMs: at, toMs: range.toMs });
  return gaps;
}

/** What was asked for, in short: another selection is another import. */
function selectionKey({ fromMs, toMs, anyOf }: Selection): string {
  const text = JSON.stringify([
    String(fromMs),
    String(toMs),
    anyOf.map(matchers => matchers.map(formatMatcher)),
  ]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
