// The port by which everybody asks questions: the API, rules, recovery's verification, insight.

import type { Result } from '../base/index.ts';
import type { Labels } from './labels.ts';
import type { Principal } from './principal.ts';
import type { NativeHistogram, TargetId } from './sample.ts';
import type { ReadWork, TimeRange } from './store.ts';

/** A parsed and planned expression. Plain data: it survives structuredClone and may be kept and run many times. */
export interface QueryPlan {
  readonly kind: 'promql-plan';
  readonly expr: string;
  /** What the expression as a whole gives. */
  readonly type: 'scalar' | 'vector' | 'matrix' | 'string';
  readonly root: PlanNode;
}

/** A node of the plan; `op` names the operator, children are in `inputs`, everything else is its settings. */
export interface PlanNode {
  readonly op: string;
  readonly inputs: readonly PlanNode[];
  readonly settings: Readonly<Record<string, PlanValue>>;
}

export type PlanValue =
  | string
  | number
  | boolean
  | null
  | readonly PlanValue[]
  | { readonly [key: string]: PlanValue };

export interface QueryTimes {
  readonly startMs: number;
  readonly endMs: number;
  /** 0: an instant query at `endMs` (then startMs = endMs). */
  readonly stepMs: number;
}

export interface QueryOptions {
  readonly principal: Principal;
  /** Wall time that the query may take. */
  readonly timeoutMs: number;
  /** Defaults to the engine's (5 min). */
  readonly lookbackMs?: number;
  /** Samples at or before this instant are treated as absent: "fresh samples only". */
  readonly notBeforeMs?: number;
  /**
   * For an expression whose root is a filtering comparison, answer also the left side before filtering,
   * so that "fell below" and "is absent" can be told apart.
   */
  readonly wantUnfiltered?: boolean;
  /** The address that the question came from: callers that have no name are told apart by it. */
  readonly client?: string;
  /**
   * Is given what hands back the room of the answer, to be called once the answer is no longer held. Without it the room is
   * handed back with the answer: right for answers that are small or soon forgotten.
   */
  readonly onHeld?: (handBack: () => void) => void;
  /** Measure each operator of the plan: `QueryCost.operators`. */
  readonly explain?: boolean;
  /** Answer also how many samples each step looked at. */
  readonly wantStepCounts?: boolean;
}

export type QueryErrorCode =
  | 'query-parse'
  | 'query-execution'
  | 'query-limit'
  | 'query-overload'
  | 'query-timeout'
  | 'query-cancelled'
  | 'query-storage';

/** Offsets into the expression in UTF-16 code units, end exclusive. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

export interface QueryFailure {
  readonly code: QueryErrorCode;
  readonly message: string;
  readonly span?: TextSpan;
  /** All errors found while parsing, the first being the one above. */
  readonly all?: readonly { readonly message: string; readonly span: TextSpan }[];
}

export interface Annotation {
  readonly severity: 'warning' | 'info';
  readonly message: string;
  readonly span?: TextSpan;
}

/**
 * One series of an answer. Entry i belongs to step i (startMs + i * stepMs) and exists where `present[i]` is 1; for
 * `resultType` "matrix" of an instant query (a bare range selector) entries have the times in `timesMs` instead.
 */
export interface AnswerSeries {
  readonly labels: Labels;
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly timesMs?: Float64Array;
  readonly histograms?: ReadonlyMap<number, NativeHistogram>;
  /** The target that last produced the input, where exactly one did. */
  readonly producer?: TargetId;
}

export interface QueryCost {
  readonly seriesRead: number;
  readonly samplesRead: number;
  /** From the question to the answer, the wait in the queue included. */
  readonly durationMs: number;
  /** Of it, until the query was begun. */
  readonly queueMs: number;
  /** The most that it held at once, by its own account. */
  readonly bytesPeak: number;
  /** Looked at in each step: of a series that several steps look at more than were read. */
  readonly samplesByStep?: Float64Array;
  /** The root of the plan, where the query was to be explained. */
  readonly operators?: OperatorCost;
}

