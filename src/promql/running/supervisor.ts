// Watches over the queries, and other long reads, that run and wait: lets them in (queue.ts), knows what they cost so far, remembers what they did
// cost (records.ts), notes those that run for a crash (active-log.ts), and counts.

import { type Clock, err, type Log, ok, type Result } from '../../base/index.ts';
import {
  type Counter,
  type Gauge,
  type Histogram,
  type Metrics,
  principalName,
  type QueryActivity,
  type QueryCost,
  type QueryFailure,
  type QueryOptions,
  type QueryRecord,
  type QueryTimes,
} from '../../model/index.ts';
import { type ActiveLog, cut } from './active-log.ts';
import { Crowd, type Member } from './crowd.ts';
import type { MemoryBudget } from './memory.ts';
import {
  arrive,
  beginNext,
  EMPTY_QUEUE,
  leave,
  type QueueLimits,
  type QueueStep,
  waitingIn,
} from './queue.ts';
import { NO_RECORDS, type Records, remember } from './records.ts';

/** Of an expression that is remembered or logged. */
const EXPR_CHARS_MAX = 2000;
/**
 * The program's own queries are many and nearly all shorter than this. They are noted for a crash only when they have taken
 * so long, which spares two writes each.
 */
const OWN_NOTED_AFTER_MS = 50;
/**
 * Neither is a question that was answered within so short a time when it was asked last: noted at once are those of which nobody
 * knows yet, and those that took long.
 */
const SHORT_MS = 20;
/** Of such questions: those of some dashboards. */
const SHORT_MAX = 512;
const DURATION_BOUNDS_S = [0.001, 0.01, 0.1, 1, 10, 60];

export interface SupervisorSettings {
  /** Queries of others than the program itself that run at once. */
  readonly runningMax: number;
  /** That wait for it. */
  readonly waitingMax: number;
  /** Queries that take longer are logged; 0: none. */
  readonly slowMs: number;
}

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly budget: MemoryBudget;
  readonly activeLog: ActiveLog | undefined;
  readonly settings: SupervisorSettings;
}

export interface AskedQuery {
  /** Of a read that is no query: the route and what it selects. */
  readonly expr: string;
  readonly times: QueryTimes;
  readonly options: Pick<QueryOptions, 'principal' | 'client'>;
  /** Monotonic. */
  readonly startedMs: number;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

export type Spent = Omit<QueryCost, 'durationMs' | 'queueMs'>;

const NOTHING_SPENT: Spent = { seriesRead: 0, samplesRead: 0, bytesPeak: 0 };

/** A query that was let in. */
export interface Ticket {
  /** All that it has waited for its turn, or to begin again. */
  queueMs(): number;
  /** Says from now on what the query has cost so far. */
  watch(spent: () => Spent): void;
  /** Between pieces of work: undefined where it goes on at once, else it waits since memory is short and others come first. */
  goOn(): Promise<unknown> | undefined;
  /** After all was given back that it held, while others held so much: whether it shall begin again, once it is alone. */
  again(othersHeld: number): Promise<boolean>;
  /** From now on it sends its answer at the pace of its client. */
  sends(): void;
  /** Once, in any case. The failure is undefined where it was answered. */
  end(failure: QueryFailure | undefined): void;
}

interface Entry {
  readonly id: number;
  readonly asked: AskedQuery;
  readonly isOwn: boolean;
  readonly atMs: number;
  begunMs: number | undefined;
  /** Since when it waits to begin again. */
  backSinceMs: number | undefined;
  /** That it has waited so before. */
  backMs: number;
  spent: () => Spent;
}

type Word = 'begin' | 'refuse' | 'left';

export class Supervisor {
  readonly #deps: SupervisorDeps;
  readonly #entries = new Map<number, Entry>();
  readonly #awaited = new Map<number, (word: Word) => void>();
  readonly #counts: Counts;
  readonly #crowd: Crowd;
  /** Questions that were answered in a short time, the one of longest ago first. */
  readonly #short = new Set<string>();
  #queue = EMPTY_QUEUE;
  #records: Records = NO_RECORDS;
  #lastId = 0;

