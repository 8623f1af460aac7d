// The way in: batches wait in a queue, are staged into a group, written in one go, and then published in order.
// While writing fails the store is paused: each attempt begins with a small probe, and the first that succeeds resumes.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import {
  assert,
  type Clock,
  type DiskError,
  err,
  type Log,
  ok,
  type Result,
  type Timer,
} from '../base/index.ts';
import {
  type AppendFailure,
  type AppendOutcome,
  isStaleAt,
  type SampleBatch,
  wordsOf,
} from '../model/index.ts';
import type { Backlog } from './backlog.ts';
import { ByteWriter } from './bytes.ts';
import type { ChunkView } from './chunk.ts';
import type { ChunkStore } from './chunk-store.ts';
import type { Head } from './head.ts';
import type { Chunk } from './head-data.ts';
import { publishBatch, unstage } from './publish.ts';
import { writeBatch, writeExemplars, writeProbe } from './records.ts';
import { Serial } from './serial.ts';
import type { SeriesLog } from './series-log.ts';
import {
  GROUP_BYTES_MAX,
  MAINTAIN_EVERY_BYTES,
  PROBE_EVERY_MS,
  type StoreSettings,
  SYNC_EVERY_MS,
} from './settings.ts';
import { recordOf, type StageContext, type StagedBatch, stageBatch } from './stage.ts';
import type { StoreMetrics } from './store-metrics.ts';
import type { Wal } from './wal.ts';

export interface AppenderParts {
  readonly head: Head;
  readonly wal: Wal;
  readonly series: SeriesLog;
  readonly chunks: ChunkStore;
  readonly backlog: Backlog;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: StoreMetrics;
  readonly settings: StoreSettings;
  /** So many samples were accepted. */
  readonly onAccepted: (samples: number) => void;
  /** The log has grown by much since this was called last. */
  readonly onGrown: () => void;
}

type AppendResult = Result<AppendOutcome, AppendFailure>;

interface Waiting {
  readonly batch: SampleBatch;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (bug: unknown) => void;
}

interface Written {
  readonly waiting: Waiting;
  readonly staged: StagedBatch;
}