/** What one operator of the plan did. Over the whole tree `seriesRead` and `samplesRead` add up to those of the query. */
export interface OperatorCost {
  /** The plan node's operator. */
  readonly op: string;
  /** What it is called in the language: "sum", "rate", "/"; without a name there, the operator. */
  readonly name: string;
  /** The part of the expression that it stands for. */
  readonly text: string;
  /** Steps that it computed; one where its result is repeated. */
  readonly steps: number;
  /** Series in its result that have a value at any step. */
  readonly series: number;
  /** Read from storage by itself, not by its inputs. */
  readonly seriesRead: number;
  readonly samplesRead: number;
  /** Time without its inputs, and with them; waiting for storage and for the event loop included. */
  readonly selfMs: number;
  readonly totalMs: number;
  /** It took what an equal selector of the query had read before. */
  readonly isShared: boolean;
  readonly inputs: readonly OperatorCost[];
}

/** A query as people see it: that runs, waits, or is over. */
export interface QueryRecord {
  readonly id: number;
  /** Cut where it is very long. */
  readonly expr: string;
  readonly times: QueryTimes;
  readonly who: string;
  readonly client: string;
  /** Wall time of the question. */
  readonly atMs: number;
  /** So far, where it is not over. */
  readonly cost: QueryCost;
  readonly verdict: 'running' | 'waiting' | 'ok' | QueryErrorCode;
  /** Of a failure. */
  readonly message: string;
}

/** Found in the log of active queries: it ran when the process before this one died. */
export interface InterruptedQuery {
  readonly expr: string;
  readonly times: QueryTimes;
  readonly who: string;
  readonly client: string;
  readonly atMs: number;
}

export interface QueryActivity {
  readonly running: readonly QueryRecord[];
  readonly waiting: readonly QueryRecord[];
  /** The newest first. */
  readonly last: readonly QueryRecord[];
  /** The slowest first. */
  readonly slowest: readonly QueryRecord[];
  readonly interrupted: readonly InterruptedQuery[];
}

/** A long read that is no query: it takes its place among them. */
export interface LongRead {
  /** For those who look at what runs: the route and what it selects. */
  readonly text: string;
  readonly range: TimeRange;
  readonly principal: Principal;
  /** As in QueryOptions. */
  readonly client?: string | undefined;
}

/** One whose turn it is. */
export interface AdmittedRead extends ReadWork {
  /** Aborted when the client leaves or the time is up. */
  readonly signal: AbortSignal;
  /** Why `pause` or `reserve` has said no. */
  readonly stopped: QueryFailure | undefined;
  /** What has been read. */
  count(series: number, samples: number): void;
  /** Where memory was short: all is given back, and it waits; true when it is to begin from its start. */
  again(): Promise<boolean>;
  /** Bytes that are reserved. */
  readonly held: number;
  /** All that was reserved is given back but so many bytes. */
  keep(bytes: number): void;
  /** From now on the answer is sent piece by piece, at the client's pace: there is no time limit any more. */
  sends(): void;
  /** Once, in any case. Of an answer that is still held the room is handed back by calling the result. */
  end(failure: QueryFailure | undefined): () => void;
}

/** The queue of long reads. */
export interface ReadQueue {
  enter(read: LongRead, signal: AbortSignal): Promise<Result<AdmittedRead, QueryFailure>>;
}

export interface QueryAnswer {
  readonly times: QueryTimes;
  readonly resultType: 'scalar' | 'string' | 'vector' | 'matrix';
  /** "scalar": one entry without labels. "string": empty, see `text`. Vectors in the order of the engine (sort functions keep theirs). */
  readonly series: readonly AnswerSeries[];
  readonly text?: string;
  /** The left side of a root comparison before filtering, labels as in `series`; undefined where it does not apply. */
  readonly unfiltered?: readonly AnswerSeries[];
  readonly annotations: readonly Annotation[];
  readonly cost: QueryCost;
}

export interface Query {
  /** Parses, checks and plans. Never touches data. */
  prepare(expr: string): Result<QueryPlan, QueryFailure>;
  execute(
    plan: QueryPlan,
    times: QueryTimes,
    options: QueryOptions,
    signal?: AbortSignal,
  ): Promise<Result<QueryAnswer, QueryFailure>>;
}
