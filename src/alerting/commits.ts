// What dispatch writes: batches in the background, in order, tried again while the database does not answer.

import type { Clock, Log } from '../base/index.ts';
import type { StateStore, StateWrite } from '../model/index.ts';

/** Writes kept while the state database does not answer; beyond, the oldest journal events are dropped and counted. */
const WRITES_WAITING_MAX = 20_000;
/** Wait before a failed commit is tried again. */
const COMMIT_RETRY_MS = 1000;

export interface CommitsOptions {
  readonly clock: Clock;
  readonly state: StateStore;
  readonly log: Log;
  readonly onDropped: (events: number) => void;
}

/** Writes of the journal in one commit: somebody who posts an alert waits for no more than one of them. */
const JOURNAL_WRITES_AT_ONCE = 500;

/** Owns the unwritten writes. */
export class Commits {
  readonly #options: CommitsOptions;
  /** Posted alerts: whoever posted them waits, and they go before the journal. */
  #awaited: StateWrite[] = [];
  /** What was added together is committed together. */
  #unwritten: (readonly StateWrite[])[] = [];
  #waiters: (() => void)[] = [];
  #writing: Promise<void> | undefined;
  #stopped = false;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  add(writes: readonly StateWrite[]): void {
    if (writes.length === 0) return;
    const others: StateWrite[] = [];
    for (const write of writes) (write.kind === 'posted_alert' ? this.#awaited : others).push(write);
    if (others.length > 0) this.#unwritten.push(others);
    this.#writing ??= this.#write();
  }

  /** Resolves when nothing is left to write. */
  async written(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /** Resolves when the posted alerts added so far are committed, or when the database has refused them for the first time. */
  posted(): Promise<void> {
    if (this.#awaited.length === 0) return Promise.resolve();
    return new Promise(resolve => void this.#waiters.push(resolve));
  }

  /** No waiting for a database that does not answer any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** One commit at a time; what comes meanwhile goes with the next, so that a storm makes few commits. */
  async #write(): Promise<void> {
    const { state, log, clock } = this.#options;
    // What the rest of this turn decides still goes with the first commit.
    await Promise.resolve();
    while (this.#awaited.length + this.#unwritten.length > 0) {
      const isAwaited = this.#awaited.length > 0;
      const batch = isAwaited ? this.#awaited : this.#takeUnwritten();
      if (isAwaited) this.#awaited = [];
      const waiters = isAwaited ? this.#waiters.splice(0) : [];
      // Whoever posted waits for an answer, and posts the next alerts only then: no time is left to gather more.
      const committed = await state.commit(batch, isAwaited ? 'synced' : 'grouped');
      for (const resolve of waiters) resolve();
      if (committed.ok) continue;
      log.log('error', 'Cannot write the alert journal', { cause: committed.error.message });
      if (isAwaited) this.#awaited = [...batch, ...this.#awaited];
      else this.#unwritten.unshift(batch);
      this.#dropExcess();
      if (committed.error.code === 'state-closed' || this.#stopped) break;
      await new Promise<void>(resolve => void clock.after(COMMIT_RETRY_MS, resolve));
    }
    for (const resolve of this.#waiters.splice(0)) resolve();
    this.#writing = undefined;
  }

  #takeUnwritten(): readonly StateWrite[] {
    let count = 0;
    let size = 0;
    while (count < this.#unwritten.length && size < JOURNAL_WRITES_AT_ONCE) {
      size += this.#unwritten[count]?.length ?? 0;
      count += 1;
    }
    return this.#unwritten.splice(0, count).flat();
  }

  #dropExcess(): void {
    const excess = this.#unwritten.reduce((sum, one) => sum + one.length, 0) - WRITES_WAITING_MAX;
    if (excess <= 0) return;
    let dropped = 0;
    // Log entries and outcomes decide about repeats: only journal events may go.
    this.#unwritten = this.#unwritten.map(together =>
      together.filter(write => {
        if (dropped >= excess || write.kind !== 'journal') return true;
        dropped += 1;
        return false;
      }),
    );
    this.#options.onDropped(dropped);
  }
}