  constructor(deps: SupervisorDeps) {
    this.#deps = deps;
    this.#counts = countsOf(deps.metrics);
    this.#crowd = new Crowd(deps.budget);
    this.#counts.runningMax.set(deps.settings.runningMax);
    this.#count();
  }

  /** Waits for the query's turn; rules and recovery do not wait behind others' queries. */
  async admit(asked: AskedQuery): Promise<Result<Ticket, QueryFailure>> {
    const { clock } = this.#deps;
    const isOwn = asked.options.principal.kind === 'system';
    const entry: Entry = {
      id: ++this.#lastId,
      asked,
      isOwn,
      atMs: clock.nowMs(),
      begunMs: undefined,
      backSinceMs: undefined,
      backMs: 0,
      spent: () => NOTHING_SPENT,
    };
    this.#entries.set(entry.id, entry);
    const word = isOwn ? 'begin' : await this.#wait(entry);
    if (word === 'begin') return ok(this.#ticket(entry));
    const failure = word === 'refuse' ? this.#overload() : this.#left(asked);
    this.#end(entry, failure);
    return err(failure);
  }

  /** Does what gives room back: others may begin after that. */
  afterThat(giveBack: () => void): void {
    giveBack();
    this.#crowd.wake();
    this.#apply(beginNext(this.#queue, this.#limits(this.#queue.running.size)));
  }

  activity(): QueryActivity {
    const { activeLog } = this.#deps;
    const entries = [...this.#entries.values()];
    const of = (verdict: 'running' | 'waiting'): readonly QueryRecord[] =>
      entries
        .filter(entry => isWaiting(entry) === (verdict === 'waiting'))
        .map(entry => this.#record(entry, verdict, ''));
    return {
      running: of('running'),
      waiting: of('waiting'),
      ...this.#records,
      interrupted: activeLog?.interrupted ?? [],
    };
  }

  // --- the queue ----------------------------------------------------------------------------------

  async #wait({ id, asked }: Entry): Promise<Word> {
    const { signal, options } = asked;
    const leaveIt = (): void => {
      const tell = this.#awaited.get(id);
      if (tell === undefined) return;
      this.#awaited.delete(id);
      this.#apply(leave(this.#queue, id, this.#limits(this.#queue.running.size)));
      tell('left');
    };
    const word = new Promise<Word>(resolve => this.#awaited.set(id, resolve));
    const limits = this.#limits(this.#queue.running.size);
    this.#apply(arrive(this.#queue, { id, client: clientOf(options) }, limits));
    signal.addEventListener('abort', leaveIt, { once: true });
    if (signal.aborted) leaveIt();
    const said = await word;
    signal.removeEventListener('abort', leaveIt);
    return said;
  }

  /** While much memory is held no more begin than run, but for one, and none beside one that needs to be alone. */
  #limits(running: number): QueueLimits {
    const { waitingMax, runningMax } = this.#deps.settings;
    if (this.#crowd.isClosed) return { runningMax: Math.min(running, runningMax), waitingMax };
    return {
      runningMax: this.#crowd.isShort ? Math.min(Math.max(1, running), runningMax) : runningMax,
      waitingMax,
    };
  }

  #apply({ state, begin, refuse }: QueueStep): void {
    this.#queue = state;
    const tell = (word: Word) => (id: number) => {
      const awaited = this.#awaited.get(id);
      this.#awaited.delete(id);
      awaited?.(word);
    };
    begin.forEach(tell('begin'));
    refuse.forEach(tell('refuse'));
    this.#count();
  }

  #overload(): QueryFailure {
    const { waitingMax } = this.#deps.settings;
    return {
      code: 'query-overload',
      message: `Cannot run the query: ${waitingMax} queries are waiting already; ask again in a moment, or raise query.waiting_max`,
    };
  }

  #left({ deadlineMs }: AskedQuery): QueryFailure {
    if (this.#deps.clock.monotonicMs() < deadlineMs)
      return { code: 'query-cancelled', message: 'The query was cancelled while it waited for its turn' };
    const { runningMax } = this.#deps.settings;
    return {
      code: 'query-timeout',
      message: `Cannot run the query: the time limit was reached while it waited for its turn, behind others of which ${runningMax} run at once`,
    };
  }

  // --- one that runs ------------------------------------------------------------------------------

  #ticket(entry: Entry): Ticket {
    const { clock } = this.#deps;
    entry.begunMs = clock.monotonicMs();
    // The program's own neither wait for memory nor are waited for.
    const member = entry.isOwn ? undefined : this.#crowd.join();
    this.#count();
    const forget = this.#noted(entry);
    return {
      queueMs: () => this.#queueMs(entry),
      watch: spent => {
        entry.spent = spent;
      },
      goOn: () => member && this.#crowd.goOn(member, entry.asked.signal),
      again: async othersHeld => member !== undefined && this.#again(entry, member, othersHeld),
      sends: () => member && this.#crowd.sends(member),
      end: failure => {
        forget();
        if (member === undefined) this.#crowd.wake();
        else this.#crowd.leave(member);
        this.#end(entry, failure);
        const others = this.#queue.running.size - 1;
        if (!entry.isOwn) this.#apply(leave(this.#queue, entry.id, this.#limits(others)));
      },
    };
  }