export class Appender {
  readonly #parts: AppenderParts;
  readonly #writer = new ByteWriter(256 * 1024);
  /** Groups and rewrites of the series file take turns. */
  readonly #serial = new Serial();
  /** What the batch at the front of the queue is compared with: the cache may let go of it at any time. */
  readonly #held = new Map<number, ChunkView>();
  /** Refs that never change, and the generation of the series table in which all of them were live. */
  readonly #liveIn = new WeakMap<Uint32Array, number>();
  #loggedBytes = 0;
  #queue: Waiting[] = [];
  #running: Promise<void> | undefined;
  /** Runs while all that waits can wait. */
  #gathering: Timer | undefined;
  #pausedBy: DiskError | undefined;
  #probedMs = -Infinity;
  #probeTimer: Timer | undefined;
  #syncTimer: Timer | undefined;
  #syncing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(parts: AppenderParts) {
    this.#parts = parts;
  }

  get paused(): boolean {
    return this.#pausedBy !== undefined;
  }

  append(batch: SampleBatch): Promise<AppendResult> {
    if (this.#closed)
      return Promise.resolve(err({ code: 'storage-closed', message: 'Cannot append: the store is closed' }));
    this.#assertLive(batch);
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch: isKeptAsIs(batch) ? batch : ownBatch(batch), resolve, reject });
      if (batch.canWait === true) this.#kickSoon();
      else this.#kick();
    });
  }

  /** Asked at once, while the caller's knowledge of the refs is fresh: from here on the queue keeps them alive. */
  #assertLive({ series, isLent }: SampleBatch): void {
    const { table } = this.#parts.head;
    if (isLent === true && this.#liveIn.get(series) === table.generation) return;
    for (const ref of series)
      assert(table.get(ref) !== undefined, 'an unknown series is appended to: ask isLive first');
    if (isLent === true) this.#liveIn.set(series, table.generation);
  }

  /** Whether a waiting batch names the series: it must not be dropped. */
  waitingRefs(): Set<number> {
    const refs = new Set<number>();
    for (const { batch } of this.#queue) for (const ref of batch.series) refs.add(ref);
    return refs;
  }

  /** Does something between two groups, when no row is on its way. */
  between<T>(task: () => T): Promise<T> {
    return this.#serial.run(async () => task());
  }

  /** Rewrites the series file with the live series, between two groups. */
  rewriteSeries(): Promise<Result<void, DiskError>> {
    const { head, series, wal } = this.#parts;
    return this.#serial.run(async () => {
      const live = [...head.table.all()];
      const waiting = head.newSeries;
      head.newSeries = [];
      const rewritten = await series.rewrite(live, wal.currentNumber);
      if (!rewritten.ok) head.newSeries = [...waiting, ...head.newSeries];
      return rewritten;
    });
  }

  /** Everything written so far survives a loss of power. */
  async sync(): Promise<Result<void, DiskError>> {
    const named = await this.#parts.series.sync();
    return named.ok ? this.#parts.wal.sync() : named;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#queue.length > 0) this.#kick();
    this.#gathering?.cancel();
    while (this.#running !== undefined) await this.#running;
    this.#syncTimer?.cancel();
    this.#probeTimer?.cancel();
    await this.#syncing;
    await this.#serial.run(async () => undefined);
  }

  /** With what comes in the next moment, or with the first that cannot wait. */
  #kickSoon(): void {
    const { clock, settings } = this.#parts;
    if (settings.gatherMs === 0) this.#kick();
    else this.#gathering ??= clock.after(settings.gatherMs, () => this.#kick());
  }

  #kick(): void {
    this.#gathering?.cancel();
    this.#gathering = undefined;
    if (this.#running !== undefined) return;
    this.#running = this.#drain().finally(() => {
      this.#running = undefined;
      // A batch may have come between the last look at the queue and here.
      if (this.#queue.length > 0) this.#kick();
    });
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      try {
        await this.#serial.run(() => this.#writeGroup());
      } catch (bug) {
        // A failed assertion: those who wait must hear of it, and nothing half-done may go on.
        for (const waiting of this.#queue.splice(0)) waiting.reject(bug);
      }
    }
  }

  async #writeGroup(): Promise<void> {
    const { head, wal, clock, settings } = this.#parts;
    const ready = await this.#ready();
    if (!ready.ok) return this.#failQueue(ready.error);
    const context: StageContext = {
      settings,
      nowMs: clock.nowMs(),
      monotonicMs: clock.monotonicMs(),
      segment: wal.currentNumber,
      held: this.#held,
    };
    const group = await this.#stageGroup(context);
    if (group.length === 0) return;
    head.inFlight = head.group;
    const written = await this.#writeOut();
    head.inFlight = -2;
    if (!written.ok) {
      for (const { staged } of group) unstage(staged);
      const failure = this.#pause(written.error);
      for (const { waiting } of group) this.#refuse(waiting, failure);
      return;
    }
    this.#resume();
    wal.accept();
    let accepted = 0;
    for (const { waiting, staged } of group) {
      publishBatch(head, staged, context);
      this.#parts.metrics.appended(staged.outcome);
      accepted += staged.outcome.accepted;
      waiting.resolve(ok(staged.outcome));
    }
    this.#parts.onAccepted(accepted);
    if (settings.walAck === 'os') this.#syncSoon();
    this.#loggedBytes += this.#writer.length;
    if (this.#loggedBytes < MAINTAIN_EVERY_BYTES) return;
    this.#loggedBytes = 0;
    this.#parts.onGrown();
  }

  /** Takes batches off the queue until the group is large enough or the next one must wait for its end. */
  async #stageGroup(context: StageContext): Promise<Written[]> {
    const { head } = this.#parts;
    const group: Written[] = [];
    this.#writer.clear();
    head.group++;
    while (this.#queue.length > 0 && this.#writer.length < GROUP_BYTES_MAX) {
      const waiting = this.#queue[0]!;
      const staged = stageBatch(head, waiting.batch, context);
      if (staged.kind === 'overlap') break;
      if (staged.kind === 'load') {
        // Loading waits for the disk: what is staged goes out first.
        if (group.length > 0) break;
        if (await this.#loadFor(waiting, staged.chunks)) continue;
        this.#queue.shift();
        this.#held.clear();
        continue;
      }
      this.#held.clear();
      this.#queue.shift();
      const record = recordOf(staged);
      if (record !== undefined) writeBatch(this.#writer, record);
      if (staged.exemplars.length > 0) writeExemplars(this.#writer, staged.exemplars);
      group.push({ waiting, staged });
    }
    return group;
  }

  async #loadFor(waiting: Waiting, chunks: readonly Chunk[]): Promise<boolean> {
    const loaded = await this.#parts.chunks.load(chunks);
    if (!loaded.ok) {
      const { path, message } = loaded.error;
      waiting.resolve(
        err({ code: 'disk-io', message: `Cannot compare late samples with "${path}": ${message}` }),
      );
      return false;
    }
    for (const [id, view] of loaded.value) this.#held.set(id, view);
    return true;
  }

  async #writeOut(): Promise<Result<void, DiskError>> {
    const { head, series, wal, settings } = this.#parts;
    const named = head.newSeries;
    head.newSeries = [];
    const written = await series.append(named);
    if (!written.ok) {
      head.newSeries = [...named, ...head.newSeries];
      return written;
    }
    const bytes = this.#writer.length;
    if (bytes === 0) return ok(undefined);
    const logged = await wal.append(this.#writer.bytes());
    if (!logged.ok || settings.walAck === 'os') return logged;
    const synced = await this.sync();
    // Not acknowledged, so it must not come back after a restart either.
    if (!synced.ok) wal.forget(bytes);
    return synced;
  }

  /** A segment with room; while paused, a probe first. */
  async #ready(): Promise<Result<void, DiskError>> {
    const { clock, wal } = this.#parts;
    if (this.#pausedBy === undefined) return wal.ready();
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#probedMs < PROBE_EVERY_MS) return err(this.#pausedBy);
    this.#probedMs = nowMs;
    const ready = await wal.ready();
    if (!ready.ok) return ready;
    const probe = new ByteWriter(16);
    writeProbe(probe);
    const written = await wal.append(probe.bytes());
    if (written.ok) this.#resume();
    return written;
  }

  #failQueue(cause: DiskError): void {
    const failure = this.#pause(cause);
    for (const waiting of this.#queue.splice(0)) this.#refuse(waiting, failure);
  }

  #refuse(waiting: Waiting, failure: AppendFailure): void {
    const { batch } = waiting;
    this.#parts.backlog.hold(isKeptAsIs(batch) ? ownBatch(batch) : batch);
    waiting.resolve(err(failure));
  }

  #pause(cause: DiskError): AppendFailure {
    const { clock, log, metrics } = this.#parts;
    if (this.#pausedBy === undefined) {
      this.#probedMs = clock.monotonicMs();
      log.log('error', 'storage is paused: new samples are refused until writing succeeds again', {
        path: cause.path,
        cause: cause.message,
      });
      metrics.paused(1);
    }
    this.#pausedBy = cause;
    this.#probeLater();
    const message = `Cannot store samples: writing "${cause.path}" failed: ${cause.message}; the store resumes by itself`;
    return { code: 'storage-paused', message };
  }

  #resume(): void {
    if (this.#pausedBy === undefined) return;
    this.#pausedBy = undefined;
    this.#probeTimer?.cancel();
    this.#probeTimer = undefined;
    const { backlog, log, metrics } = this.#parts;
    log.log('info', 'storage has resumed: writing succeeds again', { backlogSamples: backlog.samples });
    metrics.paused(0);
    // Before what waits: it is older. What cannot be written after all stays in the backlog.
    const reject = (bug: unknown): void =>
      log.log('error', 'The backlog was not written', { cause: String(bug) });
    const late = backlog.offer().map(({ batch, done }) => {
      const resolve = (result: AppendResult): void => {
        if (result.ok || result.error.code !== 'storage-paused') done();
      };
      return { batch, resolve, reject };
    });
    if (late.length === 0) return;
    this.#queue = [...late, ...this.#queue];
    this.#kick();
  }

  #probeLater(): void {
    if (this.#probeTimer !== undefined || this.#closed) return;
    this.#probeTimer = this.#parts.clock.after(PROBE_EVERY_MS, () => {
      this.#probeTimer = undefined;
      void this.#serial.run(async () => {
        if (this.#pausedBy === undefined || this.#closed) return;
        const ready = await this.#ready();
        if (!ready.ok) this.#pause(ready.error);
      });
    });
  }

  #syncSoon(): void {
    if (this.#syncTimer !== undefined || this.#closed) return;
    this.#syncTimer = this.#parts.clock.after(SYNC_EVERY_MS, () => {
      this.#syncTimer = undefined;
      this.#syncing = this.sync().then(synced => {
        if (synced.ok) return;
        this.#parts.log.log('warn', 'the log could not be synced; trying again', {
          cause: synced.error.message,
        });
        this.#syncSoon();
      });
    });
  }
}

/** Whether the caller leaves the columns alone until it has its answer, and nothing in them has to be changed. */
function isKeptAsIs({ isLent, histograms }: SampleBatch): boolean {
  return isLent === true && histograms === undefined;
}

/** The caller may use its columns again while the batch waits. */
function ownBatch(batch: SampleBatch): SampleBatch {
  const { ownTimestampsMs, startTimestampsMs, histograms } = batch;
  const values = batch.values.slice();
  if (histograms !== undefined) blankHistograms(values, histograms);
  return {
    ...batch,
    isLent: false,
    series: batch.series.slice(),
    values,
    ...(ownTimestampsMs === undefined ? {} : { ownTimestampsMs: ownTimestampsMs.slice() }),
    ...(startTimestampsMs === undefined ? {} : { startTimestampsMs: startTimestampsMs.slice() }),
  };
}

/** What stands in the place of a native histogram means nothing, and must not differ from one repeat to the next. */
function blankHistograms(values: Float64Array, histograms: NonNullable<SampleBatch['histograms']>): void {
  const words = wordsOf(values);
  for (const index of histograms.keys()) if (!isStaleAt(words, index)) values[index] = Number.NaN;
}
