// One execution of a query: its limits, deadline, cancellation, cost and annotations. Operators call `pause` between
// pieces of work, so that a long query neither outlives its deadline nor blocks the event loop.

import type { Clock } from '../../base/index.ts';
import type {
  Annotation,
  OperatorCost,
  QueryErrorCode,
  QueryFailure,
  SeriesColumns,
  SeriesReader,
  TextSpan,
} from '../../model/index.ts';
import type { Planned } from '../plan/index.ts';
import type { Arena } from './memory.ts';
import type { StepCounts } from './step-counts.ts';
import type { Grid, SeriesMeta, Value, VectorValue } from './values.ts';
import { mergeEqualSeries, withoutNameLabels } from './values.ts';

export interface EngineSettings {
  /** How far back an instant selector looks. */
  readonly lookbackMs: number;
  /** Samples read plus entries computed. */
  readonly samplesMax: number;
  /** Series one selector may match. */
  readonly seriesMax: number;
  readonly stepsMax: number;
  /** Upper bound of any query's time limit. */
  readonly timeoutMs: number;
  /** Step of a subquery that names none. */
  readonly subqueryStepMs: number;
  /** Prometheus's feature of the same name: names are dropped at the end of the query, not by each operator. */
  readonly delayedNameRemoval: boolean;
  /** Prometheus's "use-start-timestamps": rate and its kin go by what samples say of when they began. */
  readonly startTimestamps: boolean;
}

/** Carries a failure from the depth of an evaluation to the engine's border, which turns it into a Result. */
export class Refusal extends Error {
  readonly failure: QueryFailure;

  constructor(failure: QueryFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Longest stretch without giving the event loop a turn: well below the 50 ms that the rest of the process allows. */
const SLICE_MS = 25;

/** Measures what each operator does (measure.ts). */
export interface Measure {
  /** The whole plan, once its root is evaluated. */
  readonly root: OperatorCost | undefined;
  /** Around `work`, the evaluation of a node. */
  of<T>(
    at: { readonly run: Run; readonly node: Planned; readonly grid: Grid },
    work: () => Promise<T>,
    resultOf: (result: T) => Value,
  ): Promise<T>;
  /** The operator at work takes what an equal one has read or computed before. */
  shared(): void;
}

export interface RunInputs {
  readonly reader: SeriesReader;
  readonly clock: Clock;
  readonly settings: EngineSettings;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly lookbackMs: number;
  readonly notBeforeMs: number | undefined;
  readonly memory: Arena;
  /** There only for a query that is to be explained. */
  readonly measure?: Measure;
  /** Where somebody wants to know. */
  readonly stepCounts?: StepCounts | undefined;
}

export class Run {
  readonly inputs: RunInputs;
  readonly annotations = new Map<string, Annotation>();
  /** What selectors of this run have read, so that equal ones read once. */
  readonly reads = new Map<string, Promise<readonly SeriesColumns[]>>();
  seriesRead = 0;
  samplesRead = 0;
  #cells = 0;
  #sliceStartMs: number;

  constructor(inputs: RunInputs) {
    this.inputs = inputs;
    this.#sliceStartMs = inputs.clock.monotonicMs();
  }

  fail(code: QueryErrorCode, message: string, span?: TextSpan): never {
    throw new Refusal(span === undefined ? { code, message } : { code, message, span });
  }

  failExecution(message: string, span?: TextSpan): never {
    this.fail('query-execution', message, span);
  }

  annotate(severity: 'warning' | 'info', message: string, span?: TextSpan): void {
    const text = `PromQL ${severity}: ${message}`;
    const key = `${text}@${span?.start ?? ''}`;
    if (this.annotations.has(key)) return;
    this.annotations.set(
      key,
      span === undefined ? { severity, message: text } : { severity, message: text, span },
    );
  }

  /** Accounts for entries about to be computed or samples read. */
  charge(cells: number): void {
    this.#cells += cells;
    const { samplesMax } = this.inputs.settings;
    if (this.#cells > samplesMax) {
      this.fail(
        'query-limit',
        `Cannot evaluate the expression: it needs more than ${samplesMax} samples; narrow the selectors or the time range`,
      );
    }
  }

  newVector(series: readonly SeriesMeta[], steps: number): VectorValue {
    this.charge(series.length * steps);
    const cells = series.length * steps;
    return {
      kind: 'vector',
      steps,
      series,
      values: this.inputs.memory.zeros(cells),
      present: this.inputs.memory.zeroBytes(cells),
    };
  }

  /** Whether `pause` has something to do; cheap enough to ask for each row. */
  isDue(): boolean {
    return this.inputs.clock.monotonicMs() - this.#sliceStartMs >= SLICE_MS || this.inputs.signal.aborted;
  }

  /** Ends the query if it must end, else gives the event loop a turn. */
  async pause(): Promise<void> {
    const { clock, signal, deadlineMs } = this.inputs;
    if (clock.monotonicMs() >= deadlineMs) {
      this.fail('query-timeout', 'Cannot evaluate the expression: the time limit was reached');
    }
    if (!signal.aborted) {
      await new Promise<void>(resolve => {
        clock.after(0, resolve);
      });
    }
    if (signal.aborted) this.fail('query-cancelled', 'The query was cancelled');
    this.#sliceStartMs = clock.monotonicMs();
  }

  // --- names --------------------------------------------------------------------------------------

  /** A series whose value no longer is the metric's: its name goes, now or at the end. */
  dropName(meta: SeriesMeta): SeriesMeta {
    if (this.inputs.settings.delayedNameRemoval) return meta.dropName ? meta : { ...meta, dropName: true };
    return { ...meta, labels: withoutNameLabels(meta.labels) };
  }

  /** After labels changed: equal series become one, or fail where they overlap. */
  unique(vector: VectorValue, span?: TextSpan): VectorValue {
    const merged = mergeEqualSeries(vector);
    if (merged === undefined) {
      this.failExecution('vector cannot contain metrics with the same labelset', span);
    }
    return merged;
  }

  /** After names were dropped; with delayed removal names still stand and nothing can clash yet. */
  uniqueAfterDrop(vector: VectorValue, span?: TextSpan): VectorValue {
    return this.inputs.settings.delayedNameRemoval ? vector : this.unique(vector, span);
  }

  /** Drops the names marked for it, at the end of the query. */
  settleNames(vector: VectorValue): VectorValue {
    if (!vector.series.some(meta => meta.dropName)) return vector;
    const series = vector.series.map(meta =>
      meta.dropName ? { ...meta, dropName: false, labels: withoutNameLabels(meta.labels) } : meta,
    );
    return this.unique({ ...vector, series });
  }
}
