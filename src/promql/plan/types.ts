// The plan's nodes as a closed union. Each variant is a PlanNode of the model: plain data that may cross to a worker.
// Durations are milliseconds; those that depend on the query's step or range are kept as small trees.

import type { Matcher } from '../../model/index.ts';

export type PlannedDuration =
  | number
  | { readonly kind: 'literal'; readonly seconds: number }
  | { readonly kind: 'step' }
  | { readonly kind: 'range' }
  | { readonly kind: 'negate'; readonly of: PlannedDuration }
  | {
      readonly kind: '+' | '-' | '*' | '/' | '%' | '^' | 'min_of' | 'max_of';
      readonly left: PlannedDuration;
      readonly right: PlannedDuration;
    };

/** NaN, the infinities and -0 as text, so that a plan survives JSON too; Number() reads both. */
export type PlannedNumber = number | string;

export type PlannedAt = number | 'start' | 'end' | null;

export type PlannedMatcher = {
  readonly name: string;
  readonly op: Matcher['op'];
  readonly value: string;
};

export type PlannedSpan = { readonly start: number; readonly end: number };

export type PlannedSource = {
  readonly matchers: readonly PlannedMatcher[];
  readonly offset: PlannedDuration;
  readonly at: PlannedAt;
  readonly modifier: 'smoothed' | 'anchored' | null;
  /** The function applied directly: a hint for the reader. */
  readonly func: string;
  /** Only counts and sums of its histograms are asked for: whoever reads them tells where counters were reset. */
  readonly detectsResets?: true;
  readonly span: PlannedSpan;
};

export type PlannedMatching = {
  readonly on: boolean;
  readonly labels: readonly string[];
  readonly card: 'one-to-one' | 'many-to-one' | 'one-to-many';
  readonly include: readonly string[];
  readonly fillLeft: PlannedNumber | null;
  readonly fillRight: PlannedNumber | null;
};

type Node<Op extends string, Settings, Inputs extends readonly Planned[]> = {
  readonly op: Op;
  readonly inputs: Inputs;
  readonly settings: Settings;
};

export type SelectNode = Node<'select', PlannedSource, readonly []>;
/** The times of the samples that `select` would take, or since when they count: timestamp(), start_timestamp(). */
export type SelectTimesNode = Node<'select-times', PlannedSource & { readonly of?: 'start' }, readonly []>;
export type SelectRangeNode = Node<
  'select-range',
  PlannedSource & { readonly range: PlannedDuration },
  readonly []
>;
export type SubqueryNode = Node<
  'subquery',
  {
    readonly range: PlannedDuration;
    /** Null: the engine's default. */
    readonly step: PlannedDuration | null;
    readonly offset: PlannedDuration;
    readonly at: PlannedAt;
    readonly span: PlannedSpan;
  },
  readonly [Planned]
>;
export type CallNode = Node<
  'call',
  { readonly func: string; readonly span: PlannedSpan; readonly argSpans: readonly PlannedSpan[] },
  readonly Planned[]
>;
export type AggregateNode = Node<
  'aggregate',
  {
    readonly func: string;
    readonly without: boolean;
    readonly grouping: readonly string[];
    readonly span: PlannedSpan;
    readonly paramSpan: PlannedSpan;
  },
  /** The aggregated vector, then the parameter if there is one. */
  readonly Planned[]
>;
export type NegateNode = Node<'negate', { readonly span: PlannedSpan }, readonly [Planned]>;
export type BinaryNode = Node<
  'binary',
  {
    readonly operator: string;
    readonly bool: boolean;
    readonly matching: PlannedMatching;
    readonly span: PlannedSpan;
  },
  readonly [Planned, Planned]
>;
/** Its input does not depend on the step: evaluated once and repeated. */
export type RepeatNode = Node<'repeat', { readonly span: PlannedSpan }, readonly [Planned]>;
export type NumberNode = Node<'number', { readonly value: PlannedNumber }, readonly []>;
export type TextNode = Node<'string', { readonly text: string }, readonly []>;

export type Planned =
  | SelectNode
  | SelectTimesNode
  | SelectRangeNode
  | SubqueryNode
  | CallNode
  | AggregateNode
  | NegateNode
  | BinaryNode
  | RepeatNode
  | NumberNode
  | TextNode;
