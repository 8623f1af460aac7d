// Everything that is done with blocks beside reading them: cutting the head, compaction, retention, deletion, snapshots.
// One thing at a time; appends, sealing and queries go on beside it.

import { type Clock, type Disk, type DiskError, err, type Log, ok, type Result } from '../base/index.ts';
import { compileMatchers, type Matcher, type TimeRange } from '../model/index.ts';
import type { Block } from './block/block.ts';
import type { BlockSet } from './block/block-set.ts';
import { BLOCK_MS } from './block/limits.ts';
import type { BlockMaker } from './block/maker.ts';
import { levelsOf, planCompaction, planRetention } from './block/plan.ts';
import { Slices } from './block/slices.ts';
import { type WriteFailure, writeBlock } from './block/write-blocks.ts';
import type { ChunkStore } from './chunk-store.ts';
import { aligned, cutHead } from './cut.ts';
import type { Head } from './head.ts';
import { type OldPortions, type OldSpan, oldSpans, writeOldSamples } from './old-samples.ts';
import { Policies } from './policies.ts';
import { Serial } from './serial.ts';
import { LOOKED_AT_ONCE, type StoreSettings } from './settings.ts';
import { copySnapshot } from './snapshot.ts';
import type { AdminFailure, OldWritten, SnapshotWanted, WriteOldFailure } from './store.ts';
import type { StoreMetrics } from './store-metrics.ts';
import type { Wal } from './wal.ts';

export interface CompactorParts {
  readonly disk: Disk;
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: StoreMetrics;
  readonly settings: StoreSettings;
  readonly head: Head;
  readonly chunks: ChunkStore;
  readonly wal: Wal;
  readonly blocks: BlockSet;
  /** Ends with the compactor. */
  readonly maker: BlockMaker;
  /** Seals what is open (all, or what has samples before a time) and makes it durable in chunk files. */
  readonly seal: (beforeMs: number, slices: Slices) => Promise<Result<void, DiskError>>;
}

type Done<T> = Promise<Result<T, AdminFailure>>;

export class Compactor {
  readonly #parts: CompactorParts;
  readonly #serial = new Serial();
  readonly #stopping = new AbortController();
  readonly #slices: Slices;
  readonly #policies: Policies;
  /** Compactions that went wrong since one went right: the log has heard of the first. */
  #failing = false;

  constructor(parts: CompactorParts) {
    this.#parts = parts;
    this.#slices = new Slices(parts.clock);
    this.#policies = new Policies({ ...parts, policies: parts.settings.policies });
  }

