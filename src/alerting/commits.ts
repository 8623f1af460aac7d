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

/** Owns the unwritten writes. */
export class Commits {
  readonly #options: CommitsOptions;
  #unwritten: StateWrite[] = [];
  #waiters: (() => void)[] = [];
  #writing: Promise<void> | undefined;
  #stopped = false;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  add(writes: readonly StateWrite[]): void {
    if (writes.length === 0) return;
    for (const write of writes) this.#unwritten.push(write);
    this.#writing ??= this.#write();
  }

  /** Resolves when nothing is left to write. */
  async written(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /** Resolves when what was added so far is committed, or when the database has refused it for the first time. */
  tried(): Promise<void> {
    if (this.#writing === undefined) return Promise.resolve();
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
    while (this.#unwritten.length > 0 || this.#waiters.length > 0) {
      const batch = this.#unwritten;
      const waiters = this.#waiters;
      this.#unwritten = [];
      this.#waiters = [];
      const committed = await state.commit(batch, 'grouped');
      for (const resolve of waiters) resolve();
      if (committed.ok) continue;
      log.log('error', 'Cannot write the alert journal', { cause: committed.error.message });
      this.#unwritten = [...batch, ...this.#unwritten];
      this.#dropExcess();
      if (committed.error.code === 'state-closed' || this.#stopped) break;
      await new Promise<void>(resolve => void clock.after(COMMIT_RETRY_MS, resolve));
    }
    for (const resolve of this.#waiters.splice(0)) resolve();
    this.#writing = undefined;
  }

  #dropExcess(): void {
    const excess = this.#unwritten.length - WRITES_WAITING_MAX;
    if (excess <= 0) return;
    let dropped = 0;
    // Log entries, outcomes and posted alerts decide about repeats and losses: only journal events may go.
    this.#unwritten = this.#unwritten.filter(write => {
      if (dropped >= excess || write.kind !== 'journal') return true;
      dropped += 1;
      return false;
    });
    this.#options.onDropped(dropped);
  }
}
