// Long reads that are no queries (series, labels, federation, remote reads): they take their place in the same queue, and are
// counted and limited as queries are.

import { type Clock, ok, type Result, type Turns, type Work } from '../../base/index.ts';
import type { AdmittedRead, LongRead, QueryFailure } from '../../model/index.ts';
import { MemoryAccount, type MemoryBudget, memoryFailure } from './memory.ts';
import type { Supervisor, Ticket } from './supervisor.ts';

export interface ReadingDeps {
  readonly clock: Clock;
  readonly turns: Turns;
  readonly budget: MemoryBudget;
  readonly supervisor: Supervisor;
  readonly settings: {
    readonly bytesMax: number;
    readonly totalBytesMax: number;
    readonly timeoutMs: number;
  };
}

/** Waits for its turn. Whoever gets in must call `end`, however it ends. */
export async function enterRead(
  deps: ReadingDeps,
  read: LongRead,
  signal: AbortSignal,
): Promise<Result<AdmittedRead, QueryFailure>> {
  const { clock, supervisor, settings } = deps;
  const limit = new Deadline(clock, settings.timeoutMs, signal);
  const startedMs = clock.monotonicMs();
  const { text, range, principal, client } = read;
  const nowMs = clock.nowMs();
  // All times that there are: what is remembered and written down needs numbers.
  const times = {
    startMs: Number.isFinite(range.fromMs) ? range.fromMs : 0,
    endMs: Number.isFinite(range.toMs) ? range.toMs : nowMs,
    stepMs: 0,
  };
  const ticket = await supervisor.admit({
    expr: text,
    times,
    options: { principal, ...(client === undefined ? {} : { client }) },
    startedMs,
    deadlineMs: startedMs + settings.timeoutMs,
    signal: limit.signal,
  });
  if (!ticket.ok) {
    limit.over();
    return ticket;
  }
  return ok(new Reading(deps, ticket.value, { limit, minded: principal.kind !== 'system' }));
}

/** Aborts when the client leaves or the time is up, whichever is first. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #over: () => void;
  isLate = false;

  constructor(clock: Clock, timeoutMs: number, outer: AbortSignal) {
    const leave = (): void => this.#controller.abort();
    const timer = clock.after(timeoutMs, () => {
      this.isLate = true;
      this.#controller.abort();
    });
    outer.addEventListener('abort', leave, { once: true });
    if (outer.aborted) leave();
    this.lift = () => timer.cancel();
    this.#over = () => {
      timer.cancel();
      outer.removeEventListener('abort', leave);
    };
  }

  /** The time does not count any more; that the client leaves does. */
  readonly lift: () => void;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  over(): void {
    this.#over();
  }
}

class Reading implements AdmittedRead {
  readonly #deps: ReadingDeps;
  readonly #ticket: Ticket;
  readonly #limit: Deadline;
  readonly #minded: boolean;
  readonly #work: Work;
  #account: MemoryAccount;
  #bytesPeak = 0;
  #series = 0;
  #samples = 0;
  stopped: QueryFailure | undefined;

  constructor(
    deps: ReadingDeps,
    ticket: Ticket,
    how: { readonly limit: Deadline; readonly minded: boolean },
  ) {
    this.#deps = deps;
    this.#ticket = ticket;
    this.#limit = how.limit;
    this.#minded = how.minded;
    this.#work = deps.turns.start('usual');
    this.#account = this.#newAccount();
    ticket.watch(() => ({
      seriesRead: this.#series,
      samplesRead: this.#samples,
      bytesPeak: Math.max(this.#bytesPeak, this.#account.peak),
    }));
  }

  get signal(): AbortSignal {
    return this.#limit.signal;
  }

  isDue(): boolean {
    return this.#deps.turns.isDue() || this.signal.aborted;
  }

  async pause(): Promise<boolean> {
    if (this.#isOver()) return false;
    const others = this.#ticket.goOn();
    if (others !== undefined) await others;
    await this.#deps.turns.between(this.#work);
    return !this.#isOver();
  }

  reserve(bytes: number): boolean {
    if (this.stopped !== undefined) return false;
    const full = this.#account.reserve(bytes);
    if (full === undefined) return true;
    this.stopped = memoryFailure(full, 'answer', this.#deps.settings);
    return false;
  }

  count(series: number, samples: number): void {
    this.#series += series;
    this.#samples += samples;
  }

  async again(): Promise<boolean> {
    if (this.stopped?.code !== 'query-overload') return false;
    this.#bytesPeak = Math.max(this.#bytesPeak, this.#account.peak);
    this.#account.end(0);
    if (!(await this.#ticket.again(this.#account.othersHeld))) return false;
    this.#account = this.#newAccount();
    this.stopped = undefined;
    [this.#series, this.#samples] = [0, 0];
    return true;
  }

  get held(): number {
    return this.#account.held;
  }

  keep(bytes: number): void {
    const kept = Math.min(bytes, this.#account.held);
    this.#account.end(kept);
    this.#deps.supervisor.afterThat(() => {});
  }

  sends(): void {
    this.#limit.lift();
    this.#ticket.sends();
  }

  end(failure: QueryFailure | undefined): () => void {
    this.#limit.over();
    const handBack = this.#account.end(failure === undefined ? this.#account.held : 0);
    this.#ticket.end(failure);
    return () => this.#deps.supervisor.afterThat(handBack);
  }

  #newAccount(): MemoryAccount {
    return new MemoryAccount(this.#deps.budget, {
      bytesMax: this.#deps.settings.bytesMax,
      minded: this.#minded,
    });
  }

  #isOver(): boolean {
    if (this.stopped === undefined && this.signal.aborted)
      this.stopped = this.#limit.isLate
        ? { code: 'query-timeout', message: 'Cannot answer: the time limit was reached' }
        : { code: 'query-cancelled', message: 'The read was cancelled' };
    return this.stopped !== undefined;
  }
}