  /** What the timer does: everything that is due. */
  tick(): Done<void> {
    return this.#serial.run(async () => {
      const { blocks } = this.#parts;
      await blocks.retry();
      blocks.rest();
      const limitMs = this.#dueMs();
      const done = await this.#cutAndCompact({ limitMs, untilMs: limitMs });
      await this.#applyPolicies();
      // Also after a failure: a full disk is helped by nothing but this.
      await this.#retain();
      return done;
    });
  }

  /** Seals and compacts everything, recent samples too. */
  compactNow(): Done<void> {
    return this.#serial.run(async () => {
      const done = await this.#cutAndCompact({ limitMs: Infinity, untilMs: Infinity });
      return done.ok ? this.#applyPolicies() : done;
    });
  }

  /** Deletes what is stored now; what comes later with these times stays. Returns how many series had samples in blocks. */
  deleteSeries(matchers: readonly Matcher[], range: TimeRange): Done<number> {
    return this.#serial.run(async () => {
      const compiled = compileMatchers(matchers);
      if (!compiled.ok) return err({ code: 'bad-matcher', message: `Cannot delete by ${compiled.error}` });
      // In blocks everything has its place; deleting from open rows and sealed chunks as well would double the ways to err.
      const cut = await this.#cutWhole('delete');
      if (!cut.ok) return cut;
      // Of such a block the samples would come back after a crash.
      if (!(await this.#parts.blocks.sweep()))
        return err({
          code: 'disk-io',
          message: 'Cannot delete: a replaced block cannot be removed; try again',
        });
      let count = 0;
      const { blocks } = this.#parts;
      const lease = blocks.acquire({ fromMs: range.fromMs - 1, toMs: range.toMs });
      try {
        for (const block of lease.blocks) {
          const numbers = await block.match(compiled.value);
          if (!numbers.ok) {
            blocks.setAside(block, numbers.error);
            return err({ code: 'disk-io', message: 'Cannot delete: a block cannot be read; try again' });
          }
          if (numbers.value.length === 0) continue;
          const deleted = await block.delete(numbers.value, { fromMs: range.fromMs, toMs: range.toMs });
          if (!deleted.ok) return err(adminFailure('delete', deleted.error));
          count += numbers.value.length;
        }
      } finally {
        lease.release();
      }
      return ok(count);
    });
  }

  /** Writes blocks anew without what was deleted from them. */
  cleanTombstones(): Done<number> {
    return this.#serial.run(async () => {
      let cleaned = 0;
      for (const block of [...this.#parts.blocks.blocks]) {
        if (block.tombstones.size === 0) continue;
        const { fromMs, toMs } = block.meta;
        const written = await this.#compact({ blocks: [block], fromMs, toMs });
        if (!written.ok) return this.#failed('clean', written.error);
        cleaned++;
      }
      return ok(cleaned);
    });
  }

  /** Puts everything into blocks, unless what is not in one yet is to be left out, and copies them into `target`/`name`. */
  snapshot(target: string, { name, skipHead, onSettled }: SnapshotWanted): Done<void> {
    return this.#serial.run(async () => {
      if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(name))
        return err({
          code: 'bad-name',
          message: `Cannot name a snapshot "${name}": letters, digits, "-" and "_" expected`,
        });
      const cut = skipHead
        ? await this.#readable('take a snapshot')
        : await this.#cutWhole('take a snapshot');
      if (!cut.ok) return cut;
      const { disk, blocks } = this.#parts;
      const lease = blocks.acquire({ fromMs: -Infinity, toMs: Infinity });
      try {
        const beside = await onSettled?.();
        if (beside?.ok === false) return beside;
        const copied = await copySnapshot(disk, lease.blocks, { target, name, slices: this.#slices });
        return copied.ok ? ok(undefined) : err(adminFailure('snapshot', copied.error));
      } finally {
        lease.release();
      }
    });
  }

  /** Of history that comes to lie in the range: the newest sample then is that of the store, or of the range. */
  oldSpans(range: TimeRange): readonly OldSpan[] {
    const { head, settings } = this.#parts;
    const untilMs = aligned(Math.max(head.newestMs, range.toMs));
    return oldSpans(range, { levels: levelsOf(settings.maxAgeMs), untilMs });
  }

  writeOld<E>(span: OldSpan, portions: OldPortions<E>): Promise<Result<OldWritten, WriteOldFailure<E>>> {
    return this.#serial.run(async () => {
      const { head, blocks, maker } = this.#parts;
      const written = await writeOldSamples({ head, blocks, maker }, span, portions);
      if (written.ok) {
        const { samples = 0, series = 0 } = written.value?.meta ?? {};
        return ok({ samples, series, bytes: written.value?.bytes ?? 0 });
      }
      const { error } = written;
      if (error.kind === 'portions') return err(error);
      const failed = this.#failed('write a block', error);
      return failed.ok ? failed : err({ kind: 'store', error: failed.error });
    });
  }

  /** Gives up what is being written and waits for it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const { maker } = this.#parts;
    maker.stop();
    await this.#serial.run(async () => undefined);
    await maker.close();
  }

  /** Before this time everything is old enough to leave the head: late samples still compare with what is there. */
  #dueMs(): number {
    const { head, settings } = this.#parts;
    return aligned(head.newestMs - Math.max(BLOCK_MS / 2, settings.outOfOrderMs));
  }

  async #cutAndCompact(until: { readonly limitMs: number; readonly untilMs: number }): Done<void> {
    const cut = await this.#cut(until.limitMs);
    if (!cut.ok) return cut;
    const levels = levelsOf(this.#parts.settings.maxAgeMs);
    for (;;) {
      if (this.#stopping.signal.aborted) return err(STOPPED);
      const planned = planCompaction(this.#parts.blocks.blocks.map(plannable), {
        levels,
        untilMs: until.untilMs,
      });
      if (planned === undefined) break;
      const blocks = planned.blocks.map(one => one.block);
      const written = await this.#compact({ ...planned, blocks });
      if (!written.ok) return this.#failed('compact', written.error);
    }
    this.#failing = false;
    return ok(undefined);
  }

  async #cut(limitMs: number): Done<void> {
    const { head, chunks, blocks, maker, seal } = this.#parts;
    // -Infinity and NaN: the store is empty.
    if (!(limitMs > -Infinity) || !(await this.#hasSamplesBefore(limitMs))) return ok(undefined);
    const sealed = await seal(limitMs, this.#slices);
    if (!sealed.ok) return err(adminFailure('seal', sealed.error));
    const cut = await cutHead({ head, chunks, blocks, maker, slices: this.#slices }, limitMs);
    return cut.ok ? ok(undefined) : this.#failed('cut', cut.error);
  }

  /** Everything is in blocks afterwards, and all of them can be read. */
  async #cutWhole(what: string): Done<void> {
    const cut = await this.#cut(Infinity);
    return cut.ok ? this.#readable(what) : cut;
  }

  /** All blocks can be read. */
  async #readable(what: string): Done<void> {
    const { blocks } = this.#parts;
    await blocks.retry();
    const [name] = blocks.unreadable;
    if (name === undefined) return ok(undefined);
    return err({ code: 'disk-io', message: `Cannot ${what}: block "${name}" cannot be read now; try again` });
  }

  async #hasSamplesBefore(limitMs: number): Promise<boolean> {
    const { head } = this.#parts;
    this.#slices.begin();
    let looked = 0;
    for (const { chunks } of head.memberships) {
      if (chunks.some(chunk => chunk.minMs < limitMs && (chunk.cutBelowMs ?? -Infinity) < limitMs))
        return true;
      if (++looked % LOOKED_AT_ONCE === 0) await this.#slices.breathe();
    }
    for (const cohort of [...head.allCohorts()]) {
      for (let row = 0; row < cohort.rows; row++)
        if ((cohort.rowTimes[row] ?? Infinity) < limitMs) return true;
      if (++looked % LOOKED_AT_ONCE === 0) await this.#slices.breathe();
    }
    for (const side of [...head.sides]) {
      for (let i = 0; i < side.count; i++) if ((side.times[i] ?? Infinity) < limitMs) return true;
      if (++looked % LOOKED_AT_ONCE === 0) await this.#slices.breathe();
    }
    return false;
  }

  #compact(planned: {
    readonly blocks: readonly Block[];
    readonly fromMs: number;
    readonly toMs: number;
  }): Promise<Result<Block | undefined, WriteFailure>> {
    const { chunks, blocks, maker } = this.#parts;
    // Chunks that no file of the head holds any more need not be remembered.
    const least = chunks.leastChunkId;
    const chunkIds = planned.blocks.flatMap(block => block.meta.chunkIds).filter(id => id >= least);
    const sources = planned.blocks.map(({ meta, folder, tombstones }) => ({
      number: meta.number,
      folder,
      tombstones,
    }));
    return writeBlock(
      { blocks, maker },
      {
        facts: { fromMs: planned.fromMs, toMs: planned.toMs, chunkIds: chunkIds.sort((a, b) => a - b) },
        fill: () => maker.addBlocks(sources),
        replaced: planned.blocks,
        conflicts: planned.blocks.reduce((sum, { meta }) => sum + meta.conflicts, 0),
        keepEmpty: chunkIds.length > 0,
      },
    );
  }

  /** Deletes what is kept shorter than the rest, and writes blocks anew that have nothing of it any more. */
  async #applyPolicies(): Done<void> {
    const { blocks, head } = this.#parts;
    const due = await this.#policies.apply(blocks, head.newestMs);
    if (!due.ok) {
      const { error } = due;
      return this.#failed(
        'drop what is too old',
        error.kind === 'disk' ? error : { kind: 'source', block: error.block, failure: error.failure },
      );
    }
    for (const block of due.value) {
      const { fromMs, toMs } = block.meta;
      const written = await this.#compact({ blocks: [block], fromMs, toMs });
      if (!written.ok) return this.#failed('write a block anew', written.error);
    }
    return ok(undefined);
  }

  async #retain(): Promise<void> {
    const { blocks, chunks, wal, head, settings, log } = this.#parts;
    const least = chunks.leastChunkId;
    const spent = blocks.blocks.filter(
      ({ meta }) => meta.samples === 0 && !meta.chunkIds.some(id => id >= least),
    );
    await blocks.remove(spent);
    const filled = blocks.blocks.filter(block => block.meta.samples > 0).map(plannable);
    const { tooOld, tooMuch } = planRetention(filled, {
      oldestMs: head.newestMs - settings.maxAgeMs,
      bytesMax: settings.maxBytes,
      otherBytes: chunks.bytes + wal.bytes,
    });
    for (const { block } of tooMuch)
      log.log('info', 'a block is dropped: the store is larger than storage.retention_size', {
        block: block.folder,
        bytes: block.bytes,
      });
    await blocks.remove([...tooOld, ...tooMuch].map(one => one.block));
  }

  #failed(what: string, failure: WriteFailure): Result<never, AdminFailure> {
    const { blocks, log, metrics } = this.#parts;
    if (failure.kind === 'stopped') return err(STOPPED);
    if (failure.kind === 'source') {
      blocks.setAside(failure.block, failure.failure);
      return err({ code: 'disk-io', message: `Cannot ${what}: a block cannot be read; it is left out` });
    }
    metrics.maintainFailed();
    const { path, message } = failure.error;
    if (!this.#failing)
      log.log('warn', 'blocks could not be written; trying again', { path, cause: message });
    this.#failing = true;
    return err(adminFailure(what, failure.error));
  }
}

const STOPPED: AdminFailure = { code: 'storage-closed', message: 'Cannot go on: the store is being closed' };

function adminFailure(what: string, error: DiskError): AdminFailure {
  return { code: error.code, message: `Cannot ${what}: "${error.path}": ${error.message}` };
}

function plannable(block: Block) {
  const { fromMs, toMs, maxMs } = block.meta;
  return { block, fromMs, toMs, maxMs, bytes: block.bytes };
}
