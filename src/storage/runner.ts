// Opens the store over the ports, drives it by timers, and closes it.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import {
  type Clock,
  compareUtf8,
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
  type Labels,
  labelValue,
  type Matcher,
  type Metrics,
  type ReadFailure,
  type SampleBatch,
  type SelectHints,
  type SeriesRef,
  type TimeRange,
} from '../model/index.ts';
import { Appender } from './appender.ts';
import { Backlog, type LateColumns, withLate } from './backlog.ts';
import { ChunkStore } from './chunk-store.ts';
import { DamageReport } from './damage.ts';
import { claimFolder } from './folder.ts';
import { Head } from './head.ts';
import { maintain } from './maintain.ts';
import { matchSeries } from './matching.ts';
import { selectSeries, seriesInRange } from './read.ts';
import { replay } from './replay.ts';
import { Serial } from './serial.ts';
import { SeriesLog } from './series-log.ts';
import { FILE_AGE_SHARE, MAINTAIN_EVERY_MS, type StoreSettings } from './settings.ts';
import type { Store, StoreFailure, StoreStats } from './store.ts';
import { type StoreMetrics, storeMetrics } from './store-metrics.ts';
import { Wal } from './wal.ts';

export interface OpenStoreOptions {
  readonly disk: Disk;
  /** Created if missing. One process at a time may have it. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly settings: StoreSettings;
}

/** Opens whatever a crash left behind; only a newer format, a held lock or a disk that cannot be read at all refuse. */
export async function openStore(options: OpenStoreOptions): Promise<Result<Store, StoreFailure>> {
  const { disk, folder } = options;
  const claimed = await claimFolder(disk, folder);
  if (!claimed.ok) return err(claimed.error);
  const parts = makeParts(options);
  const replayed = await replay({
    ...parts,
    disk,
    folder,
    monotonicMs: options.clock.monotonicMs(),
    onUnsynced: ({ path, message }) =>
      options.log.log('warn', 'what an earlier process wrote could not be synced', { path, cause: message }),
  });
  if (!replayed.ok) {
    await parts.series.close();
    await claimed.value.release();
    const { error } = replayed;
    const cause = error.code === 'storage-newer-format' ? 'it was written by a newer version' : error.message;
    return err({ code: error.code, message: `Cannot open the store: "${error.path}": ${cause}` });
  }
  parts.chunks.drop(parts.head.dropChunksBefore(parts.head.newestMs - options.settings.maxAgeMs));
  return ok(new EmbeddedStore(options, parts, claimed.value));
}

type Parts = ReturnType<typeof makeParts>;

function makeParts(options: OpenStoreOptions): {
  readonly head: Head;
  readonly wal: Wal;
  readonly series: SeriesLog;
  readonly chunks: ChunkStore;
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
  const fileAgeMs = settings.maxAgeMs * FILE_AGE_SHARE;
  return {
    head: new Head(),
    wal: new Wal({ disk, folder, clock, segmentAgeMs: fileAgeMs }),
    series: new SeriesLog(disk, folder),
    chunks: new ChunkStore({ disk, folder, clock, damage, cacheBytesMax: settings.cacheBytesMax, fileAgeMs }),
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
  readonly #maintenance = new Serial();
  #timer: Timer | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: OpenStoreOptions, parts: Parts, lock: DiskLock) {
    this.#options = options;
    this.#parts = parts;
    this.#lock = lock;
    const { clock, log, settings } = options;
    this.#backlog = new Backlog(parts.head.table, clock);
    this.#appender = new Appender({ ...parts, backlog: this.#backlog, clock, log, settings });
    this.#schedule();
  }

  intern(labels: Labels): ReturnType<Store['intern']> {
    const { table } = this.#parts.head;
    const known = table.find(labels);
    if (known !== undefined) return ok(known.ref);
    const { seriesMax } = this.#options.settings;
    const created = table.create(labels, { seriesMax, nowMs: this.#options.clock.monotonicMs() });
    if (!created.ok) return created;
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
    const stored = await selectSeries(this.#parts, matchers, { hints, signal });
    return stored.ok && late !== undefined ? ok(withLate(stored.value, late, hints.limit)) : stored;
  }

  /** What the backlog has of these series; undefined nearly always. */
  #late(matchers: readonly Matcher[], window: TimeRange): LateColumns | undefined {
    if (this.#backlog.isEmpty) return undefined;
    const matched = matchSeries(this.#parts.head.table, matchers);
    return matched.ok ? this.#backlog.columnsOf(matched.value, window) : undefined;
  }

  async series(matchers: readonly Matcher[], range: TimeRange): ReturnType<Store['series']> {
    const closed = this.#closedFailure();
    if (closed !== undefined) return closed;
    const late = this.#late(matchers, { fromMs: range.fromMs - 1, toMs: range.toMs });
    const stored = await seriesInRange(this.#parts, matchers, range);
    if (!stored.ok || late === undefined) return stored;
    const all = [...stored.value, ...[...late.keys()].map(series => series.labels)].sort(compareLabels);
    return ok(all.filter((labels, i) => i === 0 || compareLabels(all[i - 1]!, labels) !== 0));
  }

  async labelNames(matchers: readonly Matcher[], range: TimeRange): ReturnType<Store['labelNames']> {
    const found = await this.series(matchers, range);
    if (!found.ok) return found;
    const names = new Set<string>();
    for (const labels of found.value) for (let i = 0; i < labels.length; i += 2) names.add(labels[i]!);
    return ok([...names].sort(compareUtf8));
  }

  async labelValues(
    name: string,
    matchers: readonly Matcher[],
    range: TimeRange,
  ): ReturnType<Store['labelValues']> {
    const found = await this.series([...matchers, { name, op: '!=', value: '' }], range);
    if (!found.ok) return found;
    return ok([...new Set(found.value.map(labels => labelValue(labels, name)))].sort(compareUtf8));
  }

  metadata(): ReturnType<Store['metadata']> {
    return [...this.#parts.head.metadata.values()];
  }

  stats(): StoreStats {
    const { head, wal, chunks, damage } = this.#parts;
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
      walSegments: wal.segments,
      walBytes: wal.bytes,
      newestMs: head.newestMs,
      paused: this.#appender.paused,
      backlogSamples: this.#backlog.samples,
      backlogFromMs: this.#backlog.fromMs,
      damageCount: damage.count,
    };
  }

  damage(): ReturnType<Store['damage']> {
    return this.#parts.damage.listed;
  }

  maintain(): Promise<Result<void, DiskError>> {
    const { clock, log, settings } = this.#options;
    return this.#maintenance.run(async () => {
      const done = await maintain({ ...this.#parts, appender: this.#appender, clock, settings });
      this.#parts.metrics.show(this.stats());
      if (!done.ok) {
        this.#parts.metrics.maintainFailed();
        const { path, message } = done.error;
        log.log('warn', 'sealed samples could not be written; trying again', { path, cause: message });
      }
      return done;
    });
  }

  async sealAll(): Promise<Result<void, DiskError>> {
    const { head } = this.#parts;
    const nowMs = this.#options.clock.monotonicMs();
    for (const cohort of head.allCohorts()) if (cohort.rows > 0 && !cohort.inFlight) head.seal(cohort, nowMs);
    for (const side of [...head.sides]) {
      if (head.table.stamp[side.series.slot] !== head.inFlight) head.sealSide(side);
    }
    return this.maintain();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { wal, series, chunks } = this.#parts;
    this.#timer?.cancel();
    await this.#appender.close();
    await this.#maintenance.run(async () => undefined);
    const synced = await this.#appender.sync();
    if (!synced.ok)
      this.#options.log.log('warn', 'the log could not be synced at the end', {
        cause: synced.error.message,
      });
    await series.close();
    await wal.close();
    await chunks.close();
    await this.#lock.release();
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(MAINTAIN_EVERY_MS, () => {
      // Next after this one has ended, so that a slow disk does not pile them up.
      void this.maintain().then(() => {
        if (this.#closing === undefined) this.#schedule();
      });
    });
  }

  #closedFailure(): Result<never, ReadFailure> | undefined {
    if (this.#closing === undefined) return undefined;
    return err({ code: 'query-storage', message: 'Cannot read: the store is closed' });
  }
}
