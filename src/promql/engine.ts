// The Query port over a SeriesReader: parse, plan, run with limits, answer.

import { type Clock, err, type Log, ok, type Result, Turns, withDeadline } from '../base/index.ts';
import {
  MetricRegistry,
  type Metrics,
  type Query,
  type QueryActivity,
  type QueryAnswer,
  type QueryFailure,
  type QueryOptions,
  type QueryPlan,
  type QueryTimes,
  type SeriesReader,
} from '../model/index.ts';
import { answerOf, heldBy } from './answer.ts';
import { evaluateRoot } from './evaluate.ts';
import { FUNCTIONS } from './functions/index.ts';
import { type EngineSettings, type Grid, Refusal, Run } from './operators/index.ts';
import { parseExpr } from './parser/index.ts';
import { type Planned, planExpr } from './plan/index.ts';
import {
  type ActiveLog,
  MemoryAccount,
  MemoryPool,
  Supervisor,
  type SupervisorSettings,
  type Ticket,
} from './running/index.ts';

export type QuerySettings = EngineSettings & SupervisorSettings;

export const DEFAULT_ENGINE_SETTINGS: QuerySettings = {
  lookbackMs: 300_000,
  // As in Prometheus: at nine bytes an entry this bounds one query to some 450 MB.
  samplesMax: 50_000_000,
  // A selector that wide is a mistake; it would take minutes and answer nothing a person can read.
  seriesMax: 500_000,
  // Prometheus's limit of points a series: enough for a screen ten times over.
  stepsMax: 11_000,
  // What the samples above come to, with some of what is beside them.
  bytesMax: 512 * 1024 ** 2,
  // Two of the largest, or many usual ones: a machine of 2 GB survives it.
  totalBytesMax: 1024 ** 3,
  timeoutMs: 120_000,
  subqueryStepMs: 60_000,
  delayedNameRemoval: false,
  startTimestamps: false,
  // As in Prometheus. All share one thread, so that more would only hold more memory.
  runningMax: 20,
  // Dashboards of thirty panels for sixteen people at once; each costs a connection and some 10 kB.
  waitingMax: 500,
  // A person who waits so long for a chart has noticed.
  slowMs: 10_000,
};

export interface QueryEngineDeps {
  readonly reader: SeriesReader;
  readonly clock: Clock;
  /** What is left out is taken from DEFAULT_ENGINE_SETTINGS. */
  readonly settings?: Partial<QuerySettings>;
  /** Shared with whatever else does long work in this thread. */
  readonly turns?: Turns;
  readonly log?: Log;
  readonly metrics?: Metrics;
  readonly activeLog?: ActiveLog;
}

export interface QueryEngine extends Query {
  /** What runs and waits now, and what is remembered of those that are over. */
  activity(): QueryActivity;
}

interface Engine {
  readonly reader: SeriesReader;
  readonly clock: Clock;
  readonly settings: QuerySettings;
  readonly turns: Turns;
  readonly pool: MemoryPool;
  readonly supervisor: Supervisor;
}

export function createQueryEngine(deps: QueryEngineDeps): QueryEngine {
  const { clock, reader } = deps;
  const settings = { ...DEFAULT_ENGINE_SETTINGS, ...deps.settings };
  const pool = new MemoryPool(settings.totalBytesMax);
  const supervisor = new Supervisor({
    clock,
    log: deps.log ?? { log: () => {} },
    metrics: deps.metrics ?? new MetricRegistry(),
    pool,
    activeLog: deps.activeLog,
    settings,
  });
  const engine = { reader, clock, settings, turns: deps.turns ?? new Turns(clock), pool, supervisor };
  return {
    prepare,
    execute: (plan, times, options, signal) => execute(engine, { plan, times, options, signal }),
    activity: () => supervisor.activity(),
  };
}

function prepare(expr: string): Result<QueryPlan, QueryFailure> {
  const parsed = parseExpr(expr);
  if (!parsed.ok) {
    const [first] = parsed.error;
    return err({ code: 'query-parse', message: first.message, span: first.span, all: parsed.error });
  }
  const planned = planExpr(parsed.value, func => FUNCTIONS.has(func));
  if (!planned.ok) return planned;
  return ok({ kind: 'promql-plan', expr, root: planned.value });
}

