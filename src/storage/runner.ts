// Opens the store over the ports, drives it by timers, and closes it.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import {
  type Clock,
  type Disk,
  type DiskError,
  type DiskLock,
  err,
  type Log,
  ok,
  type Result,
  type Timer,
} from '../base/index.ts';
import {
  compareLabels,
  isBetween,
  type Labels,
  type ListHints,
  labelValue,
  type Matcher,
  METRIC_NAME,
  type Metrics,
  type ReadFailure,
  type SampleBatch,
  type SelectHints,
  type SeriesRef,
  type TimeRange,
} from '../model/index.ts';
import { StoredLog } from './accepted-log.ts';
import { Annex } from './annex.ts';
import { Appender } from './appender.ts';
import { Backlog, type LateColumns, withLate } from './backlog.ts';
import type { Block } from './block/block.ts';
import { BlockSet, blockName } from './block/block-set.ts';
import type { BlockFailure } from './block/failure.ts';
import { InPlaceMaker } from './block/in-place.ts';
import { COMPACT_EVERY_MS } from './block/limits.ts';
import type { BlockMaker } from './block/maker.ts';
import { Slices } from './block/slices.ts';
import { countSeries } from './cardinality.ts';
import { ChunkStore } from './chunk-store.ts';
import { Compactor } from './compactor.ts';
import { DamageReport } from './damage.ts';
import { claimFolder } from './folder.ts';
import { Head } from './head.ts';
import { KeptColumns } from './kept-columns.ts';
import { KeptLog } from './kept-log.ts';
import { distinctTexts, labelNamesOf } from './listing.ts';
import { maintain, sealBefore } from './maintain.ts';
import { matchSeries } from './matching.ts';
import type { OldPortions, OldSpan } from './old-samples.ts';
import { FileRoom } from './read-rest.ts';
import { RefusedSeries } from './refused-series.ts';
import { replay } from './replay.ts';
import { ReplayProgress } from './replay-progress.ts';
import { seriesEverywhere } from './select.ts';
import { selectKept } from './select-kept.ts';
import { Selections } from './selections.ts';
import { Serial } from './serial.ts';
import { SeriesLog } from './series-log.ts';
import { FILE_AGE_SHARE, HEAD_AGE_MS, MAINTAIN_EVERY_MS, type StoreSettings } from './settings.ts';
import type {
  AdminFailure,
  BlockStats,
  OldWritten,
  SnapshotWanted,
  Store,
  StoreFailure,
  StoreStats,
  WriteOldFailure,
} from './store.ts';
import { type StoreMetrics, storeMetrics } from './store-metrics.ts';
import { Wal } from './wal.ts';

export interface OpenStoreOptions {
  readonly disk: Disk;
  /** Created if missing. One process at a time may have it. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Makes the files of blocks, and ends with the store; by default here, in slices. */
  readonly maker?: BlockMaker;
  readonly settings: StoreSettings;
  /** Waited for once this process has the folder, before what is in it is read. */
  readonly onLocked?: () => Promise<void>;
}

/** Opens whatever a crash left behind; only a newer format, a held lock or a disk that cannot be read at all refuse. */
export async function openStore(options: OpenStoreOptions): Promise<Result<Store, StoreFailure>> {
  const { disk, folder } = options;
  const claimed = await claimFolder(disk, folder);
  if (!claimed.ok) return err(claimed.error);
  await options.onLocked?.();
  const parts = makeParts(options);
  const found = await parts.blocks.open();
  if (!found.ok) {
    await parts.blocks.close();
    await claimed.value.release();
    return err(blockFailure(found.error));
  }
  const replayed = await replay({
    ...parts,
    disk,
    folder,
    progress: new ReplayProgress(options),
    room: new FileRoom(),
    cut: takeUpBlocks(parts),
    monotonicMs: options.clock.monotonicMs(),
    onUnsynced: ({ path, message }) =>
      options.log.log('warn', 'what an earlier process wrote could not be synced', { path, cause: message }),
  });
  if (!replayed.ok) {
    await parts.series.close();
    await parts.blocks.close();
    await claimed.value.release();
    const { error } = replayed;
    const cause = error.code === 'storage-newer-format' ? 'it was written by a newer version' : error.message;
    return err({ code: error.code, message: `Cannot open the store: "${error.path}": ${cause}` });
  }
  await parts.keptLog.open(parts.wal.currentNumber);
  parts.wal.reserve(Math.max(0, ...parts.keptLog.segments));
  const oldestMs = parts.head.newestMs - options.settings.maxAgeMs;
  parts.chunks.drop(await parts.head.dropChunksBefore(oldestMs, new Slices(options.clock)));
  return ok(new EmbeddedStore(options, parts, claimed.value));
}

