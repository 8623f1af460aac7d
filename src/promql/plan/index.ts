// promql/plan: syntax tree → plan.

export { planExpr, resolveDuration } from './plan.ts';
export type {
  AggregateNode,
  BinaryNode,
  CallNode,
  Planned,
  PlannedAt,
  PlannedDuration,
  PlannedMatcher,
  PlannedMatching,
  PlannedNumber,
  PlannedSource,
  PlannedSpan,
  RepeatNode,
  SelectNode,
  SelectRangeNode,
  SelectTimesNode,
  SubqueryNode,
} from './types.ts';