interface Execution {
  readonly plan: QueryPlan;
  readonly times: QueryTimes;
  readonly options: QueryOptions;
  readonly signal: AbortSignal | undefined;
}

/** Waits for its turn, then evaluates; the time limit holds for both. */
async function execute(engine: Engine, execution: Execution): Promise<Result<QueryAnswer, QueryFailure>> {
  const { clock, settings, supervisor } = engine;
  const { plan, times, options, signal } = execution;
  const grid = gridFor(times, settings);
  if (!grid.ok) return grid;
  const startedMs = clock.monotonicMs();
  const timeoutMs = Math.min(options.timeoutMs, settings.timeoutMs);
  const deadlineMs = startedMs + timeoutMs;
  const work = async (inner: AbortSignal): Promise<Result<QueryAnswer, QueryFailure>> => {
    const { expr } = plan;
    const ticket = await supervisor.admit({ expr, times, options, startedMs, deadlineMs, signal: inner });
    if (!ticket.ok) return ticket;
    const limits = { grid: grid.value, startedMs, deadlineMs, signal: inner };
    return evaluateWithin(engine, execution, { ticket: ticket.value, ...limits });
  };
  return withDeadline(clock, timeoutMs, work, signal);
}

interface Within {
  readonly ticket: Ticket;
  readonly grid: Grid;
  readonly startedMs: number;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

async function evaluateWithin(
  engine: Engine,
  { plan, times, options }: Execution,
  { ticket, grid, startedMs, deadlineMs, signal }: Within,
): Promise<Result<QueryAnswer, QueryFailure>> {
  const { reader, clock, turns, settings, pool } = engine;
  const isOwn = options.principal.kind === 'system';
  const memory = new MemoryAccount(pool, { bytesMax: settings.bytesMax, minded: !isOwn });
  const run = new Run({
    reader,
    clock,
    turns,
    work: turns.start(isOwn ? 'urgent' : 'usual'),
    memory,
    settings,
    signal,
    deadlineMs,
    startMs: times.startMs,
    endMs: times.endMs,
    stepMs: times.stepMs,
    lookbackMs: options.lookbackMs ?? settings.lookbackMs,
    notBeforeMs: options.notBeforeMs,
  });
  const spent = () => ({
    seriesRead: run.seriesRead,
    samplesRead: run.samplesRead,
    bytesPeak: memory.peak,
  });
  ticket.watch(spent);
  let failure: QueryFailure | undefined;
  let heldBytes = 0;
  try {
    await run.resume();
    // Plans are made by `prepare` only, here or in another thread; the port's type cannot say so.
    const root = plan.root as unknown as Planned;
    const answered = await answerOf(run, await evaluateRoot(run, root, grid), { times, options });
    if (options.onHeld !== undefined) heldBytes = heldBy(answered);
    const durationMs = clock.monotonicMs() - startedMs;
    return ok({ ...answered, cost: { ...spent(), durationMs, queueMs: ticket.queueMs } });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    failure = error.failure;
    return err(failure);
  } finally {
    const handBack = memory.end(heldBytes);
    if (failure === undefined) options.onHeld?.(handBack);
    ticket.end(failure);
  }
}

function gridFor(times: QueryTimes, settings: EngineSettings): Result<Grid, QueryFailure> {
  const { startMs, endMs, stepMs } = times;
  if (stepMs === 0) return ok({ startMs: endMs, stepMs: 0, steps: 1 });
  if (!(stepMs > 0) || endMs < startMs) {
    return err({
      code: 'query-execution',
      message: 'Cannot run the query: the end must not be before the start, and the step must be above zero',
    });
  }
  const steps = Math.floor((endMs - startMs) / stepMs) + 1;
  if (steps > settings.stepsMax) {
    return err({
      code: 'query-limit',
      message:
        `Cannot run the query: exceeded maximum resolution of ${settings.stepsMax} points per timeseries; ` +
        'try a larger step or a shorter time range',
    });
  }
  return ok({ startMs, stepMs, steps });
}