  async #again(entry: Entry, member: Member, othersHeld: number): Promise<boolean> {
    const { clock } = this.#deps;
    const sinceMs = clock.monotonicMs();
    entry.backSinceMs = sinceMs;
    this.#count();
    const goes = await this.#crowd.again(member, othersHeld, entry.asked.signal);
    entry.backSinceMs = undefined;
    entry.backMs += clock.monotonicMs() - sinceMs;
    this.#count();
    return goes;
  }

  #queueMs({ asked, begunMs, backMs, backSinceMs }: Entry): number {
    const nowMs = this.#deps.clock.monotonicMs();
    return (
      (begunMs ?? nowMs) - asked.startedMs + backMs + (backSinceMs === undefined ? 0 : nowMs - backSinceMs)
    );
  }

  /** In the log of active queries; the result takes it out. */
  #noted(entry: Entry): () => void {
    const { activeLog, clock } = this.#deps;
    if (activeLog === undefined) return () => {};
    const { asked, atMs } = entry;
    const { expr, times, options } = asked;
    const note = () => {
      const { who, client } = askerOf(options);
      return activeLog.note({ expr, times, who, client, atMs });
    };
    if (!entry.isOwn && !this.#short.has(questionOf(asked))) return note();
    let forget = (): void => {};
    const timer = clock.after(entry.isOwn ? OWN_NOTED_AFTER_MS : SHORT_MS, () => {
      forget = note();
    });
    return () => {
      timer.cancel();
      forget();
    };
  }

  #rememberLength({ asked, begunMs, isOwn }: Entry, failure: QueryFailure | undefined): void {
    if (isOwn || begunMs === undefined) return;
    const question = questionOf(asked);
    this.#short.delete(question);
    if (failure !== undefined || this.#deps.clock.monotonicMs() - begunMs >= SHORT_MS) return;
    this.#short.add(question);
    if (this.#short.size <= SHORT_MAX) return;
    for (const oldest of this.#short) {
      this.#short.delete(oldest);
      return;
    }
  }

  #end(entry: Entry, failure: QueryFailure | undefined): void {
    const { clock, log, settings } = this.#deps;
    this.#rememberLength(entry, failure);
    this.#entries.delete(entry.id);
    const record = this.#record(entry, failure?.code ?? 'ok', failure?.message ?? '');
    this.#records = remember(this.#records, { record, isOwn: entry.isOwn, nowMs: clock.nowMs() });
    this.#countEnd(record);
    if (settings.slowMs === 0 || record.cost.durationMs <= settings.slowMs) return;
    this.#counts.slow.add();
    const { cost } = record;
    log.log('warn', 'A query was slow', {
      expr: record.expr,
      who: record.who,
      client: record.client,
      verdict: record.verdict,
      durationMs: Math.round(cost.durationMs),
      queueMs: Math.round(cost.queueMs),
      series: cost.seriesRead,
      samples: cost.samplesRead,
      bytesPeak: cost.bytesPeak,
    });
  }

  #record(entry: Entry, verdict: QueryRecord['verdict'], message: string): QueryRecord {
    const { id, asked, atMs } = entry;
    const nowMs = this.#deps.clock.monotonicMs();
    return {
      id,
      expr: cut(asked.expr, EXPR_CHARS_MAX),
      times: asked.times,
      ...askerOf(asked.options),
      atMs,
      cost: {
        ...entry.spent(),
        durationMs: nowMs - asked.startedMs,
        queueMs: this.#queueMs(entry),
      },
      verdict,
      message,
    };
  }

  #count(): void {
    let [running, back] = [0, 0];
    for (const entry of this.#entries.values()) {
      if (!isWaiting(entry)) running++;
      else if (entry.begunMs !== undefined) back++;
    }
    this.#counts.running.set(running);
    this.#counts.waiting.set(waitingIn(this.#queue) + back);
    this.#counts.bytes.set(this.#deps.budget.held);
  }

  #countEnd({ cost, verdict }: QueryRecord): void {
    const { durationMs, queueMs, samplesRead } = cost;
    this.#counts.durations.observe(queueMs / 1000, { slice: 'queue_time' });
    this.#counts.durations.observe((durationMs - queueMs) / 1000, { slice: 'inner_eval' });
    this.#counts.samples.add(samplesRead);
    if (verdict !== 'ok') this.#counts.failed.add(1, { code: verdict });
    this.#count();
  }
}

