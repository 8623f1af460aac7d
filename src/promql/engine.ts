// The Query port over a SeriesReader: parse, plan, run with limits, answer.

import { type Clock, err, ok, type Result, withDeadline } from '../base/index.ts';
import {
  type AnswerSeries,
  NO_LABELS,
  type Query,
  type QueryAnswer,
  type QueryFailure,
  type QueryOptions,
  type QueryPlan,
  type QueryTimes,
  type SeriesReader,
} from '../model/index.ts';
import { evaluateRoot } from './evaluate.ts';
import { PlanMeasure } from './measure.ts';
import {
  Arena,
  type EngineSettings,
  type Grid,
  type Histograms,
  histogramsWithin,
  MemoryPool,
  Refusal,
  Run,
  type SeriesMeta,
  StepCounts,
  sortedByLabels,
  type Value,
  type VectorValue,
  withoutEmptyRows,
} from './operators/index.ts';
import { parseExpr } from './parser/index.ts';
import { type Planned, planExpr } from './plan/index.ts';

export const DEFAULT_ENGINE_SETTINGS: EngineSettings = {
  lookbackMs: 300_000,
  // As in Prometheus: at nine bytes an entry this bounds one query to some 450 MB.
  samplesMax: 50_000_000,
  // A selector that wide is a mistake; it would take minutes and answer nothing a person can read.
  seriesMax: 500_000,
  // As Prometheus, with both ends of 11,000 steps: enough for a screen ten times over.
  stepsMax: 11_001,
  timeoutMs: 120_000,
  subqueryStepMs: 60_000,
  delayedNameRemoval: false,
  startTimestamps: false,
};

export interface QueryEngineDeps {
  readonly reader: SeriesReader;
  readonly clock: Clock;
  /** What is left out is taken from DEFAULT_ENGINE_SETTINGS. */
  readonly settings?: Partial<EngineSettings>;
}

export function createQueryEngine(deps: QueryEngineDeps): Query {
  const settings = { ...DEFAULT_ENGINE_SETTINGS, ...deps.settings };
  const pool = new MemoryPool(deps.clock);
  return {
    prepare,
    execute: (plan, times, options, signal) =>
      execute({ reader: deps.reader, clock: deps.clock, settings, pool, plan, times, options, signal }),
  };
}

function prepare(expr: string): Result<QueryPlan, QueryFailure> {
  const parsed = parseExpr(expr);
  if (!parsed.ok) {
    const [first] = parsed.error;
    return err({ code: 'query-parse', message: first.message, span: first.span, all: parsed.error });
  }
  return ok({ kind: 'promql-plan', expr, root: planExpr(parsed.value) });
}

interface Execution {
  readonly reader: SeriesReader;
  readonly clock: Clock;
  readonly settings: EngineSettings;
  readonly pool: MemoryPool;
  readonly plan: QueryPlan;
  readonly times: QueryTimes;
  readonly options: QueryOptions;
  readonly signal: AbortSignal | undefined;
}