function blockFailure(failure: BlockFailure): StoreFailure {
  const [code, path, cause] =
    failure.kind === 'disk'
      ? [failure.error.code, failure.error.path, failure.error.message]
      : (['storage-newer-format', failure.path, 'it was written by a newer version'] as const);
  return { code, message: `Cannot open the store: "${path}": ${cause}` };
}

/** What the head must know of blocks: how far chunks were cut into them, which refs are taken, how new they are. */
function takeUpBlocks({ blocks, head }: Parts): ReadonlyMap<number, number> {
  const cut = new Map<number, number>();
  for (const { meta } of blocks.blocks) {
    for (const id of meta.chunkIds) cut.set(id, Math.max(cut.get(id) ?? -Infinity, meta.toMs));
    head.table.reserveRef(meta.refMax);
    if (meta.maxMs > head.newestMs) head.newestMs = meta.maxMs;
  }
  return cut;
}

type Parts = ReturnType<typeof makeParts>;

function makeParts(options: OpenStoreOptions): {
  readonly head: Head;
  readonly wal: Wal;
  readonly keptLog: KeptLog;
  readonly series: SeriesLog;
  readonly chunks: ChunkStore;
  readonly selections: Selections;
  readonly keptColumns: KeptColumns;
  readonly blocks: BlockSet;
  readonly annex: Annex;
  readonly damage: DamageReport;
  readonly metrics: StoreMetrics;
} {
  const { disk, folder, clock, log, settings } = options;
  const metrics = storeMetrics(options.metrics);
  const damage = new DamageReport(found => {
    metrics.damaged(found.code);
    log.log('warn', found.message, {
      code: found.code,
      file: found.file,
      offset: found.offset,
      bytes: found.bytes,
    });
  });
  const head = new Head(settings.exemplarsMax);
  const fileAgeMs = Math.min(settings.maxAgeMs, HEAD_AGE_MS) * FILE_AGE_SHARE;
  const keptLog = new KeptLog({
    disk,
    folder,
    log,
    bytesMax: settings.keptLogBytesMax,
    onDropped: samples => metrics.unsentDropped(samples),
  });
  return {
    head,
    keptLog,
    wal: new Wal({ disk, folder, clock, segmentAgeMs: fileAgeMs, kept: keptLog }),
    series: new SeriesLog(disk, folder, keptLog),
    chunks: new ChunkStore({ ...settings, disk, folder, clock, damage, fileAgeMs }),
    selections: new Selections(head.table),
    keptColumns: new KeptColumns({ ...settings, clock }),
    blocks: new BlockSet({
      disk,
      folder,
      log,
      onDamaged: place => damage.add({ code: 'block-damaged', bytes: 0, ...place }),
    }),
    annex: new Annex({ disk, folder }, head),
    damage,
    metrics,
  };
}