function isWaiting({ begunMs, backSinceMs }: Entry): boolean {
  return begunMs === undefined || backSinceMs !== undefined;
}

/** What is asked, and over how long a time in which steps. */
function questionOf({ expr, times: { startMs, endMs, stepMs } }: AskedQuery): string {
  return `${endMs - startMs} ${stepMs} ${expr}`;
}

function askerOf({ principal, client }: AskedQuery['options']): {
  readonly who: string;
  readonly client: string;
} {
  return { who: principalName(principal), client: client ?? '' };
}

/** Whose turns they are: of the user, or of the address where nobody needs to log in. */
function clientOf(options: AskedQuery['options']): string {
  const { who, client } = askerOf(options);
  return options.principal.kind === 'user' ? who : `${who} ${client}`;
}

// --- metrics --------------------------------------------------------------------------------------

interface Counts {
  readonly running: Gauge;
  readonly runningMax: Gauge;
  readonly waiting: Gauge;
  readonly bytes: Gauge;
  readonly durations: Histogram;
  readonly samples: Counter;
  readonly failed: Counter;
  readonly slow: Counter;
}

function countsOf(metrics: Metrics): Counts {
  return {
    running: metrics.gauge('watchkeeper_engine_queries', 'Queries that run now.'),
    runningMax: metrics.gauge(
      'watchkeeper_engine_queries_concurrent_max',
      'Queries that may run at once, those of rules and recovery apart.',
    ),
    waiting: metrics.gauge('watchkeeper_engine_queries_waiting', 'Queries that wait for their turn.'),
    bytes: metrics.gauge(
      'watchkeeper_engine_query_memory_bytes',
      'Memory that queries and unsent answers hold, by their own account.',
    ),
    durations: metrics.histogram(
      'watchkeeper_engine_query_duration_seconds',
      'Durations of queries by slice: queue_time, inner_eval.',
      DURATION_BOUNDS_S,
    ),
    samples: metrics.counter('watchkeeper_engine_query_samples_total', 'Samples that queries have read.'),
    failed: metrics.counter(
      'watchkeeper_engine_queries_failed_total',
      'Queries that were not answered, by code.',
    ),
    slow: metrics.counter(
      'watchkeeper_engine_slow_queries_total',
      'Queries that took longer than query.slow.',
    ),
  };
}
