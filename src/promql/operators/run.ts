// One execution of a query: its limits, deadline, cancellation, cost and annotations. Operators call `pause` between
// pieces of work, so that a long query neither outlives its deadline nor blocks the event loop, and `reserve` before they
// allocate.

import type { Clock, Turns, Work } from '../../base/index.ts';
import type {
  Annotation,
  NativeHistogram,
  OperatorCost,
  QueryErrorCode,
  QueryFailure,
  SeriesColumns,
  SeriesReader,
  TextSpan,
} from '../../model/index.ts';
import type { Planned } from '../plan/index.ts';
import { type MemoryAccount, memoryFailure } from '../running/index.ts';
import type { Arena } from './memory.ts';
import type { SeriesLists } from './series-lists.ts';
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
  /** Of memory, by the query's own account. */
  readonly bytesMax: number;
  /** Of memory, of all queries that run and all answers that are not sent yet. */
  readonly totalBytesMax: number;
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

/** Looking at the clock takes as long as a short row: it is done about so often, and at least each so many rows. */
const LOOK_EVERY_MS = 0.1;
const STRIDE_MAX = 32;

/** An entry of a column: its value, and whether it is there. */
export const CELL_BYTES = 9;
/** A series beside its columns: its meta, and at times labels of its own. */
export const SERIES_BYTES = 128;
/** A histogram without its buckets, and a bucket. */
const HISTOGRAM_BYTES = 320;
const BUCKET_BYTES = 8;

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
  readonly turns: Turns;
  /** This run among all long work. */
  readonly work: Work;
  /** Asked between pieces of work: undefined, or waits since memory is short and others come first. */
  readonly goOn: () => Promise<unknown> | undefined;
  readonly account: MemoryAccount;
  readonly settings: EngineSettings;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly lookbackMs: number;
  readonly notBeforeMs: number | undefined;
  readonly memory: Arena;
  /** What follows from lists of series, of all queries. */
  readonly lists: SeriesLists;
  /** Whether the left side of a comparison at the root is asked for as well. */
  readonly wantUnfiltered: boolean;
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
  /** Of so many questions whether a pause is due one looks at the clock. */
  #stride = 1;
  #asked = 0;
  #lookedMs = 0;

  constructor(inputs: RunInputs) {
    this.inputs = inputs;
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

  // --- limits -------------------------------------------------------------------------------------

  /** Accounts for entries about to be computed. */
  charge(cells: number): void {
    this.count(cells);
    this.reserve(cells * CELL_BYTES);
  }

  /** Accounts for samples, whose memory is accounted for elsewhere. */
  count(samples: number): void {
    this.#cells += samples;
    const { samplesMax } = this.inputs.settings;
    if (this.#cells > samplesMax) {
      this.fail(
        'query-limit',
        `Cannot evaluate the expression: it needs more than ${samplesMax} samples; narrow the selectors or the time range`,
      );
    }
  }

  /** Before bytes are allocated: all that a query allocates is there until its end. */
  reserve(bytes: number): void {
    const { account, settings } = this.inputs;
    const full = account.reserve(bytes);
    if (full !== undefined) throw new Refusal(memoryFailure(full, 'evaluate the expression', settings));
  }

  /** A histogram that was made; it may be passed on from node to node. */
  reserveHistogram({ positiveCounts, negativeCounts }: NativeHistogram): void {
    const buckets = positiveCounts.length + negativeCounts.length;
    this.reserve(HISTOGRAM_BYTES + buckets * BUCKET_BYTES);
  }

  newVector(series: readonly SeriesMeta[], steps: number): VectorValue {
    this.charge(series.length * steps);
    this.reserve(series.length * SERIES_BYTES);
    const cells = series.length * steps;
    return {
      kind: 'vector',
      steps,
      series,
      values: this.inputs.memory.zeros(cells),
      present: this.inputs.memory.zeroBytes(cells),
    };
  }

  // --- turns --------------------------------------------------------------------------------------

  /** Whether `pause` has something to do; cheap enough to ask for each row: most times nothing is looked at. */
  isDue(): boolean {
    return ++this.#asked >= this.#stride && this.#look();
  }

  #look(): boolean {
    const { clock, turns, signal } = this.inputs;
    const nowMs = clock.monotonicMs();
    const rowMs = (nowMs - this.#lookedMs) / this.#stride;
    this.#stride = Math.max(1, Math.min(STRIDE_MAX, Math.floor(LOOK_EVERY_MS / rowMs)));
    this.#asked = 0;
    this.#lookedMs = nowMs;
    return turns.isDue() || signal.aborted;
  }

  /** Other rows may take longer than those before: the next question is looked into. */
  beginsAnew(): void {
    this.#stride = 1;
  }

  /** Ends the query if it must end, else gives way to everything else. */
  async pause(): Promise<void> {
    this.#endIfDue();
    const others = this.inputs.goOn();
    if (others !== undefined) await others;
    await this.inputs.turns.next(this.inputs.work);
    this.#endIfDue();
  }

  /** After a wait for something else: goes on when it is this query's turn. */
  async resume(): Promise<void> {
    this.#endIfDue();
    const others = this.inputs.goOn();
    if (others !== undefined) await others;
    await this.inputs.turns.take(this.inputs.work);
    this.#endIfDue();
  }

  #endIfDue(): void {
    const { clock, signal, deadlineMs } = this.inputs;
    if (clock.monotonicMs() >= deadlineMs) {
      this.fail('query-timeout', 'Cannot evaluate the expression: the time limit was reached');
    }
    if (signal.aborted) this.fail('query-cancelled', 'The query was cancelled');
  }

  // --- names --------------------------------------------------------------------------------------

  /** A series whose value no longer is the metric's: its name goes, now or at the end. */
  dropName(meta: SeriesMeta): SeriesMeta {
    if (this.inputs.settings.delayedNameRemoval) return meta.dropName ? meta : { ...meta, dropName: true };
    return { ...meta, labels: withoutNameLabels(meta.labels) };
  }

  dropNames(series: readonly SeriesMeta[]): readonly SeriesMeta[] {
    const { settings, lists } = this.inputs;
    return settings.delayedNameRemoval ? series.map(meta => this.dropName(meta)) : lists.withoutNames(series);
  }

  /** In the order of labels, no two alike. */
  isRising(series: readonly SeriesMeta[]): boolean {
    return this.inputs.lists.isRising(series);
  }

  /** After labels changed: equal series become one, or fail where they overlap. */
  async unique(vector: VectorValue, span?: TextSpan): Promise<VectorValue> {
    if (this.isRising(vector.series)) return vector;
    const merged = await mergeEqualSeries(vector, this);
    if (merged === undefined) {
      this.failExecution('vector cannot contain metrics with the same labelset', span);
    }
    return merged;
  }

  /** After names were dropped; with delayed removal names still stand and nothing can clash yet. */
  async uniqueAfterDrop(vector: VectorValue, span?: TextSpan): Promise<VectorValue> {
    return this.inputs.settings.delayedNameRemoval ? vector : this.unique(vector, span);
  }

  /** Drops the names marked for it, at the end of the query. */
  async settleNames(vector: VectorValue): Promise<VectorValue> {
    if (!vector.series.some(meta => meta.dropName)) return vector;
    const series = vector.series.map(meta =>
      meta.dropName ? { ...meta, dropName: false, labels: withoutNameLabels(meta.labels) } : meta,
    );
    return this.unique({ ...vector, series });
  }
}

/** Of an array of samples and of what it belongs to, where a reader has not accounted for it. */
export function bytesOfSamples(samples: number): number {
  return SERIES_BYTES + samples * 16;
}
