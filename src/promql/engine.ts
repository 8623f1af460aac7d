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
  type ReadQueue,
  type SeriesReader,
} from '../model/index.ts';
import { answerOf, heldBy } from './answer.ts';
import { evaluateRoot } from './evaluate.ts';
import { PlanMeasure } from './measure.ts';
import {
  Arena,
  type EngineSettings,
  type Grid,
  MemoryPool,
  Refusal,
  Run,
  SeriesLists,
  StepCounts,
} from './operators/index.ts';
import { parseExpr, returnTypeOf, typeOf } from './parser/index.ts';
import { type Planned, planExpr } from './plan/index.ts';
import { PlanCache } from './plan-cache.ts';
import {
  type ActiveLog,
  enterRead,
  MemoryAccount,
  MemoryBudget,
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
  // As Prometheus, with both ends of 11,000 steps: enough for a screen ten times over.
  stepsMax: 11_001,
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

export interface QueryEngine extends Query, ReadQueue {
  /** What runs and waits now, and what is remembered of those that are over. */
  activity(): QueryActivity;
}

interface Engine {
  readonly reader: SeriesReader;
  readonly clock: Clock;
  readonly settings: QuerySettings;
  readonly turns: Turns;
  /** Blocks that are used again. */
  readonly pool: MemoryPool;
  readonly lists: SeriesLists;
  readonly budget: MemoryBudget;
  readonly supervisor: Supervisor;
}

export function createQueryEngine(deps: QueryEngineDeps): QueryEngine {
  const { clock, reader } = deps;
  const settings = { ...DEFAULT_ENGINE_SETTINGS, ...deps.settings };
  const budget = new MemoryBudget(settings.totalBytesMax);
  const supervisor = new Supervisor({
    clock,
    log: deps.log ?? { log: () => {} },
    metrics: deps.metrics ?? new MetricRegistry(),
    budget,
    activeLog: deps.activeLog,
    settings,
  });
  const turns = deps.turns ?? new Turns(clock);
  const engine: Engine = {
    reader,
    clock,
    settings,
    turns,
    pool: new MemoryPool(clock),
    lists: new SeriesLists(clock),
    budget,
    supervisor,
  };
  const plans = new PlanCache();
  return {
    prepare: expr => prepare(plans, expr),
    execute: (plan, times, options, signal) => execute(engine, { plan, times, options, signal }),
    enter: (read, signal) => enterRead(engine, read, signal),
    activity: () => supervisor.activity(),
  };
}

function prepare(plans: PlanCache, expr: string): Result<QueryPlan, QueryFailure> {
  const known = plans.get(expr);
  if (known !== undefined) return ok(known);
  const parsed = parseExpr(expr);
  if (!parsed.ok) {
    const [first] = parsed.error;
    return err({ code: 'query-parse', message: first.message, span: first.span, all: parsed.error });
  }
  const type = typeOf(parsed.value, returnTypeOf);
  const plan: QueryPlan = { kind: 'promql-plan', expr, type, root: planExpr(parsed.value) };
  plans.add(plan);
  return ok(plan);
}

interface Execution {
  readonly plan: QueryPlan;
  readonly times: QueryTimes;
  readonly options: QueryOptions;
  readonly signal: AbortSignal | undefined;
}

/** Waits for its turn, then evaluates; the time limit holds for both. */
async function execute(engine: Engine, execution: Execution): Promise<Result<QueryAnswer, QueryFailure>> {
  const { clock, settings, supervisor, budget } = engine;
  const { plan, times, options, signal } = execution;
  const grid = gridFor(times, settings);
  if (!grid.ok) return grid;
  const startedMs = clock.monotonicMs();
  const timeoutMs = Math.min(options.timeoutMs, settings.timeoutMs);
  const deadlineMs = startedMs + timeoutMs;
  const minded = options.principal.kind !== 'system';
  const work = async (inner: AbortSignal): Promise<Result<QueryAnswer, QueryFailure>> => {
    const { expr } = plan;
    const ticket = await supervisor.admit({ expr, times, options, startedMs, deadlineMs, signal: inner });
    if (!ticket.ok) return ticket;
    const within = { ticket: ticket.value, grid: grid.value, startedMs, deadlineMs, signal: inner };
    // One for which there is no room now begins again when there is.
    for (;;) {
      const account = new MemoryAccount(budget, { bytesMax: settings.bytesMax, minded });
      const answered = await evaluateWithin(engine, execution, { ...within, account });
      const isShort = !answered.ok && answered.error.code === 'query-overload';
      if (isShort && (await ticket.value.again(account.othersHeld))) continue;
      ticket.value.end(answered.ok ? undefined : answered.error);
      return answered;
    }
  };
  return withDeadline(clock, timeoutMs, work, signal);
}

interface Within {
  readonly ticket: Ticket;
  readonly grid: Grid;
  readonly startedMs: number;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  readonly account: MemoryAccount;
}

async function evaluateWithin(
  engine: Engine,
  execution: Execution,
  within: Within,
): Promise<Result<QueryAnswer, QueryFailure>> {
  const { clock } = engine;
  const { plan, times, options } = execution;
  const { ticket, startedMs, account } = within;
  const memory = new Arena(engine.pool);
  const run = runOf(engine, execution, { ...within, memory });
  const spent = () => ({
    seriesRead: run.seriesRead,
    samplesRead: run.samplesRead,
    bytesPeak: account.peak,
  });
  ticket.watch(spent);
  let failure: QueryFailure | undefined;
  let heldBytes = 0;
  try {
    await run.resume();
    // Plans are made by `prepare` only, here or in another thread; the port's type cannot say so.
    const root = plan.root as unknown as Planned;
    const answered = await answerOf(run, await evaluateRoot(run, root, within.grid), times);
    if (options.onHeld !== undefined) heldBytes = heldBy(answered);
    const operators = run.inputs.measure?.root;
    const cost = {
      ...spent(),
      durationMs: clock.monotonicMs() - startedMs,
      queueMs: ticket.queueMs(),
      ...(operators === undefined ? {} : { operators }),
      ...(run.inputs.stepCounts && { samplesByStep: run.inputs.stepCounts.samples }),
    };
    // All of the answer is copies. After an error that nobody expected it is not given back.
    memory.release();
    return ok({ ...answered, cost });
  } catch (error) {
    failure = error instanceof Refusal ? error.failure : BUG;
    if (failure === BUG) {
      ticket.end(failure);
      throw error;
    }
    memory.release();
    return err(failure);
  } finally {
    const handBack = account.end(heldBytes);
    if (failure === undefined) options.onHeld?.(() => engine.supervisor.afterThat(handBack));
  }
}

/** As what it is remembered; the error itself goes on to whoever asked. */
const BUG: QueryFailure = { code: 'query-execution', message: 'An error of the program ended the query' };

function runOf(
  { reader, clock, turns, settings, lists }: Engine,
  { plan, times, options }: Execution,
  within: Within & { readonly memory: Arena },
): Run {
  const { grid, deadlineMs, signal, account, memory } = within;
  return new Run({
    reader,
    clock,
    turns,
    work: turns.start(options.principal.kind === 'system' ? 'urgent' : 'usual'),
    goOn: () => within.ticket.goOn(),
    account,
    memory,
    lists,
    settings,
    signal,
    deadlineMs,
    startMs: times.startMs,
    endMs: times.endMs,
    stepMs: times.stepMs,
    lookbackMs: options.lookbackMs ?? settings.lookbackMs,
    notBeforeMs: options.notBeforeMs,
    wantUnfiltered: options.wantUnfiltered === true,
    ...(options.explain === true ? { measure: new PlanMeasure(clock, plan.expr) } : {}),
    stepCounts: options.wantStepCounts === true ? new StepCounts(grid.steps) : undefined,
  });
}

function gridFor(times: QueryTimes, settings: EngineSettings): Result<Grid, QueryFailure> {
  const { startMs, endMs, stepMs } = times;
  if (stepMs === 0) return ok({ startMs: endMs, stepMs: 0, steps: 1, counts: 'each' });
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
  return ok({ startMs, stepMs, steps, counts: 'each' });
}