async function execute(execution: Execution): Promise<Result<QueryAnswer, QueryFailure>> {
  const { clock, settings, times, options, signal } = execution;
  const grid = gridFor(times, settings);
  if (!grid.ok) return grid;
  const startedMs = clock.monotonicMs();
  const timeoutMs = Math.min(options.timeoutMs, settings.timeoutMs);
  const work = async (inner: AbortSignal): Promise<Result<QueryAnswer, QueryFailure>> => {
    const memory = new Arena(execution.pool);
    const run = new Run({
      memory,
      reader: execution.reader,
      clock,
      settings,
      signal: inner,
      deadlineMs: startedMs + timeoutMs,
      startMs: times.startMs,
      endMs: times.endMs,
      stepMs: times.stepMs,
      lookbackMs: options.lookbackMs ?? settings.lookbackMs,
      notBeforeMs: options.notBeforeMs,
      ...(options.explain === true ? { measure: new PlanMeasure(clock, execution.plan.expr) } : {}),
      stepCounts: options.wantStepCounts === true ? new StepCounts(grid.value.steps) : undefined,
    });
    try {
      const answered = await answer(run, execution, { grid: grid.value, startedMs });
      // All of the answer is copies. After an error that nobody expected it is not given back.
      memory.release();
      return ok(answered);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      memory.release();
      return err(error.failure);
    }
  };
  return withDeadline(clock, timeoutMs, work, signal);
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

async function answer(
  run: Run,
  { plan, times, options, clock }: Execution,
  { grid, startedMs }: { readonly grid: Grid; readonly startedMs: number },
): Promise<QueryAnswer> {
  // Plans are made by `prepare` only, here or in another thread; the port's type cannot say so.
  const root = plan.root as unknown as Planned;
  const { value, unfiltered } = await evaluateRoot(run, root, grid);
  const range = times.stepMs > 0;
  if (range && (value.kind === 'matrix' || value.kind === 'string')) {
    const word = value.kind === 'matrix' ? 'range vector' : 'string';
    run.failExecution(`invalid expression type "${word}" for range query, must be scalar or instant vector`);
  }
  const operators = run.inputs.measure?.root;
  const wanted = options.wantUnfiltered === true && unfiltered !== undefined;
  return {
    times,
    ...answerValue(run, value, range),
    ...(wanted ? { unfiltered: vectorSeries(run, unfiltered, range) } : {}),
    annotations: [...run.annotations.values()],
    cost: {
      seriesRead: run.seriesRead,
      samplesRead: run.samplesRead,
      durationMs: clock.monotonicMs() - startedMs,
      ...(operators === undefined ? {} : { operators }),
      ...(run.inputs.stepCounts && { samplesByStep: run.inputs.stepCounts.samples }),
    },
  };
}

function answerValue(
  run: Run,
  value: Value,
  range: boolean,
): Pick<QueryAnswer, 'resultType' | 'series'> & { readonly text?: string } {
  switch (value.kind) {
    case 'string':
      return { resultType: 'string', series: [], text: value.text };
    case 'scalar': {
      const labels = NO_LABELS;
      const present = new Uint8Array(value.values.length).fill(1);
      return { resultType: range ? 'matrix' : 'scalar', series: [{ labels, values: value.values, present }] };
    }
    case 'vector':
      return { resultType: range ? 'matrix' : 'vector', series: vectorSeries(run, value, range) };
    case 'matrix':
      return { resultType: 'matrix', series: matrixSeries(value) };
  }
}

function vectorSeries(run: Run, vector: VectorValue, range: boolean): AnswerSeries[] {
  const settled = run.unique(run.settleNames(withoutEmptyRows(vector)));
  const ordered = range ? sortedByLabels(settled) : settled;
  const { steps } = ordered;
  return ordered.series.map((meta, row) => ({
    // Copies, so that a series may be kept or sent to another thread without the whole slab.
    ...answerMeta(meta),
    values: ordered.values.slice(row * steps, (row + 1) * steps),
    present: ordered.present.slice(row * steps, (row + 1) * steps),
    ...answerHistograms(ordered.histograms, row * steps, (row + 1) * steps),
  }));
}

function matrixSeries(matrix: Value & { kind: 'matrix' }): AnswerSeries[] {
  const series: AnswerSeries[] = [];
  for (const { meta, timesMs, values, histograms, first, end } of matrix.series) {
    const from = first[0] ?? 0;
    const to = end[0] ?? 0;
    if (to <= from) continue;
    series.push({
      ...answerMeta(meta),
      values: values.slice(from, to),
      timesMs: timesMs.slice(from, to),
      present: new Uint8Array(to - from).fill(1),
      ...answerHistograms(histograms, from, to),
    });
  }
  return series;
}

function answerHistograms(
  histograms: Histograms | undefined,
  from: number,
  to: number,
): Pick<AnswerSeries, 'histograms'> {
  const within = histograms && histogramsWithin(histograms, from, to);
  return within === undefined || within.size === 0 ? {} : { histograms: within };
}

function answerMeta({ labels, producer }: SeriesMeta): Pick<AnswerSeries, 'labels' | 'producer'> {
  return typeof producer === 'string' ? { labels, producer } : { labels };
}
