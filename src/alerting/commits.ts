// What dispatch writes: batches in the background, in order, tried again while the database does not answer.

import { type Clock, type Log, sleep } from '../base/index.ts';
import type { Durability, StateFailure, StateStore, StateWrite } from '../model/index.ts';

/** Writes kept while the state database does not answer; beyond, the oldest journal events are dropped and counted. */
const WRITES_WAITING_MAX = 20_000;
/** Wait before a failed commit is tried again. */
const COMMIT_RETRY_MS = 1000;

export interface CommitsOptions {
  readonly clock: Clock;
  readonly state: Pick<StateStore, 'commit'>;
  readonly log: Log;
  readonly onDropped: (events: number) => void;
}

/** Writes of the journal in one commit: somebody who posts an alert waits for no more than one of them. */
const JOURNAL_WRITES_AT_ONCE = 500;
/** Posts of a program that has many alerts follow each other within this. */
const POSTING_MS = 20;
/** While alerts are posted one request after the other, what is journaled of them is gathered so long, and so many writes of it. */
const GATHERED_MS_MAX = 1000;
const GATHERED_WRITES_MAX = 20_000;

/** Owns the unwritten writes. */
export class Commits {
  readonly #options: CommitsOptions;
  /** Posted alerts: whoever posted them waits. */
  #awaited: StateWrite[] = [];
  #waiters: (() => void)[] = [];
  #saving: Promise<void> | undefined;
  /** On the monotonic clock: when posted alerts were last committed. */
  #savedMs = Number.NEGATIVE_INFINITY;
  /** What was added together is committed together. */
  #unwritten: (readonly StateWrite[])[] = [];
  #unwrittenCount = 0;
  #writing: Promise<void> | undefined;
  /** Those who wait until all is written. */
  #hurried = 0;
  #endGathering: AbortController | undefined;
  #stopped = false;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  add(writes: readonly StateWrite[]): void {
    if (writes.length === 0) return;
    const others: StateWrite[] = [];
    for (const write of writes) (write.kind === 'posted_alert' ? this.#awaited : others).push(write);
    if (this.#awaited.length > 0) this.#saving ??= this.#save();
    if (others.length === 0) return;
    this.#unwritten.push(others);
    this.#unwrittenCount += others.length;
    this.#writing ??= this.#write();
  }

  /** Resolves when nothing is left to write. */
  async written(): Promise<void> {
    this.#hurried += 1;
    this.#endGathering?.abort();
    while (this.#saving !== undefined || this.#writing !== undefined) await (this.#saving ?? this.#writing);
    this.#hurried -= 1;
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

  /** One commit at a time; what comes meanwhile goes with the next. It does not wait for the journal. */
  async #save(): Promise<void> {
    const { clock } = this.#options;
    // What the rest of this turn decides still goes with the first commit.
    await Promise.resolve();
    while (this.#awaited.length > 0) {
      const batch = this.#awaited;
      this.#awaited = [];
      const waiters = this.#waiters.splice(0);
      // Whoever posted waits for an answer, and posts the next alerts only then: no time is left to gather more.
      const failure = await this.#commit(batch, 'urgent');
      this.#savedMs = clock.monotonicMs();
      for (const resolve of waiters) resolve();
      if (failure === undefined) continue;
      this.#awaited = [...batch, ...this.#awaited];
      if (!(await this.#mayRetry(failure))) break;
    }
    for (const resolve of this.#waiters.splice(0)) resolve();
    this.#saving = undefined;
  }

  /** The same for the journal, so that a storm makes few commits. */
  async #write(): Promise<void> {
    await Promise.resolve();
    while (this.#unwritten.length > 0) {
      await this.#gather();
      const batch = this.#takeUnwritten();
      const failure = await this.#commit(batch, 'grouped');
      if (failure === undefined) continue;
      this.#unwritten.unshift(batch);
      this.#unwrittenCount += batch.length;
      this.#dropExcess();
      if (!(await this.#mayRetry(failure))) break;
    }
    this.#writing = undefined;
  }

  async #commit(writes: readonly StateWrite[], durability: Durability): Promise<StateFailure | undefined> {
    const { state, log } = this.#options;
    const committed = await state.commit(writes, durability);
    if (committed.ok) return undefined;
    log.log('error', 'Cannot write the alert journal', { cause: committed.error.message });
    return committed.error;
  }

  async #mayRetry(failure: StateFailure): Promise<boolean> {
    if (failure.code === 'state-closed' || this.#stopped) return false;
    await sleep(this.#options.clock, COMMIT_RETRY_MS);
    return true;
  }

  /**
   * A request that posts alerts waits for the commit that is under way, and its alerts leave the same pages of the database
   * changed as those before: so the journal of all of them is written behind them, unless they go on and on.
   */
  async #gather(): Promise<void> {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + GATHERED_MS_MAX;
    const isOver = (): boolean =>
      this.#hurried > 0 ||
      this.#stopped ||
      this.#unwrittenCount >= GATHERED_WRITES_MAX ||
      clock.monotonicMs() >= endMs;
    while (this.#isPosting() && !isOver()) {
      const end = new AbortController();
      this.#endGathering = end;
      await sleep(clock, POSTING_MS, end.signal);
      this.#endGathering = undefined;
    }
  }

  #isPosting(): boolean {
    return this.#saving !== undefined || this.#options.clock.monotonicMs() - this.#savedMs < POSTING_MS;
  }

  #takeUnwritten(): readonly StateWrite[] {
    let count = 0;
    let size = 0;
    while (count < this.#unwritten.length && size < JOURNAL_WRITES_AT_ONCE) {
      size += this.#unwritten[count]?.length ?? 0;
      count += 1;
    }
    this.#unwrittenCount -= size;
    return this.#unwritten.splice(0, count).flat();
  }

  #dropExcess(): void {
    const excess = this.#unwrittenCount - WRITES_WAITING_MAX;
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
    this.#unwrittenCount -= dropped;
    this.#options.onDropped(dropped);
  }
}