class EmbeddedStore implements Store {
  readonly #options: OpenStoreOptions;
  readonly #parts: Parts;
  readonly #lock: DiskLock;
  readonly #appender: Appender;
  readonly #backlog: Backlog;
  readonly #compactor: Compactor;
  readonly #refused: RefusedSeries;
  readonly acceptedLog: StoredLog;
  readonly #replayed: StoreStats['replayed'];
  readonly #maintenance = new Serial();
  #maintainsSoon = false;
  #timer: Timer | undefined;
  #compactTimer: Timer | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: OpenStoreOptions, parts: Parts, lock: DiskLock) {
    this.#options = options;
    this.#parts = parts;
    this.#lock = lock;
    this.#replayed = parts.wal.closedRange;
    const { clock, log, settings } = options;
    this.#refused = new RefusedSeries({ clock, log, metrics: parts.metrics });
    this.#backlog = new Backlog(parts.head.table, clock);
    const { disk, folder } = options;
    const { head, keptLog: kept, wal, damage } = parts;
    this.acceptedLog = new StoredLog({ disk, folder, table: head.table, wal, kept, damage });
    this.#appender = new Appender({
      ...parts,
      backlog: this.#backlog,
      clock,
      log,
      settings,
      onAccepted: samples => this.acceptedLog.accepted(samples),
      onGrown: () => this.#maintainSoon(),
    });
    this.#compactor = new Compactor({
      ...options,
      ...parts,
      maker: options.maker ?? new InPlaceMaker(options),
      seal: (beforeMs, slices) => this.#seal(beforeMs, slices),
    });
    this.#schedule();
    this.#scheduleCompaction();
  }

  intern(labels: Labels): ReturnType<Store['intern']> {
    const { table } = this.#parts.head;
    const known = table.find(labels);
    if (known !== undefined) return ok(known.ref);
    const { seriesMax, metricSeriesMax } = this.#options.settings;
    const nowMs = this.#options.clock.monotonicMs();
    const created = table.create(labels, { seriesMax, metricSeriesMax, nowMs });
    if (!created.ok) {
      const metric = labelValue(labels, METRIC_NAME);
      this.#refused.note(created.error, { metric, series: table.seriesOf(metric) });
      return err('sample-limit');
    }
    this.#parts.head.newSeries.push(created.value);
    return ok(created.value.ref);
  }

  isLive(ref: SeriesRef): boolean {
    return this.#parts.head.table.get(ref) !== undefined;
  }

  get generation(): number {
    return this.#parts.head.table.generation;
  }

  append(batch: SampleBatch): ReturnType<Store['append']> {
    return this.#appender.append(batch);
  }

  async select(
    matchers: readonly Matcher[],
    hints: SelectHints,
    signal?: AbortSignal,
  ): ReturnType<Store['select']> {
    const closed = this.#closedFailure();
    if (closed !== undefined) return closed;
    // Looked at first: what is written meanwhile is found twice rather than not at all.
    const late = this.#late(matchers, hints);
    const stored = await selectKept(this.#parts, matchers, { hints, signal });
    return stored.ok && late !== undefined ? ok(withLate(stored.value, late, hints.limit)) : stored;
  }

  /** What the backlog has of these series; undefined nearly always. */
  #late(
    matchers: readonly Matcher[],
    window: TimeRange & Pick<SelectHints, 'between'>,
  ): LateColumns | undefined {
    if (this.#backlog.isEmpty) return undefined;
    const matched = matchSeries(this.#parts.head.table, matchers);
    if (!matched.ok) return undefined;
    const { between } = window;
    const wanted = between && matched.value.filter(series => isBetween(series.labels, between));
    return this.#backlog.columnsOf(wanted ?? matched.value, window);
  }

  async series(matchers: readonly Matcher[], hints: ListHints): ReturnType<Store['series']> {
    const closed = this.#closedFailure();
    if (closed !== undefined) return closed;
    const { work, ...range } = hints;
    const late = this.#late(matchers, { fromMs: range.fromMs - 1, toMs: range.toMs });
    const stored = await seriesEverywhere(this.#parts, matchers, { range, work });
    if (!stored.ok || late === undefined) return stored;
    const all = [...stored.value, ...[...late.keys()].map(series => series.labels)].sort(compareLabels);
    return ok(all.filter((labels, i) => i === 0 || compareLabels(all[i - 1]!, labels) !== 0));
  }

  async labelNames(matchers: readonly Matcher[], hints: ListHints): ReturnType<Store['labelNames']> {
    const found = await this.series(matchers, hints);
    return found.ok ? distinctTexts(found.value, labelNamesOf, hints.work) : found;
  }

  async labelValues(
    name: string,
    matchers: readonly Matcher[],
    hints: ListHints,
  ): ReturnType<Store['labelValues']> {
    const found = await this.series([...matchers, { name, op: '!=', value: '' }], hints);
    if (!found.ok) return found;
    return distinctTexts(found.value, labels => [labelValue(labels, name)], hints.work);
  }

  async exemplars(anyOf: readonly (readonly Matcher[])[], range: TimeRange): ReturnType<Store['exemplars']> {
    return this.#closedFailure() ?? this.#parts.head.exemplars.select(anyOf, range);
  }

  metadata(): ReturnType<Store['metadata']> {
    return this.#parts.head.metadata.all();
  }

  stats(): StoreStats {
    const { head, wal, chunks, blocks, keptColumns, keptLog, damage } = this.#parts;
    let openSamples = 0;
    for (const cohort of head.allCohorts()) openSamples += cohort.used;
    for (const side of head.sides) openSamples += side.count;
    let chunkCount = 0;
    for (const membership of head.memberships) chunkCount += membership.chunks.length;
    return {
      series: head.table.size,
      producers: head.cohorts.size,
      openSamples,
      chunks: chunkCount,
      chunkFiles: chunks.files,
      chunkBytes: chunks.bytes,
      cachedBytes: chunks.cachedBytes,
      keptBytes: keptColumns.bytes,
      walSegments: wal.segments,
      walBytes: wal.bytes,
      keptLogBytes: keptLog.bytes,
      replayed: this.#replayed,
      newestMs: head.newestMs,
      paused: this.#appender.paused,
      backlogSamples: this.#backlog.samples,
      backlogFromMs: this.#backlog.fromMs,
      damageCount: damage.count,
      blocks: blocks.blocks.map(blockStats),
      blockBytes: blocks.bytes,
      quarantined: blocks.quarantined,
      unreadable: blocks.unreadable,
    };
  }

  counts(limit: number): ReturnType<Store['counts']> {
    return countSeries(this.#parts.head, limit, this.#options.clock);
  }

  damage(): ReturnType<Store['damage']> {
    return this.#parts.damage.listed;
  }

  maintain(): Promise<Result<void, DiskError>> {
    const { clock, log, settings } = this.#options;
    return this.#maintenance.run(async () => {
      const slices = new Slices(clock);
      const done = await maintain({ ...this.#parts, appender: this.#appender, clock, settings, slices });
      this.#parts.metrics.show(this.stats());
      if (!done.ok) {
        this.#parts.metrics.maintainFailed();
        const { path, message } = done.error;
        log.log('warn', 'sealed samples could not be written; trying again', { path, cause: message });
      }
      return done;
    });
  }

  sealAll(): Promise<Result<void, DiskError>> {
    return this.#seal(Infinity, new Slices(this.#options.clock));
  }

  /** Seals what has samples before a time, and makes it durable in chunk files. */
  async #seal(beforeMs: number, slices: Slices): Promise<Result<void, DiskError>> {
    const { clock } = this.#options;
    await sealBefore({ head: this.#parts.head, appender: this.#appender, clock, slices }, beforeMs);
    return this.maintain();
  }

  compactNow(): ReturnType<Store['compactNow']> {
    return this.#closedAdmin() ?? this.#compactor.compactNow();
  }

  compactDue(): ReturnType<Store['compactDue']> {
    return this.#closedAdmin() ?? this.#compactor.tick();
  }

  deleteSeries(matchers: readonly Matcher[], range: TimeRange): ReturnType<Store['deleteSeries']> {
    return this.#closedAdmin() ?? this.#compactor.deleteSeries(matchers, range);
  }

  cleanTombstones(): ReturnType<Store['cleanTombstones']> {
    return this.#closedAdmin() ?? this.#compactor.cleanTombstones();
  }

  oldSpans(range: TimeRange): ReturnType<Store['oldSpans']> {
    return this.#compactor.oldSpans(range);
  }

  async writeOld<E>(
    span: OldSpan,
    portions: OldPortions<E>,
  ): Promise<Result<OldWritten, WriteOldFailure<E>>> {
    const closed = await this.#closedAdmin();
    if (closed !== undefined && !closed.ok) return err({ kind: 'store', error: closed.error });
    return this.#compactor.writeOld(span, portions);
  }

  snapshot(folder: string, wanted: SnapshotWanted): ReturnType<Store['snapshot']> {
    return this.#closedAdmin() ?? this.#compactor.snapshot(folder, wanted);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { wal, series, chunks, blocks, annex } = this.#parts;
    this.#timer?.cancel();
    this.#compactTimer?.cancel();
    await this.#compactor.stop();
    await this.#appender.close();
    await this.#maintenance.run(() => annex.flush());
    await annex.close();
    const synced = await this.#appender.sync();
    if (!synced.ok)
      this.#options.log.log('warn', 'the log could not be synced at the end', {
        cause: synced.error.message,
      });
    await series.close();
    await wal.close();
    await chunks.close();
    await blocks.close();
    await this.#lock.release();
  }

  /** Beside the timer's; one at a time waits. */
  #maintainSoon(): void {
    if (this.#maintainsSoon || this.#closing !== undefined) return;
    this.#maintainsSoon = true;
    void this.maintain().then(() => {
      this.#maintainsSoon = false;
    });
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(MAINTAIN_EVERY_MS, () => {
      // Next after this one has ended, so that a slow disk does not pile them up.
      void this.maintain().then(() => {
        if (this.#closing === undefined) this.#schedule();
      });
    });
  }

  #scheduleCompaction(): void {
    this.#compactTimer = this.#options.clock.after(COMPACT_EVERY_MS, () => {
      void this.compactDue().then(() => {
        if (this.#closing === undefined) this.#scheduleCompaction();
      });
    });
  }

  #closedAdmin(): Promise<Result<never, AdminFailure>> | undefined {
    if (this.#closing === undefined) return undefined;
    return Promise.resolve(err({ code: 'storage-closed', message: 'Cannot go on: the store is closed' }));
  }

  #closedFailure(): Result<never, ReadFailure> | undefined {
    if (this.#closing === undefined) return undefined;
    return err({ code: 'query-storage', message: 'Cannot read: the store is closed' });
  }
}

function blockStats(block: Block): BlockStats {
  const { number, firstNumber, minMs, maxMs, series, samples, conflicts, replaces } = block.meta;
  const deletedSeries = block.tombstones.size;
  return {
    name: blockName(number),
    minMs,
    maxMs,
    series,
    samples,
    bytes: block.bytes,
    conflicts,
    hasDeleted: deletedSeries > 0,
    deletedSeries,
    parents: firstNumber === number ? [] : replaces.map(blockName),
  };
}
